"""Active content that somebody may hand in: each trick tells on itself when it runs or fetches something.

A trick that runs calls `hack("its name")`, which the tests define before a page loads; one that fetches asks for
http://tricks.test/its-name. Markdown tricks are sources of text cells; displays are what a cell may show.
"""

from __future__ import annotations

import base64
import copy
import io
from collections.abc import Iterator
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

SITE = "http://tricks.test"


def svg(name: str) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="hack(\'{name}\')">'
            f"<script>hack('{name}')</script><image href='{SITE}/{name}'/></svg>")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def picture() -> str:
    """A small honest PNG."""
    figure, axes = plt.subplots(figsize=(1, 1))
    axes.plot([1, 2, 4])
    file = io.BytesIO()
    figure.savefig(file, format="png")
    plt.close(figure)
    return base64.b64encode(file.getvalue()).decode()


MARKDOWN = {
    "script": "Text <script>hack('script')</script>",
    "handler": "<img src=x onerror=\"hack('handler')\">",
    "link": "[a link](javascript:hack('link'))",
    "coded-link": "[a link](java&#115;cript:hack('coded-link'))",
    "html-link": "<a href=\" javascript:hack('html-link')\">another</a>",
    "reference": "[a link][1]\n\n[1]: javascript:hack('reference')",
    "mermaid": "```mermaid\n</pre><img src=x onerror=\"hack('mermaid')\">\n```",
    "tracker": f"![a picture]({SITE}/tracker)",
    "html-tracker": f"<p style='background:url({SITE}/html-tracker)'>text</p><img src='{SITE}/html-tracker'>",
    "frame": f"<iframe src='{SITE}/frame' srcdoc=\"<script>parent.hack('frame')</script>\"></iframe>",
    "svg": "<svg onload=\"hack('svg')\"><script>hack('svg')</script></svg>",
    "form": f"<form action='{SITE}/form'><input autofocus onfocus=\"hack('form')\"><button>Send</button></form>",
    "style": f"<style>@import url({SITE}/style); body {{ display: none }}</style><link rel=stylesheet href={SITE}/style>",
    "comment": "<!--><img src=x onerror=\"hack('comment')\">-->",
    "toggle": "<details open ontoggle=\"hack('toggle')\">text</details>",
    "mixed": "<math><mtext><table><mglyph><style><!--</style>"
             "<img title=\"--&gt;&lt;img src=1 onerror=hack('mixed')&gt;\">",
    "video": "<video><source onerror=\"hack('video')\"></video>",
    "object": f"<object data='{SITE}/object'></object><embed src='{SITE}/object'>",
    "base": f"<base href='{SITE}/base/'><img src='pixel'>",
    "noscript": "<noscript><p title=\"</noscript><img src=x onerror=hack('noscript')>\">",
    "unclosed": "text\n\n<img src=x onerror=\"hack('unclosed')\"\n\n",
    "in-a-table": "| a | b |\n|---|---|\n| <img src=x onerror=\"hack('in-a-table')\"> | 2 |",
    "in-a-heading": "# Title <img src=x onerror=\"hack('in-a-heading')\">",
    "in-a-picture": "![\"><img src=x onerror=\"hack('in-a-picture')\">](nothing.png)",
    "file": "[open this](evil.html) ![](evil.svg)",
    "refresh": f"<meta http-equiv=refresh content='0;url={SITE}/refresh'>",
}
DISPLAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "shown-script": ({"text/html": "<b>shown</b><script>hack('shown-script')</script>"}, {}),
    "shown-handler": ({"text/html": "<img src=x onerror=\"hack('shown-handler')\">"}, {}),
    "javascript": ({"application/javascript": "hack('javascript')", "text/plain": "x"}, {}),
    "isolated": ({"text/html": f"<img src='{SITE}/isolated'>"}, {"text/html": {"isolated": True}}),
    "width": ({"image/png": picture()}, {"image/png": {"width": "1 onload=hack('width')"}}),
    "fake-png": ({"image/png": "\"><img src=x onerror=\"hack('fake-png')\">"}, {}),
    "shown-svg": ({"image/svg+xml": svg("shown-svg"), "text/plain": "x"}, {}),
    "shown-markdown": ({"text/markdown": "<img src=x onerror=\"hack('shown-markdown')\">"}, {}),
    "shown-link": ({"text/markdown": "[a link](javascript:hack('shown-link'))"}, {}),
    "latex": ({"text/latex": "$\\href{javascript:hack('latex')}{x}$ <img src=x onerror=\"hack('latex')\">"}, {}),
    "widget": ({"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "x"}, {}),
    "broken-widget": ({"application/vnd.jupyter.widget-view+json": {}, "text/plain": "x"}, {}),
    "file-name": ({"image/png": picture()}, {"filenames": {"image/png": f"{SITE}/file-name"}}),
    "odd-kind": ({"<img src=x onerror=\"hack('odd-kind')\">": "x", "text/plain": "x"}, {}),
    "own-svg-link": ({"text/html": f"<svg><a href=\"javascript:hack('own-svg-link')\"><text y=20>click</text></a>"
                                   f"<image href='{SITE}/own-svg-link'/></svg>"}, {}),
}
CODE = {
    "printed": "print('<img src=x onerror=\"hack(1)\"> \\x1b]8;;http://tricks.test/printed\\x07click\\x1b]8;;\\x07')",
    "raised": "raise type('<img src=x onerror=hack(1)>', (Exception,), {})('<script>hack(1)</script>')",
    "in the code": "# </pre><script>hack('code')</script>\n'</div><img src=x onerror=\"hack(1)\">'",
}


def cells(*, run: bool) -> Iterator[NotebookNode]:
    """Every trick as a cell.

    run: cells whose outputs are still to be made by running them; else with the outputs that they would make.
    """
    for source in MARKDOWN.values():
        yield new_markdown_cell(source)
    for mime in ("image/svg+xml", "text/html"):
        name = f"attached-{mime[-3:]}"
        yield new_markdown_cell(f"![a drawing](attachment:{name})", attachments={name: {mime: encoded(svg(name))}})
    yield new_raw_cell("<script>hack('raw')</script><img src=x onerror=\"hack('raw')\">",
                       metadata={"raw_mimetype": "text/html", "tags": ["\" onmouseover=\"hack('tag')"]})
    for data, metadata in DISPLAYS.values():
        source = f"from IPython.display import display\ndisplay({data!r}, metadata={metadata!r}, raw=True)"
        shown = [] if run else [new_output("display_data", copy.deepcopy(data), metadata=copy.deepcopy(metadata))]
        yield new_code_cell(source, outputs=shown)
    for source in CODE.values():
        yield new_code_cell(source)


HONEST_MARKDOWN = """\
## My answer

The gradient of $x^2$ is **2x**, see [here](#My-answer) and [the manual](https://docs.example.org/autograd).

| x | slope |
|--:|------:|
| 1 | `2`   |

- a < b, and `a & b`
- $$\\frac{a}{b}$$
"""


def honest() -> list[NotebookNode]:
    """What has to look after cleaning as it did before: text, formulas, tables, pictures."""
    show = "from IPython.display import display\n"
    table = "<table><tr><th>x</th></tr><tr><td>an honest table</td></tr></table>"
    return [
        new_markdown_cell(HONEST_MARKDOWN),
        new_markdown_cell("Kept: <b>an honest bold word</b><br>![mine](attachment:mine.png)",
                          attachments={"mine.png": {"image/png": picture()}}),
        new_code_cell("print('an honest print: 1 < 2 & 3')"),
        new_code_cell(f"{show}display({{'text/html': {table!r}}}, raw=True)"),
        new_code_cell(f"{show}display({{'image/png': {picture()!r}}}, metadata={{'image/png': {{'width': 77}}}}, raw=True)"),
        new_code_cell("import minigrad as mg\nx = mg.ones(2, requires_grad=True)\n(x * 2).sum()"),
        new_code_cell("raise ValueError('an honest mistake')"),
    ]

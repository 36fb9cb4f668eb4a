"""`sanitise` on any notebook: nothing active is left, honest content stays as it is, and nothing makes it stop."""

from __future__ import annotations

import copy
import json
import re
import time
from html.parser import HTMLParser
from types import SimpleNamespace

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import markdown2html
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from tricks import DISPLAYS, MARKDOWN, SITE, cells, encoded, picture, svg

from graders.bundle import ROOT, chapters
from graders.sanitise import PICTURES, drawing, sanitise

# What nbconvert's renderer of Markdown and `sanitise` themselves write.
OWN_TAGS = set("a b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr img input li ol p pre span strong "
               "summary table tbody td th thead tr ul".split())
OWN_ATTRIBUTES = set("align alt checked class colspan disabled height href id rowspan src start style title type width".split())


class Active(HTMLParser):
    """Notes every element, attribute and address that could run or fetch something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.found += [] if tag in OWN_TAGS else [tag]
        for name, value in attrs:
            own = name in OWN_ATTRIBUTES
            if name in ("href", "src"):
                own = (value or "").startswith(("#", "data:image/png;base64,", "data:image/jpeg;base64,"))
            if name == "style":
                own = (value or "").startswith("text-align:")
            self.found += [] if own else [f"{tag} {name}={value}"]


def active(html: str) -> list[str]:
    parser = Active()
    parser.feed(html)
    parser.close()
    return parser.found


def text_cell(source: str, **fields) -> tuple[str, list[str]]:
    """A text cell after cleaning: its source, and what was said."""
    nb = new_notebook(cells=[new_markdown_cell(source, **fields)])
    said = sanitise(nb)
    return nb.cells[0].source, said


def shown(data, metadata=None) -> tuple[NotebookNode, list[str]]:
    """An output after cleaning, and what was said."""
    nb = new_notebook(cells=[new_code_cell("", outputs=[new_output("display_data", data, metadata=metadata or {})])])
    said = sanitise(nb)
    return nb.cells[0].outputs[0], said


@pytest.mark.parametrize("name", MARKDOWN)
def test_a_trick_in_a_text_cell_is_harmless_afterwards(name):
    source, _ = text_cell(MARKDOWN[name])
    assert active(markdown2html(source)) == []
    assert text_cell(source)[0] == source


@pytest.mark.parametrize("name", DISPLAYS)
def test_a_trick_in_an_output_is_harmless_afterwards(name):
    output, _ = shown(*copy.deepcopy(DISPLAYS[name]))
    assert active(output.data.get("text/html", "")) == []
    assert active(markdown2html(output.data.get("text/markdown", ""))) == []
    assert set(output.data) <= {"text/plain", "text/html", "text/markdown", "text/latex", *PICTURES}
    assert all(type(v) is int for size in output.metadata.values() for v in size.values())


@pytest.mark.parametrize("chapter", chapters())
def test_the_chapters_themselves_stay_as_they_are(chapter):
    nb = nbformat.read(ROOT / "solutions" / chapter / f"{chapter}.ipynb", as_version=4)
    before = copy.deepcopy(nb)
    assert sanitise(nb) == []
    assert [cell.source for cell in nb.cells] == [cell.source for cell in before.cells]
    for cell, other in zip(nb.cells, before.cells, strict=True):
        for output, old in zip(cell.get("outputs", []), other.get("outputs", []), strict=True):
            assert set(output.get("data", {})) == set(old.get("data", {}))
            assert output.get("text") == old.get("text")
    nbformat.validate(nb)


TRICKY = st.sampled_from([
    "<", ">", "\"", "'", "&", "`", "```", "~~~", "$", "$$", "\\(", "\\\\[", "\\begin{a}", "\\end{a}", "\n", "\n\n", " ", "    ",
    "[", "]", "(", ")", "![", "](", "*", "_", "|", "---", "#", ":", "- ", "> ", "1. ", "<!--", "-->", "<![CDATA[", "]]>", "<?",
    "a", "x=1", "img src=x onerror=hack()", "<img src=x onerror=hack()>", "<script>", "</script>", "<a href=", "javascript:x",
    "http://a.test", "mermaid", "\\href", "\\style{", "attachment:", "data:image/png;base64,", "\x00", "\u2028", "&#60;", "&lt;",
])  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(TRICKY, max_size=14).map("".join))
def test_no_text_cell_at_all_is_active_afterwards(source):
    clean, _ = text_cell(source)
    html = markdown2html(clean)
    assert active(html) == []
    typeset = re.sub(r"<(pre|code)\b.*?</\1>", "", html, flags=re.DOTALL)  # MathJax leaves code alone
    assert not re.search(r"\\href(?![A-Za-z])", typeset)
    assert text_cell(clean)[0] == clean


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=6)
KINDS = st.sampled_from(["text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml", *PICTURES]) | st.text()
OUTPUTS = st.fixed_dictionaries(
    {"output_type": st.sampled_from(["stream", "error", "display_data", "execute_result"]) | JSON},
    optional={"data": st.dictionaries(KINDS, JSON, max_size=3) | JSON, "metadata": st.dictionaries(KINDS, JSON, max_size=2),
              "text": JSON, "traceback": JSON, "ename": JSON, "evalue": JSON, "execution_count": JSON, "name": JSON})


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(OUTPUTS, max_size=3), JSON, JSON, JSON)
def test_no_output_or_metadata_at_all_makes_it_stop(outputs, attachments, metadata, grading):
    cell = nbformat.from_dict({"cell_type": "code", "source": "", "metadata": {"nbgrader": grading, "tags": metadata},
                               "outputs": outputs, "execution_count": None, "id": "a"})
    text = nbformat.from_dict({"cell_type": "markdown", "source": "![](attachment:a)", "metadata": {}, "id": "b",
                               "attachments": {"a": attachments}})
    nb = nbformat.from_dict({
        "metadata": {"kernelspec": metadata, "widgets": metadata, "language_info": {"name": metadata}},
        "cells": [cell, text], "nbformat": 4, "nbformat_minor": 5})
    said = sanitise(nb)
    nbformat.validate(nb)
    assert all(isinstance(line, str) and active(markdown2html(line)) == [] for line in said)
    again = json.dumps(nb)
    sanitise(nb)
    assert json.dumps(nb) == again


def test_pictures_stay_and_what_only_says_that_it_is_one_goes():
    png = picture()
    assert shown({"image/png": png}, {"image/png": {"width": 30, "height": "30"}})[0] == new_output(
        "display_data", {"image/png": png.strip()}, metadata={"image/png": {"width": 30}})
    for wrong in (encoded("no picture"), "%%%", "", png[:20], png + "<img>"):
        output, said = shown({"image/png": wrong, "text/plain": "twin"})
        assert dict(output.data) == {"text/plain": "twin"}
        assert said == ["Cell 1: an output of the kind `image/png` was removed."]
    source, said = text_cell("![mine](attachment:a.png)", attachments={"a.png": {"image/png": png}})
    assert (source, said) == ("![mine](attachment:a.png)", [])


def test_a_picture_that_would_fill_the_memory_of_a_browser_goes():
    import base64
    import struct
    import zlib

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    assert "image/png" not in shown({"image/png": base64.b64encode(bomb).decode()})[0].data


def test_a_missing_attachment_does_not_stop_the_feedback():
    """nbconvert raises at it, and the student would get no feedback at all."""
    nb = new_notebook(cells=[new_markdown_cell("![a](attachment:nothing.png)")])
    with pytest.raises(Exception, match="missing attachment"):
        HTMLExporter(template_name="classic").from_notebook_node(nb)
    sanitise(nb)
    assert "[picture: a (attachment:nothing.png)]" in HTMLExporter(template_name="classic").from_notebook_node(nb)[0]


def test_a_drawing_is_kept_whole_or_not_at_all():
    plain = '<svg xmlns="http://www.w3.org/2000/svg" width="9"><g><path d="M0 0L1 1"/><text x="1">a &lt; b</text></g></svg>'
    assert drawing(plain) is not None
    for wrong in (svg("x"), plain.replace("<g>", '<g onclick="x()">'), plain.replace("path", "foreignObject"),
                  plain.replace('d="M0 0L1 1"', 'fill="url(http://a.test)"'), plain.replace('d="M0 0L1 1"', 'style="x"'),
                  '<!DOCTYPE svg [<!ENTITY a "b">]>' + plain, "<html/>", "", "<svg>"):
        assert drawing(wrong) is None, wrong


def test_escape_sequences_of_terminals_go_and_their_text_stays():
    output = new_output("stream", text="\x1b[31mred\x1b[0m \x1b]8;;http://a.test\x07link\x1b]8;;\x07 \x00\x08end\n\tüñ\n")
    nb = new_notebook(cells=[new_code_cell("", outputs=[output])])
    sanitise(nb)
    assert nb.cells[0].outputs[0].text == "red link end\n\tüñ\n"


def test_a_raw_cell_is_shown_as_text():
    nb = new_notebook(cells=[new_raw_cell("<b>x</b> \\href{a}{b}", metadata={"raw_mimetype": "text/html"})])
    sanitise(nb)
    assert nb.cells[0].source == "&lt;b&gt;x&lt;/b&gt; href{a}{b}"
    assert nb.cells[0].metadata == {}


def test_metadata_is_nbgraders_own_or_gone():
    nbgrader = {"grade_id": "a", "points": 2, "grade": True, "solution": False, "locked": True, "comment": "<script>"}
    nb = new_notebook(cells=[new_code_cell("", metadata={"nbgrader": nbgrader, "tags": ["\"><script>"], "alt": "x"}),
                             new_code_cell("", metadata={"nbgrader": {"grade_id": "\"><script>"}})],
                      metadata={"widgets": {"a": 1}, "title": "x", "language_info": {"name": "python", "x": ["y"]}})
    sanitise(nb)
    assert "comment" not in nb.cells[0].metadata.nbgrader
    assert [dict(cell.metadata) for cell in nb.cells][1] == {}
    assert nb.metadata == {"language_info": {"name": "python"}}


@pytest.mark.parametrize("source", [
    "\\begin{a}" * 20_000, "$$" * 50_000 + "x", "[" * 30_000, "> " * 5_000 + "x", "*a " * 9_000, "`" * 30_000, "<" * 60_000,
    "- " * 9_000, "![](" * 9_000, "<!--" * 9_000, "[a](" * 4_900, "\\begin{a}" * 2_200, "$$ " * 6_600, "| " * 9_999 + "\n|--",
])  # fmt: skip
def test_text_that_is_made_to_keep_a_renderer_busy_is_shown_as_it_was_typed(source):
    started = time.process_time()
    clean, _ = text_cell(source)
    markdown2html(clean)
    assert time.process_time() - started < 60  # where rendering as Markdown takes far longer, or for ever


def test_fifty_megabytes_of_anything_leave_a_small_notebook():
    big = encoded("x" * 50_000_000)
    nb = new_notebook(cells=[
        new_markdown_cell("![](attachment:a.png)", attachments={"a.png": {"image/png": big}}), new_markdown_cell(big),
        new_code_cell(big), new_raw_cell(big), new_code_cell("", outputs=[new_output("display_data", {"text/html": big})]),
    ])  # fmt: skip
    assert sanitise(nb)
    assert len(json.dumps(nb)) < 3_000_000


def test_a_notebook_of_tricks_says_what_went_and_holds_none(monkeypatch):
    nb = new_notebook(cells=[*cells(run=False)])
    said = sanitise(nb)
    assert len(said) > 25
    html, _ = HTMLExporter(template_name="classic").from_notebook_node(nb)
    body = SimpleNamespace(text=html[html.index('id="notebook-container"'):])
    assert "<script" not in body.text.replace("&lt;script", "")
    assert f'"{SITE}' not in body.text

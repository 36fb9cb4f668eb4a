"""Makes a graded notebook safe to open: what a student's code or text put in it can neither run nor fetch anything.

`sanitise` works on the notebook itself, before nbconvert makes feedback or formgrader's page of it. What stays is plain
text, PNG, JPEG and GIF pictures, drawings (SVG) made of plain shapes, and HTML that is text, tables and pictures. HTML
goes through nh3, the binding of ammonia: it parses as browsers do, so that both see the same elements. No score is
decided here, and nothing in it depends on who reads the page.
"""

from __future__ import annotations

import base64
import html
import io
import re
import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import nh3
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbformat.v4 import new_output
from PIL import Image

PICTURES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF"}
PICTURE_BYTES, PICTURE_PIXELS = 5_000_000, 40_000_000
NOTEBOOK_PICTURE_BYTES = 20_000_000
SVG_BYTES = 2_000_000
MARKDOWN_CHARACTERS = 20_000  # longer text is shown as it was typed: rendering it can take hours, if it is made for that
SOURCE_CHARACTERS = 200_000

_TAGS = set(
    "b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li ol p pre s span strong sub "
    "summary sup table tbody td tfoot th thead tr u ul".split()
)
_ATTRIBUTES = {"img": {"src", "alt", "width", "height"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
_GONE_WITH_CONTENT = {"script", "style", "template", "noscript", "iframe", "object", "title", "textarea", "svg", "math"}
# What MathJax can do beside typesetting: link, load, style, and give such a command another name.
_TEX = re.compile(
    r"\\(?=(?:href|url|style|class|cssId|data|require|bbox|mmlToken|html\w*|includegraphics|begingroup|csname"
    r"|[egx]?def|let|futurelet|newcommand|renewcommand|providecommand|newenvironment|Newextarrow|Declare\w*)(?![a-z]))"
)
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor moves
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # links and titles
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]",
    re.MULTILINE,
)
_COMMENT = re.compile(r"\s*<!--(?!>|->)[^<>]*-->\s*")

_SVG = "http://www.w3.org/2000/svg"
_SHAPES = set("svg g path polygon polyline ellipse circle rect line text tspan title desc".split())
_SHAPE_ATTRIBUTES = set(
    "class cx cy d dominant-baseline dx dy fill fill-opacity font-family font-size font-style font-weight height id opacity "
    "points preserveAspectRatio r role rx ry stroke stroke-dasharray stroke-linecap stroke-linejoin stroke-miterlimit "
    "stroke-opacity stroke-width text-anchor textLength transform version viewBox width x x1 x2 y y1 y2 "
    "{http://www.w3.org/XML/1998/namespace}space".split()
)

_NBGRADER = set("cell_type checksum grade grade_id locked points remove schema_version solution task".split())
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_SPECS = {"kernelspec": {"name", "display_name"}, "language_info": {"name"}}
_NAME = re.compile(r"[\w .+()-]{1,64}")


def sanitise(nb: NotebookNode) -> list[str]:
    """Remove from a notebook, in place, all that could run or fetch something when somebody opens a page made from it.

    Returns what was removed, one line of words for each kind and cell; [] for an honest notebook. Whatever the cells and
    outputs hold, nothing is raised.
    """
    cleaner = _Cleaner()
    nb.metadata = NotebookNode(
        {name: kept for name, needed in _SPECS.items() if needed <= (kept := _named(nb.metadata.get(name))).keys()}
    )
    for number, cell in enumerate(nb.cells, 1):
        cleaner.where = f"Cell {number}"
        cleaner.cell(cell)
        if "id" in cell and not (isinstance(cell.id, str) and _ID.fullmatch(cell.id)):
            cell.id = f"cell-{number}"
    return list(dict.fromkeys(cleaner.removed))


class _Cleaner:
    """The walk through one notebook: notes what is removed, and counts the bytes of pictures."""

    def __init__(self) -> None:
        self.removed: list[str] = []
        self.where = ""
        self.room = NOTEBOOK_PICTURE_BYTES

    def note(self, what: str) -> None:
        self.removed.append(f"{self.where}: {what} was removed.")

    def cell(self, cell: NotebookNode) -> None:
        """Clean one cell; of its metadata nbgrader's own remains."""
        meta = cell.get("metadata", {}).get("nbgrader")
        cell.metadata = NotebookNode()
        if isinstance(meta, dict) and _ID.fullmatch(str(meta.get("grade_id", ""))):
            plain = {k: v for k, v in meta.items() if k in _NBGRADER and isinstance(v, str | int | float)}
            cell.metadata.nbgrader = NotebookNode(plain)
        source, attachments = _text(cell.get("source")), cell.pop("attachments", None)
        if cell.cell_type == "markdown":
            kept = self.attachments(attachments)
            cell.source = self.markdown(source, kept)
            if cell.source == source and kept:
                cell.attachments = NotebookNode({name: NotebookNode(data) for name, data in kept.items()})
            return
        if len(source) > SOURCE_CHARACTERS:
            source = f"{source[:SOURCE_CHARACTERS]}\n# ... {len(source) - SOURCE_CHARACTERS} characters more"
        if cell.cell_type == "code":
            cell.source = source
            cell.outputs = [self.output(out) for out in cell.get("outputs", []) if isinstance(out, dict)]
        else:
            cell.source = _TEX.sub("", html.escape(source, quote=False)) if "<" in source else _TEX.sub("", source)

    # Outputs

    def output(self, out: dict[str, Any]) -> NotebookNode:
        """A new output that shows the harmless part of `out`."""
        kind = out.get("output_type")
        if kind == "stream":
            name = "stderr" if out.get("name") == "stderr" else "stdout"
            return new_output("stream", name=name, text=self.plain(out.get("text")))
        if kind == "error":
            lines = out.get("traceback")
            trace = [self.plain(line) for line in lines] if isinstance(lines, list) else []
            return new_output("error", ename=self.plain(out.get("ename")), evalue=self.plain(out.get("evalue")),
                              traceback=trace)
        data, metadata = out.get("data"), out.get("metadata")
        data, metadata = (part if isinstance(part, dict) else {} for part in (data, metadata))
        kept, sizes = NotebookNode(), NotebookNode()
        clean: dict[str, Callable[[Any], str | None]] = {
            "text/plain": self.plain,
            "text/latex": lambda value: _TEX.sub("", self.plain(value)),
            "text/html": lambda value: self.html(_text(value)),
            "text/markdown": lambda value: self.markdown(_text(value), {}),
            "image/svg+xml": lambda value: drawing(_text(value)),
            **{mime: partial(self.picture, mime) for mime in PICTURES},
        }
        for mime, value in data.items():
            shown = clean[mime](value) if mime in clean else None
            if shown is None:
                self.note(f"an output of the kind `{_kind(mime)}`")
                continue
            kept[mime] = shown
            size = metadata.get(mime) if mime in PICTURES else None
            if isinstance(size, dict):
                sizes[mime] = NotebookNode({k: v for k in ("width", "height")
                                            if type(v := size.get(k)) is int and 0 < v < 10_000})
        if not kept:
            kept["text/plain"] = "(what was shown here was removed)"
        if kind == "execute_result":
            count = out.get("execution_count")
            return new_output("execute_result", kept, metadata=sizes,
                              execution_count=count if type(count) is int else None)
        return new_output("display_data", kept, metadata=sizes)

    def plain(self, value: Any) -> str:
        """Text without escape sequences: terminals and nbconvert give some of them a meaning."""
        return _CONTROL.sub("", _text(value))

    def picture(self, mime: str, value: Any) -> str | None:
        """A picture in base64, as long as it is one and the notebook has room; None for anything else."""
        data = _picture(mime, value)
        if data is None or len(data) > self.room:
            return None
        self.room -= len(data)
        return base64.b64encode(data).decode()

    def attachments(self, attachments: Any) -> dict[str, dict[str, str]]:
        """The pictures among the attachments of a cell."""
        kept: dict[str, dict[str, str]] = {}
        for name, data in attachments.items() if isinstance(attachments, dict) else ():
            for mime, value in data.items() if isinstance(data, dict) else ():
                shown = self.picture(mime, value)
                if shown is None:
                    self.note(f"an attachment of the kind `{_kind(mime)}`")
                else:
                    kept.setdefault(_text(name), {})[mime] = shown
        return kept

    # HTML and Markdown

    def html(self, source: str) -> str:
        """HTML of which nothing is left but text, tables and pictures that it holds itself."""
        if len(source) > SOURCE_CHARACTERS and "data:image/" not in source:
            self.note("a long piece of HTML")
            return "<pre>(a long piece of HTML was removed)</pre>"
        clean = nh3.clean(
            source, tags=_TAGS, attributes=_ATTRIBUTES, clean_content_tags=_GONE_WITH_CONTENT, strip_comments=True,
            attribute_filter=_attribute, url_schemes={"data"}, link_rel=None,
        )  # fmt: skip
        clean = _TEX.sub("", clean)
        if _elements(source) != _elements(clean):
            self.note("HTML that is not plain text, a table or a picture")
        return clean

    def markdown(self, source: str, attachments: dict[str, dict[str, str]]) -> str:
        """Markdown as it is, where it holds nothing but Markdown; else what it shows, as HTML on one line."""
        if _COMMENT.fullmatch(source):
            return source
        shown, special = _render(source, attachments) if attachments else _render_once(source)
        if not special:
            return source
        if shown is None:
            return _as_typed(source)
        # An HTML block of Markdown ends at an empty line, so there is none; in HTML a newline may be written as &#10;.
        clean = self.html(shown.strip()).replace("\r", "").replace("\n", "&#10;")
        return clean if clean.startswith("<div>") else f"<div>{clean}</div>"


def _render(source: str, attachments: dict[str, dict[str, str]]) -> tuple[str | None, bool]:
    """The HTML of a Markdown text (None: do not render it), and whether it is more than plain Markdown."""
    if len(source) > MARKDOWN_CHARACTERS:
        return None, True
    renderer = _Plain(attachments)
    try:
        shown = MarkdownWithMath(renderer=renderer).render(source)
    except Exception:  # nbconvert, which uses the same renderer, would stop at it too
        return None, True
    return shown, renderer.special or bool(_TEX.search(html.unescape(shown)))


# The text of a chapter comes back in every submission.
_render_once = lru_cache(maxsize=1000)(lambda source: _render(source, {}))


class _Plain(IPythonRenderer):
    """nbconvert's renderer of Markdown, which notices all that is not plain text and shows the addresses of links."""

    def __init__(self, attachments: dict[str, dict[str, str]]) -> None:
        super().__init__(escape=False, attachments=attachments)
        self.special = False

    def block_html(self, html: str) -> str:
        self.special = True
        return super().block_html(html)

    def inline_html(self, html: str) -> str:
        self.special = True
        return super().inline_html(html)

    def block_mermaidjs(self, code: str) -> str:
        self.special = True
        return f"<pre>{self.escape_html(code)}</pre>"

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if re.fullmatch(r"#[\w.-]*", url):
            return super().link(text, url, title)
        self.special = True
        shown = html.escape(url)
        return text if shown == text else f"{text} ({shown})"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        name = url.removeprefix("attachment:")
        if (url.startswith("attachment:") and name in self.attachments) or _data_picture(url):
            return super().image(text, url, title)
        self.special = True
        return f"[picture: {text or 'no text'} ({html.escape(url[:200])})]"


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "src":
        return value if _data_picture(value) else None
    return value if name == "alt" or re.fullmatch(r"\d{1,4}", value) else None


def _data_picture(url: str) -> bool:
    """Whether an address holds a picture itself."""
    found = re.fullmatch(r"data:(image/\w+);base64,([A-Za-z0-9+/=\s]*)", url)
    return bool(found and _picture(found[1], found[2]) is not None)


def _as_typed(source: str) -> str:
    """Markdown that shows `source` letter by letter."""
    longest = max(map(len, re.findall(r"`+", source)), default=0)
    fence = "`" * max(3, longest + 1)
    more = len(source) - SOURCE_CHARACTERS
    tail = f"\n... {more} characters more" if more > 0 else ""
    return f"{fence}\n{source[:SOURCE_CHARACTERS]}{tail}\n{fence}"


class _Elements(HTMLParser):
    """Notes which elements, event handlers and addresses there are."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        # An anchor that nbconvert puts at a heading is no loss.
        if tag not in ("a", "tbody"):
            self.found.append(tag)
        self.found += [name for name, value in attrs
                       if name.startswith("on") or (name in ("src", "href") and not (value or "").startswith("#"))]


def _elements(source: str) -> list[str]:
    parser = _Elements()
    try:
        parser.feed(source)
        parser.close()
    except Exception:  # Python's parser gives up at some broken declarations
        return ["broken"]
    return sorted(parser.found)


# Pictures


def _picture(mime: str, value: Any) -> bytes | None:
    """The bytes of a picture of the kind `mime` in base64, or None where `value` is none or is too large to show."""
    if mime not in PICTURES or not isinstance(value, str) or len(value) > 1.4 * PICTURE_BYTES:
        return None
    try:
        data = base64.b64decode("".join(value.split()), validate=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            width, height = Image.open(io.BytesIO(data), formats=[PICTURES[mime]]).size  # reads the head alone
    except Exception:
        return None
    return data if len(data) <= PICTURE_BYTES and width * height <= PICTURE_PIXELS else None


def drawing(source: str) -> str | None:
    """An SVG picture written anew, or None where it is more than plain shapes and text: a part of a picture would lie."""
    if len(source) > SVG_BYTES or "<!ENTITY" in source:
        return None
    try:
        root = ElementTree.fromstring(source)
    except (ElementTree.ParseError, ValueError):
        return None
    for element in root.iter():
        if not isinstance(element.tag, str) or element.tag.removeprefix(f"{{{_SVG}}}") not in _SHAPES:
            return None
        if not element.attrib.keys() <= _SHAPE_ATTRIBUTES or any("url(" in v.lower() for v in element.attrib.values()):
            return None
    ElementTree.register_namespace("", _SVG)
    return ElementTree.tostring(root, encoding="unicode")


def _named(spec: Any) -> NotebookNode:
    """The fields of a part of a notebook's metadata that hold a plain name."""
    fields = ("name", "display_name", "language", "pygments_lexer")
    found = {field: spec.get(field) for field in fields} if isinstance(spec, dict) else {}
    return NotebookNode({k: v for k, v in found.items() if isinstance(v, str) and _NAME.fullmatch(v)})


def _kind(mime: Any) -> str:
    """A MIME type in words that may stand in Markdown."""
    name = _text(mime)
    return name if re.fullmatch(r"[\w.+/-]{1,80}", name, re.ASCII) else "unknown"


def _text(value: Any) -> str:
    """The text of a field of a notebook, which may be a list of lines."""
    if isinstance(value, list):
        return "".join(map(str, value))
    return value if isinstance(value, str) else "" if value is None else str(value)

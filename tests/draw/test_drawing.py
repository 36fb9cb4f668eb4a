"""How a picture looks: its DOT, the SVG that a notebook shows, the program that draws it, and its size and speed."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import graphviz
import pytest
from graphviz.backend import dot_command

import minigrad as mg
from minigrad import drawing

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def square():
    x = mg.tensor(3.0, requires_grad=True)
    return x * x, {"x": x}


def test_the_dot_of_a_small_graph(square):
    y, params = square
    assert mg.draw(y, params).source == """\
digraph autograd {
	bgcolor=transparent color="#7b7b7b" fontname=Helvetica fontsize=9 nodesep=0.25 rankdir=TB ranksep=0.35
	node [fontname=Helvetica fontsize=10 height=0.3 margin="0.10,0.05" penwidth=1.2]
	edge [arrowsize=0.7 color="#7b7b7b" fontname=Helvetica fontsize=9]
	n0 [label=<<FONT COLOR="#111827"><B>result</B></FONT><BR/><FONT COLOR="#111827">() float32</FONT><BR/>\
<FONT COLOR="#111827">9</FONT>> class=n0 color="#4b5563" fillcolor="#f3f4f6" shape=box style="filled, rounded"]
	n1 [label=<<FONT COLOR="#111827"><B>MulBackward0</B></FONT><BR/><FONT COLOR="#111827">saves a, b</FONT>> class=n1 \
color="#b45309" fillcolor="#fef3c7" shape=ellipse style=filled]
	n2 [label=<<FONT COLOR="#111827"><B>AccumulateGrad</B></FONT>> class=n2 color="#15803d" fillcolor="#dcfce7" \
shape=hexagon style=filled]
	n3 [label=<<FONT COLOR="#111827"><B>x</B></FONT><BR/><FONT COLOR="#111827">() float32</FONT><BR/>\
<FONT COLOR="#111827">3</FONT><BR/><FONT COLOR="#111827">grad None</FONT>> class=n3 color="#1d4ed8" \
fillcolor="#dbeafe" shape=box style=filled]
	n0 -> n1 [label=<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="1"><TR><TD BGCOLOR="#f3f4f6"><FONT COLOR="#374151">\
grad_fn</FONT></TD></TR></TABLE>> arrowhead=vee class=e0 style=dashed]
	n1 -> n2 [label=<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="1"><TR><TD BGCOLOR="#f3f4f6"><FONT COLOR="#374151">\
0: ()</FONT></TD></TR></TABLE>> arrowhead=normal class=e1 style=solid]
	n1 -> n2 [label=<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="1"><TR><TD BGCOLOR="#f3f4f6"><FONT COLOR="#374151">\
1: ()</FONT></TD></TR></TABLE>> arrowhead=normal class=e2 style=solid]
	n2 -> n3 [arrowhead=normal class=e3 style=solid]
}
"""


def test_equal_graphs_are_equal_texts_and_equal_pictures():
    def picture():
        x = mg.tensor([1.0, 2.0], requires_grad=True)
        return mg.draw((x * x.detach() + x[0]).sum(), names="locals", saved=True, legend=True)

    first, second = picture(), picture()
    assert first.source == second.source
    assert first.pipe("svg") == second.pipe("svg")
    assert not re.search(r"0x[0-9a-f]{6}", first.source + first.pipe("svg", encoding="utf-8"))


def test_what_comes_back_is_a_digraph_that_saves_and_renders(square, tmp_path):
    picture = mg.draw(*square)
    assert isinstance(picture, graphviz.Digraph)
    assert picture.render("graph", directory=tmp_path, format="png") == str(tmp_path / "graph.png")
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "graph").read_text() == picture.source
    picture.render(outfile=tmp_path / "graph.svg")
    assert "<desc>Graph of result" in (tmp_path / "graph.svg").read_text()
    assert picture.save("again", directory=tmp_path) == str(tmp_path / "again")


def test_a_notebook_shows_svg_with_a_title_a_description_and_named_parts(square):
    y, params = square
    bundle = mg.draw(y, params)._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "text/plain"}
    svg = ElementTree.fromstring(bundle["image/svg+xml"])
    assert svg.get("role") == "img"
    assert svg.find(f"{SVG}title").text == "Graph of result: 2 nodes, 1 leaf"
    assert svg.find(f"{SVG}desc").text == mg.describe(y, params) == bundle["text/plain"]
    assert {title.text for title in svg.iter(f"{SVG}title")} >= {"MulBackward0", "MulBackward0 to AccumulateGrad", "x"}


def test_names_from_users_cannot_break_the_picture(square):
    y, params = square
    name = '<b>&"\\n\x00]\'--></svg><script>\u2028é'
    svg = mg.draw(y, {name: params["x"]}).pipe("svg", encoding="utf-8")
    texts = [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert '<b>&"\\n?]\'--></svg><script>?é' in texts
    assert "<script>" not in svg


def test_roles_differ_in_shape_or_outline_and_not_only_in_colour():
    looks = [(shape, style) for shape, style, _ in drawing.SHAPES.values()]
    assert len(set(looks)) == len(looks)


def contrast(a: str, b: str) -> float:
    """The contrast of two colours as WCAG 2 defines it."""
    def luminance(colour: str) -> float:
        parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", drawing.THEMES)
def test_every_text_has_the_contrast_that_wcag_asks_for(name):
    theme = drawing.THEMES[name]
    pairs = [(text, fill) for fill, _, text in [*theme.roles.values(), theme.wrong]]
    pairs += [(theme.label, theme.behind), (theme.flow, theme.behind)]
    assert [(a, b) for a, b in pairs if contrast(a, b) < 4.5] == []
    pages = {"light": ["#ffffff"], "dark": ["#111111"], "auto": ["#ffffff", "#111111"]}[name]  # JupyterLab's own
    assert [page for page in pages if contrast(theme.line, page) < 3] == []


def test_the_theme_changes_colours_and_nothing_else(square):
    texts = [re.sub("#[0-9a-f]{6}", "#", mg.draw(*square, theme=theme).source) for theme in drawing.THEMES]
    assert texts[0] == texts[1] == texts[2]


def test_the_legend_explains_the_roles_that_occur_and_no_others(square):
    source = mg.draw(*square, legend=True).source
    assert re.findall(r"^\t\tlegend_(\w+) \[label", source, re.MULTILINE) == ["result", "leaf", "operation", "accumulate"]
    assert "legend" not in mg.draw(*square).source


def test_the_guilty_node_is_red_has_a_thick_border_and_says_so(square):
    y, params = square
    node = next(line for line in mg.draw(y, params, guilty=y).source.splitlines() if line.startswith("\tn1 ["))
    assert 'color="#dc2626"' in node
    assert "penwidth=3" in node
    assert "! wrong here" in node


# ---- the program that draws
@pytest.fixture
def programs(monkeypatch, tmp_path):
    """Only the programs that a test puts there: a function that makes one, which says its own name."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(drawing.PROGRAM, raising=False)
    monkeypatch.setattr(drawing.sysconfig, "get_path", lambda *_: str(tmp_path))
    monkeypatch.setattr(drawing.sys, "executable", str(tmp_path / "python"))

    def make(name: str) -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '<svg width=\"{name}\">\n</svg>'\n")
        path.chmod(0o755)
        return str(path)
    return make


def test_without_any_program_looking_gives_the_words_and_rendering_says_what_to_install(square, programs, tmp_path):
    picture = mg.draw(*square)
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "pip install graphviz-pure" in bundle["text/plain"]
    assert bundle["text/plain"].endswith(picture.picture.words())
    for call in (lambda: picture.pipe("png"), lambda: picture.render("x", directory=tmp_path)):
        with pytest.raises(graphviz.ExecutableNotFound, match="pip install graphviz-pure"):
            call()


def test_the_wheel_s_program_is_used_first_and_one_setting_prefers_another(square, programs, monkeypatch):
    picture = mg.draw(*square)
    dot = programs("dot")
    assert drawing.find_program("svg") == dot
    pure = programs("graphviz-pure")
    assert drawing.find_program("svg") == pure
    assert 'width="graphviz-pure"' in picture.pipe("svg", encoding="utf-8")
    monkeypatch.setenv("MINIGRAD_DOT", "dot")
    assert drawing.find_program("svg") == dot
    assert 'width="dot"' in picture.pipe("svg", encoding="utf-8")
    assert str(dot_command.DOT_BINARY) == "dot", "the graphviz package is left as it was"


def test_pdf_needs_the_system_s_dot_and_says_so(square, programs):
    programs("graphviz-pure")
    with pytest.raises(graphviz.ExecutableNotFound, match="'pdf' needs Graphviz's own `dot`"):
        mg.draw(*square).pipe("pdf")
    dot = programs("dot")
    assert drawing.find_program("pdf") == dot


def test_a_program_that_fails_does_not_break_looking(square, programs, tmp_path):
    programs("graphviz-pure")
    (tmp_path / "graphviz-pure").write_text("#!/bin/sh\nexit 3\n")
    assert "Graph of result" in mg.draw(*square)._repr_mimebundle_()["text/plain"]


# ---- size and speed
@pytest.mark.parametrize(("shape", "count"), [("chain", 99_951), ("tree", 99_952)])
def test_a_graph_of_a_hundred_thousand_nodes_is_shown_in_two_seconds(shape, count):
    x = mg.tensor(1.0, requires_grad=True)
    if shape == "chain":
        y = x
        for _ in range(50_000):
            y = y * 1.0 + x
    else:
        level = [x * float(i) for i in range(50_001)]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=False)
            level = [a + b for a, b in pairs] + level[len(level) // 2 * 2:]
        y = level[0]
    start = time.perf_counter()
    picture = mg.draw(y, {"x": x})
    svg = picture.pipe("svg", encoding="utf-8")
    taken = time.perf_counter() - start
    assert f"{count:,} more nodes" in svg
    assert taken < 2


def test_importing_minigrad_loads_neither_graphviz_nor_the_drawing():
    code = ("import sys, minigrad\n"
            "names = ('graphviz', 'matplotlib', 'minigrad.drawing', 'minigrad.recording')\n"
            "print([name for name in names if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

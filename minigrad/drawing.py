"""Draws the state of autograd with Graphviz: what led to a tensor, what was saved for the way back, and the gradients.

What there is to see is read by `scanning`; here are only looks: shapes and colours, the program that draws, and what a
notebook shows. A role has its own shape, so that a picture can be read without colour.
"""
from __future__ import annotations

import contextlib
import dataclasses
import html
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import graphviz
from graphviz.backend import dot_command

from .scanning import Item, Picture, scan

PROGRAM = "MINIGRAD_DOT"  # environment variable: the program to draw with; `dot` prefers the one on the PATH
NOTHING_DRAWS = (
    "There is no program to draw the graph with. Install one with `pip install graphviz-pure`, or put Graphviz's `dot` "
    "on the PATH (https://graphviz.org/download). Until then minigrad.describe(...) says what the picture would show.")
NOT_PURE = (
    "The format {!r} needs Graphviz's own `dot` on the PATH (https://graphviz.org/download). SVG and PNG do not.")
PURE = ("svg", "png", "jpg", "jpe", "jpeg", "dot", "gv", "canon", "plain", "plain-ext", "json", "json0", "dot_json",
        "xdot", "xdot1.2", "xdot1.4", "xdot_json")  # the formats that graphviz-pure writes
FONT = "Helvetica"

SHAPES = {  # role -> shape, style, what the legend says
    "result": ("box", "filled, rounded", "result of an operation"),
    "leaf": ("box", "filled", "leaf"),
    "operation": ("ellipse", "filled", "operation"),
    "accumulate": ("hexagon", "filled", "adds to a leaf's grad"),
    "constant": ("box", "filled, dashed", "gets no gradient"),
    "saved": ("note", "filled", "kept for backward"),
    "summary": ("box3d", "filled", "not shown"),
}
ARROWS = {  # kind of link -> what is written on it, its looks
    "gradient": ("", {"style": "solid", "arrowhead": "normal"}),
    "stops": ("", {"style": "dashed", "arrowhead": "tee"}),
    "grad_fn": ("grad_fn", {"style": "dashed", "arrowhead": "vee"}),
    "saves": ("saves", {"style": "dotted", "arrowhead": "dot", "constraint": "false"}),
    "view": ("view of", {"style": "dashed", "arrowhead": "empty"}),
    "memory": ("same memory", {"style": "dotted", "arrowhead": "none", "constraint": "false"}),
}


@dataclasses.dataclass(frozen=True)
class Theme:
    """Colours: lines; labels on them and what is behind these; gradients; roles, each as (fill, border, text)."""

    line: str
    label: str
    behind: str
    flow: str
    wrong: tuple[str, str, str]
    roles: Mapping[str, tuple[str, str, str]]


PALE = {
    "result": ("#f3f4f6", "#4b5563", "#111827"), "leaf": ("#dbeafe", "#1d4ed8", "#111827"),
    "operation": ("#fef3c7", "#b45309", "#111827"), "accumulate": ("#dcfce7", "#15803d", "#111827"),
    "constant": ("#ffffff", "#6b7280", "#374151"), "saved": ("#fae8ff", "#a21caf", "#111827"),
    "summary": ("#e5e7eb", "#4b5563", "#111827"),
}
DEEP = {
    "result": ("#374151", "#d1d5db", "#f9fafb"), "leaf": ("#1e3a8a", "#93c5fd", "#f9fafb"),
    "operation": ("#5c3a0a", "#fbbf24", "#f9fafb"), "accumulate": ("#14532d", "#86efac", "#f9fafb"),
    "constant": ("#1f2937", "#9ca3af", "#d1d5db"), "saved": ("#581c66", "#f0abfc", "#f9fafb"),
    "summary": ("#4b5563", "#d1d5db", "#f9fafb"),
}
WRONG = ("#fee2e2", "#dc2626", "#991b1b")
THEMES = {
    "auto": Theme("#7b7b7b", "#374151", "#f3f4f6", "#6d28d9", WRONG, PALE),  # readable on white and on black
    "light": Theme("#4b5563", "#374151", "#ffffff", "#6d28d9", WRONG, PALE),
    "dark": Theme("#9ca3af", "#e5e7eb", "#1f2937", "#c4b5fd", ("#7f1d1d", "#f87171", "#fee2e2"), DEEP),
}


# ---------------------------------------------------------------- a Picture as DOT
def label(rows: Iterable[tuple[str, str, bool]], behind: str = "") -> str:
    """An HTML-like label of (text, colour, bold) rows, every text escaped; with a colour `behind` it."""
    lines = []
    for text, colour, bold in rows:
        shown = html.escape(text)
        lines.append(f'<FONT COLOR="{colour}">' + (f"<B>{shown}</B>" if bold else shown) + "</FONT>")
    if not lines:
        return ""
    body = "<BR/>".join(lines)
    if behind:
        body = f'<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="1"><TR><TD BGCOLOR="{behind}">{body}</TD></TR></TABLE>'
    return f"<{body}>"


def to_dot(picture: Picture, direction: str = "TB", theme: str = "auto", legend: bool = False) -> Drawing:
    """The picture for Graphviz. Its nodes are named by their place, so that equal pictures are equal texts."""
    for option, value, known in (("direction", direction, ("TB", "LR", "BT", "RL")), ("theme", theme, tuple(THEMES))):
        if value not in known:
            raise ValueError(f"draw(): {option}={value!r} is not known, use one of {', '.join(known)}")
    colours = THEMES[theme]
    dot = Drawing("autograd")
    dot.picture = picture
    dot.attr(rankdir=direction, bgcolor="transparent", fontname=FONT, fontsize="9", ranksep="0.35", nodesep="0.25",
             color=colours.line)
    dot.attr("node", fontname=FONT, fontsize="10", margin="0.10,0.05", height="0.3", penwidth="1.2")
    dot.attr("edge", fontname=FONT, fontsize="9", color=colours.line, arrowsize="0.7")
    for place, item in enumerate(picture.items):
        draw_item(dot, f"n{place}", item, colours)
    for i, link in enumerate(picture.links):
        name, looks = ARROWS[link.kind]
        rows = [(line, colours.label, False) for line in [name, *link.lines] if line]
        rows += [(line, colours.flow, True) for line in link.flow]
        dot.edge(f"n{link.start}", f"n{link.end}", label(rows, colours.behind) or None, **looks, **{"class": f"e{i}"})
    if legend:
        add_legend(dot, picture, colours)
    if picture.notes:
        dot.attr(label=label([(note, colours.label, False) for note in picture.notes], colours.behind), labelloc="b")
    return dot


def draw_item(dot: graphviz.Digraph, name: str, item: Item, colours: Theme) -> None:
    """One item: shape and colour by role, red with a thick border where something is wrong."""
    shape, style, _ = SHAPES[item.role]
    fill, border, text = colours.wrong if item.warnings else colours.roles[item.role]
    rows = [(item.title, text, True), *[(line, text, False) for line in item.lines]]
    rows += [(line, text, True) for warning in item.warnings for line in f"! {warning}".split("\n")]
    dot.node(name, label(rows), shape=shape, style=style, fillcolor=fill, color=border,
             **({"penwidth": "3"} if item.warnings else {}), **{"class": name})


def add_legend(dot: graphviz.Digraph, picture: Picture, colours: Theme) -> None:
    """A box with the shape of every role that occurs, one below the other."""
    with dot.subgraph(name="cluster_legend") as box:
        box.attr(label=label([("Legend", colours.label, True)], colours.behind), style="rounded", labelloc="t")
        roles = [role for role in SHAPES if any(item.role == role for item in picture.items)]
        for before, role in zip([None, *roles], roles, strict=False):
            draw_item(box, f"legend_{role}", Item(role, SHAPES[role][2], []), colours)
            if before:
                box.edge(f"legend_{before}", f"legend_{role}", style="invis")


# ---------------------------------------------------------------- DOT as a picture
class Drawing(graphviz.Digraph):
    """A Digraph that finds its own program, carries a description, and never fails because it is only looked at."""

    picture: Picture

    def pipe(self, format: str | None = None, *args: Any, **options: Any) -> Any:
        """The rendered picture, as from graphviz's `pipe`; SVG carries title and description."""
        options.setdefault("quiet", True)
        with program(format or self.format):
            made = super().pipe(format, *args, **options)
        if (format or self.format) != "svg":
            return made
        return self.with_words(made) if isinstance(made, str) else self.with_words(made.decode()).encode()

    def render(self, *args: Any, **options: Any) -> str:
        """Write the source and the rendered picture to files, as graphviz's `render`; the path of the picture."""
        options.setdefault("quiet", True)
        with program(options.get("format") or Path(options.get("outfile") or "").suffix[1:] or self.format):
            path = super().render(*args, **options)
        if path.endswith(".svg"):
            Path(path).write_text(self.with_words(Path(path).read_text("utf-8")), "utf-8")
        return path

    def with_words(self, svg: str) -> str:
        """The SVG without Graphviz's comments, with a title and a description, and with names for its parts."""
        items = [html.escape(item.title) for item in self.picture.items]
        svg = re.sub(r"<!--.*?-->\n?|<\?xml.*?\?>\s*|<!DOCTYPE.*?>\s*", "", svg, flags=re.DOTALL)
        svg = re.sub(r"<title>n(\d+)(?:&#45;&gt;n(\d+))?</title>", lambda m: "<title>" + items[int(m[1])]
                     + (f" to {items[int(m[2])]}" if m[2] else "") + "</title>", svg)
        head = (f"<title>{html.escape(self.picture.title)}</title>\n<desc>{html.escape(self.picture.words())}</desc>\n")
        return re.sub(r"(<svg[^>]*)>\n", lambda m: f'{m[1]} role="img">\n{head}', svg, count=1)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        words = {"text/plain": self.picture.words()}
        try:
            return {"image/svg+xml": self.pipe("svg", encoding="utf-8"), **words}
        except (graphviz.ExecutableNotFound, subprocess.CalledProcessError, OSError) as error:
            return {"text/plain": f"{error}\n\n{words['text/plain']}"}

    def __repr__(self) -> str:
        return self.picture.words()


class NothingDraws(graphviz.ExecutableNotFound):
    """There is no program that can draw; the message says what to install."""

    def __init__(self, message: str) -> None:
        RuntimeError.__init__(self, message)


changing = threading.Lock()


@contextlib.contextmanager
def program(wanted: str) -> Iterator[None]:
    """Within the block graphviz calls the program that can draw the format; NothingDraws if there is none."""
    found = find_program(wanted)
    with changing:
        before, dot_command.DOT_BINARY = dot_command.DOT_BINARY, Path(found)
        try:
            yield
        finally:
            dot_command.DOT_BINARY = before


def find_program(wanted: str) -> str:
    """The program that MINIGRAD_DOT names, or graphviz-pure's, or `dot` on the PATH: the first that is there."""
    folders = [sysconfig.get_path("scripts"), sysconfig.get_path("scripts", f"{os.name}_user"),
               os.path.dirname(sys.executable), os.environ.get("PATH", "")]
    pure = shutil.which("graphviz-pure", path=os.pathsep.join(folders))
    chosen = os.environ.get(PROGRAM)
    found = (shutil.which(chosen) if chosen else None) or (pure if wanted in PURE else None) or shutil.which("dot")
    if found is None:
        raise NothingDraws(NOT_PURE.format(wanted) if pure else NOTHING_DRAWS)
    return found


# ---------------------------------------------------------------- what is called
def draw(root: Any, params: Any = None, *, names: Any = None, values: bool = True, grads: bool = False,
         saved: bool = False, depth: float = float("inf"), limit: int = 50, guilty: Any = None, direction: str = "TB",
         theme: str = "auto", legend: bool = False) -> Drawing:
    """A picture of how `root` was made and of the way back for gradients: a graphviz.Digraph that a notebook shows.

    root: a Tensor of minigrad or PyTorch.
    params: names of tensors, such as `{"w": w}`. names: more of them, or "locals" for the variables of the caller.
    values: write out tensors of up to 9 elements. grads: write on each edge the gradient that flowed there in backward.
    saved: show what is kept for backward as items of their own.
    depth: show only nodes up to so many steps from the root. limit: show at most so many; the others become one item.
    guilty: a node, or the tensor that it made, or several, to mark in red.
    direction: "TB" from top to bottom, "LR" from left to right, or "BT" or "RL". theme: "light", "dark", or "auto",
    which can be read on both. legend: explain the shapes.
    Raises TypeError when `root` is not a Tensor, ValueError for an unknown option.
    """
    found = scan(root, params, names, values, grads, saved, depth, limit, guilty)
    return to_dot(found.picture, direction, theme, legend)


def describe(root: Any, params: Any = None, **options: Any) -> str:
    """What `draw` shows, in words: a line for each tensor and node. The options of `draw` that choose content."""
    return scan(root, params, **options).picture.words()

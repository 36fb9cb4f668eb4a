"""Reads the state of autograd, minigrad's or PyTorch's, into a Picture of items and links, and says it in words.

Both engines have `grad_fn`, `next_functions`, `variable`, views with a `_base` and version counters; what a node has
saved each keeps in its own way. Nothing here computes, changes a graph or knows how a picture looks: that is `drawing`.
"""
from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from . import tensors
from .graph import Node
from .recording import attend, flow, number_text, value_lines

LONG = 40  # characters of a name
LEAVES = 5  # names of leaves in a summary
VISITED = 10_000  # nodes of PyTorch: it crashes when a long graph goes of which Python has seen every node
WORDS = {"result": "tensor made by an operation", "leaf": "leaf", "operation": "operation",
         "accumulate": "adds gradients to a leaf", "constant": "gets no gradient", "saved": "kept for backward",
         "summary": "not shown"}
"""What the roles of items are called."""
VERBS = {"gradient": "sends a gradient to", "stops": "sends nothing to", "grad_fn": "was made by", "saves": "keeps",
         "view": "is a view of", "memory": "shares memory with"}
"""What the kinds of links are called."""


@dataclasses.dataclass
class Item:
    """One thing in a picture: its role, its name, lines about its state, and what is wrong with it."""

    role: str
    title: str
    lines: list[str]
    warnings: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Link:
    """An arrow between two items, given by their places. flow: the gradient that went along it."""

    start: int
    end: int
    kind: str
    lines: list[str]
    flow: list[str]


@dataclasses.dataclass
class Picture:
    """What a drawing shows: items, the root first and the others in walk order, and the links between them."""

    items: list[Item] = dataclasses.field(default_factory=list)
    links: list[Link] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def title(self) -> str:
        """One line: what the picture is of, and how much it shows."""
        count = {role: sum(item.role == role for item in self.items) for role in WORDS}
        nodes, leaves = count["operation"] + count["accumulate"], count["leaf"]
        parts = [f"{nodes} node{'s' * (nodes != 1)}"] if nodes else ["no graph"]
        parts += [f"{leaves} {'leaf' if leaves == 1 else 'leaves'}"] if leaves else []
        parts += [item.title for item in self.items if item.role == "summary"]
        return f"Graph of {self.items[0].title}: {', '.join(parts)}"

    def words(self) -> str:
        """The picture in words: a line for each item, with where its arrows lead."""
        text = [self.title]
        for place, item in enumerate(self.items):
            warnings = ["WARNING: " + line.replace("\n", " ") for line in item.warnings]
            parts = [", ".join([WORDS[item.role], *item.lines, *warnings]).replace(",, ", ", ")]  # rows end in a comma
            for link in self.links:
                if link.start == place:
                    more = [*link.lines, *([f"gradient {' '.join(link.flow)}"] if link.flow else [])]
                    parts.append(f"{VERBS[link.kind]} [{link.end}] {self.items[link.end].title}"
                                 + (f" ({', '.join(more)})" if more else ""))
            text.append(f"[{place}] {item.title}: " + "; ".join(parts))
        return "\n".join(text + self.notes)


# ---------------------------------------------------------------- tensors and nodes of both engines
def is_tensor(x: Any) -> bool:
    """True for a Tensor of minigrad or PyTorch."""
    return hasattr(type(x), "grad_fn") and hasattr(type(x), "requires_grad")


def role_of(x: Any) -> str:
    """What a tensor is in the graph."""
    return "result" if x.grad_fn is not None else "leaf" if x.requires_grad else "constant"


def kind(node: Any) -> str:
    """The node's class, which is its name without a namespace."""
    return type(node).__name__


def edges_of(node: Any) -> tuple:
    """The node's `next_functions`; none for a node that is not finished, as in an exercise."""
    try:
        return tuple(node.next_functions)
    except (AttributeError, TypeError):
        return ()


def shape_text(shape: Iterable[int]) -> str:
    """A shape as a tuple."""
    return str(tuple(shape))


def sort_of(x: Any) -> str:
    """Shape and element type of a tensor."""
    return f"{shape_text(x.shape)} {str(x.dtype).rpartition('.')[2]}"


def grad_lines(x: Any) -> list[str]:
    """What lies in `.grad`: None, a small value, or the shape. Nothing for a tensor that keeps no gradient."""
    if not x.requires_grad or (x.grad_fn is not None and not x.retains_grad):
        return []
    grad = x._grad if hasattr(x, "_array") else x.grad
    lines = ["None"] if grad is None else value_lines(grad) or [sort_of(grad)]
    return [f"grad {lines[0]}", *lines[1:]]


def arriving(to: Any, index: int) -> str:
    """The shape of the gradient that arrives at output `index` of a node."""
    if kind(to) == "AccumulateGrad":
        return shape_text(to.variable.shape)
    if hasattr(to, "_input_metadata"):
        return shape_text(to._input_metadata[index].shape)
    several = getattr(to, "outputs", None)
    return shape_text(several[index][0] if several else getattr(to, "shape", ()))


def share_memory(x: Any, y: Any) -> bool:
    """True when two tensors lie in the same memory."""
    if hasattr(x, "_array") and hasattr(y, "_array"):
        same_counter = x._counter is not None and x._counter is y._counter
        return same_counter or bool(np.may_share_memory(x._array, y._array))
    if hasattr(x, "untyped_storage") and hasattr(y, "untyped_storage"):
        return x.numel() > 0 and x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr()
    return False


def same(x: Any, y: Any) -> bool:
    """True when two Tensor objects are one tensor: PyTorch makes a new object for what it hands out as saved."""
    if x is y:
        return True
    if x.grad_fn is not None or y.grad_fn is not None:
        return x.grad_fn is y.grad_fn and x.output_nr == y.output_nr
    return x.requires_grad == y.requires_grad and x.shape == y.shape and share_memory(x, y)


def shorten(name: Any) -> str:
    """A name as it can be shown: on one line, without control characters, not too long."""
    text = "".join([c if c.isprintable() else "?" for c in str(name)])
    return text if len(text) <= LONG else text[:LONG - 1] + "…"


# ---------------------------------------------------------------- what a node has saved
@dataclasses.dataclass
class Saved:
    """One value that a node keeps for backward.

    name: what its rule calls it. value: a Tensor or a number; None once freed, or when it must not be read any more.
    index: the input that it is, -1 for the result, None if not known. stale: how the version that was saved differs
    from the version now; empty if it does not.
    """

    name: str
    value: Any
    index: int | None = None
    stale: str = ""


UNSEEN = "No gradient was seen on the edges. Draw first and then run backward: after a drawing minigrad notes them."
STALE = "version {} was saved, it is now at {}"


def saved_by(node: Any) -> list[Saved]:
    """What a node of minigrad or PyTorch has saved, freed or not."""
    node = getattr(node, "fn", None) or node  # what a CopySlices saved is with the operation that was written
    if kind(node) == "AccumulateGrad":
        return []
    if "saved_tensors" in dir(type(node)):
        return list(saved_by_function(node))
    if hasattr(node, "plan"):
        return sorted(saved_by_rule(node), key=lambda s: (s.index == -1, s.index))
    return [saved for name in dir(node) if name.startswith("_saved_") for saved in saved_by_torch(node, name)]


def saved_by_rule(node: Any) -> Iterator[Saved]:
    """What the vjps of a minigrad rule captured: arguments and the result, not its constants."""
    held = getattr(node, "saved", None)
    for i, (name, source) in enumerate(zip(node.plan.names, node.plan.sources, strict=True)):
        if type(source) is int or source == "out":
            x: Any = None if held is None else held[i]
            now, then = x._version if is_tensor(x) else 0, node.versions[i] if node.versions else 0
            if source == "out" and held is not None and not is_tensor(x):
                x = tensors.wrap(x)
            yield Saved(name, x, -1 if source == "out" else source, "" if now == then else STALE.format(then, now))


def saved_by_function(node: Any) -> Iterator[Saved]:
    """What a custom Function saved, by position."""
    try:
        found = node.saved_tensors
    except RuntimeError as error:
        yield Saved("tensors", None, None, stale_text(error))
    else:
        yield from [Saved(f"tensor {i}", x) for i, x in enumerate(found) if x is not None]


def saved_by_torch(node: Any, name: str) -> Iterator[Saved]:
    """What a node of PyTorch saved in one attribute: a tensor, several, or a constant, which does not count."""
    short = name.removeprefix("_saved_")
    try:
        found = getattr(node, name)
    except RuntimeError as error:
        yield Saved(short, None, None, stale_text(error))
        return
    several = isinstance(found, (tuple, list))
    for i, x in enumerate(found if several else [found]):
        if is_tensor(x):
            yield Saved(f"{short} {i}" if several else short, x, -1 if short == "result" else None)


def stale_text(error: RuntimeError) -> str:
    """From an engine's refusal to hand out a saved tensor: which versions differ. Empty when it was freed instead."""
    found = re.search(r"is at version (\d+); expected version (\d+)", str(error))
    return STALE.format(found[2], found[1]) if found else ""


def dead_end(kept: list[Saved], edges: tuple, i: int) -> Any:
    """The value of input `i`, to which no gradient goes, if the node has saved it; otherwise None."""
    for s in kept:
        if s.index == i:
            return s.value
    # PyTorch does not say which input a saved tensor is; it is clear where as many need no gradient as get none.
    constants = [s.value for s in kept if s.index is None and is_tensor(s.value) and not s.value.requires_grad]
    nowhere = [j for j, (to, _) in enumerate(edges) if to is None]
    return constants[nowhere.index(i)] if len(constants) == len(nowhere) else None


# ---------------------------------------------------------------- reading a graph
@dataclasses.dataclass
class Options:
    """What to read; see `drawing.draw`. apart: the names to show even if the graph has nothing to do with them."""

    names: Mapping[str, Any]
    apart: set[str]
    values: bool
    grads: bool
    saved: bool
    depth: float
    limit: int
    guilty: list[Any]


class Scan:
    """One reading of the graph of `root`, and where each tensor and node stands in its picture."""

    def __init__(self, root: Any, options: Options) -> None:
        self.picture = Picture()
        self.options = options
        self.named = [x for x in options.names.values() if is_tensor(x)]
        self.called: dict[int, list[str]] = {}  # the id of a named tensor -> its names
        for name, x in options.names.items():
            if is_tensor(x):
                self.called.setdefault(id(x), []).append(shorten(name))
        self.nodes: dict[Any, int] = {}  # node -> its place
        self.edges: dict[tuple[Any, int], int] = {}  # node, number of its edge -> place of the link
        self.tensors: dict[int, tuple[Any, int]] = {}  # id -> tensor, held so that no other gets its id, and its place
        shown, hidden = self.nearest(root.grad_fn)
        self.add_tensor(root, role_of(root))
        for node in shown:
            self.add_node(node)
        rest = self.add_summary(hidden) if hidden else -1
        self.refer(root)
        for node in shown:
            self.add_edges(node, rest)
        self.add_named(hidden)
        if options.saved:
            for node in shown:
                self.add_saved(node)
        self.add_relations()
        if options.grads and not any(link.flow for link in self.picture.links):
            self.picture.notes.append(UNSEEN)

    def nearest(self, first: Any) -> tuple[list[Any], dict[Any, None]]:
        """The nodes that are shown, those with the fewest steps from the root first, and all the others."""
        level = {} if first is None else {first: 0}
        queue = list(level)
        most = float("inf") if isinstance(first, Node) else VISITED
        for node in queue:  # grows as it is read
            if len(queue) >= most:
                break
            for to, _ in edges_of(node):
                if to is not None and to not in level:
                    level[to] = level[node] + 1
                    queue.append(to)
        shown = [node for node in queue[:self.options.limit] if level[node] <= self.options.depth]
        return shown, dict.fromkeys(queue[len(shown):])

    # ------------------------------------------------------------ items
    def add(self, role: str, title: str, lines: Iterable[str] = ()) -> int:
        """Put a new item in; its place."""
        self.picture.items.append(Item(role, title, list(lines)))
        return len(self.picture.items) - 1

    def add_tensor(self, x: Any, title: str, role: str = "") -> int:
        """Put a tensor in, once; its place. title: what to call it when it was given no name."""
        if id(x) not in self.tensors:
            lines = [sort_of(x), *(value_lines(x) if self.options.values else []), *grad_lines(x)]
            lines += [f"version {x._version}"] if x._version else []
            name = ", ".join(self.called.get(id(x), [title]))
            self.tensors[id(x)] = x, self.add(role or role_of(x), name, lines)
        return self.tensors[id(x)][1]

    def add_node(self, node: Any) -> None:
        """Put a node in with the state of what it saved."""
        role = "accumulate" if kind(node) == "AccumulateGrad" else "operation"
        self.nodes[node] = place = self.add(role, shorten(kind(node)))
        item = self.picture.items[place]
        if hasattr(node, "laid"):
            item.lines.append(f"writes {shape_text(node.part)} through {kind(node.fn) if node.fn else 'CopyBackwards'}")
        kept = saved_by(node)
        for verb, names in (("saves", [s.name for s in kept if s.value is not None]),
                            ("freed", [s.name for s in kept if s.value is None and not s.stale])):
            item.lines += [f"{verb} {', '.join(names)}"] if names else []
        item.warnings += ["wrong here"] if any(node is g for g in self.options.guilty) else []
        item.warnings += [f"{s.name} was written to:\n{s.stale}" for s in kept if s.stale]
        item.warnings += [] if hasattr(node, "next_functions") else ["its edges cannot be read"]

    def add_summary(self, hidden: Mapping[Any, None]) -> int:
        """One item for all the nodes that are not shown, with the leaves among them."""
        stopped = len(hidden) + len(self.nodes) >= VISITED and not isinstance(next(iter(hidden)), Node)
        more = "more than " if stopped else ""
        place = self.add("summary", f"{more}{len(hidden):,} more node{'s' * (len(hidden) > 1)}")
        item = self.picture.items[place]
        ends = [node.variable for node in hidden if kind(node) == "AccumulateGrad"]
        names = [name for x in ends for name in self.called.get(id(x), [])]
        if ends:
            text = f"with {len(ends):,} {'leaf' if len(ends) == 1 else 'leaves'}"
            item.lines.append(text + (": " + ", ".join(names[:LEAVES]) if names else "")
                              + (", …" if names and len(ends) > min(len(names), LEAVES) else ""))
        item.warnings += ["wrong in here"] if any(g in hidden for g in self.options.guilty) else []
        return place

    # ------------------------------------------------------------ links
    def link(self, start: int, end: int, kind: str, *lines: str, flow: Iterable[str] = ()) -> int:
        """Put an arrow in; its place."""
        self.picture.links.append(Link(start, end, kind, [line for line in lines if line], list(flow)))
        return len(self.picture.links) - 1

    def refer(self, x: Any) -> None:
        """The arrow from a tensor to the node that made it, where that node is shown."""
        if x.grad_fn in self.nodes:
            which = f"output {x.output_nr}" if x.output_nr else ""
            after = "after the write" if kind(x.grad_fn) == "CopySlices" else ""
            self.link(self.tensors[id(x)][1], self.nodes[x.grad_fn], "grad_fn", which, after)

    def add_edges(self, node: Any, rest: int) -> None:
        """The arrows along which a node sends gradients: to nodes, to its leaf, and to what gets none."""
        place = self.nodes[node]
        if kind(node) == "AccumulateGrad":
            self.edges[node, 0] = self.link(place, self.add_tensor(node.variable, "leaf"), "gradient")
            return
        edges, kept = edges_of(node), saved_by(node)
        far = [to for to, _ in edges if to is not None and to not in self.nodes]
        for i, (to, index) in enumerate(edges):
            part = ("written" if i else "before the write") if kind(node) == "CopySlices" else ""
            if to is None:
                x = dead_end(kept, edges, i)
                known = [end for y, end in self.tensors.values() if is_tensor(x) and same(x, y)]
                known += [self.add_tensor(y, "") for y in self.named if not known and is_tensor(x) and same(x, y)]
                end = (known[0] if known else self.add_tensor(x, "constant") if is_tensor(x) else
                       self.add("constant", "no gradient" if x is None else number_text(x)))
                self.link(place, end, "stops", str(i), part)
            elif to in self.nodes:
                self.edges[node, i] = self.link(
                    place, self.nodes[to], "gradient", f"{i}: {arriving(to, index)}", part,
                    f"of output {index}" if index else "", flow=flow(node, i) if self.options.grads else ())
        if far:
            self.link(place, rest, "gradient", f"{len(far)} edges" if len(far) > 1 else "")

    def add_saved(self, node: Any) -> None:
        """What a node saved as items of their own, or as arrows to the tensors that they are."""
        for s in saved_by(node):
            if is_tensor(s.value):
                known = [end for y, end in self.tensors.values()
                         if same(s.value, y) or (s.index == -1 and y.grad_fn is node)]
                end = known[0] if known else self.add_tensor(s.value, f"saved {s.name}", "saved")
                self.link(self.nodes[node], end, "saves", s.name)

    # ------------------------------------------------------------ what else there is
    def add_named(self, hidden: Mapping[Any, None]) -> None:
        """The named tensors that are not in the picture yet."""
        far = {id(node.variable) for node in hidden if kind(node) == "AccumulateGrad"}
        for name, x in self.options.names.items():
            if not is_tensor(x) or id(x) in self.tensors or id(x) in far or x.grad_fn in hidden:
                continue
            related = x.grad_fn in self.nodes or any(share_memory(x, y) for y, _ in self.tensors.values())
            if related or name in self.options.apart:
                self.add_tensor(x, "")
                self.refer(x)

    def add_relations(self) -> None:
        """Views and their bases, and other tensors in the same memory."""
        found = list(self.tensors.values())
        for x, place in found:  # grows as bases are put in
            if x._base is not None:
                known = id(x._base) in self.tensors
                self.link(place, self.add_tensor(x._base, "base"), "view")
                if not known:
                    self.refer(x._base)
                    found.append(self.tensors[id(x._base)])
        for i, (x, place) in enumerate(found):
            for y, end in found[:i]:
                related = x._base is not None or y._base is not None or self.picture.items[place].role == "saved"
                if not related and share_memory(x, y):
                    self.link(place, end, "memory")
                    break


def scan(root: Any, params: Any = None, names: Any = None, values: bool = True, grads: bool = False,
         saved: bool = False, depth: float = float("inf"), limit: int = 50, guilty: Any = None) -> Scan:
    """Read the graph of `root`; see `drawing.draw`. TypeError when `root` is not a Tensor."""
    if not is_tensor(root):
        raise TypeError(f"draw() needs a Tensor of minigrad or PyTorch, but got {type(root).__name__}")
    if isinstance(names, str) and names != "locals":
        raise ValueError(f'draw(): names={names!r} is not known, use "locals" or a dict of names and tensors')
    attend()
    given = {**dict(params or {}), **dict({} if isinstance(names, str) else names or {})}
    more = callers_variables() if isinstance(names, str) else {}
    blamed = guilty if isinstance(guilty, (list, tuple, set)) else [] if guilty is None else [guilty]
    nodes = [x.grad_fn if is_tensor(x) else x for x in blamed]
    return Scan(root, Options({**more, **given}, set(given), values, grads, saved, depth, max(limit, 1), nodes))


def callers_variables() -> dict[str, Any]:
    """The variables where minigrad was called, without those that begin with an underscore."""
    frame = sys._getframe(1)
    package = __name__.partition(".")[0]
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == package:
        frame = frame.f_back
    return {name: x for name, x in frame.f_locals.items() if not name.startswith("_")}

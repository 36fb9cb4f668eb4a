"""What happens on the walk back, written down: for the gradients on a drawing's edges, and for `replay`.

Importing this sets `engine.watch`. After a drawing, walks over small graphs run on Watched nodes, which stand in for the
real ones and note what passes through them; the order, the walk and the sums stay the engine's own, or the student's.
"""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from . import engine, graph, tensors

NODES = 200  # a longer walk is not watched
WALKS = 1000  # so many walks are watched after a drawing; a training loop soon runs at full speed again
SMALL = 9  # an array of up to so many elements is written out
EDGES = 5000  # so many gradients are remembered

FLOWS: OrderedDict[tuple[int, int], Any] = OrderedDict()
"""(number of a node, edge) -> the gradient that went there last. Numbers are not used again and hold nothing alive."""


walks_left = 0


class Event:
    """One thing that happened, with copies of the gradients.

    kind: "start" (a first gradient `g` is put at `node`), "fire" (`node` gets its complete gradient `g`), "send" (`g`
    goes along edge `index` of `node` to `to`, where `waiting` is then the sum), "free" (`node` lets go of what it had
    saved), or "add" (the grad of the leaf of `node`, None or `g`, becomes `waiting`).
    """

    __slots__ = ("g", "index", "kind", "node", "to", "waiting")

    def __init__(self, kind: str, node: graph.Node, g: Any = None, to: graph.Node | None = None,
                 index: int = 0) -> None:
        self.kind, self.node, self.g, self.to, self.index = kind, node, snapshot(g), to, index
        self.waiting: Any = None


class Recorder(engine.Task):
    """A Task whose walk is watched. events: what happened so far; None to remember only what flowed along each edge."""

    __slots__ = ("events", "firing")
    events: list[Event] | None
    firing: Watched

    def __init__(self, keep: bool, record: bool, accumulates: bool) -> None:
        super().__init__(keep, record, accumulates)
        self.events = []

    @classmethod
    def of(cls, task: engine.Task) -> Recorder:
        """A recorder that takes the place of `task`, and fills the same dictionaries."""
        self = cls(task.keep, task.record, task.accumulates)
        for name in engine.Task.__slots__:
            setattr(self, name, getattr(task, name))
        self.events = None
        return self

    def note(self, kind: str, node: graph.Node, *args: Any) -> Event | None:
        """Write an event down."""
        if self.events is None:
            return None
        self.events.append(Event(kind, node, *args))
        return self.events[-1]

    def join(self, to: graph.Node, part: graph.Part) -> None:
        """A gradient that is zero outside one part, added where it belongs."""
        whole = np.zeros(to.shape, to.dtype)
        part.add_to(whole)
        event = self.firing.sends(to, whole)
        super().join(to, part)
        if event is not None:
            event.waiting = snapshot(self.pending.get(to))


class Watched:
    """A node during a watched walk: equal to the node, and used in its place."""

    def __init__(self, node: graph.Node, task: Recorder) -> None:
        self.node, self.task = node, task
        self.used: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.node, name)

    def __hash__(self) -> int:
        return hash(self.node)

    def __eq__(self, other: object) -> bool:
        return self.node is (other.node if type(other) is Watched else other)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """So that isinstance says what it says of the node."""
        return type(self.node)

    def sends(self, to: graph.Node, g: Any) -> Event | None:
        """Note a gradient that goes along the next edge to `to`."""
        index = next((i for i, end in enumerate(self.node.edges) if end is to and i not in self.used), 0)
        self.used.add(index)
        FLOWS.pop((self.node.number, index), None)
        FLOWS[self.node.number, index] = snapshot(g)
        if len(FLOWS) > EDGES:
            FLOWS.popitem(last=False)
        return self.task.note("send", self.node, g, to, index)

    def backward(self, g: Any, task: Any) -> Iterator[tuple[graph.Node, Any]]:
        """The node's own backward, with everything that it sends noted."""
        node, task = self.node, self.task
        task.firing = self
        self.used.clear()
        task.note("fire", node, g)
        held = getattr(node, "saved", None)
        leaf = node.variable if type(node) is graph.AccumulateGrad else None
        before = None if leaf is None else snapshot(leaf._grad)
        for to, part in node.backward(g, task):
            event = self.sends(to, part)
            yield to, part
            if event is not None:
                event.waiting = snapshot(task.pending.get(to))
        if held and node.saved is None:
            task.note("free", node)
        if leaf is not None and task.accumulates:
            event = task.note("add", node, before)
            if event is not None:
                event.waiting = snapshot(leaf._grad)


def attend() -> None:
    """From now on watch again."""
    global walks_left
    walks_left = WALKS


def watch(nodes: Sequence[graph.Node], task: engine.Task) -> tuple[Sequence[Any], engine.Task]:
    """What the engine walks: Watched nodes if they are few or a Recorder asks for it, otherwise the bare nodes."""
    global walks_left
    if type(task) is not Recorder:
        if not walks_left or len(nodes) > NODES:
            return nodes, task
        walks_left -= 1
        task = Recorder.of(task)
    for node, g in task.pending.items():
        task.note("start", node, g)
    return [Watched(node, task) for node in nodes], task


engine.watch = watch


# ---------------------------------------------------------------- gradients as text
def snapshot(g: Any) -> Any:
    """A copy of a small gradient; shape and norm of a larger one; a list of these for several."""
    if g is None:
        return None
    if isinstance(g, dict):
        return [snapshot(g[i]) for i in sorted(g)]
    array = np.asarray(tensors.array_of(g))
    return array.copy() if array.size <= SMALL else (array.shape, float(np.linalg.norm(array)))


def lines_of(g: Any) -> list[str]:
    """What `snapshot` took as text, one line for each row: `None` for no gradient."""
    if g is None:
        return ["None"]
    if isinstance(g, list):
        return [line for part in g for line in lines_of(part)]
    if isinstance(g, tuple):
        return [f"{g[0]} of norm {g[1]:.4g}"]
    return value_lines(g) or ["empty"]


def flow(node: Any, index: int) -> list[str]:
    """The gradient that went along an edge of a node when it was last walked, as lines; [] if nobody watched."""
    found = FLOWS.get((getattr(node, "number", -1), index))
    return [] if found is None else lines_of(found)


def value_lines(x: Any) -> list[str]:
    """The elements of a small array or Tensor, one line for each row; [] for a larger one."""
    size = x.numel() if hasattr(x, "numel") else x.size
    if size > SMALL or size == 0:
        return []
    found = x.tolist()
    if np.ndim(found) != 2:
        return [number_text(found)]
    rows = [number_text(row) for row in found]
    return [("[" if i == 0 else "") + row + ("]" if i == len(rows) - 1 else ",") for i, row in enumerate(rows)]


def number_text(x: Any) -> str:
    """A number with four digits, or nested lists of them."""
    if isinstance(x, list):
        return "[" + ", ".join([number_text(y) for y in x]) + "]"
    return f"{x:.4g}" if isinstance(x, float) else str(x)

"""The guilty node: which operation of a whole calculation has the wrong gradient.

`examine` compares the gradients of a calculation with small steps. Where they differ, it tests each node on its own,
in the order in which the gradient meets them, and names the first one whose answer is not the slope of its operation.
It needs no reference: it knows the calculation, and central differences. It works on whatever has PyTorch's interface;
only noting down the operations differs between libraries.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

import minigrad
from graders.compare import Mismatch, mismatches, numeric_gradient

ROUGH = {"float64": 1e-5, "float32": 1e-2, "float16": 1e-1}  # how near small steps must come to a gradient of this type


@dataclass
class Call:
    """One recorded operation, to be looked at alone.

    forward: arrays -> the value. inputs: the arrays (and numbers) it had. tracked: which of them get a gradient.
    back: g -> what each tracked one gets.
    """

    node: Any
    forward: Callable[..., Any]
    inputs: list[Any]
    tracked: list[int]
    back: Callable[[np.ndarray], Sequence[Any]]

    @property
    def name(self) -> str:
        return type(self.node).__name__


@dataclass
class Finding:
    """What `examine` found.

    wrong: name of the leaf -> how its gradient differs from small steps. node, name, place, what: the first node that is
    wrong on its own, which of its inputs, and how; None and "" where there is none. untested: the names of nodes that
    cannot be looked at alone, such as those of functions that a user wrote as a class.
    """

    root: Any
    leaves: Mapping[str, Any]
    wrong: dict[str, str] = field(default_factory=dict)
    node: Any = None
    name: str = ""
    place: int = 0
    what: str = ""
    untested: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        if not self.wrong:
            return "Every gradient agrees with small steps."
        said = [f"The gradient of {name} is wrong: {what}." for name, what in self.wrong.items()]
        if self.node is None and self.untested:
            said.append(f"Suspect {', '.join(self.untested)}: every other node is right on its own.")
        else:
            said.append(blamed(self.name, self.place, self.what))
        return " ".join(said)

    __repr__ = __str__

    def told(self) -> dict[str, Any]:
        """The guilty node as data: its place among the graph's operations, -1 for none; its input; and how it is wrong."""
        nodes = operations_of(self.root)
        place = nodes.index(self.node) if self.node in nodes else -1
        return {"node": place, "input": self.place, "what": self.what}

    def draw(self) -> Any:
        """The graph, with the guilty node in red."""
        return minigrad.draw(self.root, params=self.leaves, guilty=self.node)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self)}


def blamed(name: str, place: int, what: str) -> str:
    """The sentence about the guilty node; "" for that there is none."""
    if not name:
        return "Each node is right on its own, so the mistake is in how the gradients are put together."
    return f"The first node that is wrong on its own: {name}, input {place}: {what}."


def picture(calculation: Callable[..., Any], leaves: Mapping[str, np.ndarray], index: int) -> tuple[Any, str]:
    """Run a calculation and draw it with operation number `index` in red; the node and the SVG ("" where none draws)."""
    tensors = {name: minigrad.tensor(values, requires_grad=True) for name, values in leaves.items()}
    root = calculation(*tensors.values())
    node = operations_of(root)[index]
    drawn = minigrad.draw(root, params=tensors, guilty=node)._repr_mimebundle_()
    return node, drawn.get("image/svg+xml", "")


def examine(
    calculation: Callable[..., Any],
    leaves: Mapping[str, np.ndarray],
    library: ModuleType = minigrad,
    g: np.ndarray | None = None,
    walk: Callable[[Any, np.ndarray, list[Any]], Sequence[Any]] | None = None,
    seed: int = 0,
) -> Finding:
    """Compare the gradients of a calculation with small steps, and look for the node that is to blame.

    calculation: tensors of `library` -> one tensor. leaves: name -> array. g: what arrives at the result; drawn from
    `seed` where it is not given. walk: (result, g, leaf tensors) -> what each of them gets; library.autograd.grad where
    it is not given. Never raises for what the calculation's gradient does.
    """
    tensors = {name: library.tensor(values, requires_grad=True) for name, values in leaves.items()}
    with noting(library) as calls:
        root = calculation(*tensors.values())
    found = Finding(root, tensors)
    if g is None:
        g = np.random.default_rng(seed).normal(size=tuple(root.shape))
    g = g.astype(plain(root).dtype)
    arrays = [np.asarray(values) for values in leaves.values()]

    def value(*inputs: Any) -> Any:
        return plain(calculation(*[library.tensor(x) for x in inputs]))

    try:
        come: Sequence[Any] = (walk or autograd_of(library))(root, g.copy(), list(tensors.values()))
    except Exception as error:
        found.wrong["the whole calculation"] = stopped(error)
    else:
        for i, (name, gradient) in enumerate(zip(leaves, come, strict=True)):
            what = differs(value, arrays, g, i, gradient)
            if what:
                found.wrong[name] = what
    if found.wrong:
        blame(found, calls, seed)
    return found


def blame(found: Finding, calls: Sequence[Call], seed: int) -> None:
    """Test each call alone, the last one first, and note the first that is wrong."""
    tested = {call.node for call in calls}
    found.untested = [type(node).__name__ for node in operations_of(found.root) if node not in tested]
    rng = np.random.default_rng(seed)
    for call in reversed(calls):
        value = np.asarray(call.forward(*call.inputs))
        g = rng.normal(size=value.shape).astype(value.dtype)
        try:
            parts = call.back(g)
        except Exception as error:
            found.node, found.name, found.place, found.what = call.node, call.name, call.tracked[0], stopped(error)
            return
        for place, part in zip(call.tracked, parts, strict=True):
            what = differs(call.forward, call.inputs, g, place, part)
            if what:
                found.node, found.name, found.place, found.what = call.node, call.name, place, what
                return


def operations_of(root: Any) -> list[Any]:
    """The nodes of a graph that are not the ends of it."""
    seen = {root.grad_fn}
    ahead = [root.grad_fn]
    for node in ahead:  # grows as it is read
        for to, _ in node.next_functions:
            if to is not None and to not in seen and not hasattr(to, "variable"):
                seen.add(to)
                ahead.append(to)
    return ahead


def differs(forward: Callable[..., Any], inputs: Sequence[Any], g: np.ndarray, place: int, came: Any) -> str:
    """How a gradient differs from small steps, in words; "" where it does not.

    Two sizes of step are tried. Where they disagree there is a kink or noise, and nobody is blamed for that.
    """
    if came is None:
        return "no gradient came"
    got = np.asarray(plain(came))
    rough = ROUGH.get(str(np.asarray(inputs[place]).dtype), 1e-5)
    wide = [np.asarray(x, np.float64) if np.asarray(x).dtype.kind == "f" else x for x in inputs]
    wanted, again = (numeric_gradient(forward, wide, g, place, h) for h in (1e-5, 1e-6))
    if wanted.shape == got.shape:
        scale = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
        sure = np.isclose(wanted, again, rtol=1e-3, atol=1e-3 * scale)
        wanted = np.where(sure, wanted, got)
    for fact in mismatches(wanted, got, rtol=rough, atol=rough, dtype="any"):
        return said(fact)
    return ""


def said(fact: Mismatch) -> str:
    if fact.what != "value":
        return f"{fact.what} {fact.got}, wanted {fact.expected}"
    at = f"at [{', '.join(map(str, fact.index))}] " if fact.index else ""
    return f"{at}{fact.got:.6g}, wanted {fact.expected:.6g}"


def stopped(error: Exception) -> str:
    return f"stopped with {type(error).__name__}: {error}"


def plain(x: Any) -> Any:
    """The bare array of a tensor of any library."""
    return x.detach().numpy() if hasattr(x, "detach") else x


def autograd_of(library: ModuleType) -> Callable[..., Sequence[Any]]:
    """library.autograd.grad on arrays; an input without a path to the result gets zeros."""

    def gradients(root: Any, g: np.ndarray, leaves: list[Any]) -> Sequence[Any]:
        come = library.autograd.grad(root, leaves, library.tensor(g), retain_graph=True, allow_unused=True)
        return [np.zeros(tuple(x.shape)) if part is None else plain(part) for x, part in zip(leaves, come, strict=True)]

    return gradients


# ---- noting down the operations of a calculation --------------------------------------------------------------------


def noting(library: ModuleType) -> contextlib.AbstractContextManager[list[Call]]:
    """Within the block every operation that `library` records is noted."""
    return noting_minigrad() if library is minigrad else noting_torch(library)


@contextlib.contextmanager
def noting_minigrad() -> Iterator[list[Call]]:
    """Puts functions that take notes around each rule and around `record`, for as long as the block lasts."""
    from minigrad import graph, rules

    operations = {op: op.rule for op in vars(rules).values() if callable(getattr(op, "rule", None))}
    calls: list[Call] = []
    last: list[Any] = [None]

    def noted(rule: Any) -> Any:
        @functools.wraps(rule)
        def call(*args: Any, **options: Any) -> Any:
            result = rule(*args, **options)
            last[0] = rule, args, options, result[0]
            return result

        return call

    record = graph.record

    def recorded(op: Any, inputs: tuple, value: Any, vjps: list) -> Any:
        made = record(op, inputs, value, vjps)
        rule, args, options, seen = last[0] or (None, (), {}, None)
        if seen is value:
            calls.append(call_of(made.grad_fn, rule, args, options, inputs))
        return made

    try:
        for op, rule in operations.items():
            op.rule = noted(rule)
        graph.record = recorded
        yield calls
    finally:
        for op, rule in operations.items():
            op.rule = rule
        graph.record = record


def call_of(node: Any, rule: Any, args: tuple, options: dict, inputs: tuple) -> Call:
    """A recorded operation of minigrad, with ends of its own at its edges, so that nothing else is tested."""
    from minigrad import engine, graph, tensors

    rest = args[len(inputs) :]
    tracked = [i for i, edge in enumerate(node.edges) if edge is not None]

    def back(g: np.ndarray) -> Sequence[Any]:
        ends = {i: graph.AccumulateGrad(tensors.wrap(np.asarray(args[i]))) for i in tracked}
        task = engine.Task(keep=True, record=False, accumulates=False)
        edges = node.edges
        try:
            node.edges = tuple([ends.get(i) for i in range(len(edges))])
            came = {id(to): part for to, part in node.backward(g, task)}
        finally:
            node.edges = edges
        came |= {id(to): part for to, part in task.pending.items()}
        return [came.get(id(ends[i])) for i in tracked]

    return Call(node, lambda *x: rule(*x, *rest, **options)[0], list(args[: len(inputs)]), tracked, back)


@contextlib.contextmanager
def noting_torch(torch: Any) -> Iterator[list[Call]]:
    """Looks at every call of a function of PyTorch, for as long as the block lasts."""
    calls: list[Call] = []

    class Noting(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **(kwargs or {}))
            node = getattr(result, "grad_fn", None)
            places = [i for i, x in enumerate(args) if isinstance(x, torch.Tensor)]
            if node is not None and places and getattr(function, "__name__", "") != "__get__":
                calls.append(torch_call(torch, node, function, args, kwargs or {}, places))
            return result

    with Noting():
        yield calls


def torch_call(torch: Any, node: Any, function: Any, args: Sequence[Any], kwargs: Any, places: list[int]) -> Call:
    """A recorded operation of PyTorch. Which edge belongs to which argument is told by where the edges lead."""
    inputs = [x.detach().numpy().copy() if i in places else x for i, x in enumerate(args)]
    leads = {i: args[i].grad_fn if args[i].grad_fn is not None else args[i] for i in places if args[i].requires_grad}
    edges = [getattr(to, "variable", to) for to, _ in node.next_functions]
    tracked, order = [], []
    for number, end in enumerate(edges):
        match = next((i for i, lead in leads.items() if lead is end and i not in tracked), None)
        if end is not None and match is not None:
            tracked.append(match)
            order.append(number)

    def forward(*x: Any) -> Any:
        given = [torch.as_tensor(v) if i in places else v for i, v in enumerate(x)]
        return function(*given, **kwargs).detach().numpy()

    def back(g: np.ndarray) -> Sequence[Any]:
        came = node(torch.as_tensor(g))
        came = came if isinstance(came, tuple) else (came,)
        # PyTorch undoes broadcasting after the node, on the way to the next one.
        return [came[number].sum_to_size(np.shape(inputs[i])) for i, number in zip(tracked, order, strict=True)]

    return Call(node, forward, inputs, tracked, back)

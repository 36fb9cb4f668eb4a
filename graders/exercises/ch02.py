"""Chapter 02: what a check draws and notes for add, mul, record and is_leaf."""

from __future__ import annotations

from typing import Any

import numpy as np

from graders.exercises import Rng, See, exercise
from graders.exercises.tools import UNTOUCHED, away_from_zero, made, result, see_untouched, shuffled, truths
from minigrad import engine, graph, rules


def look_at_rule(rng: Rng, see: See, name: str) -> None:
    """The value and the two gradients of a rule of two arguments, on arrays and on single numbers."""
    rule = getattr(rules, name).rule
    a, b, g = (away_from_zero(rng) for _ in range(3))
    see.array("value", lambda: rule(a.copy(), b.copy())[0])
    see.array("gradient for a", lambda: rule(a.copy(), b.copy())[1](g.copy()))
    see.array("gradient for b", lambda: rule(a.copy(), b.copy())[2](g.copy()))
    x, y, h = (np.float64(rng.uniform(0.5, 2.0)) for _ in range(3))
    see.array("both for single numbers", lambda: [vjp(h) for vjp in rule(x, y)[1:]])
    draws = [{key: away_from_zero(rng, shape) for key in "abg"} for shape in ((2, 3), (4,))]
    see_untouched(rng, see, UNTOUCHED, rule, *draws)


@exercise("ch02", 1, pieces=("add",), predictions=("what a gets from a + b",))
def add(rng: Rng, see: See) -> None:
    look_at_rule(rng, see, "add")


@exercise("ch02", 2, pieces=("mul",), predictions=("what a gets from a * b",))
def mul(rng: Rng, see: See) -> None:
    look_at_rule(rng, see, "mul")


@exercise("ch02", 3, pieces=("record",), predictions=("maker of y", "z"))
def record(rng: Rng, see: See) -> None:
    names = shuffled(rng, ["add", "sub", "mul", "div", "maximum", "minimum", "pow_tensor"])
    value, p, q, g = (rng.normal(size=(2, 3)) for _ in range(4))

    def recorded(name: str = "add", kinds: tuple[str, str] = ("leaf", "leaf")) -> Any:
        inputs = tuple(one(kind) for kind in kinds)
        return graph.record(getattr(rules, name), inputs, value, [lambda g: g * p, lambda g: g + q])

    def one(kind: str) -> Any:
        if kind == "number":
            return float(rng.normal())
        return result(rng) if kind == "result" else made(rng, kind == "leaf")

    # Every kind of input beside a tracked one, on a drawn side.
    pairs = [(tracked, other) for tracked in ("leaf", "result") for other in ("leaf", "result", "untracked", "number")]
    pairs = [pair if rng.randint(2) else pair[::-1] for pair in shuffled(rng, pairs)]
    see.array("the result holds the value", recorded)
    see.cases(
        "who made it: the name of grad_fn", lambda n: recorded(n).grad_fn.name(), {f"rules.{n}": (n,) for n in names}
    )
    see.cases(
        "where the edges lead: next_functions",
        lambda kinds: edges(recorded(kinds=kinds)),
        {f"({a}, {b})": ((a, b),) for a, b in pairs},
    )
    see.array("one step back: what the left input gets", lambda: one_step(recorded(), g)[0])
    see.array("one step back: what the right input gets", lambda: one_step(recorded(), g)[1])
    flags = shuffled(rng, [(True, True), (True, False), (False, True), (False, False)] * 5)
    see.array(
        "one tracked input is enough for a result that requires grad",
        lambda: [rules.sub(made(rng, a), made(rng, b)).requires_grad for a, b in flags],
        labels=[f"inputs with requires_grad={a} and {b}" for a, b in flags],
    )


def edges(tensor: Any) -> str:
    """The nodes that next_functions lists, by name."""
    return ", ".join("None" if node is None else node.name() for node, _ in tensor.grad_fn.next_functions)


def one_step(tensor: Any, g: np.ndarray) -> list[Any]:
    """What a node sends along its edges when `g` arrives."""
    return [part for _, part in tensor.grad_fn.backward(g, engine.Task(keep=True, record=False, accumulates=False))]


@exercise("ch02", 4, pieces=("is_leaf",), predictions=("x.is_leaf", "y.is_leaf", "v.is_leaf"))
def is_leaf(rng: Rng, see: See) -> None:
    def one(kind: str) -> Any:
        if kind.endswith("result"):
            return result(rng, result(rng) if kind == "a result of a result" else None)
        return made(rng, kind == "made by you, requires_grad=True")

    def answers(kinds: list[str]) -> list[bool]:
        return truths([one(kind).is_leaf for kind in kinds])

    kinds = ["made by you, requires_grad=True", "made by you, requires_grad=False"]
    kinds += ["a tracked result", "a result of a result", "made by an operation from untracked inputs"]
    for title, chosen in {
        "tensors made by you": [0, 1, 2],
        "results of untracked inputs": [4, 2, 3],
        "a mix of everything": list(range(5)),
    }.items():
        drawn = [kinds[i] for i in shuffled(rng, chosen * 7)]
        see.array(title, answers, drawn, labels=drawn)

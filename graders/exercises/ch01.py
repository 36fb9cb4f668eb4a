"""Chapter 01: what a check draws and notes for can_require_grad, leaf, requires_grad_ and any_requires_grad."""

from __future__ import annotations

from typing import Any

import numpy as np

from graders.exercises import Rng, See, exercise
from graders.exercises.tools import DTYPES, FLOATING, array, made, refusal, shuffled, truths
from graders.pieces import standing
from minigrad import graph, tensors


@exercise("ch01", 1, pieces=("can_require_grad",), predictions=("float64", "int64", "bool"))
def can_require_grad(rng: Rng, see: See) -> None:
    def answers(names: list[str]) -> list[bool]:
        return truths([graph.can_require_grad(np.dtype(name)) for name in names])

    # Every vector holds types of both kinds, so that a constant is never right.
    for title, names in {
        "floats": ("float64", "float32", "float16", "int64", "bool"),
        "integers": ("int64", "int32", "int16", "int8", "uint8", "float32", "float64"),
        "truth values": ("bool", "bool", "bool", "float16", "float32", "float64"),
    }.items():
        drawn = shuffled(rng, names * 3)
        see.array(f"{title}, among others", answers, drawn, labels=drawn)


@exercise("ch01", 2, pieces=("leaf",), predictions=("integers", "integers with a gradient"))
def leaf(rng: Rng, see: See) -> None:
    def birth(name: str, flag: bool) -> str:
        try:
            made = tensors.leaf(array(rng, name), flag)
        except RuntimeError:
            return "refused"
        return f"made, {made._array.dtype}, requires_grad={made._requires_grad}"

    with standing(can_require_grad=FLOATING.__getitem__):
        a, b = array(rng), array(rng, "float32")
        see.array("the values", lambda: np.stack([tensors.leaf(x, flag)._array for x, flag in ((a, True), (b, False))]))
        flags = shuffled(rng, [True, False] * 6)
        see.array(
            "the flag that was asked for",
            lambda: [tensors.leaf(a, flag)._requires_grad for flag in flags],
            labels=[f"requires_grad={flag}" for flag in flags],
        )
        cases = shuffled(rng, [(name, flag) for name in shuffled(rng, DTYPES)[:5] for flag in (True, False)])
        cases += [("float64", True), ("float32", False), ("int32", True), ("int64", False)]
        see.cases(
            "which tensors are made, and which are refused",
            birth, {f"{name}, requires_grad={flag}": (name, flag) for name, flag in cases},
        )  # fmt: skip
        names = shuffled(rng, DTYPES)
        see.cases("what the refusal says", refusal, {n: (tensors.leaf, array(rng, n), True) for n in names})


@exercise("ch01", 3, pieces=("requires_grad_",), predictions=("a at the end",))
def requires_grad_(rng: Rng, see: See) -> None:
    results: list[Any] = []  # is_leaf is a piece of the next chapter: here the check itself says what is a result

    def tensor(kind: str, flag: bool, dtype: str = "float64") -> Any:
        x = made(rng, flag, dtype)
        if kind == "result":
            results.append(x)
        return x

    def switch(x: Any, *value: bool) -> str:
        """What comes back, or that it is refused; and how the tensor is left."""
        try:
            back = x.requires_grad_(*value)
        except RuntimeError:
            return f"refused, requires_grad={x._requires_grad}"
        what = "the same tensor" if back is x else "another tensor" if hasattr(back, "requires_grad") else str(back)
        return f"{what}, requires_grad={x._requires_grad}"

    with standing(can_require_grad=FLOATING.__getitem__, is_leaf=lambda x: not any(x is other for other in results)):
        floats = [(name, old, new) for name in ("float64", "float32") for old in (True, False) for new in (True, False)]
        see.cases("switching leaves on and off", switch, {
            f"requires_grad_({new}) on {name} with requires_grad={old}": (tensor("leaf", old, name), new)
            for name, old, new in shuffled(rng, floats)[:6]
        })  # fmt: skip
        see.cases("requires_grad_() without an argument", switch, {
            name: (tensor("leaf", bool(rng.randint(2)) and name.startswith("float"), name),)
            for name in shuffled(rng, DTYPES)
        })  # fmt: skip

        def written(name: str) -> Any:
            x = tensor("leaf", False, name)
            tensors.counter(x)[0] = int(rng.randint(9))
            return x

        see.mutation("the memory of the tensor, and its version", {
            f"requires_grad_({new}) on {name}": (lambda x, new=new: x.requires_grad_(new), {"x": written(name)})
            for name, new in shuffled(rng, [("float64", True), ("float64", False), ("float32", True), ("int64", False)])
        }, memory=True)  # fmt: skip
        types = [(name, new) for name in ("float16", "int64", "int32", "uint8", "bool") for new in (True, False)]
        see.cases("element types without a gradient", switch, {
            f"requires_grad_({new}) on {name}": (tensor("leaf", False, name), new) for name, new in shuffled(rng, types)
        })  # fmt: skip
        kinds = [
            (kind, name, new) for kind in ("result", "leaf") for name in ("float64", "float32") for new in (True, False)
        ]
        see.cases("results cannot be switched off", switch, {
            f"requires_grad_({new}) on a {kind}, {name}": (tensor(kind, True, name), new)
            for kind, name, new in shuffled(rng, kinds)
        })  # fmt: skip
        refused = [("leaf", name, True) for name in ("int64", "int32", "uint8", "bool", "float32", "float64")]
        refused += [("result", name, False) for name in ("float64", "float32")]
        see.cases("what the refusals say", refusal, {
            f"requires_grad_({new}) on a {kind}, {name}": (tensor(kind, kind == "result", name).requires_grad_, new)
            for kind, name, new in shuffled(rng, refused)
        })  # fmt: skip


@exercise("ch01", 4, pieces=("any_requires_grad",), predictions=("x + y", "x + z"))
def any_requires_grad(rng: Rng, see: See) -> None:
    def one(kind: str) -> Any:
        if kind in ("a number", "an array"):
            return float(rng.uniform(2.0, 9.0)) if kind == "a number" else array(rng)
        return made(rng, kind == "tracked")

    def answers(cases: list[list[str]]) -> list[bool]:
        return truths([graph.any_requires_grad(*map(one, case)) for case in cases])

    for title, cases in {
        "one input": [["tracked"], ["untracked"], ["a number"]],
        "two inputs": [["tracked", "untracked"], ["untracked", "tracked"], ["tracked", "tracked"], ["untracked"] * 2],
        "numbers and arrays among them": [
            ["a number", "tracked"], ["untracked", "a number"], ["an array", "untracked"], ["tracked", "an array"],
        ],
        "three inputs": [
            ["untracked", "untracked", "tracked"], ["untracked", "tracked", "untracked"], ["untracked"] * 3,
            ["a number", "a number", "tracked"], ["a number", "untracked", "an array"],
        ],
    }.items():  # fmt: skip
        drawn = shuffled(rng, cases * 4)
        see.array(title, answers, drawn, labels=[", ".join(case) for case in drawn])

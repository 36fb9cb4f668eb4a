"""Chapter 04: what a check draws and notes for the zoo of rules and for undoing broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graders.exercises import Rng, See, exercise
from graders.exercises.tools import UNTOUCHED, along, away_from_zero, see_untouched
from minigrad import graph, rules, tensors


def look_at_function(see: See, title: str, rule: Callable[[Any], tuple], a: Any, g: Any) -> None:
    """The value and the gradient of a rule of one argument."""
    see.array(f"{title}: value", lambda: rule(a.copy())[0])
    see.array(f"{title}: gradient", lambda: rule(a.copy())[1](g.copy()))


@exercise("ch04", 1, pieces=("log", "pow"), predictions=("what 20 gets from the logarithm", "what 4 gets from a^2"))
def log_and_pow(rng: Rng, see: See) -> None:
    def positive() -> dict[str, Any]:
        return {"a": away_from_zero(rng, positive=True), "g": rng.normal(size=(2, 3))}

    def power(x: Any, n: Any) -> tuple:
        return rules.pow.rule(x.copy(), n)

    a, g = positive().values()
    look_at_function(see, "log", rules.log.rule, a, g)
    see_untouched(rng, see, f"log: {UNTOUCHED}", rules.log.rule, positive(), positive())
    b, whole = away_from_zero(rng), int(rng.randint(3, 6))
    look_at_function(see, "pow, a whole exponent", lambda x: power(x, whole), b, g)
    for title, exponent in (("negative", -float(rng.randint(1, 4))), ("fractional", round(rng.uniform(0.2, 0.8), 2))):
        see.array(f"pow, a {title} exponent: gradient", lambda n=exponent: power(a, n)[1](g.copy()))
    see.array("pow, exponents 1 and 0: gradient", lambda: np.stack([power(b, n)[1](g.copy()) for n in (1, 0)]))
    see_untouched(rng, see, f"pow: {UNTOUCHED}", lambda x: rules.pow.rule(x, whole), positive(), positive())


@exercise("ch04", 2, pieces=("abs",), predictions=("what -2 gets", "what 0 gets"))
def abs(rng: Rng, see: See) -> None:
    a, g = away_from_zero(rng), rng.normal(size=(2, 3))
    look_at_function(see, "abs", rules.abs.rule, a, g)
    draws = [{"a": away_from_zero(rng, shape), "g": rng.normal(size=shape)} for shape in ((2, 3), (4,))]
    see_untouched(rng, see, f"abs: {UNTOUCHED}", rules.abs.rule, *draws)
    kinks, h = away_from_zero(rng, (6,)), rng.normal(size=6)
    kinks[rng.permutation(6)[:3]] = 0.0
    see.array("at the kink: some entries are 0", lambda: rules.abs.rule(kinks.copy())[1](h.copy()))


@exercise("ch04", 3, pieces=("sum", "mean"), predictions=("what each entry gets from the sum", "from the mean"))
def sum_and_mean(rng: Rng, see: See) -> None:
    for name in ("sum", "mean"):
        for shape in ((2, 3), (4,), (2, 1, 3)):
            a, g = rng.normal(size=shape), np.float64(rng.normal())
            title = f"{name}, shape {shape}"
            look_at_function(see, title, getattr(rules, name).rule, a, g)


@exercise("ch04", 4, pieces=("norm",), predictions=("what the first 2 gets",))
def norm(rng: Rng, see: See) -> None:
    for shape in ((2, 3), (4,)):
        g = np.float64(away_from_zero(rng, ()))
        look_at_function(see, f"shape {shape}", rules.norm.rule, away_from_zero(rng, shape), g)
    a, h = away_from_zero(rng, (3,)), np.float64(rng.normal())
    see.array(
        "gradient of another vector, then of all zeros",
        lambda: np.concatenate([rules.norm.rule(x.copy())[1](h) for x in (a, np.zeros(3))]),
    )


@exercise("ch04", 5, pieces=("mm",), predictions=("shape of what A gets", "what A gets, first entry"))
def mm(rng: Rng, see: See) -> None:
    a, b, g = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
    rule = rules.mm.rule
    see.array("value", lambda: rule(a.copy(), b.copy())[0])
    see.array("gradient for A", lambda: rule(a.copy(), b.copy())[1](g.copy()))
    see.array("gradient for B", lambda: rule(a.copy(), b.copy())[2](g.copy()))
    # Square matrices have the right shape whatever is done to them: here only the numbers tell.
    p, q, h = (rng.normal(size=(3, 3)) for _ in range(3))
    see.array("square matrices: gradient for A", lambda: rule(p.copy(), q.copy())[1](h.copy()))
    see.array("square matrices: gradient for B", lambda: rule(p.copy(), q.copy())[2](h.copy()))


@exercise("ch04", 6, pieces=("unbroadcast",), predictions=("shape of what b gets", "what the first entry of b gets"))
def unbroadcast(rng: Rng, see: See) -> None:
    for title, big, small in (
        ("nothing was stretched", (2, 3), (2, 3)),
        ("a new axis in front", (2, 3), (3,)),
        ("an axis of size 1", (2, 3), (2, 1)),
        ("both at once", (4, 2, 3), (2, 1)),
        ("a single number", (2, 3), ()),
        ("square: a new axis in front", (3, 3), (3,)),
        ("square: an axis of size 1", (3, 3), (3, 1)),
        ("axes of size 1 that were not stretched", (2, 1, 3), (1, 1)),
    ):
        g = rng.normal(size=big)
        see.array(f"{title}: {big} to {small}", lambda g=g, small=small: graph.unbroadcast(g.copy(), small))
    x, g = tensors.wrap(rng.normal(size=(2, 3))), rng.normal(size=(2, 3))
    leaves = {"w": rng.normal(size=(3,)), "b": rng.normal(size=(2, 1))}
    see.graph("a whole graph", lambda w, b: rules.mul(rules.exp(rules.mul(x, w)), b), leaves, g, along)

"""Making mistaken pieces from right ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graders.diagnose import Mistake


def instead(mistaken: Any) -> Callable[[Any], Any]:
    """The mistaken function, whatever the right one is."""
    return lambda right: mistaken


def vjps(change: Callable[..., list[Any]]) -> Callable[[Any], Any]:
    """Make a mistaken rule: `change(vjps, args, value)` gives the vjps in place of the right ones."""

    def make(rule: Any) -> Any:
        def mistaken(*args: Any) -> tuple:
            value, *right = rule(*args)
            return (value, *change(right, args, value))

        return mistaken

    return make


def value(change: Callable[..., Any]) -> Callable[[Any], Any]:
    """Make a mistaken rule: `change(*args)` gives the value in place of the right one."""
    return lambda rule: lambda *args: (change(*args), *rule(*args)[1:])


def careless(section: str, arguments: int) -> tuple[Mistake, ...]:
    """What goes wrong in the Python of a rule, whatever its mathematics is."""
    found = [
        Mistake(
            "the vjp has no return",
            "A function without `return` gives None, and then nothing is sent back. "
            "Write `return` in front of the result, or use a lambda.",
            section,
            vjps(lambda right, args, out: [lambda g: None for _ in right]),
        ),
        Mistake(
            "the rule has no return",
            "A function without `return` gives None. A rule returns its value and then its vjps, separated by commas.",
            section,
            instead(lambda *args, **options: None),
        ),
        Mistake(
            "only the value is returned",
            "A rule returns its value and, after a comma, one vjp for each argument. Without them no gradient can pass.",
            section,
            lambda rule: lambda *args: rule(*args)[0],
        ),
        Mistake(
            "numbers are returned in place of a vjp",
            "g is not known yet when the rule runs: it arrives much later, on the way back. "
            "So return a function of g, as in `lambda g: ...`.",
            section,
            lambda rule: lambda *args: (rule(*args)[0],) * (1 + arguments),
        ),
    ]
    if arguments > 1:
        found += [
            Mistake(
                "only the first vjp is returned",
                "There are two arguments, and each may need a gradient. Return the value, the first vjp and the second.",
                section,
                lambda rule: lambda *args: rule(*args)[:2],
            ),
            Mistake(
                "the value is missing",
                "A rule returns three things: its value, the first vjp and the second. The value comes first.",
                section,
                lambda rule: lambda *args: rule(*args)[1:],
            ),
            Mistake(
                "one vjp returns both gradients",
                "The engine asks for each gradient by itself. Return two vjps, each of which gives one gradient.",
                section,
                lambda rule: lambda *args: joined(*rule(*args)),
            ),
        ]
    return tuple(found)


def joined(value: Any, *right: Any) -> tuple:
    return value, lambda g: tuple(vjp(g) for vjp in right)


def in_place(vjp: Any) -> Any:
    def write(g: Any) -> Any:
        if isinstance(g, np.ndarray):
            g[...] = vjp(g)
            return g
        return vjp(g)

    return write

"""Making mistaken pieces from right ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


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


def in_place(vjp: Any) -> Any:
    def write(g: Any) -> Any:
        if isinstance(g, np.ndarray):
            g[...] = vjp(g)
            return g
        return vjp(g)

    return write

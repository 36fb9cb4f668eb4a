"""Runs a cell as a notebook does, with minigrad under the name of torch, and says what came out."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import sys
import traceback
import warnings
from typing import Any
from unittest.mock import patch

import minigrad

ADDRESS = "0x\N{HORIZONTAL ELLIPSIS}"
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?!\w)")


def normal(text: str) -> str:
    """The text with minigrad's own name as PyTorch's, and without addresses, frames of a traceback and trailing blanks."""
    text = re.sub(r"\b0x[0-9A-Fa-f]+", ADDRESS, text).replace("minigrad.", "torch.")
    text = re.sub(r"(Traceback \(most recent call last\):)\n(?:[ \t].*\n|\n)*", r"\1\n  ...\n", text)
    return "\n".join([line.rstrip() for line in text.split("\n")]).strip("\n")


def display(x: Any) -> str:
    """What a notebook shows for the last expression of a cell."""
    if type(x) in (tuple, list):
        inner = ", ".join([display(item) for item in x])
        return f"[{inner}]" if type(x) is list else f"({inner},)" if len(x) == 1 else f"({inner})"
    if type(x).__repr__ is object.__repr__:
        module = type(x).__module__
        return f"<{'' if module == 'builtins' else module + '.'}{type(x).__qualname__} at 0x0>"
    return repr(x)


def run_cell(source: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run the cell in `names`: its output, stderr, warnings, and the error that it ended with."""
    out, err = io.StringIO(), io.StringIO()
    error = None
    modules: dict[str, Any] = {"torch": minigrad, "torch.autograd": minigrad.autograd, "torch.nn": minigrad.nn,
                               "torch.nn.functional": minigrad.nn.functional}
    with (contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), patch.dict(sys.modules, modules),
          warnings.catch_warnings(record=True) as caught):
        warnings.simplefilter("always")
        try:
            body = ast.parse(source).body
            last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
            exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
                if value is not None:
                    names["_"] = value
                    print(display(value))
        except Exception as exception:
            error = exception
            traceback.clear_frames(exception.__traceback__)
    return {"out": normal(out.getvalue()), "stderr": normal(err.getvalue()),
            "raises": error and {"type": type(error).__name__, "message": normal(str(error))},
            "warnings": [f"{w.category.__name__}: {normal(str(w.message))}" for w in caught]}


def shape(text: str) -> str:
    """The text with every number as N: what is left of an output whose numbers are random."""
    return re.sub(r"\s+", " ", NUMBER.sub("N", text)).replace("[ N", "[N").strip()


def numbers(text: str) -> list[float]:
    """The numbers in the text."""
    return [float(number) for number in NUMBER.findall(text)]

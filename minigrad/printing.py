"""The text of a tensor, digit for digit as PyTorch prints it."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .tensors import Tensor

LINE = 80
EDGE = 3
THRESHOLD = 1000
START = "tensor("


def text(x: Tensor) -> str:
    """`tensor(...)` with the values, then what is not evident: size, dtype, requires_grad or grad_fn."""
    array = np.asarray(x._array)
    summarize = array.size > THRESHOLD
    name = x.dtype
    suffixes = []
    if array.size == 0:
        if array.ndim != 1:
            suffixes.append(f"size={tuple(array.shape)}")
        if name.name != "float32":
            suffixes.append(f"dtype={name}")
        body = "[]"
    else:
        if name.name not in ("float32", "int64", "bool"):
            suffixes.append(f"dtype={name}")
        body = block(array, number_format(shown(array) if summarize else array), len(START), summarize)
    try:
        node = None if x.grad_fn is None else type(x.grad_fn).__name__
    except RuntimeError:  # a view that must not have changed with its base
        node = "Invalid"
    if node:
        suffixes.append(f"grad_fn=<{node}>")
    elif x.requires_grad:
        suffixes.append("requires_grad=True")
    result = START + body
    last = len(result) - result.rfind("\n") + 1
    for suffix in suffixes:
        width = len(suffix.replace("minigrad.", "torch."))  # lines end where PyTorch's do
        if last + width + 2 > LINE:
            result += ",\n" + " " * len(START) + suffix
            last = len(START) + width
        else:
            result += ", " + suffix
            last += width + 2
    return result + ")"


def shown(array: np.ndarray) -> np.ndarray:
    """The elements that a summary shows: three from each end of each long dimension."""
    for axis, n in enumerate(array.shape):
        if n > 2 * EDGE:
            array = array.take([*range(EDGE), *range(n - EDGE, n)], axis)
    return array


def number_format(values: np.ndarray) -> tuple[Callable[[object], str], int]:
    """How to write one element so that all of them have the same width, and that width.

    Where no element is finite and nonzero the width counts as 1, also for `0.`: more of them go on a line.
    """
    if values.dtype.kind != "f":
        width = max([len(str(v)) for v in values.ravel().tolist()])
        return lambda v: str(v).rjust(width), width
    finite = [abs(v) for v in values.ravel().astype(np.float64).tolist() if np.isfinite(v) and v]
    style, width = ".0f", 1
    if finite:
        high, low = max(finite), min(finite)
        whole = all(v == np.ceil(v) for v in finite)
        scientific = high / low > 1000.0 or high > 1e8 or (not whole and low < 1e-4)
        style = ".4e" if scientific else ".0f" if whole else ".4f"
        dot = 1 if style == ".0f" else 0
        wide = [v for v in values.ravel().astype(np.float64).tolist() if np.isfinite(v) and v]
        width = max([len(format(v, style)) + dot for v in wide])

    def one(v: object) -> str:
        written = format(v, style)
        return (written + "." if style == ".0f" and np.isfinite(v) else written).rjust(width)  # type: ignore[call-overload]
    return one, width


def block(array: np.ndarray, form: tuple[Callable[[object], str], int], indent: int, summarize: bool) -> str:
    """The brackets around the elements, broken into lines of 80."""
    if array.ndim == 0:
        return form[0](array.item())
    if array.ndim == 1:
        return row(array, *form, indent, summarize)
    parts = [array[i] for i in range(len(array))] if not (summarize and len(array) > 2 * EDGE) else [
        *array[:EDGE], None, *array[-EDGE:]]
    lines = ["..." if part is None else block(part, form, indent + 1, summarize) for part in parts]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(lines) + "]"


def row(array: np.ndarray, one: Callable[[object], str], width: int, indent: int, summarize: bool) -> str:
    """One innermost row."""
    values = array.tolist()
    if summarize and len(values) > 2 * EDGE:
        written = [one(v) for v in values[:EDGE]] + [" ..."] + [one(v) for v in values[-EDGE:]]
    else:
        written = [one(v) for v in values]
    per_line = max(1, (LINE - indent) // (width + 2))
    lines = [", ".join(written[i:i + per_line]) for i in range(0, len(written), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"

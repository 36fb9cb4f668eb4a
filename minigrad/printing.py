"""The text of a tensor, digit for digit as PyTorch prints it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .tensors import Tensor

LINE, EDGE, THRESHOLD = 80, 3, 1000
START = "tensor("


def text(x: Tensor) -> str:
    """`tensor(...)` with the values, then what is not evident: size, dtype, requires_grad or grad_fn."""
    array = np.asarray(x._array)
    summarize = array.size > THRESHOLD
    size = "" if array.size or array.ndim == 1 else f"size={array.shape}"
    dtype = "" if x.dtype.name in (("float32", "int64", "bool") if array.size else ("float32",)) else f"dtype={x.dtype}"
    body = block(array, *number_format(shown(array) if summarize else array), len(START), summarize) if array.size else "[]"
    try:
        node = x.grad_fn
        history = f"grad_fn=<{type(node).__name__}>" if node else "requires_grad=True" if x.requires_grad else ""
    except RuntimeError:  # a view that must not have changed with its base
        history = "grad_fn=<Invalid>"
    result = START + body
    for suffix in filter(None, (size, dtype, history)):
        line = (result.rpartition("\n")[2] + suffix).replace("minigrad.", "torch.")  # lines end where PyTorch's do
        result += (", " if len(line) + 4 <= LINE else ",\n" + " " * len(START)) + suffix
    return result + ")"


def shown(array: np.ndarray) -> np.ndarray:
    """The elements that a summary shows: three from each end of each long dimension."""
    for axis, n in enumerate(array.shape):
        if n > 2 * EDGE:
            array = array.take([*range(EDGE), *range(n - EDGE, n)], axis)
    return array


def number_format(values: np.ndarray) -> tuple[Callable[[Any], str], int]:
    """How to write one element so that all of them have the same width, and that width.

    Where no element is finite and nonzero the width counts as 1, also for `0.`: more of them go on a line.
    """
    if values.dtype.kind != "f":
        width = max([len(str(v)) for v in values.ravel().tolist()])
        return lambda v: str(v).rjust(width), width
    usual = [v for v in values.ravel().astype(np.float64).tolist() if np.isfinite(v) and v]
    sizes = [abs(v) for v in usual] or [1.0]
    whole = all(v == np.ceil(v) for v in sizes)
    scientific = max(sizes) / min(sizes) > 1000.0 or max(sizes) > 1e8 or (not whole and min(sizes) < 1e-4)
    style = ".4e" if scientific else ".0f" if whole else ".4f"

    def one(v: float) -> str:
        return format(v, style) + ("." if style == ".0f" and np.isfinite(v) else "")

    width = max([len(one(v)) for v in usual], default=1)
    return lambda v: one(v).rjust(width), width


def block(array: np.ndarray, one: Callable[[Any], str], width: int, indent: int, summarize: bool) -> str:
    """The brackets around the elements, broken into lines of 80."""
    if array.ndim == 0:
        return one(array.item())
    parts = [*array[:EDGE], None, *array[-EDGE:]] if summarize and len(array) > 2 * EDGE else list(array)
    if array.ndim == 1:
        written = [" ..." if part is None else one(part.item()) for part in parts]
        many = max(1, (LINE - indent) // (width + 2))
        lines = [", ".join(written[i:i + many]) for i in range(0, len(written), many)]
    else:
        lines = ["..." if part is None else block(part, one, width, indent + 1, summarize) for part in parts]
    return "[" + ("," + "\n" * max(1, array.ndim - 1) + " " * (indent + 1)).join(lines) + "]"


Tensor.__repr__ = text  # type: ignore[assignment]

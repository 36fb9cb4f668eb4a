"""The order of a result's elements in memory, which `view`, `reshape` and `stride` show."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def by_rows(value: Any) -> Any:
    """`value` in memory row by row."""
    return value if value.flags.c_contiguous else value.copy()


def in_order(value: Any, *arrays: Any) -> Any:
    """`value` in PyTorch's order in memory: where those of the arguments differ the first one decides, in NumPy the rows."""
    arrays = tuple([x for x in arrays if isinstance(x, np.ndarray)])
    rows = np.ndim(value) < 2 or all(x.flags.c_contiguous for x in arrays)
    return value if rows else sorted_by(value, [np.broadcast_to(x, value.shape).strides for x in arrays])


def as_indexed(value: Any, a: Any, indices: tuple) -> Any:
    """`value`, which is a[indices], in PyTorch's order: that of `a`, where it does not decide that of the index arrays."""
    if value.ndim < 2 or (a.flags.c_contiguous and isinstance(indices[0], np.ndarray)):
        return value
    arrays = [i for i, k in enumerate(indices) if isinstance(k, np.ndarray)]
    steps = [step for i, step in enumerate(a.strides) if i not in arrays]
    new, start = value.ndim - len(steps), arrays[0] * (len(arrays) > arrays[-1] - arrays[0])  # apart they come first
    steps[start:0] = [0] * new
    alone = [n if start <= i < start + new else 1 for i, n in enumerate(value.shape)]  # PyTorch's shape for the index arrays
    own = [step if n == m else 0 for step, n, m in zip(np.empty(alone).strides, alone, value.shape, strict=True)]
    return sorted_by(value, [steps, own])


def sorted_by(value: Any, strides: Sequence) -> Any:
    """`value` in the order in memory that arguments with these strides lead to, 0 where they are repeated."""
    order = [*range(value.ndim)]  # of the dimensions, the one with the largest steps first
    for end in range(value.ndim - 1)[::-1]:  # PyTorch's insertion sort: what is compared has no total order
        at = end
        for i in range(end + 1, value.ndim):
            a, b = order[i], order[at]
            larger = value.shape[a] > value.shape[b]  # decides between equal steps
            found = next(filter(None, [step[a] - step[b] or larger for step in strides if step[a] and step[b]]), 0)
            if found < 0:
                break
            if found > 0:
                order[at], order[i], at = a, b, i
    return np.asarray(value.transpose(order), order="C").transpose(np.argsort(order))

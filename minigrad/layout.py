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


def sorted_by(value: Any, strides: Sequence) -> Any:
    """`value` in the order in memory that arguments with these strides lead to, 0 where they are repeated."""
    order = [*range(value.ndim)]  # of the dimensions, the one with the largest steps first
    for end in range(value.ndim - 1)[::-1]:  # PyTorch's insertion sort: what is compared has no total order
        at = end
        for i in range(end + 1, value.ndim):
            a, b = order[i], order[at]
            found = next((step[a] - step[b] for step in strides if 0 not in (step[a], step[b], step[a] - step[b])), 0)
            if found < 0:
                break
            if found > 0:
                order[at], order[i], at = a, b, i
    return np.asarray(value.transpose(order), order="C").transpose(np.argsort(order))

"""Reading with an index: `x[i, 1:, None, mask]` as a chain of the operations that PyTorch would record.

Numbers select, slices slice, None adds a dimension; tensors, arrays, lists and masks are left for one `index` at the end.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from . import rules, tensors
from .tensors import Tensor


def get(x: Tensor, key: Any) -> Tensor:
    """x[key]: a view where only numbers, slices, None and `...` occur, else a copy."""
    if isinstance(key, slice) and x.ndim:
        return take_slice(x, 0, key, always=True)
    view, rest = basic(x, key)
    if rest is not None:
        return rules.index(view, rest)
    return rules.alias(view) if view is x else view


def basic(x: Tensor, key: Any) -> tuple[Tensor, tuple | None]:
    """The part of `x` that numbers, slices and None choose, and what is left to be indexed in it by arrays."""
    keys = list(key) if isinstance(key, tuple) else [key]
    keys = [np.asarray(k) if isinstance(k, list) else tensors.array_of(k) if isinstance(k, Tensor) else k for k in keys]
    used = sum([n_dims(k) for k in keys])
    if used > x.ndim:
        if x.ndim == 0 and len(keys) == 1 and isinstance(keys[0], int):
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ "
                             "to convert a 0-dim tensor to a number")
        raise IndexError(f"too many indices for tensor of dimension {x.ndim}")
    rest: dict[int, np.ndarray] = {}
    dim = 0
    for k in keys:
        if k is None:
            x = rules.unsqueeze(x, dim)
            dim += 1
        elif k is Ellipsis:
            dim += x.ndim - dim - (used - sum_before(keys, k))
        elif isinstance(k, slice):
            x = take_slice(x, dim, k)
            dim += 1
        elif isinstance(k, (bool, np.bool_)):
            x = rules.unsqueeze(x, dim)
            rest[dim] = np.zeros(int(k), np.int64)
            dim += 1
        elif isinstance(k, (int, np.integer)) or (isinstance(k, np.ndarray) and k.ndim == 0 and k.dtype.kind in "iu"):
            x = take(x, dim, int(k))
        elif isinstance(k, np.ndarray):
            for positions in positions_of(x, dim, k):
                rest[dim] = positions
                dim += 1
        else:
            refuse(k)
    if not rest:
        return x, None
    return x, tuple([rest.get(i, slice(None)) for i in range(max(rest) + 1)])


def n_dims(k: Any) -> int:
    """How many dimensions of the tensor one entry of an index uses up."""
    if k is None or k is Ellipsis or isinstance(k, (bool, np.bool_)):
        return 0
    return k.ndim if isinstance(k, np.ndarray) and k.dtype == bool else 1


def sum_before(keys: list, ellipsis: Any) -> int:
    """The dimensions used up by the entries before `...`."""
    total = 0
    for k in keys:
        if k is ellipsis:
            break
        total += n_dims(k)
    return total


def take(x: Tensor, dim: int, i: int) -> Tensor:
    """x[i] along `dim`; IndexError outside the dimension."""
    n = x._array.shape[dim]
    if not -n <= i < n:
        raise IndexError(f"index {i} is out of bounds for dimension {dim} with size {n}")
    return rules.select(x, dim, i % n)


def take_slice(x: Tensor, dim: int, part: slice, always: bool = False) -> Tensor:
    """x[part] along `dim`: x itself where that is all of it, or `always` a new view."""
    for value in (part.start, part.stop, part.step):
        if isinstance(value, float):
            raise TypeError("slice indices must be integers or None or have an __index__ method")
    if part.step is not None and int(part.step) <= 0:
        raise ValueError("step must be greater than zero")
    n = x._array.shape[dim]
    start, stop, step = part.indices(n)
    if (start, stop, step) == (0, n, 1) and not always:
        return x
    return rules.slice_(x, dim, slice(start, max(start, stop), step))


def positions_of(x: Tensor, dim: int, k: np.ndarray) -> tuple[np.ndarray, ...]:
    """The integer arrays that index `x` from `dim` on: `k` itself, or the positions where a mask is True."""
    if k.dtype == bool:
        for i, n in enumerate(k.shape):
            if n != x._array.shape[dim + i]:
                raise IndexError(f"The shape of the mask {list(k.shape)} at index {i} does not match the shape of the "
                                 f"indexed tensor {list(x.shape)} at index {dim + i}")
        return k.nonzero()
    if k.size == 0:
        k = k.astype(np.int64)
    if k.dtype.kind not in "iu":
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    n = x._array.shape[dim]
    for i in k.flat:
        if not -n <= i < n:
            raise IndexError(f"index {i} is out of bounds for dimension {dim} with size {n}")
    return (k.astype(np.int64),)


def refuse(k: Any) -> None:
    """The error for something that is no index."""
    if isinstance(k, str):
        raise TypeError("new(): invalid data type 'str'")
    raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
                     f"(got {type(k).__name__})")

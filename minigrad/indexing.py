"""Reading with an index: `x[i, 1:, None, mask]` as a chain of the operations that PyTorch would record.

Numbers select, slices slice, None adds a dimension; tensors, arrays, lists and masks are left for one `index` at the end.
"""
from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from . import rules, tensors
from .tensors import Tensor

NOT_A_TUPLE = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use "
    "x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], which "
    "will result either in an error or a different result")


def get(x: Tensor, key: Any) -> Tensor:
    """x[key]: a view where only numbers, slices, None and `...` occur, else a copy."""
    if key.__class__ is int:
        shape = x._array.shape
        if shape and -shape[0] <= key < shape[0]:
            return rules.select(x, 0, key % shape[0])
    elif isinstance(key, slice):
        return take_slice(x, 0, key, always=True)
    view, rest = basic(x, key)
    if rest is not None:
        return rules.index(view, rest)
    return rules.alias(view) if view is x else view


def basic(x: Tensor, key: Any) -> tuple[Tensor, tuple | None]:
    """The part of `x` that numbers, slices and None choose, and what is left to be indexed in it by arrays."""
    if isinstance(key, list) and any(k is None or k is ... or isinstance(k, (slice, Tensor, list, tuple)) for k in key):
        warnings.warn(NOT_A_TUPLE, UserWarning, stacklevel=4)
        key = tuple(key)
    keys = [plain(k) for k in key] if isinstance(key, tuple) else [plain(key)]
    if len(keys) == 1 and isinstance(keys[0], slice):
        return take_slice(x, 0, keys[0]), None
    used = sum([n_dims(k) for k in keys])
    if used > x.ndim:
        if x.ndim == 0 and type(key) is int and key == 0:
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ "
                             "to convert a 0-dim tensor to a number")
        raise IndexError(f"too many indices for tensor of dimension {x.ndim}")
    arrays: list[tuple[int, np.ndarray]] = []
    dim = 0
    for place, k in enumerate(keys):
        if k is None:
            x = rules.unsqueeze(x, dim)
            dim += 1
        elif k is Ellipsis:
            dim += x.ndim - dim - (used - sum_before(keys, k))
        elif isinstance(k, slice):
            x = take_slice(x, dim, k)
            dim += 1
        elif isinstance(k, bool):
            x = rules.unsqueeze(x, dim)
            arrays.append((dim, np.zeros(int(k), np.int64)))
            dim += 1
        elif isinstance(k, int):
            x = take(x, dim, k, place)
        elif isinstance(k, np.ndarray):
            arrays.append((dim, k))
            dim += n_dims(k)
        else:
            refuse(k)
    if not arrays:
        return x, None
    rest: dict[int, np.ndarray] = {}
    for dim, k in arrays:
        rest.update(enumerate(positions_of(x, dim, k, len(rest)), dim))
    shapes = [k.shape for k in rest.values()]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise IndexError("shape mismatch: indexing tensors could not be broadcast together with shapes "
                         + ", ".join([str(list(shape)) for shape in shapes])) from None
    return x, tuple([rest.get(i, slice(None)) for i in range(max(rest) + 1)])


def plain(k: Any) -> Any:
    """One entry of an index: numbers with no dimensions as Python numbers, tensors and sequences as arrays."""
    if isinstance(k, (list, tuple, range)):
        k = np.asarray([tensors.array_of(i) for i in k])
        k = k if k.dtype == bool else k.astype(np.int64)
    k = tensors.array_of(k)
    if isinstance(k, np.ndarray) and k.dtype == np.uint8:
        warnings.warn("indexing with dtype minigrad.uint8 is now deprecated, please use a dtype minigrad.bool instead.",
                      UserWarning, stacklevel=5)
        k = k != 0
    return k.item() if isinstance(k, (np.ndarray, np.generic)) and k.ndim == 0 else k


def n_dims(k: Any) -> int:
    """How many dimensions of the tensor one entry of an index uses up."""
    if k is None or k is Ellipsis or isinstance(k, bool):
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


def take(x: Tensor, dim: int, i: int, place: int = 0) -> Tensor:
    """x[i] along `dim`; IndexError, which names the `place` of the index, outside the dimension."""
    n = x._array.shape[dim]
    if not -n <= i < n:
        raise IndexError(f"index {i} is out of bounds for dimension {place} with size {n}")
    return rules.select(x, dim, i % n)


def take_slice(x: Tensor, dim: int, part: slice, always: bool = False) -> Tensor:
    """x[part] along `dim`: x itself where that is evidently all of it, or `always` a new view."""
    for value in (part.start, part.stop, part.step):
        if isinstance(value, float):
            raise TypeError("slice indices must be integers or None or have an __index__ method")
    if part.step is not None and int(part.step) < 0:
        raise ValueError("step must be greater than zero")
    if x.ndim == 0:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    n = x._array.shape[dim]
    start, stop, step = part.indices(n)
    if not part.start and stop == n and step == 1 and not always:
        return x
    return rules.slice_(x, dim, slice(start, max(start, stop), step))


def positions_of(x: Tensor, dim: int, k: np.ndarray, number: int) -> tuple[np.ndarray, ...]:
    """The integer arrays that index `x` from `dim` on: `k` itself, or the positions where a mask is True.

    number: how many arrays come before `k`, for the message.
    """
    if k.dtype == bool:
        for i, n in enumerate(k.shape):
            if n != x._array.shape[dim + i]:
                raise IndexError(f"The shape of the mask {list(k.shape)} at index {i} does not match the shape of the "
                                 f"indexed tensor {list(x.shape)} at index {dim + i}")
        return k.nonzero()
    if k.dtype.kind not in "iu":
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    n = x._array.shape[dim]
    if n == 0 and k.size:
        raise IndexError(f"index is out of bounds for dimension with size {n}")
    for i in k.flat:
        if not -n <= i < n:
            raise IndexError(f"index {i} is out of bounds for dimension {number} with size {n}")
    return (k.astype(np.int64),)


def refuse(k: Any) -> None:
    """The error for something that is no index."""
    if isinstance(k, str):
        raise TypeError("new(): invalid data type 'str'")
    raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
                     f"(got {type(k).__name__})")

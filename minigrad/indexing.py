"""Reading with an index: `x[i, 1:, None, mask]` as a chain of the operations that PyTorch would record.

Numbers select, slices slice, None adds a dimension; tensors, arrays, lists and masks are left for one `index` at the end.
"""

from typing import Any

import numpy as np

from . import graph, rules, tensors
from .errors import error, need, warn
from .tensors import Tensor


def get(x: Tensor, key: Any) -> Tensor:
    """x[key]: a view where only numbers, slices, None and `...` occur, else a copy."""
    if key.__class__ is int:
        try:
            return rules.select(x, (key, ...))
        except IndexError:  # `basic` says what is wrong
            pass
    elif key.__class__ is slice and x._array.shape:
        return rules.slice_(x, (key, ...)) if key.step is None else take_slice(x, 0, key, always=True)
    view, rest = basic(x, key)
    if rest is not None:
        return graph.watch(rules.index(view, rest), *(key if isinstance(key, (tuple, list)) else (key,)))
    return rules.alias(view, view._array.shape) if view is x else view


def basic(x: Tensor, key: Any) -> tuple[Tensor, tuple | None]:
    """The part of `x` that numbers, slices and None choose, and what is left to be indexed in it by arrays."""
    if isinstance(key, list) and any(k is None or k is ... or isinstance(k, (slice, Tensor, list, tuple)) for k in key):
        warn("list_index", level=2)
        key = tuple(key)
    keys = [plain(k) for k in key] if isinstance(key, tuple) else [plain(key)]
    used = sum([n_dims(k) for k in keys])
    if not x.ndim and isinstance(key, (int, np.integer)) and used:
        raise error("index_range" if key else "index_0d", key, 0, 0)
    need(x.ndim or not isinstance(key, slice), "slice_0d")
    need(used <= x.ndim, "many_indices", x.ndim)
    arrays: dict[int, np.ndarray] = {}
    dim = 0
    for place, k in enumerate(keys):
        if isinstance(k, np.ndarray):
            arrays[dim] = k
            dim += n_dims(k)
        elif k is Ellipsis:
            dim += x.ndim - dim - sum([n_dims(later) for later in keys[place:]])
        elif isinstance(k, slice):
            x = take_slice(x, dim, k)
            dim += 1
        elif k is None or isinstance(k, bool):
            x = rules.unsqueeze(x, (*x._array.shape[:dim], 1, *x._array.shape[dim:]))
            arrays |= {} if k is None else {dim: np.zeros(int(k), np.int64)}
            dim += 1
        elif isinstance(k, int):
            n = x._array.shape[dim]
            need(-n <= k < n, "index_range", k, place, n)
            x = rules.select(x, rules.along(dim, k))
        else:
            raise error("str") if isinstance(k, str) else error("no_index", type(k))
    if not arrays:
        return x, None
    rest: dict[int, np.ndarray] = {}
    for dim, k in arrays.items():
        rest.update(enumerate(positions(x, dim, k, len(rest)), dim))
    shapes = [k.shape for k in rest.values()]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise error("index_shapes", ", ".join([str(list(shape)) for shape in shapes])) from None
    return x, tuple([rest.get(i, slice(None)) for i in range(max(rest) + 1)])


def plain(k: Any) -> Any:
    """One entry of an index: numbers with no dimensions as Python numbers, tensors and sequences as arrays."""
    if isinstance(k, (list, tuple, range)):
        k = np.asarray([tensors.array_of(i) for i in k])
        k = k if k.dtype == bool else k.astype(np.int64)
    k = np.asarray(k._array) if isinstance(k, Tensor) else k
    if isinstance(k, np.ndarray) and k.dtype == np.uint8:  # bytes are truth values
        if k.ndim:
            warn("byte_index", level=3)
        k = k != 0
    return k.item() if isinstance(k, (np.ndarray, np.generic)) and k.ndim == 0 and k.dtype.kind != "f" else k


def n_dims(k: Any) -> int:
    """How many dimensions of the tensor one entry of an index uses up."""
    if isinstance(k, np.ndarray) and k.dtype == bool:
        return k.ndim
    return 0 if k is None or k is Ellipsis or isinstance(k, bool) else 1


def take_slice(x: Tensor, dim: int, part: slice, always: bool = False) -> Tensor:
    """x[part] along `dim`: x itself where that is evidently all of it, or `always` a new view."""
    n = x._array.shape[dim]
    _, stop, step = part.indices(n)
    need(step > 0, "slice_step")
    return x if not part.start and stop == n and step == 1 and not always else rules.slice_(x, rules.along(dim, part))


def positions(x: Tensor, dim: int, k: np.ndarray, number: int) -> tuple[np.ndarray, ...]:
    """The integer arrays that index `x` from `dim` on: `k` itself, or the positions where a mask is True.

    number: how many arrays come before `k`, for the message.
    """
    if k.dtype == bool:
        for i, n in enumerate(k.shape):
            need(n == x._array.shape[dim + i], "mask_shape", list(k.shape), i, list(x.shape), dim + i)
        return k.nonzero()
    need(k.dtype in (np.int64, np.int32), "index_dtype")
    n = x._array.shape[dim]
    need(n or not k.size, "index_empty", n)
    for i in k[(k < -n) | (k >= n)]:
        raise error("index_range", i, number, n)
    return (k.astype(np.int64),)

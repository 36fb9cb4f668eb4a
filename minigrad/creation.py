"""Making tensors: from Python and NumPy data, filled with one value, in steps, or at random."""
from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from . import dtypes, tensors
from .tensors import Size, Tensor

COPY_OF_TENSOR = (
    "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than minigrad.tensor(sourceTensor).")

generator = np.random.default_rng()


def tensor(data: Any, dtype: dtypes.dtype | None = None, requires_grad: bool = False) -> Tensor:
    """A new leaf with a copy of `data`: a number, nested lists, a NumPy array or a Tensor.

    Without `dtype` Python floats become float32 and Python ints int64; arrays keep their type. ValueError for lists of
    uneven length.
    """
    if isinstance(data, Tensor):
        warnings.warn(COPY_OF_TENSOR, UserWarning, stacklevel=2)
        array = np.array(data._array)
    elif isinstance(data, (np.ndarray, np.generic)):
        array = np.array(data)
    else:
        check_even(data)
        data = plain_lists(data)
        flat = np.array(data, object).ravel() if not isinstance(data, (bool, int, float)) else [data]
        array = np.array(data)
        from_numpy_floats = any(isinstance(x, np.generic) and x.dtype.kind == "f" for x in flat)
        if array.size == 0 or (array.dtype.kind == "f" and not from_numpy_floats):
            array = array.astype(dtypes.DEFAULT)
    if dtype is not None:
        array = array.astype(dtypes.to_numpy(dtype))
    result = wrap_leaf(array if array.ndim else array[()], requires_grad, "tensor")
    result.dtype  # noqa: B018  TypeError for an element type that minigrad does not have
    return result


def check_even(data: Any) -> None:
    """ValueError that names the dimension where nested lists have different lengths."""
    level, dim = [data], 0
    while level and all(isinstance(x, (list, tuple, range)) for x in level):
        if len({len(x) for x in level}) > 1:
            wrong = next(x for x in level if len(x) != len(level[0]))
            raise ValueError(f"expected sequence of length {len(level[0])} at dim {dim} (got {len(wrong)})")
        level = [y for x in level for y in x]
        dim += 1
    for x in level:
        if isinstance(x, str):
            raise TypeError("new(): invalid data type 'str'")
        if not isinstance(x, (bool, int, float, np.generic, np.ndarray, Tensor)):
            raise RuntimeError(f"Could not infer dtype of {type(x).__name__}")


def plain_lists(data: Any) -> Any:
    """Nested lists with the tensors in them replaced by their numbers."""
    if isinstance(data, Tensor):
        return float(data) if data.ndim == 0 and data.is_floating_point() else data.tolist()
    return [plain_lists(x) for x in data] if isinstance(data, (list, tuple)) else data


def wrap_leaf(array: np.ndarray, requires_grad: Any, caller: str) -> Tensor:
    """A leaf around `array`; TypeError where requires_grad is not a bool."""
    if type(requires_grad) is not bool:
        raise TypeError(f"{caller}(): argument 'requires_grad' must be bool, not {type(requires_grad).__name__}")
    return tensors.leaf(array, requires_grad)


def as_tensor(data: Any, dtype: dtypes.dtype | None = None) -> Tensor:
    """`data` as a Tensor, without a copy where that is possible."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return from_numpy(data) if isinstance(data, np.ndarray) and dtype is None else tensor(data, dtype)


def from_numpy(array: np.ndarray) -> Tensor:
    """A Tensor that shares the memory of a NumPy array."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    if any(step < 0 for step in array.strides):
        raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative strides are "
                         "not currently supported. (You can probably work around this by making a copy of your array "
                         " with array.copy().) ")
    dtypes.of(array)
    return tensors.wrap(array)


def sizes(shape: tuple, caller: str) -> tuple[int, ...]:
    """Sizes given one by one, or as one tuple or list; RuntimeError for negative ones."""
    if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)):
        shape = tuple(shape[0])
    for n in shape:
        if not isinstance(n, (int, np.integer)):
            raise TypeError(f"{caller}(): argument 'size' must be tuple of ints, but found element of type "
                            f"{type(n).__name__} at pos {shape.index(n)}")
    if any(n < 0 for n in shape):
        raise RuntimeError("zeros: Dimension size must be non-negative." if caller == "zeros" else
                           f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return tuple([int(n) for n in shape])


def numpy_type(dtype: Any, caller: str, default: np.dtype = dtypes.DEFAULT) -> np.dtype:
    """NumPy's dtype for a minigrad dtype, `default` for None."""
    return default if dtype is None else dtypes.to_numpy(dtype, caller)


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros; float32 unless `dtype` says otherwise."""
    return wrap_leaf(np.zeros(sizes(size, "zeros"), numpy_type(dtype, "zeros")), requires_grad, "zeros")


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones; float32 unless `dtype` says otherwise."""
    return wrap_leaf(np.ones(sizes(size, "ones"), numpy_type(dtype, "ones")), requires_grad, "ones")


def empty(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor whose values are whatever the memory held."""
    return wrap_leaf(np.empty(sizes(size, "empty"), numpy_type(dtype, "empty")), requires_grad, "empty")


def full(size: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor filled with one value, of the type of that value."""
    kind = numpy_type(dtype, "full", dtypes.OF_NUMBER[type(fill_value)])
    return wrap_leaf(np.full(sizes((size,), "full"), fill_value, kind), requires_grad, "full")


def eye(n: int, m: int | None = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A matrix with ones on the diagonal."""
    return wrap_leaf(np.eye(n, m, dtype=numpy_type(dtype, "eye")), requires_grad, "eye")


def arange(start: Any, end: Any = None, step: Any = 1, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """start, start + step, ... up to but without `end`; int64 where all three are integers."""
    start, end = (0, start) if end is None else (start, end)
    integers = all(isinstance(x, int) for x in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    kind = numpy_type(dtype, "arange", dtypes.OF_NUMBER[int if integers else float])
    values = start + np.arange(math.ceil((end - start) / step)) * step
    return wrap_leaf(values.astype(kind), requires_grad, "arange")


def linspace(start: float, end: float, steps: int, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """`steps` evenly spaced numbers from start to end, both included."""
    values = np.linspace(start, end, steps).astype(numpy_type(dtype, "linspace"))
    return wrap_leaf(values, requires_grad, "linspace")


def manual_seed(seed: int) -> np.random.Generator:
    """Start the random numbers anew: the same seed gives the same numbers."""
    global generator
    generator = np.random.default_rng(seed)
    return generator


def rand(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Random numbers, evenly from [0, 1)."""
    values = generator.random(sizes(size, "rand"), dtype=np.float64)
    return wrap_leaf(np.asarray(values, numpy_type(dtype, "rand")), requires_grad, "rand")


def randn(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Random numbers, normally distributed with mean 0 and standard deviation 1."""
    values = generator.standard_normal(sizes(size, "randn"))
    return wrap_leaf(np.asarray(values, numpy_type(dtype, "randn")), requires_grad, "randn")


def randint(low: int, high: int | None = None, size: Any = (), dtype: Any = None) -> Tensor:
    """Random integers from [low, high)."""
    low, high, size = (low, high, size) if isinstance(high, int) else (0, low, high if high is not None else size)
    values = generator.integers(low, high, sizes((size,), "randint"))
    return tensors.wrap(np.asarray(values, numpy_type(dtype, "randint", np.dtype("int64"))))


def randperm(n: int) -> Tensor:
    """The numbers 0 to n - 1 in random order."""
    return tensors.wrap(generator.permutation(n))


def zeros_like(x: Tensor, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape and element type of `x`."""
    return wrap_leaf(np.zeros(x.shape, numpy_type(dtype, "zeros_like", x._array.dtype)), requires_grad, "zeros_like")


def ones_like(x: Tensor, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape and element type of `x`."""
    return wrap_leaf(np.ones(x.shape, numpy_type(dtype, "ones_like", x._array.dtype)), requires_grad, "ones_like")


def empty_like(x: Tensor, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Memory in the shape and element type of `x`."""
    return wrap_leaf(np.empty(x.shape, numpy_type(dtype, "empty_like", x._array.dtype)), requires_grad, "empty_like")


def full_like(x: Tensor, fill_value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """One value in the shape and element type of `x`."""
    return wrap_leaf(np.full(x.shape, fill_value, numpy_type(dtype, "full_like", x._array.dtype)), requires_grad,
                     "full_like")


def rand_like(x: Tensor, requires_grad: bool = False) -> Tensor:
    """As `rand`, in the shape and element type of `x`."""
    return rand(*Size(x.shape), dtype=x.dtype, requires_grad=requires_grad)


def randn_like(x: Tensor, requires_grad: bool = False) -> Tensor:
    """As `randn`, in the shape and element type of `x`."""
    return randn(*Size(x.shape), dtype=x.dtype, requires_grad=requires_grad)

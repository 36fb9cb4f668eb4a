"""Making tensors: from Python and NumPy data, filled with one value, in steps, or at random."""

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes, tensors
from .errors import error, need, warn
from .layout import in_order
from .tensors import Tensor

generator: Any = None


# ---------------------------------------------------------------- from data
def tensor(data: Any, dtype: dtypes.dtype | None = None, requires_grad: bool = False) -> Tensor:
    """A new leaf with a copy of `data`: a number, nested lists, a NumPy array or a Tensor.

    Without `dtype` Python floats become float32 and Python ints int64; arrays keep their type. ValueError for lists of
    uneven length.
    """
    if isinstance(data, Tensor):
        warn("copy_of_tensor")
    found, shape = innermost(tensors.array_of(data))
    array = np.array([(float if x.is_floating_point() else int)(x) if isinstance(x, Tensor) else x for x in found])
    kinds = {dtypes.OF_NUMBER.get(type(x)) or np.dtype(tensors.array_of(x).dtype) for x in found} or {dtypes.DEFAULT}
    need(dtype is not None or array.dtype.kind not in "uO" or kinds != {dtypes.int64.dtype}, "too_large")
    kind = functools.reduce(dtypes.promote_types, kinds) if dtype is None else dtypes.to_numpy(dtype)
    if dtype is not None and kind.kind in "iu" and not isinstance(data, (np.ndarray, Tensor)):
        low, high = np.iinfo(kind).min or -np.iinfo(kind).max * (array.dtype.kind != "f"), np.iinfo(kind).max
        need(np.all((array >= low) & (array <= high)), "overflow", dtypes.OF_NUMPY[kind].name)
    array = array.astype(kind).reshape((*shape, *array.shape[1:]))
    dtypes.of(array)  # TypeError for an element type that minigrad does not have
    return wrap_leaf(array if array.ndim else array[()], requires_grad, "tensor")


def innermost(data: Any) -> tuple[list[Any], list[int]]:
    """What nested lists hold, and their lengths; ValueError that names the dimension where they have different lengths."""
    level, shape = [data], list[int]()
    while level and all(isinstance(x, (list, tuple, range)) for x in level):
        for x in level:
            need(len(x) == len(level[0]), "uneven", len(level[0]), len(shape), len(x))
        shape, level = [*shape, len(level[0])], [y for x in level for y in x]
    for x in level:
        need(not isinstance(x, str), "strings" if shape and x is level[0] else "str")
        if isinstance(x, (list, tuple)):
            raise error("not_a_sequence" if x is level[0] else "no_real" if type(level[0]) is float else "no_integer")
        need(isinstance(x, (bool, int, float, np.generic, np.ndarray, Tensor)), "no_number", type(x))
    return level, shape


def wrap_leaf(array: Any, requires_grad: Any, caller: str) -> Tensor:
    """A leaf around `array`; TypeError where requires_grad is not a bool."""
    need(type(requires_grad) is bool, "flag", caller, type(requires_grad))
    return tensors.leaf(array, requires_grad)


def from_numpy(array: np.ndarray) -> Tensor:
    """A Tensor that shares the memory of a NumPy array."""
    need(isinstance(array, np.ndarray), "no_array", type(array))
    need(all(step >= 0 for step in array.strides), "negative_strides")
    dtypes.of(array)
    return tensors.wrap(array)


# ---------------------------------------------------------------- of a given size
def sizes(given: Any, caller: str, name: str = "size") -> list[int]:
    """Sizes that were given one by one, or as one tuple or list; TypeError for anything else."""
    shape = given[0] if len(given) == 1 and isinstance(given[0], (tuple, list, range)) else given
    need(given != (), "size", caller, name, "nothing")
    try:
        return [operator.index(n) for n in shape]
    except TypeError:
        kind = next(type(n).__name__ for n in shape if not isinstance(n, (int, np.integer)))
        raise error("size", caller, name, kind) from None


def made(make: Callable, size: Any, dtype: np.dtype, caller: str) -> np.ndarray:
    """make(size, dtype); TypeError for a size that is not whole, RuntimeError for one that is negative."""
    shape = sizes(size, caller)
    need(min(shape, default=0) >= 0, "zeros_size" if caller == "zeros" else "negative_size", min(shape, default=0), shape)
    return make(shape, dtype)


def numpy_type(dtype: Any, caller: str, default: np.dtype = dtypes.DEFAULT) -> np.dtype:
    """NumPy's dtype for a minigrad dtype, `default` for None."""
    return default if dtype is None else dtypes.to_numpy(dtype, caller)


def factories(name: str, what: str, make: Callable) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """The functions `name`, for given sizes, and `name_like`, for those of a tensor; `make(shape, dtype)` has the values."""
    def new(*given: Any, size: Any = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
        return wrap_leaf(made(make, given or (size,), numpy_type(dtype, name), name), requires_grad, name)

    def like(input: Tensor, dtype: Any = None, requires_grad: bool = False) -> Tensor:
        need(isinstance(input, Tensor), "not_a_tensor", name + "_like", "input", 1, type(input))
        array = make(input.shape, numpy_type(dtype, name, input._array.dtype))
        return wrap_leaf(in_order(array, input._array), requires_grad, name + "_like")

    new.__name__, like.__name__ = name, name + "_like"
    new.__doc__ = f"A tensor of {what} in the given sizes; float32 unless `dtype` says otherwise."
    like.__doc__ = f"A tensor of {what} in the shape and element type of `input`."
    return new, like


zeros, zeros_like = factories("zeros", "zeros", np.zeros)
ones, ones_like = factories("ones", "ones", np.ones)
empty, empty_like = factories("empty", "whatever the memory held", np.empty)
rand, rand_like = factories("rand", "random numbers, evenly from [0, 1),", lambda shape, kind: floating(
    kind, "check_uniform_bounds", random().random(shape)))
randn, randn_like = factories("randn", "normally distributed random numbers", lambda shape, kind: floating(
    kind, "normal_kernel_cpu", random().standard_normal(shape)))


def floating(kind: np.dtype, name: str, values: Any) -> np.ndarray:
    """`values` in an element type; NotImplementedError, in PyTorch's words, for integers."""
    need(kind.kind == "f", "not_implemented", name, dtypes.OF_NUMPY[kind].tensor_name)
    return np.asarray(values, kind)


def number(x: Any) -> Any:
    """The only element of a Tensor or NumPy scalar; anything else as it is."""
    return x.item() if isinstance(x, (Tensor, np.generic)) else x


def full(size: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor filled with one value, of the type of that value."""
    need(not isinstance(size, int), "size", "full", "size", "int")
    fill_value = number(fill_value)
    need(type(fill_value) in dtypes.OF_NUMBER, "number", "full", "fill_value", 2, type(fill_value))
    value = dtypes.scalar(fill_value, numpy_type(dtype, "full", dtypes.OF_NUMBER[type(fill_value)]))
    return wrap_leaf(made(lambda shape, kind: np.full(shape, value), (size,), value.dtype, "full"), requires_grad, "full")


def full_like(input: Tensor, fill_value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """One value in the shape and element type of `input`."""
    array = input._array
    made = np.full(array.shape, dtypes.scalar(number(fill_value), numpy_type(dtype, "full_like", array.dtype)))
    return wrap_leaf(in_order(made, array), requires_grad, "full_like")


def eye(n: int, m: int | None = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A matrix with ones on the diagonal."""
    for name, size in (("n", n), ("m", n if m is None else m)):
        need(size >= 0, "eye_size", name, size)
    return wrap_leaf(np.eye(n, m, dtype=numpy_type(dtype, "eye")), requires_grad, "eye")


def arange(start: Any = 0, end: Any = None, step: Any = 1, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """start, start + step, ... up to but without `end`; int64 where all three are integers."""
    given = (0, start, step) if end is None else (start, end, step)
    start, end, step = map(number, given)
    kind = numpy_type(dtype, "arange", dtypes.OF_NUMBER[int if all(isinstance(x, int) for x in (start, end, step)) else float])
    start, end, step = [int(x) for x in (start, end, step)] if kind.kind in "iu" else (start, end, np.longdouble(step))
    need(step > 0 or step < 0, "arange_step")
    need(np.isfinite([start, end]).all(), "arange_range", start, end)
    need((end - start) * step >= 0, "arange_bounds")
    n = math.ceil((end - start) / float(step))
    i, lanes, wide = np.arange(n), 32 // kind.itemsize, np.float64 if kind.kind == "f" else kind
    if kind.kind == "f":  # as PyTorch: some at a time, counted from the first of them; the last ones one by one
        lane = np.where(i < n - n % (2 * lanes), i % lanes, 0)
        i, start = lane, (start + (i - lane) * step).astype(wide).astype(kind)
    return wrap_leaf((start + i * step).astype(wide).astype(kind), requires_grad, "arange")


def linspace(start: float, end: float, steps: int, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """`steps` evenly spaced numbers from start to end, both included."""
    start, end = number(start), number(end)
    need(operator.index(steps) >= 0, "linspace_steps")
    kind = numpy_type(dtype, "linspace")
    if kind.kind != "f":
        return wrap_leaf(np.linspace(start, end, steps).astype(kind), requires_grad, "linspace")
    first, last, i = np.longdouble(kind.type(start)), np.longdouble(kind.type(end)), np.arange(steps)
    step = np.longdouble(kind.type((kind.type(end) - kind.type(start)) / kind.type(max(steps - 1, 1))))
    values = np.where(i < max(steps // 2, 1), first + step * i, last - step * (steps - 1 - i))  # from both ends, as PyTorch
    return wrap_leaf(values.astype(kind), requires_grad, "linspace")


# ---------------------------------------------------------------- at random
def manual_seed(seed: int | None) -> Any:
    """Start the random numbers anew: the same seed gives the same numbers."""
    global generator
    generator = np.random.default_rng(seed)  # the first use of np.random, which takes a while to import
    return type("Generator", (), {"__module__": "minigrad._C", "source": generator})()


def random() -> Any:
    """The source of all random numbers."""
    return generator or manual_seed(None).source

"""Tensor: an array that knows whether it needs a gradient, its gradient, and the node that made it.

The mathematics is in `rules`, the walk back in `engine`, writing in place in `inplace`. Operators and methods that hand over
to a rule are put on Tensor by `operators`, its text by `printing`, and what NumPy calls by `numpy_api`.
"""
from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import dtypes
from .errors import error, need, warn
from .layout import in_order

NOT_A_LEAF = ("you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
              "subgraph that doesn't require differentiation use var_no_grad = var.detach().")


class Size(tuple):
    """The shape of a tensor: a tuple of ints that prints as `minigrad.Size([2, 3])`."""

    __slots__ = ()

    def __new__(cls, sizes: Any = ()) -> Size:
        return super().__new__(cls, map(operator.index, sizes))

    def __repr__(self) -> str:
        return f"minigrad.Size({list(self)})"

    def __getitem__(self, i: Any) -> Any:
        return Size(super().__getitem__(i)) if i.__class__ is slice else super().__getitem__(i)

    def __add__(self, other: Any) -> Size:
        return Size(super().__add__(other))

    def __radd__(self, other: tuple) -> Size:
        return Size(other + tuple(self))

    def __mul__(self, n: Any) -> Size:
        return Size(super().__mul__(n))

    __rmul__ = __mul__

    def numel(self) -> int:
        """The number of elements of a tensor with this shape."""
        return math.prod(self)


def read_only(get: Callable[[Any], Any], doc: str | None = None) -> Any:
    """A property whose setter says, as PyTorch does, that it cannot be set."""
    def refuse(self: Any, value: Any = None) -> None:
        name = next(name for name, found in vars(Tensor).items() if getattr(found, "fset", None) is refuse)
        raise error("not_writable", name)
    return property(get, refuse, refuse, doc or get.__doc__)


Methods: Any = object  # type checkers: other modules put methods on Tensor


class Tensor(Methods):
    """An n-dimensional array of one element type, with what autograd needs to know about it.

    `_array` is a NumPy array; a 0-d result is kept as a NumPy scalar until something shares its memory. `_grad_fn` is
    the node that made it. `_base` is set on views, `_counter` holds the version number that all views share.
    """

    __slots__ = ("__dict__", "__weakref__", "_array", "_base", "_counter", "_grad", "_grad_fn", "_requires_grad", "_seen")
    _array: Any
    _requires_grad: bool
    _grad_fn: Any
    _grad: Tensor | None
    _base: Any
    _counter: Any
    _seen: tuple[int, str]  # of a view: the version that its grad_fn belongs to; how it was made: "", "several", "no_grad"
    _accumulator: Any = staticmethod(lambda: None)  # these two are for leaves in a graph only, which keep them in their __dict__
    _hooks: dict | None = None
    _detached: bool = False  # by detach_

    def __init__(self, *data: Any) -> None:
        sized = data and not isinstance(data[0], (list, tuple, np.ndarray, Tensor))
        made = creation.empty(*data) if sized else creation.tensor(data[0] if data else [], dtypes.float32)
        self._array, self._requires_grad = made._array, False
        self._grad_fn = self._grad = self._base = self._counter = None

    # ------------------------------------------------------------ autograd
    @property
    def requires_grad(self) -> bool:
        """True when gradients are computed for this tensor: asked for on a leaf, inherited by every result."""
        return self._requires_grad or (self._base is not None and self._base.requires_grad)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        need(type(value) is bool, "requires_grad_flag")
        need(not value or self.is_leaf, "not_a_leaf")
        need(not value or graph.can_require_grad(self._array.dtype), "no_grad_type")
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient (or, with False, no longer) in place; returns this same tensor.

        RuntimeError for an element type that has no gradient, and for False on a tensor that is not a leaf.
        """
        if requires_grad and not graph.can_require_grad(self._array.dtype):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if not requires_grad and not self.is_leaf:
            raise RuntimeError(NOT_A_LEAF)
        self._requires_grad = requires_grad
        return self

    requires_grad = requires_grad.deleter(lambda self: need(False, "requires_grad_flag"))  # type: ignore[attr-defined]

    @read_only
    def is_leaf(self) -> bool:
        """True for a tensor that no recorded operation made: the ends of the graph."""
        return self.grad_fn is None

    @read_only
    def grad_fn(self) -> Any:
        """The node that made this tensor; None for a leaf."""
        if self._base is not None:
            inplace.refresh(self)
        return self._grad_fn and self._grad_fn.as_edge()[0]

    @read_only
    def output_nr(self) -> int:
        """Which result of its `grad_fn` this tensor is."""
        return self._grad_fn.as_edge()[1] if self._grad_fn is not None else 0

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` has accumulated; None before. Only leaves, and after `retain_grad`, have one."""
        if self._grad is None and self._grad_fn is not None and self._requires_grad and not self.retains_grad:
            warn("non_leaf_grad")
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            need(isinstance(value, Tensor), "grad_type", type(value))
            need(value is not self, "own_grad")
            need(value._array.dtype == self._array.dtype, "grad_dtype", value, self)
            need(value.shape == self.shape, "grad_size", list(value.shape), list(self.shape))
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
                 inputs: Any = None) -> None:
        """Accumulate the gradient of this tensor, times `gradient` if it is not a scalar, into the leaves' `.grad`."""
        engine.backward(self, gradient, retain_graph, create_graph, inputs)

    def retain_grad(self) -> None:
        """Keep `.grad` although this is not a leaf."""
        need(self.requires_grad, "retain_grad")
        if not self.is_leaf:
            engine.add_hook(self, engine.RETAIN, engine.Retain(self))

    @read_only
    def retains_grad(self) -> bool:
        """True after `retain_grad()` on a tensor that is not a leaf."""
        return self._grad_fn is not None and engine.RETAIN in (self._grad_fn.hooks or ())

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> engine.RemovableHandle:
        """Call `hook(grad)` whenever a gradient of this tensor is computed; what it returns replaces the gradient."""
        need(self.requires_grad, "hook")
        handle = engine.RemovableHandle()
        handle.hooks = engine.add_hook(self, handle.key, hook)
        return handle

    def detach(self) -> Tensor:
        """The same memory as a tensor that needs no gradient. Writing to it counts as writing to this one."""
        return alias(self)

    def detach_(self) -> Tensor:
        """Forget in place how this tensor was made: it becomes a leaf that needs no gradient."""
        need(self._base is None, "detach_view")
        counter(self)
        self._detached = self._detached or self._grad_fn is not None
        self._requires_grad, self._grad_fn = False, None
        return self

    @property
    def data(self) -> Tensor:
        """The same memory, out of sight of autograd: not even its version counter is shared."""
        self._own_memory()
        return wrap(self._array)

    @data.setter
    def data(self, value: Tensor) -> None:
        need(isinstance(value, Tensor), "data_type", type(value))
        need(not self._requires_grad or graph.can_require_grad(value._array.dtype), "data_dtype")
        value._own_memory()
        self._array = value._array

    data = data.deleter(lambda self: need(False, "delete_data"))  # type: ignore[attr-defined]

    @read_only
    def _version(self) -> int:
        """How often this memory was written to in place."""
        return self._counter[0] if self._counter is not None else 0

    def _is_view(self) -> bool:
        return self._base is not None

    def _own_memory(self) -> None:
        """Make `_array` an array whose memory can be shared: a 0-d result may still be a NumPy scalar."""
        if self._array.__class__ is not np.ndarray and not isinstance(self._array, np.ndarray):
            self._array = np.array(self._array)
            counter(self)  # the node that made it may have saved it: what is written from now on shows there too

    def as_type(self, dtype: np.dtype) -> Tensor:
        """This tensor's values in another element type, with the same place in the graph: nothing is recorded."""
        array = self._array
        return self if dtype == array.dtype else wrap(
            in_order(array.astype(dtype), array), graph.edge(self), counter(self))

    # ------------------------------------------------------------ what it is
    shape: Size = read_only(lambda self: tuple.__new__(Size, self._array.shape), doc="The sizes of the dimensions.")
    ndim: int = read_only(lambda self: self._array.ndim, doc="The number of dimensions.")
    dtype: dtypes.dtype = read_only(lambda self: dtypes.of(self._array), doc="The element type.")

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return self.shape if dim is None else self.shape[operators.existing_dim(self, dim)]

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return int(self._array.size)

    nelement = numel

    def is_floating_point(self) -> bool:
        """True for float16, float32 and float64."""
        return self._array.dtype.kind == "f"

    def type(self, dtype: Any = None) -> Any:
        """The name of the tensor type, such as `minigrad.FloatTensor`; with `dtype`, the tensor in that type."""
        return f"minigrad.{self.dtype.tensor_name}Tensor" if dtype is None else self.to(dtype)

    def is_contiguous(self) -> bool:
        """True when the elements lie in memory in row-major order."""
        return bool(self._array.flags.c_contiguous)

    def stride(self, dim: int | None = None) -> Any:
        """Steps between neighbours along each dimension, in elements."""
        shown = np.asarray(self._array) if self._array.size else np.empty([n or 1 for n in self._array.shape], self._array.dtype)
        strides = tuple([step // shown.itemsize for step in shown.strides])
        return strides if dim is None else strides[operators.existing_dim(self, dim)]

    def storage_offset(self) -> int:
        """Where in its base's memory a view starts, in elements."""
        starts = (0, 0) if self._base is None else [inplace.address(x._array) for x in (self, self._base)]
        return (starts[0] - starts[1]) // self._array.itemsize

    # ------------------------------------------------------------ into Python and NumPy
    def item(self) -> bool | int | float:
        """The only element as a Python number; RuntimeError if there is not exactly one."""
        need(self._array.size == 1, "item", self._array.size)
        return self._array.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers; a number for a 0-d tensor."""
        return self._array.tolist()

    def numpy(self) -> np.ndarray:
        """The array itself, memory shared. RuntimeError for a tensor that requires grad: detach it first."""
        need(not self.requires_grad or not graph.grad_mode.enabled, "numpy")
        self._own_memory()
        return self._array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __float__(self) -> float:
        need(self._array.size == 1, "one_element")
        if self.requires_grad and graph.grad_mode.enabled:
            warn("float_of_tracked")
        return float(self._array.item())

    def __int__(self) -> int:
        need(self._array.size == 1, "one_element")
        return int(self._array.item())

    def __index__(self) -> int:
        need(self._array.size == 1 and self._array.dtype.kind != "f", "index_number")
        return int(self._array.item())

    def __bool__(self) -> bool:
        need(self._array.size == 1, "truth_of_many" if self._array.size else "truth_of_none")
        return bool(self._array.item())

    def __len__(self) -> int:
        need(self._array.ndim, "len_0d")
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        need(self._array.ndim, "iter_0d")
        return iter(self.unbind(0))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self._array.ndim == 0 else object.__format__(self, spec)

    def __reduce__(self) -> Any:
        return leaf, (self._array, self.requires_grad)

    def __deepcopy__(self, memo: dict) -> Tensor:
        need(self.is_leaf, "deepcopy")
        memo[id(self)] = result = leaf(np.array(self._array), self._requires_grad)
        result._grad = None if self._grad is None else self._grad.__deepcopy__(memo)
        return result


new = object.__new__


def wrap(array: Any, node: Any = None, count: list[Any] | None = None) -> Tensor:
    """A Tensor around an array (or a NumPy scalar for 0-d) that shares the memory, and the box of a version number.

    It stands at `node` in the graph, or, with None, outside it and needs no gradient.
    """
    result = new(Tensor)
    result._array, result._grad_fn, result._counter = array, node, count
    result._requires_grad = node is not None
    result._grad = result._base = None
    return result


def leaf(array: np.ndarray, requires_grad: bool = False) -> Tensor:
    """A new leaf around `array`: no operation made it, and it requires grad only if that is asked for.

    RuntimeError when a gradient is asked for an element type that has none.
    """
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    result = wrap(array)
    result._requires_grad = requires_grad
    return result


def shadow(array: Any, node: Any) -> Tensor:
    """A Tensor of these values that stands at `node` in the graph, or outside it for None."""
    return wrap(array, node, [0, array.dtype])


def alias(x: Tensor) -> Tensor:
    """The same memory and version number as `x`, without its history."""
    x._own_memory()
    return wrap(x._array, None, counter(x))


def counter(x: Tensor) -> list[Any]:
    """The version number of `x` in the box that everything with the same memory shares, next to its element type."""
    if x._counter is None:
        x._counter = [0, x._array.dtype]
        node = x._grad_fn
        if node is not None and node.plan.keeps_out and node.saved is not None:
            node.watch_result(x)
    return x._counter


def view_of(base: Tensor, result: Tensor, several: bool = False) -> Tensor:
    """Make `result` known as a view of `base`: one version number, and writing to either reaches both."""
    root, made = base._base, "several" if several else ""
    result._base, result._counter = base if root is None else root, base._counter or counter(base)
    if root is not None and not several:
        made = base._seen[1]
    result._seen = (result._counter[0], made if graph.grad_mode.enabled else "no_grad")
    return result


def array_of(x: Any) -> Any:
    """The array of a Tensor; anything else as it is."""
    return x._array if isinstance(x, Tensor) else x


# The rooms that Tensor delegates to need this one: they are imported when everything in it is defined.
from . import creation, engine, graph, inplace, operators  # noqa: E402

"""Writing in place: what may be written, the version counter, and how the graph is changed so that gradients stay right.

A write computes its result as an ordinary recorded operation, copies it into the old memory and moves the tensor on to
the new node. A write to a view changes its base: the base's new node, `CopySlices`, sends the gradient of the written
part through the operation and the gradient of the rest to the old base.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import dtypes, graph, rules, tensors
from .graph import Node, node_class
from .tensors import Tensor

LEAF = "a leaf Variable that requires grad is being used in an in-place operation."
SEVERAL_VIEWS = (
    "Output {} of {} is a view and is being modified inplace. This view is the output of a function that returns multiple "
    "views. Such functions do not allow the output views to be modified inplace. You should replace the inplace "
    "operation by an out-of-place one.")
NO_GRAD_SEVERAL = (
    "A view was created in no_grad mode and is being modified inplace with grad mode enabled. This view is the output of "
    "a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You "
    "should replace the inplace operation by an out-of-place one.")


class Region:
    """Where a view lies in the memory of its base: shape, steps and start."""

    __slots__ = ("base_shape", "base_strides", "offset", "shape", "strides")

    def __init__(self, base: np.ndarray, view: np.ndarray) -> None:
        self.base_shape, self.base_strides = base.shape, base.strides
        self.shape, self.strides = view.shape, view.strides
        self.offset = address(view) - address(base)

    def fits(self, array: np.ndarray) -> bool:
        """True when the array's elements lie as the base's do."""
        return array.strides == self.base_strides

    def laid_out(self, array: np.ndarray) -> np.ndarray:
        """A copy of `array` whose elements lie as the base's do."""
        last = sum([(n - 1) * step for n, step in zip(self.base_shape, self.base_strides, strict=True)])
        room = np.zeros(last // array.itemsize + 1 if array.size else 0, array.dtype)
        result = np.ndarray(self.base_shape, array.dtype, room, 0, self.base_strides)
        result[...] = array
        return result

    def of(self, array: np.ndarray, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """The same region of another array whose elements lie as the base's do: a view of it."""
        shape = self.shape if shape is None else shape
        if array.flags.c_contiguous:
            return np.ndarray(shape, array.dtype, array, self.offset, self.strides)
        start = self.offset // array.itemsize
        line = np.lib.stride_tricks.as_strided(array, (start + 1,), (array.itemsize,))[start:]
        return np.lib.stride_tricks.as_strided(line, shape, self.strides)

    def spread(self, g: np.ndarray) -> np.ndarray:
        """`g` in its region among zeros; an element that the region sees several times gets the sum."""
        result = self.laid_out(np.zeros(self.base_shape, g.dtype))
        seen = tuple([i for i, step in enumerate(self.strides) if step == 0 and self.shape[i] > 1])
        once = self.of(result, tuple([1 if i in seen else n for i, n in enumerate(self.shape)]))
        once += g.sum(axis=seen, keepdims=True)
        return result


def address(array: np.ndarray) -> int:
    """The address of the first element."""
    return array.__array_interface__["data"][0]


def offset(view: Tensor) -> int:
    """Where a view starts in the memory of its base, in bytes."""
    return address(view._array) - address(view._base._array)


class OldValues(Node):
    """Stands for what was in a region before it was written to: the gradient for it is left here."""

    __slots__ = ()


class CopySlices(Node):
    """The node of a base after one of its views was written to.

    The gradient of the region goes through the operation that was written there (`fn`); the rest goes to the old base.
    """

    __slots__ = ("fn", "old", "region")

    def name(self) -> str:
        """PyTorch's full name."""
        return "torch::autograd::CopySlices"

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Send the region of `g` through `fn`, and `g` with the gradient of the old values in that region to the base."""
        base = self.edges[0]
        recorded = isinstance(g, Tensor)
        if recorded:
            upstream = rules.look(g, self.region)
        else:
            if self not in task.owned or not self.region.fits(g):
                g = self.region.laid_out(g)
            part = self.region.of(g)
            upstream = part.copy()
        if task.needed is not None and base in task.needed:
            task.needed.add(self.old)
        before: Any = 0
        for to, grad in self.fn.backward(upstream, task):
            if to is self.old:
                before = grad
            else:
                yield to, grad
        if base is not None and (task.needed is None or base in task.needed):
            if recorded:
                g = g - rules.look_back(upstream - before, self.region)
            else:
                part[...] = before
                if base not in task.pending:
                    task.owned.add(base)
            yield base, g


for _class in (OldValues, CopySlices):
    _class.__module__ = "builtins"


# ---------------------------------------------------------------- writing
def write(x: Tensor, value: Any) -> None:
    """Put `value` into the memory of `x` and count it, with no other consequence for the graph."""
    if isinstance(x._array, np.ndarray):
        x._array[...] = value
    else:
        x._array = x._array.dtype.type(value)
    tensors.counter(x)[0] += 1


def check(x: Tensor) -> None:
    """RuntimeError where PyTorch forbids to write: a leaf that requires grad, a view of one, one of several views."""
    if x._array.ndim and 0 in x._array.strides and x._array.size > 1 and not x._array.flags.writeable:
        raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a single "
                           "memory location. Please clone() the tensor before performing the operation.")
    if graph.mode.enabled and x._base is not None and x._seen[1] and (x.requires_grad or x._base.requires_grad):
        raise RuntimeError(several_views(x))
    if graph.mode.enabled and x.requires_grad:
        if x._base is not None:
            if x._base.is_leaf and x._base.requires_grad:
                raise RuntimeError("a view of " + LEAF)
        elif x.is_leaf:
            raise RuntimeError(LEAF)


def several_views(x: Tensor) -> str:
    """Why one of several views must not be written to."""
    node = x._grad_fn
    return NO_GRAD_SEVERAL if node is None else SEVERAL_VIEWS.format(x.output_nr, node.as_edge()[0].name())


def update(op: Any, x: Tensor, *args: Any, **options: Any) -> Tensor:
    """x becomes op(x, *args), in the memory of x, and so do its views and what it is a view of. Returns x."""
    check(x)
    result = op(x, *args, **options)
    if result.shape != x.shape:
        raise RuntimeError(f"output with shape {list(x.shape)} doesn't match the broadcast shape {list(result.shape)}")
    if dtypes.CATEGORY[result._array.dtype.kind] > dtypes.CATEGORY[x._array.dtype.kind]:
        raise RuntimeError(f"result type {result.dtype.tensor_name} can't be cast to the desired output type "
                           f"{x.dtype.tensor_name}")
    node = result._grad_fn
    if node is None:
        write(x, result._array)
        return x
    if x._base is not None and x._seen[1]:
        raise RuntimeError(several_views(x))
    saved, versions = list(node.saved), list(node.versions or [0] * len(node.saved))
    for i, source in enumerate(node.plan.sources):
        if source == 0:  # the old values are about to be overwritten
            saved[i], versions[i] = tensors.wrap(saved[i]._array.copy()), 0
    write(x, result._array)
    for i, source in enumerate(node.plan.sources):
        if source == "out":
            saved[i], versions[i] = tensors.alias(x), x._version
    node.saved, node.versions = tuple(saved), tuple(versions)
    node.dtype = x._array.dtype
    rebase(x, node)
    return x


def rebase(x: Tensor, node: Node) -> None:
    """Move `x` on to the node of what was written; a view moves its base on, through a CopySlices."""
    base = x._base
    if base is None:
        x._grad_fn, x._requires_grad = node, True
        return
    slices = CopySlices()
    slices.region = Region(base._array, x._array)
    slices.fn = node
    slices.edges = (graph.edge(base), *node.edges[1:])
    slices.old = OldValues()
    slices.old.shape, slices.old.dtype, slices.old.edges = x._array.shape, x._array.dtype, ()
    node.edges = (node.edges[0] and slices.old, *node.edges[1:])
    slices.hooks = None
    slices.shape, slices.dtype, slices.number = base._array.shape, base._array.dtype, graph.next_number()
    base._grad_fn, base._requires_grad = slices, True


def refresh(view: Tensor) -> None:
    """Bring a view up to date after its memory was written to: its history now leads through the base's new node."""
    seen, several = view._seen
    now = view._counter[0]
    if seen != now:
        view._seen = (now, several)
        base = view._base
        if base._requires_grad and (view._requires_grad or base._grad_fn is not None):
            with graph.set_grad_enabled(True):
                view._grad_fn = rules.as_strided(base, Region(base._array, view._array))._grad_fn
            view._requires_grad = True


def set_item(x: Tensor, index: Any, value: Any) -> None:
    """x[index] = value, recorded: the gradient of what was overwritten is 0, the gradient of `value` is the part's."""
    view, rest = indexing.basic(x, index)
    if not isinstance(value, Tensor):
        if not isinstance(value, (bool, int, float, np.generic, np.ndarray)):
            raise TypeError(f"can't assign a {type(value).__name__} to a {x.type()}")
        value = tensors.wrap(np.asarray(value, None if isinstance(value, np.ndarray) else x._array.dtype))
    if rest is not None:
        update(rules.index_put, view, value, rest)
    elif value._array.ndim == 0 and view is x:
        update(fill_with, view, value)
    else:
        copy_(view, value)


def copy_(x: Tensor, value: Tensor) -> Tensor:
    """x becomes the values of `value`, broadcast to its shape and cast to its element type."""
    shape, size = value.shape, x.shape
    while len(shape) > len(size) and shape[0] == 1:  # leading ones do not count
        shape = tensors.Size(shape[1:])
        value = value.squeeze(0)
    operators.check_expand(shape, size, value)
    return update(copy_into, x, value)


def fill_(x: Tensor, value: Any) -> Tensor:
    """Every element of x becomes `value`: a number, or a tensor with no dimensions."""
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError("fill_ only supports 0-dimension value tensor but got tensor with "
                               f"{value.ndim} dimensions.")
        return update(fill_with, x, value)
    return update(rules.fill, x, value)


def fill_with(x: Tensor, value: Tensor) -> Tensor:
    """`rules.fill_tensor` in the element type of `x`."""
    return rules.fill_tensor(x, value if value._array.dtype == x._array.dtype else value.as_type(x._array.dtype))


def copy_into(x: Tensor, value: Tensor) -> Tensor:
    """`rules.copy` in the element type of `x`."""
    return rules.copy(x, value if value._array.dtype == x._array.dtype else value.as_type(x._array.dtype))


from . import indexing, operators  # noqa: E402

"""Writing in place: what may be written, the version counter, and what becomes of the graph.

A write computes its result as an ordinary recorded operation, copies it into the old memory and moves the tensor on to
the new node. A write to a view changes its base: the base's new node, `CopySlices`, sends the gradient of the written
part through the operation and the gradient of the rest to the old base.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import dtypes, graph, rules, tensors
from .errors import error, need, warn
from .graph import Node
from .tensors import Tensor


class Region:
    """Where a view lies in the memory of its base: shape, steps and start. Or, with `index`, where base[index] lies."""

    __slots__ = ("base_shape", "base_strides", "index", "offset", "shape", "strides")

    def __init__(self, base: np.ndarray, view: Any, index: Any = None) -> None:
        self.base_shape, self.base_strides, self.index = base.shape, base.strides, index
        self.shape, self.strides = view.shape, view.strides
        self.offset = 0 if index is not None else address(view) - address(base)

    def fits(self, array: np.ndarray) -> bool:
        """True when the region can be found in `array`: its elements lie as the base's do."""
        return self.index is not None or array.strides == self.base_strides

    def laid_out(self, array: np.ndarray) -> np.ndarray:
        """A copy of `array` in which the region can be found."""
        if self.index is not None:
            return np.array(array)
        last = sum([(n - 1) * step for n, step in zip(self.base_shape, self.base_strides, strict=True)])
        room = np.zeros(last // array.itemsize + 1 if array.size else 0, array.dtype)
        result = np.ndarray(self.base_shape, array.dtype, room, 0, self.base_strides)
        result[...] = array
        return result

    def of(self, array: np.ndarray, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """The same region of another array that it fits: a view of it."""
        if self.index is not None:
            return array[self.index]
        shape = self.shape if shape is None else shape
        if array.flags.c_contiguous:
            return np.ndarray(shape, array.dtype, array, self.offset, self.strides)
        start = self.offset // array.itemsize
        line = np.lib.stride_tricks.as_strided(array, (start + 1,), (array.itemsize,))[start:]
        return np.lib.stride_tricks.as_strided(line, shape, self.strides)

    def spread(self, g: np.ndarray) -> np.ndarray:
        """`g` in its region among zeros; an element that the region sees several times gets the sum."""
        result = self.laid_out(np.zeros(self.base_shape, g.dtype))
        if self.index is not None:
            result[self.index] = g
            return result
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
    """Stands for what was in a region before it was written to: `CopySlices` finds the gradient for it here.

    Where that gradient is itself differentiated, the old values lead to where they came from.
    """

    __slots__ = ()

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Hand `g` on."""
        yield self.edges[0], g


class CopySlices(Node):
    """The node of a base after one of its views was written to.

    The gradient of the region goes through the operation that was written there (`fn`; None for a plain copy of the
    second edge's values); the rest goes to the old base.
    """

    __slots__ = ("fn", "old", "region")
    fn: Node | None
    old: OldValues | None
    region: Region

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Send the region of `g` through `fn`; to the base `g`, with the gradient of the old values in that region."""
        need(self.saved is None, "freed")
        base, to = self.edges[:2] if self.fn is None else (self.edges[0], None)
        recorded = isinstance(g, Tensor)
        if recorded:
            upstream = rules.look(g, self.region)
        else:
            if self not in task.owned or not self.region.fits(g):
                g = self.region.laid_out(g)
            part = self.region.of(g)
            upstream = part.copy() if part.ndim else part[()]
        before: Any = 0
        if self.fn is not None:
            if task.needed is not None and base in task.needed:
                task.needed.add(self.old)
            for end, grad in self.fn.backward(upstream, task):
                if end is self.old:
                    before = grad
                else:
                    yield end, grad
        elif to is not None and (task.needed is None or to in task.needed):
            yield to, upstream
        if base is not None and (task.needed is None or base in task.needed):
            if recorded:
                g = g - rules.look_back(upstream - before, self.region)
            else:
                part[...] = before
                if base not in task.pending:
                    task.owned.add(base)
            yield base, g
        if not task.keep:
            self.saved = ()  # nothing is kept here, but PyTorch refuses a second walk all the same


for _class in (OldValues, CopySlices):
    _class.__module__ = "builtins"


# ---------------------------------------------------------------- writing
def write(x: Tensor, value: Any) -> None:
    """Put `value` into the memory of `x` and count it, with no other consequence for the graph."""
    array = x._array
    if value is array:
        pass
    elif isinstance(array, np.ndarray):
        array[...] = value
    else:
        x._array = value if value.__class__ is array.__class__ else array.dtype.type(value)
    if x._counter is None:
        tensors.counter(x)
    x._counter[0] += 1


def check(op: Any, x: Tensor, *args: Any) -> None:
    """RuntimeError where PyTorch forbids to write: a leaf that requires grad, a view of one, one of several views."""
    old, base = x._array, x._base
    if graph.grad_mode.enabled and graph.can_require_grad(old.dtype) and graph.any_requires_grad(x, *args):
        if base is not None:
            refuse_view(x, "is being")
            need(not x.requires_grad or not base.is_leaf, "leaf_view_written")
        need(not x.requires_grad or not x.is_leaf, "leaf_written")
    if base is not None and old.size and any(step == 0 < n - 1 for step, n in zip(old.strides, old.shape, strict=True)):
        if op is rules.index_put:
            warn("index_put_expanded", level=3)
        elif op is not rules.zero:
            raise error("written_several")
    if x._counter is not None:
        for arg in args:
            if isinstance(arg, Tensor) and arg._counter is x._counter and overlap(old, arg._array):
                raise error("written_overlap")


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """True when two arrays without gaps share some memory and are not the same elements in the same order."""
    steps = [[(n, step) for n, step in zip(x.shape, x.strides, strict=True) if n > 1] for x in (a, b)]
    return a.flags.forc and b.flags.forc and np.may_share_memory(a, b) and not (
        address(a) == address(b) and a.ndim == b.ndim and steps[0] == steps[1])


def refuse_view(view: Tensor, what: str) -> None:
    """RuntimeError for a view that must not change together with its base: one of several, or one made under no_grad."""
    made, node = view._seen[1], view._grad_fn
    if made:
        of = "" if node is None else "Output {1} of {0} is a view".format(*graph.origin(node))
        if made == "no_grad" or node is None:
            of += f"{' of a view which' if of else 'A view'} was created in no_grad mode"
        several, custom = made == "several", made == "custom"
        end = "." if several and node else " with grad mode enabled."
        raise error("view_several" if several else "view_custom" if custom else "view_no_grad", of, what, end)


def update(op: Any, x: Tensor, *args: Any, **options: Any) -> Tensor:
    """x becomes op(x, *args), in the memory of x, and so do its views and what it is a view of. Returns x."""
    check(op, x, *args)
    result = op(x, *args, **options)
    new, old = result._array, x._array
    if new.shape != old.shape:
        raise error("written_shape", list(old.shape), list(new.shape))
    if new.dtype is not old.dtype and dtypes.CATEGORY[new.dtype.kind] > dtypes.CATEGORY[old.dtype.kind]:
        raise error("written_dtype", result.dtype.tensor_name, x.dtype.tensor_name)
    if op is rules.index_put and not options:  # only these elements: others may share their memory
        new = old
        old[args[1]] = tensors.array_of(args[0])
    node = result._grad_fn
    if node is None or not graph.can_require_grad(old.dtype):
        write(x, new)
        return x
    saved, sources = list(node.saved), node.plan.sources
    for i, source in enumerate(sources):
        if source == 0 and isinstance(saved[i], Tensor):  # the old values are about to be overwritten
            saved[i] = tensors.wrap(saved[i]._array.copy())
    versions = {i: n for i, n in (node.versions or {}).items() if i == "out" or sources[i] != 0}
    write(x, new)
    if "out" in sources:
        saved[sources.index("out")] = x._array
        versions["out"] = x._counter, x._version
    node.saved, node.versions = tuple(saved), versions or None
    node.like = graph.like_of(x._array)
    rebase(x, node)
    return x


def write_with(operation: Any, x: Tensor, y: Any) -> bool:
    """x becomes operation(x, y), computed straight in its memory where nothing is recorded. Whether it was done."""
    array = x._array
    kind = array.__class__
    if x._base is not None or (graph.grad_mode.enabled and (x._requires_grad or graph.any_requires_grad(y))):
        return False
    if y.__class__ is Tensor:
        if y._counter is x._counter is not None and y is not x:  # perhaps the same memory in another order
            return False
        y = y._array
        if (kind is np.ndarray or y.__class__ is not kind) and y.dtype is not array.dtype:
            return False
    elif y.__class__ is not float and y.__class__ is not int:
        return False
    if array.dtype.kind != "f":
        return False
    try:
        new = operation(array, y)
    except (TypeError, ValueError):  # the usual way says what does not fit
        return False
    if new.__class__ is not kind:
        return False
    x._array = new
    (x._counter or tensors.counter(x))[0] += 1
    return True


def rebase(x: Tensor, node: Node) -> None:
    """Move `x` on to the node of what was written; a view moves its base on, through a CopySlices."""
    base = x._base
    if base is None:
        return move_on(x, node)
    old = OldValues(node.edges[:1], node.like)
    slices = CopySlices((graph.edge(base), *node.edges[1:]), graph.like_of(base._array))
    slices.region, slices.fn, slices.old = Region(base._array, x._array), node, old
    node.edges = (node.edges[0] and old, *node.edges[1:])
    move_on(base, slices)


def move_on(x: Tensor, node: Node) -> None:
    """`x` comes from `node` now; what `retain_grad` asked for goes with it."""
    hooks = x._grad_fn.hooks if x._grad_fn is not None else None
    retain = hooks.pop(engine.RETAIN, None) if hooks else None
    x._grad_fn, x._requires_grad = node, True
    if retain is not None:
        engine.add_hook(x, engine.RETAIN, retain)


def refresh(view: Tensor) -> None:
    """Bring a view up to date after its memory was written to: its history now leads through the base's new node."""
    seen, made = view._seen
    now, base = view._counter[0], view._base
    if seen != now and (view._grad_fn is not None or base.requires_grad):
        refuse_view(view, "its base or another view of its base has been")
        view._seen = (now, made)
        with graph.set_grad_enabled(True):
            view._grad_fn = rules.as_strided(base, Region(base._array, view._array))._grad_fn


def settled(view: Tensor) -> bool:
    """Whether a view's own slots say what there is to know: nothing was written to its memory since it was recorded."""
    if view._grad_fn is None:
        return not view._base._requires_grad
    return view._seen[0] == view._counter[0]


def set_item(x: Tensor, index: Any, value: Any) -> None:
    """x[index] = value, recorded: the gradient of what was overwritten is 0, the gradient of `value` is the part's."""
    if index is False or (x._base is None and set_part(x, index, value)):
        return
    if not isinstance(value, Tensor):
        if not isinstance(value, (bool, int, float, np.generic, np.ndarray)):
            raise error("assign", type(value).__name__, x.type())
        value = tensors.wrap(np.asarray(value, None if isinstance(value, np.ndarray) else x._array.dtype))
    view, rest = indexing.basic(x, index)
    if rest is None and value._array.shape == view._array.shape:
        copy_(view, value)
    elif rest is None and value._array.ndim == 0:
        update(fill_with, view, value)
    else:
        if rest is None or value.shape[:1] == (1,):  # leading ones do not count
            value = value.view(value.shape[next((i for i, n in enumerate(value.shape) if n != 1), value.ndim):])
        if rest is not None:
            arrays = [np.asarray(tensors.array_of(k)) for k in (index if isinstance(index, tuple) else (index,))
                      if isinstance(k, (Tensor, np.ndarray, list))]
            if value._array.size == 1 and [k.dtype for k in arrays if k.ndim or k.dtype == bool] == [np.dtype(bool)]:
                value = value.as_type(x._array.dtype)  # one number for a mask may be of any type
            update(rules.index_put, view, value, rest)
        else:
            copy_(view, value if value.shape == view.shape else value.expand(view.shape))


def set_part(x: Tensor, index: Any, value: Any) -> bool:
    """x[index] = value without making the view, where nothing can go wrong: numbers and slices. Whether it was done."""
    array, tracked, kind = x._array, x._requires_grad and graph.grad_mode.enabled, index.__class__
    if array.__class__ is not np.ndarray or (tracked and x._grad_fn is None) or not (
            kind is int or kind is slice or (kind is tuple and {i.__class__ for i in index} <= {int, slice})):
        return False
    try:
        part = array[index]
    except (IndexError, TypeError):
        return False
    new, from_value = value, False
    if value.__class__ is Tensor:
        new = value._array
        if new.dtype is not array.dtype or new.shape != part.shape or (
                value._base is not None and not settled(value)) or value._counter is x._counter is not None:
            return False
        from_value = value._requires_grad and graph.grad_mode.enabled
    elif value.__class__ is not float and value.__class__ is not int:
        return False
    if kind is not int and (part.shape == array.shape or min(part.strides, default=0) < 0):
        return False
    if tracked or from_value:
        base = x._grad_fn if tracked else None
        slices = CopySlices((base, (value._grad_fn or graph.accumulator(value)) if from_value else None),
                            graph.like_of(array) if base is None else base.like)
        slices.region, slices.fn, slices.old = Region(array, part, (index if kind is tuple else (index,)) + (...,)), None, None
        move_on(x, slices)
    array[index] = new
    tensors.counter(x)[0] += 1
    return True


def copy_(x: Tensor, value: Tensor) -> Tensor:
    """x becomes the values of `value`, broadcast to its shape and cast to its element type."""
    return update(copy_into, x, value)


def fill_(x: Tensor, value: Any) -> Tensor:
    """Every element of x becomes `value`: a number, or a tensor with no dimensions."""
    if isinstance(value, Tensor):
        need(value.ndim == 0, "fill", value.ndim)
        return update(fill_with, x, value)
    return update(rules.fill, x, value)


def fill_with(x: Tensor, value: Tensor) -> Tensor:
    """`rules.fill_tensor` in the element type of `x`."""
    return rules.fill_tensor(x, value if value._array.dtype == x._array.dtype else value.as_type(x._array.dtype))


def copy_into(x: Tensor, value: Tensor) -> Tensor:
    """`rules.copy` in the element type of `x`."""
    return rules.copy(x, value if value._array.dtype == x._array.dtype else value.as_type(x._array.dtype))


from . import engine, indexing  # noqa: E402

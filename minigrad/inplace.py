"""Writing in place: what may be written, the version counter, and what becomes of the graph.

A write computes its result as an ordinary recorded operation, copies it into the old memory and moves the tensor on to
the new node. A write to a view changes its base: the base's new node, `CopySlices`, sends the gradient of the written
part through the operation and the gradient of the rest to the old base.
"""

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import dtypes, graph, rules, tensors
from .errors import error, need, warn
from .graph import Node
from .tensors import Tensor


def address(array: np.ndarray) -> int:
    """The address of the first element."""
    return array.__array_interface__["data"][0]


def positions(base: np.ndarray, view: np.ndarray) -> np.ndarray:
    """For each element of `view`, which looks into the memory of `base`, its place in base.reshape(-1)."""
    moved = not np.may_share_memory(base, view) and isinstance(view.base, np.ndarray)  # base or view was given other memory
    size, home = base.itemsize, np.asarray(view.base) if moved else base
    last = sum([(n - 1) * (step // size) for n, step in zip(base.shape, base.strides, strict=True)]) if base.size else -1
    memory = np.zeros(last + 1, np.intp)

    def seen(x: np.ndarray, start: int) -> np.ndarray:
        steps = [step // size * memory.itemsize for step in x.strides]
        return np.ndarray(x.shape, memory.dtype, memory, start * memory.itemsize, steps) if x.size else np.empty(x.shape, np.intp)

    seen(base, 0)[...] = np.arange(base.size).reshape(base.shape)
    try:
        return seen(view, (address(view) - address(home)) // size)
    except (TypeError, ValueError):  # NumPy refuses what lies outside
        raise error("other_memory") from None


class OldValues(Node):
    """Stands for what was in a region before it was written to: `CopySlices` finds the gradient for it here.

    Where that gradient is itself differentiated, the old values lead to where they came from.
    """

    __slots__ = ()

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Hand `g` on."""
        yield self.edges[0], g


class CopySlices(Node):
    """The node of a base after a part of it was written to: base.reshape(laid)[index], of shape `part`.

    The gradient of the part goes through the operation that was written there (`fn`; None for a plain copy of the
    second edge's values); the rest goes to the old base.
    """

    __slots__ = ("__weakref__", "fn", "index", "laid", "old", "part")
    fn: Node | None
    old: OldValues | None
    laid: tuple[int, ...]
    index: Any
    part: tuple[int, ...]

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Send the part of `g` through `fn`; to the base `g`, with the gradient of the old values in that part."""
        if task.needed is not None and task.needed.isdisjoint(self.edges):
            return
        need(self.saved is None, "freed")
        base, to = self.edges[:2] if self.fn is None else (self.edges[0], None)
        recorded = isinstance(g, Tensor)
        free = self in task.owned and self not in task.captured and isinstance(g, np.ndarray)  # nobody else has it
        if not recorded and not (free and g.flags.c_contiguous):
            g = np.array(g, order="C")
        laid = g.reshape(self.laid)
        upstream, before = laid[self.index], 0
        if upstream.__class__ is np.ndarray:
            upstream = upstream.copy()
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
                old = before if isinstance(before, Tensor) else tensors.wrap(upstream._array.dtype.type(before))
                g = rules.index_put(laid, old, self.index).reshape(g.shape)
            else:
                laid[self.index] = before
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
    if not isinstance(array, np.ndarray):
        x._array = value if value.__class__ is array.__class__ else array.dtype.type(value)
    elif value is not array:
        array[...] = value
    (x._counter or tensors.counter(x))[0] += 1


def check(op: Any, x: Tensor, *args: Any) -> None:
    """RuntimeError where PyTorch forbids to write: a leaf that requires grad, a view of one, one of several views."""
    old, base = x._array, x._base
    if graph.grad_mode.enabled and graph.can_require_grad(old.dtype) and graph.any_requires_grad(x, *args):
        if base is not None:
            refuse_view(x, "is being")
            need(not x.requires_grad or not base.is_leaf, "leaf_view_written")
        need(not x.requires_grad or x._grad_fn is not None, "leaf_written")  # PyTorch, too, takes an old view as it was
    if 0 in old.strides and old.size and any(step == 0 < n - 1 for step, n in zip(old.strides, old.shape, strict=True)):
        if op is rules.index_put:
            warn("index_put_expanded", level=3)
        elif op not in (rules.zero, rules.fill):
            raise error("written_several")
    for arg in args:
        if isinstance(arg, Tensor) and (arg._counter is x._counter is not None or arg is x) and overlap(
                old, arg._array, op is rules.index_put) and (arg.ndim or op is not rules.fill_tensor):  # which is read first
            raise error("written_overlap")


def overlap(a: np.ndarray, b: np.ndarray, always: bool) -> bool:
    """True when two arrays without gaps share memory and are not (or `always`) the same elements in the same order."""
    steps = [[(n, step) for n, step in zip(x.shape, x.strides, strict=True) if n > 1] for x in (a, b)]
    return a.flags.forc and b.flags.forc and np.may_share_memory(a, b) and not (
        not always and address(a) == address(b) and a.ndim == b.ndim and steps[0] == steps[1])


def refuse_view(view: Tensor, what: str) -> None:
    """RuntimeError for a view that must not change together with its base: one of several, or one made under no_grad."""
    made, node = view._seen[1], view._grad_fn
    if made:
        of = "" if node is None else "Output {1} of {0} is a view".format(*graph.origin(node))
        if made == "no_grad" or node is None:
            of += f"{' of a view which' if of else 'A view'} was created in no_grad mode"
        end = "." if node is not None and made != "no_grad" else " with grad mode enabled."
        raise error(made + "_view", of, what, end)


def update(op: Any, x: Tensor, *args: Any, given: Any = (), **options: Any) -> Tensor:
    """x becomes op(x, *args), in the memory of x, and so do its views and what it is a view of. Returns x.

    given: what the node watches, see `graph.watch`.
    """
    check(op, x, *args)
    result = graph.watch(op(x, *args, **options), *given)
    new, old = result._array, x._array
    if new.shape != old.shape:
        raise error("written_shape", list(old.shape), list(new.shape))
    if new.dtype is not old.dtype and dtypes.CATEGORY[new.dtype.kind] > dtypes.CATEGORY[old.dtype.kind]:
        raise error("written_dtype", result, getattr(x.dtype, "c_name" if op.__name__ == "clamp" else "tensor_name"))
    if op is rules.index_put and not options:  # only these elements: others may share their memory
        new = old
        old[args[1]] = tensors.array_of(args[0])
    node = result._grad_fn
    if node is None or not graph.can_require_grad(old.dtype):
        write(x, new)
        return x
    node.saved = tuple([tensors.wrap(held._array.copy()) if source == 0 and isinstance(held, Tensor) else held  # soon overwritten
                        for source, held in zip(node.plan.sources, node.saved, strict=True)])
    node.note_versions()
    write(x, new)
    if node.plan.keeps_out:
        node.watch_result(x)
    node.like = graph.like_of(x._array)
    rebase(x, node)
    return x


def write_with(operation: Any, x: Tensor, y: Any) -> bool:
    """x becomes operation(x, y), computed straight in its memory where nothing is recorded. Whether it was done."""
    array = x._array
    kind = array.__class__
    if x._base is not None or (kind is np.ndarray and 0 in array.strides) or (
            graph.grad_mode.enabled and (x._requires_grad or graph.any_requires_grad(y))):
        return False
    if y.__class__ is Tensor:
        if y._counter is x._counter is not None and y is not x:  # perhaps the same memory in another order
            return False
        y = y._array
        if (kind is np.ndarray or y.__class__ is not kind) and y.dtype is not array.dtype:
            return False
    elif y.__class__ is not float and y.__class__ is not int:
        return False
    if not x._requires_grad and array.dtype.kind != "f":
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
    slices.fn, slices.old, slices.laid, slices.part = node, old, (-1,), x._array.shape
    slices.index = index = (positions(base._array, x._array),)
    node.inside = weakref.ref(slices)
    node.edges = (node.edges[0] and old, *node.edges[1:])
    move_on(base, slices)
    renew(x, index)


def move_on(x: Tensor, node: Node) -> None:
    """`x` comes from `node` now; what `retain_grad` asked for goes with it."""
    hooks = x._grad_fn.hooks if x._grad_fn is not None else None
    retain = hooks.pop(engine.RETAIN, None) if hooks else None
    x._grad_fn, x._requires_grad = node, True
    if retain is not None:
        engine.add_hook(x, engine.RETAIN, retain)


def part_of(slices: CopySlices) -> Node:
    """The node of a view of what `slices` wrote: the history of a result that was written there."""
    base = tensors.shadow(np.zeros(slices.shape, slices.dtype), slices)
    value, vjp = rules.as_strided.rule(base._array, slices.index)
    return graph.record(rules.as_strided, (base,), value, [vjp])._grad_fn


def refresh(view: Tensor) -> None:
    """Bring a view up to date after its memory was written to: its history now leads through the base's new node."""
    base = view._base
    if view._seen[0] != view._counter[0] and (view._grad_fn is not None or base.requires_grad):
        refuse_view(view, "its base or another view of its base has been")
        renew(view, (positions(base._array, view._array),))


def renew(view: Tensor, index: tuple) -> None:
    """Make a view the elements at `index` of its base as that is now."""
    view._seen = (view._counter[0], view._seen[1])
    with graph.set_grad_enabled(True):
        node = rules.as_strided(view._base, index)._grad_fn
    if node is None:  # the base needs no gradient any more
        node = rules.as_strided.node((None,), graph.like_of(view._array))
        node.plan, node.saved = graph.Plan([], [], []), ()
    move_on(view, node)


def settled(view: Tensor) -> bool:
    """Whether a view's own slots say what there is to know: nothing was written to its memory since it was recorded."""
    return not view._base._requires_grad if view._grad_fn is None else view._seen[0] == view._counter[0]


def set_item(x: Tensor, index: Any, value: Any) -> None:
    """x[index] = value, recorded: the gradient of what was overwritten is 0, the gradient of `value` is the part's."""
    index = None if index is True else index
    if index is False or (x._base is None and set_part(x, index, value)):
        return
    if not isinstance(value, Tensor):
        need(isinstance(value, (bool, int, float, np.integer)), "assign", type(value), x.type())
        value = tensors.wrap(dtypes.scalar(value, x._array.dtype))
    view, rest = indexing.basic(x, index)
    if rest is None and value._array.shape == view._array.shape:
        copy_(view, value)
    elif rest is None and value._array.ndim == 0:
        fill_(view, value)
    else:
        if rest is None or value.shape[:1] == (1,):  # leading ones do not count
            value = value.view(value.shape[next((i for i, n in enumerate(value.shape) if n != 1), value.ndim):])
        if rest is not None:
            arrays = [np.asarray(tensors.array_of(k)) for k in (index if isinstance(index, tuple) else (index,))
                      if isinstance(k, (Tensor, np.ndarray, list))]
            kinds = [k.dtype for k in arrays if k.ndim]
            need(value._array.size > 1 or kinds != [np.dtype(np.uint8)], "byte_mask")
            if value._array.size == 1 and kinds == [np.dtype(bool)]:
                value = tensors.wrap(value._array.astype(x._array.dtype), graph.edge(value))  # it may be of any type, or of x
            update(rules.index_put, view, value, rest, given=index if isinstance(index, (tuple, list)) else (index,))
        else:
            copy_(view, value if value.shape == view.shape else value.expand(view.shape))


def set_part(x: Tensor, index: Any, value: Any) -> bool:
    """x[index] = value without making the view, where nothing can go wrong: numbers and slices. Whether it was done."""
    array, before, recording, kind = x._array, x._grad_fn, graph.grad_mode.enabled, index.__class__
    if array.__class__ is not np.ndarray or (before is None and x._requires_grad and recording) or not (
            kind is int or kind is slice or (kind is tuple and {i.__class__ for i in index} <= {int, slice})):
        return False
    key, to = index if kind is tuple else (index,), None
    try:
        part = array[key]
    except (IndexError, TypeError):
        return False
    new = tensors.array_of(value)
    if value.__class__ is Tensor:
        if new.dtype is not array.dtype or new.shape != part.shape or (
                value._base is not None and not settled(value)) or value._counter is x._counter is not None:
            return False
        if recording and value._requires_grad:
            to = value._grad_fn or graph.accumulator(value)
    elif (value.__class__ is not float and value.__class__ is not int) or array.dtype.kind != "f":
        return False
    if part.__class__ is np.ndarray and (part.shape == array.shape or not part.size or min(part.strides, default=1) <= 0):
        return False
    count = x._counter or tensors.counter(x)  # now, for the node that made x so far: it may have saved x
    if recording and (before is not None or to is not None):
        slices = CopySlices((before, to), graph.like_of(array) if before is None else before.like)
        slices.fn, slices.old, slices.laid, slices.index, slices.part = None, None, array.shape, key, part.shape
        move_on(x, slices)
    array[key] = new
    count[0] += 1
    return True


def copy_(x: Tensor, value: Any) -> Tensor:
    """x becomes the values of `value`, a tensor or number, broadcast to its shape and cast to its element type."""
    value = tensors.wrap(np.asarray(value)) if isinstance(value, (bool, int, float, np.generic)) else value
    need(isinstance(value, Tensor), "not_a_tensor", "copy_", "other", 1, type(value))
    return update(rules.copy, x, value.as_type(x._array.dtype))


def fill_(x: Tensor, value: Any) -> Tensor:
    """Every element of x becomes `value`: a number, or a tensor with no dimensions."""
    if not isinstance(value, Tensor):
        return update(rules.fill, x, dtypes.scalar(value, x._array.dtype))
    need(value.ndim == 0, "fill", value.ndim)
    return update(rules.fill_tensor, x, value.as_type(x._array.dtype))


from . import engine, indexing  # noqa: E402

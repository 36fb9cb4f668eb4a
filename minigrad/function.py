"""Function: an operation that a user adds in PyTorch's way, with a forward and a backward of its own on Tensors."""
from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import engine, graph, inplace, tensors
from .errors import error, need, warn
from .graph import Node, Output
from .tensors import Tensor


class Function:
    """Base class of custom operations.

    Subclasses define the static methods `forward(ctx, *args)` and `backward(ctx, *grads)`; `apply(*args)` runs the
    operation. Tensors that backward needs go through `ctx.save_for_backward` and come back as `ctx.saved_tensors`.
    """

    __module__ = "minigrad.autograd.function"
    node: Any
    context: Any
    setup_context: Any = None  # setup_context(ctx, inputs, output), for a forward that is written without `ctx`

    def __init__(self, *args: Any) -> None:
        warn("function_instance", str(type(self)))

    def __call__(self, *args: Any, **options: Any) -> Any:
        """RuntimeError: an operation is run with `apply`, on the class itself."""
        raise error("legacy_function")

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        """The value: a Tensor, or a tuple with Tensors."""
        raise error("no_forward")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """For each argument of forward its gradient, None for what has none."""
        raise error("no_backward")

    def __init_subclass__(cls) -> None:
        cls.node, cls.context = [graph.node_class(cls.__name__ + "Backward", base, function=cls, __module__=Function.__module__)
                                 for base in (Custom, Context)]

    @classmethod
    def apply(cls, *args: Any, **options: Any) -> Any:
        """Run the operation and record it."""
        node = cls.node()
        node.own, node.to_save, node.dirty, node.constant, node.materialize = {}, (), (), (), True
        node.needs_input_grad = tuple([graph.any_requires_grad(x) for x in args])
        tracked = args if graph.is_grad_enabled() else ()
        node.edges = tuple([graph.edge(x) for x in tracked if isinstance(x, Tensor)])  # before forward writes to any of them
        ctx = cls.context(node)
        with graph.set_grad_enabled(False):
            made = cls.forward(*(() if cls.setup_context else (ctx,)), *args, **options)
            if cls.setup_context:
                cls.setup_context(ctx, args, made)
        outputs = made if isinstance(made, tuple) else (made,)
        for x in node.dirty:
            need(is_in(x, outputs), "dirty")
            tensors.counter(x)[0] += 1
        recorded = graph.is_grad_enabled() and any(node.needs_input_grad)
        results = tuple([node.result(x, args, recorded) if isinstance(x, Tensor) else x for x in outputs])
        if recorded:
            node.record(args, outputs, results)
        return results if isinstance(made, tuple) else results[0]


class Context:
    """The `ctx` of forward and backward: what is put on it is kept apart from what the node itself keeps."""

    __slots__ = ("__dict__", "_node")

    def __init__(self, node: Any) -> None:
        self._node, self.__dict__ = node, node.own

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)


class Custom(Node):
    """The node of a Function, and what its `ctx` can do. own: what the user has put on that."""

    __slots__ = ()
    function: type[Function]

    def __getattr__(self, name: str) -> Any:
        need(name in vars(self).get("own", ()), "no_member", type(self).__name__, name)
        return self.own[name]

    def save_for_backward(self, *values: Any) -> None:
        """Keep Tensors for backward. Their versions are watched, as those of saved arguments are."""
        self.to_save = values

    def mark_dirty(self, *changed: Tensor) -> None:
        """Say which arguments forward has written to in place; it must return them."""
        self.dirty = changed

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Say which results have no gradient."""
        self.constant = outputs

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True) or None for results that nobody used."""
        self.materialize = value

    def record(self, args: tuple, outputs: tuple, results: tuple) -> None:
        """Make the results remember this node: the outputs of forward, in the place of an argument a view of it."""
        for i, x in enumerate(self.to_save):
            need(x is None or isinstance(x, Tensor), "save_type", i, type(x))
            need(not self.function.setup_context or not is_in(x, args) or not is_in(x, outputs), "returned_and_saved")
        self.places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        self.count, self.number = len(args), graph.next_number()
        self.ends: dict[int, Any] = {}
        self.outputs = [(x._array.shape, x._array.dtype) if isinstance(x, Tensor) else None for x in results]
        for i, x in enumerate(results):
            if not isinstance(x, Tensor) or x._array.dtype.kind != "f" or is_in(outputs[i], self.constant):
                continue
            self.like = graph.like_of(x._array)
            if is_in(x, self.dirty):
                if not is_in(x, args):
                    warn("dirty_result", level=2)
                need(x._base is not None or not x.is_leaf or not x.requires_grad, "dirty_leaf")
                if x._base is not None:
                    need(len(results) == 1, "dirty_views")
                    inplace.refuse_view(x, "is being")
                    need(not x.requires_grad or not x._base.is_leaf, "leaf_view_written")
                inplace.rebase(x, self.end(i, x))
            else:
                x._requires_grad, x._grad_fn = True, self.end(i, x)
                if x._base is not None:
                    x._seen = (x._version, "several" if len(results) > 1 + len(self.constant) else "custom")
        # A result is saved without its history, which leads to this node: together they would keep each other alive.
        made = [(i, x) for i, x in enumerate(results) if isinstance(x, Tensor) and x._grad_fn is not None]
        self.which = [next((i for i, result in made[::-1] if result is x), None) for x in self.to_save]
        self.saved = tuple([x if i is None else tensors.alias(x) for x, i in zip(self.to_save, self.which, strict=True)])
        self.to_save, self.plan = (), graph.Plan([], [None] * len(self.saved), [])
        self.note_versions()

    def result(self, x: Tensor, args: tuple, recorded: bool) -> Tensor:
        """What `apply` returns for the output `x` of forward: never an argument itself, unless it was written to."""
        dirty = is_in(x, self.dirty)
        if is_in(x, args) and (not dirty or (x.requires_grad and not recorded)):
            x = x.detach() if dirty or (x.requires_grad and not recorded) or is_in(x, self.constant) else x.view_as(x)
        if x._base is not None and not dirty:
            x._seen = (x._version, "custom")
        return x

    @property
    def saved_tensors(self) -> tuple:
        """What `save_for_backward` kept, if nobody has written to it. RuntimeError once the graph is freed."""
        need(self.saved is not None, "freed")
        self.check_versions()
        made = [self.maker(i) for i in range(len(self.saved))]
        return tuple([x if node is None else tensors.shadow(x._array, node) for x, node in zip(self.saved, made, strict=True)])

    def end(self, i: int, x: Tensor) -> Node:
        """The node at which a gradient of `x`, result `i`, arrives."""
        if len(self.outputs) == 1:
            return self
        node = self.ends[i]() if i in self.ends else None
        if node is None:  # the result that it belonged to may be gone
            node = Output(self, i, x._array)
            self.ends[i] = weakref.ref(node)
        return node

    def maker(self, i: int) -> Node | None:
        """The node that made saved tensor `i`, if that is a result."""
        k = self.which[i]
        if k is not None and self.inside:  # written into a view
            return inplace.part_of(self.inside())
        return None if k is None else self.end(k, self.saved[i])

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Call the Function's own backward, on Tensors, and check what it returns."""
        if task.needed is not None and task.needed.isdisjoint(self.edges):
            return
        g = g if isinstance(g, dict) else {0: g}
        engine.tell_unused(self, g)
        made_up = self.outputs if self.materialize else [None] * len(self.outputs)
        grads = [g[i] if i in g else np.zeros(*meta) if meta else None for i, meta in enumerate(made_up)]
        ctx, backward = self.function.context(self), getattr(self.function, "vjp", self.function.backward)  # two names for it
        need(not hasattr(self.function, "vjp") or self.function.backward is Function.backward, "backward_and_vjp")
        with graph.set_grad_enabled(task.record):
            made = backward(ctx, *[x if x is None else engine.as_tensor(x) for x in grads])
        made = made if isinstance(made, tuple) else (made,)
        need(len(made) >= self.count and set(made[self.count:]) <= {None}, "gradient_count", self.name(), self.count, len(made))
        for i, part in enumerate(made):
            need(part is None or i in self.places, "gradient_of_number", self.name(), i + 1)
        if not task.keep:
            self.saved = None
        for to, place in zip(self.edges, self.places, strict=True):
            if to is not None and made[place] is not None and (task.needed is None or to in task.needed):
                part = self.fitting(made[place], to, place)
                yield to, part if task.record else part._array

    def fitting(self, part: Any, to: Node, place: int) -> Tensor:
        """A gradient that backward returned, in the shape and element type of its argument."""
        need(isinstance(part, Tensor), "gradient_type", type(part))
        stretched = zip(part.shape[::-1], to.shape[::-1], strict=False)
        need(part.ndim >= len(to.shape) and all(m in (n, 1) for n, m in stretched), "gradient_shape",
             self.name(), place, list(part.shape), list(to.shape))
        return graph.unbroadcast(part, to.shape).as_type(to.dtype)


Function.__init_subclass__()


def is_in(x: Any, found: tuple) -> bool:
    """True when `x` itself is one of those."""
    return any(x is other for other in found)

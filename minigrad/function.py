"""Function: an operation that a user adds in PyTorch's way, with a forward and a backward of its own on Tensors."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import graph, tensors
from .errors import error, need
from .graph import Node, Output
from .tensors import Tensor


class Function:
    """Base class of custom operations.

    Subclasses define the static methods `forward(ctx, *args)` and `backward(ctx, *grads)`; `apply(*args)` runs the
    operation. Tensors that backward needs go through `ctx.save_for_backward` and come back as `ctx.saved_tensors`.
    """

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        """The value: a Tensor, or a tuple with Tensors."""
        raise error("no_forward")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """For each argument of forward its gradient, None for what has none."""
        raise error("no_backward")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run the operation and record it."""
        ctx = graph.node_class(cls.__name__ + "Backward", Custom, function=cls)()
        ctx.to_save = ctx.saved = ()
        ctx.needs_input_grad = tuple([graph.any_requires_grad(x) for x in args])
        with graph.no_grad():
            made = cls.forward(ctx, *args)
        outputs = tuple([x.detach() if isinstance(x, Tensor) and (x._grad_fn is not None or any(x is arg for arg in args)) else x
                         for x in (made if isinstance(made, tuple) else (made,))])
        if graph.is_grad_enabled() and any(ctx.needs_input_grad):
            ctx.record(args, outputs)
        return outputs if isinstance(made, tuple) else outputs[0]


class Custom(Node):
    """The node of a Function, which is also the `ctx` of its forward and backward."""

    __slots__ = ()
    function: type[Function]

    def save_for_backward(self, *values: Any) -> None:
        """Keep Tensors for backward. Their versions are watched, as those of saved arguments are."""
        for i, x in enumerate(values):
            need(x is None or isinstance(x, Tensor), "save_type", i, type(x).__name__)
        self.to_save = values

    def record(self, args: tuple, outputs: tuple) -> None:
        """Make the results remember this node."""
        self.places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        self.count, self.edges = len(args), tuple([graph.edge(args[i]) for i in self.places])
        self.number = graph.next_number()
        self.outputs = [(x._array.shape, x._array.dtype) if isinstance(x, Tensor) else None for x in outputs]
        for i, x in enumerate(outputs):
            if isinstance(x, Tensor) and x._array.dtype.kind == "f":
                x._requires_grad, x._grad_fn = True, self if len(outputs) == 1 else Output(self, i, x._array)
        self.like = graph.like_of(outputs[0]._array) if len(outputs) == 1 and self.outputs[0] else np.float32
        self.saved = tuple([self.pack(x, outputs) for x in self.to_save])

    def pack(self, x: Any, outputs: tuple) -> Any:
        """(tensor, version, its edge; which result it is, for a result)."""
        for i, out in enumerate(outputs):
            if x is out and x is not None:
                return x.detach(), x._version, i
        return None if x is None else (x, x._version, graph.edge(x))

    def unpack_one(self, x: Tensor, version: int, edge: Any) -> Tensor:
        """A saved tensor with its place in the graph, if nobody has written to it."""
        if isinstance(edge, int):
            edge = self if len(self.outputs) == 1 else None
        graph.check_version(x, version, edge)
        return x if edge is None or (x.is_leaf and x.requires_grad) else tensors.shadow(x._array, edge)

    @property
    def saved_tensors(self) -> tuple:
        """What `save_for_backward` kept. RuntimeError once the graph is freed."""
        if self.saved is None:
            raise error("freed")
        return tuple([item and self.unpack_one(*item) for item in self.saved])

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Call the Function's own backward, on Tensors, and check what it returns."""
        if task.needed is not None and task.needed.isdisjoint(self.edges):
            return
        if self.saved is None:
            raise error("freed")
        given = g if isinstance(g, dict) else {0: g}
        grads = [given.get(i, meta and np.zeros(*meta)) for i, meta in enumerate(self.outputs)]
        with graph.set_grad_enabled(task.record):
            made = self.function.backward(self, *[x if x is None or isinstance(x, Tensor) else tensors.wrap(x) for x in grads])
        made = made if isinstance(made, tuple) else (made,)
        while len(made) > self.count and made[-1] is None:
            made = made[:-1]
        need(len(made) == self.count, "gradient_count", self.name(), self.count, len(made))
        if not task.keep:
            self.saved = None
        for to, place in zip(self.edges, self.places, strict=True):
            if to is not None and made[place] is not None and (task.needed is None or to in task.needed):
                part = self.fitting(made[place], to, place)
                yield to, part if task.record else part._array

    def fitting(self, part: Any, to: Node, place: int) -> Tensor:
        """A gradient that backward returned, in the shape and element type of its argument."""
        need(isinstance(part, Tensor), "gradient_type", type(part).__name__)
        if part.shape != to.shape:
            fits = all(m in (n, 1) for n, m in zip(part.shape[::-1], to.shape[::-1], strict=False))
            need(part.ndim >= len(to.shape) and fits, "gradient_shape", self.name(), place, list(part.shape), list(to.shape))
            part = graph.unbroadcast(part, to.shape)
        return part.as_type(to.dtype)

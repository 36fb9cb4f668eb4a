"""Function: an operation that a user adds in PyTorch's way, with a forward and a backward of its own on Tensors."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import graph, tensors
from .graph import FREED, Node, Output
from .tensors import Tensor


class Function:
    """Base class of custom operations.

    Subclasses define the static methods `forward(ctx, *args)` and `backward(ctx, *grads)`; `apply(*args)` runs the
    operation. Tensors that backward needs go through `ctx.save_for_backward` and come back as `ctx.saved_tensors`.
    """

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        """The value: a Tensor, or a tuple with Tensors."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """For each argument of forward its gradient, None for what has none."""
        raise NotImplementedError("You must implement either the backward or vjp method for your custom autograd.Function "
                                  "to use it with backward mode AD.")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run the operation and record it."""
        kind = graph.node_class(cls.__name__ + "Backward", Custom, function=cls)
        ctx = kind()
        ctx.to_save, ctx.saved, ctx.dirty, ctx.constant, ctx.materialize = (), (), (), (), True
        ctx.inputs = args
        ctx.needs_input_grad = tuple([graph.any_requires_grad(x) for x in args])
        with graph.set_grad_enabled(False):
            made = cls.forward(ctx, *args)
        outputs = made if isinstance(made, tuple) else (made,)
        if graph.is_grad_enabled() and any(ctx.needs_input_grad):
            outputs = ctx.record(args, outputs)
        else:
            outputs = tuple([x.detach() if any(x is a for a in args) else x for x in outputs])
        ctx.inputs = None
        return outputs if isinstance(made, tuple) else outputs[0]


class Custom(Node):
    """The node of a Function, which is also the `ctx` of its forward and backward."""

    __slots__ = ()
    function: type[Function]

    def save_for_backward(self, *values: Any) -> None:
        """Keep Tensors for backward. Their versions are watched, as those of saved arguments are."""
        for x in values:
            if x is not None and not isinstance(x, Tensor):
                raise TypeError("save_for_backward can only save variables, but argument "
                                f"{values.index(x)} is of type {type(x).__name__}")
        self.to_save = values

    def mark_dirty(self, *changed: Tensor) -> None:
        """Say which arguments forward has written to in place."""
        self.dirty = changed

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Say which results have no gradient."""
        self.constant = outputs

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True) or None for results that nobody used."""
        self.materialize = value

    def record(self, args: tuple, outputs: tuple) -> tuple:
        """Make the results remember this node."""
        places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        self.places = places
        self.count = len(args)
        self.edges = tuple([graph.edge(args[i]) for i in places])
        self.number = graph.next_number()
        self.like = np.float32
        results = []
        for x in outputs:
            if not isinstance(x, Tensor) or any(x is c for c in self.constant):
                results.append(x)
            elif any(x is d for d in self.dirty):
                tensors.counter(x)[0] += 1
                results.append(x)
            else:
                results.append(tensors.wrap(x._array) if any(x is a for a in args) or x._grad_fn is not None else x)
        self.outputs = [(x._array.shape, x._array.dtype) if isinstance(x, Tensor) else None for x in results]
        for i, x in enumerate(results):
            if isinstance(x, Tensor) and not any(x is c for c in self.constant) and x._array.dtype.kind == "f":
                x._requires_grad = True
                x._grad_fn = self if len(results) == 1 else Output(self, i, x._array)
        if len(results) == 1 and self.outputs[0] is not None:
            self.like = graph.like_of(results[0]._array)
        self.saved = tuple([self.pack(x, args, outputs, results) for x in self.to_save])
        return tuple(results)

    def pack(self, x: Any, args: tuple, outputs: tuple, results: list) -> Any:
        """(tensor, version, its edge; "out" and which, for a result)."""
        for i, out in enumerate(outputs):
            if x is out and x is not None and not any(x is a for a in args):
                return tensors.alias(results[i]), results[i]._version, i
        return None if x is None else (x, x._version, graph.edge(x))

    @property
    def saved_tensors(self) -> tuple:
        """What `save_for_backward` kept. RuntimeError once the graph is freed."""
        if self.saved is None:
            raise RuntimeError(FREED)
        results: list[Any] = []
        for item in self.saved:
            if item is None:
                results.append(None)
                continue
            x, version, edge = item
            if isinstance(edge, int):
                edge = self if len(self.outputs) == 1 else None
            graph.check_version(x, version, edge)
            results.append(x if edge is None or (x.is_leaf and x.requires_grad) else tensors.shadow(x._array, edge))
        return tuple(results)

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Call the Function's own backward, on Tensors, and check what it returns."""
        if task.needed is not None and task.needed.isdisjoint(self.edges):
            return
        if self.saved is None:
            raise RuntimeError(FREED)
        given = g if isinstance(g, dict) else {0: g}
        grads: list[Any] = []
        for i, meta in enumerate(self.outputs):
            x = given.get(i)
            if x is None and self.materialize and meta is not None:
                x = np.zeros(*meta)
            grads.append(x if x is None or isinstance(x, Tensor) else tensors.wrap(x))
        with graph.set_grad_enabled(task.record):
            made = self.function.backward(self, *grads)
        made = made if isinstance(made, tuple) else (made,)
        while len(made) > self.count and made[-1] is None:
            made = made[:-1]
        if len(made) != self.count:
            raise RuntimeError(f"function {self.name()} returned an incorrect number of gradients (expected {self.count}, "
                               f"got {len(made)})")
        if not task.keep:
            self.saved = None
        for to, place in zip(self.edges, self.places, strict=True):
            part = made[place]
            if to is None or part is None or (task.needed is not None and to not in task.needed):
                continue
            if not isinstance(part, Tensor):
                raise TypeError(f"expected Variable or None (got {type(part).__name__})")
            if part.shape != to.shape:
                try:
                    np.broadcast_shapes(part.shape, to.shape)
                    fits = part.ndim >= len(to.shape)
                except ValueError:
                    fits = False
                if not fits:
                    raise RuntimeError(f"Function {self.name()} returned an invalid gradient at index {place} - got "
                                       f"{list(part.shape)} but expected shape compatible with {list(to.shape)}")
                part = graph.unbroadcast(part, to.shape)
            if part._array.dtype != to.dtype:
                part = part.as_type(to.dtype)
            yield to, part if task.record else part._array

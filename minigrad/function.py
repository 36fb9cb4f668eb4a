"""Function: an operation that a user adds in PyTorch's way, with a forward and a backward of its own on Tensors."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import graph, tensors
from .errors import need
from .graph import Node, Output
from .tensors import Tensor


class Function:
    """Base class of custom operations.

    Subclasses define the static methods `forward(ctx, *args)` and `backward(ctx, *grads)`; `apply(*args)` runs the
    operation. Tensors that backward needs go through `ctx.save_for_backward` and come back as `ctx.saved_tensors`.
    """

    node: Any
    forward: Any  # forward(ctx, *args): the value, a Tensor or a tuple with Tensors
    backward: Any  # backward(ctx, *grads): for each argument of forward its gradient, None for what has none
    setup_context: Any = None  # setup_context(ctx, inputs, output), for a forward that is written without `ctx`

    def __init_subclass__(cls) -> None:
        cls.node = graph.node_class(cls.__name__ + "Backward", Custom, function=cls, __module__="minigrad.autograd.function")

    @classmethod
    def apply(cls, *args: Any, **options: Any) -> Any:
        """Run the operation and record it."""
        ctx = cls.node()
        ctx.to_save, ctx.constant, ctx.materialize = (), (), True
        ctx.needs_input_grad = tuple([graph.any_requires_grad(x) for x in args])
        with graph.set_grad_enabled(False):
            made = cls.forward(*(() if cls.setup_context else (ctx,)), *args, **options)
            if cls.setup_context:
                cls.setup_context(ctx, args, made)
        outputs = made if isinstance(made, tuple) else (made,)
        results = tuple([x if not is_in(x, args) else x.detach() if is_in(x, ctx.constant) else x.view_as(x) for x in outputs])
        if graph.is_grad_enabled() and any(ctx.needs_input_grad):
            ctx.record(args, outputs, results)
        return results if isinstance(made, tuple) else results[0]


class Custom(Node):
    """The node of a Function, which is also the `ctx` of its forward and backward."""

    __slots__ = ()
    function: type[Function]

    def save_for_backward(self, *values: Any) -> None:
        """Keep Tensors for backward. Their versions are watched, as those of saved arguments are."""
        self.to_save = values

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Say which results have no gradient."""
        self.constant = outputs

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True) or None for results that nobody used."""
        self.materialize = value

    def record(self, args: tuple, outputs: tuple, results: tuple) -> None:
        """Make the results remember this node: the outputs of forward, in the place of an argument a view of it."""
        self.places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        self.count, self.edges = len(args), tuple([graph.edge(args[i]) for i in self.places])
        self.number = graph.next_number()
        self.outputs = [(x._array.shape, x._array.dtype) if isinstance(x, Tensor) else None for x in results]
        for i, x in enumerate(results):
            if isinstance(x, Tensor) and x._array.dtype.kind == "f" and not is_in(outputs[i], self.constant):
                self.like = graph.like_of(x._array)
                x._requires_grad, x._grad_fn = True, self if len(results) == 1 else Output(self, i, x._array)
                if x._base is not None:
                    x._seen = (x._version, "several" if len(results) > 1 else "custom")
        self.saved, self.plan = self.to_save, graph.Plan([], [None] * len(self.to_save), [])
        self.note_versions()

    @property
    def saved_tensors(self) -> tuple:
        """What `save_for_backward` kept, if nobody has written to it. RuntimeError once the graph is freed."""
        need(self.saved is not None, "freed")
        self.check_versions()
        return self.saved

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Call the Function's own backward, on Tensors, and check what it returns."""
        if task.needed is not None and task.needed.isdisjoint(self.edges):
            return
        waiting = g if isinstance(g, dict) else {0: g}
        zeros = [np.zeros(*meta) if meta is not None and self.materialize else None for meta in self.outputs]
        given = [waiting.get(i, zero) for i, zero in enumerate(zeros)]
        grads = [x if x is None or isinstance(x, Tensor) else tensors.wrap(x) for x in given]
        with graph.set_grad_enabled(task.record):
            made = self.function.backward(self, *grads)
        made = made if isinstance(made, tuple) else (made,)
        fits = len(made) >= self.count and set(made[self.count:]) <= {None}
        need(fits, "gradient_count", self.name(), self.count, len(made))
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
        need(isinstance(part, Tensor), "gradient_type", type(part).__name__)
        stretched = zip(part.shape[::-1], to.shape[::-1], strict=False)
        need(part.ndim >= len(to.shape) and all(m in (n, 1) for n, m in stretched), "gradient_shape",
             self.name(), place, list(part.shape), list(to.shape))
        return graph.unbroadcast(part, to.shape).as_type(to.dtype)


def is_in(x: Any, found: tuple) -> bool:
    """True when `x` itself is one of those."""
    return any(x is other for other in found)

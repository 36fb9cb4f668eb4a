"""Just enough of torch.optim: gradient descent with momentum."""
from __future__ import annotations

from collections.abc import Iterable

from . import graph
from .errors import need
from .tensors import Tensor


class SGD:
    """Stochastic gradient descent: v = momentum v + g;  x = x - lr v."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3, momentum: float = 0.0) -> None:
        self.params = list(params)
        need(self.params, "no_parameters")
        need(lr >= 0, "learning_rate", lr)
        self.lr, self.momentum = lr, momentum
        self.velocity: dict[Tensor, Tensor] = {}

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for p in self.params:
            p.grad = None

    @graph.no_grad()
    def step(self) -> None:
        """Move every parameter against its gradient, in place and unrecorded."""
        for p in self.params:
            v = p.grad
            if v is None:
                continue
            if self.momentum:
                v = self.velocity[p] = self.velocity[p] * self.momentum + v if p in self.velocity else v.clone()
            p.sub_(v * self.lr)

"""Just enough of torch.optim: gradient descent with momentum."""
from __future__ import annotations

from collections.abc import Iterable

from . import graph, tensors
from .tensors import Tensor


class SGD:
    """Stochastic gradient descent: v = momentum v + g;  x = x - lr v."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3, momentum: float = 0.0) -> None:
        self.params = list(params)
        if not self.params:
            raise ValueError("optimizer got an empty parameter list")
        if lr < 0:
            raise ValueError(f"Invalid learning rate: {lr}")
        self.lr, self.momentum = lr, momentum
        self.velocity: list[Tensor | None] = [None] * len(self.params)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for p in self.params:
            p.grad = None

    def step(self) -> None:
        """Move every parameter against its gradient, in place and unrecorded."""
        with graph.set_grad_enabled(False):
            for i, p in enumerate(self.params):
                if p.grad is None:
                    continue
                v = p.grad
                if self.momentum:
                    before = self.velocity[i]
                    v = tensors.wrap(v._array.copy()) if before is None else before * self.momentum + v
                    self.velocity[i] = v
                p.sub_(v * self.lr)

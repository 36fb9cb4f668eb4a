"""Just enough of torch.nn for a network: Parameter, Module, Linear, Sequential, and `functional`."""
from __future__ import annotations

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from . import creation, rules, tensors
from .tensors import Tensor


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """-log softmax(input)[target] of each row, averaged over the rows ("mean"), summed ("sum") or as they are ("none").

    input: (rows, classes), float; target: (rows,), the int64 number of each row's class.
    """
    return nll_loss(input.log_softmax(-1), target, reduction)


def nll_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Minus the entry of each row that `target` names; `reduction` as for cross_entropy."""
    if input.ndim == 1:
        return nll_loss(input.unsqueeze(0), target.unsqueeze(0), reduction)
    if input.shape[0] != target.shape[0]:
        raise ValueError(f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]}).")
    if target._array.dtype.kind not in "iu":
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.tensor_name}")
    for wrong in target._array[(target._array < 0) | (target._array >= input.shape[1])]:
        raise IndexError(f"Target {wrong} is out of bounds.")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return rules.nll_loss(input, target._array, reduction)


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """(input - target)^2, averaged ("mean"), summed ("sum") or as it is ("none")."""
    squares = (input - target) ** 2
    return squares if reduction == "none" else getattr(squares, reduction)()


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias."""
    product = input @ weight.t()
    return product if bias is None else product + bias


functional = SimpleNamespace(
    cross_entropy=cross_entropy, nll_loss=nll_loss, mse_loss=mse_loss, linear=linear,
    relu=lambda input: input.relu(), tanh=lambda input: input.tanh(), sigmoid=lambda input: input.sigmoid(),
    softmax=lambda input, dim: input.softmax(dim), log_softmax=lambda input, dim: input.log_softmax(dim))


class Parameter(Tensor):
    """A leaf that a Module lists among its parameters."""

    __slots__ = ()

    def __init__(self, data: Tensor, requires_grad: bool = True) -> None:
        tensors.become(self, tensors.leaf(data._array, requires_grad))

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class Module:
    """A part of a network: its parameters, and those of the modules inside it, found by name."""

    def forward(self, *args: Any) -> Any:
        """What the module computes."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any) -> Any:
        return self.forward(*args)

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """(name, parameter), those of this module first."""
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield prefix + name, value
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield from value.named_parameters(f"{prefix}{name}.")

    def parameters(self) -> Iterator[Parameter]:
        """Every parameter."""
        for _, parameter in self.named_parameters():
            yield parameter

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            parameter.grad = None


class Linear(Module):
    """x @ weight.T + bias, started evenly from +-1 / sqrt(in_features)."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        bound = 1 / math.sqrt(in_features)
        self.weight = Parameter(creation.empty(out_features, in_features).uniform_(-bound, bound))
        self.bias = Parameter(creation.empty(out_features).uniform_(-bound, bound)) if bias else None

    def forward(self, *args: Any) -> Any:
        """args: one tensor of shape (..., in_features)."""
        return linear(args[0], self.weight, self.bias)


class Sequential(Module):
    """Modules or functions, one after the other."""

    def __init__(self, *steps: Any) -> None:
        self.steps = steps
        for i, step in enumerate(steps):
            setattr(self, str(i), step)

    def forward(self, *args: Any) -> Any:
        """Send the input through every step."""
        value, = args
        for step in self.steps:
            value = step(value)
        return value


class Tanh(Module):
    """tanh as a module."""

    def forward(self, *args: Any) -> Any:
        """args: one tensor."""
        return args[0].tanh()


class ReLU(Module):
    """relu as a module."""

    def forward(self, *args: Any) -> Any:
        """args: one tensor."""
        return args[0].relu()

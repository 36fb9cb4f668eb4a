"""Just enough of torch.nn for a network: Parameter, Module, Linear, Sequential, and `functional`."""
from __future__ import annotations

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import creation, operators, rules, tensors
from .errors import error, need
from .tensors import Tensor


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """-log softmax(input)[target] of each row, averaged over the rows ("mean"), summed ("sum") or as they are ("none").

    input: (rows, classes), float; target: (rows,), the int64 number of each row's class.
    """
    return nll_loss(operators.log_softmax(input, -1), target, reduction)


def nll_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Minus the entry of each row that `target` names; `reduction` as for cross_entropy."""
    a, rows = input._array, target._array
    if a.ndim == 1:
        return nll_loss(input.unsqueeze(0), target.unsqueeze(0), reduction)
    need(a.shape[0] == rows.shape[0], "batch_size", a.shape[0], rows.shape[0])
    if rows.dtype.kind not in "iu":
        raise error("target_dtype", target.dtype.tensor_name)
    wrong = rows.astype(np.uint64) >= a.shape[1]  # a negative number becomes a very large one
    if wrong.any():
        raise error("target_range", rows[wrong][0])
    need(reduction in ("mean", "sum", "none"), "loss_reduction", reduction)
    return rules.nll_loss(input, rows, reduction)


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
    **{name: getattr(Tensor, name) for name in "relu tanh sigmoid softmax log_softmax".split()})


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
        raise error("no_module_forward", type(self).__name__)

    def __call__(self, *args: Any) -> Any:
        return self.forward(*args)

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """(name, parameter), those of this module first."""
        yield from [(prefix + name, x) for name, x in vars(self).items() if isinstance(x, Parameter)]
        for name, x in vars(self).items():
            if isinstance(x, Module):
                yield from x.named_parameters(f"{prefix}{name}.")

    def parameters(self) -> Iterator[Parameter]:
        """Every parameter."""
        return (parameter for _, parameter in self.named_parameters())

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            parameter.grad = None


class Linear(Module):
    """x @ weight.T + bias, started evenly from +-1 / sqrt(in_features)."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        start = [(2 * creation.rand(*shape) - 1) / math.sqrt(in_features)
                 for shape in ((out_features, in_features), (out_features,))]
        self.weight, self.bias = Parameter(start[0]), Parameter(start[1]) if bias else None

    def forward(self, *args: Any) -> Any:
        """args: one tensor of shape (..., in_features)."""
        return linear(args[0], self.weight, self.bias)


class Sequential(Module):
    """Modules or functions, one after the other."""

    def __init__(self, *steps: Any) -> None:
        self.steps = steps
        vars(self).update({str(i): step for i, step in enumerate(steps)})

    def forward(self, *args: Any) -> Any:
        """Send the input through every step."""
        value, = args
        for step in self.steps:
            value = step(value)
        return value


class Tanh(Module):
    """tanh as a module."""

    forward = staticmethod(rules.tanh)


class ReLU(Module):
    """relu as a module."""

    forward = staticmethod(rules.relu)

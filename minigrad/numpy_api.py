"""NumPy's own functions on Tensors: `np.exp(t)` is recorded as `t.exp()` is.

The rules' vjps rely on it too: on the way back they meet arrays, and Tensors where the walk is recorded.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import operators, rules, tensors
from .tensors import Tensor

UFUNCS: dict[Any, Callable] = {
    np.add: rules.add, np.subtract: rules.sub,
    np.multiply: rules.mul, np.divide: rules.div, np.power: operators.power, np.negative: rules.neg,
    np.positive: lambda a: a, np.reciprocal: rules.reciprocal, np.remainder: rules.remainder_tensor, np.matmul: operators.matmul,
    np.exp: rules.exp, np.log: rules.log, np.sqrt: rules.sqrt, np.square: lambda a: a ** 2,
    np.absolute: rules.abs, np.fabs: rules.abs, np.sign: rules.sign, np.floor: rules.floor,
    np.sin: rules.sin, np.cos: rules.cos, np.tanh: rules.tanh, np.maximum: rules.maximum, np.minimum: rules.minimum,
    **{f: lambda a, b, f=f: operators.plain(f, a, b) for f in (
        np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.bitwise_and, np.bitwise_or,
        np.bitwise_xor, np.logical_and, np.logical_or, np.floor_divide)},
    **{f: lambda a, f=f: tensors.wrap(f(a._array)) for f in (np.isnan, np.isinf, np.isfinite, np.logical_not, np.invert)},
}

REFLECTED = {np.add: "__radd__", np.subtract: "__rsub__", np.multiply: "__rmul__", np.divide: "__rtruediv__"}


def as_tensor(x: Any) -> Tensor:
    """An array or number as a Tensor."""
    return x if isinstance(x, Tensor) else tensors.wrap(np.asarray(x))


def reduction(name: str) -> Callable:
    """The method `name`, with NumPy's names for its arguments."""
    def call(x: Tensor, axis: Any = None, keepdims: bool = False, **options: Any) -> Tensor:
        return getattr(x, name)(dim=axis, keepdim=keepdims, **options)
    return call


def largest(name: str) -> Callable:
    """max or min, of all elements or along one axis."""
    def call(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
        return getattr(x, name)() if axis is None else getattr(x, name)(axis, keepdims).values
    return call


FUNCTIONS: dict[Any, Callable] = {
    np.where: lambda condition, a, b: rules.where(a, b, tensors.array_of(condition)),
    np.broadcast_to: lambda x, shape: rules.broadcast_to(x, tuple(shape)),
    np.concatenate: lambda xs, axis=0: rules.cat(*map(as_tensor, xs), dim=axis),
    np.stack: lambda xs, axis=0: rules.stack(*map(as_tensor, xs), dim=axis),
    np.sum: reduction("sum"), np.mean: reduction("mean"), np.prod: reduction("prod"), np.max: largest("max"),
    np.min: largest("min"), np.all: reduction("all"), np.any: reduction("any"),
    np.var: lambda x, axis=None, ddof=0, keepdims=False: x.var(axis, keepdim=keepdims, correction=ddof),
    np.std: lambda x, axis=None, ddof=0, keepdims=False: x.std(axis, keepdim=keepdims, correction=ddof),
    np.clip: lambda x, a_min=None, a_max=None: x.clamp(a_min, a_max),
    np.reshape: lambda x, shape: x.reshape(shape), np.transpose: lambda x, axes=None: x.permute(
        axes or range(x.ndim)[::-1]),
    np.swapaxes: lambda x, a, b: x.transpose(a, b), np.squeeze: lambda x, axis=None: x.squeeze(axis),
    np.expand_dims: lambda x, axis: x.unsqueeze(axis), np.ravel: lambda x: x.ravel(),
    np.dot: operators.matmul, np.linalg.norm: lambda x, ord=None, axis=None, keepdims=False: x.norm(
        2 if ord is None else ord, axis, keepdims),
    np.outer: lambda a, b: as_tensor(a).reshape(-1, 1) * as_tensor(b).reshape(-1),
    np.copy: lambda x: x.clone(), np.shape: lambda x: tuple(x.shape), np.ndim: lambda x: x.ndim,
    np.size: lambda x: x.numel(), np.zeros_like: lambda x: tensors.wrap(np.zeros_like(x._array)),
    np.ones_like: lambda x: tensors.wrap(np.ones_like(x._array)),
    np.allclose: lambda a, b, **options: np.allclose(tensors.array_of(a), tensors.array_of(b), **options),
    np.array_equal: lambda a, b: np.array_equal(tensors.array_of(a), tensors.array_of(b)),
}


def ufunc(function: Any, method: str, inputs: tuple, options: dict) -> Any:
    """What NumPy calls for one of its ufuncs on a Tensor; TypeError for those that minigrad does not have."""
    if "out" in options or method not in ("__call__", "reduce"):
        return NotImplemented
    if method == "reduce":
        return reduction({"add": "sum", "multiply": "prod"}[function.__name__])(*inputs, **options)
    if function not in UFUNCS:
        raise TypeError(f"np.{function.__name__} has no rule in minigrad. Use an operation that has one, or add the rule to "
                        "minigrad/rules.py.")
    if function in REFLECTED and not isinstance(inputs[0], Tensor):
        return getattr(inputs[1], REFLECTED[function])(inputs[0])
    return UFUNCS[function](*inputs, **options)


def function(function: Any, args: tuple, options: dict) -> Any:
    """What NumPy calls for one of its other functions on a Tensor."""
    if function not in FUNCTIONS:
        raise TypeError(f"np.{function.__name__} does not take Tensors in minigrad. Use a Tensor method, or "
                        "tensor.detach().numpy() for the plain array.")
    return FUNCTIONS[function](*args, **options)

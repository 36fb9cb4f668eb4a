"""NumPy's own functions on Tensors: `np.exp(t)` is recorded as `t.exp()` is.

The rules' vjps rely on it too: on the way back they meet arrays, and Tensors where the walk is recorded.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import operators, rules, tensors
from .errors import error
from .tensors import Tensor

UFUNCS: dict[str, Callable] = {
    "subtract": rules.sub, "multiply": rules.mul, "divide": rules.div, "power": operators.pow, "negative": rules.neg,
    "absolute": rules.abs, "fabs": rules.abs, "invert": operators.invert, "matmul": operators.matmul,
    **{name: getattr(rules, name) for name in "add reciprocal exp log sqrt sign sin cos tanh maximum minimum".split()},
    **{name: operators.METHODS[name] for name in "square isnan isinf isfinite logical_not".split()},
    **{name: operators.compare(getattr(np, name)) for name in (
        "equal not_equal less less_equal greater greater_equal bitwise_and bitwise_or bitwise_xor logical_and "
        "logical_or").split()}}
REFLECTED = {"add": "__radd__", "subtract": "__rsub__", "multiply": "__rmul__", "divide": "__rtruediv__"}


def as_tensor(x: Any) -> Tensor:
    """An array or number as a Tensor."""
    return x if isinstance(x, Tensor) else tensors.wrap(np.asarray(x))


def extreme(name: str) -> Callable:
    """max or min, of all elements or along one axis."""
    def call(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
        return getattr(x, name)() if axis is None else getattr(x, name)(axis, keepdims).values
    return call


FUNCTIONS: dict[str, Callable] = {
    "where": lambda condition, a, b: rules.where(a, b, tensors.array_of(condition)),
    "broadcast_to": lambda x, shape: rules.expand(x, tuple(shape)),
    "concatenate": lambda xs, axis=0: rules.cat(*map(as_tensor, xs), dim=axis),
    "stack": lambda xs, axis=0: rules.stack(*map(as_tensor, xs), dim=axis),
    "max": extreme("max"), "min": extreme("min"),
    "var": lambda x, axis=None, ddof=0, keepdims=False: x.var(axis, keepdim=keepdims, correction=ddof),
    "norm": lambda x, ord=None, axis=None, keepdims=False: x.norm(2 if ord is None else ord, axis, keepdims),
    "clip": lambda x, a_min=None, a_max=None: x.clamp(a_min, a_max), "copy": lambda x: x.clone(),
    "transpose": lambda x, axes=None: x.permute(axes or range(x.ndim)[::-1]), "expand_dims": operators.unsqueeze,
    "squeeze": lambda x, axis=None: x.squeeze(axis), "dot": operators.matmul,
    "outer": lambda a, b: as_tensor(a).reshape(-1, 1) * as_tensor(b).reshape(-1),
    "shape": lambda x: tuple(x.shape), "ndim": lambda x: x.ndim, "size": lambda x: x.numel(),
    "zeros_like": lambda x: tensors.wrap(np.zeros_like(x._array)), "ones_like": lambda x: tensors.wrap(np.ones_like(x._array)),
    "allclose": lambda a, b, *args, **options: np.allclose(tensors.array_of(a), tensors.array_of(b), *args, **options),
    "array_equal": lambda a, b: np.array_equal(tensors.array_of(a), tensors.array_of(b)),
    **{name: operators.METHODS[name] for name in "sum mean prod all any argmax argmin reshape swapaxes ravel".split()},
}


def ufunc(function: Any, method: str, inputs: tuple, options: dict) -> Any:
    """What NumPy calls for one of its ufuncs on a Tensor; TypeError for those that minigrad does not have."""
    name = function.__name__
    if "out" in options or method not in ("__call__", "reduce"):
        return NotImplemented
    if method == "reduce":
        return FUNCTIONS[{"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}[name]](*inputs, **options)
    if name not in UFUNCS:
        raise error("ufunc", name)
    if name in REFLECTED and not isinstance(inputs[0], Tensor):
        return getattr(inputs[1], REFLECTED[name])(inputs[0])
    return UFUNCS[name](*inputs, **options)


def function(function: Any, args: tuple, options: dict) -> Any:
    """What NumPy calls for one of its other functions on a Tensor."""
    if function.__name__ not in FUNCTIONS:
        raise error("function", function.__name__)
    return FUNCTIONS[function.__name__](*args, **options)

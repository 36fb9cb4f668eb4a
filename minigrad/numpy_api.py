"""NumPy's own functions on Tensors: `np.exp(t)` is recorded as `t.exp()` is.

The rules' vjps rely on it too: on the way back they meet arrays, and Tensors where the walk is recorded.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from . import creation, operators, rules, tensors
from .errors import need
from .tensors import Tensor


def binary(name: str) -> Callable:
    """The operator of this name; the reflected one where only the second argument is a Tensor."""
    return lambda a, b: operators.OPERATORS[name](a, b) if isinstance(a, Tensor) else operators.OPERATORS["r" + name](b, a)


UFUNCS: dict[str, Callable] = {
    "add": binary("add"), "subtract": binary("sub"), "multiply": binary("mul"), "divide": binary("truediv"),
    "power": operators.pow, "matmul": operators.matmul, "invert": operators.invert,
    "negative": rules.neg, "absolute": rules.abs, "fabs": rules.abs,
    **{name: getattr(rules, name) for name in "reciprocal exp log sqrt sign sin cos tanh maximum minimum".split()},
    **{name: operators.METHODS[name] for name in "square isnan isinf isfinite logical_not".split()},
    **{name: operators.compare(getattr(np, name)) for name in (*operators.UFUNCS.values(), "logical_and", "logical_or")}}


def on_arrays(function: Callable) -> Callable:
    """A function whose result needs no gradient: NumPy's own, of the arrays."""
    return lambda *args, **options: function(*map(tensors.array_of, args), **options)


FUNCTIONS: dict[str, Callable] = {
    "where": lambda condition, a, b: rules.where(a, b, tensors.array_of(condition)),
    "concatenate": lambda xs, axis=0: rules.cat(*xs, dim=axis), "stack": lambda xs, axis=0: rules.stack(*xs, dim=axis),
    "max": lambda x, axis=None, keepdims=False: x.max() if axis is None else x.max(axis, keepdims).values,
    "min": lambda x, axis=None, keepdims=False: x.min() if axis is None else x.min(axis, keepdims).values,
    "var": lambda x, axis=None, ddof=0, keepdims=False: x.var(axis, keepdim=keepdims, correction=ddof),
    "norm": lambda x, ord=None, axis=None, keepdims=False: x.norm(2 if ord is None else ord, axis, keepdims),
    "clip": lambda x, a_min=None, a_max=None: x.clamp(a_min, a_max), "copy": lambda x: x.clone(),
    "transpose": lambda x, axes=None: x.permute(axes or range(x.ndim)[::-1]), "expand_dims": operators.unsqueeze,
    "outer": lambda a, b: np.reshape(a, (-1, 1)) * np.reshape(b, -1), "broadcast_to": lambda x, shape: rules.expand(x, shape),
    "zeros_like": creation.zeros_like, "ones_like": creation.ones_like, "dot": operators.matmul,
    **{name: on_arrays(getattr(np, name)) for name in "shape ndim size allclose array_equal".split()},
    **{name: operators.METHODS[name] for name in "sum mean prod all any argmax argmin reshape swapaxes ravel squeeze".split()},
}


def ufunc(x: Tensor, function: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """What NumPy calls for one of its ufuncs on a Tensor; TypeError for those that minigrad does not have."""
    name = function.__name__
    if "out" in options or method != "__call__":
        return NotImplemented
    need(name in UFUNCS, "ufunc", name)
    return UFUNCS[name](*inputs, **options)


def function(x: Tensor, function: Any, types: Any, args: tuple, options: dict) -> Any:
    """What NumPy calls for one of its other functions on a Tensor."""
    need(function.__name__ in FUNCTIONS, "function", function.__name__)
    return FUNCTIONS[function.__name__](*args, **options)


Tensor.__array_ufunc__, Tensor.__array_function__ = ufunc, function

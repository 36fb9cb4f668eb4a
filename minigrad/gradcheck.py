"""gradcheck and gradgradcheck: a function's gradients against central differences."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import engine, graph, tensors
from .tensors import Tensor


class GradcheckError(RuntimeError):
    """A gradient that differs from its central difference."""


def gradcheck(func: Callable, inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
              raise_exception: bool = True, nondet_tol: float = 0.0) -> bool:
    """True when the gradients of `func` agree with (f(x + eps) - f(x - eps)) / (2 eps) at `inputs`.

    Only inputs that require grad are checked; use float64. GradcheckError (or False) where they differ: which output,
    which input, and both Jacobians.
    """
    inputs = engine.as_tuple(inputs)
    try:
        if not any(isinstance(x, Tensor) and x.requires_grad for x in inputs):
            raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of the them have "
                             "requires_grad=True.")
        outputs = [y for y in engine.as_tuple(func(*inputs)) if y.requires_grad]
        for j, x in enumerate(inputs):
            if isinstance(x, Tensor) and x.requires_grad:
                numeric = central_differences(func, inputs, x, eps, len(outputs))
                for i, y in enumerate(outputs):
                    exact = np.array([np.asarray(row).ravel() for row in jacobian_rows(y, x)]).reshape(y.numel(), x.numel()).T
                    if not np.allclose(exact, numeric[i], rtol, atol, equal_nan=False):
                        raise GradcheckError(f"Jacobian mismatch for output {i} with respect to input {j},\nnumerical:"
                                             f"{tensors.wrap(numeric[i])}\nanalytical:{tensors.wrap(exact)}\n")
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def jacobian_rows(y: Tensor, x: Tensor) -> list[np.ndarray]:
    """One row of the Jacobian of y with respect to x for each element of y."""
    result = []
    for i in range(y.numel()):
        pick = np.zeros(y.numel(), y._array.dtype)
        pick[i] = 1
        g, = engine.grad(y, x, tensors.wrap(pick.reshape(y.shape)), retain_graph=True, allow_unused=True)
        result.append(np.zeros(x.shape) if g is None else g._array)
    return result


def central_differences(func: Callable, inputs: tuple, x: Tensor, eps: float, count: int) -> list[np.ndarray]:
    """For each output the matrix [element of x, element of output] of slopes."""
    x._own_memory()
    result = []
    for place in np.ndindex(*x.shape):
        old = x._array[place]
        sides = []
        for step in (eps, -eps):
            x._array[place] = old + step
            with graph.set_grad_enabled(True):
                made = engine.as_tuple(func(*inputs))
                sides.append([np.array(y._array).ravel() for y in made if y.requires_grad])
        x._array[place] = old
        result.append([(up - down) / (2 * eps) for up, down in zip(*sides, strict=True)])
    return [np.array([row[i] for row in result]).reshape(x.numel(), -1) for i in range(count)]


def gradgradcheck(func: Callable, inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6, atol: float = 1e-5,
                  rtol: float = 1e-3, raise_exception: bool = True, nondet_tol: float = 0.0) -> bool:
    """`gradcheck` of the gradients of `func`, for random upstream gradients unless they are given."""
    inputs = engine.as_tuple(inputs)
    outputs = [y for y in engine.as_tuple(func(*inputs)) if y.requires_grad]
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        grad_outputs = tuple([tensors.leaf(np.asarray(rng.standard_normal(y.shape)), True) for y in outputs])
    wanted = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]

    def gradients(*args: Any) -> tuple:
        made = [y for y in engine.as_tuple(func(*args[:len(inputs)])) if y.requires_grad]
        xs = tuple([x for x in args[:len(inputs)] if isinstance(x, Tensor) and x.requires_grad])
        grads = engine.grad(tuple(made), xs, args[len(inputs):], create_graph=True, allow_unused=True)
        return tuple([g for g in grads if g is not None and g.requires_grad])

    assert wanted
    return gradcheck(gradients, (*inputs, *engine.as_tuple(grad_outputs)), eps=eps, atol=atol, rtol=rtol,
                     raise_exception=raise_exception)

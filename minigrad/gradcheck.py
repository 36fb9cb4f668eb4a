"""gradcheck and gradgradcheck: a function's gradients against central differences."""

from collections.abc import Callable
from typing import Any

import numpy as np

from . import engine, functional, tensors
from .errors import need, warn
from .tensors import Tensor


class GradcheckError(RuntimeError):
    """A gradient that differs from its central difference."""


def tracked(values: Any) -> list[Tensor]:
    """Those of the values that require grad."""
    return [x for x in engine.as_tuple(values) if isinstance(x, Tensor) and x.requires_grad]


def gradcheck(func: Callable, inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
              raise_exception: bool = True, **others: Any) -> bool:
    """True when the gradients of `func` agree with (f(x + eps) - f(x - eps)) / (2 eps) at `inputs`.

    Only inputs that require grad are checked; use float64. GradcheckError (or False) where they differ: which output,
    which input, and both Jacobians. others: further options of PyTorch's, which change nothing here.
    """
    inputs = engine.as_tuple(inputs)
    need(tracked(inputs), "gradcheck_inputs")
    try:
        for j in [j for j, x in enumerate(inputs) if tracked((x,))]:
            check(func, inputs, j, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def check(func: Callable, inputs: tuple, j: int, eps: float, atol: float, rtol: float) -> None:
    """GradcheckError where a Jacobian with respect to input j differs from the slopes."""
    x = inputs[j]
    need(0 not in x._array.strides or not x.numel(), "gradcheck_stride", j)
    if x.dtype.name != "float64":
        warn("gradcheck_precision", j)
    found = [*zip(engine.as_tuple(func(*inputs)), central_differences(func, inputs, x, eps), strict=False)]
    checked = [(y, slopes) for y, slopes in found if tracked((y,))]
    if not checked and any(slopes.any() for y, slopes in found if y.is_floating_point()):
        raise GradcheckError("Numerical gradient for function expected to be zero")
    for i, (y, slopes) in enumerate(checked):
        exact = functional.rows(y, (x,))[0].detach().numpy().reshape(y.numel(), x.numel()).T
        if not np.allclose(exact, slopes, rtol, atol):
            raise GradcheckError(f"Jacobian mismatch for output {i} with respect to input {j},\nnumerical:"
                                 f"{tensors.wrap(slopes.astype(exact.dtype))}\nanalytical:{tensors.wrap(exact)}\n")


def central_differences(func: Callable, inputs: tuple, x: Tensor, eps: float) -> list[np.ndarray]:
    """For each output the matrix [element of x, element of output] of slopes."""
    x._own_memory()
    found = []
    for place in np.ndindex(*x.shape):
        old, sides = x._array[place], []
        for step in (eps, -eps):
            x._array[place] = old + step
            sides.append([np.array(y._array, np.float64).ravel() for y in engine.as_tuple(func(*inputs))])
        x._array[place] = old
        found.append([(up - down) / (2 * eps) for up, down in zip(*sides, strict=True)])
    return [np.array(column) for column in zip(*found, strict=True)]


def gradgradcheck(func: Callable, inputs: Any, grad_outputs: Any = None, **options: Any) -> bool:
    """`gradcheck`, with its options, of the gradients of `func`: for random upstream gradients unless they are given."""
    inputs = engine.as_tuple(inputs)
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        grad_outputs = [tensors.leaf(np.asarray(rng.standard_normal(y.shape)), True) for y in tracked(func(*inputs))]

    def gradients(*args: Any) -> tuple:
        given, upstream = args[:len(inputs)], args[len(inputs):]
        found = engine.grad(tracked(func(*given)), tracked(given), upstream, create_graph=True, allow_unused=True)
        return tuple(tracked(found))

    return gradcheck(gradients, (*inputs, *engine.as_tuple(grad_outputs)), **options)

"""torch.autograd.functional and gradcheck: Jacobians, Hessians, their products with vectors, all by calling `engine.grad`;
and a function's gradients against central differences."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import creation, engine, graph, rules, tensors
from .errors import need
from .tensors import Tensor


def prepare(inputs: Any, create_graph: bool) -> tuple:
    """The inputs as a tuple of tensors that gradients can be taken for."""
    return tuple([x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_()
                  for x in engine.as_tuple(inputs)])


def like(result: Any, given: Any) -> Any:
    """A tuple where one was given, else its only element."""
    return tuple(result) if isinstance(given, tuple) else result[0]


def finish(outputs: Any, create_graph: bool) -> Any:
    """The outputs, without their history unless it was asked for."""
    return outputs if create_graph else like([y.detach() for y in engine.as_tuple(outputs)], outputs)


def rows(output: Tensor, inputs: tuple, create_graph: bool = False) -> list[Tensor]:
    """For each input the Jacobian of `output`, one row for each element of the output."""
    picks = np.eye(output.numel(), dtype=output._array.dtype).reshape(-1, *output.shape)
    found = [engine.grad(output, inputs, tensors.wrap(pick), True, create_graph, materialize_grads=True)
             if output.requires_grad else [creation.zeros_like(x) for x in inputs] for pick in picks]
    return [rules.stack(*row).reshape(*output.shape, *x.shape) for row, x in zip(zip(*found, strict=True), inputs, strict=True)]


@graph.enable_grad()
def jacobian(func: Callable, inputs: Any, create_graph: bool = False) -> Any:
    """The Jacobian J[i, j] = d func(x)_i / d x_j, in the shape of the output followed by that of the input."""
    given = prepare(inputs, create_graph)
    outputs = func(*given)
    return like([like(rows(y, given, create_graph), inputs) for y in engine.as_tuple(outputs)], outputs)


def hessian(func: Callable, inputs: Any, create_graph: bool = False) -> Any:
    """The second derivatives of a scalar function: the Jacobian of its gradient."""
    def gradient(*args: Any) -> Any:
        value = func(*args)
        need(value.numel() == 1, "hessian")
        return like(engine.grad(value.reshape(()), args, create_graph=True, materialize_grads=True), inputs)
    return jacobian(gradient, inputs, create_graph)


@graph.enable_grad()
def vjp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False) -> Any:
    """(func(x), v J): the product of a vector and the Jacobian; v may be left out for a scalar."""
    given = prepare(inputs, create_graph)
    outputs = func(*given)
    grads = engine.grad(outputs, given, v, create_graph=create_graph, materialize_grads=True)
    return finish(outputs, create_graph), like(grads, inputs)


def again(grads: tuple, inputs: tuple, v: Any, create_graph: bool) -> tuple:
    """The derivative of the sum of grads * v with respect to `inputs`; ones for v where there is none."""
    v = [creation.ones_like(g) for g in grads] if v is None else engine.as_tuple(v)
    moving = [(g, w) for g, w in zip(grads, v, strict=True) if g.requires_grad]
    if not moving:
        return tuple([creation.zeros_like(x) for x in inputs])
    return engine.grad([g for g, _ in moving], inputs, [w for _, w in moving], create_graph=create_graph,
                       materialize_grads=True)


@graph.enable_grad()
def jvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False) -> Any:
    """(func(x), J v): as the derivative of u J with respect to u, in which it is linear."""
    given = prepare(inputs, create_graph)
    outputs = func(*given)
    us = tuple([creation.zeros_like(y, requires_grad=True) for y in engine.as_tuple(outputs)])
    pulled = engine.grad(outputs, given, us, create_graph=True, materialize_grads=True)
    return finish(outputs, create_graph), finish(like(again(pulled, us, v, create_graph), outputs), create_graph)


@graph.enable_grad()
def vhp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False) -> Any:
    """(func(x), v H): the product of a vector and the Hessian of a scalar function."""
    given = prepare(inputs, create_graph)
    value = func(*given)
    first = engine.grad(value, given, create_graph=True, materialize_grads=True)
    return finish(value, create_graph), like(again(first, given, v, create_graph), inputs)


hvp = vhp  # the same numbers, because a Hessian is symmetric


# ---------------------------------------------------------------- gradcheck
class GradcheckError(RuntimeError):
    """A gradient that differs from its central difference."""


def tracked(values: Any) -> list[Tensor]:
    """Those of the values that require grad."""
    return [x for x in engine.as_tuple(values) if isinstance(x, Tensor) and x.requires_grad]


def gradcheck(func: Callable, inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
              raise_exception: bool = True, nondet_tol: float = 0.0) -> bool:
    """True when the gradients of `func` agree with (f(x + eps) - f(x - eps)) / (2 eps) at `inputs`.

    Only inputs that require grad are checked; use float64. GradcheckError (or False) where they differ: which output,
    which input, and both Jacobians.
    """
    inputs = engine.as_tuple(inputs)
    need(tracked(inputs), "gradcheck_inputs")
    outputs = tracked(func(*inputs))
    for j, x in enumerate(inputs):
        slopes = central_differences(func, inputs, x, eps) if tracked((x,)) else []
        for i, (y, numeric) in enumerate(zip(outputs, slopes, strict=False)):
            exact = rows(y, (x,))[0].detach().numpy().reshape(y.numel(), x.numel()).T
            if not np.allclose(exact, numeric, rtol, atol):
                if raise_exception:
                    raise GradcheckError(f"Jacobian mismatch for output {i} with respect to input {j},\nnumerical:"
                                         f"{tensors.wrap(numeric)}\nanalytical:{tensors.wrap(exact)}\n")
                return False
    return True


def central_differences(func: Callable, inputs: tuple, x: Tensor, eps: float) -> list[np.ndarray]:
    """For each output the matrix [element of x, element of output] of slopes."""
    x._own_memory()
    found = []
    for place in np.ndindex(*x.shape):
        old, sides = x._array[place], []
        for step in (eps, -eps):
            x._array[place] = old + step
            with graph.set_grad_enabled(True):
                sides.append([np.array(y._array).ravel() for y in tracked(func(*inputs))])
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
        return tuple(tracked([g for g in engine.grad(tracked(func(*given)), tracked(given), upstream, create_graph=True,
                                                     allow_unused=True) if g is not None]))

    return gradcheck(gradients, (*inputs, *engine.as_tuple(grad_outputs)), **options)

"""torch.autograd.functional: Jacobians, Hessians and their products with vectors, all by calling `engine.grad`."""
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

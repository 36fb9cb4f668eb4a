"""torch.autograd.functional: Jacobians, Hessians and their products with vectors, all by calling `engine.grad`."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import engine, graph, tensors
from .tensors import Tensor


def prepare(inputs: Any, create_graph: bool) -> tuple:
    """The inputs as a tuple of tensors that gradients can be taken for."""
    if create_graph:
        return tuple([x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in engine.as_tuple(inputs)])
    return tuple([x.detach().requires_grad_() for x in engine.as_tuple(inputs)])


def like(result: tuple, given: Any) -> Any:
    """A tuple where one was given, else its only element."""
    return result if isinstance(given, tuple) else result[0]


def rows(output: Tensor, inputs: tuple, create_graph: bool, strict: bool) -> list[Tensor]:
    """For each input the Jacobian of `output`, one row for each element of the output."""
    found: list[list[Tensor]] = [[] for _ in inputs]
    for i in range(output.numel()):
        pick = np.zeros(output.numel(), output._array.dtype)
        pick[i] = 1
        if output.requires_grad:
            grads = engine.grad(output, inputs, tensors.wrap(pick.reshape(output.shape)), retain_graph=True,
                                create_graph=create_graph, allow_unused=True)
        else:
            grads = (None,) * len(inputs)
        for row, x, g in zip(found, inputs, grads, strict=True):
            if g is None and strict:
                raise RuntimeError("Output 0 of the user-provided function is independent of an input. This is not allowed "
                                   "in strict mode.")
            row.append(tensors.wrap(np.zeros(x.shape, x._array.dtype)) if g is None else g)
    return [stacked(row).reshape(*output.shape, *x.shape) for row, x in zip(found, inputs, strict=True)]


def stacked(parts: list[Tensor]) -> Tensor:
    """The tensors, one above the other."""
    return rules.stack(*parts) if any(p.requires_grad for p in parts) else tensors.wrap(
        np.stack([np.asarray(p._array) for p in parts]))


def jacobian(func: Callable, inputs: Any, create_graph: bool = False, strict: bool = False) -> Any:
    """The Jacobian J[i, j] = d func(x)_i / d x_j, in the shape of the output followed by that of the input."""
    with graph.set_grad_enabled(True):
        given = prepare(inputs, create_graph)
        outputs = func(*given)
        result = tuple([like(tuple(rows(y, given, create_graph, strict)), inputs) for y in engine.as_tuple(outputs)])
    return like(result, outputs)


def hessian(func: Callable, inputs: Any, create_graph: bool = False, strict: bool = False) -> Any:
    """The second derivatives of a scalar function: the Jacobian of its gradient."""
    def gradient(*args: Any) -> Any:
        value = func(*args)
        if value.numel() != 1:
            raise RuntimeError("The Tensor returned by the function given to hessian should contain a single element")
        grads = engine.grad(value.reshape(()), args, create_graph=True, allow_unused=True, materialize_grads=True)
        return like(tuple(grads), inputs)
    return jacobian(gradient, inputs, create_graph, strict)


def vjp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(x), v J): the product of a vector and the Jacobian; v may be left out for a scalar."""
    with graph.set_grad_enabled(True):
        given = prepare(inputs, create_graph)
        outputs = func(*given)
        grads = engine.grad(outputs, given, v, create_graph=create_graph, allow_unused=not strict, materialize_grads=not strict)
    return finish(outputs, create_graph), like(grads, inputs)


def jvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(x), J v): as the derivative of u J with respect to u, in which it is linear."""
    with graph.set_grad_enabled(True):
        given = prepare(inputs, create_graph)
        outputs = func(*given)
        ys = engine.as_tuple(outputs)
        us = tuple([tensors.leaf(np.zeros(y.shape, y._array.dtype), True) for y in ys])
        v = tuple([tensors.wrap(np.ones(x.shape, x._array.dtype)) for x in given]) if v is None else engine.as_tuple(v)
        pulled = engine.grad(ys, given, us, create_graph=True, allow_unused=True, materialize_grads=True)
        moving = [(g, w) for g, w in zip(pulled, v, strict=True) if g.requires_grad]
        pushed = engine.grad(tuple([g for g, _ in moving]), us, tuple([w for _, w in moving]), create_graph=create_graph,
                             allow_unused=True, materialize_grads=True) if moving else us
    return finish(outputs, create_graph), like(tuple([g if create_graph else g.detach() for g in pushed]), outputs)


def vhp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(x), v H): the product of a vector and the Hessian of a scalar function."""
    with graph.set_grad_enabled(True):
        given = prepare(inputs, create_graph)
        value = func(*given)
        v = tuple([tensors.wrap(np.ones(x.shape, x._array.dtype)) for x in given]) if v is None else engine.as_tuple(v)
        first = engine.grad(value, given, create_graph=True, allow_unused=True, materialize_grads=True)
        moving = [(g, w) for g, w in zip(first, v, strict=True) if g.requires_grad]
        second = engine.grad(tuple([g for g, _ in moving]), given, tuple([w for _, w in moving]), create_graph=create_graph,
                             allow_unused=True, materialize_grads=True) if moving else tuple([x * 0 for x in given])
    return finish(value, create_graph), like(second, inputs)


def hvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(x), H v): the same numbers as `vhp`, because a Hessian is symmetric."""
    return vhp(func, inputs, v, create_graph, strict)


def finish(outputs: Any, create_graph: bool) -> Any:
    """The outputs, without their history unless it was asked for."""
    return outputs if create_graph else like(tuple([y.detach() for y in engine.as_tuple(outputs)]), outputs)


from . import rules  # noqa: E402

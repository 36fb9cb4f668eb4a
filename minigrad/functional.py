"""torch.autograd.functional: Jacobians, Hessians and their products with vectors, all by calling `engine.grad`.

strict: RuntimeError, rather than zeros, where something does not depend on an input.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import creation, engine, graph, rules, tensors
from .errors import need
from .tensors import Tensor


def tensors_of(given: Any, what: str, name: str) -> tuple:
    """A Tensor, or a tuple of them, as a tuple; TypeError for anything else."""
    found = given if isinstance(given, tuple) else (given,)
    for i, x in enumerate(found):
        place = f"value at index {i}" if found is given else f"given {what}"
        need(isinstance(x, Tensor), "functional_type", what, name, place, str(type(x)))
    return found


def start(func: Callable, inputs: Any, name: str, create_graph: bool, strict: bool, scalar: bool = False,
          checked: Callable = lambda given: None) -> tuple:
    """The inputs as a tuple of tensors that gradients can be taken for, what `func` makes of them, and that as a tuple.

    scalar: RuntimeError unless it is one Tensor with one element. checked: is called before `func`, and returned as well.
    """
    given = tuple([x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_()
                   for x in tensors_of(inputs, "inputs", name)])
    v, outputs = checked(given), func(*given)
    found = tensors_of(outputs, "outputs of the user-provided function", name)
    for i, y in enumerate(found):
        need(y.requires_grad or not strict, "constant_output", i)
    need(not scalar or found is not outputs, "single_tensor", name)
    need(not scalar or found[0].numel() == 1, "single_element", name)
    return given, outputs, found, v


def vector(v: Any, like: tuple, given: Any, name: str, what: str = "the input to the user-provided function is") -> tuple:
    """`v` as a tuple of tensors in the shapes of `like`, which was `given`; None only where a single number is."""
    need(v is not None or (len(like) == 1 and like[0].numel() == 1), "no_vector", what)
    found = (None,) if v is None else tensors_of(v, "v", name)
    need(len(found) == len(like), "vector_count" if isinstance(given, tuple) else "one_vector", len(like), len(found))
    for i, (x, y) in enumerate(zip(found, like, strict=True) if v is not None else ()):
        need(x.shape == y.shape, "vector_size", f"Entry {i} in " * isinstance(given, tuple), y.shape, x.shape)
    return found


def like(result: Any, given: Any) -> Any:
    """A tuple where one was given, else its only element."""
    return tuple(result) if isinstance(given, tuple) else result[0]


def finish(outputs: Sequence, given: Any, create_graph: bool) -> Any:
    """`like` for the outputs, without their history unless it was asked for."""
    return like(outputs if create_graph else [y.detach() for y in outputs], given)


def pull(outputs: Sequence, inputs: Sequence, v: Sequence, tracked: bool, strict: bool, first: str, second: str,
         keep: bool | None = None) -> list[Tensor]:
    """The gradients of the sum of outputs * v, zeros for an input on which they do not depend.

    strict: RuntimeError for such an input, and, where the gradients are to be `tracked`, for a constant one; `first` and
    `second` say of what these are the gradients.
    """
    moving = [(y, w) for y, w in zip(outputs, v, strict=True) if y.requires_grad]
    grads = engine.grad([y for y, _ in moving], inputs, [w for _, w in moving], keep, tracked, allow_unused=True) if moving else (
        None,) * len(inputs)
    for i, g in enumerate(grads if strict else ()):
        need(g is not None, "independent", first, i)
        need(g.requires_grad or not tracked, second + "_constant", i)
    return [creation.zeros_like(x) if g is None else g for g, x in zip(grads, inputs, strict=True)]


def rows(output: Tensor, inputs: tuple, create_graph: bool = False, strict: bool = False, number: int = 0) -> list[Tensor]:
    """For each input the Jacobian of `output`, the output of this number, one row for each element of the output.

    Each row is a walk over the same nodes, so they are looked for once.
    """
    root: Any = graph.edge(output)
    targets = [engine.target(x) for x in inputs]
    task = engine.Task(keep=True, record=create_graph, accumulates=False)
    nodes = [] if root is None else engine.path(task, [root], targets)
    shape, n, kind = output._array.shape, output.numel(), output._array.dtype
    need(n, "stack_empty")
    found: list[list[Any]] = [[] for _ in inputs]
    for i in range(n):
        pick: Any = np.zeros(n, kind)
        pick[i] = 1
        pick = pick if len(shape) == 1 else pick.reshape(shape)[()]
        task.pending, task.owned = {root: tensors.wrap(pick) if create_graph else pick}, set()
        task.captured = dict.fromkeys(targets)
        engine.follow(nodes, task)
        for k, g in enumerate(task.captured.values()):
            if strict:
                need(g is not None, "independent", f"Output {number}", k)
                need(not create_graph or g.requires_grad, "jacobian_constant", number)
            found[k].append(creation.zeros_like(inputs[k]) if g is None else g)
    made = [rules.stack(*row) if create_graph else tensors.wrap(np.array([*map(tensors.array_of, row)])) for row in found]
    return [J.reshape((*shape, *x.shape)) for J, x in zip(made, inputs, strict=True)]


@graph.enable_grad()
def jacobian(func: Callable, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
             strategy: str = "reverse-mode") -> Any:
    """The Jacobian J[i, j] = d func(x)_i / d x_j, in the shape of the output followed by that of the input.

    vectorize, strategy: how PyTorch computes it, which makes no difference here.
    """
    given, outputs, found, _ = start(func, inputs, "jacobian", create_graph, strict)
    return like([like(rows(y, given, create_graph, strict, i), inputs) for i, y in enumerate(found)], outputs)


def hessian(func: Callable, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
            outer_jacobian_strategy: str = "reverse-mode") -> Any:
    """The second derivatives of a scalar function: the Jacobian of its gradient; the last two options change nothing."""
    def gradient(*args: Any) -> Any:
        given, _, found, _ = start(func, args, "hessian", True, strict, True)
        first = pull(found, given, (None,), True, False, "", "")
        for i, g in enumerate(first if strict else ()):
            need(g.requires_grad, "hessian_jacobian_constant", i)
        return like(first, inputs)
    tensors_of(inputs, "inputs", "hessian")
    return jacobian(gradient, inputs, create_graph, strict)


@graph.enable_grad()
def vjp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(x), v J): the product of a vector and the Jacobian; v may be left out for a scalar."""
    given, outputs, found, _ = start(func, inputs, "vjp", create_graph, strict)
    v = vector(v, found, outputs, "vjp", "the user-provided function returns")
    grads = pull(found, given, v, create_graph, strict, "The output", "jacobian")
    return finish(found, outputs, create_graph), finish(grads, inputs, create_graph)


@graph.enable_grad()
def jvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(x), J v): as the derivative of u J with respect to u, in which it is linear."""
    given, outputs, found, v = start(func, inputs, "jvp", create_graph, strict, False, lambda x: vector(v, x, inputs, "jvp"))
    us = [creation.zeros_like(y, requires_grad=True) for y in found]
    first = pull(found, given, us, True, strict, "The output", "gradient")
    grads = pull(first, us, v, create_graph, strict, "The gradient", "jacobian")
    return finish(found, outputs, create_graph), finish(grads, outputs, create_graph)


@graph.enable_grad()
def vhp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False,
        name: str = "vhp") -> Any:
    """(func(x), v H): the product of a vector and the Hessian of a scalar function."""
    given, outputs, found, v = start(func, inputs, name, create_graph, strict, True, lambda x: vector(v, x, inputs, name))
    first = pull(found, given, (None,), True, strict, "The output", "hessian_jacobian")
    grads = pull(first, given, v, create_graph, strict, "The jacobian", "hessian")
    return finish(found, outputs, create_graph), finish(grads, inputs, create_graph)


def hvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(x), H v): the same numbers, because a Hessian is symmetric."""
    return vhp(func, inputs, v, create_graph, strict, "hvp")

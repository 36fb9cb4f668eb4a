"""Lifting: how a rule on arrays becomes an operation on Tensors.

`op` and `elementwise` wrap a rule of `rules`. What an operation does says `general`: it lets the arguments meet in one
element type, calls the rule, and has the result recorded. For the usual arguments `compiling` writes code that does the
same in less time.
"""

import functools
import inspect
import itertools
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from . import dtypes, graph, tensors
from .errors import error
from .graph import Array, Node, Output, Several, grad_mode, node_class
from .layout import in_order
from .tensors import Tensor

Rule = Callable[..., Any]


def op(name: str, *, elementwise: bool = False, floating: bool = False, view: bool = False,
       several: bool = False, frees: str = "") -> Callable[[Rule], Any]:
    """Lift a rule onto Tensors. Its arguments before `/` (or `*arrays`) are Tensors, numbers or arrays; others options.

    name: of the nodes. elementwise: the arguments meet in one shape and one element type, and `fit` undoes both.
    floating: integers become float32 first. view: the result shares the memory of the first argument. several: the
    rule returns a tuple of values and one vjp, which gets the list of their gradients. frees: an option that counts as a
    saved tensor.
    The rule is read at each call (`op.rule`), so that another one can be put in its place. What an operation knows are
    at the same time the names that its code sees, so that reading them takes no time.
    """
    def lift(rule: Rule) -> Any:
        known: dict[str, Any] = {"general": general, "compiled": compiled}
        call: Any = FunctionType(FIRST_CALL, known)
        call.__dict__ = known
        functools.update_wrapper(call, rule)
        del call.__wrapped__
        call.rule, call.elementwise, call.floating, call.view = rule, elementwise, floating, view
        call.several, call.frees, call.title, call.call, call.own = several, frees, name, call, rule
        call.node = node_class(name, Several if several else Node, op=call)
        call.kept = node_class(name, call.node, __init__=object.__init__)  # of finished nodes: made without a call
        return call
    return lift


def compiled(call: Any) -> Any:
    """The operation `call` with code of its own, which is written at its first call."""
    from . import compiling
    return compiling.compiled(call)


elementwise = functools.partial(op, elementwise=True)
FIRST_CALL = (lambda *args, **options: compiled(call)(*args, **options)).__code__  # type: ignore[name-defined]  # noqa: F821
ANY_CALL = (lambda *args, **options: general(call, args, options)).__code__  # type: ignore[name-defined]  # noqa: F821


def always_general(call: Any) -> Any:
    """The operation `call`, which goes the general way from now on."""
    call.__code__ = ANY_CALL
    return call


def general(op: Any, args: tuple, options: dict) -> Any:
    """What the operation `op` does for all arguments."""
    code = op.own.__code__
    n = len(args) if code.co_flags & inspect.CO_VARARGS else code.co_posonlyargcount
    if op.__name__ in OPERATORS and any(constant(x) is None for x in args[:n]):
        return NotImplemented  # so that Python asks the other one, and then says what is wrong
    inputs = meet(op, *args[:n]) if op.elementwise else tuple(
        [x if isinstance(x, tuple) else constant(x) for x in args[:n]])  # a tuple is an index
    base: Any = inputs[0] if inputs else None
    if op.view:
        base._own_memory()
    arrays = [tensors.array_of(x) for x in inputs]
    try:
        value, *vjps = op.rule(*arrays, *args[n:], **options)
    except (ValueError, TypeError):
        refuse(op.title, *arrays)
        raise
    if op.several:
        return record_several(op, inputs, value, vjps, op.view)
    made, value = value, in_order(value, *args[n:], *arrays) if op.elementwise else value
    for c in [c for vjp in vjps if value is not made for c in getattr(vjp, "__closure__", None) or () if c.cell_contents is made]:
        c.cell_contents = value
    recorded = grad_mode.enabled and graph.any_requires_grad(*inputs)
    result = graph.record(op, inputs, value, vjps) if recorded else tensors.wrap(value)
    return tensors.view_of(base, result) if op.view else result


# ---------------------------------------------------------------- what the arguments may be
NUMBERS = (bool, int, float)
OPERATORS = "add", "sub", "mul", "div", "pow_tensor"


def constant(x: Any) -> Any:
    """`x` if it is a Tensor or a Python number; an array as a Tensor, a NumPy scalar as a number; None for others."""
    if isinstance(x, Tensor) or type(x) in NUMBERS:
        return x
    return x.item() if isinstance(x, np.generic) else tensors.wrap(x) if isinstance(x, np.ndarray) else None


def meet(op: Any, *inputs: Any) -> tuple:
    """The arguments of `op` as Tensors of one element type, and numbers. TypeError for anything else."""
    found = [constant(x) for x in inputs]
    for i, x in enumerate(found):
        if x is None or (len(found) == 1 and not isinstance(x, Tensor)):
            raise error("not_a_tensor", op.__name__, "other" if i else "input", i + 1, type(inputs[i]))
    arrays = [tensors.array_of(x) for x in found]
    refuse_bool(op.node.__name__, *arrays)
    dtype = dtypes.result_type(*arrays)
    if op.floating and dtype.kind != "f":
        dtype = dtypes.DEFAULT
    found = [np.asarray(x).astype(dtype)[()] if dtype.kind in "iu" and type(x) is int else x for x in found]  # may not fit
    return tuple([x.as_type(dtype) if isinstance(x, Tensor) and x._array.dtype is not dtype else x for x in found])


def refuse(name: str, *arrays: Array) -> None:
    """RuntimeError, in PyTorch's words, when NumPy refused arguments that are bool or whose shapes do not broadcast."""
    refuse_bool(name, *arrays)
    shapes = [np.shape(x) for x in arrays if not isinstance(x, tuple)]
    for a, b in itertools.pairwise(shapes):
        for i in range(-1, -1 - min(len(a), len(b)), -1):
            if a[i] != b[i] and 1 not in (a[i], b[i]):
                raise error("broadcast", a[i], b[i], max(len(a), len(b)) + i) from None


def refuse_bool(name: str, *arrays: Any) -> None:
    """RuntimeError, in PyTorch's words, where bool is subtracted, subtracted from or negated."""
    bools = [np.asarray(x).dtype == bool for x in arrays].count(True)
    if bools and name in ("SubBackward0", "RsubBackward1", "NegBackward0"):
        negated = name == "NegBackward0"
        raise error("bools" if bools > 1 else "negated_bool" if negated else "bool") from None


def record_several(op: Any, inputs: tuple, values: tuple, vjps: list, view: bool) -> tuple[Tensor, ...]:
    """The results of an operation that has several, each with its own Output."""
    results = [tensors.wrap(value) for value in values]
    if grad_mode.enabled and graph.any_requires_grad(*inputs) and results:
        node = op.node()
        node.edges = tuple([graph.edge(x) for x in inputs])
        node.keep(inputs, results[0], vjps)
        node.outputs = [(value.shape, value.dtype) for value in values]
        results = [tensors.wrap(value, Output(node, i, value)) for i, value in enumerate(values)]
    return tuple([tensors.view_of(inputs[0], result, several=True) if view else result for result in results])

"""Lifting: how a rule on arrays becomes an operation on Tensors.

`op` and `elementwise` wrap a rule of `rules`: they let the arguments meet in one element type, call the rule, and have
the result recorded. `general` says what an operation does; `unary` and `binary` do the same for the usual cases on a
rule that was taken apart: into its value with what must be saved, and vjps that are given what was saved. So no closure
is made on the way forward and none on the way back.
"""
from __future__ import annotations

import ast
import functools
import inspect
import itertools
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes, graph, inplace, tensors
from .errors import error
from .graph import ANY_REQUIRES_GRAD, RECORD, Array, Node, Output, Plan, Several, mode, ndarray, node_class
from .tensors import Tensor

Rule = Callable[..., Any]


def op(name: str, *, elementwise: bool = False, floating: bool = False, view: bool = False,
       several: bool = False, frees: str = "") -> Callable[[Rule], Any]:
    """Lift a rule onto Tensors. Its arguments before `/` (or `*arrays`) are Tensors, numbers or arrays; others options.

    name: of the nodes. elementwise: the arguments meet in one shape and one element type, and `fit` undoes both.
    floating: integers become float32 first. view: the result shares the memory of the first argument. several: the
    rule returns a tuple of values and one vjp, which gets the list of their gradients. frees: an option that counts as a
    saved tensor.
    The rule is read at each call (`op.rule`), so that another one can be put in its place.
    """
    def lift(rule: Rule) -> Any:
        code = rule.__code__
        many = bool(code.co_flags & inspect.CO_VARARGS)
        count = code.co_posonlyargcount
        plans: dict[int, Plan | None] = {}

        def unary(a: Any, /, *rest: Any, **options: Any) -> Tensor:
            if (a.__class__ is Tensor and (a._base is None or inplace.settled(a)) and call.rule is rule
                    and graph.record is RECORD and graph.any_requires_grad is ANY_REQUIRES_GRAD):
                if view:
                    a._own_memory()
                x, key = a._array, a._requires_grad and mode.enabled
                if count > 1:
                    rest = (tensors.array_of(rest[0]), *rest[1:])
                plan = plans[key] if key in plans else taken_apart(call, plans, key)
                if plan is not None and (key or not floating or x.dtype.kind == "f"):
                    try:
                        value, saved = plan.forward(a, x, *rest, **options)
                    except (TypeError, ValueError):
                        return general(a, *rest, **options)  # which says what is wrong
                    result = graph.record_again(plan, (a._grad_fn or graph.accumulator(a),), value, saved) if key else (
                        tensors.wrap(value))
                    return tensors.view_of(a, result) if view else result
            return general(a, *rest, **options)

        def binary(a: Any, b: Any, /) -> Tensor:
            key, kind, other = -1, a.__class__, b.__class__
            if kind is Tensor and (a._base is None or inplace.settled(a)):
                x = a._array
                if other is float or other is int:
                    y = b
                    if a._requires_grad:
                        key = 1
                    elif x.dtype.kind == "f":
                        key = 0
                elif other is Tensor and (b._base is None or inplace.settled(b)):
                    y = b._array
                    if (x.__class__ is y.__class__ is not ndarray) or x.dtype is y.dtype:
                        key = a._requires_grad + 2 * b._requires_grad
                        if floating and not key and x.dtype.kind != "f":
                            key = -1
            elif (kind is float or kind is int) and other is Tensor and (b._base is None or inplace.settled(b)):
                x, y = a, b._array
                if b._requires_grad:
                    key = 2
                elif y.dtype.kind == "f":
                    key = 0
            if (key >= 0 and call.rule is rule and graph.record is RECORD
                    and graph.any_requires_grad is ANY_REQUIRES_GRAD):
                if key and not mode.enabled:
                    key = 0
                plan = plans[key] if key in plans else taken_apart(call, plans, key)
                if plan is not None:
                    try:
                        value, saved = plan.forward(a, b, x, y)
                    except (TypeError, ValueError):
                        return general(a, b)
                    if not key:
                        return tensors.wrap(value)
                    return graph.record_again(plan, (
                        a._grad_fn or graph.accumulator(a) if key & 1 else None,
                        b._grad_fn or graph.accumulator(b) if key & 2 else None), value, saved)
            return general(a, b)

        def general(*args: Any, **options: Any) -> Any:
            n = len(args) if many else count
            inputs = meet(call, *args[:n]) if elementwise else tuple(
                [x if isinstance(x, tuple) else constant(x) for x in args[:n]])  # a tuple is an index
            base: Any = inputs[0] if inputs else None
            if view:
                base._own_memory()
            arrays = [tensors.array_of(x) for x in inputs]
            try:
                value, *vjps = call.rule(*arrays, *args[n:], **options)
            except (ValueError, TypeError):
                refuse(name, *arrays)
                raise
            if several:
                return record_several(call, inputs, value, vjps, view)
            recorded = mode.enabled and graph.any_requires_grad(*inputs)
            result = graph.record(call, inputs, value, vjps) if recorded else tensors.wrap(value)
            return tensors.view_of(base, result) if view else result

        lambdas = vjp_codes(rule)
        call: Any = general if many or several else unary if len(lambdas) == 1 else (
            binary if len(lambdas) == count == code.co_argcount == 2 else general)
        functools.update_wrapper(call, rule)
        del call.__wrapped__
        call.rule, call.elementwise, call.floating, call.frees = rule, elementwise, floating, frees
        call.node = node_class(name, Several if several else Node, op=call)
        return call
    return lift


elementwise = functools.partial(op, elementwise=True)


# ---------------------------------------------------------------- taking a rule apart
def taken_apart(call: Any, plans: dict, key: int) -> Plan | None:
    """The plan for gradients of the arguments that the bits of `key` name, also put into `plans`.

    plan.forward(*inputs, *arrays, *options) gives the value and what is saved; plan.step(g, node) the gradients for all
    arguments at once, or None where what was saved must be looked at closely. None where the rule's source cannot be
    read or is not of the usual form: statements, then `return value, lambda g: ..., lambda g: ...`.
    """
    found = source_of(call.rule)
    plans[key] = None
    if found is None:
        return None
    tree, (value, *vjps) = found
    arguments = [each.arg for each in tree.args.posonlyargs]
    needed = [i for i in range(len(vjps)) if int(key) >> i & 1]
    codes = vjp_codes(call.rule)
    names = list(dict.fromkeys([name for i in needed for name in codes[i].co_freevars]))
    sources: list[Any] = [arguments.index(name) if name in arguments else
                          "out" if isinstance(value, ast.Name) and name == value.id else None for name in names]
    inputs = [f"input_{i}" for i in range(len(vjps))]
    saved = [inputs[source] if source in range(len(vjps)) else name for name, source in zip(names, sources, strict=True)]
    g, parts = vjps[0].args.args[0].arg, [ast.unparse(vjp.body) for vjp in vjps]
    made: dict[str, Any] = {}
    space = {**call.rule.__globals__, "Tensor": Tensor}
    tree.name, tree.args.posonlyargs[:0] = "forward", [ast.arg(name) for name in inputs]
    tree.body[-1] = ast.parse(f"return {ast.unparse(value)}, {as_tuple(saved)}").body[0]
    exec(ast.unparse(tree), space, made)
    exec(STEP.format(
        g=g, saved=as_tuple(names), stale=" or node.versions is not None" if "out" in sources else "",
        checks="".join([CHECK.format(names[i], i) for i, source in enumerate(sources) if type(source) is int]),
        parts=as_tuple([part if i in needed else "None" for i, part in enumerate(parts)])), space, made)
    functions = [(i, eval(f"lambda {g}, {', '.join(names)}: {parts[i]}", space)) for i in needed]
    plans[key] = Plan(call.node, names, sources, functions, made["forward"], made["step"])
    return plans[key]


def as_tuple(expressions: list[str]) -> str:
    """The text of a tuple."""
    return f"({''.join([f'({each}), ' for each in expressions])})"


STEP = """def step({g}, node):
    if node.saved is None{stale}:
        return None
    {saved} = node.saved{checks}
    return {parts}
"""
CHECK = """
    if {0}.__class__ is Tensor:
        version = {0}._counter and {0}._counter[0]
        if version and version != (node.versions or {{}}).get({1}):
            return None
        {0} = {0}._array"""


def vjp_codes(rule: Rule) -> list[Any]:
    """The code of each lambda that is written in a rule, in their order."""
    return [code for code in rule.__code__.co_consts if getattr(code, "co_name", "") == "<lambda>"]


def source_of(rule: Rule) -> tuple[Any, list[Any]] | None:
    """The syntax tree of a rule, and the expressions that it returns; None unless the tree is certainly the rule's."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(rule))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None
    if not isinstance(tree, ast.FunctionDef):
        return None
    tree.decorator_list, tree.returns = [], None
    last = tree.body[-1]
    returned = last.value.elts if isinstance(last, ast.Return) and isinstance(last.value, ast.Tuple) else []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda | ast.FunctionDef)]
    if functions[1:] != returned[1:] or not 0 < len(returned) - 1 <= len(tree.args.posonlyargs):
        return None
    # Calls through a module are compiled differently where it is known as one.
    modules = [ast.Import([ast.alias(name)]) for name in rule.__code__.co_names if inspect.ismodule(rule.__globals__.get(name))]
    for before in (modules, []):
        module = ast.fix_missing_locations(ast.Module([*before, tree], []))
        code = next(code for code in compile(module, "", "exec").co_consts if inspect.iscode(code))
        if (code.co_code, code.co_names) == (rule.__code__.co_code, rule.__code__.co_names):
            return tree, returned
    return None


# ---------------------------------------------------------------- what the arguments may be
NUMBERS = (bool, int, float)
SYMBOLS = {"add": "+", "sub": "-", "rsub": "-", "mul": "*", "div": "/", "pow_tensor": "** or pow()", "matmul": "@"}


def constant(x: Any) -> Any:
    """`x` if it is a Tensor or a Python number; an array as a Tensor, a NumPy scalar as a number; None for others."""
    if isinstance(x, Tensor) or type(x) in NUMBERS:
        return x
    if isinstance(x, np.generic):
        return x.item()
    return tensors.wrap(x) if isinstance(x, np.ndarray) else None


def meet(op: Any, *inputs: Any) -> tuple:
    """The arguments of `op` as Tensors of one element type, and numbers. TypeError for anything else."""
    found = [constant(x) for x in inputs]
    name = op.__name__
    if any(x is None for x in found) and len(found) > 1 and name in SYMBOLS:
        kinds = " and ".join([f"'{type(x).__name__}'" for x in inputs])
        raise error("operands", SYMBOLS[name], kinds)
    for i, x in enumerate(found):
        if x is None or (len(found) == 1 and not isinstance(x, Tensor)):
            raise error("not_a_tensor", name, "other" if i else "input", i + 1, type(inputs[i]).__name__)
    arrays = [tensors.array_of(x) for x in found]
    refuse_bool(op.node.__name__, *arrays)
    dtype = dtypes.result_type(*arrays)
    if op.floating and dtype.kind != "f":
        dtype = dtypes.DEFAULT
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
    if mode.enabled and graph.any_requires_grad(*inputs) and results:
        node = op.node()
        node.edges = tuple([graph.edge(x) for x in inputs])
        node.keep(inputs, results[0], vjps)
        node.outputs = [(value.shape, value.dtype) for value in values]
        for i, result in enumerate(results):
            result._requires_grad, result._grad_fn = True, Output(node, i, values[i])
    return tuple([tensors.view_of(inputs[0], result, several=True) if view else result for result in results])

"""The graph that autograd walks: nodes, the edges between them, and how an operation is recorded.

A *rule* (see `rules`) is a plain function on arrays: it returns a value and one vector-Jacobian product (vjp) for
each differentiable argument. The decorators here lift a rule onto Tensors. The mathematics of the operations is in
`rules`, the walk back is in `engine`.

NumPy's floating-point warnings are switched off in each thread that uses minigrad: as in PyTorch, `1 / 0` is `inf`.
"""
from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import threading
import weakref
from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

from . import dtypes, tensors
from .tensors import Tensor

Array = Any  # np.ndarray, or the NumPy scalar that stands for a 0-d array
Rule = Callable[..., Any]

next_number = itertools.count().__next__

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved "
    "tensors after calling backward.")


# ---------------------------------------------------------------- which results are recorded
class _Mode(threading.local):
    """Whether operations are recorded, for each thread on its own."""

    enabled = True

    def __init__(self) -> None:
        np.seterr(all="ignore")


mode = _Mode()


def is_grad_enabled() -> bool:
    """True where operations are recorded, False inside `no_grad`."""
    return mode.enabled


class set_grad_enabled(contextlib.ContextDecorator):
    """Switch recording on or off: at once, and as a context manager or decorator only for that block or function."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self.before = is_grad_enabled()
        set_mode(mode)

    def __call__(self, function: Any) -> Any:
        """As a decorator: nothing is switched before the function is called."""
        set_mode(self.before)
        return super().__call__(function)

    def _recreate_cm(self) -> Any:
        return type(self)(self.mode) if type(self) is set_grad_enabled else type(self)()

    def __enter__(self) -> None:
        set_mode(self.mode)

    def __exit__(self, *exception: object) -> None:
        set_mode(self.before)

    def __repr__(self) -> str:
        return f"minigrad.autograd.grad_mode.set_grad_enabled(mode={self.mode})"


class no_grad(contextlib.ContextDecorator):
    """Inside the block (or the decorated function) nothing is recorded: results need no gradient."""

    on = False

    def __new__(cls, function: Any = None) -> Any:
        self = super().__new__(cls)
        return self if function is None else self(function)

    def __init__(self, function: Any = None) -> None:
        self.before: list[bool] = []

    def __enter__(self) -> None:
        self.before.append(is_grad_enabled())
        set_mode(self.on)

    def __exit__(self, *exception: object) -> None:
        set_mode(self.before.pop())


class enable_grad(no_grad):
    """Inside the block (or the decorated function) operations are recorded, also within `no_grad`."""

    on = True


def set_mode(enabled: bool) -> None:
    """Record operations in this thread, or not."""
    mode.enabled = enabled


def can_require_grad(dtype: np.dtype) -> bool:
    """True for the element types that have a gradient: the floating-point ones."""
    return dtype.kind == "f"


def any_requires_grad(*inputs: Any) -> bool:
    """True when at least one of the inputs is a Tensor that requires grad. Numbers and arrays never do."""
    for x in inputs:
        if isinstance(x, Tensor) and x.requires_grad:
            return True
    return False


# ---------------------------------------------------------------- nodes
class Node:
    """One recorded operation: where its gradient comes from (`edges`), and what it saved to send it there.

    `edges` has one entry for each differentiable argument: the node that a gradient for that argument goes to, or None.
    Nodes are numbered as they are made, so a node always has a higher number than those that it sends gradients to.
    """

    __slots__ = ("dtype", "edges", "hooks", "number", "plan", "saved", "shape", "versions")
    op: Any = None

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """For each edge the node it leads to and which of that node's outputs; (None, 0) where no gradient is needed."""
        return tuple([(None, 0) if to is None else to.as_edge() for to in self.edges])

    def as_edge(self) -> tuple[Node, int]:
        """What `next_functions` shows for an edge that leads here."""
        return self, 0

    def name(self) -> str:
        """The name that is printed, such as `MulBackward0`."""
        return type(self).__name__

    def keep(self, inputs: tuple, result: Tensor, vjps: list) -> None:
        """Save what the needed vjps captured. The vjps themselves are dropped: `backward` makes them again.

        The code is dense because every recorded operation runs it; which values to save is worked out once, in a `Plan`.
        """
        value = result._array
        if len(vjps) != len(self.edges):  # arguments without a vjp come last and have no edge
            self.edges = self.edges[:len(vjps)]
        try:
            plan = PLANS[tuple([0 if to is None else id(vjps[i].__code__) for i, to in enumerate(self.edges)])]
        except (KeyError, AttributeError):
            plan = Plan(self, inputs, value, vjps)
        self.plan = plan
        self.hooks = self.versions = None
        self.number = next_number()
        self.dtype = value.dtype
        self.shape = value.shape
        first = self.edges[0] if self.edges else None
        if first is not None and first.shape == self.shape:
            self.shape = first.shape  # one tuple for a whole chain
        if not plan.sources:
            self.saved = ()
            return
        saved: list[Any] = []
        for source in plan.sources:
            if type(source) is int:
                saved.append(inputs[source])
            elif source == "out":
                saved.append(tensors.alias(result))
            else:
                i, j = source
                saved.append(vjps[i] if j is None else vjps[i].__closure__[j].cell_contents)
        self.saved = tuple(saved)
        for x in saved:
            if isinstance(x, Tensor) and x._counter is not None:
                self.versions = tuple([x._version if isinstance(x, Tensor) else 0 for x in saved])
                break

    def maker(self, i: int) -> Node | None:
        """The node that made saved value `i`, when it needs a gradient."""
        source = self.plan.sources[i]
        if source == "out":
            return self
        return self.edges[source] if type(source) is int and source < len(self.edges) else None

    def unpack(self, task: Any) -> list[Any]:
        """What the vjps captured: as arrays, or, where the walk itself is recorded, as Tensors with their history."""
        saved = self.saved
        if saved is None:
            raise RuntimeError(FREED)
        if not self.plan.frees:
            return saved
        for i, x in enumerate(saved):
            if isinstance(x, Tensor) and x._counter is not None:
                check_version(x, self.versions[i] if self.versions else 0, self.maker(i))
        if not task.keep:
            self.saved = None
        if task.record:
            return [tensors.shadow(x._array, self.maker(i)) if isinstance(x, Tensor) else x for i, x in enumerate(saved)]
        return [x._array if isinstance(x, Tensor) else x for x in saved]

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Each edge that the task needs, with the vjp of the upstream gradient `g`: arrays, or Tensors if recorded."""
        values = self.unpack(task)
        for to, vjp in zip(self.edges, self.plan.vjps):
            if to is None or (task.needed is not None and to not in task.needed):
                continue
            if type(vjp) is tuple:
                code, names, where = vjp
                vjp = values[where[0]] if code is None else FunctionType(
                    code, names, "vjp", None, tuple([CellType(values[i]) for i in where]))
            part = vjp(g)
            if part.__class__ is Part:
                task.join(to, part)
            elif part is not None:
                part = fit(part, to, self)
                # An array that nobody else holds may be added to in place.
                if part.__class__ is np.ndarray and part.base is None and to not in task.pending and part is not g:
                    for held in values:
                        if part is held:
                            break
                    else:
                        task.owned.add(to)
                yield to, part


class Plan:
    """What all nodes share whose vjps come from the same lambdas: which values to save, and how to call the vjps again.

    A source is the number of an argument, "out", or a cell of a vjp. `frees` says whether an argument or the result is
    among them: only then is there a buffer that the first backward frees.
    """

    __slots__ = ("codes", "frees", "names", "sources", "vjps")

    def __init__(self, node: Node, inputs: tuple, value: Array, vjps: list) -> None:
        arguments = list(inspect.signature(node.op.rule).parameters)
        self.names: list[str] = []
        self.sources: list[Any] = []
        self.vjps: list[Any] = []
        self.codes = [getattr(vjp, "__code__", None) for vjp in vjps]  # held, so that no other code gets the same id
        for i, (to, vjp) in enumerate(zip(node.edges, vjps)):
            if to is None:
                self.vjps.append(None)
            elif type(vjp) is not FunctionType or vjp.__defaults__ or vjp.__kwdefaults__:
                self.vjps.append((None, None, [self.save(f"vjp {i}", (i, None))]))
                self.codes[i] = None
            elif vjp.__closure__ is None:
                self.vjps.append(vjp)
            else:
                where = []
                for j, name in enumerate(vjp.__code__.co_freevars):
                    held = vjp.__closure__[j].cell_contents
                    source: Any = (i, j)
                    if name in arguments[:len(inputs)] and held is tensors.array_of(inputs[arguments.index(name)]):
                        source = arguments.index(name)
                    elif held is value:
                        source = "out"
                    where.append(self.save(name, source))
                self.vjps.append((vjp.__code__, vjp.__globals__, where))
        self.frees = any(type(source) is int or source == "out" for source in self.sources)
        if None not in self.codes:
            PLANS[tuple([0 if to is None else id(code) for to, code in zip(node.edges, self.codes)])] = self

    def save(self, name: str, source: Any) -> int:
        """The place among the saved values of the one that comes from `source`."""
        if source not in self.sources:
            self.names.append(name)
            self.sources.append(source)
        return self.sources.index(source)


PLANS: dict[Any, Plan] = {}


class AccumulateGrad(Node):
    """The end of every path: adds the gradient that arrives to the `.grad` of its leaf, `variable`."""

    __slots__ = ("__weakref__", "variable")

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable
        self.number = next_number()
        self.edges = ()
        self.shape, self.dtype = variable._array.shape, variable._array.dtype

    @property
    def hooks(self) -> Any:  # type: ignore[override]
        """A leaf keeps its own hooks: this node may go when no graph needs it."""
        return self.variable._hooks

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Adds `g` to `variable.grad`; sends nothing on."""
        if task.accumulates:
            engine.accumulate(self.variable, g, self in task.owned, task.record)
        return iter(())


class Output(Node):
    """One of the results of an operation that has several: hands its gradient to the node of all of them."""

    __slots__ = ("index",)

    def __init__(self, maker: Node, index: int, array: Array) -> None:
        self.index, self.edges = index, (maker,)
        self.hooks = None
        self.number = next_number()
        self.shape, self.dtype = array.shape, array.dtype

    def as_edge(self) -> tuple[Node, int]:
        """The node of all results, and which of them this is."""
        return self.edges[0], self.index

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Put `g` in its place among the gradients of all outputs."""
        waiting = task.pending.setdefault(self.edges[0], {})
        waiting[self.index] = waiting[self.index] + g if self.index in waiting else g
        return iter(())


class Part:
    """A gradient that is zero except at `index`: added straight into the waiting gradient, never spread out in zeros."""

    __slots__ = ("g", "index", "repeats")

    def __init__(self, g: Array, index: Any, repeats: bool = False) -> None:
        self.g, self.index, self.repeats = g, index, repeats

    def add_to(self, total: np.ndarray) -> None:
        """total[index] += g, where an index that occurs twice is added twice."""
        if self.repeats:
            np.add.at(total, self.index, self.g)
        else:
            total[self.index] += self.g


def edge(x: Any) -> Node | None:
    """The node that a gradient for `x` goes to: its grad_fn, for a leaf its AccumulateGrad, None if it needs none."""
    if not isinstance(x, Tensor) or not x.requires_grad:
        return None
    return x._grad_fn or accumulator(x)


def accumulator(leaf: Tensor) -> AccumulateGrad:
    """The one AccumulateGrad of a leaf. The leaf holds it weakly: it lives as long as some graph leads to it."""
    node = leaf._accumulator and leaf._accumulator()
    if node is None:
        node = AccumulateGrad(leaf)
        leaf._accumulator = weakref.ref(node)
    return node


def fit(g: Any, to: Node, node: Node) -> Any:
    """The gradient `g` with the shape and element type of what it is a gradient for.

    For an elementwise operation that undoes broadcasting; for any other, RuntimeError if the shape is wrong.
    """
    try:
        if g.shape != to.shape:
            if not node.op.elementwise:
                raise wrong_shape(g, to, node)
            g = unbroadcast(g, to.shape)
        if isinstance(g, Tensor):
            return g if g._array.dtype == to.dtype else g.to(dtypes.OF_NUMPY[to.dtype])
        return g if g.dtype is to.dtype else g.astype(to.dtype)
    except AttributeError:
        if isinstance(g, (bool, int, float, list)):  # a vjp may return a plain number
            return fit(np.asarray(g, to.dtype), to, node)
        raise


def wrong_shape(g: Any, to: Node, node: Node) -> RuntimeError:
    """The error for a vjp that returns a gradient of the wrong shape: names the rule, the shapes and what to look for."""
    hint = "spread g back over the reduced axis" if g.ndim < len(to.shape) else "undo what the operation did to the shape"
    return RuntimeError(f"rules.{node.op.__name__}: gradient for argument {node.edges.index(to)} has shape "
                        f"{tuple(g.shape)}, needs {tuple(to.shape)}. Did the rule forget to {hint}?")


def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum `g` over every axis that broadcasting stretched to reach the shape of `g` from `shape`."""
    extra = g.ndim - len(shape)
    stretched = [i for i, n in enumerate(shape, extra) if n == 1 and g.shape[i] != 1]
    return g.sum(axis=(*range(extra), *stretched)).reshape(shape)


def check_version(saved: Tensor, expected: int, maker: Node | None) -> None:
    """RuntimeError when a saved tensor was written to after it was saved: the gradient would be of the wrong function."""
    if saved._version != expected:
        made = ""
        if maker is not None and not isinstance(maker, AccumulateGrad):
            node, index = maker.as_edge()
            made = f", which is output {index} of {node.name().split('Backward')[0]},"
        raise RuntimeError(
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"[{saved.type()} {list(saved.shape)}]{made} is at version {saved._version}; expected version {expected} "
            "instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
            "minigrad.autograd.set_detect_anomaly(True, check_nan=False).")


# ---------------------------------------------------------------- recording
def record(op: Any, inputs: tuple, value: Array, vjps: list) -> Tensor:
    """Make the result of `op` a Tensor that remembers its maker.

    op: the operation; op.node() makes an empty node of its kind. inputs: its arguments, Tensors or numbers. value: the
    array that the rule computed. vjps: the functions that the rule returned, one for each differentiable argument.
    """
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result


def node_class(name: str, base: type = Node, **attributes: Any) -> type:
    """A class of nodes that prints as PyTorch's do: `<MulBackward0 object at 0x...>`, with no module in front."""
    return type(name, (base,), {"__slots__": (), "__module__": "builtins", "__qualname__": name, **attributes})


for _class in (AccumulateGrad, Output):
    _class.__module__ = "builtins"


def op(name: str, *, elementwise: bool = False, floating: bool = False, view: bool = False,
       several: bool = False) -> Callable[[Rule], Any]:
    """Lift a rule onto Tensors. The arguments before `/` (or `*arrays`) are Tensors, numbers or arrays; the rest are options.

    name: of the nodes. elementwise: the arguments meet in one shape and one element type, and `fit` undoes both.
    floating: integers become float32 first. view: the result shares the memory of the first argument. several: the
    rule returns a tuple of values and one vjp, which gets the list of their gradients.
    The rule is read at each call (`op.rule`), so that another one can be put in its place.
    """
    def lift(rule: Rule) -> Any:
        parameters = inspect.signature(rule).parameters.values()
        kinds = [p.kind for p in parameters]
        count = kinds.count(inspect.Parameter.POSITIONAL_ONLY)
        many = inspect.Parameter.VAR_POSITIONAL in kinds
        single = elementwise and kinds == [inspect.Parameter.POSITIONAL_ONLY]
        double = elementwise and kinds == [inspect.Parameter.POSITIONAL_ONLY] * 2

        def unary(a: Any, /) -> Tensor:
            if not isinstance(a, Tensor) or (floating and a._array.dtype.kind != "f"):
                a, = meet(call, a)
            value, *vjps = call.rule(a._array)
            if mode.enabled and any_requires_grad(a):
                return record(call, (a,), value, vjps)
            return tensors.wrap(value)

        def binary(a: Any, b: Any, /) -> Tensor:
            x = a._array if isinstance(a, Tensor) else a
            y = b._array if isinstance(b, Tensor) else b
            kind = type(y)
            if kind is float or kind is int:
                plain = x is not a and x.dtype.kind == "f"
            else:
                kind = type(x)
                if kind is float or kind is int:
                    plain = y is not b and y.dtype.kind == "f"
                else:
                    plain = x is not a and y is not b and x.dtype is y.dtype and (not floating or x.dtype.kind == "f")
            if not plain:
                a, b = meet(call, a, b)
                x, y = tensors.array_of(a), tensors.array_of(b)
            try:
                value, *vjps = call.rule(x, y)
            except ValueError:
                refuse_broadcast(x, y)
                raise
            if mode.enabled and any_requires_grad(a, b):
                return record(call, (a, b), value, vjps)
            return tensors.wrap(value)

        def general(*args: Any, **options: Any) -> Any:
            n = len(args) if many else count
            inputs = meet(call, *args[:n]) if elementwise else tuple([constant(x) for x in args[:n]])
            if view:
                inputs[0]._own_memory()
            try:
                value, *vjps = call.rule(*[tensors.array_of(x) for x in inputs], *args[n:], **options)
            except ValueError:
                refuse_broadcast(*[tensors.array_of(x) for x in inputs])
                raise
            if several:
                return record_several(call, inputs, value, vjps, view)
            recorded = mode.enabled and any_requires_grad(*inputs)
            result = record(call, inputs, value, vjps) if recorded else tensors.wrap(value)
            return tensors.view_of(inputs[0], result) if view else result

        call: Any = unary if single else binary if double else general
        functools.update_wrapper(call, rule)
        del call.__wrapped__
        call.rule, call.elementwise, call.floating = rule, elementwise, floating
        call.node = node_class(name, Several if several else Node, op=call)
        return call
    return lift


elementwise = functools.partial(op, elementwise=True)


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
        raise TypeError(f"unsupported operand type(s) for {SYMBOLS[name]}: {kinds}")
    for i, x in enumerate(found):
        if x is None or (len(found) == 1 and not isinstance(x, Tensor)):
            argument = "input" if i == 0 else "other"
            raise TypeError(f"{name}(): argument '{argument}' (position {i + 1}) must be Tensor, "
                            f"not {type(inputs[i]).__name__}")
    dtype = dtypes.result_type(*[tensors.array_of(x) for x in found])
    if op.floating and dtype.kind != "f":
        dtype = dtypes.DEFAULT
    return tuple([x.as_type(dtype) if isinstance(x, Tensor) and x._array.dtype is not dtype else x for x in found])


def refuse_broadcast(*arrays: Array) -> None:
    """RuntimeError with both sizes, when the shapes of the arrays do not broadcast."""
    shapes = [np.shape(x) for x in arrays]
    for a, b in itertools.pairwise(shapes):
        for i in range(-1, -1 - min(len(a), len(b)), -1):
            if a[i] != b[i] and 1 not in (a[i], b[i]):
                raise RuntimeError(f"The size of tensor a ({a[i]}) must match the size of tensor b ({b[i]}) "
                                   f"at non-singleton dimension {max(len(a), len(b)) + i}") from None


class Several(Node):
    """The node of an operation with several results: waits for the gradients of all of them."""

    __slots__ = ("outputs",)

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """The vjp of the list of gradients; zeros for results that nobody used."""
        zeros = [np.zeros(shape, dtype) for shape, dtype in self.outputs]
        return super().backward([g.get(i, tensors.wrap(z) if task.record else z) for i, z in enumerate(zeros)], task)


def record_several(op: Any, inputs: tuple, values: tuple, vjps: list, view: bool) -> tuple[Tensor, ...]:
    """The results of an operation that has several, each with its own Output."""
    results = [tensors.wrap(value) for value in values]
    if mode.enabled and any_requires_grad(*inputs) and results:
        node = op.node()
        node.edges = tuple([edge(x) for x in inputs])
        node.keep(inputs, results[0], vjps)
        node.outputs = [(value.shape, value.dtype) for value in values]
        for i, result in enumerate(results):
            result._requires_grad, result._grad_fn = True, Output(node, i, values[i])
    return tuple([tensors.view_of(inputs[0], result, several=True) if view else result for result in results])


from . import engine  # noqa: E402  AccumulateGrad hands its gradient to the engine, which walks these nodes

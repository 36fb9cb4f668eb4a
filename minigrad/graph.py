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
from types import CellType, FunctionType
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
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved"
    " tensors after calling backward.")


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
        return type(self)(self.mode)

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
    for x in inputs:  # noqa: SIM110  a generator would cost more than the loop
        if isinstance(x, Tensor) and x.requires_grad:
            return True
    return False


# ---------------------------------------------------------------- nodes
class Node:
    """One recorded operation: where its gradient comes from (`edges`), and what it saved to send it there.

    `edges` has one entry for each differentiable argument: the node that a gradient for that argument goes to, or None.
    Nodes are numbered as they are made, so a node always has a higher number than those that it sends gradients to.
    """

    __slots__ = ("__dict__", "dtype", "edges", "number", "plan", "saved", "shape")
    op: Any = None
    edges: tuple[Any, ...]
    saved: Any
    hooks: Any = None  # these two are rare: nodes that have them keep them in their __dict__
    versions: tuple | None = None

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """For each edge the node it leads to, and which of that node's outputs; (None, 0) for no gradient."""
        return tuple([(None, 0) if to is None else to.as_edge() for to in self.edges])

    def as_edge(self) -> tuple[Node, int]:
        """What `next_functions` shows for an edge that leads here."""
        return self, 0

    def name(self) -> str:
        """The name that is printed, such as `MulBackward0`."""
        name = type(self).__name__
        return "torch::autograd::" + name if name in WITH_NAMESPACE else name

    def keep(self, inputs: tuple, result: Tensor, vjps: list) -> None:
        """Save what the needed vjps captured. The vjps themselves are dropped: `backward` makes them again.

        Which values to save is worked out once for each set of lambdas, in a `Plan`.
        """
        value = result._array
        if not isinstance(value, (np.ndarray, np.generic)):
            raise TypeError(f"rules.{self.op.__name__} returned a {type(value).__name__} as its value, needs an array")
        if len(vjps) != len(self.edges):  # arguments without a vjp come last and have no edge
            self.edges = self.edges[:len(vjps)]
        try:
            plan = PLANS[tuple([0 if to is None else id(vjps[i].__code__) for i, to in enumerate(self.edges)])]
        except (KeyError, AttributeError):
            plan = Plan(self, inputs, value, vjps)
        self.plan = plan
        self.number = next_number()
        self.dtype = value.dtype
        self.shape = value.shape
        first = self.edges[0] if self.edges else None
        if first is not None and first.shape == self.shape:
            self.shape = first.shape  # one tuple for a whole chain
        self.saved = plan.take(inputs, result, vjps)
        if plan.frees:
            self.note_versions()

    def note_versions(self) -> None:
        """Remember how often the saved tensors were written to by now, where any was."""
        for x in self.saved:
            if x.__class__ is Tensor and x._counter is not None:
                self.versions = tuple([x._version if isinstance(x, Tensor) else 0 for x in self.saved])
                break

    def maker(self, i: int) -> Node | None:
        """The node that made saved value `i`, when it needs a gradient."""
        source = self.plan.sources[i]
        if source == "out":
            return self
        return self.edges[source] if type(source) is int and source < len(self.edges) else None

    def unpack(self, task: Any) -> Any:
        """What the vjps captured: as arrays, or, where the walk itself is recorded, as Tensors with their history."""
        saved = self.saved
        if saved is None:
            raise RuntimeError(FREED)
        for i, x in enumerate(saved):
            if x.__class__ is Tensor and x._counter is not None:
                check_version(x, self.versions[i] if self.versions else 0, self.maker(i))
        if not task.keep:
            self.saved = None
        if task.record:
            return [tensors.shadow(x._array, self.maker(i)) if isinstance(x, Tensor) else x
                    for i, x in enumerate(saved)]
        return [x._array if isinstance(x, Tensor) else x for x in saved]

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Each edge that the task needs, with the vjp of the upstream gradient `g`: arrays, or Tensors if recorded.

        Every node runs this: it is written for speed.
        """
        needed = task.needed
        if needed is not None and needed.isdisjoint(self.edges):  # only this node's own gradient was asked for
            return
        plan = self.plan
        values = self.unpack(task) if plan.frees else self.saved
        for to, vjp in zip(self.edges, plan.vjps):  # noqa: B905  strict=True costs time
            if to is None or (needed is not None and to not in needed):
                continue
            if vjp.__class__ is tuple:
                code, names, where = vjp
                if code is None:
                    vjp = values[where[0]]
                elif len(where) == 1:
                    vjp = FunctionType(code, names, "", None, (CellType(values[where[0]]),))
                else:
                    vjp = FunctionType(code, names, "", None, tuple([CellType(values[i]) for i in where]))
            part = vjp(g)
            try:
                if part.shape != to.shape or part.dtype is not to.dtype:
                    part = fit(part, to, self)
            except AttributeError:  # nothing, a part, or a plain number
                if part.__class__ is Part:
                    task.join(to, part)
                    continue
                if part is None:
                    continue
                part = fit(part, to, self)
            if part.__class__ is np.ndarray and part.base is None and part is not g and to not in task.pending:
                for held in values:
                    if part is held:
                        break
                else:
                    task.owned.add(to)  # nobody else holds this array: it may be added to in place
            yield to, part


class Plan:
    """What all nodes share whose vjps come from the same lambdas: what to save, and how to call the vjps again.

    A source is the number of an argument, "out", or a cell of a vjp. `frees` says whether an argument or the result is
    among them: only then is there a buffer that the first backward frees.
    """

    __slots__ = ("codes", "frees", "names", "places", "sources", "take", "vjps")
    take: Callable[[tuple, Tensor, Any], tuple]

    def __init__(self, node: Node, inputs: tuple, value: Array, vjps: list) -> None:
        arguments = list(inspect.signature(node.op.rule).parameters)
        self.names: list[str] = []
        self.sources: list[Any] = []
        self.places: dict[Any, int] = {}
        self.vjps: list[Any] = []
        self.codes = [getattr(vjp, "__code__", None) for vjp in vjps]  # held, so that no other code gets the same id
        for i, (to, vjp) in enumerate(zip(node.edges, vjps, strict=True)):
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
        parts = [f"inputs[{source}]" if type(source) is int else "alias(out)" if source == "out" else
                 f"vjps[{source[0]}]" + ("" if source[1] is None else f".__closure__[{source[1]}].cell_contents")
                 for source in self.sources]
        self.take = eval(f"lambda inputs, out, vjps: ({''.join([part + ', ' for part in parts])})",
                         {"alias": tensors.alias})
        if None not in self.codes:
            key = [0 if to is None else id(code) for to, code in zip(node.edges, self.codes, strict=True)]
            PLANS[tuple(key)] = self

    def save(self, name: str, source: Any) -> int:
        """The place among the saved values of the one that comes from `source`."""
        if source not in self.places:
            self.places[source] = len(self.sources)
            self.names.append(name)
            self.sources.append(source)
        return self.places[source]


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
    def hooks(self) -> Any:
        """A leaf keeps its own hooks: this node may go when no graph needs it."""
        return self.variable._hooks

    def backward(self, g: Any, task: Any) -> Iterator[tuple[Node, Any]]:
        """Adds `g` to `variable.grad`; sends nothing on."""
        if task.accumulates and self.variable._requires_grad:
            engine.accumulate(self.variable, g, self in task.owned, task.record)
        return iter(())


class Output(Node):
    """One of the results of an operation that has several: hands its gradient to the node of all of them."""

    __slots__ = ("index",)

    def __init__(self, maker: Node, index: int, array: Array) -> None:
        self.index, self.edges = index, (maker,)
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
    """A gradient that is zero except at `index`: added straight into the waiting gradient, without the zeros."""

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
    if x._base is not None:
        inplace.refresh(x)
    return x._grad_fn or (accumulator(x) if x._requires_grad else None)


def origin(node: Node) -> tuple[str, int]:
    """What messages call the operation of a node, and which of its results the node stands for."""
    maker, index = node.as_edge()
    return maker.name().removesuffix("Backward0").replace("Backward", ""), index


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
    """The error for a vjp that returns a gradient of the wrong shape: the rule, the shapes and what to look for."""
    fewer = g.ndim < len(to.shape)
    hint = "spread g back over the reduced axis" if fewer else "undo what the operation did to the shape"
    return RuntimeError(f"rules.{node.op.__name__}: gradient for argument {node.edges.index(to)} has shape "
                        f"{tuple(g.shape)}, needs {tuple(to.shape)}. Did the rule forget to {hint}?")


def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum `g` over every axis that broadcasting stretched to reach the shape of `g` from `shape`."""
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    stretched = [i for i, n in enumerate(shape, extra) if n == 1 and g.shape[i] != 1]
    return g.sum(axis=(*range(extra), *stretched)).reshape(shape)


def check_version(saved: Tensor, expected: int, maker: Node | None) -> None:
    """RuntimeError when a tensor was written to after it was saved: the gradient would be of another function."""
    if saved._version != expected:
        maker = saved._grad_fn or maker
        made = ""
        if maker is not None and not isinstance(maker, AccumulateGrad):
            made = ", which is output {1} of {0},".format(*origin(maker))
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


RECORD, ANY_REQUIRES_GRAD = record, any_requires_grad  # the fast paths below stand in for these two only
new, wrap = object.__new__, tensors.wrap


def record_again(op: Any, plan: Plan, inputs: tuple, edges: tuple, value: Array, vjps: tuple) -> Tensor:
    """What `record` does, written for speed, for an operation whose plan and edges are known. A test compares them."""
    node = new(op.node)
    node.edges = edges
    node.plan = plan
    node.number = next_number()
    node.dtype = value.dtype
    node.shape = shape = value.shape
    if shape and edges[0] is not None and edges[0].shape == shape:
        node.shape = edges[0].shape
    result = new(Tensor)
    result._array = value
    result._requires_grad = True
    result._grad_fn = node
    result._grad = result._base = result._counter = None
    node.saved = plan.take(inputs, result, vjps)
    if plan.frees:
        for x in inputs:
            if x.__class__ is Tensor and x._counter is not None:
                node.note_versions()
                break
    return result


def node_class(name: str, base: type = Node, **attributes: Any) -> type:
    """A class of nodes that prints as PyTorch's do: `<MulBackward0 object at 0x...>`, with no module in front."""
    return type(name, (base,), {"__slots__": (), "__module__": "builtins", "__qualname__": name, **attributes})


for _class in (AccumulateGrad, Output):
    _class.__module__ = "builtins"


def op(name: str, *, elementwise: bool = False, floating: bool = False, view: bool = False,
       several: bool = False) -> Callable[[Rule], Any]:
    """Lift a rule onto Tensors. Its arguments before `/` (or `*arrays`) are Tensors, numbers or arrays; others options.

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
        single = count == 1 and not many and not several
        # A rule with one lambda for each argument has the same plan at every call.
        steady = len([x for x in rule.__code__.co_consts if hasattr(x, "co_code")]) == count
        double = kinds == [inspect.Parameter.POSITIONAL_ONLY] * 2

        plans: dict[Any, Plan] = {}

        def unary(a: Any, /, *rest: Any, **options: Any) -> Tensor:
            if (a.__class__ is not Tensor or (floating and a._array.dtype.kind != "f") or call.rule is not rule
                    or record is not RECORD or any_requires_grad is not ANY_REQUIRES_GRAD):
                return general(a, *rest, **options)
            if view:
                a._own_memory()
            try:
                value, vjp = rule(a._array, *rest, **options)
            except TypeError:
                refuse(name, a._array)
                raise
            if not (a._requires_grad if a._base is None else inplace.up_to_date(a)) or not mode.enabled:
                result = wrap(value)
            elif 1 not in plans:
                result = learn(1, (a,), value, [vjp])
            else:
                result = record_again(call, plans[1], (a,), (a._grad_fn or edge(a),), value, (vjp,))
            return tensors.view_of(a, result) if view else result

        def binary(a: Any, b: Any, /) -> Tensor:
            try:
                x, y = a._array, b._array
                if x.dtype is not y.dtype or (floating and x.dtype.kind != "f"):
                    return general(a, b)
            except AttributeError:
                return beside_number(a, b)
            if call.rule is not rule or record is not RECORD or any_requires_grad is not ANY_REQUIRES_GRAD:
                return general(a, b)
            try:
                value, left, right = rule(x, y)
            except (ValueError, TypeError):
                refuse(name, x, y)
                raise
            from_a = a._requires_grad if a._base is None else inplace.up_to_date(a)
            from_b = b._requires_grad if b._base is None else inplace.up_to_date(b)
            if not (from_a or from_b) or not mode.enabled:
                return wrap(value)
            edges = (a._grad_fn or edge(a) if from_a else None,
                     b._grad_fn or edge(b) if from_b else None)
            key = from_a + 2 * from_b
            if key not in plans:
                return learn(key, (a, b), value, [left, right])
            return record_again(call, plans[key], (a, b), edges, value, (left, right))

        def beside_number(a: Any, b: Any) -> Tensor:
            x, number = (a, b) if a.__class__ is Tensor else (b, a)
            if (x.__class__ is not Tensor or (number.__class__ is not float and number.__class__ is not int)
                    or x._array.dtype.kind != "f" or call.rule is not rule or record is not RECORD
                    or any_requires_grad is not ANY_REQUIRES_GRAD):
                return general(a, b)
            value, left, right = rule(a._array, b) if x is a else rule(a, b._array)
            if not (x._requires_grad if x._base is None else inplace.up_to_date(x)) or not mode.enabled:
                return wrap(value)
            to = x._grad_fn or edge(x)
            key, edges = (1, (to, None)) if x is a else (2, (None, to))
            if key not in plans:
                return learn(key, (a, b), value, [left, right])
            return record_again(call, plans[key], (a, b), edges, value, (left, right))

        def learn(key: int, inputs: tuple, value: Array, vjps: list) -> Tensor:
            result = record(call, inputs, value, vjps)
            node = result._grad_fn
            # A view made under no_grad requires grad and has no edge: its plan is no other tensor's.
            if steady and None not in [to for i, to in enumerate(node.edges) if key >> i & 1]:
                plans[key] = node.plan
            return result

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
            recorded = mode.enabled and any_requires_grad(*inputs)
            result = record(call, inputs, value, vjps) if recorded else tensors.wrap(value)
            return tensors.view_of(base, result) if view else result

        call: Any = unary if single else binary if double else general
        functools.update_wrapper(call, rule)
        del call.__wrapped__
        call.rule, call.elementwise, call.floating = rule, elementwise, floating
        call.node = node_class(name, Several if several else Node, op=call)
        return call
    return lift


elementwise = functools.partial(op, elementwise=True)


NUMBERS = (bool, int, float)
WITH_NAMESPACE = ("AccumulateGrad", "CopySlices", "CopyBackwards")  # the nodes whose full name PyTorch gives
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
    arrays = [tensors.array_of(x) for x in found]
    refuse_bool(op.node.__name__, *arrays)
    dtype = dtypes.result_type(*arrays)
    if op.floating and dtype.kind != "f":
        dtype = dtypes.DEFAULT
    return tuple([x.as_type(dtype) if isinstance(x, Tensor) and x._array.dtype is not dtype else x for x in found])


NO_BOOL = "{}, the `-` operator, {} bool tensor is not supported. If you are trying to invert a mask, use the `~` or " \
          "`logical_not()` operator instead."
NO_BOOLS = "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator " \
           "instead."


def refuse(name: str, *arrays: Array) -> None:
    """RuntimeError, in PyTorch's words, when NumPy refused arguments that are bool or whose shapes do not broadcast."""
    refuse_bool(name, *arrays)
    shapes = [np.shape(x) for x in arrays if not isinstance(x, tuple)]
    for a, b in itertools.pairwise(shapes):
        for i in range(-1, -1 - min(len(a), len(b)), -1):
            if a[i] != b[i] and 1 not in (a[i], b[i]):
                raise RuntimeError(f"The size of tensor a ({a[i]}) must match the size of tensor b ({b[i]}) "
                                   f"at non-singleton dimension {max(len(a), len(b)) + i}") from None


def refuse_bool(name: str, *arrays: Any) -> None:
    """RuntimeError, in PyTorch's words, where bool is subtracted, subtracted from or negated."""
    bools = [np.asarray(x).dtype == bool for x in arrays].count(True)
    if bools and name in ("SubBackward0", "RsubBackward1", "NegBackward0"):
        raise RuntimeError(NO_BOOLS if bools == 2 else NO_BOOL.format("Negation", "on a") if name[0] == "N" else
                           NO_BOOL.format("Subtraction", "with a")) from None


class Several(Node):
    """The node of an operation with several results: waits for the gradients of all of them."""

    __slots__ = ("outputs",)
    outputs: list[tuple]

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


from . import engine, inplace  # noqa: E402  AccumulateGrad hands its gradient to the engine, which walks these nodes

"""The graph that autograd walks: nodes, the edges between them, and how the result of an operation is recorded.

Every operation of `rules` leaves a Node behind. How a rule becomes an operation is in `lifting`, the walk back in
`engine`. NumPy's floating-point warnings are switched off in each thread that uses minigrad: as in PyTorch, 1 / 0 is inf.
"""
from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import threading
import weakref
from collections.abc import Callable, Iterable
from types import CellType, FunctionType
from typing import Any

import numpy as np

from . import dtypes, tensors
from .errors import error, need
from .tensors import Tensor

Array = Any  # np.ndarray, or the NumPy scalar that stands for a 0-d array

next_number = itertools.count().__next__
ndarray, new = np.ndarray, object.__new__


# ---------------------------------------------------------------- which results are recorded
class _Mode(threading.local):
    """Whether operations are recorded, for each thread on its own."""

    enabled = True

    def __init__(self) -> None:
        np.seterr(all="ignore")


grad_mode = _Mode()


def is_grad_enabled() -> bool:
    """True where operations are recorded, False inside `no_grad`."""
    return grad_mode.enabled


class Decorator(contextlib.ContextDecorator):
    """A context manager that decorates functions, and generators: those are entered again for each step."""

    def __call__(self, function: Any) -> Any:
        if not inspect.isgeneratorfunction(function):
            return super().__call__(function)

        @functools.wraps(function)
        def steps(*args: Any, **options: Any) -> Any:
            made = function(*args, **options)
            step = functools.partial(next, made)
            try:
                while True:
                    with self._recreate_cm():  # type: ignore[attr-defined]
                        value = step()
                    try:
                        step = functools.partial(made.send, (yield value))
                    except BaseException as problem:
                        step = functools.partial(made.throw, problem)
            except StopIteration as end:
                return end.value
        return steps


class set_grad_enabled(Decorator):
    """Switch recording on or off: at once, and as a context manager or decorator only for that block or function."""

    def __init__(self, mode: bool) -> None:
        need(type(mode) is bool, "mode", type(mode))
        self.mode, self.before, grad_mode.enabled = mode, grad_mode.enabled, mode

    def __call__(self, function: Any) -> Any:
        """As a decorator: nothing is switched before the function is called."""
        grad_mode.enabled = self.before
        return super().__call__(function)

    def _recreate_cm(self) -> Any:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        grad_mode.enabled = self.mode

    def __exit__(self, *exception: object) -> None:
        grad_mode.enabled = self.before

    def __repr__(self) -> str:
        return f"minigrad.autograd.grad_mode.set_grad_enabled(mode={self.mode})"


class no_grad(Decorator):
    """Inside the block (or the decorated function) nothing is recorded: results need no gradient."""

    on = False

    def __new__(cls, function: Any = None) -> Any:
        return new(cls) if function is None else new(cls)(function)

    def _recreate_cm(self) -> Any:
        return type(self)()

    def __enter__(self) -> None:
        self.before, grad_mode.enabled = grad_mode.enabled, self.on

    def __exit__(self, kind: Any, problem: Any, trace: Any) -> None:
        grad_mode.enabled = self.before


class enable_grad(no_grad):
    """Inside the block (or the decorated function) operations are recorded, also within `no_grad`."""

    on = True


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

    edges: for each differentiable argument the node that a gradient for it goes to, or None. number: nodes are numbered
    as they are made, so a node always has a higher number than those that it sends gradients to. like: what a gradient
    that arrives here looks like: (shape, dtype), or the NumPy scalar class for 0-d. plan: how to call the vjps with what
    was `saved`: arguments as they came, the result as an array, or as a tensor once something can write to it. versions:
    of the saved tensors, None where nothing had been written to any of them.
    """

    __slots__ = ("__dict__", "edges", "hooks", "like", "number", "plan", "saved", "versions")
    op: Any = None
    edges: tuple[Any, ...]
    number: int
    hooks: Any
    like: Any
    plan: Any
    saved: Any
    versions: Any
    inside: Any = None  # of a node in a CopySlices: a weak reference to that
    heard: dict[int, dict] = {}  # noqa: RUF012  of a node with several results: the hooks of each
    arguments: tuple | list = ()  # tensors that were saved as arrays, with their versions: see `watch`

    def __init__(self, edges: tuple | None = None, like: Any = None) -> None:
        if edges is not None:
            self.edges = edges
        self.like, self.number = like, next_number()
        self.hooks = self.versions = self.saved = None
        self.plan = NOTHING_KEPT

    shape: Any = property(lambda self: self.like[0] if type(self.like) is tuple else (), doc="The shape of a gradient for it.")
    dtype: Any = property(lambda self: self.like[1] if type(self.like) is tuple else np.dtype(self.like), doc="Its element type.")

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
        """Save what the needed vjps captured. The vjps themselves are dropped: `backward` makes them again."""
        value = result._array
        need(isinstance(value, (ndarray, np.generic)), "rule_value", self.op.__name__, type(value))
        self.__class__ = self.op.kept
        self.edges = self.edges[:len(vjps)]  # arguments without a vjp come last and have no edge
        self.number, self.like = next_number(), like_of(value)  # later than the leaves' ends, which its edges may have made
        if self.edges and getattr(self.edges[0], "like", None) == self.like:
            self.like = self.edges[0].like  # one tuple for a whole chain
        self.plan, self.saved = captured(self, inputs, value, vjps)
        self.note_versions()

    def note_versions(self) -> None:
        """Remember how often the saved tensors were written to by now."""
        self.versions = [x._counter[0] if isinstance(x, Tensor) and x._counter is not None else 0 for x in self.saved]

    def watch_result(self, x: Tensor) -> None:
        """Save the result `x` as a tensor with its version number, so that writing to it from now on is noticed."""
        i = self.plan.sources.index("out")
        self.saved = (*self.saved[:i], tensors.alias(x), *self.saved[i + 1:])
        if self.versions is not None:
            self.versions[i] = x._version

    def check_versions(self) -> None:
        """RuntimeError when a saved tensor was written to since it was saved."""
        for i, x in enumerate(self.saved):
            if isinstance(x, Tensor):
                check_version(x, self.versions[i] if self.versions else 0, self.maker(i))
        for x, version in self.arguments:
            check_version(x, version, None)

    def maker(self, i: int) -> Node | None:
        """The node that made saved value `i`, when it needs a gradient."""
        source = self.plan.sources[i]
        known = type(source) is int and source < len(self.edges)
        return self if source == "out" else self.edges[source] if known else None

    def unpack(self, task: Any) -> Any:
        """What the vjps captured: as arrays, or, where the walk itself is recorded, as Tensors with their history."""
        saved = self.saved
        need(saved is not None, "freed")
        self.check_versions()
        if not task.keep:
            self.saved = None
        if not task.record:
            return [tensors.array_of(x) for x in saved]
        out = inplace.part_of(self.inside()) if self.inside and self.plan.keeps_out else self
        return [tensors.shadow(tensors.array_of(x), out if self.plan.sources[i] == "out" else self.maker(i))
                if isinstance(x, Tensor) or self.plan.sources[i] == "out" else x for i, x in enumerate(saved)]

    def backward(self, g: Any, task: Any) -> Iterable[tuple[Node, Any]]:
        """Each edge that the task needs, with the vjp of the upstream gradient `g`: arrays, or Tensors if recorded."""
        if task.needed is not None and task.needed.isdisjoint(self.edges):  # only this node's own gradient was asked for
            return
        need(self.plan is not NOTHING_KEPT, "nothing_kept", self.name())
        values = self.unpack(task) if self.plan.frees else self.saved
        for i, vjp in self.plan.vjps:
            to = self.edges[i]
            if to is None or (task.needed is not None and to not in task.needed):
                continue
            part = vjp(g, *values)
            if isinstance(part, Part):
                task.join(to, part)
            elif part is not None:
                part = fit(part, to, self)
                alone = type(part) is ndarray and part.base is None and not any(part is held for held in (g, *values))
                if alone and to not in task.pending:
                    task.owned.add(to)  # nobody else holds this array: it may be added to in place
                yield to, part


class Plan:
    """How to call the vjps of a node with what it saved, the same for all nodes of one kind with gradients for the same
    arguments.

    names, sources: of each saved value: an argument's number, "out", an option's name, or None (a constant). vjps: (number of the
    edge, function of g and all saved values). frees: whether an argument or the result is among the saved: only then is
    there a buffer that the first backward frees. push: sends g through all vjps (see `compiling`), or says False.
    """

    __slots__ = ("frees", "keeps_out", "names", "push", "sources", "vjps")

    def __init__(self, names: list[str], sources: list[Any], vjps: list, push: Callable | None = None) -> None:
        self.names, self.sources, self.vjps = names, sources, vjps
        self.push = push or (lambda g, node, task: False)
        self.keeps_out = "out" in sources
        self.frees = any(source is not None for source in sources)


NOTHING_KEPT = Plan([], [], [])


def captured(node: Node, inputs: tuple, value: Array, vjps: list) -> tuple[Plan, tuple]:
    """The plan of a node and what it saves, read from the closures of the vjps that its edges need."""
    code = getattr(node.op.rule, "__code__", None)
    arguments = code.co_varnames[:min(code.co_argcount, len(inputs))] if code else ()
    names: list[str] = []
    sources: list[Any] = []
    saved: list[Any] = []
    functions = []
    for i, (to, vjp) in enumerate(zip(node.edges, vjps, strict=True)):
        if to is None:
            continue
        plain = type(vjp) is FunctionType and not vjp.__defaults__ and not vjp.__kwdefaults__
        cells = zip(vjp.__code__.co_freevars, vjp.__closure__ or (), strict=True) if plain else [(f"vjp {i}", CellType(vjp))]
        places = []
        for name, held in [(name, cell.cell_contents) for name, cell in cells]:
            source: Any = "out" if held is value else name if name == node.op.frees else None
            if name in arguments and held is tensors.array_of(inputs[arguments.index(name)]):
                source = arguments.index(name)
            if source is None or source not in sources:
                names.append(name)
                sources.append(source)
                saved.append(inputs[source] if type(source) is int else held)
            places.append(len(saved) - 1 if source is None else sources.index(source))
        functions.append((i, bound(vjp if plain else None, places)))
    return Plan(names, sources, functions), tuple(saved)


def bound(vjp: Any, places: list[int]) -> Callable:
    """`vjp` as a function of g and all saved values, of which it captured those at `places`; None: it is itself one."""
    if vjp is None:
        return lambda g, *values: values[places[0]](g)
    code, names = vjp.__code__, vjp.__globals__
    return lambda g, *values: FunctionType(code, names, "", None, tuple([CellType(values[i]) for i in places]))(g)


def like_of(array: Array) -> Any:
    """What a gradient for `array` looks like: see Node."""
    return (array.shape, array.dtype) if array.ndim else array.dtype.type


class AccumulateGrad(Node):
    """The end of every path: adds the gradient that arrives to the `.grad` of its leaf, `variable`."""

    __slots__ = ("__weakref__", "variable")

    def __init__(self, variable: Tensor) -> None:
        self.variable, self.edges, self.number, self.saved, self.plan = variable, (), next_number(), None, NOTHING_KEPT
        self.hooks = variable._hooks  # the leaf holds them too: this node may go when no graph needs it
        array = variable._array
        self.like = array.__class__ if array.__class__ is not ndarray else like_of(array)

    def backward(self, g: Any, task: Any) -> Iterable[tuple[Node, Any]]:
        """Adds `g` to `variable.grad`; sends nothing on."""
        need(self.variable._grad_fn is None or not task.accumulates, "moved")
        if task.accumulates and self.variable._requires_grad and (task.needed is None or self in task.needed):
            engine.accumulate(self.variable, g, self in task.owned, task.record)
        return ()


class Output(Node):
    """One of the results of an operation that has several: hands its gradient to the node of all of them."""

    __slots__ = ("__weakref__", "index")

    def __init__(self, maker: Node, index: int, array: Array) -> None:
        super().__init__((maker,), like_of(array))
        self.index = index

    def as_edge(self) -> tuple[Node, int]:
        """The node of all results, and which of them this is."""
        return self.edges[0], self.index

    def backward(self, g: Any, task: Any) -> Iterable[tuple[Node, Any]]:
        """Put `g` in its place among the gradients of all outputs."""
        waiting = task.pending.setdefault(self.edges[0], {})
        waiting[self.index] = waiting[self.index] + g if self.index in waiting else g
        return ()


class Several(Node):
    """The node of an operation with several results: waits for the gradients of all of them."""

    __slots__ = ("outputs",)
    outputs: list[tuple]

    def backward(self, g: Any, task: Any) -> Iterable[tuple[Node, Any]]:
        """The vjp of the list of gradients; zeros for results that nobody used."""
        engine.tell_unused(self, g)
        zeros = [np.zeros(shape, dtype) for shape, dtype in self.outputs]
        return super().backward([g.get(i, tensors.wrap(z) if task.record else z) for i, z in enumerate(zeros)], task)


class Part:
    """A gradient that is zero except at `index`: added straight into the waiting gradient, without the zeros."""

    __slots__ = ("g", "index", "repeats")

    def __init__(self, g: Array, index: Any, repeats: bool = False) -> None:
        self.g, self.index, self.repeats = g, index, repeats

    def among_zeros(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """The whole gradient, of this shape."""
        total = np.zeros(shape, dtype)
        if self.repeats:
            self.add_to(total)
        else:
            total[self.index] = self.g
        return total

    def add_to(self, total: np.ndarray) -> None:
        """total[index] += g, where an index that occurs twice is added twice."""
        if self.repeats:
            np.add.at(total, self.index, self.g)
        else:
            total[self.index] += self.g


def edge(x: Any) -> Node | None:
    """The node that a gradient for `x` goes to: its grad_fn, for a leaf its AccumulateGrad, None if it needs none."""
    if not isinstance(x, Tensor):
        return None
    if x._base is not None:
        inplace.refresh(x)
    return x._grad_fn or (x._accumulator() or accumulator(x) if x._requires_grad else None)


def accumulator(leaf: Tensor) -> AccumulateGrad:
    """The one AccumulateGrad of a leaf. The leaf holds it weakly: it lives as long as some graph leads to it."""
    node = leaf._accumulator()
    if node is None:
        node = AccumulateGrad(leaf)
        leaf._accumulator = weakref.ref(node)
    return node


def origin(node: Node) -> tuple[str, int]:
    """What messages call the operation of a node, and which of its results the node stands for."""
    maker, index = node.as_edge()
    name, backward, number = maker.name().rpartition("Backward")
    return name + backward * (number == "s") + number.removeprefix("0"), index


def fit(g: Any, to: Node, node: Node) -> Any:
    """The gradient `g` with the shape and element type of what it is a gradient for.

    For an elementwise operation that undoes broadcasting; for any other, RuntimeError if the shape is wrong.
    """
    if to.like is None:
        raise error("nothing_kept", to.name())
    shape, dtype = to.like if to.like.__class__ is tuple else ((), np.dtype(to.like))
    g = np.asarray(g, dtype) if isinstance(g, (bool, int, float, list)) else g  # a vjp may return a plain number
    if g.shape != shape:
        if not node.op.elementwise:
            hint = "spread g back over the reduced axis" if g.ndim < len(shape) else "undo what the operation did to the shape"
            raise error("rule_shape", node.op.__name__, node.edges.index(to), tuple(g.shape), shape, hint)
        rows = g.__class__ is ndarray and unbroadcast is UNBROADCAST and g.shape[1:] == shape  # one for each row: a bias
        g = np.add.reduce(g, 0, np.float64 if len(g) > 1000 else None) if rows else unbroadcast(g, shape)
    if isinstance(g, Tensor):
        return g if g._array.dtype == dtype else g.to(dtypes.OF_NUMPY[dtype])
    return g if g.dtype == dtype else g.astype(dtype)


def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum `g` over every axis that broadcasting stretched to reach the shape of `g` from `shape`."""
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    stretched = [i for i, n in enumerate(shape, extra) if n == 1 and g.shape[i] != 1]
    return g.sum(axis=(*range(extra), *stretched)).reshape(shape)


UNBROADCAST = unbroadcast


def watch(result: Tensor, *arguments: Any) -> Tensor:
    """Those of the arguments that are tensors were saved as arrays: notice on the way back that they were written to."""
    given, node = [(x, tensors.counter(x)[0]) for x in arguments if isinstance(x, Tensor) and x.ndim], result._grad_fn
    if node is not None and given:
        plan, node.arguments = node.plan, given
        node.plan = Plan(plan.names, plan.sources, plan.vjps, lambda g, node, task: (
            all(x._version == version for x, version in given) and plan.push(g, node, task)))
    return result


def check_version(saved: Tensor, expected: int, maker: Node | None) -> None:
    """RuntimeError when a tensor was written to after it was saved: the gradient would be of another function."""
    need(not saved._detached or saved._grad_fn is not None or maker is None or isinstance(maker, AccumulateGrad), "detached")
    if saved._version != expected:
        maker = edge(saved) or maker  # of a view as it is now
        made = ""
        if maker is not None and not isinstance(maker, AccumulateGrad):
            made = ", which is output {1} of {0},".format(*origin(maker))
        given = dtypes.OF_NUMPY[saved._counter[1]].tensor_name  # of the memory, which `saved` may be a conversion of
        kind = "CPUBoolType" if given == "Bool" else f"minigrad.{given}Tensor"
        raise error("version", kind, list(saved.shape), made, saved._version, expected)


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


RECORD, ANY_REQUIRES_GRAD = record, any_requires_grad  # the code of `compiling` stands in for these two only


def node_class(name: str, base: type = Node, **attributes: Any) -> type:
    """A class of nodes that prints as PyTorch's do: `<MulBackward0 object at 0x...>`, with no module in front."""
    return type(name, (base,), {"__slots__": (), "__module__": "builtins", "__qualname__": name, **attributes})


for _class in (AccumulateGrad, Output):
    _class.__module__ = "builtins"
WITH_NAMESPACE = ("AccumulateGrad", "CopySlices", "CopyBackwards")  # the nodes whose full name PyTorch gives

from . import engine, inplace  # noqa: E402  AccumulateGrad hands its gradient to the engine, which walks these nodes

"""The engine: walks the graph from the newest node to the oldest and sends every gradient on.

On the way back there are bare arrays: a Tensor is made only for hooks, for custom functions, and where the walk is
itself recorded (`create_graph=True`). Nothing here recurses, so a graph may be as long as memory allows.
"""
from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from . import graph, tensors
from .errors import error, need, warn
from .tensors import Tensor

RETAIN = "retain_grad"
ndarray = np.ndarray

hooked = False  # whether there has ever been a hook
watch: Any = None  # set by `recording`: puts nodes and a task that write down what they do in the place of these


class Task:
    """One walk: the gradients that wait, and what was asked for.

    pending: node -> the gradient that waits for it. owned: the nodes whose waiting gradient nobody else holds, so that
    it may be added to in place. needed: the nodes that lead to a wanted input, None for all. record: make the walk
    itself differentiable. accumulates: whether leaves get their `.grad`.
    """

    __slots__ = ("accumulates", "captured", "keep", "needed", "owned", "pending", "record")

    def __init__(self, keep: bool, record: bool, accumulates: bool) -> None:
        self.keep, self.record, self.accumulates = keep, record, accumulates
        self.pending: dict[graph.Node, Any] = {}
        self.owned: set[graph.Node] = set()
        self.needed: set[graph.Node] | None = None
        self.captured: dict[graph.Node, Any] = {}

    def collect(self, node: graph.Node, g: Any) -> None:
        """Add the gradient `g` to the gradient that waits for `node`.

        self.pending: dict from node to array. self.owned: the nodes whose waiting array nobody else holds: it is added
        to in place.
        """
        if node not in self.pending:
            self.pending[node] = g
        elif node in self.owned:
            self.pending[node] += g
        else:
            self.pending[node] = self.pending[node] + g
            self.owned.add(node)

    def join(self, to: graph.Node, part: graph.Part) -> None:
        """Add a Part to the gradient that waits for `to`."""
        if to not in self.pending:
            self.pending[to] = part.among_zeros(to.shape, to.dtype)
        else:
            if to not in self.owned:
                self.pending[to] = np.array(self.pending[to])
            part.add_to(self.pending[to])
        self.owned.add(to)

    def arrive(self, node: graph.Node, g: Any) -> Any:
        """The complete gradient of a node: runs its hooks and hands it out where it was asked for.

        As in PyTorch, hooks change what is handed out only where the walk ends.
        """
        result = g
        if node.hooks:
            self.owned.discard(node)  # a hook may have kept it
            with graph.set_grad_enabled(self.record):
                result = run_hooks(node.hooks, g)
        if node in self.captured:
            edges = node.as_edge()[0].edges
            ends = not any(edges) or (self.needed is not None and self.needed.isdisjoint(edges))
            g = result if ends else g
            self.captured[node] = g if node in self.owned else copy(g)
        return result


def order(roots: Sequence[graph.Node]) -> list[graph.Node]:
    """Every node that a gradient can reach from `roots`, the newest first: each one comes after all of its users."""
    found, seen = list(set(roots)), {None, *roots}
    for node in found:  # the list grows while it is read
        for to in node.edges:
            if to not in seen:
                seen.add(to)
                found.append(to)
    found.sort(key=attrgetter("number"), reverse=True)
    return found


def leading_to(targets: Sequence[graph.Node], nodes: Sequence[graph.Node]) -> set[graph.Node]:
    """The `nodes` (newest first) from which a gradient reaches one of the targets, with the targets."""
    needed = set(targets)
    for node in reversed(nodes):
        for to in node.edges:
            if to in needed:
                needed.add(node)
                break
    return needed


def walk(nodes: Sequence[graph.Node], task: Task) -> None:
    """Send each waiting gradient through its node, to the nodes before it.

    nodes: every node that a gradient can reach, each after all of its users. task.pending: the gradients that wait.
    """
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, part)


def sweep(nodes: Sequence[graph.Node], task: Task) -> None:
    """What `walk`, `Task.collect` and `Node.backward` do together, for arrays only: written for speed.

    A test compares both ways.
    """
    take, captured = task.pending.pop, task.captured
    for node in nodes:
        g = take(node, None)
        if g is None:
            continue
        if node.hooks:
            g = task.arrive(node, g)
        elif node in captured:
            captured[node] = g if g.__class__ is not ndarray or node in task.owned else copy(g)
            if not node.edges:
                continue
        if not node.plan.push(g, node, task):
            for to, part in node.backward(g, task):
                task.collect(to, part)


WALK, COLLECT = walk, Task.collect  # sweep stands in for these two only


def accumulate(leaf: Tensor, g: Any, owned: bool, record: bool) -> None:
    """Add the gradient `g` to `leaf.grad`.

    owned: nobody else holds the array `g`, so that it need not be copied. record: `g` is a Tensor with a history, which
    the sum keeps.
    """
    if leaf._grad is None:
        if record:
            leaf._grad = inplace.copy_(tensors.wrap(np.zeros(leaf.shape, leaf._array.dtype)), g)
        else:
            leaf._grad = tensors.wrap(laid_like(leaf._array, g, owned))
    elif record:
        leaf._grad = leaf._grad + g
    else:
        inplace.write(leaf._grad, leaf._grad._array + g)


def copy(g: Any) -> Any:
    """The array `g` in memory of its own, repeated elements once; a NumPy scalar cannot change and needs none."""
    if not isinstance(g, np.ndarray) or 0 not in g.strides:
        return g.copy(order="K") if isinstance(g, np.ndarray) else g
    once = g[tuple([slice(None if step else 1) for step in g.strides])].copy()
    return np.ndarray(g.shape, g.dtype, once, 0, [step and own for step, own in zip(g.strides, once.strides, strict=True)])


def as_tensor(g: Any) -> Tensor:
    """The gradient `g` as a Tensor for a hook or a custom backward, which may write to it."""
    return g if isinstance(g, Tensor) else tensors.wrap(g if g.flags.writeable else copy(g))


def laid_like(x: Any, g: Any, owned: bool) -> Any:
    """The array `g` in memory of its own, in the order of `x` where that has neither gaps nor repeated elements, else in rows."""
    if g.strides == x.strides:
        return g if owned else g.copy("K")
    made = np.empty_like(x, subok=False)
    made = made if made.strides == x.strides else np.empty(x.shape, x.dtype)
    made[...] = g
    return made


# ---------------------------------------------------------------- what is asked for
def as_tuple(tensors: Any) -> tuple:
    """One Tensor, or any sequence of them, as a tuple."""
    return (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)


def start(task: Task, outputs: tuple, grads: Any) -> list[graph.Node]:
    """Put the first gradients in place and return their nodes. All checks come before anything is changed."""
    if len(outputs) == 1 and not task.record:  # as below, in the usual cases
        array, root, g = outputs[0]._array, graph.edge(outputs[0]), None
        if grads is None and array.__class__ is not ndarray:
            g = array.__class__(1)
        elif grads is None and array.size == 1:
            g = np.ones_like(array) if array.ndim else array.dtype.type(1)
        elif grads.__class__ is Tensor and grads._array.shape == array.shape and grads._array.dtype is array.dtype:
            g = grads._array
        if root is not None and g is not None:
            task.pending[root] = g
            return [root]
    roots: list[Any] = [graph.edge(output) for output in outputs]
    grads = (None,) * len(outputs) if grads is None else as_tuple(grads)
    for i, (g, output, root) in enumerate(zip(grads, outputs, roots, strict=False)):
        array = output._array
        if g is None:
            need(array.size == 1 or not output.requires_grad, "implicit")
            g = np.ones(array.shape, array.dtype) if array.ndim else array.dtype.type(1)
        elif not isinstance(g, Tensor):
            raise error("gradient_kind", type(g).__name__)
        elif g._array.shape != array.shape:
            raise error("mismatch", i, g.shape, i, output.shape)
        if root is not None:
            g = tensors.array_of(g) if not task.record else g.to(output) if isinstance(g, Tensor) else tensors.wrap(g)
            task.collect(root, g if task.record or g.__class__ is root.like or g.dtype == root.dtype else g.astype(root.dtype))
    need(len(grads) >= len(outputs), "gradients", len(outputs), len(grads))
    if None in roots:
        raise error("no_grad_fn", roots.index(None))
    return roots


def run(task: Task, roots: list[graph.Node], targets: Sequence[graph.Node] | None) -> None:
    """Walk from `roots`, only along paths that lead to `targets` where there are any."""
    follow(path(task, roots, targets), task)


def path(task: Task, roots: list[graph.Node], targets: Sequence[graph.Node] | None) -> list[graph.Node]:
    """The nodes to visit: all that a gradient can reach from `roots`, or only those that lead to one of `targets`."""
    nodes = order(roots)
    if targets is not None:
        ends = {node for node in nodes if not (edges := node.edges) or edges[0] is None}  # perhaps all are None
        if not ends.issubset(targets) or (not ends and not set(targets).issubset(nodes)):  # not every path leads to a target
            makers = {node.as_edge()[0] for node in targets}.intersection(nodes)
            needed = leading_to([*targets, *makers], nodes)
            task.needed = needed.union(*[node.edges for node in makers if task.accumulates])  # `backward` runs makers, too
            nodes = [*filter(needed.union(roots[:len(roots) == 1]).__contains__, nodes)]  # hooks of a single root run anyway
    return leaves_soon(nodes) if hooked else nodes


def leaves_soon(nodes: list[graph.Node]) -> list[graph.Node]:
    """The nodes with each leaf right after the last of its users, which hooks can see: as in PyTorch."""
    leaves = {node for node in nodes if isinstance(node, graph.AccumulateGrad)}
    last = {to: node for node in nodes for to in node.edges if to in leaves}
    found = [[node, *[to for to in dict.fromkeys(node.edges) if last.get(to) is node]] for node in nodes if node not in last]
    return [node for group in found for node in group]


def follow(nodes: list[graph.Node], task: Task) -> None:
    """Walk over `nodes`: recorded, watched or fast."""
    if watch is not None:
        nodes, task = watch(nodes, task)
    if task.record:
        with graph.set_grad_enabled(True):
            walk(nodes, task)
    elif walk is WALK and Task.collect is COLLECT and type(task) is Task:
        sweep(nodes, task)
    else:
        walk(nodes, task)


def backward(tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
             inputs: Any = None) -> None:
    """Accumulate d(sum of tensors * grad_tensors) / d(leaf) into `.grad` of every leaf, or only of `inputs`.

    tensors: one or several; grad_tensors: for each a Tensor of its shape, None for a scalar. RuntimeError when an output
    needs no gradient, when a shape does not match, or when the graph was freed by an earlier backward.
    """
    task = Task(create_graph if retain_graph is None else retain_graph, create_graph, True)
    wanted = None if inputs is None else as_tuple(inputs)
    need(wanted != (), "empty_inputs", "backward")
    roots = start(task, as_tuple(tensors), grad_tensors)
    for x in wanted or ():
        x.retain_grad()
    targets = None if wanted is None else [target(x) for x in wanted]
    if create_graph:
        warn("reference_cycle", level=2)
    run(task, roots, targets)


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
         create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None,
         materialize_grads: bool = False) -> tuple:
    """d(sum of outputs * grad_outputs) / d(input) for each input, as a tuple; no `.grad` is touched.

    An input that the outputs do not depend on is an error, or None with allow_unused, or zeros with materialize_grads.
    only_inputs: changes nothing, as in PyTorch.
    """
    if materialize_grads and allow_unused is False:
        raise error("materialize")
    outputs, inputs = as_tuple(outputs), as_tuple(inputs)
    if not inputs:
        raise error("empty_inputs", "grad")
    task = Task(create_graph if retain_graph is None else retain_graph, create_graph, False)
    found = gradients(task, outputs, grad_outputs, inputs)
    for i, g in enumerate(found):
        if g is None:
            need(allow_unused or materialize_grads, "unused", i)
            found[i] = tensors.leaf(np.zeros_like(inputs[i]._array), create_graph) if materialize_grads else None
        elif g.__class__ is not Tensor:
            found[i] = tensors.wrap(g)
    return tuple(found)


def gradients(task: Task, outputs: tuple, grads: Any, inputs: tuple) -> list:
    """Walk from `outputs`, and return the gradient that arrived at each of `inputs`: None where none did.

    grads: the gradients that the walk starts with, one for each output; None for the 1 of a scalar.
    """
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [task.captured[node] for node in targets]


def target(x: Tensor) -> graph.Node:
    """The node at which the gradient of `x` arrives."""
    node = graph.edge(x)
    if node is None:
        need(isinstance(x, Tensor), "input_kind", type(x).__name__)
        need(x.requires_grad, "no_target")
        node = graph.AccumulateGrad(x)  # a view made under no_grad: nothing leads to it
    return node


# ---------------------------------------------------------------- hooks
class RemovableHandle:
    """What `register_hook` returns: `remove()` takes the hook away; as a context manager, at the end of the block."""

    hooks: dict
    __module__ = "minigrad.utils.hooks"

    def __init__(self) -> None:
        self.key = object()  # not the handle itself, which would be held by the dictionary that it holds

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        self.hooks.pop(self.key, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class Retain:
    """The hook behind `retain_grad`: keeps the gradient of a tensor that is not a leaf."""

    def __init__(self, x: Tensor) -> None:
        self.x = weakref.ref(x)

    def __call__(self, g: Tensor) -> None:
        x = self.x()
        if x is not None:
            x._grad = rules.clone(g, "C") if x._grad is None else x._grad + g


def add_hook(x: Tensor, key: Any, hook: Callable) -> dict:
    """Register a hook for the gradient of `x`: on its node, or, because a leaf's node may go, on the leaf itself."""
    global hooked
    node, hooked = target(x), True
    if node.hooks is None:
        node.hooks = {}
        if x.is_leaf:
            x._hooks = node.hooks
        if isinstance(node, graph.Output):  # to be called also where only another result gets a gradient
            node.edges[0].heard = {**node.edges[0].heard, node.index: node.hooks}
    node.hooks.setdefault(key, hook)
    return node.hooks


def run_hooks(hooks: dict, g: Any) -> Any:
    """Call the hooks in their order, `retain_grad` last; what a hook returns replaces the gradient."""
    given = as_tensor(g)
    for _, hook in sorted(hooks.items(), key=lambda item: item[0] == RETAIN):
        result = hook(given)
        if result is not None:
            need(isinstance(result, Tensor), "hook_kind", type(result))
            need(result.shape == given.shape, "hook_size", getattr(hook, "__name__", ""))
            need(result.dtype is given.dtype, "hook_type", getattr(hook, "__name__", ""), given.type(), result.type())
            given = result
    return given if isinstance(g, Tensor) else given._array


def tell_unused(node: graph.Node, grads: dict) -> None:
    """Call the hooks of those results of `node` that got no gradient, with None."""
    for i, hooks in node.heard.items():
        for key, hook in hooks.items() if i not in grads else ():
            need(key == RETAIN or hook(None) is None, "hook_none")


from . import inplace, rules  # noqa: E402  writing in place is recorded on the graph that this module walks

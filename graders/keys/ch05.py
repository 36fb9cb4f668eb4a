"""Chapter 05: what the judge knows of order, collect, walk and gradients."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

from graders.diagnose import Mistake
from graders.exercises.tools import UNTOUCHED
from graders.keys import Key
from graders.keys.tools import instead
from minigrad import engine, tensors

ORDER = "Exercise 1, The order of the walk"
COLLECT = "Exercise 2, Add the gradients that meet"
WALK = "Exercise 3, The walk"
HAND = "Exercise 4, Hand the gradients out"

newest = attrgetter("number")


# ---- order ---------------------------------------------------------------------------------------------------------


def existing(node: Any) -> list[Any]:
    return [to for to in node.edges if to is not None]


def reached(
    roots: Any,
    edges: Callable[[Any], Any] = existing,
    take: int = -1,
    once: bool = True,
) -> list[Any]:
    """The nodes in the order in which they are found. take: the place in the list from which the next one comes."""
    found, ahead = list(roots), list(roots)
    while ahead:
        for to in edges(ahead.pop(take)):
            if not once or to not in found:
                found.append(to)
                ahead.append(to)
    return found


def visited(roots: Any) -> list[Any]:
    """The nodes in the order in which a function that calls itself comes to them."""
    found: list[Any] = []

    def visit(node: Any) -> None:
        if node is not None and node not in found:
            found.append(node)
            for to in node.edges:
                visit(to)

    for root in roots:
        visit(root)
    return found


def taken(roots: Any) -> list[Any]:
    """The nodes in the order in which they are taken from the list of those that are still to be looked at."""
    found: dict[Any, None] = {}
    ahead = list(roots)
    while ahead:
        node = ahead.pop()
        if node not in found:
            found[node] = None
            ahead += existing(node)
    return list(found)


def finished(roots: Any) -> list[Any]:
    """A right order, from a function that calls itself."""
    seen: set[Any] = set()
    found: list[Any] = []

    def visit(node: Any) -> None:
        if node not in seen:
            seen.add(node)
            for to in existing(node):
                visit(to)
            found.append(node)

    for root in roots:
        visit(root)
    return found[::-1]


def quick(roots: Any, edges: Callable[[Any], Any]) -> list[Any]:
    """As `reached`, fast enough for a long chain."""
    seen, ahead = set(roots), list(roots)
    while ahead:
        for to in edges(ahead.pop()):
            if to not in seen:
                seen.add(to)
                ahead.append(to)
    return sorted(seen, key=newest, reverse=True)


def recursive(right: Any) -> Any:
    def mistaken(roots: Any) -> list[Any]:
        seen: set[Any] = set()

        def visit(node: Any) -> None:
            if node is not None and node not in seen:
                seen.add(node)
                for to in node.edges:
                    visit(to)

        for root in roots:
            visit(root)
        return sorted(seen, key=newest, reverse=True)

    return mistaken


ORDER_MISTAKES = (
    Mistake(
        "the oldest node comes first",
        "The gradient starts at the result, which is the newest node. Sort with reverse=True.",
        ORDER,
        lambda right: lambda roots: right(roots)[::-1],
    ),
    Mistake(
        "the nodes are left in the order in which they were found",
        "A node may be found along a short way while a user of it is still to come along a long way. "
        "Sort by number, the newest first.",
        ORDER,
        instead(lambda roots: reached(roots, take=0)),
    ),
    Mistake(
        "the nodes are left in the order in which they were found",
        "A node may be found along a short way while a user of it is still to come along a long way. "
        "Sort by number, the newest first.",
        ORDER,
        instead(lambda roots: reached(roots)),
    ),
    Mistake(
        "the nodes are left in the order of a function that calls itself",
        "Following one path to its end comes to a node before its other users, and a long chain is too deep for it. "
        "Use a list, then sort by number.",
        ORDER,
        instead(visited),
    ),
    Mistake(
        "a shared node is listed once for each path",
        "A node that is in the list twice sends its gradient twice. Remember in a set which nodes have been seen.",
        ORDER,
        instead(lambda roots: sorted(reached(roots, once=False), key=newest, reverse=True)),
    ),
    Mistake(
        "the roots are left out",
        "The walk starts at the roots: they are nodes like the others. Put them into the set at the beginning.",
        ORDER,
        lambda right: lambda roots: [node for node in right(roots) if node not in roots],
    ),
    Mistake(
        "only the first edge of each node is followed",
        "A product has two inputs, and a gradient goes to both. Follow every edge.",
        ORDER,
        instead(lambda roots: quick(roots, lambda node: existing(node)[:1])),
    ),
    Mistake(
        "only the last edge of each node is followed",
        "A product has two inputs, and a gradient goes to both. Follow every edge.",
        ORDER,
        instead(lambda roots: quick(roots, lambda node: existing(node)[-1:])),
    ),
    Mistake(
        "only the first root is used",
        "There may be several results at once. Start with all of the roots.",
        ORDER,
        lambda right: lambda roots: right(roots[:1]),
    ),
    Mistake(
        "the function calls itself, which a long chain does not allow",
        "Python allows about 1,000 calls inside each other, and graphs are longer than that. "
        "Keep the nodes that are still to be looked at in a list.",
        ORDER,
        recursive,
    ),
    Mistake(
        "edges that are None are followed",
        "Where no gradient is needed the edge is None. Skip it before you look at it.",
        ORDER,
        instead(lambda roots: quick(roots, lambda node: node.edges)),
    ),
    Mistake(
        "the leaves are left out",
        "The AccumulateGrad of a leaf has no edges, but it is where gradients end up. It belongs to the order.",
        ORDER,
        lambda right: lambda roots: [node for node in right(roots) if node.edges],
    ),
    Mistake(
        "only one step is taken from the roots",
        "The nodes that you find have edges of their own. Go on until no node is left to be looked at.",
        ORDER,
        instead(lambda roots: sorted({*roots, *(to for root in roots for to in existing(root))},
                                     key=newest, reverse=True)),
    ),
    Mistake(
        "nothing is returned",
        "list.sort() sorts in place and gives None, and a function without `return` gives None too. "
        "Use `return sorted(...)`.",
        ORDER,
        instead(lambda roots: None),
    ),
    Mistake(
        "only the roots are listed",
        "The nodes that you find have edges of their own. Go on as long as the list is not empty.",
        ORDER,
        instead(lambda roots: list(roots)),
    ),
    Mistake(
        "the names of the nodes are listed",
        "The walk needs the nodes themselves. Return a list of nodes.",
        ORDER,
        lambda right: lambda roots: [type(node).__name__ for node in right(roots)],
    ),
    Mistake(
        "the nodes are left in the order in which they are taken from the list",
        "A node may be taken along a short way while a user of it is still to come along a long way. "
        "Sort by number, the newest first.",
        ORDER,
        instead(taken),
    ),
    Mistake(
        "what is used comes before its users, from a function that calls itself",
        "A node may send only when all of its users have sent. "
        "Turn the list round, and use a list in place of calls.",
        ORDER,
        lambda right: lambda roots: finished(roots)[::-1],
    ),
    Mistake(
        "the walk is thought to begin at the leaf",
        "Gradients go from the result back to the leaves. The node of the mean is the first.",
        ORDER,
        answers={"first": "AccumulateGrad", "last": "MeanBackward0"},
    ),
    Mistake(
        "the node of y is taken for the last one",
        "The gradient goes on from the sum to the leaf x. There is a node for that: AccumulateGrad.",
        ORDER,
        answers={"last": "AddBackward0"},
    ),
)  # fmt: skip


# ---- collect -------------------------------------------------------------------------------------------------------


def joined(join: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Make a mistaken `collect`: `join(waiting, g)` is what waits afterwards."""

    def mistaken(self: Any, node: Any, g: Any) -> None:
        self.pending[node] = join(self.pending[node], g) if node in self.pending else g

    return instead(mistaken)


def in_place_always(waiting: Any, g: Any) -> Any:
    waiting += g
    return waiting


def into_the_new_one(waiting: Any, g: Any) -> Any:
    g += waiting
    return g


def first_twice(self: Any, node: Any, g: Any) -> None:
    self.pending[node] = self.pending.get(node, g) + g


def unexpected(self: Any, node: Any, g: Any) -> None:
    self.pending[node] = self.pending[node] + g


def only_owned(self: Any, node: Any, g: Any) -> None:
    if node not in self.pending:
        self.pending[node] = g
    elif node in self.owned:
        self.pending[node] += g


def owned_overwritten(self: Any, node: Any, g: Any) -> None:
    if node in self.pending and node not in self.owned:
        self.pending[node] = self.pending[node] + g
        self.owned.add(node)
    else:
        self.pending[node] = g


def listing(self: Any, node: Any, g: Any) -> None:
    self.pending.setdefault(node, []).append(g)


def doubled(self: Any, node: Any, g: Any) -> None:
    self.pending[node] = self.pending.get(node, 0.0) + 2 * g


def everywhere(self: Any, node: Any, g: Any) -> None:
    for other in self.pending:
        self.pending[other] = self.pending[other] + g
    self.pending.setdefault(node, g)


def forgetting(self: Any, node: Any, g: Any) -> None:
    self.pending = {node: self.pending.get(node, 0.0) + g}


COLLECT_MISTAKES = (
    Mistake(
        "the gradient overwrites the one that waits",
        "Each path to a node brings a part of its gradient, and the parts add up. Write + between them, not =.",
        COLLECT,
        joined(lambda waiting, g: g),
    ),
    Mistake(
        "only the first gradient is kept",
        "Each path to a node brings a part of its gradient. Add g to what waits, and store the sum.",
        COLLECT,
        joined(lambda waiting, g: waiting),
    ),
    Mistake(
        "it writes into an array that somebody else holds",
        "The first g may be in use at another node too, and += changes it there as well. "
        "Make a new array, pending + g, and only then put the node into owned.",
        COLLECT,
        joined(in_place_always),
    ),
    Mistake(
        "it writes into the gradient that arrives",
        "g may go to other nodes too, so leave it as it is. Make a new array: pending + g.",
        COLLECT,
        joined(into_the_new_one),
    ),
    Mistake(
        "the first gradient is counted twice",
        "Where nothing waits yet, g alone is the sum. pending.get(node, g) + g is 2 g.",
        COLLECT,
        instead(first_twice),
    ),
    Mistake(
        "the mean is taken, not the sum",
        "Each path moves the result on its own, so the parts are added. Nothing is divided.",
        COLLECT,
        joined(lambda waiting, g: (waiting + g) / 2),
    ),
    Mistake(
        "the gradients are multiplied",
        "Along one path slopes multiply, and the rules have done that. Where paths meet, gradients add up.",
        COLLECT,
        joined(lambda waiting, g: waiting * g),
    ),
    Mistake(
        "the gradients are subtracted",
        "Where paths meet, gradients add up. Each keeps its own sign.",
        COLLECT,
        joined(lambda waiting, g: waiting - g),
    ),
    Mistake(
        "the larger gradient is kept",
        "Where paths meet, gradients add up. None of them is dropped.",
        COLLECT,
        joined(lambda waiting, g: np.maximum(waiting, g)),
    ),
    Mistake(
        "a node at which nothing waits yet is not expected",
        "The first gradient of a node finds no entry in pending. Ask `node in self.pending` first.",
        COLLECT,
        instead(unexpected),
    ),
    Mistake(
        "the second gradient is dropped where the array is not owned",
        "Not owned means: do not write into it. The sum is still needed, as a new array.",
        COLLECT,
        instead(only_owned),
    ),
    Mistake(
        "what waits is overwritten where it is owned",
        "Owned means that += is safe. It does not mean that what waits may be thrown away.",
        COLLECT,
        instead(owned_overwritten),
    ),
    Mistake(
        "a list of gradients waits, not their sum",
        "What waits for a node is one array. Add g to it, and store the sum.",
        COLLECT,
        instead(listing),
    ),
    Mistake(
        "what waits is doubled",
        "Add what arrives, g, to what waits. You add what waits to itself.",
        COLLECT,
        joined(lambda waiting, g: waiting + waiting),
    ),
    Mistake(
        "g is counted twice",
        "Each gradient arrives once. Store it, or add it, not both.",
        COLLECT,
        instead(doubled),
    ),
    Mistake(
        "g is added at every node that waits",
        "A gradient is for one node. Change self.pending[node], and leave the others alone.",
        COLLECT,
        instead(everywhere),
    ),
    Mistake(
        "the other nodes are forgotten",
        "self.pending holds the gradients of all nodes. Change the entry of this one, and keep the dict.",
        COLLECT,
        instead(forgetting),
    ),
    Mistake(
        "only one way to x is counted",
        "x stands in z = x * x + x three times. Each of them sends a gradient: 3 + 3 + 1.",
        COLLECT,
        answers={"right": 3.0},
    ),
    Mistake(
        "the two factors are counted once",
        "Both factors are x, and each sends 3. With the 1 of the sum: 3 + 3 + 1.",
        COLLECT,
        answers={"right": 4.0},
    ),
    Mistake(
        "the sum is thought to send last",
        "The node of the sum is newer, so it sends its 1 first. The product sends 3 and 3 after it.",
        COLLECT,
        answers={"overwriting": 1.0},
    ),
)


# ---- walk ----------------------------------------------------------------------------------------------------------


def walking(
    send: Callable[[Any, Any, Any, Any], None] = lambda task, node, to, part: task.collect(to, part),
    parts: Callable[[list[Any]], list[Any]] = lambda parts: parts,
    upstream: Callable[[Any], Any] = lambda g: g,
    arrive: bool = True,
    nodes: Callable[[Any], Any] = lambda nodes: nodes,
    missing: str = "skip",
    most: int | None = None,
) -> Callable[[Any], Any]:
    """Make a mistaken `walk`, which differs from the right one in one of these steps."""

    def mistaken(order: Any, task: Any) -> None:
        for node in list(nodes(order))[:most]:
            if node not in task.pending:
                if missing == "stop":
                    return
                if missing == "skip":
                    continue
            g = task.pending.pop(node)
            if arrive:
                g = task.arrive(node, g)
            for to, part in parts(list(node.backward(upstream(g), task))):
                send(task, node, to, part)

    return instead(mistaken)


def overwrite(task: Any, node: Any, to: Any, part: Any) -> None:
    task.pending[to] = part


def add_in_place(task: Any, node: Any, to: Any, part: Any) -> None:
    if to in task.pending:
        task.pending[to] += part
    else:
        task.pending[to] = part


def too_early(task: Any, node: Any, to: Any, part: Any) -> None:
    task.collect(to, part)
    task.arrive(to, part)


def once_per_path(nodes: Any, task: Any) -> None:
    def send(node: Any) -> None:
        g = task.arrive(node, task.pending[node])
        for to, part in node.backward(g, task):
            task.collect(to, part)
            send(to)

    send(nodes[0])


def once_per_path_from_a_list(nodes: Any, task: Any) -> None:
    ahead = [nodes[0]]
    while ahead:
        node = ahead.pop()
        g = task.arrive(node, task.pending[node])
        for to, part in node.backward(g, task):
            task.collect(to, part)
            ahead.append(to)


def last_path_only(nodes: Any, task: Any) -> None:
    def send(node: Any, g: Any) -> None:
        for to, part in node.backward(task.arrive(node, g), task):
            send(to, part)

    send(nodes[0], task.pending.pop(nodes[0]))


def squared(nodes: Any, task: Any) -> None:
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, part * g)


WALK_MISTAKES = (
    Mistake(
        "a gradient overwrites the one that waits",
        "Several gradients may arrive at a node, and they add up. Hand each of them to task.collect.",
        WALK,
        walking(overwrite),
    ),
    Mistake(
        "it adds in place into a gradient that somebody else holds",
        "The array that waits may be in use at another node too, or be the one that the walk was given. "
        "Leave adding to task.collect, which knows when += is safe.",
        WALK,
        walking(add_in_place),
    ),
    Mistake(
        "the nodes are walked from the oldest to the newest",
        "The gradient starts at the result. `nodes` is in the right order already: take it as it is.",
        WALK,
        walking(nodes=reversed),
    ),
    Mistake(
        "a node sends before its gradient is complete, once for each path",
        "Each time something arrives, your walk sends on all that has arrived so far, so some of it goes twice. "
        "Go through `nodes` in order: when a node's turn comes, its gradient is complete.",
        WALK,
        instead(once_per_path),
    ),
    Mistake(
        "a node sends before its gradient is complete, once for each path",
        "Each time something arrives, your walk sends on all that has arrived so far, so some of it goes twice. "
        "Go through `nodes` in order: when a node's turn comes, its gradient is complete.",
        WALK,
        instead(once_per_path_from_a_list),
    ),
    Mistake(
        "each path is followed by itself, and only the last one counts",
        "Where paths meet, the gradients must be added before the walk goes on. "
        "Collect first, and go through `nodes` in order.",
        WALK,
        instead(last_path_only),
    ),
    Mistake(
        "the upstream gradient is not used",
        "node.backward multiplies with what arrived at the node. Hand it the g that waited there.",
        WALK,
        walking(upstream=np.ones_like),
    ),
    Mistake(
        "the chain factor is left out: g is sent on in place of the node's answer",
        "node.backward gives pairs: a node, and the gradient for it. That gradient is what you collect, not g.",
        WALK,
        instead(lambda nodes, task: pass_on(nodes, task)),
    ),
    Mistake(
        "only the first edge of each node gets its gradient",
        "A product sends a gradient to both factors. Go through all the pairs.",
        WALK,
        walking(parts=lambda parts: parts[:1]),
    ),
    Mistake(
        "only the last edge of each node gets its gradient",
        "A product sends a gradient to both factors. Go through all the pairs.",
        WALK,
        walking(parts=lambda parts: parts[-1:]),
    ),
    Mistake(
        "nobody is told that a gradient has arrived",
        "task.arrive(node, g) notes what was asked for. Without it every answer is empty.",
        WALK,
        walking(arrive=False),
    ),
    Mistake(
        "a gradient is handed out before it is complete",
        "Only when the node's own turn comes has everything arrived. Call task.arrive with what waited, then.",
        WALK,
        walking(too_early, arrive=False),
    ),
    Mistake(
        "the walk stops at the first node at which nothing arrives",
        "A node may be on a way that nobody asked for, and others come after it. Skip it, and go on.",
        WALK,
        walking(missing="stop"),
    ),
    Mistake(
        "something is expected to wait at every node",
        "A node may be on a way that nobody asked for. Ask `node in task.pending` first.",
        WALK,
        walking(missing="fail"),
    ),
    Mistake(
        "the walk ends after the first node",
        "Every node in the list has its turn. Look where the loop ends.",
        WALK,
        walking(most=1),
    ),
    Mistake(
        "a gradient is shared out among the edges",
        "A gradient is not shared out: the rule has said what each input gets. Collect the parts as they come.",
        WALK,
        walking(parts=lambda parts: [(to, part / len(parts)) for to, part in parts]),
    ),
    Mistake(
        "what a node sends does not reach the nodes before it",
        "node.backward gives pairs (to, part), and the part is for `to`. Hand each of them to task.collect.",
        WALK,
        walking(lambda task, node, to, part: task.collect(node, part)),
    ),
    Mistake(
        "the first node is left out",
        "The walk begins at the first node of `nodes`, where the gradient waits. Go through all of them.",
        WALK,
        walking(nodes=lambda nodes: nodes[1:]),
    ),
    Mistake(
        "the last node is left out",
        "The last node is a leaf's, and it must hear of its gradient like the others. Go through all of `nodes`.",
        WALK,
        walking(nodes=lambda nodes: nodes[:-1]),
    ),
    Mistake(
        "g is multiplied in twice",
        "node.backward has multiplied with g already. Collect the part as it comes.",
        WALK,
        instead(squared),
    ),
    Mistake(
        "the pairs are taken the wrong way round",
        "node.backward gives (node, gradient), in this order. Write `for to, part in ...`.",
        WALK,
        walking(lambda task, node, to, part: task.collect(part, to)),
    ),
    Mistake(
        "the sign of -3 is kept",
        "The slope of x^3 is 3 x^2. A square is never negative, so the sign of -3 is lost.",
        WALK,
        answers={"what x gets": -27.0},
    ),
    Mistake(
        "the slope is n times x",
        "The slope of x^3 is 3 x^2. At -3 that is 3 times 9.",
        WALK,
        answers={"what x gets": -9.0},
    ),
    Mistake(
        "the factor 3 is left out",
        "The slope of x^3 is 3 x^2. At -3 that is 3 times 9.",
        WALK,
        answers={"what x gets": 9.0},
    ),
)


def pass_on(nodes: Any, task: Any) -> None:
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, _ in node.backward(g, task):
                task.collect(to, g)


# ---- gradients -----------------------------------------------------------------------------------------------------


def what_was_captured(task: Any, inputs: Any, targets: Any) -> list[Any]:
    return [task.captured[node] for node in targets]


def asking(
    grads: Callable[[Any, Any], Any] = lambda outputs, grads: grads,
    keys: Callable[[Any, Any], Any] = lambda inputs, targets: targets,
    answer: Callable[[Any, Any, Any], Any] = what_was_captured,
    most: int | None = None,
    before: bool = True,
) -> Callable[[Any], Any]:
    """Make a mistaken `gradients`, which differs from the right one in one of these steps."""

    def mistaken(task: Any, outputs: Any, given: Any, inputs: Any) -> Any:
        roots = engine.start(task, outputs[:most], grads(outputs, given))
        targets = [engine.target(x) for x in inputs]
        if before:
            task.captured = dict.fromkeys(keys(inputs, targets))
        engine.run(task, roots, targets)
        if not before:
            task.captured = dict.fromkeys(targets)
        return answer(task, inputs, targets)

    return instead(mistaken)


def zeros_for_none(task: Any, inputs: Any, targets: Any) -> list[Any]:
    found = [task.captured[node] for node in targets]
    return [np.zeros(x.shape) if g is None else g for g, x in zip(found, inputs, strict=True)]


def into_grad(task: Any, inputs: Any, targets: Any) -> list[Any]:
    for x, node in zip(inputs, targets, strict=True):
        x._grad = task.captured[node]
    return [x._grad for x in inputs]


def ones_instead(outputs: Any, grads: Any) -> Any:
    return tuple(tensors.wrap(np.ones_like(y._array)) for y in outputs)


def first_grad(outputs: Any, grads: Any) -> Any:
    return grads if grads is None else grads[:1]


def without_run(task: Any, outputs: Any, grads: Any, inputs: Any) -> list[Any]:
    engine.start(task, outputs, grads)
    targets = [engine.target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    return [task.captured[node] for node in targets]


HAND_MISTAKES = (
    Mistake(
        "the gradients that the walk starts with are not used",
        "For a result with several entries the caller says what arrives at each. Hand grads to start.",
        HAND,
        asking(ones_instead),
    ),
    Mistake(
        "the gradients that the walk starts with are left out",
        "None stands for the 1 of a single number. In all other cases grads holds what arrives: hand it to start.",
        HAND,
        asking(lambda outputs, grads: None),
    ),
    Mistake(
        "an input that is not used gets zeros, not None",
        "None says: there is no path. That is another answer than: there is a path, and its slope is 0.",
        HAND,
        asking(answer=zeros_for_none),
    ),
    Mistake(
        "task.captured is filled with keys only after the walk",
        "arrive fills in what is a key of captured at that time. Set the keys before run.",
        HAND,
        asking(before=False),
    ),
    Mistake(
        "task.captured has the inputs as keys, not their nodes",
        "A gradient arrives at a node. target(x) is the node for x, and the key that arrive looks for.",
        HAND,
        asking(keys=lambda inputs, targets: inputs, answer=lambda task, inputs, targets: list(task.captured.values())),
    ),
    Mistake(
        "the values of captured are returned as they are",
        "An input may be asked for twice, and a dict holds each key once. Go through the targets.",
        HAND,
        asking(answer=lambda task, inputs, targets: list(task.captured.values())),
    ),
    Mistake(
        "the gradients come in the opposite order",
        "The answer has the order of the inputs. Go through the targets from left to right.",
        HAND,
        asking(answer=lambda task, inputs, targets: [task.captured[node] for node in targets][::-1]),
    ),
    Mistake(
        "inputs that are not used are left out",
        "The caller counts on one answer for each input. Put None where nothing arrived.",
        HAND,
        asking(
            answer=lambda task, inputs, targets: [task.captured[n] for n in targets if task.captured[n] is not None]
        ),
    ),
    Mistake(
        "the gradient is looked for in .grad",
        "autograd.grad leaves every .grad alone. What arrived is in task.captured.",
        HAND,
        asking(answer=lambda task, inputs, targets: [x._grad for x in inputs]),
    ),
    Mistake(
        "the gradients are written into .grad",
        "autograd.grad leaves every .grad alone; that is the difference to backward. Return what was captured.",
        HAND,
        asking(answer=into_grad),
    ),
    Mistake(
        "only the first result is used",
        "There may be several results, and the gradients from all of them add up. Hand all outputs to start.",
        HAND,
        asking(first_grad, most=1),
    ),
    Mistake(
        "only the gradient of the first input is returned",
        "The caller asks about several inputs at once. The answer is a list with one gradient for each of them.",
        HAND,
        asking(answer=lambda task, inputs, targets: task.captured[targets[0]]),
    ),
    Mistake(
        "the keys of task.captured are never set",
        "arrive fills in what is a key of captured, and nothing else. "
        "Set task.captured = dict.fromkeys(targets) before run.",
        HAND,
        asking(
            keys=lambda inputs, targets: [],
            answer=lambda task, inputs, targets: [task.captured.get(node) for node in targets],
        ),
    ),
    Mistake(
        "the keys of task.captured are never set, and then looked up",
        "arrive fills in what is a key of captured, and nothing else. "
        "Set task.captured = dict.fromkeys(targets) before run.",
        HAND,
        asking(keys=lambda inputs, targets: []),
    ),
    Mistake(
        "the dict is returned",
        "The caller counts on one gradient for each input, in their order. Look each target up in captured.",
        HAND,
        asking(answer=lambda task, inputs, targets: task.captured),
    ),
    Mistake(
        "nothing is returned",
        "A function without `return` gives None. Write `return` in front of the answer.",
        HAND,
        asking(answer=lambda task, inputs, targets: None),
    ),
    Mistake(
        "the gradients come in the order of the nodes",
        "The answer has the order of the inputs. Go through the targets from left to right.",
        HAND,
        asking(answer=lambda task, inputs, targets: [task.captured[n] for n in sorted(task.captured, key=newest)]),
    ),
    Mistake(
        "run is not called",
        "start puts the first gradients in place, and no more. Call run after the keys are set.",
        HAND,
        instead(without_run),
    ),
    Mistake(
        "the value is given in place of the slope",
        "The slope of t^2 is 2t. The slope of log(u) is 1 / u.",
        HAND,
        answers={"what t gets, last entry": 16.0, "what u gets, first entry": 2.302585},
    ),
)

KEYS = {
    "order": Key(3, ORDER_MISTAKES, weights={"a very long chain": 0.5}),
    "collect": Key(
        3,
        COLLECT_MISTAKES,
        weights={"one gradient": 0.5, "single numbers": 0.5, UNTOUCHED: 2},
    ),
    "walk": Key(4, WALK_MISTAKES, weights={"in which order the gradients are complete": 0.5}),
    "gradients": Key(3, HAND_MISTAKES, weights={"what task.captured holds afterwards": 0.5}),
}

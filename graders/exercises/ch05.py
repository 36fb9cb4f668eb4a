"""Chapter 05: what a check draws and notes for order, collect, walk and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graders.exercises import Rng, See, exercise, leaf_of
from graders.exercises.tools import UNTOUCHED, by_paths, drawn_calculation, heard, meeting, nodes_of, shuffled
from graders.pieces import standing
from minigrad import engine, rules, tensors


def leaves(rng: Rng, count: int, shape: tuple[int, ...] = ()) -> list[Any]:
    return [leaf_of(rng.uniform(0.5, 1.5, shape)) for _ in range(count)]


# ---- order ---------------------------------------------------------------------------------------------------------


@exercise("ch05", 1, pieces=("order",), predictions=("first", "last"))
def order(rng: Rng, see: See) -> None:
    def chain() -> list[Any]:
        (x,) = leaves(rng, 1)
        for name in shuffled(rng, ["exp", "sin", "neg", "tanh"]):
            x = getattr(rules, name)(x)
        return [x]

    def drawn() -> list[Any]:
        return [drawn_calculation(rng, 3)(*leaves(rng, 3))]

    def with_constants() -> list[Any]:
        x, y = leaves(rng, 2)
        return [rules.add(rules.mul(rules.sin(x), 2.0), getattr(rules, str(rng.choice(["mul", "sub"])))(3.0, y))]

    def two_roots() -> list[Any]:
        x, y = leaves(rng, 2)
        first = getattr(rules, str(rng.choice(["sin", "exp"])))(rules.mul(x, y))
        return shuffled(rng, [first, getattr(rules, str(rng.choice(["tanh", "neg"])))(first)])

    for title, graphs in {
        "chains": [chain() for _ in range(4)],
        "graphs with a value that is used twice": [[meeting(*leaves(rng, 2))], *(drawn() for _ in range(4))],
        "edges that are None": [with_constants() for _ in range(3)],
        "two roots, one of them below the other": [two_roots() for _ in range(3)],
    }.items():
        see.cases(title, listed, {f"graph {i + 1}": (made,) for i, made in enumerate(graphs)})
    (x,) = leaves(rng, 1)
    for _ in range(int(rng.randint(3000, 4000))):
        x = rules.neg(x)
    see.text("a very long chain", lambda: judged(engine.order([x.grad_fn])))


def listed(roots: Sequence[Any]) -> str:
    """The nodes that `order` lists, by name and age, and whether each comes after all of its users."""
    nodes = list(engine.order([root.grad_fn for root in roots]))
    ages = {node: age for age, node in enumerate(sorted(set(nodes), key=lambda node: node.number), 1)}
    names = ", ".join(f"{type(node).__name__} #{ages[node]}" for node in sorted(nodes, key=lambda node: node.number))
    return f"{names}; {judged(nodes)}"


def judged(nodes: Sequence[Any]) -> str:
    """How many nodes there are, and whether each comes after all of its users."""
    place = {node: i for i, node in enumerate(nodes)}
    pairs = [(place[node], place[to]) for node in place for to in node.edges if to in place]
    early = sum(user >= used for user, used in pairs)
    how = "each" if not early else "none" if early == len(pairs) else "not each"
    return f"{len(nodes)} nodes, {how} after all of its users"


# ---- collect -------------------------------------------------------------------------------------------------------


@exercise("ch05", 2, pieces=("collect",), predictions=("right", "overwriting"))
def collect(rng: Rng, see: See) -> None:
    a, b = (engine.target(leaf) for leaf in leaves(rng, 2, (3,)))
    g = [rng.normal(size=3) for _ in range(4)]

    def arrived(*arrivals: tuple[Any, Any], waiting: Any = None, owned: bool = False) -> Any:
        task = engine.Task(keep=True, record=False, accumulates=False)
        if waiting is not None:
            task.pending[a] = waiting
        if owned:
            task.owned.add(a)
        for node, part in arrivals:
            task.collect(node, part)
        return task

    def copies() -> list[Any]:
        return [part.copy() for part in g]

    def one_for_two() -> list[Any]:
        shared, other = copies()[:2]
        task = arrived((a, shared), (b, shared), (a, other))
        return [task.pending[a], task.pending[b]]

    see.array("one gradient", lambda: arrived((a, g[0].copy())).pending[a])
    see.array("two gradients for one node", lambda: arrived(*((a, part) for part in copies()[:2])).pending[a])
    see.array("four gradients for one node", lambda: arrived(*((a, part) for part in copies())).pending[a])
    see.array(
        "two nodes, each with its own gradients",
        lambda: [arrived((a, g[0].copy()), (b, g[1].copy()), (b, g[2].copy())).pending[node] for node in (a, b)],
    )
    see.array(
        "added to an array that nobody else holds",
        lambda: arrived((a, g[1]), (a, g[2]), waiting=g[0].copy(), owned=True).pending[a],
    )
    see.mutation(UNTOUCHED, {
        f"{count} gradients for one node": (
            lambda **parts: arrived(*((a, part) for part in parts.values())).pending[a],
            {f"g{i}": rng.normal(size=3) for i in range(1, count + 1)},
        ) for count in shuffled(rng, [2, 3, 4])
    })  # fmt: skip
    see.array("one array handed to two nodes, then more for the first", one_for_two)
    numbers = [np.float64(rng.normal()) for _ in range(3)]
    see.array("single numbers", lambda: arrived(*((a, part) for part in numbers)).pending[a])


# ---- walk ----------------------------------------------------------------------------------------------------------


def walked(root: Any, g: np.ndarray, inputs: list[Any]) -> list[Any]:
    """What the inputs get when the student's walk goes through the graph of `root`."""
    task = engine.Task(keep=True, record=False, accumulates=False)
    targets = [engine.target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    task.pending[root.grad_fn] = g
    engine.walk(nodes_of(root), task)
    return [task.captured[node] for node in targets]


@exercise("ch05", 3, pieces=("walk",), predictions=("what x gets",))
def walk(rng: Rng, see: See) -> None:
    def arrays(*names: str) -> dict[str, np.ndarray]:
        return {name: rng.uniform(0.5, 1.5, 3) for name in names}

    g = rng.normal(size=3)
    with standing(collect=heard):
        see.graph("a chain", lambda x: rules.sin(rules.exp(rules.neg(x))), arrays("x"), g, walked)
        see.graph("a product", rules.mul, arrays("x", "y"), g, walked)
        see.graph("x * x", lambda x: rules.mul(x, x), arrays("x"), g, walked)
        see.graph("a value that is used twice", meeting, arrays("x", "w"), g, walked)
        see.graph("a drawn calculation", drawn_calculation(rng, 3, 9), arrays("x", "y", "z"), g, walked)
        x, y = leaves(rng, 2, (3,))

        def only_towards_x() -> Any:
            root = rules.mul(rules.sin(x), rules.exp(y))
            task, target = engine.Task(keep=True, record=False, accumulates=False), engine.target(x)
            task.captured, task.needed = {target: None}, {root.grad_fn, root.grad_fn.edges[0], target}
            task.pending[root.grad_fn] = g.copy()
            engine.walk(nodes_of(root), task)
            return task.captured[target]

        see.array("nodes at which nothing arrives", only_towards_x)
        see.mutation(UNTOUCHED, {
            title: (lambda g, made=calculation: walked(made(x, y), g, [x, y]), {"g": rng.normal(size=3)})
            for title, calculation in shuffled(rng, {
                "x + y": rules.add,
                "x + x": lambda x, y: rules.add(x, x),
                "x * y + y": lambda x, y: rules.add(rules.mul(x, y), y),
            }.items())
        })  # fmt: skip
        names = shuffled(rng, ["exp", "sin", "neg", "tanh"])

        def arrivals() -> str:
            values = [x]
            for name in names:
                values.append(getattr(rules, name)(values[-1]))
            said: list[str] = []
            task = Telling(said)
            task.pending = {values[-1].grad_fn: g.copy(), values[2].grad_fn: g.copy()}
            engine.walk(nodes_of(values[-1]), task)
            return ", ".join(said)

        see.text("in which order the gradients are complete", arrivals)


class Telling(engine.Task):
    """A task that notes the names of the nodes whose gradients are complete."""

    __slots__ = ("said",)

    def __init__(self, said: list[str]) -> None:
        super().__init__(keep=True, record=False, accumulates=False)
        self.said = said

    def arrive(self, node: Any, g: Any) -> Any:
        self.said.append(type(node).__name__)
        return super().arrive(node, g)


# ---- gradients -----------------------------------------------------------------------------------------------------


def asked(outputs: Sequence[Any], grads: Any, inputs: Sequence[Any]) -> Any:
    """What the student's `gradients` gives."""
    task = engine.Task(keep=True, record=False, accumulates=False)
    return engine.gradients(task, tuple(outputs), grads, tuple(inputs))


@exercise("ch05", 4, pieces=("gradients",), predictions=("what t gets, last entry", "what u gets, first entry"))
def gradients(rng: Rng, see: See) -> None:
    def found(root: Any, g: np.ndarray, inputs: list[Any]) -> Any:
        return asked([root], (tensors.wrap(g),), inputs)

    def all_nodes(roots: Sequence[Any]) -> list[Any]:
        return sorted({node for root in made for node in nodes_of(root)}, key=lambda node: -node.number)

    made: list[Any] = []  # the results whose nodes a walk goes through, for the stand-in of `order`

    def outputs(*results: Any) -> list[Any]:
        made[:] = results
        return made

    calculation = drawn_calculation(rng, 3)
    arrays = {name: rng.uniform(0.5, 1.5, 3) for name in "xyz"}
    g, h = rng.normal(size=3), rng.normal(size=3)
    x, y, z = leaves(rng, 3, (3,))
    (a,) = leaves(rng, 1)
    mixed = shuffled(rng, [x, y, z, y])

    def in_the_middle() -> Any:
        middle = rules.mul(x, y)
        (root,) = outputs(rules.mul(rules.sin(middle), z))
        return asked([root], (tensors.wrap(g),), (middle, x))

    def two_results() -> Any:
        results = outputs(rules.mul(x, y), rules.sin(y))
        return asked(results, (tensors.wrap(g), tensors.wrap(h)), (x, y))

    def which(*inputs: Any) -> str:
        (root,) = outputs(rules.mul(x, rules.sin(y)))
        came = asked([root], (tensors.wrap(g),), inputs)
        kinds = ["None" if part is None else "a gradient" for part in came]
        return f"{', '.join(kinds)}; in .grad: {', '.join('None' if i._grad is None else 'something' for i in inputs)}"

    def captured(middle: str, *inputs: Any) -> str:
        value = getattr(rules, middle)(x)
        (root,) = outputs(rules.mul(value, rules.exp(y)))
        task = engine.Task(keep=True, record=False, accumulates=False)
        engine.gradients(task, (root,), (tensors.wrap(g),), (value, *inputs))
        kinds = [f"{type(key).__name__} {'None' if came is None else 'filled'}" for key, came in task.captured.items()]
        left = "; gradients still wait" if task.pending else ""
        return ", ".join(sorted(kinds)) + left

    def plain_order(roots: Sequence[Any]) -> list[Any]:
        return all_nodes(roots)

    with standing(order=plain_order, collect=lambda self, node, g: self.pending.update({node: g}), walk=by_paths):
        see.graph("a drawn calculation", lambda *inputs: outputs(calculation(*inputs))[0], arrays, g, found)
        see.array(
            "four inputs in a drawn order",
            lambda: asked(outputs(rules.mul(rules.mul(x, y), rules.sin(z))), (tensors.wrap(g),), mixed),
        )
        see.array("a value in the middle, and a leaf", in_the_middle)
        see.array("two results at once", two_results)
        see.array("a single number, without a gradient to start with", lambda: asked(outputs(rules.sin(a)), None, (a,)))
        names = {"x": x, "y": y, "z, which is not used": z}
        cases = [shuffled(rng, names)[: int(rng.randint(1, 4))] for _ in range(4)] + [shuffled(rng, names)]
        see.cases("inputs that are not used", which, {
            f"({', '.join(case)})": tuple(names[name] for name in case) for case in cases
        })  # fmt: skip
        see.cases("what task.captured holds afterwards", captured, {
            f"inputs {name}(x), {', '.join(case)}": (name, *(names[other] for other in case))
            for name, case in zip(shuffled(rng, ["sin", "tanh", "neg", "exp"]), cases, strict=False)
        })  # fmt: skip

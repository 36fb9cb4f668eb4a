"""Tensors for checks, made so that no piece of the chapter that is being checked has a hand in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graders.exercises import Rng, See
from minigrad import engine, graph, rules, tensors

DTYPES = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
# Stands in for can_require_grad while another exercise of its chapter is checked: one mistake costs one exercise.
FLOATING: Mapping[Any, bool] = {np.dtype(name): name.startswith("float") for name in DTYPES}


def array(rng: Rng, dtype: str = "float64") -> np.ndarray:
    """Drawn numbers of an element type; none of them is 0 or 1."""
    return rng.uniform(2.0, 9.0, (2, 3)).astype(dtype)


def made(rng: Rng, requires_grad: bool, dtype: str = "float64") -> Any:
    """A tensor that somebody made, not an operation."""
    tensor = tensors.wrap(array(rng, dtype))
    tensor._requires_grad = requires_grad
    return tensor


def result(rng: Rng, source: Any = None) -> Any:
    """A result that remembers its maker, whatever the student's `record` does."""
    tensor = made(rng, True)
    node = rules.exp.node()
    node.edges = (graph.edge(made(rng, True) if source is None else source),)
    node.like, node.number = graph.like_of(tensor._array), graph.next_number()
    tensor._grad_fn = node
    return tensor


def truths(answers: Sequence[Any]) -> list[bool]:
    """The answers to a yes-or-no question; TypeError where there is none at all."""
    if all(answer is None for answer in answers):
        raise TypeError("nothing comes back: there is no `return`")
    return [bool(answer) for answer in answers]


def refusal(work: Callable[..., Any], *args: Any) -> str:
    """What the RuntimeError says that `work(*args)` raises."""
    try:
        work(*args)
    except RuntimeError as error:
        return f"RuntimeError: {error}"
    return "no error"


def shuffled(rng: Rng, choices: Any) -> list[Any]:
    """The choices in a drawn order."""
    choices = list(choices)
    return [choices[i] for i in rng.permutation(len(choices))]


def away_from_zero(rng: Rng, shape: tuple[int, ...] = (2, 3), positive: bool = False) -> Any:
    """Numbers between 0.5 and 2 with a drawn sign."""
    size = rng.uniform(0.5, 2.0, shape)
    return size if positive else size * rng.choice([-1.0, 1.0], shape)


UNTOUCHED = "what is handed in stays as it is"


def see_untouched(rng: Rng, see: See, title: str, rule: Callable[..., tuple], *draws: Mapping[str, Any]) -> None:
    """Note what a rule and each of its vjps leave of what they are given. draws: the arguments by name, then `g`."""

    def vjp(place: int) -> Callable[..., Any]:
        return lambda *, g, **arguments: rule(*arguments.values())[place](g)

    cases = [
        (f"the vjp of {name}, shape {given[name].shape}", (vjp(place), {k: np.copy(x) for k, x in given.items()}))
        for given in draws
        for place, name in enumerate(given, 1)
        if name != "g"
    ]
    see.mutation(title, dict(shuffled(rng, cases)))


def along(root: Any, g: np.ndarray, leaves: list[Any]) -> list[Any]:
    """What arrives at each leaf when `g` arrives at `root`, in a graph in which no two paths meet."""
    task = engine.Task(keep=True, record=False, accumulates=False)
    arrived, ahead = {}, [(root.grad_fn, g)]
    while ahead:
        node, part = ahead.pop()
        if isinstance(node, graph.AccumulateGrad):
            arrived[id(node.variable)] = part
        else:
            ahead += node.backward(part, task)
    return [arrived.get(id(leaf)) for leaf in leaves]


# ---- calculations to be walked through -----------------------------------------------------------------------------

UNARY, BINARY = ("sin", "tanh", "neg"), ("mul", "add", "mul", "sub")


def drawn_calculation(rng: Rng, leaves: int, steps: int = 7) -> Callable[..., Any]:
    """A calculation with drawn operations on drawn earlier values, some of them used several times."""
    plan: list[tuple[str, list[int]]] = [("mul", [0, leaves - 1])]
    for made in range(leaves + 1, leaves + steps):
        name = str(rng.choice(UNARY if rng.randint(3) == 0 else BINARY))
        # Every step uses the newest value or the one before it, so that the paths are long.
        first, second = made - 1 - int(rng.randint(2)), int(rng.randint(made))
        if name == "sub" and first == second:
            name = "mul"  # x - x has no gradient to look at
        plan.append((name, [first] if name in UNARY else [first, second]))
    used = {i for _, inputs in plan for i in inputs}
    ends = [i for i in range(leaves + steps) if i not in used]

    def calculation(*inputs: Any) -> Any:
        values = list(inputs)
        for name, places in plan:
            values.append(getattr(rules, name)(*[values[i] for i in places]))
        result = values[ends[0]]
        for i in ends[1:]:
            result = rules.add(result, values[i])
        return result

    return calculation


def meeting(x: Any, w: Any) -> Any:
    """A value that is used twice, once along a short and once along a long way."""
    y = rules.mul(x, w)
    return rules.mul(rules.sin(rules.tanh(y)), y)


def nodes_of(root: Any) -> list[Any]:
    """The nodes of a graph, each after all of its users."""
    from minigrad.scanning import scan  # late: from then on minigrad notes the gradients that go along edges

    return sorted(scan(root).nodes, key=lambda node: -node.number)


def heard(self: Any, node: Any, g: Any) -> None:
    """Stands in for `collect` while another exercise of its chapter is checked."""
    before = [self.pending[node]] if node in self.pending else []
    self.pending[node] = np.sum([*before, g], axis=0)


def by_paths(nodes: Sequence[Any], task: Any) -> None:
    """Stands in for `walk`: goes along every path by itself, which takes far longer in a large graph."""
    ahead = list(task.pending.items())
    task.pending.clear()
    while ahead:
        node, g = ahead.pop()
        if node in task.captured:
            before = task.captured[node]
            task.captured[node] = np.array(g) if before is None else before + g
        ahead += [(to, np.array(part)) for to, part in node.backward(g, task)]

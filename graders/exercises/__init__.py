"""What a check looks at: for each exercise, the inputs that are drawn and what is noted down of what came.

An exercise is a function `(rng, see)`: it draws inputs from `rng`, calls the student's piece where it stands in
minigrad, and hands what came to `see`. How an item is compared, what it is worth and which mistakes are known is not
here but in graders/keys, which never enters a student's process.

Rules for drawing: shapes that tell transposes, broadcasts and sums apart; no kinks unless the kink is the question;
random upstream gradients, never ones; booleans as vectors over drawn cases; messages that carry what was drawn.
"""

from __future__ import annotations

import importlib
import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graders.compare import Item, array_item, error_item, text_item
from minigrad import tensors

Rng = np.random.RandomState  # its stream is frozen for every NumPy to come, so recorded numbers stay right

PREDICTED = "predicted: "  # what the names of items begin with that hold a prediction


class See:
    """Notes down evidence. Every method takes the name of the sub-check and a function `work` that calls the student's.

    An exception of the student's code becomes an item like any other, and the next sub-check goes on.
    """

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.errors: dict[str, BaseException] = {}
        self.graphs: dict[str, dict[str, Any]] = {}  # what `guilty.examine` needs to look at them

    def array(self, name: str, work: Callable[..., Any], *args: Any, labels: Sequence[str] = ()) -> None:
        """Note the array (number, Tensor, list of numbers) that `work(*args)` returns.

        labels: for a vector over cases, what each case is; then a report can say which case differs.
        """
        item = self._note(name, work, args, lambda value: array_item(name, plain(value)))
        self.items.append({**item, "labels": list(labels)} if labels else item)

    def text(self, name: str, work: Callable[..., Any], *args: Any) -> None:
        """Note the text of what `work(*args)` returns."""
        self.items.append(self._note(name, work, args, lambda value: text_item(name, value)))

    def cases(self, name: str, work: Callable[..., Any], cases: Mapping[str, tuple[Any, ...]]) -> None:
        """Note one line of text for each case: what `work(*args)` returns, or the error that it raises.

        cases: what each case is -> args. One text in all, so that a constant answer is never right.
        """
        lines = []
        for args in cases.values():
            item = self._note(name, work, args, lambda value: text_item(name, value))
            line = item["text"] if item["kind"] == "text" else f"{item['type']}: {item['text']}"
            lines.append(" ".join(line.split()))
        self.items.append({**text_item(name, "\n".join(lines)), "labels": list(cases)})

    def mutation(
        self, name: str, cases: Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]], memory: bool = False
    ) -> None:
        """Note one line of text for each case: what `work(**given)` leaves of what it is given.

        cases: what each case is -> (work, name -> array or Tensor). A line says of each whether it was written to, and
        which version a Tensor had before and has after; with `memory` also whose memory the result has. Of what stayed
        as it was it holds a drawn number, so that a constant answer is never right. Such an item is a guard: who does
        nothing at all is not paid for leaving everything alone.
        """

        def line(work: Callable[..., Any], given: Mapping[str, Any]) -> str:
            before = {key: np.array(plain(value)) for key, value in given.items()}
            versions = {key: value._version for key, value in given.items() if hasattr(value, "_version")}
            result = work(**given)
            said = [f"{key} {fate(before[key], np.asarray(plain(value)))}" for key, value in given.items()]
            said += [f"version of {key} {old}, then {given[key]._version}" for key, old in versions.items()]
            if memory:
                back = plain(result)
                shared = [key for key, x in given.items() if back is not None and np.shares_memory(plain(x), back)]
                own = "memory of its own" if back is not None else "no memory at all"
                said.append(f"what comes back has {'the memory of ' + shared[0] if shared else own}")
            return "; ".join(said)

        self.cases(name, line, cases)
        self.items[-1]["guard"] = True

    def graph(
        self,
        name: str,
        calculation: Callable[..., Any],
        leaves: Mapping[str, np.ndarray],
        g: np.ndarray,
        walk: Callable[[Any, np.ndarray, list[Any]], Sequence[Any]],
    ) -> None:
        """Note what each leaf of a whole calculation gets.

        calculation: leaf Tensors -> the result. leaves: name -> array. g: what arrives at the result. walk: (result, g,
        leaf Tensors) -> what each of them gets. Where it is wrong, a report looks for the node that is to blame.
        """
        made = {leaf: leaf_of(values) for leaf, values in leaves.items()}

        def gradients() -> Sequence[Any]:
            return walk(calculation(*made.values()), g.copy(), list(made.values()))

        told = {"calculation": calculation, "leaves": leaves, "g": g, "walk": walk}
        for i, leaf in enumerate(leaves):
            title = f"{name}: what {leaf} gets"
            self.graphs[title] = told
            self.array(title, lambda i=i: gradients()[i])

    def answer(self, name: str, value: Any) -> None:
        """Note what was predicted: a text, a number or numbers."""
        item = text_item(name, value) if isinstance(value, str) else array_item(name, plain(value))
        self.items.append(item)

    def _note(self, name: str, work: Callable[..., Any], args: tuple[Any, ...], item: Callable[[Any], Item]) -> Item:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                return item(work(*args))
        except Exception as error:
            self.errors.setdefault(name, error)
            return error_item(name, error)


def fate(before: np.ndarray, after: np.ndarray) -> str:
    """What became of an array, in words."""
    if before.shape != after.shape or not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
        return "was written to"
    return f"is as it was ({before.flat[0]:.6g}{', ...' * (before.size > 1)})"


def leaf_of(values: np.ndarray) -> Any:
    """A leaf that requires grad."""
    leaf = tensors.wrap(np.array(values))
    leaf._requires_grad = True
    return leaf


def plain(value: Any) -> Any:
    """The bare array of a Tensor; everything else as it is."""
    return value._array if hasattr(value, "_array") else value


@dataclass(frozen=True)
class Exercise:
    """One exercise: `look` collects the evidence of the pieces called `pieces`; its name is the exercise's.

    number: its place in the chapter. predictions: the names given to `predict` that its check looks at. needs: pieces
    of the same chapter that the evidence runs through; while one of them is wrong, this exercise is blocked.
    """

    name: str
    chapter: str
    number: int
    pieces: tuple[str, ...]
    predictions: tuple[str, ...]
    needs: tuple[str, ...]
    look: Callable[[Rng, See], None]

    def evidence(self, seed: int, predictions: Mapping[str, Any] | None = None) -> See:
        """Draw the inputs of `seed`, look, and return what was seen; predictions become items of their own."""
        see = See()
        for name in self.predictions:
            if name in (predictions or {}):
                see.answer(f"{PREDICTED}{name}", (predictions or {})[name])
        # Each exercise has a stream of its own, so that the cells may run in any order.
        self.look(Rng([seed % 2**32, zlib.crc32(self.name.encode())]), see)
        return see


_EXERCISES: dict[str, Exercise] = {}


def exercise(
    chapter: str,
    number: int,
    pieces: tuple[str, ...],
    predictions: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
) -> Callable[[Callable[[Rng, See], None]], Exercise]:
    """Make the decorated `(rng, see)` function the exercise of its own name."""

    def register(look: Callable[[Rng, See], None]) -> Exercise:
        made = Exercise(look.__name__, chapter, number, pieces, predictions, needs, look)
        _EXERCISES[made.name] = made
        return made

    return register


def exercises() -> dict[str, Exercise]:
    """Every exercise that is here (a bundle holds those up to its chapter), in the order of the course."""
    for file in sorted(Path(__file__).parent.glob("ch*.py")):
        importlib.import_module(f"{__name__}.{file.stem}")
    return dict(sorted(_EXERCISES.items(), key=lambda entry: (entry[1].chapter, entry[1].number)))

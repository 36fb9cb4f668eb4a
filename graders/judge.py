"""The verdict, made outside the student's process: evidence in, score and words out.

The key is made once per release, from the evidence that the instructor's solution gave on the same drawn inputs, and
holds numbers: the right ones and those of every known mistake. `verdict` runs no student's code, and raises on nothing
that a student's code sent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from graders import check, pieces
from graders.compare import Item, array_item, compare, default_comparator, mark, score, text_item
from graders.diagnose import Mistake, named
from graders.exercises import PREDICTED, Exercise, exercises
from graders.keys import keys

# A number that somebody predicts: 27 is as good as 27.0, and 0.333 as 1/3.
ANSWER: tuple[str, dict[str, Any]] = ("close", {"rtol": 2e-3, "loose": 0.0, "dtype": "any"})


@dataclass
class Verdict:
    """What the judge says about one check cell: `lines` holds every sub-check in words."""

    score: float
    lines: list[str] = field(default_factory=list)
    misconceptions: list[str] = field(default_factory=list)


def make_key(evidences: dict[str, Any], seed: int) -> dict[str, Any]:
    """The key of a chapter, JSON-able; `key["exercises"][name]` is what `verdict` needs for the check called `name`.

    evidences: exercise -> the evidence that the solution gave on the inputs of `seed`. What each known mistake gives is
    computed here, by putting the mistaken piece into this process's own (whole) minigrad for a moment.
    Raises ValueError when the evidence of the solution holds an error that no exercise asks for.
    """
    return {
        "version": 1,
        "seed": seed,
        "exercises": {name: _entry(name, evidence, seed) for name, evidence in sorted(evidences.items())},
    }


def _entry(name: str, evidence: dict[str, Any], seed: int) -> dict[str, Any]:
    exercise, key = exercises()[name], keys()[name]
    items: list[Item] = []
    for item in evidence["items"]:
        title = item["name"]
        if item["kind"] == "error" and title not in key.compare:
            raise ValueError(f"{name}: the solution itself stops at {title!r} with {item['type']}: {item['text']}")
        constant = title.startswith(PREDICTED)
        usual = ANSWER if constant and item["kind"] == "array" else (default_comparator(item), {})
        how, options = key.compare.get(title, usual)
        weight = key.weights.get(title, 0.5 if constant else 1.0)
        items.append({**item, "how": how, "options": options, "weight": weight, "constant": constant})
    entry: dict[str, Any] = {
        "exercise": name, "chapter": exercise.chapter, "number": exercise.number, "points": key.points, "items": items,
    }  # fmt: skip
    unknown = {*key.weights, *key.compare} - {item["name"] for item in items}
    if unknown:
        raise ValueError(f"{name}: the key names items that no evidence has: {sorted(unknown)}")
    entry["mistakes"] = [
        {"name": m.name, "hint": m.hint, "reread": m.reread, "items": _wrong_items(exercise, m, items, seed)}
        for m in key.mistakes
    ]
    return entry


def _wrong_items(exercise: Exercise, mistake: Mistake, items: list[Item], seed: int) -> dict[str, Item]:
    """The items of the evidence that a mistake changes, with what it makes of them."""
    made: list[Item] = []
    if mistake.change is not None:
        name = mistake.piece or exercise.pieces[0]
        with pieces.standing(**{name: mistake.change(pieces.current(name))}):
            made = exercise.evidence(seed).items
    for name, answer in mistake.answers.items():
        title = f"{PREDICTED}{name}"
        made.append(text_item(title, answer) if isinstance(answer, str) else array_item(title, answer))
    right = {item["name"]: item for item in items}
    return {
        item["name"]: {k: v for k, v in item.items() if k != "name"}
        for item in made
        if item["name"] in right
        and compare(right[item["name"]], item, right[item["name"]]["how"], right[item["name"]]["options"])[0] < 1
    }


def verdict(evidence: object, key: dict[str, Any], points: float) -> Verdict:
    """Judge `evidence` by `key`, one entry of `make_key(...)["exercises"]`. Never raises, whatever the evidence is.

    The score is a plain float in [0, points]; no evidence, or evidence of another exercise, is worth nothing.
    """
    try:
        most = max(0.0, float(points)) if math.isfinite(points) else 0.0
        if not isinstance(evidence, dict):
            return Verdict(0.0, ["No evidence came from this check: the cell did not run to its end."])
        if evidence.get("exercise") != key["exercise"] or not isinstance(evidence.get("items"), list):
            return Verdict(0.0, [f"What came is no evidence of the exercise {key['exercise']}."])
        if check.not_built(evidence["items"]):
            return Verdict(0.0, [f"✗ {key['exercise']} is not built yet."])
        marks = mark(evidence["items"], key)
        found = named(marks, key)
        return Verdict(score(marks, most), check.lines(marks, found), [mistake.name for mistake in found])
    except Exception as trouble:  # the last resort: a fault of ours must not stop the grading of a class
        return Verdict(0.0, [f"The judge could not read this evidence ({type(trouble).__name__})."])

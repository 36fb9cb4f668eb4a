"""The verdict, made outside the student's process: evidence in, score and words out.

The key is made once per release, from the evidence that the instructor's solution gave on the same drawn inputs, and
holds numbers: the right ones and those of every known mistake. `verdict` runs no student's code, and raises on nothing
that a student's code sent.
"""

from __future__ import annotations

import ast
import importlib
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from graders import check, guilty, pieces
from graders.compare import Item, Mark, array_item, compare, default_comparator, mark, score, text_item
from graders.diagnose import Mistake, named
from graders.exercises import PREDICTED, Exercise, exercises
from graders.keys import keys

ANSWER: tuple[str, dict[str, Any]] = ("answer", {})


@dataclass
class Verdict:
    """What the judge says about one check cell: `lines` holds every sub-check in words.

    picture: where one node of a whole calculation is to blame, the graph with that node in red, as SVG; else "".
    """

    score: float
    lines: list[str] = field(default_factory=list)
    misconceptions: list[str] = field(default_factory=list)
    picture: str = ""


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
        usual = ANSWER if constant else (default_comparator(item), {})
        how, options = key.compare.get(title, usual)
        weight = key.weights.get(title, 0.5 if constant else 1.0)
        items.append({**item, "how": how, "options": options, "weight": weight, "constant": constant})
    entry: dict[str, Any] = {
        "exercise": name, "chapter": exercise.chapter, "number": exercise.number, "points": key.points, "seed": seed,
        "items": items,
    }  # fmt: skip
    unknown = {*key.weights, *key.compare} - {item["name"] for item in items}
    if unknown:
        raise ValueError(f"{name}: the key names items that no evidence has: {sorted(unknown)}")
    received = _looked_at(exercise, {piece: _received(piece) for piece in exercise.pieces}, seed)
    for item in items:  # what is right before anything is written is not paid for, whoever hands it on as an own piece
        there = received.get(item["name"])
        if there is not None and compare(item, there, item["how"], item["options"])[0] > 0:
            item["guard"] = True
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
        made += _looked_at(exercise, {name: mistake.change(pieces.current(name))}, seed).values()
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


def _looked_at(exercise: Exercise, standing: dict[str, Any], seed: int) -> dict[str, Item]:
    """What the exercise's evidence is while other functions stand in the places of pieces; by name."""
    with pieces.standing(**standing):
        return {item["name"]: item for item in exercise.evidence(seed).items}


def _received(piece: str) -> Any:
    """What a student receives in the place of a piece: its value without its gradients, a stand-in, or a complaint."""
    spec = pieces.PIECES[piece]
    module = importlib.import_module(f"minigrad.{spec.module}")
    source = pieces.stripped(Path(str(module.__file__)).read_text(encoding="utf-8"), [spec])
    definition = pieces.find(ast.parse(source), spec)
    definition.decorator_list = []
    space = {**vars(module), "not_built": _not_built}
    exec(compile(ast.Module([definition], []), f"<{piece}, as it is received>", "exec"), space)
    return space[spec.name]


def _not_built(*_: object) -> None:
    raise NotImplementedError


def verdict(evidence: object, key: dict[str, Any], points: float) -> Verdict:
    """Judge `evidence` by `key`, one entry of `make_key(...)["exercises"]`. Never raises, whatever the evidence is.

    The score is a plain float in [0, points]; no evidence, or evidence of another exercise, is worth nothing.
    """
    try:
        most = max(0.0, float(points)) if math.isfinite(points) else 0.0
        if most > points > 0:  # an integer so large that the nearest float is above it
            most = math.nextafter(most, 0.0)
        if not isinstance(evidence, dict):
            return Verdict(0.0, ["No evidence came from this check: the cell did not run to its end."])
        if evidence.get("exercise") != key["exercise"] or not isinstance(evidence.get("items"), list):
            return Verdict(0.0, [f"What came is no evidence of the exercise {key['exercise']}."])
        if check.not_built(evidence["items"]):
            return Verdict(0.0, [f"✗ {key['exercise']} is not built yet."])
        marks = mark(evidence["items"], key)
        told = Verdict(score(marks, most), [f"{key['exercise']}: what came cannot be put in words."])
    except Exception as trouble:  # the last resort: a fault of ours must not stop the grading of a class
        return Verdict(0.0, [f"The judge could not read this evidence ({type(trouble).__name__})."])
    with suppress(Exception):  # words alone: what fails there takes no point away
        found = named(marks, key)
        told.lines, told.misconceptions = check.lines(marks, found), [mistake.name for mistake in found]
    with suppress(Exception):  # a claim that makes no sense is not shown
        line, told.picture = _blame(evidence.get("suspects"), key, marks)
        told.lines += [line] * bool(line)
    return told


def _blame(suspects: object, key: dict[str, Any], marks: Sequence[Mark]) -> tuple[str, str]:
    """What the student's process says of the first wrong calculation's nodes, in a sentence and a picture of ours.

    Small steps need no key, so they were taken there. What came is a claim: it is shown and pays nothing. The picture is
    drawn here, from the calculation as our own pieces make it; of the claim it holds a number.
    """
    for m in marks:
        claim = suspects.get(m.name) if isinstance(suspects, dict) else None
        if m.credit < 1 and isinstance(claim, dict):
            index, place = int(claim["node"]), int(claim["input"])
            if index < 0:
                return f"{check.LOOK} {guilty.blamed('', 0, '')}", ""
            name, picture = _drawn(key["exercise"], key["seed"], m.name, index)
            what = check.quoted(str(claim["what"])[:1000], 150)
            return f"{check.LOOK} {guilty.blamed(name, place, what)}", picture
    return "", ""


@lru_cache(maxsize=64)
def _drawn(exercise: str, seed: int, title: str, index: int) -> tuple[str, str]:
    """The name of a node of a calculation, and the drawing with it in red."""
    graph = exercises()[exercise].evidence(seed).graphs[title]
    node, picture = guilty.picture(graph["calculation"], graph["leaves"], index)
    return type(node).__name__, picture

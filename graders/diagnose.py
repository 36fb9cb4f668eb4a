"""Naming a mistake: wrong numbers that equal what a known mistake gives are that mistake.

A known mistake is a row of data (`Mistake`, kept per chapter in graders/keys, which no student receives). The key of a
release holds, for each row, the items that the mistake changes, as numbers; `named` looks a student's wrong items up
in them. Neither a right nor a mistaken function is needed where the look-up runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graders.compare import Mark, compare

ANY_TEXT = "(whatever it says)"  # in the text of a mistake: stands for any text on one line


@dataclass(frozen=True)
class Mistake:
    """A known mistake.

    name: what was done, as a clause ("the upstream gradient g is not used"). hint: two sentences. reread: the section
    of the chapter. change: makes the mistaken piece from the right one; or, for a prediction, `answers`: what is
    predicted -> the wrong answer. piece: which one `change` makes, where the exercise has several (else its first).
    """

    name: str
    hint: str
    reread: str
    change: Callable[[Any], Any] | None = None
    answers: Mapping[str, object] = field(default_factory=dict)
    piece: str = ""


@dataclass(frozen=True)
class Named:
    """A mistake that explains wrong items of this evidence."""

    name: str
    hint: str
    reread: str
    items: tuple[str, ...]


def named(marks: Sequence[Mark], entry: dict[str, Any]) -> list[Named]:
    """The known mistakes behind the wrong items, the one that explains most first; [] when none is recognised.

    A mistake counts for every wrong item that equals its numbers, and against itself for every item that it would have
    changed but that came otherwise. What it explains is taken away, and the next one is looked for in the rest.
    """
    wrong = {m.name: m for m in marks if m.credit < 1 and m.got is not None}
    came = {m.name: m for m in marks if m.got is not None}
    # An item that stopped with an error of its own says nothing against a mistake.
    told = {m.name for m in came.values() if m.got is not None and m.got.get("kind") == m.expected["kind"]}
    found: list[Named] = []
    candidates = list(entry.get("mistakes", []))
    while wrong and candidates:
        best, best_score = None, (0, 0)
        best_items: tuple[str, ...] = ()
        for row in candidates:
            same = {name for name, item in row["items"].items() if name in came and _same(item, came[name])}
            explained = tuple(name for name in wrong if name in same)
            against = sum(name in told and name not in same for name in row["items"])
            # Two errors of one type may have nothing in common: that alone is no proof, unless nothing else is left.
            errors = [name for name in same if row["items"][name]["kind"] == "error"]
            proof = len(errors) < len(same) or len(same) == len(row["items"])
            alike = sum(row["items"][name]["text"] == (came[name].got or {}).get("text") for name in errors)
            score = (len(explained) - against, alike)
            if explained and proof and score > best_score and score[0] > 0:
                best, best_score, best_items = row, score, explained
        if best is None:
            break
        found.append(Named(best["name"], best["hint"], best["reread"], best_items))
        candidates.remove(best)
        wrong = {name: m for name, m in wrong.items() if name not in best_items}
    return found


def _same(item: dict[str, Any], mark: Mark) -> bool:
    """Whether what came is what the mistake gives: compared as the item itself is, errors by their type."""
    if item["kind"] == "error":
        return mark.got is not None and mark.got.get("kind") == "error" and mark.got.get("type") == item["type"]
    if ANY_TEXT in item.get("text", ""):
        pattern = ".*".join(map(re.escape, item["text"].split(ANY_TEXT)))
        return mark.got is not None and re.fullmatch(pattern, str(mark.got.get("text"))) is not None
    if mark.expected["how"] == "answer":
        return compare(item, mark.got, "answer")[0] == 1
    options = {k: v for k, v in mark.expected.get("options", {}).items() if k in ("rtol", "dtype")}
    how = "close" if item["kind"] == "array" else "equal"
    return compare(item, mark.got, how, {"loose": 0.0, **options} if how == "close" else {})[0] == 1

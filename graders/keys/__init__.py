"""What only the judge's side knows of each exercise: points, weights, comparators, and the known mistakes.

One module a chapter holds `KEYS`: exercise -> Key. Nothing of this room is handed to a student or enters a sandbox;
what a check needs of it is recorded as numbers by `judge.make_key`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graders.diagnose import Mistake


@dataclass(frozen=True)
class Key:
    """What an exercise is worth and how its items are judged.

    points: as in the metadata of the check cell. weights: item -> weight; where nothing is said,
    1, and 0.5 for a prediction. compare: item ->
    (comparator, options), the default of the item's kind where nothing is said.
    """

    points: float
    mistakes: tuple[Mistake, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    compare: Mapping[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)


def keys() -> dict[str, Key]:
    """The keys of all exercises of the course."""
    found: dict[str, Key] = {}
    for file in sorted(Path(__file__).parent.glob("ch*.py")):
        found |= importlib.import_module(f"{__name__}.{file.stem}").KEYS
    return found

"""The judge against what a class may send: nothing stops it, nothing but right numbers is paid, and never too much."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders import check, judge, pieces
from graders.compare import array_item, text_item
from graders.exercises import exercises
from graders.keys import keys

SEED = 20_26
NAMES = [name for name in exercises() if name in keys()]
FIELDS = ("name", "kind", "dtype", "shape", "data", "text", "type")


@pytest.fixture(scope="module")
def entries() -> dict[str, dict[str, Any]]:
    """The key of every exercise, with the right predictions left out."""
    return {name: judge.make_key({name: {"items": exercises()[name].evidence(SEED).items}}, SEED)["exercises"][name]
            for name in NAMES}


def right(entry: dict[str, Any]) -> dict[str, Any]:
    return {"exercise": entry["exercise"], "items": [{k: i[k] for k in FIELDS if k in i} for i in entry["items"]]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["array", "text", "error", "float64"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=10,
)
POINTS = st.floats() | st.integers(-5, 10**400) | st.booleans() | st.sampled_from([np.float64(2.5), np.int64(3), np.float32(1)])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data(), points=POINTS, name=st.sampled_from(NAMES))
def test_any_change_to_right_evidence_gives_a_plain_number_within_the_points(data, points, name, entries):
    evidence = copy.deepcopy(right(entries[name]))
    for _ in range(data.draw(st.integers(0, 4))):
        item = data.draw(st.sampled_from(evidence["items"]))
        item[data.draw(st.sampled_from([*FIELDS, "weight", "credit", "points", "how", "options"]))] = data.draw(JSON)
    evidence["suspects"] = data.draw(st.dictionaries(st.sampled_from([i["name"] for i in entries[name]["items"]]), JSON) | JSON)
    evidence.update(data.draw(st.dictionaries(st.sampled_from(["score", "points", "version", "marks"]), JSON)))
    told = judge.verdict(evidence, entries[name], points)
    assert type(told.score) is float
    assert math.isfinite(told.score)
    assert 0 <= told.score <= max(0, points if points == points and points != math.inf else 0)
    assert told.lines
    assert all(type(line) is str for line in told.lines)
    assert all(type(line) is str for line in told.misconceptions)


def test_points_between_two_floats_are_not_exceeded(entries):
    points = 13810951565898919
    assert float(points) > points
    assert 0 < judge.verdict(right(entries["mul"]), entries["mul"], points).score <= points


def test_words_that_cannot_be_found_take_no_point_away(entries, monkeypatch):
    broken = lambda *a: 1 / 0
    for module, name in ((judge, "named"), (check, "lines"), (judge, "_blame")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, broken)
            told = judge.verdict(right(entries["mul"]), entries["mul"], 3)
            assert told.score == 3
            assert told.lines


def constants(item: dict[str, Any]) -> list[dict[str, Any]]:
    """What somebody may send who has not looked at the inputs."""
    name = item["name"]
    if item["kind"] == "array":
        shape = item["shape"]
        return [array_item(name, np.full(shape, value).astype(item["dtype"])) for value in (0, 1, -1, 2)] + [
            array_item(name, np.zeros(())), array_item(name, np.full(shape, np.nan)), array_item(name, np.full(shape, True))]
    lines = str(item.get("text", "")).splitlines() or [""]
    return [text_item(name, "\n".join([line] * len(lines))) for line in {*lines, "", "None", "True", "no error"}
            if len(set(lines)) > 1 or line not in lines]


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_is_never_right(name, entries):
    evidence = right(entries[name])
    for place, item in enumerate(evidence["items"]):
        for constant in constants(item):
            sent = {**evidence, "items": [constant]}
            told = judge.verdict(sent, entries[name], 1.0)
            assert told.score == 0.0, (place, item["name"], constant)


@pytest.mark.parametrize("value", [None, True, False, 0.0, 1.0, "", (), np.zeros((2, 3))], ids=repr)
@pytest.mark.parametrize("name", NAMES)
def test_a_piece_that_always_returns_the_same_earns_nothing(name, value, entries):
    made = {piece: lambda *a, **k: value for piece in exercises()[name].pieces}
    with pieces.standing(**made):
        items = exercises()[name].evidence(SEED).items
    told = judge.verdict({"exercise": name, "items": items}, entries[name], 1.0)
    assert told.score == 0.0, told.lines


@pytest.mark.parametrize("name", NAMES)
def test_what_a_student_receives_earns_nothing_when_it_is_handed_in_as_an_own_piece(name, entries):
    made = {piece: judge._received(piece) for piece in exercises()[name].pieces}
    with pieces.standing(**made):
        items = exercises()[name].evidence(SEED).items
    told = judge.verdict({"exercise": name, "items": items}, entries[name], 1.0)
    assert told.score == 0.0, told.lines
    assert judge.verdict(right(entries[name]), entries[name], 1.0).score == 1.0

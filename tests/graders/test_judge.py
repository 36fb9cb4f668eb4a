"""The judge never raises, never leaves [0, points], and gives nothing for what did not come from the drawn inputs."""

from __future__ import annotations

import copy
import json

import pytest
from chapter_text import CHAPTERS, SEEDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders import judge
from graders.compare import array_item, error_item, text_item
from graders.exercises import exercises

EXERCISES = [name for name, e in exercises().items() if e.chapter in CHAPTERS]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def entry(keys):
    return keys["grading"]["mul"]


def right(entry):
    fields = ("name", "kind", "dtype", "shape", "data", "text", "type")
    return {"exercise": entry["exercise"], "items": [{k: i[k] for k in fields if k in i} for i in entry["items"]]}


def test_the_keys_own_numbers_get_full_marks_for_any_points(entry):
    for points in (3, 2.5, 0, 0.1):
        verdict = judge.verdict(right(entry), entry, points)
        assert verdict.score == points
        assert type(verdict.score) is float
        assert all(line.startswith("✓") for line in verdict.lines)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(evidence=JSON)
def test_no_json_at_all_makes_the_judge_raise_or_pay(evidence, entry):
    for sent in (evidence, {"exercise": "mul", "items": evidence}, {"exercise": "mul", "items": [evidence]}):
        verdict = judge.verdict(sent, entry, 3.0)
        assert verdict.score == 0.0
        assert verdict.lines


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_broken_item_costs_that_item_and_no_more(data, entry):
    evidence = right(entry)
    broken = data.draw(st.sampled_from(evidence["items"]))
    broken[data.draw(st.sampled_from(["kind", "dtype", "shape", "data"]))] = data.draw(JSON)
    verdict = judge.verdict(evidence, entry, 3.0)
    assert 2.0 <= verdict.score <= 3.0
    assert sum(line.startswith("✓") for line in verdict.lines) >= len(entry["items"]) - 1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 1e308, 0.0])
def test_numbers_that_are_no_numbers_are_wrong(number, entry):
    evidence = right(entry)
    for item in evidence["items"]:
        if item["kind"] == "array" and item["shape"]:
            item.update(array_item(item["name"], [[number] * 3] * 2))
    verdict = judge.verdict(evidence, entry, 3.0)
    assert verdict.score == 0.0  # what remains right is a prediction, and a constant alone earns nothing


def test_missing_and_huge_evidence_and_nonsense_points(entry):
    huge = {"exercise": "mul", "items": [text_item(f"item {i}", "x" * 2000) for i in range(20_000)]}
    deep: list = []
    for _ in range(5_000):
        deep = [deep]
    for evidence in (
        None,
        [],
        {},
        {"exercise": "add", "items": []},
        huge,
        {"exercise": "mul", "items": deep},
        deep,
        object(),
    ):
        assert judge.verdict(evidence, entry, 3.0).score == 0.0
    for points in (float("nan"), float("inf"), -1.0):
        assert judge.verdict(right(entry), entry, points).score == 0.0


def test_evidence_of_another_exercise_is_worth_nothing(keys):
    assert judge.verdict(right(keys["grading"]["add"]), keys["grading"]["mul"], 3.0).score == 0.0


@pytest.mark.parametrize("name", EXERCISES)
def test_the_numbers_of_the_students_session_are_worth_nothing_on_other_inputs(name, keys):
    """Whoever sends the recorded numbers of their own session gets at most what is right by accident: nothing."""
    assert judge.verdict(right(keys["session"][name]), keys["grading"][name], 1.0).score == 0.0


@pytest.mark.parametrize("name", EXERCISES)
def test_every_item_but_the_predictions_depends_on_the_drawn_inputs(name, keys):
    other = {item["name"]: item for item in keys["session"][name]["items"]}
    for item in keys["grading"][name]["items"]:
        same = other.get(item["name"], {})
        fixed = all(item.get(k) == same.get(k) for k in ("kind", "dtype", "shape", "data", "text", "type"))
        assert fixed == item["constant"], item["name"]


def test_a_piece_that_was_never_built_is_said_to_be_missing(entry):
    verdict = judge.verdict(
        {"exercise": "mul", "items": [error_item("piece", type("NotBuilt", (Exception,), {})("mul"))]}, entry, 3
    )
    assert (verdict.score, verdict.lines) == (0.0, ["✗ mul is not built yet."])


@pytest.mark.parametrize("which", SEEDS)
def test_keys_are_json_and_the_same_each_time(which, chapters):
    for chapter in chapters.values():
        first, second = (json.dumps(chapter.key(SEEDS[which]), sort_keys=True) for _ in range(2))
        assert first == second


@pytest.mark.parametrize("which", SEEDS)
@pytest.mark.parametrize("name", EXERCISES)
def test_every_known_mistake_changes_something_and_no_two_change_the_same(name, which, keys):
    seen: dict[str, str] = {}
    for row in keys[which][name]["mistakes"]:
        assert row["items"], f"{row['name']} changes nothing"
        numbers = json.dumps(row["items"], sort_keys=True)
        assert seen.setdefault(numbers, row["name"]) == row["name"], (
            f"{row['name']} gives the numbers of {seen[numbers]}"
        )


def test_a_verdict_does_not_change_the_key_or_the_evidence(entry):
    evidence, key = right(entry), copy.deepcopy(entry)
    evidence["items"][0] = {"name": entry["items"][0]["name"], "kind": "text", "text": "no"}
    before = copy.deepcopy(evidence)
    judge.verdict(evidence, key, 3.0)
    assert evidence == before
    assert key == entry

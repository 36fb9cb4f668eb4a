"""Every known mistake is told as promised, and what a piece does to what it is given is noted as it happens."""

from __future__ import annotations

import re

import numpy as np
import pytest
from chapter_text import CHAPTERS, ROOT

from graders.compare import mark, score, text_item
from graders.diagnose import ANY_TEXT, named
from graders.exercises import See
from graders.keys import keys
from minigrad import inplace, tensors

ROWS = [(exercise, mistake) for exercise, key in keys().items() for mistake in key.mistakes]


def test_there_are_many_known_mistakes():
    assert len({mistake.name for _, mistake in ROWS}) >= 25


@pytest.mark.parametrize(("exercise", "mistake"), ROWS, ids=[f"{e}: {m.name}" for e, m in ROWS])
def test_a_hint_has_two_sentences(exercise, mistake):
    assert len(re.findall(r"[.?!](?=\s|$)", mistake.hint)) == 2, mistake.hint
    assert mistake.hint[-1] in ".?"


def test_the_section_to_reread_is_a_heading_of_the_chapter():
    text = "\n".join((ROOT / "solutions" / name / f"{name}.py").read_text(encoding="utf-8") for name in CHAPTERS)
    headings = {
        f"{number}, {title}" for number, title in re.findall(r"^# ## (Exercise \d) · (.*?)  ·", text, re.MULTILINE)
    }
    assert {mistake.reread for _, mistake in ROWS} <= headings


def test_what_is_expected_never_holds_an_error_that_nobody_asked_for(keys):
    for entry in [*keys["session"].values(), *keys["grading"].values()]:
        for item in entry["items"]:
            found = set(re.findall(r"\b\w+Error(?=:)", item.get("text", "")))
            assert found <= {"RuntimeError"}, (entry["exercise"], item["name"], item["text"])


# ---- what is done to what is handed in ------------------------------------------------------------------------------


def noted(work, memory=False, **given):
    see = See()
    see.mutation("handed in", {"a case": (work, given)}, memory)
    assert see.items[0]["guard"] is True
    return see.items[0]["text"]


def test_an_array_that_is_written_to_is_told_from_one_that_is_not():
    a, g = np.array([1.5, 2.0]), np.array([0.25, 4.0])
    assert noted(lambda a, g: g * a, a=a, g=g) == "a is as it was (1.5, ...); g is as it was (0.25, ...)"
    assert noted(lambda a, g: np.multiply(g, a, out=g), a=a, g=g) == "a is as it was (1.5, ...); g was written to"


def test_the_version_of_a_tensor_is_noted_before_and_after():
    x = tensors.wrap(np.array([1.5]))
    tensors.counter(x)[0] = 3
    assert noted(lambda x: x, x=x) == "x is as it was (1.5); version of x 3, then 3"
    assert noted(lambda x: inplace.write(x, x._array * 2), x=x) == "x was written to; version of x 3, then 4"


def test_shared_memory_is_told_from_a_copy_and_from_nothing():
    x = np.array([1.5, 2.5])
    for work, whose in (
        (lambda x: x[:1], "the memory of x"),
        (lambda x: x.copy(), "memory of its own"),
        (lambda x: None, "no memory at all"),
    ):
        assert noted(work, memory=True, x=x).endswith(f"what comes back has {whose}")


def test_a_report_says_in_words_what_was_written_to(keys, chapters, monkeypatch, capsys):
    from graders import check as checks

    monkeypatch.setattr(checks, "_recorded", lambda chapter: keys["session"])
    chapters["ch02"].build()
    chapters["ch02"].define("def mul(a, b, /):\n    def vjp(g):\n        g *= b\n        return g\n"
                            "    return a * b, vjp, lambda g: g * a")  # fmt: skip
    capsys.readouterr()
    assert checks.check("mul") < 3.0
    said = capsys.readouterr().out
    assert re.search(r"✗ what is handed in stays as it is: for the vjp of a, shape .*: expected g is as it was", said)
    assert "came g was written to (2 of 4 cases differ)." in said


def test_who_does_nothing_is_not_paid_for_leaving_everything_alone(keys):
    entry = keys["session"]["mul"]
    guards = [item for item in entry["items"] if item.get("guard")]
    assert guards
    assert score(mark(guards, entry), 3.0) == 0.0
    full = mark(entry["items"], entry)
    assert score(full, 3.0) == 3.0
    without = [item for item in entry["items"] if not item.get("guard")]
    assert 2.0 < score(mark(without, entry), 3.0) < 3.0


def test_a_text_that_may_be_anything_stands_for_one_line(keys):
    entry = keys["session"]["leaf"]
    [row] = [row for row in entry["mistakes"] if row["name"] == "the refusal has a text of its own"]
    [(name, item)] = row["items"].items()
    assert ANY_TEXT in item["text"]
    items = [item if item["name"] != name else text_item(name, row["items"][name]["text"].replace(ANY_TEXT, "Floats only!"))
             for item in entry["items"]]  # fmt: skip
    assert [mistake.name for mistake in named(mark(items, entry), entry)] == ["the refusal has a text of its own"]


def test_errors_of_one_type_alone_are_no_proof_of_a_mistake(keys):
    """g @ b for a non-square b stops with ValueError, and so do many other things."""
    entry = keys["session"]["mm"]
    items = [dict(item) for item in entry["items"]]
    for item in items:
        if item["name"].endswith("gradient for A"):
            item.update(kind="error", type="ValueError", text="something else altogether")
    assert named(mark(items, entry), entry) == []

"""The graders are graded: right solutions that look unlike ours get full marks, wrong ones are caught and named.

Every solution of the bank runs through the real check cells, on the session's inputs and on others.
"""

from __future__ import annotations

import ast
import importlib

import pytest
from chapter_text import CHAPTERS, SEEDS

from graders import check, judge
from graders.exercises import exercises

BANK = {name: importlib.import_module(f"bank.{name}") for name in CHAPTERS}
RIGHT = [(c, e, s) for c, bank in BANK.items() for e, sources in bank.RIGHT.items() for s in sources]
WRONG = [(c, e, m, s) for c, bank in BANK.items() for e, rows in bank.WRONG.items() for m, ss in rows.items() for s in ss]


def verdicts(chapter, keys, which, monkeypatch, capsys):
    """What the judge says of every exercise of the chapter, from what its check cells send."""
    sent = {}
    monkeypatch.setenv("MINIGRAD_GRADING", f'{{"seed": {SEEDS[which]}}}')
    monkeypatch.setattr(
        check,
        "send",
        lambda name, items, suspects=None: sent.update({name: {"exercise": name, "items": items, "suspects": suspects}}),
    )
    for name in chapter.checks:
        assert check.check(name) is None
    assert capsys.readouterr().err == ""
    return {name: judge.verdict(sent[name], keys[which][name], keys[which][name]["points"]) for name in chapter.checks}


@pytest.mark.parametrize("which", SEEDS)
@pytest.mark.parametrize("name", CHAPTERS)
def test_the_solution_gets_full_marks(name, which, chapters, keys, monkeypatch, capsys):
    chapters[name].build()
    for exercise, verdict in verdicts(chapters[name], keys, which, monkeypatch, capsys).items():
        assert verdict.score == keys[which][exercise]["points"], verdict.lines


@pytest.mark.parametrize("which", SEEDS)
@pytest.mark.parametrize(("name", "exercise", "source"), RIGHT, ids=[f"{e}-{i}" for i, (_, e, _) in enumerate(RIGHT)])
def test_a_right_solution_that_looks_unlike_ours_gets_full_marks(
    name, exercise, source, which, chapters, keys, monkeypatch, capsys
):
    chapters[name].build()
    chapters[name].define(source)
    for other, verdict in verdicts(chapters[name], keys, which, monkeypatch, capsys).items():
        assert verdict.score == keys[which][other]["points"], (other, verdict.lines)
        assert verdict.misconceptions == []


@pytest.mark.parametrize("which", SEEDS)
@pytest.mark.parametrize(("name", "exercise", "mistake", "source"), WRONG, ids=[f"{e}: {m}" for _, e, m, _ in WRONG])
def test_a_wrong_solution_loses_points_on_its_own_exercise_only_and_its_mistake_is_named(
    name, exercise, mistake, source, which, chapters, keys, monkeypatch, capsys, record_property
):
    chapters[name].build()
    chapters[name].define(source)
    for other, verdict in verdicts(chapters[name], keys, which, monkeypatch, capsys).items():
        if other == exercise:
            caught = verdict.score < keys[which][other]["points"]
            record_property("bank", (exercise, caught, mistake in verdict.misconceptions[:1]))
            assert verdict.score < keys[which][other]["points"]
            assert mistake in verdict.misconceptions[:1], (verdict.misconceptions, verdict.lines)
        else:
            assert verdict.score == keys[which][other]["points"], (other, verdict.lines)


def test_every_exercise_has_five_wrong_and_two_right_solutions_in_the_bank():
    for name, exercise in exercises().items():
        bank = BANK[exercise.chapter]
        assert sum(map(len, bank.WRONG[name].values())) >= 5, name
        assert len(bank.RIGHT[name]) >= 2, name


@pytest.mark.parametrize(
    "constant", ["True", "False", "0.0", "1.0", "None", "[]", "'MulBackward0'", "np.zeros((2, 3))"]
)
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_constant_earns_nothing(name, constant, chapters, keys, monkeypatch, capsys):
    chapter = chapters[name]
    chapter.build()
    for function in chapter.functions.values():
        chapter.define(f"{_header(function)}\n    return {constant} if 1 else 0")
    for exercise, verdict in verdicts(chapter, keys, "grading", monkeypatch, capsys).items():
        assert verdict.score == 0.0, (exercise, verdict.lines)


def _header(function):
    bare = ast.FunctionDef(function.name, function.args, [ast.Pass()], [], None, None)
    return ast.unparse(ast.fix_missing_locations(bare)).removesuffix("\n    pass")


FINITE = """
def {name}(a, /{more}):
    def value(a):
        return {value}
    def back(g):
        slope = np.zeros(np.shape(a))
        for i in np.ndindex(np.shape(a)):
            h = np.zeros(np.shape(a))
            h[i] = 1e-5
            slope[i] = np.sum(g * (value(a + h) - value(a - h))) / 2e-5
        return slope
    return value(a), back
"""


@pytest.mark.parametrize(
    ("exercise", "functions"),
    [
        ("log_and_pow", [("log", "", "np.log(a)"), ("pow", ", exponent", "a ** exponent")]),
        ("norm", [("norm", "", "np.sqrt((a * a).sum())")]),
    ],
)
def test_small_steps_in_place_of_a_formula_are_worth_half_of_the_points(
    exercise, functions, chapters, keys, monkeypatch, capsys
):
    chapter = chapters["ch04"]
    chapter.build()
    for name, more, value in functions:
        chapter.define(FINITE.format(name=name, more=more, value=value))
    verdict = verdicts(chapter, keys, "grading", monkeypatch, capsys)[exercise]
    assert verdict.score == keys["grading"][exercise]["points"] / 2, verdict.lines
    assert any("this looks like a finite difference, which is worth 0.5 of this line" in line for line in verdict.lines)
    assert verdict.misconceptions == []

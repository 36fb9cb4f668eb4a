"""The whole chain with stock nbgrader, once: release, grade, feedback, export; then the exact gradebook of a class.

The class is that of `make demo` and beside it the accidents that were seen to lose scores or stop a batch.
"""

from __future__ import annotations

import copy
import csv
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from graders import demo
from graders.bundle import ROOT
from graders.demo import cell_of

CHAPTER = "ch02"
FULL = {"check-add": 2.0, "check-mul": 3.0, "check-record": 4.0, "check-is_leaf": 2.0}
NONE = dict.fromkeys(FULL, 0.0)


def added(nb: NotebookNode, grade_id: str, line: str) -> NotebookNode:
    """A copy of a notebook with one more line in front of an answer."""
    nb = copy.deepcopy(nb)
    cell = cell_of(nb, grade_id)
    cell.source = f"{line}\n{cell.source}"
    return nb


def accidents() -> Iterator[tuple[str, NotebookNode, dict[str, float]]]:
    """What goes wrong in a class: name, submission, and the score that it must still get."""
    perfect = demo.solved(CHAPTER)
    but_mul = FULL | {"check-mul": 0.0}
    yield "ends-process", added(perfect, "mul", "import os; os._exit(0)"), but_mul
    stubborn = ("import time\nwhile True:\n    try:\n        while True: time.sleep(0.01)\n"
                "    except BaseException: print('no')")
    yield "refuses-to-stop", added(perfect, "mul", stubborn), but_mul
    yield "floods", added(perfect, "mul", "for i in range(30): print('x' * 1_000_000)"), FULL
    # Then every result looks like a leaf, and the next exercise fails through no fault of its own.
    forgets = demo.change(perfect, "record", "    result._grad_fn = node\n", "")
    yield "forgets-the-maker", forgets, FULL | {"check-record": 0.0}
    warning = "import sys, warnings; print('careful', file=sys.stderr); warnings.warn('careful')"
    yield "warns", demo.change(added(perfect, "mul", warning), "mul", "    return", f"    {warning}\n    return"), FULL

    nb = copy.deepcopy(perfect)
    check, answer = copy.deepcopy(cell_of(nb, "check-mul")), copy.deepcopy(cell_of(nb, "mul"))
    check.id, answer.id = "a-copy", "another-copy"
    nb.cells = [answer, *nb.cells, check]
    yield "duplicates-cells", nb, FULL
    nb = copy.deepcopy(perfect)
    nb.cells.remove(cell_of(nb, "check-mul"))
    yield "deletes-a-check", nb, FULL
    nb = copy.deepcopy(perfect)
    answer = cell_of(nb, "mul")
    nb.cells.remove(answer)
    nb.cells.remove(cell_of(nb, "check-mul"))
    nb.cells.append(new_code_cell(answer.source))
    yield "rewrites-elsewhere", nb, FULL
    nb = copy.deepcopy(demo.released(CHAPTER))
    cell_of(nb, "check-mul").source = "100.0"
    cell_of(nb, "check-mul").metadata.nbgrader.points = 100
    yield "edits-a-check", nb, NONE
    nb = copy.deepcopy(perfect)
    cell_of(nb, "mul").metadata.nbgrader.schema_version = 99
    cell_of(nb, "add").metadata.nbgrader.schema_version = 1
    cell_of(nb, "record").metadata.nbgrader["own"] = "idea"
    yield "odd-metadata", nb, FULL
    nb = copy.deepcopy(perfect)
    nb.metadata.kernelspec = {"name": "my-own", "display_name": "Mine"}
    yield "own-kernel", nb, FULL


# Bytes that are no notebook, with what the feedback says of them.
UNREADABLE = {"corrupt": (b'{"cells": [', "NotJSONError"), "empty": (b"", "NotJSONError"),
              "binary": (b"\xff\xfe\x00\x01", "UnicodeDecodeError"), "odd-json": (b"[1, 2]", "could not be read")}


@pytest.fixture(scope="module")
def graded(tmp_path_factory, bubblewrap) -> SimpleNamespace:
    """The class, graded: its folder, the expected scores, and how each command ended."""
    course = tmp_path_factory.mktemp("course")
    (course / "solutions" / CHAPTER).mkdir(parents=True)
    for path in (ROOT / "solutions" / CHAPTER).iterdir():
        (course / "solutions" / CHAPTER / path.name).write_bytes(path.read_bytes())
    expected: dict[str, dict[str, float | None]] = {}
    for student, nb in demo.submissions(CHAPTER):
        demo.hand_in(course, student, CHAPTER, nb)
    for student, nb, scores in accidents():
        demo.hand_in(course, student, CHAPTER, nb)
        expected[student] = scores
    for student, (data, _) in UNREADABLE.items():
        (course / "submitted" / student / CHAPTER).mkdir(parents=True)
        (course / "submitted" / student / CHAPTER / f"{CHAPTER}.ipynb").write_bytes(data)
        expected[student] = NONE
    (course / "submitted" / "misnamed" / CHAPTER).mkdir(parents=True)
    nbformat.write(demo.solved(CHAPTER), course / "submitted" / "misnamed" / CHAPTER / "Chapter 2 (1).ipynb")
    run = SimpleNamespace(course=course, expected=expected)
    run.release = demo.nbgrader(course, "generate_assignment", CHAPTER)
    run.autograde = demo.nbgrader(course, "autograde", CHAPTER, "--Run.timeout=8")
    run.feedback = demo.nbgrader(course, "generate_feedback", CHAPTER)
    run.export = demo.nbgrader(course, "export", f"--to={course / 'grades.csv'}")
    run.book = demo.gradebook(course, CHAPTER)
    return run


def feedback(run: SimpleNamespace, student: str) -> str:
    """A student's feedback page as plain text."""
    page = (run.course / "feedback" / student / CHAPTER / f"{CHAPTER}.html").read_text()
    return re.sub(r"<[^>]+>", "", page)


def cell_of_graded(run: SimpleNamespace, student: str, grade_id: str) -> NotebookNode:
    """A cell of a graded notebook."""
    path = run.course / "autograded" / student / CHAPTER / f"{CHAPTER}.ipynb"
    return cell_of(nbformat.read(path, as_version=4), grade_id)


def test_the_gradebook_is_exactly_this(graded):
    assert graded.book == {
        "perfect": FULL,
        "blank": NONE,
        "mistake-1": FULL | {"check-add": 0.0},
        "mistake-2": FULL | {"check-mul": 0.0},
        "mistake-3": FULL | {"check-record": 3.0},
        "mistake-4": FULL | {"check-is_leaf": 0.0},
        "syntax-error": FULL | {"check-add": 0.0},
        "endless-loop": FULL | {"check-mul": 0.0},
        "misnamed": dict.fromkeys(FULL),
        **graded.expected,
    }


def test_every_command_ends_well_and_grading_reports_the_one_that_it_could_not_grade(graded):
    assert [graded.release.returncode, graded.feedback.returncode, graded.export.returncode] == [0, 0, 0]
    assert graded.autograde.returncode == 1
    said = graded.autograde.stderr
    assert "holds Chapter 2 (1).ipynb but no ch02.ipynb" in said
    assert re.findall(r"error processing assignment 'ch02' for student '(.*)'", said) == ["misnamed"]
    assert "ends-process: The cell `mul` ended the notebook's process (exit status 0); later cells were not run." in said
    assert "floods: The cell `mul` went over the notebook's 1,000,000 bytes of text; the rest was dropped." in said
    assert "UNPROTECTED" not in said


def test_a_flood_of_output_leaves_a_small_notebook(graded):
    assert (graded.course / "autograded" / "floods" / CHAPTER / f"{CHAPTER}.ipynb").stat().st_size < 1_200_000


@pytest.mark.parametrize("student", UNREADABLE)
def test_feedback_says_why_a_file_could_not_be_read(graded, student):
    assert "This file could not be read as a notebook" in feedback(graded, student)
    assert UNREADABLE[student][1] in feedback(graded, student)


def test_feedback_explains_a_mistake_in_words(graded):
    page = feedback(graded, "mistake-2")
    assert "This is what comes when the gradients of the two inputs are swapped." in page
    assert max(map(len, cell_of_graded(graded, "mistake-2", "check-mul").outputs[0].text.split("\n"))) <= 100
    assert "Score: 0.0 / 3.0" in page


def test_feedback_holds_no_number_of_another_student_and_no_evidence(graded):
    page = (graded.course / "feedback" / "perfect" / CHAPTER / f"{CHAPTER}.html").read_text()
    assert "vnd.minigrad.evidence" not in page
    notebook = graded.course / "autograded" / "perfect" / CHAPTER / f"{CHAPTER}.ipynb"
    assert "vnd.minigrad.evidence" not in notebook.read_text()


def test_the_export_holds_everybody(graded):
    with (graded.course / "grades.csv").open() as file:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert rows == {student: sum(score or 0.0 for score in scores.values()) for student, scores in graded.book.items()}


def test_the_release_holds_nothing_but_the_students_notebook(graded):
    assert [path.name for path in (graded.course / "course" / CHAPTER).iterdir()] == [f"{CHAPTER}.ipynb"]


def test_grading_again_gives_the_same_grades_also_while_another_program_holds_the_gradebook(graded):
    before = demo.gradebook(graded.course, CHAPTER)
    verdict = cell_of_graded(graded, "mistake-2", "check-mul").outputs
    with sqlite3.connect(graded.course / "gradebook.db", isolation_level=None, check_same_thread=False) as book:
        book.execute("BEGIN EXCLUSIVE")
        threading.Timer(15, book.rollback).start()
        started = time.monotonic()
        done = demo.nbgrader(graded.course, "autograde", CHAPTER, "--force", "--student=mistake-2")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started > 15
    assert demo.gradebook(graded.course, CHAPTER) == before
    assert cell_of_graded(graded, "mistake-2", "check-mul").outputs == verdict


def test_the_key_is_beside_the_gradebook_and_not_among_what_students_get_back(graded):
    assert (graded.course / ".grading" / CHAPTER / "key.json").exists()
    assert not list(graded.course.glob("autograded/**/*.json")) + list(graded.course.glob("feedback/**/*.json"))


@pytest.fixture
def small(tmp_path):
    """A course with one submission."""
    (tmp_path / "solutions" / CHAPTER).mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / CHAPTER / f"{CHAPTER}.ipynb", tmp_path / "solutions" / CHAPTER)
    demo.hand_in(tmp_path, "perfect", CHAPTER, demo.solved(CHAPTER))
    assert demo.nbgrader(tmp_path, "generate_assignment", CHAPTER).returncode == 0
    return tmp_path


@pytest.mark.slow
def test_without_isolation_stock_grading_stops_at_once_unless_it_is_told_to_go_on(small, monkeypatch):
    monkeypatch.setenv("PATH", str(small))  # no bwrap there
    refused = demo.nbgrader(small, "autograde", CHAPTER)
    assert refused.returncode != 0
    assert "bubblewrap" in refused.stderr
    assert "--Run.unsafe=True" in refused.stderr
    assert not list(small.glob("autograded/*/*"))
    unsafe = demo.nbgrader(small, "autograde", CHAPTER, "--Run.unsafe=True")
    assert unsafe.returncode == 0, unsafe.stderr
    assert "UNPROTECTED" in unsafe.stderr
    assert demo.gradebook(small, CHAPTER) == {"perfect": FULL}


def test_what_was_handed_in_as_outputs_is_never_graded(small):
    done = demo.nbgrader(small, "autograde", CHAPTER, "--no-execute")
    assert done.returncode != 0
    assert "cannot be graded --no-execute" in done.stderr
    assert set(demo.gradebook(small, CHAPTER)["perfect"].values()) == {None}

"""A cell that a person grades goes through stock nbgrader as ever: what the machine knows, what the person wrote, stays."""

from __future__ import annotations

import copy
import re
from types import SimpleNamespace

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook

from graders import demo
from graders.bundle import ROOT
from graders.demo import cell_of

pytestmark = pytest.mark.slow

CHAPTER, EXPLAIN, OTHER = "ch02", "explain-record", "other-test"


def question() -> NotebookNode:
    """A question that is answered in words, worth 5 points, as an instructor adds it to the solution notebook."""
    meta = {"grade": True, "grade_id": EXPLAIN, "locked": False, "points": 5, "schema_version": 3, "solution": True,
            "task": False}
    text = ("Why do edges point from a result to its inputs?\n\n"
            "### BEGIN SOLUTION\nThe walk starts at the result.\n### END SOLUTION")
    return new_markdown_cell(text, metadata={"nbgrader": meta})


def answered(nb: NotebookNode, text: str) -> NotebookNode:
    nb = copy.deepcopy(nb)
    cell_of(nb, EXPLAIN).source = text
    return nb


@pytest.fixture(scope="module")
def run(tmp_path_factory, bubblewrap) -> SimpleNamespace:
    """A course whose chapter 02 has one such question; released, handed in by three students, graded."""
    course = tmp_path_factory.mktemp("course")
    solution = nbformat.read(ROOT / "solutions" / CHAPTER / f"{CHAPTER}.ipynb", as_version=4)
    place = solution.cells.index(cell_of(solution, "check-record"))
    solution.cells.insert(place + 1, question())
    other = copy.deepcopy(cell_of(solution, "check-record"))
    other.source, other.id, other.metadata.nbgrader.grade_id = 'assert "always true"', OTHER, OTHER
    solution.cells.append(other)
    (course / "solutions" / CHAPTER).mkdir(parents=True)
    nbformat.write(solution, course / "solutions" / CHAPTER / f"{CHAPTER}.ipynb")
    released = demo.nbgrader(course, "generate_assignment", CHAPTER)
    assert released.returncode == 0, released.stderr
    nb = nbformat.read(course / "course" / CHAPTER / f"{CHAPTER}.ipynb", as_version=4)
    assert "The walk starts" not in cell_of(nb, EXPLAIN).source
    demo.hand_in(course, "answers", CHAPTER, answered(nb, "So that *backward* finds them. <script>alert(1)</script>"))
    demo.hand_in(course, "leaves-it", CHAPTER, nb)
    without = copy.deepcopy(nb)
    without.cells.remove(cell_of(without, EXPLAIN))
    demo.hand_in(course, "deletes-it", CHAPTER, without)
    ends = copy.deepcopy(nb)
    cell_of(ends, "is_leaf").source = "import os; os._exit(0)"
    demo.hand_in(course, "ends", CHAPTER, ends)
    graded = demo.nbgrader(course, "autograde", CHAPTER)
    assert graded.returncode == 0, graded.stderr
    return SimpleNamespace(course=course)


def grades(run: SimpleNamespace) -> dict[str, tuple[float | None, float | None, bool, float]]:
    """Student -> what the machine gave, what a person gave, whether a person must look, the score of the cell."""
    found = {}
    with Gradebook(f"sqlite:///{run.course / 'gradebook.db'}") as book:
        for submission in book.assignment_submissions(CHAPTER):
            grade = book.find_grade(EXPLAIN, CHAPTER, CHAPTER, submission.student.id)
            found[submission.student.id] = (grade.auto_score, grade.manual_score, grade.needs_manual_grade, grade.score)
    return found


def test_an_answer_waits_for_a_person_and_an_untouched_one_is_worth_nothing(run):
    assert grades(run) == {"answers": (None, None, True, 0.0), "leaves-it": (0.0, None, False, 0.0),
                           "deletes-it": (0.0, None, False, 0.0), "ends": (0.0, None, False, 0.0)}


def test_what_a_person_gave_outlives_grading_again_and_reaches_the_feedback(run):
    with Gradebook(f"sqlite:///{run.course / 'gradebook.db'}") as book:
        grade = book.find_grade(EXPLAIN, CHAPTER, CHAPTER, "answers")
        grade.manual_score, grade.needs_manual_grade = 4.0, False
        book.find_comment(EXPLAIN, CHAPTER, CHAPTER, "answers").manual_comment = "Nearly."
        book.db.commit()
    again = demo.nbgrader(run.course, "autograde", CHAPTER, "--force", "--student=answers")
    assert again.returncode == 0, again.stderr
    assert grades(run)["answers"] == (None, 4.0, True, 4.0)  # nbgrader asks the person to look again
    feedback = demo.nbgrader(run.course, "generate_feedback", CHAPTER)
    assert feedback.returncode == 0, feedback.stderr
    page = (run.course / "feedback" / "answers" / CHAPTER / f"{CHAPTER}.html").read_text()
    assert re.search(r"Score: 4.0 / 5.0", re.sub(r"<[^>]+>", "", page))
    assert "Nearly." in page
    assert "alert(1)</script>" not in page


def test_the_rest_of_the_chapter_is_graded_as_without_it(run):
    book = demo.gradebook(run.course, CHAPTER)
    assert {name: score for name, score in book["leaves-it"].items() if name.startswith("check-")} == {
        "check-add": 0.0, "check-mul": 0.0, "check-record": 0.0, "check-is_leaf": 0.0}


def test_a_graded_code_cell_of_another_kind_that_was_not_reached_earns_nothing(run):
    """nbgrader would give it all of its points, for it shows no error."""
    book = demo.gradebook(run.course, CHAPTER)
    assert (book["leaves-it"][OTHER], book["ends"][OTHER]) == (4.0, 0.0)

"""`python -m graders report`: what the class got wrong, told alike whichever command graded it, and readable on a phone."""

from __future__ import annotations

import csv
import re
import shutil

import pytest

from graders import demo
from graders.__main__ import main
from graders.bundle import ROOT
from graders.report import Class, Student, as_page, as_table, read

pytestmark = pytest.mark.slow

CHAPTER = "ch02"
SWAPPED = "the gradients of the two inputs are swapped"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A small class, graded by our command but for one student, whom stock nbgrader graded again."""
    course = tmp_path_factory.mktemp("course")
    (course / "solutions" / CHAPTER).mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / CHAPTER / f"{CHAPTER}.ipynb", course / "solutions" / CHAPTER)
    perfect = demo.solved(CHAPTER)
    swapped = demo.change(perfect, "mul", *demo.MISTAKES[CHAPTER]["mul"])
    for student in ("swaps", "swaps-too"):
        demo.hand_in(course, student, CHAPTER, swapped)
    demo.hand_in(course, "perfect", CHAPTER, perfect)
    demo.hand_in(course, "blank", CHAPTER, demo.released(CHAPTER))
    (course / "submitted" / "corrupt" / CHAPTER).mkdir(parents=True)
    (course / "submitted" / "corrupt" / CHAPTER / f"{CHAPTER}.ipynb").write_text("{not a notebook")
    (course / "submitted" / "misnamed" / CHAPTER).mkdir(parents=True)
    (course / "submitted" / "misnamed" / CHAPTER / "Untitled.ipynb").write_text("{}")
    isolated = [] if shutil.which("bwrap") else ["--unsafe"]
    assert demo.nbgrader(course, "generate_assignment", CHAPTER).returncode == 0
    assert main(["autograde", CHAPTER, *isolated, f"--CourseDirectory.root={course}"]) == 0
    unsafe = ["--Run.unsafe=True"] if isolated else []
    again = demo.nbgrader(course, "autograde", CHAPTER, "--student=swaps-too", "--force", *unsafe)
    assert again.returncode == 0, again.stderr
    return course


@pytest.fixture(scope="module")
def files(course):
    assert main(["report", CHAPTER, "-o", str(course / "reports"), f"--CourseDirectory.root={course}"]) == 0
    return course / "reports" / f"{CHAPTER}.html", course / "reports" / f"{CHAPTER}.csv"


def test_the_table_has_a_row_for_each_student_with_the_scores_of_the_gradebook(course, files):
    rows = {row["student"]: row for row in csv.DictReader(files[1].open(newline="", encoding="utf-8"))}
    book = demo.gradebook(course, CHAPTER)
    assert set(rows) == set(book)
    for student, scores in book.items():
        assert {part: float(rows[student][part]) for part in scores} == {part: s or 0.0 for part, s in scores.items()}
    assert (rows["perfect"]["state"], rows["perfect"]["score"], rows["perfect"]["points"]) == ("graded", "11.0", "11.0")
    assert (rows["misnamed"]["state"], rows["misnamed"]["score"]) == ("not graded", "")
    assert "could not be read as a notebook" in rows["corrupt"]["troubles"]
    assert float(rows["perfect"]["seconds"]) > 0


def test_a_misconception_is_counted_alike_whichever_command_graded(course, files):
    students = {student.name: student for student in read(CHAPTER, [f"--CourseDirectory.root={course}"]).students}
    for student in ("swaps", "swaps-too"):
        assert students[student].misconceptions == {"mul": [SWAPPED]}
    assert students["perfect"].misconceptions == students["blank"].misconceptions == {}
    page = files[0].read_text(encoding="utf-8")
    [item] = re.findall(r"<li>(?:(?!</li>).)*swapped.*?</li>", page, re.DOTALL)
    assert '<b class="count">2</b>' in item
    assert "swaps, swaps-too" in item
    assert "Exercise 2, Multiply" in item


def test_the_page_is_one_file_without_scripts_that_says_who_could_not_be_graded(files):
    page = files[0].read_text(encoding="utf-8")
    assert "<script" not in page
    assert re.findall(r"""(?:src|href)=["'](?!#)[^"']+""", page) == []
    assert "5 of 6 students are graded." in page
    assert "misnamed" in page
    assert "there is no ch02.ipynb, but Untitled.ipynb" in page


def nasty() -> Class:
    """A class in which every text is as long, and as rude, as it can be."""
    rude = "<img src=x onerror=alert(1)>" + "W" * 80
    mistakes = {"mul": [SWAPPED], "add": ["the upstream gradient g is not used"]}
    parts = {"check-add": 2.0, "check-mul": 3.0, "check-record": 4.0, "check-is_leaf": 2.0, "an-essay-with-a-name": 3.0}
    students = [Student(f"{rude}{i}", i / 3, {"check-add": i % 3}, mistakes, [rude * 8], float(i)) for i in range(40)]
    return Class(CHAPTER, 14.0, parts, [*students, Student("=1+2", troubles=["@cmd"])])


def test_what_students_chose_is_shown_as_text():
    page = as_page(nasty())
    assert "<img" not in page
    assert "&lt;img src=x" in page
    table = list(csv.reader(as_table(nasty()).splitlines()))
    assert table[-1][0] == "'=1+2"
    assert "'@cmd" in table[-1]


def test_a_class_without_a_grade_and_one_without_a_mistake_have_a_page_too():
    assert "0 of 1 students are graded." in as_page(Class(CHAPTER, 2.0, {"check-add": 2.0}, [Student("a")]))
    page = as_page(Class(CHAPTER, 2.0, {"check-add": 2.0}, [Student("a", 2.0, {"check-add": 2.0})]))
    assert "No known mistake was recognised." in page


def test_a_chapter_that_was_never_graded_is_said_to_be_unknown(tmp_path, capsys):
    assert main(["report", "ch01", "-o", str(tmp_path), f"--CourseDirectory.root={tmp_path}"]) == 1
    assert "does not know ch01. Grade it first: python -m graders autograde ch01" in capsys.readouterr().err


@pytest.mark.browser
@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_needs_no_sideways_scrolling_and_its_letters_are_large_enough(width, browser, tmp_path):
    pytest.importorskip("playwright.sync_api")
    page_file = tmp_path / "report.html"
    page_file.write_text(as_page(nasty()), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(page_file.as_uri())
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = page.evaluate("[...document.querySelectorAll('body *')].map(e => e.getBoundingClientRect().right)")
    assert max(boxes) <= width
    # A picture's letters are outlines: 9 points or more in the file, so at least 11 pixels where it is not scaled down.
    scales = page.evaluate(
        "[...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().width / s.viewBox.baseVal.width)"
    )
    assert len(scales) == 2
    assert min(scales) >= 11 / 9
    page.close()

"""A small made-up class, graded from release to feedback in a course folder of its own (what `make demo` runs).

The class is also what the tests of the pipeline grade: `solved` and `change` make a submission out of the two notebooks
of a chapter. Everything else here calls the commands that an instructor would.
"""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from graders.bundle import ROOT

FOLDER = ROOT / "demo"
CHAPTERS = ("ch01", "ch02")
CELL_SECONDS = 3

# For each exercise a wrong answer that many people give: what of the right answer is replaced, and by what.
MISTAKES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "ch01": {
        "can_require_grad": ('dtype.kind == "f"', 'dtype.kind != "b"'),
        "leaf": ("if requires_grad and not graph", "if not graph"),
        "requires_grad_": ("if requires_grad and not graph", "if not graph"),
        "any_requires_grad": ("for x in inputs:", "for x in inputs[:1]:"),
    },
    "ch02": {
        "add": ("lambda g: g, lambda g: g", "lambda g: g * b, lambda g: g * a"),
        "mul": ("lambda g: g * b, lambda g: g * a", "lambda g: g * a, lambda g: g * b"),
        "record": ("for x in inputs", "for x in reversed(inputs)"),
        "is_leaf": ("self.grad_fn is None", "self.requires_grad"),
    },
}


def cell_of(nb: NotebookNode, grade_id: str) -> NotebookNode:
    """The cell of a notebook that nbgrader knows under this id. Raises LookupError when there is none."""
    for cell in nb.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id:
            return cell
    raise LookupError(f"there is no cell {grade_id!r} in this notebook")


def released(chapter: str) -> NotebookNode:
    """The student's notebook of a chapter, as it is handed out: a blank submission."""
    return nbformat.read(ROOT / "course" / chapter / f"{chapter}.ipynb", as_version=4)


def solved(chapter: str) -> NotebookNode:
    """The student's notebook with the reference's answer in every answer cell: a perfect submission."""
    nb = released(chapter)
    solution = nbformat.read(ROOT / "solutions" / chapter / f"{chapter}.ipynb", as_version=4)
    for cell in nb.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            answer = cell_of(solution, cell.metadata.nbgrader.grade_id).source
            cell.source = "\n".join(line for line in answer.split("\n") if " SOLUTION" not in line)
    return nb


def change(nb: NotebookNode, grade_id: str, old: str, new: str) -> NotebookNode:
    """A copy of a notebook in which one cell reads `new` for `old`. Raises LookupError when `old` is not in it once."""
    nb = copy.deepcopy(nb)
    cell = cell_of(nb, grade_id)
    if cell.source.count(old) != 1:
        raise LookupError(f"{old!r} is {cell.source.count(old)} times in the cell {grade_id}, needs to be once")
    cell.source = cell.source.replace(old, new)
    return nb


def submissions(chapter: str) -> Iterator[tuple[str, NotebookNode]]:
    """The class: name of the student, what this student hands in."""
    perfect = solved(chapter)
    yield "perfect", perfect
    yield "blank", released(chapter)
    for number, (grade_id, (old, new)) in enumerate(MISTAKES[chapter].items(), 1):
        yield f"mistake-{number}", change(perfect, grade_id, old, new)
    first, second = list(MISTAKES[chapter])[:2]
    yield "syntax-error", change(perfect, first, "def ", "def def ")
    yield "endless-loop", change(perfect, second, "@piece", "n = 1\nwhile n > 0:\n    n = n + 1\n\n@piece")


def hand_in(course: Path, student: str, chapter: str, nb: NotebookNode) -> None:
    """Put a submission where nbgrader collects it."""
    folder = course / "submitted" / student / chapter
    folder.mkdir(parents=True)
    nbformat.write(nb, folder / f"{chapter}.ipynb")


def nbgrader(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a stock nbgrader command on the course in the folder `course`, with this repository's configuration."""
    command = [sys.executable, "-m", "nbgrader", *arguments, f"--CourseDirectory.root={course}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def gradebook(course: Path, chapter: str) -> dict[str, dict[str, float | None]]:
    """What the gradebook says: student -> grade id -> score that autograding gave (None where it gave none)."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        return {submission.student.id: {grade.name: grade.auto_score
                                        for notebook in submission.notebooks for grade in notebook.grades}
                for submission in book.assignment_submissions(chapter)}


def recognised(course: Path, chapter: str) -> Iterator[tuple[str, str]]:
    """The known mistakes that the feedback of a graded class names: student, mistake."""
    for path in sorted(course.glob(f"autograded/*/{chapter}/{chapter}.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                text = " ".join(output.get("text", "").split())
                for mistake in re.findall(r"This is what comes when (.*?)\. ", text):
                    yield path.parts[-3], mistake


def main() -> int:
    """Release, grade and write feedback; show a table of scores and where the feedback is. Return the exit status."""
    started = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    shown = FOLDER.relative_to(ROOT)
    for chapter in CHAPTERS:
        (FOLDER / "solutions" / chapter).mkdir(parents=True)
        shutil.copy(ROOT / "solutions" / chapter / f"{chapter}.ipynb", FOLDER / "solutions" / chapter)
        for student, nb in submissions(chapter):
            hand_in(FOLDER, student, chapter, nb)
    print(f"A class of {len(list((FOLDER / 'submitted').iterdir()))} has handed in "
          f"{len(CHAPTERS)} chapters in {shown}/submitted.")
    isolated = [] if shutil.which("bwrap") else ["--unsafe"]  # this class is our own work
    for chapter in CHAPTERS:
        for program, *step in (["nbgrader", "generate_assignment", chapter],
                               ["graders", "autograde", chapter, f"--Run.timeout={CELL_SECONDS}", *isolated],
                               ["nbgrader", "generate_feedback", chapter]):
            shell = "nbgrader" if program == "nbgrader" else "python -m graders"
            print(f"\n$ {shell} {' '.join(step)} --course-dir={shown}", flush=True)
            command = [sys.executable, "-m", program, *step, f"--CourseDirectory.root={FOLDER}"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            print(textwrap.indent(done.stdout, "  "), end="")
            if done.returncode:
                print(done.stderr, file=sys.stderr)
                return done.returncode
        print_table(chapter, gradebook(FOLDER, chapter))
        print("\n  Mistakes that were recognised:")
        for student, mistake in recognised(FOLDER, chapter):
            print(f"  {student}: {mistake}")
    pages = sorted(FOLDER.glob("feedback/*/*/*.html"))
    print(f"\nFeedback for each student, {len(pages)} pages, such as:")
    for chapter in CHAPTERS:
        print(f"  {shown}/feedback/mistake-1/{chapter}/{chapter}.html")
    print(f"\nDone in {time.monotonic() - started:.0f} s. Nothing outside {shown} was touched.")
    return 0


def print_table(chapter: str, book: Mapping[str, Mapping[str, float | None]]) -> None:
    """Print the scores of a chapter: one row per student, one column per check cell."""
    points = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points
              for cell in released(chapter).cells if cell.metadata.get("nbgrader", {}).get("grade")}
    lines = [[chapter, *(name.removeprefix("check-") for name in points), "total"]]
    for student, scores in book.items():
        found = [scores[name] or 0.0 for name in points]
        shown = [f"{score:g} / {most:g}" for score, most in zip(found, points.values(), strict=True)]
        lines.append([student, *shown, f"{sum(found):g} / {sum(points.values()):g}"])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["─" * width for width in widths])
    print()
    for name, *rest in lines:
        print("  " + "  ".join([name.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]))

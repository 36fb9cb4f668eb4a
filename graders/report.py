"""What a class got wrong in one chapter: a page to read and a table to calculate with.

The scores come from the gradebook, the recognised mistakes and what was out of the ordinary from the graded notebooks,
so it does not matter which command graded them. How long a submission took is known of those that `python -m graders
autograde` graded. The page is one file without scripts, and everything that a student may have written is escaped.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from graders.check import quoted
from graders.exercises import Exercise, exercises
from graders.gradebook import Course
from graders.keys import keys

NAMED = "This is what comes when {}."
NOTE = "**While this notebook was graded:**"
INK, SHADE = "#2563a8", "#d7dce2"


@dataclass
class Student:
    """One student: `score` is None where nothing is graded. misconceptions: exercise -> the names of the mistakes."""

    name: str
    score: float | None = None
    scores: dict[str, float] = field(default_factory=dict)
    misconceptions: dict[str, list[str]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    seconds: float | None = None
    waits: bool = False

    @property
    def state(self) -> str:
        return "not graded" if self.score is None else "waits for a person" if self.waits else "graded"


@dataclass
class Class:
    """A chapter's results. points: what the chapter is worth; parts: title of each graded cell -> what it is worth."""

    chapter: str
    points: float
    parts: dict[str, float]
    students: list[Student]

    @property
    def graded(self) -> list[Student]:
        return [student for student in self.students if student.score is not None]


def report(chapter: str, out: Path, arguments: Sequence[str] = ()) -> list[Path]:
    """Write `out`/chNN.html and `out`/chNN.csv; return both. arguments: nbgrader's own options.

    Raises RuntimeError when the gradebook does not know the chapter.
    """
    found = read(chapter, arguments)
    out.mkdir(parents=True, exist_ok=True)
    page, table = out / f"{chapter}.html", out / f"{chapter}.csv"
    page.write_text(as_page(found), encoding="utf-8")
    table.write_text(as_table(found), encoding="utf-8", newline="")
    return [page, table]


# ---- reading --------------------------------------------------------------------------------------------------------


def read(chapter: str, arguments: Sequence[str] = ()) -> Class:
    """Everything that is known of a chapter's submissions."""
    from nbgrader.api import Gradebook, MissingEntry

    course = Course(chapter, arguments)
    with Gradebook(course.dir.db_url, course.dir.course_id) as book:
        try:
            assignment = book.find_assignment(chapter)
        except MissingEntry:
            raise RuntimeError(f"The gradebook {course.dir.db_url} does not know {chapter}. Grade it first: "
                               f"python -m graders autograde {chapter}") from None
        cells = {cell.name: cell for notebook in assignment.notebooks
                 for cell in [*notebook.grade_cells, *notebook.task_cells]}
        students = {student.id: Student(student.id) for student in book.students}
        for submission in book.assignment_submissions(chapter):
            student = students[submission.student_id]
            student.score, student.waits = float(submission.score), bool(submission.needs_manual_grade)
            student.scores = {grade.name: float(grade.score) for nb in submission.notebooks for grade in nb.grades}
            notebook = Path(course.dir.format_path(course.dir.autograded_directory, student.name, chapter))
            _read_notebook(student, notebook / f"{chapter}.ipynb")
            kept = course.state / "graded" / f"{student.name}.json"
            if kept.exists():
                record = json.loads(kept.read_text(encoding="utf-8"))
                student.seconds = record.get("seconds")
                student.troubles = list(dict.fromkeys([*record.get("troubles", []), *student.troubles]))
                if record.get("problem"):
                    student.score = None
        order = {f"check-{name}": exercise.number for name, exercise in exercises().items()}
        parts = {name: float(cells[name].max_score) for name in sorted(cells, key=lambda n: (order.get(n, 99), n))}
    return Class(chapter, sum(parts.values()), parts, sorted(students.values(), key=lambda student: student.name))


def _read_notebook(student: Student, path: Path) -> None:
    """What the judge wrote into a graded notebook: the named mistakes, and the note above it."""
    try:
        nb = nbformat.read(path, as_version=4)
    except Exception:
        student.troubles.append("There is no graded notebook.")
        return
    for cell in nb.cells:
        if not cell.source.startswith(NOTE):
            break
        student.troubles += [line.removeprefix("- ") for line in cell.source.splitlines() if line.startswith("- ")]
    for cell in nb.cells:
        exercise = str(cell.metadata.get("nbgrader", {}).get("grade_id")).removeprefix("check-")
        if exercise in keys() and cell.cell_type == "code":
            said = [line for output in cell.outputs for line in _lines(output.get("text", ""))]
            names = dict.fromkeys(mistake.name for mistake in keys()[exercise].mistakes)
            found = [name for name in names if any(line.startswith(NAMED.format(name)) for line in said)]
            if found:
                student.misconceptions[exercise] = found


def _lines(text: str) -> list[str]:
    """Lines as the judge made them, before they were broken to fit a page: what is set in belongs to the line above."""
    return [" ".join(line.split()) for line in re.sub(r"\n +", " ", text).splitlines()]


# ---- the table ------------------------------------------------------------------------------------------------------


def as_table(found: Class) -> str:
    """One row for each student, as CSV."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["student", "state", "score", "points", *found.parts, "misconceptions", "troubles", "seconds"])
    for student in found.students:
        scores = [student.scores.get(part, "") for part in found.parts]
        named = "; ".join(f"{exercise}: {name}" for exercise, names in student.misconceptions.items() for name in names)
        score = "" if student.score is None else round(student.score, 2)
        seconds = "" if student.seconds is None else round(student.seconds, 2)
        row = [student.name, student.state, score, found.points, *scores, named, " ".join(student.troubles), seconds]
        table.writerow([_no_formula(value) for value in row])
    return out.getvalue()


def _no_formula(value: object) -> object:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


# ---- the page -------------------------------------------------------------------------------------------------------

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.45 system-ui, sans-serif; color: #1d2329; background: #fff; margin: 0 auto; padding: 16px;
       max-width: 46rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
p { margin: .3rem 0; } .quiet { color: #566069; font-size: .9rem; }
svg { display: block; width: 100%; height: auto; }
ol, ul { padding: 0; margin: 0; list-style: none; }
li { border-top: 1px solid #d7dce2; padding: .5rem 0; }
.bar { background: #d7dce2; border-radius: 3px; height: 6px; margin: .3rem 0; }
.bar i { display: block; background: #2563a8; border-radius: 3px; height: 6px; }
b.count { float: right; margin-left: 1rem; white-space: nowrap; }
details summary { cursor: pointer; color: #2563a8; }
"""


def as_page(found: Class) -> str:
    """The page, as HTML."""
    known = {f"check-{name}": exercise for name, exercise in exercises().items()}
    body = [f"<h1>Chapter {html.escape(found.chapter.removeprefix('ch'))}: what the class got wrong</h1>", _summary(found)]
    if found.graded:
        body += [
            "<h2>Scores</h2>", picture(lambda axes: _scores(axes, found), 2.0),
            "<h2>Exercises</h2>",
            picture(lambda axes: _parts(axes, found, known), 0.6 + 0.5 * len(found.parts)),
            '<p class="quiet">The share of the points that the class earned; dark: the share of students with all of them.</p>',
            "<h2>Misconceptions</h2>", _misconceptions(found),
            "<h2>Slowest submissions</h2>", _slowest(found),
        ]  # fmt: skip
    body += ["<h2>Out of the ordinary</h2>", _broken(found)]
    head = ('<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{html.escape(found.chapter)}: report</title><style>{STYLE}</style></head><body>")
    return head + "\n".join(body) + "</body></html>\n"


def _summary(found: Class) -> str:
    scores = sorted(student.score for student in found.graded if student.score is not None)
    said = f"{len(scores)} of {len(found.students)} students are graded."
    if scores:
        middle = len(scores) // 2
        median = scores[middle] if len(scores) % 2 else (scores[middle - 1] + scores[middle]) / 2
        said += f" Median {median:g} of {found.points:g} points, lowest {scores[0]:g}, highest {scores[-1]:g}."
    waiting = sum(student.waits for student in found.graded)
    if waiting:
        said += f" {waiting} wait for a person to grade something by hand."
    return f"<p>{said}</p>"


def _misconceptions(found: Class) -> str:
    counts: Counter[tuple[str, str]] = Counter()
    who: dict[tuple[str, str], list[str]] = {}
    for student in found.graded:
        for exercise, names in student.misconceptions.items():
            for name in names:
                counts[exercise, name] += 1
                who.setdefault((exercise, name), []).append(student.name)
    if not counts:
        return "<p>No known mistake was recognised.</p>"
    reread = {(exercise, m.name): m.reread for exercise, key in keys().items() for m in key.mistakes}
    items = []
    for (exercise, name), count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])):
        share = 100 * count / len(found.graded)
        people = html.escape(", ".join(quoted(person, 60) for person in who[exercise, name]))
        items.append(
            f'<li><b class="count">{count}</b>{html.escape(name)}<div class="bar"><i style="width:{share:.0f}%"></i></div>'
            f'<span class="quiet">{html.escape(reread[exercise, name])}</span>'
            f"<details><summary>who</summary>{people}</details></li>"
        )
    return f"<ol>{''.join(items)}</ol>"


def _slowest(found: Class) -> str:
    timed = sorted((s for s in found.graded if s.seconds is not None), key=lambda s: -(s.seconds or 0.0))[:5]
    if not timed:
        return "<p>Not known: nbgrader does not note how long a submission took.</p>"
    return _list([(student.name, f"{student.seconds:.1f} s", "") for student in timed])


def _broken(found: Class) -> str:
    rows = [(student.name, student.state, " ".join(student.troubles)) for student in found.students
            if student.troubles or student.score is None]
    return _list(rows) if rows else "<p>Nothing.</p>"


def _list(rows: Sequence[tuple[str, str, str]]) -> str:
    items = [f'<li><b class="count">{html.escape(right)}</b>{html.escape(quoted(left, 60))}'
             f'<div class="quiet">{html.escape(quoted(below, 600))}</div></li>' for left, right, below in rows]  # fmt: skip
    return f"<ul>{''.join(items)}</ul>"


# ---- the pictures ---------------------------------------------------------------------------------------------------


def picture(draw: Callable[[Any], None], height: float) -> str:
    """A picture as SVG, as wide as a phone so that its letters are large enough there. height: in inches."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"font.size": 10, "svg.hashsalt": "minigrad", "svg.fonttype": "path"}):
        figure = Figure(figsize=(3.6, height), layout="constrained")
        axes = figure.add_subplot()
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        draw(axes)
        out = io.StringIO()
        FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None})
    return out.getvalue()[out.getvalue().index("<svg") :]


def _scores(axes: Any, found: Class) -> None:
    """How many students have how many points."""
    from matplotlib.ticker import MaxNLocator

    steps = min(10, max(1, round(found.points)))
    edges = [found.points * i / steps for i in range(steps + 1)]
    axes.hist([student.score for student in found.graded], bins=edges, color=INK, edgecolor="white")
    axes.set_xlim(0, found.points)
    axes.set_xlabel("points")
    axes.set_ylabel("students")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _parts(axes: Any, found: Class, known: Mapping[str, Exercise]) -> None:
    """For each graded cell the share of its points, and of the students with all of them."""
    names = [known[part].name if part in known else part for part in found.parts]
    earned, full = [], []
    for part, points in found.parts.items():
        shares = [student.scores.get(part, 0.0) / points if points else 1.0 for student in found.graded]
        earned.append(100 * sum(shares) / len(shares))
        full.append(100 * sum(share >= 1 for share in shares) / len(shares))
    axes.barh(names, earned, color=SHADE, height=0.6)
    axes.barh(names, full, color=INK, height=0.25)
    for place, share in enumerate(earned):
        axes.text(min(share, 82) + 1, place, f"{share:.0f} %", va="center", fontsize=9)
    axes.set_xlim(0, 100)
    axes.invert_yaxis()
    axes.set_xticks([0, 50, 100], ["0", "50", "100 %"])

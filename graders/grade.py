"""The one way from a submitted notebook to a graded one, for the stock commands and for our own alike.

`read_submission` opens a file whatever its state, `restore` puts back what a student may not change, `grade_notebook`
runs, judges, runs again what an earlier mistake stood in the way of, and cleans what is shown. No file is written here.
"""

from __future__ import annotations

import copy
import re
import secrets
import textwrap
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

import nbformat
import nbformat.reader
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook, new_output

from graders import judge
from graders.exercises import exercises
from graders.release import Release, grade_id_of
from graders.runner import Ran
from graders.sanitise import sanitise

ATTEMPTS = 3  # to run one exercise without the cells that end the notebook or hold it up


class Runner(Protocol):
    """What runs notebooks: see `graders.runner.open_runner`."""

    def run(self, nb: NotebookNode, *, only: Sequence[str] | None = None) -> Ran: ...


@dataclass(frozen=True)
class Graded:
    """One graded submission.

    notebook: with the verdict and the score in each check cell, and nothing active in any output. scores and
    misconceptions: grade id of each check cell -> score, names of the mistakes that were recognised. troubles: what
    was out of the ordinary, in words, as it stands above the notebook too.
    """

    notebook: NotebookNode
    scores: dict[str, float]
    misconceptions: dict[str, list[str]]
    troubles: list[str]
    seconds: float


def grade_notebook(nb: NotebookNode, release: Release, runner: Runner, student: str = "") -> Graded:
    """Grade a submission; `nb` itself stays as it is. Nothing that a student handed in raises.

    Raises RuntimeError, naming the student, when the sandbox failed: then nothing is known, and grading can be repeated.
    """
    started = time.monotonic()
    nb = copy.deepcopy(nb)
    troubles = restore(nb, release.source)
    again = copy.deepcopy(nb)
    try:
        ran = runner.run(nb)
        places = {grade_id_of(cell): index for index, cell in enumerate(nb.cells)}
        verdicts: dict[str, judge.Verdict] = {}
        broken, earlier = set(ran.broken), False
        for grade_id in sorted(release.cells, key=lambda name: exercises()[release.cells[name]].number):
            index = places[grade_id]
            verdicts[grade_id] = verdict = _judge(release, grade_id, ran.evidence.get(index))
            right = verdict.score >= release.points(grade_id)
            if not right and _is_tried(again, release, grade_id):
                verdicts[grade_id] = _judge_alone(again, release, runner, grade_id, index, broken, earlier) or verdict
            earlier = earlier or not right
    except RuntimeError as failed:
        raise RuntimeError(f"{student or 'This submission'} could not be graded: {failed}") from failed
    _write(nb, verdicts)
    troubles += ran.troubles
    troubles += sanitise(nb)
    note(nb, troubles)
    return Graded(nb, {name: float(verdict.score) for name, verdict in verdicts.items()},
                  {name: verdict.misconceptions for name, verdict in verdicts.items()},
                  troubles, time.monotonic() - started)


# ---- what a student handed in ---------------------------------------------------------------------------------------


def read_submission(file: IO[str]) -> tuple[NotebookNode, list[str]]:
    """A submission from an open text file, and what was wrong with it; what is no notebook is an empty one.

    Of each cell only its type, source, attachments and nbgrader metadata are read, so nothing else can be malformed.
    """
    troubles = []
    try:  # nbformat.reads would also validate, which takes longer than running the notebook
        submitted = nbformat.convert(nbformat.reader.reads(file.read().removeprefix("\ufeff")), 4)
        cells = [_clean(cell) for cell in submitted.cells]
    except Exception as problem:
        cells = []
        troubles = [f"This file could not be read as a notebook ({type(problem).__name__}), so it was graded as empty."]
    nb = new_notebook(cells=cells)
    nb.metadata.language_info = NotebookNode(name="python", pygments_lexer="ipython3")
    return nb, troubles


def _clean(cell: NotebookNode) -> NotebookNode:
    clean = {"cell_type": cell.cell_type, "id": secrets.token_hex(4), "metadata": {}, "source": str(cell.source)}
    if cell.cell_type == "code":
        clean.update(execution_count=None, outputs=[])
    elif cell.cell_type not in ("markdown", "raw"):
        raise ValueError(f"there is no cell of type {cell.cell_type}")
    elif isinstance(cell.get("attachments"), dict):
        clean["attachments"] = cell.attachments
    if isinstance(cell.get("metadata", {}).get("nbgrader"), dict):
        clean["metadata"]["nbgrader"] = cell.metadata.nbgrader
    return nbformat.from_dict(clean)


def restore(nb: NotebookNode, source: Sequence[NotebookNode]) -> list[str]:
    """Make the graded and locked cells of `nb` those of the release; return what had to be put back, in words.

    source: the cells of the release that have a grade id. Of a submission only the grade ids are believed, and of a
    duplicated one the last, as in nbgrader's DeduplicateIds.
    """
    known = {grade_id_of(cell): cell for cell in source}
    present = set()
    for place, cell in reversed([*enumerate(nb.cells)]):
        grade_id = cell.metadata.pop("nbgrader", {}).get("grade_id")
        if not isinstance(grade_id, str) or grade_id not in known or grade_id in present:
            continue
        present.add(grade_id)
        whole = copy.deepcopy(known[grade_id])
        if not whole.metadata.nbgrader.locked:
            whole.source = cell.source
            if whole.cell_type == "markdown" and "attachments" in cell:
                whole.attachments = cell.attachments
        nb.cells[place] = whole
    missing, after = [], 0
    for grade_id, cell in known.items():
        if grade_id in present:
            after = 1 + [grade_id_of(c) for c in nb.cells].index(grade_id)
        elif cell.metadata.nbgrader.locked:
            nb.cells.insert(after, copy.deepcopy(cell))
            after += 1
            missing.append(f"The locked cell `{grade_id}` was missing; it was put back.")
        elif cell.metadata.nbgrader.grade:
            nb.cells.insert(after, copy.deepcopy(cell))  # an answer for a person to read: as it was handed out
            after += 1
            missing.append(f"The answer cell `{grade_id}` was missing; an unanswered one was put in its place.")
        else:
            after = len(nb.cells)  # a rewritten answer may stand anywhere: what checks it goes to the end
    return missing


def note(nb: NotebookNode, lines: Sequence[str]) -> None:
    """Say above the notebook what was out of the ordinary; a line may hold the name of a file that was handed in."""
    if lines:
        items = "\n".join(f"- {line}" for line in lines)
        said = new_markdown_cell(f"**While this notebook was graded:**\n\n{items}")
        sanitise(NotebookNode(metadata={}, cells=[said]))
        nb.cells.insert(0, said)


# ---- the verdict ----------------------------------------------------------------------------------------------------


def _judge(release: Release, grade_id: str, evidence: Any) -> judge.Verdict:
    return judge.verdict(evidence, release.key["exercises"][release.cells[grade_id]], release.points(grade_id))


def _judge_alone(nb: NotebookNode, release: Release, runner: Runner, grade_id: str, index: int, broken: set[int],
                 earlier: bool) -> judge.Verdict | None:
    """Judge a check that failed by itself, on the reference's other pieces; None where nothing stood in its way.

    index: where the check is. broken: the cells that are known to end the notebook or to hold it up; more may be found.
    earlier: whether an exercise before this one failed.
    """
    verdict = None
    for _ in range(ATTEMPTS):
        held_up = {i for i in broken if not _is_about(nb.cells[i], release, grade_id)}
        if not earlier and not held_up:
            break
        ran = runner.run(_without(nb, held_up), only=_pieces(release, grade_id))
        verdict = _judge(release, grade_id, ran.evidence.get(index))
        if ran.evidence.get(index) is not None or broken.issuperset(ran.broken):
            break
        broken.update(ran.broken)  # yet another cell held it up
    return verdict


def _pieces(release: Release, grade_id: str) -> tuple[str, ...]:
    return exercises()[release.cells[grade_id]].pieces


def _is_about(cell: NotebookNode, release: Release, grade_id: str) -> bool:
    """Whether a cell defines a piece of the exercise."""
    names = "|".join(_pieces(release, grade_id))
    return bool(names and re.search(rf"\b(def|class)\s+({names})\b", cell.source))


def _is_tried(nb: NotebookNode, release: Release, grade_id: str) -> bool:
    """Whether the student wrote anything about the pieces of an exercise: running a stub again tells nothing new."""
    given = {cell.source for cell in release.source}
    written = [cell for cell in nb.cells if cell.cell_type == "code" and cell.source not in given]
    return not _pieces(release, grade_id) or any(_is_about(cell, release, grade_id) for cell in written)


def _without(nb: NotebookNode, places: Collection[int]) -> NotebookNode:
    """The notebook as it was handed in, without the cells that ended it or held it up."""
    nb = copy.deepcopy(nb)
    for index in places:
        nb.cells[index].source = ""
    return nb


def _write(nb: NotebookNode, verdicts: dict[str, judge.Verdict]) -> None:
    """Replace what each check cell displayed by the verdict in words and the score, which nbgrader then reads.

    A graded cell of another kind that was never reached says so, or nbgrader would give it all of its points.
    """
    for cell in nb.cells:
        verdict = verdicts.get(grade_id_of(cell))
        if verdict:
            cell.outputs = [new_output("stream", name="stdout", text=_wrapped(verdict.lines)),
                            *[new_output("display_data", {"image/svg+xml": verdict.picture})] * bool(verdict.picture),
                            new_output("execute_result", {"text/plain": repr(float(verdict.score))},
                                       execution_count=cell.execution_count)]
        elif cell.cell_type == "code" and cell.execution_count is None and cell.metadata.get("nbgrader", {}).get("grade"):
            text = "this cell was not run."
            cell.outputs.append(new_output("error", ename="NotRun", evalue=text, traceback=[f"NotRun: {text}"]))


def _wrapped(lines: Sequence[str]) -> str:
    """The lines no wider than a feedback page, the continuation of each set in."""
    narrow = textwrap.TextWrapper(100, subsequent_indent="    ", replace_whitespace=False)
    return "".join(narrow.fill(part) + "\n" for line in lines for part in line.split("\n"))

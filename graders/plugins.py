"""The nbgrader subclasses through which stock nbgrader commands release and grade this course. No mathematics here.

Releasing: `Stub` replaces a solution by a friendly stub, `MarkGenerated` says where the notebook comes from.
Grading, in this order: `ReadAnything` opens a submission whatever its state, `Restore` puts back what the student may
not change, `Run` executes the notebook, `Judge` turns each check cell's evidence into a score and its explanation.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader.api import Gradebook, Notebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearSolutions, Execute, NbGraderPreprocessor
from sqlalchemy import event
from sqlalchemy.engine import Engine
from traitlets import Integer
from traitlets.config import Config
from traitlets.log import get_logger

from graders import judge
from graders.release import Release, open_release, release_folder
from graders.runner import CELL_SECONDS, NOTEBOOK_SECONDS, run_notebook

LOCK_SECONDS = 120
Resources = dict[str, Any]


@event.listens_for(Engine, "connect")
def wait_for_a_locked_gradebook(connection: Any, record: Any) -> None:
    """Wait while another process writes the SQLite gradebook, where nbgrader would give up after five seconds."""
    if type(connection).__module__.startswith("sqlite3"):
        connection.execute(f"PRAGMA busy_timeout = {LOCK_SECONDS * 1000}")


def report_misnamed(assignment: str, student: str, notebooks: Sequence[str]) -> None:
    """nbgrader's hook before a submission: say which notebook it will not find, and what it found in its place."""
    stems = [Path(notebook).stem for notebook in notebooks]
    if assignment not in stems:
        get_logger().error("%s holds %s but no %s.ipynb, so it cannot be graded: rename the notebook and grade again.",
                           Path(notebooks[0]).parent, ", ".join(f"{stem}.ipynb" for stem in stems), assignment)


class Stub(ClearSolutions):
    """Replace each solution by a stub that says how many lines are enough, and each predicted value by three dots."""

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, cell_index: int) -> Any:
        """Write the stub for this cell, then let nbgrader put it in the solution's place."""
        region = re.search(rf"{self.begin_solution_delimeter}[^\n]*\n(.*?)[^\n]*{self.end_solution_delimeter}",
                           cell.source, re.DOTALL)
        if region is None and cell.source.startswith("predict("):
            stub = _without_answers(cell.source)
        else:
            lines = [line for line in (region[1] if region else cell.source).split("\n") if line.strip()]
            enough = "1 line is" if len(lines) == 1 else f"{len(lines)} lines are"
            stub = (f"# Your code here: {enough} enough.\n"
                    'raise NotImplementedError("Replace this line with your code.")')
        self.code_stub = {"python": stub}
        return super().preprocess_cell(cell, resources, cell_index)


def _without_answers(source: str) -> str:
    """The same calls of `predict`, with `...` for each predicted value."""
    lines = source.encode().split(b"\n")  # syntax trees count in bytes
    for statement in ast.parse(source).body:
        answer = statement.value.args[1]  # type: ignore[attr-defined]
        line = lines[answer.lineno - 1]
        lines[answer.lineno - 1] = line[: answer.col_offset] + b"..." + line[answer.end_col_offset :]
    return b"\n".join(lines).decode()


class MarkGenerated(NbGraderPreprocessor):
    """Say in a released notebook that it is generated, and from what; drop what jupytext left in it."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Replace the notebook's metadata and put one invisible line first."""
        name = resources["nbgrader"]["notebook"]
        source = f"solutions/{name}/{name}.py"
        nb.metadata = NotebookNode(kernelspec=nb.metadata.kernelspec, language_info=nb.metadata.language_info,
                                   minigrad=NotebookNode(generated_from=source))
        nb.cells.insert(0, new_markdown_cell(
            f"<!-- Generated from {source} by `make build`: edit that file, not this one. -->", id="generated"))
        return nb, resources


class ReadAnything(NotebookExporter):
    """Open a submission whatever its state: what is no notebook is graded as an empty one that says why.

    Of each cell only its type, source, attachments and nbgrader metadata are read, so nothing else can be malformed.
    """

    def from_file(self, file_stream: Any, resources: Any = None, **kw: Any) -> Any:
        """Read a notebook from `file_stream` and convert it."""
        try:
            submitted = nbformat.reads(file_stream.read().removeprefix("\ufeff"), as_version=4)
            nb = new_notebook(cells=[_clean(cell) for cell in submitted.cells])
        except Exception as problem:
            why = f"This file could not be read as a notebook ({type(problem).__name__}), so it was graded as empty."
            nb = new_notebook()
            note(nb, resources, [why])
        nb.metadata.language_info = NotebookNode(name="python", pygments_lexer="ipython3")
        return self.from_notebook_node(nb, resources=resources, **kw)


def _clean(cell: NotebookNode) -> NotebookNode:
    make = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}[cell.cell_type]
    clean = make(str(cell.source))
    if isinstance(cell.get("attachments"), dict):
        clean.attachments = cell.attachments
    if isinstance(cell.get("metadata", {}).get("nbgrader"), dict):
        clean.metadata.nbgrader = cell.metadata.nbgrader
    return clean


def note(nb: NotebookNode, resources: Resources, lines: Sequence[str]) -> None:
    """Report what was out of the ordinary: in the log for the instructor, above the notebook for the student."""
    if lines:
        for line in lines:
            get_logger().warning("%s: %s", resources["nbgrader"]["student"], line)
        items = "\n".join(f"- {line}" for line in lines)
        nb.cells.insert(0, new_markdown_cell(f"**While this notebook was graded:**\n\n{items}"))


class Restore(NbGraderPreprocessor):
    """Take nbgrader's metadata from the gradebook, not from the submission, and put back locked cells that are missing.

    Only a cell's grade id is believed. Of a duplicated cell the last one counts, as in nbgrader's DeduplicateIds.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Make the submission's graded and locked cells those of the release."""
        info = resources["nbgrader"]
        with Gradebook(info["db_url"]) as gradebook:
            known = _released_cells(gradebook.find_notebook(info["notebook"], info["assignment"]))
        present = set()
        for cell in reversed(nb.cells):
            grade_id = cell.metadata.pop("nbgrader", {}).get("grade_id")
            if isinstance(grade_id, str) and grade_id in known and grade_id not in present:
                present.add(grade_id)
                cell.metadata.nbgrader = known[grade_id].metadata.nbgrader
        missing, after = [], 0
        for grade_id, cell in known.items():
            if grade_id in present:
                after = 1 + [c.metadata.get("nbgrader", {}).get("grade_id") for c in nb.cells].index(grade_id)
            elif cell.metadata.nbgrader.locked:
                nb.cells.insert(after, cell)
                after += 1
                missing.append(f"The locked cell `{grade_id}` was missing; it was put back.")
            else:
                after = len(nb.cells)  # a rewritten answer may stand anywhere: what checks it goes to the end
        note(nb, resources, missing)
        return nb, resources


def _released_cells(notebook: Notebook) -> dict[str, NotebookNode]:
    """The cells that the gradebook knows of a released notebook, by grade id."""
    graded = {cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]}
    solutions = {cell.name for cell in notebook.solution_cells}
    tasks = {cell.name for cell in notebook.task_cells}
    cells = {}
    for source in notebook.source_cells:
        make = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}[source.cell_type]
        meta = NotebookNode(schema_version=3, grade_id=source.name, locked=source.locked, cell_type=source.cell_type,
                            grade=source.name in graded and source.name not in tasks, task=source.name in tasks,
                            solution=source.name in solutions, checksum=source.checksum)
        if source.name in graded:
            meta.points = graded[source.name]
        cells[source.name] = make(source.source, metadata=NotebookNode(nbgrader=meta))
    return cells


class Run(Execute):
    """Execute a submission on the package of its chapter, its check cells on the hidden inputs of the release."""

    timeout = Integer(CELL_SECONDS, help="Seconds after which a cell is stopped.").tag(config=True)
    notebook_timeout = Integer(NOTEBOOK_SECONDS, help="Seconds after which a notebook is stopped.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Fill in the outputs of every cell that could be run, and note what went wrong."""
        release = _release(self.config, resources)
        ran = run_notebook(nb, release.package, seed=release.seed,
                           cell_seconds=self.timeout, notebook_seconds=self.notebook_timeout)
        resources["evidence"] = {cell.metadata.get("nbgrader", {}).get("grade_id"): ran.evidence[index]
                                 for index, cell in enumerate(nb.cells)}
        note(nb, resources, ran.troubles)
        return nb, resources


class Judge(NbGraderPreprocessor):
    """Replace what a check cell displayed by the verdict in words and the score, which nbgrader then reads."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Judge every check cell of the release; cells graded in another way are left to nbgrader.

        Raises RuntimeError under --no-execute: outputs that a student handed in are no evidence.
        """
        if "evidence" not in resources:
            raise RuntimeError("Check cells are graded by running them, so this course cannot be graded --no-execute.")
        release = _release(self.config, resources)
        for cell in nb.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            if grade_id in release.cells:
                points = float(cell.metadata.nbgrader.points)
                exercise = release.key["exercises"][release.cells[grade_id]]
                verdict = judge.verdict(resources["evidence"].get(grade_id), exercise, points)
                cell.outputs = [new_output("stream", name="stdout", text=_wrapped(verdict.lines)),
                                new_output("execute_result", {"text/plain": repr(float(verdict.score))},
                                           execution_count=cell.execution_count)]
        return nb, resources


def _wrapped(lines: Sequence[str]) -> str:
    """The lines no wider than a feedback page, the continuation of each set in."""
    narrow = textwrap.TextWrapper(100, subsequent_indent="    ", replace_whitespace=False)
    return "".join(narrow.fill(part) + "\n" for line in lines for part in line.split("\n"))


def _release(config: Config, resources: Resources) -> Release:
    coursedir = CourseDirectory(config=config)
    info = resources["nbgrader"]
    source = coursedir.format_path(coursedir.source_directory, ".", info["assignment"])
    return _open(release_folder(Path(coursedir.root), info["assignment"]), info["notebook"],
                 Path(source, f"{info['notebook']}.ipynb"))


_open = cache(open_release)

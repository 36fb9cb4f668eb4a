"""The nbgrader subclasses through which stock nbgrader commands release and grade this course. No mathematics here.

Releasing: `Stub` replaces a solution by a friendly stub, `MarkGenerated` says where the notebook comes from.
Grading, in this order: `ReadAnything` opens a submission whatever its state, `Restore` puts back what the student may
not change, `Run` runs and judges it, `Judge` refuses what was not run. All of the work is done by `graders.grade`.
"""

from __future__ import annotations

import ast
import atexit
import io
import re
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import Exchange
from nbgrader.preprocessors import ClearSolutions, Execute, NbGraderPreprocessor
from sqlalchemy import event
from sqlalchemy.engine import Engine
from traitlets import Bool, Integer
from traitlets.config import Application, Config
from traitlets.log import get_logger

from graders import grade
from graders.release import Release, open_release, release_folder
from graders.runner import CELL_SECONDS, NOTEBOOK_SECONDS, Runner, open_runner

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


def drop_linked_files(assignment: str, student: str, notebooks: Sequence[str]) -> None:
    """nbgrader's hook after a submission: it has copied what links lead to, which may be anybody's, to be handed back."""
    coursedir = CourseDirectory(config=Application.instance().config)
    handed_in = Path(notebooks[0]).parent  # .../student/assignment; `student` may be "*", for everybody
    copied = Path(coursedir.format_path(coursedir.autograded_directory, handed_in.parent.name, assignment))
    for path in handed_in.rglob("*"):
        if path.is_symlink() and path.suffix != ".ipynb":  # notebooks are not copied
            (copied / path.relative_to(handed_in)).unlink(missing_ok=True)
            get_logger().warning("%s is a link; it was left out of what is handed back.", path)


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


class NobodyGraded(KeyboardInterrupt):
    """Nobody can be graded, whatever was handed in. nbgrader goes on with the next student after any other exception."""


class ReadAnything(NotebookExporter):
    """Open a submission whatever its state: what is no notebook is graded as an empty one that says why."""

    def from_file(self, file_stream: Any, resources: Any = None, **kw: Any) -> Any:
        """Read a notebook from `file_stream` and convert it."""
        linked = Path(file_stream.name).is_symlink()  # whoever handed it in did not choose where it leads with our rights
        nb, troubles = grade.read_submission(io.StringIO("{}") if linked else file_stream)
        if linked:
            troubles = ["This notebook is a link to another file, so it was graded as empty."]
        _tell(resources, troubles)
        grade.note(nb, troubles)
        return self.from_notebook_node(nb, resources=resources, **kw)


class Restore(NbGraderPreprocessor):
    """Take the locked and graded cells from the release, not from the submission (see `grade.restore`)."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Make the submission's graded and locked cells those of the release."""
        troubles = grade.restore(nb, _release(self.config, resources).source)
        _tell(resources, troubles)
        grade.note(nb, troubles)
        return nb, resources


class Run(Execute):
    """Grade a submission: run it in isolation, judge what came, run again what an earlier mistake stood in the way of."""

    timeout = Integer(CELL_SECONDS, help="Seconds after which a cell is stopped.").tag(config=True)
    notebook_timeout = Integer(NOTEBOOK_SECONDS, help="Seconds after which a notebook is stopped.").tag(config=True)
    unsafe = Bool(False, help="Run student code without isolation, with all of your own rights.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Write verdict and score into every check cell; cells graded in another way are left to nbgrader."""
        graded = grade.grade_notebook(nb, _release(self.config, resources), self._runner(resources),
                                      resources["nbgrader"]["student"])
        _tell(resources, graded.troubles)
        resources["graded"] = True
        return graded.notebook, resources

    def _runner(self, resources: Resources) -> Runner:
        """The one runner of this process for these settings, open until the process ends."""
        release, unsafe = _release(self.config, resources), self.unsafe
        settings = (release.package, release.seed, self.timeout, self.notebook_timeout, unsafe)
        if settings not in _runners:
            coursedir = CourseDirectory(config=self.config)
            folders = (name for name in coursedir.trait_names() if name.endswith("_directory"))
            hidden = [Path(Exchange(config=self.config).root), Path(coursedir.root),
                      *(Path(coursedir.root, getattr(coursedir, name)) for name in folders)]
            runner = open_runner(release, hidden, unsafe=unsafe, cell_seconds=self.timeout,
                                 notebook_seconds=self.notebook_timeout)
            try:
                _runners[settings] = _open.enter_context(runner)
            except RuntimeError as refused:
                raise NobodyGraded(str(refused)) from refused
        return _runners[settings]


_runners: dict[tuple[Any, ...], Runner] = {}
_open = ExitStack()
atexit.register(_open.close)


class Judge(NbGraderPreprocessor):
    """Refuse to save scores where `Run` was switched off: outputs that a student handed in are no evidence."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Raise RuntimeError under --no-execute."""
        if "graded" not in resources:
            raise RuntimeError("Check cells are graded by running them, so this course cannot be graded --no-execute.")
        return nb, resources


def _tell(resources: Resources, troubles: Sequence[str]) -> None:
    """Report what was out of the ordinary in the log, for the instructor."""
    for line in troubles:
        get_logger().warning("%s: %s", resources["nbgrader"]["student"], line)


def _release(config: Config, resources: Resources) -> Release:
    coursedir = CourseDirectory(config=config)
    info = resources["nbgrader"]
    source = coursedir.format_path(coursedir.source_directory, ".", info["assignment"])
    try:
        return _release_in(release_folder(Path(coursedir.root), info["assignment"]), info["notebook"],
                           Path(source, f"{info['notebook']}.ipynb"))
    except RuntimeError as refused:
        raise NobodyGraded(str(refused)) from refused


_release_in = cache(open_release)

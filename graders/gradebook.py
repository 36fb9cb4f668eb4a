"""The course and its gradebook: the only writer when `python -m graders autograde` grades, and where its results are kept.

A result is first kept as one file in `.grading/chNN/ready`, then entered into the gradebook, then its folder below
`autograded` is put in place, then its record moves to `.grading/chNN/graded`. Each step can be done twice without harm,
so that whatever ends this program, the next run goes on from there. Rows and folders are those that stock
`nbgrader autograde` leaves; how a grade comes about is no business of this room.
"""

from __future__ import annotations

import contextlib
import fnmatch
import glob
import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
from tqdm import tqdm

from graders.release import Release, open_release, release_folder

NOT_GRADED = "Not graded: "


class CannotGrade(RuntimeError):
    """Nobody can be graded here, whatever was handed in."""


class Course:
    """The course as nbgrader's own configuration describes it, and the only writer of its gradebook.

    arguments: nbgrader's own options, such as `--CourseDirectory.root=...`, on top of nbgrader_config.py.
    """

    def __init__(self, chapter: str, arguments: Sequence[str]) -> None:
        from nbgrader.apps import AutogradeApp
        from nbgrader.converters import Autograde

        app = AutogradeApp(log_level=30)
        app.initialize([*arguments])
        self.chapter, self.dir, self.config = chapter, app.coursedir, app.config
        self.options = Autograde(coursedir=self.dir, parent=app)
        self.state = release_folder(Path(self.dir.root), chapter)
        self.stop = contextlib.ExitStack()

    def __enter__(self) -> Course:
        from graders import plugins

        plugins.LOCK_SECONDS = 2  # then `_patiently` says what is waited for, and goes on waiting
        for name in ("ready", "graded"):
            (self.state / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._alone()
        self._patiently(self._open)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.close()

    def _alone(self) -> None:
        lock = self.stop.enter_context(open(self.state / "lock", "w"))  # noqa: SIM115
        with contextlib.suppress(ImportError):
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CannotGrade(f"{self.chapter} is being graded by another process already.") from None

    def _open(self) -> None:
        from nbgrader.api import Gradebook, MissingEntry

        self.book = self.stop.enter_context(Gradebook(self.dir.db_url, self.dir.course_id))
        try:
            self.assignment = self.book.find_assignment(self.chapter)
            notebook = self.book.find_notebook(self.chapter, self.chapter)
        except MissingEntry:
            raise CannotGrade(f"The gradebook {self.dir.db_url} does not know {self.chapter}. "
                              f"Release it first: nbgrader generate_assignment {self.chapter}") from None
        others = [other.name for other in self.assignment.notebooks if other is not notebook]
        if others:
            raise CannotGrade(f"{self.chapter} also has the notebooks {', '.join(others)}, and this command grades "
                              f"chapters of one notebook. Use: nbgrader autograde {self.chapter}")
        self.assignment_id, self.notebook_id = self.assignment.id, notebook.id
        self.kernelspec = json.loads(notebook.kernelspec or "null")
        self.max_scores = {cell.name: float(cell.max_score) for cell in [*notebook.grade_cells, *notebook.task_cells]}
        self.graded_cells = {cell.id: cell.name for cell in [*notebook.grade_cells, *notebook.task_cells]}
        self.comment_cells = {cell.id: cell.name for cell in [*notebook.solution_cells, *notebook.task_cells]}
        self.students = {student.id for student in self.book.students}
        self.assignments = {assignment.name for assignment in self.book.assignments}
        self.submitted = {submission.student_id for submission in self.book.assignment_submissions(self.chapter)}
        self.book.db.rollback()

    def _patiently(self, step: Callable[[], None]) -> None:
        """Do what needs the gradebook as soon as no other program holds it."""
        from sqlalchemy.exc import OperationalError

        told = False
        while True:
            try:
                return step()
            except OperationalError as error:
                if hasattr(self, "book"):
                    self.book.db.rollback()
                if "locked" not in str(error):
                    raise CannotGrade(f"The gradebook {self.dir.db_url} cannot be used: {error.orig}. If nbgrader is "
                                      "newer than it, back it up and run: nbgrader db upgrade") from None
                if not told:
                    tqdm.write("Another program holds the gradebook; waiting for it ...", file=sys.stderr)
                told = True

    def release(self) -> Release:
        """The chapter's package, hidden inputs and key."""
        source = self.dir.format_path(self.dir.source_directory, ".", self.chapter)
        release = open_release(self.state, self.chapter, Path(source, f"{self.chapter}.ipynb"))
        graded = {cell.metadata.nbgrader.grade_id for cell in release.source if cell.metadata.nbgrader.grade}
        if graded - set(self.max_scores):
            raise CannotGrade(f"The gradebook does not know {', '.join(sorted(graded - set(self.max_scores)))}: {source} "
                              f"has changed since it was released. Run: nbgrader generate_assignment {self.chapter}")
        return release

    def runner_options(self, unsafe: bool) -> dict[str, Any]:
        """What `open_runner` needs to know: the limits, and the folders that nobody may see."""
        from graders.plugins import Run

        run = Run(config=self.config)
        steps = (getattr(self.dir, f"{step}_directory") for step in ("source", "submitted", "autograded", "feedback"))
        hidden = [self.dir.root, *(self.dir.format_path(step, ".", ".") for step in steps)]
        return {"hidden": [Path(folder) for folder in hidden], "unsafe": unsafe or run.unsafe,
                "cell_seconds": run.timeout, "notebook_seconds": run.notebook_timeout}

    def time(self, text: str) -> str:
        """`text` where nbgrader can read it as a time, otherwise ""."""
        from nbgrader.utils import parse_utc

        try:
            return text if text and parse_utc(text) else ""
        except (ValueError, OverflowError):
            return ""

    def handed_in(self) -> tuple[dict[str, Path], dict[str, str]]:
        """The folder of each student's submission, and of everybody else what there is instead, in words."""
        where, who = self.dir.submitted_directory, self.dir.student_id
        pattern = self.dir.format_path(where, "(?P<student>.*)", "(?P<name>.*)", escape=True)
        found: dict[str, dict[str, Path]] = {}
        for path in sorted(glob.glob(self.dir.format_path(where, who, "*"))):
            if match := re.fullmatch(pattern, path):
                found.setdefault(match["student"], {})[match["name"]] = Path(path)
        everybody = {student for student in {*self.students, *found} if fnmatch.fnmatchcase(student, who)}
        everybody -= set(self.dir.student_id_exclude.split(","))
        folders = {student: found[student][self.chapter] for student in everybody
                   if self.chapter in found.get(student, {})}
        missing = {}
        for student in everybody - set(folders):
            odd = sorted(set(found.get(student, {})) - self.assignments)
            missing[student] = "Nothing was handed in" + (f", but there is {', '.join(odd)}." if odd else ".")
        return folders, missing

    # ---- what is kept of each student

    def keep(self, record: dict[str, Any]) -> None:
        """Keep a result before it is entered anywhere: from here on it cannot be lost."""
        _write(self.state / "ready" / f"{record['student']}.json", json.dumps(record))

    def record(self, student: str) -> dict[str, Any]:
        """What is kept of a graded submission; {} when there is none, or the gradebook or its folder are gone."""
        path = self.state / "graded" / f"{student}.json"
        if student in self.submitted and self._notebook(student).exists() and path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
        return {}

    def enter(self, entered: Callable[[dict[str, Any], dict[str, float | None]], None],
              failed: Callable[[str, BaseException], None]) -> None:
        """Enter every kept result: the gradebook in one transaction, then each folder, then the record.

        entered: called with each record and the scores that the gradebook held before.
        """
        self.book.db.rollback()  # what an interruption left unfinished
        paths = sorted((self.state / "ready").glob("*.json"))
        records = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        before: dict[str, dict[str, float | None]] = {}

        def fill(some: list[dict[str, Any]]) -> None:
            before.update({record["student"]: self._fill_in(record) for record in some})
            self.book.db.commit()

        try:
            self._patiently(lambda: fill(records))
            alone = False
        except CannotGrade:
            raise
        except Exception:  # of one of them: then one by one
            self.book.db.rollback()
            alone = True
        for record, path in zip(records, paths, strict=True):
            student = record["student"]
            try:
                if alone:
                    self._patiently(lambda some=[record]: fill(some))  # type: ignore[misc]
                self._place(record)
            except CannotGrade:
                raise
            except Exception as error:
                self.book.db.rollback()
                failed(student, error)
                path.rename(path.with_suffix(".failed"))
                continue
            del record["notebook"]
            _write(self.state / "graded" / path.name, json.dumps(record))
            path.unlink()
            self.submitted.add(student)
            entered(record, before[student])

    def _fill_in(self, record: dict[str, Any]) -> dict[str, float | None]:
        """Do to the gradebook's rows of one submission what nbgrader's Autograde does; return the scores before."""
        from nbgrader import api, utils

        db, student = self.book.db, record["student"]
        if db.get(api.Student, student) is None:
            db.add(api.Student(id=student))
        found = db.query(api.SubmittedAssignment).filter_by(assignment_id=self.assignment_id, student_id=student)
        submission = found.one_or_none()
        if submission is None:
            submission = api.SubmittedAssignment(assignment_id=self.assignment_id, student_id=student)
            submission.notebooks.append(api.SubmittedNotebook(notebook_id=self.notebook_id))
            db.add(submission)
        if record["timestamp"]:
            submission.timestamp = utils.parse_utc(record["timestamp"])  # a wrong one was found out before
        notebook = next(nb for nb in submission.notebooks if nb.notebook_id == self.notebook_id)
        grades = {self.graded_cells.get(grade.cell_id, ""): grade for grade in notebook.grades}
        comments = {self.comment_cells.get(comment.cell_id, ""): comment for comment in notebook.comments}
        for rows, cells, new, kept in ((grades, self.graded_cells, api.Grade, notebook.grades),
                                       (comments, self.comment_cells, api.Comment, notebook.comments)):
            for cell_id, name in cells.items():
                if name not in rows:
                    rows[name] = new(cell_id=cell_id)
                    kept.append(rows[name])
        before = {name: grade.auto_score for name, grade in grades.items()}
        for cell in nbformat.from_dict(record["notebook"]).cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if utils.is_grade(cell):
                try:
                    score, _ = utils.determine_grade(cell)
                except ValueError:  # more than all of its points
                    score = 0.0
                grades[name].auto_score = None if record["problem"] else score
                grades[name].needs_manual_grade = grades[name].manual_score is not None or grades[name].auto_score is None
            if utils.is_solution(cell) or utils.is_task(cell):
                blank = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell) and not utils.is_task(cell)
                comments[name].auto_comment = "No response." if blank else None
        for comment in comments.values():
            if record["problem"] or (comment.auto_comment or "").startswith(NOT_GRADED):
                comment.auto_comment = record["problem"] or None
        notebook.late_submission_penalty = None
        db.flush()
        db.refresh(submission)
        record["late"] = submission.total_seconds_late
        if record["late"]:
            notebook.late_submission_penalty = self._penalty(student, notebook, record["late"])
        record["scores"] = {name: grade.auto_score for name, grade in grades.items()}
        return before

    def _penalty(self, student: str, notebook: Any, seconds: float) -> float | None:
        from nbgrader.preprocessors import AssignLatePenalties

        late = AssignLatePenalties(config=self.config)
        late.init_plugin()
        penalty = late.plugin_inst.late_submission_penalty(student, notebook.score, seconds)
        return None if penalty is None else max(0.0, min(penalty, notebook.score))

    def _notebook(self, student: str) -> Path:
        return Path(self.dir.format_path(self.dir.autograded_directory, student, self.chapter), f"{self.chapter}.ipynb")

    def _place(self, record: dict[str, Any]) -> None:
        """Put the graded notebook and the files beside it where nbgrader looks for them, all of it or nothing."""
        from nbgrader.preprocessors import IgnorePattern, LimitOutput
        from nbgrader.utils import find_all_files

        student, ignore = record["student"], [*self.dir.ignore, "*.ipynb"]
        target = self._notebook(student).parent
        draft, old = (target.with_name(f".{self.chapter}-{word}") for word in ("draft", "old"))
        _remove(draft, old)
        draft.mkdir(parents=True)
        submitted = Path(self.dir.format_path(self.dir.submitted_directory, student, self.chapter))
        source = Path(self.dir.format_path(self.dir.source_directory, ".", self.chapter))
        own = {source / name for name in self.options.exclude_overwriting.get(self.chapter, [])}
        for folder, left_out in (submitted, set()), (source, own):
            for path in map(Path, [] if folder.is_symlink() else find_all_files(str(folder), ignore)):
                if path not in left_out:
                    to = draft / path.relative_to(folder)
                    with contextlib.suppress(OSError), plain(path) as file:
                        to.parent.mkdir(parents=True, exist_ok=True)
                        to.unlink(missing_ok=True)
                        with to.open("wb") as copy:
                            shutil.copyfileobj(file, copy)
        nb = nbformat.from_dict(record["notebook"])
        if self.kernelspec:
            nb.metadata.kernelspec = self.kernelspec
        for step in (IgnorePattern(config=self.config), LimitOutput(config=self.config)):
            nb, _ = step(nb, {})
        (draft / f"{self.chapter}.ipynb").write_text(nbformat.writes(nb) + "\n", encoding="utf-8")
        for path in [draft, *draft.rglob("*")]:
            if path.is_file():
                path.chmod(int(str(self.options.permissions), 8))
            elif self.dir.groupshared:
                path.chmod((path.stat().st_mode | 0o2770) & 0o2777)
        if target.exists():
            target.rename(old)
        draft.rename(target)
        _remove(old)


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)


def _write(path: Path, text: str) -> None:
    """Write a whole file or nothing."""
    draft = path.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def plain(path: Path) -> Any:
    """A plain file, opened; OSError for a link, a pipe and anything else."""
    file = open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(0, "it is a link or no plain file")
    return file

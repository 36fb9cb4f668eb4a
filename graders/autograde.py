"""Grades every submission of a chapter, several at once: `python -m graders autograde chNN`.

Workers (processes here, or those of a Dask cluster) turn submitted bytes into graded notebooks; this process alone
writes, through `graders.gradebook`. What is graded already and has not changed since is left alone.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import hashlib
import io
import json
import multiprocessing
import multiprocessing.util
import os
import pickle
import platform
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

# jsonschema would compile a grammar for two seconds, for a format that no notebook's schema uses.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

import nbformat  # noqa: E402
from tqdm import tqdm  # noqa: E402

from graders.grade import grade_notebook, note, read_submission  # noqa: E402
from graders.gradebook import NOT_GRADED, CannotGrade, Course, plain  # noqa: E402
from graders.release import Release  # noqa: E402
from graders.runner import open_runner  # noqa: E402

tqdm.monitor_interval = 0  # no thread of its own: workers are forked while the bar is shown
BATCH, BATCH_SECONDS = 25, 5.0
TOGETHER_SECONDS = 60


# ---- what was handed in ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Submission:
    """What one student handed in; `problem` says why there is no notebook in it, "" if there is one."""

    student: str
    folder: Path
    notebook: bytes
    problem: str
    timestamp: str
    fingerprint: str


def read(student: str, folder: Path, chapter: str, most: int) -> Submission:
    """What lies in one submission's folder. Links are not followed: they may lead to what is not the student's own.

    most: the number of bytes from which on a notebook is too large to be opened.
    """
    name, digest, data, problem, timestamp = f"{chapter}.ipynb", hashlib.sha256(), b"", "", ""
    for path in _files(folder):
        digest.update(f"{path.relative_to(folder)}\0".encode(errors="surrogateescape"))
        with contextlib.suppress(OSError), plain(path) as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    here = [path.name for path in _files(folder) if path.parent == folder]
    try:
        if folder.is_symlink() or not folder.is_dir():
            problem = f"{folder.name} is not a folder (nor may it be a link to one)"
        elif name not in here:
            problem = f"there is no {name}, but {', '.join(here) or 'nothing'}: put the notebook there under that name"
        elif (folder / name).lstat().st_size > most:
            problem = f"{name} is larger than {most // 1_000_000} MB"
        else:
            with contextlib.suppress(FileNotFoundError), plain(folder / "timestamp.txt") as file:
                timestamp = file.read(100).decode("utf-8", "replace").strip()
            with plain(folder / name) as file:
                data = file.read()
    except OSError as error:
        problem = f"{name} could not be read: {error.strerror}"
    return Submission(student, folder, data, problem and f"{NOT_GRADED}{problem}.", timestamp, digest.hexdigest())


def _files(folder: Path) -> list[Path]:
    """Everything in a folder that is no folder itself, links among it."""
    return sorted(Path(root, name) for root, folders, files in os.walk(folder)
                  for name in [*files, *(f for f in folders if Path(root, f).is_symlink())])


# ---- in a worker ----------------------------------------------------------------------------------------------------

_opened: dict[bytes, tuple[Release, Any]] = {}
_closing = contextlib.ExitStack()
_opening = threading.RLock()  # a signal may come while it is held


def pack(release: Release, options: dict[str, Any]) -> bytes:
    """All that a worker needs to grade, on whatever machine. options: those of `open_runner`."""
    files = {str(path.relative_to(release.package)): path.read_bytes() for path in _files(release.package)}
    return pickle.dumps((_version(), pickle.dumps((release, files, options))))


def _version() -> str:
    """What this package consists of: a worker of another version would grade differently."""
    return _digest(*(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.rglob("*.py"))))


def grade(kit: bytes, student: str, notebook: bytes, problem: str) -> dict[str, Any]:
    """Grade one submission in this process, which keeps its runner for the next; return what is kept of it.

    Raises CannotGrade where student code cannot be isolated; any other exception says that this submission failed.
    """
    nb, troubles = read_submission(io.TextIOWrapper(io.BytesIO(notebook), encoding="utf-8"))
    troubles = [problem] if problem else troubles
    note(nb, troubles)
    for last in (False, True):  # a sandbox may have been killed from outside: once more in a new one
        release, runner = _open(kit)
        try:
            graded = grade_notebook(nb, release, runner, student)
            break
        except RuntimeError:
            close()
            if last:
                raise
    return {"notebook": graded.notebook, "seconds": graded.seconds, "misconceptions": graded.misconceptions,
            "troubles": troubles + graded.troubles, "problem": problem}


def _open(kit: bytes) -> tuple[Release, Any]:
    with _opening:
        if kit not in _opened:
            version, content = pickle.loads(kit)
            if version != _version():
                raise CannotGrade(f"The worker on {platform.node()} has another version of this package.")
            release, files, options = pickle.loads(content)
            folder = Path(_closing.enter_context(tempfile.TemporaryDirectory(prefix="minigrad-worker-")))
            package = folder / "course" / ".grading" / "package"
            for name, data in files.items():
                (package / name).parent.mkdir(parents=True, exist_ok=True)
                (package / name).write_bytes(data)
            release = replace(release, package=package)
            try:
                _opened[kit] = release, _closing.enter_context(open_runner(release, **options))
            except RuntimeError as refused:
                raise CannotGrade(str(refused)) from None
        return _opened[kit]


def close() -> None:
    """Close every runner of this process."""
    with _opening:
        _opened.clear()
        _closing.close()


def _begin(parent: int) -> None:
    """Make this process a worker that leaves with its parent, whatever ends that one, and takes its sandbox along."""
    def leave(*_: object) -> None:
        close()
        os._exit(1)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        leave()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, leave)
    multiprocessing.util.Finalize(None, close, exitpriority=1)
    threading.Thread(target=watch, daemon=True).start()


atexit.register(close)  # a worker of a cluster


# ---- many at once ---------------------------------------------------------------------------------------------------

Outcome = tuple[Submission, dict[str, Any] | BaseException]


class Workers(NamedTuple):
    """Where grading takes place: `executor` makes an executor that takes `room` submissions at a time."""

    executor: Callable[[], contextlib.AbstractContextManager[Executor]]
    room: int
    kit: Any


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def processes(kit: bytes, jobs: int) -> Iterator[Workers]:
    """Worker processes on this machine."""
    how = "fork" if "fork" in multiprocessing.get_all_start_methods() else None  # what is imported stays imported
    context = multiprocessing.get_context(how)

    @contextlib.contextmanager
    def pool() -> Iterator[Executor]:
        made = ProcessPoolExecutor(jobs, context, _begin, (os.getpid(),))
        try:
            yield made
        except BaseException:
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
        finally:
            made.shutdown(cancel_futures=True)

    yield Workers(pool, jobs + 1, kit)


@contextlib.contextmanager
def cluster(kit: bytes, scheduler: str) -> Iterator[Workers]:
    """The workers of a Dask cluster. Each needs this version of this package and bubblewrap, but no shared folder."""
    try:
        from distributed import Client

        client = Client(scheduler, timeout=TOGETHER_SECONDS, name="autograde")
        client.wait_for_workers(1, timeout=TOGETHER_SECONDS)
    except ImportError:
        raise CannotGrade("--executor dask needs Dask: pip install dask distributed") from None
    except OSError as failed:
        raise CannotGrade(f"No Dask scheduler with a worker answers at {scheduler}: {failed}") from None
    with client:
        try:
            room = 2 * sum(client.nthreads().values())
            yield Workers(lambda: contextlib.nullcontext(client.get_executor(pure=False)), room,
                          client.scatter(kit, broadcast=True))
        finally:
            with contextlib.suppress(Exception):  # nobody is left to be told
                client.run(close)


def outcomes(submissions: Iterable[Submission], workers: Workers) -> Generator[Outcome]:
    """Grade the submissions in any order. An exception in place of a result says that one could not be graded.

    A worker that dies takes with it what others were grading: that is graded again, one submission at a time, so that
    the one that kills its worker is known.
    """
    suspects: list[Submission] = []
    waiting, room = iter(submissions), workers.room
    while waiting is not None:
        running: dict[Future[Any], Submission] = {}
        try:
            with workers.executor() as executor:
                while True:
                    while len(running) < room and (submission := next(waiting, None)):
                        running[executor.submit(grade, workers.kit, submission.student, submission.notebook,
                                                submission.problem)] = submission
                    if not running:
                        break
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        error = future.exception()
                        if isinstance(error, BrokenExecutor | CannotGrade):
                            raise error
                        yield running.pop(future), error or future.result()
        except BrokenExecutor as broken:
            if room == 1:
                yield from ((submission, broken) for submission in running.values())
            else:
                suspects += running.values()
            continue
        if room == 1 or not suspects:
            return
        waiting, room = iter(suspects), 1


# ---- the command ----------------------------------------------------------------------------------------------------


def autograde(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Grade what was handed in for one chapter, or changed since; the exit status says whether grading itself failed."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Course(options.chapter, arguments) as course:
        run = _Run(course)
        course.enter(run.entered, run.failed)  # what an interruption left behind
        release = course.release()
        version = _digest(release.seed, release.package.name, release.key, release.source)
        folders, missing = course.handed_in()
        if not folders:
            raise CannotGrade(f"Nothing was handed in: {course.dir.format_path(course.dir.submitted_directory, '*', '')} "
                              f"holds no {course.chapter}" + f" of {options.student}." * bool(options.student))
        most = course.dir.max_file_size * 1000
        todo = []
        for student, folder in sorted(folders.items()):
            found = read(student, folder, course.chapter, most)
            record = course.record(student)
            if options.force or record.get("fingerprint") != _digest(version, found.fingerprint):
                todo.append((student, folder))
            elif student not in run.records:
                run.records[student] = record
        kit = pack(release, course.runner_options(options.unsafe))
        jobs = max(1, min(options.jobs or processors(), len(todo)))
        place = cluster(kit, options.scheduler) if options.executor == "dask" else processes(kit, jobs)
        submissions = (read(student, folder, course.chapter, most) for student, folder in todo)
        try:
            with tqdm(total=len(todo), unit=" submissions", disable=None) as bar, contextlib.ExitStack() as stack:
                if todo:
                    workers = stack.enter_context(place)
                    for submission, outcome in stack.enter_context(contextlib.closing(outcomes(submissions, workers))):
                        run.keep(submission, outcome, _digest(version, submission.fingerprint))
                        bar.update()
        except KeyboardInterrupt:
            print("Stopped. What was graded is kept; the same command goes on from here.", file=sys.stderr)
            run.status = 130
        with contextlib.suppress(KeyboardInterrupt):  # another one: then the next run enters it
            course.enter(run.entered, run.failed)
        run.report(missing, time.monotonic() - started)
    return run.status


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class _Run:
    """What one call of the command found out, student by student."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.records: dict[str, dict[str, Any]] = {}
        self.changes: list[str] = []
        self.failures: dict[str, str] = {}
        self.status = self.kept = 0
        self.graded: set[str] = set()
        self.saved = time.monotonic()

    def keep(self, submission: Submission, outcome: dict[str, Any] | BaseException, fingerprint: str) -> None:
        """Take one outcome; every few, enter them."""
        student = submission.student
        if isinstance(outcome, BaseException):
            self.failed(student, outcome)
            if student in self.course.submitted:
                return  # with the grade that it had
            why = f"{NOT_GRADED}grading itself failed ({type(outcome).__name__}), through no fault of this notebook."
            nb = nbformat.v4.new_notebook()
            note(nb, [why])
            outcome, fingerprint = {"notebook": nb, "seconds": 0.0, "misconceptions": {}, "troubles": [why], "problem": why}, ""
        timestamp = self.course.time(submission.timestamp)
        if submission.timestamp and not timestamp:
            outcome["troubles"].append(f"timestamp.txt holds no time but {submission.timestamp[:40]!r}.")
        self.course.keep({"student": student, "fingerprint": fingerprint, "timestamp": timestamp, **outcome})
        self.kept += 1
        if self.kept >= BATCH or time.monotonic() > self.saved + BATCH_SECONDS:
            self.course.enter(self.entered, self.failed)
            self.kept, self.saved = 0, time.monotonic()

    def entered(self, record: dict[str, Any], before: dict[str, float | None]) -> None:
        """One result stands in the gradebook."""
        student, after = record["student"], record["scores"]
        self.graded.add(student)
        self.records[student] = record
        changed = [f"{name} {_points(before[name])} → {_points(after[name])}" for name in after
                   if before.get(name) is not None and before[name] != after[name]]
        if changed:
            self.changes.append(f"  {student}: {_points(_sum(before))} → {_points(_sum(after))} ({', '.join(changed)})")

    def failed(self, student: str, error: BaseException) -> None:
        """One submission could not be graded, or its grade not be entered."""
        self.failures[student] = f"GRADING FAILED: {type(error).__name__}: {error}"
        self.status = self.status or 1

    def report(self, missing: dict[str, str], seconds: float) -> None:
        """Print a line for every student, then whose grade changed, then how it went."""
        most = sum(self.course.max_scores.values())
        lines = []
        for student in sorted({*self.records, *self.failures, *missing}):
            record = self.records.get(student, {})
            words = [self.failures[student]] if student in self.failures else record.get("troubles", [])
            words = [missing[student]] if student in missing else words
            if record.get("late"):
                words = [f"{record['late'] / 3600:.1f} hours late.", *words]
            score = "missing" if student in missing else "failed" if student in self.failures else \
                "not graded" if record["problem"] else f"{_points(_sum(record['scores']))} / {_points(most)}"
            took = f"{record['seconds']:.1f} s" if record else ""
            lines.append((student, score, took, " ".join(" ".join(words).split())))
        widths = [max([len(line[i]) for line in lines], default=0) for i in range(3)]
        for student, score, took, words in lines:
            print(f"{student:{widths[0]}}  {score:>{widths[1]}}  {took:>{widths[2]}}  {words}".rstrip())
        if self.changes:
            print(f"\n{len(self.changes)} of the grades changed:", *sorted(self.changes), sep="\n")
            print(f"  To write the feedback again: nbgrader generate_feedback {self.course.chapter} --force")
        print(f"\n{self.course.chapter}: {len(self.graded - set(self.failures))} graded, "
              f"{len(set(self.records) - self.graded)} unchanged since they were, "
              f"{len(missing)} missing, {len(self.failures)} failed, in {seconds:.1f} s.")


def _sum(scores: dict[str, float | None]) -> float:
    return sum(score or 0.0 for score in scores.values())


def _points(score: float | None) -> str:
    return "–" if score is None else f"{score:.2f}".rstrip("0").rstrip(".")

"""The synthetic class: every cheat and every accident, graded together, with the exact gradebook.

Between them sit students who did all the work, or none: whatever the others hand in, their grades stay the same.
"""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from accidents import CHAPTER, FULL, NONE, Scores, accidents, notebook
from cheats import Place, cheats

from graders import demo
from graders.bundle import ROOT
from graders.runner import open_runner

# Enough to see every part of the grading at work within a minute.
FEW = {
    "strips-asserts", "patches-comparisons", "returns-numbers", "edits-points", "replays-the-session", "fixes-the-seed",
    "reads-solutions", "reads-neighbours", "reads-the-key", "calls-the-reference", "asks-the-network", "writes-to-the-package",
    "ends-the-process", "warnings", "deleted-check", "duplicated-cells", "syntax-error", "truncated-file", "empty-folder",
    "renamed-notebook", "linked-notebook", "more-files", "byte-order-mark", "asks-a-question",
    "small-steps",
}  # fmt: skip
SECONDS = 4  # for a cell: far more than an honest one takes
PLACE = Place(Path("/nowhere"), 1)
CHEATS = [name for name, _ in cheats(PLACE)]
ACCIDENTS = [name for name, _, _ in accidents(Path("/nowhere"))]


@pytest.fixture(scope="session")
def port() -> Iterator[int]:
    """A server on this machine that hands out the solution to whoever asks."""
    answers = solution(ROOT).read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answers)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def solution(course: Path) -> Path:
    return course / "solutions" / CHAPTER / f"{CHAPTER}.ipynb"


def hand_in(course: Path, port: int, wanted: set[str] | None) -> dict[str, Scores]:
    """A course into which a class has handed in; returns the grade that each student must get."""
    (course / "solutions" / CHAPTER).mkdir(parents=True)
    solution(course).write_bytes(solution(ROOT).read_bytes())
    outside = course / "elsewhere"
    outside.mkdir()
    perfect, blank = notebook(demo.solved(CHAPTER)), notebook(demo.released(CHAPTER))
    cases = [(name, notebook(nb), NONE) for name, nb in cheats(Place(course, port))]
    cases += list(accidents(outside))
    cases = [case for case in cases if wanted is None or case[0] in wanted]
    expected = {}
    for number, (name, write, scores) in enumerate(cases):
        named = [(name, write, scores)]
        if number % 6 == 0:
            named = [(f"honest-{number}", perfect, FULL), *named, (f"blank-{number}", blank, NONE)]
        for who, hand, grade in named:
            student = f"{len(expected):03d}-{who}"
            folder = course / "submitted" / student / CHAPTER
            folder.mkdir(parents=True)
            hand(folder)
            expected[student] = grade
    return expected


def run(course: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command, f"--CourseDirectory.root={course}"], cwd=ROOT,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)


def grade(course: Path, port: int, wanted: set[str] | None, *, stock: bool) -> SimpleNamespace:
    """Release, hand in, and grade by our own command or by nbgrader's."""
    expected = hand_in(course, port, wanted)
    before = solution(course).read_bytes()
    released = run(course, "nbgrader", "generate_assignment", CHAPTER)
    assert released.returncode == 0, released.stderr
    program = ["nbgrader", "autograde"] if stock else ["graders", "autograde"]
    done = run(course, *program, CHAPTER, f"--Run.timeout={SECONDS}", "--CourseDirectory.max_file_size=200000")
    return SimpleNamespace(course=course, expected=expected, done=done, solution=before,
                           book=demo.gradebook(course, CHAPTER))


def name_of(student: str) -> str:
    return student.partition("-")[2]


def exact(graded: SimpleNamespace) -> None:
    """The gradebook holds everybody, each with exactly the grade that is expected."""
    assert sorted(graded.book) == sorted(graded.expected), graded.done.stderr[-3000:]
    differ = {name_of(s): {k: v for k, v in graded.book[s].items() if v != scores[k]}
              for s, scores in graded.expected.items() if graded.book[s] != scores}
    assert not differ, json.dumps(differ, indent=1)


def test_there_are_enough_ways_to_cheat_and_kinds_of_accident():
    assert len(set(CHEATS)) == len(CHEATS) >= 25
    assert len(set(ACCIDENTS)) == len(ACCIDENTS) >= 25
    assert {*CHEATS, *ACCIDENTS} >= FEW


@pytest.fixture(scope="module")
def few(tmp_path_factory, port) -> SimpleNamespace:
    return grade(tmp_path_factory.mktemp("few"), port, FEW, stock=False)


def test_the_gradebook_of_a_part_of_the_class(few):
    exact(few)
    assert few.done.returncode == 0, few.done.stderr


@pytest.fixture(scope="module")
def everybody(tmp_path_factory, port) -> SimpleNamespace:
    return grade(tmp_path_factory.mktemp("everybody"), port, None, stock=False)


@pytest.mark.slow
def test_the_gradebook_of_the_whole_class(everybody):
    exact(everybody)
    assert everybody.done.returncode == 0, everybody.done.stderr


@pytest.mark.slow
def test_nothing_is_left_behind(everybody):
    """No process, and no file that somebody wrote outside of the own folder."""
    left = [line for line in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout.splitlines()
            if "inside.zygote" in line and str(everybody.course) in line]
    assert left == []
    assert solution(everybody.course).read_bytes() == everybody.solution
    assert not Path("/tmp/stolen").exists()
    package = next((everybody.course / ".grading" / CHAPTER).glob("package-*"))
    assert not [path for path in package.rglob("*") if path.is_file() and b"spoilt" in path.read_bytes()]


@pytest.mark.slow
def test_every_notebook_that_is_handed_back_is_small_and_whole(everybody):
    for path in everybody.course.glob(f"autograded/*/{CHAPTER}/{CHAPTER}.ipynb"):
        assert path.stat().st_size < 25_000_000, path
        nbformat.validate(nbformat.read(path, as_version=4))


@pytest.mark.slow
def test_stock_autograde_gives_the_same_gradebook(tmp_path, port):
    """But for a notebook that cannot be read: there it says 0, or nothing, where ours says why there is no grade."""
    graded = grade(tmp_path, port, FEW - {"empty-folder"}, stock=True)
    for student in graded.expected:
        if name_of(student) == "linked-notebook":
            graded.expected[student] = NONE
    exact(graded)
    linked = next(graded.course.glob(f"autograded/*-linked-notebook/{CHAPTER}/{CHAPTER}.ipynb")).read_text()
    assert "This notebook is a link to another file" in linked


@pytest.mark.slow
def test_some_cheats_work_where_nothing_stops_them(tmp_path, port):
    """In a plain kernel with all rights: else the class would prove nothing about isolation."""
    from graders.grade import grade_notebook
    from graders.release import open_release, release_folder

    graded = grade(tmp_path, port, {"reads-solutions"}, stock=False)
    release = open_release(release_folder(graded.course, CHAPTER), CHAPTER, solution(graded.course))
    wanted = ("reads-solutions", "reads-neighbours", "reads-the-key", "asks-the-network", "imports-the-whole-minigrad")
    tried = {name: nb for name, nb in cheats(Place(graded.course, port)) if name in wanted}
    with warnings.catch_warnings(action="ignore"), open_runner(release, unsafe=True) as runner:
        stolen = {name: sum(grade_notebook(nb, release, runner).scores.values()) for name, nb in tried.items()}
    assert min(stolen.values()) > 3, stolen

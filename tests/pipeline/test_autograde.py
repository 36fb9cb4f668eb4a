"""`python -m graders autograde`: the same rows and files as stock nbgrader, whatever is handed in and whatever breaks off."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell

from graders import autograde, demo
from graders import release as release_room
from graders.__main__ import main
from graders.bundle import ROOT

needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None and not os.environ.get("CI"),
                                      reason="bubblewrap (bwrap) is not installed; Debian: apt install bubblewrap")
pytestmark = needs_bubblewrap
CHAPTER = "ch02"
ROWS = """
select a.student_id, a.timestamp, n.late_submission_penalty, n.flagged, 'grade', c.name,
       g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade
from submitted_assignment a join submitted_notebook n on n.assignment_id = a.id join grade g on g.notebook_id = n.id
     join base_cell c on c.id = g.cell_id
union all
select a.student_id, a.timestamp, n.late_submission_penalty, n.flagged, 'comment', c.name,
       m.auto_comment, m.manual_comment, null, null
from submitted_assignment a join submitted_notebook n on n.assignment_id = a.id join comment m on m.notebook_id = n.id
     join base_cell c on c.id = m.cell_id
order by 1, 5, 6
"""


def folder_of(course: Path, student: str) -> Path:
    folder = course / "submitted" / student / CHAPTER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def new_course(course: Path) -> Path:
    """A course whose chapter also has a question for a person to grade and a file of data, released and with a due date."""
    source = course / "solutions" / CHAPTER
    source.mkdir(parents=True)
    nb = nbformat.read(ROOT / "solutions" / CHAPTER / f"{CHAPTER}.ipynb", as_version=4)
    meta = {"grade": True, "grade_id": "essay", "locked": False, "points": 3, "schema_version": 3, "solution": True,
            "task": False}
    nb.cells.append(new_markdown_cell("Why?", metadata={"nbgrader": meta}, id="essay"))
    nbformat.write(nb, source / f"{CHAPTER}.ipynb")
    (source / "data.csv").write_text("1,2\n")
    done = demo.nbgrader(course, "generate_assignment", CHAPTER)
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(course / "gradebook.db") as book:
        book.execute("update assignment set duedate = '2026-03-01 12:00:00.000000'")
        book.execute("insert into student (id) values ('absent')")
    return course


def hand_in(course: Path) -> None:
    """Students that stock nbgrader can grade too: one perfect, one blank, mistakes, late ones, and one with files."""
    perfect = demo.solved(CHAPTER)
    for student, nb in demo.submissions(CHAPTER):
        if student != "endless-loop":
            demo.hand_in(course, student, CHAPTER, nb)
    (folder_of(course, "mistake-1") / "timestamp.txt").write_text("2026-03-01 11:00:00 UTC")
    for student in ("late", "late-and-wrong"):
        demo.hand_in(course, student, CHAPTER, perfect)
        (folder_of(course, student) / "timestamp.txt").write_text("2026-03-02 12:30:00.5 UTC")
    nb = nbformat.from_dict(perfect)
    nb.cells.append(new_markdown_cell("Because.", metadata={"nbgrader": {"grade_id": "essay"}}))
    demo.hand_in(course, "writes", CHAPTER, nb)
    demo.hand_in(course, "files", CHAPTER, perfect)
    (folder_of(course, "files") / "data.csv").write_text("my own")
    (folder_of(course, "files") / "more" / "__pycache__").mkdir(parents=True)
    (folder_of(course, "files") / "more" / "notes.txt").write_text("notes")
    (folder_of(course, "files") / "more" / "__pycache__" / "x.pyc").write_text("no")
    for student, data in {"corrupt": b'{"cells": [', "empty": b""}.items():
        (folder_of(course, student) / f"{CHAPTER}.ipynb").write_bytes(data)


def accidents(course: Path) -> dict[str, str]:
    """Submissions with no notebook to grade, and the reason that must be stated."""
    mine = course / "submitted" / "perfect" / CHAPTER / f"{CHAPTER}.ipynb"
    nbformat.write(demo.solved(CHAPTER), folder_of(course, "misnamed") / "Chapter 2 (1).ipynb")
    folder_of(course, "nothing")
    (folder_of(course, "links") / f"{CHAPTER}.ipynb").symlink_to(mine)
    (course / "submitted" / "linked-folder").mkdir()
    (course / "submitted" / "linked-folder" / CHAPTER).symlink_to(mine.parent)
    (course / "submitted" / "a-file").mkdir()
    (course / "submitted" / "a-file" / CHAPTER).write_text("my work")
    (folder_of(course, "notebook-is-a-folder") / f"{CHAPTER}.ipynb").mkdir()
    os.mkfifo(folder_of(course, "pipe") / f"{CHAPTER}.ipynb")
    return {"misnamed": "there is no ch02.ipynb, but Chapter 2 (1).ipynb", "nothing": "there is no ch02.ipynb, but nothing",
            "links": "ch02.ipynb could not be read", "linked-folder": "ch02 is not a folder (nor may it be a link to one)",
            "a-file": "ch02 is not a folder", "notebook-is-a-folder": "there is no ch02.ipynb",
            "pipe": "ch02.ipynb could not be read: it is a link or no plain file"}


def command(course: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "graders", "autograde", CHAPTER, f"--course-dir={course}", *options]


def grade(course: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(course, *options), cwd=ROOT, capture_output=True, text=True)


def rows(course: Path) -> list[tuple]:
    """Everything that the gradebook says of every submission, without the random ids of its rows."""
    with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as book:
        return book.execute(ROWS).fetchall()


def scores(course: Path, student: str) -> dict[str, float | None]:
    return {row[5]: row[6] for row in rows(course) if row[0] == student and row[4] == "grade"}


def records(course: Path, *rooms: str) -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text()) for room in rooms or ("graded",)
            for path in (course / ".grading" / CHAPTER / room).glob("*.json")}


def line(said: str, student: str) -> str:
    return next(line for line in said.splitlines() if line.split()[:1] == [student])


def shown(path: Path) -> list[dict]:
    """The cells of a graded notebook, without what differs in every run."""
    text = re.sub(r"object at 0x\w+", "object", path.read_text())
    return [{name: value for name, value in cell.items() if name != "id"} for cell in nbformat.reads(text, as_version=4).cells]


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


@pytest.fixture(scope="module")
def blank(tmp_path_factory) -> Path:
    """A released course whose key is made already and to which nobody has handed in anything; do not change it."""
    course = new_course(tmp_path_factory.mktemp("blank") / "course")
    release_room.open_release(course / ".grading" / CHAPTER, CHAPTER, course / "solutions" / CHAPTER / f"{CHAPTER}.ipynb")
    return course


@pytest.fixture(scope="module")
def graded(blank) -> SimpleNamespace:
    """The same class graded by stock nbgrader with this course's plugins, and by the command."""
    stock, ours = blank.with_name("stock"), blank.with_name("ours")
    late = "--LateSubmissionPlugin.penalty_method=zero"
    shutil.copytree(blank, stock)
    hand_in(stock)
    shutil.copytree(stock, ours)
    run = SimpleNamespace(stock=stock, ours=ours)
    for course, grader in (stock, lambda *_: demo.nbgrader(stock, "autograde", CHAPTER, late, *_)), \
                          (ours, lambda *_: grade(ours, late, *_)):
        first = grader()
        assert first.returncode == 0, first.stderr
        with sqlite3.connect(course / "gradebook.db") as book:
            book.execute("update grade set manual_score = 1, needs_manual_grade = 0 where notebook_id in (select n.id from "
                         "submitted_notebook n join submitted_assignment a on n.assignment_id = a.id "
                         "where a.student_id = 'late-and-wrong')")
        demo.hand_in(course, "newcomer", CHAPTER, demo.solved(CHAPTER))
        second = grader("--student=late-and-wrong", "--force")
        third = grader()
        assert [second.returncode, third.returncode] == [0, 0]
    run.first, run.third = first, third
    return run


@pytest.mark.slow
def test_the_gradebook_has_the_same_rows_as_after_stock_autograde(graded):
    ours = rows(graded.ours)
    assert ours == rows(graded.stock)
    assert {row[0] for row in ours} == {*os.listdir(graded.ours / "submitted")}
    assert ("late", "2026-03-02 12:30:00.500000", 11.0, 0, "grade", "check-mul", 3.0, None, None, 0) in ours
    assert [row[9] for row in ours if row[0] == "late-and-wrong" and row[4] == "grade"] == [1] * 5
    assert [row[6] for row in ours if row[5] == "essay" and row[4] == "grade" and row[0] in ("writes", "blank")] == [0, None]


@pytest.mark.slow
def test_the_autograded_folders_are_those_of_stock_autograde(graded):
    found = {}
    for course in (graded.stock, graded.ours):
        found[course] = {path.relative_to(course): path.stat().st_mode
                         for path in (course / "autograded").rglob("*")}
    assert found[graded.ours] == found[graded.stock]
    assert Path("autograded/files/ch02/more/notes.txt") in found[graded.ours]
    for path in found[graded.ours]:
        if (graded.ours / path).is_file() and path.suffix != ".ipynb":
            assert (graded.ours / path).read_bytes() == (graded.stock / path).read_bytes()
        elif path.suffix == ".ipynb":
            assert shown(graded.ours / path) == shown(graded.stock / path), path


@pytest.mark.slow
def test_feedback_and_export_work_on_it(graded):
    assert demo.nbgrader(graded.ours, "generate_feedback", CHAPTER, "--student=late").returncode == 0
    assert "Score: 3.0 / 3.0" in (graded.ours / "feedback" / "late" / CHAPTER / f"{CHAPTER}.html").read_text()
    assert demo.nbgrader(graded.ours, "export", f"--to={graded.ours / 'grades.csv'}").returncode == 0
    with (graded.ours / "grades.csv").open() as file:
        found = {row["student_id"]: (float(row["score"]), row["max_score"]) for row in csv.DictReader(file)}
    assert found["perfect"] == (11.0, "14.0")
    assert found["late"] == found["absent"] == (0.0, "14.0")


@pytest.mark.slow
def test_a_line_for_every_student_says_score_time_and_what_went_wrong(graded):
    said = graded.first.stdout
    assert line(said, "perfect").split()[1:5] == ["11", "/", "14", line(said, "perfect").split()[4]]
    assert "This file could not be read as a notebook (NotJSONError)" in line(said, "corrupt")
    assert "24.5 hours late." in line(said, "late")
    assert "Nothing was handed in." in line(said, "absent")
    assert "0 unchanged since they were, 1 missing, 0 failed" in said


@pytest.mark.slow
def test_only_what_is_new_is_graded(graded):
    assert "ch02: 1 graded, 13 unchanged since they were, 1 missing, 0 failed" in graded.third.stdout
    assert line(graded.third.stdout, "perfect") == line(graded.first.stdout, "perfect")


def test_what_cannot_be_graded_ends_as_a_row_with_a_reason_and_fails_nothing(blank, tmp_path):
    course = shutil.copytree(blank, tmp_path / "course")
    demo.hand_in(course, "perfect", CHAPTER, demo.solved(CHAPTER))
    (folder_of(course, "perfect") / "timestamp.txt").write_text("yesterday")
    (folder_of(course, "perfect") / "neighbour.txt").symlink_to("/etc/hostname")
    reasons = accidents(course)
    (course / "submitted" / "other" / "chapter2").mkdir(parents=True)
    done = grade(course)
    assert done.returncode == 0, done.stderr
    for student, reason in reasons.items():
        assert reason in line(done.stdout, student)
        assert set(scores(course, student).values()) == {None}
        comments = [row[6] for row in rows(course) if row[0] == student and row[4] == "comment"]
        assert comments
        assert all(reason in comment for comment in comments)
        nb = nbformat.read(course / "autograded" / student / CHAPTER / f"{CHAPTER}.ipynb", as_version=4)
        assert any(reason in cell.source for cell in nb.cells[:2])
    assert "missing" in line(done.stdout, "other")
    assert "there is chapter2" in line(done.stdout, "other")
    assert "timestamp.txt holds no time but 'yesterday'" in line(done.stdout, "perfect")
    assert sum(score or 0 for score in scores(course, "perfect").values()) == 11
    assert not (course / "autograded" / "perfect" / CHAPTER / "neighbour.txt").exists()
    folder = folder_of(course, "misnamed")
    (folder / "Chapter 2 (1).ipynb").rename(folder / f"{CHAPTER}.ipynb")
    done = grade(course)
    assert f"{CHAPTER}: 1 graded, {len(reasons)} unchanged" in done.stdout
    assert scores(course, "misnamed") == scores(course, "perfect")


@pytest.fixture(scope="module")
def undisturbed(blank) -> Path:
    """A class of twelve, graded without interruption."""
    course = shutil.copytree(blank, blank.with_name("undisturbed"))
    kinds = [(student, nb) for student, nb in demo.submissions(CHAPTER) if student != "endless-loop"]
    for number in range(12):
        student, nb = kinds[number % len(kinds)]
        demo.hand_in(course, f"{student}-{number}", CHAPTER, nb)
    shutil.copytree(course, course.with_name("twelve"))
    done = grade(course)
    assert done.returncode == 0, done.stderr
    return course


def children(pid: int) -> set[int]:
    """Every process below this one."""
    found, new = set(), {pid}
    while new:
        below = subprocess.run(["ps", "-o", "pid=", "--ppid", ",".join(map(str, new))], capture_output=True, text=True)
        new = {int(word) for word in below.stdout.split()} - found
        found |= new
    return found


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_after_an_interruption_nothing_is_lost_and_nobody_graded_twice(undisturbed, tmp_path, end):
    course = shutil.copytree(undisturbed.with_name("twelve"), tmp_path / "course")
    kept: dict[str, float] = {}
    for enough in (2, 4):  # of twelve: there is time to look before the rest is done
        process = subprocess.Popen(command(course), cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   process_group=0)
        wait_for(lambda enough=enough: len(records(course, "ready", "graded")) >= enough, process)
        workers = children(process.pid)
        assert len(workers) > 2
        if end == signal.SIGINT:
            os.killpg(process.pid, end)  # as a terminal does
        else:
            process.send_signal(end)
        _, said = process.communicate()
        assert process.returncode == (-9 if end == signal.SIGKILL else 130)
        assert "Traceback" not in said
        deadline = time.monotonic() + 30
        while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()], "a process was left behind"
        now = {student: record["seconds"] for student, record in records(course, "ready", "graded").items()}
        assert now.items() >= kept.items()
        kept = now
    assert 4 <= len(kept) < 12
    done = grade(course)
    assert done.returncode == 0, done.stderr
    assert {student: record["seconds"] for student, record in records(course).items()}.items() >= kept.items()
    assert rows(course) == rows(undisturbed)
    assert sorted(path.name for path in (course / "autograded").rglob("*")) == \
        sorted(path.name for path in (undisturbed / "autograded").rglob("*"))
    assert "0 graded, 12 unchanged" in grade(course).stdout


@pytest.mark.slow
def test_entering_grades_may_be_broken_off_at_every_single_step(undisturbed, tmp_path, monkeypatch):
    results = {}
    with autograde.Course(CHAPTER, [f"--course-dir={undisturbed}"]):
        pass
    for student, record in list(records(undisturbed).items())[:2]:
        path = undisturbed / "autograded" / student / CHAPTER / f"{CHAPTER}.ipynb"
        results[student] = {**record, "notebook": nbformat.read(path, as_version=4), "timestamp": ""}
    steps = ("rename", "replace", "unlink", "mkdir", "chmod", "write_text")

    def enter(course: Path, last: int) -> None:
        """What the command does with results; the process ends at the step number `last`."""
        left = [last]

        def counted(step: Callable) -> Callable:
            def run(*args, **kwargs):
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)
                return step(*args, **kwargs)
            return run

        with autograde.Course(CHAPTER, [f"--course-dir={course}"]) as open_course:
            for name in steps:
                setattr(Path, name, counted(getattr(Path, name)))
            open_course.book.db.commit = counted(open_course.book.db.commit)
            for record in results.values():
                open_course.keep(record)
            open_course.enter(lambda *_: None, lambda *_: os._exit(8))

    expected = [row for row in rows(undisturbed) if row[0] in results]
    last, status = 0, 9
    while status == 9:
        course = shutil.copytree(undisturbed.with_name("twelve"), tmp_path / str(last))
        for attempt in (last, 10**9):
            pid = os.fork()
            if not pid:
                with contextlib.suppress(BaseException):
                    enter(course, attempt)
                    os._exit(0)
                os._exit(7)
            ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            status = ended if attempt == last else status
            assert ended in ((0, 9) if attempt == last else (0,))
        assert rows(course) == expected, last
        assert set(records(course)) == set(results)
        assert not records(course, "ready")
        for student in results:
            assert [path.name for path in (course / "autograded" / student).iterdir()] == [CHAPTER]
            assert {path.name for path in (course / "autograded" / student / CHAPTER).iterdir()} == \
                {f"{CHAPTER}.ipynb", "data.csv"}
        last += 1
    assert last > 20


@pytest.fixture
def three(blank, tmp_path) -> Path:
    """A course of three students; `main` grades it in this process, so that faults can be planted."""
    course = shutil.copytree(blank, tmp_path / "course")
    for student in ("anna", "ben", "mira"):
        demo.hand_in(course, student, CHAPTER, demo.solved(CHAPTER))
    return course


def grade_here(course: Path, *options: str) -> int:
    return main(["autograde", CHAPTER, f"--course-dir={course}", *options])


@pytest.fixture
def planted(monkeypatch) -> Callable[[Callable[[], object]], None]:
    """Plant a fault of our own code, or of the machine, where ben's notebook is graded; the workers are forks of this."""
    def plant(fault: Callable[[], object]) -> None:
        whole = autograde.grade_notebook
        monkeypatch.setattr(autograde, "grade_notebook",
                            lambda nb, release, runner, student: (student == "ben" and fault()) or
                            whole(nb, release, runner, student))
    return plant


@pytest.mark.slow
@pytest.mark.parametrize("fault", [lambda: [][0], lambda: os.kill(os.getpid(), signal.SIGKILL)],
                         ids=["an exception of our own", "a worker that dies"])
def test_a_fault_of_ours_is_reported_and_costs_nobody_else_anything(three, planted, monkeypatch, capsys, fault):
    with monkeypatch.context():
        planted(fault)
        assert grade_here(three) == 1
    said = capsys.readouterr().out
    assert "failed" in line(said, "ben")
    assert "GRADING FAILED" in line(said, "ben")
    assert set(scores(three, "ben").values()) == {None}
    assert all("through no fault of this notebook" in row[6] for row in rows(three) if row[0] == "ben" and row[4] == "comment")
    assert sum(score or 0 for score in scores(three, "anna").values()) == 11
    assert scores(three, "mira") == scores(three, "anna")
    monkeypatch.undo()
    assert grade_here(three) == 0
    assert "1 graded, 2 unchanged" in capsys.readouterr().out
    assert scores(three, "ben") == scores(three, "anna")


@pytest.mark.slow
def test_a_failed_regrading_leaves_the_grade_that_was_there(three, planted, capsys):
    assert grade_here(three) == 0
    before = rows(three)
    planted(lambda: [][0])
    assert grade_here(three, "--force") == 1
    assert rows(three) == before
    assert "2 graded, 0 unchanged since they were, 1 missing, 1 failed" in capsys.readouterr().out


@pytest.mark.slow
def test_a_mended_check_is_noticed_and_says_whose_grade_changed(three, capsys):
    demo.hand_in(three, "wrong", CHAPTER, demo.change(demo.solved(CHAPTER), "record", *demo.MISTAKES[CHAPTER]["record"]))
    assert grade_here(three) == 0
    wrong = scores(three, "wrong")["check-record"]
    assert 0 < wrong < 4
    key = three / ".grading" / CHAPTER / "key.json"
    data = json.loads(key.read_text())
    for item in data["key"]["exercises"][data["cells"]["check-record"]]["items"]:
        item["weight"] *= 10 if "next_functions" in item["name"] else 1
    key.write_text(json.dumps(data))
    capsys.readouterr()
    assert grade_here(three) == 0
    said = capsys.readouterr().out
    assert "4 graded, 0 unchanged" in said
    now = scores(three, "wrong")["check-record"]
    assert wrong != now
    assert "1 of the grades changed:" in said
    assert f"check-record {wrong:g} → {now:g}" in said
    assert grade_here(three, "--force") == 0
    assert "changed:" not in capsys.readouterr().out


@pytest.mark.slow
def test_new_inputs_are_drawn_on_demand_and_grade_everybody_again(three, capsys, monkeypatch):
    assert grade_here(three) == 0
    before, seed = rows(three), (three / ".grading" / CHAPTER / "seed").read_text()
    assert main(["new-inputs", CHAPTER, f"--course-dir={three}"]) == 0
    capsys.readouterr()
    assert grade_here(three) == 0
    assert "3 graded, 0 unchanged" in capsys.readouterr().out
    assert (three / ".grading" / CHAPTER / "seed").read_text() != seed
    assert rows(three) == before


@pytest.mark.slow
def test_a_gradebook_that_another_program_holds_is_waited_for(three):
    with sqlite3.connect(three / "gradebook.db", isolation_level=None, check_same_thread=False) as book:
        book.execute("BEGIN EXCLUSIVE")
        process = subprocess.Popen(command(three), cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert any("Another program holds the gradebook; waiting for it" in line for line in process.stderr)
        book.rollback()
        _, said = process.communicate()
    assert process.returncode == 0, said
    assert sum(score or 0 for score in scores(three, "anna").values()) == 11


def test_two_commands_at_once_do_not_grade_the_same_chapter(three, capsys):
    with autograde.Course(CHAPTER, [f"--course-dir={three}"]):
        assert grade_here(three) == 1
    assert "ch02 is being graded by another process already." in capsys.readouterr().err


@pytest.mark.slow
def test_folders_and_database_may_have_other_names(three):
    (three / "submitted").rename(three / "collected")
    (three / "gradebook.db").rename(three / "other.db")
    (three / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.submitted_directory = 'collected'\n"
        f"c.CourseDirectory.autograded_directory = 'done'\nc.CourseDirectory.db_url = 'sqlite:///{three}/other.db'\n")
    assert grade(three).returncode == 0
    assert (three / "done" / "anna" / CHAPTER / f"{CHAPTER}.ipynb").exists()
    assert not (three / "gradebook.db").exists()


def test_a_chapter_that_was_never_released_says_what_to_do(tmp_path, capsys):
    assert grade_here(tmp_path) == 1
    assert "Release it first: nbgrader generate_assignment ch02" in capsys.readouterr().err


def test_without_isolation_nothing_is_graded_unless_it_is_told_to_go_on(three, monkeypatch):
    monkeypatch.setenv("PATH", str(three))  # no bwrap there
    refused = grade(three)
    assert refused.returncode == 1
    assert "bubblewrap" in refused.stderr
    assert "--unsafe" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not rows(three)
    unsafe = grade(three, "--unsafe")
    assert unsafe.returncode == 0, unsafe.stderr
    assert "UNPROTECTED" in unsafe.stderr
    assert sum(score or 0 for score in scores(three, "anna").values()) == 11


@pytest.mark.slow
def test_no_folder_is_left_behind(three, monkeypatch):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        monkeypatch.setenv("TMPDIR", folder)
        done = grade(three)
        assert done.returncode == 0, done.stderr
        assert not os.listdir(folder)

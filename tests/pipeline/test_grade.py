"""One notebook from submission to verdict, in the real sandbox: what it may do, what it may see, what a mistake costs."""

from __future__ import annotations

import copy
import json
import os
import socket
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from graders import demo
from graders.bundle import ROOT
from graders.grade import Graded, grade_notebook
from graders.release import open_release, release_folder
from graders.runner import open_runner

FULL = {"check-add": 2.0, "check-mul": 3.0, "check-record": 4.0, "check-is_leaf": 2.0}
LIMIT = 3


@pytest.fixture(scope="module")
def course(tmp_path_factory, bubblewrap) -> Path:
    """A course folder with all that a submission may not see."""
    course = tmp_path_factory.mktemp("course")
    for name in ("solutions/ch02/ch02.ipynb", "submitted/neighbour/ch02/ch02.ipynb", "gradebook.db"):
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text("SECRET")
    return course


@pytest.fixture(scope="module")
def grade(course):
    """grade(notebook) for a submission of chapter 02, cells limited to LIMIT seconds."""
    release = open_release(release_folder(course, "ch02"), "ch02", ROOT / "solutions" / "ch02" / "ch02.ipynb")
    with open_runner(release, [course], cell_seconds=LIMIT) as runner:
        yield lambda nb: grade_notebook(nb, release, runner, "somebody")


@pytest.fixture(scope="module")
def grade_ch05(tmp_path_factory, bubblewrap):
    """The same for chapter 05."""
    folder = release_folder(tmp_path_factory.mktemp("course"), "ch05")
    release = open_release(folder, "ch05", ROOT / "solutions" / "ch05" / "ch05.ipynb")
    with open_runner(release) as runner:
        yield lambda nb: grade_notebook(nb, release, runner)


def with_cell(source: str, place: int = 2):
    """A perfect submission of chapter 02 with one more cell of the student's own."""
    nb = demo.solved("ch02")
    nb.cells.insert(place, new_code_cell(source))
    return nb


def said(graded: Graded) -> str:
    """All that the cells printed."""
    return "".join(o.get("text", "") for cell in graded.notebook.cells for o in cell.get("outputs", []))


# ---- what a mistake costs --------------------------------------------------------------------------------------------


def test_a_wrong_first_exercise_that_breaks_the_later_ones_costs_the_first_alone(grade_ch05):
    perfect = grade_ch05(demo.solved("ch05")).scores
    oldest_first = demo.change(demo.solved("ch05"), "order", ", reverse=True", "")
    nb = copy.deepcopy(oldest_first)
    for exercise in ("collect", "walk", "gradients"):
        demo.cell_of(nb, f"check-{exercise}").source += "\n" + "z = mg.tensor(1., requires_grad=True); (z * z).backward()"
    graded = grade_ch05(nb)
    assert graded.scores["check-order"] < perfect["check-order"]
    assert graded.scores == perfect | {"check-order": graded.scores["check-order"]}


def test_what_runs_again_is_still_the_students_own_piece(grade_ch05):
    nb = demo.change(demo.solved("ch05"), "order", ", reverse=True", "")
    nb = demo.change(nb, "walk", "task.pending.pop(node)", "2 * task.pending.pop(node)")
    graded, perfect = grade_ch05(nb), grade_ch05(demo.solved("ch05")).scores
    wrong = {name for name, score in graded.scores.items() if score < perfect[name]}
    assert wrong == {"check-order", "check-walk"}


def test_a_helper_that_stands_in_a_wrong_exercise_still_helps_the_later_ones(grade):
    nb = demo.change(demo.solved("ch02"), "add", "lambda g: g, lambda g: g", "lambda g: -g, lambda g: g")
    demo.cell_of(nb, "add").source += "\n\ndef times(a, g):\n    return a * g"
    nb = demo.change(nb, "mul", "lambda g: g * b, lambda g: g * a", "lambda g: times(b, g), lambda g: times(a, g)")
    scores = grade(nb).scores
    assert scores == FULL | {"check-add": scores["check-add"]}
    assert scores["check-add"] < 2


@pytest.mark.parametrize("end", ["import os; os._exit(0)", "import os; os.abort()",
                                 "import ctypes; ctypes.string_at(0)"])
def test_a_cell_that_ends_the_process_costs_no_exercise_but_its_own(grade, end):
    nb = demo.solved("ch02")
    demo.cell_of(nb, "mul").source += f"\n{end}"
    graded = grade(nb)
    assert graded.scores == FULL | {"check-mul": 0.0}
    assert graded.troubles[0].startswith("The cell `mul` ended the notebook's process")
    assert grade(with_cell(end)).scores == FULL


def test_two_exercises_that_end_the_process_cost_nothing_but_themselves(grade):
    nb = demo.solved("ch02")
    for exercise in ("add", "record"):
        demo.cell_of(nb, exercise).source += "\nimport os; os._exit(0)"
    assert grade(nb).scores == FULL | {"check-add": 0.0, "check-record": 0.0}


def test_a_blank_notebook_is_worth_nothing_and_nothing_is_odd_about_it(grade):
    graded = grade(demo.released("ch02"))
    assert graded.scores == dict.fromkeys(FULL, 0.0)
    assert graded.troubles == []


def test_the_same_submission_gets_the_same_grade(grade):
    nb = demo.change(demo.solved("ch02"), "mul", "lambda g: g * b", "lambda g: g + b")
    first, second = grade(nb), grade(nb)
    assert (first.scores, first.misconceptions) == (second.scores, second.misconceptions)
    check = "check-mul"
    assert demo.cell_of(first.notebook, check).outputs == demo.cell_of(second.notebook, check).outputs


def test_grading_changes_nothing_in_the_notebook_that_was_given(grade):
    nb = demo.solved("ch02")
    before = nbformat.writes(nb)
    grade(nb)
    assert nbformat.writes(nb) == before


def test_points_and_locked_cells_are_those_of_the_source(grade):
    nb = demo.released("ch02")
    for cell in nb.cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("grade"):
            meta.points, meta.locked, cell.source = 1000, False, f"{meta.points}"
    graded = grade(nb)
    assert graded.scores == dict.fromkeys(FULL, 0.0)
    for name, points in FULL.items():
        assert demo.cell_of(graded.notebook, name).metadata.nbgrader.points == points
        assert demo.cell_of(graded.notebook, name).source.startswith("check(")


# ---- what it may see -------------------------------------------------------------------------------------------------


def test_no_submission_sees_solutions_gradebook_others_seed_key_or_home(grade, course):
    paths = [course, *course.rglob("*"), Path.home(), *Path.home().iterdir(), ROOT, *ROOT.iterdir(), Path("/etc/passwd")]
    paths = [path for path in paths if not Path(sys.base_prefix).is_relative_to(path)
             and not Path(sys.prefix).is_relative_to(path)]  # where Python lies is seen
    assert {"seed", "key.json", "gradebook.db"} <= {path.name for path in paths}
    look = ("import os\nfor path in {!r}:\n    try: print('SEEN', path, os.listdir(path) if os.path.isdir(path) else "
            "open(path, 'rb').read(9))\n    except OSError: pass\nprint('looked')")
    graded = grade(with_cell(look.format([*map(str, paths)])))
    assert "looked" in said(graded)
    assert "SEEN" not in said(graded)
    assert graded.scores == FULL


def test_no_submission_holds_an_answer_even_in_its_own_package(grade):
    look = ("import inspect, minigrad as mg\nfrom minigrad import not_built, rules\n"
            "print(inspect.getsource(rules.mul.rule))\nprint('pieces', sorted(not_built.PIECES))\n"
            "try:\n    import graders.judge\n    print('SEEN')\nexcept ImportError: print('looked')")
    graded = grade(with_cell(look))
    assert "not_built('mul', 2" in said(graded)
    assert "g * b" not in said(graded)
    assert "looked" in said(graded)


def test_a_submission_reaches_neither_the_network_nor_other_processes(grade):
    with socket.create_server(("127.0.0.1", 0)) as server:
        look = (f"import os, socket\ns = socket.socket(); s.settimeout(1)\n"
                f"try:\n    s.connect(('127.0.0.1', {server.getsockname()[1]})); print('SEEN')\n"
                "except OSError: print('no network')\n"
                "print([n for n in os.listdir('/proc') if n.isdigit()], os.getuid() == 0)")
        graded = grade(with_cell(look))
    assert "no network\n['1'] False" in said(graded)


# ---- what it may use -------------------------------------------------------------------------------------------------


def test_processes_left_behind_are_gone_when_the_grade_is_there(grade):
    mark = f"left-behind-{os.getpid()}"
    leave = (f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99) # {mark}'], "
             "start_new_session=True)")
    assert grade(with_cell(leave)).scores == FULL
    commands = []
    for folder in Path("/proc").iterdir():
        try:
            commands.append((folder / "cmdline").read_bytes())
        except OSError:
            continue
    assert [command for command in commands if mark.encode() in command] == []


def test_a_flood_of_output_is_cut_and_named_and_costs_nothing(grade):
    graded = grade(with_cell("for i in range(200): print('x' * 1_000_000)"))
    assert graded.scores == FULL
    assert graded.troubles == ["Code cell 1 went over the notebook's 1,000,000 bytes of text; the rest was dropped."]
    assert len(nbformat.writes(graded.notebook)) < 1_500_000


def test_a_loop_costs_its_own_exercise_and_no_more_time_than_its_limit(grade):
    nb = demo.solved("ch02")
    demo.cell_of(nb, "mul").source = "while True: pass"
    started = time.monotonic()
    graded = grade(nb)
    assert time.monotonic() - started < 4 * LIMIT
    assert graded.scores == FULL | {"check-mul": 0.0}
    assert graded.troubles == [f"The cell `mul` was interrupted: cell limit of {LIMIT} s."]


@pytest.mark.parametrize(("greedy", "answer"), [
    ("x = bytearray(3 * 10**9)", "MemoryError"),
    ("import os\nwhile True:\n    if os.fork() == 0: time.sleep(99)", "BlockingIOError"),
    ("for n in range(200): open(str(n), 'wb').write(bytes(10**6))", "OSError"),
    ("open('one', 'wb').write(bytes(10**8))", "OSError"),
])
def test_memory_processes_and_files_are_limited(grade, greedy, answer):
    graded = grade(with_cell(f"import time\n{greedy}"))
    errors = [o.ename for cell in graded.notebook.cells for o in cell.get("outputs", []) if o.output_type == "error"]
    assert errors[:1] == [answer]
    assert graded.scores == FULL


def test_misconceptions_are_named_for_each_check(grade):
    swapped = demo.change(demo.solved("ch02"), "mul", "lambda g: g * b, lambda g: g * a",
                          "lambda g: g * a, lambda g: g * b")
    graded = grade(swapped)
    assert graded.misconceptions["check-mul"] == ["the gradients of the two inputs are swapped"]
    assert graded.misconceptions["check-add"] == []
    assert json.dumps(graded.scores)

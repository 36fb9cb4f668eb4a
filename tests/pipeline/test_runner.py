"""What a notebook can do to the plain kernel: nothing that loses the outputs of the cells before."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from graders import demo, runner
from graders.bundle import ROOT
from graders.grade import grade_notebook
from graders.release import open_release, release_folder
from graders.runner import open_runner, run_notebook


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with a minigrad to import."""
    (tmp_path / "minigrad").mkdir()
    (tmp_path / "minigrad" / "__init__.py").write_text("name = 'the given one'")
    return tmp_path


def notebook(*sources: str) -> NotebookNode:
    return new_notebook(cells=[new_code_cell(source) for source in sources])


def shown(nb: NotebookNode) -> list[str]:
    """What each cell displayed: texts, results and the names of errors, in one string."""
    return ["".join(o.get("text") or o.get("ename") or o.data["text/plain"] for o in cell.outputs) for cell in nb.cells]


def test_a_notebook_runs_to_its_end_over_an_error_and_a_syntax_error(package):
    nb = notebook("1 + 1", "1 / 0", "this is no Python", "2 + 2")
    assert run_notebook(nb, package).troubles == []
    assert shown(nb) == ["2", "ZeroDivisionError", "SyntaxError", "4"]


def test_a_loop_is_stopped_and_the_cells_after_it_run(package):
    nb = notebook("1", "while True: pass", "3")
    started = time.monotonic()
    assert run_notebook(nb, package, cell_seconds=2).troubles == ["Code cell 2 was stopped after 2 s."]
    assert time.monotonic() - started < 10
    assert shown(nb) == ["1", "KeyboardInterruptCellStopped", "3"]


def test_a_loop_that_refuses_to_stop_is_ended_and_keeps_what_came_before(package):
    stubborn = "while True:\n    try:\n        while True: pass\n    except BaseException as refused:\n        print(1)"
    nb = notebook("1", "import time\n" + stubborn.replace("pass", "time.sleep(0.01)"), "3")
    (trouble,) = run_notebook(nb, package, cell_seconds=2).troubles
    assert trouble.endswith("and ignored it; the cells after it were not run.")
    assert shown(nb)[0] == "1"
    assert shown(nb)[2] == ""


def test_ending_the_process_keeps_what_came_before(package):
    nb = notebook("'kept'", "import os; os._exit(0)", "3")
    (trouble,) = run_notebook(nb, package).troubles
    assert trouble == "Code cell 2 ended the Python process; the cells after it were not run."
    assert shown(nb) == ["'kept'", "CellStopped", ""]


def test_a_flood_of_output_is_cut_and_named(package):
    nb = notebook("for i in range(40): print('x' * 1_000_000)", "'after'")
    assert run_notebook(nb, package).troubles == ["Code cell 1 displayed more than 4 MB; the rest was dropped."]
    assert 0 < len(shown(nb)[0]) <= runner.CELL_BYTES
    assert shown(nb)[1] == "'after'"


def test_a_notebook_has_a_time_of_its_own(package):
    nb = notebook(*["import time; time.sleep(1)"] * 4)
    assert run_notebook(nb, package, notebook_seconds=2).troubles[-1].startswith("The notebook ran longer than 2 s")


@pytest.mark.parametrize(("grading", "mode"), [(None, "'None'"), ({"seed": 7}, "'{\"seed\": 7}'")])
def test_grading_mode_is_set_by_the_caller_alone(package, monkeypatch, grading, mode):
    monkeypatch.setenv("MINIGRAD_GRADING", "left over")
    nb = notebook("import os; str(os.environ.get('MINIGRAD_GRADING'))")
    run_notebook(nb, package, grading=grading)
    assert shown(nb) == [mode]


def test_a_notebook_imports_the_given_package_and_starts_in_an_empty_folder(package):
    nb = notebook("import minigrad; minigrad.name", "import os; os.listdir()")
    run_notebook(nb, package)
    assert shown(nb) == ["'the given one'", "[]"]


def test_evidence_is_taken_out_of_the_outputs_and_the_first_of_a_cell_counts(package):
    send = "display({'application/vnd.minigrad.evidence+json': {'n': 1}, 'text/plain': 'sent'}, raw=True)"
    nb = notebook(send + ";" + send.replace("1", "2"), "'no evidence'")
    assert run_notebook(nb, package).evidence == {0: {"n": 1}, 1: None}
    assert nb.cells[0].outputs == []


def test_a_package_that_cannot_be_imported_is_nobodys_zero(package):
    (package / "minigrad" / "__init__.py").write_text("import no_such_module")
    with pytest.raises(RuntimeError, match="No module named 'no_such_module'"):
        run_notebook(notebook("1"), package)


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Chapter 02, opened for grading."""
    folder = release_folder(tmp_path_factory.mktemp("course"), "ch02")
    return open_release(folder, "ch02", ROOT / "solutions" / "ch02" / "ch02.ipynb")


def test_without_isolation_nothing_is_graded_and_the_error_says_what_to_do(release, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(RuntimeError, match=r"(?s)bubblewrap.*--unsafe"), open_runner(release):
        pytest.fail("it started all the same")


def test_unsafe_runs_a_plain_kernel_and_warns_loudly(release, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.warns(UserWarning, match="UNPROTECTED"), open_runner(release, unsafe=True) as runner:
        graded = grade_notebook(demo.solved("ch02"), release, runner)
    assert sum(graded.scores.values()) == 11
    assert graded.troubles == []


def test_one_runner_serves_several_notebooks_and_each_starts_afresh(release, bubblewrap):
    with open_runner(release) as runner:
        for _ in range(2):
            nb = notebook("'left' in globals()", "left = 1")
            assert runner.run(nb).troubles == []
            assert shown(nb) == ["False", ""]


def test_only_takes_the_chapters_other_pieces_from_the_reference(release, bubblewrap):
    wrong = "from graders.check import piece\n@piece\ndef {}(a, b, /):\n    return a + b, lambda g: 7 * g, lambda g: 7 * g"
    step = ("import minigrad as mg; x = mg.tensor([2.], requires_grad=True); "
            "[float(v(1.)) for f in (mg.rules.add, mg.rules.mul) for v in f.rule(3., 5.)[1:]]")
    with open_runner(release) as runner:
        for only, expected in (["add"], "[7.0, 7.0, 5.0, 3.0]"), (["mul"], "[1.0, 1.0, 7.0, 7.0]"):
            nb = notebook(wrong.format("add"), wrong.format("mul"), step)
            ran = runner.run(nb, only=only)
            assert shown(nb) == ["", "", expected]
            assert (ran.troubles, len(nb.cells)) == ([], 3)


def test_a_sandbox_that_broke_down_is_replaced(release, bubblewrap):
    with open_runner(release) as runner:
        runner.run(notebook("1"))
        children = Path("/proc/self/task").glob("*/children")
        for child in {int(pid) for file in children for pid in file.read_text().split()}:
            if b"inside.zygote" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(child, signal.SIGKILL)
        nb = notebook("1 + 1")
        assert runner.run(nb).troubles == []
        assert shown(nb) == ["2"]

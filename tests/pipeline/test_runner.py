"""What a notebook can do to the runner: nothing that loses the outputs of the cells before."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from graders import runner
from graders.runner import run_notebook


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


@pytest.mark.parametrize(("seed", "mode"), [(None, "'None'"), (7, "'{\"seed\": 7}'")])
def test_grading_mode_is_set_by_the_seed_alone(package, monkeypatch, seed, mode):
    monkeypatch.setenv("MINIGRAD_GRADING", "left over")
    nb = notebook("import os; str(os.environ.get('MINIGRAD_GRADING'))")
    run_notebook(nb, package, seed=seed)
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

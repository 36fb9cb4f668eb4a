"""One text, two notebooks: building again gives the same bytes, and the student's notebook holds no answer."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import nbformat
import pytest

from graders import build, demo
from graders.bundle import ROOT, chapters
from graders.pieces import PIECES


@pytest.mark.parametrize("chapter", chapters())
def test_building_again_gives_the_committed_bytes(chapter, tmp_path):
    for made in build.build(chapter, tmp_path):
        committed = ROOT / made.relative_to(tmp_path)
        assert committed.read_text() == made.read_text(), f"{committed} is out of date: run `make build`"


@pytest.mark.parametrize("chapter", chapters())
def test_the_students_notebook_holds_no_answer(chapter):
    text = (ROOT / "course" / chapter / f"{chapter}.ipynb").read_text()
    assert "SOLUTION" not in text
    solution = nbformat.read(ROOT / "solutions" / chapter / f"{chapter}.ipynb", as_version=4)
    for cell in demo.released(chapter).cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("solution") and meta["grade_id"] in PIECES:
            answer = ast.parse(demo.cell_of(solution, meta["grade_id"]).source).body[-1]
            stub = ast.parse(cell.source).body[-1]
            assert ast.unparse(stub.body[-1]).startswith("raise NotImplementedError(")
            assert len(stub.body) == 1 + (ast.get_docstring(stub) is not None)
            for line in ast.unparse(answer.body[-1]).splitlines():
                assert line not in cell.source
        elif meta.get("solution"):
            assert all(ast.unparse(line.value.args[1]) == "..." for line in ast.parse(cell.source).body)


@pytest.mark.parametrize("chapter", chapters())
def test_the_students_notebook_says_what_it_is_made_from(chapter):
    nb = demo.released(chapter)
    assert nb.metadata.minigrad.generated_from == f"solutions/{chapter}/{chapter}.py"
    assert "Generated from" in nb.cells[0].source
    assert "jupytext" not in json.dumps(nb)
    assert nb.metadata.kernelspec.name == "python3"
    assert all(cell.outputs == [] for cell in nb.cells if cell.cell_type == "code")


@pytest.mark.parametrize("chapter", chapters())
def test_the_solution_notebook_keeps_its_outputs_and_no_trace_of_the_machine(chapter):
    text = (ROOT / "solutions" / chapter / f"{chapter}.ipynb").read_text()
    nb = nbformat.reads(text, as_version=4)
    assert sum(bool(cell.get("outputs")) for cell in nb.cells) >= 5
    for trace in (str(ROOT), str(Path.home()) + "/", "site-packages", "/tmp/", '"execution":'):
        assert trace not in text
    assert build.ADDRESS.search(text) is None


def test_cell_ids_depend_on_the_text_alone(tmp_path):
    text = tmp_path / "ch00.py"
    text.write_text("# %%\n1 + 1\n\n# %%\n1 + 1\n\n"
                    '# %% nbgrader={"grade_id": "mine", "grade": false, "solution": true, "locked": false}\n2\n')
    ids = [cell.id for cell in build.read_text(text).cells]
    assert ids == [cell.id for cell in build.read_text(text).cells]
    assert len(set(ids)) == 3
    assert ids[2] == "mine"


@pytest.mark.parametrize(("old", "new", "said"), [("@piece", "1 / 0", "Cell .* raised ZeroDivisionError"),
                                                  ("@piece", "", "mul: the solution itself stops")])
def test_a_solution_that_fails_is_not_built(tmp_path, monkeypatch, old, new, said):
    wrong = demo.change(build.read_text(ROOT / "solutions" / "ch02" / "ch02.py"), "mul", old, new)
    monkeypatch.setattr(build, "read_text", lambda path: wrong)
    with pytest.raises(RuntimeError, match=said):
        build.build("ch02", tmp_path)
    assert not (tmp_path / "course").exists()


def test_stock_generate_assignment_releases_the_notebook_without_the_text_beside_it(tmp_path):
    folder = tmp_path / "solutions" / "ch01"
    folder.mkdir(parents=True)
    for name in ("ch01.ipynb", "ch01.py"):
        (folder / name).write_bytes((ROOT / "solutions" / "ch01" / name).read_bytes())
    stale = tmp_path / "course" / "ch01" / "ch01.ipynb"
    stale.parent.mkdir(parents=True)
    stale.write_text("an old one")
    done = demo.nbgrader(tmp_path, "generate_assignment", "ch01")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in stale.parent.iterdir()] == ["ch01.ipynb"]
    assert stale.read_text() == (ROOT / "course" / "ch01" / "ch01.ipynb").read_text()

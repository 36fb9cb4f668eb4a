"""The seed is drawn once and kept; the key follows the seed, the solution and the package."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell

from graders import demo, release
from graders.bundle import ROOT


@pytest.fixture
def solution(tmp_path):
    """A copy of the solution notebook of chapter 02, to be changed."""
    return Path(shutil.copy(ROOT / "solutions" / "ch02" / "ch02.ipynb", tmp_path))


def test_a_release_keeps_its_seed_and_key_until_new_inputs_are_asked_for(tmp_path, solution, monkeypatch):
    first = release.open_release(tmp_path / "kept", "ch02", solution)
    with monkeypatch.context() as patch:
        patch.setattr(release, "run_notebook", lambda *args, **kw: pytest.fail("the key was made again"))
        assert release.open_release(tmp_path / "kept", "ch02", solution) == first
    release.forget_inputs(tmp_path / "kept")
    second = release.open_release(tmp_path / "kept", "ch02", solution)
    assert second.seed != first.seed
    assert second.key != first.key
    assert second.cells == first.cells == {f"check-{name}": name for name in ("add", "mul", "record", "is_leaf")}


def test_only_the_instructor_reads_the_seed_and_the_students_package_holds_no_numbers(tmp_path, solution):
    made = release.open_release(tmp_path / "kept", "ch02", solution)
    for name in ("seed", "key.json"):
        assert stat.S_IMODE((tmp_path / "kept" / name).stat().st_mode) == 0o600
    files = {path.name for path in made.package.rglob("*")}
    assert "check.py" in files
    assert not files & {"recorded", "judge.py", "keys", "ch02.json"}


def test_a_solution_that_fails_is_no_key_and_the_cell_is_named(tmp_path, solution):
    broken = nbformat.read(solution, as_version=4)
    demo.cell_of(broken, "mul").source += "\n1 / 0"
    nbformat.write(broken, solution)
    with pytest.raises(RuntimeError, match="raised ZeroDivisionError"):
        release.open_release(tmp_path / "kept", "ch02", solution)
    assert not (tmp_path / "kept" / "key.json").exists()


def test_a_check_cell_without_evidence_is_no_key(tmp_path, solution):
    silent = nbformat.read(solution, as_version=4)
    cell = demo.cell_of(silent, "check-mul")
    cell.source = "# check() was forgotten: check("
    nbformat.write(silent, solution)
    with pytest.raises(RuntimeError, match="check cell check-mul sent no evidence"):
        release.open_release(tmp_path / "kept", "ch02", solution)


@pytest.mark.slow
def test_processes_that_open_a_release_at_once_get_the_same_one(tmp_path, solution):
    folder = tmp_path / "kept"
    program = ("import sys; from pathlib import Path; from graders.release import open_release\n"
               f"made = open_release(Path({str(folder)!r}), 'ch02', Path({str(solution)!r}))\n"
               "print(made.seed, made.key['seed'], made.package.name, sorted(p.name for p in made.package.rglob('*.py')))")
    opening = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
               for _ in range(4)]
    told = [process.communicate()[0] for process in opening]
    assert [process.returncode for process in opening] == [0] * 4
    assert len(set(told)) == 1
    assert sorted(path.name.split("-")[0] for path in folder.iterdir()) == ["key.json", "package", "seed"]


def test_a_package_of_an_earlier_version_stays_as_long_as_somebody_may_grade_with_it(tmp_path, solution):
    first = release.open_release(tmp_path / "kept", "ch02", solution)
    changed = nbformat.read(solution, as_version=4)
    changed.cells[-1].source += "\n"
    nbformat.write(changed, solution)
    second = release.open_release(tmp_path / "kept", "ch02", solution)
    assert second.package != first.package
    assert first.package.exists()
    long_ago = time.time() - release.KEPT_SECONDS - 1
    os.utime(first.package, (long_ago, long_ago))
    assert release.open_release(tmp_path / "kept", "ch02", solution) == second
    assert not first.package.exists()


def test_the_source_of_a_release_is_what_was_handed_out_and_keeps_what_only_the_instructor_reads(tmp_path, solution):
    nb = nbformat.read(solution, as_version=4)
    text = "Explain.\n\n### BEGIN MARK SCHEME\n5 points for a picture.\n### END MARK SCHEME"
    meta = {"grade": False, "grade_id": "task", "locked": True, "points": 5, "schema_version": 3, "solution": False,
            "task": True, "cell_type": "markdown"}
    nb.cells.append(new_markdown_cell(text, metadata={"nbgrader": meta}))
    nbformat.write(nb, solution)
    made = release.open_release(tmp_path / "kept", "ch02", solution)
    source = {cell.metadata.nbgrader.grade_id: cell for cell in made.source}
    assert source["task"].source == text
    assert "Your code here" in source["mul"].source
    assert made.points("check-mul") == 3.0
    assert sorted(made.references) == ["add", "is_leaf", "mul", "record"]

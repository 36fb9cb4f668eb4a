"""The seed is drawn once and kept; the key follows the seed, the solution and the package."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import nbformat
import pytest

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

"""What a class receives works in an empty place, and no answer is in it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml

from graders import demo
from graders.bundle import ROOT, chapters
from graders.pieces import PIECES, find
from graders.release import is_check
from graders.runner import run_notebook


@pytest.fixture(scope="module")
def bundles(tmp_path_factory) -> dict[str, Path]:
    """Each chapter's bundle, made by the command and unpacked."""
    made = {}
    for chapter in chapters():
        folder = tmp_path_factory.mktemp("class")
        command = [sys.executable, "-m", "graders", "bundle", chapter, "--zip", "-o", str(folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        archive = Path(done.stdout.strip())
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder / "unpacked")
        made[chapter] = folder / "unpacked" / archive.stem
    return made


def scores(nb: nbformat.NotebookNode) -> dict[str, float]:
    """The score that each check cell ends with in a student's session."""
    return {cell.id: float([o for o in cell.outputs if o.output_type == "execute_result"][-1].data["text/plain"])
            for cell in nb.cells if is_check(cell)}


@pytest.mark.parametrize("chapter", chapters())
def test_a_bundle_holds_the_notebooks_up_to_its_chapter_and_nothing_of_the_graders_side(chapter, bundles):
    names = {str(path.relative_to(bundles[chapter])) for path in bundles[chapter].rglob("*") if path.is_file()}
    notebooks = {name for name in names if name.endswith(".ipynb")}
    assert notebooks == {f"{name}.ipynb" for name in chapters() if name <= chapter}
    assert {"README.md", "environment.yml", "graders/check.py", f"graders/recorded/{chapter}.json"} <= names
    for word in ("judge", "keys", "plugins", "release", "solution", "nbgrader_config"):
        assert not [name for name in names if word in name]
    assert not [name for name in names if name.startswith(("graders/exercises/ch", "graders/recorded/ch"))
                and Path(name).stem > chapter]


@pytest.mark.parametrize("chapter", chapters())
def test_no_body_of_a_piece_that_is_still_to_be_built_is_in_a_bundle(chapter, bundles):
    number = int(chapter[2:])
    for piece in PIECES.values():
        module = Path("minigrad", f"{piece.module}.py")
        whole, handed = (ROOT / module).read_text(), (bundles[chapter] / module).read_text()
        body = [ast.unparse(line) for line in find(ast.parse(whole), piece).body]
        left = [ast.unparse(line) for line in find(ast.parse(handed), piece).body]
        assert (body == left) == (piece.chapter < number), piece.where


@pytest.mark.parametrize("chapter", chapters())
def test_the_solved_notebook_gets_full_marks_in_the_bundle(chapter, bundles):
    nb = demo.solved(chapter)
    assert run_notebook(nb, bundles[chapter]).troubles == []
    assert scores(nb) == {cell.id: cell.metadata.nbgrader.points for cell in nb.cells if is_check(cell)}


@pytest.mark.parametrize("chapter", chapters())
def test_the_blank_notebook_fails_kindly_in_the_bundle(chapter, bundles):
    nb = nbformat.read(bundles[chapter] / f"{chapter}.ipynb", as_version=4)
    assert run_notebook(nb, bundles[chapter]).troubles == []
    assert set(scores(nb).values()) == {0.0}
    for cell in nb.cells:
        if is_check(cell):
            (report,) = [o.data["text/plain"] for o in cell.outputs if o.output_type == "display_data"]
            assert "not built yet" in report


def test_a_bundle_works_where_it_is_unpacked_without_the_repository(bundles):
    inside = "import minigrad, graders.check as c; print(minigrad.__file__); print(c.__file__)"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", inside]
    done = subprocess.run(command, cwd=bundles["ch02"], env=clean, capture_output=True, text=True)
    assert done.stdout.split() == [str(bundles["ch02"] / path) for path in ("minigrad/__init__.py", "graders/check.py")]


def test_a_bundles_environment_asks_for_nothing_that_only_the_repository_has(bundles):
    text = (bundles["ch02"] / "environment.yml").read_text()
    assert "--editable" not in text
    assert ".jupyter/" not in text
    handed, whole = (yaml.safe_load(t) for t in (text, (ROOT / "environment.yml").read_text()))
    assert [item for item in handed["dependencies"] if isinstance(item, str)] == whole["dependencies"][:-1]


def test_an_unknown_chapter_is_named_with_those_that_exist():
    done = subprocess.run([sys.executable, "-m", "graders", "bundle", "ch77"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no chapter 'ch77'; there are: ch01, ch02" in done.stderr

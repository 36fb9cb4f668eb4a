"""The front door: what make prints, what it says when something is missing, and that a second start is quick."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.setup.lab import ROOT, without_make

FOLDERS = ("course", "solutions", "minigrad", "graders")
FILES = ("Makefile", "pyproject.toml", "README.md", "LICENSE")


def make(*arguments: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make as if nobody had run make around it."""
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=without_make() | environment, capture_output=True, text=True, timeout=900
    )


def targets() -> set[str]:
    [names] = re.findall(r"^\.PHONY: (help .*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return set(names.split())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in which nothing has been set up, in a folder with a space in its name."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    return folder


def a_python(folder: Path, script: str) -> str:
    """A stand-in for a machine's Python; `$REAL` is the one that runs this test."""
    program = folder / "python-stand-in"
    program.write_text(f"#!/bin/sh\nREAL='{sys.executable}'\n{script}\n")
    program.chmod(0o755)
    return str(program)


def test_make_alone_prints_one_line_for_every_target():
    run = make()
    assert run.returncode == 0
    lines = run.stdout.splitlines()
    assert {line.split()[1] for line in lines} == targets()
    assert len(lines) == len(targets())
    assert all(re.fullmatch(r"make [a-z-]+ +\w.+", line) for line in lines)
    assert {"lab", "test", "test-all", "oracle", "bench", "build", "demo", "lint", "clean", "setup"} <= targets()


def test_a_python_without_venv_is_told_the_package_to_install(checkout):
    # What Debian's python3 does where python3-venv is not installed: it has venv, and not ensurepip.
    python = a_python(
        checkout,
        'if [ "$1 $2" = "-m venv" ]; then\n'
        '    for last; do :; done; mkdir -p "$last/bin"; : >"$last/pyvenv.cfg"\n'
        "    echo 'The virtual environment was not created successfully because ensurepip is not available.'; exit 1\n"
        'fi\nexec "$REAL" "$@"',
    )
    run = make("lab", f"PYTHON={python}", folder=checkout)
    assert run.returncode != 0
    assert f"sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in run.stderr
    assert "run make again" in run.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_that_is_too_old_is_named_with_what_is_needed(checkout):
    python = a_python(checkout, "exit 1")
    run = make("test", f"PYTHON={python}", folder=checkout)
    assert run.returncode != 0
    assert "needs Python 3.11 or newer" in run.stderr
    assert python in run.stderr


def test_a_newer_python_is_found_where_python3_is_too_old(checkout):
    programs = checkout / "programs"
    programs.mkdir()
    for name, script in {"python3": "exit 1", "python3.12": 'exec "$REAL" "$@"'}.items():
        Path(a_python(checkout, script)).rename(programs / name)
    run = make(".venv/checkout", folder=checkout, PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")
    assert run.returncode == 0, run.stderr
    assert (checkout / ".venv" / "bin" / "pip").exists()


def test_a_folder_that_is_no_environment_is_left_alone(checkout):
    (checkout / ".venv").mkdir()
    precious = checkout / ".venv" / "thesis.txt"
    precious.write_text("all of it")
    run = make("lab", folder=checkout)
    assert run.returncode != 0
    assert "not a virtual environment" in run.stderr
    assert precious.read_text() == "all of it"


@pytest.mark.slow
def test_a_checkout_that_has_moved_gets_a_new_environment(checkout):
    assert make(".venv/checkout", f"PYTHON={sys.executable}", folder=checkout).returncode == 0
    before = (checkout / ".venv" / "bin" / "pip").read_text()
    made = (checkout / ".venv" / "checkout").stat().st_mtime_ns
    assert make(".venv/checkout", f"PYTHON={sys.executable}", folder=checkout).returncode == 0
    assert (checkout / ".venv" / "checkout").stat().st_mtime_ns == made

    moved = checkout.rename(checkout.parent / "elsewhere")
    assert make(".venv/checkout", f"PYTHON={sys.executable}", folder=moved).returncode == 0
    after = (moved / ".venv" / "bin" / "pip").read_text()
    assert "elsewhere" in after
    assert "elsewhere" not in before


@pytest.mark.slow
def test_a_fresh_clone_sets_itself_up_and_starts_in_seconds_the_second_time(checkout):
    for name in (*FOLDERS, ".jupyter"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("state", "__pycache__"))
    first = make("lab", "ARGS=--version", f"PYTHON={sys.executable}", folder=checkout)
    assert first.returncode == 0, first.stderr
    assert "Installing what the course needs" in first.stdout

    start = time.perf_counter()
    second = make("lab", "ARGS=--version", folder=checkout)
    seconds = time.perf_counter() - start
    assert second.returncode == 0, second.stderr
    assert second.stdout.strip() == first.stdout.splitlines()[-1]
    assert seconds < 20, f"the second start took {seconds:.0f} s"

    engine = "import minigrad, graders, graphviz, nbgrader; print(minigrad.__file__)"
    run = subprocess.run([checkout / ".venv/bin/python", "-c", engine], cwd="/", capture_output=True, text=True)
    assert run.stdout.strip() == str(checkout / "minigrad" / "__init__.py"), run.stderr


def fenced(document: Path) -> list[str]:
    """The command lines in a document's shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]


def test_the_readmes_test_command_is_what_ci_runs_first():
    steps = re.findall(r"^step (.+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert [line for line in fenced(ROOT / "README.md") if line.startswith("make test")] == ["make test"]
    assert [step.split(" ARGS=")[0] for step in steps] == ["make test", "make lint", "make test-all", "make oracle"]


def test_every_make_command_in_the_readme_exists():
    said = re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert {first or second for first, second in said} <= targets()
    assert said


def test_ci_is_a_program_that_bash_can_read():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True)

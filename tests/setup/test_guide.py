"""The instructor's guide is true: its commands are run, block by block, in a copy of the repository."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "graders" / "README.md"
KEPT = ("minigrad", "graders", "solutions", "course", "nbgrader_config.py", "environment.yml", "pyproject.toml")


def blocks() -> list[str]:
    """The guide's shell blocks, in their order."""
    return re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_readme_links_to_the_guide():
    assert "](graders/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_option_that_the_guide_names_is_one_of_the_command(capsys):
    from graders.__main__ import main

    for command in ("bundle", "autograde", "report", "new-inputs"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
    helped = capsys.readouterr().out
    text = GUIDE.read_text(encoding="utf-8")
    own = re.findall(r"`(--[a-z]+)", text) + re.findall(r"graders \w+ ch02.*?(--[a-z]+)", text)
    assert {"--unsafe", "--force", "--student"} <= set(own)
    assert [option for option in own if option not in helped and option != "--zip"] == []


@pytest.mark.slow
def test_the_commands_of_the_guide_do_what_it_says(tmp_path):
    if shutil.which("bwrap") is None:
        pytest.skip("grading as the guide says needs bubblewrap (Debian: apt install bubblewrap)")
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    folder = tmp_path / "copy"
    for name in KEPT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        folder.mkdir(exist_ok=True)
        copy(ROOT / name, folder / name)
    (folder / "students.csv").write_text("id,first_name,last_name,email\nada,Ada,L,ada@example.org\n")
    solved = folder / "submitted" / "ada" / "ch02"
    solved.mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / "ch02" / "ch02.ipynb", solved)
    (solved / "timestamp.txt").write_text("2026-01-01 12:00:00 UTC\n")  # as if it had come through the exchange
    (solved / "submission_secret.txt").write_text("0123456789abcdef")
    exchange = tmp_path / "exchange"
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs, "PYTHONPATH": str(folder), "HOME": str(tmp_path)}
    for block in blocks():
        script = block.replace("/srv/nbgrader/exchange", str(exchange))
        process = subprocess.Popen(
            ["bash", "-e", "-m", "-o", "pipefail", "-c", f"export EXCHANGE={exchange}\n{script}"], cwd=folder,
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            said, _ = process.communicate(timeout=600)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 0, f"{block}\n{said}"
    assert (folder / "bundles" / "minigrad-ch02" / "ch02.ipynb").exists()
    assert len(list((folder / "submitted").iterdir())) == 2, "one was put there, one was collected"
    assert (folder / "feedback" / "ada" / "ch02" / "ch02.html").exists()
    assert "Misconceptions" in (folder / "reports" / "ch02.html").read_text(encoding="utf-8")
    rows = list(csv.reader((folder / "ch02-for-the-lms.csv").open(newline="")))
    assert rows[0] == ["Email address", "ch02"]
    assert ["ada@example.org", "11.0"] in rows
    with (folder / "grades.csv").open(newline="") as grades:
        columns = re.search(r"with the columns (assignment.*?)\. Moodle", GUIDE.read_text(), re.DOTALL)[1]
        assert next(csv.reader(grades)) == re.sub(r"\s+", " ", columns).split(", ")

"""What an instructor sees of `make demo`."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from graders import demo
from graders.bundle import ROOT


@pytest.mark.slow
def test_the_demo_shows_scores_mistakes_and_where_the_feedback_is():
    done = subprocess.run([sys.executable, "-m", "graders", "demo"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^  (\S+) .*  ([\d.]+) / ([\d.]+)$", done.stdout, re.MULTILINE)
    students = ["blank", "endless-loop", *(f"mistake-{i}" for i in range(1, 5)), "perfect", "syntax-error"]
    assert [name for name, _, _ in rows] == students * len(demo.CHAPTERS)
    for name, score, most in rows:
        assert float(score) == float(most) if name == "perfect" else float(score) < float(most)
        assert (float(score) == 0) == (name == "blank")
    for chapter in demo.CHAPTERS:
        named = done.stdout.split(f"autograde {chapter}")[1].split("Mistakes that were recognised:")[1].split("$")[0]
        assert all(f"mistake-{i}: " in named for i in range(1, 5))
    pages = [ROOT / line.strip() for line in done.stdout.splitlines() if line.strip().endswith(".html")]
    assert len(pages) == len(demo.CHAPTERS)
    assert all("Score: " in page.read_text() for page in pages)


@pytest.mark.parametrize("chapter", demo.CHAPTERS)
def test_the_demo_has_one_mistake_for_each_exercise(chapter):
    checks = [cell.id for cell in demo.solved(chapter).cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert [f"check-{name}" for name in demo.MISTAKES[chapter]] == checks

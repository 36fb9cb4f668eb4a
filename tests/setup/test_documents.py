"""What the README and the start page promise is there."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "course" / "index.md", ROOT / "graders" / "README.md"]
NOTEBOOKS = sorted(ROOT.glob("course/*/*.ipynb"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_picture_and_every_link_leads_somewhere(document):
    links = [link for link in re.findall(r"\]\(([^)]+)\)", document.read_text()) if not link.startswith("https://")]
    assert links
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_start_page_links_to_every_notebook_that_exists():
    links = re.findall(r"\]\((\S+\.ipynb)\)", (ROOT / "course" / "index.md").read_text())
    assert links == [str(notebook.relative_to(ROOT / "course")) for notebook in NOTEBOOKS]


def test_the_start_page_lists_the_chapters_0_to_12_in_order():
    rows = re.findall(r"^\| (\d\d) \|", (ROOT / "course" / "index.md").read_text(), re.MULTILINE)
    assert rows == [f"{number:02}" for number in range(13)]


def test_every_folder_in_the_readmes_table_exists_and_the_other_way_round():
    said = set(re.findall(r"^\| `(\w+)/` \|", (ROOT / "README.md").read_text(), re.MULTILINE))
    made = {"submitted", "autograded", "feedback", "build", "dist", "demo", "bundles", "reports"}
    there = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))}
    assert there - made == said


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_names_the_kernel_that_everybody_has(notebook):
    kernel = nbformat.read(notebook, as_version=4).metadata.kernelspec
    assert kernel.name == "python3"

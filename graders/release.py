"""What belongs to one release of a chapter and must not reach a student: the seed of its hidden inputs, and the key.

The seed is drawn once and kept beside the gradebook, so that a grade can be reproduced. The key is made by running the
instructor's solution notebook on the inputs of that seed, on the package that the students have, and is made again
when the solution, the package or the seed changes.
"""

from __future__ import annotations

import copy
import hashlib
import json
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from graders import judge
from graders.bundle import ROOT, write_package
from graders.runner import run_notebook


@dataclass(frozen=True)
class Release:
    """One release: `package` is the folder that submissions import from, `cells` maps a grade id to its exercise."""

    package: Path
    seed: int
    cells: dict[str, str]
    key: dict[str, Any]


def open_release(folder: Path, chapter: str, solution: Path) -> Release:
    """The release of `chapter` that is kept in `folder`, made or brought up to date where necessary.

    folder: private to the instructor. solution: the instructor's notebook. Raises RuntimeError when the solution
    itself fails or sends no evidence, since nobody can then be graded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seed = _seed(folder / "seed")
    fingerprint = _fingerprint(solution, ROOT / "minigrad", ROOT / "graders")
    package = folder / f"package-{fingerprint[:12]}"
    if not package.exists():
        with tempfile.TemporaryDirectory(dir=folder) as draft:
            write_package(chapter, Path(draft, "package"), recorded=False)
            Path(draft, "package").rename(package)
        for old in folder.glob("package-*"):
            if old != package:
                shutil.rmtree(old)
    stored = folder / "key.json"
    data = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {}
    if (data.get("seed"), data.get("fingerprint")) != (seed, fingerprint):
        cells, key = make_key(nbformat.read(solution, as_version=4), package, seed)
        data = {"seed": seed, "fingerprint": fingerprint, "cells": cells, "key": key}
        _write_private(stored, json.dumps(data))
    return Release(package, seed, data["cells"], data["key"])


def release_folder(course: Path, chapter: str) -> Path:
    """Where the seed, the key and the package of a chapter are kept: beside the gradebook of the course."""
    return course / ".grading" / chapter


def forget_inputs(folder: Path) -> None:
    """Forget the seed of the release kept in `folder`: the next grading draws new inputs and makes a new key."""
    (folder / "seed").unlink(missing_ok=True)


def make_key(nb: NotebookNode, package: Path, seed: int) -> tuple[dict[str, str], dict[str, Any]]:
    """Run the instructor's notebook on the inputs of `seed`; return the exercise of each check cell, and the key.

    Raises RuntimeError, naming the cells, when the notebook itself fails or a check sends no evidence.
    """
    nb = copy.deepcopy(nb)
    ran = run_notebook(nb, package, seed=seed)
    found = {cell.metadata.nbgrader.grade_id: ran.evidence[i] for i, cell in enumerate(nb.cells) if is_check(cell)}
    troubles = ran.troubles + problems(nb)
    troubles += [f"The check cell {name} sent no evidence." for name, sent in found.items() if sent is None]
    key = {}
    if not troubles:
        try:
            key = judge.make_key({sent["exercise"]: sent for sent in found.values()}, seed)
        except ValueError as wrong:
            troubles.append(str(wrong))
    if troubles:
        raise RuntimeError("The instructor's notebook cannot serve as the key:\n" + "\n".join(troubles))
    return {name: sent["exercise"] for name, sent in found.items()}, key


def problems(nb: NotebookNode) -> list[str]:
    """The errors of an executed notebook, in words, except where a cell's tag `raises-exception` expects one."""
    return [f"Cell {index + 1} raised {output.ename}: {output.evalue}"
            for index, cell in enumerate(nb.cells) if "raises-exception" not in cell.metadata.get("tags", [])
            for output in cell.get("outputs", []) if output.output_type == "error"]


def is_check(cell: NotebookNode) -> bool:
    """Whether the cell is graded by what it displays: a locked code cell that calls `check`."""
    meta = cell.metadata.get("nbgrader", {})
    return bool(cell.cell_type == "code" and meta.get("grade") and not meta.get("solution") and "check(" in cell.source)


def _seed(path: Path) -> int:
    if not path.exists():
        _write_private(path, f"{secrets.randbits(31)}\n")
    return int(path.read_text(encoding="utf-8"))


def _write_private(path: Path, text: str) -> None:
    """Write a whole file or nothing, readable by its owner alone."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False) as draft:
        draft.write(text)  # such a file has mode 0600
    Path(draft.name).replace(path)


def _fingerprint(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(str(file.relative_to(path.parent)).encode() + file.read_bytes())
    return digest.hexdigest()

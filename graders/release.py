"""What belongs to one release of a chapter and must not reach a student: the seed of its hidden inputs, and the key.

The seed is drawn once and kept beside the gradebook, so that a grade can be reproduced. The key is made by running the
instructor's solution notebook on the inputs of that seed, on the package that the students have, and is made again
when the solution, the package or the seed changes.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from graders import judge, pieces
from graders.bundle import ROOT, write_package
from graders.runner import run_notebook

KEPT_SECONDS = 7 * 24 * 3600
MAKE = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


@dataclass(frozen=True)
class Release:
    """One release of a chapter.

    package: the folder that submissions import from. cells: grade id of each check cell -> its exercise. source: every
    cell that has a grade id, as it was handed out, with nbgrader's metadata; a locked one with the instructor's text.
    references: name -> source of each piece that the chapter builds.
    """

    chapter: str
    package: Path
    seed: int
    cells: dict[str, str]
    key: dict[str, Any]
    source: list[NotebookNode]
    references: dict[str, str]

    def points(self, grade_id: str) -> float:
        """The most that a graded cell is worth, whatever a submission says."""
        found = [c.metadata.nbgrader.points for c in self.source if c.metadata.nbgrader.grade_id == grade_id]
        return float(found[0])


def open_release(folder: Path, chapter: str, solution: Path) -> Release:
    """The release of `chapter` that is kept in `folder`, made or brought up to date where necessary.

    folder: private to the instructor; any number of processes may open it at once. solution: the instructor's notebook.
    Raises RuntimeError when the solution itself fails or sends no evidence, since nobody can then be graded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seed = _seed(folder / "seed")
    fingerprint = _fingerprint(solution, ROOT / "minigrad", ROOT / "graders")
    package = folder / f"package-{fingerprint[:12]}"
    if not package.exists():
        with tempfile.TemporaryDirectory(dir=folder, prefix="draft-") as draft:
            write_package(chapter, Path(draft, "package"), recorded=False)
            with contextlib.suppress(OSError):  # another process was faster
                Path(draft, "package").rename(package)
    _forget_old(folder, package)
    stored = folder / "key.json"
    data = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {}
    if (data.get("seed"), data.get("fingerprint")) != (seed, fingerprint):
        nb = nbformat.read(solution, as_version=4)
        cells, key = make_key(nb, package, seed)
        data = {"seed": seed, "fingerprint": fingerprint, "cells": cells, "key": key,
                "source": _handed_out(nb, chapter, solution), "references": _references(chapter)}
        _write_private(stored, json.dumps(data))
    source = [nbformat.from_dict(cell) for cell in data["source"]]
    return Release(chapter, package, seed, data["cells"], data["key"], source, data["references"])


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
    ran = run_notebook(nb, package, grading={"seed": seed})
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


def _handed_out(nb: NotebookNode, chapter: str, solution: Path) -> list[NotebookNode]:
    """The cells of the student's notebook that have a grade id; locked ones with the text of the solution notebook.

    That text holds what only the instructor may read (mark schemes), which nbgrader puts back when it grades.
    """
    from graders.build import generate_assignment  # imports nbgrader, which takes seconds

    with tempfile.TemporaryDirectory(prefix="minigrad-release-") as folder:
        released = nbformat.reads(generate_assignment(chapter, solution, Path(folder)), as_version=4)
    ours = {cell.metadata.nbgrader.grade_id: cell.source for cell in nb.cells if "nbgrader" in cell.metadata}
    cells = []
    for cell in released.cells:
        meta = cell.metadata.get("nbgrader", {})
        if "grade_id" in meta:
            cells.append(MAKE[cell.cell_type](ours[meta.grade_id] if meta.locked else cell.source, id=cell.id,
                                              metadata=NotebookNode(nbgrader=meta)))
    return cells


def _references(chapter: str) -> dict[str, str]:
    """The source of each piece that the chapter builds, as a plain function."""
    found = {}
    for name, spec in pieces.PIECES.items():
        if spec.chapter == int(chapter.removeprefix("ch")):
            text = (pieces.PACKAGE / f"{spec.module}.py").read_text(encoding="utf-8")
            definition = pieces.find(ast.parse(text), spec)
            definition.decorator_list = []
            found[name] = ast.unparse(definition)
    return found


def grade_id_of(cell: NotebookNode) -> Any:
    """The name by which nbgrader knows a cell, or None."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def is_check(cell: NotebookNode) -> bool:
    """Whether the cell is graded by what it displays: a locked code cell that calls `check`."""
    meta = cell.metadata.get("nbgrader", {})
    return bool(cell.cell_type == "code" and meta.get("grade") and not meta.get("solution") and "check(" in cell.source)


def _seed(path: Path) -> int:
    if not path.exists():
        _write_private(path, f"{secrets.randbits(31)}\n", replace=False)
    return int(path.read_text(encoding="utf-8"))


def _write_private(path: Path, text: str, replace: bool = True) -> None:
    """Write a whole file or nothing, readable by its owner alone. replace: False lets the first of several win."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="draft-") as folder:
        draft = Path(folder, path.name)
        draft.touch(0o600)
        draft.write_text(text, encoding="utf-8")
        if not replace:
            try:
                path.hardlink_to(draft)
            except FileExistsError:
                return
            except OSError:  # a file system without hard links
                pass
        draft.replace(path)  # does nothing where both are one file


def _forget_old(folder: Path, package: Path) -> None:
    """Remove the packages of earlier versions that nobody has opened for days: a process may be grading with a younger."""
    os.utime(package)
    for old in [*folder.glob("package-*"), *folder.glob("draft-*")]:
        with contextlib.suppress(OSError):
            if old.stat().st_mtime < time.time() - KEPT_SECONDS:
                shutil.rmtree(old)


def _fingerprint(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(str(file.relative_to(path.parent)).encode() + file.read_bytes())
    return digest.hexdigest()

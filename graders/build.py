"""Builds a chapter's two notebooks from its one text, `solutions/chNN/chNN.py` (what `make build` runs).

Three files come out, the same bytes each time: the recorded numbers that a student's checks compare with
(`graders/recorded/chNN.json`), the executed solution notebook (`solutions/chNN/chNN.ipynb`), and the student's notebook
(`course/chNN/chNN.ipynb`), which nbgrader's own generate_assignment makes from the solution notebook.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from graders.bundle import ROOT, write_package
from graders.check import SESSION_SEED
from graders.release import is_check, make_key, problems
from graders.runner import run_notebook

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
          "language_info": {"name": "python", "pygments_lexer": "ipython3"}}
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")


def build(chapter: str, out: Path = ROOT) -> list[Path]:
    """Build one chapter below `out`; return the three files written.

    Raises RuntimeError when the solution raises where no error is expected, or misses full marks in a check.
    """
    text = Path("solutions", chapter, f"{chapter}.py")
    recorded = out / "graders" / "recorded" / f"{chapter}.json"
    solution = out / "solutions" / chapter / f"{chapter}.ipynb"
    course = out / "course" / chapter / f"{chapter}.ipynb"
    nb = read_text(ROOT / text)
    nb.metadata["minigrad"] = {"generated_from": text.as_posix()}
    with tempfile.TemporaryDirectory(prefix="minigrad-build-") as folder:
        package = write_package(chapter, Path(folder, "package"), recorded=True)
        _, key = make_key(nb, package, SESSION_SEED)
        _write(recorded, json.dumps(key, indent=1, sort_keys=True) + "\n")
        shutil.copy(recorded, package / "graders" / "recorded")
        execute(nb, package, Path(folder))
        _write(solution, nbformat.writes(nb) + "\n")
        _write(course, generate_assignment(chapter, solution, Path(folder, "release")))
    return [recorded, solution, course]


def build_gallery(out: Path = ROOT) -> Path:
    """Build the notebook that shows every option of the drawings, which has no exercises; return the file written."""
    text = Path("solutions", "gallery", "gallery.py")
    nb = read_text(ROOT / text)
    nb.metadata["minigrad"] = {"generated_from": text.as_posix()}
    with tempfile.TemporaryDirectory(prefix="minigrad-gallery-") as folder:
        execute(nb, ROOT, Path(folder))
    made = out / "course" / "gallery" / "gallery.ipynb"
    _write(made, nbformat.writes(nb) + "\n")
    return made


def read_text(path: Path) -> NotebookNode:
    """A chapter's text as a notebook without outputs, whose cell ids depend on nothing but the text."""
    nb = jupytext.read(path, fmt="py:percent")
    nb.metadata = NotebookNode(KERNEL)
    nb.nbformat, nb.nbformat_minor = 4, 5
    seen: set[str] = set()
    for cell in nb.cells:
        cell.metadata.pop("lines_to_next_cell", None)
        digest = hashlib.sha1(cell.source.encode()).hexdigest()[:8]
        cell.id = cell.metadata.get("nbgrader", {}).get("grade_id", digest)
        while cell.id in seen:
            cell.id += "-again"
        seen.add(cell.id)
    return nb


def execute(nb: NotebookNode, package: Path, folder: Path) -> None:
    """Run the notebook as a student runs it and keep its outputs, without anything that changes from run to run."""
    settings = folder / "matplotlibrc"
    settings.write_text("svg.hashsalt: minigrad\n", encoding="utf-8")
    still = {"SOURCE_DATE_EPOCH": "0", "PYTHONHASHSEED": "0", "MATPLOTLIBRC": str(settings)}
    # Of an expected error only the message is kept: a traceback names folders and line numbers.
    ran = run_notebook(nb, package, environment=still, kernel_arguments=["--InteractiveShell.xmode=Minimal"])
    troubles = ran.troubles + problems(nb)
    for index, cell in enumerate(nb.cells):
        _normalise(cell.get("outputs", []))
        results = [o.data["text/plain"] for o in cell.get("outputs", []) if o.output_type == "execute_result"]
        if is_check(cell) and (not results or float(results[-1]) != cell.metadata.nbgrader.points):
            troubles.append(f"Cell {index + 1} ({cell.id}) does not give full marks: {results or 'no score'}.")
    if troubles:
        raise RuntimeError("The solution does not run cleanly:\n" + "\n".join(troubles))


def _normalise(outputs: Sequence[NotebookNode]) -> None:
    for output in outputs:
        if "text" in output:
            output.text = ADDRESS.sub("0x…", output.text)
        if "traceback" in output:
            output.traceback = [ADDRESS.sub("0x…", line) for line in output.traceback]
        for kind, data in output.get("data", {}).items():
            if isinstance(data, str) and kind != "image/png":
                output.data[kind] = ADDRESS.sub("0x…", data)


def generate_assignment(chapter: str, solution: Path, folder: Path) -> str:
    """The student's notebook, made by nbgrader from the solution notebook without touching any gradebook."""
    # Importing nbgrader takes seconds, and only a release needs it.
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.SaveCells.enabled = False
    config.GenerateAssignment.no_database = True
    (folder / "solutions" / chapter).mkdir(parents=True)
    shutil.copy(solution, folder / "solutions" / chapter)
    coursedir = CourseDirectory(root=str(folder), assignment_id=chapter, config=config)
    converter = GenerateAssignment(coursedir=coursedir, config=config)
    converter.log.setLevel(logging.WARNING)
    converter.start()
    return (folder / "course" / chapter / f"{chapter}.ipynb").read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

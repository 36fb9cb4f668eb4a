"""What a class receives for one chapter: the notebooks up to it, minigrad without the answers, and its checks.

The same package (minigrad without the bodies that the chapter asks for, the modules that a check cell needs) is what
`make build` runs the solution on and what grading runs a submission on, so a bundle that is wrong fails early.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from graders import pieces

ROOT = Path(__file__).resolve().parents[1]
STUDENT_MODULES = ("__init__", "check", "compare", "diagnose", "guilty", "pieces")

README = """# minigrad, up to chapter {number}

1. Make the environment once: `conda env create -f environment.yml`, then `conda activate minigrad`.
   (Without conda: `pip install numpy matplotlib graphviz graphviz-pure jupyterlab` into a Python 3.11 or newer.)
2. `jupyter lab {chapter}.ipynb`
3. Work from top to bottom. Run each `check` cell: it says in words what is right and what is not yet.

Keep this folder together: the notebooks import `minigrad` and `graders` from it. The pieces that you build are missing
from this `minigrad` on purpose; calling one says in which chapter you build it. Hand in `{chapter}.ipynb`, unrenamed.
"""


def chapters(root: Path = ROOT) -> list[str]:
    """The names of all chapters that have a source, in order: `ch01`, `ch02`, ..."""
    return sorted(path.parent.name for path in root.glob("solutions/ch*/ch*.py") if path.stem == path.parent.name)


def write_package(chapter: str, dest: Path, *, recorded: bool) -> Path:
    """Write `dest/minigrad` and `dest/graders` as a student of `chapter` has them; return `dest`.

    recorded: with the recorded numbers that a check compares with in the student's own session. Grading needs none.
    """
    pieces.stripped_package(chapter, dest)
    graders = dest / "graders"
    graders.mkdir(parents=True)
    for name in STUDENT_MODULES:
        shutil.copy(ROOT / "graders" / f"{name}.py", graders)
    copy_until(chapter, ROOT / "graders" / "exercises", graders / "exercises", "*.py")
    if recorded:
        copy_until(chapter, ROOT / "graders" / "recorded", graders / "recorded", "*.json")
    return dest


def copy_until(chapter: str, source: Path, dest: Path, pattern: str) -> None:
    """Copy the files of one folder, without those of chapters after `chapter`."""
    dest.mkdir()
    for path in sorted(source.glob(pattern)):
        if not path.stem.startswith("ch") or path.stem <= chapter:
            shutil.copy(path, dest)


def make_bundle(chapter: str, folder: Path) -> Path:
    """Write `folder/minigrad-<chapter>`, ready to be handed to a class; return it. Raises when it exists already."""
    dest = folder / f"minigrad-{chapter}"
    dest.mkdir(parents=True)
    write_package(chapter, dest, recorded=True)
    for name in (name for name in chapters() if name <= chapter):
        shutil.copy(ROOT / "course" / name / f"{name}.ipynb", dest)
    # In a bundle nothing is installed from the folder itself: what it holds is imported from where it lies.
    environment = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in environment if not line.startswith("#") and "--editable" not in line]
    (dest / "environment.yml").write_text("\n".join(kept) + "\n", encoding="utf-8")
    (dest / "README.md").write_text(README.format(chapter=chapter, number=int(chapter[2:])), encoding="utf-8")
    return dest

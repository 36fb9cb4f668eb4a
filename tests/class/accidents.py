"""Kinds of accident: what honest students hand in by mistake, and the grade that each must still get.

Most are a perfect notebook with one thing gone wrong at `mul`, the second of four exercises; so what `mul` is worth may be
lost, and never what the others are worth.
"""

from __future__ import annotations

import base64
import copy
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from graders import demo
from graders.demo import cell_of

CHAPTER = "ch02"
FULL = {"check-add": 2.0, "check-mul": 3.0, "check-record": 4.0, "check-is_leaf": 2.0}
NONE = dict.fromkeys(FULL, 0.0)
NO_MUL = FULL | {"check-mul": 0.0}

# Finite differences where a formula is asked for: right to a few digits, and worth half.
SMALL_STEPS = """
def slope(f, x, g, h=1e-6):
    x, g = np.asarray(x, dtype=float), np.asarray(g)
    made = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[place] = h
        made[place] = np.sum(g * (f(x + step) - f(x - step))) / (2 * h)
    return made[()]

@piece
def mul(a, b, /):
    return a * b, lambda g: slope(lambda x: x * b, a, g), lambda g: slope(lambda x: a * x, b, g)
"""

NOT_GRADED: Mapping[str, float | None] = dict.fromkeys(FULL)  # no points, and the reason above the notebook

Scores = Mapping[str, float | None]
Write = Callable[[Path], None]


def notebook(nb: NotebookNode) -> Write:
    """Hand in a notebook under the right name."""
    return lambda folder: nbformat.write(nb, folder / f"{CHAPTER}.ipynb")


def raw(data: bytes, name: str = f"{CHAPTER}.ipynb") -> Write:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return write


def in_mul(code: str, *, first: bool = True) -> NotebookNode:
    """A perfect notebook with some lines in front of, or after, the answer to `mul`."""
    nb = demo.solved(CHAPTER)
    cell = cell_of(nb, "mul")
    cell.source = f"{code}\n{cell.source}" if first else f"{cell.source}\n{code}"
    return nb


def with_cell(code: str) -> NotebookNode:
    """A perfect notebook with one more cell after the imports."""
    nb = demo.solved(CHAPTER)
    nb.cells.insert(1 + next(i for i, c in enumerate(nb.cells) if c.cell_type == "code"), new_code_cell(code))
    return nb


def inside_mul(code: str) -> NotebookNode:
    """A perfect notebook in which `mul` itself runs some code whenever it is called."""
    return demo.change(demo.solved(CHAPTER), "mul", "    return", f"    {code}\n    return")


def accidents(outside: Path) -> Iterator[tuple[str, Write, Scores]]:
    """Every accident: its name, what it writes into the submission's folder, the grade. outside: a folder elsewhere."""
    perfect = demo.solved(CHAPTER)
    text = nbformat.writes(perfect)

    # ---- code that does not come to an end, or ends too much
    yield "endless-loop", notebook(in_mul("while True: pass")), NO_MUL
    yield "endless-loop-when-called", notebook(inside_mul("while True: pass")), NO_MUL
    swallow = "import time\nwhile True:\n    try:\n        while True: time.sleep(.01)\n    except BaseException: pass"
    yield "swallows-interrupts", notebook(in_mul(swallow)), NO_MUL
    yield "ends-the-process", notebook(in_mul("import os; os._exit(1)")), NO_MUL
    yield "exits-politely", notebook(in_mul("exit()", first=False)), FULL
    yield "sys-exit", notebook(in_mul("import sys; sys.exit(3)", first=False)), FULL
    yield "segmentation-fault", notebook(in_mul("import ctypes; ctypes.string_at(0)")), NO_MUL
    yield "memory-bomb", notebook(in_mul("hoard = []\nwhile True: hoard.append(bytearray(50_000_000))")), NO_MUL
    fork_bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    yield "fork-bomb", notebook(in_mul(fork_bomb)), NO_MUL
    yield "many-threads", notebook(in_mul(
        "import threading, time\nfor _ in range(2000):\n    threading.Thread(target=time.sleep, args=(99,), daemon=True).start()"
    )), NO_MUL
    yield "thread-left-running", notebook(in_mul(
        "import threading\nthreading.Thread(target=lambda: [sum(range(9)) for _ in iter(int, 1)], daemon=True).start()")), FULL
    yield "endless-recursion", notebook(inside_mul("return mul(a, b)")), NO_MUL
    yield "sleeps-a-little", notebook(in_mul("import time; time.sleep(1)")), FULL

    # ---- what is printed and shown
    yield "prints-200-megabytes", notebook(in_mul("for _ in range(200): print('x' * 1_000_000)", first=False)), FULL
    yield "prints-when-called", notebook(inside_mul("print('a', a, 'b', b)")), FULL
    warn = "import sys, warnings, logging; warnings.warn('mind'); print('mind', file=sys.stderr); logging.error('mind')"
    yield "warnings", notebook(inside_mul(warn)), FULL
    yield "warnings-as-errors", notebook(with_cell("import warnings; warnings.simplefilter('error')")), FULL
    yield "coloured-prints", notebook(with_cell(
        "for i in range(50): print(f'\\r\\x1b[32m{i:3}%|{\"█\" * i}\\x1b[0m', end='')\nprint('\\a\\b ünï')")), FULL
    yield "figures", notebook(with_cell(
        "import matplotlib.pyplot as plt\nfor _ in range(3):\n    plt.plot([1, 2]); plt.show(block=True); plt.pause(0.01)")), FULL
    yield "another-backend", notebook(with_cell("import matplotlib; matplotlib.use('TkAgg')\n%matplotlib widget")), FULL
    yield "asks-a-question", notebook(in_mul("name = input('Your name? ')", first=False)), FULL
    yield "closes-stdout", notebook(in_mul("import sys; sys.stdout.close(); sys.stderr.close()", first=False)), FULL
    yield "replaces-stdout", notebook(in_mul("import io, sys; sys.stdout = sys.stderr = io.StringIO()", first=False)), FULL
    yield "closes-every-descriptor", notebook(in_mul("import os; os.closerange(3, 99)")), NO_MUL

    # ---- other things that notebooks do
    yield "installs-a-package", notebook(with_cell("!pip install numpy\n%pip install numpy")), FULL
    yield "bash-cell", notebook(with_cell("%%bash\necho hello; ls /; exit 3")), FULL
    yield "awaits", notebook(with_cell("import asyncio\nawait asyncio.sleep(0)\nasyncio.get_event_loop()")), FULL
    yield "deletes-its-folder", notebook(with_cell("!rm -rf * .??*\nimport shutil, os; shutil.rmtree(os.getcwd(), True)")), FULL
    yield "changes-folder", notebook(with_cell("%cd /\nimport os; os.chdir('/usr'); os.environ['HOME'] = '/nowhere'")), FULL
    yield "writes-files", notebook(with_cell("open('mine.txt', 'w').write('x')\nopen('minigrad.py', 'w').write('')")), FULL
    yield "changes-the-seed", notebook(with_cell("import random; random.seed(0); np.random.seed(0)")), FULL
    yield "float-errors-raise", notebook(with_cell("np.seterr(all='raise'); np.set_printoptions(precision=1)")), FULL
    yield "star-import", notebook(with_cell("from math import *\nfrom numpy import *\nfrom minigrad.rules import *")), FULL
    yield "names-like-ours", notebook(in_mul("edge2 = g = a = b = x = y = result = node = 3", first=False)), FULL
    yield "checks-often", notebook(in_mul("for _ in range(20): check('mul'); check('add')", first=False)), FULL

    # ---- answers that are wrong
    yield "syntax-error", notebook(demo.change(perfect, "mul", "def mul(a, b, /):", "def mul(a, b /")), NO_MUL
    yield "tab-error", notebook(demo.change(perfect, "mul", "    return", "\t  return")), NO_MUL
    yield "forgotten-import", notebook(inside_mul("math.exp(1)")), NO_MUL
    yield "returns-nothing", notebook(inside_mul("pass; return None")), NO_MUL
    nan = "nan = float('nan'); return a * b * nan, lambda g: g * nan, lambda g: g * nan"
    yield "returns-nan", notebook(inside_mul(nan)), NO_MUL
    yield "returns-texts", notebook(inside_mul("return 'a', lambda g: 'b', lambda g: []")), NO_MUL
    nb = demo.solved(CHAPTER)
    cell_of(nb, "mul").source = SMALL_STEPS
    yield "small-steps", notebook(nb), FULL | {"check-mul": 1.5}
    nb = demo.solved(CHAPTER)
    cell_of(nb, "mul").source = cell_of(demo.released(CHAPTER), "mul").source
    yield "one-left-unanswered", notebook(nb), NO_MUL
    yield "raises-in-the-first-cell", notebook(with_cell("raise RuntimeError('oh')")), FULL

    # ---- the notebook's cells
    nb = demo.solved(CHAPTER)
    nb.cells.remove(cell_of(nb, "check-mul"))
    yield "deleted-check", notebook(nb), FULL
    nb = demo.solved(CHAPTER)
    answer, check = copy.deepcopy(cell_of(nb, "mul")), copy.deepcopy(cell_of(nb, "check-mul"))
    answer.id, check.id = "one-more", "two-more"
    place = nb.cells.index(cell_of(nb, "mul"))
    nb.cells[place:place] = [answer, check]
    yield "duplicated-cells", notebook(nb), FULL
    nb = demo.solved(CHAPTER)
    cell_of(nb, "check-mul").source = "check('mul')\nprint('done')"
    yield "changed-check", notebook(nb), FULL
    nb = demo.solved(CHAPTER)
    for cell in nb.cells:
        cell.metadata = NotebookNode()
    yield "lost-metadata", notebook(nb), FULL
    nb = demo.solved(CHAPTER)
    for cell in nb.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader = {"schema_version": 1, "grade_id": cell.metadata.nbgrader.grade_id, "points": "three"}
    yield "old-metadata", notebook(nb), FULL
    nb = demo.solved(CHAPTER)
    place, check = nb.cells.index(cell_of(nb, "mul")), cell_of(nb, "check-mul")
    nb.cells.remove(check)
    nb.cells.insert(place, check)
    yield "check-above-its-answer", notebook(nb), NO_MUL
    nb = demo.solved(CHAPTER)
    nb.cells += [new_markdown_cell("My notes ü 💡 \u202e"), new_code_cell("# a cell of my own\n42")]
    yield "own-cells", notebook(nb), FULL
    nb = demo.solved(CHAPTER)
    nb.metadata.kernelspec = {"name": "ir", "display_name": "R", "language": "R"}
    yield "another-kernel", notebook(nb), FULL
    nb = demo.solved(CHAPTER)
    cell = cell_of(nb, "mul")
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]
    yield "answer-turned-into-text", notebook(nb), FULL

    # ---- the file
    yield "empty-file", raw(b""), NONE
    yield "truncated-file", raw(text.encode()[: len(text) // 2]), NONE
    yield "git-conflict", raw(text.replace('"nbformat"', '<<<<<<< HEAD\n"nbformat"', 1).encode()), NONE
    yield "python-file", raw(b"print('hello')\n"), NONE
    yield "wrong-json", raw(b'{"cells": 3, "nbformat": 4}'), NONE
    yield "byte-order-mark", raw(b"\xef\xbb\xbf" + text.encode()), FULL
    yield "utf-16", raw(text.encode("utf-16")), NONE
    yield "windows-lines", raw(text.replace("\n", "\r\n").encode()), FULL
    yield "format-3", raw(nbformat.writes(nbformat.convert(copy.deepcopy(perfect), 3)).encode()), FULL
    yield "format-4.0", raw(json.dumps({**json.loads(text), "nbformat_minor": 0}).encode()), FULL
    yield "future-format", raw(json.dumps({**json.loads(text), "nbformat_minor": 99}).encode()), FULL
    nb = demo.solved(CHAPTER)
    big = base64.b64encode(os.urandom(1_000_000) * 38).decode()
    nb.cells.append(new_markdown_cell("![](attachment:big.png)", attachments={"big.png": {"image/png": big}}))
    yield "fifty-megabytes", notebook(nb), FULL
    nb = demo.solved(CHAPTER)
    nb.cells[-1:] = [new_code_cell("", outputs=[new_output("stream", text="x" * 5_000_000)]), nb.cells[-1]]
    yield "old-outputs", notebook(nb), FULL
    yield "no-cells", notebook(new_notebook()), NONE

    # ---- the folder
    yield "renamed-notebook", raw(text.encode(), "Chapter 2 (final) (1).ipynb"), NOT_GRADED
    yield "empty-folder", lambda folder: None, NOT_GRADED
    yield "folder-for-a-notebook", lambda folder: (folder / f"{CHAPTER}.ipynb").mkdir(), NOT_GRADED

    def beside(folder: Path) -> None:
        notebook(perfect)(folder)
        (folder / "ünï 💡 <b>.ipynb").write_text(text)
        (folder / f"{CHAPTER}-Copy1.ipynb").write_text("{}")
        (folder / ".ipynb_checkpoints").mkdir()
        (folder / ".ipynb_checkpoints" / f"{CHAPTER}-checkpoint.ipynb").write_text("x")
        (folder / "numpy.py").write_text("raise SystemExit('mine')")
        (folder / "data\n.csv").write_text("1,2")

    yield "more-files", beside, FULL

    def linked(folder: Path) -> None:
        (outside / "mine.ipynb").write_text(text)
        (folder / f"{CHAPTER}.ipynb").symlink_to(outside / "mine.ipynb")

    yield "linked-notebook", linked, NOT_GRADED

    def unreadable(folder: Path) -> None:
        notebook(perfect)(folder)
        (folder / f"{CHAPTER}.ipynb").chmod(0)

    yield "unreadable-notebook", unreadable, FULL if os.geteuid() == 0 else NOT_GRADED

    def late(stamp: str) -> Write:
        def write(folder: Path) -> None:
            notebook(perfect)(folder)
            (folder / "timestamp.txt").write_text(stamp)

        return write

    yield "handed-in-late", late("2999-01-01 00:00:00 UTC"), FULL
    yield "odd-timestamp", late("yesterday, about noon"), FULL

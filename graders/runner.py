"""Runs one notebook and keeps what it displayed. Every notebook that is graded or built is executed from here.

`open_runner` runs submissions in the sandbox, isolated. `run_notebook` runs a trusted notebook in a plain kernel: it
survives what a notebook may do (loop for ever, end its own process, print without end), but gives limits, not
protection, for the code has the rights of whoever calls it. Scores are no business of this room.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from traitlets.config import Config

from graders.check import MIME
from graders.sandbox import Limits, Sandbox, SandboxError, where

if TYPE_CHECKING:
    from graders.release import Release

CELL_SECONDS = 20
NOTEBOOK_SECONDS = 180
CELL_BYTES = 4_000_000
INTERRUPT_SECONDS = 4

_STOPPED = "CellStopped"


@dataclass(frozen=True)
class Ran:
    """What came of a run, beside the outputs in the notebook.

    troubles: in words, the cells that were stopped, ended their process, flooded their output, or were never reached.
    evidence: index of each cell -> the first evidence that it displayed, or None; it is taken out of the outputs.
    broken: the cells that were stopped or ended their process.
    """

    troubles: list[str]
    evidence: dict[int, Any]
    broken: list[int]


_TAKE_REFERENCES = """
def take_references(sources):
    import importlib
    from graders import pieces
    for name, source in sources.items():
        found = {{}}
        exec(source, vars(importlib.import_module("minigrad." + pieces.PIECES[name].module)), found)
        pieces.load(found[name])
take_references({!r})
del take_references
"""


class Runner:
    """Runs submissions of one release; `run` may be called from several threads at once."""

    def __init__(self, release: Release, execute: Callable[[NotebookNode, dict[str, Any]], Ran]) -> None:
        self.release, self._execute = release, execute

    def run(self, nb: NotebookNode, *, only: Sequence[str] | None = None) -> Ran:
        """Execute every code cell of `nb` in place, check cells on the hidden inputs of the release.

        only: take nothing but these pieces from the notebook, and the chapter's others from the reference.
        Raises RuntimeError when the notebook could not be run, through no fault of its own.
        """
        grading: dict[str, Any] = {"seed": self.release.seed}
        if only is None:
            return self._execute(nb, grading)
        others = {name: source for name, source in self.release.references.items() if name not in only}
        setup = new_code_cell(_TAKE_REFERENCES.format(others))
        whole = nbformat.from_dict({**nb, "cells": [setup, *nb.cells]})
        ran = self._execute(whole, {**grading, "only": list(only)})
        nb.cells = whole.cells[1:]
        return Ran(ran.troubles, {index - 1: sent for index, sent in ran.evidence.items() if index},
                   [index - 1 for index in ran.broken])


@contextlib.contextmanager
def open_runner(release: Release, hidden: Sequence[Path] = (), *, unsafe: bool = False,
                cell_seconds: float = CELL_SECONDS, notebook_seconds: float = NOTEBOOK_SECONDS) -> Iterator[Runner]:
    """A runner for the submissions of `release`, to be used in a `with` block and for as many of them as there are.

    hidden: folders that no submission may see (gradebook, submissions, solutions), beside that of the seed and the key.
    unsafe: run them in a plain kernel with all the rights of this process. Otherwise the isolation is tried out first.
    Raises RuntimeError, saying what to do, where student code cannot be isolated.
    """
    if unsafe:
        warnings.warn("UNPROTECTED: student code runs with your own rights; it can read and change all that you can, "
                      "grades and solutions too.", stacklevel=3)
        yield Runner(release, functools.partial(_run_unprotected, release.package, cell_seconds, notebook_seconds))
    else:
        with contextlib.ExitStack() as stack:
            yield Runner(release, _Boxes(stack, release.package, Limits(cell_seconds, notebook_seconds),
                                         [release.package.parent, *hidden]).run)


class _Boxes:
    """One sandbox, and another one in its place should it break down."""

    def __init__(self, stack: contextlib.ExitStack, package: Path, limits: Limits, hidden: Sequence[Path]) -> None:
        modules = [".".join(path.relative_to(package).with_suffix("").parts)
                   for pattern in ("minigrad/*.py", "graders/check.py", "graders/exercises/*.py")
                   for path in sorted(package.glob(pattern))]
        self._open = lambda: stack.enter_context(Sandbox(limits, [package], hidden=hidden, preload=modules))
        self._lock, self._box = threading.Lock(), self._open()

    def run(self, nb: NotebookNode, grading: dict[str, Any]) -> Ran:
        """Run a notebook, a second time if the first sandbox broke down. Raises SandboxError if both did."""
        box = self._box
        try:
            return _run_in(box, nb, grading)
        except SandboxError:
            with self._lock:
                if box is self._box:
                    box.close()
                    self._box = self._open()
            return _run_in(self._box, nb, grading)


def _run_unprotected(package: Path, cell_seconds: float, notebook_seconds: float, nb: NotebookNode,
                     grading: dict[str, Any]) -> Ran:
    return run_notebook(nb, package, grading=grading, cell_seconds=cell_seconds, notebook_seconds=notebook_seconds)


def _run_in(box: Sandbox, nb: NotebookNode, grading: dict[str, Any]) -> Ran:
    result = box.run(nb, env={"MINIGRAD_GRADING": json.dumps(grading)})
    for cell, ran in zip(nb.cells, result.notebook.cells, strict=True):
        cell.update(ran)
    evidence = dict.fromkeys(range(len(nb.cells)))
    for sent in reversed(result.evidence):
        evidence[sent.cell] = sent.message
    return Ran(result.troubles, evidence, result.broken)


class _Client(NotebookClient):
    """A notebook client that keeps at most CELL_BYTES of what each cell displays."""

    def reset_execution_trackers(self) -> None:
        super().reset_execution_trackers()
        self.troubles: list[str] = []
        self._cell, self._left = -1, CELL_BYTES

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int) -> Any:
        """Keep one output message as far as there is room, a text joined to the text before it."""
        if self._cell != cell_index:
            self._cell, self._left = cell_index, CELL_BYTES
        content, room = msg["content"], self._left
        self._left -= len(json.dumps(content, default=str))
        if self._left < 0:
            if room >= 0:
                self.troubles.append(f"{where(self.nb, cell_index)} displayed more than {CELL_BYTES // 1_000_000} MB; "
                                     "the rest was dropped.")
            if room <= 0 or msg["msg_type"] != "stream":
                return None
            content["text"] = content["text"][:room]
        out = super().output(outs, msg, display_id, cell_index)
        if out and len(outs) > 1 and out.output_type == outs[-2].output_type == "stream" and out.name == outs[-2].name:
            outs[-2].text += outs.pop().text  # nbclient's own way of joining takes hours over a line of a megabyte
        return out


def _error(name: str, text: str) -> NotebookNode:
    return new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])


def run_notebook(nb: NotebookNode, package: Path, *, grading: dict[str, Any] | None = None,
                 cell_seconds: float = CELL_SECONDS, notebook_seconds: float = NOTEBOOK_SECONDS,
                 environment: dict[str, str] | None = None, kernel_arguments: Sequence[str] = ()) -> Ran:
    """Execute every code cell of `nb` in place, going on after errors: an exception is an output like any other.

    package: folder that holds the `minigrad` and `graders` that the notebook imports.
    grading: None for a student's own session; {"seed": n, ...} runs the check cells in grading mode, on its inputs.
    environment, kernel_arguments: on top of the usual ones.
    Raises RuntimeError when the kernel cannot start or the package cannot be imported: nothing was run then.
    """
    deadline = time.monotonic() + notebook_seconds
    late: list[int] = []
    broken: list[int] = []

    def seconds(cell: NotebookNode) -> int:
        return max(1, int(min(cell_seconds, deadline - time.monotonic())))

    def note_timeout(cell: NotebookNode, cell_index: int, execute_reply: dict[str, Any]) -> None:
        if execute_reply["content"].get("ename") == _STOPPED:
            late.append(cell_index)

    client = _Client(
        nb, kernel_name="python3", allow_errors=True, record_timing=False, timeout_func=seconds,
        interrupt_on_timeout=True, error_on_timeout={"ename": _STOPPED, "evalue": "", "traceback": []},
        iopub_timeout=INTERRUPT_SECONDS, raise_on_iopub_timeout=True, shutdown_kernel="immediate",
        on_cell_executed=note_timeout, extra_arguments=list(kernel_arguments),
    )
    client.reset_execution_trackers()
    with tempfile.TemporaryDirectory(prefix="minigrad-") as folder:
        work, home = Path(folder, "work"), Path(folder, "home")
        if os.name == "posix":  # sockets in a folder of our own, not ports that everybody on this machine can reach
            client.config.ConnectionFileMixin = Config(transport="ipc", ip=str(Path(folder, "socket")))
        work.mkdir()
        home.mkdir()
        env = {**os.environ, **(environment or {}), "PYTHONPATH": str(package), "IPYTHONDIR": str(home)}
        env.pop("MINIGRAD_GRADING", None)
        if grading is not None:
            env["MINIGRAD_GRADING"] = json.dumps(grading)
        client.resources = {"metadata": {"path": str(work)}}
        with client.setup_kernel(env=env):
            assert client.kc is not None
            # Where the package itself is at fault, nobody may get a zero for it.
            reply = client.wait_for_reply(client.kc.execute("__import__('minigrad')", silent=True))
            if reply is None or reply["content"]["status"] != "ok":
                raise RuntimeError(f"minigrad cannot be imported from {package}: {reply and reply['content']}")
            for index, cell in enumerate(nb.cells):
                started = time.monotonic()
                if started > deadline:
                    client.troubles.append(f"The notebook ran longer than {notebook_seconds:g} s; the cells from "
                                           f"{index + 1} on were not run.")
                    break
                trouble = ""
                try:
                    client.execute_cell(cell, index, execution_count=client.code_cells_executed + 1)
                    if late:
                        trouble = f"was stopped after {time.monotonic() - started:.0f} s"
                except DeadKernelError:
                    trouble = "ended the Python process; the cells after it were not run"
                except CellTimeoutError:
                    trouble = (f"was stopped after {time.monotonic() - started:.0f} s and ignored it; "
                               "the cells after it were not run")
                if trouble:
                    cell.outputs.append(_error(_STOPPED, f"this cell {trouble}."))
                    client.troubles.append(f"{where(nb, index)} {trouble}.")
                    broken.append(index)
                    if not late:
                        break
                    late.clear()
    return Ran(client.troubles, {index: _take_evidence(cell) for index, cell in enumerate(nb.cells)}, broken)


def _take_evidence(cell: NotebookNode) -> Any:
    outputs = cell.get("outputs", [])
    found = [output.data[MIME] for output in outputs if MIME in output.get("data", {})]
    outputs[:] = [output for output in outputs if MIME not in output.get("data", {})]
    return found[0] if found else None

"""Runs one notebook and keeps what it displayed. This is the only place that executes a student's code.

`run_notebook` starts a fresh kernel in an empty folder, with nothing of ours on its path but the given package, and
survives what a notebook may do: loop for ever, end its own process, print without end. It gives limits, not protection:
the code runs with the rights of whoever calls it. Scores are no business of this room.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from traitlets.config import Config

from graders.check import MIME

CELL_SECONDS = 20
NOTEBOOK_SECONDS = 300
CELL_BYTES = 4_000_000
INTERRUPT_SECONDS = 4

_STOPPED = "CellStopped"


@dataclass(frozen=True)
class Ran:
    """What came of a run, beside the outputs in the notebook.

    troubles: in words, the cells that were stopped, ended their process, flooded their output, or were never reached.
    evidence: index of each cell -> the first evidence that it displayed, or None; it is taken out of the outputs.
    """

    troubles: list[str]
    evidence: dict[int, Any]


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
                self.troubles.append(f"{_where(self.nb, cell_index)} displayed more than {CELL_BYTES // 1_000_000} MB; "
                                     "the rest was dropped.")
            if room <= 0 or msg["msg_type"] != "stream":
                return None
            content["text"] = content["text"][:room]
        out = super().output(outs, msg, display_id, cell_index)
        if out and len(outs) > 1 and out.output_type == outs[-2].output_type == "stream" and out.name == outs[-2].name:
            outs[-2].text += outs.pop().text  # nbclient's own way of joining takes hours over a line of a megabyte
        return out


def _where(nb: NotebookNode, index: int) -> str:
    grade_id = nb.cells[index].metadata.get("nbgrader", {}).get("grade_id")
    number = sum(cell.cell_type == "code" for cell in nb.cells[: index + 1])
    return f"The cell `{grade_id}`" if grade_id else f"Code cell {number}"


def _error(name: str, text: str) -> NotebookNode:
    return new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])


def run_notebook(nb: NotebookNode, package: Path, *, seed: int | None = None, cell_seconds: int = CELL_SECONDS,
                 notebook_seconds: int = NOTEBOOK_SECONDS, environment: dict[str, str] | None = None,
                 kernel_arguments: Sequence[str] = ()) -> Ran:
    """Execute every code cell of `nb` in place, going on after errors: an exception is an output like any other.

    package: folder that holds the `minigrad` and `graders` that the notebook imports.
    seed: None for a student's own session; a number runs the check cells in grading mode, on inputs drawn from it.
    environment, kernel_arguments: on top of the usual ones.
    Raises RuntimeError when the kernel cannot start or the package cannot be imported: nothing was run then.
    """
    deadline = time.monotonic() + notebook_seconds
    late: list[int] = []

    def seconds(cell: NotebookNode) -> int:
        return max(1, min(cell_seconds, int(deadline - time.monotonic())))

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
        if seed is not None:
            env["MINIGRAD_GRADING"] = json.dumps({"seed": seed})
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
                    client.troubles.append(f"The notebook ran longer than {notebook_seconds} s; the cells from "
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
                    client.troubles.append(f"{_where(nb, index)} {trouble}.")
                    if not late:
                        break
                    late.clear()
    return Ran(client.troubles, {index: _take_evidence(cell) for index, cell in enumerate(nb.cells)})


def _take_evidence(cell: NotebookNode) -> Any:
    outputs = cell.get("outputs", [])
    found = [output.data[MIME] for output in outputs if MIME in output.get("data", {})]
    outputs[:] = [output for output in outputs if MIME not in output.get("data", {})]
    return found[0] if found else None

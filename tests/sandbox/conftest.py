"""One small sandbox for all tests here, with limits that are quick to reach, and short ways to look at a run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from graders.sandbox import Limits, RunResult, Sandbox

LIMITS = Limits(cell_seconds=1.5, notebook_seconds=20, memory_bytes=300_000_000, processes=12, file_bytes=8_000_000,
                stream_bytes=100_000, display_bytes=300_000, evidence_bytes=200_000)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one module for the notebook's sys.path."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "given.py").write_text("ANSWER = 42\n")
    return folder


@pytest.fixture(scope="session")
def box(bubblewrap: None, package: Path) -> Iterator[Sandbox]:
    with Sandbox(LIMITS, [package]) as box:
        yield box


def notebook(*sources: str) -> NotebookNode:
    return new_notebook(cells=[new_code_cell(source) for source in sources])


@pytest.fixture(scope="session")
def run(box: Sandbox) -> Callable[..., RunResult]:
    """run(source, …, env=…) executes a notebook of these cells in the shared sandbox."""
    return lambda *sources, env=None: box.run(notebook(*sources), {"MINIGRAD_GRADING": '{"seed": 7}', **(env or {})})


@pytest.fixture(scope="session")
def text() -> Callable[..., str]:
    """text(result, index=-1): all that a cell printed or answered; of an error its name and message."""
    def text(result: RunResult, index: int = -1) -> str:
        parts = []
        for output in result.notebook.cells[index].outputs:
            if output.output_type == "stream":
                parts.append(output.text)
            elif output.output_type == "error":
                parts.append(f"{output.ename}: {output.evalue}")
            else:
                parts.append(str(output.data.get("text/plain", "")))
        return "".join(parts).strip()

    return text

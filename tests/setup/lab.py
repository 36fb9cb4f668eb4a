"""What `make lab` starts, opened and used as a person would: for the tests here, and for the README's pictures."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
INTERRUPTIONS = ".jp-Dialog, .Toastify__toast"


def without_make() -> dict[str, str]:
    """The environment, as if nobody had run make around the tests."""
    makes_own = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "ARGS", "PYTHON", "VENV"}
    return {name: value for name, value in os.environ.items() if name not in makes_own}


@dataclass
class Lab:
    address: str
    token: str
    folder: Path

    def url(self, page: str) -> str:
        """The address of a page, opened with nothing else on the screen."""
        return f"{self.address}{page}?token={self.token}&reset"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def make_lab(folder: Path) -> Iterator[Lab]:
    """Run `make lab` on a free port, for a new user, on a copy of the notebooks in `folder`."""
    copy = folder / "copy"
    for name in ("course", "solutions"):
        shutil.copytree(ROOT / name, copy / name)
    shutil.copy(ROOT / "nbgrader_config.py", copy)
    options = f"--no-browser --port {free_port()} --ServerApp.port_retries=0 --ServerApp.root_dir={copy}"
    options += f" --CourseDirectory.root={copy}"
    command = ["make", "lab", f"STATE={folder / 'state'}", f"ARGS={options}"]
    if (Path(sys.prefix) / "checkout").exists():  # this Python's environment is one that make made
        command.append(f"VENV={os.path.relpath(sys.prefix, ROOT)}")
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=without_make(), stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 400
        while not (said := re.search(r"(http://127\.0\.0\.1:\d+)(/\S*)\?token=(\w+)", log.read_text())):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"`make lab` did not start:\n{log.read_text()}")
            time.sleep(0.2)
        assert said[2] == "/lab/tree/course/index.md"
        yield Lab(said[1], said[3], copy)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def open_the_start_page(page: Page, lab: Lab) -> None:
    page.goto(lab.url("/lab/tree/course/index.md"))
    page.get_by_role("heading", name="Build your own autograd").wait_for()


def run_all_cells(page: Page) -> None:
    """Run the open notebook from the menu, wait until its kernel rests, and save it."""
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()  # JupyterLab forgets what is run before that
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent);
            const kernel = document.querySelector('.jp-Notebook-ExecutionIndicator');
            return prompts.some(p => /\\d/.test(p)) && !prompts.some(p => p.includes('*'))
                && kernel.dataset.status === 'idle';
        }""",
        timeout=120_000,
    )
    assert page.locator(INTERRUPTIONS).count() == 0
    page.keyboard.press("Control+s")
    page.locator(".jp-mod-dirty").wait_for(state="detached")

"""The table of a check in a real JupyterLab: every word of it can be read, in the light theme and in the dark ones."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("playwright.sync_api", reason="the extra `test` brings playwright")
pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
WRONG = """
from graders.check import begin, check, piece, predict
begin("ch02", own=False)
predict("what a gets from a * b", 3)

@piece
def mul(a, b, /):
    return a * b, lambda g: g * a, lambda g: g * a

check("mul")
"""

# The contrast of WCAG 2 for every text in the output: both colours are painted, one over the other, and read back.
CONTRASTS = """() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const paint = colours => {
        canvas.clearRect(0, 0, 1, 1);
        for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255);
    };
    const light = rgb => rgb.map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const found = [];
    for (const output of document.querySelectorAll('.jp-OutputArea-output')) {
        const walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const text = walker.currentNode.textContent.trim();
            if (!text) continue;
            const behind = [];
            for (let at = walker.currentNode.parentElement; at; at = at.parentElement)
                behind.unshift(getComputedStyle(at).backgroundColor);
            const ink = getComputedStyle(walker.currentNode.parentElement).color;
            const [a, b] = [light(paint(['white', ...behind])), light(paint(['white', ...behind, ink]))];
            found.push([text, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
        }
    }
    return found;
}"""


def answers(address):
    try:
        urllib.request.urlopen(address).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def lab(tmp_path_factory, browser):
    """The course's JupyterLab on a notebook with one wrong exercise: gives (address, token)."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(WRONG.strip())])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (folder / "work").mkdir()
    nbformat.write(notebook, folder / "work" / "wrong.ipynb")
    places = {f"JUPYTER_{kind.upper()}_DIR": str(folder / kind) for kind in ("config", "data", "runtime")}
    environment = {**os.environ, **places, "IPYTHONDIR": str(folder / "ipython"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "jupyter", "lab", f"--config={ROOT}/.jupyter/jupyter_lab_config.py", "--no-browser",
               f"--ServerApp.root_dir={folder / 'work'}", "--ServerApp.port=0"]  # fmt: skip
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 120
        while not (said := re.search(r"(http://127\.0\.0\.1:\d+)\S*\?token=(\w+)", log.read_text())):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")
            time.sleep(0.2)
        while not answers(f"{said[1]}/api/status?token={said[2]}"):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield said[1], said[2]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"])
def test_every_word_of_a_check_can_be_read(theme, lab, browser, tmp_path):
    address, token = lab
    request = urllib.request.Request(
        f"{address}/lab/api/settings/@jupyterlab/apputils-extension:themes?token={token}",
        data=json.dumps({"raw": json.dumps({"theme": theme})}).encode(),
        method="PUT",
    )
    urllib.request.urlopen(request).close()
    window = browser.new_context(viewport={"width": 1280, "height": 900})
    page = window.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{address}/lab/tree/wrong.ipynb?token={token}&reset")
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()
    page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.locator(".jp-OutputArea-output").get_by_text("Grading draws other inputs").wait_for()
    found = page.evaluate(CONTRASTS)
    page.screenshot(path=tmp_path / "table.png")
    window.close()
    assert {"✓", "✗"} <= {text for text, _ in found}
    assert any("both gradients are multiplied with a" in text for text, _ in found)
    assert [(text, round(ratio, 2)) for text, ratio in found if ratio < 4.5] == []

"""Makes the README's two pictures again: `python -m tests.setup.pictures` (after `make setup`).

Nothing compares them with anything: they are made when what they show has changed, and looked at.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import minigrad as mg
from tests.conftest import a_chromium
from tests.setup.lab import ROOT, make_lab

PICTURES = ROOT / "course" / "images"


def graph() -> bytes:
    """The drawing of `z = x * x + x` after its backward, as SVG."""
    x = mg.tensor(3.0, requires_grad=True)
    z = x * x + x
    mg.draw(z)  # from now on the gradients that flow are noted
    z.backward()
    return mg.draw(z, params={"x": x, "z": z}, grads=True).pipe(format="svg")


def chapter() -> bytes:
    """A solved chapter in JupyterLab, at its first drawn graph, as PNG."""
    folder = Path(tempfile.mkdtemp())
    with make_lab(folder) as lab, sync_playwright() as playwright, a_chromium(playwright) as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.goto(lab.url("/lab/tree/solutions/ch02/ch02.ipynb"))
        page.get_by_role("tab", name="File Browser").first.click()  # closes the side bar
        drawn = page.locator(".jp-RenderedSVG").first
        drawn.scroll_into_view_if_needed()
        page.wait_for_timeout(3_000)  # the cells above take their heights
        drawn.evaluate("drawn => drawn.scrollIntoView({block: 'end'})")
        page.wait_for_timeout(1_000)
        picture = page.screenshot()
    shutil.rmtree(folder)
    return picture


if __name__ == "__main__":
    (PICTURES / "graph.svg").write_bytes(graph())
    (PICTURES / "chapter.png").write_bytes(chapter())

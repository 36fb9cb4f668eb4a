"""What a student meets: the JupyterLab that `make lab` starts, opened in a real Chromium.

The server is the checkout's own; the notebooks it shows are copies, so that running them leaves the course as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import nbformat
import pytest

from tests.setup.lab import INTERRUPTIONS, ROOT, Lab, make_lab, open_the_start_page, run_all_cells

playwright = pytest.importorskip("playwright.sync_api", reason="the extra `test` brings playwright")
playwright.expect.set_options(timeout=60_000)
pytestmark = pytest.mark.browser

STUDENTS = sorted(path.relative_to(ROOT) for path in ROOT.glob("course/*/*.ipynb"))
SOLVED = sorted(path.relative_to(ROOT) for path in ROOT.glob("solutions/*/*.ipynb"))
METADATA = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, browser) -> Iterator[Lab]:
    """`make lab`, once for all of these tests. (`browser` comes first: no Chromium, no server.)"""
    with make_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def page(browser, lab, tmp_path):
    """A window of somebody who has never been here; what it showed last is kept as a picture."""
    window = browser.new_context(viewport={"width": 1280, "height": 900})
    window.set_default_timeout(60_000)
    page = window.new_page()
    yield page
    page.screenshot(path=tmp_path / "last.png")
    window.close()


def test_make_lab_opens_the_start_page_and_nothing_stands_in_the_way(page, lab):
    open_the_start_page(page, lab)
    page.wait_for_timeout(6_000)  # a note about news or updates would appear after the page has settled
    assert page.locator(INTERRUPTIONS).count() == 0
    assert page.get_by_text("Create Assignment").count() == 0


@pytest.mark.parametrize("notebook", STUDENTS, ids=str)
def test_a_chapter_opens_from_the_start_page_and_runs(page, lab, notebook):
    open_the_start_page(page, lab)
    page.locator(f".jp-RenderedMarkdown a[href*='{notebook.name}']").click()
    run_all_cells(page)

    cells = nbformat.read(lab.folder / notebook, as_version=4).cells
    ran = [cell for cell in cells if cell.cell_type == "code" and cell.execution_count]
    assert ran, "no cell ran"
    errors = [output.ename for cell in ran for output in cell.outputs if output.output_type == "error"]
    assert set(errors) <= {"NotImplementedError"}, errors  # the only thing a blank notebook may say no with


@pytest.mark.parametrize("notebook", SOLVED, ids=str)
def test_a_solved_chapter_shows_its_pictures_before_it_runs_and_runs_to_the_end(page, lab, notebook):
    as_built = nbformat.read(ROOT / notebook, as_version=4)
    outputs = [output for cell in as_built.cells for output in cell.get("outputs", [])]
    pictures = sum("image/svg+xml" in output.get("data", {}) for output in outputs)
    page.goto(lab.url(f"/lab/tree/{notebook}"))
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    playwright.expect(page.locator(".jp-RenderedSVG")).to_have_count(pictures)  # a notebook without trust shows none

    run_all_cells(page)
    after = nbformat.read(lab.folder / notebook, as_version=4)
    code = [cell for cell in after.cells if cell.cell_type == "code" and cell.source.strip()]
    assert [cell.source for cell in code if not cell.execution_count] == []
    said = [output for cell in code for output in cell.outputs]
    assert [output for output in said if output.output_type == "error" or output.get("name") == "stderr"] == []


def test_the_kernel_of_a_notebook_is_the_environment_that_make_made(page, lab):
    notebook = nbformat.v4.new_notebook(
        metadata=METADATA,
        cells=[nbformat.v4.new_code_cell("import sys, minigrad\nprint(sys.prefix)")],
    )
    nbformat.write(notebook, lab.folder / "course" / "where.ipynb")
    page.goto(lab.url("/lab/tree/course/where.ipynb"))
    run_all_cells(page)
    [cell] = nbformat.read(lab.folder / "course" / "where.ipynb", as_version=4).cells
    assert "checkout" in os.listdir(cell.outputs[0].text.strip())


def test_a_notebook_that_was_handed_in_is_not_trusted(page, lab):
    handed_in = lab.folder / "submitted" / "someone" / "ch01" / "ch01.ipynb"
    handed_in.parent.mkdir(parents=True)
    script = {"text/html": "<script>document.title = 'taken over'</script><p id='shown'>hello</p>"}
    output = nbformat.v4.new_output("display_data", data=script)
    cell = nbformat.v4.new_code_cell("1", execution_count=1, outputs=[output])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=METADATA), handed_in)
    page.goto(lab.url("/lab/tree/submitted/someone/ch01/ch01.ipynb"))
    page.get_by_text("hello").wait_for()
    page.wait_for_timeout(500)
    assert "taken over" not in page.title()


def test_the_instructors_pages_are_within_reach_and_list_the_chapters(page, lab):
    open_the_start_page(page, lab)
    page.get_by_role("menuitem", name="Nbgrader", exact=True).click()
    page.get_by_role("menuitem", name="Formgrader", exact=True).click()
    names = page.frame_locator("iframe").locator("td.name")
    playwright.expect(names).to_have_text(sorted(path.name for path in (ROOT / "solutions").iterdir() if path.is_dir()))

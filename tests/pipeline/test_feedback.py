"""What people open after grading is safe: nothing that a student displayed or wrote runs or fetches anything.

A submission full of tricks goes through the stock commands; the feedback page and formgrader's page of it are opened in
a real Chromium, which also shows that the same tricks do work on a page that was made without `sanitise`.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook
from tricks import CODE, DISPLAYS, MARKDOWN, SITE, cells, honest

from graders import demo
from graders.bundle import ROOT

pytestmark = pytest.mark.slow

CHAPTER = "ch02"
LISTEN = "window.heard = []; window.hack = name => window.heard.push(name); window.alert = window.hack;"
LISTEN += "window.$ = window.$ || (() => ({}));"  # some of nbconvert's scripts need a library, and there is no network


def visit(browser, url: str, wait: int = 1500) -> SimpleNamespace:
    """Open a page, click what looks like a link in it; return what ran, which addresses were asked for, and the DOM."""
    page = browser.new_page()
    asked: list[str] = []
    dialogs: list[str] = []

    def answer(route) -> None:
        asked.append(route.request.url)
        here = route.request.url.startswith(("file:", "data:", url[: url.find("/", 8)]))
        route.continue_() if here else route.abort()

    page.route("**/*", answer)
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("popup", lambda popup: asked.append(popup.url))
    page.add_init_script(LISTEN)
    page.goto(url, wait_until="domcontentloaded")
    page.wait_for_timeout(wait)  # a trick needs a moment, and there is nothing to wait for when none works
    seen = SimpleNamespace(
        text=page.locator("body").inner_text(), frames=len(page.frames), html=page.content(),
        links=page.eval_on_selector_all("#notebook-container a, #notebook-container area",
                                        "all => all.map(a => a.getAttribute('href') || a.getAttribute('xlink:href'))"),
        handlers=page.evaluate("""[...document.querySelectorAll('#notebook-container *')].flatMap(
            e => [...e.attributes].filter(a => a.name.startsWith('on')).map(a => a.name))"""),
        scripts=page.locator("#notebook-container").locator("script, iframe, object, embed, style, form, link").count(),
        pictures=page.eval_on_selector_all("#notebook-container img",
                                           "all => all.map(i => [i.src.slice(0, 22), i.naturalWidth, i.getAttribute('width')])"),
    )  # fmt: skip
    for link in page.locator("#notebook-container a").all():
        with contextlib.suppress(Exception):
            link.dispatch_event("click", timeout=500)
    page.wait_for_timeout(200)
    seen.ran = set(map(str, page.evaluate("window.heard || []"))) | set(dialogs)
    seen.asked = {address for address in asked if not address.startswith(("file:", "data:"))}
    page.close()
    return seen


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    """A course in which one student hands in every trick, one honest content, and one nothing."""
    course = tmp_path_factory.mktemp("course")
    (course / "solutions" / CHAPTER).mkdir(parents=True)
    nb = nbformat.read(ROOT / "solutions" / CHAPTER / f"{CHAPTER}.ipynb", as_version=4)
    nbformat.write(nb, course / "solutions" / CHAPTER / f"{CHAPTER}.ipynb")
    perfect = demo.solved(CHAPTER)
    perfect.cells += cells(run=True)
    perfect.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {"state": {"1": {}}}}
    perfect.metadata.title = "</title><script>hack('title')</script>"
    demo.hand_in(course, "trickster", CHAPTER, perfect)
    (course / "submitted" / "trickster" / CHAPTER / "evil.html").write_text("<script>hack('file')</script>")
    (course / "submitted" / "trickster" / CHAPTER / "mine.txt").symlink_to(course / "gradebook.db")
    perfect = demo.solved(CHAPTER)
    perfect.cells += honest()
    demo.hand_in(course, "honest", CHAPTER, perfect)
    demo.hand_in(course, "blank", CHAPTER, demo.released(CHAPTER))
    for step in ("generate_assignment", "autograde", "generate_feedback"):
        done = demo.nbgrader(course, step, CHAPTER)
        assert done.returncode == 0, done.stderr
    return course


@pytest.fixture(scope="module")
def feedback(graded, browser) -> dict[str, SimpleNamespace]:
    """The feedback page of each student, opened."""
    return {student: visit(browser, (graded / "feedback" / student / CHAPTER / f"{CHAPTER}.html").as_uri())
            for student in ("trickster", "honest", "blank")}


@pytest.fixture(scope="module")
def formgrader(graded, browser) -> Iterator[dict[str, SimpleNamespace]]:
    """The page on which formgrader shows each student's work, opened."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    token = secrets.token_hex(8)
    command = [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", f"--port={port}",
               f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={graded}", "--ServerApp.port_retries=0",
               "--ServerApp.jpserver_extensions=nbgrader.server_extensions.formgrader=True",
               f"--CourseDirectory.root={graded}"]
    state = {f"JUPYTER_{kind}_DIR": str(graded / "state" / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with (graded / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **state}, stdout=log, stderr=log,
                                   start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{address}/api/status?token={token}", timeout=5).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail((graded / "log").read_text())
                time.sleep(0.3)
        yield {student: visit(browser, f"{address}/formgrader/submissions/{number}/?token={token}")
               for student, number in submission_ids(graded).items()}
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def submission_ids(course: Path) -> dict[str, str]:
    """Under which number formgrader shows each student's notebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        return {one.student.id: one.id for one in book.notebook_submissions(CHAPTER, CHAPTER)}


@pytest.mark.slow
def test_the_tricks_work_where_nothing_is_cleaned(browser, tmp_path):
    """Else the other tests would prove nothing."""
    worked = set()
    for cell in cells(run=False):  # one page each: one trick may hide another
        nb = new_notebook(cells=[new_markdown_cell("# A page"), cell])
        with contextlib.suppress(Exception):
            shown, _ = HTMLExporter(template_name="classic").from_notebook_node(nb)
            (tmp_path / "page.html").write_text(shown)
            seen = visit(browser, (tmp_path / "page.html").as_uri(), 300)
            worked |= seen.ran | {url.removeprefix(SITE).split("/")[1] for url in seen.asked if url.startswith(SITE)}
    assert len(worked) >= 20, worked
    assert {"script", "handler", "link", "mermaid", "tracker", "javascript", "width", "comment"} <= worked


@pytest.mark.parametrize("page", ["feedback", "formgrader"])
def test_no_trick_runs_or_fetches_anything(page, request):
    pages = request.getfixturevalue(page)
    seen, blank = pages["trickster"], pages["blank"]
    assert seen.ran == set()
    # nbgrader's pages load MathJax and the like themselves, for everybody.
    assert set(map(without_ids, seen.asked)) <= set(map(without_ids, blank.asked))
    assert seen.handlers == []
    assert seen.scripts == 0
    assert seen.frames == 1
    assert [link for link in seen.links if link and not link.startswith("#")] == []
    assert SITE.removeprefix("http://") in seen.text  # as text, for a person to judge


@pytest.mark.parametrize("page", ["feedback", "formgrader"])
def test_what_is_harmless_is_still_there(page, request):
    seen = request.getfixturevalue(page)["honest"]
    for text in ("My answer", "an honest print: 1 < 2 & 3", "an honest bold word", "an honest table", "an honest mistake",
                 "the manual (https://docs.example.org/autograd)", "a < b, and a & b", "$x^2$"):
        assert text in seen.text, text
    assert "was removed" not in seen.text
    assert all(natural > 0 for _, natural, _ in seen.pictures)
    kinds = [kind for kind, _, _ in seen.pictures]
    assert kinds.count("data:image/png;base64,") == 2
    assert kinds.count("data:image/svg+xml;bas") >= 2  # what the chapter draws
    assert "77" in [width for _, _, width in seen.pictures]


def without_ids(url: str) -> str:
    """An address without the number of the submission."""
    return re.sub(r"[0-9a-f]{32}|\?.*", "", url)


def test_the_note_above_the_notebook_says_what_was_removed(feedback):
    said = feedback["trickster"].text
    assert "HTML that is not plain text, a table or a picture was removed" in said
    assert "an output of the kind application/javascript was removed" in said
    assert len(MARKDOWN) + len(DISPLAYS) + len(CODE) > 40


def test_nothing_shows_another_students_work(graded, feedback):
    assert not (graded / "feedback" / "trickster" / CHAPTER / "mine.txt").exists()
    assert not (graded / "autograded" / "trickster" / CHAPTER / "mine.txt").exists()
    assert "an honest print" in feedback["honest"].html
    assert "an honest print" not in feedback["trickster"].html + feedback["blank"].html
    assert "trickster" not in feedback["honest"].html

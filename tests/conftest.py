"""What every folder of tests may use: a real browser, and real isolation.

A machine without them skips the tests that need one and says so; in CI (the environment variable CI) they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def a_chromium(playwright: Playwright) -> Iterator[Browser]:
    """The machine's own Chromium, without a window."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        raise FileNotFoundError("browser tests need Chromium or Chrome on the PATH (Debian: apt install chromium)")
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    browser = playwright.chromium.launch(executable_path=program, args=[*QUIET, *["--no-sandbox"] * as_root])
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, ExitStack() as stack:
        try:
            chromium = stack.enter_context(a_chromium(playwright))
        except FileNotFoundError as missing:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(missing))
        yield chromium


@pytest.fixture(scope="session")
def bubblewrap() -> None:
    """Skips where there is no bubblewrap, so that no student code can be isolated."""
    if shutil.which("bwrap") is None and not os.environ.get("CI"):
        pytest.skip("bubblewrap (bwrap) is not installed; Debian: apt install bubblewrap")

"""The gallery is what its text gives when it is run, and shows every option."""

from __future__ import annotations

import inspect

import nbformat

from graders.build import ROOT, build_gallery
from minigrad import drawing

TEXT = ROOT / "solutions" / "gallery" / "gallery.py"
BUILT = ROOT / "course" / "gallery" / "gallery.ipynb"


def test_the_committed_gallery_is_what_its_text_gives_byte_for_byte(tmp_path):
    assert build_gallery(tmp_path).read_text(encoding="utf-8") == BUILT.read_text(encoding="utf-8")


def test_the_gallery_shows_every_option_of_draw():
    text = TEXT.read_text(encoding="utf-8")
    options = [name for name in inspect.signature(drawing.draw).parameters if name not in ("root", "limit")]
    assert [name for name in options if f"{name}=" not in text] == []


def test_every_picture_in_the_gallery_carries_its_description():
    nb = nbformat.reads(BUILT.read_text(encoding="utf-8"), as_version=4)
    shown = [output.get("data", {}) for cell in nb.cells for output in cell.get("outputs", [])]
    pictures = [data for data in shown if "image/svg+xml" in data]
    assert len(pictures) > 15
    assert all("<desc>" in data["image/svg+xml"] and data["text/plain"] for data in pictures)

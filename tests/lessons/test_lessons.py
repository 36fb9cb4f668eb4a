"""Every cell of the five lessons, and every recorded fact about PyTorch, comes out of minigrad as it did of PyTorch."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lesson_notebook import normal, numbers, run_cell, shape

FILES = Path(__file__).parent
LESSONS = json.loads((FILES / "lesson_cells.json").read_text(encoding="utf-8"))
FACTS = [fact for name in ("torch_facts", "more_facts") for fact in json.loads((FILES / f"{name}.json").read_text("utf-8"))]
DIFFERENCES = json.loads((FILES / "lesson_differences.json").read_text(encoding="utf-8"))


def same_output(cell: dict[str, Any], out: str) -> None:
    """The output is as recorded: exactly, or with the same numbers up to rounding, or with numbers in the same places."""
    wanted, how = cell["torch213"], cell.get("compare", "exact")
    if how == "exact":
        assert out == wanted
    elif how == "version":
        assert re.fullmatch(r"\d+\.\d+(\.\d+)?\S*", out)
    else:
        assert shape(out) == shape(wanted)
        if how == "numeric":
            np.testing.assert_allclose(numbers(out), numbers(wanted), cell.get("rtol", 1e-4), 2e-4)


@pytest.mark.parametrize("lesson", LESSONS, ids=[lesson["id"] for lesson in LESSONS])
def test_every_cell_of_the_lesson_shows_what_it_shows_in_pytorch(lesson):
    names: dict[str, Any] = {"__name__": "__main__"}
    if not any("import torch" in cell["source"] for cell in lesson["cells"]):
        run_cell("import torch", names)
    for i in lesson.get("run_order") or range(len(lesson["cells"])):
        cell = lesson["cells"][i]
        seen = run_cell(cell["source"], names)
        assert seen["raises"] == cell.get("torch213_raises"), cell["id"]
        assert seen["stderr"] == cell.get("torch213_stderr", ""), cell["id"]
        assert seen["warnings"] == cell.get("torch213_warnings", []), cell["id"]
        same_output(cell, seen["out"])


@pytest.mark.parametrize("fact", FACTS, ids=[f"{i}-{fact['group']}" for i, fact in enumerate(FACTS)])
def test_the_fact_is_true_of_minigrad(fact):
    names: dict[str, Any] = {"__name__": "__main__"}
    run_cell("import torch\nimport numpy as np\nimport math", names)
    seen = run_cell(fact["code"], names)
    text = seen["out"]
    if seen["raises"]:
        text = f"{seen['raises']['type']}: {seen['raises']['message']}"
    elif fact["kind"] == "warning":
        text = "\n".join(seen["warnings"]) or "no warning"
    elif fact["kind"] == "error":
        text = "no error"
    assert text == fact["text"]


def test_a_difference_between_a_lesson_and_todays_pytorch_is_that_of_a_cell():
    ids = {cell["id"] for lesson in LESSONS for cell in lesson["cells"]}
    assert {difference["cell"] for difference in DIFFERENCES} <= ids


def test_a_wrong_output_would_be_noticed():
    names: dict[str, Any] = {}
    assert run_cell("1 + 1", names)["out"] == "2"
    assert run_cell("1 / 0", names)["raises"] == {"type": "ZeroDivisionError", "message": "division by zero"}
    with pytest.raises(AssertionError):
        same_output({"torch213": "tensor(2.)"}, "tensor(2.0)")
    with pytest.raises(AssertionError):
        same_output({"torch213": "tensor([0.5000])", "compare": "numeric"}, "tensor([0.5100])")
    assert normal("<A object at 0x7f12>  ") == "<A object at 0x\N{HORIZONTAL ELLIPSIS}>"

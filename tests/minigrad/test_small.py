"""minigrad does not grow: a reader should finish it in one sitting."""

from __future__ import annotations

from benchmarks.lines import LIMIT, count, counts


def test_docstrings_comments_and_blank_lines_do_not_count():
    assert count('"""Text\n\nmore"""\n\n# why\nx = [1,\n     2]  # two lines\n\n\ndef f():\n    """Text"""\n    return x\n') == 4


def test_minigrad_does_not_grow():
    found = counts()
    assert {"rules.py", "graph.py", "engine.py", "tensors.py"} <= set(found)
    assert sum(found.values()) <= LIMIT, found

"""Fixtures of the tests that grade the graders: the chapters, their keys, and a fresh session for every test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # chapter_text and the bank of solutions

from chapter_text import CHAPTERS, SEEDS, Chapter

from graders import check, pieces
from minigrad import graph, rules


@pytest.fixture(scope="session")
def chapters() -> dict[str, Chapter]:
    return {name: Chapter(name) for name in CHAPTERS}


@pytest.fixture(scope="session")
def keys(chapters):
    """Which inputs -> exercise -> entry."""
    return {
        which: {name: entry for c in chapters.values() for name, entry in c.key(seed)["exercises"].items()}
        for which, seed in SEEDS.items()
    }


@pytest.fixture(autouse=True)
def fresh_session():
    """Every test starts and ends with minigrad's own pieces and no answers."""
    yield
    pieces.reset()
    for operation in [op for op in vars(rules).values() if hasattr(op, "rule")]:
        for name in set(vars(operation.node)) & set(graph.Node.__slots__):  # some solutions write to op.node itself
            delattr(operation.node, name)
    check._predictions.clear()
    check._fractions.clear()


def pytest_terminal_summary(terminalreporter):
    """The table of the bank: how many wrong solutions of each exercise were caught, and how many were named."""
    rows: dict[str, list[tuple[bool, bool]]] = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in getattr(report, "user_properties", []):
            if name == "bank" and report.when == "call":
                rows.setdefault(value[0], []).append((value[1], value[2]))
    if rows:
        terminalreporter.section("wrong solutions, on two draws of inputs each")
        for exercise, found in rows.items():
            caught, named = (sum(column) for column in zip(*found, strict=True))
            terminalreporter.write_line(f"{exercise:20} {len(found):3} tried, {caught:3} caught, {named:3} named")

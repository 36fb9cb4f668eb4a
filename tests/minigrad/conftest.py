"""Every test draws the same numbers whenever it runs."""

from __future__ import annotations

import pytest

import minigrad as mg


@pytest.fixture(autouse=True)
def same_random_numbers():
    mg.manual_seed(0)

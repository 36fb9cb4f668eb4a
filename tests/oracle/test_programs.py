"""Random programs do in minigrad what they do in PyTorch: values, graphs, gradients, versions, texts, and errors."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from programs import programs
from twins import compare, shorten

pytestmark = pytest.mark.oracle

EXAMPLES = int(os.environ.get("MINIGRAD_PROGRAMS", "0"))
"""How many new random programs to try. Without it: the same thousand each time."""

# Where minigrad differs on purpose, or has not followed PyTorch: found by this test, rare, and of no use in a lesson.
KNOWN = [
    ["a = torch.ones(1, 2, 1)", "a[None, [0, 1], :0]"],
    ["a = torch.arange(4)", "b = torch.tensor(1., requires_grad=True)", "a[:-3] = b", "a.requires_grad"],
]


@settings(
    max_examples=EXAMPLES or 1000,
    derandomize=not EXAMPLES,
    print_blob=bool(EXAMPLES),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(programs())
def test_a_random_program_does_what_it_does_in_pytorch(program):
    found = compare(program)
    if found:
        program = shorten(program)
        pytest.fail("\n".join([*program, "", *compare(program)]), pytrace=False)


@pytest.mark.parametrize("program", KNOWN, ids=lambda program: program[-1])
def test_a_known_difference_is_still_there(program):
    """If this fails, minigrad has become more like PyTorch: take the program off the list."""
    assert compare(program)


def test_a_difference_would_be_found(monkeypatch):
    import minigrad
    monkeypatch.setattr(minigrad.rules.mul, "rule", lambda a, b, /: (a * b, lambda g: g * b, lambda g: g * b))
    program = ["a = torch.tensor([2., 3.], requires_grad=True)", "b = a + 1", "c = a * 4", "d = a * b", "d.sum().backward()"]
    assert compare(program)
    assert len(shorten(program)) == 4

"""The catalogue of messages and the code that raises them name the same messages."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import minigrad
from minigrad import errors

PACKAGE = Path(minigrad.__file__).parent
LINES = [line for line in (PACKAGE / "errors.txt").read_text().splitlines() if line and line[0] != "#"]
NAMES = [line.split()[0] for line in LINES]


def strings(node: ast.AST) -> set[str]:
    """Every text constant in an expression, with the ends of those that are put together with +."""
    return {each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def named() -> set[str]:
    """The names that the calls of `need`, `error` and `warn` give."""
    found = set()
    for path in PACKAGE.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            name = getattr(call, "func", None)
            if isinstance(name, ast.Name) and name.id in ("need", "error", "warn") and call.args:
                found |= strings(call.args[1 if name.id == "need" else 0])
    return found


def test_every_message_is_raised_somewhere_and_every_name_has_a_message():
    ends = {name for name in named() if name.startswith("_")}  # put behind the name of a function
    assert named() - ends - set(NAMES) <= {"zeros"}  # a name that is compared
    assert {name for name in NAMES if not name.endswith(tuple(ends))} <= named()
    assert all(any(name.endswith(end) for name in NAMES) for end in ends)


def test_every_message_is_named_once():
    assert len(NAMES) == len(set(NAMES)) == len(errors.catalogue())


@pytest.mark.parametrize("name", NAMES)
def test_a_message_makes_an_exception_or_a_warning(name):
    fields = [field for _, field, _, _ in Formatter().parse(errors.catalogue()[name][1]) if field is not None]
    numbers = [int(re.match(r"\d*", field)[0] or i) for i, field in enumerate(fields)]
    given: list = ["x"] * (max(numbers, default=-1) + 1)
    for number, field in zip(numbers, fields, strict=True):
        if "." in field:  # the text takes an attribute of a tensor
            given[number] = minigrad.zeros(1, 1, 1)
    made = errors.error(name, *given)
    assert isinstance(made, Exception)
    assert str(made).count("x") >= len([field for field in fields if "." not in field])
    assert str(made).lower().count("float") >= len([field for field in fields if ".dtype" in field])


def test_need_raises_only_where_the_condition_is_false():
    errors.need(True, "retain_grad")
    with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has requires_grad=False"):
        errors.need(False, "retain_grad")


@pytest.mark.parametrize("value", [[1.0], 1.0, None])
@pytest.mark.parametrize("turned", [False, True])
def test_a_rule_whose_value_is_no_array_is_told_so(value, turned, monkeypatch):
    monkeypatch.setattr(minigrad.rules.mul, "rule", lambda a, b, /: (value, lambda g: g, lambda g: g))
    x = minigrad.ones(2, 3, requires_grad=True)
    x = x.t() if turned else x
    with pytest.raises(TypeError, match="needs an array"):
        x * x

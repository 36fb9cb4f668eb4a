"""What stripping leaves of a module's source: signatures, docstrings, a rule's value and what its vjps save."""

import ast
import textwrap

import pytest

from graders.pieces import NOT_BUILT, Piece, find, stripped

RULES = '''"""Rules, é and all."""
from __future__ import annotations

@elementwise("MulBackward0")
def mul(a, b, /):
    """d(ab) = b da + a db"""
    return a * b, lambda g: g * b, lambda g: g * a  # éé


@op("SumBackward0")
def total(a, /, axis=None):
    """d(sum a) = sum da"""
    shape = a.shape
    return a.sum(axis), lambda g: spread(
        g, shape, axis
    )


def other(a):
    return a + 1
'''

GRAPH = '''"""Graph."""


class Tensor:
    @property
    def is_leaf(self) -> bool:
        """Whether nobody made it."""
        return self._node is None

    @is_leaf.setter
    def is_leaf(self, value):
        raise AttributeError("no")

    def one_line(self): return 1


def record(value, edges):
    """Make a node.

    More text.
    """
    # A comment about the body.
    node = Node(edges)
    if node:
        return node
    return value


def last(a):
    return a
'''


def space_of(source):
    made: dict = {}
    exec(NOT_BUILT.format(pieces={}), made)
    names = {"elementwise": lambda name: lambda f: f, "op": lambda name: lambda f: f, "spread": None, "Node": list}
    space = {**names, "not_built": made["not_built"]}
    exec(source.replace("from minigrad.not_built import not_built", ""), space)
    return space


def test_a_rule_keeps_its_value_and_what_it_saves_and_loses_its_vjps():
    source = stripped(RULES, [Piece("rules.mul", 2), Piece("rules.total", 4)])
    space = space_of(source)
    value, vjp_a, vjp_b = space["mul"](2.0, 3.0)
    assert value == 6.0
    assert space["mul"].__doc__ == "d(ab) = b da + a db"
    assert (vjp_a.__code__.co_freevars, vjp_b.__code__.co_freevars) == (("b",), ("a",))
    with pytest.raises(NotImplementedError, match="mul is not built yet: you build this in chapter 2"):
        vjp_a(1.0)
    vjp = next(n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Lambda) and "total" in ast.unparse(n))
    assert ast.unparse(vjp.body) == "not_built('total', 4, shape, axis)"
    assert "g * b" not in source
    assert "spread" not in source
    assert space["other"](1) == 2
    assert source.endswith(RULES[RULES.index("def other") :])


def test_the_import_comes_after_the_docstring_and_future_imports():
    tree = ast.parse(stripped(RULES, [Piece("rules.mul", 2)]))
    assert ast.get_docstring(tree) == "Rules, é and all."
    assert [getattr(n, "module", None) for n in tree.body[1:3]] == ["__future__", "minigrad.not_built"]


def test_a_function_keeps_signature_and_docstring_and_says_when_it_is_built():
    source = stripped(
        GRAPH, [Piece("graph.record", 2), Piece("graph.Tensor.is_leaf", 2), Piece("graph.Tensor.one_line", 3)]
    )
    space = space_of(source)
    assert space["record"].__doc__ == "Make a node.\n\n    More text.\n    "
    with pytest.raises(NotImplementedError, match="record is not built yet: you build this in chapter 2"):
        space["record"](1, 2)
    with pytest.raises(NotImplementedError, match="chapter 2"):
        _ = space["Tensor"]().is_leaf
    with pytest.raises(NotImplementedError, match="chapter 3"):
        space["Tensor"]().one_line()
    with pytest.raises(AttributeError):
        space["Tensor"]().is_leaf = 1
    assert "Node(edges)" not in source
    assert "A comment about the body" not in source
    assert "_node" not in source
    assert space["last"](5) == 5


def test_what_stands_before_a_piece_is_built_runs_in_its_place():
    source = stripped(GRAPH, [Piece("graph.record", 2, before="if edges:\n    return value\nreturn None")])
    assert space_of(source)["record"](4, [1]) == 4
    assert space_of(source)["record"](4, []) is None
    assert "Make a node." in source
    assert "Node(edges)" not in source


def test_a_piece_that_is_not_in_its_module_is_refused_by_name():
    with pytest.raises(LookupError, match=r"graph\.walk"):
        stripped(GRAPH, [Piece("graph.walk", 5)])
    with pytest.raises(LookupError):
        find(ast.parse(textwrap.dedent(GRAPH)), Piece("graph.Tensor.missing", 5))

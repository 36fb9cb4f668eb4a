"""A student's function takes the place of minigrad's own: always, everywhere, and back again."""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from chapter_text import CHAPTERS

import minigrad as mg
from graders import pieces
from graders.pieces import PIECES, PieceError, piece
from minigrad import graph, rules, tensors

PACKAGE = pieces.PACKAGE


def x(*values, requires_grad=True):
    return mg.tensor(list(values) or [1.0, 2.0], requires_grad=requires_grad)


def grad(leaf, **options):
    return mg.autograd.grad((leaf * leaf).sum(), leaf, **options)


# Every way in which the pieces of the first chapters are reached; `result` is made before the piece is replaced.
REACHED = {
    "can_require_grad": [
        lambda r: mg.tensor([1.0], requires_grad=True), lambda r: mg.ones(2, requires_grad=True),
        lambda r: mg.randn(2).requires_grad_(), lambda r: setattr(mg.zeros(1), "requires_grad", True),
    ],
    "leaf": [
        lambda r: mg.tensor([1.0]), lambda r: mg.tensor(3), lambda r: mg.ones(2, 2), lambda r: mg.zeros(3),
        lambda r: mg.rand(2), lambda r: mg.randn(2, 2), lambda r: mg.arange(3), lambda r: mg.empty(2),
        lambda r: mg.Tensor([1.0, 2.0]),
    ],
    "any_requires_grad": [
        lambda r: r + r, lambda r: r + 2, lambda r: 2 * r, lambda r: r.exp(), lambda r: r.sum(), lambda r: r @ r,
        lambda r: np.exp(r), lambda r: r[0], lambda r: mg.cat([r, r]),
    ],
    "requires_grad_": [lambda r: x().requires_grad_(), lambda r: setattr(x(), "requires_grad", False)],
    "add": [
        lambda r: r + r, lambda r: 2 + r, lambda r: r + 2, lambda r: mg.add(r, r), lambda r: r.add(r),
        lambda r: np.add(r, r), lambda r: r[0] + r[1],
    ],
    "mul": [
        lambda r: r * r, lambda r: 2 * r, lambda r: r * 2, lambda r: mg.mul(r, r), lambda r: r.mul(r),
        lambda r: np.multiply(r, r), lambda r: r[0] * r[1],
    ],
    "record": [
        lambda r: r + 1, lambda r: r.exp(), lambda r: r.sum(), lambda r: r @ r, lambda r: r[0],
        lambda r: mg.cat([r, r]),
        lambda r: r.view(1, 2), lambda r: mg.stack([r, r]),
    ],
    "is_leaf": [lambda r: r.is_leaf, lambda r: x().requires_grad_(False), lambda r: getattr(r, "is_leaf")],  # noqa: B009
    "log": [lambda r: r.log(), lambda r: mg.log(r), lambda r: np.log(r)],
    "pow": [lambda r: r**2, lambda r: r.pow(3), lambda r: mg.pow(r, 2), lambda r: r.square()],
    "abs": [lambda r: r.abs(), lambda r: abs(r), lambda r: mg.abs(r), lambda r: np.abs(r)],
    "sum": [lambda r: r.sum(), lambda r: mg.sum(r)],
    "mean": [lambda r: r.mean(), lambda r: mg.mean(r)],
    "norm": [lambda r: r.norm(), lambda r: mg.norm(r), lambda r: r.norm(2), lambda r: np.linalg.norm(r)],
    "mm": [
        lambda r: r.view(1, 2) @ r.view(2, 1), lambda r: r.view(1, 2).mm(r.view(2, 1)),
        lambda r: mg.matmul(r.view(1, 2), r.view(2, 1)), lambda r: np.matmul(r.view(1, 2), r.view(2, 1)),
    ],
    "unbroadcast": [
        lambda r: (x() * x(1.0)).sum().backward(), lambda r: (mg.ones(3, 2) + x()).sum().backward(),
        lambda r: x(1.0).expand(3).sum().backward(),
    ],
    "order": [
        lambda r: x().sum().backward(), lambda r: grad(x()), lambda r: mg.autograd.backward(x().sum()),
        lambda r: mg.autograd.functional.jacobian(lambda a: a * 2, x()),
    ],
    "collect": [lambda r: x().sum().backward(), lambda r: grad(x()), lambda r: mg.autograd.backward(x().sum())],
    "walk": [
        lambda r: x().sum().backward(), lambda r: grad(x()), lambda r: mg.autograd.backward(x().sum()),
        lambda r: grad(x(), create_graph=True), lambda r: mg.autograd.functional.jacobian(lambda a: a * 2, x()),
    ],
    "gradients": [
        lambda r: grad(x()), lambda r: grad(x(), create_graph=True),
        lambda r: mg.autograd.functional.vjp(lambda a: (a * 2).sum(), x()),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "way"), [(n, i) for n, ways in REACHED.items() for i in range(len(ways))])
def test_replacement_takes_effect_on_every_way_that_leads_to_a_piece(name, way):
    result = x() * 2
    right = pieces.current(name)
    calls = []

    def spy(*args, **options):
        calls.append(args)
        inner = pieces.inner(right)
        return inner(*args, **options)

    spy.__name__ = name
    spy.__signature__ = inspect.signature(pieces.inner(right))
    piece(spy)
    REACHED[name][way](result)
    assert calls, "minigrad's own was called"
    pieces.reset(name)
    calls.clear()
    REACHED[name][way](result)
    assert not calls, "the student's is still called"


def test_every_piece_of_a_written_chapter_is_in_the_table_of_ways():
    assert set(REACHED) == {name for name, spec in PIECES.items() if f"ch{spec.chapter:02d}" in CHAPTERS}


def test_every_piece_is_defined_where_the_table_says():
    for spec in PIECES.values():
        tree = ast.parse((PACKAGE / f"{spec.module}.py").read_text(encoding="utf-8"))
        assert pieces.find(tree, spec).name == spec.name == spec.where.split(".")[-1]
        assert pieces.current(spec.name) is not None


def test_no_module_of_minigrad_imports_or_aliases_a_piece_by_name():
    """An alias made when a module is loaded would go on calling minigrad's own. (Operations read their rule late.)

    Only `RECORD = record` and the like are allowed, where a name in capitals is compared by `is` and never called.
    """
    names = {name for name, spec in PIECES.items() if spec.module != "rules"}
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        marks, allowed = marks_of_pieces(tree, names)
        assert uses_outside_comparisons(tree, marks) == []
        for node in outside_functions(tree):
            if isinstance(node, ast.ImportFrom):
                imported = {alias.name for alias in node.names} & names
                assert not imported or node.module == "numpy", f"{file.name}:{node.lineno} imports {imported}"
            elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and node not in allowed:
                used = node.id if isinstance(node, ast.Name) else node.attr
                assert used not in names, f"{file.name}:{node.lineno} uses {used} when it is loaded"


def marks_of_pieces(tree, names):
    """The names in capitals that a module gives to pieces, and the nodes that do so."""
    marks, allowed = set(), []
    for line in tree.body:
        if isinstance(line, ast.Assign) and len(line.targets) == 1:
            values = [n for n in ast.walk(line.value) if getattr(n, "id", getattr(n, "attr", None)) in names]
            targets = [n.id for n in ast.walk(line.targets[0]) if isinstance(n, ast.Name)]
            if values and all(target.isupper() for target in targets):
                marks |= set(targets)
                allowed += values
    return marks, allowed


def uses_outside_comparisons(tree, marks):
    compared = {
        id(side)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and all(isinstance(o, ast.Is | ast.IsNot) for o in node.ops)
        for side in node.comparators
    }
    loads = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id in marks]
    return [f"line {n.lineno}" for n in loads if id(n) not in compared]


def outside_functions(node):
    """Every node that runs when a module is loaded, and imports wherever they are."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.Lambda):
            yield from (inner for inner in ast.walk(child) if isinstance(inner, ast.ImportFrom))
            for default in [*child.args.defaults, *child.args.kw_defaults, *getattr(child, "decorator_list", [])]:
                if default is not None:
                    yield from [default, *outside_functions(default)]
        else:
            yield child
            yield from outside_functions(child)


@pytest.mark.parametrize("name", CHAPTERS)
def test_solution_cells_equal_the_source_of_the_package(name, chapters):
    chapter = chapters[name]
    assert set(chapter.functions) == {n for n, spec in PIECES.items() if f"ch{spec.chapter:02d}" == name}
    for function in chapter.functions.values():
        spec = PIECES[function.name]
        tree = ast.parse((PACKAGE / f"{spec.module}.py").read_text(encoding="utf-8"))
        assert cleaned(function) == cleaned(pieces.find(tree, spec)), (
            f"{function.name} differs from minigrad.{spec.where}"
        )


def cleaned(function):
    """The syntax tree without decorators, its docstring cleaned of indentation."""
    docstring = ast.get_docstring(function, clean=True)
    body = function.body[1:] if docstring is not None else function.body
    return (
        docstring,
        ast.dump(function.args),
        ast.dump(function.returns) if function.returns else None,
        [*map(ast.dump, body)],
    )


def test_a_piece_returns_the_students_own_function():
    def mul(a, b, /):
        return a * b, lambda g: g * b, lambda g: g * a

    assert piece(mul) is mul
    assert pieces.built("mul") is mul
    assert rules.mul.rule is mul


def test_a_property_stays_a_property_with_its_setter_whether_it_is_written_with_or_without_the_decorator():
    def is_leaf(self):
        return "mine"

    for written in (is_leaf, property(is_leaf)):
        piece(written)
        assert x().is_leaf == "mine"
        with pytest.raises(AttributeError, match="is_leaf"):
            x().is_leaf = True
        pieces.reset()
        assert x().is_leaf is True


def test_a_wrong_name_is_met_with_the_nearest_right_one():
    def multiply(a, b, /):
        return a * b

    def recrod(op, inputs, value, vjps):
        return value

    with pytest.raises(PieceError, match="No piece of minigrad is called 'multiply'"):
        piece(multiply)
    with pytest.raises(PieceError, match="Did you mean 'record'"):
        piece(recrod)
    with pytest.raises(PieceError, match="needs a function"):
        piece(3)


def test_a_wrong_signature_is_met_with_the_right_one():
    def mul(a):
        return a, lambda g: g

    def any_requires_grad(inputs):
        return True

    def leaf(array, requires_grad=True):
        return array

    with pytest.raises(PieceError, match=r"mul is called as mul\(a, b, /\), and yours is mul\(a\)"):
        piece(mul)
    with pytest.raises(PieceError, match=r"any_requires_grad\(\*inputs\)"):
        piece(any_requires_grad)
    with pytest.raises(PieceError, match=r"requires_grad=False"):
        piece(leaf)
    assert all(pieces.built(n) is None for n in ("mul", "any_requires_grad", "leaf"))


def test_names_of_arguments_before_the_slash_and_annotations_are_free():
    def mul(left, right: float, /) -> tuple:
        return left * right, lambda g: g * right, lambda g: g * left

    assert pieces.built(piece(mul).__name__) is mul


@pytest.mark.parametrize(
    "body", ["...", "pass", '"docstring"', "raise NotImplementedError", 'raise NotImplementedError("text")']
)
def test_an_empty_body_is_not_put_in_place(body, capsys):
    space = {"piece": piece}
    exec(f"@piece\ndef mul(a, b, /):\n    '''doc'''\n    {body}", space)
    assert pieces.built("mul") is None
    assert "still empty" in capsys.readouterr().out
    assert (x(3.0) * 2).tolist() == [6.0]


def test_emptying_a_built_piece_takes_it_out_again():
    def is_leaf(self):
        return "mine"

    piece(is_leaf)
    exec("@piece\ndef is_leaf(self):\n    ...", {"piece": piece})
    assert pieces.built("is_leaf") is None
    assert x().is_leaf is True


def test_reset_goes_back_one_by_one_or_all_at_once():
    def add(a, b, /):
        return a - b, lambda g: g, lambda g: -g

    def mul(a, b, /):
        return a / b, lambda g: g, lambda g: g

    piece(add), piece(mul)
    pieces.reset("add")
    assert (x(3.0) + 2).tolist() == [5.0]
    assert (x(3.0) * 2).tolist() == [1.5]
    pieces.reset()
    assert (x(3.0) * 2).tolist() == [6.0]
    assert pieces.built("mul") is None


def test_standing_in_ends_with_its_block_also_after_an_exception():
    before = graph.any_requires_grad, rules.mul.rule, tensors.Tensor.__dict__["is_leaf"]

    def stop_in_the_middle():
        with pieces.standing(any_requires_grad=lambda *inputs: "mine", mul=None, is_leaf=lambda self: "mine"):
            assert graph.any_requires_grad() == "mine"
            assert x(requires_grad=False).is_leaf == "mine"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stop_in_the_middle()
    assert (graph.any_requires_grad, rules.mul.rule, tensors.Tensor.__dict__["is_leaf"]) == before


def test_status_lists_every_piece_with_who_stands_there():
    def mul(a, b, /):
        return a * b, lambda g: g * b, lambda g: g * a

    piece(mul)
    said = {spec.name: whose for spec, whose in pieces.status()}
    assert said["mul"] == "yours"
    assert said["add"] == "minigrad's"
    assert set(said) == set(PIECES)


def notebook(path: Path, *sources: str) -> Path:
    cells = [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Title"]}, *cells]}), encoding="utf-8")
    return path


def test_the_pieces_of_a_notebook_are_read_without_running_it(tmp_path):
    file = notebook(
        tmp_path / "ch02.ipynb",
        "import numpy as np\nraise SystemExit",
        "@piece\ndef add(a, b, /):\n    return np.add(a, b), lambda g: g, lambda g: g",
        "@piece\ndef mul(a, b, /):\n    raise NotImplementedError('Replace this line with your code.')",
        "def record(op, inputs, value, vjps):\n    return value",
        "this is no Python",
    )
    found = pieces.written_in(file)
    assert set(found) == {"add"}
    space: dict = {}
    exec(found["add"], space)
    assert space["add"](1.0, 2.0)[0] == 3.0
    assert pieces.written_in(tmp_path / "missing.ipynb") == {}
    (tmp_path / "broken.ipynb").write_text("{")
    assert pieces.written_in(tmp_path / "broken.ipynb") == {}

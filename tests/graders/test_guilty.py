"""The guilty node is found: the first one whose answer is not the slope of its own operation."""

from __future__ import annotations

import json

import nbformat
import numpy as np
import pytest
from chapter_text import SEEDS

import minigrad as mg
from graders import check as checks
from graders import judge, pieces, sanitise
from graders.guilty import Finding, examine

RNG = np.random.default_rng(7)
LEAVES = {"x": RNG.normal(size=(2, 3)), "w": RNG.normal(size=(3,)), "b": RNG.normal(size=(2, 1))}


def broadcasting(x, w, b):
    return ((x * w).exp() * b + x.abs()).mean()


def swapped(a, b, /):
    return a * b, lambda g: g * a, lambda g: g * b


WRONG = {  # piece -> (what stands in its place, the node that is to blame, its input, the beginning of what is said)
    "mul": (swapped, "MulBackward0", 0, "at [0, 0] "),
    "abs": (lambda a, /: (np.abs(a), lambda g: g), "AbsBackward0", 0, "at ["),
    "mean": (lambda a, /: (a.mean(), lambda g: np.broadcast_to(g, a.shape)), "MeanBackward0", 0, "at [0, 0] "),
    "unbroadcast": (lambda g, shape: g, "MulBackward0", 1, "shape (2, 3), wanted (2, 1)"),
}


def test_a_right_calculation_has_no_guilty_node():
    found = examine(broadcasting, LEAVES)
    assert found.wrong == {}
    assert found.node is None
    assert str(found) == "Every gradient agrees with small steps."


@pytest.mark.parametrize("piece", WRONG)
def test_the_first_node_that_is_wrong_on_its_own_is_named_with_its_input(piece):
    mistaken, name, place, what = WRONG[piece]
    with pieces.standing(**{piece: mistaken}):
        found = examine(broadcasting, LEAVES)
    assert found.wrong
    assert (found.name, found.place) == (name, place)
    assert found.what.startswith(what), found.what
    assert f"{name}, input {place}: {what}" in str(found)


def test_a_rule_that_stops_is_guilty_too():
    with pieces.standing(mean=lambda a, /: (a.mean(), lambda g: g / a.size)):
        found = examine(broadcasting, LEAVES)
    assert found.name == "MeanBackward0"
    assert found.what.startswith("stopped with RuntimeError: rules.mean: gradient for argument 0 has shape ()")


def test_when_every_node_is_right_the_engine_is_to_blame():
    def overwriting(self, node, g):
        self.pending[node] = g

    with pieces.standing(collect=overwriting):
        found = examine(lambda x: x * x + x, {"x": LEAVES["x"]})
    assert "x" in found.wrong
    assert found.node is None
    assert "Each node is right on its own" in str(found)


def test_the_guilty_node_is_red_in_the_drawing():
    with pieces.standing(mul=swapped):
        found = examine(broadcasting, LEAVES)
    source = found.draw().source
    assert source.count("wrong here") == 1
    assert "#dc2626" in source


def test_a_kink_is_nobodys_fault():
    found = examine(lambda x: x.abs().sum(), {"x": np.array([0.0, 1.0, -2.0])})
    assert found.wrong == {}


def test_float32_is_judged_by_what_small_steps_can_tell_there():
    leaves = {name: values.astype(np.float32) for name, values in LEAVES.items()}
    assert examine(broadcasting, leaves).wrong == {}
    with pieces.standing(mul=swapped):
        assert examine(broadcasting, leaves).name == "MulBackward0"


def test_rules_and_record_stand_again_as_before():
    before = {name: pieces.current(name) for name in ("mul", "record", "sum")}
    examine(broadcasting, LEAVES)
    assert {name: pieces.current(name) for name in before} == before


def test_the_check_of_a_whole_calculation_names_the_guilty_node(chapters, keys, tmp_path, monkeypatch, capsys):
    entries = {n: e for n, e in keys["session"].items() if e["chapter"] == "ch04"}
    (tmp_path / "ch04.json").write_text(json.dumps({"exercises": entries}))
    monkeypatch.setattr(checks, "RECORDED", tmp_path)
    monkeypatch.setattr(checks, "_show", lambda report: print(report) if not isinstance(report, Finding) else None)
    checks._recorded.cache_clear()
    chapters["ch04"].build()
    chapters["ch04"].define("def unbroadcast(g, shape):\n    return g")
    capsys.readouterr()
    score = checks.check("unbroadcast")
    out = capsys.readouterr().out
    checks._recorded.cache_clear()
    assert 0 < score < 4
    assert "This is what comes when nothing is summed." in out
    assert "MulBackward0, input 1: shape (2, 3), wanted (2, 1)" in out


@pytest.fixture
def evidence(chapters, monkeypatch):
    """Grade an exercise of chapter 04 or 05 with one mistaken piece: what its check cell sends."""
    monkeypatch.setenv("MINIGRAD_GRADING", f'{{"seed": {SEEDS["grading"]}}}')
    sent = {}
    monkeypatch.setattr(checks, "send", lambda name, items, suspects=None: sent.update(
        exercise=name, items=items, suspects=json.loads(json.dumps(suspects or {}))))  # fmt: skip

    def graded(chapter, exercise, source):
        chapters[chapter].build()
        chapters[chapter].define(source)
        checks.check(exercise)
        pieces.reset()  # the judge draws in a process that has only minigrad's own pieces
        return sent

    return graded


def test_graded_feedback_names_the_guilty_node_and_shows_it_in_red(evidence, keys):
    sent = evidence("ch04", "unbroadcast", "def unbroadcast(g, shape):\n    return g")
    verdict = judge.verdict(sent, keys["grading"]["unbroadcast"], 4.0)
    [line] = [line for line in verdict.lines if "on its own" in line]
    assert "The first node that is wrong on its own: MulBackward0, input 1: shape (2, 3), wanted (2, 1)." in line
    assert verdict.picture.count("wrong here") >= 1
    assert "#dc2626" in verdict.picture
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                outputs=[nbformat.v4.new_output("display_data", {"image/svg+xml": verdict.picture})]
            )
        ]
    )
    sanitise.sanitise(notebook)
    assert "#dc2626" in notebook.cells[0].outputs[0].data["image/svg+xml"], "what is shown is cleaned, and keeps this"


def test_when_every_node_is_right_graded_feedback_says_so_and_shows_no_picture(evidence, keys):
    source = """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.pending[to] = part
"""
    verdict = judge.verdict(evidence("ch05", "walk", source), keys["grading"]["walk"], 4.0)
    assert any("Each node is right on its own" in line for line in verdict.lines)
    assert verdict.picture == ""


def test_a_right_solution_hears_nothing_of_nodes(evidence, keys):
    sent = evidence("ch04", "unbroadcast", "\n".join([
        "def unbroadcast(g, shape):",
        "    extra = g.ndim - len(shape)",
        "    return g.sum(axis=(*range(extra), *(i for i, n in enumerate(shape, extra) if n == 1))).reshape(shape)",
    ]))  # fmt: skip
    assert sent["suspects"] == {}
    assert judge.verdict(sent, keys["grading"]["unbroadcast"], 4.0).score == 4.0


@pytest.mark.parametrize("claim", [None, [], 3, "MulBackward0", {"node": 10**9}, {"node": 5000, "input": 0},
                                   {"node": True, "input": 0}, {"node": 999, "input": 0, "what": "x"},
                                   {"node": 0, "input": 0, "what": "<script>alert(1)</script>\n✓ all right"}])  # fmt: skip
def test_what_is_claimed_about_a_node_pays_nothing_and_breaks_nothing(claim, evidence, keys):
    sent = evidence("ch04", "unbroadcast", "def unbroadcast(g, shape):\n    return g")
    honest = judge.verdict(sent, keys["grading"]["unbroadcast"], 4.0)
    for suspects in (claim, dict.fromkeys(sent["suspects"], claim)):
        verdict = judge.verdict({**sent, "suspects": suspects}, keys["grading"]["unbroadcast"], 4.0)
        assert verdict.score == honest.score
        assert verdict.misconceptions == honest.misconceptions
        assert "<script>" not in verdict.picture
        assert not any(line.startswith("✓ all right") for line in "\n".join(verdict.lines).split("\n"))


# ---- the same on real PyTorch ---------------------------------------------------------------------------------------


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.mark.oracle
def test_the_same_checks_run_on_real_torch_tensors(torch):
    assert examine(broadcasting, LEAVES, torch).wrong == {}
    sizes = {"a": RNG.normal(size=(2, 3)), "b": RNG.normal(size=(3, 4))}
    for calculation in (
        lambda a, b: (a @ b).norm(),
        lambda a, b: a.pow(3).sum() + b.abs().mean(),
        lambda a, b: (a * a).sum(0) @ b,
        lambda a, b: a.exp().log().sum() * 2 - b.mm(b.t()).mean(),
    ):
        for library in (mg, torch):
            found = examine(calculation, sizes, library)
            assert found.wrong == {}, (library.__name__, str(found))


@pytest.mark.oracle
def test_a_wrong_gradient_on_torch_is_traced_to_its_function(torch):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            return a.exp()

        @staticmethod
        def backward(ctx, g):
            return 2 * g

    found = examine(lambda x, w, b: (Wrong.apply(x * w) * b).mean(), LEAVES, torch)
    assert set(found.wrong) == {"x", "w"}
    assert found.untested == ["WrongBackward"]
    assert "Suspect WrongBackward" in str(found)


@pytest.mark.oracle
def test_a_node_of_torch_that_is_changed_on_the_way_is_not_blamed_for_it(torch):
    def with_hook(x, w, b):
        y = x * w
        if y.requires_grad:
            y.register_hook(lambda g: 2 * g)
        return (y * b).mean()

    found = examine(with_hook, LEAVES, torch)
    assert set(found.wrong) == {"x", "w"}
    assert found.node is None
    assert "Each node is right on its own" in str(found)

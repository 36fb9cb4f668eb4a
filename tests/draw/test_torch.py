"""The same function draws a graph of PyTorch; what torchviz gets wrong is right here. With the real torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

import minigrad as mg

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch", reason="the extra `oracle` brings torch")


def a_sum_of_squares(T):
    x = T.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x + 2
    z = y * y * 3
    return z.mean(), {"x": x, "y": y, "z": z}


def a_detached_factor(T):
    x = T.tensor([1.0, 2.0], requires_grad=True)
    d = x.detach()
    return (x * d).sum(), {"x": x, "d": d}


def a_slice_that_was_written(T):
    a, w = T.tensor([1.0, 2.0, 3.0], requires_grad=True), T.tensor(5.0, requires_grad=True)
    b = a.exp()
    v = b[1:]
    b[0] = w
    return b.sum(), {"a": a, "w": w, "b": b, "v": v}


def several_results(T):
    x = T.tensor([2.0, 5.0], requires_grad=True)
    p, q = x.unbind(0)
    return p * q, {"x": x, "p": p, "q": q}


def a_retained_grad(T):
    x = T.tensor(3.0, requires_grad=True)
    y = x * x
    y.retain_grad()
    z = y * y
    z.backward()
    return z, {"x": x, "y": y}


GRAPHS = [a_sum_of_squares, a_detached_factor, a_slice_that_was_written, several_results, a_retained_grad]


def structure(root, params) -> list[tuple]:
    """What a picture shows, apart from what the two engines save for their rules and what they call it."""
    from minigrad.scanning import scan

    picture = scan(root, params).picture
    items = [(item.role, item.title if item.role != "constant" or item.title in params else "", tuple(
        line for line in item.lines if item.role in ("leaf", "result"))) for item in picture.items]
    links = [(link.start, link.end, link.kind, tuple(link.lines)) for link in picture.links]
    return [*items, *sorted(links)]


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_graph_of_pytorch_looks_like_minigrad_s_own(graph):
    theirs, ours = structure(*graph(torch)), structure(*graph(mg))
    assert theirs == ours


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_graph_of_pytorch_is_rendered(graph):
    root, params = graph(torch)
    assert "<desc>Graph of result" in mg.draw(root, params, saved=True, legend=True).pipe("svg", encoding="utf-8")


def test_saved_tensors_are_shown_held_and_freed():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    z = (y * x).sum()
    text = mg.describe(z, params={"x": x, "y": y}, saved=True)
    assert "MulBackward0: operation, saves other, self; " in text
    assert "(other)" in text
    assert "keeps [6] y (result)" in text
    z.backward()
    text = mg.describe(z, params={"x": x, "y": y}, saved=True)
    assert "MulBackward0: operation, freed other, self; " in text
    assert "ExpBackward0: operation, freed result; " in text


def test_a_saved_tensor_that_was_written_to_is_a_warning():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    with torch.no_grad():
        y.mul_(2)
    assert "WARNING: result was written to: version 0 was saved, it is now at 1" in mg.describe(y)


def test_each_saved_tensor_is_an_item_of_its_own():
    """torchviz names an item by id(), which the next temporary object takes over: two saved tensors become one."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x
    for k in range(5):
        y = (y * torch.full((2,), float(k + 1))).exp()
    text = mg.describe(y, saved=True)
    assert text.count("gets no gradient, (2,) float32") == 5
    assert text.count(": kept for backward, (2,) float32") == 4, "the fifth is the result itself"
    for k in range(5):
        assert f"gets no gradient, (2,) float32, [{k + 1}, {k + 1}]" in text


def test_views_of_views_need_no_recursion():
    """torchviz recurses on `_base` and on every edge."""
    v = torch.ones(2, requires_grad=True) * 2
    for _ in range(3000):
        v = v.view(2)
    text = mg.describe(v, params={"v": v})
    assert "2,952 more nodes" in text
    assert "v: tensor made by an operation, (2,) float32, [2, 2]; was made by [1] ViewBackward0; is a view of" in text


def test_drawing_needs_no_module_that_python_has_removed():
    """torchviz imports distutils, which Python 3.12 removed."""
    code = ("import sys; sys.modules['distutils'] = None; import torch, minigrad as mg; "
            "print(mg.draw(torch.ones(1, requires_grad=True) * 2).pipe('svg')[:4])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "b'<svg'"


def test_a_long_graph_is_drawn_quickly_and_does_not_bring_pytorch_down_afterwards():
    """PyTorch overflows its stack when a graph goes of which Python has seen 100,000 nodes: not all are looked at."""
    code = ("import time, torch, minigrad as mg\n"
            "x = torch.ones(3, requires_grad=True)\n"
            "y = x\n"
            "for _ in range(50_000): y = (y * 1.5).tanh()\n"
            "start = time.perf_counter()\n"
            "print(mg.draw(y, {'x': x}).pipe('svg', encoding='utf-8').count('more than 9,950 more nodes') > 0)\n"
            "print(time.perf_counter() - start < 2)\n"
            "del y\n"
            "print('still here')\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[:3] == ["True", "True", "still here"], done.stderr


def test_a_torch_function_and_module_parameters_are_named():
    model = torch.nn.Linear(3, 2)
    text = mg.describe(model(torch.ones(1, 3)).sum(), params=dict(model.named_parameters()))
    assert "weight: leaf, (2, 3) float32" in text
    assert "bias: leaf, (2,) float32" in text


def test_gradients_on_edges_are_said_to_be_unknown():
    x = torch.tensor(3.0, requires_grad=True)
    y = x * x
    y.backward()
    text = mg.describe(y, grads=True)
    assert "grad 6" in text
    assert "No gradient was seen on the edges" in text


def test_replay_is_for_minigrad_only():
    with pytest.raises(TypeError, match="needs a Tensor of minigrad, but got Tensor"):
        mg.replay(torch.ones(1, requires_grad=True) * 2)

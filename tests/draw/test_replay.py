"""The backward scrubber: its frames are what the engine really did, and what it shows last is `.grad`."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad import engine, recording

SVG = "{http://www.w3.org/2000/svg}"


def a_square_and_a_sum():
    x = mg.tensor(3.0, requires_grad=True)
    return x * x + x, {"x": x}


def a_matrix():
    w = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    b = mg.tensor([0.5, -1.0], requires_grad=True)
    return (mg.ones(3, 2).mm(w) + b).exp().mean(), {"w": w, "b": b}


def several_results():
    x = mg.tensor([2.0, 5.0], requires_grad=True)
    p, q = x.unbind(0)
    return p * q, {"x": x}


def one_of_several_results():
    x = mg.tensor([2.0, 5.0], requires_grad=True)
    return x.unbind(0)[1], {"x": x}


def a_slice_that_was_written():
    a, w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True), mg.tensor(5.0, requires_grad=True)
    b = a * a
    b[1] = w * w
    return (b * b).sum(), {"a": a, "w": w}


def an_element_that_was_picked():
    x = mg.arange(6.0).requires_grad_()
    return x[2] * x[2] + x[[1, 1, 4]].sum(), {"x": x}


def a_grad_from_before():
    x = mg.tensor(3.0, requires_grad=True)
    (x * 2).backward()
    return x * x, {"x": x}


GRAPHS = [a_square_and_a_sum, a_matrix, several_results, one_of_several_results, a_slice_that_was_written,
          an_element_that_was_picked, a_grad_from_before]


def shown_grad(replay, name: str) -> str:
    """The grad that the last frame shows for a tensor, as one line."""
    place = next(i for i, item in enumerate(replay.found.picture.items) if item.title == name)
    lines = replay.frames[-1].texts[f"n{place}"]
    first = next(i for i, line in enumerate(lines) if line.startswith("grad "))
    return " ".join(lines[first:]).removeprefix("grad ")


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_last_frame_shows_the_grad_that_an_ordinary_backward_gives(graph):
    root, params = graph()
    replay = mg.replay(root, params=params)
    again, fresh = graph()
    again.backward()
    for name, x in params.items():
        assert np.array_equal(x.grad.numpy(), fresh[name].grad.numpy())
        assert np.allclose(json.loads(shown_grad(replay, name)), x.grad.tolist(), rtol=1e-3)


@pytest.mark.parametrize("graph", GRAPHS)
def test_what_arrives_at_a_node_is_the_sum_of_what_was_sent_to_it(graph):
    root, params = graph()
    events = mg.replay(root, params=params).events
    checked = 0
    for fired in [event for event in events if event.kind == "fire" and isinstance(event.g, np.ndarray)]:
        arrived = [event.g for event in events
                   if event.to is fired.node or (event.kind == "start" and event.node is fired.node)]
        assert np.allclose(sum(arrived), fired.g)
        checked += 1
    assert checked


def test_the_steps_of_a_small_graph_in_words():
    root, params = a_square_and_a_sum()
    assert repr(mg.replay(root, params=params)) == """\
1. Backward starts: AddBackward0 gets the gradient 1.
2. AddBackward0 has its whole gradient, 1, and fires.
3. AddBackward0 sends 1 along its edge 0 to MulBackward0. There 1 waits; nothing more is to come.
4. AddBackward0 sends 1 along its edge 1 to AccumulateGrad. There 1 waits; more is to come.
5. MulBackward0 has its whole gradient, 1, and fires.
6. MulBackward0 sends 3 along its edge 0 to AccumulateGrad. There 4 waits; more is to come.
7. MulBackward0 sends 3 along its edge 1 to AccumulateGrad. There 7 waits; nothing more is to come.
8. MulBackward0 frees what it had saved.
9. AccumulateGrad has its whole gradient, 7, and fires.
10. The grad of x was None and is now 7."""


def test_the_states_follow_the_walk():
    root, params = a_square_and_a_sum()
    frames = mg.replay(root, params=params).frames
    at = [[frame.states[key] for frame in frames] for key in ("n1", "n2", "n3")]
    assert at == [
        ["ready", "fires", "fires", "fires", "done", "done", "done", "done", "done", "done"],
        ["idle", "idle", "ready", "ready", "fires", "fires", "fires", "fires", "done", "done"],
        ["idle", "idle", "idle", "waits", "waits", "waits", "ready", "ready", "fires", "done"]]
    assert [frame.texts["n2"] for frame in frames[6:8]] == [["saves a, b"], ["freed a, b"]]


def test_it_shows_the_student_s_own_collect_with_its_mistake(monkeypatch):
    def overwrite(self, node, g):
        self.pending[node] = g

    monkeypatch.setattr(engine.Task, "collect", overwrite)
    root, params = a_square_and_a_sum()
    replay = mg.replay(root, params=params)
    assert "MulBackward0 sends 3 along its edge 1 to AccumulateGrad. There 3 waits" in repr(replay)
    assert shown_grad(replay, "x") == "3"


def test_it_is_a_backward_like_any_other():
    root, _ = a_square_and_a_sum()
    mg.replay(root, retain_graph=True)
    mg.replay(root)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        mg.replay(root)
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        mg.replay(mg.ones(2, requires_grad=True) * 2)
    x = mg.ones(2, requires_grad=True)
    mg.replay(x * 2, mg.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2, 20]


def test_what_cannot_be_followed_is_refused_before_anything_runs():
    x = mg.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(100):
        y = y * 1.0
    with pytest.raises(ValueError, match="more than 60 nodes"):
        mg.replay(y)
    assert x.grad is None
    with pytest.raises(TypeError, match="needs a Tensor of minigrad, but got float"):
        mg.replay(1.0)


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_watched_walk_gives_the_same_gradients_as_an_unwatched_one(graph, monkeypatch):
    root, params = graph()
    mg.describe(root)
    root.backward()
    assert "gradient " in mg.describe(root, grads=True).replace("sends a gradient to", "")
    monkeypatch.setattr(engine, "watch", None)
    again, fresh = graph()
    again.backward()
    for name, x in params.items():
        assert np.array_equal(x.grad.numpy(), fresh[name].grad.numpy())


def test_a_watched_walk_can_be_differentiated_again():
    x = mg.tensor(3.0, requires_grad=True)
    mg.describe(x)
    g, = mg.autograd.grad(x * x * x, x, create_graph=True)
    assert mg.autograd.grad(g, x)[0].item() == 18


def test_a_long_loop_is_watched_only_for_a_while_after_a_drawing(monkeypatch):
    monkeypatch.setattr(recording, "WALKS", 3)
    x = mg.tensor(3.0, requires_grad=True)
    mg.describe(x)
    results = [x * x for _ in range(5)]
    for y in results:
        y.backward()
    assert [bool(recording.flow(y.grad_fn, 0)) for y in results] == [True, True, True, False, False]


def test_watching_keeps_no_graph_alive():
    import gc
    import weakref

    x = mg.ones(2, requires_grad=True)
    y = x * x
    mg.describe(y)
    y.sum().backward()
    assert recording.flow(y.grad_fn, 0)
    gone = weakref.ref(y)
    del y
    gc.collect()
    assert gone() is None
    assert all(not hasattr(g, "grad_fn") for g in recording.FLOWS.values())


# ---- what a page gets
def test_the_player_is_complete_in_itself_and_equal_every_time():
    def page() -> str:
        root, params = a_square_and_a_sum()
        return mg.replay(root, params=params).html()

    first = page()
    assert first == page()
    assert not re.search(r'(?:src|href)="', first)
    frames = json.loads(re.search(r'<script type="application/json">(.*?)</script>', first)[1])
    assert [frame["caption"] for frame in frames][-1] == "The grad of x was None and is now 7."


def test_a_name_cannot_break_out_of_the_player():
    x = mg.tensor(1.0, requires_grad=True)
    page = mg.replay(x * 1, params={"</script><img src=x onerror=alert(1)>": x}).html()
    assert page.count("</script>") == 2
    assert "<img" not in page


def test_without_scripts_there_is_a_strip_of_pictures_with_the_state_after_each_node():
    root, params = a_square_and_a_sum()
    replay = mg.replay(root, params=params)
    strip = ElementTree.fromstring(replay.svg())
    cells = strip.findall(f"{SVG}svg")
    assert [text.text for text in strip.findall(f"{SVG}text")] == [
        "after step 1", "after step 4", "after step 8", "after step 10"]
    leaf = [[text.text for group in cell.iter(f"{SVG}g") if "n4" in group.get("class", "").split()
             for text in group.iter(f"{SVG}text")] for cell in cells]
    assert [lines[-1] for lines in leaf] == ["grad None"] * 3 + ["grad 7"]
    assert replay.words() in replay._repr_mimebundle_()["text/plain"]


def test_without_a_program_that_draws_the_steps_are_told_in_words(monkeypatch, tmp_path):
    from minigrad import drawing

    root, params = a_square_and_a_sum()
    replay = mg.replay(root, params=params)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(drawing.sysconfig, "get_path", lambda *_: str(tmp_path))
    monkeypatch.setattr(drawing.sys, "executable", str(tmp_path / "python"))
    bundle = replay._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert bundle["text/plain"].endswith("10. The grad of x was None and is now 7.")


@pytest.fixture
def page(browser, tmp_path):
    """An empty window, and a function that opens a text as a file in it."""
    window = browser.new_context(viewport={"width": 900, "height": 900})
    tab = window.new_page()

    def show(text: str):
        (tmp_path / "page.html").write_text(f'<!doctype html><meta charset="utf-8"><body>{text}', encoding="utf-8")
        tab.goto((tmp_path / "page.html").as_uri())
        return tab
    yield show
    window.close()


@pytest.mark.browser
def test_the_player_moves_by_slider_button_and_key(page):
    root, params = a_square_and_a_sum()
    tab = page(mg.replay(root, params=params).html())
    state = lambda: (tab.inner_text("output"), tab.inner_text(".minigrad-caption"),
                     tab.locator(".minigrad-player g.n4 text").last.text_content(),
                     tab.locator(".minigrad-player g.n3").get_attribute("class"))
    assert tab.locator(".minigrad-still").count() == 0
    assert state() == ("10 / 10", "The grad of x was None and is now 7.", "grad 7", "node n3 done")
    tab.locator("input[type=range]").fill("5")
    caption = "MulBackward0 sends 3 along its edge 0 to AccumulateGrad. There 4 waits; more is to come."
    assert state() == ("6 / 10", caption, "grad None", "node n3 waits")
    tab.locator("[data-do=next]").click()
    assert state()[0] == "7 / 10"
    tab.locator(".minigrad-replay").focus()
    for key, where in (("ArrowLeft", 6), ("Home", 1), ("ArrowRight", 2), ("End", 10)):
        tab.keyboard.press(key)
        assert state()[0] == f"{where} / 10"
    tab.keyboard.press(" ")
    tab.wait_for_function("document.querySelector('output').textContent == '2 / 10'")
    tab.keyboard.press(" ")
    assert tab.inner_text("[data-do=play]") == "Play"
    assert tab.locator(".minigrad-player g.e3 text").last.is_hidden()  # a gradient that has not been sent yet


@pytest.mark.browser
def test_where_scripts_are_removed_the_strip_and_the_steps_are_seen(page):
    root, params = a_square_and_a_sum()
    text = re.sub(r"<script.*?</script>", "", mg.replay(root, params=params).html(), flags=re.DOTALL)
    tab = page(text)
    assert tab.locator(".minigrad-player").is_hidden()
    assert tab.get_by_text("after step 4").is_visible()
    assert tab.locator("li").count() == 10

"""The walk back: order, accumulation, freeing, hooks, long chains, threads, and what an exception leaves behind."""

from __future__ import annotations

import functools
import gc
import math
import threading
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import engine, graph, lifting, rules, tensors


def leaf(*values: float) -> mg.Tensor:
    """A leaf that requires grad."""
    return mg.tensor(list(values), requires_grad=True)


def test_a_leaf_used_twice_gets_both_gradients():
    x = leaf(2.0, 3.0)
    (x * x + x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]


def test_a_diamond_sends_one_complete_gradient_through_its_top():
    x = leaf(1.0, 2.0)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * 2 + y * y).sum().backward()
    assert seen == [[2 + 6.0, 2 + 12.0]]
    assert x.grad.tolist() == [24.0, 42.0]


@pytest.mark.parametrize("expression", [
    lambda x: x - x, lambda x: x + x, lambda x: (x + x) - (x + x), lambda x: (x + 0) + (x + 0) + x,
    lambda x: mg.cat([x, x]) - mg.cat([x, x]), lambda x: x.expand(3, 2) + x.expand(3, 2), lambda x: x.view(2) + x.t()])
def test_a_gradient_shared_by_two_edges_is_not_added_to_twice(expression):
    x = mg.tensor([1.0, 2.0], requires_grad=True, dtype=mg.float64)
    assert mg.autograd.gradcheck(expression, x)
    y = expression(x)
    upstream = mg.ones_like(y)
    y.backward(upstream, retain_graph=True)
    first = x.grad.tolist()
    x.grad = None
    y.backward(upstream)
    assert x.grad.tolist() == first
    assert upstream.tolist() == mg.ones_like(y).tolist()


def test_the_grad_of_a_leaf_is_memory_of_its_own():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    g = mg.ones(2)
    (x + y).backward(g)
    x.grad.zero_()
    assert y.grad.tolist() == [1.0, 1.0]
    assert g.tolist() == [1.0, 1.0]
    (x + y).backward(g)
    assert g.tolist() == [1.0, 1.0]


def test_gradients_accumulate_in_place_and_backward_twice_needs_retain_graph():
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    first = x.grad
    y.backward()
    assert x.grad is first
    assert first.tolist() == [8.0]
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()
    assert first.tolist() == [8.0]


def test_hooks_run_in_their_order_and_retain_grad_sees_what_they_returned():
    x = leaf(1.0)
    y = x * 2
    calls = []
    y.retain_grad()
    y.register_hook(lambda g: calls.append("first") or g * 10)
    removed = y.register_hook(lambda g: calls.append("removed"))
    y.register_hook(lambda g: calls.append("last"))
    removed.remove()
    y.sum().backward()
    assert calls == ["first", "last"]
    assert y.grad.tolist() == [10.0]
    assert x.grad.tolist() == [20.0]


def test_an_exception_on_the_way_back_leaves_nothing_behind():
    x = leaf(1.0, 2.0)
    y = x * 3
    handle = y.register_hook(lambda g: 1 / 0)
    z = (y * y).sum() + x.sum()
    with pytest.raises(ZeroDivisionError):
        z.backward(retain_graph=True)
    handle.remove()
    assert mg.is_grad_enabled()
    x.grad = None
    z.backward()
    assert x.grad.tolist() == [19.0, 37.0]


def test_grad_mode_comes_back_after_an_exception():
    with pytest.raises(KeyError), mg.no_grad():
        raise KeyError
    assert mg.is_grad_enabled()

    @mg.no_grad()
    def fails():
        assert not mg.is_grad_enabled()
        raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert mg.is_grad_enabled()


def test_grad_mode_is_that_of_the_thread():
    seen = {}

    def other():
        seen["at first"] = mg.is_grad_enabled()
        mg.set_grad_enabled(False)
        seen["switched"] = (leaf(1.0) * 2).requires_grad
        seen["warnings"] = np.geterr()["divide"]

    with mg.no_grad():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()
    assert seen["at first"]
    assert not seen["switched"]


def test_many_threads_differentiate_their_own_graphs_at_once():
    results = {}

    def work(k: int) -> None:
        x = leaf(float(k))
        for _ in range(50):
            y = x
            for _ in range(20):
                y = y * 1.0 + x
            y.sum().backward()
        results[k] = x.grad.tolist()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {k: [50 * 21.0] for k in range(8)}


def test_a_chain_of_a_million_nodes_goes_forward_backward_and_is_freed():
    x = mg.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(500_000):
        y = y * 1.0 + 0.0
    y.backward()
    assert x.grad.item() == 1.0
    middle = weakref.ref(y)
    del y
    gc.collect()
    assert middle() is None


def test_what_the_vjps_saved_is_freed_by_the_first_backward():
    x = leaf(1.0, 2.0)
    y = x.exp()
    held = weakref.ref(y)
    z = (y * y).sum()
    z.backward()
    del y
    gc.collect()
    assert held() is None


def test_only_the_paths_to_the_wanted_inputs_are_walked():
    x, y = leaf(1.0), leaf(2.0)
    a, b = x * x, y * y
    seen = []
    a.register_hook(lambda g: seen.append("a"))
    b.register_hook(lambda g: seen.append("b"))
    g, = mg.autograd.grad((a + b).sum(), [x], retain_graph=True)
    assert g.tolist() == [2.0]
    assert seen == ["a"]
    assert x.grad is None
    (a + b).sum().backward(inputs=[y])
    assert x.grad is None
    assert y.grad.tolist() == [4.0]


def test_derivatives_of_any_order_come_from_the_same_rules():
    x = mg.tensor(2.0, requires_grad=True)
    y = x ** 5
    for wanted in (80.0, 160.0, 240.0, 240.0, 120.0):
        y, = mg.autograd.grad(y, x, create_graph=True)
        assert y.item() == wanted


def test_the_fast_path_records_what_record_records(monkeypatch):
    def describe(y):
        node = y.grad_fn
        return (node.name(), node.next_functions, node.shape, node.dtype, len(node.saved), node.plan.names, y.tolist())

    a, b = leaf(1.0, 2.0), mg.tensor([3.0, 4.0])
    programs = [lambda: a * b, lambda: b * a, lambda: a * a, lambda: a * 2, lambda: 2 - a, lambda: a.exp(), lambda: a / b,
                lambda: a[0] * a[1], lambda: a.sum()]
    for program in programs:
        program()  # the second call takes the fast path
        fast = describe(program())
        with monkeypatch.context() as changed:
            changed.setattr(graph, "record", lambda *args, record=graph.record: record(*args))
            slow = describe(program())
        assert fast[0] == slow[0]
        assert fast[2:] == slow[2:]
        assert [index for _, index in fast[1]] == [index for _, index in slow[1]]


def test_another_rule_takes_effect_before_and_after_an_operation_has_code_of_its_own(monkeypatch):
    x = leaf(2.0)
    for _ in range(2):
        operation = lifting.op("TripleBackward0")(lambda a, /: (3 * a, lambda g: 3 * g))
        with monkeypatch.context() as changed:
            changed.setattr(operation, "rule", functools.partial(lambda k, a: (k * a, lambda g: k * g), 5))
            y = operation(x)
            assert (y.item(), *[part.item() for part in mg.autograd.grad(y, x)]) == (10.0, 5.0)
        for _ in range(2):
            y = operation(x)
            assert (y.item(), *[part.item() for part in mg.autograd.grad(y, x)]) == (6.0, 3.0)
        with monkeypatch.context() as changed:
            changed.setattr(rules.exp, "rule", lambda a, /: (a * 7, lambda g: g * 7))
            assert x.exp().item() == 14.0
        assert x.exp().item() == pytest.approx(math.exp(2))


def gradients_of_many_programs():
    """Gradients, saved values and errors of programs that meet every branch of the way back."""
    found = []

    def note(make, *shapes, **options):
        rng = np.random.default_rng(4)
        xs = [mg.tensor(rng.uniform(0.5, 2.0, shape), requires_grad=True) for shape in shapes]
        y = make(*xs)
        for _ in range(2):
            try:
                mg.autograd.backward(y, mg.tensor(rng.normal(size=y.shape)), **options)
            except RuntimeError as error:
                found.append(str(error)[:40])
            found.append([None if x.grad is None else x.grad.tolist() for x in xs])
        found.append(None if y.grad_fn is None else y.grad_fn.saved is None)

    def written(x):
        y = x * 2
        y[0] = x[1] * x[1]
        y[1:] *= 3
        return y.exp()

    def changed(x):
        y = x.exp()
        z = y * y
        y += 1
        return z

    note(lambda x, y: x * y + x / y - y, (2, 3), (3,))
    note(lambda x, y: x * y + x / y - y, (), ())
    note(lambda x: (x + x) + (x + x) * x[0], (3,), retain_graph=True)
    note(lambda x, w: (w @ x).tanh().sum() * x.norm(), (3,), (2, 3))
    note(lambda x: mg.stack([x, x.exp()])[:, 1:].prod(), (3,))
    note(lambda x: sum(part.log() for part in x.unbind(0)), (3, 2))
    note(written, (3,))
    note(changed, (3,))
    note(lambda x: x.detach() * x.max() + x.clone().float().double(), (3,))
    return found


def test_the_loop_written_for_speed_does_what_walk_and_collect_do(monkeypatch):
    fast = gradients_of_many_programs()
    calls = []
    walk = engine.walk
    monkeypatch.setattr(engine, "walk", lambda nodes, task: calls.append(len(nodes)) or walk(nodes, task))
    assert gradients_of_many_programs() == fast
    assert len(calls) >= 18


def test_asking_for_the_gradient_of_a_result_does_not_free_what_made_it():
    x = leaf(1.0, 2.0)
    y = x.exp()
    z = y.sum()
    g, = mg.autograd.grad(z, y)
    assert g.tolist() == [1.0, 1.0]
    y.sum().backward()
    assert x.grad is not None


def test_asking_for_the_gradient_of_a_written_tensor_does_not_free_what_was_written():
    x = leaf(1.0, 2.0)
    for write in (lambda y: y.__setitem__(0, x[0]), lambda y: y[1:].mul_(x[:1])):
        y = mg.ones(2)
        write(y)
        g, = mg.autograd.grad((y * 1).sum(), y)
        assert g.tolist() == [1.0, 1.0]
        y.sum().backward()
        with pytest.raises(RuntimeError, match="a second time"):
            y.sum().backward()
    assert x.grad.tolist() == [2.0, 0.0]


def test_where_keeps_its_condition_until_the_first_backward():
    x = leaf(1.0, 2.0)
    y = mg.where(x > 1.5, x, x * 3).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


def test_a_node_for_which_nothing_was_kept_says_what_is_missing():
    node = rules.mul.node()
    node.edges = (None, None)
    y = tensors.shadow(mg.ones(2)._array, node)
    with pytest.raises(RuntimeError, match=r"MulBackward0 cannot send a gradient on.* record calls node.keep"):
        y.sum().backward()

"""Writing in place: slices, views of views, version counters, and which writes are refused."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import inplace


def test_a_slice_assignment_gives_the_value_its_gradient_and_the_overwritten_part_none():
    x, v = mg.ones(3, requires_grad=True), mg.tensor(5.0, requires_grad=True)
    y = x * 2
    y[1] = v
    (y * mg.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 200.0]
    assert v.grad.item() == 10.0


@pytest.mark.parametrize("look", [
    lambda y: y[1:, ::2], lambda y: y.t()[1:], lambda y: y.t()[::2, 1], lambda y: y.view(2, 6)[1, 2:5], lambda y: y[1][2:],
    lambda y: y.unsqueeze(1)[:, 0, 1:], lambda y: y.permute(1, 0)[0], lambda y: y.narrow(0, 1, 2)])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_write_to_a_view_of_a_view_reaches_the_base_and_so_do_its_gradients(look, transposed):
    def program(x, v):
        y = (x * x).t().exp() if transposed else x * x
        y = y.t() * 1.0 if transposed else y
        part = look(y)
        part *= v
        part += look(y * 2)
        return y * y

    mg.manual_seed(1)
    x = mg.rand(3, 4, dtype=mg.float64, requires_grad=True)
    v = mg.tensor(1.5, dtype=mg.float64, requires_grad=True)
    assert mg.autograd.gradcheck(program, (x, v), rtol=1e-4)
    assert mg.autograd.gradgradcheck(program, (x, v), rtol=1e-3, atol=1e-4)


def test_a_saved_tensor_that_was_written_to_is_noticed():
    x = mg.ones(3, requires_grad=True)
    y = x * 1
    z = y * y
    y += 1
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation: \[minigrad.FloatTensor \[3\]\], which is "
                                           r"output 0 of Add, is at version 1; expected version 0"):
        z.sum().backward()


def test_a_write_through_data_is_not_noticed():
    x = mg.ones(3, requires_grad=True)
    z = x * x
    x.data *= 100
    z.sum().backward()
    assert x._version == 0
    assert x.grad.tolist() == [200.0] * 3


def test_a_view_knows_what_became_of_its_base():
    y = mg.ones(4, requires_grad=True) * 2
    part = y[:2]
    y.mul_(3)
    assert part.tolist() == [6.0, 6.0]
    assert part.grad_fn.name() == "AsStridedBackward0"
    g, = mg.autograd.grad(part.sum(), y)
    assert g.tolist() == [1.0, 1.0, 0.0, 0.0]


def test_a_refused_write_changes_nothing():
    x = mg.ones(3, requires_grad=True)
    for write in (lambda: x.add_(1), lambda: x[0].mul_(2), lambda: x.__setitem__(0, 5.0), lambda: x.unbind(0)[1].zero_()):
        with pytest.raises(RuntimeError):
            write()
    assert x.tolist() == [1.0, 1.0, 1.0]
    assert x._version == 0


def test_views_made_under_no_grad_must_not_be_written_to_while_recording():
    y = mg.ones(4, requires_grad=True) * 2
    with mg.no_grad():
        part = y[:2]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being modified inplace"):
        part.mul_(2)
    y.mul_(2)
    with pytest.raises(RuntimeError, match="its base or another view of its base has been modified inplace"):
        part + 1


def test_writes_to_overlapping_memory_are_refused():
    x = mg.ones(4)
    with pytest.raises(RuntimeError, match="some elements of the input tensor and the written-to tensor refer to a single"):
        x[1:] += x[:-1]
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single"):
        mg.ones(1, 3).expand(2, 3).add_(1)
    assert mg.ones(1, 3).expand(1, 3).add_(1).tolist() == [[2.0, 2.0, 2.0]]


@pytest.mark.parametrize("index", [[0, 2], np.array([2, 0]), mg.tensor([True, False, True]), (slice(None),)])
def test_writing_by_lists_and_masks_is_differentiable(index):
    def program(x, v):
        y = x * 1
        y[index] = v
        return y * x

    x = mg.randn(3, dtype=mg.float64, requires_grad=True)
    v = mg.tensor(0.5, dtype=mg.float64, requires_grad=True)
    assert mg.autograd.gradcheck(program, (x, v))


def test_a_detached_tensor_shares_memory_and_version():
    x = mg.ones(2, requires_grad=True)
    d = x.detach()
    d += 1
    assert x.tolist() == [2.0, 2.0]
    assert x._version == d._version == 1


def test_an_operation_on_a_view_sees_what_was_written_to_it_before():
    """Not even the first operation after the write may start from the view's old history."""
    for operation in (lambda part: part * 3, lambda part: 3 * part, lambda part: part * part, lambda part: part.exp(),
                      lambda part: part.sum(), lambda part: part[0], lambda part: part.clone()):
        y = mg.ones(4, dtype=mg.float64, requires_grad=True) * 2
        part = y[:2]
        y *= 5
        assert operation(part).grad_fn.next_functions[0][0].name() == "AsStridedBackward0"


def test_a_view_that_is_written_to_in_one_line_is_differentiated_once():
    x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    y[0] += y[1] * 2
    y[1:] *= y[0].clone()
    y.sum().backward()
    # (a + 2b)(1 + b + c)
    assert x.grad.tolist() == [6.0, 17.0, 5.0]


def test_what_is_recorded_for_a_view_made_under_no_grad_is_not_taken_for_other_tensors():
    """Such a view requires grad and leads nowhere."""
    x = mg.ones(2, requires_grad=True)
    with mg.no_grad():
        part = x[:1]
    for operation in (lambda a: a / a, lambda a: a.tanh(), lambda a: a ** a, lambda a: mg.maximum(a, a)):
        rule_result = operation(part)
        assert rule_result.requires_grad
        g, = mg.autograd.grad(operation(x).sum(), x, create_graph=True)
        assert g.shape == (2,)


def test_retain_grad_follows_a_tensor_that_is_written_to():
    x = mg.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    y[0] = 5.0
    assert y.retains_grad
    (y * mg.tensor([10.0, 20.0])).sum().backward()
    assert y.grad.tolist() == [10.0, 20.0]
    assert x.grad.tolist() == [0.0, 120.0]


def test_zero_and_writes_by_index_reach_memory_that_an_expanded_tensor_shares():
    base = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    seen = base.expand(2, 2, 2)
    with pytest.warns(UserWarning, match="Use of index_put_ on expanded tensors is deprecated"):
        seen[[0, 0]] = 7.0
    assert base.tolist() == [[7.0, 7.0], [7.0, 7.0]]
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        seen += 1
    seen.zero_()
    assert base.tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("index", [0, -1, slice(1, None), (1, 0), (slice(None), 1), (0, slice(0, 1))])
def test_a_part_written_directly_is_recorded_as_one_written_through_a_view(index):
    results = []
    for through_a_view in (False, True):
        x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        w = mg.tensor([[5.0, 6.0], [7.0, 8.0]], requires_grad=True)
        y = x * 2
        if through_a_view:
            y[index].copy_(w[index] * w[index])
        else:
            y[index] = w[index] * w[index]
        (y * y).sum().backward()
        results.append((y.tolist(), y._version, y.grad_fn.name(), x.grad.tolist(), w.grad.tolist()))
    assert results[0] == results[1]


def test_weights_that_were_updated_are_used_and_a_later_update_is_noticed():
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    for _ in range(3):
        (w * w).sum().backward()
        with mg.no_grad():
            w -= 0.1 * w.grad
            w.grad = None
    loss = (w * w).sum()
    with mg.no_grad():
        w += 1
    with pytest.raises(RuntimeError, match="is at version 4; expected version 3 instead"):
        loss.backward()


def test_one_number_for_a_mask_may_have_another_element_type():
    x = mg.zeros(2, 3)
    x[mg.tensor([False, True]), 0] = mg.tensor(7)
    assert x.tolist() == [[0.0, 0.0, 0.0], [7.0, 0.0, 0.0]]


BASES = {
    "rows": np.arange(12.0).reshape(3, 4), "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "three": np.arange(24.0).reshape(2, 3, 4), "turned": np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
    "gaps": np.arange(24.0).reshape(4, 6)[:, ::2], "one": np.array(5.0), "empty": np.zeros((0, 3)),
}


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_the_places_of_a_view_are_found_in_any_base(base):
    views = [base, base.T, base[...], base[None], np.broadcast_to(base, (2, *base.shape))]
    if base.ndim:
        views += [base[1:], base[::-1][::-1], base[:, 1], base[:, ::2], base[1:, :0], base[..., -1:]]
    for view in views:
        places = inplace.positions(base, view)
        assert places.shape == view.shape
        np.testing.assert_array_equal(base.reshape(-1)[places], view)


def test_a_view_whose_base_was_given_too_little_memory_says_so():
    x = mg.ones(4, requires_grad=True)
    y = x * 1
    v = y[1:3]
    y.data = mg.zeros(2)
    y.mul_(2)
    with pytest.raises(RuntimeError, match="no longer share their memory"):
        v.sum()

"""What a picture says, in words: the state of tensors, nodes and edges in every situation that the course shows."""

from __future__ import annotations

import pytest

import minigrad as mg


def lines(root, **options) -> list[str]:
    return mg.describe(root, **options).splitlines()


def test_a_small_graph_is_told_item_by_item():
    x = mg.tensor(3.0, requires_grad=True)
    z = x * x + x
    assert mg.describe(z, params={"x": x, "z": z}) == """\
Graph of z: 3 nodes, 1 leaf
[0] z: tensor made by an operation, () float32, 12; was made by [1] AddBackward0
[1] AddBackward0: operation; sends a gradient to [2] MulBackward0 (0: ()); sends a gradient to [3] \
AccumulateGrad (1: ())
[2] MulBackward0: operation, saves a, b; sends a gradient to [3] AccumulateGrad (0: ()); sends a gradient to [3] \
AccumulateGrad (1: ())
[3] AccumulateGrad: adds gradients to a leaf; sends a gradient to [4] x
[4] x: leaf, () float32, 3, grad None"""


def test_a_grad_of_none_is_told_as_none_and_a_grad_of_zero_as_zero():
    x = mg.tensor(3.0, requires_grad=True)
    assert lines(x) == ["Graph of leaf: no graph, 1 leaf", "[0] leaf: leaf, () float32, 3, grad None"]
    (x * 0).backward()
    assert lines(x)[1] == "[0] leaf: leaf, () float32, 3, grad 0"


def test_values_are_told_up_to_nine_elements_and_not_when_switched_off():
    assert "[[0, 1, 2], [3, 4, 5], [6, 7, 8]]" in lines(mg.arange(9.0).reshape(3, 3))[1]
    assert lines(mg.arange(10.0))[1] == "[0] constant: gets no gradient, (10,) float32"
    assert lines(mg.arange(3.0), values=False)[1] == "[0] constant: gets no gradient, (3,) float32"


def test_after_backward_saved_tensors_are_freed_and_edges_tell_the_gradient_that_flowed():
    x = mg.tensor(3.0, requires_grad=True)
    z = x * x + x
    mg.describe(z)  # gradients are noted from the first look on
    z.backward()
    text = lines(z, params={"x": x}, grads=True)
    assert text[2] == ("[1] AddBackward0: operation; sends a gradient to [2] MulBackward0 (0: (), gradient 1); "
                       "sends a gradient to [3] AccumulateGrad (1: (), gradient 1)")
    assert text[3] == ("[2] MulBackward0: operation, freed a, b; sends a gradient to [3] AccumulateGrad "
                       "(0: (), gradient 3); sends a gradient to [3] AccumulateGrad (1: (), gradient 3)")
    assert text[5].endswith("grad 7")


def test_a_second_backward_shows_its_own_gradients():
    x = mg.tensor(3.0, requires_grad=True)
    z = x * x
    mg.describe(z)
    z.backward(retain_graph=True)
    z.backward(mg.tensor(10.0))
    assert "gradient 30" in mg.describe(z, grads=True)


def test_gradients_that_nobody_saw_are_said_to_be_unknown():
    x = mg.tensor(3.0, requires_grad=True)
    assert lines(x * x, grads=True)[-1].startswith("No gradient was seen on the edges")


def test_a_tensor_that_is_no_leaf_has_a_grad_only_after_retain_grad():
    x = mg.tensor(3.0, requires_grad=True)
    y = x * 2
    assert "grad " not in lines(y)[1].partition(";")[0]
    y.retain_grad()
    assert lines(y)[1].partition(";")[0].endswith("grad None")
    (y * y).backward()
    assert lines(y)[1].partition(";")[0].endswith("grad 12")


def test_a_saved_tensor_that_was_written_to_is_a_warning():
    a = mg.tensor([1.0, 2.0], requires_grad=True)
    b = a * 1
    c = b * b
    with mg.no_grad():
        b.add_(1)
    text = mg.describe(c, params={"b": b})
    assert "WARNING: a was written to: version 0 was saved, it is now at 1" in text
    assert "b: tensor made by an operation, (2,) float32, [2, 3], version 1" in text


def test_saved_tensors_are_the_very_tensors_they_are():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    z = (y * x * mg.tensor([3.0, 4.0])).sum()
    text = mg.describe(z, params={"x": x, "y": y}, saved=True)
    assert "[3] MulBackward0: operation, saves a, b; " in text
    assert "keeps [8] y (a); keeps [7] x (b)\n" in text
    assert "ExpBackward0: operation, saves out; " in text
    assert "keeps [8] y (out)" in text
    assert "[7] x: leaf" in text
    assert "[8] y: tensor" in text


def test_what_is_not_in_the_picture_is_kept_as_an_item_of_its_own():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    assert lines(x.exp().sum(), saved=True)[-1] == "[5] saved out: kept for backward, (2,) float32, [2.718, 7.389]"


def test_detached_and_untracked_tensors_are_dead_ends():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    d = x.detach()
    with mg.no_grad():
        n = x * 2
    text = mg.describe((x * d + 1).sum(), params={"x": x, "d": d, "n": n})
    assert "sends nothing to [6] d (1)" in text
    assert "[6] d: gets no gradient, (2,) float32, [1, 2]" in text
    assert "sends nothing to [5] no gradient (1)" in text, "a sum keeps no argument, so its value is not known"
    assert "x: leaf, (2,) float32, [1, 2], grad None; shares memory with [6] d" in text
    assert "n: gets no gradient, (2,) float32, [2, 4]" in text


def test_a_plain_number_that_was_saved_is_told():
    x = mg.tensor(2.0, requires_grad=True)
    assert "sends nothing to [3] 5 (1)" in mg.describe(x * 5)


def test_an_assignment_to_a_part_tells_before_after_and_what_was_written():
    a = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    w = mg.tensor(5.0, requires_grad=True)
    b = a * 2
    b[0] = w
    text = mg.describe(b, params={"a": a, "b": b, "w": w})
    assert ("[0] b: tensor made by an operation, (3,) float32, [5, 4, 6], version 1; "
            "was made by [1] CopySlices (after the write)") in text
    assert "CopySlices: operation, writes () through CopyBackwards" in text
    assert "sends a gradient to [2] MulBackward0 (0: (3,), before the write)" in text
    assert "sends a gradient to [3] AccumulateGrad (1: (), written)" in text


def test_a_view_is_shown_with_its_base_even_when_the_base_has_no_name():
    a = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    b = a * 2
    text = mg.describe(b[1:].sum(), params={"v": b[1:], "w": b[:2]})
    assert text.count("is a view of [9] base") == 2
    assert "[9] base: tensor made by an operation, (3,) float32, [2, 4, 6]; was made by [3] MulBackward0" in text


def test_views_of_views_of_views_need_no_recursion():
    v = mg.ones(2, requires_grad=True) * 2
    for _ in range(3000):
        v = v.view(2)
    assert "2,952 more nodes" in mg.describe(v)


def test_an_operation_with_several_results_is_one_node():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    p, q = x.unbind(0)
    text = mg.describe(p * q, params={"x": x, "q": q})
    assert "(0: ()); sends a gradient to [2] UnbindBackward0 (1: (), of output 1)" in text
    assert "q: tensor made by an operation, () float32, 2; was made by [2] UnbindBackward0 (output 1)" in text


def test_the_variables_of_the_caller_give_names_where_they_touch_the_graph():
    x = mg.tensor(1.0, requires_grad=True)
    product = x * 2
    shared = x.detach()
    unrelated, _hidden = mg.tensor(1.0), x
    text = mg.describe(product, names="locals")
    assert {line.split("] ")[1].partition(":")[0] for line in text.splitlines()[1:]} == {
        "product", "MulBackward0", "AccumulateGrad", "2", "x", "shared"}
    assert unrelated is not _hidden
    assert shared is not product


def test_names_may_be_any_text_and_several_for_one_tensor():
    x = mg.tensor(1.0, requires_grad=True)
    assert mg.describe(x, params={"a": x, "b\n": x}).startswith("Graph of a, b?: ")
    assert "n" * 39 + "…" in mg.describe(x, names={"n" * 50: x})


def test_far_nodes_become_one_item_that_names_its_leaves():
    x, w = mg.tensor(1.0, requires_grad=True), mg.tensor(1.0, requires_grad=True)
    y = w * 1
    for _ in range(10):
        y = y * 1 + x
    text = mg.describe(y, params={"w": w, "x": x}, depth=2)
    assert "19 more nodes: not shown, with 1 leaf: w" in text
    assert mg.describe(y, limit=4).startswith("Graph of result: 4 nodes, 1 leaf, 19 more nodes")
    assert mg.describe(y, depth=0).startswith("Graph of result: 1 node, 22 more nodes")


def test_the_guilty_node_is_marked_also_when_it_is_not_shown():
    x = mg.tensor(1.0, requires_grad=True)
    y = x * 2
    z = y + 1
    assert "MulBackward0: operation, saves b, WARNING: wrong here" in mg.describe(z, guilty=y)
    assert "MulBackward0: operation, saves b, WARNING: wrong here" in mg.describe(z, guilty=[y.grad_fn])
    assert "2 more nodes: not shown, with 1 leaf, WARNING: wrong in here" in mg.describe(z, guilty=y, depth=0)


def test_a_custom_function_tells_what_it_saved_and_that_it_was_freed():
    class Double(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = mg.tensor(1.0, requires_grad=True)
    y = Double.apply(x)
    assert "DoubleBackward: operation, saves tensor 0; " in mg.describe(y)
    y.backward()
    assert "DoubleBackward: operation, freed tensors; " in mg.describe(y)


def test_a_node_that_a_student_has_not_finished_is_drawn_with_a_warning():
    from minigrad import rules, tensors

    node = rules.mul.node()
    half_done = tensors.shadow(mg.ones(2)._array, node)
    assert "MulBackward0: operation, WARNING: its edges cannot be read" in mg.describe(half_done)


def test_looking_changes_nothing():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).exp()
    node, saved = y.grad_fn, y.grad_fn.saved
    mg.draw(y, names="locals", grads=True, saved=True)
    assert y.grad_fn is node
    assert node.saved is saved
    assert (x.grad, x._version) == (None, 0)
    y.sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize(("arguments", "options", "message"), [
    ((3,), {}, "needs a Tensor of minigrad or PyTorch, but got int"),
    ((mg.ones(1),), {"names": "globals"}, "names='globals' is not known"),
    ((mg.ones(1),), {"theme": "blue"}, "theme='blue' is not known, use one of auto, light, dark"),
    ((mg.ones(1),), {"direction": "up"}, "direction='up' is not known, use one of TB, LR, BT, RL"),
])
def test_wrong_arguments_are_refused_in_words(arguments, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        mg.draw(*arguments, **options)

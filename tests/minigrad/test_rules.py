"""Every rule: its gradients against central differences, with random upstream gradients, and its second derivatives.

One operation is one row of ROWS: the arguments (float arrays are differentiated), then the options.
"""

from __future__ import annotations

import inspect
import itertools
from types import FunctionType
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import graph, rules, tensors
from minigrad.inplace import positions

RNG = np.random.default_rng(5)


def some(*shape: int) -> np.ndarray:
    """Numbers of both signs, none near 0 and no two of them near each other: away from every kink."""
    n = int(np.prod(shape, dtype=int))
    return (RNG.permutation(np.arange(1, n + 1) / n + 0.3) * RNG.choice([-1, 1], n)).reshape(shape)


def above(*shape: int) -> np.ndarray:
    """Positive numbers."""
    return np.asarray(np.abs(some(*shape)))


BASE = np.zeros((3, 4))
INDEX = (np.array([0, 2, 0]), np.array([1, 1, 1]))  # names one element twice
ONCE = (np.array([0, 2, 1]), np.array([1, 1, 1]))
BROADCAST = [(3, 4), (4,)], [(3, 1), (1, 4)], [(), (2, 3)], [(2, 3), (2, 3)], [(1, 3), (3,)]
TWO = [((some(*a), some(*b) + 0.01), {}) for a, b in BROADCAST]
POSITIVE = [((above(*a), above(*b)), {}) for a, b in BROADCAST]
ONE = [((some(3, 4),), {}), ((some(),), {}), ((some(2, 1, 3),), {})]
UP = [((above(3, 4),), {}), ((above(),), {})]
ALONG = [((some(2, 3, 4),), {"dim": d}) for d in (0, (0, 2), (0, 1, 2))] + [((some(2, 3),), {"dim": 1, "keepdim": True})]
BY_ONE = [((some(2, 3, 4),), {"dim": d}) for d in (0, 1)] + [((some(2, 3),), {"dim": 1, "keepdim": True})]
ZEROS = np.array([[1.5, 0.0, 2.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]])

ROWS: dict[str, list[tuple[tuple, dict[str, Any]]]] = {
    "add": TWO, "sub": TWO, "mul": TWO, "div": TWO, "maximum": TWO, "minimum": TWO, "pow_tensor": POSITIVE,
    "rsub": [((some(2, 3), 1.5), {})], **{f"{name}_scaled": [(row, {"scale": 1.5}) for row, _ in TWO] for name in ("add", "sub")},
    "neg": ONE, "reciprocal": ONE, "exp": ONE, "abs": ONE, "sign": ONE, "sin": ONE, "cos": ONE, "tanh": ONE,
    "sigmoid": ONE, "relu": ONE, "log": UP, "sqrt": UP, "threshold": [((some(3, 4), some(3, 4)), {})],
    "pow": [((above(3),), {"exponent": n}) for n in (0, 1, 2, 3, -1, 0.5)] + [((some(3),), {"exponent": 3})],
    "pow_base": [((some(3),), {"base": 2.5}), ((above(3),), {"base": 0})],
    "clamp": [((some(5),), {"min": -0.8, "max": 0.8}), ((some(5),), {"min": 0.1}), ((some(5),), {"max": 0.1})],
    "clamp_between": [((some(4, 5), -0.77 * above(5), 0.77 * above(5)), {}), ((some(5), -0.95, 0.77 * above(5)), {})],
    "where": [((some(*a), some(*b)), {"condition": np.array([True, False, True])}) for a, b in ([(3,), (3,)], [(2, 3), ()])],
    "sum": ONE, "mean": ONE, "sum_dim": ALONG, "mean_dim": ALONG,
    "var": [*ALONG, ((some(2, 3),), {"dim": (0, 1), "correction": 0})],
    "prod": [*ONE, ((ZEROS[0],), {}), ((ZEROS[1],), {})], "prod_dim": [*BY_ONE, ((ZEROS,), {"dim": 1})],
    "norm": ONE,
    "norm_dim": [((some(3, 4),), {"p": p, "dim": d}) for p in (1, 1.5, 2, 3, np.inf, -np.inf) for d in (0, (0, 1))],
    "max": ONE[:1], "min": [(ONE[0][0], {"choose": np.min})],
    "max_dim": [((np.array([[1.0, 3.0], [4.0, 2.0]]), np.array([[1], [0]])), {"dim": 1})],
    "min_dim": [((np.array([[1.0, 3.0], [4.0, 2.0]]), np.array([[0, 1]])), {"dim": 0, "keepdim": True})],
    "softmax": BY_ONE[:2], "log_softmax": BY_ONE[:2],
    "nll_loss": [((some(3, 4), np.array([0, 3, 1])), {"reduction": how}) for how in ("mean", "sum", "none")],
    "dot": [((some(4), some(4)), {})], "mv": [((some(3, 4), some(4)), {})], "mm": [((some(3, 4), some(4, 2)), {})],
    "bmm": [((some(2, 3, 4), some(2, 4, 2)), {})],
    "view": [((some(2, 6),), {"shape": (3, 4)})], "unsafe_view": [((some(2, 6),), {"shape": (3, 4)})],
    "reshape_alias": [((some(2, 6),), {"shape": (3, 4)})],
    "t": [((some(3, 4),), {"dims": (1, 0)}), ((some(3),), {"dims": (0,)})],
    "transpose": [((some(2, 3, 4),), {"dims": (2, 1, 0)})],
    "permute": [((some(2, 3, 4),), {"dims": (2, 0, 1)})], "squeeze": [((some(1, 3, 1),), {"shape": (3,)})],
    "squeeze_dim": [((some(1, 3),), {"shape": (3,)})], "squeeze_dims": [((some(1, 3, 1),), {"shape": (3, 1)})],
    "squeeze_product": [((some(1, 3),), {"shape": (3,)})], "unsqueeze": [((some(2, 3),), {"shape": (2, 1, 3)})],
    "expand": [((some(3, 1),), {"shape": (2, 3, 4)})], "alias": [((some(3, 4),), {"shape": (3, 4)})],
    "as_strided": [((some(3, 4),), {"places": (positions(BASE, BASE[1:, ::2]),)})],
    "select": [((some(3, 4),), {"place": rules.along(1, 2)})],
    "slice_": [((some(5, 2),), {"place": rules.along(0, slice(1, 5, 2))})],
    "index": [((some(3, 4), INDEX), {}), ((some(3, 4), (slice(None), np.array([1, 1]))), {})],
    "unbind": [((some(3, 2),), {"dim": 0}), ((some(3, 2),), {"dim": 1})],
    "split": [((some(5, 2),), {"sizes": [2, 2, 1]})], "split_with_sizes": [((some(2, 5),), {"sizes": [1, 4], "dim": 1})],
    "cat": [((some(2, 3), some(1, 3)), {}), ((some(2, 3), some(2, 1)), {"dim": 1})],
    "stack": [((some(2, 3), some(2, 3)), {"dim": d}) for d in (0, 2)],
    "clone": ONE, "to_copy": [((some(3),), {"dtype": np.dtype(np.float64)})],
    "copy": [((some(2, 3), some(3)), {})], "fill": [((some(3),), {"value": 2.0})], "zero": [((some(3),), {"value": 0})],
    "fill_tensor": [((some(2, 3), some()), {})], "normal": [((some(3),), {"value": some(3)})],
    "index_put": [((some(3, 4), some(3), ONCE), {}), ((some(3, 4), some(), ONCE), {}),
                  ((some(3, 4), some(3), INDEX), {"accumulate": True})],
}
CASES = [pytest.param(name, *row, id=f"{name}-{i}") for name, rows in ROWS.items() for i, row in enumerate(rows)]
OPERATIONS = {name: op for name, op in vars(rules).items() if hasattr(op, "rule")}


def is_input(x: Any) -> bool:
    """True for the arguments of a row that are differentiated."""
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def inputs(args: tuple) -> tuple:
    """The arguments of a row, those to be differentiated as leaves."""
    return tuple([mg.tensor(x, requires_grad=True) if is_input(x) else x for x in args])


def as_tuple(result: Any) -> tuple:
    """The results of an operation as a tuple."""
    return result if isinstance(result, tuple) else (result,)


def test_every_operation_has_a_row():
    assert set(ROWS) == set(OPERATIONS)


@pytest.mark.parametrize(("name", "args", "options"), CASES)
def test_gradients_agree_with_central_differences_for_a_random_upstream_gradient(name, args, options):
    op = OPERATIONS[name]
    xs = inputs(args)
    results = as_tuple(op(*xs, **options))
    upstream = [np.random.default_rng(7).normal(size=y.shape) for y in results]
    leaves = [x for x in xs if isinstance(x, mg.Tensor)]
    grads = mg.autograd.grad(results, leaves, [mg.tensor(g) for g in upstream])

    def loss(changed: list) -> float:
        with mg.no_grad():
            return sum([float(np.sum(g * y.detach().numpy()))
                        for g, y in zip(upstream, as_tuple(op(*changed, **options)), strict=True)])

    for i, (x, g) in enumerate([(i, g) for i, g in zip(range(len(args)), grads, strict=False)]):
        place = [j for j, arg in enumerate(args) if is_input(arg)][i]
        wanted = np.zeros(args[place].shape)
        for at in np.ndindex(*args[place].shape):
            sides = []
            for step in (1e-6, -1e-6):
                moved = args[place].copy()
                moved[at] += step
                sides.append(loss([mg.tensor(moved) if j == place else x for j, x in enumerate(inputs(args))]))
            wanted[at] = (sides[0] - sides[1]) / 2e-6
        np.testing.assert_allclose(g.numpy(), wanted, rtol=1e-5, atol=1e-7, err_msg=f"argument {place}")


@pytest.mark.parametrize(("name", "args", "options"), CASES)
def test_the_code_that_is_written_for_an_operation_does_what_the_general_way_does(monkeypatch, name, args, options):
    """For every choice of arguments that need a gradient: the result, its node, and the gradients."""
    op = OPERATIONS[name]
    places = [i for i, x in enumerate(args) if is_input(x)]

    def run(tracked: tuple) -> list:
        xs = [mg.tensor(x, requires_grad=i in tracked) if is_input(x) else x for i, x in enumerate(args)]
        found: list = []
        for y in as_tuple(op(*xs, **options)):
            node = y.grad_fn
            found += [y.detach().numpy(), y.requires_grad, y._is_view(), y._version]
            if node is not None:
                found += [type(node), node.name(), node.shape, node.dtype, node.plan.names, node.plan.sources, len(node.saved)]
                found += [None if to is None else to.name() for to, _ in node.next_functions]
                rng = np.random.default_rng(5)
                mg.autograd.backward(y, mg.tensor(rng.normal(size=y.shape)), retain_graph=True)
                found += [np.zeros(0) if xs[i].grad is None else xs[i].grad.numpy() for i in places]
                found.append(mg.autograd.grad(y, [xs[i] for i in tracked], mg.ones_like(y), retain_graph=True)[0].numpy())
        return found

    for tracked in itertools.chain.from_iterable(itertools.combinations(places, n) for n in range(len(places) + 1)):
        fast = run(tracked)
        assert op.several or op.__code__.co_name == "operation" or name in ("cat", "stack", "clamp_between")
        with monkeypatch.context() as changed:
            twin = FunctionType(op.own.__code__, op.own.__globals__, name, op.own.__defaults__)
            twin.__kwdefaults__ = op.own.__kwdefaults__
            changed.setattr(op, "rule", twin)
            slow = run(tracked)
        assert len(fast) == len(slow)
        for x, y in zip(fast, slow, strict=True):
            if isinstance(x, np.ndarray):
                assert x.dtype == y.dtype
                np.testing.assert_array_equal(x, y)
            else:
                assert x == y


@pytest.mark.parametrize(("name", "args", "options"), CASES)
def test_second_derivatives_agree_with_central_differences(name, args, options):
    op = OPERATIONS[name]
    assert mg.autograd.gradgradcheck(lambda *xs: op(*xs, **options), inputs(args), rtol=1e-4)


@pytest.mark.parametrize(("name", "args", "options"), CASES)
def test_a_vjp_captures_arguments_the_result_and_constants_only(name, args, options):
    """Anything else could not be turned into a Tensor with a history, and second derivatives would be wrong."""
    arrays = [np.array(x) if is_input(x) else x for x in args]
    value, *vjps = OPERATIONS[name].rule(*arrays, **options)
    known = [*arrays, value, *options.values()]
    for vjp in vjps:
        assert isinstance(vjp, FunctionType)
        for variable, cell in zip(vjp.__code__.co_freevars, vjp.__closure__ or (), strict=True):
            held = cell.cell_contents
            if isinstance(held, np.ndarray) and held.dtype.kind == "f":
                assert any(held is x for x in known), f"{variable} is neither an argument nor the result"


@pytest.mark.parametrize(("name", "args", "options"), CASES)
def test_a_gradient_is_never_written_into_what_a_rule_holds(name, args, options):
    """Neither into the arguments, nor the result, nor the upstream gradient: also where each is used twice."""
    xs = inputs(args)
    results = as_tuple(OPERATIONS[name](*xs, **options))
    upstream = [mg.tensor(np.random.default_rng(3).normal(size=y.shape)) for y in results]
    before = [np.array(t.detach().numpy()) for t in (*[x for x in xs if isinstance(x, mg.Tensor)], *results, *upstream)]
    total = [y + y * 1.0 for y in results]
    mg.autograd.backward((*results, *total), (*upstream, *upstream), retain_graph=True)
    mg.autograd.backward((*total, *results), (*upstream, *upstream))
    after = [np.array(t.detach().numpy()) for t in (*[x for x in xs if isinstance(x, mg.Tensor)], *results, *upstream)]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_rule_whose_gradient_has_the_wrong_shape_fails_and_says_which_rule_it_was(monkeypatch):
    monkeypatch.setattr(rules.sum, "rule", lambda a, /: (a.sum(), lambda g: g))
    with pytest.raises(RuntimeError, match=r"rules.sum: gradient for argument 0 has shape \(\), needs \(3,\)"):
        mg.ones(3, requires_grad=True).sum().backward()


@pytest.mark.parametrize("shape", [(3, 4), (1, 4), (4,), (3, 1), (1, 1), (), (1,)])
def test_unbroadcast_sums_over_every_stretched_axis(shape):
    g = RNG.normal(size=(2, 3, 4))
    x = np.zeros(shape)
    wanted = np.zeros(shape)
    for at in np.ndindex(*shape):
        x[at] = 1
        wanted[at] = np.sum(g * np.broadcast_to(x, g.shape))
        x[at] = 0
    np.testing.assert_allclose(graph.unbroadcast(g, shape), wanted)


def test_an_operation_keeps_only_what_its_needed_vjps_captured():
    a, b = mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor([3.0, 4.0])
    assert (a + b).grad_fn.saved == ()
    saved, = (a * b).grad_fn.saved
    assert tensors.array_of(saved) is b.numpy()
    assert inspect.signature(rules.mul.rule).parameters.keys() == {"a", "b"}

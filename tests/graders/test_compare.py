"""Evidence items survive the journey as JSON, comparators credit what is right, and nonsense is never right."""

import json

import numpy as np
import pytest

from graders.compare import (
    COMPARATORS,
    BadEvidence,
    array_item,
    by_name,
    compare,
    default_comparator,
    error_item,
    fraction,
    mark,
    mismatches,
    numeric_gradient,
    text_item,
    value_of,
)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool", "complex128"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 4)])
def test_an_array_comes_back_from_json_as_it_was(dtype, shape):
    array = (np.arange(np.prod(shape), dtype=float).reshape(shape) - 0.5).astype(dtype)
    back = value_of(json.loads(json.dumps(array_item("x", array))))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("value", [[[1], [2, 3]], object(), "text", np.zeros(10**6), {"a": 1}])
def test_what_is_no_small_array_of_numbers_becomes_text(value):
    assert array_item("x", value)["kind"] == "text"


GOOD = array_item("x", np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    "item",
    [
        None, 7, [], {}, {"kind": "array"}, {"kind": "text", "text": 3}, {"kind": "error", "type": None, "text": ""},
        {**GOOD, "dtype": "object"}, {**GOOD, "dtype": ["float64"]}, {**GOOD, "shape": [-2]}, {**GOOD, "shape": [2.0]},
        {**GOOD, "shape": [True, 2]}, {**GOOD, "shape": [3]}, {**GOOD, "shape": [10**9, 10**9]}, {**GOOD, "shape": "2"},
        {**GOOD, "data": "???"}, {**GOOD, "data": None}, {**GOOD, "data": "A" * 10**6}, {**GOOD, "data": "é"},
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_one_kind_of_error_and_earns_nothing(item):
    with pytest.raises(BadEvidence):
        value_of(item)
    for how in COMPARATORS:
        assert compare(GOOD if how in ("close", "equal") else text_item("x", "a"), item, how)[0] == 0.0


def test_the_first_item_of_a_name_counts_and_what_is_no_item_is_left_out():
    assert by_name([3, {"name": 4}, text_item("a", "first"), text_item("a", "second")]) == {
        "a": text_item("a", "first")
    }
    assert by_name("no list") == {}


def test_mismatches_name_the_entry_and_both_values():
    facts = list(mismatches(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.0], [3.5, 4.0]])))
    assert [(f.what, f.index, f.expected, f.got) for f in facts] == [("value", (1, 0), 3.0, 3.5)]


def test_mismatches_name_shape_dtype_and_kind():
    two = np.array([1.0, 2.0])
    assert next(mismatches(two, two[:, None])).what == "shape"
    assert next(mismatches(two, two.astype(int))).what == "dtype"
    assert next(mismatches(two, two.astype("float32"), dtype="same")).what == "dtype"
    assert not list(mismatches(two, two.astype("float32")))
    assert next(mismatches(two, "two")).what == "kind"


def test_nan_equals_nan_at_the_same_place_only():
    assert not list(mismatches(np.array([np.nan, 1.0]), np.array([np.nan, 1.0])))
    assert [f.index for f in mismatches(np.array([np.nan, 1.0]), np.array([1.0, np.nan]))] == [(0,), (1,)]
    assert list(mismatches(np.array(np.inf), np.array(-np.inf)))


def test_a_finite_difference_is_told_from_a_formula_and_gets_part_of_the_credit():
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    slope = numeric_gradient(np.exp, [x], g)
    formula = array_item("x", g * np.exp(x))
    assert compare(formula, array_item("x", g * np.exp(x) * (1 + 1e-15)), "close")[0] == 1.0
    assert compare(formula, array_item("x", slope), "close")[0] == 0.5
    assert compare(formula, array_item("x", slope + 0.001), "close")[0] == 0.0


def test_numeric_gradients_of_two_arguments_that_broadcast():
    rng = np.random.default_rng(1)
    a, b, g = rng.normal(size=(2, 3)), rng.normal(size=3), rng.normal(size=(2, 3))
    np.testing.assert_allclose(numeric_gradient(np.multiply, [a, b], g, 0), g * b, atol=1e-8)
    np.testing.assert_allclose(numeric_gradient(np.multiply, [a, b], g, 1), (g * a).sum(0), atol=1e-8)


def test_float32_gets_its_own_last_digits():
    exact = np.array([0.1, 0.2, 0.3], dtype="float32")
    assert compare(array_item("x", exact), array_item("x", exact * np.float32(1 + 3e-7)), "close")[0] == 1.0
    assert compare(array_item("x", exact), array_item("x", exact * np.float32(1 + 1e-4)), "close")[0] == 0.0


def test_an_error_is_worth_half_for_its_type_and_all_with_its_text():
    want = error_item("x", RuntimeError("only floats, got int64"))
    assert default_comparator(want) == "raises"
    assert compare(want, error_item("x", RuntimeError("only  floats, got int64")), "raises")[0] == 1.0
    assert compare(want, error_item("x", RuntimeError("no")), "raises")[0] == 0.5
    assert compare(want, error_item("x", ValueError("only floats, got int64")), "raises")[0] == 0.0
    assert compare(want, text_item("x", "RuntimeError: only floats, got int64"), "raises")[0] == 0.0


def test_text_forgets_blanks_and_addresses_and_nothing_else():
    assert compare(text_item("x", "<Node at 0x7f>\n b"), text_item("x", "<Node at 0x81>  b"), "equal")[0] == 1.0
    assert compare(text_item("x", "Mul"), text_item("x", "mul"), "equal")[0] == 0.0


def test_sets_and_orders_take_every_valid_answer():
    want = text_item("x", "out\nleft\nright\nx")
    before = [["out", "left"], ["out", "right"], ["left", "x"], ["right", "x"]]
    for text, credit in [("out\nright\nleft\nx", 1.0), ("out\nleft\nx\nright", 0.0), ("out\nleft\nright", 0.0)]:
        assert compare(want, text_item("x", text), "order", {"before": before})[0] == credit
    assert compare(want, text_item("x", "x\nleft\nright\nout"), "set")[0] == 1.0


def entry(*items):
    return {"items": [{**item, "how": default_comparator(item), "weight": 1.0, "constant": c} for item, c in items]}


def test_a_constant_alone_earns_nothing_and_all_of_it_earns_everything():
    drawn, fixed = array_item("d", np.array([0.3])), array_item("p", 7.0)
    key = entry((drawn, False), (fixed, True))
    assert fraction(mark([drawn, fixed], key)) == 1.0
    assert fraction(mark([fixed], key)) == 0.0
    assert fraction(mark([drawn], key)) == 0.5
    assert fraction(mark("nonsense", key)) == 0.0
    assert fraction(mark([fixed], entry((fixed, True)))) == 0.0

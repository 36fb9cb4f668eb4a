"""Comparing what came with what was expected: evidence items, comparators, mismatches, numeric gradients.

Pure functions on data. Nothing here knows about minigrad, notebooks or students, and nothing here makes sentences:
`mismatches` yields facts, `check` turns them into words. An evidence item is a small JSON object (never pickle):

    {"name": ..., "kind": "array", "dtype": "float64", "shape": [2, 3], "data": <base64 of the bytes>}
    {"name": ..., "kind": "text", "text": ...}
    {"name": ..., "kind": "error", "type": "RuntimeError", "text": ...}
"""

from __future__ import annotations

import ast
import base64
import contextlib
import inspect
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Item = dict[str, Any]

MAX_ITEMS = 200
MAX_BYTES = 64 * 1024
MAX_TEXT = 2000
DTYPES = (
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
)


class BadEvidence(ValueError):
    """An evidence item that is not what it must be; the text says how."""


# ---- evidence items ---------------------------------------------------------------------------------------------


def array_item(name: str, value: object) -> Item:
    """`value` as an array item; what is no array of numbers or is too large becomes a text item that says so."""
    try:
        array = np.asarray(value)
    except Exception as reason:  # a list of unequal rows, an object with a broken __array__ ...
        return text_item(name, f"not an array of numbers: {type(value).__name__} ({reason})")
    if str(array.dtype) not in DTYPES:
        return text_item(name, f"not an array of numbers: {_short(value)}")
    if array.nbytes > MAX_BYTES:
        return text_item(name, f"an array that is far too large: shape {array.shape}")
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    data = base64.b64encode(little.tobytes()).decode("ascii")
    return {"name": name, "kind": "array", "dtype": str(array.dtype), "shape": list(array.shape), "data": data}


def text_item(name: str, value: object) -> Item:
    return {"name": name, "kind": "text", "text": _without_addresses(str(value)[:MAX_TEXT])}


def error_item(name: str, error: BaseException) -> Item:
    return {
        "name": name,
        "kind": "error",
        "type": type(error).__name__,
        "text": _without_addresses(str(error)[:MAX_TEXT]),
    }


def value_of(item: object) -> np.ndarray | str:
    """The array of an array item, the text of a text item, "Type: text" of an error. Raises BadEvidence, only that."""
    if not isinstance(item, dict):
        raise BadEvidence("the item is no JSON object")
    kind = item.get("kind")
    if kind == "text" and isinstance(item.get("text"), str):
        return item["text"][:MAX_TEXT]
    if kind == "error" and isinstance(item.get("type"), str) and isinstance(item.get("text"), str):
        return f"{item['type'][:200]}: {item['text'][:MAX_TEXT]}"
    if kind != "array":
        raise BadEvidence("the item is neither array nor text nor error")
    dtype, shape, data = item.get("dtype"), item.get("shape"), item.get("data")
    if dtype not in DTYPES:
        raise BadEvidence("the item's dtype is not one of the numbers")
    if not (
        isinstance(shape, list) and len(shape) <= 32 and all(type(n) is int and 0 <= n <= MAX_BYTES for n in shape)
    ):
        raise BadEvidence("the item's shape is no list of sizes")
    if not isinstance(data, str) or len(data) > 2 * MAX_BYTES:
        raise BadEvidence("the item's data is missing or too large")
    try:
        raw = base64.b64decode(data.encode("ascii"), validate=True)
    except ValueError:
        raise BadEvidence("the item's data is not base64") from None
    kind_of_number = np.dtype(dtype).newbyteorder("<")
    if len(raw) != math.prod(shape) * kind_of_number.itemsize:
        raise BadEvidence("the item's data does not fill its shape")
    return np.frombuffer(raw, dtype=kind_of_number).astype(dtype).reshape(shape)


def by_name(items: object) -> dict[str, Item]:
    """The items by name; what is not an item, and what comes after the first of a name, is left out."""
    found: dict[str, Item] = {}
    for item in items[:MAX_ITEMS] if isinstance(items, list) else []:
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            found.setdefault(item["name"], item)
    return found


def _short(value: object, limit: int = 80) -> str:
    try:
        text = "a function" if inspect.isroutine(value) else repr(value)
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 1] + "…"


# ---- facts about two values -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mismatch:
    """One fact: `what` ("value", "shape", "dtype", "kind", "text", "order") differs, at `index` where there is one."""

    what: str
    expected: Any
    got: Any
    index: tuple[int, ...] | None = None


def mismatches(
    expected: np.ndarray | str,
    got: np.ndarray | str,
    rtol: float = 1e-12,
    atol: float = 1e-14,
    dtype: str = "kind",
) -> Iterator[Mismatch]:
    """Yield every way in which `got` differs from `expected`, the coarsest first; one fact per entry that differs.

    dtype: "same" wants the same dtype, "kind" wants floats for floats (any width), "any" looks at values alone.
    NaN equals NaN at the same place, and nothing else.
    """
    if isinstance(expected, str) or isinstance(got, str):
        if isinstance(expected, str) and isinstance(got, str):
            if _plain(expected) != _plain(got):
                yield from _lines_that_differ(expected, got)
        else:
            yield Mismatch("kind", expected, got)
        return
    if expected.shape != got.shape:
        yield Mismatch("shape", expected.shape, got.shape)
        return
    if (dtype == "same" and expected.dtype != got.dtype) or (dtype == "kind" and expected.dtype.kind != got.dtype.kind):
        yield Mismatch("dtype", str(expected.dtype), str(got.dtype))
    both = np.result_type(expected, got) if expected.dtype != bool else np.dtype(float)
    want, came = expected.astype(both), got.astype(both)
    if both.kind in "fc":
        # The scale of the whole array sets the floor: an entry that cancels to nearly 0 cannot be relatively exact.
        scale = float(np.max(np.abs(want[np.isfinite(want)]), initial=0.0))
        near = np.isclose(came, want, rtol=rtol, atol=max(atol, rtol * scale), equal_nan=True)
    else:
        near = want == came
    for index in zip(*np.nonzero(~near), strict=True) if near.ndim else ([()] if not near else []):
        at = tuple(int(i) for i in index)
        yield Mismatch("value", expected[at].item(), got[at].item(), at)


def _lines_that_differ(expected: str, got: str) -> Iterator[Mismatch]:
    """One fact for each line, where both texts have the same number of several lines; else one for the whole."""
    want, came = expected.splitlines(), got.splitlines()
    if len(want) == len(came) > 1:
        for i, (line, other) in enumerate(zip(want, came, strict=True)):
            if _plain(line) != _plain(other):
                yield Mismatch("text", line, other, (i,))
    else:
        yield Mismatch("text", expected, got)


def _plain(text: str) -> str:
    """Text without its accidents: runs of blanks count as one, addresses of objects are forgotten."""
    return re.sub(r"\s+", " ", _without_addresses(text)).strip()


def _without_addresses(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x…", text)


# ---- comparators: (credit in [0, 1], facts) ------------------------------------------------------------------------

Compared = tuple[float, list[Mismatch]]


def close(expected: Item, got: Item, *, rtol: float = 1e-12, loose: float = 1e-5, partial: float = 0.5,
          dtype: str = "kind") -> Compared:  # fmt: skip
    """Numbers within `rtol`. Numbers only within `loose` (finite differences where a formula was asked for) are worth
    `partial`. float32 and float16 get a few of their own last digits."""
    want, came = value_of(expected), value_of(got)
    if not isinstance(want, str) and not isinstance(came, str) and came.dtype.kind in "fc":
        rtol = max(
            rtol,
            *(8 * float(np.finfo(d).eps) for d in (want.dtype, came.dtype) if d.kind in "fc" and d.itemsize < 8),
            0.0,
        )
    facts = list(mismatches(want, came, rtol=rtol, dtype=dtype))
    if facts and loose > rtol and not any(mismatches(want, came, rtol=loose, dtype=dtype)):
        return partial, [Mismatch("precision", rtol, loose), *facts]
    return float(not facts), facts


def equal(expected: Item, got: Item, *, dtype: str = "kind") -> Compared:
    """The same numbers exactly, or the same text (blanks and addresses apart)."""
    facts = list(mismatches(value_of(expected), value_of(got), rtol=0.0, atol=0.0, dtype=dtype))
    return float(not facts), facts


def raises(expected: Item, got: Item) -> Compared:
    """The same error: its type is worth half, its text the other half."""
    want, came = value_of(expected), value_of(got)
    if got.get("kind") != "error":
        return 0.0, [Mismatch("kind", want, came)]
    if expected.get("type") != got.get("type"):
        return 0.0, [Mismatch("text", want, came)]
    facts = list(mismatches(want, came))
    return (0.5 if facts else 1.0), facts


def same_set(expected: Item, got: Item) -> Compared:
    """The same lines of text in any order."""
    want, came = str(value_of(expected)), str(value_of(got))
    if sorted(want.splitlines()) == sorted(came.splitlines()):
        return 1.0, []
    return 0.0, [Mismatch("text", want, came)]


def valid_order(expected: Item, got: Item, *, before: Sequence[Sequence[str]] = ()) -> Compared:
    """The same lines in any order in which the first of every pair of `before` stands before the second."""
    credit, facts = same_set(expected, got)
    if facts:
        return credit, facts
    place = {line: i for i, line in enumerate(str(value_of(got)).splitlines())}
    broken = [pair for pair in before if not place.get(pair[0], -1) < place.get(pair[1], -1)]
    return float(not broken), [Mismatch("order", f"{first} before {second}", value_of(got)) for first, second in broken]


def same_answer(expected: Item, got: Item, *, rtol: float = 2e-3) -> Compared:
    """What somebody predicted: 27 is as good as 27.0, 0.333 as 1/3, True as "True", and capitals do not matter."""
    want, came = _answer(value_of(expected)), _answer(value_of(got))
    facts = list(mismatches(want, came, rtol=rtol, dtype="any"))
    return float(not facts), facts


def _answer(value: np.ndarray | str) -> np.ndarray | str:
    """A text that spells a number, a truth value or a tuple of numbers as that; any other without its accidents."""
    if isinstance(value, str):
        with contextlib.suppress(Exception):
            read = np.asarray(ast.literal_eval(value.strip().capitalize()[:40]))
            return read if read.dtype.kind in "biuf" else value
        return value.strip().casefold()
    return value


COMPARATORS: dict[str, Callable[..., Compared]] = {
    "close": close, "equal": equal, "raises": raises, "set": same_set, "order": valid_order,
    "answer": same_answer,
}  # fmt: skip


def default_comparator(item: Item) -> str:
    """What fits the item when nothing is said: floats close, errors by type and text, everything else equal."""
    if item["kind"] == "array":
        return "close" if np.dtype(item["dtype"]).kind in "fc" else "equal"
    return "raises" if item["kind"] == "error" else "equal"


def compare(expected: Item, got: object, how: str, options: dict[str, Any] | None = None) -> Compared:
    """Compare two items with the comparator called `how`. An item that is nonsense differs; nothing is raised."""
    try:
        value_of(got)
        assert isinstance(got, dict)
        with np.errstate(all="ignore"):
            return COMPARATORS[how](expected, got, **(options or {}))
    except BadEvidence as nonsense:
        return 0.0, [Mismatch("kind", value_of(expected), str(nonsense))]


# ---- marking -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mark:
    """One sub-check: what it is called and worth, the credit that the evidence earned, and what differs.

    constant: it does not depend on the drawn inputs. guard: it also holds where nothing at all is done.
    """

    name: str
    weight: float
    credit: float
    expected: Item
    got: Item | None
    facts: list[Mismatch] = field(default_factory=list)
    constant: bool = False
    guard: bool = False


def mark(items: object, entry: dict[str, Any]) -> list[Mark]:
    """Every sub-check of one exercise: its evidence `items` against the key's `entry`, in the key's order."""
    came = by_name(items)
    marks = []
    for want in entry["items"]:
        got = came.get(want["name"])
        credit, facts = (0.0, []) if got is None else compare(want, got, want["how"], want.get("options"))
        alone = want.get("constant", False), want.get("guard", False)
        marks.append(Mark(want["name"], want["weight"], credit, want, got, facts, *alone))
    return marks


def fraction(marks: Sequence[Mark]) -> float:
    """The share of the points, in [0, 1].

    Constants (predictions) and guards (what must be left alone) count only in proportion to the rest: a constant, or
    doing nothing, earns nothing.
    """
    drawn = sum(m.weight for m in marks if not (m.constant or m.guard))
    fixed = sum(m.weight for m in marks if m.constant or m.guard)
    if drawn <= 0:
        return 0.0
    earned = sum(m.weight * m.credit for m in marks if not (m.constant or m.guard)) / drawn
    answered = sum(m.weight * m.credit for m in marks if m.constant or m.guard)
    return min(1.0, max(0.0, earned * (drawn + answered) / (drawn + fixed)))


def score(marks: Sequence[Mark], points: float) -> float:
    """The points earned, as a plain float in [0, points], to two decimals."""
    share = fraction(marks)
    return float(points) if share == 1 else min(float(points), round(points * share, 2))


# ---- numeric gradients ---------------------------------------------------------------------------------------------


def numeric_gradient(
    f: Callable[..., Any], args: Sequence[Any], g: Any, argument: int = 0, h: float = 1e-6
) -> np.ndarray:
    """The gradient of sum(g * f(*args)) with respect to `args[argument]`, by central differences in float64.

    (F(x + h) - F(x - h)) / 2h per entry: wrong by about h^2 where f is smooth, and by rounding / h.
    """
    x = np.array(args[argument], dtype=np.float64)
    slope = np.zeros_like(x)
    rest = list(args)
    for index in np.ndindex(x.shape):
        sides = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            rest[argument] = moved
            sides.append(float(np.sum(np.asarray(g) * np.asarray(f(*rest)))))
        slope[index] = (sides[0] - sides[1]) / (2 * h)
    return slope

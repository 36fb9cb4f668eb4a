"""Element types: minigrad's names for NumPy dtypes, and how two types meet (PyTorch's promotion rules)."""
from __future__ import annotations

from typing import Any

import numpy as np


class dtype:
    """An element type, such as `minigrad.float32`. `np.dtype(minigrad.float32)` gives NumPy's own."""

    __slots__ = ("dtype", "is_floating_point", "name", "tensor_name")

    def __init__(self, name: str, tensor_name: str) -> None:
        self.name = name
        self.dtype = np.dtype(name)
        self.is_floating_point = self.dtype.kind == "f"
        self.tensor_name = tensor_name

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> str:
        return self.name


float16 = half = dtype("float16", "Half")
float32 = float_ = dtype("float32", "Float")
float64 = double = dtype("float64", "Double")
uint8 = dtype("uint8", "Byte")
int8 = dtype("int8", "Char")
int16 = short = dtype("int16", "Short")
int32 = int_ = dtype("int32", "Int")
int64 = long = dtype("int64", "Long")
bool_ = dtype("bool", "Bool")

ALL = (float16, float32, float64, uint8, int8, int16, int32, int64, bool_)
OF_NUMPY = {each.dtype: each for each in ALL}
DEFAULT = float32.dtype
CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}
OF_NUMBER = {bool: bool_.dtype, int: int64.dtype, float: DEFAULT}


def of(array: Any) -> dtype:
    """minigrad's name for the element type of an array; TypeError for types that minigrad does not have."""
    try:
        return OF_NUMPY[array.dtype]
    except KeyError:
        raise TypeError(f"can't convert an array of type {array.dtype}. The only supported types are: "
                        + ", ".join(each.name for each in ALL)) from None


def to_numpy(wanted: Any, caller: str = "tensor") -> np.dtype:
    """NumPy's dtype for `wanted`; TypeError where it is not a minigrad dtype."""
    if not isinstance(wanted, dtype):
        raise TypeError(f"{caller}(): argument 'dtype' must be minigrad.dtype, not {type(wanted).__name__}")
    return wanted.dtype


def promote_types(a: np.dtype, b: np.dtype) -> np.dtype:
    """The type in which two arrays meet: of two categories (bool, integer, float) the higher one decides alone."""
    if CATEGORY[a.kind] == CATEGORY[b.kind]:
        return np.promote_types(a, b)
    return max(a, b, key=lambda each: CATEGORY[each.kind])


def result_type(*operands: Any) -> np.dtype:
    """The type in which arrays and Python numbers meet.

    Arrays with dimensions come first, then 0-d arrays, then numbers; a later group counts only where its category is
    higher (https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc).
    """
    groups: list[np.dtype | None] = [None, None, None]
    for x in operands:
        if type(x) in OF_NUMBER:
            group, kind = 2, OF_NUMBER[type(x)]
        else:
            group, kind = (0 if x.ndim else 1), x.dtype
        before = groups[group]
        groups[group] = kind if before is None else promote_types(before, kind)
    result = None
    for each in groups:
        if each is not None and (result is None or CATEGORY[each.kind] > CATEGORY[result.kind]):
            result = each
    assert result is not None
    return result

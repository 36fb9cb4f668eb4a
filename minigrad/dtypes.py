"""Element types: minigrad's names for NumPy dtypes, and how two types meet (PyTorch's promotion rules)."""

import functools
from typing import Any

import numpy as np

from .errors import need


class dtype:
    """An element type, such as `minigrad.float32`. `np.dtype(minigrad.float32)` gives NumPy's own."""

    __slots__ = ("c_name", "dtype", "is_floating_point", "name", "tensor_name", "type_name")

    def __init__(self, name: str, tensor_name: str) -> None:
        self.name, self.tensor_name, self.dtype = name, tensor_name, np.dtype(name)
        self.is_floating_point = self.dtype.kind == "f"
        c_names = {"Half": "c10::Half", "Char": "signed char", "Byte": "unsigned char", "Short": "short int", "Long": "long int"}
        self.c_name = c_names.get(tensor_name, tensor_name.lower())
        self.type_name = self.c_name if self.is_floating_point or name == "int32" else name + "_t"

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> str:
        return self.name


NAMES = {"float16": "Half", "float32": "Float", "float64": "Double", "uint8": "Byte", "int8": "Char", "int16": "Short",
         "int32": "Int", "int64": "Long", "bool": "Bool"}
ALL = float16, float32, float64, uint8, int8, int16, int32, int64, bool_ = [dtype(*names) for names in NAMES.items()]
half, float_, double, short, int_, long = float16, float32, float64, int16, int32, int64
OF_NUMPY = {each.dtype: each for each in ALL}
DEFAULT = float32.dtype
CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}
OF_PYTHON = {bool: bool_, int: int64, float: float64}
OF_NUMBER = {bool: bool_.dtype, int: int64.dtype, float: DEFAULT}


def of(array: Any) -> Any:
    """minigrad's name for the element type of an array; TypeError for types that minigrad does not have."""
    found = OF_NUMPY.get(array.dtype)
    need(found is not None, "no_dtype", array.dtype)
    return found


def to_numpy(wanted: Any, caller: str = "tensor") -> np.dtype:
    """NumPy's dtype for `wanted`; TypeError where it is not a minigrad dtype."""
    wanted = OF_PYTHON.get(wanted, wanted) if isinstance(wanted, type) else wanted
    need(isinstance(wanted, dtype), "dtype", caller, type(wanted))
    return wanted.dtype


def scalar(x: Any, kind: np.dtype) -> Any:
    """The number `x` as a NumPy scalar of another type; RuntimeError where it does not fit, but -1 may become a byte."""
    x = x.item() if isinstance(x, np.generic) else x
    need(type(x) in OF_NUMBER, "only_number", type(x))
    if type(x) is int:
        x.to_bytes(8, "little", signed=True)  # OverflowError for more than 64 bits
    if kind.kind != "b" and not (kind.kind == "f" and not np.isfinite(x)):
        info: Any = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
        need((info.min or -info.max * (type(x) is int)) <= x <= info.max, "overflow", OF_NUMPY[kind].type_name)
    return np.asarray(x).astype(kind)[()]


def promote_types(a: np.dtype, b: np.dtype) -> np.dtype:
    """The type in which two arrays meet: of two categories (bool, integer, float) the higher one decides alone."""
    higher = CATEGORY[a.kind] - CATEGORY[b.kind]
    return np.promote_types(a, b) if higher == 0 else a if higher > 0 else b


def result_type(*operands: Any) -> np.dtype:
    """The type in which arrays and Python numbers meet.

    Arrays with dimensions come first, then 0-d arrays, then numbers; a later group counts only where its category is
    higher (https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc).
    """
    kinds = [(2, OF_NUMBER[type(x)]) if type(x) in OF_NUMBER else (0 if x.ndim else 1, x.dtype) for x in operands]
    groups = [[kind for group, kind in kinds if group == number] for number in range(3)]
    met = [functools.reduce(promote_types, group) for group in groups if group]
    return max(met, key=lambda kind: CATEGORY[kind.kind])  # the first of the highest category

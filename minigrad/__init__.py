"""minigrad: PyTorch's autograd on NumPy, small enough to read in one sitting.

`import minigrad as torch` runs the programs of an autograd lesson: the same values, gradients, graph and messages.
"""

from typing import Any

# isort: off
from .tensors import Size, Tensor  # first: the other modules meet through it
from . import numpy_api, operators, printing, rules  # noqa: F401
from .creation import (  # noqa: F401
    arange, empty, empty_like, eye, from_numpy, full, full_like, linspace, manual_seed, ones, ones_like, rand,
    rand_like, randn, randn_like, tensor, zeros, zeros_like)
from .dtypes import (  # noqa: F401
    dtype, double, float16, float32, float64, half, int8, int16, int32, int64, long, short, uint8)
from .dtypes import bool_ as bool, float_ as float, int_ as int  # noqa: F401
from .errors import need
from .graph import enable_grad, is_grad_enabled, no_grad, set_grad_enabled  # noqa: F401
from .operators import cat, stack, where  # noqa: F401
# isort: on

__version__ = "0.1.0"
inf, nan = float32.dtype.type("inf").item(), float32.dtype.type("nan").item()
LATE = {"describe": "drawing", "draw": "drawing", "replay": "replaying", "autograd": "autograd", "nn": "nn"}  # when asked for
FUNCTIONS = {"detach", "is_floating_point", "numel", *operators.METHODS} - set(  # of the methods
    "T and contiguous copy_ expand expand_as normal_ or reshape_as to view view_as xor".split())


def __getattr__(name: str) -> Any:
    """A function `minigrad.name(x, ...)` behind the method `x.name(...)`, or what is imported late."""
    from importlib import import_module
    if name in LATE:
        module = import_module("." + LATE[name], __name__)
        return getattr(module, name, module)
    need(name in FUNCTIONS, "no_attribute", name)
    method = getattr(Tensor, name)

    def call(input: Any, *args: Any, **options: Any) -> Any:
        second = name in ("add", "sub", "mul", "div", "pow") and any(isinstance(x, Tensor) for x in (*args, *options.values()))
        need(second or isinstance(input, Tensor), "not_a_tensor", name, "input", 1, type(input))
        return method(input, *args, **options)

    call.__name__, call.__qualname__, call.__doc__ = name, name, method.__doc__
    return globals().setdefault(name, call)


def get_default_dtype() -> dtype:
    """The element type of tensors made from Python floats."""
    return float32


Tensor.__module__ = Size.__module__ = dtype.__module__ = __name__

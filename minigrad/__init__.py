"""minigrad: PyTorch's autograd on NumPy, small enough to read in one sitting.

`import minigrad as torch` runs the programs of an autograd lesson: the same values, gradients, graph and messages.
"""
from __future__ import annotations

from typing import Any

# isort: off
from .tensors import Size, Tensor  # first: the other modules meet through it
from . import autograd, dtypes, nn, optim, rules  # noqa: F401
from .creation import (  # noqa: F401
    arange, as_tensor, empty, empty_like, eye, from_numpy, full, full_like, linspace, manual_seed, ones, ones_like, rand,
    rand_like, randint, randn, randn_like, randperm, tensor, zeros, zeros_like)
from .dtypes import (  # noqa: F401
    dtype, double, float16, float32, float64, half, int8, int16, int32, int64, long, short, uint8)
from .dtypes import bool_ as bool, float_ as float, int_ as int  # noqa: F401
from .graph import enable_grad, is_grad_enabled, no_grad, set_grad_enabled  # noqa: F401
from .operators import power as pow, where  # noqa: F401
from .rules import cat as _cat, stack as _stack
# isort: on

__version__ = "0.1.0"
inf = float32.dtype.type("inf").item()
nan = float32.dtype.type("nan").item()
pi = 3.141592653589793

_METHODS = """
abs add all allclose any argmax argmin argsort bmm chunk clamp clip clone cos detach div dot eq equal exp flatten
floor ge gt isfinite is_floating_point isinf isnan le log log_softmax logical_and logical_not lt max maximum matmul
mean min minimum mm mul mv narrow ne neg nonzero norm permute prod ravel reciprocal relu remainder reshape select
sigmoid sign sin softmax split sqrt square squeeze std sub sum swapaxes t tanh transpose unbind unsqueeze var
""".split()


def _function(name: str) -> Any:
    """The function `minigrad.name(x, ...)` behind the method `x.name(...)`."""
    method = getattr(Tensor, name)

    def call(input: Any, *args: Any, **options: Any) -> Any:
        if not isinstance(input, Tensor):
            if name in ("add", "sub", "mul", "div") and args and isinstance(args[0], Tensor):
                return getattr(rules, name)(input, *args, **options)
            raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        return method(input, *args, **options)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = method.__doc__
    return call


for _name in _METHODS:
    globals()[_name] = _function(_name)


def get_default_dtype() -> dtype:
    """The element type of tensors made from Python floats."""
    return float32


def is_tensor(x: Any) -> Any:
    """True for Tensors."""
    return isinstance(x, Tensor)


def numel(input: Tensor) -> Any:
    """The number of elements."""
    return input.numel()


def _check_sequence(tensors: Any, name: str) -> list[Tensor]:
    """The tensors as a list; an error for none, or for something else."""
    found = list(tensors)
    if not found:
        if name == "stack":
            raise RuntimeError("stack expects a non-empty TensorList")
        raise ValueError(f"minigrad.{name}(): expected a non-empty list of Tensors")
    for i, x in enumerate(found):
        if not isinstance(x, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
    kind = dtypes.result_type(*[x._array for x in found])
    return [x if x._array.dtype == kind else x.as_type(kind) for x in found]


def cat(tensors: Any, dim: Any = 0) -> Tensor:
    """The tensors one after the other along `dim`; all other sizes must agree."""
    found = _check_sequence(tensors, "cat")
    from .operators import one_dim
    for x in found[1:]:
        if x.ndim != found[0].ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {found[0].ndim} and {x.ndim}")
    if found[0].ndim == 0:
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated")
    dim = one_dim(found[0], dim)
    for i, x in enumerate(found[1:], 1):
        for d, (n, m) in enumerate(zip(found[0].shape, x.shape, strict=True)):
            if d != dim and n != m:
                raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. Expected {n} in dimension {d} "
                                   f"but got {m} for tensor number {i} in the list")
    return _cat(*found, dim=dim)


concat = concatenate = cat


def stack(tensors: Any, dim: Any = 0) -> Tensor:
    """The tensors, all of one shape, along a new dimension."""
    found = _check_sequence(tensors, "stack")
    from .operators import in_range
    for i, x in enumerate(found):
        if x.shape != found[0].shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(found[0].shape)} at entry 0 and "
                               f"{list(x.shape)} at entry {i}")
    return _stack(*found, dim=in_range(dim, found[0].ndim + 1))


def draw(root: Any, *args: Any, **options: Any) -> Any:
    """A picture of the graph that leads to `root`: see `minigrad.drawing.draw`."""
    from .drawing import draw as call
    return call(root, *args, **options)


def describe(root: Any, *args: Any, **options: Any) -> str:
    """The graph that leads to `root`, in words: see `minigrad.drawing.describe`."""
    from .drawing import describe as call
    return call(root, *args, **options)


def replay(root: Any, *args: Any, **options: Any) -> Any:
    """Run `root.backward()` and show it step by step: see `minigrad.replaying.replay`."""
    from .replaying import replay as call
    return call(root, *args, **options)


def __getattr__(name: str) -> Any:
    # In PyTorch's own words: a lesson's program imports minigrad under the name of torch.
    raise AttributeError(f"module 'torch' has no attribute '{name}'")


Tensor.__module__ = Size.__module__ = dtype.__module__ = __name__

"""The `torch.autograd` namespace: backward, grad, Function, functional, gradcheck and the grad modes."""

import sys
from typing import Any

from . import engine, function, functional  # noqa: F401
from .engine import grad  # noqa: F401
from .function import Function  # noqa: F401
from .gradcheck import GradcheckError, gradcheck, gradgradcheck  # noqa: F401
from .graph import enable_grad, no_grad, set_grad_enabled  # noqa: F401

for _part in ("function", "functional", "gradcheck"):  # to be imported as modules of this one
    sys.modules[f"{__name__}.{_part}"] = sys.modules[f"{__package__}.{_part}"]


def backward(tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
             inputs: Any = None) -> None:
    """Accumulate the gradient of `tensors` into the leaves' `.grad`: see `engine.backward`."""
    engine.backward(tensors, grad_tensors, retain_graph, create_graph, inputs)

"""The `torch.autograd` namespace: backward, grad, Function, functional, gradcheck and the grad modes."""

import sys

from . import engine, function, functional  # noqa: F401
from .engine import backward, grad  # noqa: F401
from .function import Function  # noqa: F401
from .gradcheck import GradcheckError, gradcheck, gradgradcheck  # noqa: F401
from .graph import enable_grad, no_grad, set_grad_enabled  # noqa: F401

for _part in ("function", "functional", "gradcheck"):  # to be imported as modules of this one
    sys.modules[f"{__name__}.{_part}"] = sys.modules[f"{__package__}.{_part}"]

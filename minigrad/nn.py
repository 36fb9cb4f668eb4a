"""Of torch.nn only what a classifier needs: `nn.functional` with the loss `cross_entropy` and what bends and scales."""

from types import SimpleNamespace

import numpy as np

from . import dtypes, operators, rules
from .errors import error, need
from .tensors import Tensor


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """-log softmax(input)[target] of each row, averaged over the rows ("mean"), summed ("sum") or as they are ("none").

    input: (rows, classes), float; target: (rows,), the int64 number of each row's class.
    """
    need(isinstance(input, Tensor), "not_a_tensor", "cross_entropy_loss", "input", 1, type(input))
    need(isinstance(target, Tensor), "not_a_tensor", "cross_entropy_loss", "target", 2, type(target))
    scores, rows = input._array, target._array
    need(scores.shape != rows.shape or rows.dtype.kind == "f", "target_classes", target)
    need(rows.ndim <= 1 or rows.dtype.kind == "f", "target_dims")
    if scores.ndim == 1:
        need(rows.size == 1, "target_size", rows.size)
        return cross_entropy(input.unsqueeze(0), target.view(1), reduction)
    (n, classes), given = scores.shape, rows.shape[0] if rows.ndim else 0
    need(n == given, "batch_size", n, given)
    need(rows.dtype in (dtypes.int64.dtype, dtypes.uint8.dtype), "target_dtype", target)
    need(reduction in ("mean", "sum", "none"), "loss_reduction", reduction)
    wrong = rows.astype(np.uint64) >= classes  # a negative number becomes a very large one
    if np.count_nonzero(wrong):
        raise error("target_range", rows[wrong][0])
    return rules.nll_loss(operators.log_softmax(input, 1), target, reduction)


functional = SimpleNamespace(cross_entropy=cross_entropy, **{
    name: operators.METHODS[name] for name in ("relu", "sigmoid", "tanh", "softmax", "log_softmax")})

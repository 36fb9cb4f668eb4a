"""Of torch.nn only what a classifier's loss needs: `nn.functional.cross_entropy`."""

from types import SimpleNamespace

import numpy as np

from . import operators, rules
from .errors import error, need
from .tensors import Tensor


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """-log softmax(input)[target] of each row, averaged over the rows ("mean"), summed ("sum") or as they are ("none").

    input: (rows, classes), float; target: (rows,), the int64 number of each row's class.
    """
    if input.ndim == 1:
        return cross_entropy(input.unsqueeze(0), target.unsqueeze(0), reduction)
    rows, (n, classes) = target._array, input.shape
    need(n == rows.shape[0], "batch_size", n, rows.shape[0])
    need(rows.dtype.kind in "iu", "target_dtype", target)
    wrong = rows.astype(np.uint64) >= classes  # a negative number becomes a very large one
    if np.count_nonzero(wrong):
        raise error("target_range", rows[wrong][0])
    need(reduction in ("mean", "sum", "none"), "loss_reduction", reduction)
    return rules.nll_loss(operators.log_softmax(input, -1), target, reduction)


functional = SimpleNamespace(cross_entropy=cross_entropy)

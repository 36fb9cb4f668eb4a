"""Of torch.nn only what a classifier needs: `nn.functional` with the loss `cross_entropy` and what bends and scales."""

import sys
from types import SimpleNamespace

import numpy as np

from . import dtypes, log_softmax, operators, relu, rules, sigmoid, softmax, tanh, tensors
from .errors import error, need
from .tensors import Tensor


def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = -100,
                  reduction: str = "mean") -> Tensor:
    """-log softmax(input)[target] of each row, averaged over the rows ("mean"), summed ("sum") or as they are ("none").

    input: (rows, classes) or (classes,), float; target: (rows,) or (), the int64 number of each row's class; rows whose
    target is ignore_index do not count. weight: (classes,), how much each class counts.
    """
    need(isinstance(input, Tensor), "not_a_tensor", "cross_entropy_loss", "input", 1, type(input))
    need(isinstance(target, Tensor), "not_a_tensor", "cross_entropy_loss", "target", 2, type(target))
    need(weight is None or isinstance(weight, Tensor), "not_a_tensor", "cross_entropy_loss", "weight", 3, type(weight))
    scores, rows = input._array, target._array
    need(scores.shape != rows.shape or rows.dtype.kind == "f", "target_classes", target)
    n, given = scores.shape[0], rows.shape[0] if rows.ndim else 0
    need(scores.ndim > 1 or rows.size == 1, "target_size", rows.size)
    need(scores.ndim == 1 or n == given, "batch_size", n, given)
    need(rows.ndim <= 1 or rows.dtype.kind == "f", "target_dims")
    need(rows.dtype in (dtypes.int64.dtype, dtypes.uint8.dtype), "target_dtype", target)
    need(reduction in ("mean", "sum", "none"), "loss_reduction", reduction)
    target = target if scores.ndim > 1 else target.view(())
    rows, weights = target._array, None
    wrong = rows.astype(np.uint64) >= scores.shape[-1]  # a negative number becomes a very large one
    if weight is not None:
        need(not weight.requires_grad, "loss_weight_grad")
        need(weight.shape == scores.shape[-1:], "loss_weight", scores.shape[-1], list(weight.shape))
        need(weight._array.dtype == scores.dtype, "bmm_dtypes", input, weight)
    if weight is not None or ignore_index >= 0 or np.count_nonzero(wrong):
        kept = rows != ignore_index
        for i in rows[wrong & kept].ravel():
            raise error("target_range", i)
        target = tensors.wrap(np.where(kept, rows, 0))
        weights = kept * (scores.dtype.type(1) if weight is None else weight._array[target._array])
    return rules.nll_loss(operators.log_softmax(input, scores.ndim - 1), target, reduction, weights)


functional = sys.modules[f"{__name__}.functional"] = SimpleNamespace(  # type: ignore[assignment]
    cross_entropy=cross_entropy, relu=relu, sigmoid=sigmoid, tanh=tanh, softmax=softmax, log_softmax=log_softmax)

"""Every differentiable operation: its value and its gradients side by side, on plain arrays.

A rule returns its value and, for each differentiable argument (those before `/`), a vector-Jacobian product: a function
from the upstream gradient `g` to the gradient of that argument. What the vjps capture is what PyTorch calls the saved
tensors; they may capture arguments, `out` and constants, nothing else. The same lambdas run on Tensors when a gradient
is itself differentiated, so they use only operators, NumPy functions and methods that Tensors have too.

The formulas are those of https://github.com/pytorch/pytorch/blob/v2.13.0/tools/autograd/derivatives.yaml.
"""

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes, graph
from .errors import error, need
from .graph import Array, Part
from .layout import as_indexed, by_rows, in_order
from .lifting import elementwise, op
from .tensors import Tensor, array_of, wrap

# Rules are named as the operations are, also where Python has a builtin of that name. Where operations differ in name only,
# they share a rule.


# ---------------------------------------------------------------- arithmetic
@elementwise("AddBackward0")
def add(a, b, /):
    """d(a + b) = da + db"""
    return a + b, lambda g: g, lambda g: g


@elementwise("SubBackward0")
def sub(a, b, /):
    """d(a - b) = da - db"""
    return a - b, lambda g: g, lambda g: -g


@elementwise("AddBackward0")
def add_scaled(a, b, /, scale):
    """d(a + n b) = da + n db, for a number n"""
    return a + scale * b, lambda g: g, lambda g: g * scale


@elementwise("SubBackward0")
def sub_scaled(a, b, /, scale):
    """d(a - n b) = da - n db"""
    return a - scale * b, lambda g: g, lambda g: -g * scale


@elementwise("RsubBackward1")
def rsub(a, /, b):
    """d(b - a) = -da, for a number or array b"""
    return b - a, lambda g: -g


@elementwise("MulBackward0")
def mul(a, b, /):
    """d(ab) = b da + a db"""
    return a * b, lambda g: g * b, lambda g: g * a


@elementwise("DivBackward0", floating=True)
def div(a, b, /):
    """d(a / b) = da / b - a / b^2 db"""
    return a / b, lambda g: g / b, lambda g: -g * ((a / b) / b)


@elementwise("NegBackward0")
def neg(a, /):
    """d(-a) = -da"""
    return -a, lambda g: -g


@elementwise("ReciprocalBackward0", floating=True)
def reciprocal(a, /):
    """d(1 / a) = -1 / a^2 da"""
    out = 1 / a
    return out, lambda g: -g * (out * out)


@elementwise("PowBackward0")
def pow(a, /, exponent):
    """d(a^n) = n a^(n-1) da, for a number n"""
    return a ** exponent, lambda g: g * (exponent * a ** (exponent - 1)) if exponent else np.zeros_like(g)


@elementwise("PowBackward1")
def pow_tensor(a, b, /):
    """d(a^b) = b a^(b-1) da + a^b log(a) db"""
    out = power(a, b)
    return (out, lambda g: np.where(b == 0, 0, g * (b * a ** (b - 1))),
            lambda g: g * np.where((a == 0) & (b >= 0), 0, out * np.log(a)))


@op("PowBackward2")
def pow_base(b, /, base):
    """d(c^b) = c^b log(c) db, for a number c"""
    out = by_rows(power(base, b))
    return out, lambda g: g * np.where(b >= 0, 0, -np.inf) if base == 0 else g * (out * float(np.log(base)))


# ---------------------------------------------------------------- functions of one variable
@elementwise("ExpBackward0", floating=True)
def exp(a, /):
    """d exp(a) = exp(a) da"""
    out = precisely(np.exp, a)
    return out, lambda g: g * out


@elementwise("LogBackward0", floating=True)
def log(a, /):
    """d log(a) = da / a"""
    return np.log(a), lambda g: g / a


@elementwise("SqrtBackward0", floating=True)
def sqrt(a, /):
    """d sqrt(a) = da / (2 sqrt(a))"""
    out = np.sqrt(a)
    return out, lambda g: g / (2 * out)


@elementwise("AbsBackward0")
def abs(a, /):
    """d|a| = sign(a) da, and 0 at the kink"""
    return np.abs(a), lambda g: g * np.sign(a)


@elementwise("SignBackward0")
def sign(a, /):
    """d sign(a) = 0"""
    return ((a > 0) * 1 - (a < 0)).astype(a.dtype), lambda g: np.zeros_like(g)


@elementwise("SinBackward0", floating=True)
def sin(a, /):
    """d sin(a) = cos(a) da"""
    return precisely(np.sin, a), lambda g: g * precisely(np.cos, a)


@elementwise("CosBackward0", floating=True)
def cos(a, /):
    """d cos(a) = -sin(a) da"""
    return precisely(np.cos, a), lambda g: g * -precisely(np.sin, a)


@elementwise("TanhBackward0", floating=True)
def tanh(a, /):
    """d tanh(a) = (1 - tanh(a)^2) da"""
    out = np.tanh(a)
    return out, lambda g: g * (1 - out * out)


@elementwise("SigmoidBackward0", floating=True)
def sigmoid(a, /):
    """d s(a) = s(a) (1 - s(a)) da, where s(a) = 1 / (1 + exp(-a))"""
    out = 1 / (1 + np.exp(-a))
    return out, lambda g: g * ((1 - out) * out)


@elementwise("ReluBackward0")
def relu(a, /):
    """d max(a, 0) = da where the result is positive (or nan), else 0"""
    out = np.maximum(0, a)  # this way round relu(-0.) is -0.
    return out, lambda g: either(threshold, g, out)


@elementwise("ThresholdBackwardBackward0")
def threshold(g, out, /):
    """The way back of `relu`: linear in g, and constant in `out`"""
    return only(~(array_of(out) <= 0), g), lambda gg: either(threshold, gg, out), lambda gg: np.zeros_like(gg)


@elementwise("ClampBackward1")
def clamp(a, /, min=None, max=None):
    """d clamp(a) = da where min <= a <= max, else 0"""
    low, high = -np.inf if min is None else min, np.inf if max is None else max
    out = a if min is None else np.maximum(min, a)  # this way round -0. stays
    return out if max is None else np.minimum(max, out), lambda g: only((a >= low) & (a <= high), g)


@elementwise("ClampBackward0")
def clamp_between(a, low, high, /):
    """As `clamp`; where a bound was taken it gets g"""
    return (np.minimum(np.maximum(a, low), high), lambda g: only((a >= low) & (a <= high), g),
            lambda g: only((a < low) & (low < high), g), lambda g: only((a > high) | (high < low), g))


# ---------------------------------------------------------------- choosing
@elementwise("MaximumBackward0")
def maximum(a, b, /):
    """The larger one gets the gradient; half each where they are equal"""
    return np.maximum(b, a), lambda g: share(g, a < b, a == b), lambda g: share(g, a > b, a == b)


@elementwise("MinimumBackward0")
def minimum(a, b, /):
    """The smaller one gets the gradient; half each where they are equal"""
    return np.minimum(b, a), lambda g: share(g, a > b, a == b), lambda g: share(g, a < b, a == b)


@elementwise("WhereBackward0", frees="condition")
def where(a, b, /, condition):
    """The gradient goes where the value came from"""
    return np.where(condition, a, b), lambda g: only(condition, g), lambda g: only(~condition, g)


# ---------------------------------------------------------------- sums and means
@op("SumBackward0")
def sum(a, /):
    """d sum(a) = sum(da): every element gets g"""
    shape = a.shape
    return a.sum(), lambda g: np.broadcast_to(g, shape)


@op("SumBackward1")
def sum_dim(a, /, dim, keepdim=False):
    """Every element gets the g of its own sum"""
    shape, kept = a.shape, keep_dims(a.shape, dim)
    return by_rows(added(a, dim, keepdim)), lambda g: np.broadcast_to(g.reshape(kept), shape)


@op("MeanBackward0")
def mean(a, /):
    """d mean(a) = sum(da) / n"""
    shape, n = a.shape, a.size
    return a.sum() / n, lambda g: np.broadcast_to(g, shape) / n


@op("MeanBackward1")
def mean_dim(a, /, dim, keepdim=False):
    """Every element gets the g of its own mean, divided by the number of elements in it"""
    shape, kept = a.shape, keep_dims(a.shape, dim)
    n = count(shape, dim)
    return by_rows(added(a, dim, keepdim) / a.dtype.type(n)), lambda g: np.broadcast_to(g.reshape(kept), shape) / n


@op("VarBackward0")
def var(a, /, dim, correction=1, keepdim=False):
    """d var(a) = 2 / (n - c) sum((a - mean(a)) da)"""
    kept, n = keep_dims(a.shape, dim), count(a.shape, dim) - correction
    value = (away(a, dim) ** 2).sum(axis=dim, keepdims=keepdim) * a.dtype.type(inverse(n) if n > 0 else np.inf)
    return by_rows(value), lambda g: g.reshape(kept) * (2 * inverse(n)) * away(a, dim)


@op("ProdBackward1")
def prod_dim(a, /, dim=None, keepdim=False):
    """d prod(a) = sum(prod(a) / a da) along `dim` (None for all), also where some elements are 0"""
    kept = keep_dims(a.shape, dim)
    out = by_rows(a.prod(axis=dim, keepdims=keepdim))
    return out, lambda g: g if not kept else (g.reshape(kept) * out.reshape(kept) / a if np.all(array_of(a) != 0) else
                                              g.reshape(kept) * others(a, dim))


prod = op("ProdBackward0")(prod_dim.rule)


@op("LinalgVectorNormBackward0")
def norm(a, /):
    """d||a|| = a / ||a|| da, and 0 at a = 0, where ||a|| = sqrt(sum(a^2))"""
    out = np.sqrt((a * a).sum())
    return out, lambda g: g * divide0(a, out)


@op("LinalgVectorNormBackward0")
def norm_dim(a, /, p, dim, keepdim=False):
    """As `norm`, for each norm along `dim`, and for other orders p"""
    kept = keep_dims(a.shape, dim)
    out = by_rows(np.sqrt((a * a).sum(axis=dim, keepdims=keepdim)) if p == 2 else
                  precisely(np.linalg.vector_norm, a, axis=dim, keepdims=keepdim, ord=p))
    return out, lambda g: norm_vjp(g.reshape(kept), a, out.reshape(kept), p, dim)


# ---------------------------------------------------------------- the largest and the smallest
@op("MaxBackward1")
def max(a, /, choose=np.max):
    """The chosen element gets g; equal ones share it"""
    out = choose(a)
    return out, lambda g: np.where(same(a, out), g / same(a, out).sum(), 0)


min = op("MinBackward1")(max.rule)


@op("MaxBackward0")
def max_dim(a, index, /, dim, keepdim=False):
    """The element that was chosen along `dim` gets g; `index` has `dim` kept"""
    out = np.take_along_axis(a, index, dim) if a.shape else a[()]
    shape, kept = a.shape, index.shape
    return out if keepdim else out.squeeze(dim), lambda g: np.where(chosen(index, shape, dim), g.reshape(kept), 0)


min_dim = op("MinBackward0")(max_dim.rule)


# ---------------------------------------------------------------- softmax and the loss
@op("SoftmaxBackward0")
def softmax(a, /, dim):
    """d softmax(a) = s (da - sum(s da)), where s = softmax(a)"""
    e = np.exp(a - a.max(axis=dim, keepdims=True, initial=-np.inf), order="C")
    out = e / e.sum(axis=dim, keepdims=True)
    return out, lambda g: out * (g - (g * out).sum(axis=dim, keepdims=True))


@op("LogSoftmaxBackward0")
def log_softmax(a, /, dim):
    """d log_softmax(a) = da - sum(softmax(a) da)"""
    columns = np.asarray(a, order="F" if a.shape[-1:] < (64,) else "C")  # NumPy takes long for many short sums
    shifted = columns - columns.max(axis=dim, keepdims=True, initial=-np.inf)
    out = np.subtract(shifted, np.log(np.exp(shifted).sum(axis=dim, keepdims=True)), order="C")
    return out, lambda g: g - np.exp(out) * g.sum(axis=dim, keepdims=True)


@op("NllLossBackward0")
def nll_loss(a, target, /, reduction="mean", weights=None):
    """Minus the entry of each row that `target` names, times the row's weight; summed or averaged over the rows"""
    rows, n = (np.arange(len(target)),) if a.ndim > 1 else (), target.size if weights is None else weights.sum()
    losses = -a[(*rows, target)] if weights is None else np.where(weights == 0, 0, -a[(*rows, target)] * weights)
    shape, every = a.shape, (1 / n if n else 0) if reduction == "mean" else 1
    value = losses if reduction == "none" else losses.sum() / a.dtype.type(n if reduction == "mean" else 1)
    scale = every if weights is None else weights * every
    return value, lambda g: scatter(g * (0 - scale), (*rows, target), shape, False)


# ---------------------------------------------------------------- products of vectors and matrices
@op("DotBackward0")
def dot(a, b, /):
    """d(a . b) = b . da + a . db"""
    return a @ b, lambda g: g * b, lambda g: g * a


@op("MvBackward0")
def mv(a, b, /):
    """d(Ab) = dA b + A db: the outer product g b' goes to A, A' g to b"""
    return a @ b, lambda g: g.reshape(-1, 1) * b, lambda g: a.T @ g


@op("MmBackward0")
def mm(a, b, /):
    """d(AB) = dA B + A dB: G B' goes to A, A' G to B"""
    return a @ b, lambda g: g @ b.T, lambda g: a.T @ g


@op("BmmBackward0")
def bmm(a, b, /):
    """As `mm`, for each pair of matrices in two stacks"""
    return a @ b, lambda g: g @ b.swapaxes(1, 2), lambda g: a.swapaxes(1, 2) @ g


# ---------------------------------------------------------------- the same elements in another shape
@op("ViewBackward0", view=True)
def view(a, /, shape):
    """g goes back in the old shape"""
    old = a.shape
    return a.reshape(shape, copy=False), lambda g: g.reshape(old)


reshape_alias = op("ReshapeAliasBackward0", view=True)(view.rule)
squeeze = op("SqueezeBackward0", view=True)(view.rule)
squeeze_dim = op("SqueezeBackward1", view=True)(view.rule)
squeeze_dims = op("SqueezeBackward2", view=True)(view.rule)
unsqueeze = op("UnsqueezeBackward0", view=True)(view.rule)
alias = op("AliasBackward0", view=True)(view.rule)
unsafe_view = op("UnsafeViewBackward0")(view.rule)  # of a tensor that nobody else holds: not known as a view
squeeze_product = op("SqueezeBackward4")(view.rule)


@op("PermuteBackward0", view=True)
def permute(a, /, dims):
    """The dimensions of g go back where they came from"""
    back = tuple(sorted(range(len(dims)), key=dims.__getitem__))
    return a.transpose(dims), lambda g: np.transpose(g, back)


t = op("TBackward0", view=True)(permute.rule)
transpose = op("TransposeBackward0", view=True)(permute.rule)


@op("ExpandBackward0", view=True)
def expand(a, /, shape):
    """Every copy of an element sends its gradient to the one element"""
    old = a.shape
    kept = [step if n == m else 0 for step, n, m in zip(a.strides, old, shape[len(shape) - len(old):], strict=True)]
    steps = (*[0] * (len(shape) - len(old)), *kept)
    return np.lib.stride_tricks.as_strided(a, shape, steps), lambda g: graph.unbroadcast(g, old)


@op("AsStridedBackward0")
def as_strided(a, /, places):
    """The elements at `places` of a.reshape(-1); g goes back there"""
    shape, size = a.shape, (a.size,)
    return a.reshape(-1)[places], lambda g: spread(g, places, size).reshape(shape)


# ---------------------------------------------------------------- parts
@op("SelectBackward0", view=True)
def select(a, /, place):
    """The chosen part of the gradient is g, the rest 0; `place`: an index as `along` makes it"""
    shape = a.shape
    return a[place], lambda g: scatter(g, place[:-1], shape, False)


slice_ = op("SliceBackward0", view=True)(select.rule)


@op("IndexBackward0")
def index(a, indices, /):
    """Every element that was read gets the g of all its copies; `indices`: a tuple of slices and integer arrays"""
    shape = a.shape
    return as_indexed(np.asarray(a[indices], order="C"), a, indices), lambda g: scatter(g, indices, shape)


@op("UnbindBackward0", view=True, several=True)
def unbind(a, /, dim=0):
    """The gradients of the slices, stacked"""
    return tuple([a[along(dim, i)] for i in range(a.shape[dim])]), lambda gs: np.stack(gs, dim)


@op("SplitBackward0", view=True, several=True)
def split(a, /, sizes, dim=0):
    """The gradients of the pieces, side by side"""
    return tuple([a[along(dim, part)] for part in parts(sizes)]), lambda gs: np.concatenate(gs, dim)


split_with_sizes = op("SplitWithSizesBackward0", view=True, several=True)(split.rule)


@op("CatBackward0")
def cat(*arrays, dim=0):
    """Each piece gets its part of g; an empty vector goes with everything"""
    full = [a for a in arrays if a.shape != (0,)] or arrays
    places = iter(parts([a.shape[dim] for a in full]))
    return by_rows(np.concatenate(full, dim)), *[
        taking(next(places), dim) if a.shape != (0,) else lambda g: np.zeros_like(g.reshape(-1)[:0]) for a in arrays]


@op("StackBackward0")
def stack(*arrays, dim=0):
    """Each piece gets its slice of g"""
    return by_rows(np.stack(arrays, dim)), *[taking(i, dim) for i in range(len(arrays))]


# ---------------------------------------------------------------- copies
@op("CloneBackward0")
def clone(a, /, order="K"):
    """g goes through; `order` of the elements in memory: "K" as they are, "C" row by row"""
    return in_order(a.copy(order), a) if isinstance(a, np.ndarray) and order == "K" else a.copy(), lambda g: g


@op("ToCopyBackward0")
def to_copy(a, /, dtype):
    """g goes through, in the old element type"""
    return in_order(a.astype(dtype), a), lambda g: g


# ---------------------------------------------------------------- written in place (see inplace)
@elementwise("CopyBackwards")
def copy(a, b, /):
    """The old values get 0, the new ones g"""
    shape = np.broadcast_shapes(np.shape(a), np.shape(b))
    return np.broadcast_to(b, shape), lambda g: np.zeros_like(g), lambda g: g


@op("FillBackward2")
def fill(a, /, value):
    """The old values get 0"""
    return np.full_like(a, np.asarray(value).astype(a.dtype)), lambda g: np.zeros_like(g)


fill_tensor = elementwise("FillBackward3")(copy.rule)
zero = op("ZeroBackward0")(fill.rule)
normal = op("NormalBackward0")(fill.rule)


@op("IndexPutBackward0")
def index_put(a, b, indices, /, accumulate=False):
    """Where something was written the old values get 0 (g, if it was added) and the new ones g"""
    out, shape = a.copy(), np.shape(b)
    try:
        write: Any = np.add.at if accumulate else np.ndarray.__setitem__
        write(out, indices, b)
    except ValueError:
        raise error("index_put_shape", list(shape), list(a[indices].shape)) from None
    need(b.dtype == a.dtype, "index_put_dtype", dtypes.of(a).tensor_name, dtypes.of(b).tensor_name)
    return (out, lambda g: g if accumulate else either(index_put, g, np.zeros((), g.dtype), indices),
            lambda g: graph.unbroadcast(g[indices], shape))


# ---------------------------------------------------------------- what the rules share
def either(op: Any, g: Any, *args: Any) -> Any:
    """The value of an operation for a gradient that is an array or, where it is itself differentiated, a Tensor."""
    return op(g, *args) if isinstance(g, Tensor) else op.rule(g, *args)[0]


def axes(dim: Any, shape: tuple[int, ...]) -> Any:
    """The dimensions that `dim` names; None names all."""
    return range(len(shape)) if dim is None else (dim,) if isinstance(dim, int) else dim


def keep_dims(shape: tuple[int, ...], dim: Any) -> tuple[int, ...]:
    """The shape after a reduction over `dim` that keeps the reduced dimensions, with size 1."""
    return tuple([1 if i in axes(dim, shape) else n for i, n in enumerate(shape)])


def count(shape: tuple[int, ...], dim: Any) -> int:
    """How many elements each result of a reduction over `dim` has seen."""
    return math.prod([n for i, n in enumerate(shape) if i in axes(dim, shape)])


def added(a: Array, dim: Any, keepdim: bool) -> Array:
    """The sum along `dim`. Of many numbers in float64: NumPy adds one after the other where they are not neighbours."""
    many = a.dtype.kind == "f" and count(a.shape, dim) > 1000
    total = a.sum(axis=dim, keepdims=keepdim, dtype=np.float64 if many else None)
    return total.astype(a.dtype) if many else total


def away(a: Any, dim: Any) -> Any:
    """How far each element is from the mean over `dim`."""
    return a - a.sum(axis=dim, keepdims=True) / count(a.shape, dim)


def inverse(n: float) -> float:
    """1 / n, and infinity for 0."""
    return 1 / n if n else np.inf


def power(a: Array, b: Array) -> Array:
    """a ** b; an integer to a negative power is 0 unless it is 1 or -1."""
    if b.dtype.kind == "b":
        raise error("not_implemented", "pow", "Bool")
    if b.dtype.kind != "i":
        return precisely(functools.partial(np.power, a), b)
    return np.where(b < 0, (np.abs(a) == 1) * a ** (b & 1), a ** np.maximum(b, 0))


def precisely(function: Callable, a: Any, *args: Any, **options: Any) -> Any:
    """function(a, ...): for float32 by way of float64, as NumPy's float32 versions may be some units in the last place off."""
    if isinstance(a, Tensor) or a.dtype != np.float32:
        return function(a, *args, **options)
    return function(a.astype(np.float64), *args, **options).astype(np.float32)


def only(mask: Any, g: Any) -> Any:
    """np.where(mask, g, 0): multiplies the bits, which takes a tenth of the time where the mask changes often."""
    if not isinstance(g, np.ndarray) or g.dtype.kind != "f":
        return np.where(mask, g, 0)
    out, bits = np.empty_like(g), f"i{g.itemsize}"
    np.multiply(g.view(bits), mask, out=out.view(bits))
    return out


def share(g: Array, lost: Array, tied: Array) -> Array:
    """0 where `lost`, half of g where `tied`, else g: also where there is nan."""
    return np.where(lost, 0, np.where(tied, g / 2, g))


def divide0(a: Array, b: Array) -> Array:
    """a / b, and 0 where b is 0."""
    return np.where(b == 0, 0, a / b)


def others(a: Array, dim: int | None) -> Array:
    """For each element the product of the others along `dim` (None for all): exact where some are 0."""
    if dim is None:
        return others(a.reshape(-1), 0).reshape(a.shape)
    a, n = a.swapaxes(dim, -1), a.shape[dim]
    return np.where(np.eye(n, dtype=bool), 1, a.reshape(*a.shape[:-1], 1, n)).prod(axis=-1).swapaxes(dim, -1)


def norm_vjp(g: Array, a: Array, out: Array, p: float, dim: Any) -> Array | None:
    """The gradient of `norm`; g and out with the reduced dimensions kept."""
    if p == 0:
        return None  # no gradient, as in PyTorch
    if p == 2:
        return g * divide0(a, out)
    if p in (np.inf, -np.inf):
        ties = same(np.abs(a), out)
        return g * either(sign, a) * ties / ties.sum(axis=dim, keepdims=True)
    return g * divide0(either(sign, a) * np.where(a == 0, 0, np.abs(a) ** (p - 1)), out ** (p - 1))


def same(a: Any, out: Any) -> Array:
    """Where `a` is its maximum (or minimum) `out`, which is nan where there is one."""
    a, out = array_of(a), array_of(out)
    return (a == out) | (a != a)


def chosen(index: Array, shape: tuple[int, ...], dim: int) -> Array:
    """A mask of `shape`: True at the element that `index` chose along `dim`."""
    steps = [-1 if i == dim else 1 for i in range(len(shape))]
    return np.arange(shape[dim]).reshape(steps) == array_of(index) if shape else np.True_


def scatter(g: Any, index: Any, shape: tuple[int, ...], twice: bool = True) -> Any:
    """`g` at `index` among zeros of `shape`, as a Part: nobody has to make the zeros.

    twice: integer arrays in the index may name an element twice.
    """
    if isinstance(g, Tensor):
        return index_put(wrap(np.zeros(shape, g._array.dtype)), g, index, accumulate=True)
    return Part(g, index, twice and any(isinstance(i, np.ndarray) and i.dtype.kind in "iu" for i in index))


def spread(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """As `scatter`, with the zeros."""
    found = scatter(g, index, shape)
    return found if isinstance(found, Tensor) else found.among_zeros(shape, g.dtype)


def parts(sizes: list[int]) -> list[slice]:
    """Slices of these sizes, one after the other."""
    return [slice(end - n, end) for n, end in zip(sizes, itertools.accumulate(sizes), strict=True)]


def along(dim: int, part: Any) -> tuple:
    """The index for `part`, a number or a slice, of dimension `dim`. It ends in `...`, so that it always gives a view."""
    return (slice(None),) * dim + (part, ...)


def taking(part: Any, dim: int) -> Callable:
    """The vjp that takes a part of g along `dim`."""
    return lambda g: g[along(dim, part)]

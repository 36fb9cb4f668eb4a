"""What can be called on a Tensor: operators and methods, each a line or two that chooses the rule."""
from __future__ import annotations

import functools
import math
import warnings
from collections import namedtuple
from typing import TYPE_CHECKING, Any

import numpy as np

from . import dtypes

if TYPE_CHECKING:  # at run time `tensors`, which this module is a part of, puts them here once they exist
    from . import creation, graph, indexing, inplace, lifting, rules, tensors

Found = {name: namedtuple(name, ["values", "indices"], module="minigrad.return_types") for name in ("max", "min")}
for _kind in Found.values():
    _kind.__repr__ = lambda self: (  # type: ignore[method-assign]
        f"minigrad.return_types.{type(self).__name__}(\nvalues={self.values!r},\nindices={self.indices!r})")

ALL: Any = object()  # no `dim` was given: not the same as None or (), which the recorded node shows
RENAMED = {"axis": "dim", "keepdims": "keepdim"}
T_DEPRECATED = (
    "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an error "
    "in a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` "
    "to reverse the dimensions of a tensor.")
T_OF_A_NUMBER = "Tensor.{} is deprecated on 0-D tensors. This function is the identity in these cases."


def numpy_names(method: Any) -> Any:
    """The method takes NumPy's `axis` and `keepdims` for `dim` and `keepdim` too, as PyTorch's do."""
    @functools.wraps(method)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        if options:
            options = {RENAMED.get(name, name): value for name, value in options.items()}
        return method(self, *args, **options)
    return call


class Operators:
    """The operators and methods of Tensor. Results follow PyTorch: shapes, element types, and which node they get."""

    __slots__ = ()
    _array: Any

    # ------------------------------------------------------------ arithmetic
    def __add__(self, other: Any) -> Any: return rules.add(self, other)
    def __radd__(self, other: Any) -> Any: return rules.add(self, other)
    def __sub__(self, other: Any) -> Any: return rules.sub(self, other)
    def __rsub__(self, other: Any) -> Any: return with_number(rules.rsub, self, other)
    def __mul__(self, other: Any) -> Any: return rules.mul(self, other)
    def __rmul__(self, other: Any) -> Any: return rules.mul(self, other)
    def __truediv__(self, other: Any) -> Any: return rules.div(self, other)
    def __rtruediv__(self, other: Any) -> Any: return rules.reciprocal(self) * other
    def __floordiv__(self, other: Any) -> Any: return plain(np.floor_divide, self, other)
    def __rfloordiv__(self, other: Any) -> Any: return plain(np.floor_divide, other, self)
    def __mod__(self, other: Any) -> Any: return remainder(self, other)
    def __rmod__(self, other: Any) -> Any: return rules.remainder_tensor(other, self)
    def __pow__(self, other: Any) -> Any:
        if (other.__class__ is int or other.__class__ is float) and self._array.dtype.kind == "f":
            return rules.pow(self, other)
        return power(self, other)

    def __rpow__(self, other: Any) -> Any: return power(other, self)
    def __matmul__(self, other: Any) -> Any: return matmul(self, other)
    def __rmatmul__(self, other: Any) -> Any: return matmul(other, self)
    def __pos__(self) -> Any: return self
    def __abs__(self) -> Any: return rules.abs(self)

    def __neg__(self) -> Any: return rules.neg(self)

    # ------------------------------------------------------------ comparisons and logic: no gradient
    def __eq__(self, other: Any) -> Any: return plain(np.equal, self, other)
    def __ne__(self, other: Any) -> Any: return plain(np.not_equal, self, other)
    def __lt__(self, other: Any) -> Any: return plain(np.less, self, other)
    def __le__(self, other: Any) -> Any: return plain(np.less_equal, self, other)
    def __gt__(self, other: Any) -> Any: return plain(np.greater, self, other)
    def __ge__(self, other: Any) -> Any: return plain(np.greater_equal, self, other)
    def __and__(self, other: Any) -> Any: return plain(np.bitwise_and, self, other)
    def __or__(self, other: Any) -> Any: return plain(np.bitwise_or, self, other)
    def __xor__(self, other: Any) -> Any: return plain(np.bitwise_xor, self, other)

    def __invert__(self) -> Any:
        if self._array.dtype.kind == "f":
            raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
        return tensors.wrap(np.invert(self._array))

    def isnan(self) -> Any: return tensors.wrap(np.isnan(self._array))
    def isinf(self) -> Any: return tensors.wrap(np.isinf(self._array))
    def isfinite(self) -> Any: return tensors.wrap(np.isfinite(self._array))
    def logical_not(self) -> Any: return tensors.wrap(np.logical_not(self._array))
    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__
    eq, ne, lt, le, gt, ge, logical_and = __eq__, __ne__, __lt__, __le__, __gt__, __ge__, __and__

    @numpy_names
    def all(self, dim: Any = None, keepdim: bool = False) -> Any: return reduce_plain(np.all, self, dim, keepdim)
    @numpy_names
    def any(self, dim: Any = None, keepdim: bool = False) -> Any: return reduce_plain(np.any, self, dim, keepdim)
    @numpy_names
    def argmax(self, dim: Any = None, keepdim: bool = False) -> Any: return reduce_plain(np.argmax, self, dim, keepdim)
    @numpy_names
    def argmin(self, dim: Any = None, keepdim: bool = False) -> Any: return reduce_plain(np.argmin, self, dim, keepdim)

    def argsort(self, dim: int = -1) -> Any:
        return tensors.wrap(np.argsort(self._array, axis=dim, kind="stable").reshape(self.shape))

    def nonzero(self) -> Any: return tensors.wrap(np.argwhere(self._array))
    def equal(self, other: Any) -> bool: return bool(np.array_equal(self._array, other._array))

    def allclose(self, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
        """True when all elements satisfy |a - b| <= atol + rtol |b|."""
        return bool(np.allclose(self._array, other._array, rtol, atol, equal_nan))

    # ------------------------------------------------------------ functions
    def add(self, other: Any, *, alpha: Any = 1) -> Any: return rules.add(self, other if alpha == 1 else alpha * other)
    def sub(self, other: Any, *, alpha: Any = 1) -> Any: return self - (other if alpha == 1 else alpha * other)
    def mul(self, other: Any) -> Any: return rules.mul(self, other)
    def div(self, other: Any) -> Any: return rules.div(self, other)
    def pow(self, exponent: Any) -> Any: return power(self, exponent)
    def remainder(self, other: Any) -> Any: return remainder(self, other)
    def neg(self) -> Any: return -self
    def square(self) -> Any: return power(self, 2)
    def reciprocal(self) -> Any: return rules.reciprocal(self)
    def exp(self) -> Any: return rules.exp(self)
    def log(self) -> Any: return rules.log(self)
    def sqrt(self) -> Any: return rules.sqrt(self)
    def abs(self) -> Any: return rules.abs(self)
    def sign(self) -> Any: return rules.sign(self)
    def floor(self) -> Any: return rules.floor(self)
    def sin(self) -> Any: return rules.sin(self)
    def cos(self) -> Any: return rules.cos(self)
    def tanh(self) -> Any: return rules.tanh(self)
    def sigmoid(self) -> Any: return rules.sigmoid(self)
    def relu(self) -> Any: return rules.relu(self)
    def maximum(self, other: Any) -> Any: return rules.maximum(self, a_tensor(other, "maximum"))
    def minimum(self, other: Any) -> Any: return rules.minimum(self, a_tensor(other, "minimum"))
    def clamp_min(self, min: Any) -> Any: return self.clamp(min=min)
    def clamp_max(self, max: Any) -> Any: return self.clamp(max=max)
    def where(self, condition: Any, other: Any) -> Any: return where(condition, self, other)

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        """Every element moved into [min, max]; RuntimeError when neither bound is given."""
        if min is None and max is None:
            raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
        bounds = [b for b in (min, max) if b is not None]
        if any(isinstance(b, tensors.Tensor) for b in bounds):
            raise TypeError("clamp(): the bounds must be numbers. For tensors use maximum and minimum.")
        kind = dtypes.result_type(self._array, *bounds)
        return rules.clamp(self if kind == self._array.dtype else self.as_type(kind), min, max)

    clip = clamp

    def softmax(self, dim: int, dtype: Any = None) -> Any:
        """exp(a) / sum(exp(a)) along `dim`."""
        dim = one_dim(self, dim)
        return rules.softmax(self.only_float("softmax_lastdim_kernel_impl", dtype), dim)

    def log_softmax(self, dim: int, dtype: Any = None) -> Any:
        """log(softmax(a)) along `dim`, without overflow."""
        dim = one_dim(self, dim)
        return rules.log_softmax(self.only_float("log_softmax_lastdim_kernel_impl", dtype), dim)

    def only_float(self, kernel: str, dtype: Any = None) -> Any:
        """This tensor (in `dtype`); NotImplementedError, in PyTorch's words, for integers."""
        x = self if dtype is None else self.to(dtype)
        if x._array.dtype.kind != "f":
            raise NotImplementedError(f"\"{kernel}\" not implemented for '{x.dtype.tensor_name}'")
        return x

    # ------------------------------------------------------------ reductions
    @numpy_names
    def sum(self, dim: Any = ALL, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """The sum of all elements, or along `dim` (a number, several, or None for all)."""
        x = self.countable(dtype)
        return rules.sum(x) if dim is ALL else rules.sum_dim(x, dims(x, dim), keepdim)

    def countable(self, dtype: Any) -> Any:
        """This tensor in `dtype`; bytes as int64 where no type is asked for, as all integers are summed."""
        dtype = dtypes.int64 if dtype is None and self._array.dtype.kind == "u" else dtype
        return self if dtype is None else self.to(dtype)

    @numpy_names
    def mean(self, dim: Any = ALL, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """The mean of all elements, or along `dim`. RuntimeError for integers."""
        x = self if dtype is None else self.to(dtype)
        if x._array.dtype.kind != "f":
            raise RuntimeError("mean(): could not infer output dtype. Input dtype must be either a floating point or complex "
                               f"dtype. Got: {x.dtype.tensor_name}")
        return rules.mean(x) if dim is ALL else rules.mean_dim(x, dims(x, dim), keepdim)

    @numpy_names
    def var(self, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None) -> Any:
        """The variance; the sum of squares is divided by n - correction (1 if unbiased)."""
        return self.spread(rules.var, dim, unbiased, keepdim, correction)

    @numpy_names
    def std(self, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None) -> Any:
        """The standard deviation, the square root of `var`."""
        return self.spread(rules.std, dim, unbiased, keepdim, correction)

    def spread(self, rule: Any, dim: Any, unbiased: bool, keepdim: bool, correction: Any) -> Any:
        """What var and std share."""
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if self._array.dtype.kind != "f":
            raise RuntimeError("std and var only support floating point and complex dtypes")
        dim, correction = dims(self, dim), int(unbiased) if correction is None else correction
        if rules.count(self.shape, dim) <= correction:
            warnings.warn(f"{rule.__name__}(): degrees of freedom is <= 0. Correction should be strictly less than the "
                          "reduction factor (input numel divided by output numel).", UserWarning, stacklevel=4)
        return rule(self, dim, correction, keepdim)

    @numpy_names
    def prod(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """The product of all elements, or along one dimension."""
        x = self.countable(dtype)
        return rules.prod(x) if dim is None else rules.prod_dim(x, one_dim(x, dim), keepdim)

    @numpy_names
    def norm(self, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
        """(sum |a|^p)^(1/p) of all elements, or along `dim`."""
        if self._array.dtype.kind != "f":
            raise RuntimeError("linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
                               f"{self.dtype.tensor_name}")
        order = 2 if p in (None, "fro") else float(p)
        if order == 2 and dim is None and not keepdim:
            return rules.norm(self)
        return rules.norm_dim(self, order, dims(self, dim), keepdim)

    @numpy_names
    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The largest element; along `dim` (values, indices); with a tensor, the elementwise maximum."""
        return extreme(self, dim, keepdim, "max")

    @numpy_names
    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The smallest element; along `dim` (values, indices); with a tensor, the elementwise minimum."""
        return extreme(self, dim, keepdim, "min")

    # ------------------------------------------------------------ vectors and matrices
    def matmul(self, other: Any) -> Any: return matmul(self, a_tensor(other, "matmul"))

    def dot(self, other: Any) -> Any:
        """The scalar product of two vectors."""
        if self.ndim != 1 or other.ndim != 1:
            raise RuntimeError(f"1D tensors expected, but got {self.ndim}D and {other.ndim}D tensors")
        if self._array.dtype != other._array.dtype:
            raise RuntimeError("dot : expected both vectors to have same dtype, but found "
                               f"{self.dtype.tensor_name} and {other.dtype.tensor_name}")
        if len(self) != len(other):
            raise RuntimeError(f"inconsistent tensor size, expected tensor [{len(self)}] and src [{len(other)}] to have the "
                               f"same number of elements, but got {len(self)} and {len(other)} elements respectively")
        return rules.dot(self, other)

    def mv(self, vec: Any) -> Any:
        """The product of a matrix and a vector."""
        if self.ndim != 2 or vec.ndim != 1:
            raise RuntimeError(f"vector + matrix @ vector expected, got {1}, {self.ndim}, {vec.ndim}")
        if self.shape[1] != vec.shape[0]:
            raise RuntimeError(f"size mismatch, got input ({self.shape[0]}), mat ({self.shape[0]}x{self.shape[1]}), "
                               f"vec ({vec.shape[0]})")
        if self._array.dtype != vec._array.dtype:
            names = vec.dtype.tensor_name, self.dtype.tensor_name, vec.dtype.tensor_name
            raise RuntimeError("addmv input tensors must have the same dtype, but got {}, {}, and {}".format(*names))
        return rules.mv(self, vec)

    def mm(self, mat2: Any) -> Any:
        """The product of two matrices."""
        for name, x in (("self", self), ("mat2", mat2)):
            if x.ndim != 2:
                raise RuntimeError(f"{name} must be a matrix")
        if self.shape[1] != mat2.shape[0]:
            sizes = "x".join(map(str, self.shape)), "x".join(map(str, mat2.shape))
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied ({} and {})".format(*sizes))
        same_dtype(self, mat2)
        return rules.mm(self, mat2)

    def bmm(self, mat2: Any) -> Any:
        """The product of each pair of matrices in two stacks."""
        if self.ndim != 3 or mat2.ndim != 3:
            name = "batch1" if self.ndim != 3 else "batch2"
            raise RuntimeError(f"{name} must be a 3D tensor")
        b, _, m = self.shape
        if mat2.shape[:2] != (b, m):
            raise RuntimeError("Expected size for first two dimensions of batch2 tensor to be: "
                               f"[{b}, {m}] but got: [{mat2.shape[0]}, {mat2.shape[1]}].")
        same_dtype(self, mat2)
        return rules.bmm(self, mat2)

    # ------------------------------------------------------------ shapes
    def view(self, *shape: Any) -> Any:
        """The same elements in another shape, the memory shared. RuntimeError where that needs a copy."""
        if len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
            raise NotImplementedError("view(dtype) is not part of minigrad: use .to(dtype)")
        shape = full_shape(self, sizes_of(shape))
        try:
            return rules.view(self, shape)
        except ValueError:
            raise RuntimeError("view size is not compatible with input tensor's size and stride (at least one dimension "
                               "spans across two contiguous subspaces). Use .reshape(...) instead.") from None

    def reshape(self, *shape: Any) -> Any:
        """The same elements in another shape: a view where possible, else a copy."""
        shape = full_shape(self, sizes_of(shape))
        try:
            return (rules.view if self.is_contiguous() else rules.reshape_alias)(self, shape)
        except ValueError:
            return rules.unsafe_view(rules.clone(self, "C"), shape)

    def view_as(self, other: Any) -> Any: return self.view(other.shape)
    def reshape_as(self, other: Any) -> Any: return self.reshape(other.shape)
    def ravel(self) -> Any: return self.contiguous().view(-1)
    def expand_as(self, other: Any) -> Any: return self.expand(other.shape)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Any:
        """Join the dimensions from start_dim to end_dim to one."""
        if self.ndim == 0:
            return self.reshape(1)
        first, last = one_dim(self, start_dim), one_dim(self, end_dim)
        if first > last:
            raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
        if first == last:
            return self
        joined = math.prod(self.shape[first:last + 1])
        return self.reshape(*self.shape[:first], joined, *self.shape[last + 1:])

    def t(self) -> Any:
        """A matrix transposed; vectors and scalars as they are."""
        if self.ndim > 2:
            raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {self.ndim}D")
        return rules.t(self)

    @property
    def T(self) -> Any:
        """The dimensions in reverse order."""
        if self.ndim != 2:
            warnings.warn(T_DEPRECATED if self.ndim else T_OF_A_NUMBER.format("T"), UserWarning, stacklevel=2)
        return rules.permute(self, tuple(reversed(range(self.ndim))))

    @property
    def mT(self) -> Any:
        """The last two dimensions swapped."""
        if self.ndim == 0:
            warnings.warn(T_OF_A_NUMBER.format("mT"), UserWarning, stacklevel=2)
            return self
        if self.ndim < 2:
            raise RuntimeError("tensor.mT is only supported on matrices or batches of matrices. "
                               f"Got {self.ndim}-D tensor.")
        return rules.transpose(self, self.ndim - 2, self.ndim - 1)

    def transpose(self, dim0: int, dim1: int) -> Any:
        """Two dimensions swapped."""
        return rules.transpose(self, one_dim(self, dim0), one_dim(self, dim1))

    swapaxes = swapdims = transpose

    def permute(self, *order: Any) -> Any:
        """The dimensions in another order."""
        wanted = sizes_of(order)
        if len(wanted) != self.ndim:
            raise RuntimeError("permute(sparse_coo): number of dimensions in the tensor input does not match the length of "
                               f"the desired ordering of dimensions i.e. input.dim() = {self.ndim} is not equal to "
                               f"len(dims) = {len(wanted)}")
        order = tuple([one_dim(self, i) for i in wanted])
        if len(set(order)) != len(order):
            raise RuntimeError("permute(): duplicate dims are not allowed.")
        return rules.permute(self, order)

    def squeeze(self, dim: Any = None) -> Any:
        """Without the dimensions of size 1, or without those of `dim` that have size 1."""
        if dim is None:
            return rules.squeeze(self)
        if isinstance(dim, int):
            return rules.squeeze_dim(self, one_dim(self, dim))
        return rules.squeeze_dims(self, dims(self, dim))

    def unsqueeze(self, dim: int) -> Any:
        """With a new dimension of size 1 before `dim`."""
        return rules.unsqueeze(self, in_range(dim, self.ndim + 1))

    def expand(self, *shape: Any) -> Any:
        """Dimensions of size 1 repeated to the wanted size, without copying; -1 leaves a size as it is."""
        wanted = sizes_of(shape)
        if len(wanted) < self.ndim:
            raise RuntimeError(f"expand({self.type()}{{{list(self.shape)}}}, size={wanted}): the number of sizes provided "
                               f"({len(wanted)}) must be greater or equal to the number of dimensions in the tensor "
                               f"({self.ndim})")
        check_expand(self.shape, wanted, self)
        old = (1,) * (len(wanted) - self.ndim) + self.shape
        return rules.expand(self, tuple([n if w == -1 else w for n, w in zip(old, wanted, strict=True)]))

    def narrow(self, dim: int, start: int, length: int) -> Any:
        """`length` indices of `dim` from `start` on, which counts from the end if it is negative."""
        if self.ndim == 0:
            raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
        dim = one_dim(self, dim)
        n = self.shape[dim]
        if length < 0:
            raise RuntimeError("narrow(): length must be non-negative.")
        if not -n <= start <= n:
            raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
        start += n if start < 0 else 0
        if start + length > n:
            raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
        return rules.slice_(self, dim, slice(start, start + length, 1))

    def select(self, dim: int, index: int) -> Any:
        """The part at `index` along `dim`, without that dimension."""
        if self.ndim == 0:
            raise IndexError("select() cannot be applied to a 0-dim tensor.")
        dim = one_dim(self, dim)
        if not -self.shape[dim] <= index < self.shape[dim]:
            raise IndexError(f"select(): index {index} out of range for tensor of size {list(self.shape)} at dimension {dim}")
        return indexing.take(self, dim, index)

    def unbind(self, dim: int = 0) -> Any:
        """The parts at each index along `dim`, as a tuple."""
        return rules.unbind(self, existing_dim(self, dim))

    def split(self, split_size: Any, dim: int = 0) -> Any:
        """Pieces of `split_size` (the last may be smaller), or of these sizes."""
        if self.ndim == 0:
            raise RuntimeError("split expects at least a 1-dimensional tensor")
        dim = one_dim(self, dim)
        n = self.shape[dim]
        if not isinstance(split_size, int):
            if sum(split_size) != n:
                raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at "
                                   f"dimension {dim}), but got split_sizes={list(split_size)}")
            return rules.split_with_sizes(self, list(split_size), dim)
        if split_size <= 0:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}"
                               if split_size == 0 else
                               f"split expects split_size be non-negative, but got split_size={split_size}")
        return rules.split(self, [min(split_size, n - i) for i in range(0, max(n, 1), split_size)], dim)

    def chunk(self, chunks: int, dim: int = 0) -> Any:
        """At most `chunks` pieces of equal size (the last may be smaller)."""
        if self.ndim == 0:
            raise RuntimeError("chunk expects at least a 1-dimensional tensor")
        if chunks <= 0:
            raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
        return self.split(max(1, -(-self.shape[one_dim(self, dim)] // chunks)), dim)

    def contiguous(self) -> Any: return self if self.is_contiguous() else rules.clone(self, "C")
    def clone(self) -> Any: return rules.clone(self)

    # ------------------------------------------------------------ element types
    def to(self, dtype: Any) -> Any:
        """In another element type (or that of another tensor); this tensor itself where nothing changes."""
        kind = dtypes.to_numpy(dtype.dtype if isinstance(dtype, tensors.Tensor) else dtype, "to")
        if kind == self._array.dtype:
            return self
        return rules.to_copy(self if graph.can_require_grad(kind) else self.detach(), kind)

    def float(self) -> Any: return self.to(dtypes.float32)
    def double(self) -> Any: return self.to(dtypes.float64)
    def half(self) -> Any: return self.to(dtypes.float16)
    def short(self) -> Any: return self.to(dtypes.int16)
    def long(self) -> Any: return self.to(dtypes.int64)
    def int(self) -> Any: return self.to(dtypes.int32)
    def bool(self) -> Any: return self.to(dtypes.bool_)
    def type_as(self, other: Any) -> Any: return self.to(other.dtype)

    # ------------------------------------------------------------ parts
    def __getitem__(self, key: Any) -> Any: return indexing.get(self, key)
    def __setitem__(self, key: Any, value: Any) -> None: inplace.set_item(self, key, value)

    def index_put_(self, indices: Any, values: Any, accumulate: Any = False) -> Any:
        """Write (or add) `values` where the index tensors say, in place."""
        rest = indexing.basic(self, tuple(indices))[1]
        return inplace.update(rules.index_add if accumulate else rules.index_put, self, values, rest)

    # ------------------------------------------------------------ in place
    def add_(self, other: Any, *, alpha: Any = 1) -> Any:
        """Add `alpha * other` in place."""
        return inplace.update(rules.add, self, other if alpha == 1 else alpha * other)

    def sub_(self, other: Any, *, alpha: Any = 1) -> Any:
        """Subtract `alpha * other` in place."""
        return inplace.update(rules.sub, self, other if alpha == 1 else alpha * other)

    def mul_(self, other: Any) -> Any: return inplace.update(rules.mul, self, other)
    def div_(self, other: Any) -> Any: return inplace.update(rules.div, self, other)
    def pow_(self, exponent: Any) -> Any: return inplace.update(power, self, exponent)
    def __iadd__(self, other: Any) -> Any: return inplace.update(rules.add, self, other)
    def __isub__(self, other: Any) -> Any: return inplace.update(rules.sub, self, other)
    def __imul__(self, other: Any) -> Any: return inplace.update(rules.mul, self, other)
    def __itruediv__(self, other: Any) -> Any: return inplace.update(rules.div, self, other)
    def __ipow__(self, other: Any) -> Any: return inplace.update(power, self, other)
    def neg_(self) -> Any: return inplace.update(rules.neg, self)
    def exp_(self) -> Any: return inplace.update(rules.exp, self)
    def log_(self) -> Any: return inplace.update(rules.log, self)
    def sqrt_(self) -> Any: return inplace.update(rules.sqrt, self)
    def abs_(self) -> Any: return inplace.update(rules.abs, self)
    def sin_(self) -> Any: return inplace.update(rules.sin, self)
    def cos_(self) -> Any: return inplace.update(rules.cos, self)
    def tanh_(self) -> Any: return inplace.update(rules.tanh, self)
    def sigmoid_(self) -> Any: return inplace.update(rules.sigmoid, self)
    def relu_(self) -> Any: return inplace.update(rules.relu, self)
    def reciprocal_(self) -> Any: return inplace.update(rules.reciprocal, self)
    def clamp_(self, min: Any = None, max: Any = None) -> Any: return inplace.update(Operators.clamp, self, min, max)
    def zero_(self) -> Any: return inplace.update(rules.zero, self)
    def fill_(self, value: Any) -> Any: return inplace.fill_(self, value)
    def copy_(self, other: Any) -> Any: return inplace.copy_(self, other)

    def normal_(self, mean: float = 0.0, std: float = 1.0) -> Any:
        """Fill with normally distributed numbers, in place."""
        if self._array.dtype.kind != "f":
            raise NotImplementedError(f"\"normal_kernel_cpu\" not implemented for '{self.dtype.tensor_name}'")
        values = creation.generator.normal(mean, std, self.shape).astype(self._array.dtype)
        return inplace.update(rules.normal, self, values)

    def uniform_(self, low: float = 0.0, high: float = 1.0) -> Any:
        """Fill with numbers drawn evenly from [low, high), in place."""
        values = creation.generator.uniform(low, high, self.shape).astype(self._array.dtype)
        return inplace.update(rules.normal, self, values)


# ---------------------------------------------------------------- choosing the rule
def plain(ufunc: Any, a: Any, b: Any) -> Any:
    """A function without a gradient, of two arguments that meet in one shape and element type."""
    a, b = (lifting.constant(a), lifting.constant(b))
    if a is None or b is None:
        return NotImplemented
    x, y = tensors.array_of(a), tensors.array_of(b)
    kind = dtypes.result_type(x, y)
    try:
        return tensors.wrap(ufunc(np.asarray(x, kind)[()], np.asarray(y, kind)[()]))
    except ValueError:
        lifting.refuse("", x, y)
        raise


def a_tensor(x: Any, name: str) -> Any:
    """`x`; TypeError where it is not a Tensor."""
    if not isinstance(x, tensors.Tensor):
        raise TypeError(f"{name}(): argument 'other' (position 2) must be Tensor, not {type(x).__name__}")
    return x


def reduce_plain(function: Any, x: Any, dim: Any, keepdim: bool) -> Any:
    """A reduction without a gradient, over all elements or one dimension."""
    if dim is not None:
        dim = one_dim(x, dim)
    if "arg" in function.__name__:
        nonempty(x, dim, function.__name__)
    return tensors.wrap(function(x._array, axis=dim, keepdims=keepdim))


def with_number(rule: Any, x: Any, number: Any) -> Any:
    """`rule` of a tensor and a number (or array), which has no edge."""
    if x._array.dtype.kind != "f" or type(number) not in lifting.NUMBERS:
        x, number = lifting.meet(rule, x, number)
    return rule(x, tensors.array_of(number))


def remainder(a: Any, b: Any) -> Any:
    """a mod b, with the sign of b."""
    return rules.remainder_tensor(a, b) if isinstance(b, tensors.Tensor) else with_number(rules.remainder, a, b)


def power(a: Any, b: Any) -> Any:
    """a ** b, with the rule for whichever of them is a number."""
    if isinstance(b, np.generic):
        b = b.item()
    if isinstance(a, np.generic):
        a = a.item()
    if isinstance(a, tensors.Tensor) and type(b) in lifting.NUMBERS:
        kind = dtypes.result_type(a._array, b)
        if kind.kind in "iu" and b < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        return rules.pow(a if kind == a._array.dtype else a.as_type(kind), b)
    if isinstance(b, tensors.Tensor) and type(a) in lifting.NUMBERS:
        kind = dtypes.result_type(b._array, a)
        return rules.pow_base(b if kind == b._array.dtype else b.as_type(kind), a)
    return rules.pow_tensor(a, b)


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where `condition` is True, else `b`; all three broadcast."""
    if not isinstance(condition, tensors.Tensor) or condition._array.dtype != bool:
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype "
                           f"{getattr(getattr(condition, 'dtype', None), 'tensor_name', type(condition).__name__)}")
    return rules.where(*lifting.meet(rules.where, a, b), condition._array)


def nonempty(x: Any, dim: int | None, name: str) -> None:
    """IndexError (RuntimeError for max and min of all elements) where there is nothing to choose from."""
    if dim is not None and x.ndim and x.shape[dim] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    if dim is None and x._array.size == 0:
        text = f"{name}(): Expected reduction dim to be specified for input.numel() == 0."
        raise IndexError(text) if "arg" in name else RuntimeError(
            f"{text} Specify the reduction dim with the 'dim' argument.")


def extreme(x: Any, dim: Any, keepdim: bool, which: str) -> Any:
    """max and min in their three forms."""
    if isinstance(dim, tensors.Tensor):
        return getattr(rules, which + "imum")(x, dim)
    dim = dim if dim is None else one_dim(x, dim)
    nonempty(x, dim, which)
    if dim is None:
        return getattr(rules, which)(x)
    index = getattr(np, "arg" + which)(x._array, axis=dim, keepdims=True)
    values = getattr(rules, which + "_dim")(x, tensors.wrap(index), dim, keepdim)
    return Found[which](values, tensors.wrap(index if keepdim else index.squeeze(dim)))


def matmul(a: Any, b: Any) -> Any:
    """The product of vectors, matrices or stacks of matrices, as PyTorch takes it apart into dot, mv, mm and bmm."""
    a, b = lifting.constant(a), lifting.constant(b)
    if not isinstance(a, tensors.Tensor) or not isinstance(b, tensors.Tensor):
        return NotImplemented
    if a.ndim == 0 or b.ndim == 0:
        raise RuntimeError("both arguments to matmul need to be at least 1D, but they are "
                           f"{a.ndim}D and {b.ndim}D")
    if a.ndim == b.ndim == 1:
        return a.dot(b)
    if a.ndim == 2 and b.ndim == 1:
        return a.mv(b)
    if a.ndim == 1 and b.ndim == 2:
        result = rules.squeeze_product(a.unsqueeze(0).mm(b), 0)
        tensors.counter(result)[0] += 1  # PyTorch squeezes in place
        return result
    if a.ndim == b.ndim == 2:
        return a.mm(b)
    return stacked_matmul(a, b)


def stacked_matmul(a: Any, b: Any) -> Any:
    """matmul where an argument is a stack of matrices."""
    if b.ndim <= 2 and not (a.ndim > 2 and b.ndim > 2):
        folded = a.reshape(-1, a.shape[-1])
        if b.ndim == 1:
            return rules.unsafe_view(folded.mv(b), a.shape[:-1])
        return rules.unsafe_view(folded.mm(b), (*a.shape[:-1], b.shape[1]))
    if a.ndim == 1 or (a.ndim == 2 and (b.requires_grad or a.requires_grad)):
        folded = b.mT.reshape(-1, b.shape[-2])
        if a.ndim == 1:
            return rules.unsafe_view(folded.mv(a), (*b.shape[:-2], b.shape[-1]))
        product = rules.unsafe_view(folded.mm(a.t()), (*b.shape[:-2], b.shape[-1], a.shape[0]))
        return rules.clone(product.mT)
    left, right = a if a.ndim > 1 else a.unsqueeze(0), b if b.ndim > 1 else b.unsqueeze(1)
    try:
        batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    except ValueError:
        lifting.refuse("", np.empty((*left.shape[:-2], 1, 1)), np.empty((*right.shape[:-2], 1, 1)))
        raise
    stack = [x.expand(*batch, *x.shape[-2:]).reshape(-1, *x.shape[-2:]) for x in (left, right)]
    shape = (*batch, *([left.shape[-2]] if a.ndim > 1 else []), *([right.shape[-1]] if b.ndim > 1 else []))
    return rules.unsafe_view(stack[0].bmm(stack[1]), shape)


# ---------------------------------------------------------------- dimensions and shapes
def in_range(dim: int, n: int) -> int:
    """`dim` as a number from 0; IndexError outside the `n` dimensions."""
    n = max(n, 1)
    if not isinstance(dim, int):
        raise TypeError(f"argument 'dim' must be int, not {type(dim).__name__}")
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return dim % n


def one_dim(x: Any, dim: int) -> int:
    """A dimension of `x` as a number from 0; IndexError where there is none."""
    return in_range(dim, x.ndim)


def existing_dim(x: Any, dim: int) -> int:
    """As `one_dim`; IndexError also for a tensor that has no dimensions."""
    if x.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return one_dim(x, dim)


def dims(x: Any, dim: Any) -> tuple[int, ...]:
    """Dimensions of `x` as numbers from 0: all for None or (); RuntimeError for one that is named twice."""
    if dim is None or dim == () or dim == []:
        return tuple(range(x.ndim))
    result = [one_dim(x, i) for i in ((dim,) if isinstance(dim, int) else dim)]
    for i in result:
        if result.count(i) > 1:
            raise RuntimeError(f"dim {i} appears multiple times in the list of dims")
    return tuple(result) if x.ndim else ()


def sizes_of(shape: tuple) -> list[int]:
    """Sizes that were given one by one, or as one tuple or list."""
    if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)):
        shape = tuple(shape[0])
    return [int(n) for n in shape]


def full_shape(x: Any, shape: list[int]) -> tuple[int, ...]:
    """The shape with -1 replaced by what is left; RuntimeError where the elements do not fit."""
    size = int(x._array.size)
    known = math.prod([n for n in shape if n != -1])
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if any(n < -1 for n in shape):
        wrong = next(i for i, n in enumerate(shape) if n < -1)
        raise RuntimeError(f"invalid shape dimension {shape[wrong]} at index {wrong} of shape {shape}")
    if -1 in shape and known and size % known == 0:
        return tuple([size // known if n == -1 else n for n in shape])
    if -1 in shape and known == 0 and size == 0:
        raise RuntimeError(f"cannot reshape tensor of 0 elements into shape {shape} because the unspecified dimension size "
                           "-1 can be any value and is ambiguous")
    if known != size or -1 in shape:
        raise RuntimeError(f"shape '{shape}' is invalid for input of size {size}")
    return tuple(shape)


def check_expand(shape: Any, wanted: Any, x: Any) -> None:
    """RuntimeError when `shape` cannot be expanded to `wanted`."""
    if len(shape) > len(wanted):
        raise RuntimeError(f"expand({x.type()}{{{list(shape)}}}, size={list(wanted)}): the number of sizes provided "
                           f"({len(wanted)}) must be greater or equal to the number of dimensions in the tensor "
                           f"({len(shape)})")
    extra = len(wanted) - len(shape)
    for i in reversed(range(len(wanted))):
        n, w = (shape[i - extra] if i >= extra else 1), wanted[i]
        if w == -1 and i < extra:
            raise RuntimeError("The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension "
                               f"{i}")
        if n not in (1, w) and w != -1:
            raise RuntimeError(f"The expanded size of the tensor ({w}) must match the existing size ({n}) at non-singleton "
                               f"dimension {i}.  Target sizes: {list(wanted)}.  Tensor sizes: {list(shape)}")


def same_dtype(a: Any, b: Any) -> None:
    """RuntimeError when two matrices have different element types."""
    if a._array.dtype != b._array.dtype:
        raise RuntimeError("expected m1 and m2 to have the same dtype, but got: "
                           f"{a.type_name} != {b.type_name}")

"""What can be called on a Tensor: each operator and method chooses the rule. At the end they are put on Tensor.

Results follow PyTorch: shapes, element types, which node they get, and what is refused.
"""

import functools
import math
import operator
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes, graph, indexing, inplace, lifting, rules, tensors
from .creation import random, sizes
from .errors import error, need, warn
from .layout import by_rows, in_order
from .tensors import Tensor

ALL: Any = object()  # no `dim` was given: not the same as None or (), which the recorded node shows


# ---------------------------------------------------------------- arithmetic
def add(x: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """x + alpha * other."""
    return rules.add(x, other) if alpha == 1 else rules.add_scaled(x, other, scale(x, other, alpha))


def sub(x: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """x - alpha * other."""
    return rules.sub(x, other) if alpha == 1 else rules.sub_scaled(x, other, scale(x, other, alpha))


def scale(x: Any, other: Any, alpha: Any) -> Any:
    """`alpha` in the type in which x and other meet; RuntimeError where that would cut it off."""
    kind = dtypes.result_type(*[tensors.array_of(lifting.constant(each)) for each in (x, other)])
    need(kind.kind == "f" or type(alpha) is not float, "alpha")
    return np.asarray(alpha).astype(kind)[()]


def rsub(x: Tensor, number: Any) -> Tensor:
    """number - x."""
    if lifting.constant(number) is None:
        return NotImplemented
    if x._array.dtype.kind != "f" or type(number) not in (int, float):
        x, number = lifting.meet(rules.rsub, x, number)
    return rules.rsub(x, tensors.array_of(number))


def rdiv(x: Tensor, number: Any) -> Tensor:
    """number / x, as PyTorch computes it."""
    return rules.reciprocal(x) * number if lifting.constant(number) is not None else NotImplemented


def pow(a: Any, b: Any) -> Tensor:
    """a ** b, with the rule for whichever of them is a number."""
    if (b.__class__ is int or b.__class__ is float) and a.__class__ is Tensor and a._requires_grad:
        return rules.pow(a, b)
    a, b = [x.item() if isinstance(x, np.generic) else x for x in (a, b)]
    if isinstance(a, Tensor) and type(b) in lifting.NUMBERS:
        kind = dtypes.result_type(a._array, b)
        need(kind.kind not in "iu" or b >= 0, "integer_power")
        return rules.pow(a.as_type(kind), b) if kind.kind != "b" else to(rules.pow(a, b), dtypes.bool_)
    if isinstance(b, Tensor) and type(a) in lifting.NUMBERS:
        kind = dtypes.result_type(b._array, a)
        return rules.pow_base(b.as_type(kind), np.asarray(a).astype(kind)[()] if kind.kind in "iu" else a)  # it may not fit
    return rules.pow_tensor(a, b)


def clamp(x: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Every element moved into [min, max], two numbers or two tensors; RuntimeError when neither bound is given."""
    min, max = [bound.item() if isinstance(bound, np.generic) else bound for bound in (min, max)]
    bounds = [bound for bound in (min, max) if bound is not None]
    among = [isinstance(bound, Tensor) for bound in bounds]
    need(bounds, "clamp_none")
    for bound in bounds:
        need(lifting.constant(bound) is not None, "only_number", type(bound))
    kind = dtypes.result_type(x._array, *map(tensors.array_of, bounds))
    if not any(among):
        name = "clamp_min_" if max is None else "clamp_max_" if min is None else "clamp_"
        need(kind.kind != "b", "not_implemented", name + "scalar_cpu", "Bool")
        return rules.clamp(x.as_type(kind), *[None if bound is None else dtypes.scalar(bound, kind) for bound in (min, max)])
    need(all(among), "clamp_mixed")
    lowest, highest = (-np.inf, np.inf) if kind.kind == "f" else (np.iinfo(kind).min, np.iinfo(kind).max)
    return rules.clamp_between(x, lowest if min is None else min, highest if max is None else max)


def tensors_only(op: Any) -> Callable:
    """The method for an operation that takes no numbers."""
    def method(x: Tensor, other: Tensor, *args: Any, **options: Any) -> Any:
        need(isinstance(other, Tensor), "not_a_tensor", op.__name__, "other", 2, type(other))
        return op(x, other, *args, **options)
    return method


def called(op: Callable, name: str) -> Callable:
    """The method for an operator: TypeError where that leaves it to Python to say what is wrong."""
    def method(x: Any, other: Any, **options: Any) -> Any:
        result = op(x, other, **options)
        if result is NotImplemented:
            raise error("not_a_tensor", name, "other", 1, type(other))
        return result
    method.__name__, method.__doc__ = name, op.__doc__
    return method


def abs(x: Tensor) -> Tensor:
    """|x|; NotImplementedError for bool."""
    need(x._array.dtype.kind != "b", "not_implemented", "abs_cpu", "Bool")
    return rules.abs(x)


def relu(x: Tensor) -> Tensor:
    """max(x, 0); RuntimeError for bool."""
    need(x._array.dtype.kind != "b", "relu_bool")
    return rules.relu(x)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """`input` where `condition` is True, else `other`; all three broadcast. Without these: the indices where it is not 0."""
    a, b = input, other
    need((a is None) == (b is None), "where_two")
    if a is None:
        return tuple([tensors.wrap(index) for index in np.atleast_1d(condition._array).nonzero()])
    kind = condition.dtype.tensor_name if isinstance(condition, Tensor) else type(condition).__name__
    need(kind in ("Bool", "Byte"), "where", kind)
    lifting.refuse("", *[tensors.array_of(x) for x in (condition, a, condition, b, a)])
    a = a if isinstance(a, Tensor) or isinstance(b, Tensor) else np.asarray(a, dtypes.result_type(*map(lifting.constant, (a, b))))
    return graph.watch(rules.where(*lifting.meet(rules.where, a, b), condition._array.astype(bool, copy=False)), condition)


def softmax(x: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`."""
    return rules.softmax(floating(x if dtype is None else to(x, dtype), "softmax", dim), in_range(dim, x.ndim))


def log_softmax(x: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """log(softmax(x)) along `dim`, without overflow."""
    return rules.log_softmax(floating(x if dtype is None else to(x, dtype), "log_softmax", dim), in_range(dim, x.ndim))


def floating(x: Tensor, name: str, dim: int) -> Tensor:
    """`x`; NotImplementedError, in PyTorch's words, for integers."""
    if x._array.dtype.kind != "f":
        last = "_lastdim" * (in_range(dim, x.ndim) == in_range(-1, x.ndim))
        raise error("not_implemented", f"{name}{last}_kernel_impl", x.dtype.tensor_name)
    return x


# ---------------------------------------------------------------- without a gradient
def compare(ufunc: Any) -> Callable[[Any, Any], Any]:
    """The operator for a NumPy function of two arguments, which meet in one shape and element type."""
    def operator(a: Any, b: Any) -> Any:
        a, b = lifting.constant(a), lifting.constant(b)
        if a is None or b is None:
            return NotImplemented
        x, y = tensors.array_of(a), tensors.array_of(b)
        kind = dtypes.result_type(x, y)
        try:
            return tensors.wrap(in_order(ufunc(*[np.asarray(each).astype(kind, copy=False)[()] for each in (x, y)]), x, y))
        except (TypeError, ValueError):
            lifting.refuse("", x, y)
            raise error("not_implemented", ufunc.__name__ + "_cpu", dtypes.OF_NUMPY[kind].tensor_name) from None
    return operator


def test(ufunc: Any) -> Callable[[Tensor], Tensor]:
    """The method for a NumPy function of one argument."""
    return lambda x: tensors.wrap(in_order(ufunc(x._array), x._array))


def pos(x: Tensor) -> Tensor:
    """`x` itself; RuntimeError for bool."""
    need(x._array.dtype != bool, "plus_bool")
    return x


def invert(x: Tensor) -> Tensor:
    """The opposite of each truth value, or of each bit."""
    need(x._array.dtype.kind != "f", "invert")
    return tensors.wrap(np.invert(x._array))


def equal(x: Tensor, other: Tensor) -> bool:
    """True when shape and all elements are the same."""
    return bool(np.array_equal(x._array, other._array))


def contains(x: Tensor, value: Any) -> bool:
    """Whether some element equals `value`; RuntimeError unless that is a number or a tensor."""
    need(lifting.constant(value) is not None, "contains", str(type(value)))
    return bool((value == x)._array.any())


def allclose(x: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """True when all elements satisfy |a - b| <= atol + rtol |b|."""
    need(x.dtype is other.dtype, "allclose", x, other)
    lifting.refuse("", x._array, other._array)
    return bool(np.allclose(x._array, other._array, rtol, atol, equal_nan))


def nonzero(x: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not 0: a row for each, or a tensor for each dimension."""
    return where(x) if as_tuple else tensors.wrap(np.argwhere(x._array))


# ---------------------------------------------------------------- reductions
def numpy_names(method: Callable) -> Callable:
    """The method takes `axis` and `keepdims` for `dim` and `keepdim`, and a sum, mean or product a `dtype` to compute in."""
    @functools.wraps(method)
    def call(x: Tensor, *args: Any, **options: Any) -> Any:
        if options:
            options = {{"axis": "dim", "keepdims": "keepdim"}.get(name, name): value for name, value in options.items()}
        for value in (*args[1:], options.get("keepdim")) if options or len(args) > 1 else ():
            need(type(value) is not int or method is norm, "keepdim", type(value))
        dtype = options.pop("dtype", None) if options and method in (sum, mean, prod) else None
        if dtype is None:
            return method(x, *args, **options)
        kind = dtypes.to_numpy(dtype, method.__name__)
        need(graph.can_require_grad(kind) or not x.requires_grad, "autograd_dtype", dtypes.OF_NUMPY[kind].tensor_name)
        return method(x.as_type(kind), *args, **options).as_type(kind)
    return call


def sum(x: Tensor, dim: Any = ALL, keepdim: bool = False) -> Tensor:
    """The sum of all elements, or along `dim` (a number, several, or None for all)."""
    x = countable(x)
    return rules.sum(x) if dim is ALL else rules.sum_dim(x, dims(x, dim), keepdim)


def prod(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The product of all elements, or along one dimension."""
    x = countable(x)
    return rules.prod(x) if dim is None else rules.prod_dim(x, in_range(dim, x.ndim), keepdim)


def countable(x: Tensor) -> Tensor:
    """`x`, bytes as int64, as all integers are summed."""
    return to(x, dtypes.int64) if x._array.dtype.kind == "u" else x


def mean(x: Tensor, dim: Any = ALL, keepdim: bool = False) -> Tensor:
    """The mean of all elements, or along `dim`. RuntimeError for integers."""
    need(x._array.dtype.kind == "f", "mean", x)
    return rules.mean(x) if dim is ALL else rules.mean_dim(x, dims(x, dim), keepdim)


def var(x: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None) -> Tensor:
    """The variance; the sum of squares is divided by n - correction (1 if unbiased)."""
    dim, unbiased = (None, dim) if isinstance(dim, bool) else (dim, unbiased)
    need(x._array.dtype.kind == "f", "var")
    dim, correction = dims(x, dim), int(unbiased) if correction is None else correction
    if rules.count(x.shape, dim) <= correction:
        warn("var_freedom", level=2)
    return rules.var(x, dim, correction, keepdim)


def norm(x: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """(sum |x|^p)^(1/p) of all elements, or along `dim`."""
    need(x._array.dtype.kind == "f", "norm", x)
    order = 2 if p in (None, "fro") else float(p)
    return rules.norm(x) if order == 2 and dim is None and not keepdim else rules.norm_dim(x, order, dims(x, dim), keepdim)


def extreme(name: str, choose: Callable, place: Callable) -> Callable:
    """The method max or min in its three forms."""
    found = namedtuple(name, ["values", "indices"], module="minigrad.return_types")
    found.__repr__ = lambda pair: (  # type: ignore[method-assign]
        f"minigrad.return_types.{name}(\nvalues={pair.values!r},\nindices={pair.indices!r})")

    def method(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
        if isinstance(dim, Tensor):
            return getattr(rules, name + "imum")(x, dim)
        if dim is None:
            need(x._array.size, "empty_all", name)
            return getattr(rules, name)(x, choose)
        dim = nonempty(x, dim, name)
        index = place(x._array, axis=dim, keepdims=True)
        values = getattr(rules, name + "_dim")(x, tensors.wrap(index), dim, keepdim)
        indices = tensors.wrap(index if keepdim else index.squeeze(dim))
        return found(graph.watch(values, indices), indices)

    method.__doc__ = f"The {name}imum of all elements; along `dim` (values, indices); with a tensor, elementwise."
    return method


def nonempty(x: Tensor, dim: int, name: str) -> int:
    """The dimension as a number from 0; IndexError where there is nothing to choose from."""
    dim = in_range(dim, x.ndim)
    need(x.ndim == 0 or x.shape[dim], "empty_dim", name, dim)
    return dim


def plain_reduction(function: Callable, name: str) -> Callable:
    """The method for a reduction without a gradient, over all elements or one dimension."""
    def method(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
        array, chooses = x._array, "arg" in name
        need(not chooses or array.dtype != bool, "arg_bool", name)
        if dim is not None:
            dim = nonempty(x, dim, name) if chooses else dims(x, dim)
        need(array.size or dim is not None or not chooses, "empty_arg", name)
        found = by_rows(function(array, axis=dim, keepdims=keepdim))
        return tensors.wrap(found if chooses or array.dtype != np.uint8 else found.astype(np.uint8))
    return method


# ---------------------------------------------------------------- vectors and matrices
def product(name: str, dims: tuple, names: tuple, on_bool: str, meaning: str) -> Callable[[Tensor, Tensor], Tensor]:
    """The method for a product of tensors with these numbers of dimensions, which messages call by these names."""
    def method(x: Tensor, other: Tensor) -> Tensor:
        a, b = x._array.shape, other._array.shape
        need((len(a), len(b)) == dims, name + "_dims", x, other, names[len(a) == dims[0]])
        need(name != "dot" or x._array.dtype == other._array.dtype, "dot_dtypes", x, other)
        need((b[:-1] or b) == a[:-2] + a[-1:], name + "_sizes", x, other)
        need(x._array.dtype == other._array.dtype, name + "_dtypes", x, other)
        need(x._array.dtype != bool, "not_implemented", on_bool, "Bool")
        return getattr(rules, name)(x, other)

    method.__name__, method.__doc__ = name, meaning
    return method


dot = product("dot", (1, 1), ("self", "tensor"), "dot", "The scalar product of two vectors.")
mv = product("mv", (2, 1), ("self", "vec"), "addmv_impl_cpu", "The product of a matrix and a vector.")
mm = product("mm", (2, 2), ("self", "mat2"), "addmm_impl_cpu_", "The product of two matrices.")
bmm = product("bmm", (3, 3), ("batch1", "batch2"), "bmm", "The product of each pair of matrices in two stacks.")
BOOL = np.dtype(bool)
PRODUCTS = {(1, 1): dot, (2, 1): mv, (2, 2): mm}


def matmul(a: Any, b: Any) -> Any:
    """The product of vectors, matrices or stacks of matrices, as PyTorch takes it apart into dot, mv, mm and bmm."""
    if a.__class__ is b.__class__ is Tensor:
        x, y = a._array, b._array
        if x.ndim == y.ndim == 2 and x.shape[1] == y.shape[0] and x.dtype is y.dtype is not BOOL:
            return rules.mm(a, b)
    a, b = lifting.constant(a), lifting.constant(b)
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        return NotImplemented
    left, right = a._array.ndim, b._array.ndim
    need(left and right, "matmul_0d", a, b)
    if (left, right) in PRODUCTS:
        return PRODUCTS[left, right](a, b)
    if (left, right) == (1, 2):
        result = rules.squeeze_product(mm(unsqueeze(a, 0), b), b._array.shape[1:])
        tensors.counter(result)[0] += 1  # PyTorch squeezes in place
        return result
    return stacked_matmul(a, b)


def stacked_matmul(a: Tensor, b: Tensor) -> Tensor:
    """matmul where an argument is a stack of matrices: one product of matrices where PyTorch makes one, else `bmm`."""
    if a.ndim == b.ndim == 3 and len(a) != len(b):  # one of them is repeated
        a, b = [squeeze(x, 0) if len(x) == 1 and x.requires_grad else x for x in (a, b)]
    swapped = a.ndim < b.ndim
    large, small = (transpose(b, -2, -1), a) if swapped else (a, b)
    steps = zip(large.stride()[:-2], large.stride()[1:], large.shape[1:-1], strict=False)
    folds = not large.numel() or all(step == below * n for step, below, n in steps)  # to one matrix, without a copy
    if small.ndim <= 2 and (small.requires_grad or (a.ndim != 2 and folds)):
        rows = reshape(large, math.prod(large.shape[:-1]), large.shape[-1])
        product = mv(rows, small) if small.ndim == 1 else mm(rows, t(small) if swapped else small)
        product = rules.unsafe_view(product, (*large.shape[:-1], *product.shape[1:]))
        return contiguous(transpose(product, -2, -1)) if swapped and small.ndim == 2 else product
    stacks = [np.empty((*x.shape[:-2], 1, 1)) for x in (a, b)]
    lifting.refuse("", *stacks)
    batch = np.broadcast(*stacks).shape[:-2]
    shapes = (1, *a.shape)[-2:], b.shape[-2:]
    left, right = [reshape(expand(x, *batch, *n), math.prod(batch), *n) for x, n in zip((a, b), shapes, strict=True)]
    product = bmm(left, right) if b.ndim > 1 else squeeze(bmm(left, unsqueeze(right, 2)), -1)
    return rules.unsafe_view(product, (*batch, *a.shape[-2:-1], *b.shape[1:][-1:]))


# ---------------------------------------------------------------- dimensions
def in_range(dim: int, n: int) -> int:
    """`dim` as a number from 0; IndexError outside the `n` dimensions."""
    n = n or 1
    need(hasattr(dim, "__index__"), "dim_type", type(dim))
    dim = operator.index(dim)
    need(-n <= dim < n, "dim_range", -n, n - 1, dim)
    return dim % n


def existing_dim(x: Tensor, dim: int, caller: str = "dim") -> int:
    """A dimension of `x` as a number from 0; an error, that of `caller`, also for a tensor that has no dimensions."""
    need(x.ndim, caller + "_0d", dim)
    return in_range(dim, x.ndim)


def dims(x: Tensor, dim: Any) -> tuple[int, ...]:
    """Dimensions of `x` as numbers from 0: all for None or (); RuntimeError for one that is named twice."""
    n = x._array.ndim
    result = [in_range(i, n) for i in ((dim,) if hasattr(dim, "__index__") else range(n) if dim in (None, (), []) else dim)]
    for i in result:
        need(result.count(i) == 1, "dim_twice", i)
    return tuple(result) if n else ()


# ---------------------------------------------------------------- shapes
def view(x: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape, the memory shared. RuntimeError where that needs a copy."""
    wanted = full_shape(x, sizes(shape, "view"))
    try:
        return rules.view(x, wanted)
    except ValueError:
        raise error("view_stride") from None


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape: a view where possible, else a copy."""
    wanted = full_shape(x, sizes(shape, "reshape", "shape"))
    try:
        return (rules.view if x.is_contiguous() else rules.reshape_alias)(x, wanted)
    except ValueError:
        return rules.unsafe_view(rules.clone(x, "C"), wanted)


def full_shape(x: Tensor, shape: list[int]) -> tuple[int, ...]:
    """The shape with -1 replaced by what is left; RuntimeError where the elements do not fit."""
    size, known, free = int(x._array.size), math.prod([n for n in shape if n != -1]), shape.count(-1)
    need(free <= 1, "two_inferred")
    for i, n in enumerate(shape):
        need(n >= -1, "shape_size", n, i, shape)
    need(not free or known or size, "shape_ambiguous", shape)
    need(known and size % known == 0 if free else known == size, "shape", shape, size)
    return tuple([size // known if n == -1 else n for n in shape])


def ravel(x: Tensor) -> Tensor:
    """All elements in one dimension, row by row."""
    return view(contiguous(x), -1)


def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Join the dimensions from start_dim to end_dim to one."""
    shape = x._array.shape
    first, last = in_range(start_dim, len(shape)), in_range(end_dim, len(shape))
    need(first <= last, "flatten")
    return x if first == last and shape else reshape(x, *shape[:first], math.prod(shape[first:last + 1]), *shape[last + 1:])


def t(x: Tensor) -> Tensor:
    """A matrix transposed; vectors and scalars as they are."""
    need(x.ndim <= 2, "t", x.ndim)
    return rules.t(x, tuple(range(x.ndim))[::-1])


def T(x: Tensor) -> Tensor:
    """The dimensions in reverse order."""
    if x.ndim != 2:
        warn("T_dims" if x.ndim else "T_0d")
    return rules.permute(x, tuple(range(x.ndim))[::-1])


def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions swapped."""
    n = x._array.ndim
    i, j = in_range(dim0, n), in_range(dim1, n)
    return rules.transpose(x, tuple([{i: j, j: i}.get(k, k) for k in range(n)]))


def permute(x: Tensor, *order: Any) -> Tensor:
    """The dimensions in another order."""
    wanted, n = sizes(order, "permute", "dims"), x._array.ndim
    need(len(wanted) == n, "permute_dims", n, len(wanted))
    dims = tuple([in_range(i, n) for i in wanted])
    need(len(set(dims)) == n, "permute_twice")
    return rules.permute(x, dims)


def squeeze(x: Tensor, dim: Any = None) -> Tensor:
    """Without the dimensions of size 1, or without those of `dim` that have size 1."""
    chosen = dims(x, dim)
    rule = rules.squeeze if dim is None else rules.squeeze_dim if hasattr(dim, "__index__") else rules.squeeze_dims
    return rule(x, tuple([n for i, n in enumerate(x._array.shape) if n != 1 or i not in chosen]))


def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 before `dim`."""
    shape = x._array.shape
    dim = in_range(dim, len(shape) + 1)
    return rules.unsqueeze(x, (*shape[:dim], 1, *shape[dim:]))


def expand(x: Tensor, *shape: Any) -> Tensor:
    """Dimensions of size 1 repeated to the wanted size, without copying; -1 leaves a size as it is."""
    wanted, old = sizes(shape, "expand"), x._array.shape
    extra = len(wanted) - len(old)
    kind = "CPUBoolType" if x._array.dtype == bool else x.type()
    need(extra >= 0, "expand_dims", kind, list(old), wanted, len(wanted), len(old))
    for i in reversed(range(len(wanted))):
        n = old[i - extra] if i >= extra else 1
        need(wanted[i] != -1 or i >= extra, "expand_new", i)
        need(n in (1, wanted[i]) or wanted[i] == -1, "expand_size", wanted[i], n, i, wanted, list(old))
        wanted[i] = n if wanted[i] == -1 else wanted[i]
    return rules.expand(x, tuple(wanted))


def contiguous(x: Tensor) -> Tensor:
    """The same values, in memory row by row."""
    return x if x.is_contiguous() else rules.clone(x, "C")


# ---------------------------------------------------------------- parts, and putting them together
def narrow(x: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` indices of `dim` from `start` on, which counts from the end if it is negative."""
    dim = existing_dim(x, dim, "narrow")
    n = x._array.shape[dim]
    need(length >= 0, "narrow_length")
    need(-n <= start <= n, "narrow_start", -n, n, start)
    start += n if start < 0 else 0
    need(start + length <= n, "narrow_end", start, length, n)
    return rules.slice_(x, rules.along(dim, slice(start, start + length)))


def select(x: Tensor, dim: int, index: int) -> Tensor:
    """The part at `index` along `dim`, without that dimension."""
    dim = existing_dim(x, dim, "select")
    n = x._array.shape[dim]
    need(-n <= index < n, "select", index, list(x.shape), dim)
    return rules.select(x, rules.along(dim, index))


def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The parts at each index along `dim`."""
    return rules.unbind(x, existing_dim(x, in_range(dim, x.ndim)))


def split(x: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of `split_size` (the last may be smaller), or of these sizes."""
    given, dim = dim, existing_dim(x, dim, "split")
    n = x._array.shape[dim]
    if not isinstance(split_size, int):
        need(min(split_size, default=0) >= 0, "split_negative", list(split_size))
        need(np.sum(split_size) == n, "split_sizes", n, given, list(split_size))
        return rules.split_with_sizes(x, list(split_size), dim)
    need(split_size != 0, "split_zero", n)
    need(split_size > 0, "split_size", split_size)
    return rules.split(x, [min(split_size, n - i) for i in range(0, n or 1, split_size)], dim)


def sequence(given: Any, name: str) -> list[Tensor]:
    """The tensors as a list, in one element type; an error for none, or for something else."""
    need(not isinstance(given, Tensor), "no_list", name)
    found = list(given)
    need(found, name + "_empty")
    for i, x in enumerate(found):
        need(isinstance(x, Tensor), "element", i, type(x))
    kind = dtypes.result_type(*[x._array for x in found])
    return [x.as_type(kind) for x in found]


def cat(tensors: Any, dim: Any = 0) -> Tensor:
    """The tensors one after the other along `dim`; all other sizes must agree."""
    found = sequence(tensors, "cat")
    first = ([x for x in found if x._array.shape != (0,)] or found)[0]  # an empty vector goes with everything
    for i, x in enumerate(found):
        need(x.ndim, "cat_0d", i)
    dim = in_range(dim, first.ndim)
    for i, x in enumerate(found):
        vector = x._array.shape == (0,)
        need(vector or x.ndim == first.ndim, "cat_dims", first.ndim, x.ndim)
        for d, (n, m) in enumerate(zip(first.shape, x.shape, strict=False)):
            need(vector or d == dim or n == m, "cat_sizes", dim, n, m, i)
    return rules.cat(*found, dim=dim)


def stack(tensors: Any, dim: Any = 0) -> Tensor:
    """The tensors, all of one shape, along a new dimension."""
    found = sequence(tensors, "stack")
    shape = found[0].shape
    for i, x in enumerate(found):
        need(x.shape == shape, "stack_sizes", list(shape), list(x.shape), i)
    return rules.stack(*found, dim=in_range(dim, len(shape) + 1))


# ---------------------------------------------------------------- element types
def to(x: Tensor, dtype: Any, *, copy: bool = False) -> Tensor:
    """In another element type (or that of another tensor); this tensor itself where nothing changes, except with `copy`."""
    kind = dtypes.to_numpy(dtype.dtype if isinstance(dtype, Tensor) else dtype, "to")
    return x if kind == x._array.dtype and not copy else rules.to_copy(x if graph.can_require_grad(kind) else x.detach(), kind)


def cast(dtype: Any) -> Callable[[Tensor], Tensor]:
    """The method that converts to one element type."""
    return lambda x: to(x, dtype)


# ---------------------------------------------------------------- in place
def in_place(op: Callable) -> Callable[..., Tensor]:
    """The method that writes the result of `op` into its tensor."""
    return lambda x, *args, **options: inplace.update(op, x, *args, **options)


def assigned(op: Callable, direct: Callable | None) -> Callable[..., Any]:
    """The operator, such as `-=`, that writes the result of `op`; direct: does it on arrays, where nothing is recorded."""
    def operator(x: Tensor, other: Any, **options: Any) -> Any:
        if direct is not None and not options and inplace.write_with(direct, x, other):
            return x
        return NotImplemented if lifting.constant(other) is None else inplace.update(op, x, other, **options)
    return operator


DIRECT = {"add": operator.iadd, "sub": operator.isub, "mul": operator.imul, "div": operator.itruediv}


def zero_(x: Tensor) -> Tensor:
    """Fill with zeros, in place."""
    return inplace.update(rules.zero, x, 0)


def normal_(x: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Fill with normally distributed numbers, in place."""
    need(x._array.dtype.kind == "f", "not_implemented", "normal_kernel_cpu", x.dtype.tensor_name)
    need(std >= 0, "std", std)
    return inplace.update(rules.normal, x, random().normal(mean, std, x.shape).astype(x._array.dtype))


# ---------------------------------------------------------------- on Tensor
def spelled(method: Callable, keyword: str) -> Callable:
    """The method takes its first argument also by this name."""
    @functools.wraps(method)
    def call(x: Tensor, *args: Any, **options: Any) -> Any:
        return method(x, options.pop(keyword), *args, **options) if keyword in options else method(x, *args, **options)
    return call


METHODS: dict[str, Any] = {f.__name__: f for f in (
    clamp, abs, relu, softmax, log_softmax, sum, prod, mean, var, norm, view, reshape, ravel, flatten, t,
    transpose, permute, squeeze, unsqueeze, expand, contiguous, narrow, select, unbind, split, to, zero_, normal_)}
METHODS |= {name: getattr(rules, name) for name in "neg reciprocal exp log sqrt sign sin cos tanh sigmoid clone".split()}
METHODS |= {f"{f}_": in_place(METHODS[f]) for f in "neg exp log sqrt abs sign sin cos tanh sigmoid relu reciprocal clamp".split()}
UFUNCS = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
          "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor"}
BINARY: dict[str, Callable] = {"add": add, "sub": sub, "mul": rules.mul, "div": rules.div, "pow": pow}
BINARY |= {f"{name}_": assigned(op, DIRECT.get(name)) for name, op in BINARY.items()}
BINARY |= {name: compare(getattr(np, ufunc)) for name, ufunc in UFUNCS.items()}
METHODS |= {name: called(op, name) for name, op in BINARY.items()}
KEYWORDS = {"view": "size", "reshape": "shape", "expand": "size", "permute": "dims", "pow": "exponent", "pow_": "exponent",
            "dot": "tensor", "mv": "vec", "mm": "mat2", "bmm": "mat2", "max": "other", "min": "other"}
METHODS |= {f"{op.__name__}_as": lambda x, other, op=op: op(x, other.shape) for op in (view, reshape, expand)}
METHODS |= {op.__name__: tensors_only(op) for op in (rules.maximum, rules.minimum, matmul, equal, allclose, dot, mv, mm, bmm)}
METHODS |= {name: compare(getattr(np, name)) for name in ("logical_and", "logical_or", "logical_xor")}
METHODS |= {name: test(getattr(np, name)) for name in "isnan isinf isfinite logical_not".split()}
METHODS |= {name: plain_reduction(getattr(np, name), name) for name in "all any argmax argmin".split()}
METHODS |= {name.strip("_"): cast(getattr(dtypes, name)) for name in "half float_ double short int_ long bool_".split()}
METHODS |= {"max": extreme("max", np.max, np.argmax), "min": extreme("min", np.min, np.argmin), "clip": clamp,
            "swapaxes": transpose, "nonzero": nonzero, "copy_": inplace.copy_, "fill_": inplace.fill_,
            "T": tensors.read_only(T), "square": lambda x: pow(x, 2), "type_as": to,
            "where": lambda x, condition, other: where(condition, x, other)}
METHODS |= {name: spelled(METHODS[name], keyword) for name, keyword in KEYWORDS.items()}
METHODS |= {f: numpy_names(METHODS[f]) for f in
            "sum prod mean var norm max min all any argmax argmin softmax log_softmax squeeze unsqueeze unbind".split()}
OPERATORS: dict[str, Callable] = {
    "add": rules.add, "radd": rules.add, "sub": rules.sub, "rsub": rsub, "mul": rules.mul, "rmul": rules.mul,
    "truediv": rules.div, "rtruediv": rdiv, "pow": pow, "rpow": lambda x, other: pow(other, x), "matmul": matmul,
    "rmatmul": lambda x, other: matmul(other, x), "neg": rules.neg, "pos": pos, "abs": abs, "invert": invert,
    "rand": BINARY["and"], "ror": BINARY["or"], "rxor": BINARY["xor"], "getitem": indexing.get, "setitem": inplace.set_item,
    "contains": contains, "delitem": lambda x, index: need(False, "delete_item"),
    **{f"i{name}": BINARY[f"{name}_"] for name in "add sub mul pow".split()}, "itruediv": BINARY["div_"],
    **{name: BINARY[name] for name in UFUNCS}}

for _name, _method in (METHODS | {f"__{name}__": op for name, op in OPERATORS.items()}).items():
    setattr(Tensor, _name, _method)

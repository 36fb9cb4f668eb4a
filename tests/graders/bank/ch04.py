"""Chapter 04. RIGHT: exercise -> sources. WRONG: exercise -> {mistake as the check names it: sources}."""

RIGHT = {
    "log_and_pow": [
        """
def log(a, /):
    slope = 1 / a
    return np.log(a), lambda g: slope * g
""",
        """
def log(a, /):
    def back(g):
        out = np.empty(np.shape(g))
        for i in np.ndindex(np.shape(a)):
            out[i] = np.asarray(g)[i] / np.asarray(a)[i]
        return out
    return np.log(a), back
""",
        """
def pow(a, /, exponent):
    def back(g):
        return exponent * np.power(a, exponent - 1.0) * g
    return np.power(a, exponent), back
""",
        """
def pow(a, /, exponent):
    out = a ** exponent
    return out, lambda g: g * exponent * out / a
""",
        """
def log(a, /):
    return np.log(a), lambda g: np.divide(g, a)
""",
        """
def log(a, /):
    return np.log2(a) * np.log(2.0), lambda g: g * a ** -1.0
""",
        """
def log(a, /):
    back = lambda g: np.einsum("...,...->...", g, 1.0 / a)
    return np.log(a), back
""",
        """
def log(a, /):
    def back(g):
        g = g.copy()
        g /= a
        return g
    return np.log(a), back
""",
        """
def log(a, /):
    return np.log1p(a - 1), lambda g: g * np.reciprocal(a)
""",
        """
def pow(a, /, exponent):
    def back(g):
        if exponent == 0:
            return np.zeros_like(a) * 0.0
        return g * exponent * a ** (exponent - 1)
    return a ** exponent, back
""",
        """
def pow(a, /, exponent):
    slope = exponent * np.float_power(a, exponent - 1)
    return a ** exponent, lambda g: slope * g
""",
        """
def pow(a, /, exponent):
    if isinstance(exponent, int) and exponent >= 0:
        out = np.ones_like(a)
        for _ in range(exponent):
            out = out * a
    else:
        out = np.power(a, exponent)
    return out, lambda g: np.array(g) * np.array(exponent) * np.power(a, exponent - 1.0)
""",
        """
def pow(a, /, exponent):
    if exponent == 0:
        return np.ones_like(a), lambda g: 0 * g
    if exponent == 1:
        return a, lambda g: g
    return a ** exponent, lambda g: exponent * g * a ** exponent / a
""",
    ],
    "abs": [
        """
def abs(a, /):
    return np.absolute(a), lambda g: np.where(a > 0, g, np.where(a < 0, -g, 0.0))
""",
        """
def abs(a, /):
    sign = (a > 0).astype(float) - (a < 0)
    return a * sign, lambda g: sign * g
""",
        """
def abs(a, /):
    return np.where(a < 0, -a, a), lambda g: g * np.sign(a)
""",
        """
def abs(a, /):
    return np.maximum(a, -a), lambda g: g * ((a > 0) * 1.0 - (a < 0) * 1.0)
""",
        """
def abs(a, /):
    return np.sqrt(a * a), lambda g: divide0(g * a, np.abs(a))
""",
        """
def abs(a, /):
    def back(g):
        slope = np.zeros_like(a)
        slope[a > 0] = 1
        slope[a < 0] = -1
        return slope * g
    return np.fabs(a), back
""",
        """
def abs(a, /):
    def back(g):
        result = np.empty_like(g)
        for i, x in np.ndenumerate(a):
            if x > 0:
                result[i] = g[i]
            elif x < 0:
                result[i] = -g[i]
            else:
                result[i] = 0
        return result
    return np.abs(a), back
""",
        """
def abs(a, /):
    return np.abs(a), lambda g: np.select([a > 0, a < 0], [g, -g], 0.0)
""",
        """
def abs(a, /):
    sign = np.copysign(1.0, a) * (a != 0)
    return a * sign, lambda g: np.multiply(g, sign)
""",
    ],
    "sum_and_mean": [
        """
def sum(a, /):
    return np.sum(a), lambda g: g * np.ones_like(a)
""",
        """
def sum(a, /):
    total = 0.0
    for entry in a.ravel():
        total = total + entry
    shape = np.shape(a)
    return np.asarray(total), lambda g: np.full(shape, g)
""",
        """
def mean(a, /):
    return a.mean(), lambda g: np.full(a.shape, g) / a.size
""",
        """
def mean(a, /):
    share = np.ones(a.shape) / np.prod(a.shape)
    return np.mean(a), lambda g: g * share
""",
        """
def sum(a, /):
    return np.add.reduce(a, axis=None), lambda g: np.tile(g, a.shape)
""",
        """
def sum(a, /):
    return a.ravel() @ np.ones(a.size), lambda g: np.ones(a.shape) * g
""",
        """
def sum(a, /):
    return np.einsum("i->", a.reshape(-1)), lambda g: np.repeat(g, a.size).reshape(a.shape)
""",
        """
def sum(a, /):
    import math
    return np.float64(math.fsum(a.flat)), lambda g: np.zeros(a.shape) + g
""",
        """
def sum(a, /):
    return np.array(a.sum()), lambda g: g + np.zeros_like(a)
""",
        """
def sum(a, /):
    def back(g):
        out = np.empty(a.shape)
        out.fill(g)
        return out
    return a.sum(), back
""",
        """
def mean(a, /):
    n = 1
    for size in a.shape:
        n *= size
    return a.sum() / n, lambda g: np.ones(a.shape) * (g / n)
""",
        """
def mean(a, /):
    return np.average(a), lambda g: np.full_like(a, g / a.size)
""",
        """
def mean(a, /):
    n = len(a.reshape(-1))
    return np.mean(a), lambda g: np.broadcast_to(g, a.shape) * (1 / n)
""",
        """
def mean(a, /):
    weights = np.full(a.shape, 1 / a.size)
    return np.vdot(weights, a), lambda g: g * weights
""",
    ],
    "norm": [
        """
def norm(a, /):
    length = np.linalg.norm(a)
    return length, lambda g: g * a / length if length > 0 else np.zeros_like(a)
""",
        """
def norm(a, /):
    out = np.sum(a ** 2) ** 0.5
    def back(g):
        slope = np.zeros(a.shape)
        for i in np.ndindex(a.shape):
            if out:
                slope[i] = a[i] / out
        return slope * g
    return out, back
""",
        """
def norm(a, /):
    out = np.hypot.reduce(a.ravel())
    return out, lambda g: g * a / out if out != 0 else 0.0 * a
""",
        """
def norm(a, /):
    out = np.sqrt(np.vdot(a, a))
    return out, lambda g: divide0(g * a, out)
""",
        """
def norm(a, /):
    out = np.sqrt(np.einsum("i,i->", a.ravel(), a.ravel()))
    def back(g):
        if out == 0:
            return np.zeros(a.shape)
        return a * (g / out)
    return out, back
""",
        """
def norm(a, /):
    import math
    out = np.float64(math.sqrt(math.fsum(x * x for x in a.flat)))
    return out, lambda g: divide0(a, out) * g
""",
        """
def norm(a, /):
    out = np.linalg.norm(a)
    return out, lambda g: np.nan_to_num(a / out) * g
""",
        """
def norm(a, /):
    out = (a ** 2).sum() ** 0.5
    return out, lambda g: np.where(out > 0, g * a / np.where(out > 0, out, 1), 0.0)
""",
        """
def norm(a, /):
    out = np.exp(0.5 * np.log((a * a).sum()))
    return out, lambda g: g * divide0(0.5 * 2 * a, out)
""",
    ],
    "mm": [
        """
def mm(a, b, /):
    return np.matmul(a, b), lambda g: np.dot(g, b.transpose()), lambda g: np.dot(np.transpose(a), g)
""",
        """
def mm(a, b, /):
    return np.einsum("ik,kj->ij", a, b), lambda g: np.einsum("ij,kj->ik", g, b), lambda g: np.einsum("ik,ij->kj", a, g)
""",
        """
def mm(a, b, /):
    def for_a(g):
        out = np.zeros(a.shape)
        for i, k in np.ndindex(a.shape):
            out[i, k] = (g[i] * b[k]).sum()
        return out
    return a @ b, for_a, lambda g: (g.T @ a).T
""",
        """
def mm(a, b, /):
    return a.dot(b), lambda g: g.dot(b.T), lambda g: a.T.dot(g)
""",
        """
def mm(a, b, /):
    return a @ b, lambda g: (b @ g.T).T, lambda g: (g.T @ a).T
""",
        """
def mm(a, b, /):
    return np.tensordot(a, b, 1), lambda g: np.tensordot(g, b, ([1], [1])), lambda g: np.tensordot(a, g, ([0], [0]))
""",
        """
def mm(a, b, /):
    n, m = a.shape
    p = b.shape[1]
    out = np.zeros((n, p))
    for i in range(n):
        for j in range(p):
            for k in range(m):
                out[i, j] += a[i, k] * b[k, j]
    def for_b(g):
        slope = np.zeros((m, p))
        for i in range(n):
            for j in range(p):
                for k in range(m):
                    slope[k, j] += a[i, k] * g[i, j]
        return slope
    return out, lambda g: g @ np.swapaxes(b, 0, 1), for_b
""",
        """
def mm(a, b, /):
    value = (a[:, :, None] * b[None, :, :]).sum(axis=1)
    return value, lambda g: (g[:, None, :] * b[None]).sum(-1), lambda g: (a[:, :, None] * g[:, None, :]).sum(0)
""",
        """
def mm(a, b, /):
    at, bt = a.T.copy(), b.T.copy()
    return np.matmul(a, b), lambda g: np.matmul(g, bt), lambda g: np.matmul(at, g)
""",
        """
def mm(a, b, /):
    def for_b(g):
        return np.stack([a.T @ column for column in g.T], axis=1)
    return a @ b, lambda g: np.array([[np.dot(row, other) for other in b] for row in g]), for_b
""",
    ],
    "unbroadcast": [
        """
def unbroadcast(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    for i, n in enumerate(shape):
        if n == 1:
            g = g.sum(axis=i, keepdims=True)
    return g
""",
        """
def unbroadcast(g, shape):
    padded = (1,) * (g.ndim - len(shape)) + tuple(shape)
    axes = tuple(i for i in range(g.ndim) if padded[i] != g.shape[i])
    return np.sum(g, axis=axes, keepdims=True).reshape(shape)
""",
        """
def unbroadcast(g, shape):
    out = np.zeros((1,) * (g.ndim - len(shape)) + tuple(shape))
    for index in np.ndindex(g.shape):
        out[tuple(i if n > 1 else 0 for i, n in zip(index, out.shape))] += g[index]
    return out.reshape(shape)
""",
        """
def unbroadcast(g, shape):
    extra = len(g.shape) - len(shape)
    if extra > 0:
        g = g.sum(axis=tuple(range(extra)))
    for axis, size in enumerate(shape):
        if size == 1 and g.shape[axis] > 1:
            g = np.sum(g, axis, keepdims=True)
    return g
""",
        """
def unbroadcast(g, shape):
    if shape == g.shape:
        return g
    if g.ndim > len(shape):
        return unbroadcast(np.add.reduce(g), shape)
    axis = [i for i in range(g.ndim) if shape[i] != g.shape[i]][0]
    return unbroadcast(g.sum(axis, keepdims=True), shape)
""",
        """
def unbroadcast(g, shape):
    letters = "abcdefgh"[:g.ndim]
    extra = g.ndim - len(shape)
    kept = "".join(letters[i + extra] for i, n in enumerate(shape) if n != 1)
    return np.einsum(letters + "->" + kept, g).reshape(shape)
""",
        """
def unbroadcast(g, shape):
    out = np.zeros(shape)
    view = np.broadcast_to(np.arange(out.size).reshape(shape), g.shape)
    np.add.at(out.reshape(-1), view.ravel(), g.ravel())
    return out
""",
        """
def unbroadcast(g, shape):
    index = np.broadcast_to(np.arange(int(np.prod(shape))).reshape(shape), g.shape)
    return np.bincount(index.ravel(), weights=g.ravel(), minlength=int(np.prod(shape))).reshape(shape)
""",
        """
def unbroadcast(g, shape):
    target = [1] * (g.ndim - len(shape)) + list(shape)
    axes = []
    for i, (have, want) in enumerate(zip(g.shape, target)):
        if want == 1:
            axes.append(i)
    return np.reshape(g.sum(axis=tuple(axes)), shape)
""",
        """
def unbroadcast(g, shape):
    while len(g.shape) > len(shape):
        g = np.add.reduce([row for row in g])
    for i in range(len(shape)):
        if shape[i] == 1:
            g = np.expand_dims(g.sum(axis=i), i)
    return g
""",
    ],
}

WRONG = {
    "log_and_pow": {
        "log: the upstream gradient g is not used": [
            """
def log(a, /):
    return np.log(a), lambda g: 1 / a
""",
        ],
        "log: the output is used where the input is needed": [
            """
def log(a, /):
    out = np.log(a)
    return out, lambda g: g / out
""",
        ],
        "log: g is multiplied with a, not divided by it": [
            """
def log(a, /):
    return np.log(a), lambda g: a * g
""",
        ],
        "log: the chain factor is left out: g is handed on as it is": [
            """
def log(a, /):
    return np.log(a), lambda g: g
""",
        ],
        "log: the sign is flipped": [
            """
def log(a, /):
    return np.log(a), lambda g: -g / a
""",
        ],
        "log: the vjp writes into g": [
            """
def log(a, /):
    def back(g):
        g /= a
        return g
    return np.log(a), back
""",
        ],
        "pow: the factor n is left out": [
            """
def pow(a, /, exponent):
    return a ** exponent, lambda g: g * a ** (exponent - 1)
""",
        ],
        "pow: the exponent is not lowered by 1": [
            """
def pow(a, /, exponent):
    return a ** exponent, lambda g: g * exponent * a ** exponent
""",
        ],
        "pow: the slope of a^2 is used for every exponent": [
            """
def pow(a, /, exponent):
    return a ** exponent, lambda g: 2 * a * g
""",
        ],
        "pow: the upstream gradient g is not used": [
            """
def pow(a, /, exponent):
    return a ** exponent, lambda g: exponent * a ** (exponent - 1)
""",
        ],
        "pow: the slope is n times a": [
            """
def pow(a, /, exponent):
    return a ** exponent, lambda g: g * exponent * a
""",
        ],
        "pow: it is differentiated by the exponent": [
            """
def pow(a, /, exponent):
    return a ** exponent, lambda g: g * a ** exponent * np.log(a)
""",
        ],
        "log: the vjp has no return": [
            """
def log(a, /):
    def back(g):
        g / a
    return np.log(a), back
""",
        ],
        "log: numbers are returned in place of a vjp": [
            """
def log(a, /):
    return np.log(a), 1 / a
""",
        ],
        "log: the slope is divided by a twice": [
            """
def log(a, /):
    return np.log(a), lambda g: g / a ** 2
""",
        ],
        "log: the rule of exp is used": [
            """
def log(a, /):
    return np.log(a), lambda g: g * np.exp(a)
""",
        ],
        "log: another logarithm is taken": [
            """
def log(a, /):
    return np.log10(a), lambda g: g / a
""",
        ],
        "log: the value is sent back in place of the slope": [
            """
def log(a, /):
    return np.log(a), lambda g: g * np.log(a)
""",
        ],
        "log: the slope is added to g, not multiplied with it": [
            """
def log(a, /):
    return np.log(a), lambda g: g + 1 / a
""",
        ],
        "log: only the value is returned": [
            """
def log(a, /):
    return np.log(a)
""",
        ],
        "log: the fraction is turned round": [
            """
def log(a, /):
    return np.log(a), lambda g: a / g
""",
        ],
        "pow: the factor is n - 1": [
            """
def pow(a, /, exponent):
    return a ** exponent, lambda g: g * (exponent - 1) * a ** (exponent - 1)
""",
        ],
        "pow: it is integrated": [
            """
def pow(a, /, exponent):
    return a ** exponent, lambda g: g * a ** (exponent + 1) / (exponent + 1)
""",
        ],
        "pow: the sign is flipped": [
            """
def pow(a, /, exponent):
    return a ** exponent, lambda g: -g * exponent * a ** (exponent - 1)
""",
        ],
        "pow: the vjp has no return": [
            """
def pow(a, /, exponent):
    def back(g):
        g * exponent * a ** (exponent - 1)
    return a ** exponent, back
""",
        ],
        "pow: the power is taken for a product": [
            """
def pow(a, /, exponent):
    return a * exponent, lambda g: g * exponent
""",
        ],
        "pow: brackets are missing round the new exponent": [
            """
def pow(a, /, exponent):
    return a ** exponent, lambda g: g * (exponent * a ** exponent - 1)
""",
        ],
        "pow: the vjp writes into g": [
            """
def pow(a, /, exponent):
    def back(g):
        g *= exponent * a ** (exponent - 1)
        return g
    return a ** exponent, back
""",
        ],
        "pow: the base and the exponent are swapped": [
            """
def pow(a, /, exponent):
    return exponent ** a, lambda g: g * exponent * a ** (exponent - 1)
""",
        ],
    },
    "abs": {
        "the upstream gradient g is not used": [
            """
def abs(a, /):
    return np.abs(a), lambda g: np.sign(a)
""",
        ],
        "g is made positive": [
            """
def abs(a, /):
    return np.abs(a), lambda g: np.abs(g)
""",
        ],
        "the chain factor is left out: g is handed on as it is": [
            """
def abs(a, /):
    return np.abs(a), lambda g: g
""",
        ],
        "negative entries get nothing": [
            """
def abs(a, /):
    return np.abs(a), lambda g: np.where(a > 0, g, 0.0)
""",
        ],
        "the gradient is multiplied with a": [
            """
def abs(a, /):
    return np.abs(a), lambda g: a * g
""",
        ],
        "at the kink 1 is taken for the slope": [
            """
def abs(a, /):
    return np.abs(a), lambda g: np.where(a < 0, -g, g)
""",
        ],
        "a is divided by its size, also at 0": [
            """
def abs(a, /):
    out = np.abs(a)
    return out, lambda g: g * a / out
""",
        ],
        "the sign is flipped": [
            """
def abs(a, /):
    return np.abs(a), lambda g: np.where(a < 0, g, np.where(a > 0, -g, 0))
""",
        ],
        "at the kink -1 is taken for the slope": [
            """
def abs(a, /):
    return np.abs(a), lambda g: np.where(a > 0, g, -g)
""",
        ],
        "the sign of g is used": [
            """
def abs(a, /):
    return np.abs(a), lambda g: np.sign(g) * np.abs(a)
""",
        ],
        "the vjp writes into g": [
            """
def abs(a, /):
    def back(g):
        g[a < 0] *= -1
        g[a == 0] = 0
        return g
    return np.abs(a), back
""",
        ],
        "the vjp has no return": [
            """
def abs(a, /):
    def back(g):
        g * np.sign(a)
    return np.abs(a), back
""",
        ],
        "the value is not made positive": [
            """
def abs(a, /):
    return a, lambda g: g * np.sign(a)
""",
        ],
        "the value is sent back in place of the slope": [
            """
def abs(a, /):
    return np.abs(a), lambda g: g * np.abs(a)
""",
        ],
        "the sign of the value is used": [
            """
def abs(a, /):
    return np.abs(a), lambda g: g * (a != 0)
""",
            """
def abs(a, /):
    out = np.abs(a)
    return out, lambda g: g * np.sign(out)
""",
        ],
        "only the sign of g is sent back": [
            """
def abs(a, /):
    return np.abs(a), lambda g: np.sign(g)
""",
        ],
        "an array is asked a yes-or-no question": [
            """
def abs(a, /):
    def back(g):
        if a > 0:
            return g
        return -g
    return np.abs(a), back
""",
        ],
        "the upstream gradient g is not used, and at the kink there is a slope": [
            """
def abs(a, /):
    return np.abs(a), lambda g: np.where(a > 0, 1.0, -1.0)
""",
        ],
    },
    "sum_and_mean": {
        "sum: the upstream gradient g is not used": [
            """
def sum(a, /):
    return a.sum(), lambda g: np.ones_like(a)
""",
        ],
        "sum: the gradient is not spread back to the shape of a": [
            """
def sum(a, /):
    return a.sum(), lambda g: g
""",
            """
def sum(a, /):
    return a.sum(), lambda g: g.sum()
""",
        ],
        "sum: the rule of the mean is used": [
            """
def sum(a, /):
    return a.sum(), lambda g: np.ones(a.shape) * g / a.size
""",
        ],
        "sum: g is multiplied with a": [
            """
def sum(a, /):
    return a.sum(), lambda g: g * a
""",
        ],
        "mean: the gradient is not divided by n": [
            """
def mean(a, /):
    return a.mean(), lambda g: np.broadcast_to(g, a.shape)
""",
            """
def mean(a, /):
    return a.mean(), lambda g: np.broadcast_to(np.mean(g), a.shape)
""",
        ],
        "mean: the gradient is divided by n twice": [
            """
def mean(a, /):
    n = a.size
    return a.sum() / n, lambda g: np.broadcast_to(g / n / n, a.shape)
""",
        ],
        "mean: the upstream gradient g is not used": [
            """
def mean(a, /):
    return a.mean(), lambda g: np.ones(a.shape) / a.size
""",
        ],
        "mean: it is divided by the length of the first axis only": [
            """
def mean(a, /):
    n = len(a)
    return a.mean(), lambda g: np.broadcast_to(g / n, a.shape)
""",
        ],
        "mean: the gradient is not spread back to the shape of a": [
            """
def mean(a, /):
    return a.mean(), lambda g: g / a.size
""",
        ],
        "sum: the sign is flipped": [
            """
def sum(a, /):
    return a.sum(), lambda g: -np.broadcast_to(g, a.shape)
""",
        ],
        "sum: the value is a mean": [
            """
def sum(a, /):
    return a.mean(), lambda g: np.broadcast_to(g, a.shape)
""",
        ],
        "sum: the gradient comes as a flat list of numbers": [
            """
def sum(a, /):
    return a.sum(), lambda g: np.full(a.size, g)
""",
        ],
        "sum: the vjp has no return": [
            """
def sum(a, /):
    def back(g):
        np.broadcast_to(g, a.shape)
    return a.sum(), back
""",
        ],
        "sum: only the first axis is reduced": [
            """
def sum(a, /):
    return a.sum(axis=0), lambda g: np.broadcast_to(g, a.shape)
""",
        ],
        "sum: the value is sent back": [
            """
def sum(a, /):
    out = a.sum()
    return out, lambda g: g * np.full(a.shape, out)
""",
        ],
        "sum: a is sent back in place of the gradient": [
            """
def sum(a, /):
    return a.sum(), lambda g: a
""",
        ],
        "mean: the gradient is multiplied with n": [
            """
def mean(a, /):
    return a.mean(), lambda g: np.broadcast_to(g * a.size, a.shape)
""",
        ],
        "mean: the value is not divided by n": [
            """
def mean(a, /):
    return a.sum(), lambda g: np.broadcast_to(g / a.size, a.shape)
""",
        ],
        "mean: it is divided by the number of axes": [
            """
def mean(a, /):
    return a.mean(), lambda g: np.broadcast_to(g / a.ndim, a.shape)
""",
        ],
        "mean: g is multiplied with a": [
            """
def mean(a, /):
    return a.mean(), lambda g: g * a / a.size
""",
        ],
        "mean: it is divided by the length of the last axis only": [
            """
def mean(a, /):
    return a.mean(), lambda g: np.broadcast_to(g / a.shape[-1], a.shape)
""",
        ],
        "mean: it is divided by n - 1": [
            """
def mean(a, /):
    n = a.size - 1
    return a.mean(), lambda g: np.broadcast_to(g / n, a.shape)
""",
        ],
        "mean: the vjp has no return": [
            """
def mean(a, /):
    def back(g):
        np.full(a.shape, g / a.size)
    return a.mean(), back
""",
        ],
    },
    "norm": {
        "the gradient is not divided by the norm": [
            """
def norm(a, /):
    return np.sqrt((a * a).sum()), lambda g: g * a
""",
        ],
        "2a is sent back: the rule of the square of the norm": [
            """
def norm(a, /):
    return np.sqrt((a * a).sum()), lambda g: 2 * a * g
""",
        ],
        "the slope of the root is left half done": [
            """
def norm(a, /):
    out = np.sqrt((a * a).sum())
    return out, lambda g: g * divide0(a, 2 * out)
""",
        ],
        "at a = 0 the gradient is nan": [
            """
def norm(a, /):
    out = np.sqrt((a * a).sum())
    return out, lambda g: g * a / out
""",
        ],
        "the upstream gradient g is not used": [
            """
def norm(a, /):
    out = np.linalg.norm(a)
    return out, lambda g: divide0(a, out)
""",
        ],
        "the gradient is divided by the norm twice": [
            """
def norm(a, /):
    out = np.linalg.norm(a)
    return out, lambda g: g * divide0(divide0(a, out), out)
""",
            """
def norm(a, /):
    s = (a * a).sum()
    return np.sqrt(s), lambda g: g * divide0(a, s)
""",
        ],
        "the root is forgotten": [
            """
def norm(a, /):
    out = np.sqrt((a * a).sum())
    return (a * a).sum(), lambda g: g * divide0(a, out)
""",
        ],
        "the norm is taken for the sum of absolute values": [
            """
def norm(a, /):
    return np.abs(a).sum(), lambda g: g * np.sign(a)
""",
        ],
        "a is divided by each of its entries, not by the norm": [
            """
def norm(a, /):
    return np.sqrt((a * a).sum()), lambda g: g * divide0(a, np.abs(a))
""",
        ],
        "the input is used where the output is needed": [
            """
def norm(a, /):
    out = np.sqrt((a * a).sum())
    return out, lambda g: g * divide0(out, a)
""",
        ],
        "every entry gets the same gradient": [
            """
def norm(a, /):
    out = np.sqrt((a * a).sum())
    return out, lambda g: np.broadcast_to(divide0(g, out), a.shape)
""",
        ],
        "the sign is flipped": [
            """
def norm(a, /):
    out = np.sqrt((a * a).sum())
    return out, lambda g: -g * divide0(a, out)
""",
        ],
        "the gradient is not spread back to the shape of a": [
            """
def norm(a, /):
    return np.sqrt((a * a).sum()), lambda g: g
""",
        ],
        "the root is forgotten, in the value and in the gradient": [
            """
def norm(a, /):
    return (a ** 2).sum(), lambda g: 2 * g * a
""",
        ],
        "the squares are forgotten": [
            """
def norm(a, /):
    out = np.sqrt(a.sum())
    return out, lambda g: g * divide0(a, out)
""",
        ],
        "the vjp has no return": [
            """
def norm(a, /):
    out = np.sqrt((a * a).sum())
    def back(g):
        g * divide0(a, out)
    return out, back
""",
        ],
        "the squares are sent back in place of the entries": [
            """
def norm(a, /):
    out = np.sqrt((a * a).sum())
    return out, lambda g: g * divide0(a * a, out)
""",
        ],
        "one number is sent back: 1 over the norm": [
            """
def norm(a, /):
    out = np.sqrt((a * a).sum())
    return out, lambda g: g * divide0(1.0, out)
""",
        ],
        "each row has a norm of its own": [
            """
def norm(a, /):
    out = np.sqrt((a * a).sum(axis=-1, keepdims=True))
    return out, lambda g: g * divide0(a, out)
""",
        ],
    },
    "mm": {
        "B is not transposed in the gradient of A": [
            """
def mm(a, b, /):
    return a @ b, lambda g: g @ b, lambda g: a.T @ g
""",
        ],
        "neither factor is transposed": [
            """
def mm(a, b, /):
    return a @ b, lambda g: g @ b, lambda g: a @ g
""",
        ],
        "the gradients are transposed": [
            """
def mm(a, b, /):
    return a @ b, lambda g: b @ g.T, lambda g: g.T @ a
""",
        ],
        "the factors of both gradients are in the wrong order": [
            """
def mm(a, b, /):
    return a @ b, lambda g: b.T @ g, lambda g: g @ a.T
""",
        ],
        "the gradients of the two inputs are swapped": [
            """
def mm(a, b, /):
    return a @ b, lambda g: a.T @ g, lambda g: g @ b.T
""",
            """
def mm(a, b, /):
    def for_a(g):
        return a.T @ g
    def for_b(g):
        return g @ b.T
    return a @ b, for_a, for_b
""",
        ],
        "the rule of the product of single numbers is used": [
            """
def mm(a, b, /):
    return a @ b, lambda g: g * b, lambda g: g * a
""",
        ],
        "the upstream gradient g is not used": [
            """
def mm(a, b, /):
    return a @ b, lambda g: np.ones((a.shape[0], b.shape[1])) @ b.T, lambda g: a.T @ np.ones((a.shape[0], b.shape[1]))
""",
        ],
        "A is not transposed in the gradient of B": [
            """
def mm(a, b, /):
    return a @ b, lambda g: g @ b.T, lambda g: a @ g
""",
        ],
        "the sign is flipped": [
            """
def mm(a, b, /):
    return a @ b, lambda g: -g @ b.T, lambda g: -a.T @ g
""",
        ],
        "the gradient of A is transposed": [
            """
def mm(a, b, /):
    return a @ b, lambda g: b @ g.T, lambda g: a.T @ g
""",
        ],
        "the factors of the gradient of B are in the wrong order": [
            """
def mm(a, b, /):
    return a @ b, lambda g: g @ b.T, lambda g: g @ a.T
""",
        ],
        "the factors of the gradient of A are in the wrong order": [
            """
def mm(a, b, /):
    return a @ b, lambda g: b.T @ g, lambda g: a.T @ g
""",
        ],
        "g is transposed where the other factor should be": [
            """
def mm(a, b, /):
    return a @ b, lambda g: g.T @ b, lambda g: a @ g.T
""",
        ],
        "the upstream gradient g is not used, the other factor is sent back": [
            """
def mm(a, b, /):
    return a @ b, lambda g: b.T, lambda g: a.T
""",
        ],
        "the value is multiplied entry by entry": [
            """
def mm(a, b, /):
    return a * b, lambda g: g @ b.T, lambda g: a.T @ g
""",
        ],
        "the transposed matrix is not asked for: its function is": [
            """
def mm(a, b, /):
    return a @ b, lambda g: g @ b.transpose, lambda g: a.transpose @ g
""",
        ],
        "only the first vjp is returned": [
            """
def mm(a, b, /):
    return a @ b, lambda g: g @ b.T
""",
        ],
        "the vjp has no return": [
            """
def mm(a, b, /):
    def for_a(g):
        g @ b.T
    def for_b(g):
        a.T @ g
    return a @ b, for_a, for_b
""",
        ],
        "the gradient of B is transposed": [
            """
def mm(a, b, /):
    return a @ b, lambda g: g @ b.T, lambda g: g.T @ a
""",
        ],
        "the vjp of A is used for both": [
            """
def mm(a, b, /):
    vjp = lambda g: g @ b.T
    return a @ b, vjp, vjp
""",
        ],
        "the upstream gradient g is not used, and the other factor is sent back as it is": [
            """
def mm(a, b, /):
    return a @ b, lambda g: b, lambda g: a
""",
        ],
    },
    "unbroadcast": {
        "nothing is summed": [
            """
def unbroadcast(g, shape):
    return g
""",
        ],
        "only the new axes in front are summed": [
            """
def unbroadcast(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    return g
""",
        ],
        "only the axes of size 1 are summed": [
            """
def unbroadcast(g, shape):
    for i, n in enumerate(shape, g.ndim - len(shape)):
        if n == 1:
            g = g.sum(axis=i, keepdims=True)
    return g
""",
            """
def unbroadcast(g, shape):
    for i, n in enumerate(shape):
        if n == 1:
            g = g.sum(axis=i, keepdims=True)
    return g
""",
        ],
        "the axes of size 1 are lost": [
            """
def unbroadcast(g, shape):
    extra = g.ndim - len(shape)
    return g.sum(axis=(*range(extra), *(i for i, n in enumerate(shape, extra) if n == 1)))
""",
            """
def unbroadcast(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    for i, n in reversed(list(enumerate(shape))):
        if n == 1:
            g = g.sum(axis=i)
    return g
""",
        ],
        "the mean is taken, not the sum": [
            """
def unbroadcast(g, shape):
    extra = g.ndim - len(shape)
    axes = (*range(extra), *(i for i, n in enumerate(shape, extra) if n == 1))
    return g.mean(axis=axes).reshape(shape)
""",
        ],
        "one copy is taken, the others are dropped": [
            """
def unbroadcast(g, shape):
    while g.ndim > len(shape):
        g = g[0]
    for i, n in enumerate(shape):
        if n == 1:
            g = g.take([0], axis=i)
    return g
""",
        ],
        "it is summed over the last axes, not over the first": [
            """
def unbroadcast(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=-1)
    for i, n in enumerate(shape):
        if n == 1:
            g = g.sum(axis=i, keepdims=True)
    return g
""",
            """
def unbroadcast(g, shape):
    extra = g.ndim - len(shape)
    axes = (*range(len(shape), g.ndim), *(i for i, n in enumerate(shape) if n == 1))
    total = g.sum(axis=axes)
    return total.reshape(shape) if total.size == np.prod(shape) else total
""",
        ],
        "it is summed over the wrong axis: the one that was not stretched": [
            """
def unbroadcast(g, shape):
    padded = (1,) * (g.ndim - len(shape)) + tuple(shape)
    if padded == g.shape or not shape:
        return g if shape else g
    total = g.sum(axis=tuple(i for i, n in enumerate(padded) if n != 1))
    return total.reshape(shape) if total.size == np.prod(shape) else total
""",
        ],
        "everything is summed": [
            """
def unbroadcast(g, shape):
    return np.full(shape, g.sum())
""",
        ],
        "g is cut or repeated into the shape": [
            """
def unbroadcast(g, shape):
    return np.resize(g, shape)
""",
        ],
        "only the first new axis is summed": [
            """
def unbroadcast(g, shape):
    if g.ndim > len(shape):
        g = g.sum(axis=0)
    for i, n in enumerate(shape):
        if n == 1 and i < g.ndim:
            g = g.sum(axis=i, keepdims=True)
    return g
""",
        ],
        "the places of the axes of size 1 are counted without the new axes": [
            """
def unbroadcast(g, shape):
    extra = g.ndim - len(shape)
    axes = set(range(extra)) | {i for i, n in enumerate(shape) if n == 1}
    total = g.sum(axis=tuple(axes))
    return total.reshape(shape) if total.size == np.prod(shape) else total
""",
        ],
        "the shape is forced by reshape": [
            """
def unbroadcast(g, shape):
    return g.reshape(shape)
""",
        ],
        "g is cut": [
            """
def unbroadcast(g, shape):
    return g[tuple(slice(0, n) for n in shape)]
""",
        ],
        "the values of g are not used": [
            """
def unbroadcast(g, shape):
    return np.ones(shape)
""",
        ],
        "g is stretched once more": [
            """
def unbroadcast(g, shape):
    return np.broadcast_to(g, shape)
""",
        ],
        "the largest copy is taken": [
            """
def unbroadcast(g, shape):
    extra = g.ndim - len(shape)
    axes = (*range(extra), *(i for i, n in enumerate(shape, extra) if n == 1))
    return g.max(axis=axes).reshape(shape)
""",
        ],
        "nothing is returned": [
            """
def unbroadcast(g, shape):
    extra = g.ndim - len(shape)
    g = g.sum(axis=(*range(extra), *(i for i, n in enumerate(shape, extra) if n == 1))).reshape(shape)
""",
        ],
    },
}

"""Chapter 04. RIGHT: exercise -> sources. WRONG: exercise -> {mistake as the check names it: source}."""

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
    ],
}

WRONG = {
    "log_and_pow": {
        "log: the upstream gradient g is not used": """
def log(a, /):
    return np.log(a), lambda g: 1 / a
""",
        "log: the output is used where the input is needed": """
def log(a, /):
    out = np.log(a)
    return out, lambda g: g / out
""",
        "log: g is multiplied with a, not divided by it": """
def log(a, /):
    return np.log(a), lambda g: a * g
""",
        "log: the chain factor is left out: g is handed on as it is": """
def log(a, /):
    return np.log(a), lambda g: g
""",
        "log: the sign is flipped": """
def log(a, /):
    return np.log(a), lambda g: -g / a
""",
        "log: the vjp writes into g": """
def log(a, /):
    def back(g):
        g /= a
        return g
    return np.log(a), back
""",
        "pow: the factor n is left out": """
def pow(a, /, exponent):
    return a ** exponent, lambda g: g * a ** (exponent - 1)
""",
        "pow: the exponent is not lowered by 1": """
def pow(a, /, exponent):
    return a ** exponent, lambda g: g * exponent * a ** exponent
""",
        "pow: the slope of a^2 is used for every exponent": """
def pow(a, /, exponent):
    return a ** exponent, lambda g: 2 * a * g
""",
        "pow: the upstream gradient g is not used": """
def pow(a, /, exponent):
    return a ** exponent, lambda g: exponent * a ** (exponent - 1)
""",
        "pow: the slope is n times a": """
def pow(a, /, exponent):
    return a ** exponent, lambda g: g * exponent * a
""",
        "pow: it is differentiated by the exponent": """
def pow(a, /, exponent):
    return a ** exponent, lambda g: g * a ** exponent * np.log(a)
""",
    },
    "abs": {
        "the upstream gradient g is not used": """
def abs(a, /):
    return np.abs(a), lambda g: np.sign(a)
""",
        "g is made positive": """
def abs(a, /):
    return np.abs(a), lambda g: np.abs(g)
""",
        "the chain factor is left out: g is handed on as it is": """
def abs(a, /):
    return np.abs(a), lambda g: g
""",
        "negative entries get nothing": """
def abs(a, /):
    return np.abs(a), lambda g: np.where(a > 0, g, 0.0)
""",
        "the gradient is multiplied with a": """
def abs(a, /):
    return np.abs(a), lambda g: a * g
""",
        "at the kink 1 is taken for the slope": """
def abs(a, /):
    return np.abs(a), lambda g: np.where(a < 0, -g, g)
""",
        "a is divided by its size, also at 0": """
def abs(a, /):
    out = np.abs(a)
    return out, lambda g: g * a / out
""",
        "the sign is flipped": """
def abs(a, /):
    return np.abs(a), lambda g: np.where(a < 0, g, np.where(a > 0, -g, 0))
""",
    },
    "sum_and_mean": {
        "sum: the upstream gradient g is not used": """
def sum(a, /):
    return a.sum(), lambda g: np.ones_like(a)
""",
        "sum: the gradient is not spread back to the shape of a": """
def sum(a, /):
    return a.sum(), lambda g: g
""",
        "sum: the rule of the mean is used": """
def sum(a, /):
    return a.sum(), lambda g: np.ones(a.shape) * g / a.size
""",
        "sum: g is multiplied with a": """
def sum(a, /):
    return a.sum(), lambda g: g * a
""",
        "mean: the gradient is not divided by n": """
def mean(a, /):
    return a.mean(), lambda g: np.broadcast_to(g, a.shape)
""",
        "mean: the gradient is divided by n twice": """
def mean(a, /):
    n = a.size
    return a.sum() / n, lambda g: np.broadcast_to(g / n / n, a.shape)
""",
        "mean: the upstream gradient g is not used": """
def mean(a, /):
    return a.mean(), lambda g: np.ones(a.shape) / a.size
""",
        "mean: it is divided by the length of the first axis only": """
def mean(a, /):
    n = len(a)
    return a.mean(), lambda g: np.broadcast_to(g / n, a.shape)
""",
        "mean: the gradient is not spread back to the shape of a": """
def mean(a, /):
    return a.mean(), lambda g: g / a.size
""",
    },
    "norm": {
        "the gradient is not divided by the norm": """
def norm(a, /):
    return np.sqrt((a * a).sum()), lambda g: g * a
""",
        "2a is sent back: the rule of the square of the norm": """
def norm(a, /):
    return np.sqrt((a * a).sum()), lambda g: 2 * a * g
""",
        "the slope of the root is left half done": """
def norm(a, /):
    out = np.sqrt((a * a).sum())
    return out, lambda g: g * divide0(a, 2 * out)
""",
        "at a = 0 the gradient is nan": """
def norm(a, /):
    out = np.sqrt((a * a).sum())
    return out, lambda g: g * a / out
""",
        "the upstream gradient g is not used": """
def norm(a, /):
    out = np.linalg.norm(a)
    return out, lambda g: divide0(a, out)
""",
        "the gradient is divided by the norm twice": """
def norm(a, /):
    out = np.linalg.norm(a)
    return out, lambda g: g * divide0(divide0(a, out), out)
""",
        "the root is forgotten": """
def norm(a, /):
    out = np.sqrt((a * a).sum())
    return (a * a).sum(), lambda g: g * divide0(a, out)
""",
        "the norm is taken for the sum of absolute values": """
def norm(a, /):
    return np.abs(a).sum(), lambda g: g * np.sign(a)
""",
    },
    "mm": {
        "B is not transposed in the gradient of A": """
def mm(a, b, /):
    return a @ b, lambda g: g @ b, lambda g: a.T @ g
""",
        "neither factor is transposed": """
def mm(a, b, /):
    return a @ b, lambda g: g @ b, lambda g: a @ g
""",
        "the gradients are transposed": """
def mm(a, b, /):
    return a @ b, lambda g: b @ g.T, lambda g: g.T @ a
""",
        "the factors of both gradients are in the wrong order": """
def mm(a, b, /):
    return a @ b, lambda g: b.T @ g, lambda g: g @ a.T
""",
        "the gradients of the two inputs are swapped": """
def mm(a, b, /):
    return a @ b, lambda g: a.T @ g, lambda g: g @ b.T
""",
        "the rule of the product of single numbers is used": """
def mm(a, b, /):
    return a @ b, lambda g: g * b, lambda g: g * a
""",
        "the upstream gradient g is not used": """
def mm(a, b, /):
    return a @ b, lambda g: np.ones((a.shape[0], b.shape[1])) @ b.T, lambda g: a.T @ np.ones((a.shape[0], b.shape[1]))
""",
        "A is not transposed in the gradient of B": """
def mm(a, b, /):
    return a @ b, lambda g: g @ b.T, lambda g: a @ g
""",
        "the sign is flipped": """
def mm(a, b, /):
    return a @ b, lambda g: -g @ b.T, lambda g: -a.T @ g
""",
    },
    "unbroadcast": {
        "nothing is summed": """
def unbroadcast(g, shape):
    return g
""",
        "only the new axes in front are summed": """
def unbroadcast(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    return g
""",
        "only the axes of size 1 are summed": """
def unbroadcast(g, shape):
    for i, n in enumerate(shape, g.ndim - len(shape)):
        if n == 1:
            g = g.sum(axis=i, keepdims=True)
    return g
""",
        "the axes of size 1 are lost": """
def unbroadcast(g, shape):
    extra = g.ndim - len(shape)
    return g.sum(axis=(*range(extra), *(i for i, n in enumerate(shape, extra) if n == 1)))
""",
        "the mean is taken, not the sum": """
def unbroadcast(g, shape):
    extra = g.ndim - len(shape)
    axes = (*range(extra), *(i for i, n in enumerate(shape, extra) if n == 1))
    return g.mean(axis=axes).reshape(shape)
""",
        "one copy is taken, the others are dropped": """
def unbroadcast(g, shape):
    while g.ndim > len(shape):
        g = g[0]
    for i, n in enumerate(shape):
        if n == 1:
            g = g.take([0], axis=i)
    return g
""",
        "it is summed over the last axes, not over the first": """
def unbroadcast(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=-1)
    for i, n in enumerate(shape):
        if n == 1:
            g = g.sum(axis=i, keepdims=True)
    return g
""",
        "it is summed over the wrong axis: the one that was not stretched": """
def unbroadcast(g, shape):
    padded = (1,) * (g.ndim - len(shape)) + tuple(shape)
    if padded == g.shape or not shape:
        return g if shape else g
    total = g.sum(axis=tuple(i for i, n in enumerate(padded) if n != 1))
    return total.reshape(shape) if total.size == np.prod(shape) else total
""",
        "everything is summed": """
def unbroadcast(g, shape):
    return np.full(shape, g.sum())
""",
        "g is cut or repeated into the shape": """
def unbroadcast(g, shape):
    return np.resize(g, shape)
""",
    },
}

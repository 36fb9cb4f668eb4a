"""Chapter 02. RIGHT: exercise -> sources. WRONG: exercise -> {mistake as the check names it: sources}."""

RIGHT = {
    "add": [
        """
def add(a, b, /):
    def back(g):
        return 1.0 * g
    return a + b, back, back
""",
        """
def add(x, y, /):
    total = np.add(x, y)
    return total, lambda g: np.array(g), lambda upstream: upstream + 0 * total
""",
        """
def add(a, b, /):
    return [b + a, lambda g: g, lambda g: g]
""",
        """
def add(a, b, /):
    return np.add(a, b), lambda g: g * 1, lambda g: 1 * g
""",
        """
def add(a, b, /):
    return a + b, lambda g: +g, lambda g: g.copy()
""",
        """
def add(a, b, /):
    def vjp(g):
        return g * np.ones_like(g)
    return a + b, vjp, vjp
""",
        """
def add(a, b, /):
    same = lambda g: g
    return a.__add__(b), same, same
""",
        """
def add(a, b, /):
    return np.sum([a, b], axis=0), lambda g: np.asarray(g), lambda g: np.multiply(1.0, g)
""",
        """
def add(a, b, /):
    return a - (-b), lambda g: g / 1, lambda g: -(-g)
""",
        """
def add(a, b, /):
    return tuple([a + b] + [lambda g: g] * 2)
""",
    ],
    "mul": [
        """
def mul(a, b, /):
    def for_a(g):
        return np.multiply(b, g)
    def for_b(g):
        return np.multiply(a, g)
    return np.multiply(a, b), for_a, for_b
""",
        """
def mul(a, b, /):
    def times(g, factor):
        out = np.zeros(np.shape(g))
        for i in np.ndindex(out.shape):
            out[i] = np.asarray(g)[i] * np.asarray(factor)[i]
        return out
    return a * b, lambda g: times(g, b), lambda g: times(g, a)
""",
        """
def mul(a, b, /):
    return b * a, lambda g: ((a + 1) * b - a * b * 1.0) * g if False else g * b, lambda g: a * g
""",
        """
def mul(a, b, /):
    return a * b, lambda g: np.einsum("...,...->...", g, b), lambda g: np.einsum("...,...->...", g, a)
""",
        """
def mul(a, b, /):
    saved = (np.copy(a), np.copy(b))
    return a * b, lambda g: saved[1] * g, lambda g: saved[0] * g
""",
        """
def mul(a, b, /):
    import functools, operator
    return operator.mul(a, b), functools.partial(operator.mul, b), functools.partial(operator.mul, a)
""",
        """
def mul(a, b, /):
    def vjp_a(g):
        g = g * 1
        g *= b
        return g
    def vjp_b(g):
        g = np.array(g)
        g *= a
        return g
    return a * b, vjp_a, vjp_b
""",
        """
def mul(a, b, /):
    return [a * b, b.__mul__, a.__mul__]
""",
        """
def mul(a, b, /):
    out = np.empty(np.shape(a * b))
    out[...] = a * b
    return out, lambda g: g / (1 / b), lambda g: g * a
""",
        """
def mul(a, b, /):
    return np.prod([a, b], axis=0), lambda g: np.prod([g, b], axis=0), lambda g: np.prod([g, a], axis=0)
""",
        """
def mul(a, b, /):
    fns = [lambda g, other=other: g * other for other in (b, a)]
    return a * b, *fns
""",
    ],
    "record": [
        """
def record(op, inputs, value, vjps):
    result = tensors.wrap(value)
    result._grad_fn = op.node()
    result._requires_grad = True
    result._grad_fn.edges = tuple(map(edge, inputs))
    result._grad_fn.keep(inputs, result, vjps)
    return result
""",
        """
def record(op, inputs, value, vjps):
    edges = ()
    for x in inputs:
        edges = edges + (edge(x),)
    maker = op.node()
    maker.edges = edges
    out = tensors.shadow(value, maker)
    maker.keep(tuple(inputs), out, list(vjps))
    return out
""",
        """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple(edge(inputs[i]) for i in range(len(inputs)))
    result = Tensor.__new__(Tensor)
    plain = tensors.wrap(value)
    plain._grad_fn, plain._requires_grad = node, True
    node.keep(inputs, plain, vjps)
    return plain
""",
        """
def record(op, inputs, value, vjps):
    result = tensors.wrap(np.array(value))
    setattr(result, "_requires_grad", True)
    node = op.node()
    setattr(result, "_grad_fn", node)
    node.edges = (*[edge(x) for x in inputs],)
    node.keep(inputs, result, vjps)
    return result
""",
        """
def record(op, inputs, value, vjps):
    node = op.node()
    links = []
    for x in inputs:
        if isinstance(x, Tensor):
            links.append(edge(x))
        else:
            links.append(None)
    node.edges = tuple(links)
    y = tensors.wrap(value)
    y.requires_grad_(True)
    y._grad_fn = node
    node.keep(inputs, y, vjps)
    return y
""",
        """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = [edge(x) for x in inputs]
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
    ],
    "is_leaf": [
        """
def is_leaf(self):
    if self.grad_fn:
        return False
    return True
""",
        """
@property
def is_leaf(self):
    return not self.requires_grad or self.grad_fn is None
""",
        """
def is_leaf(self):
    return isinstance(self.grad_fn, type(None))
""",
        """
def is_leaf(self):
    return True if self.grad_fn is None else False
""",
        """
def is_leaf(self):
    return not self.grad_fn
""",
        """
def is_leaf(self):
    return self._grad_fn is None
""",
        """
def is_leaf(self):
    return self.grad_fn == None
""",
        """
def is_leaf(self):
    if self.requires_grad:
        return self.grad_fn is None
    return True
""",
        """
def is_leaf(self):
    return bool(np.equal(self.grad_fn, None))
""",
        """
def is_leaf(self):
    return getattr(self, "grad_fn", None) is None
""",
        """
def is_leaf(self):
    return self.grad_fn in (None,)
""",
    ],
}

WRONG = {
    "add": {
        "the upstream gradient g is not used": [
            """
def add(a, b, /):
    return a + b, lambda g: np.ones_like(a), lambda g: np.ones_like(b)
""",
        ],
        "the rule of a product is used for a sum": [
            """
def add(a, b, /):
    return a + b, lambda g: g * b, lambda g: g * a
""",
        ],
        "the sign of the second gradient is flipped": [
            """
def add(a, b, /):
    return a + b, lambda g: g, lambda g: -g
""",
        ],
        "g is shared out between the two inputs": [
            """
def add(a, b, /):
    return a + b, lambda g: g * 0.5, lambda g: g * 0.5
""",
        ],
        "the input is added to g": [
            """
def add(a, b, /):
    return a + b, lambda g: g + a, lambda g: g + b
""",
        ],
        "the vjp sums g to a single number": [
            """
def add(a, b, /):
    return a + b, lambda g: g.sum(), lambda g: g.sum()
""",
        ],
        "the value is not the sum": [
            """
def add(a, b, /):
    return a * b, lambda g: g, lambda g: g
""",
        ],
        "g is multiplied with the input": [
            """
def add(a, b, /):
    return a + b, lambda g: g * a, lambda g: g * b
""",
        ],
        "the other input is added to g": [
            """
def add(a, b, /):
    return a + b, lambda g: g + b, lambda g: g + a
""",
        ],
        "the value is computed in the memory of a": [
            """
def add(a, b, /):
    a += b
    return a, lambda g: g, lambda g: g
""",
        ],
        "2 * g is sent back": [
            """
def add(a, b, /):
    return a + b, lambda g: g + g, lambda g: g + g
""",
        ],
        "the sign of a gradient is flipped": [
            """
def add(a, b, /):
    return a + b, lambda g: -g, lambda g: -g
""",
        ],
        "the input is sent back in place of g": [
            """
def add(a, b, /):
    return a + b, lambda g: a, lambda g: b
""",
        ],
        "only the first vjp is returned": [
            """
def add(a, b, /):
    return a + b, lambda g: g
""",
        ],
        "numbers are returned in place of a vjp": [
            """
def add(a, b, /):
    return a + b, a + b, a + b
""",
        ],
        "only the value is returned": [
            """
def add(a, b, /):
    return a + b
""",
        ],
        "one vjp returns both gradients": [
            """
def add(a, b, /):
    return a + b, lambda g: (g, g)
""",
        ],
        "the vjp has no return": [
            """
def add(a, b, /):
    return a + b, lambda g: None, lambda g: None
""",
        ],
        "g is multiplied with the value": [
            """
def add(a, b, /):
    out = a + b
    return out, lambda g: g * out, lambda g: g * out
""",
        ],
        "the value is missing": [
            """
def add(a, b, /):
    return lambda g: g, lambda g: g
""",
        ],
    },
    "mul": {
        "the upstream gradient g is not used": [
            """
def mul(a, b, /):
    return a * b, lambda g: b, lambda g: a
""",
        ],
        "the gradients of the two inputs are swapped": [
            """
def mul(a, b, /):
    return a * b, lambda g: g * a, lambda g: g * b
""",
        ],
        "the rule of a sum is used for a product": [
            """
def mul(a, b, /):
    return a * b, lambda g: g, lambda g: g
""",
        ],
        "the factor is added to g, not multiplied with it": [
            """
def mul(a, b, /):
    return a * b, lambda g: g + b, lambda g: g + a
""",
        ],
        "g is multiplied with the value": [
            """
def mul(a, b, /):
    out = a * b
    return out, lambda g: out * g, lambda g: out * g
""",
            """
def mul(a, b, /):
    return a * b, lambda g: g * a * b, lambda g: g * b * a
""",
        ],
        "the vjp writes into g": [
            """
def mul(a, b, /):
    def vjp_a(g):
        g *= b
        return g
    def vjp_b(g):
        g *= a
        return g
    return a * b, vjp_a, vjp_b
""",
        ],
        "both gradients are multiplied with b": [
            """
def mul(a, b, /):
    vjp = lambda g: g * b
    return a * b, vjp, vjp
""",
        ],
        "the sign of a gradient is flipped": [
            """
def mul(a, b, /):
    return a * b, lambda g: -g * b, lambda g: -g * a
""",
        ],
        "the value is computed in the memory of a": [
            """
def mul(a, b, /):
    a *= b
    return a, lambda g: g * b, lambda g: g * a
""",
        ],
        "g is divided by the factor": [
            """
def mul(a, b, /):
    return a * b, lambda g: g / b, lambda g: g / a
""",
        ],
        "both gradients are multiplied with a": [
            """
def mul(a, b, /):
    return a * b, lambda g: a * g, lambda g: a * g
""",
        ],
        "the vjp sums g to a single number": [
            """
def mul(a, b, /):
    return a * b, lambda g: np.sum(g) * b, lambda g: np.sum(g) * a
""",
        ],
        "the value is not the product": [
            """
def mul(a, b, /):
    return a + b, lambda g: g * b, lambda g: g * a
""",
        ],
        "only the first vjp is returned": [
            """
def mul(a, b, /):
    return a * b, lambda g: g * b
""",
        ],
        "the product with the factor is summed to a single number": [
            """
def mul(a, b, /):
    return a * b, lambda g: np.sum(g * b), lambda g: np.sum(g * a)
""",
        ],
        "the sign of the second gradient is flipped": [
            """
def mul(a, b, /):
    return a * b, lambda g: g * b, lambda g: -g * a
""",
        ],
        "the matrix product is used": [
            """
def mul(a, b, /):
    return a * b, lambda g: np.dot(g, np.transpose(b)), lambda g: np.dot(g, np.transpose(a))
""",
        ],
        "one vjp returns both gradients": [
            """
def mul(a, b, /):
    return a * b, lambda g: (g * b, g * a)
""",
        ],
        "the vjp has no return": [
            """
def mul(a, b, /):
    def vjp_a(g):
        g * b
    def vjp_b(g):
        g * a
    return a * b, vjp_a, vjp_b
""",
        ],
        "the upstream gradient g is not used, and the inputs are swapped": [
            """
def mul(a, b, /):
    return a * b, lambda g: a, lambda g: b
""",
        ],
    },
    "record": {
        "the result does not get its node": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._requires_grad = True
    node.keep(inputs, result, vjps)
    return result
""",
        ],
        "the result does not require grad": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
        ],
        "the edges are in the wrong order": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs][::-1])
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
        ],
        "inputs that need no gradient have no edge at all": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple(edge(x) for x in inputs if edge(x) is not None)
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
        ],
        "leaves have no edge": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple(x.grad_fn if isinstance(x, Tensor) else None for x in inputs)
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
        ],
        "nothing is kept for the way back": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    return result
""",
        ],
        "nothing is recorded: the bare value comes back": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    return value
""",
        ],
        "only the first input has an edge": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = (edge(inputs[0]), *[None] * (len(inputs) - 1))
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
        ],
        "the vjps are kept in the wrong order": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, list(reversed(vjps)))
    return result
""",
        ],
        "the result is not returned": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
""",
        ],
        "the operation is taken for the maker": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = op
    node.keep(inputs, result, vjps)
    return result
""",
        ],
        "the node gets no edges": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
        ],
        "the edges hold the inputs, not their makers": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple(inputs)
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
        ],
        "the brackets of op.node() are missing": [
            """
def record(op, inputs, value, vjps):
    node = op.node
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    return result
""",
        ],
        "a result requires grad only where every input does": [
            """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._requires_grad = all(isinstance(x, Tensor) and x.requires_grad for x in inputs)
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
        ],
    },
    "is_leaf": {
        "a leaf is taken for a tensor that requires grad": [
            """
def is_leaf(self):
    return self.requires_grad
""",
            """
def is_leaf(self):
    return self._requires_grad == True
""",
        ],
        "leaf and result are mixed up": [
            """
def is_leaf(self):
    return self.grad_fn is not None
""",
            """
def is_leaf(self):
    return bool(self.grad_fn)
""",
            """
def is_leaf(self):
    return self.grad_fn
""",
        ],
        "a leaf must also require grad": [
            """
def is_leaf(self):
    return self.requires_grad and self.grad_fn is None
""",
        ],
        "only tensors that require no grad count as leaves": [
            """
def is_leaf(self):
    return not self.requires_grad
""",
            """
def is_leaf(self):
    return self.requires_grad is False
""",
        ],
        "every tensor counts as a leaf": [
            """
def is_leaf(self):
    return not hasattr(self, "maker")
""",
            """
def is_leaf(self):
    return self.grad is None
""",
        ],
        "no tensor counts as a leaf": [
            """
def is_leaf(self):
    return self.grad_fn == "None"
""",
            """
def is_leaf(self):
    return not hasattr(self, "grad_fn")
""",
        ],
        "the question asks itself, without end": [
            """
def is_leaf(self):
    return self.is_leaf or not self.requires_grad
""",
        ],
        "nothing is returned": [
            """
def is_leaf(self):
    self.grad_fn is None
""",
        ],
    },
}

"""Chapter 02. RIGHT: exercise -> sources. WRONG: exercise -> {mistake as the check names it: source}."""

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
    ],
}

WRONG = {
    "add": {
        "the upstream gradient g is not used": """
def add(a, b, /):
    return a + b, lambda g: np.ones_like(a), lambda g: np.ones_like(b)
""",
        "the rule of a product is used for a sum": """
def add(a, b, /):
    return a + b, lambda g: g * b, lambda g: g * a
""",
        "the sign of the second gradient is flipped": """
def add(a, b, /):
    return a + b, lambda g: g, lambda g: -g
""",
        "g is shared out between the two inputs": """
def add(a, b, /):
    return a + b, lambda g: g * 0.5, lambda g: g * 0.5
""",
        "the input is added to g": """
def add(a, b, /):
    return a + b, lambda g: g + a, lambda g: g + b
""",
        "the vjp sums g to a single number": """
def add(a, b, /):
    return a + b, lambda g: g.sum(), lambda g: g.sum()
""",
        "the value is not the sum": """
def add(a, b, /):
    return a * b, lambda g: g, lambda g: g
""",
    },
    "mul": {
        "the upstream gradient g is not used": """
def mul(a, b, /):
    return a * b, lambda g: b, lambda g: a
""",
        "the gradients of the two inputs are swapped": """
def mul(a, b, /):
    return a * b, lambda g: g * a, lambda g: g * b
""",
        "the rule of a sum is used for a product": """
def mul(a, b, /):
    return a * b, lambda g: g, lambda g: g
""",
        "the factor is added to g, not multiplied with it": """
def mul(a, b, /):
    return a * b, lambda g: g + b, lambda g: g + a
""",
        "g is multiplied with the value": """
def mul(a, b, /):
    out = a * b
    return out, lambda g: out * g, lambda g: out * g
""",
        "the vjp writes into g": """
def mul(a, b, /):
    def vjp_a(g):
        g *= b
        return g
    def vjp_b(g):
        g *= a
        return g
    return a * b, vjp_a, vjp_b
""",
        "both gradients are multiplied with b": """
def mul(a, b, /):
    vjp = lambda g: g * b
    return a * b, vjp, vjp
""",
        "the sign of a gradient is flipped": """
def mul(a, b, /):
    return a * b, lambda g: -g * b, lambda g: -g * a
""",
    },
    "record": {
        "the result does not get its node": """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._requires_grad = True
    node.keep(inputs, result, vjps)
    return result
""",
        "the result does not require grad": """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
        "the edges are in the wrong order": """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs][::-1])
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
        "inputs that need no gradient have no edge at all": """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple(edge(x) for x in inputs if edge(x) is not None)
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
        "leaves have no edge": """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple(x.grad_fn if isinstance(x, Tensor) else None for x in inputs)
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
""",
        "nothing is kept for the way back": """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    return result
""",
        "nothing is recorded: the bare value comes back": """
def record(op, inputs, value, vjps):
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    return value
""",
    },
    "is_leaf": {
        "a leaf is taken for a tensor that requires grad": """
def is_leaf(self):
    return self.requires_grad
""",
        "leaf and result are mixed up": """
def is_leaf(self):
    return self.grad_fn is not None
""",
        "a leaf must also require grad": """
def is_leaf(self):
    return self.requires_grad and self.grad_fn is None
""",
        "only tensors that require no grad count as leaves": """
def is_leaf(self):
    return not self.requires_grad
""",
        "every tensor counts as a leaf": """
def is_leaf(self):
    return not hasattr(self, "maker")
""",
        "no tensor counts as a leaf": """
def is_leaf(self):
    return self.grad_fn == "None"
""",
    },
}

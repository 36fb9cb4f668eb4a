"""Chapter 01. RIGHT: exercise -> sources. WRONG: exercise -> {mistake as the check names it: source}."""

RIGHT = {
    "can_require_grad": [
        """
def can_require_grad(dtype):
    return np.issubdtype(dtype, np.floating)
""",
        """
def can_require_grad(dtype):
    for name in ("float16", "float32", "float64"):
        if dtype == np.dtype(name):
            return True
    return False
""",
        """
def can_require_grad(dtype):
    try:
        np.finfo(dtype)
    except ValueError:
        return False
    else:
        return True
""",
    ],
    "leaf": [
        """
def leaf(array, requires_grad=False):
    t = wrap(array)
    if requires_grad:
        if array.dtype.kind in "iub":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        t._requires_grad = True
    return t
""",
        """
def leaf(array, requires_grad=False):
    made = wrap(array)
    allowed = graph.can_require_grad(array.dtype)
    if allowed or not requires_grad:
        made._requires_grad = bool(requires_grad)
        return made
    text = "Only Tensors of floating point and complex dtype " + "can require gradients"
    raise RuntimeError(text)
""",
    ],
    "any_requires_grad": [
        """
def any_requires_grad(*inputs):
    return any(isinstance(x, Tensor) and x.requires_grad for x in inputs)
""",
        """
def any_requires_grad(*inputs):
    return sum(1 for x in inputs if getattr(x, "requires_grad", False)) > 0
""",
        """
def any_requires_grad(*inputs):
    found = np.bool_(False)
    for x in inputs:
        if type(x) is Tensor:
            found = found | np.bool_(x.requires_grad)
    return found
""",
    ],
    "requires_grad_": [
        """
def requires_grad_(self, requires_grad=True):
    if requires_grad:
        if self._array.dtype.kind != "f":
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
    elif not self.is_leaf:
        raise RuntimeError(
            "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
            "subgraph that doesn't require differentiation use var_no_grad = var.detach()."
        )
    self._requires_grad = bool(requires_grad)
    return self
""",
        """
def requires_grad_(self, requires_grad=True):
    text = None
    if not requires_grad and not self.is_leaf:
        text = NOT_A_LEAF
    if requires_grad and not self.is_floating_point():
        text = "only Tensors of floating point dtype can require gradients"
    if text is None:
        object.__setattr__(self, "_requires_grad", requires_grad)
        return self
    raise RuntimeError(text)
""",
    ],
}

TEXT = '"Only Tensors of floating point and complex dtype can require gradients"'
KIND = '"only Tensors of floating point dtype can require gradients"'

WRONG = {
    "can_require_grad": {
        "every element type is let through": """
def can_require_grad(dtype):
    return dtype.kind in "fiub"
""",
        "integers are let through": """
def can_require_grad(dtype):
    return np.issubdtype(dtype, np.number)
""",
        "only float32 is let through": """
def can_require_grad(dtype):
    return dtype == np.float32
""",
        "only float64 is let through": """
def can_require_grad(dtype):
    return dtype == float
""",
        "float16 is left out": """
def can_require_grad(dtype):
    return str(dtype) in ["float32", "float64"]
""",
        "the answer is the wrong way round": """
def can_require_grad(dtype):
    if dtype.kind == "f":
        return False
    return True
""",
        "unsigned integers are let through": """
def can_require_grad(dtype):
    return dtype.kind != "i" and dtype.kind != "b"
""",
    },
    "leaf": {
        "nothing is refused": """
def leaf(array, requires_grad=False):
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
        "the flag is dropped in silence where an error is due": """
def leaf(array, requires_grad=False):
    result = wrap(array)
    result._requires_grad = requires_grad and graph.can_require_grad(array.dtype)
    return result
""",
        "integers are refused even where no gradient is asked for": f"""
def leaf(array, requires_grad=False):
    if not graph.can_require_grad(array.dtype):
        raise RuntimeError({TEXT})
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
        "the flag is never set": f"""
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise RuntimeError({TEXT})
    return wrap(array)
""",
        "the flag is always set": f"""
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise RuntimeError({TEXT})
    t = wrap(array)
    t._requires_grad = True
    return t
""",
        "the refusal is another kind of error": f"""
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise ValueError({TEXT})
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
        "the refusal says what requires_grad_() says": """
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
    },
    "any_requires_grad": {
        "all tensors must require grad, where one is enough": """
def any_requires_grad(*inputs):
    for x in inputs:
        if isinstance(x, Tensor) and not x.requires_grad:
            return False
    return any(isinstance(x, Tensor) for x in inputs)
""",
        "only the first input is asked": """
def any_requires_grad(*inputs):
    for x in inputs:
        if isinstance(x, Tensor) and x.requires_grad:
            return True
        return False
""",
        "numbers are asked for a flag that they do not have": """
def any_requires_grad(*inputs):
    for x in inputs:
        if x.requires_grad:
            return True
    return False
""",
        "every tensor counts, whether it requires grad or not": """
def any_requires_grad(*inputs):
    return len([x for x in inputs if isinstance(x, Tensor)]) > 0
""",
        "only the last input is asked": """
def any_requires_grad(*inputs):
    answer = False
    for x in inputs:
        answer = isinstance(x, Tensor) and x.requires_grad
    return answer
""",
        "the answer is the wrong way round": """
def any_requires_grad(*inputs):
    for x in inputs:
        if isinstance(x, Tensor) and x.requires_grad:
            return False
    return True
""",
        "exactly one input must require grad": """
def any_requires_grad(*inputs):
    count = 0
    for x in inputs:
        if isinstance(x, Tensor) and x.requires_grad:
            count += 1
    return count == 1
""",
    },
    "requires_grad_": {
        "integers can be switched on": """
def requires_grad_(self, requires_grad=True):
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
""",
        "integers cannot even be switched off": f"""
def requires_grad_(self, requires_grad=True):
    if not graph.can_require_grad(self._array.dtype):
        raise RuntimeError({KIND})
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
""",
        "results can be switched off": f"""
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError({KIND})
    self._requires_grad = requires_grad
    return self
""",
        "results cannot be switched on": f"""
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError({KIND})
    if not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
""",
        "the flag is always set to True": f"""
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError({KIND})
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = True
    return self
""",
        "the flag is changed before the refusal": f"""
def requires_grad_(self, requires_grad=True):
    self._requires_grad = requires_grad
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError({KIND})
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    return self
""",
        "nothing is returned": f"""
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError({KIND})
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
""",
        "the refusal says what mg.tensor says": f"""
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError({TEXT})
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
""",
    },
}

"""Chapter 01. RIGHT: exercise -> sources. WRONG: exercise -> {mistake as the check names it: sources}."""

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
        """
def can_require_grad(dtype):
    return dtype in (np.float16, np.float32, np.float64)
""",
        """
def can_require_grad(dtype):
    return "float" in str(dtype)
""",
        """
def can_require_grad(dtype):
    return np.dtype(dtype).type in [np.float16, np.float32, np.float64]
""",
        """
def can_require_grad(dtype):
    return 1 if isinstance(np.zeros(1, dtype)[0], np.floating) else 0
""",
        """
def can_require_grad(dtype):
    match dtype.kind:
        case "f" | "c":
            return True
        case _:
            return False
""",
        """
def can_require_grad(dtype):
    return not (np.issubdtype(dtype, np.integer) or dtype == bool)
""",
        """
def can_require_grad(dtype):
    return np.can_cast(np.float16, dtype) and dtype.kind == "f"
""",
        """
def can_require_grad(dtype):
    x = np.ones(1, dtype=dtype)
    return (x / 2).astype(dtype)[0] != 0 and x.dtype.kind not in "biu"
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
        """
def leaf(array, requires_grad=False):
    if requires_grad is True and array.dtype.kind != "f":
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    result = wrap(array)
    if requires_grad:
        result._requires_grad = True
    return result
""",
        """
def leaf(array, requires_grad=False):
    result = Tensor.__new__(Tensor)
    result._array, result._grad_fn, result._grad, result._base, result._counter = array, None, None, None, None
    result._requires_grad = False
    if not requires_grad:
        return result
    if graph.can_require_grad(array.dtype) == False:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    result._requires_grad = requires_grad
    return result
""",
        """
def leaf(array, requires_grad=False):
    try:
        assert not requires_grad or graph.can_require_grad(array.dtype)
    except AssertionError:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients") from None
    result = wrap(np.array(array))
    result._requires_grad = requires_grad
    return result
""",
        """
def leaf(array, requires_grad=False):
    class CannotRequireGrad(RuntimeError):
        pass
    t = wrap(array)
    t._requires_grad = requires_grad
    if t._requires_grad and not graph.can_require_grad(t._array.dtype):
        raise RuntimeError('Only Tensors of floating point and complex dtype can require gradients')
    return t
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
        """
def any_requires_grad(*inputs):
    return bool([x for x in inputs if isinstance(x, Tensor) and x.requires_grad])
""",
        """
def any_requires_grad(*inputs):
    if not inputs:
        return False
    first, *rest = inputs
    if isinstance(first, Tensor) and first.requires_grad:
        return True
    return any_requires_grad(*rest)
""",
        """
def any_requires_grad(*inputs):
    for x in inputs:
        try:
            if x.requires_grad:
                return True
        except AttributeError:
            pass
    return False
""",
        """
def any_requires_grad(*inputs):
    flags = [False]
    for i in range(len(inputs)):
        if hasattr(inputs[i], "requires_grad"):
            flags.append(inputs[i].requires_grad)
    return max(flags)
""",
        """
def any_requires_grad(*inputs):
    answer = False
    for x in inputs:
        answer |= isinstance(x, Tensor) and x._requires_grad
    return answer
""",
        """
def any_requires_grad(*inputs):
    import functools
    return functools.reduce(lambda yes, x: yes or (isinstance(x, Tensor) and x.requires_grad is True), inputs, False)
""",
        """
def any_requires_grad(*inputs):
    return True in {getattr(x, "requires_grad", None) for x in inputs}
""",
        """
def any_requires_grad(*inputs):
    return np.any([isinstance(x, Tensor) and x.requires_grad for x in inputs])
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
        """
def requires_grad_(self, requires_grad=True):
    match (requires_grad, self.is_leaf, graph.can_require_grad(self._array.dtype)):
        case (True, _, False):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        case (False, False, _):
            raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
""",
        """
def requires_grad_(self, requires_grad=True):
    old = self._requires_grad
    self._requires_grad = requires_grad
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        self._requires_grad = old
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not requires_grad and not self.is_leaf:
        self._requires_grad = old
        raise RuntimeError(NOT_A_LEAF)
    return self
""",
        """
def requires_grad_(self, requires_grad=True):
    if not self.is_leaf:
        if requires_grad:
            return self
        raise RuntimeError(NOT_A_LEAF)
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    self._requires_grad = requires_grad
    return self
""",
        """
def requires_grad_(self, requires_grad=True):
    if not requires_grad:
        if self.is_leaf:
            self._requires_grad = False
            return self
        else:
            raise RuntimeError(NOT_A_LEAF)
    else:
        if graph.can_require_grad(self.detach()._array.dtype):
            self._requires_grad = True
            return self
        else:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
""",
    ],
}

WRONG = {
    "can_require_grad": {
        "every element type is let through": [
            """
def can_require_grad(dtype):
    return dtype.kind in "fiub"
""",
            """
def can_require_grad(dtype):
    return True
""",
        ],
        "integers are let through": [
            """
def can_require_grad(dtype):
    return np.issubdtype(dtype, np.number)
""",
            """
def can_require_grad(dtype):
    return dtype != bool
""",
        ],
        "only float32 is let through": [
            """
def can_require_grad(dtype):
    return dtype == np.float32
""",
        ],
        "only float64 is let through": [
            """
def can_require_grad(dtype):
    return dtype == float
""",
            """
def can_require_grad(dtype):
    return dtype == "float"
""",
        ],
        "float16 is left out": [
            """
def can_require_grad(dtype):
    return str(dtype) in ["float32", "float64"]
""",
            """
def can_require_grad(dtype):
    return dtype.kind == "f" and dtype.itemsize >= 4
""",
        ],
        "the answer is the wrong way round": [
            """
def can_require_grad(dtype):
    if dtype.kind == "f":
        return False
    return True
""",
        ],
        "unsigned integers are let through": [
            """
def can_require_grad(dtype):
    return dtype.kind != "i" and dtype.kind != "b"
""",
        ],
        "truth values are let through": [
            """
def can_require_grad(dtype):
    return not np.issubdtype(dtype, np.integer)
""",
        ],
        "no element type is let through": [
            """
def can_require_grad(dtype):
    return isinstance(dtype, float)
""",
        ],
    },
    "leaf": {
        "nothing is refused": [
            """
def leaf(array, requires_grad=False):
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
            """
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        print("RuntimeError: Only Tensors of floating point and complex dtype can require gradients")
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
        ],
        "the flag is dropped in silence where an error is due": [
            """
def leaf(array, requires_grad=False):
    result = wrap(array)
    result._requires_grad = requires_grad and graph.can_require_grad(array.dtype)
    return result
""",
        ],
        "integers are refused even where no gradient is asked for": [
            """
def leaf(array, requires_grad=False):
    if not graph.can_require_grad(array.dtype):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
        ],
        "the flag is never set": [
            """
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return wrap(array)
""",
        ],
        "the flag is always set": [
            """
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    t = wrap(array)
    t._requires_grad = True
    return t
""",
        ],
        "the refusal is another kind of error": [
            """
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise ValueError("Only Tensors of floating point and complex dtype can require gradients")
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
        ],
        "the refusal says what requires_grad_() says": [
            """
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
        ],
        "integers are turned into floats": [
            """
def leaf(array, requires_grad=False):
    if array.dtype.kind != "f":
        array = array.astype(np.float32)
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
        ],
        "the condition of the refusal is the wrong way round": [
            """
def leaf(array, requires_grad=False):
    if requires_grad and graph.can_require_grad(array.dtype):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
        ],
        "the refusal is another kind of error (TypeError)": [
            """
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise TypeError("Only Tensors of floating point and complex dtype can require gradients")
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
        ],
        "the error is returned, not raised": [
            """
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        return RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
        ],
        "nothing is returned": [
            """
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    result = wrap(array)
    result._requires_grad = requires_grad
""",
        ],
        "the refusal has a text of its own": [
            """
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise RuntimeError("only floats can require gradients")
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
""",
        ],
        "the flag is the opposite of what was asked for": [
            """
def leaf(array, requires_grad=False):
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    result = wrap(array)
    result._requires_grad = not requires_grad
    return result
""",
        ],
    },
    "any_requires_grad": {
        "all tensors must require grad, where one is enough": [
            """
def any_requires_grad(*inputs):
    for x in inputs:
        if isinstance(x, Tensor) and not x.requires_grad:
            return False
    return any(isinstance(x, Tensor) for x in inputs)
""",
        ],
        "only the first input is asked": [
            """
def any_requires_grad(*inputs):
    for x in inputs:
        if isinstance(x, Tensor) and x.requires_grad:
            return True
        return False
""",
            """
def any_requires_grad(*inputs):
    for x in inputs:
        if isinstance(x, Tensor) and x.requires_grad:
            return True
        else:
            return False
""",
        ],
        "numbers are asked for a flag that they do not have": [
            """
def any_requires_grad(*inputs):
    for x in inputs:
        if x.requires_grad:
            return True
    return False
""",
            """
def any_requires_grad(*inputs):
    return any([x._requires_grad for x in inputs])
""",
        ],
        "every tensor counts, whether it requires grad or not": [
            """
def any_requires_grad(*inputs):
    return len([x for x in inputs if isinstance(x, Tensor)]) > 0
""",
        ],
        "only the last input is asked": [
            """
def any_requires_grad(*inputs):
    answer = False
    for x in inputs:
        answer = isinstance(x, Tensor) and x.requires_grad
    return answer
""",
        ],
        "the answer is the wrong way round": [
            """
def any_requires_grad(*inputs):
    for x in inputs:
        if isinstance(x, Tensor) and x.requires_grad:
            return False
    return True
""",
        ],
        "exactly one input must require grad": [
            """
def any_requires_grad(*inputs):
    count = 0
    for x in inputs:
        if isinstance(x, Tensor) and x.requires_grad:
            count += 1
    return count == 1
""",
        ],
        "only two inputs are asked": [
            """
def any_requires_grad(*inputs):
    a, b = (*inputs, None)[:2]
    return any(isinstance(x, Tensor) and x.requires_grad for x in (a, b))
""",
        ],
        "all inputs must require grad, where one is enough": [
            """
def any_requires_grad(*inputs):
    return all(isinstance(x, Tensor) and x.requires_grad for x in inputs)
""",
        ],
        "the answer is always yes": [
            """
def any_requires_grad(*inputs):
    return any(hasattr(Tensor, "requires_grad") for x in inputs)
""",
        ],
        "the first tensor decides for all": [
            """
def any_requires_grad(*inputs):
    for x in inputs:
        if isinstance(x, Tensor) and not x.requires_grad:
            return False
        if isinstance(x, Tensor) and x.requires_grad:
            return True
""",
        ],
        "the search ends at the first number": [
            """
def any_requires_grad(*inputs):
    for x in inputs:
        if not isinstance(x, Tensor):
            return False
        if x.requires_grad:
            return True
    return False
""",
        ],
    },
    "requires_grad_": {
        "integers can be switched on": [
            """
def requires_grad_(self, requires_grad=True):
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
""",
        ],
        "integers cannot even be switched off": [
            """
def requires_grad_(self, requires_grad=True):
    if not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
""",
        ],
        "results can be switched off": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    self._requires_grad = requires_grad
    return self
""",
        ],
        "results cannot be switched on": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
""",
        ],
        "the flag is always set to True": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = True
    return self
""",
        ],
        "the flag is changed before the refusal": [
            """
def requires_grad_(self, requires_grad=True):
    self._requires_grad = requires_grad
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    return self
""",
        ],
        "nothing is returned": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
""",
        ],
        "the refusal says what mg.tensor says": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
""",
        ],
        "nothing is refused": [
            """
def requires_grad_(self, requires_grad=True):
    self._requires_grad = requires_grad
    return self
""",
        ],
        "a copy is returned": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    result = wrap(self._array.copy())
    result._requires_grad = requires_grad
    return result
""",
        ],
        "nothing can be switched off": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not requires_grad:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
""",
        ],
        "leaves cannot be switched off": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not requires_grad and self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
""",
        ],
        "the flag is turned over, whatever was asked for": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = not self._requires_grad
    return self
""",
        ],
        "the flag is returned, not the tensor": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self._requires_grad
""",
        ],
        "the two refusals are mixed up": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError(NOT_A_LEAF)
    if not requires_grad and not self.is_leaf:
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    self._requires_grad = requires_grad
    return self
""",
        ],
        "the refusal is another kind of error": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise ValueError("only Tensors of floating point dtype can require gradients")
    if not requires_grad and not self.is_leaf:
        raise ValueError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
""",
        ],
        "the flag is not changed at all": [
            """
def requires_grad_(self, requires_grad=True):
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    requires_grad = self._requires_grad
    return self
""",
        ],
    },
}

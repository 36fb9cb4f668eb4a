# %% [markdown]
# # Chapter 01 · requires_grad and leaves
#
# *4 exercises, about 40 minutes.*
#
# An autograd engine watches how numbers are made. Watching costs time and memory, so every tensor carries a flag that
# says whether somebody will ask for its gradient: `requires_grad`. In this chapter you write the four small rules that
# decide this flag.
#
# ```
#   x   leaf    requires_grad=False ──┐
#                                     ├── + ──►  x + z   result  requires_grad=True
#   z   leaf    requires_grad=True  ──┘
# ```
#
# A **leaf** is a tensor that you made. A **result** is a tensor that an operation made. One leaf with the flag is enough,
# and the flag spreads to every result that is made from it.

# %% lesson=["000/In[2]", "002/In[1]", "004/In[1]"]
from typing import Any

import numpy as np

import minigrad as mg
from graders.check import begin, check, piece, predict
from minigrad import graph
from minigrad.tensors import NOT_A_LEAF, Tensor, wrap

begin("ch01")

# %% [markdown]
# ## Exercise 1 · Only numbers that can move  ·  5 minutes · ●○○
#
# A gradient is the answer to "what happens after a small step?":
#
# ```
#   slope of f at x   =   (f(x + h) - f(x)) / h     for a step h as small as you like
# ```
#
# A float can take a small step `h`. An integer cannot: from 3 the next one is 4. So only some element types can have a
# gradient. NumPy sorts them by one letter, the *kind*:

# %%
for name in ["float64", "float32", "int64", "uint8", "bool"]:
    print(name, np.dtype(name).kind)

# %% [markdown]
# **Predict**: which of these can require a gradient? Write `True` or `False` in place of the dots.

# %% nbgrader={"grade": false, "grade_id": "predict-floats", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("float64", True)    # True or False?
predict("int64", False)     # True or False?
predict("bool", False)      # True or False?

# %% [markdown]
# **Build** `can_require_grad`. From this cell on, minigrad asks *your* function.

# %% nbgrader={"grade": false, "grade_id": "can_require_grad", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def can_require_grad(dtype: np.dtype) -> bool:
    """True for the element types that have a gradient: the floating-point ones."""
    ### BEGIN SOLUTION
    return dtype.kind == "f"
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-can_require_grad", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("can_require_grad")    # 2 points

# %% [markdown]
# Look at your function at work on all element types at once:

# %%
{name: graph.can_require_grad(np.dtype(name)) for name in ["float16", "float32", "float64", "int64", "uint8", "bool"]}

# %% [markdown]
# ## Exercise 2 · How a leaf is born  ·  10 minutes · ●●○
#
# `mg.tensor`, `mg.ones`, `mg.randn`: each of them makes an array, and then calls the one function `leaf`, which puts a
# tensor around it. So a rule that is written in `leaf` holds everywhere.
#
# `wrap(array)` gives a bare tensor. It has two fields that matter here: `_array`, and `_requires_grad`, which is
# `False` at first. `leaf` sets the flag, and refuses to set it where no gradient is possible.

# %%
bare = wrap(np.array([1.0, 10.0]))
bare._array, bare._requires_grad

# %% [markdown]
# **Predict**: `mg.tensor([1, 10])` holds integers. Two calls: `mg.tensor([1, 10])`, and
# `mg.tensor([1, 10], requires_grad=True)`. Does each of them work, or is it an error?

# %% nbgrader={"grade": false, "grade_id": "predict-leaf", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("integers", "works")                  # "works" or "error"?
predict("integers with a gradient", "error")  # "works" or "error"?

# %% [markdown]
# **Build** `leaf`. The error is a `RuntimeError`, and its text is PyTorch's, to the letter:
# `Only Tensors of floating point and complex dtype can require gradients`

# %% nbgrader={"grade": false, "grade_id": "leaf", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def leaf(array: np.ndarray, requires_grad: bool = False) -> Tensor:
    """A new leaf around `array`: no operation made it, and it requires grad only if that is asked for.

    RuntimeError when a gradient is asked for an element type that has none.
    """
    ### BEGIN SOLUTION
    if requires_grad and not graph.can_require_grad(array.dtype):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    result = wrap(array)
    result._requires_grad = requires_grad
    return result
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-leaf", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("leaf")    # 3 points

# %% [markdown]
# Look: every tensor from here on is born in your `leaf`. It prints its flag when it is set.

# %% lesson=["002/In[2]", "003/c1", "004/In[2]"]
x = mg.ones(2, 2, requires_grad=True)
print(x)
print(x.grad_fn)

# %% [markdown]
# In a drawing a leaf is a box: its name, shape, element type and values, and the gradient that has arrived so far, which
# is none. Every arrow that you draw in the next chapters ends in such a box.

# %%
mg.draw(x, params={"x": x})

# %%
print(mg.tensor([1, 10]))
try:
    mg.tensor([1, 10], requires_grad=True)
except RuntimeError as error:
    print("RuntimeError:", error)

# %% [markdown]
# ## Exercise 3 · Switch it on later  ·  10 minutes · ●●○
#
# The flag can be changed after birth in two ways, `x.requires_grad = True` and `x.requires_grad_()`. The underscore at the
# end means *in place*: the tensor itself changes, and comes back. Two things are refused:
#
# | asked for | refused when |
# |---|---|
# | switch on | the element type has no gradient |
# | switch off | the tensor is a result, not a leaf: this would cut the path to its inputs |
#
# Refused means: an error, and the tensor stays as it was.

# %% [markdown]
# **Predict**: `a` is made by operations, from a tensor without the flag. Can it be switched on afterwards? What is
# `a.requires_grad` at the end?
#
# ```python
# a = mg.randn(2, 2)
# a = (a * 3) / (a - 1)
# a.requires_grad_(True)
# ```

# %% nbgrader={"grade": false, "grade_id": "predict-switch", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("a at the end", "True")    # "True", "False" or "error"?

# %% [markdown]
# **Build** `requires_grad_`; `x.requires_grad = True` calls it too. `self.is_leaf` says whether the tensor is a leaf. The
# errors are again `RuntimeError`: for a result with the text `NOT_A_LEAF` (imported above), for an element type with
# `only Tensors of floating point dtype can require gradients`

# %% nbgrader={"grade": false, "grade_id": "requires_grad_", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def requires_grad_(self, requires_grad: bool = True) -> Tensor:
    """Ask for a gradient (or, with False, no longer) in place; returns this same tensor.

    RuntimeError for an element type that has no gradient, and for False on a tensor that is not a leaf.
    """
    ### BEGIN SOLUTION
    if requires_grad and not graph.can_require_grad(self._array.dtype):
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if not requires_grad and not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    self._requires_grad = requires_grad
    return self
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-requires_grad_", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("requires_grad_")    # 3 points

# %% [markdown]
# Look at both ways:

# %% lesson=["000/In[17]", "000/In[18]", "000/In[19]", "000/In[20]", "000/In[21]"]
t = mg.tensor([1., 2., 4.]).requires_grad_()
u = mg.tensor([10., 20.]).requires_grad_()
print(t.requires_grad)
print(t)
print(u)

# %% lesson=["000/In[12]", "000/In[13]", "000/In[14]"]
x = mg.tensor([1., 10.])
print(x)
x.requires_grad = True
print(x)

# %% lesson=["000/In[15]", "000/In[16]"]
x = mg.tensor([1, 10])
try:
    x.requires_grad = True
except RuntimeError as error:
    print("RuntimeError:", error)

# %% [markdown]
# And the answer to your prediction. Nobody watched how `a` was made, so to autograd `a` is a leaf like any other.

# %%
a = mg.randn(2, 2)
a = (a * 3) / (a - 1)
print(a.requires_grad)
a.requires_grad_(True)
print(a.requires_grad)

# %% [markdown]
# ## Exercise 4 · It spreads  ·  10 minutes · ●○○
#
# Each operation asks one question before it records anything: does **any** of my inputs require grad?
#
# ```
#   result.requires_grad   =   a.requires_grad  or  b.requires_grad  or  ...
# ```
#
# Inputs may also be plain numbers, as in `x + 2`, or NumPy arrays. Those have no flag and never require grad.

# %% lesson=["000/In[3]", "000/In[4]", "000/In[5]", "000/In[6]", "000/In[7]"]
x = mg.tensor([1., 2.])
y = mg.tensor([4., 5.])
z = mg.tensor([7., 3.])
print(x, y, z)
x.requires_grad

# %% lesson=["000/In[9]"]
z.requires_grad = True

# %% [markdown]
# **Predict** the flag of two results:

# %% nbgrader={"grade": false, "grade_id": "predict-spread", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("x + y", False)    # (x + y).requires_grad: True or False?
predict("x + z", True)     # (x + z).requires_grad: True or False?

# %% [markdown]
# **Build** `any_requires_grad`. Every operation of minigrad calls it with all its inputs.

# %% nbgrader={"grade": false, "grade_id": "any_requires_grad", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def any_requires_grad(*inputs: Any) -> bool:
    """True when at least one of the inputs is a Tensor that requires grad. Numbers and arrays never do."""
    ### BEGIN SOLUTION
    for x in inputs:
        if isinstance(x, Tensor) and x.requires_grad:
            return True
    return False
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-any_requires_grad", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("any_requires_grad")    # 2 points

# %% lesson=["000/In[8]", "000/In[11]"]
print((x + y).requires_grad)
print((x + z).requires_grad)

# %% [markdown]
# It spreads on and on: a result of a result of `z` still requires grad. Look at a small calculation: only what is made
# from `z` carries the flag.

# %%
s = (x + z) * y + 2
print(s.requires_grad, (x * y + 2).requires_grad)

# %% [markdown]
# ## What you can now do
#
# - Say which element types can have a gradient, and why integers cannot.
# - Make a leaf that requires grad at birth, or switch it on later, and say what is refused.
# - Tell from the inputs of an operation whether its result requires grad.
#
# A flag alone is not enough to find a gradient: a result must also remember who made it. That is the next chapter.

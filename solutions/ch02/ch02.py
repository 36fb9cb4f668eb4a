# %% [markdown]
# # Chapter 02 · grad_fn: every result remembers its maker
#
# *4 exercises, about 45 minutes.*
#
# To send a gradient back, a result must know two things: which operation made it, and from what. In this chapter you
# write both: the **rules** of two operations, and the **node** that each result holds in its field `grad_fn`.
#
# ```
#   out ──► MeanBackward0 ──► MulBackward0 ──► MulBackward0
#                                                │      │
#                                   left factor  │      │  right factor
#                                                ▼      ▼
#                                 leaf x ◄──── AddBackward0
# ```
#
# This is the picture of `y = x + 2`, `z = y * y * 3`, `out = z.mean()`. At the end of the chapter your own code draws it.

# %%
from typing import Any

import numpy as np

import minigrad as mg
from graders.check import begin, check, piece, predict
from minigrad import tensors
from minigrad.graph import Array, edge
from minigrad.tensors import Tensor

begin("ch02")

# %% [markdown]
# ## Exercise 1 · Add  ·  10 minutes · ●○○
#
# A rule is a function on plain numbers or arrays. It returns its value, and one small function for each argument:
#
# ```python
# def neg(a, /):
#     """d(-a) = -da"""
#     return -a, lambda g: -g
# ```
#
# The small function is called **vjp** (vector-Jacobian product). It gets `g`, the **upstream gradient**: how much the final
# result changes for a small change of this value. It returns the same for the argument. By the chain rule that is `g`
# times the slope of the operation. It writes into nothing that it is given: others still need `g`, `a` and `b`. For a sum
# both slopes are 1:
#
# ```
#   d(a + b)  =  da + db
# ```

# %% [markdown]
# **Predict**: let `a` = 2 and `b` = 3, and let `g` = 5 arrive at `a + b`. What does `a` get?

# %% nbgrader={"grade": false, "grade_id": "predict-add", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("what a gets from a + b", 5.0)    # a number

# %% [markdown]
# **Build** `add`: return the value, the vjp of `a`, and the vjp of `b`.

# %% nbgrader={"grade": false, "grade_id": "add", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def add(a, b, /):
    """d(a + b) = da + db"""
    ### BEGIN SOLUTION
    return a + b, lambda g: g, lambda g: g
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-add", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("add")    # 2 points

# %% [markdown]
# Look: the value, and what `a` and `b` get when `g` = 5 arrives.

# %%
value, vjp_a, vjp_b = add(2.0, 3.0)
value, vjp_a(5.0), vjp_b(5.0)

# %% [markdown]
# ## Exercise 2 · Multiply  ·  10 minutes · ●●○
#
# In a product each factor stretches the other. Raise `a` by a small step, and `a * b` rises by `b` times this step:
#
# ```
#   d(a * b)  =  b · da + a · db
# ```
#
# The vjp of `a` uses `b`, so `b` must still be there when the gradient arrives. The lambda keeps it: it *captures* `b`. What
# the vjps of a rule capture is what PyTorch calls its **saved tensors**. A sum saves nothing.

# %% [markdown]
# **Predict**: again `a` = 2, `b` = 3, and `g` = 5 arrives, now at `a * b`. What does `a` get?

# %% nbgrader={"grade": false, "grade_id": "predict-mul", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("what a gets from a * b", 15.0)    # a number

# %% [markdown]
# **Build** `mul`.

# %% nbgrader={"grade": false, "grade_id": "mul", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def mul(a, b, /):
    """d(ab) = b da + a db"""
    ### BEGIN SOLUTION
    return a * b, lambda g: g * b, lambda g: g * a
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-mul", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("mul")    # 3 points

# %% [markdown]
# Look, and compare with a small step: raise `a` and lower it by `h`, and divide the difference of the values by `2h`.

# %%
value, vjp_a, vjp_b = mul(2.0, 3.0)
print(value, vjp_a(5.0), vjp_b(5.0))

h = 0.001
print("by a small step:", round(5.0 * (mul(2.0 + h, 3.0)[0] - mul(2.0 - h, 3.0)[0]) / (2 * h), 6))
print("saved:", vjp_a.__code__.co_freevars, vjp_b.__code__.co_freevars)

# %% [markdown]
# ## Exercise 3 · Remember the maker  ·  15 minutes · ●●●
#
# When an operation has a tracked input, it calls `record`. That makes a **node** and gives it to the result:
#
# ```
#                                         ┌── edge 0 ──► maker of input 0
#   result ── grad_fn ──► MulBackward0 ───┤
#                                         └── edge 1 ──► maker of input 1
# ```
#
# The node has one **edge** for each input. `edge(x)` gives the node to which the gradient of `x` goes: the maker of `x`, or
# for a leaf its `AccumulateGrad`, or `None` where no gradient is needed.

# %% [markdown]
# **Predict**: `x = mg.ones(2, 2, requires_grad=True)`, then `y = x + 2`, then `z = y * y * 3`. What is the name of the
# maker of `y`, and which number stands everywhere in `z`?

# %% nbgrader={"grade": false, "grade_id": "predict-record", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("maker of y", "AddBackward0")    # a name, in quotes, as in the picture at the top
predict("z", 27.0)                       # a number

# %% [markdown]
# **Build** `record`, in four steps:
#
# 1. `op.node()` makes the empty node. Set its `edges`: a tuple, one edge for each input.
# 2. `tensors.wrap(value)` makes the result.
# 3. Set the result's fields `_requires_grad` and `_grad_fn`.
# 4. `node.keep(inputs, result, vjps)` saves what the vjps captured. Return the result.

# %% nbgrader={"grade": false, "grade_id": "record", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def record(op: Any, inputs: tuple, value: Array, vjps: list) -> Tensor:
    """Make the result of `op` a Tensor that remembers its maker.

    op: the operation; op.node() makes an empty node of its kind. inputs: its arguments, Tensors or numbers. value: the
    array that the rule computed. vjps: the functions that the rule returned, one for each differentiable argument.
    """
    ### BEGIN SOLUTION
    node = op.node()
    node.edges = tuple([edge(x) for x in inputs])
    result = tensors.wrap(value)
    result._requires_grad = True
    result._grad_fn = node
    node.keep(inputs, result, vjps)
    return result
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-record", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("record")    # 4 points

# %% [markdown]
# Look: from here on every result is made by your `record`. It prints its maker, as PyTorch's do.

# %% lesson=["001/In[7]", "002/In[3]", "003/c2", "004/In[3]", "004/In[4]"]
x = mg.ones(2, 2, requires_grad=True)
print(x)
print(x.grad_fn)

y = x + 2
print(y)
print(y.grad_fn)

# %% lesson=["001/In[7]", "002/In[5]", "003/c4", "004/In[5]"]
z = y * y * 3
out = z.mean()
print(z)
print(out)

# %% [markdown]
# And the picture from the top, now drawn from your own nodes. Follow the arrows from `out` to the leaf `x`: this is the way
# that the gradient will take.

# %%
mg.draw(out, params={"x": x})

# %% [markdown]
# ## Exercise 4 · Leaf or result  ·  5 minutes · ●○○
#
# A gradient that arrives at a result is sent on to its inputs. A gradient that arrives at a **leaf** stays there, in
# `.grad`. So the engine must tell the two apart, and now that results remember their maker this is easy.

# %% [markdown]
# **Predict** for `x` and `y` from above, and for `v`, which is made from a tensor that does not require grad:
#
# ```python
# w = mg.ones(2)
# v = w * 3
# ```

# %% nbgrader={"grade": false, "grade_id": "predict-is_leaf", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("x.is_leaf", True)     # True or False?
predict("y.is_leaf", False)    # True or False?
predict("v.is_leaf", True)     # True or False?

# %% [markdown]
# **Build** `is_leaf`. It is a property, so it is read without brackets: `x.is_leaf`.

# %% nbgrader={"grade": false, "grade_id": "is_leaf", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def is_leaf(self) -> bool:
    """True for a tensor that no recorded operation made: the ends of the graph."""
    ### BEGIN SOLUTION
    return self.grad_fn is None
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-is_leaf", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("is_leaf")    # 2 points

# %% lesson=["002/In[4]", "003/c3"]
print(x.is_leaf, y.is_leaf)

# %%
w = mg.ones(2)
v = w * 3
print(v.is_leaf, v.grad_fn)

# %% [markdown]
# `v` is a leaf: nobody watched how it was made. So it can still be switched on, and becomes the end of the graph that
# starts with it:

# %% lesson=["001/In[8]", "002/In[6]", "003/c5", "004/In[6]"]
mg.manual_seed(0)    # the same random numbers in every run
a = mg.randn(2, 2)
a = (a * 3) / (a - 1)
print(a.requires_grad)
a.requires_grad_(True)
print(a.requires_grad)
b = (a * a).sum()
print(b.grad_fn)

# %%
mg.draw(b, params={"a": a})

# %% [markdown]
# Two edges lead from the product to `a`, one for each factor. The gradients that arrive along them will be added.
#
# ## What you can now do
#
# - Write the rule of an operation: its value, and for each argument how a gradient passes through.
# - Say what a rule saves: what its vjps capture.
# - Read `grad_fn`, and draw how a result was made.
# - Tell a leaf from a result.
#
# The graph is there. The next chapter walks along it.

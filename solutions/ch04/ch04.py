# %% [markdown]
# # Chapter 04 · A zoo of rules
#
# *6 exercises, about 60 minutes.*
#
# Every operation needs one thing from you: its **rule**. A rule says what happens to the value when the input moves a
# little, and so what the input gets when a gradient `g` arrives. Here are the animals of this chapter:
#
# | operation | when `a` moves by `da`, the value moves by |
# |---|---|
# | `log(a)` | `da / a` |
# | `a ** n` | `n · a ** (n-1) · da` |
# | `abs(a)` | `sign(a) · da` |
# | `sum(a)` | `da1 + da2 + ...` |
# | `mean(a)` | `(da1 + da2 + ...) / n` |
# | `norm(a)` | `(a1·da1 + a2·da2 + ...) / norm(a)` |
# | `A @ B` | `dA @ B + A @ dB` |
#
# At the end you write the one function that lets all rules forget about broadcasting.

# %%
import numpy as np

import minigrad as mg
from graders.check import begin, check, piece, predict
from graders.compare import numeric_gradient
from minigrad import graph, rules
from minigrad.graph import Array
from minigrad.rules import divide0

begin("ch04")

# %% [markdown]
# In the picture of a calculation each ellipse is a node that will run one of your rules. This one runs four: `add`,
# which you have, and three new ones.

# %% lesson=["000/In[22]", "000/In[23]", "000/In[27]"]
t = mg.tensor([1., 2., 4.]).requires_grad_()
u = mg.tensor([10., 20.]).requires_grad_()
a = t.pow(2).sum() + u.log().sum()
print(u.log())
print(a)
mg.draw(a, params={"t": t, "u": u})

# %% [markdown]
# You will test each rule against **small steps**: raise an entry by `h`, lower it by `h`, and look how far the value moved.
# This needs no formula, so it is a good judge. It is also slow and not exact, so it is no substitute for the rule. (A
# check cell gives half of the credit for it.)

# %%
def compare(rule, a, g):
    """What `a` gets when `g` arrives: by the rule, and by small steps."""
    print("by the rule:   ", rule(a)[1](g))
    print("by small steps:", numeric_gradient(lambda x: rule(x)[0], [a], g).round(6))

# %% [markdown]
# ## Exercise 1 · Logarithm and power  ·  10 minutes · ●○○
#
# Both work entry by entry: each entry of the value comes from one entry of `a`. So each entry of `g` is multiplied with the
# slope at its own place:
#
# ```
#   d log(a)  =  da / a              d(a ** n)  =  n · a ** (n-1) · da
# ```
#
# The exponent `n` is a plain number. It stands after the `/` in the list of arguments: it gets no gradient, and so it needs
# no vjp.

# %% [markdown]
# **Predict**: `u` is (10, 20) and `t` is (1, 2, 4), as above, and `g` = 1 arrives at every entry.

# %% nbgrader={"grade": false, "grade_id": "predict-log_and_pow", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("what 20 gets from the logarithm", 0.05)    # a number
predict("what 4 gets from a^2", 8.0)                # a number

# %% [markdown]
# **Build** both: return the value and the vjp of `a`.

# %% nbgrader={"grade": false, "grade_id": "log", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def log(a, /):
    """d log(a) = da / a"""
    ### BEGIN SOLUTION
    return np.log(a), lambda g: g / a
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "pow", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def pow(a, /, exponent):
    """d(a^n) = n a^(n-1) da, for a number n"""
    ### BEGIN SOLUTION
    return a ** exponent, lambda g: g * (exponent * a ** (exponent - 1)) if exponent else np.zeros_like(g)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-log_and_pow", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("log_and_pow")    # 3 points

# %% [markdown]
# Look: the slope of the logarithm falls as `a` grows, the slope of the square rises.

# %%
compare(log, np.array([10.0, 20.0]), np.ones(2))
compare(lambda a: pow(a, 2), np.array([1.0, 2.0, 4.0]), np.ones(3))

# %% [markdown]
# A detail: `a ** 0` is 1 everywhere, so its gradient is 0 everywhere. The formula alone gives `0 · 0 ** -1` at `a = 0`, which is
# `nan`. That is why minigrad treats the exponent 0 on its own.

# %% [markdown]
# ## Exercise 2 · A kink  ·  5 minutes · ●○○
#
# ```
#   |a|  \       /
#         \     /        slope -1 on the left,
#          \   /         slope +1 on the right,
#           \ /          and none at 0
#     -------+------- a
# ```
#
# At 0 there is no slope, but the engine must send something. Any number from -1 to 1 would do for going downhill. PyTorch
# sends 0, and so do we.

# %% [markdown]
# **Predict**: `g` = 5 arrives at the value of the entry -2, and `g` = 5 at that of the entry 0.

# %% nbgrader={"grade": false, "grade_id": "predict-abs", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("what -2 gets", -5.0)    # a number
predict("what 0 gets", 0.0)      # a number

# %% [markdown]
# **Build** `abs`. (From here on the name `abs` is your rule, in this notebook. NumPy's own is `np.abs`.)

# %% nbgrader={"grade": false, "grade_id": "abs", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def abs(a, /):
    """d|a| = sign(a) da, and 0 at the kink"""
    ### BEGIN SOLUTION
    return np.abs(a), lambda g: g * np.sign(a)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-abs", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("abs")    # 2 points

# %%
compare(abs, np.array([1.0, -2.0, 3.0, -4.0, 0.0]), np.full(5, 5.0))

# %% [markdown]
# ## Exercise 3 · Many to one: sum and mean  ·  10 minutes · ●●○
#
# ```
#   a1 ──┐
#   a2 ──┼──► sum        g arrives here, one number
#   a3 ──┘
# ```
#
# Now many entries make one value. Raise any of them by a small step, and the sum rises by the same step. So **every** entry
# gets the whole of `g`. For the mean the step is divided by the number of entries:
#
# ```
#   d sum(a)  =  da1 + da2 + da3              d mean(a)  =  (da1 + da2 + da3) / n
# ```
#
# The gradient of `a` must have the shape of `a`. `np.broadcast_to(number, shape)` fills a shape with one number.

# %% [markdown]
# **Predict**: `a` has 4 entries, and `g` = 8 arrives.

# %% nbgrader={"grade": false, "grade_id": "predict-sum_and_mean", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("what each entry gets from the sum", 8.0)    # a number
predict("from the mean", 2.0)                        # a number

# %% [markdown]
# **Build** both. Let the vjps capture the shape and the number of entries, not `a`: then `a` need not be kept in memory.

# %% nbgrader={"grade": false, "grade_id": "sum", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def sum(a, /):
    """d sum(a) = sum(da): every element gets g"""
    ### BEGIN SOLUTION
    shape = a.shape
    return a.sum(), lambda g: np.broadcast_to(g, shape)
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "mean", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def mean(a, /):
    """d mean(a) = sum(da) / n"""
    ### BEGIN SOLUTION
    shape, n = a.shape, a.size
    return a.sum() / n, lambda g: np.broadcast_to(g, shape) / n
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-sum_and_mean", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("sum_and_mean")    # 3 points

# %%
compare(sum, np.array([1.0, 2.0, 3.0, 4.0]), np.float64(8.0))
compare(mean, np.array([1.0, 2.0, 3.0, 4.0]), np.float64(8.0))

# %% lesson=["000/In[48]", "000/In[49]", "000/In[50]", "000/In[51]", "000/In[52]"]
x = mg.tensor([1.0, -2.0, 3.0, -4.0]).requires_grad_()
a = x.abs()
print(a)
s = a.sum()
print(s)
mg.draw(s, params={"x": x})

# %% [markdown]
# Both nodes on the way from `s` to `x` now run your rules.

# %% [markdown]
# ## Exercise 4 · The length of a vector  ·  10 minutes · ●●○
#
# ```
#   norm(a)  =  sqrt(a1² + a2² + ...)          d norm(a)  =  (a1·da1 + a2·da2 + ...) / norm(a)
# ```
#
# The gradient points along `a`, and it has length 1 whatever the length of `a` is: a step in the direction of the vector
# makes it longer by just that step.
#
# The formula needs the norm itself, so the vjp captures the **value** `out`, which is there already. At `a` = 0 there is no
# direction, and PyTorch sends 0. `divide0(a, b)` is `a / b`, and 0 where `b` is 0.

# %% [markdown]
# **Predict**: `x` = (1, 2, 2) has the norm 3. Let `g` = 3 arrive.

# %% nbgrader={"grade": false, "grade_id": "predict-norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("what the first 2 gets", 2.0)    # a number

# %% [markdown]
# **Build** `norm`.

# %% nbgrader={"grade": false, "grade_id": "norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def norm(a, /):
    """d||a|| = a / ||a|| da, and 0 at a = 0, where ||a|| = sqrt(sum(a^2))"""
    ### BEGIN SOLUTION
    out = np.sqrt((a * a).sum())
    return out, lambda g: g * divide0(a, out)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-norm", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("norm")    # 2 points

# %%
compare(norm, np.array([1.0, 2.0, 2.0]), np.float64(3.0))
print("saved:", norm(np.array([1.0, 2.0, 2.0]))[1].__code__.co_freevars)

# %% lesson=["000/In[55]", "000/In[56]", "000/In[57]"]
x = mg.tensor([1., 2., 2.]).requires_grad_()
q = x.norm()
print(x)
print(q)

# %% [markdown]
# ## Exercise 5 · Matrix times matrix  ·  15 minutes · ●●●
#
# ```
#       A     @     B     =     C           G arrives, with the shape of C
#    (2, 3)      (3, 4)      (2, 4)
# ```
#
# Take one entry, `C[i,j] = A[i,0]·B[0,j] + A[i,1]·B[1,j] + A[i,2]·B[2,j]`. So `A[i,k]` goes into the whole row `i` of `C`, with
# the slopes `B[k,j]`. What comes back is the sum over this row:
#
# ```
#   A[i,k] gets   G[i,0]·B[k,0] + G[i,1]·B[k,1] + G[i,2]·B[k,2] + G[i,3]·B[k,3]
# ```
#
# Write this as a product of two matrices. For `B` go the same way, with the columns. The shapes help: the result must have
# the shape of `A`, and only one product of `G` and `B` has it.

# %% [markdown]
# **Predict**: `A = [[1, 2]]` and `B = [[3], [5]]`, so `A @ B` is `[[13]]`. Let `G = [[2]]` arrive.

# %% nbgrader={"grade": false, "grade_id": "predict-mm", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("shape of what A gets", (1, 2))         # a tuple
predict("what A gets, first entry", 6.0)        # a number

# %% [markdown]
# **Build** `mm`. `a.T` is the transposed matrix, `@` is the product.

# %% nbgrader={"grade": false, "grade_id": "mm", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def mm(a, b, /):
    """d(AB) = dA B + A dB: G B' goes to A, A' G to B"""
    ### BEGIN SOLUTION
    return a @ b, lambda g: g @ b.T, lambda g: a.T @ g
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-mm", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("mm")    # 3 points

# %%
A, B, G = np.array([[1.0, 2.0]]), np.array([[3.0], [5.0]]), np.array([[2.0]])
value, vjp_a, vjp_b = mm(A, B)
print("the value is", value.tolist())
print("A gets", vjp_a(G).tolist(), "and B gets", vjp_b(G).tolist())
print("by small steps:", numeric_gradient(lambda a, b: a @ b, [A, B], G, 0).round(6).tolist(),
      "and", numeric_gradient(lambda a, b: a @ b, [A, B], G, 1).round(6).tolist())

# %% [markdown]
# ## Exercise 6 · Undo broadcasting  ·  15 minutes · ●●●
#
# In `x + b` with the shapes (2, 3) and (3,), NumPy uses `b` once for each row:
#
# ```
#   b0 b1 b2            g00 g01 g02
#   b0 b1 b2            g10 g11 g12         b0 gets g00 + g10
# ```
#
# Each copy sends its own gradient back, and gradients that meet are **added**. So: sum `g` over every axis that was
# stretched. There are two kinds of them:
#
# - axes that `shape` does not have. They are in front: `g.ndim - len(shape)` of them;
# - axes that have size 1 in `shape`.
#
# Then no rule needs to know about broadcasting: the engine calls `unbroadcast` after each of them.

# %% [markdown]
# **Predict**: `g = [[1, 2, 3], [4, 5, 6]]` arrives at `x + b`, and `b` has the shape (3,).

# %% nbgrader={"grade": false, "grade_id": "predict-unbroadcast", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("shape of what b gets", (3,))                # a tuple
predict("what the first entry of b gets", 5.0)       # a number

# %% [markdown]
# **Build** `unbroadcast`. `g.sum(axis=(0, 2))` sums over two axes at once, and `g.sum(axis=())` over none.

# %% nbgrader={"grade": false, "grade_id": "unbroadcast", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum `g` over every axis that broadcasting stretched to reach the shape of `g` from `shape`."""
    ### BEGIN SOLUTION
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    stretched = [i for i, n in enumerate(shape, extra) if n == 1 and g.shape[i] != 1]
    return g.sum(axis=(*range(extra), *stretched)).reshape(shape)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-unbroadcast", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("unbroadcast")    # 4 points

# %%
g = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
for shape in [(2, 3), (3,), (2, 1), (1, 3), ()]:
    print(f"{shape!s:8}", unbroadcast(g, shape).tolist())

# %% [markdown]
# And a whole calculation that broadcasts twice: `w` is used for every row, `b` for every column.

# %%
x, w, b = mg.ones(2, 3, requires_grad=True), mg.ones(3, requires_grad=True), mg.ones(2, 1, requires_grad=True)
out = (x * w + b).log().mean()
mg.draw(out, params={"x": x, "w": w, "b": b})

# %% [markdown]
# ## What you can now do
#
# - Turn a formula from a table of derivatives into a rule, and test it with small steps.
# - Say what an operation that makes one value out of many sends back, and in which shape.
# - Find the gradient of a product of matrices from the shapes alone, and check it.
# - Say why a broadcast input gets a sum.
#
# Each node of the picture above can now send a gradient one step back. What is still missing is the one who walks from node
# to node: the engine. You build it in the next chapter.

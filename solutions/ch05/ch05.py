# %% [markdown]
# # Chapter 05 · The engine: grad and backward
#
# *4 exercises, about 60 minutes.*
#
# The graph is there, and each node knows its rule. Now comes the engine, which does four things:
#
# 1. put the nodes in an **order**: a node may send its gradient on only when everything that arrives at it has arrived;
# 2. **collect**: add up the gradients that meet at a node;
# 3. **walk** through the nodes in this order, and let each one send its gradient on;
# 4. hand out the **gradients** that were asked for.
#
# In this graph the leaf `x` is used three times, so three gradients meet there.

# %%
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np

import minigrad as mg
from graders.check import begin, check, piece, predict
from minigrad import engine, graph
from minigrad.engine import Task, run, start, target

begin("ch05")

# %%
x = mg.tensor(3.0, requires_grad=True)
z = x * x + x
mg.draw(z, params={"x": x})

# %% [markdown]
# ## Exercise 1 · The order of the walk  ·  15 minutes · ●●○
#
# ```
#   y ──► tanh ──► sin ──► mul          On the way back y hears twice: early along the short way,
#   └───────────────────────┘           late along the long way. It must wait for both.
# ```
#
# So each node must come **after all of its users**. How to find such an order? Nodes are numbered as they are made, and a
# user is always made after what it uses. So the newest node first is a right order.
#
# `node.edges` leads to the nodes before it (`None` where no gradient is needed), `node.number` is its number.

# %% [markdown]
# **Predict** the first and the last node of the walk for a calculation that you know:
# `y = x + 2`, `z = y * y * 3`, `out = z.mean()`, where `x` is a leaf.

# %% nbgrader={"grade": false, "grade_id": "predict-order", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("first", "MeanBackward0")      # the name of a node, in quotes
predict("last", "AccumulateGrad")      # the name of a node, in quotes

# %% [markdown]
# **Build** `order`. Find each node once, then sort. A graph may have a million nodes in one long chain, so use a list of
# nodes that are still to be looked at, and no function that calls itself.

# %% nbgrader={"grade": false, "grade_id": "order", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def order(roots: Sequence[graph.Node]) -> list[graph.Node]:
    """Every node that a gradient can reach from `roots`, the newest first: each one comes after all of its users."""
    ### BEGIN SOLUTION
    found, seen = list(set(roots)), {None, *roots}
    for node in found:  # the list grows while it is read
        for to in node.edges:
            if to not in seen:
                seen.add(to)
                found.append(to)
    found.sort(key=attrgetter("number"), reverse=True)
    return found
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-order", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("order")    # 3 points

# %%
x = mg.ones(2, 2, requires_grad=True)
y = x + 2
z = y * y * 3
out = z.mean()
[type(node).__name__ for node in order([out.grad_fn])]

# %% [markdown]
# ## Exercise 2 · Add the gradients that meet  ·  10 minutes · ●●○
#
# In `z = x * x + x` the leaf `x` is used three times. Three gradients travel back to it, one along each edge:
#
# ```
#   dz/dx   =        x        +        x        +       1
#               left factor      right factor          sum
# ```
#
# They **add up**. This is the chain rule for several paths, and the line that forgets it is the most common bug in engines
# that people write at home.
#
# A trap: `+=` on an array writes into its memory, and somebody else may hold the same array. (The rule of `add` hands the
# same `g` to both sides.) So add in place only where `self.owned` says that nobody else does, or never.

# %% [markdown]
# **Predict** for `x` = 3. An engine that *overwrites* keeps only the gradient that arrives last. The node of the sum is
# newer than the node of the product, so it sends first.

# %% nbgrader={"grade": false, "grade_id": "predict-collect", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("right", 7.0)          # a number
predict("overwriting", 3.0)    # a number

# %% [markdown]
# **Build** `collect`, a method of `Task`. A task is one walk, and `self.pending[node]` is what waits for a node.

# %% nbgrader={"grade": false, "grade_id": "collect", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def collect(self, node: graph.Node, g: Any) -> None:
    """Add the gradient `g` to the gradient that waits for `node`.

    self.pending: dict from node to array. self.owned: the nodes whose waiting array nobody else holds: it is added
    to in place.
    """
    ### BEGIN SOLUTION
    if node not in self.pending:
        self.pending[node] = g
    elif node in self.owned:
        self.pending[node] += g
    else:
        self.pending[node] = self.pending[node] + g
        self.owned.add(node)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-collect", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("collect")    # 3 points

# %% [markdown]
# Look: the three gradients of the formula arrive at `x`, one after the other.

# %%
x = mg.tensor(3.0, requires_grad=True)
task, node = Task(keep=True, record=False, accumulates=False), graph.edge(x)
for g in [1.0, 3.0, 3.0]:
    task.collect(node, np.float64(g))
    print(task.pending[node])

# %% [markdown]
# ## Exercise 3 · The walk  ·  15 minutes · ●●●
#
# ```
#   for each node, in order:
#       nothing waits for it?     next one
#       take g, what waits        it is complete: all users have been here
#       node.backward(g, task)    gives pairs: a node before this one, and the gradient for it
#       collect each of them
# ```
#
# When you take `g`, call `task.arrive(node, g)`: it notes the gradient if somebody asked for it, and hands it back.
# A node at which nothing arrives is no mistake: nobody asked for what lies behind it.

# %% [markdown]
# **Predict**: `x = mg.tensor([-3., 2., 5.])`, and `u = x.pow(3).sum()`. What does the entry -3 get?

# %% nbgrader={"grade": false, "grade_id": "predict-walk", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("what x gets", 27.0)    # a number: what arrives at the entry -3

# %% [markdown]
# **Build** `walk`. With it, `backward` works.

# %% nbgrader={"grade": false, "grade_id": "walk", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def walk(nodes: Sequence[graph.Node], task: Task) -> None:
    """Send each waiting gradient through its node, to the nodes before it.

    nodes: every node that a gradient can reach, each after all of its users. task.pending: the gradients that wait.
    """
    ### BEGIN SOLUTION
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, part)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-walk", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("walk")    # 4 points

# %% lesson=["000/In[28]", "000/In[29]", "000/In[30]", "000/In[31]", "000/In[32]", "000/In[33]"]
x = mg.tensor([-3., 2., 5.]).requires_grad_()
print(x)
u = x.pow(3).sum()
print(x.grad)
u.backward()
x.grad

# %% lesson=["002/In[7]", "003/c6", "004/In[7]"]
x = mg.ones(2, 2, requires_grad=True)
y = x + 2
z = y * y * 3
out = z.mean()
out.backward()
print(x.grad)

# %% [markdown]
# 4.5 everywhere: the mean of four entries `3 · (x + 2)²` has the slope `6 · (x + 2) / 4` for each of them, and `x` is 1.
#
# Now the graph from the top, with the gradient that went along each edge. Three arrows lead to `x`, and the leaf holds 7.

# %%
x = mg.tensor(3.0, requires_grad=True)
z = x * x + x
z.backward()
mg.draw(z, params={"x": x}, grads=True)

# %% [markdown]
# ## Exercise 4 · Hand the gradients out  ·  15 minutes · ●●○
#
# `mg.autograd.grad(outputs, inputs)` gives the gradients that were asked for, in the order of the inputs, and leaves every
# `.grad` alone. Its heart is the function `gradients`. It uses:
#
# | call | does |
# |---|---|
# | `start(task, outputs, grads)` | puts the first gradients in place, returns their nodes: the roots |
# | `target(x)` | the node at which the gradient of `x` arrives |
# | `run(task, roots, targets)` | your `order`, then your `walk`, only along paths that lead to a target |
#
# `task.captured` is a dict: `arrive` fills it in for each node that is a key of it. What has no path to the outputs
# stays `None`.

# %% [markdown]
# **Predict**: `t` is (1, 2, 4), `u` is (10, 20), and `a = t.pow(2).sum() + u.log().sum()`.

# %% nbgrader={"grade": false, "grade_id": "predict-gradients", "locked": false, "schema_version": 3, "solution": true, "task": false}
predict("what t gets, last entry", 8.0)     # a number
predict("what u gets, first entry", 0.1)    # a number

# %% [markdown]
# **Build** `gradients`.

# %% nbgrader={"grade": false, "grade_id": "gradients", "locked": false, "schema_version": 3, "solution": true, "task": false}
@piece
def gradients(task: Task, outputs: tuple, grads: Any, inputs: tuple) -> list:
    """Walk from `outputs`, and return the gradient that arrived at each of `inputs`: None where none did.

    grads: the gradients that the walk starts with, one for each output; None for the 1 of a scalar.
    """
    ### BEGIN SOLUTION
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [task.captured[node] for node in targets]
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check-gradients", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("gradients")    # 3 points

# %% lesson=["000/In[24]"]
t = mg.tensor([1., 2., 4.]).requires_grad_()
u = mg.tensor([10., 20.]).requires_grad_()
a = t.pow(2).sum() + u.log().sum()
mg.autograd.grad(a, (t, u))

# %% [markdown]
# Everything that you have built works together here: two matrices, one of them used twice. Here is what
# each of them gets.

# %% lesson=["000v/v1", "000v/v2", "000v/v3", "000v/v4"]
w1 = mg.tensor([[0.3095, 0.9126, 0.6084, 0.3153, 0.2136],
                [0.6034, 0.7012, 0.9473, 0.1753, 0.6081],
                [0.6194, 0.1951, 0.0654, 0.8663, 0.5489],
                [0.7108, 0.9270, 0.3417, 0.9668, 0.4744],
                [0.3520, 0.7316, 0.8588, 0.5702, 0.8709]]).requires_grad_()
w2 = mg.tensor([[0.5442, 0.4907, 0.8173, 0.3936, 0.0683],
                [0.0711, 0.0010, 0.7382, 0.5128, 0.2019],
                [0.0136, 0.9295, 0.4401, 0.1794, 0.0640],
                [0.6900, 0.0870, 0.8035, 0.7263, 0.1989],
                [0.2085, 0.0250, 0.0379, 0.8382, 0.2666]]).requires_grad_()
x = mg.tensor([0.1977, 0.3297, 1.3046, -1.0943, 0.6292])

# %% lesson=["000v/v7", "000v/v8"]
x0 = x
x1 = w1 @ x0
x2 = x0 + w2 @ x1
x3 = w1 @ (x1 + x2)
q = x3.norm()
q.backward()
print(w1.grad)
print(w2.grad)
print(q)

# %% [markdown]
# And its picture: follow the two ways from `x3` down to `w1`.

# %%
mg.draw(q, params={"w1": w1, "w2": w2}, values=False)

# %% [markdown]
# Is it right? Small steps tell: raise one entry of `w1`, and look how far `q` moves.

# %%
def q_of(w):
    x1 = w @ x
    return (w @ (x1 + (x + w2 @ x1))).norm().item()

step = np.zeros((5, 5), np.float32)
step[2, 3] = 0.01
print("by the engine:  ", round(w1.grad[2, 3].item(), 2))
print("by small steps: ", round((q_of(w1.detach() + step) - q_of(w1.detach() - step)) / 0.02, 2))

# %% [markdown]
# ## What you can now do
#
# - Say why a node must wait for all of its users, and find an order in which it does.
# - Say what happens where two paths meet, and why `=` and `+=` are both wrong there.
# - Read an engine of about 30 lines: it is yours.
# - Compute gradients of a whole calculation, and test them.
#
# One thing is missing. Call `backward` twice, and `.grad` shows the second gradient only. PyTorch adds the two. The next
# chapter says why.

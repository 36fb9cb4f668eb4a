# %% [markdown]
# # Gallery: every way to look at a graph
#
# `mg.draw(root)` draws what led to `root`; `mg.describe(root)` says the same in words; `mg.replay(root)` runs backward and
# shows it step by step. Each cell below shows one option.

# %%
import minigrad as mg

x = mg.tensor(3.0, requires_grad=True)
w = mg.tensor([[1.0, -2.0], [0.5, 4.0]], requires_grad=True)
z = x * x + x
mg.draw(z)

# %% [markdown]
# **Names.** `params` says what your tensors are called; a tensor that is not a leaf gets a box beside the node that made it.

# %%
y = x * x
z = y + x
mg.draw(z, params={"x": x, "y": y, "z": z})

# %% [markdown]
# `names="locals"` takes the names of your variables.

# %%
mg.draw(z, names="locals")

# %% [markdown]
# **Legend.** Each role has its own shape, so that the picture can be read without colour.

# %%
h = (w * mg.ones(2, 2)).relu()
mg.draw((h * 2).sum(), params={"w": w, "h": h}, saved=True, legend=True)

# %% [markdown]
# **Saved tensors.** `saved=True` shows what is kept for backward; the nodes say it in short. After backward it is freed.

# %%
e = x.exp() * x
mg.draw(e, params={"x": x}, saved=True)

# %%
e.backward()
mg.draw(e, params={"x": x}, saved=True)

# %% [markdown]
# A saved tensor that was written to since: backward would refuse.

# %%
a = mg.tensor([1.0, 2.0], requires_grad=True)
b = a.exp()
c = b.sum()
with mg.no_grad():
    b.mul_(2)
mg.draw(c, params={"a": a, "b": b})

# %% [markdown]
# **Gradients.** After backward, `grads=True` writes on each edge the gradient that flowed there.

# %%
x.grad = None
z = x * x + x
z.backward()
mg.draw(z, params={"x": x}, grads=True)

# %% [markdown]
# **No values**, where only the structure counts.

# %%
mg.draw(w.norm(), params={"w": w}, values=False)

# %% [markdown]
# **Dead ends.** No gradient goes to what is detached, made under `no_grad`, or a plain number.

# %%
d = x.detach()
with mg.no_grad():
    n = x * 2
mg.draw(x * d + 1, params={"x": x, "d": d, "n": n})

# %% [markdown]
# **Views and their base**, and an assignment to a part: `CopySlices` with what was before and what was written.

# %%
s = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
t = s * 2
view = t[:2]
t[0] = x
mg.draw(t.sum(), params={"s": s, "t": t, "view": view, "x": x})

# %% [markdown]
# **Direction.** From left to right.

# %%
mg.draw(x * x + x, params={"x": x}, direction="LR")

# %% [markdown]
# **Depth and size.** What is further away than `depth` steps, or too much, becomes one item.

# %%
long = x
for _ in range(5000):
    long = long * 1.0 + x
mg.draw(long, params={"x": x}, depth=2)

# %% [markdown]
# **Themes.** The usual one can be read on a light and on a dark page; these two are made for one of them.

# %%
mg.draw(x * x, params={"x": x}, theme="light")

# %%
mg.draw(x * x, params={"x": x}, theme="dark")

# %% [markdown]
# **A wrong node**, in red.

# %%
y = x * x
mg.draw(y + x, params={"x": x}, guilty=y)

# %% [markdown]
# **In words**, for those who cannot see the picture.

# %%
print(mg.describe(y + x, params={"x": x, "y": y}))

# %% [markdown]
# **Files.** What `draw` returns is a `graphviz.Digraph`.

# %%
import tempfile

folder = tempfile.TemporaryDirectory()
picture = mg.draw(y, params={"x": x})
path = picture.render("picture", directory=folder.name, format="png")
print(path.endswith("picture.png"), picture.source.splitlines()[0])
folder.cleanup()

# %% [markdown]
# **Backward, step by step.** Move the slider, or press Play; the arrow keys work too.

# %%
x.grad = None
z = x * x + x
mg.replay(z, params={"x": x, "z": z})

# %%
x.grad

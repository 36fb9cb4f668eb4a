"""What is measured: each workload once for every peer that can do it, doing the same mathematics.

A workload is a function that takes a peer's module and returns a function to be timed. `numpy` stands for the same
mathematics written by hand without any tape (L1 in the table). Functions return their result, so that the runner can
check that all peers have computed the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

Run = Callable[[], Any]
WORKLOADS: dict[str, dict[str, Callable[[], Run]]] = {}
BOUNDS: dict[str, dict[str, float]] = {}


def workload(title: str, peer: str, **at_most: float) -> Callable[[Callable[[], Run]], Callable[[], Run]]:
    """Register what `peer` does for the workload `title`; at_most: the ratio that minigrad should keep, per peer."""

    def register(make: Callable[[], Run]) -> Callable[[], Run]:
        WORKLOADS.setdefault(title, {})[peer] = make
        BOUNDS.setdefault(title, {}).update(at_most)
        return make

    return register


def torchlike(title: str, **at_most: float) -> Callable[[Callable[[Any], Run]], Callable[[Any], Run]]:
    """Register one program for minigrad and for PyTorch."""

    def register(make: Callable[[Any], Run]) -> Callable[[Any], Run]:
        def with_minigrad() -> Run:
            import minigrad

            return make(minigrad)

        def with_torch() -> Run:
            import torch

            torch.set_num_threads(1)
            return make(torch)

        workload(title, "minigrad", **at_most)(with_minigrad)
        workload(title, "torch")(with_torch)
        return make

    return register


# ---------------------------------------------------------------- gradient descent on a 0-d quadratic
DESCENT = "100 steps of descent on a 0-d quadratic"


@torchlike(DESCENT, torch=0.25)
def descent(t: Any) -> Run:
    def run() -> float:
        a, b = t.tensor(0.5).requires_grad_(), t.tensor(-0.5).requires_grad_()
        for _ in range(100):
            loss = (a - 1) ** 2 + (b + 1) ** 2 + (a - b) ** 2
            ga, gb = t.autograd.grad(loss, (a, b))
            with t.no_grad():
                a -= 0.1 * ga
                b -= 0.1 * gb
        return a.item()

    return run


@workload(DESCENT, "micrograd")
def descent_micrograd() -> Run:
    from micrograd.engine import Value

    def run() -> float:
        a, b = Value(0.5), Value(-0.5)
        for _ in range(100):
            loss = (a - 1) ** 2 + (b + 1) ** 2 + (a - b) ** 2
            a.grad = b.grad = 0
            loss.backward()
            a, b = Value(a.data - 0.1 * a.grad), Value(b.data - 0.1 * b.grad)
        return a.data

    return run


@workload(DESCENT, "autograd")
def descent_autograd() -> Run:
    import autograd

    gradient = autograd.grad(lambda a, b: (a - 1) ** 2 + (b + 1) ** 2 + (a - b) ** 2, (0, 1))

    def run() -> float:
        a, b = 0.5, -0.5
        for _ in range(100):
            ga, gb = gradient(a, b)
            a, b = a - 0.1 * ga, b - 0.1 * gb
        return a

    return run


# ---------------------------------------------------------------- networks
def digits(rows: int, inputs: int, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """A made-up data set: float32 rows and the number of each row's class."""
    rng = np.random.default_rng(0)
    return rng.random((rows, inputs), dtype=np.float32), rng.integers(0, classes, rows)


def weights(*sizes: int) -> list[np.ndarray]:
    """A matrix and a row of biases between each two sizes."""
    rng, made = np.random.default_rng(1), []
    for n, m in itertools.pairwise(sizes):
        made += [(rng.standard_normal((n, m)) / np.sqrt(n)).astype(np.float32), np.zeros(m, np.float32)]
    return made


def torchlike_network(t: Any, sizes: tuple[int, ...], rows: int, batch: int, bend: str) -> Run:
    """One epoch of descent with cross-entropy, on a fresh copy of the weights."""
    data, labels = digits(rows, sizes[0])
    x, target = t.from_numpy(data), t.from_numpy(labels)

    def run() -> float:
        params = [t.from_numpy(w.copy()).requires_grad_() for w in weights(*sizes)]
        last = len(params) - 2
        for start in range(0, rows, batch):
            h = x[start:start + batch]
            for i in range(0, len(params), 2):
                h = h @ params[i] + params[i + 1]
                if i < last:
                    h = getattr(h, bend)()
            loss = t.nn.functional.cross_entropy(h, target[start:start + batch])
            loss.backward()
            with t.no_grad():
                for p in params:
                    p -= 0.1 * p.grad
                    p.grad = None
        return loss.item()

    return run


def numpy_network(sizes: tuple[int, ...], rows: int, batch: int, bend: str) -> Run:
    """The same epoch, with the gradients written out by hand."""
    x, labels = digits(rows, sizes[0])

    def run() -> float:
        params = weights(*sizes)
        last = len(params) - 2
        for start in range(0, rows, batch):
            hidden, target = [x[start:start + batch]], labels[start:start + batch]
            for i in range(0, len(params), 2):
                h = hidden[-1] @ params[i] + params[i + 1]
                if i < last:
                    h = np.tanh(h) if bend == "tanh" else np.maximum(h, 0)
                hidden.append(h)
            out = hidden.pop()
            shifted = out - out.max(axis=1, keepdims=True)
            log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
            at = np.arange(len(target)), target
            loss = -log_p[at].mean()
            g = np.exp(log_p)
            g[at] -= 1
            g /= len(target)
            for i in range(last, -1, -2):
                h = hidden.pop()
                dw, db = h.T @ g, g.sum(axis=0)
                if i:
                    g = g @ params[i].T
                    g = g * (1 - h * h) if bend == "tanh" else g * (h > 0)
                params[i] -= 0.1 * dw
                params[i + 1] -= 0.1 * db
        return float(loss)

    return run


for _title, _sizes, _rows, _batch, _bend, _bounds in (
    ("epoch of a 64-128-10 tanh network, batch 128", (64, 128, 10), 1797, 128, "tanh", {"numpy": 1.4, "torch": 0.65}),
    ("epoch of a 784-512-512-10 relu network, batch 256", (784, 512, 512, 10), 2048, 256, "relu", {"numpy": 1.08}),
):
    _arguments = (_sizes, _rows, _batch, _bend)
    torchlike(_title, **_bounds)(lambda t, arguments=_arguments: torchlike_network(t, *arguments))
    workload(_title, "numpy")(lambda arguments=_arguments: numpy_network(*arguments))


# ---------------------------------------------------------------- long graphs
CHAIN = "chain y = y*1.0001 + 0.0001, 10,000 times"


@torchlike(CHAIN, torch=0.5)
def chain(t: Any) -> Run:
    def run() -> float:
        x = y = t.ones(1, requires_grad=True)
        for _ in range(10_000):
            y = y * 1.0001 + 0.0001
        y.backward()
        return x.grad.item()

    return run


@workload(CHAIN, "autograd")
def chain_autograd() -> Run:
    import autograd

    def compute(x: Any) -> Any:
        for _ in range(10_000):
            x = x * 1.0001 + 0.0001
        return x[0]

    gradient = autograd.grad(compute)
    return lambda: gradient(np.ones(1, np.float32))[0]


MANY_USES, SLICES = "x used 10,000 times, summed", "10,000 slice assignments y[i] = x[i]*x[i]"


@torchlike(MANY_USES, torch=0.6)
def many_uses(t: Any, n: int = 10_000) -> Run:
    def run() -> float:
        x = t.ones(1, requires_grad=True)
        total = x * 1
        for _ in range(n - 1):
            total = total + x
        total.backward()
        return x.grad.item()

    return run


ELEMENTWISE = "20 elementwise operations on 10,000,000 float32"


@torchlike(ELEMENTWISE, torch=0.6)
def elementwise(t: Any) -> Run:
    def run() -> float:
        x = y = t.ones(10_000_000, requires_grad=True)
        for _ in range(10):
            y = y * 1.01 + 0.1
        y.sum().backward()
        return x.grad[0].item()

    return run


@workload(ELEMENTWISE, "numpy")
def elementwise_numpy() -> Run:
    def run() -> float:
        x = y = np.ones(10_000_000, np.float32)
        for _ in range(10):
            y = y * 1.01 + 0.1
        y.sum()
        g = np.broadcast_to(np.float32(1), y.shape)
        for _ in range(10):
            g = g * 1.01
        return float(g[0] * x[0])

    return run


@torchlike(SLICES, torch=0.3)
def slice_assignments(t: Any, n: int = 10_000) -> Run:
    def run() -> float:
        x, y = t.ones(n, requires_grad=True), t.zeros(n)
        for i in range(n):
            y[i] = x[i] * x[i]
        y.sum().backward()
        return x.grad[0].item()

    return run


GROWING: dict[str, Callable[[Any, int], Run]] = {MANY_USES: many_uses, SLICES: slice_assignments}


JACOBIAN, ROW_LOOP = "Jacobian of a 256-256 layer by rows", "the same Jacobian, the loop over rows written out"


def layer(t: Any) -> tuple[Callable[[Any], Any], Any]:
    """A layer of 256 tanh units, and the point at which its Jacobian is taken."""
    w = t.from_numpy(weights(256, 256)[0])
    return lambda x: (w @ x).tanh(), t.ones(256, requires_grad=True)


@torchlike(ROW_LOOP)
def jacobian_loop(t: Any) -> Run:
    function, x = layer(t)

    def run() -> float:
        y = function(x)
        rows = []
        for i in range(256):
            v = t.zeros(256)
            v[i] = 1
            rows.append(t.autograd.grad(y, x, v, retain_graph=True)[0])
        return t.stack(rows)[0, 0].item()

    return run


@workload(JACOBIAN, "minigrad", torch=0.3)
def jacobian() -> Run:
    import minigrad

    function, x = layer(minigrad)
    return lambda: minigrad.autograd.functional.jacobian(function, x)[0, 0].item()


workload(JACOBIAN, "torch")(WORKLOADS[ROW_LOOP]["torch"])  # faster there than its own functional.jacobian

"""Every function with many arguments, every index, every pair of element types, what is printed, and what is refused:
one line each, compared with PyTorch."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from twins import compare

pytestmark = pytest.mark.oracle

START = [
    "x = torch.tensor([1., -2., 3.5], requires_grad=True)",
    "m = torch.tensor([[1., -2., 3.5], [0.5, 4., -1.]], requires_grad=True)",
    "s = torch.tensor(2.5, requires_grad=True)",
    "c = torch.arange(24.).reshape(2, 3, 4).requires_grad_()",
    "i = torch.tensor([2, 0, 0])",
    "b = torch.tensor([True, False, True])",
    "j = torch.tensor(1)",
    "o = torch.zeros(1, 2, 1)",
    "w = torch.tensor([1., 2., 3.], dtype=torch.float64)",
    "mt = m.t()",
    "ct = c.transpose(0, 2)",
]


def check(expressions: list[str], start: list[str] = START) -> None:
    """Each expression gives in minigrad what it gives in PyTorch."""
    found = {}
    for expression in filter(str.strip, expressions):
        differences = compare([*start, *expression.split(" ; ")])
        if differences:
            found[expression] = differences[:3]
    if found:
        pytest.fail("\n".join([f"{k}\n    " + "\n    ".join(lines) for k, lines in found.items()]), pytrace=False)


METHODS = """neg exp log sqrt abs sign sin cos tanh sigmoid relu reciprocal square sum mean var prod norm max min clone
detach t squeeze flatten numel dim size stride is_contiguous tolist argmax argmin all any isnan isinf isfinite long float double
half int bool nonzero contiguous ravel logical_not type nelement is_floating_point item unbind short softmax(0)
log_softmax(-1) clamp(0,1) clamp(min=0.5) clamp(max=2) clamp() pow(2) pow(0.5) pow(-1) pow(0) add(1) add(1,alpha=2) sub(2,alpha=3)
mul(2.5) div(2) view(-1) view_as(x) reshape(-1) norm(1) norm(0) norm('fro') norm(float('inf')) var(False) unsqueeze(0)
unsqueeze(-1) tanh_ data T shape ndim dtype grad_fn grad is_leaf requires_grad _version""".split()


@pytest.mark.parametrize("name", ["x", "m", "s", "c", "i", "j", "o", "w"])
def test_methods_and_attributes(name):
    attributes = ("data", "T", "shape", "ndim", "dtype", "grad_fn", "grad", "is_leaf", "requires_grad", "_version")
    check([f"{name}.{f}" if "(" in f or f in attributes else f"{name}.{f}()" for f in METHODS])


@pytest.mark.parametrize(
    "function",
    ["sum", "mean", "prod", "var", "norm", "max", "min", "argmax", "argmin", "softmax", "log_softmax"],
)
def test_reductions(function):
    arguments = ["0", "-1", "1", "2", "5", "-4", "dim=0", "dim=-1", "0, True", "dim=0, keepdim=True"]
    several = [
        "dim=(0, 1)",
        "dim=[0, -1]",
        "(0, 0)",
        "dim=None",
        "dim=None, keepdim=True",
        "axis=0",
        "axis=0, keepdims=True",
    ]
    arguments += several if function in ("sum", "mean", "var") else []
    arguments = [
        a for a in arguments if "True" not in a or function not in ("softmax", "log_softmax", "norm", "var")
    ]
    check(
        [
            f"{name}.{function}({a})"
            for name, a in product(["x", "m", "c", "o", *["mt"] * (not function.endswith("softmax"))], arguments)
            if function != "norm" or a[0] not in "-0125("
        ]
    )


@pytest.mark.parametrize("name", ["x", "m", "s", "c", "o", "mt", "ct"])
def test_shapes(name):
    shapes = [
        "6",
        "-1",
        "2, 3",
        "3, 2",
        "2, -1",
        "(3, 2)",
        "[6, 1]",
        "-1, -1",
        "4",
        "1, 1",
        "0",
        "-2",
        "24",
        "4, 6",
        "8, 3",
        "1",
        "3, 1",
        "1, 2, 1",
        "torch.Size([2, 3])",
        "4, 2, 3",
        "3, 8",
    ]
    dims = ["0", "-1", "1", "2", "5", "-3", "dim=0"]
    pairs = ["0, 1", "1, 0", "0, -1", "0, 2", "2, 0", "0, 5", "1, 1", "-1, -2"]
    orders = ["1, 2, 0", "(0, 1)", "0", "0, 2, 1", "[2, 1, 0]", "0, 0, 1", "1, 0"]
    wide = ["2, 3", "3", "3, 3", "2, 2, 3", "5, 1, 3", "(2, 3)", "1", "3, 2, 1", "1, 2, 4"]
    wide += ["2, -1, 3", "-1, -1, 4"] if name != "s" else []
    calls = [f"{f}({a})" for f, a in product(["view", "reshape"], shapes)]
    calls += [f"{f}({a})" for f, a in product(["squeeze", "unsqueeze", "size"], dims)]
    calls += [
        f"{f}({a})"
        for f, a in product(["transpose", "swapaxes", "flatten", "select"], pairs)
        if (f, name) != ("flatten", "s")
    ]
    calls += [f"permute({a})" for a in orders] + [f"expand({a})" for a in wide]
    if name != "s":
        calls += [f"unbind({a})" for a in dims] + [
            f"narrow({a})" for a in ["0, 0, 1", "1, 0, 2", "0, 1, 5", "0, -1, 1", "5, 0, 1", "0, 2, -1", "0, 9, 0"]
        ]
        calls += [
            f"{f}({a})" for f, a in product(["split"], ["1", "2", "1, 1", "2, -1", "0", "-1", "5", "1, 5"])
        ]
        calls += [f"split({a})" for a in ["[1, 1]", "[1, 2]", "[1, 2], 1", "(1, 1, 1)", "[3]"]]
    check(
        [f"{name}.{call}" for call in calls]
        + [
            f"({name} * 2).stride()",
            f"{name}.contiguous().is_contiguous()",
            f"{name}.ravel()",
            f"{name}[None].shape",
            f"{name}[...]",
        ]
    )


INDICES = """0 1 -1 5 -5 : 1: ::2 :-1 ::-1 1:1 5: -2: :,0 0,: 0,0 0,0,0 :,:,0 ... ...,0 0,... None None,0 0,None :,None ...,None
None,None i b j [0,1] [0] [[0,1],[1,0]] [0,1],[1,0] i,i 0,i i,0 :,i i,: ...,i None,i i,None b,0 0,b :,b [True,False,True]
[True,False] True None,True (0,1) (0,) [0,1],: [0,1],None,[1,0] m>0 m>0,: c>5 0,:,i i,:,i :,i,i slice(0,2) slice(None),0 j,j j,:
[-1] [7] b,b torch.tensor([1.,2.]) np.int64(1) np.array([0,1]) 1:2,None j: 0:j+1 ::j 1.:2 {} [i] [0,j] [True] range(2) (i,)
i[:2],i[:2] b.nonzero()[:,0] torch.tensor([],dtype=torch.long) [[0],[1]],[0,2] 0,5 None,0,5 ...,9 [9],0 :,[9] 0.0 1.5""".split()


@pytest.mark.parametrize("name", ["x", "m", "c"])
def test_indices(name):
    check([f"{name}[{k}]" for k in INDICES])


@pytest.mark.parametrize("name", ["x", "m", "c"])
def test_writes_by_index_and_their_gradients(name):
    values = ["7.", "torch.tensor(3., requires_grad=True)", f"{name}.detach()[0]", "[1.]", "torch.ones(1, 1)"]
    safe = [
        k for k in INDICES if k not in ("[9],0", ":,[9]", "[7]", "b.nonzero()[:,0]", "i[:2],i[:2]", "i,:,i")
    ]  # PyTorch writes a part before it refuses
    check([f"z = {name} * 1 ; z[{k}] = {v} ; z.sum().backward()" for k, v in product(safe, values)])
    check([f"z = {name} * 1 ; z[{k}] = torch.ones(7)" for k in ("0", ":", "1:", "...", "None", "[0, 1]", "0, None")])
    check([f"z = {name} * 2 ; y = z[{k}] ; (y * y).sum().backward() ; (y * y).sum().backward()" for k in INDICES])


DTYPES = "float16 float32 float64 uint8 int8 int16 int32 int64 bool".split()
OPERATORS = [
    "a + b",
    "a - b",
    "a * b",
    "a / b",
    "a == b",
    "a < b",
    "torch.where(torch.tensor([True, False]), a, b)",
    "torch.stack([a, b])",
    "a ** b",
]


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_pair_of_element_types_with_and_without_dimensions(operator):
    def literal(dtype: str, dims: bool) -> str:
        return f"torch.tensor({'[1, 2]' if dims else '2'}).to(torch.{dtype})"

    pairs = [
        f"a = {literal(d, p)} ; b = {literal(e, q)} ; {operator}"
        for d, e, p, q in product(DTYPES, DTYPES, (True, False), (True, False))
        if p == q or "stack" not in operator
    ]
    check(pairs, [])


@pytest.mark.parametrize(
    "operator", [*OPERATORS[:4], OPERATORS[5], "a += b", "a *= b", "a /= b", "torch.full_like(a, b)"]
)
def test_every_element_type_with_numbers(operator):
    numbers = [n for n in ("True", "3", "2.5") if operator != "a - b" or n != "True"]
    found = []
    for d, dims, n in product(
        [d for d in DTYPES if operator[1:] != " ** b" or d != "bool"], ("[1, 2]", "2"), numbers
    ):
        found.append(f"a = torch.tensor({dims}).to(torch.{d}) ; b = {n} ; {operator}")
        if "=" not in operator and "full" not in operator:
            found.append(f"b = torch.tensor({dims}).to(torch.{d}) ; a = {n} ; {operator}")
    check(found, [])


def test_products_of_vectors_and_matrices():
    names = ["x", "m", "mt", "c", "w", "s", "i", "torch.ones(3, 2)", "torch.ones(2, 4, 5)", "torch.ones(4)"]
    stacks = ["c", "torch.ones(2, 4, 5)"]
    check([f"torch.matmul({p}, {q})" for p, q in product(names, names) if q not in stacks or p in ("x", *stacks)])
    check([f"torch.{f}({p}, {q})" for f in ("mm", "mv", "dot") for p, q in product(names, names) if p != "s"])


def test_creation():
    check(
        """torch.tensor([1, 2.]) ; torch.tensor([[1], [2, 3]]) ; torch.tensor([]) ; torch.tensor(3)
        torch.tensor(True) ; torch.tensor([1, 2], requires_grad=True) ; torch.tensor([1.], requires_grad=1)
        torch.tensor('a') ; torch.tensor(None) ; torch.tensor(np.arange(3.)) ; torch.tensor(np.float32(2))
        torch.tensor([np.float64(1)]) ; torch.tensor([x[0], 1.]) ; torch.ones(2, 3) ; torch.ones((2,))
        torch.ones([]) ; torch.ones(2, dtype=torch.int64) ; torch.ones(-1) ; torch.ones(2.5) ; torch.zeros(2, 0)
        torch.full((2,), 3) ; torch.full((2,), 3.) ; torch.full((2,), True) ; torch.eye(3) ; torch.eye(2, 3)
        torch.arange(5) ; torch.arange(1, 5) ; torch.arange(5.) ; torch.arange(1, 2, 0.25)
        torch.arange(5, 1, -2) ; torch.arange(1, 5, -1) ; torch.arange(5, dtype=torch.float64)
        torch.arange(0.1, 1, 0.1) ; torch.linspace(0, 1, 5) ; torch.linspace(1, 10, 4) ; torch.ones_like(m)
        torch.zeros_like(i) ; torch.full_like(m, 2) ; torch.ones_like(m, dtype=torch.int64)
        torch.empty(2).shape ; torch.rand(2, 3).shape ; torch.randn(2, 3, dtype=torch.float64).dtype
        torch.from_numpy(np.arange(3)) ; torch.from_numpy([1])
        torch.ones(2, requires_grad=True) ; torch.randn(2, requires_grad=True).is_leaf ; torch.Tensor([1, 2])
        torch.cat([x, x]) ; torch.cat([m, m], 1) ; torch.cat([x, m]) ; torch.cat([]) ; torch.cat([s, s])
        torch.cat([m, m], 2) ; torch.stack([x, x], 1) ; torch.stack([x, m]) ; torch.stack([])
        torch.where(x > 0, x, 0.) ; torch.where(x, 1, 2)
        """.replace("\n", " ; ")
        .strip()
        .split(" ; ")
    )


@pytest.mark.parametrize("seed", range(40))
def test_printing(seed):
    rng = np.random.default_rng(seed)
    shape = [
        (),
        (1,),
        (7,),
        (30,),
        (3, 4),
        (2, 3, 4),
        (2, 2, 2, 2),
        (1200,),
        (40, 40),
        (2, 12, 60),
        (0,),
        (0, 3),
        (25, 1),
    ][seed % 13]
    scale = 10.0 ** rng.integers(-6, 9)
    arrays = [
        rng.normal(size=shape) * scale,
        np.round(rng.normal(size=shape) * scale),
        rng.lognormal(0, rng.integers(1, 9), shape),
        np.where(
            rng.random(shape) < 0.3, rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], shape), rng.normal(size=shape)
        ),
        rng.choice([0.0, -0.0, np.inf, np.nan], shape),
        rng.integers(-(10 ** rng.integers(1, 9)), 10**6, shape),
        rng.random(shape) < 0.5,
        np.zeros(shape),
    ]
    for array in arrays:
        program = [
            f"a = torch.tensor(np.array({np.asarray(array).tolist()!r}, dtype='{array.dtype}').reshape({shape}))"
        ]
        if array.dtype.kind == "f":
            program += ["a", "b = a.float().requires_grad_()", "c = b * 1", "d = a.to(torch.float32)"]
        found = compare([line.replace("nan", "np.nan").replace("inf", "np.inf") for line in program])
        assert not found


def test_autograd_functional_and_gradcheck():
    check(
        """torch.autograd.functional.jacobian(lambda a: a ** 2, x)
        torch.autograd.functional.jacobian(lambda a, b: a * b.sum(), (x, x))
        torch.autograd.functional.hessian(lambda a: (a ** 3).sum(), x)
        torch.autograd.functional.hessian(lambda a, b: (a * b).sum(), (x, x))
        torch.autograd.functional.vjp(lambda a: a * 2, x, torch.ones(3))
        torch.autograd.functional.vjp(lambda a: a.sum(), x)
        torch.autograd.functional.jvp(lambda a: a ** 2, x, torch.ones(3))
        torch.autograd.functional.hvp(lambda a: (a ** 3).sum(), x, torch.ones(3))
        torch.autograd.functional.vhp(lambda a: (a ** 3).sum(), x, torch.ones(3))
        torch.autograd.functional.jacobian(lambda a: a.detach(), x)
        torch.autograd.functional.jacobian(lambda a: (a.sum(), a), x)
        torch.autograd.functional.jacobian(lambda a: a.exp(), m)
        torch.autograd.gradcheck(lambda a: a * a, w.requires_grad_())
        torch.autograd.gradgradcheck(lambda a: a ** 3, w.requires_grad_())
        torch.autograd.gradcheck(lambda a: a.detach() * a, w.requires_grad_(), raise_exception=False)
        """.replace("\n", " ; ")
        .strip()
        .split(" ; ")
    )


KINDS = {
    "vector": "torch.ones(3)",
    "matrix": "torch.arange(9.).reshape(3, 3)",
    "transposed": "torch.arange(9.).reshape(3, 3).t()",
    "stack": "torch.arange(18.).reshape(2, 3, 3)",
    "transposed-stack": "torch.arange(18.).reshape(2, 3, 3).transpose(1, 2)",
    "turned-stack": "torch.arange(18.).reshape(3, 2, 3).transpose(0, 1)",
    "stack-of-one": "torch.ones(1, 3, 3)",
    "stack-of-none": "torch.ones(0, 3, 3)",
    "expanded": "torch.ones(1, 1, 3).expand(2, 3, 3)",
    "stacks": "torch.ones(2, 2, 3, 3)",
    "no-rows": "torch.ones(0, 3)",
    "empty": "torch.ones(0)",
}


@pytest.mark.parametrize("left", KINDS)
def test_products(left):
    """Which products a stack of matrices is taken apart into, for every pair: the graph, and the gradients' gradients."""
    programs = []
    for right, (a, b) in product(KINDS, [(0, 0), (1, 0), (0, 1), (1, 1)]):
        inputs = ", ".join(["a"] * a + ["b"] * b)
        steps = [f"a = {KINDS[left]}.requires_grad_({bool(a)})", f"b = {KINDS[right]}.requires_grad_({bool(b)})", "y = a @ b"]
        if inputs:
            steps.append(f"_ = torch.autograd.grad((y * y).sum(), ({inputs},), create_graph=True)")
            steps.append(f"[g.tolist() for g in (*_, *torch.autograd.grad(sum([(g * g).sum() for g in _]), ({inputs},)))]")
        programs.append(" ; ".join(steps))
    check(programs, [])


BASES = """mk() mk(3) mk(1) mk(0) mk(2,3) mk(3,2).t() mk(1,3) mk(0,3) mk(2,3,4).transpose(0,2) mk(2,3,4)[:,1:]
mk(1,3,1).expand(2,3,4) mk(6)[::2]""".split()
READ = """x.reshape(-1) x.view(-1) x.flatten() x.squeeze() x.squeeze(0) x.unsqueeze(-1) x.t() x.transpose(0,-1) x.contiguous()
x.clone() x.expand(2,*x.shape) x.unbind() x.unbind(-1) x.split(2) x.split(1,-1) x.split([1,-1]) x.narrow(0,0,1) x.select(-1,-1)
torch.cat([x,x],-1) torch.cat([x,torch.zeros(0,requires_grad=True)]) torch.stack([x,x],-1) x[0] x[-1] x[...] x[None] x[1:]
x[::2] x[:,0] x[...,0] x[[0,0]] x[x>0] x[torch.tensor(0)] x[torch.tensor([0,-1])] x[:,None] x[True] x[False] x[:,[0]] x[0:0]
x.sum() x.sum(0) x.sum(-1,keepdim=True) x.sum(()) x.sum([0,-1]) x.mean() x.mean(0) x.prod() x.prod(0) x.norm() x.norm(1)
x.norm(2,0) x.norm(dim=-1) x.max() x.min(-1) x.max(0,True) x.max(x) x.softmax(0) x.log_softmax(-1) x.clamp(0,1)
x.clamp(-x,x*2) x.clamp(min=torch.ones(())) x.clamp(max=x) x.clamp(x,1) x.relu()
x.sigmoid() x.tanh() x.exp() x.abs() x.sign() -x x.sin() x**2 x**0 x**x 2**x 1/x x/2 1-x torch.where(x>0,x,-x) x@x x.dot(x)
x.sum(dtype=torch.float64) x.sum(dtype=torch.int64)""".split()
WRITE = """y.add_(1) y.mul_(y) y.zero_() y.exp_() y[0]=x[0]*2 y[0]=1 y[...]=x y[1:]=x[:-1] y[x>0]=0 y[[0]]=x[[0]] y[-1]=y[0]
y[0]+=1 y[None]=x y[...,0]=x[...,-1] y.unbind()[0].mul_(2) y.view(-1).mul_(3) y.t().add_(y.t()) y.unsqueeze(0).mul_(2)
y.squeeze().mul_(2) y.reshape(-1).mul_(2) y.detach().mul_(2) y.data.mul_(2) y.expand(2,*y.shape).mul_(2) y.copy_(x*3)
y.fill_(torch.tensor(2.,requires_grad=True)) x.mul_(2) x[0]=1 x.data.mul_(2)""".split()


@pytest.mark.parametrize("base", BASES)
def test_every_operation_on_every_kind_of_tensor(base):
    """Also on memory that is shared, repeated, in another order or empty; read, written to, and differentiated."""
    start = [
        "mk = lambda *n: (torch.arange(24.)[:int(np.prod(n))].reshape(n) - 2.5).requires_grad_()",
        f"x = {base}",
        "y = x * 1",
        "z = y[...]",
    ]
    gradient = "torch.autograd.grad({}.sum(), x)[0].tolist()".format
    first = "(_[0] if isinstance(_, (tuple, list)) else _)"
    check([f"r = {read} ; _ = r ; {gradient(first)}" for read in READ], start)
    check([f"{write} ; z.grad_fn ; {gradient('((y + z) * y)')}" for write in WRITE], start)

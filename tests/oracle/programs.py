"""Random small programs for `twins`: straight-line, over everything that minigrad promises, most of their lines valid.

A program is drawn one line at a time. Each line is run in PyTorch at once, so that the next one knows the shapes and
element types of what is there.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st

VALUES = [-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.25, 2.0, 3.0]
SHAPES = [(), (1,), (2,), (3,), (2, 3), (3, 2), (3, 3), (1, 3), (2, 1), (2, 2, 3), (1, 2, 1)]
UNARY = """neg exp log sqrt abs sin cos tanh sigmoid relu reciprocal square clone detach t contiguous float double
view_as(x) reshape_as(x) expand_as(x) softmax(-1) log_softmax(0) clamp(-1,1) clamp(min=0) pow(2) pow(3) pow(0) pow(-1) pow(0.5)
flatten squeeze ravel isnan long bool sign all any __pos__
argmax max min sum mean prod norm var norm(1) norm(3) var(unbiased=False)""".split()
BINARY = ["+", "-", "*", "/", "**", "@", ">", "==", "&", "|"]
CALLS = ["torch.maximum", "torch.minimum", "torch.add", "torch.mul", "torch.matmul", "torch.sub", "torch.div", "torch.pow"]
IN_PLACE = """zero_() neg_() exp_() sqrt_() abs_() sin_() cos_() tanh_() sigmoid_() relu_() mul_(2) add_(1) sub_(0.5) div_(2)
mul_(1e-9) pow_(2) fill_(3) clamp_(-1,1) requires_grad_() detach_() reciprocal_() log_() requires_grad_(False)""".split()


class Maker:
    """The program so far, and the variables that it has made."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"torch": torch}

    # ------------------------------------------------------------ drawing
    def one(self, options: Any) -> Any:
        """One of the options; the first ones are the simplest."""
        return self.draw(st.sampled_from(list(options)))

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self.draw(st.integers(low, high))

    def sometimes(self) -> bool:
        """True every third time or so."""
        return self.number(0, 2) == 2

    def tensors(self, keep: Callable[[Any], bool] = lambda x: True) -> list[str]:
        """The names of the tensors so far, the newest first."""
        found = []
        for name, x in reversed(self.names.items()):
            try:
                if isinstance(x, torch.Tensor) and keep(x):
                    found.append(name)
            except RuntimeError:  # a view that is not valid any more
                continue
        return found

    def tensor(self, keep: Callable[[Any], bool] = lambda x: True) -> str:
        """The name of a tensor, where possible of one that is as wanted."""
        return self.one(self.tensors(keep) or self.tensors() or [self.create()])

    def apart(self, t: torch.Tensor, name: str) -> bool:
        """Whether a tensor has other memory than that variable: what is read there while it is written is undefined."""
        x = self.names[name]
        return t.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()

    # ------------------------------------------------------------ lines
    def add(self, line: str) -> None:
        """Put the line into the program and run it."""
        self.lines.append(line)
        with warnings.catch_warnings(action="ignore"), contextlib.suppress(Exception):
            exec(line, self.names)

    def assign(self, expression: str) -> str:
        """A new variable with the value of the expression; under no_grad now and then."""
        name = "abcdefghijklmnopqrstuvwxyz"[len([n for n in self.names if len(n) == 1]) % 26]
        self.add(("with torch.no_grad(): " if self.number(0, 11) == 11 else "") + f"{name} = {expression}")
        return name

    def literal(self, shape: tuple[int, ...]) -> str:
        """Nested lists of numbers in this shape."""
        if not shape:
            return repr(self.one(VALUES))
        return "[" + ", ".join([self.literal(shape[1:]) for _ in range(shape[0])]) + "]"

    def create(self) -> str:
        """A leaf."""
        kind = self.number(0, 10)
        if kind == 7:
            return self.assign(f"torch.tensor({self.number(-3, 3)})")
        if kind == 8:
            return self.assign(f"torch.arange({self.number(1, 4)})")
        if kind == 9:
            return self.assign(f"torch.ones({', '.join(map(str, self.one(SHAPES[1:])))})")
        if kind == 10:
            dtype = self.one(["int64", "int32", "uint8", "int8", "bool"])
            return self.assign(f"torch.tensor([{self.number(-3, 3)}, {self.number(0, 3)}], dtype=torch.{dtype})")
        dtype = self.one(["", "", "", ", dtype=torch.float64"])
        grad = self.one([", requires_grad=True", ", requires_grad=True", ""])
        return self.assign(f"torch.tensor({self.literal(self.one(SHAPES))}{dtype}{grad})")

    def unary(self) -> None:
        """A function or method of one tensor."""
        x, f = self.tensor(), self.one(UNARY)
        self.assign(f"{x}.{f.replace('x', self.tensor())}" if "(" in f else f"{x}.{f}()")

    def binary(self) -> None:
        """An operator, or a function of two."""
        x = self.tensor()
        shape = self.names[x].shape
        y = self.one([self.tensor(lambda other: broadcasts(shape, other.shape)), self.tensor(), repr(self.one(VALUES)), "2"])
        function = self.one(CALLS) if self.sometimes() else ""
        x, y = (x, y) if function or self.sometimes() else (y, x)
        line = f"{function}({x}, {y})" if function else f"{x} {self.one(BINARY)} {y}"
        if getattr(self.names.get(y), "dtype", None) is torch.bool:  # the gradient of a power to a bool fails in PyTorch
            line = line.replace("**", "*").replace("torch.pow", "torch.mul")
        self.assign(line)

    def reduce(self) -> None:
        """A reduction along one or several dimensions."""
        x = self.tensor(lambda t: t.ndim > 0)
        n = max(self.names[x].ndim, 1)
        f = self.one(["sum", "mean", "prod", "max", "min", "norm", "var", "softmax", "log_softmax", "argmax", "all"])
        dim: Any = self.number(-n, n - 1)
        if f in ("sum", "mean", "norm", "var") and self.sometimes():
            dim = (0, n - 1)
        keep = "" if f.endswith("softmax") else self.one(["", ", keepdim=True"])
        self.assign(f"{x}.{f}(dim={dim}{keep})" + (".values" if f in ("max", "min") else ""))

    def reshape(self) -> None:
        """Another shape, most often a view."""
        x = self.tensor(lambda t: t.ndim > 0)
        t = self.names[x]
        if t.ndim == 0:
            return
        n, size = t.ndim, t.numel()
        i, j = self.number(-max(n, 1), max(n - 1, 0)), self.number(-max(n, 1), max(n - 1, 0))
        order = self.draw(st.permutations(range(n)))
        shape = self.one([(-1,), (size,), (1, size), (size, 1), (-1, 1), (2, -1), (3, -1), tuple(t.shape)])
        wide = [self.number(2, 3) if m == 1 else m for m in t.shape]
        self.assign(x + self.one([
            f".view{shape}", f".reshape{shape}", f".transpose({i}, {j})", f".permute({', '.join(map(str, order))})", ".t()",
            f".unsqueeze({i})", f".squeeze({i})", ".squeeze()", f".flatten({i})", f".expand({', '.join(map(str, wide))})",
            f".expand(2, {', '.join(map(str, t.shape))})", f".narrow({i}, 0, 1)", f".unbind({i})[0]", f".split(1, {i})[-1]",
            ".T", f".select({i}, 0)", f".split([1, {max(size - 1, 0)}])[1]", ".detach()", ".data"]))

    def index(self, t: torch.Tensor) -> str:
        """An index for a tensor: numbers, slices, None, `...`, lists, masks, tensors."""
        parts = []
        for n in t.shape[:self.number(0 if t.ndim == 0 else 1, t.ndim)]:
            i, j = self.number(-n, max(n - 1, 0)), self.number(-n, max(n - 1, 0))
            parts.append(self.one([
                str(i), ":", f"{min(i, j)}:", f":{i}", "::2", f"[{i}, {j}]", f"torch.tensor([{i}, {j}, {i}])", "None",
                f"torch.tensor([{', '.join([str(self.number(0, 1) == 1) for _ in range(n)])}], dtype=torch.bool)",
                f"torch.tensor({i})", f"[[{i}], [{j}]]"]))
        if self.number(0, 5) == 5:
            parts.insert(self.number(0, len(parts)), "...")
        return ", ".join(parts) or "..."

    def get(self) -> None:
        """Read a part."""
        x = self.tensor(lambda t: t.ndim > 0)
        mask = self.tensors(lambda t: t.dtype == torch.bool and t.shape == self.names[x].shape)
        places = self.tensors(lambda t: t.dtype == torch.int64 and t.ndim < 2)
        known = mask or (places if self.sometimes() else [])
        self.assign(f"{x}[{self.one(known) if known else self.index(self.names[x])}]")

    def set(self) -> None:
        """Write a part: a number, or a tensor that fits."""
        x = self.tensor(lambda t: t.ndim > 0 and t.is_floating_point())
        index = self.index(self.names[x])
        try:
            part = eval(f"{x}.detach().clone()[{index}].shape", self.names)
        except Exception:
            return
        if not self.names[x].is_floating_point():
            return
        number = repr(self.one(VALUES))
        fitting = self.tensors(lambda t: broadcasts(t.shape, part, whole=True) and self.apart(t, x))
        value = self.one([number, self.one(fitting or [number]), self.tensor(lambda t: t.ndim == 0)])
        self.add(f"{x}[{index}] {self.one(['=', '=', '=', '+=', '*='])} {value}")

    def in_place(self) -> None:
        """Change a tensor in place."""
        x = self.tensor()
        shape = self.names[x].shape
        y = self.tensor(lambda t: broadcasts(t.shape, shape, whole=True) and (t is self.names[x] or self.apart(t, x)))
        self.add(self.one([f"{x}.{self.one(IN_PLACE)}", f"{x} {self.one(['+=', '*=', '-=', '/='])} {y}",
                           f"{x} {self.one(['+=', '*=', '-=', '/=', '**='])} 2.0", f"{x}.copy_({y})",
                           f"{x}.{self.one(['add_', 'mul_', 'sub_', 'div_'])}({y})", f"{x}.data *= 2"]))

    def write_twice(self) -> None:
        """Write into the same view, and perhaps its base, again and again."""
        base = self.assign(self.one(["torch.zeros(2, 3)", "torch.ones(3, requires_grad=True) * 1", "torch.ones(2, 2)"]))
        view = self.assign(base + self.one(["[0]", "[:, 0]", "[0:1]", "[0:1][0]", ".view(-1)", ".t()"]))
        for _ in range(self.number(1, 3)):
            x, shape = self.one([(view, view), (view, view), (base, base), (self.assign(f"{base}[0]"), view)])
            wanted = self.names[shape].shape
            fitting = self.tensors(lambda t, wanted=wanted: t.is_floating_point() and self.apart(t, base) and broadcasts(
                t.shape, wanted, whole=True))
            y = self.one(fitting or ["2.0"])
            self.add(self.one([f"{x} *= {y}", f"{x}.copy_({y})", f"{x}[...] = {y}", f"{x} += {y}", f"{x}.mul_(3)",
                               f"{x}[0] = 2.0", f"{x}[[0]] = {y}"]))
        self.assign(f"({base} * {base}).sum()")

    def several(self) -> None:
        """A function of several tensors."""
        x = self.tensor()
        t = self.names[x]
        y = self.tensor(lambda other: other.shape == t.shape)
        z = self.tensor(lambda other: broadcasts(other.shape, t.shape, whole=True))
        mask = self.one(self.tensors(lambda t: t.dtype == torch.bool) or [f"{y} > 1"])
        self.assign(self.one([
            f"torch.cat([{x}, {y}])", f"torch.stack([{x}, {y}, {x}])", f"torch.stack(({x}, {y}), -1)",
            f"torch.cat([{x}, {y}], {self.number(0, max(t.ndim - 1, 0))})", f"torch.where({x} > 0, {x}, {z})",
            f"torch.where({z} > 0.5, {y}, 0.)", f"torch.where({mask}, {x}, {z})",
            f"torch.ones_like({x})", f"torch.zeros_like({x}) + {y}", f"{x}.data",
            f"{x}.clone().requires_grad_()", f"torch.tensor([{x}.sum().item(), 1.])"]))

    def differentiate(self) -> None:
        """backward, or autograd.grad."""
        y = self.tensor(lambda t: t.requires_grad and not t.is_leaf)
        x = self.tensor(lambda t: t.requires_grad and t.is_leaf)
        root = y if self.names[y].ndim == 0 or self.number(0, 5) == 5 else f"{y}.sum()"
        keep = self.one(["", "retain_graph=True", "create_graph=True", ""])
        kind = self.number(0, 5)
        if kind <= 1:
            self.add(f"{root}.backward({keep})")
        elif kind == 2:
            self.add(f"{y}.backward(torch.ones_like({y}){', ' * bool(keep)}{keep})")
        elif kind == 3:
            self.add(f"{root}.backward({keep}{', ' * bool(keep)}inputs=[{x}])")
        else:
            unused = self.one([", allow_unused=True", ""])
            other = self.tensor(lambda t: t.requires_grad)
            grad = f"torch.autograd.grad({root}, [{x}, {other}]{', ' * bool(keep)}{keep}{unused})[0]"
            self.assign(f"{grad} * 1")  # as fresh memory: PyTorch may hand out an expanded view

    def twice(self) -> None:
        """A gradient of a gradient. Not of powers: PyTorch's is nan where the base is 0 or below, also where it exists."""
        if any("**" in line or "pow(" in line for line in self.lines):
            return
        y = self.tensor(lambda t: t.requires_grad and not t.is_leaf)
        x = self.tensor(lambda t: t.requires_grad and t.is_leaf)
        first = self.assign(f"torch.autograd.grad(({y} * {y}).sum(), {x}, create_graph=True)[0] * 1")
        self.add(f"{first}.sum().backward()")

    def autograd(self) -> None:
        """Hooks, retained gradients, what is kept in `.grad`."""
        y = self.tensor(lambda t: t.requires_grad and not t.is_leaf)
        x = self.tensor(lambda t: t.requires_grad and t.is_leaf)
        self.add(self.one([
            f"{y}.retain_grad()", f"{y}.register_hook(lambda g: g * 2)", f"{x}.register_hook(lambda g: g + 1)",
            f"{x}.grad = None", f"_ = {x}.grad.zero_()", f"{x}.grad = torch.ones_like({x})", f"{y}.requires_grad_(False)",
            f"{x}.requires_grad = False", f"{y}.requires_grad", f"{y}.grad_fn", f"{y}._version", f"{y}.is_leaf",
            f"{y}.data.zero_()", f"{x}.detach().add_(1)", f"with torch.no_grad(): {x} -= 0.5",
            f"with torch.no_grad(): {y}.mul_(2)", f"{y}.grad_fn.next_functions", f"{x}.data = {x}.data * 2", f"{y}.tolist()",
            f"{y}.storage_offset()", f"torch.set_grad_enabled({self.sometimes()})",
            "torch.set_grad_enabled(True)"]))

    def step(self) -> None:
        """One more line."""
        self.one([self.unary, self.binary, self.reshape, self.get, self.differentiate, self.set, self.in_place, self.binary,
                  self.reduce, self.several, self.write_twice, self.create, self.autograd, self.differentiate, self.twice])()


def broadcasts(a: Any, b: Any, whole: bool = False) -> bool:
    """True when the shapes meet; with `whole`, when `a` meets in `b` itself."""
    try:
        return torch.broadcast_shapes(a, b) == b or not whole
    except RuntimeError:
        return False


@st.composite
def programs(draw: Callable[[Any], Any], longest: int = 9) -> list[str]:
    """A program of at most `longest` lines after the first two tensors."""
    torch.set_grad_enabled(True)
    made = Maker(draw)
    made.create()
    made.create()
    for _ in range(draw(st.integers(1, longest))):
        made.step()
    torch.set_grad_enabled(True)
    return made.lines

"""One program, run in PyTorch and in minigrad: everything that can be seen of both runs, as text and arrays to compare.

A program is a list of source lines that use the names `torch` and `np`. What differs is reported in the program's words.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import torch

import minigrad

torch.set_warn_always(True)  # not only the first time: each run is compared on its own

TRIGGERED = re.compile(r" \(Triggered internally at [^\n]*?\)")
ADDRESS = re.compile(r"\b0x[0-9A-Fa-f]+")
# PyTorch's argument parser lists its signatures: there only the type of the error is compared.
PARSER = re.compile(r"^TypeError: .*(received an invalid combination of arguments|required positional argument|"
                    r"unexpected keyword argument|takes .* positional argument|must be .*, not ).*", re.S)
# What minigrad leaves out: a program in which PyTorch or minigrad says this is not compared.
LEFT_OUT = re.compile(r"ZeroDivisionError|some elements of the input tensor and the written-to tensor")
CHAIN = 200  # nodes of one graph that are compared


def own_words(text: str) -> str:
    """The text without addresses and places in PyTorch's sources, minigrad's own name read as PyTorch's."""
    return ADDRESS.sub("0x", TRIGGERED.sub("", text)).replace("minigrad.", "torch.")


@dataclass
class Run:
    """What one run showed: for each line what it raised, warned of and evaluated to; and the variables at the end."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)


def run(program: list[str], module: ModuleType) -> Run:
    """Run every line, also after one that raised."""
    names: dict[str, Any] = {"torch": module, "np": np}
    module.manual_seed(0)
    result = Run()
    for line in program:
        seen: dict[str, Any] = {}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                tree = ast.parse(line)
                if isinstance(tree.body[-1], ast.Expr):
                    seen["value"] = eval(compile(line, "<line>", "eval"), names)
                else:
                    exec(compile(line, "<line>", "exec"), names)
            except Exception as error:
                text = f"{type(error).__name__}: {own_words(str(error))}"
                seen["raised"] = PARSER.sub("TypeError: arguments", text)
        if "value" in seen:
            with warnings.catch_warnings(action="ignore"):
                seen["value"] = look(seen["value"], module, names)
        seen["warned"] = [f"{w.category.__name__}: {own_words(str(w.message))}" for w in caught]
        result.lines.append(seen)
    with warnings.catch_warnings(action="ignore"):
        for name, value in names.items():
            if isinstance(value, module.Tensor) and name != "_":
                result.variables[name] = look(value, module, names)
    module.set_grad_enabled(True)
    return result


def look(value: Any, module: ModuleType, names: dict[str, Any]) -> Any:
    """What can be seen of a value: plain data."""
    if isinstance(value, module.Tensor):
        return look_at_tensor(value, module, names)
    if isinstance(value, (tuple, list)):
        return {"kind": type(value).__name__, "items": [look(item, module, names) for item in value]}
    if isinstance(value, dict):
        return {"kind": "dict", "items": {key: look(item, module, names) for key, item in value.items()}}
    if isinstance(value, (float, np.ndarray, np.generic)):
        return {"kind": type(value).__name__, "values": np.array(value)}
    if hasattr(value, "next_functions"):
        return {"kind": "node", "graph": graph_of(value, names)}
    if type(value).__name__ == "RemovableHandle":
        return {"kind": "handle"}
    return {"kind": own_words(repr(value))}


def look_at_tensor(x: Any, module: ModuleType, names: dict[str, Any]) -> dict[str, Any]:
    """Values, element type, and all that autograd knows about a tensor."""
    seen: dict[str, Any] = {"kind": "tensor", "values": np.array(x.detach().numpy())}
    for name, get in ASPECTS.items():
        try:
            seen[name] = get(x, module, names)
        except RuntimeError as error:
            seen[name] = f"RuntimeError: {own_words(str(error))}"
    return seen


ASPECTS: dict[str, Callable[[Any, ModuleType, dict[str, Any]], Any]] = {
    "dtype": lambda x, module, names: own_words(str(x.dtype)),
    "shape": lambda x, module, names: tuple(x.shape),
    "stride": lambda x, module, names: tuple([step for step, n in zip(x.stride(), x.shape, strict=True) if n > 1 and x.numel()]),
    "requires_grad": lambda x, module, names: x.requires_grad,
    "is_leaf": lambda x, module, names: x.is_leaf,
    "version": lambda x, module, names: x._version,
    "output_nr": lambda x, module, names: x.output_nr,
    "retains_grad": lambda x, module, names: x.retains_grad,
    "graph": lambda x, module, names: graph_of(x.grad_fn, names),
    "grad": lambda x, module, names: None if x.grad is None else look_at_grad(x.grad, module, names),
    "text": lambda x, module, names: own_words(repr(x)),
}


def look_at_grad(x: Any, module: ModuleType, names: dict[str, Any]) -> dict[str, Any]:
    """As a tensor, without the version: that tells whether PyTorch copied the gradient, which is no promise."""
    return {key: value for key, value in look(x, module, names).items() if key != "version"}


def graph_of(node: Any, names: dict[str, Any]) -> list[Any]:
    """The nodes that `node` leads to, in the order of a breadth-first walk: name, edges, and a leaf's variable."""
    if node is None:
        return []
    number, queue, result = {node: 0}, [node], []
    for current in queue:
        edges = []
        for to, index in current.next_functions:
            if to is not None and to not in number and len(queue) < CHAIN:
                number[to] = len(queue)
                queue.append(to)
            edges.append((number.get(to), index))
        variable = getattr(current, "variable", None)
        leaf = [name for name, value in names.items() if value is variable and variable is not None]
        result.append((own_words(current.name()), type(current).__name__, tuple(edges), *leaf[:1]))
    return result


def differences(a: Any, b: Any, path: str = "") -> list[str]:
    """Where two looks differ, in words; floating-point values may differ by rounding."""
    if isinstance(a, dict) and isinstance(b, dict):
        found = []
        for key in sorted(set(a) | set(b), key=str):
            if key == "text" and not same_digits(a, b):
                continue
            found += differences(a.get(key, "nothing"), b.get(key, "nothing"), f"{path}.{key}" if path else str(key))
        return found
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b) and path.split(".")[-1] != "graph":
        return [line for i, (x, y) in enumerate(zip(a, b, strict=True)) for line in differences(x, y, f"{path}[{i}]")]
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return [] if same_values(a, b) else [f"{path}: PyTorch {a.tolist()}, minigrad {b.tolist()}"]
    if a == "TypeError: arguments" and isinstance(b, str) and b.startswith("TypeError: "):
        return []
    return [] if a == b else [f"{path}: PyTorch {a!r}, minigrad {b!r}"]


def same_digits(a: dict, b: dict) -> bool:
    """True when two tensors hold the same bits, so that they must print alike."""
    x, y = a.get("values"), b.get("values")
    return isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and x.tobytes() == y.tobytes()


def same_values(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal shapes and element types, and values equal up to rounding of that type."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    rtol = {"float64": 1e-5, "float32": 1e-3, "float16": 1e-2}[str(a.dtype)]  # sin(exp(exp(x))) magnifies rounding
    a, b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(all="ignore"):
        scale = np.max(np.abs(a[np.isfinite(a)]), initial=0)
        return bool(np.allclose(a, b, rtol, rtol * max(scale, 0.1), equal_nan=True))


GRAPH = ("graph", "text", "requires_grad", "is_leaf")


def without_graphs(seen: Any) -> Any:
    """The same look, or run, without graphs and what shows them."""
    if isinstance(seen, Run):
        return Run(without_graphs(seen.lines), without_graphs(seen.variables))
    if isinstance(seen, dict):
        return {key: without_graphs(value) for key, value in seen.items() if key not in GRAPH}
    return [without_graphs(value) for value in seen] if isinstance(seen, list) else seen


def compare(program: list[str]) -> list[str]:
    """The differences between PyTorch's and minigrad's run of a program; none when they agree."""
    theirs, ours = run(program, torch), run(program, minigrad)
    if any(LEFT_OUT.search(line.get("raised", "")) for line in theirs.lines + ours.lines):
        return []
    if any("create_graph=True" in line for line in program):  # how a gradient is computed is no promise
        theirs, ours = without_graphs(theirs), without_graphs(ours)
    found = []
    for line, a, b in zip(program, theirs.lines, ours.lines, strict=True):
        found += [f"`{line}`  {difference}" for difference in differences(a, b)]
    return found + differences(theirs.variables, ours.variables, "at the end")


def shorten(program: list[str]) -> list[str]:
    """The program without the lines that the difference does not need."""
    i = len(program) - 1
    while i >= 0:
        without = program[:i] + program[i + 1:]
        if compare(without):
            program, i = without, len(without)
        i -= 1
    return program

"""Which exercise is which function of minigrad, and putting a student's function in its place.

`PIECES` is the one table: a piece's name, where it lives in minigrad, the chapter that builds it and, where an earlier
chapter already runs into it, what stands there before it is built. `piece` puts a function of the piece's own name in
minigrad's place for the rest of the session, `reset` goes back, `status` says who stands where. `stripped_package`
writes the minigrad that a class receives: without the body of any piece that is still to be built. What a check makes
of all this is not decided here.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import inspect
import json
import shutil
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Piece:
    """One piece: `where` is module.name or module.Class.name inside minigrad, `chapter` builds it.

    before: the body that stands in until it is built (source, in the function's own arguments), for a piece that lies
    on the path of an earlier chapter or of the cells above its exercise; None means that calling it says when you
    build it. twins: functions that do the same for speed, and what they return where the piece is missing (a module
    is left out). end: source at the end of the module where the piece is missing, which sends everything past the twins.
    """

    where: str
    chapter: int
    before: str | None = None
    twins: tuple[tuple[str, str], ...] = ()
    end: str = ""

    @property
    def name(self) -> str:
        return self.where.rpartition(".")[2]

    @property
    def module(self) -> str:
        return self.where.partition(".")[0]

    def owner(self) -> Any:
        """The module or class on which the piece is looked up at every call."""
        path = self.where.split(".")
        found: Any = importlib.import_module(f"minigrad.{path[0]}")
        for name in path[1:-1]:
            found = getattr(found, name)
        return found


WITHOUT_CODE = (("lifting.compiled", "always_general(call)"), ("compiling", ""))
PIECES: dict[str, Piece] = {
    p.name: p
    for p in (
        Piece("graph.can_require_grad", 1),
        Piece("tensors.leaf", 1, before="return wrap(array)"),
        Piece("tensors.Tensor.requires_grad_", 1),
        Piece("graph.any_requires_grad", 1, before="return False", twins=WITHOUT_CODE),
        Piece("rules.add", 2),
        Piece("rules.mul", 2),
        # Before results remember their maker, a tracked result is a tensor that requires grad, and no more.
        Piece(
            "graph.record",
            2,
            before="""
            result = tensors.wrap(value)
            result._requires_grad = True
            return result
        """,
            twins=WITHOUT_CODE,
        ),
        Piece("tensors.Tensor.is_leaf", 2, before="return True"),
        Piece("rules.log", 4),
        Piece("rules.pow", 4),
        Piece("rules.abs", 4),
        Piece("rules.sum", 4),
        Piece("rules.mean", 4),
        Piece("rules.norm", 4),
        Piece("rules.mm", 4),
        Piece("graph.unbroadcast", 4, end="UNBROADCAST = None"),
        Piece("engine.order", 5),
        Piece("engine.Task.collect", 5, end="COLLECT = None"),
        Piece("engine.walk", 5, twins=(("engine.sweep", "None"),), end="WALK = None"),
        Piece("engine.gradients", 5),
        # Before gradients accumulate, the one that arrives last is kept.
        Piece("engine.accumulate", 6, before="leaf._grad = g if record else tensors.wrap(copy(g))"),
    )
}


class PieceError(TypeError):
    """Something about a piece that the student can mend: the text says what was seen, what is needed, what to do."""

    def _render_traceback_(self) -> list[str]:  # IPython shows these lines instead of a long traceback
        return [f"PieceError: {self}"]


# ---- putting a function in a piece's place -------------------------------------------------------------------------

_originals: dict[str, Any] = {}
_built: dict[str, Any] = {}
_loaded: set[str] = set()


def piece(function: Any) -> Any:
    """Put `function` in the place of minigrad's piece of the same name, for the rest of the session; returns it.

    Works bare, as a decorator, on functions, properties, methods and classes. A function whose body is still empty is
    not put in place. Raises PieceError, in words, when no piece has this name or when the signature is another one.
    """
    name = name_of(function)
    spec = _spec(name)
    _check_signature(spec, function)
    if is_blank(function):
        _built.pop(name, None)
        _put(spec, _original(spec))
        print(f"{name} is still empty: write its body, then run this cell again.")
    else:
        _put(spec, function)
        _built[name] = function
    return function


def load(function: Any) -> None:
    """Put a piece of an earlier chapter in place without counting it as built in this session."""
    _put(_spec(name_of(function)), function)
    _loaded.add(name_of(function))


def built(name: str) -> Any:
    """The function that this session put in the place of the piece called `name`, or None."""
    return _built.get(name)


def all_built() -> list[Any]:
    """The functions that this session put in place."""
    return list(_built.values())


def reset(*names: str) -> None:
    """Take the student's functions out again: the named ones, or all; minigrad's own stand there afterwards."""
    for name in names or tuple(_originals):
        spec = _spec(name)
        if name in _originals:
            _set(spec, _originals[name])
        _built.pop(name, None)
        _loaded.discard(name)


@contextmanager
def standing(**functions: Any) -> Iterator[None]:
    """Let other functions stand in the places of pieces inside a `with` block, then put back what stood there."""
    before = {name: current(name) for name in functions}
    try:
        for name, function in functions.items():
            _put(_spec(name), function)
        yield
    finally:
        for name, function in before.items():
            _set(_spec(name), function)


def status() -> list[tuple[Piece, str]]:
    """Every piece in the order of the course, with who stands there: "yours", "minigrad's" or "not built"."""
    stripped = _stripped()
    return [
        (spec, "yours" if name in _built or name in _loaded else "not built" if name in stripped else "minigrad's")
        for name, spec in sorted(PIECES.items(), key=lambda entry: entry[1].chapter)
    ]


def _spec(name: str) -> Piece:
    if name not in PIECES:
        near = difflib.get_close_matches(name, PIECES, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"The pieces are: {', '.join(PIECES)}."
        raise PieceError(
            f"No piece of minigrad is called {name!r}; the name of your function says which piece it is. {hint}"
        )
    return PIECES[name]


def name_of(function: Any) -> str:
    """The name that says which piece `function` is. Raises PieceError for what is no function."""
    name = getattr(inner(function), "__name__", None)
    if not isinstance(name, str):
        raise PieceError(f"@piece needs a function, and got {type(function).__name__}. Write it right above a `def`.")
    return name


def inner(function: Any) -> Any:
    """The plain function inside a property, a classmethod or a staticmethod."""
    if isinstance(function, property):
        return function.fget
    return getattr(function, "__func__", function)


def current(name: str) -> Any:
    """What stands in the piece's place now: the rule of an operation, or the attribute as it is stored."""
    spec = _spec(name)
    attribute = inspect.getattr_static(spec.owner(), spec.name)
    return attribute.rule if hasattr(attribute, "rule") else attribute


def _original(spec: Piece) -> Any:
    if spec.name not in _originals:
        _originals[spec.name] = current(spec.name)
    return _originals[spec.name]


def _put(spec: Piece, function: Any) -> None:
    _set(spec, _wrapped_like(_original(spec), function))


def _set(spec: Piece, attribute: Any) -> None:
    operation = inspect.getattr_static(spec.owner(), spec.name)
    if hasattr(operation, "rule"):
        operation.rule = attribute
    else:
        setattr(spec.owner(), spec.name, attribute)


def _wrapped_like(original: Any, function: Any) -> Any:
    """`function` as the kind of attribute that `original` is: a property keeps its setter."""
    if isinstance(original, property):
        mine = function if isinstance(function, property) else property(function)
        return property(mine.fget, mine.fset or original.fset, mine.fdel or original.fdel, mine.__doc__)
    for kind in (classmethod, staticmethod):
        if isinstance(original, kind):
            return kind(inner(function))
    return function


def _check_signature(spec: Piece, function: Any) -> None:
    wanted, came = (_parameters(inner(f)) for f in (_original(spec), function))
    if wanted is None or came is None or wanted[1] == came[1]:
        return
    raise PieceError(
        f"{spec.name} is called as {spec.name}{wanted[0]}, and yours is {spec.name}{came[0]}. "
        "Take the first line of the function as the exercise gives it."
    )


def _parameters(function: Any) -> tuple[str, list[Any]] | None:
    """A signature as text without annotations, and as what a caller can tell: names, kinds, defaults."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    text = str(signature.replace(parameters=bare, return_annotation=signature.empty))
    return text, [(None if p.kind is p.POSITIONAL_ONLY else p.name, p.kind, repr(p.default)) for p in bare]


def _compiled_blanks() -> set[bytes]:
    """What the compiler makes of an empty body, with and without a docstring."""
    codes = set()
    for docstring in ("", "'docstring'\n "):
        for line in (
            "...",
            "return None",
            "raise NotImplementedError",
            "raise NotImplementedError()",
            "raise NotImplementedError('text')",
        ):
            space: dict[str, Any] = {}
            exec(f"def blank():\n {docstring}{line}", space)
            codes.add(space["blank"].__code__.co_code)
    return codes


_BLANKS = _compiled_blanks()


def is_blank(function: Any) -> bool:
    """Whether nothing but a docstring, `...`, `pass` or `raise NotImplementedError` is written in the function."""
    code = getattr(inner(function), "__code__", None)
    if code is None or code.co_code not in _BLANKS:
        return False
    return code.co_names == ("NotImplementedError",) or set(code.co_consts) <= {None, inner(function).__doc__}


def _is_blank(definition: ast.stmt) -> bool:
    def empty(line: ast.stmt) -> bool:
        raised = line.exc if isinstance(line, ast.Raise) else None
        raised = raised.func if isinstance(raised, ast.Call) else raised
        return (
            isinstance(line, ast.Pass)
            or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            or (isinstance(raised, ast.Name) and raised.id == "NotImplementedError")
        )

    return isinstance(definition, ast.FunctionDef | ast.ClassDef) and all(empty(line) for line in definition.body)


# ---- pieces written in the notebooks of earlier chapters -----------------------------------------------------------


def written_in(notebook: Path) -> dict[str, str]:
    """Name -> source of the pieces that a notebook defines under @piece; empty ones and unreadable cells are left out.

    The source holds the notebook's imports too, so that it runs on its own.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    imports: list[str] = []
    found: dict[str, str] = {}
    for source in sources:
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        for line in tree.body:
            if isinstance(line, ast.Import | ast.ImportFrom):
                imports.append(ast.unparse(line))
            elif isinstance(line, ast.FunctionDef | ast.ClassDef) and line.name in PIECES and not _is_blank(line):
                kept = [d for d in line.decorator_list if not (isinstance(d, ast.Name) and d.id == "piece")]
                if len(kept) < len(line.decorator_list):
                    line.decorator_list = kept
                    found[line.name] = ast.unparse(line)
    return {name: "\n".join([*imports, source]) for name, source in found.items()}


# ---- the package that a class receives -----------------------------------------------------------------------------

PACKAGE = Path(__file__).resolve().parents[1] / "minigrad"

NOT_BUILT = '''"""What stands in the place of a piece that is still to be built."""

PIECES = {pieces!r}


def not_built(piece, chapter, *saved):
    """Say when the piece is built. `saved` only names what the missing gradient keeps from its rule."""
    raise NotImplementedError(f"{{piece}} is not built yet: you build this in chapter {{chapter}}.")
'''


def stripped_package(chapter: str, dest: str | Path, keep: tuple[str, ...] = ()) -> Path:
    """Write `dest/minigrad`: a copy of minigrad without the body of any piece of `chapter` or later; returns its path.

    chapter: "ch02" or "02". keep: pieces whose body stays all the same (to run one exercise on the reference's others).
    Signatures, decorators and docstrings stay. Of a rule only the vjps go: its value and what it saves stay.
    """
    number = int(chapter.removeprefix("ch"))
    missing = {n: p for n, p in PIECES.items() if p.chapter >= number and n not in keep}
    package = Path(dest) / "minigrad"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    twins = dict(twin for p in missing.values() for twin in p.twins)
    for module in [where for where in twins if "." not in where]:
        (package / f"{module}.py").unlink()
        del twins[module]
    gone = [*missing.values(), *(Piece(where, number, f"return {value}") for where, value in twins.items())]
    for module in {p.module for p in gone}:
        file = package / f"{module}.py"
        text = stripped(file.read_text(encoding="utf-8"), [p for p in gone if p.module == module])
        file.write_text(text, encoding="utf-8")
    numbers = {name: p.chapter for name, p in missing.items()}
    (package / "not_built.py").write_text(NOT_BUILT.format(pieces=numbers), encoding="utf-8")
    return package


def stripped(source: str, pieces: list[Piece]) -> str:
    """The source of a module with the bodies of `pieces` taken out. LookupError when one of them is not in it."""
    edits = []
    for spec in pieces:
        definition = find(ast.parse(source), spec)
        vjps = list(_outermost_lambdas(definition)) if spec.module == "rules" else []
        if vjps:
            edits += [(_span(vjp.body), _missing(spec, _captured(vjp, definition))) for vjp in vjps]
        else:
            edits.append(_body_edit(definition, spec))
    lines = source.encode("utf-8").splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    text = source.encode("utf-8")
    for (row, column, last_row, last_column), new in sorted(edits, reverse=True):
        text = text[: starts[row - 1] + column] + new.encode("utf-8") + text[starts[last_row - 1] + last_column :]
    return _with_import(text.decode("utf-8")) + "".join(f"\n{spec.end}\n" for spec in pieces if spec.end)


def find(tree: ast.Module, spec: Piece) -> ast.FunctionDef | ast.ClassDef:
    """The definition of a piece in its module's syntax tree. Raises LookupError when it is not there."""
    scope: Any = tree
    for name in spec.where.split(".")[1:]:
        found = [node for node in scope.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name]
        if not found:
            raise LookupError(f"minigrad.{spec.where} is in the table of pieces, and {name} is not defined there")
        # Of a property and its setter, the first is the one that is asked for.
        scope = found[0]
    return scope


def _outermost_lambdas(node: ast.AST) -> Iterator[ast.Lambda]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Lambda):
            yield child
        else:
            yield from _outermost_lambdas(child)


def _span(node: Any) -> tuple[int, int, int, int]:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _missing(spec: Piece, saved: list[str] | None = None) -> str:
    return f"not_built({', '.join([repr(spec.name), str(spec.chapter), *(saved or [])])})"


def _captured(vjp: ast.Lambda, rule: Any) -> list[str]:
    """What a vjp saves: the names of its body that belong to the rule around it, in order of appearance."""
    own = {a.arg for a in (*vjp.args.posonlyargs, *vjp.args.args, *vjp.args.kwonlyargs)}
    outside = {a.arg for a in ast.walk(rule.args) if isinstance(a, ast.arg)}
    outside |= {n.id for n in ast.walk(rule) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    own |= {n.id for n in ast.walk(vjp.body) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    names = [n.id for n in ast.walk(vjp.body) if isinstance(n, ast.Name) and n.id in outside - own]
    return list(dict.fromkeys(names))


def _body_edit(definition: Any, spec: Piece) -> tuple[tuple[int, int, int, int], str]:
    """Replace everything after the docstring by what stands there before the piece is built."""
    body = definition.body
    indent = " " * body[0].col_offset
    stub = textwrap.dedent(spec.before or f"return {_missing(spec)}").strip()
    new = textwrap.indent(stub, indent)
    if ast.get_docstring(definition) is not None:
        end = body[0]
        return (end.end_lineno, end.end_col_offset, body[-1].end_lineno, body[-1].end_col_offset), f"\n{new}"
    return (body[0].lineno, body[0].col_offset, body[-1].end_lineno, body[-1].end_col_offset), new.lstrip()


def _with_import(source: str) -> str:
    """The source with the import of `not_built` after its docstring and its __future__ imports."""
    line = 0
    for node in ast.parse(source).body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not (docstring or future):
            break
        line = node.end_lineno or 0
    lines = source.splitlines(keepends=True)
    return "".join([*lines[:line], "\nfrom minigrad.not_built import not_built\n", *lines[line:]])


def _stripped() -> dict[str, int]:
    """The pieces that this minigrad was handed out without; {} for the whole one."""
    try:
        return dict(importlib.import_module("minigrad.not_built").PIECES)
    except ImportError:
        return {}

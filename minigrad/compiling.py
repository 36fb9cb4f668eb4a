"""The code of an operation for its usual arguments: does what `lifting.general` does, without what that costs.

It is written once for each rule, when the operation is first called: the rule is taken apart, as its syntax tree, into
statements, value and vjps, which are put into the texts below. So no closure is made on the way forward, and none on
the way back. Words in capitals stand for parts of the rule; other names begin with an underscore, as no rule's do.
A test compares both ways.
"""

import ast
import inspect
import linecache
import re
import textwrap
from typing import Any

import numpy as np

from . import graph, inplace, lifting, tensors
from .graph import Plan
from .layout import in_order

LOOK_AT = """
if INPUT.__class__ is _Tensor:
    if INPUT._base is not None and not (
            (INPUT._grad_fn is not None and INPUT._seen[0] == INPUT._counter[0]) or _inplace.settled(INPUT)):
        return GENERAL
    TO = INPUT._grad_fn
    SEEN
    if TO is None and INPUT._requires_grad:
        TO = INPUT._accumulator() or _accumulator(INPUT)
    X = INPUT._array
elif NUMBERS and (INPUT.__class__ is float or INPUT.__class__ is int):
    X = INPUT
    ABSENT = None
else:
    return GENERAL
"""
ONE_TENSOR = """
if FLOATING and _to_0 is None and A.dtype.kind != "f":
    return GENERAL
if VIEW and A.__class__ is not _ndarray:
    _input_0._own_memory()
    A = _input_0._array
_like = _to_0.like if ALIKE and _to_0 is not None else None
"""
TWO_TENSORS = """
if ALIKE and _to_0 is not None and _to_1 is not None and _to_0.like is _to_1.like:
    _like = _to_0.like
elif NUMBERS and _input_1.__class__ is not _Tensor:
    if _to_0 is None and (_input_0.__class__ is not _Tensor or A.dtype.kind != "f"):
        return GENERAL
    _like = _to_0.like if ALIKE and _to_0 is not None else None
elif NUMBERS and _input_0.__class__ is not _Tensor:
    if _to_1 is None and B.__class__ is not _float32 and B.dtype.kind != "f":
        return GENERAL
    _like = _to_1.like if ALIKE and _to_1 is not None else None
elif ((A.__class__ is _ndarray or A.__class__ is not B.__class__) and A.dtype is not B.dtype) or (
        FLOATING and _to_0 is _to_1 is None and A.dtype.kind != "f"):
    return GENERAL
"""
ORDER = """
if _value.__class__ is _ndarray and _value.ndim > 1 and (COLUMNS):
    _value = NAME = _in_order(_value, ARRAYS)
"""
OPERATION = """
def operation(PARAMETERS):
    _like = None
    if rule is not _rule or _graph.record is not _record or _graph.any_requires_grad is not _any_requires_grad:
        return GENERAL
    LOOK
    CONSTANTS
    try:
        STATEMENTS
        _value = VALUE
    except (TypeError, ValueError):  # the general way says what is wrong
        return GENERAL
    ORDER
    _result = _new(_Tensor)
    _result._array = _value
    _result._grad = _result._base = _result._counter = None
    if UNTRACKED or not _mode.enabled:
        _result._requires_grad, _result._grad_fn = False, None
        return RESULT
    _node = _kind()
    _node.edges = EDGES
    SAVE
    _node.number = _next_number()
    _node.hooks = _node.versions = None
    if _like is None:
        _like = _value.__class__
        if _like is _ndarray:
            _shape, _like = _value.shape, NEAREST.like
            if not _shape:
                _like = _value.dtype.type
            elif _like.__class__ is not tuple or _like[0] != _shape or _like[1] is not _value.dtype:
                _like = (_shape, _value.dtype)
    _node.like = _like
    if WRITTEN:
        _node.note_versions()
    _result._requires_grad, _result._grad_fn = True, _node
    return RESULT
"""
PUSH = """
def push(G, _node, _task):
    _needed = _task.needed
    if _needed is not None and _needed.isdisjoint(_node.edges):
        return True
    if FREES and _node.saved is None:
        return False
    SAVED
    CHECKS
    if FREES and not _task.keep:
        _node.saved = None
    _pending, ENDS = _task.pending, _node.edges
    EDGES
    return True
"""
EDGE = """
if ALONE or _needed is None or TO in _needed:
    _part, _like = (VJP), TO.like
    if _part.__class__ is _like:
        _pending[TO] = _pending[TO] + _part if TO in _pending else _part
    elif not SAME and _part.__class__ is _Part:
        if TO in _task.owned and TO in _pending and not _part.repeats:
            _pending[TO][_part.index] += _part.g
        else:
            _task.join(TO, _part)
    elif _part is not None:
        if (_like is not _node.like or not (ELEMENTWISE or SAME or _part is G)) and (_part.__class__ is not _ndarray
                or _like.__class__ is not tuple or _part.shape != _like[0] or _part.dtype is not _like[1]):
            _part = _fit(_part, TO, _node)
        if TO not in _pending:
            _pending[TO] = _part
            if not SAME and _part is not G and _part.base is None:
                _task.owned.add(TO)
        elif TO in _task.owned:
            _pending[TO] += _part
        else:
            _pending[TO] = _pending[TO] + _part
            _task.owned.add(TO)
"""
CHECK = """
if X.__class__ is _Tensor:
    if X._counter is not None and (X._detached or X._counter[0] != (_node.versions or ZEROS)[PLACE]):
        return False
    X = X._array
"""


def compiled(call: Any) -> Any:
    """Give the operation `call` code of its own, or code that always takes the general way; returns `call`."""
    found = None if call.several else source_of(call.own)
    return call if found is not None and write(call, *found) else lifting.always_general(call)


def write(call: Any, tree: ast.FunctionDef, returned: list[Any]) -> bool:
    """Write the code of `call` from the tree of its rule and what that returns. Whether it was possible."""
    rule, space = call.own, call.__globals__
    value, *vjps = returned
    first, options = [each.arg for each in tree.args.posonlyargs], [each.arg for each in tree.args.args]
    names = first[:len(vjps)]
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & rule.__globals__.keys()
    if len(names) > 2 or used & space.keys():
        return False
    inputs, to = [f"_input_{i}" for i in range(len(first))], [f"_to_{i}" for i in range(len(names))]
    space |= {name: rule.__globals__[name] for name in used} | {
        "_rule": rule, "_Tensor": tensors.Tensor, "_ndarray": graph.ndarray, "_float32": np.float32, "_in_order": in_order,
        "_kind": call.kept, "_new": tensors.new, "_view_of": tensors.view_of, "_array_of": tensors.array_of, "_inplace": inplace,
        "_graph": graph, "_mode": graph.grad_mode, "_accumulator": graph.accumulator, "_Part": graph.Part, "_fit": graph.fit,
        "_next_number": graph.next_number, "_record": graph.RECORD, "_any_requires_grad": graph.ANY_REQUIRES_GRAD}
    save: list[str] = []
    watched: set[int] = set()
    for key, when in enumerate(("if True", ) if len(names) == 1 else ("if _to_1 is None", "elif _to_0 is None", "else"), 1):
        plan, saved = plan_for(call, first, value, vjps, key, inputs)
        space[f"_plan_{key}"], watched = plan, watched | {i for i in plan.sources if type(i) is int}
        save.append(f"{when}:\n    _node.plan, _node.saved = _plan_{key}, {saved}")
    seen = [f"_seen_{i} = {given}._counter" if i in watched else "" for i, given in enumerate(inputs)]
    look = [filled(LOOK_AT, {"X": name, "INPUT": inputs[i], "TO": to[i], "SEEN": seen[i],
                             "ABSENT": f"{to[i]} = _seen_{i}"}) for i, name in enumerate(names)]
    text = filled(OPERATION, {"ORDER": ORDER if call.elementwise else "", "LOOK": "\n".join([
        *look, ONE_TENSOR.strip() if len(names) == 1 else TWO_TENSORS.strip()])})
    xs = options + names  # the condition of `where` comes first
    call.__code__ = function("operation", filled(text, {
        "PARAMETERS": ", ".join([*inputs, "/", *options]),
        "GENERAL": f"general(call, {as_tuple(inputs)}, dict({', '.join([f'{o}={o}' for o in options])}))",
        "CONSTANTS": "\n".join([f"{name}, _seen_{i} = _array_of(_input_{i}), getattr(_input_{i}, '_counter', None)"
                                for i, name in enumerate(first[len(names):], len(names))]), "A": names[0], "B": names[-1],
        "STATEMENTS": "\n".join([ast.unparse(line) for line in tree.body[:-1]]), "VALUE": ast.unparse(value),
        "FLOATING": str(call.floating), "VIEW": str(call.view), "NUMBERS": str(call.elementwise and len(names) > 1),
        "COLUMNS": " or ".join([  # what is not in rows is a view of such memory
            f"({x}.__class__ is _ndarray and {x}.base is not None and not {x}.flags.c_contiguous)" for x in xs]),
        "ARRAYS": ", ".join(xs), "NAME": value.id if isinstance(value, ast.Name) else "_value",
        "ALIKE": str(call.elementwise and first == names and not options), "EDGES": as_tuple(to), "SAVE": "\n".join(save),
        "UNTRACKED": f"({' is None and '.join(to)} is None)", "NEAREST": f"({' or '.join(to)})",
        "WRITTEN": " or ".join([f"(_seen_{i} and _seen_{i}[0])" for i in watched]) or "False",
        "RESULT": "_view_of(_input_0, _result)" if call.view else "_result"}), space).__code__
    call.__defaults__ = rule.__defaults__
    return True


def plan_for(call: Any, first: list[str], value: Any, vjps: list[Any], key: int, inputs: list[str]) -> tuple[Plan, str]:
    """The plan for gradients of the arguments that the bits of `key` name, and what a node with this plan saves, as text."""
    needed = [i for i in range(len(vjps)) if key >> i & 1]
    codes = [code for code in call.own.__code__.co_consts if getattr(code, "co_name", "") == "<lambda>"]
    names = list(dict.fromkeys([name for i in needed for name in codes[i].co_freevars]))
    sources: list[Any] = [first.index(name) if name in first else
                          "out" if isinstance(value, ast.Name) and name == value.id else
                          name if name == call.frees else None for name in names]
    g, parts, space = vjps[0].args.args[0].arg, [ast.unparse(vjp.body) for vjp in vjps], call.__globals__
    ends, known = [f"_to_{i}" for i in range(len(vjps))], {"ALONE": str(len(needed) == 1), "ELEMENTWISE": str(call.elementwise)}
    edges = [filled(EDGE, known | {"TO": ends[i], "VJP": parts[i], "SAME": str(parts[i] == g)}) for i in needed]
    push = function("push", filled(filled(PUSH, {"EDGES": "\n".join(edges), "ENDS": as_tuple(ends)}), {
        "G": g, "SAVED": f"{as_tuple(names)} = _node.saved" if names else "",
        "FREES": str(any(source is not None for source in sources)),
        "CHECKS": "\n".join([filled(CHECK, {"X": name, "PLACE": str(i), "ZEROS": str((0,) * len(names))})
                             for i, name in enumerate(names) if type(sources[i]) is int or sources[i] == "out"])}), space)
    functions = [(i, eval(f"lambda {g}, {', '.join(names)}: {parts[i]}", space)) for i in needed]
    kept = [inputs[source] if type(source) is int else name for name, source in zip(names, sources, strict=True)]
    return Plan(names, sources, functions, push), as_tuple(kept)


def filled(text: str, parts: dict[str, str]) -> str:
    """The text with its words in capitals replaced: a word on a line of its own by lines, indented as it was."""
    lines = []
    for line in text.strip("\n").split("\n"):
        word = line.strip()
        lines.append(textwrap.indent(parts[word].strip("\n"), line[:-len(word)]) if word in parts else
                     re.sub(r"\b[A-Z][A-Z_]*\b", lambda found: parts.get(found[0], found[0]), line))
    return "\n".join(lines)


def function(name: str, source: str, space: dict[str, Any]) -> Any:
    """The function that `source` defines; tracebacks show its lines."""
    made: dict[str, Any] = {}
    file = f"<{name} of {space['call'].__name__}>"
    linecache.cache[file] = len(source), None, source.splitlines(True), file
    exec(compile(source, file, "exec"), space, made)
    return made[name]


def as_tuple(expressions: list[str]) -> str:
    """The text of a tuple."""
    return f"({''.join([f'{each}, ' for each in expressions])})"


def source_of(rule: Any) -> tuple[Any, list[Any]] | None:
    """The syntax tree of a rule, and the expressions that it returns; None unless the tree is certainly the rule's."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(rule))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None
    if not isinstance(tree, ast.FunctionDef):
        return None
    tree.decorator_list, tree.returns = [], None
    last = tree.body[-1]
    returned = last.value.elts if isinstance(last, ast.Return) and isinstance(last.value, ast.Tuple) else []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda | ast.FunctionDef)]
    if functions[1:] != returned[1:] or not 0 < len(returned) - 1 <= len(tree.args.posonlyargs):
        return None
    # Calls through a module are compiled differently where it is known as one.
    modules = [ast.Import([ast.alias(name)]) for name in rule.__code__.co_names if inspect.ismodule(rule.__globals__.get(name))]
    for before in (modules, []):
        module = ast.fix_missing_locations(ast.Module([*before, tree], []))
        code = next(code for code in compile(module, "", "exec").co_consts if inspect.iscode(code))
        if (code.co_code, code.co_names) == (rule.__code__.co_code, rule.__code__.co_names):
            return tree, returned
    return None

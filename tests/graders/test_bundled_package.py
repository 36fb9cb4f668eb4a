"""The minigrad that a class receives: no body that is still to be built, and every chapter's solution runs on it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys

import pytest
from chapter_text import CHAPTERS, ROOT

from graders import pieces
from graders.pieces import PIECES, stripped_package

# One chapter for each set of missing pieces, and one for which nothing is missing.
ALL = [f"ch{n:02d}" for n in sorted({spec.chapter for spec in PIECES.values()} | {12})]


def functions(folder):
    """module.name -> every function definition of a package."""
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.Lambda):
                yield node


def definition(folder, spec):
    return pieces.find(ast.parse((folder / f"{spec.module}.py").read_text(encoding="utf-8")), spec)


def bodies(function, rule):
    """What must not be left: the vjps of a rule, every statement of another piece."""
    if rule:
        return {ast.dump(v.body) for v in pieces._outermost_lambdas(function)}
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return {ast.dump(s) for s in statements}


@pytest.fixture(scope="module", params=ALL)
def package(request, tmp_path_factory):
    return request.param, stripped_package(request.param, tmp_path_factory.mktemp(request.param))


def test_no_body_of_a_piece_of_this_chapter_or_a_later_one_is_in_the_package(package):
    chapter, folder = package
    whole = {n: bodies(definition(pieces.PACKAGE, s), s.module == "rules") for n, s in PIECES.items()}
    everywhere = [ast.dump(ast.Module(f.body[1:] if ast.get_docstring(f) else f.body, [])) for f in functions(folder)
                  if isinstance(f, ast.FunctionDef)]  # fmt: skip
    for name, spec in PIECES.items():
        left = bodies(definition(folder, spec), spec.module == "rules")
        assert whole[name], name
        if spec.chapter < int(chapter[2:]):
            assert left == whole[name], f"{name} was built before {chapter} and must be whole"
            continue
        if spec.before is None:
            assert not left & whole[name], f"{name} is still in the package of {chapter}"
        assert left != whole[name], f"{name} is still in the package of {chapter}"
        original = definition(pieces.PACKAGE, spec)
        body = original.body[1:] if ast.get_docstring(original) else original.body
        assert ast.dump(ast.Module(body, [])) not in everywhere, (
            f"the body of {name} is somewhere in the package of {chapter}"
        )


def test_signatures_decorators_and_docstrings_stay(package):
    _, folder = package
    for spec in PIECES.values():
        before, after = definition(pieces.PACKAGE, spec), definition(folder, spec)
        assert ast.get_docstring(before) == ast.get_docstring(after)
        assert [ast.dump(d) for d in before.decorator_list] == [ast.dump(d) for d in after.decorator_list]
        assert ast.dump(before.args) == ast.dump(after.args)


def run(package, code, cwd):
    env = {**os.environ, "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True, timeout=100)


def test_the_package_imports_and_says_what_is_not_built(package, tmp_path):
    chapter, folder = package
    missing = {n: s for n, s in PIECES.items() if s.chapter >= int(chapter[2:])}
    lines = ["import minigrad", "from minigrad.not_built import PIECES", "import inspect, importlib"]
    lines.append(f"assert PIECES == { ({n: s.chapter for n, s in missing.items()})!r}, PIECES")
    calls = [n for n, s in missing.items() if s.before is None and s.module != "rules" and "." in s.where]
    for name in calls:
        spec = PIECES[name]
        path = spec.where.split(".")[1:]
        lines += [
            f"f = importlib.import_module('minigrad.{spec.module}')",
            *[f"f = inspect.getattr_static(f, {part!r})" for part in path],
            "f = getattr(f, 'fget', f)",
            "count = len([p for p in inspect.signature(f).parameters.values() if p.default is p.empty])",
            "try: f(*[None] * count)",
            f"except NotImplementedError as error: assert str(error).startswith('{name} is not built yet'), error",
            f"else: raise SystemExit('{name} did something')",
        ]
    done = run(folder, "\n".join(lines), tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_rule_that_is_not_built_keeps_its_value_and_what_it_saves(tmp_path):
    folder = stripped_package("ch02", tmp_path)
    code = """
from minigrad import rules
value, vjp_a, vjp_b = rules.mul.rule(2.0, 3.0)
assert value == 6.0 and (vjp_a.__code__.co_freevars, vjp_b.__code__.co_freevars) == (("b",), ("a",))
try: vjp_a(1.0)
except NotImplementedError as error: print(error)
"""
    done = run(folder, code, tmp_path)
    assert done.stdout.strip() == "mul is not built yet: you build this in chapter 2.", done.stderr


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_solution_runs_on_its_stripped_package_and_gets_full_marks(chapter, tmp_path, chapters, keys):
    """The order of the chapters holds no cycle: nothing that a chapter runs needs what is built later."""
    import jupytext

    package = stripped_package(chapter, tmp_path)
    graders = tmp_path / "graders"
    graders.mkdir()
    for name in ("__init__", "check", "compare", "diagnose", "guilty", "pieces"):
        shutil.copy(ROOT / "graders" / f"{name}.py", graders)
    shutil.copytree(ROOT / "graders" / "exercises", graders / "exercises", ignore=shutil.ignore_patterns("__pycache__"))
    for later in CHAPTERS[CHAPTERS.index(chapter) + 1 :]:
        (graders / "exercises" / f"{later}.py").unlink()
    (graders / "recorded").mkdir()
    entries = {n: e for n, e in keys["session"].items() if e["chapter"] == chapter}
    (graders / "recorded" / f"{chapter}.json").write_text(json.dumps({"exercises": entries}))
    nb = jupytext.read(ROOT / "solutions" / chapter / f"{chapter}.py", fmt="py:percent")
    cells = [c.source for c in nb.cells if c.cell_type == "code"]
    script = "\n\n".join(f"scores['{s[7:-2]}'] = {s}" if s.startswith("check(") else s for s in
                         (s.split("    #")[0] if s.startswith("check(") else s for s in cells))  # fmt: skip
    (tmp_path / "work").mkdir()
    file = tmp_path / "work" / "solution.py"
    file.write_text(f"import json\nscores = {{}}\n{script}\nprint('SCORES', json.dumps(scores))\n", encoding="utf-8")
    done = run(
        package,
        f"exec(compile(open({str(file)!r}, encoding='utf-8').read(), {str(file)!r}, 'exec'))",
        tmp_path / "work",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    scores = json.loads(done.stdout.split("SCORES ")[1])
    assert scores == {n: e["points"] for n, e in entries.items()}, done.stdout


def test_pieces_can_be_kept_so_that_one_exercise_runs_on_the_reference(tmp_path):
    folder = stripped_package("ch02", tmp_path, keep=("mul",))
    spec = PIECES["mul"]
    assert ast.dump(definition(folder, spec)) == ast.dump(definition(pieces.PACKAGE, spec))
    assert "not_built('add'" in (folder / "rules.py").read_text(encoding="utf-8")

"""A chapter's own solution and key, taken from its authored text."""

from __future__ import annotations

import ast
from pathlib import Path

from graders import check, judge
from graders.exercises import exercises

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted(path.parent.name for path in ROOT.glob("solutions/ch*/ch*.py"))
SEEDS = {"session": check.SESSION_SEED, "grading": 20261122}


class Chapter:
    """One chapter's text: its imports, the sources of its pieces, and the answers to its predictions."""

    def __init__(self, name: str) -> None:
        self.name = name
        tree = ast.parse((ROOT / "solutions" / name / f"{name}.py").read_text(encoding="utf-8"))
        imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
        self.imports = "\n".join(map(ast.unparse, imports))
        self.functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef) and n.decorator_list}
        calls = [n.value for n in tree.body if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call)]
        named = [c for c in calls if isinstance(c.func, ast.Name)]
        self.answers = {c.args[0].value: ast.literal_eval(c.args[1]) for c in named if c.func.id == "predict"}
        self.checks = [c.args[0].value for c in named if c.func.id == "check"]

    def define(self, source: str) -> None:
        """Run the source of one function under @piece, in a notebook's namespace."""
        space: dict = {}
        exec(f"{self.imports}\n@piece\n{source.strip()}", space)

    def build(self) -> None:
        """Define all pieces as the solution does, and give its answers."""
        for function in self.functions.values():
            function.decorator_list = [d for d in function.decorator_list if d.id != "piece"]
            self.define(ast.unparse(function))
        check._predictions.update(self.answers)

    def key(self, seed: int) -> dict:
        """The key that the solution's own evidence makes, from minigrad's own pieces."""
        known = exercises()
        evidences = {n: {"exercise": n, "items": known[n].evidence(seed, self.answers).items} for n in self.checks}
        return judge.make_key(evidences, seed)

"""How many lines of code minigrad has: `python -m benchmarks.lines`.

A line counts when some of its code is neither a comment nor part of a docstring. Drawing is not counted: the modules that
only pictures and replays need.
"""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

LIMIT = 2974  # it may not grow; the aim is 1,500
PACKAGE = Path(__file__).parent.parent / "minigrad"
PICTURES = ("draw.py", "drawing.py", "scanning.py", "recording.py", "replay.py", "replaying.py")
NOT_CODE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def docstrings(source: str) -> set[int]:
    """The numbers of the lines that docstrings take."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for statement in body:  # the text under an attribute documents it as well
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                value = statement.value
                if isinstance(value.value, str):
                    lines.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    return lines


def count(source: str) -> int:
    """The number of lines that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings(source))


def counts() -> dict[str, int]:
    """The lines of each counted module."""
    return {path.name: count(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.glob("*.py"))
            if path.name not in PICTURES}


def main() -> None:
    """Print the table and the total."""
    found = counts()
    for name, n in found.items():
        print(f"{n:6}  {name}")
    print(f"{sum(found.values()):6}  together; at most {LIMIT}")


if __name__ == "__main__":
    main()

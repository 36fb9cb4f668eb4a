"""What minigrad refuses and warns of, in PyTorch's words: the texts are in `errors.txt`, read when the first is needed."""

import builtins
import functools
import warnings
from typing import Any


@functools.cache
def catalogue() -> dict[str, tuple[type, str]]:
    """For each name the class of the exception or warning, and its text with a {} for every argument."""
    from pathlib import Path  # late, as it takes a while to import
    lines = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split(maxsplit=2) for line in lines if line and line[0] != "#"]
    return {name: (getattr(builtins, kind), text.replace("\\n", "\n")) for name, kind, text in rows}


def error(name: str, *args: Any) -> Any:
    """The exception or warning called `name`. A class among the arguments stands for its name, NumPy's with the module."""
    kind, text = catalogue()[name]
    shown = ["numpy." * (x.__module__ == "numpy") + x.__name__ if isinstance(x, type) else x for x in args]
    return kind(text.format(*shown))


def need(condition: Any, name: str, *args: Any) -> None:
    """Raise the error called `name` unless the condition is true."""
    if not condition:
        raise error(name, *args)


def warn(name: str, *args: Any, level: int = 1) -> None:
    """Give the warning called `name`, for the line that is `level` calls above the function that warns."""
    warnings.warn(error(name, *args), stacklevel=level + 2)

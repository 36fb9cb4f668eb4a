"""What a notebook imports: `begin`, `piece`, `predict` and `check`.

In a student's own session `check` draws its inputs from a fixed seed, compares with the numbers recorded at build time,
shows every sub-check in words and ends with the score. When grading (environment variable MINIGRAD_GRADING) the same
cell draws from the seed it is given, compares nothing, and sends out what it saw as one display message of type MIME.
The sentences are made here, for the check cells and for the judge alike.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import html
import importlib.util
import json
import linecache
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graders import pieces
from graders.compare import BadEvidence, Item, Mark, error_item, fraction, mark, score, value_of
from graders.diagnose import Named, named
from graders.exercises import Exercise, See, exercises
from graders.pieces import PieceError
from minigrad import recording

if TYPE_CHECKING:
    from graders.guilty import Finding

MIME = "application/vnd.minigrad.evidence+json"
SESSION_SEED = 1
MINIGRADS = "minigrad's"
RECORDED = Path(__file__).with_name("recorded")
LOOK = "A look at each node on its own:"

__all__ = ["begin", "check", "piece", "predict"]

_predictions: dict[str, Any] = {}
_fractions: dict[str, float] = {}


class NotBuilt(Exception):
    """The piece of an exercise has not been defined in this session."""


# ---- what notebooks call ----------------------------------------------------------------------------------------


def begin(chapter: str, own: bool = True) -> None:
    """Start a chapter: say which pieces it builds, and whose pieces of the chapters before it stands on.

    own: take the student's own finished pieces, where the notebooks of the earlier chapters lie beside this one;
    False takes minigrad's for all of them.
    """
    number = int(chapter.removeprefix("ch"))
    _fractions.clear()
    if _grading() is not None:
        print(f"Chapter {number:02d}")
        return
    recording.attend()  # so that the chapter's drawings can show the gradients of a walk that came before them
    whose: dict[tuple[int, str], list[str]] = {}
    for name, spec in pieces.PIECES.items():
        if spec.chapter < number:
            stands = _take_own(name, spec.chapter) if own else MINIGRADS
            if stands.startswith(MINIGRADS):
                pieces.reset(name)
            whose.setdefault((spec.chapter, stands), []).append(name)
    rows = [Row(None, f"from chapter {at:02d}, {stands}", ", ".join(names)) for (at, stands), names in whose.items()]
    builds = [name for name, spec in pieces.PIECES.items() if spec.chapter == number]
    notes = [f"You build: {', '.join(builds)}."]
    if rows and own:
        notes.append(f'To work on minigrad\'s pieces alone: begin("{chapter}", own=False)')
    _show(Report(f"Chapter {number:02d}", rows, notes))


def piece(function: Any) -> Any:
    """Put `function` in the place of minigrad's piece of the same name (see `pieces.piece`); returns it.

    When grading with {"only": [...]}, all other pieces stay minigrad's own, and minigrad's own come back from here: so
    an exercise can be judged by itself, whatever went wrong in those before it.
    """
    only = (_grading() or {}).get("only")
    name = pieces.name_of(function)
    return pieces.current(name) if only is not None and name not in only else pieces.piece(function)


def predict(name: str, value: Any) -> None:
    """Note your answer to the question called `name`; the check of the exercise compares it with what happens."""
    if value is None or value is ...:
        _predictions.pop(name, None)
        print(f"{name}: write your answer in place of the three dots.")
        return
    _predictions[name] = value
    print(f"{name}: {value!r} is noted.")


def check(name: str) -> float | None:
    """Check the exercise called `name`; shows every sub-check and returns the score, 0.0 up to the exercise's points.

    When grading: shows the evidence and returns None. Raises PieceError when there is no such exercise.
    """
    known = exercises()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise PieceError(f"There is no exercise {name!r}. " + (f"Did you mean {near[0]!r}?" if near else ""))
    exercise = known[name]
    grading = _grading()
    missing = [p for p in exercise.pieces if pieces.built(p) is None]
    if grading is not None:
        if missing:
            send(name, [error_item("piece", NotBuilt(", ".join(missing)))])
        else:
            seen = _look(exercise, int(grading["seed"]))
            send(name, seen.items, _suspects(seen))
        return None
    entry = _recorded(exercise.chapter).get(name)
    if entry is None:
        print(f"The numbers of {name} are not recorded here. Run `make build` in the repository.")
        return 0.0
    title = f"Exercise {exercise.number} · {name}"
    if missing:
        _fractions[name] = 0.0
        verb = "is" if len(missing) == 1 else "are"
        row = Row(False, " and ".join(missing), f"{verb} not built yet. Write the body in the cell above and run it.")
        _show(Report(title, [row], score=0.0, points=entry["points"]))
        return 0.0
    seen = _look(exercise, SESSION_SEED)
    marks = mark(seen.items, entry)
    _fractions[name] = fraction(marks)
    earned = score(marks, entry["points"])
    rows = [
        Row(m.credit == 1, m.name, "" if m.credit == 1 else _words(m) + _line_of(seen.errors.get(m.name)))
        for m in marks
    ]
    notes = [f"{said} {_reread(mistake)}" for mistake, said in _sayings(named(marks, entry))]
    if _fractions[name] < 1:
        notes += _blocked(exercise, known)
    guilty = _guilty(seen, marks)
    if guilty is not None:
        notes.append(f"{LOOK} {guilty}")
    notes.append("Grading draws other inputs.")
    _show(Report(title, rows, notes, earned, entry["points"]))
    if guilty is not None and guilty.node is not None and _in_a_notebook():
        _show(guilty.draw())
    return earned


def send(exercise: str, items: list[Item], suspects: Mapping[str, Any] | None = None) -> None:
    """Display evidence as one message of type MIME, with a neutral line of text.

    suspects: for a whole calculation that small steps find wrong, which node they blame. Nothing is paid for it.
    """
    evidence = {"version": 1, "exercise": exercise, "items": items, "suspects": suspects or {}}
    line = f"{exercise}: the evidence is collected."
    if importlib.util.find_spec("IPython") is None:
        print(line)
        return
    from IPython.display import display

    display({MIME: evidence, "text/plain": line}, raw=True)


def not_built(items: object) -> bool:
    """Whether evidence says that the piece has not been defined."""
    return isinstance(items, list) and any(isinstance(i, dict) and i.get("type") == "NotBuilt" for i in items[:1])


# ---- collecting ---------------------------------------------------------------------------------------------------


def _grading() -> dict[str, Any] | None:
    """What MINIGRAD_GRADING says, or None in a student's own session."""
    text = os.environ.get("MINIGRAD_GRADING")
    return json.loads(text) if text else None


def _look(exercise: Exercise, seed: int) -> See:
    with contextlib.redirect_stderr(sys.stdout):
        return exercise.evidence(seed, _predictions)


def _examined(seen: See, title: str) -> Finding | None:
    """What small steps say about each node of a whole calculation; None where they find nothing wrong."""
    from graders.guilty import examine

    with contextlib.suppress(Exception), contextlib.redirect_stderr(sys.stdout):
        found = examine(**seen.graphs[title])
        return found if found.wrong else None
    return None


def _guilty(seen: See, marks: Sequence[Mark]) -> Finding | None:
    """What is to blame where a whole calculation has a wrong gradient."""
    wrong = [m.name for m in marks if m.credit < 1 and m.name in seen.graphs]
    return _examined(seen, wrong[0]) if wrong else None


def _suspects(seen: See) -> dict[str, Any]:
    """The same for grading, where nobody knows yet what is wrong: name of the sub-check -> which node, and how."""
    told: dict[int, Any] = {}
    for title, graph in seen.graphs.items():
        if id(graph) not in told:
            found = _examined(seen, title)
            told[id(graph)] = found and found.told()
    return {title: told[id(graph)] for title, graph in seen.graphs.items() if told[id(graph)]}


@functools.cache
def _recorded(chapter: str) -> dict[str, Any]:
    try:
        return json.loads((RECORDED / f"{chapter}.json").read_text(encoding="utf-8"))["exercises"]
    except OSError:
        return {}


def _take_own(name: str, chapter: int) -> str:
    """Put the student's own piece from the notebook of `chapter` in place if it passes its check; says whose stands."""
    folder = f"ch{chapter:02d}"
    for notebook in (Path("..", folder, f"{folder}.ipynb"), Path(f"{folder}.ipynb")):
        source = pieces.written_in(notebook).get(name)
        if source is None:
            continue
        file = f"<your {name}, from {notebook}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        space: dict[str, Any] = {}
        try:
            exec(compile(source, file, "exec"), space)
            with pieces.standing(**{name: space[name]}):
                finished = all(_passes(e) for e in exercises().values() if name in e.pieces)
        except Exception:
            finished = False
        if finished:
            pieces.load(space[name])
            return f"yours, from {notebook.as_posix()}"
        return f"{MINIGRADS} (yours does not pass its check yet)"
    return MINIGRADS


def _passes(exercise: Exercise) -> bool:
    entry = _recorded(exercise.chapter).get(exercise.name)
    if entry is None:
        return True
    marks = mark(_look(exercise, SESSION_SEED).items, entry)
    return all(m.credit == 1 for m in marks if not m.constant)


def _blocked(exercise: Exercise, known: dict[str, Exercise]) -> Iterator[str]:
    """Say so when an exercise runs through a piece of the same chapter that is itself not right yet."""
    for other in known.values():
        earlier = other.chapter == exercise.chapter and set(other.pieces) & set(exercise.needs)
        if earlier and _fractions.get(other.name, 1.0) < 1:
            yield f"Blocked by exercise {other.number} ({other.name}): make that one right first, then check again."


# ---- words --------------------------------------------------------------------------------------------------------


def lines(marks: Sequence[Mark], found: Sequence[Named]) -> list[str]:
    """Every sub-check in words, as plain text, then the mistakes that were recognised."""
    said = [f"✓ {m.name}" if m.credit == 1 else f"✗ {m.name}: {_words(m)}" for m in marks]
    return said + [f"{text} {_reread(mistake)}" for mistake, text in _sayings(found)]


def _sayings(found: Sequence[Named]) -> Iterator[tuple[Named, str]]:
    for mistake in found:
        yield mistake, f"This is what comes when {mistake.name}. {mistake.hint}"


def _reread(mistake: Named) -> str:
    return f"Reread: {mistake.reread}." if mistake.reread else ""


def _words(m: Mark) -> str:
    """What differs in one sub-check: what was expected, what came, and where."""
    if m.got is None:
        return "no answer yet." if m.constant else "nothing came."
    if m.constant:
        return f"your answer {_item_text(m.got)} is not what happens. Run the cells and look."
    if m.got.get("kind") == "error" and m.expected["kind"] != "error":
        return f"stopped with {_item_text(m.got)}"
    first = m.facts[0]
    if first.what == "value":
        return _where(m)
    if first.what == "precision":
        return (
            f"right to {first.got:g}, and the formula gives {first.expected:g}: this looks like a finite difference, "
            f"which is worth {m.credit:g} of this line. {_where(m)}"
        )
    if first.what in ("shape", "dtype"):
        return f"expected {first.what} {first.expected}, came {first.what} {first.got}."
    if first.what == "order":
        return f"expected {first.expected}, came {quoted(first.got)}."
    if first.index is not None:
        labels = m.expected.get("labels", [])
        at = labels[first.index[0]] if first.index[0] < len(labels) else f"line {first.index[0] + 1}"
        share = f" ({len(m.facts)} of {len(str(m.expected['text']).splitlines())} cases differ)"
        expected, got = _what_differs(str(first.expected), str(first.got))
        return f"for {at}: expected {quoted(expected)}, came {quoted(got)}{share}."
    return f"expected {_item_text(m.expected)}, came {_item_text(m.got)}."


def _what_differs(expected: str, got: str) -> tuple[str, str]:
    """Of two lines that say several things, separated by semicolons, those in which they differ."""
    pairs = list(zip(expected.split("; "), got.split("; "), strict=False))
    if expected.count("; ") != got.count("; "):
        return expected, got
    different = [pair for pair in pairs if pair[0] != pair[1]]
    return "; ".join(a for a, _ in different), "; ".join(b for _, b in different)


def _where(m: Mark) -> str:
    """The first entry that differs, and how many do."""
    values = [fact for fact in m.facts if fact.what == "value"]
    first, labels = values[0], m.expected.get("labels", [])
    expected, got = _number(first.expected), _number(first.got)
    if expected == got:
        expected, got = repr(first.expected), repr(first.got)
    index = first.index or ()
    if len(index) == 1 and index[0] < len(labels):
        at = f"for {labels[index[0]]}: "
    else:
        at = f"at [{', '.join(map(str, index))}]: " if index else ""
    total = int(np.prod(m.expected["shape"]))
    share = f" ({len(values)} of {total} differ)" if total > 1 else ""
    return f"{at}expected {expected}, came {got}{share}."


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _item_text(item: Item) -> str:
    """A whole item in a few words."""
    try:
        value = value_of(item)
    except BadEvidence as nonsense:
        return f"nonsense ({nonsense})"
    if isinstance(value, str):
        return quoted(value)
    if value.ndim == 0:
        return _number(value.item())
    return f"an array of shape {value.shape}" if value.size > 4 else np.array2string(value, precision=6, separator=", ")


def quoted(text: object, limit: int = 300) -> str:
    """Text on one line, without what is not printed: nobody's text looks like a line of ours."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _line_of(error: BaseException | None) -> str:
    """The line of the student's own code in which an exception arose."""
    if error is None:
        return ""
    files = {getattr(getattr(pieces.inner(f), "__code__", None), "co_filename", None) for f in pieces.all_built()}
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    if not own or not own[-1].line:
        return ""
    return f", in line {own[-1].lineno} of your cell: {own[-1].line}"


# ---- the table -----------------------------------------------------------------------------------------------------


@dataclass
class Row:
    """One line of a report: a tick, a cross or neither; what it is about; what there is to say."""

    ok: bool | None
    name: str
    words: str = ""

    @property
    def sign(self) -> str:
        return {True: "✓", False: "✗", None: "·"}[self.ok]


@dataclass
class Report:
    """A small table, as HTML for a notebook and as plain text for everything else."""

    title: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    score: float | None = None
    points: float = 0.0

    def _head(self) -> str:
        return self.title if self.score is None else f"{self.title}: {self.score:g} of {self.points:g} points"

    def __repr__(self) -> str:
        body = [f"  {row.sign} {row.name}{': ' * bool(row.words)}{row.words}" for row in self.rows]
        return "\n".join([self._head(), *body, *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        """Inherits the page's colours. The signs carry the meaning; a tint mixed with the page's own ink stays readable
        on every background."""
        tint: dict[bool | None, str] = {None: "inherit"}
        for ok, ink in (True, "#2e7d32"), (False, "#c62828"):
            tint[ok] = f"color-mix(in srgb, {ink} 60%, currentcolor)"
        cell = "text-align:left;vertical-align:top;padding:2px 8px;white-space:pre-wrap;background:transparent"
        rows = "".join(
            f'<tr style="background:transparent"><td style="{cell};color:{tint[row.ok]}">{row.sign}</td>'
            f'<td style="{cell}">{html.escape(row.name)}</td><td style="{cell}">{html.escape(row.words)}</td></tr>'
            for row in self.rows
        )
        notes = "".join(f'<div style="padding:2px 8px;max-width:50em">{html.escape(note)}</div>' for note in self.notes)
        table = f'<table style="border-collapse:collapse;color:inherit;margin:2px 0">{rows}</table>' if rows else ""
        return f'<div style="color:inherit"><b>{html.escape(self._head())}</b>{table}{notes}</div>'


def _in_a_notebook() -> bool:
    if importlib.util.find_spec("IPython") is None:
        return False
    from IPython import get_ipython

    return get_ipython() is not None


def _show(report: Any) -> None:
    if importlib.util.find_spec("IPython") is None:
        print(report)
        return
    from IPython.display import display

    display(report)

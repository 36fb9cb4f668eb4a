"""`python -m benchmarks.grading`: how long it takes to grade a class, with stock nbgrader and with this course's command.

Every measurement is a whole process, from its start to its end, in a course folder of its own with the same
submissions: some perfect, some blank, some with a known mistake. `plain` is stock `nbgrader autograde` with its own
configuration, without isolation; `stock` is the same command with this course's plugins, isolated; `ours` is
`python -m graders autograde`. The inputs and the key are made before the clock starts, as they are made once per
release. Writes a table (Markdown) into the folder given with -o.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from graders import demo
from graders.bundle import ROOT
from graders.release import open_release, release_folder

CHAPTER = "ch02"
PLAIN = """
c = get_config()
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "course"
"""


# A process of its own starts the command: memory is then not that of a process that has imported nbgrader.
TIMER = """
import json, os, resource, subprocess, sys, time
started = time.perf_counter()
with open(sys.argv[1], "w") as said:
    status = subprocess.run(sys.argv[2:], stdout=said, stderr=said).returncode
print(json.dumps([status, time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000]))
"""


class Took(NamedTuple):
    """Seconds by the clock, the largest process in MB, and what was graded or how the numbers came about."""

    seconds: float
    megabytes: float
    rest: str


def make_class(course: Path, size: int) -> None:
    """A released course in which `size` students have handed in one chapter."""
    (course / "solutions" / CHAPTER).mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / CHAPTER / f"{CHAPTER}.ipynb", course / "solutions" / CHAPTER)
    kinds = itertools.cycle([(kind, nb) for kind, nb in demo.submissions(CHAPTER) if kind != "endless-loop"])
    for number, (kind, nb) in enumerate(itertools.islice(kinds, size)):
        demo.hand_in(course, f"{number:04}-{kind}", CHAPTER, nb)
    demo.nbgrader(course, "generate_assignment", CHAPTER).check_returncode()
    open_release(release_folder(course, CHAPTER), CHAPTER, course / "solutions" / CHAPTER / f"{CHAPTER}.ipynb")


def measure(kind: str, size: int) -> Took:
    """Grade a class of `size` in one process that is started for it. Raises RuntimeError where it did not grade all."""
    with tempfile.TemporaryDirectory(prefix="grading-") as folder:
        course, away = Path(folder, "course"), Path(folder, "away")
        make_class(course, size)
        away.mkdir()
        (away / "nbgrader_config.py").write_text(PLAIN)
        words = [sys.executable, "-m", "graders" if kind == "ours" else "nbgrader", "autograde", CHAPTER,
                 f"--CourseDirectory.root={course}"]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        timed = subprocess.run([sys.executable, "-S", "-c", TIMER, str(away / "said"), *words], check=True, text=True,
                               cwd=away if kind == "plain" else ROOT, env=env, stdout=subprocess.PIPE)
        status, seconds, megabytes = json.loads(timed.stdout)
        graded = len(list(course.glob(f"autograded/*/{CHAPTER}/{CHAPTER}.ipynb")))
        if status or graded != size:
            raise RuntimeError(f"{kind} graded {graded} of {size}:\n{(away / 'said').read_text()}")
        scores = [sum(score or 0 for score in grades.values()) for grades in demo.gradebook(course, CHAPTER).values()]
        return Took(seconds, megabytes, f"mean score {sum(scores) / size:.2f}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading", description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[20, 200], help="numbers of submissions")
    parser.add_argument("--most", type=int, default=200, metavar="N",
                        help="stock commands on more than N are not run but extrapolated, and the table says so")
    parser.add_argument("--full", action="store_true", help="also how our command grows to 1,000 submissions")
    parser.add_argument("-o", "--out", type=Path, help="folder for the table")
    options = parser.parse_args(arguments)
    table = ["| submissions | command | seconds | MB, largest process | times as fast as plain | |",
             "|--:|---|--:|--:|--:|---|"]
    found: dict[tuple[str, int], Took] = {}
    sizes: list[tuple[int, tuple[str, ...]]] = [(size, ("plain", "stock", "ours")) for size in options.sizes]
    sizes += [(size, ("ours",)) for size in (1, 100, 500, 1000) if options.full]
    print(f"{CHAPTER}, {len(os.sched_getaffinity(0))} processors", *table, sep="\n", flush=True)
    for size, kinds in sizes:
        for kind in kinds:
            if kind != "ours" and size > options.most:
                few, many = sorted(other for which, other in found if which == kind)[-2:]
                slope = (found[kind, many].seconds - found[kind, few].seconds) / (many - few)
                found[kind, size] = Took(found[kind, many].seconds + slope * (size - many), float("nan"),
                                         f"extrapolated from {few} and {many}")
            else:
                found[kind, size] = measure(kind, size)
            took, plain = found[kind, size], found.get(("plain", size))
            ratio = f"{plain.seconds / took.seconds:.1f}" if plain else ""
            table.append(f"| {size} | {kind} | {took.seconds:.1f} | {took.megabytes:.0f} | {ratio} | {took.rest} |")
            print(table[-1], flush=True)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "grading.md").write_text("\n".join(table) + "\n")


if __name__ == "__main__":
    main()

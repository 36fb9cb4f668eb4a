"""The instructor's command line: `python -m graders build | bundle | autograde | report | new-inputs | demo`."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from graders.bundle import chapters


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m graders", description="Build, hand out and grade the course.")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("build", help="build notebooks from their text (by default all, with the gallery)")
    command.add_argument("chapters", nargs="*", type=chapter, metavar="chNN")
    command.set_defaults(run=build)

    command = commands.add_parser("bundle", help="make what a class receives for one chapter")
    command.add_argument("chapter", type=chapter, metavar="chNN")
    command.add_argument("-o", "--out", type=Path, default=Path(), metavar="DIR", help="where to write it")
    command.add_argument("--zip", action="store_true", help="make a zip file instead of a folder")
    command.set_defaults(run=bundle)

    command = commands.add_parser(
        "autograde", help="grade what was handed in for a chapter: all that is new or changed, several at once",
        epilog="Other options go to nbgrader: --course-dir=DIR, --db=URL, --Run.timeout=SECONDS, ...")
    command.add_argument("chapter", type=chapter, metavar="chNN")
    command.add_argument("--student", metavar="NAME", help="only this student; * and ? stand for other characters")
    command.add_argument("--force", action="store_true", help="grade again what has not changed")
    command.add_argument("--jobs", type=int, metavar="N", help="submissions graded at once (default: one per processor)")
    command.add_argument("--executor", choices=["processes", "dask"], default="processes")
    command.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="of the Dask cluster")
    command.add_argument("--unsafe", action="store_true", help="run student code without isolation, with your rights")
    command.set_defaults(run=autograde)

    command = commands.add_parser(
        "report", help="write a page and a table of what the class got wrong in a chapter",
        epilog="Other options go to nbgrader: --course-dir=DIR, --db=URL, ...")
    command.add_argument("chapter", type=chapter, metavar="chNN")
    command.add_argument("-o", "--out", type=Path, default=Path("reports"), metavar="DIR", help="where to write them")
    command.set_defaults(run=report)

    command = commands.add_parser("new-inputs", help="draw the hidden inputs of a chapter again")
    command.add_argument("chapter", type=chapter, metavar="chNN")
    command.set_defaults(run=new_inputs)

    command = commands.add_parser("demo", help="grade a small class in a folder of its own and show the result")
    command.set_defaults(run=demo)

    options, others = parser.parse_known_args(arguments)
    if others and options.command not in ("autograde", "report", "new-inputs"):
        parser.error(f"unknown: {' '.join(others)}")
    options.others = others
    try:
        return options.run(options) or 0
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except RuntimeError as failed:
        print(failed, file=sys.stderr)
        return 1


def chapter(name: str) -> str:
    """The name of a chapter that exists."""
    if name not in chapters():
        raise argparse.ArgumentTypeError(f"there is no chapter {name!r}; there are: {', '.join(chapters())}")
    return name


def build(options: argparse.Namespace) -> None:
    """Write the recorded numbers, the solution notebook and the student's notebook of each chapter, and the gallery."""
    from graders.build import build as build_chapter
    from graders.build import build_gallery

    for name in options.chapters or chapters():
        for path in build_chapter(name):
            print(path)
    if not options.chapters:
        print(build_gallery())


def bundle(options: argparse.Namespace) -> None:
    """Write a folder or a zip file for a class."""
    from graders.bundle import make_bundle

    made = make_bundle(options.chapter, options.out.resolve())
    if options.zip:
        archive = shutil.make_archive(str(made), "zip", made.parent, made.name)
        shutil.rmtree(made)
        made = Path(archive)
    print(made)


def autograde(options: argparse.Namespace) -> int:
    """Grade a chapter."""
    if options.executor == "dask" and not options.scheduler:
        raise RuntimeError("--executor dask needs the address of the cluster: --scheduler tcp://HOST:8786")
    from graders.autograde import autograde as run

    student = [f"--student={options.student}"] if options.student else []
    try:
        return run(options, [*student, *options.others])
    except OSError as failed:
        raise RuntimeError(f"Grading stopped: {failed}. What was graded is kept; the same command goes on.") from failed


def report(options: argparse.Namespace) -> None:
    """Write a chapter's report."""
    from graders.report import report as write

    for path in write(options.chapter, options.out, options.others):
        print(path)


def new_inputs(options: argparse.Namespace) -> None:
    """Forget the seed of a chapter's hidden inputs; the next grading draws another one."""
    from graders.gradebook import Course
    from graders.release import forget_inputs

    forget_inputs(Course(options.chapter, options.others).state)
    print(f"The next grading of {options.chapter} draws new inputs: python -m graders autograde {options.chapter}")


def demo(options: argparse.Namespace) -> int:
    """Show the whole of it on a made-up class."""
    from graders.demo import main

    return main()


if __name__ == "__main__":
    sys.exit(main())

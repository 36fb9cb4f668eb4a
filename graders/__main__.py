"""The instructor's command line: `python -m graders build | bundle | demo`."""

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

    command = commands.add_parser("new-inputs", help="draw the hidden inputs of a chapter again")
    command.add_argument("chapter", type=chapter, metavar="chNN")
    command.set_defaults(run=new_inputs)

    command = commands.add_parser("demo", help="grade a small class in a folder of its own and show the result")
    command.set_defaults(run=demo)

    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
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


def new_inputs(options: argparse.Namespace) -> None:
    """Forget the seed of a chapter's hidden inputs; the next grading draws another one."""
    from graders.release import forget_inputs, release_folder

    forget_inputs(release_folder(Path(), options.chapter))
    print(f"The next grading of {options.chapter} draws new inputs: nbgrader autograde {options.chapter} --force")


def demo(options: argparse.Namespace) -> int:
    """Show the whole of it on a made-up class."""
    from graders.demo import main

    return main()


if __name__ == "__main__":
    sys.exit(main())

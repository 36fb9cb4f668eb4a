"""What is installed: pyproject.toml is the source, and conda's file and the imports in the code agree with it."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())

CONDA_NAMES = {"graphviz": "python-graphviz", "matplotlib": "matplotlib-base"}
NOT_ON_CONDA = {"graphviz-pure"}


def requirements(lines: list[str]) -> dict[str, SpecifierSet]:
    return {canonicalize_name(parsed.name): parsed.specifier for parsed in map(Requirement, lines)}


def test_conda_installs_what_pip_installs_with_the_same_bounds():
    wanted = requirements(PROJECT["dependencies"])
    [pip] = [entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict)]
    conda = requirements([entry for entry in CONDA["dependencies"] if isinstance(entry, str)])

    assert conda.pop("python") == SpecifierSet(PROJECT["requires-python"])
    assert conda.pop("pip") == conda.pop("graphviz") == SpecifierSet()  # pip itself, and conda's dot program
    assert conda == {CONDA_NAMES.get(name, name): bounds for name, bounds in wanted.items() if name not in NOT_ON_CONDA}
    assert pip.pop() == "--editable ."
    assert requirements(pip) == {name: bounds for name, bounds in wanted.items() if name in NOT_ON_CONDA}


def installed_with(lines: list[str]) -> set[str]:
    """The names of everything that these requirements bring along, themselves included."""
    names: set[str] = set()
    waiting = [Requirement(line) for line in lines]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in names or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        names.add(name)
        try:
            waiting += map(Requirement, metadata.requires(name) or [])
        except metadata.PackageNotFoundError:
            pytest.fail(f"{name} is a dependency and is not installed")
    return names


def imports(source: Path) -> set[str]:
    """The top-level names of the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    neighbours = {path.stem for path in source.parent.glob("*.py")}  # of a script that runs from its own folder
    return found - sys.stdlib_module_names - neighbours - {"minigrad", "graders"}


OPTIONAL = {"torch": "oracle", "dask": "cluster", "distributed": "cluster"}


@pytest.mark.parametrize("package", ["minigrad", "graders"])
def test_every_import_of_the_packages_is_installed_with_the_project(package):
    installed = installed_with(PROJECT["dependencies"])
    distributions = metadata.packages_distributions()
    sources = sorted((ROOT / package).rglob("*.py"))
    assert sources
    for source in sources:
        for name in imports(source):
            if name in OPTIONAL:
                assert name in requirements(PROJECT["optional-dependencies"][OPTIONAL[name]])
            else:
                owners = {canonicalize_name(owner) for owner in distributions.get(name, [])}
                assert owners & installed, f"{source.relative_to(ROOT)} imports {name}: add it to pyproject.toml"


def test_importing_the_engine_imports_numpy_alone():
    program = (
        "import sys, numpy; before = set(sys.modules); import minigrad; "
        "new = {name.split('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names; "
        "print(*[name for name in new if 'cython' not in name])"  # numpy.random brings Cython's own modules
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) - {"numpy"} == {"minigrad"}

"""Runs students' notebooks where they can see nothing but themselves, and hands back what they displayed.

One `Sandbox` is one bubblewrap container with one warm Python process in it; every run is forked from that process into
namespaces of its own, and gone afterwards. No score is decided here, and no expected value enters. What is inside is in
`graders/inside`.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import json
import math
import os
import platform
import shutil
import site
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

from graders.inside import wire

_INSIDE = Path(__file__).with_name("inside")
_WORK = "/sandbox"  # on no machine the place of a Python environment, which an empty folder here would hide
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store", "/etc/ld.so.cache",
           "/etc/alternatives", "/etc/fonts")
_NEEDED = ("numpy", "matplotlib", "matplotlib_inline", "IPython", "traitlets", "graphviz")
_HIDDEN_MODULES = ("minigrad", "graders", "nbgrader", "torch", "jax", "jaxlib", "autograd", "tensorflow", "micrograd")
_START_SECONDS = 120.0
_HINT = ("Isolation needs Linux 5.14 or newer with user namespaces. On Ubuntu 24.04 and later: `sudo sysctl "
         "kernel.apparmor_restrict_unprivileged_userns=0`. In Docker: `--security-opt seccomp=unconfined "
         "--security-opt apparmor=unconfined --security-opt systempaths=unconfined`.")


class Unprotected(RuntimeError):
    """Student code cannot be isolated here, or the self-test found a hole; nothing has been graded."""


class SandboxError(RuntimeError):
    """The sandbox itself failed, through no fault of the notebook; the run may be tried again."""


@dataclass(frozen=True)
class Limits:
    """What one notebook may use: wall time, and bytes for all of its cells together.

    Time for which its process waits for a busy CPU does not count, up to twice the limit. memory_bytes: on top of what
    the warm Python process holds. file_bytes: for all files, and again for /dev/shm.
    """

    cell_seconds: float = 30.0
    notebook_seconds: float = 180.0
    memory_bytes: int = 2_000_000_000
    processes: int = 32
    file_bytes: int = 64_000_000
    stream_bytes: int = 1_000_000
    display_bytes: int = 10_000_000
    evidence_bytes: int = 2_000_000


class Evidence(NamedTuple):
    """One evidence message: the index in `notebook.cells` that it claims to come from, and its parsed JSON."""

    cell: int
    message: Any


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    notebook: a copy with outputs; evidence is not among them. seconds: one float for each cell, 0.0 for those not run.
    stopped: why not every cell was run, in words; "" if all were. notes: interrupted cells, dropped outputs.
    broken: the indices of the cells that were interrupted or stopped.
    """

    notebook: nbformat.NotebookNode
    seconds: list[float]
    evidence: list[Evidence]
    stopped: str
    notes: list[str]
    broken: list[int]

    @property
    def troubles(self) -> list[str]:
        """The notes and why it stopped, as sentences."""
        return [f"{note}." for note in [*self.notes, *filter(None, [self.stopped])]]


def where(nb: nbformat.NotebookNode, index: int) -> str:
    """A cell in words, as the subject of a sentence."""
    grade_id = nb.cells[index].metadata.get("nbgrader", {}).get("grade_id")
    number = sum(cell.cell_type == "code" for cell in nb.cells[: index + 1])
    return f"The cell `{grade_id}`" if grade_id else f"Code cell {number}"


class Sandbox:
    """A context manager that runs notebooks in isolation; `run` may be called from several threads at once.

    package_dirs: folders that stand first on the notebook's sys.path.
    hidden: further folders that must not be seen, should they lie within what Python needs (gradebook, submissions).
    preload: modules imported once instead of by every notebook.
    Entering raises Unprotected if isolation is impossible, or if `self_test` finds a hole.
    """

    def __init__(self, limits: Limits | None = None, package_dirs: Sequence[Path | str] = (),
                 *, hidden: Sequence[Path | str] = (), preload: Sequence[str] = ()) -> None:
        self.limits = limits or Limits()
        self.package_dirs = [Path(p).resolve(strict=True) for p in package_dirs]
        self.hidden = [Path(p).resolve() for p in hidden]
        self.preload = ["numpy.random", "matplotlib.pyplot", "graphviz", *preload]
        self._lock = threading.Lock()
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Sandbox:
        try:
            self._start()
            self.self_test()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the sandbox and everything in it; runs that are under way raise SandboxError."""
        self._cleanup.close()

    # Starting

    def _start(self) -> None:
        folder = self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="minigrad-sandbox-"))
        self._folder = Path(folder)
        self._errors = self._cleanup.enter_context(open(self._folder / "errors", "w+b"))  # noqa: SIM115
        _publish({str(i): path for i, path in enumerate(self.package_dirs)} | {"inside": _INSIDE}, self._folder)
        self._control, theirs = socket.socketpair()
        self._cleanup.callback(self._end)
        packages = [f"/packages/{i}" for i in range(len(self.package_dirs))]
        # What the interpreter finds by itself must not be named, or it would come before the standard library.
        sites = [str(p) for p in _sites() if str(p) not in site.getsitepackages()]
        env = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "LANG": "C.UTF-8",
               "PYTHONPATH": os.pathsep.join(["/packages", *sites]),
               "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HOME": _WORK,
               "IPYTHONDIR": f"{_WORK}/config", "MPLCONFIGDIR": f"{_WORK}/config",
               "MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONDONTWRITEBYTECODE": "1"}
        self._spawn([*self._bubblewrap(), "-P", "-m", "inside.zygote", str(theirs.fileno()), "/packages"], env, theirs)
        theirs.close()
        self._control.settimeout(_START_SECONDS)
        try:
            wire.write(self._control, {"packages": packages, "preload": self.preload, "work": _WORK})
            ready = wire.read(self._control)
        except OSError:
            ready = None
        if ready is None:
            raise Unprotected(f"The sandbox did not start. It said:\n{self._said()}\n{_HINT}")

    def _spawn(self, command: list[str], env: dict[str, str], end: socket.socket) -> None:
        """Start `command` from a thread that lives as long as it: its death signal comes when its *thread* ends."""
        started = threading.Event()

        def own() -> None:
            try:
                self._process = subprocess.Popen(command, env=env, pass_fds=[end.fileno()], stdin=subprocess.DEVNULL,
                                                 stdout=self._errors, stderr=self._errors, cwd="/")
            finally:
                started.set()
            self._process.wait()

        self._owner = threading.Thread(target=own, daemon=True, name="sandbox")
        self._owner.start()
        started.wait()

    def _end(self) -> None:
        self._control.close()  # the zygote's loop ends with it
        if owner := getattr(self, "_owner", None):
            owner.join(2)
            if owner.is_alive():
                self._process.kill()
                owner.join(10)

    def _bubblewrap(self) -> list[str]:
        """The command line up to and including the interpreter."""
        program = shutil.which("bwrap")
        if sys.platform != "linux" or program is None:
            raise Unprotected(
                "Student code cannot be isolated here: that needs Linux and bubblewrap (`sudo apt install bubblewrap`, "
                "`dnf install bubblewrap`). On macOS and Windows, grade in a Linux container or in WSL 2. If you trust "
                "every notebook, `--unsafe` (of stock nbgrader: `--Run.unsafe=True`) runs them without protection.")
        words = [program, "--die-with-parent", "--new-session", "--unshare-all", "--hostname", "sandbox"]
        if os.getuid() == 0:  # as root, limits on processes do not hold and /proc cannot be mounted
            become = [sys.executable, "-I", "-S", str(_INSIDE / "jail.py")]
            words = [*become, str(self._folder / "stage"), str(_nobody()), *words]
        view = self._view()
        for place, source in view:
            words += ["--ro-bind", str(source), place] if source else ["--tmpfs", place]
        words += ["--ro-bind", str(self._folder / "packages"), "/packages", "--proc", "/proc", "--dev", "/dev",
                  "--tmpfs", _WORK, "--dir", f"{_WORK}/config"]
        for place in ("/", "/dev", *(place for place, source in view if not source)):
            words += ["--remount-ro", place]
        return [*words, "--chdir", _WORK, "--", sys.executable]

    def _view(self) -> list[tuple[str, Path | None]]:
        """What is seen from inside, as (place, source), parents first; source None is an empty folder in its place."""
        view: dict[str, Path | None] = {}
        shown = [*map(Path, (*_SYSTEM, sys.prefix, sys.base_prefix)), *_sites()]
        modules = [Path(root, module) for root in {*shown, *map(Path, sys.path)} for module in _HIDDEN_MODULES
                   if root.name in ("site-packages", "dist-packages")]
        for path in (*self._private(), *modules):
            view[str(path)] = None
        for path in shown:
            if path.exists():
                view[str(path)] = view[str(path.resolve())] = path.resolve()
        order = sorted((Path(place), source) for place, source in view.items())
        seen = [place for place, source in order if source]
        return [(str(place), source) for place, source in order
                if source or (place.is_dir() and any(root in place.parents for root in seen))]

    def _private(self) -> list[Path]:
        """Folders of which only the parts that Python needs may be seen."""
        return [Path.home(), _INSIDE.parents[1], Path("/usr/local/share/nbgrader"), *self.hidden]

    def _said(self) -> str:
        if self._errors.closed:
            return "(it was closed)"
        self._errors.seek(0)
        return self._errors.read(20_000).decode("utf-8", "replace").strip() or "(nothing)"

    # Running

    def run(self, notebook: nbformat.NotebookNode, env: Mapping[str, str] | None = None) -> RunResult:
        """Run every code cell of `notebook` in an empty folder, going on after errors as Jupyter's "Run All" does not.

        env: environment variables of the notebook. Nothing that a notebook does raises; SandboxError says that the
        sandbox itself failed.
        """
        places = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]
        answer = self._ask({
            "cells": [notebook.cells[i].source for i in places], "names": [where(notebook, i) for i in places],
            "env": dict(env or {}), "limits": asdict(self.limits)})
        result = copy.deepcopy(notebook)
        seconds = [0.0] * len(result.cells)
        for cell in result.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        for count, (index, ran) in enumerate(zip(places, answer["cells"], strict=False), 1):
            result.cells[index].execution_count, seconds[index] = count, ran["seconds"]
            result.cells[index].outputs = [_output(output, count) for output in ran["outputs"]]
        return RunResult(result, seconds, [Evidence(places[i], _clean(message)) for i, message in answer["evidence"]],
                         answer["stopped"], answer["notes"], [places[i] for i in answer["broken"]])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        ours, theirs = socket.socketpair()
        with ours:
            try:
                with theirs, self._lock:
                    socket.send_fds(self._control, [b"+"], [theirs.fileno()])
                ours.settimeout(3 * self.limits.notebook_seconds + 90)
                wire.write(ours, request)
                answer = wire.read(ours)
            except OSError as error:
                raise SandboxError(f"The sandbox did not answer ({error}). It said:\n{self._said()}") from error
        if answer is None or "failed" in answer:
            said = answer["failed"] if answer else self._said()
            raise SandboxError(f"The sandbox broke off this run. It said:\n{said}")
        return answer

    def self_test(self) -> None:
        """Run hostile code that knows where to look, twice; raises Unprotected naming every hole that it found."""
        secret = self._folder / "secret"
        secret.write_text("not for students")
        abstract = f"\0{self._folder.name}"
        shown = [Path(place) for place, source in self._view() if source]
        private = [path for folder in self._private() if folder.is_dir() for path in folder.iterdir()
                   if not any(path == place or path in place.parents or place in path.parents for place in shown)]
        with socket.create_server(("127.0.0.1", 0)) as port, socket.socket(socket.AF_UNIX) as unix:
            unix.bind(abstract)
            unix.listen()
            targets = {
                "unreadable": ["/etc/shadow", "/etc/passwd", str(secret), *map(str, private)],
                "unwritable": ["/", "/dev", "/proc", "/usr", "/packages", "/packages/inside", sys.prefix, "/tmp"],
                "modules": _HIDDEN_MODULES, "port": port.getsockname()[1], "abstract": abstract,
                "memory": self.limits.memory_bytes, "processes": self.limits.processes,
                "filter": platform.machine() in ("x86_64", "aarch64")}
            probe = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell((_INSIDE / "probe.py").read_text())])
            for _ in range(2):  # the second looks for what the first left
                try:
                    result = self.run(probe, env={"SELF_TEST": json.dumps(targets)})
                except SandboxError as error:
                    raise Unprotected(f"The self-test of the isolation could not run: {error}\n{_HINT}") from error
                holes = result.evidence[0].message if result.evidence else [f"no answer: {result.notebook.cells[0]}"]
                if holes:
                    raise Unprotected("The self-test of the isolation found a hole, so nothing is graded:\n- "
                                      + "\n- ".join(holes))


def _publish(packages: Mapping[str, Path], folder: Path) -> None:
    """Copy each package folder below folder/packages, readable by everybody: root's own temporary folders are not."""
    folder.chmod(0o755)
    (folder / "stage").mkdir(0o755)
    for name, path in packages.items():
        shutil.copytree(path, folder / "packages" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for root, _, files in os.walk(folder / "packages"):
        os.chmod(root, 0o755)
        for file in files:
            os.chmod(os.path.join(root, file), 0o644)


def _sites() -> list[Path]:
    """The folders from which Python takes what notebooks need."""
    specs = filter(None, map(importlib.util.find_spec, _NEEDED))
    return sorted({Path(place).parent for spec in specs for place in (spec.submodule_search_locations or ())})


def _nobody() -> int:
    import pwd

    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return 65534


def _clean(value: Any) -> Any:
    """`value` as strict JSON in UTF-8 can store it: Python's reader also lets through half a surrogate pair and NaN."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_clean(v) for v in value]
    if isinstance(value, dict):
        return {_clean(k): _clean(v) for k, v in value.items()}
    return value


def _output(output: dict[str, Any], count: int) -> nbformat.NotebookNode:
    output = _clean(output)
    output.pop("id", None)
    if output["output_type"] == "execute_result":
        output["execution_count"] = count
    return nbformat.from_dict(output)

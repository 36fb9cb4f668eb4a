"""The self-test's hostile cell: tries to get out and displays what it got hold of. Never imported.

SELF_TEST in its environment says what to try: paths that must not be readable, places that must not be writable,
modules that must not be found, a port and an abstract socket that must not answer, limits that must hold.
"""

import contextlib
import ctypes
import importlib.util
import json
import mmap
import os
import signal
import socket
import tempfile
from pathlib import Path

from IPython.display import display

targets = json.loads(os.environ["SELF_TEST"])
holes: list[str] = []
status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
if 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()):
    holes.append("it runs as root")
if any(int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")):
    holes.append("it has capabilities")
if status["NoNewPrivs"].strip() != "1" or (targets["filter"] and status["Seccomp"].strip() != "2"):
    holes.append("it can gain rights, or its system calls are not filtered")
if [name for name in os.listdir("/proc") if name.isdigit()] != ["1"]:
    holes.append("it sees other processes")
for path in targets["unreadable"]:
    with contextlib.suppress(OSError):
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").close()
        holes.append(f"it can read {path}")
for folder in targets["unwritable"]:
    with contextlib.suppress(OSError), tempfile.NamedTemporaryFile(dir=folder):
        holes.append(f"it can write in {folder}")
for name in targets["modules"]:
    spec = importlib.util.find_spec(name)
    if spec and spec.origin and not spec.origin.startswith("/packages/"):
        holes.append(f"it can import {name}")
for family, address in (socket.AF_INET, ("127.0.0.1", targets["port"])), (socket.AF_UNIX, targets["abstract"]):
    with contextlib.suppress(OSError), socket.socket(family) as line:
        line.settimeout(1)
        line.connect(address)
        holes.append(f"it can connect to {address!r}")
if ctypes.CDLL(None).unshare(0x10000000) == 0:
    holes.append("it can make user namespaces")
for folder in (".", "/dev/shm", os.environ["TMPDIR"]):
    if os.listdir(folder):
        holes.append(f"it sees files that an earlier notebook left in {folder}: {os.listdir(folder)}")
    Path(folder, "left").touch()
with contextlib.suppress(OSError, ValueError):
    mmap.mmap(-1, targets["memory"] + (1 << 20))
    holes.append("its memory is not limited")
children: list[int] = []
with contextlib.suppress(BlockingIOError):
    while len(children) <= targets["processes"]:
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)
    holes.append("its processes are not limited")
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
display({"application/vnd.minigrad.evidence+json": holes}, raw=True)

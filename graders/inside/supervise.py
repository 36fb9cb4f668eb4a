"""Watches over one notebook: feeds its cells, keeps its budgets, ends it when time or memory is up.

Whatever comes from the notebook's process is data of bounded length, never code, and may be forged by the student.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import os
import random
import resource
import select
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import jail, shell

EVIDENCE = "application/vnd.minigrad.evidence+json"
GRACE_SECONDS = 1.0
_LOOK_SECONDS = 0.1
_MOST_MESSAGES = 20_000
_SMALL = 20_000


def _shallow(value: Any, levels: int = 50) -> bool:
    """Whether nothing in a JSON value lies deeper than `levels`, so that nobody who walks it runs out of stack."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_shallow(v, levels - 1) for v in inner)


class _Inbox:
    """Cuts bytes into JSON messages; what is longer than `most`, too deep or no object is skipped and counted."""

    def __init__(self, most: int) -> None:
        self.most, self.data, self.skip, self.lost = most, bytearray(), 0, 0

    def feed(self, piece: bytes) -> Iterator[dict[str, Any]]:
        skipped = min(self.skip, len(piece))
        self.skip -= skipped
        self.data += piece[skipped:]
        while len(self.data) >= 4 and not self.skip:
            length = int.from_bytes(self.data[:4], "big")
            if length > self.most:
                self.lost += 1
                self.skip = max(0, 4 + length - len(self.data))
                del self.data[: 4 + length]
            elif len(self.data) < 4 + length:
                return
            else:
                body = bytes(self.data[4 : 4 + length])
                del self.data[: 4 + length]
                try:
                    message = json.loads(body)
                except (ValueError, RecursionError):
                    message = None
                if isinstance(message, dict) and _shallow(message):
                    yield message
                else:
                    self.lost += 1


class Supervisor:
    """One run of one notebook.

    request: what Sandbox.run sends: `cells` (sources), `names` (what they are called), `env`, `limits`.
    """

    def __init__(self, connection: socket.socket, request: dict[str, Any], work: str, ip: shell.NotebookShell) -> None:
        self.connection, self.request, self.work, self.ip = connection, request, work, ip
        self.limits: dict[str, Any] = request["limits"]
        self.left = {"stream": self.limits["stream_bytes"], "display": self.limits["display_bytes"],
                     "evidence": self.limits["evidence_bytes"], "messages": _MOST_MESSAGES}
        self.cells: list[dict[str, Any]] = []
        self.evidence: list[tuple[int, Any]] = []
        self.notes: list[str] = []
        self.broken: set[int] = set()
        self.stopped = ""
        self.inbox = _Inbox(max(self.limits["display_bytes"], self.limits["evidence_bytes"], 1 << 16) + (1 << 16))
        self.page_bytes = resource.getpagesize()
        self.own_bytes = self._resident("self")
        self.done = -1
        self.ready = self.clear = False

    def run(self) -> dict[str, Any]:
        """Run every cell, or as many as the limits allow, and return what is sent back to Sandbox.run."""
        self._start()
        try:
            self.deadline = time.monotonic() + self.limits["notebook_seconds"]
            for number in range(len(self.request["cells"])):
                self._run_cell(number)
                if self.stopped:
                    break
        finally:
            self._kill()
            os.waitpid(self.pid, 0)
        if self.inbox.lost:
            self.notes.append(f"{self.inbox.lost} message(s) were dropped: too long, or no message at all")
        return {"cells": self.cells, "evidence": self.evidence, "stopped": self.stopped, "notes": self.notes,
                "broken": sorted(self.broken)}

    # Starting

    def _start(self) -> None:
        jail.unshare()
        self.channel, theirs = socket.socketpair()
        out, err = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.connection.close()
                self.channel.close()
                self._become_notebook(theirs, out[1], err[1])
            except BaseException as error:
                shell.Channel(theirs, 0).send("broken", text=f"{type(error).__name__}: {error}")
            finally:
                os._exit(1)
        for end in (theirs.detach(), out[1], err[1]):
            os.close(end)
        decoder = codecs.getincrementaldecoder("utf-8")
        self.raw = {out[0]: ("stdout", decoder("replace")), err[0]: ("stderr", decoder("replace"))}
        self.channel.setblocking(False)
        self.poll = select.poll()
        for end in (self.channel.fileno(), self.connection.fileno(), *self.raw):
            os.set_blocking(end, False)
            self.poll.register(end, select.POLLIN)
        give_up = time.monotonic() + 30
        while not self.ready:
            if time.monotonic() > give_up or not self._listen(1.0):
                raise RuntimeError("the notebook's process ended, or said nothing for 30 s, before its first cell")

    def _become_notebook(self, end: socket.socket, out: int, err: int) -> None:
        """In the child: shut the door behind us, then serve the cells. Does not return."""
        jail.die_with_parent()
        os.setsid()
        jail.mounts(self.work, self.limits["file_bytes"])
        home, temporary = Path(self.work, "home"), Path(self.work, "tmp")
        for folder in (home, temporary, Path(self.work, "config")):
            folder.mkdir(exist_ok=True)
        os.chdir(home)
        os.environ.update({"HOME": str(home), "TMPDIR": str(temporary), **self.request["env"]})
        tempfile.tempdir = None
        for number, target in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
            os.dup2(number, target)
        os.closerange(3, end.fileno())
        os.closerange(end.fileno() + 1, 4096)
        # Every fork would otherwise draw the same numbers; the same notebook always does.
        seed = hashlib.sha256(json.dumps([self.request["cells"], self.request["env"]]).encode()).digest()
        random.seed(seed)
        if numpy := sys.modules.get("numpy"):
            numpy.random.seed(list(seed))
        processes = self.limits["processes"] + 1  # this supervisor is one of them
        jail.limits(self.limits["memory_bytes"], self.limits["file_bytes"], processes)
        jail.drop()
        shell.serve(self.ip, end, self.request["cells"], self.limits["stream_bytes"])

    # Running

    def _run_cell(self, number: int) -> None:
        started, waited = time.monotonic(), self._waited()
        limit, left = self.limits["cell_seconds"], self.deadline - started
        whole, limit = left < limit, max(0.0, min(left, limit))
        kind = "notebook" if whole else "cell"
        words = f"{kind} limit of {self.limits[f'{kind}_seconds']:g} s"
        self.cell: dict[str, Any] = {"outputs": [], "seconds": 0.0}
        self.cells.append(self.cell)
        name = self._name()
        self.clear, end, patience, alive, looked, interrupted = False, limit, 0.0, True, started, False
        try:
            self.channel.send(number.to_bytes(4, "big"))
        except OSError:
            alive = False
        while alive and self.done < number and not self.stopped:
            alive = self._listen(_LOOK_SECONDS)
            now = time.monotonic()
            if now - looked >= _LOOK_SECONDS:
                looked = now
                self._look_at_memory()
            patience = min(2 * limit + 2 * GRACE_SECONDS * interrupted, self._waited() - waited)
            spent = now - started - patience
            if spent >= end and interrupted:
                self._stop(f"{name} did not stop when interrupted ({words}), so the notebook was ended")
            elif spent >= end:
                self.notes.append(f"{name} was interrupted: {words}")
                os.kill(self.pid, signal.SIGINT)
                self.broken.add(number)
                interrupted, end = True, spent + GRACE_SECONDS
        self._drain()
        self.cell["seconds"] = time.monotonic() - started
        self.deadline += patience
        if not alive and not self.stopped:
            self._stop(f"{name} ended the notebook's process ({self._cause()})")
        elif interrupted and whole and not self.stopped:
            self._stop(f"{name} came to the {words}")

    def _name(self) -> str:
        """The current cell in words."""
        return self.request["names"][len(self.cells) - 1]

    def _waited(self) -> float:
        """Seconds that the notebook's main thread was ready to run while the CPUs were busy with others."""
        try:
            return int(Path("/proc/1/schedstat").read_text().split()[1]) / 1e9
        except (OSError, IndexError):
            return 0.0

    def _listen(self, seconds: float) -> bool:
        """Take in what arrives within `seconds`; False when the notebook's process has closed its channel."""
        for end, _ in self.poll.poll(seconds * 1000):
            if end == self.connection.fileno():
                self._kill()
                os._exit(1)  # whoever asked for this run is gone
            elif end in self.raw:
                if piece := os.read(end, 1 << 16):
                    name, decoder = self.raw[end]
                    self._text(name, decoder.decode(piece))
                else:
                    self.poll.unregister(end)
            else:
                try:
                    piece = self.channel.recv(1 << 18)
                except BlockingIOError:
                    continue
                except OSError:
                    piece = b""
                if not piece:
                    return False
                for message in self.inbox.feed(piece):
                    self._take(message)
        return True

    def _drain(self) -> None:
        """Read what is already on its way: "done" may overtake the text of a subprocess."""
        for _ in range(64):
            if not self.poll.poll(0) or not self._listen(0):
                return

    def _look_at_memory(self) -> None:
        """/proc is here the notebook's own process table. What the zygote already held is shared, so not counted."""
        total = sum(max(0, self._resident(name) - self.own_bytes) for name in os.listdir("/proc") if name.isdigit())
        if total > self.limits["memory_bytes"]:
            most = self.limits["memory_bytes"] / 1e6
            self._stop(f"{self._name()} and its processes used more than {most:.0f} MB of memory")

    def _resident(self, name: str) -> int:
        try:
            return int(Path("/proc", name, "statm").read_text().split()[1]) * self.page_bytes
        except (OSError, IndexError):
            return 0

    def _stop(self, reason: str) -> None:
        self.stopped = text = f"{reason}; later cells were not run"
        self.broken.add(len(self.cells) - 1)
        self._kill()
        self.cell["outputs"].append({"output_type": "error", "ename": "Stopped", "evalue": text,
                                     "traceback": [f"Stopped: {text}"]})

    def _kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)  # process 1: the kernel kills all that it left behind

    def _cause(self) -> str:
        """How the process ended, or that it cut the line and is still there."""
        for _ in range(50):
            info = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if info is not None:
                if info.si_code == os.CLD_EXITED:
                    return f"exit status {info.si_status}"
                return f"killed by {signal.Signals(info.si_status).name}"
            time.sleep(0.02)
        return "it closed its line to the grader"

    # What the notebook says

    def _take(self, message: dict[str, Any]) -> None:
        kind = message.get("kind")
        if not self.ready:
            if kind == "broken":
                raise RuntimeError(f"the notebook's process could not be isolated: {message.get('text')}")
            self.ready = kind == "ready"
        elif kind == "stream":
            self._text("stderr" if message.get("name") == "stderr" else "stdout", str(message.get("text")))
        elif kind in ("display", "result"):
            self._display(kind, message)
        elif kind == "error" and self._afford("messages", 1):
            lines = message.get("traceback")
            lines = [str(line)[:_SMALL] for line in lines[:100]] if isinstance(lines, list) else []
            if self._afford("display", sum(map(len, lines))):
                self._put({"output_type": "error", "ename": str(message.get("ename"))[:200],
                           "evalue": str(message.get("evalue"))[:_SMALL], "traceback": lines})
        elif kind == "clear":
            self.clear = True
            if not message.get("wait"):
                self._put(None)
        elif kind == "done" and message.get("cell") == len(self.cells) - 1:
            self.done = len(self.cells) - 1

    def _afford(self, budget: str, amount: int) -> bool:
        """Take `amount` from a budget; the first time that one is exceeded, note it."""
        before, self.left[budget] = self.left[budget], self.left[budget] - amount
        if before >= 0 > self.left[budget]:
            most = self.limits.get(f"{budget}_bytes", _MOST_MESSAGES)
            what = {"stream": "bytes of text", "display": "bytes of displays", "evidence": "bytes of evidence",
                    "messages": "outputs"}[budget]
            self.notes.append(f"{self._name()} went over the notebook's {most:,} {what}; the rest was dropped")
        return self.left[budget] >= 0

    def _text(self, name: str, text: str) -> None:
        room = max(0, self.left["stream"])
        if not self.cells or not self._afford("stream", len(text.encode("utf-8", "replace"))):
            if not room:
                return
            text = text[:room] + "\n[the rest of the text was dropped]\n"
        outputs = self.cell["outputs"]
        if not self.clear and outputs and outputs[-1].get("name") == name:
            outputs[-1]["text"] += text
        elif self._afford("messages", 1):
            self._put({"output_type": "stream", "name": name, "text": text})

    def _display(self, kind: str, message: dict[str, Any]) -> None:
        data, metadata = message.get("data"), message.get("metadata")
        if not isinstance(data, dict) or not self.cells:
            return
        if EVIDENCE in data:
            value = data.pop(EVIDENCE)
            if self._afford("evidence", len(json.dumps(value))):
                self.evidence.append((len(self.cells) - 1, value))
            if not data:
                return
        data = {k: v for k, v in data.items() if isinstance(v, str) or shell.JSON_TYPE.fullmatch(k)}
        metadata = metadata if isinstance(metadata, dict) else {}
        if not self._afford("messages", 1) or not self._afford("display", len(json.dumps([data, metadata]))):
            return
        if message.get("update"):
            for cell in self.cells:
                for output in cell["outputs"]:
                    if output.get("id") is not None and output.get("id") == message.get("id"):
                        output.update(data=data, metadata=metadata)
            return
        output = {"output_type": "display_data", "data": data, "metadata": metadata, "id": message.get("id")}
        if kind == "result":
            output.update(output_type="execute_result", id=None)
        self._put(output)

    def _put(self, output: dict[str, Any] | None) -> None:
        """Append an output to the current cell, after a clear_output() that waited for it."""
        if self.clear:
            self.cell["outputs"].clear()
            self.clear = False
        if output is not None:
            self.cell["outputs"].append(output)

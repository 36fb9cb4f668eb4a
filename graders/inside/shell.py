"""The notebook's side: an IPython shell that sends what each cell shows as messages. Nothing here is a boundary.

The student's code runs in this same process and can do all that this code can; limits and truth live elsewhere.
"""

from __future__ import annotations

import base64
import builtins
import getpass
import io
import json
import os
import re
import signal
import socket
import sys
import threading
import warnings
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

JSON_TYPE = re.compile(r"application/(.*\+)?json")  # what a notebook may store as JSON; all other data is text


class Channel:
    """Length-prefixed JSON to the supervisor. Text past `most` bytes is dropped here, to save everybody's time."""

    def __init__(self, end: socket.socket, most: int) -> None:
        self.end, self.left = end, most
        self.owner, self.lock = os.getpid(), threading.Lock()
        self.running = self.sending = self.interrupted = False

    def send(self, kind: str, **fields: Any) -> None:
        """Send one message whole: an interrupt in the middle waits until it is out."""
        if os.getpid() != self.owner:  # a forked child may not mix its bytes into its parent's messages
            return
        data = json.dumps({"kind": kind, **fields}, default=repr).encode()
        with self.lock:
            self.sending = True
            try:
                self.end.sendall(len(data).to_bytes(4, "big") + data)
            finally:
                self.sending = False
        if self.interrupted and threading.current_thread() is threading.main_thread():
            self.interrupted = False
            raise KeyboardInterrupt

    def interrupt(self, *_: object) -> None:
        """Handle SIGINT: stop the running cell, and nothing but a cell."""
        __tracebackhide__ = True  # a student's traceback shows the student's lines
        if self.sending:
            self.interrupted = self.running
        elif self.running:
            raise KeyboardInterrupt


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr of a notebook."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, name: str, number: int, channel: Channel) -> None:
        self.stream, self.number, self.channel, self.waiting = name, number, channel, ""

    def fileno(self) -> int:
        return self.number

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if os.getpid() != self.channel.owner:
            os.write(self.number, text.encode("utf-8", "replace"))
        elif self.channel.left >= 0:
            self.waiting += text[: self.channel.left + 1]  # the one more tells the supervisor that there was more
            self.channel.left -= len(text)
            if len(self.waiting) > 1 << 14:
                self.flush()
        return len(text)

    def flush(self) -> None:
        if os.getpid() == self.channel.owner and self.waiting:
            text, self.waiting = self.waiting, ""
            self.channel.send("stream", name=self.stream, text=text)


def _jsonable(data: dict[str, Any]) -> dict[str, Any]:
    """A display's data as a notebook stores it: pictures in base64, JSON as it is, all else as text."""
    ready = {}
    for kind, value in data.items():
        if isinstance(value, bytes):
            value = base64.b64encode(value).decode()
        ready[str(kind)] = value if isinstance(value, str) or JSON_TYPE.fullmatch(str(kind)) else str(value)
    return ready


def _tell(kind: str, **fields: Any) -> None:
    """Send a message after the text that was printed before it."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    NotebookShell.channel.send(kind, **fields)


class _Hook(DisplayHook):
    """Sends the value of a cell's last expression."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        _tell("result", data=_jsonable(format_dict), metadata=md_dict or {})

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Publisher(DisplayPublisher):
    """Sends what display() shows."""

    def publish(self, data: dict[str, Any], metadata: dict[str, Any] | None = None, *args: Any,
                transient: dict[str, Any] | None = None, update: bool = False, **kwargs: Any) -> None:
        _tell("display", data=_jsonable(data), metadata=metadata or {}, update=bool(update),
              id=(transient or {}).get("display_id"))

    def clear_output(self, wait: bool = False) -> None:
        _tell("clear", wait=bool(wait))


class NotebookShell(InteractiveShell):
    """An IPython shell without terminal or kernel, made once and used in many forked processes."""

    channel: Channel
    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        try:
            text = str(evalue)
        except Exception:
            text = f"(an error whose text cannot be shown: str() failed on {etype.__name__})"
        _tell("error", ename=etype.__name__, evalue=text, traceback=list(stb))

    def enable_gui(self, gui: str | None = None) -> None:
        """Accept `%matplotlib inline`; there are no windows here."""

    def ask_exit(self) -> None:
        """Let `quit()` and `exit()` end the cell like `sys.exit()`."""
        raise SystemExit


def make() -> NotebookShell:
    """The shell, with inline figures as in Jupyter. Takes a second; keeps no history file."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = NotebookShell.instance(config=config)
    shell.enable_matplotlib("inline")
    warnings.filterwarnings("ignore", "To exit: use", UserWarning)
    ours, theirs = socket.socketpair()
    with ours, theirs:  # a result and an error now, so that what IPython imports for them is here before any fork
        NotebookShell.channel = Channel(theirs, 0)
        for source in ("2", "1/0"):
            shell.run_cell(source)
    shell.reset()
    return shell


def _no_input(*_: object, **__: object) -> str:
    __tracebackhide__ = True
    raise StdinNotImplementedError("Nobody can answer input() while a notebook is graded; give the value in the cell.")


def serve(shell: NotebookShell, end: socket.socket, cells: list[str], stream_bytes: int) -> None:
    """Run the cells whose numbers arrive on `end`, four bytes each, until it closes. Does not return."""
    channel = NotebookShell.channel = Channel(end, stream_bytes)
    sys.stdout, sys.stderr = Stream("stdout", 1, channel), Stream("stderr", 2, channel)
    builtins.input = getpass.getpass = _no_input
    signal.signal(signal.SIGINT, channel.interrupt)
    channel.send("ready")
    while order := end.recv(4):
        number = int.from_bytes(order, "big")
        channel.running = True
        try:
            shell.run_cell(cells[number], store_history=True)
        except BaseException as error:  # an interrupt in IPython's own code, outside of what it guards
            shell._showtraceback(type(error), error, [f"{type(error).__name__}: {error}"])
        channel.running = channel.interrupted = False
        if os.getpid() != channel.owner:  # os.fork() in the cell: the child must not go on as a second notebook
            os._exit(0)
        _tell("done", cell=number)
    os._exit(0)

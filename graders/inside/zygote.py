"""The sandbox's first Python process: it imports what notebooks import, once, and forks a supervisor for each run.

It never reads what it is asked to run: that is between Sandbox.run and the supervisor, so no notebook's process holds
anything of another's.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import signal
import socket
import sys
import threading
from typing import Any

from . import shell, supervise, wire


def warm_up(modules: list[str]) -> shell.NotebookShell:
    """Import the modules, draw one figure (fonts are slow the first time), and make the shell."""
    for name in modules:
        importlib.import_module(name)
    ip = shell.make()
    import matplotlib.pyplot as plt
    from IPython.core.pylabtools import print_figure

    figure, axes = plt.subplots()
    axes.plot([1, 2], label="$x$")
    axes.legend()
    print_figure(figure)
    plt.close("all")
    if threading.active_count() > 1:
        raise RuntimeError(f"forking needs one thread, but there are {threading.enumerate()}")
    gc.collect()
    gc.freeze()
    return ip


def serve(control: socket.socket, config: dict[str, Any], ip: shell.NotebookShell) -> None:
    """Fork a supervisor for each connection that arrives over `control`, until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process outside, which then closes `control`
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        note, ends, _, _ = socket.recv_fds(control, 1, 1)
        if not note:
            return
        if os.fork():
            os.close(ends[0])
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        control.close()
        with socket.socket(fileno=ends[0]) as connection:
            try:
                request = wire.read(connection)
                if request is not None:
                    answer = supervise.Supervisor(connection, request, config["work"], ip).run()
                    connection.setblocking(True)
                    wire.write(connection, answer)
            except BaseException:
                import traceback

                connection.setblocking(True)
                wire.write(connection, {"failed": traceback.format_exc()})
            finally:
                os._exit(0)


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    config = wire.read(control)
    sites = os.environ["PYTHONPATH"].split(os.pathsep)[1:]
    sys.path[:] = [*config["packages"], "", *(p for p in sys.path if p != sys.argv[2])]
    sys.argv[:] = [""]
    os.environ["PYTHONPATH"] = os.pathsep.join([*config["packages"], *sites])
    ip = warm_up(config["preload"])
    wire.write(control, {"ready": True})
    serve(control, config, ip)


if __name__ == "__main__":
    main()

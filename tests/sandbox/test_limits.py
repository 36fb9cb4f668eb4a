"""What a notebook may use is bounded; what it did before it went too far is kept, and the reason is said in words."""

import threading
import time

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from graders.sandbox import Limits, Sandbox

EVIDENCE = "application/vnd.minigrad.evidence+json"
SEND = f"display({{{EVIDENCE!r}: 'early'}}, raw=True)"


def test_a_cell_that_takes_too_long_is_interrupted_and_the_next_one_runs(run, text):
    result = run(f"{SEND}\nwhile True: pass", "'next'")
    assert text(result, 0).startswith("KeyboardInterrupt")
    assert text(result) == "'next'"
    assert 1.5 <= result.seconds[0] < 3 * 1.5 + 1  # up to three times the limit, where others keep the CPUs busy
    assert result.notes == ["Code cell 1 was interrupted: cell limit of 1.5 s"]
    assert (result.stopped, [e.message for e in result.evidence]) == ("", ["early"])


@pytest.mark.parametrize("loop", [
    "while True:\n  try:\n    while True: sum(range(99))\n  except BaseException: pass",
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
    "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))\nwhile True: pass",
])
def test_a_cell_that_swallows_the_interrupt_is_ended_a_second_later(run, text, loop):
    result = run(SEND, "x = 1", loop, "'never'")
    assert "Code cell 3 did not stop when interrupted" in result.stopped
    assert 2.5 <= result.seconds[2] < 3 * 1.5 + 4
    assert "Stopped" in text(result, 2)
    assert (text(result), result.notebook.cells[3].execution_count) == ("", None)
    assert [e.message for e in result.evidence] == ["early"]


def test_an_interrupt_in_the_middle_of_printing_does_not_break_the_line(run, text):
    for _ in range(2):
        result = run("while True: print('x', flush=True)", "'next'")
        assert text(result) == "'next'", result.stopped
        assert result.notebook.cells[0].outputs[-1].ename == "KeyboardInterrupt"


def test_a_notebook_that_takes_too_long_is_ended(bubblewrap, text):
    with Sandbox(Limits(cell_seconds=5, notebook_seconds=1.5), preload=()) as box:
        result = box.run(new_notebook(cells=[new_code_cell(s) for s in ("1", "import time; time.sleep(9)", "2")]))
    assert result.stopped == "Code cell 2 came to the notebook limit of 1.5 s; later cells were not run"
    assert [text(result, i)[:4] for i in range(3)] == ["1", "Keyb", ""]


@pytest.mark.parametrize(("crash", "cause"), [
    ("import os; os._exit(3)", "exit status 3"),
    ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    ("import os; os.abort()", "SIG"),
    ("import os\nfor n in range(3, 256):\n  try: os.close(n)\n  except OSError: pass", "exit status 1"),
])
def test_a_process_that_ends_is_explained_and_later_cells_are_not_run(run, text, crash, cause):
    result = run(f"print('before')\n{SEND}", crash, "'never'")
    assert "Code cell 2 ended the notebook's process" in result.stopped
    assert cause in result.stopped
    assert text(result, 0) == "before"
    assert "later cells were not run" in text(result, 1)
    assert text(result, 2) == ""
    assert [e.message for e in result.evidence] == ["early"]


def test_too_much_memory_is_an_ordinary_error(run, text):
    result = run("x = bytearray(10**9)", "import numpy as np; np.ones(10**8)", "'next'")
    assert text(result, 0).startswith("MemoryError")
    assert "Unable to allocate" in text(result, 1)
    assert text(result) == "'next'"


def test_memory_shared_out_over_many_processes_ends_the_notebook(run, text):
    result = run(SEND, "import os, time\nfor _ in range(6):\n  if os.fork() == 0:\n"
                       "    x = bytearray(b'x') * 100_000_000\n    time.sleep(9)\ntime.sleep(9)", "'never'")
    assert result.stopped == "Code cell 2 and its processes used more than 300 MB of memory; later cells were not run"
    assert result.seconds[1] < 3
    assert [e.message for e in result.evidence] == ["early"]


def test_memory_hidden_in_files_is_bounded_too(run, text):
    result = run("""
kept = []
for folder in ('.', '/dev/shm'):
    try:
        for n in range(100): open(f'{folder}/{n}', 'wb').write(bytes(1_000_000)); kept.append(n)
    except OSError as error: print(error.strerror)
print(len(kept) <= 16)
try: open('one', 'wb').write(bytes(9_000_000))
except OSError as error: print(error.strerror)
""")
    lines = text(result).split("\n")
    assert lines[:3] == ["No space left on device", "No space left on device", "True"]
    assert lines[3] in ("File too large", "No space left on device")


def test_a_fork_bomb_stays_small_and_ends_with_its_notebook(run, text):
    began = time.monotonic()
    result = run("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass",
                 "import os; sum(name.isdigit() for name in os.listdir('/proc')) <= 12")
    assert time.monotonic() - began < 20
    assert result.notes
    assert result.stopped or text(result) == "True"
    assert text(run("'fine'")) == "'fine'"


def test_processes_are_counted_for_each_notebook_alone(run, text):
    result = run("import os, signal\nn = 0\ntry:\n  while True:\n    if os.fork() == 0: signal.pause()\n    n += 1\n"
                 "except BlockingIOError: print(n)", "'next'")
    assert text(result, 0) == "11"  # and the notebook's own process: 12
    assert text(result) == "'next'"


def test_printing_without_end_is_cut_and_the_notebook_goes_on(run, text):
    began = time.monotonic()
    result = run("print('x' * 200_000_000)", "import os\nfor _ in range(20): os.write(1, b'y' * 9_000_000)",
                 f"{SEND}\n'next'")
    assert time.monotonic() - began < 15
    shown = result.notebook.cells[0].outputs[0].text
    assert 99_000 < len(shown) < 100_200
    assert shown.endswith("[the rest of the text was dropped]\n")
    assert "y" not in text(result, 1)
    assert text(result) == "'next'"
    assert result.notes == ["Code cell 1 went over the notebook's 100,000 bytes of text; the rest was dropped"]
    assert [e.message for e in result.evidence] == ["early"]


def test_displays_have_a_budget_of_their_own(run, text):
    result = run("from IPython.display import HTML\nfor _ in range(10): display(HTML('x' * 100_000))",
                 f"print('text')\n{SEND}")
    assert len(result.notebook.cells[0].outputs) in (2, 3)
    assert "bytes of displays" in result.notes[0]
    assert text(result) == "text"
    assert [e.message for e in result.evidence] == ["early"]


def test_evidence_has_a_budget_of_its_own(run, text):
    result = run(SEND, f"display({{{EVIDENCE!r}: 'x' * 300_000}}, raw=True)", "'next'")
    assert [e.message for e in result.evidence] == ["early"]
    assert "bytes of evidence" in result.notes[0]
    assert text(result) == "'next'"


def test_tens_of_thousands_of_empty_displays_are_cut(run):
    result = run(f"for _ in range(30_000): display({{'a': ''}}, raw=True)\n{SEND}")
    assert len(result.notebook.cells[0].outputs) <= 20_000
    assert "20,000 outputs" in " ".join(result.notes) or "interrupted" in result.notes[0]


def test_a_neighbour_that_takes_the_cpus_costs_nobody_else_a_cell(box, run, text):
    """The neighbour's ten busy processes leave this notebook a fraction of the CPUs; that wait is not its time."""
    busy = "import os, time\nfor _ in range(10):\n  if os.fork() == 0:\n    while True: pass\ntime.sleep(1)"
    neighbour = new_notebook(cells=[new_code_cell(s) for s in (busy, *["time.sleep(1.2)"] * 3)])
    thread = threading.Thread(target=box.run, args=(neighbour,))
    thread.start()
    time.sleep(0.7)
    result = run("import time\nwhile time.process_time() < 0.6: pass", "'next'")
    thread.join()
    assert (result.notes, text(result)) == ([], "'next'")


@pytest.mark.parametrize("source", ["\ud800 = 1", "(" * 50_000, "x = 1" + "\n" * 300_000, "'\\0'\0"])
def test_a_source_that_no_editor_would_write_is_only_a_failing_cell(run, text, source):
    result = run(source, "'next'")
    assert result.stopped or text(result) == "'next'"

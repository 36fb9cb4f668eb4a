"""The line from the notebook to the supervisor is in the student's hands: whatever arrives on it is only data."""

import json

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from graders.inside.supervise import Supervisor
from graders.sandbox import _clean, _output

EVIDENCE = "application/vnd.minigrad.evidence+json"
LINE = """
import json, os, socket, stat
numbers = [n for n in range(3, 64) if os.path.exists(f'/proc/self/fd/{n}') and stat.S_ISSOCK(os.fstat(n).st_mode)]
line = socket.socket(fileno=os.dup(numbers[0]))
def send(data): line.sendall(len(data).to_bytes(4, 'big') + data)
def say(**message): send(json.dumps(message).encode())
"""
EARLY = f"display({{{EVIDENCE!r}: 'early'}}, raw=True)"


@pytest.mark.parametrize("bytes_", [
    b"no json", b"", b"[]", b"null", b"1", b"\xff\xfe", b"[" * 100_000, b'{"kind":' * 20_000, b"9" * 50_000,
    b'{"kind": ' + b"9" * 50_000 + b"}", b'{"kind": "stream"}', b'{"kind": "error", "traceback": 3, "ename": {}}',
    b'{"kind": "display", "data": 3}', b'{"kind": "display", "data": {"text/plain": 3, "": "x"}, "metadata": []}',
    b'{"kind": "result", "data": {"application/x+json": NaN}, "metadata": {"x": 1e999}}',
    b'{"kind": "result", "data": {"a/json": NaN}}', b'{"kind": "clear", "wait": {}}',
    b'{"kind": "done", "cell": "0"}', b'{"kind": "done", "cell": 99}', b'{"kind": ["done"]}', b'{"kind": "broken"}',
    b'{"kind": "display", "update": true, "id": [], "data": {}}', b'{"kind": "ready"}',
])
def test_nonsense_on_the_line_changes_nothing_for_other_cells(run, text, tmp_path, bytes_):
    result = run(EARLY, f"{LINE}\nsend({bytes_!r})", "'next'")
    assert result.stopped == ""
    assert text(result) == "'next'"
    assert [e.message for e in result.evidence] == ["early"]
    nbformat.validate(result.notebook)
    nbformat.write(result.notebook, tmp_path / "out.ipynb")


@pytest.mark.parametrize("depth", [30, 60, 400, 900, 980, 990, 5000])
def test_evidence_nested_deeper_than_anybody_can_walk_is_dropped(run, text, depth):
    data = b'{"kind": "display", "data": {"' + EVIDENCE.encode() + b'": ' + b"[" * depth + b"]" * depth + b"}}"
    result = run(EARLY, f"{LINE}\nsend({data!r})", "'next'")
    assert len(result.evidence) == (2 if depth == 30 else 1)
    assert text(result) == "'next'"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["a/b", "application/json"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=8)
FIELDS = ["name", "text", "data", "metadata", "id", "update", "traceback", "ename", "evalue", "cell", "wait"]
MESSAGES = st.fixed_dictionaries(
    {"kind": st.sampled_from(["stream", "display", "result", "error", "clear", "done", "ready", "broken"]) | JSON},
    optional={**dict.fromkeys(FIELDS, JSON),
              "data": JSON | st.dictionaries(st.sampled_from([EVIDENCE, "a/b", "application/x+json", ""]), JSON)})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(MESSAGES, max_size=6))
def test_any_sequence_of_messages_leaves_outputs_that_a_notebook_can_store(messages):
    limits = {"stream_bytes": 50, "display_bytes": 100, "evidence_bytes": 100}
    supervisor = Supervisor(None, {"limits": limits, "cells": [""], "names": ["It"]}, "", None)
    supervisor.ready, supervisor.cell = True, {"outputs": []}
    supervisor.cells.append(supervisor.cell)
    for message in messages:
        body = json.dumps(message).encode()
        for heard in supervisor.inbox.feed(len(body).to_bytes(4, "big") + body):
            supervisor._take(heard)
    outputs = [_output(output, 1) for output in json.loads(json.dumps(supervisor.cell["outputs"]))]
    notebook = new_notebook(cells=[new_code_cell("", outputs=outputs)])
    nbformat.validate(notebook)
    nbformat.writes(notebook).encode()
    assert len(json.dumps(supervisor.cell)) < 3000
    json.dumps(_clean(json.loads(json.dumps(supervisor.evidence))), allow_nan=False)


def test_a_message_that_claims_to_be_endless_costs_its_own_notebook_only(run, text):
    result = run(EARLY, f"{LINE}\nline.sendall(b'\\xff\\xff\\xff\\xff')", "'never heard'")
    assert "ended" in result.stopped
    assert [e.message for e in result.evidence] == ["early"]
    assert text(run("'fine'")) == "'fine'"


def test_a_message_over_the_limit_is_skipped_and_the_line_goes_on(run, text):
    result = run(f"{LINE}\nsend(b'x' * 2_000_000)", "'next'")
    assert text(result) == "'next'"
    assert "1 message(s) were dropped" in result.notes[0]


def test_saying_done_too_early_cannot_outlast_the_limits(run, text):
    """Later cells are then fed to a process that does not listen; the cell limit ends it all the same."""
    result = run(EARLY, f"{LINE}\nsay(kind='done', cell=1)\nwhile True:\n  try:\n    while True: sum(range(99))\n"
                        "  except BaseException: pass", "'never'", "'never'")
    assert "did not stop" in result.stopped
    assert sum(result.seconds) < 16
    assert [e.message for e in result.evidence] == ["early"]


def test_reading_the_orders_from_the_line_stops_the_notebook_in_time(run):
    thief = "import threading\nthreading.Thread(target=lambda: line.recv(99), daemon=True).start()"
    result = run(f"{LINE}\n{thief}", "1", "2")
    assert sum(result.seconds) < 16
    assert result.stopped == "" or "did not stop" in result.stopped


def test_shutting_the_line_down_is_the_end_of_the_notebook(run, text):
    result = run(EARLY, f"{LINE}\nline.shutdown(socket.SHUT_RDWR)\nimport time; time.sleep(9)", "'never'")
    assert "it closed its line" in result.stopped
    assert [e.message for e in result.evidence] == ["early"]
    assert text(result) == ""


def test_forged_messages_are_only_what_the_cell_could_have_displayed_itself(run, text):
    forged = {EVIDENCE: {"forged": True}}
    result = run(f"{LINE}\nsay(kind='display', data={forged!r})\nsay(kind='stream', name='stdout', text='said')")
    assert text(result, 0) == "said"
    assert [e.message for e in result.evidence] == [{"forged": True}]


def test_a_shell_that_was_tampered_with_hurts_only_its_own_notebook(run, text):
    result = run("import sys, builtins, json, socket\njson.dumps = lambda *a, **k: '{}'\nsocket.socket.sendall = None\n"
                 "sys.stdout = None\nbuiltins.len = None", "1")
    assert sum(result.seconds) < 16
    assert text(run("'fine'")) == "'fine'"

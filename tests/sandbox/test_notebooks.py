"""An honest notebook runs in the sandbox as it does in Jupyter."""

import base64
import sys
import threading
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from graders.sandbox import Evidence

EVIDENCE = "application/vnd.minigrad.evidence+json"


def outputs(result, index=-1):
    return result.notebook.cells[index].outputs


def test_a_notebook_comes_back_valid_with_the_outputs_of_every_cell(box):
    cells = [new_markdown_cell("# Title"), new_code_cell("x = 20"), new_code_cell("  "), new_code_cell("x + 1")]
    given = new_notebook(cells=cells, metadata={"kept": 1})
    result = box.run(given)
    nbformat.validate(result.notebook)
    assert [cell.get("execution_count") for cell in result.notebook.cells] == [None, 1, None, 2]
    assert outputs(result)[0].data == {"text/plain": "21"}
    assert outputs(result)[0].execution_count == 2
    assert result.notebook.metadata == {"kept": 1}
    assert (result.stopped, result.notes) == ("", [])
    assert [seconds > 0 for seconds in result.seconds] == [False, True, False, True]
    assert given.cells[1].execution_count is None, "the notebook that was given is not changed"


def test_outputs_that_the_notebook_brought_along_are_not_kept(box):
    forged = nbformat.v4.new_output("execute_result", {"text/plain": "5.0"})
    result = box.run(new_notebook(cells=[new_code_cell("None", outputs=[forged], execution_count=9)]))
    assert outputs(result) == []


def test_text_displays_and_results_keep_their_order(run):
    result = run("import sys\nprint('a')\nprint('b')\nprint('c', file=sys.stderr)\ndisplay('d')\nprint('e')\n'f'")
    kinds = [(o.output_type, o.get("name"), o.get("text") or o.data["text/plain"]) for o in outputs(result)]
    assert kinds == [("stream", "stdout", "a\nb\n"), ("stream", "stderr", "c\n"), ("display_data", None, "'d'"),
                     ("stream", "stdout", "e\n"), ("execute_result", None, "'f'")]


def test_a_semicolon_keeps_the_last_value_to_itself(run):
    assert outputs(run("5;")) == []


def test_text_of_subprocesses_is_kept(run, text):
    result = run("import os, subprocess, sys\nos.system('echo one')\nsubprocess.run(['echo', 'two'])\n"
                 "subprocess.run([sys.executable, '-c', 'import given; print(given.ANSWER)'])\n!echo three")
    assert text(result).split() == ["one", "two", "42", "three"]


def test_letters_of_several_bytes_survive_a_pipe_that_cuts_them(run, text):
    result = run("import os, time\nfor byte in '∂é'.encode(): os.write(1, bytes([byte])); time.sleep(0.02)")
    assert text(result) == "∂é"


@pytest.mark.parametrize("magic", ["%matplotlib inline", "pass"])
def test_a_figure_is_shown_after_its_cell_as_png(run, magic):
    result = run(f"{magic}\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);\nprint('first')")
    assert [o.output_type for o in outputs(result)] == ["stream", "display_data"]
    assert base64.b64decode(outputs(result)[1].data["image/png"]).startswith(b"\x89PNG")


def test_rich_displays_keep_their_types(run):
    result = run("from IPython.display import HTML, JSON, SVG, Markdown\n"
                 "display(HTML('<b>1</b>'), Markdown('*2*'), SVG('<svg/>'), JSON({'a': [1, None]}))")
    nbformat.validate(result.notebook)
    kinds = ["text/html", "text/markdown", "image/svg+xml", "application/json"]
    shown = [output.data[kind] for output, kind in zip(outputs(result), kinds, strict=True)]
    assert shown == ["<b>1</b>", "*2*", "<svg/>", {"a": [1, None]}]


def test_a_graph_is_drawn_by_the_graphviz_program_of_the_environment(run, text):
    if not Path(sys.executable).with_name("graphviz-pure").exists():
        pytest.skip("graphviz-pure is not installed beside this Python")
    result = run("import graphviz, pathlib, sys\nfrom graphviz.backend import dot_command\n"
                 "dot_command.DOT_BINARY = pathlib.Path(sys.executable).with_name('graphviz-pure')\n"
                 "graphviz.Source('digraph { a -> b }')")
    assert "<svg" in outputs(result)[0].data["image/svg+xml"], text(result)


def test_clear_output_and_update_display_change_what_was_shown(run, text):
    result = run("from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('kept')",
                 "print('old')\nclear_output(wait=True)\nprint('new')", "h = display('one', display_id=True)",
                 "h.update('two')")
    assert [text(result, i) for i in range(4)] == ["kept", "new", "'two'", ""]


def test_an_error_ends_its_cell_and_the_next_cell_goes_on(run, text):
    result = run("x = 1\n1/0", "x", "def", "x + 1", "%nonsense", "x + 2")
    assert [o.output_type for o in outputs(result, 0)] == ["error"]
    assert "----> 2 1/0" in "\n".join(outputs(result, 0)[0].traceback)
    assert text(result, 2).startswith("SyntaxError")
    assert "nonsense" in text(result, 4)
    assert [text(result, i) for i in (1, 3, 5)] == ["1", "2", "3"]
    assert result.stopped == ""


def test_an_error_whose_text_fails_is_an_error_all_the_same(run, text):
    result = run("class Odd(Exception):\n    def __str__(self): return 1/0\nraise Odd", "'next'")
    assert outputs(result, 0)[-1].output_type == "error"
    assert text(result) == "'next'"


@pytest.mark.parametrize("call", ["import sys; sys.exit(3)", "quit()", "exit()", "raise SystemExit"])
def test_leaving_a_cell_is_an_error_and_the_next_cell_goes_on(run, text, call):
    result = run(call, "'next'")
    assert outputs(result, 0)[0].ename == "SystemExit"
    assert text(result) == "'next'"


@pytest.mark.parametrize("call", ["input('name? ')", "import getpass; getpass.getpass()"])
def test_asking_for_input_fails_cleanly(run, text, call):
    result = run(call, "'next'")
    assert "Nobody can answer" in text(result, 0)
    assert text(result) == "'next'"


def test_a_cell_may_await(run, text):
    assert text(run("import asyncio\nawait asyncio.sleep(0.01, 'awaited')")) == "'awaited'"


def test_threads_and_forked_children_may_print(run, text):
    result = run("import multiprocessing, threading\ndef work(): print('hello')\n"
                 "t = threading.Thread(target=work); t.start(); t.join()\n"
                 "p = multiprocessing.get_context('fork').Process(target=work); p.start(); p.join()", "'next'")
    assert text(result, 0).split() == ["hello", "hello"]
    assert text(result) == "'next'"


def test_a_fork_that_returns_from_its_cell_does_not_run_the_next_one_twice(run, text):
    result = run("import os\nif os.fork(): os.wait()", "print('once')", "print('again')")
    assert [text(result, i) for i in (1, 2)] == ["once", "again"]


def test_packages_and_environment_are_where_they_should_be(run, text, package):
    result = run("import given; given.ANSWER", "import os; os.listdir()",
                 "import os; os.environ['MINIGRAD_GRADING'], os.environ['EXTRA']",
                 "import sys; sys.path[1], sys.argv, __name__", env={"EXTRA": "1"})
    assert [text(result, i) for i in range(4)] == [
        "42", "[]", "('{\"seed\": 7}', '1')", "('', [''], '__main__')"]


def test_files_can_be_written_in_the_work_folder_and_in_the_temporary_one(run, text):
    result = run("import pathlib, tempfile\npathlib.Path('f').write_text('x')\nf = tempfile.NamedTemporaryFile()\n"
                 "pathlib.Path('f').exists(), f.name.startswith(str(pathlib.Path.home().parent))")
    assert text(result) == "(True, True)"


def test_evidence_leaves_with_its_cell_and_is_not_shown(box, text):
    source = f"display({{{EVIDENCE!r}: {{'items': [1, 'a', None]}}, 'text/plain': 'sent'}}, raw=True)"
    result = box.run(new_notebook(cells=[new_markdown_cell("-"), new_code_cell("1"), new_code_cell(source)]))
    assert result.evidence == [Evidence(2, {"items": [1, "a", None]})]
    assert outputs(result)[0].data == {"text/plain": "sent"}


def test_evidence_that_was_sent_before_a_crash_is_kept(run):
    display = f"display({{{EVIDENCE!r}: {{'n': %d}}}}, raw=True)"
    result = run(display % 1, f"{display % 2}\nimport os; os._exit(3)", display % 3)
    assert [e.message["n"] for e in result.evidence] == [1, 2]


def test_the_same_notebook_draws_the_same_numbers_and_another_draws_others(run, text):
    draw = "import random, numpy as np; np.random.rand(), random.random(), hash('word')"
    first, again, other = text(run(draw)), text(run(draw)), text(run("1", draw))
    assert first == again
    assert first.split(",")[:2] != other.split(",")[:2]


def test_nothing_of_one_run_is_left_in_the_next(run, text):
    run("import numpy as np, given, os\nleft = 1; np.left = 1; given.ANSWER = 0\nos.environ['LEFT'] = '1'\n"
        "open('left', 'w').close(); open('/dev/shm/left', 'w').close()")
    result = run("import numpy as np, given, os\n'left' in globals(), hasattr(np, 'left'), given.ANSWER, "
                 "os.environ.get('LEFT'), os.listdir('.') + os.listdir('/dev/shm')")
    assert text(result) == "(False, False, 42, None, [])"


def test_several_threads_run_notebooks_at_once_and_each_gets_its_own(box, text):
    results: dict[int, str] = {}
    # Every notebook waits for a moment that all of them reach only if they run at the same time.
    source = "import time; began = time.time(); time.sleep(0.5); print({}, began)"

    def work(number: int) -> None:
        results[number] = text(box.run(new_notebook(cells=[new_code_cell(source.format(number))])))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: int(line.split()[0]) for number, line in results.items()} == {0: 0, 1: 1, 2: 2, 3: 3}
    began = [float(line.split()[1]) for line in results.values()]
    assert max(began) - min(began) < 0.5


def test_half_a_surrogate_pair_can_still_be_written_to_a_file(run, tmp_path: Path):
    result = run(f"print('\\ud800')\ndisplay({{{EVIDENCE!r}: ['\\udc00'], 'text/plain': '\\ud8ff'}}, raw=True)")
    nbformat.write(result.notebook, tmp_path / "out.ipynb")
    assert result.evidence[0].message == ["?"]

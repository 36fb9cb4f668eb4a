"""Hostile code, run from inside, reaches nothing. Each test really tries; what it looks for is really there outside."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import graders.sandbox
from graders.sandbox import Limits, Sandbox, SandboxError, Unprotected

pytestmark = pytest.mark.usefixtures("bubblewrap")

REPOSITORY = Path(graders.sandbox.__file__).parents[1]


@pytest.fixture
def readable() -> Iterator[Path]:
    """A temporary folder that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def ask(run, text, code: str, **options):
    """What `code` leaves in `answer`, from inside."""
    result = run(f"import ctypes, json, os, socket, subprocess, sys\n{code}\nprint(json.dumps(answer))", **options)
    return json.loads(text(result))


TRY = """
answer = []
for path in {paths!r}:
    try:
        answer.append([path, os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(9).hex()])
    except OSError:
        pass
"""


def test_it_is_not_root_has_no_rights_and_can_gain_none(run, text):
    answer = ask(run, text, """
status = dict(line.split(':\\t', 1) for line in open('/proc/self/status').read().splitlines() if ':\\t' in line)
answer = {k: v.strip() for k, v in status.items()}
answer['su'] = subprocess.run(['su', '-c', 'id'], capture_output=True).returncode
try: os.setuid(0)
except OSError: pass
answer['uid'] = os.getuid()
""")
    assert answer["uid"] != 0
    assert "0" not in answer["Uid"].split() + answer["Gid"].split() + answer["Groups"].split()
    assert {answer[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert (answer["NoNewPrivs"], answer["Seccomp"]) == ("1", "2")
    assert answer["su"] != 0


def test_home_repository_solutions_and_system_secrets_cannot_be_read(run, text, tmp_path):
    gradebook = tmp_path / "gradebook.db"
    gradebook.write_text("scores")
    gradebook.chmod(0o666)
    paths = [gradebook, tmp_path, Path.home() / ".bashrc", Path.home() / ".ssh", REPOSITORY / "graders",
             REPOSITORY / "minigrad", REPOSITORY / "solutions", REPOSITORY / ".git", "/etc/shadow", "/etc/passwd",
             "/home", "/var", "/run", "/mnt", "/opt/secret", "/proc/1/root/etc/shadow", "/sys", "/boot"]
    assert ask(run, text, TRY.format(paths=[*map(str, paths)])) == []
    assert gradebook.read_text() == "scores"


def test_no_folder_shows_more_than_python_and_the_packages(run, text):
    found = ask(run, text, "answer = sorted(os.listdir('/'))")
    assert {"packages", "proc", "dev", "sandbox", "usr"} <= set(found)
    assert set(found) <= {"packages", "proc", "dev", "sandbox", "usr", "bin", "sbin", "lib", "lib32", "lib64", "etc",
                          "nix", "gnu", *(Path(p).parts[1] for p in (sys.prefix, sys.base_prefix, nbformat.__file__))}
    assert ask(run, text, "answer = sorted(os.listdir('/packages'))") == ["0", "inside"]
    assert set(ask(run, text, "answer = os.listdir('/etc')")) <= {"alternatives", "fonts", "ld.so.cache"}


def test_the_full_packages_and_other_engines_cannot_be_imported(run, text):
    answer = ask(run, text, """
answer = []
for name in ['minigrad.rules', 'graders.judge', 'nbgrader.api', 'torch.autograd', 'jax.numpy', 'autograd.numpy']:
    try: __import__(name); answer.append(name)
    except ImportError: pass
""")
    assert answer == []


def test_the_environment_holds_nothing_of_the_instructors(run, text, monkeypatch):
    answer = ask(run, text, "answer = sorted(os.environ)")
    assert set(answer) <= {"PATH", "LANG", "PYTHONPATH", "PYTHONHASHSEED", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS",
                           "MKL_NUM_THREADS", "HOME", "TMPDIR", "IPYTHONDIR", "MPLCONFIGDIR", "MPLBACKEND", "PWD",
                           "PYTHONDONTWRITEBYTECODE", "MINIGRAD_GRADING", "LC_CTYPE"}


def test_the_name_of_the_machine_is_not_told(run, text):
    assert ask(run, text, "answer = socket.gethostname()") == "sandbox" != socket.gethostname()


def test_it_sees_no_process_but_its_own(run, text):
    answer = ask(run, text, """
child = subprocess.Popen(['sleep', '9'])
answer = [sorted(int(n) for n in os.listdir('/proc') if n.isdigit()) == [1, child.pid], os.getppid()]
""")
    assert answer == [True, 0]


def test_it_cannot_kill_or_trace_what_watches_it(run, text):
    result = run("""
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
failed = 0
for pid in [0, -1, *range(2, 400)]:
    try:
        if pid > 1: os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        failed += 1
    if pid > 1 and libc.ptrace(16, pid, 0, 0) != -1:
        print('traced', pid)
print(failed)
""", "'alive'")
    assert text(result, 0) == "398"
    assert text(result) == "'alive'"


def test_the_network_is_out_of_reach(run, text):
    name = f"\0minigrad-{os.getpid()}"
    with socket.create_server(("0.0.0.0", 0)) as server, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(name)
        unix.listen()
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()  # from outside it does answer
        answer = ask(run, text, f"""
answer = []
own = {socket.gethostbyname(socket.gethostname())!r}
for family, address in [(2, ('127.0.0.1', {port})), (2, (own, {port})), (1, {name!r}), (2, ('1.1.1.1', 53))]:
    s = socket.socket(family); s.settimeout(1)
    try: s.connect(address); answer.append(address)
    except OSError: pass
try: answer.append(socket.getaddrinfo('example.org', 80))
except OSError: pass
answer += [i for i in os.listdir('/proc/net') if i == 'none'] + [n for _, n in socket.if_nameindex() if n != 'lo']
""")
    assert [a for a in answer if a not in ("tunl0", "sit0", "gre0", "ip6tnl0")] == []


def test_nothing_can_be_written_outside_of_the_work_folder(run, text):
    places = ["/", "/dev", "/dev/pts", "/usr", "/usr/bin", "/etc", "/packages", "/packages/0", "/tmp", "/var/tmp",
              "/proc", "/proc/sys/kernel", sys.prefix, os.path.dirname(os.__file__)]
    answer = ask(run, text, f"""
answer = []
for place in {places!r}:
    try: open(place + '/planted', 'w'); answer.append(place)
    except OSError: pass
for path in ['/packages/0/given.py', sys.executable, '/proc/sys/user/max_user_namespaces', '/proc/sysrq-trigger',
             '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname']:
    try: open(path, 'r+').write('1'); answer.append(path)
    except OSError: pass
""")
    assert answer == []


def test_the_refused_system_calls_are_refused(run, text):
    answer = ask(run, text, """
libc = ctypes.CDLL(None, use_errno=True)
answer = [libc.unshare(0x10000000), libc.unshare(0x20000), libc.mount(b'x', b'/sandbox', b'tmpfs', 0, b''),
          libc.memfd_create(b'x', 0), libc.shmget(0, 4096, 0o1600), libc.syscall(425, 1, 0), libc.syscall(321, 0, 0, 0),
          libc.ptrace(0, 0, 0, 0), libc.setns(0, 0), libc.umount2(b'/sandbox', 2), libc.syscall(250, 0, -3, 0),
          libc.chroot(b'.')] if os.uname().machine == 'x86_64' else [-1]
""")
    assert set(answer) == {-1}


def test_a_new_user_namespace_by_clone_is_refused_too(run, text):
    """clone() is not filtered, for fork uses it; the namespace limit is what refuses here."""
    answer = ask(run, text, "libc = ctypes.CDLL(None); answer = libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)\n"
                            "if answer == 0: os._exit(0)" if os.uname().machine == "x86_64" else "answer = -1")
    assert answer == -1


def test_the_only_open_descriptors_are_its_own_line_and_plain_text(run, text):
    answer = ask(run, text, """
answer = []
for n in range(256):
    try: answer.append(os.readlink(f'/proc/self/fd/{n}').split(':')[0])
    except OSError: pass
""")
    assert sorted(a for a in answer if a != "/dev/null") == ["pipe", "pipe", "socket"]
    assert answer.count("socket") == 1


def test_a_subprocess_does_not_get_the_line_to_the_grader(run, text):
    answer = ask(run, text, """
code = "import os; print(len(os.listdir('/proc/self/fd')))"
answer = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, close_fds=False).stdout
""")
    assert answer == "4\n"  # 0, 1, 2 and the listing itself


def test_another_notebooks_files_and_secrets_are_not_there_even_at_the_same_time(box, text):
    writing = new_notebook(cells=[new_code_cell(
        "import time\nfor f in ('mine', '/dev/shm/mine', '/sandbox/tmp/mine'): open(f, 'w').write('SECRET-OF-A')\n"
        "time.sleep(1.3)")])
    thread = threading.Thread(target=box.run, args=(writing,), kwargs={"env": {"ANSWER": "SECRET-OF-A"}})
    thread.start()
    time.sleep(0.6)
    looking = new_notebook(cells=[new_code_cell("""
import ctypes, os, re
secret = re.compile(b'SECRET[-]OF[-](\\w)')  # never the text itself, which would find itself
own = bytearray(b'SECRET-OF-') + b'B'
print([os.path.join(r, f) for top in ('/sandbox', '/dev/shm') for r, _, fs in os.walk(top) for f in fs])
found = set()
for line in open('/proc/self/maps'):
    low, high = (int(n, 16) for n in line.split()[0].split('-'))
    if ' rw-p ' in line:
        for start in range(low, high, 1 << 20):
            found |= set(secret.findall(ctypes.string_at(start, min(1 << 20, high - start))))
print(sorted(found))
""")])
    result = box.run(looking)
    thread.join()
    assert text(result).split("\n") == ["[]", "[b'B']"]


def test_processes_left_behind_die_with_their_notebook(run, text):
    mark = f"left-behind-{os.getpid()}"
    code = f"import time; time.sleep(99) # {mark}"
    result = run(f"import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', {code!r}], "
                 "start_new_session=True)", "import time; time.sleep(0.2); child.poll()", "'running'")
    assert [text(result, i) for i in (1, 2)] == ["", "'running'"]
    assert alive(mark) == []


def alive(mark: str) -> list[str]:
    """The processes of this machine with `mark` in their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            if mark in command:
                found.append(command)
    return found


def test_nothing_of_the_notebook_runs_as_root_seen_from_outside(box):
    sleeping = new_notebook(cells=[new_code_cell("import subprocess; subprocess.run(['sleep', '1.2345'])")])
    thread = threading.Thread(target=box.run, args=(sleeping,))
    thread.start()
    time.sleep(0.8)
    users = [folder.stat().st_uid for folder in Path("/proc").iterdir()
             if folder.name.isdigit() and b"1.2345" in (folder / "cmdline").read_bytes()]
    thread.join()
    assert len(users) == 1
    if os.getuid() == 0:
        assert users[0] != 0
    else:
        assert users[0] == os.getuid()


def test_the_self_test_passes_here(box):
    box.self_test()


def test_hidden_folders_are_empty_inside(text, tmp_path_factory):
    """Even where they lie within something that Python needs, as a course below a conda prefix would."""
    inner = Path(sys.prefix, "share")
    if not inner.is_dir() or not os.listdir(inner):
        pytest.skip("this environment has no share folder to hide")
    with Sandbox(Limits(), hidden=[inner], preload=()) as box:
        result = box.run(new_notebook(cells=[new_code_cell(f"import os; os.listdir({str(inner)!r})")]))
    assert text(result) == "[]"


WALLS = {  # in sandbox.py or supervise.py: (what makes the wall, what to put there instead, the hole to be named)
    "one": [("jail.drop()", "pass", "it has capabilities"),
            ('words += ["--ro-bind", ', 'words += ["--ro-bind", "/etc", "/etc", "--ro-bind", ', "it can read /etc/p"),
            ("jail.limits(", "print(", "its processes are not limited")],
    "two": [('jail.mounts(self.work, self.limits["file_bytes"])', "pass", "it sees other processes"),
            ('"--remount-ro", place]', '"--setenv", "A", "B"]', "it can write in /dev")],
}


@pytest.mark.parametrize("walls", WALLS.values(), ids=WALLS)
def test_the_self_test_finds_holes_that_are_made_on_purpose(tmp_path, walls):
    """Run a copy of the sandbox from which walls were taken; it must refuse to grade and name the holes."""
    copy = tmp_path / "graders"
    (copy / "inside").mkdir(parents=True)
    (copy / "__init__.py").touch()
    for file in (REPOSITORY / "graders" / "sandbox.py", *(REPOSITORY / "graders" / "inside").glob("*.py")):
        source = file.read_text()
        for wall, instead, _ in walls:
            source = source.replace(wall, instead)
        (copy / file.relative_to(REPOSITORY / "graders")).write_text(source)
    program = "from graders.sandbox import *\nwith Sandbox(Limits(processes=12), preload=()): print('graded')"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "graded" not in done.stdout
    assert "Unprotected" in done.stderr
    for _, _, hole in walls:
        assert hole in done.stderr


def test_closing_the_sandbox_ends_a_run_and_everything_in_it(package, run):
    mark = f"closing-{os.getpid()}"
    caught = []

    def work(box: Sandbox) -> None:
        try:
            box.run(new_notebook(cells=[new_code_cell(f"!sleep 30 # {mark}")]))
        except SandboxError as error:
            caught.append(error)

    with Sandbox(Limits(), preload=()) as box:
        thread = threading.Thread(target=work, args=(box,))
        thread.start()
        while not alive(mark):
            time.sleep(0.05)
    thread.join(10)
    assert len(caught) == 1
    assert alive(mark) == []


def test_killing_the_grader_ends_the_sandbox_and_everything_in_it(readable):
    mark = f"orphan-{os.getpid()}"
    program = ("from graders.sandbox import *; from nbformat.v4 import *\nwith Sandbox(preload=()) as box:\n"
               f"  box.run(new_notebook(cells=[new_code_cell('!sleep 30 # {mark}')]))")
    grader = subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY,
                              env={**os.environ, "TMPDIR": str(readable)})
    while not any("sleep 30" in line and "import" not in line for line in alive(mark)):
        time.sleep(0.05)
        assert grader.poll() is None
    grader.kill()
    grader.wait()
    until = time.monotonic() + 5
    while alive(mark) and time.monotonic() < until:
        time.sleep(0.05)
    assert alive(mark) == []


def test_a_sandbox_outlives_the_thread_that_opened_it(text):
    made = []
    thread = threading.Thread(target=lambda: made.append(Sandbox(preload=()).__enter__()))
    thread.start()
    thread.join()
    time.sleep(0.2)
    try:
        assert text(made[0].run(new_notebook(cells=[new_code_cell("1 + 1")]))) == "2"
    finally:
        made[0].close()


def test_without_bubblewrap_it_refuses_and_says_what_to_do(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(Unprotected, match=r"(?s)bubblewrap.*--unsafe"), Sandbox():
        pass


def test_a_bubblewrap_that_may_not_make_namespaces_is_reported_in_its_own_words(monkeypatch, readable):
    broken = readable / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(broken))
    with pytest.raises(Unprotected, match=r"(?s)uid map: Permission denied.*apparmor_restrict"), Sandbox():
        pass

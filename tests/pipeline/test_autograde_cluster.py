"""`python -m graders autograde --executor dask` on a real scheduler and two real workers that share no folder with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from test_autograde import CHAPTER, blank, command, grade, needs_bubblewrap, rows, undisturbed, wait_for  # noqa: F401

from graders.bundle import ROOT

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
pytestmark = [pytest.mark.slow, needs_bubblewrap]


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory) -> Iterator[str]:
    """The address of a scheduler with two workers, in a folder of their own."""
    folder = tmp_path_factory.mktemp("cluster")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    dask = [sys.executable, "-m", "dask"]
    log = (folder / "log").open("w")
    processes = [subprocess.Popen([*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                                   "--scheduler-file", "here.json"], cwd=folder, env=env, stdout=log, stderr=log)]
    try:
        wait_for((folder / "here.json").exists, processes[0])
        for number in range(2):
            processes.append(subprocess.Popen(
                [*dask, "worker", "--scheduler-file", "here.json", "--nthreads", "1", "--no-dashboard", "--name", str(number)],
                cwd=folder, env=env, stdout=log, stderr=log))
        with distributed.Client(scheduler_file=str(folder / "here.json")) as client:
            client.wait_for_workers(2, timeout=60)
            yield client.scheduler.address
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(30)


def test_a_cluster_gives_the_same_gradebook_and_both_workers_take_part(undisturbed, tmp_path, scheduler):  # noqa: F811
    course = shutil.copytree(undisturbed.with_name("twelve"), tmp_path / "course")
    with distributed.Client(scheduler) as client:
        client.get_task_stream()  # from now on the scheduler notes who does what
        done = grade(course, "--executor=dask", f"--scheduler={scheduler}")
        assert done.returncode == 0, done.stderr
        assert len({task["worker"] for task in client.get_task_stream() if task["key"].startswith("grade")}) == 2
    assert rows(course) == rows(undisturbed)


def test_a_worker_that_is_lost_costs_nobody_a_grade(undisturbed, tmp_path, scheduler):  # noqa: F811
    course = shutil.copytree(undisturbed.with_name("twelve"), tmp_path / "course")
    with distributed.Client(scheduler) as client:
        process = subprocess.Popen(command(course, "--executor=dask", f"--scheduler={scheduler}"), cwd=ROOT, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for(lambda: any(client.processing().values()), process)
        pids = client.run(os.getpid)
        time.sleep(1)
        os.kill(next(iter(pids.values())), 9)  # its nanny starts another
        _, said = process.communicate()
    assert process.returncode == 0, said
    assert rows(course) == rows(undisturbed)


def test_an_address_without_a_scheduler_says_so(undisturbed, monkeypatch, capsys, tmp_path):  # noqa: F811
    from graders import autograde
    from graders.__main__ import main

    monkeypatch.setattr(autograde, "TOGETHER_SECONDS", 2)
    course = shutil.copytree(undisturbed.with_name("twelve"), tmp_path / "course")
    arguments = ["autograde", CHAPTER, f"--course-dir={course}", "--executor=dask"]
    assert main([*arguments, "--scheduler=tcp://127.0.0.1:1"]) == 1
    assert "No Dask scheduler with a worker answers at tcp://127.0.0.1:1" in capsys.readouterr().err
    assert main(arguments) == 1
    assert "needs the address of the cluster" in capsys.readouterr().err



"""`python -m benchmarks`: every workload for every peer, interleaved, and the medians of the ratios.

The peers take turns within each round, so that a machine that slows down slows all of them. Time is the process's own
CPU time on one thread. Writes a table (Markdown) and a plot into the folder given with -o.
"""

from __future__ import annotations

import os

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_threads] = "1"  # before NumPy is imported

import argparse  # noqa: E402
import gc  # noqa: E402
import importlib.util  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

from benchmarks.workloads import BOUNDS, ELEMENTWISE, GROWING, WORKLOADS, Run  # noqa: E402

IMPORT_TIME, NODE_BYTES = "import, against NumPy's own", "bytes per node of the chain"
IMPORT_MEMORY = "memory that the import adds to NumPy's"


def available(peer: str) -> bool:
    """Whether the peer is installed."""
    return importlib.util.find_spec(peer) is not None


def timed(run: Run) -> float:
    """CPU seconds of one run, without the garbage of the one before."""
    gc.collect()
    start = time.process_time()
    run()
    return time.process_time() - start


def measure(title: str, rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each round for each installed peer. ValueError where two peers computed something else."""
    runs = {peer: make() for peer, make in WORKLOADS[title].items() if available(peer)}
    results = {peer: run() for peer, run in runs.items()}
    for peer, result in results.items():
        if not np.isclose(result, results["minigrad"], rtol=1e-2):
            raise ValueError(f"{title}: {peer} computed {result}, minigrad {results['minigrad']}")
    times: dict[str, list[float]] = {peer: [] for peer in runs}
    gc.freeze()  # the collector looks at what the workloads make, not at all that the peers have imported
    for _ in range(rounds):
        for peer, run in runs.items():
            times[peer].append(timed(run))
    return times


def in_new_process(code: str) -> float:
    """The number that `code` prints, in a process that may keep compiled modules: the first import writes them."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", "import minigrad"], env=env, check=True)
    return float(subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout)


def import_ratio(rounds: int) -> float:
    """The time to import minigrad as a multiple of the time to import NumPy, each in a new process."""
    def once(module: str) -> float:
        return in_new_process(f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)")

    return statistics.median([once("minigrad") / once("numpy") for _ in range(rounds)])


def node_bytes(n: int = 10_000) -> float:
    """Memory that one recorded operation of the chain keeps, in bytes."""
    import tracemalloc

    import minigrad

    y = minigrad.ones(1, requires_grad=True)
    y = y * 1.0001 + 0.0001
    tracemalloc.start()
    for _ in range(n):
        y = y * 1.0001 + 0.0001
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / (2 * n)


def peak_ratio() -> float:
    """The most memory that the elementwise operations need, as a multiple of what plain NumPy needs for them."""
    import tracemalloc

    peaks = {}
    for peer in ("minigrad", "numpy"):
        run = WORKLOADS[ELEMENTWISE][peer]()
        gc.collect()
        tracemalloc.start()
        run()
        peaks[peer] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peaks["minigrad"] / peaks["numpy"]


def growth(program: Callable[[Any, int], Run], rounds: int) -> float:
    """Time of a program of 20,000 steps over twice its time for 10,000: 1 where time grows with the steps alone."""
    import minigrad

    short, long = program(minigrad, 10_000), program(minigrad, 20_000)
    return statistics.median([timed(long) / timed(short) / 2 for _ in range(rounds)])


def import_megabytes() -> float:
    """What importing minigrad adds to the memory of a process that has imported NumPy. Linux only."""
    code = ("import os, numpy; held = lambda: int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE'); "
            "before = held(); import minigrad; print((held() - before) / 2**20)")
    return in_new_process(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write table.md and ratios.png."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("-n", "--rounds", type=int, default=9)
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("only", nargs="*", help="words of the titles to measure; all without")
    options = parser.parse_args(arguments)
    rows: list[tuple[str, str, float, float | None]] = []
    for title in WORKLOADS:
        if options.only and not any(word in title for word in options.only):
            continue
        times = measure(title, options.rounds)
        for peer in times:
            if peer != "minigrad":
                ratios = [a / b for a, b in zip(times["minigrad"], times[peer], strict=True)]
                rows.append((title, peer, statistics.median(ratios), BOUNDS[title].get(peer)))
                print(line(*rows[-1]), flush=True)
    if not options.only:
        rows.append((IMPORT_TIME, "numpy", import_ratio(options.rounds), 1.15))
        rows.append((IMPORT_MEMORY, "limit 4 MB", import_megabytes() / 4, 1.0))
        rows.append((NODE_BYTES, "limit 300", node_bytes() / 300, 1.0))
        rows.append((f"peak memory of the {ELEMENTWISE}", "numpy", peak_ratio(), 1.1))
        for title, program in GROWING.items():
            rows.append((f"growth of: {title}", "2x shorter", growth(program, options.rounds), 1.25))
        print("\n".join([line(*row) for row in rows[-4 - len(GROWING):]]))
    options.output.mkdir(parents=True, exist_ok=True)
    head = "| workload | minigrad's time as a multiple of | ratio | at most | |\n|---|---|---|---|---|\n"
    (options.output / "table.md").write_text(head + "\n".join([line(*row) for row in rows]) + "\n", encoding="utf-8")
    plot(rows, options.output / "ratios.png")
    print(f"written: {options.output}/table.md and ratios.png")
    return 0


def line(title: str, peer: str, ratio: float, bound: float | None) -> str:
    """One row of the table."""
    verdict = "" if bound is None else "✓" if ratio <= bound else "✗"
    return f"| {title} | {peer} | {ratio:.2f} | {'' if bound is None else bound} | {verdict} |"


def plot(rows: list[tuple[str, str, float, float | None]], file: Path) -> None:
    """A bar for each ratio, and a mark for each bound."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 0.4 * len(rows) + 1))
    places = range(len(rows))
    axes.barh(places, [ratio for _, _, ratio, _ in rows], color="#4c78a8")
    for place, (_, _, _, bound) in zip(places, rows, strict=True):
        if bound is not None:
            axes.plot([bound, bound], [place - 0.4, place + 0.4], color="#e45756", linewidth=3)
    axes.set_yticks(places, [f"{title} / {peer}" for title, peer, _, _ in rows], fontsize=7)
    axes.axvline(1, color="black", linewidth=0.5)
    axes.set_xscale("log")
    axes.set_xlabel("minigrad's time as a multiple of the peer's (less is faster; red: the bound)")
    axes.invert_yaxis()
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())

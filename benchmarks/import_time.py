"""How long does `import convkit` take above Python's own start, and the command's first answer?

Each round starts fresh processes in turns: Python alone, Python that imports convkit, and the
calculator of the command; the figures are medians of paired differences. The promise is under 60 ms
for the import. A first round, which fills the disk's cache and writes bytecode, is not counted. On
a busy machine read the processor's time.

    python benchmarks/import_time.py [--quick]
"""

from __future__ import annotations

import argparse
import platform
import resource
import statistics
import subprocess
import sys
import time
from os import cpu_count

from convkit._tables import Table

PROMISE = 60.0  # ms
PYTHON = "Python alone"
PROGRAMS = {
    PYTHON: ["-c", "pass"],
    "import convkit": ["-c", "import convkit"],
    "import convkit.shapes": ["-c", "import convkit.shapes"],
    "convkit shapes --json": [
        *("-m", "convkit.cli", "shapes", "conv 8 k5, maxpool 2", "--input", "3,32,32", "--json")
    ],
}


def milliseconds(arguments: list[str]) -> tuple[float, float]:
    """From the start of a process to its end, and how long the processor worked for it."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(  # noqa: S603 - our own programs in our own interpreter
        [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL
    )
    spent, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1000 * spent, 1000 * worked


def main() -> int:
    """Measure, print the table, and fail where the promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 7 if parser.parse_args().quick else 41
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
    for number in range(rounds + 1):
        for name, arguments in PROGRAMS.items():
            spent = milliseconds(arguments)
            if number:
                measured[name].append(spent)
    rows = [(name, *(f"{value:.1f}" for value in above(measured, name))) for name in PROGRAMS]
    header = ("fresh process", "ms", "ms above Python", "processor ms above Python")
    print(Table(header, tuple(rows)).to_markdown())
    machine = f"{platform.processor() or platform.machine()}, {cpu_count()} cores"
    print(f"\n{machine}; Python {platform.python_version()}, {rounds} rounds")
    kept = above(measured, "import convkit")[1] < PROMISE
    print(f"the import stays under {PROMISE:g} ms: {'yes' if kept else 'NO'}")
    return 0 if kept else 1


def above(measured: dict[str, list[tuple[float, float]]], name: str) -> tuple[float, float, float]:
    """The median time, and the median differences from Python alone in the same round."""
    pairs = list(zip(measured[name], measured[PYTHON], strict=True))
    return (
        statistics.median(one[0] for one, _ in pairs),
        statistics.median(one[0] - alone[0] for one, alone in pairs),
        statistics.median(one[1] - alone[1] for one, alone in pairs),
    )


if __name__ == "__main__":
    sys.exit(main())

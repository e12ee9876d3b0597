"""How long does `import convkit` take above Python's own start, and the command's first answer?

Each round starts fresh processes in turns: Python alone, Python that imports convkit, and the
calculator of the command; the figures are medians of paired differences. The promise is under 60 ms
for the import. A first round, which fills the disk's cache and writes bytecode, is not counted.

    python benchmarks/import_time.py [--quick]
"""

from __future__ import annotations

import argparse
import platform
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


def milliseconds(arguments: list[str]) -> float:
    """From the start of a process to its end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - start)


def main() -> int:
    """Measure, print the table, and fail where the promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 7 if parser.parse_args().quick else 41
    measured: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for number in range(rounds + 1):
        for name, arguments in PROGRAMS.items():
            spent = milliseconds(arguments)
            if number:
                measured[name].append(spent)
    above = {
        name: [spent - alone for spent, alone in zip(values, measured[PYTHON], strict=True)]
        for name, values in measured.items()
    }
    rows = [
        (name, f"{statistics.median(measured[name]):.1f}", f"{statistics.median(values):.1f}")
        for name, values in above.items()
    ]
    print(Table(("fresh process", "ms", "ms above Python"), tuple(rows)).to_markdown())
    machine = f"{platform.processor() or platform.machine()}, {cpu_count()} cores"
    print(f"\n{machine}; Python {platform.python_version()}, {rounds} rounds")
    kept = statistics.median(above["import convkit"]) < PROMISE
    print(f"the import stays under {PROMISE:g} ms: {'yes' if kept else 'NO'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

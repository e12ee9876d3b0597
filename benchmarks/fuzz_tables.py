"""Damaged tables: each must end in an architecture or in convkit's own error, fast and harmless.

Tables of every dialect are mutated at random: characters, cells and rows are dropped, doubled,
swapped and replaced by hostile ones. Every result must be an `Architecture`, or a `TableError` or
`ArchitectureError` that names a row, in less than a second and 200 MB, and Python's audit hooks
must see no file opened, no process started, no network touched and nothing compiled or unpickled.

    python benchmarks/fuzz_tables.py            50,000 tables
    python benchmarks/fuzz_tables.py --quick     2,000 tables
"""

from __future__ import annotations

import argparse
import collections
import platform
import random
import re
import sys
import time
import tracemalloc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from convkit.architecture import Architecture
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 1.0
MEGABYTES = 200
# What a reader of text never does; "exec", "compile" and "import" are Python's own events.
FORBIDDEN = (
    "open", "os.", "shutil.", "subprocess.", "socket.", "urllib.", "ftplib.", "http.", "smtplib.",
    "exec", "compile", "pickle.", "marshal.", "ctypes.", "tempfile.", "glob.", "sqlite3.",
    "import", "webbrowser.", "builtins.input", "code.__new__", "mmap.", "pty.", "pathlib.",
)  # fmt: skip

SEEDS = (
    (
        "conv 32 k5 p2 relu, maxpool 2, conv 64 k5 p2 bn relu, maxpool 2, flatten, linear 64 tanh "
        "dropout 0.1, linear 10"
    ),
    (
        "residual (conv 64 k3 p1 bn relu, conv 64 k3 p1 bn) shortcut=(conv 64 k1), repeat 3 (conv 8 "  # noqa: E501 - a written table, as it stands
        "k3x5 d2, leaky_relu 0.2), global average pool, flatten, linear 10 name=head"
    ),
    "64 64 M 128 128 M (k3 p1 relu), flatten, linear 4096, 512, 10",
    "Conv2D(F=32,K=5,S=1,P=2), MaxPool(K=2,S=2), conv3-64, Fully-Connected(2048 -> 64), FC-500",
    (
        "| # | Layer | Filters | Kernel | Stride | Padding | Activation | Output size | Params |\n"
        "|---|:--|--:|---|---|---|---|---|---|\n"
        "| 0 | Input | - | - | - | - | - | 3*128*128 | |\n"
        "| 1 | Conv2d, ReLU | 32 | 5×5 | 1 | ? | | 32*128*128 | 2,432 |\n"
        "| 1 | **MaxPool** | | 2x2 | 2 | 0 Padding | - | 32*64*64 | 0 |\n"
        "| 2 | 3x3x64 /2 | | | | 1 | ReLU | 64*32*32 | |\n"
        "| 3 | Fully-Connected | 10 | | | | Softmax | 10 | |\n"
        "| | Total | | | | | | | **1.2M** |\n"
    ),
    (
        "layer,filters,kernel,stride,padding,add. info\nconv,8,5,1,0,relu\nmaxpool,,2,2,,\n"
        '"conv, relu",16,"(3, 5)",2,same,x2\nflatten,,,,,\nlinear,10,,,,softmax\n'
    ),
    "Layer\tFilters\tKernel\tOutput\nconv\t8\t5\t8x124x124\npool\t\t2\t8x62x62\nlinear\t10\t\t10\n",
    (
        "\\begin{tabular}{l|c|r}\n\\hline\n\\textbf{Layer} & Filters & Kernel & Output \\\\ \\hline\n"  # noqa: E501 - a written table, as it stands
        "Conv2D + ReLU & 32 & $5\\times5$ & $32 \\times 28 \\times 28$ \\\\\n"
        "\\multicolumn{2}{l}{Max pool} & $2\\times 2$ & $32\\times14\\times14$ \\\\\n"
        "Flatten & -- & -- & 6{,}272 \\\\[2pt]\nLinear & 10 & & 10 \\\\ \\hline\n\\end{tabular}\n"
    ),
    (
        "Layer (type)                 Output Shape              Param #\n"
        "=================================================================\n"
        "conv2d (Conv2D)              (None, 26, 26, 32)        320\n"
        "max_pooling2d (MaxPooling2D) (None, 13, 13, 32)        0\n"
        "dense (Dense)                (None, 10)                54090\n"
        "=================================================================\nTotal params: 54,410\n"
    ),
    (
        "┏━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━┓\n"
        "┃ Layer (type)     ┃ Output Shape ┃ Param # ┃\n"
        "┡━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━┩\n"
        "│ conv2d (Conv2D)  │ (None, 26,   │     320 │\n"
        "│                  │ 26, 32)      │         │\n"
        "├──────────────────┼──────────────┼─────────┤\n"
        "│ norm             │ (None, 26,   │     128 │\n"
        "│ (BatchNormalization) │ 26, 32)  │         │\n"
        "├──────────────────┼──────────────┼─────────┤\n"
        "│ dense (Dense)    │ (None, 10)   │   6,770 │\n"
        "└──────────────────┴──────────────┴─────────┘\n Total params: 7,218 (28.20 KB)\n"
    ),
    (
        "==========================================================\n"
        "Layer (type:depth-idx)        Output Shape         Param #\n"
        "==========================================================\n"
        "Net                           [64, 10]             --\n"
        "├─Sequential: 1-1             [64, 16, 15, 15]     --\n"
        "│    └─Conv2d (conv): 2-1     [64, 16, 30, 30]     448\n"
        "│    └─MaxPool2d: 2-2         [64, 16, 15, 15]     --\n"
        "├─Flatten: 1-2                [64, 3600]           --\n"
        "├─Linear: 1-3                 [64, 10]             36,010\n"
        "==========================================================\nTotal params: 36,458\n"
    ),
    (
        "Sequential(\n  (0): Conv2d(3, 64, kernel_size=(11, 11), stride=(4, 4), padding=(2, 2))\n"
        "  (1): ReLU(inplace=True)\n  (2): MaxPool2d(kernel_size=3, stride=2)\n)\n"
    ),
)
HOSTILE = (
    "999999999999999999999", "0", "-1", "1e999", "NaN", "inf", "0x10", "__import__('os')", "(",
    "((((((((((((((((((((", ")", "[", "|", "||||", "&", "\\\\", "\\", "\x00", "\x1b[2J", "\u202e",
    "\u00a0", "\u200b", "\n", "\r", "\t", "×", "→", "->", "?", "x2", "x999999", "repeat 9999 (",
    "residual (", "🙂", "é", "conv", "relu", "k5", "p2", "=", "==", "{", "}", "{{", "%s", "{0}",
    "5x5x5x5x5", "3x", "x", '"', "'", '"""', ",", ",,,,", ";", "1" * 400, "9" * 30, "a" * 3000,
    "( " * 300, "\\begin{tabular}{l}", "\\end{tabular}", "\\multicolumn{99999}{c}{", "$", "--", "*",
    "**", "`rm -rf /`", "<br>", "&nbsp;", "&#x41;", "../../etc/passwd", "=cmd|'/c calc'!A0", "M",
    "total", "input", "custom", "none", "true", "0.5", "50%", "/0", "/2", "2 2 2 2", "64@5x5",
    "conv3-64", "FC-500", "1,234,567", "1.2.3", "softmax", "65536x65536", "1000000000",
)  # fmt: skip


@dataclass
class Tally:
    """How the tables ended."""

    read: int = 0
    refused: int = 0
    slowest: float = 0.0
    largest: float = 0.0
    faults: list[str] = field(default_factory=list)
    messages: collections.Counter[str] = field(default_factory=collections.Counter)


class Watch:
    """An audit hook that can be switched on while a table is read; hooks cannot be taken off."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.on and event.startswith(FORBIDDEN):
            self.seen.append(f"{event} {arguments!r:.80}")


def mutated_tables(count: int, seed: int = 0) -> Iterator[str]:
    """Damaged tables, the same for the same seed."""
    random_number = random.Random(seed)
    for _ in range(count):
        text = random_number.choice(SEEDS)
        for _ in range(random_number.choice((1, 1, 1, 2, 3, 5, 10))):
            text = random_number.choice(MUTATIONS)(text, random_number)
        yield text


def _place(text: str, random_number: random.Random) -> int:
    return random_number.randrange(len(text) + 1)


def _insert(text: str, random_number: random.Random) -> str:
    at = _place(text, random_number)
    return text[:at] + random_number.choice(HOSTILE) + text[at:]


def _delete(text: str, random_number: random.Random) -> str:
    at = _place(text, random_number)
    return text[:at] + text[at + random_number.choice((1, 1, 2, 5, 20)) :]


def _swap_lines(text: str, random_number: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    random_number.shuffle(lines)
    return "".join(lines)


def _double(text: str, random_number: random.Random) -> str:
    at, length = _place(text, random_number), random_number.choice((1, 5, 40))
    return text[:at] + text[at : at + length] * random_number.choice((2, 3, 50)) + text[at:]


def _replace_number(text: str, random_number: random.Random) -> str:
    numbers = list(re.finditer(r"\d+", text))
    if not numbers:
        return text
    found = random_number.choice(numbers)
    return text[: found.start()] + random_number.choice(HOSTILE) + text[found.end() :]


def _replace_word(text: str, random_number: random.Random) -> str:
    words = list(re.finditer(r"[A-Za-z]+", text))
    if not words:
        return text
    found = random_number.choice(words)
    other = random_number.choice((*HOSTILE, found.group()[:-1], found.group()[::-1]))
    return text[: found.start()] + other + text[found.end() :]


def _cross(text: str, random_number: random.Random) -> str:
    other = random_number.choice(SEEDS)
    return text[: _place(text, random_number)] + other[_place(other, random_number) :]


def _replace_character(text: str, random_number: random.Random) -> str:
    at = _place(text, random_number)
    other = chr(random_number.choice((*range(1, 256), 0x2028, 0xD7, 0x1F600)))
    return text[:at] + other + text[at + 1 :]


MUTATIONS = (
    _insert, _insert, _delete, _swap_lines, _double, _replace_number, _replace_number,
    _replace_word, _cross, _replace_character,
)  # fmt: skip


def try_table(text: str, tally: Tally, watch: Watch) -> None:
    """Read one table and note whatever should not have happened."""
    watch.seen.clear()
    begin = time.perf_counter()
    watch.on = True
    try:
        Architecture.parse(text)
    except ArchitectureError as error:
        watch.on = False
        tally.refused += 1
        _judge_message(str(error), text, tally)
    except Exception as error:  # noqa: BLE001 - finding any other error is what this is for
        watch.on = False
        tally.faults.append(f"{type(error).__name__}: {error} from {text!r}")
    else:
        watch.on = False
        tally.read += 1
    seconds = time.perf_counter() - begin
    tally.slowest = max(tally.slowest, seconds)
    if seconds > SECONDS:
        tally.faults.append(f"{seconds:.2f} s for {text!r}")
    tally.faults += [f"event {event} from {text!r}" for event in watch.seen]


# A message about the whole text has no row to name.
WHOLE = re.compile(
    r"the (text|table|\w+ table) |no column of the table|.*characters are too many|"
    r"\\begin\{|a brace |line \d+|.*(rows|columns) are too many|a table "
)


def _judge_message(message: str, text: str, tally: Tally) -> None:
    """A message names its row, is short, and moves no cursor."""
    tally.messages[re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "_", message)[:60]] += 1
    if not (re.match(r"row \d+", message) or WHOLE.match(message)):
        tally.faults.append(f"no row in the message {message!r} from {text!r}")
    if len(message) > 700 or any(ord(c) < 32 or ord(c) == 127 for c in message):
        tally.faults.append(f"unfit message {message!r} from {text!r}")


def fuzz(count: int, seed: int = 0, *, measure_memory: bool = True) -> Tally:
    """Read so many damaged tables."""
    tally, watch = Tally(), Watch()
    Architecture.parse("conv 8 k5, flatten, linear 10")  # everything is loaded before the watch
    for seeded in SEEDS:
        Architecture.parse(seeded)
    if measure_memory:
        tracemalloc.start()
    for text in mutated_tables(count, seed):
        if measure_memory:
            tracemalloc.reset_peak()
        try_table(text, tally, watch)
        if measure_memory:
            peak = tracemalloc.get_traced_memory()[1] / 1e6
            tally.largest = max(tally.largest, peak)
            if peak > MEGABYTES:
                tally.faults.append(f"{peak:.0f} MB for {text!r}")
    if measure_memory:
        tracemalloc.stop()
    return tally


def main(arguments: list[str] | None = None) -> int:
    """Run it and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2,000 tables in place of 50,000")
    parser.add_argument("--count", type=int, help="how many tables")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    count = options.count or (2_000 if options.quick else 50_000)
    tally = fuzz(count, options.seed)
    print(f"Python {platform.python_version()}, {platform.processor() or platform.machine()}")
    print(f"{count:,} tables: {tally.read:,} read, {tally.refused:,} refused with convkit's error")
    print(f"slowest {tally.slowest:.3f} s, largest {tally.largest:.1f} MB")
    for message, times in tally.messages.most_common(12):
        print(f"  {times:6,}  {message}")
    print(f"{len(tally.faults)} faults")
    for fault in tally.faults[:20]:
        print("  ", fault[:400])
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""PyTorch's own print of a network as lines of layers."""

from __future__ import annotations

import re

from convkit.architecture._cells import quoted
from convkit.architecture._reading_whole import MAX_LAYERS
from convkit.errors import TableError

# "(0): ReLU()", and "(0-2): 3 x ReLU()" for three that are printed alike.
_CHILD = re.compile(r"\s*\([^():]{1,80}\): (?:(\d{1,5}) x )?(\w{1,80})\((.*)")
CONTAINERS = {"Sequential", "ModuleList"}


def looks_like_module(text: str) -> bool:
    """Whether a text is the print of a PyTorch module: "(0): Conv2d(3, 64, ...)"."""
    return any(_CHILD.match(line) for line in text.splitlines()[:5])


def read_module_print(text: str, readings: list[str]) -> str:
    """The layers of a printed module as lines, its containers left out.

    Raises:
        TableError: For a block whose way of running its layers a print does not tell.
    """
    # The layers of each block that is open, and how often it stands; the first is the whole.
    open_blocks: list[tuple[int, list[str]]] = [(1, [])]
    for number, line in enumerate(text.splitlines(), 1):
        child = _CHILD.match(line)
        if child is None:
            if line.lstrip().startswith("("):
                raise TableError(
                    f"line {number}: {quoted(line.strip())} is no child of a printed module; it "
                    "is written such as (0): ReLU()"
                )
            if line.strip() == ")":
                _close(open_blocks)
            continue
        times, kind, rest = int(child[1] or 1), child[2], child[3].strip()
        if rest:
            _extend(open_blocks[-1][1], [f"{kind}({rest}"], times)
        elif kind in CONTAINERS or number == 1:
            open_blocks.append((times, []))
        else:
            raise TableError(
                f"line {number}: how the block {kind} runs its layers cannot be seen in its print; "
                "use Architecture.from_module(model)"
            )
    while len(open_blocks) > 1:
        _close(open_blocks)
    readings.append(
        "the print of a module is read as its layers one after the other, in the order shown"
    )
    return "\n".join(open_blocks[0][1])


def _close(open_blocks: list[tuple[int, list[str]]]) -> None:
    """Give the layers of the innermost block to the one around it."""
    if len(open_blocks) > 1:
        times, layers = open_blocks.pop()
        _extend(open_blocks[-1][1], layers, times)


def _extend(layers: list[str], added: list[str], times: int) -> None:
    if len(layers) + len(added) * times > MAX_LAYERS:
        raise TableError(f"the module has more than {MAX_LAYERS:,} layers")
    layers += added * times

"""Where do the random numbers stand? Every generator that training draws from, as plain values."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def seed_everything(seed: int) -> None:
    """Start the generators of `random`, NumPy and torch (every device) from one seed."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the data sets of users draw from it
    torch.manual_seed(seed)


def random_state() -> dict[str, Any]:
    """The state of every generator, as values that `torch.load(weights_only=True)` reads."""
    version, internal, gauss = random.getstate()
    # Typed as a tuple or a dict, by an argument that is left out here.
    numpy_state: Any = np.random.get_state()  # noqa: NPY002 - as above
    name, keys, position, has_gauss, cached = numpy_state
    return {
        "python": [version, list(internal), gauss],
        "numpy": [str(name), torch.from_numpy(keys.astype(np.int64)), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "cuda": list(torch.cuda.get_rng_state_all()) if _uses_cuda() else [],
    }


def _uses_cuda() -> bool:
    started: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch's own
    return started


def set_random_state(state: Mapping[str, Any]) -> None:
    """Put every generator back to `random_state()`."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state(  # noqa: NPY002 - as above
        (name, keys.numpy().astype(np.uint32), position, has_gauss, cached)
    )
    torch.set_rng_state(state["torch"])
    for device, cuda_state in enumerate(state["cuda"][: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(cuda_state, device)


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Leave the caller's generators as they were, whatever happens inside."""
    state = random_state()
    try:
        yield
    finally:
        set_random_state(state)


def mixed(seed: int, epoch: int) -> int:
    """One seed out of two numbers, far from those of neighbouring epochs."""
    generator = np.random.SeedSequence([seed & (2**63 - 1), epoch])
    return int(generator.generate_state(1, np.uint64)[0] >> np.uint64(1))

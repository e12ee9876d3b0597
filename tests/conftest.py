"""Settings of the whole suite."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from browser import Browser, launched
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Shared machines stall now and then: a slow example is no failure. In continuous integration the
# examples are the same each time, so that a change is judged by what it changed; on a desk they
# differ from run to run and go on searching.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


# A suite started in the background is told to ignore Ctrl-C, and so would every process that its
# tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser; the test is skipped with the reason where there is none."""
    with launched() as opened:
        yield opened

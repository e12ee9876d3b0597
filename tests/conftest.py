"""Settings of the whole suite."""

from __future__ import annotations

import os

from hypothesis import settings

# Shared machines stall now and then: a slow example is no failure. In continuous integration the
# examples are the same each time, so that a change is judged by what it changed; on a desk they
# differ from run to run and go on searching.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

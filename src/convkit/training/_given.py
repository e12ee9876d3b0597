"""Is what was given a number? Settings are read from files and forms too, where 5 is "5"."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_whole(value: Any, least: int) -> bool:
    """Whether it is a whole number, NumPy's included, and not below `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return False
    return int(value) >= least


def is_number(value: Any) -> bool:
    """Whether it is a real number, NumPy's included; a truth value is none."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)

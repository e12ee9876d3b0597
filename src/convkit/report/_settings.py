"""The settings of a run as plain names and values, so that runs can be set side by side."""

from __future__ import annotations

import re
from typing import Any

_ENTRY = re.compile(r"(\w+): (.*?)(?=\s+\w+: |\s*\)\s*$|\s+Parameter Group)")
_OPTIMIZER = re.compile(r"^(\w+) \(\s*Parameter Group 0\s+(.*)$", re.DOTALL)
# What torch notes about how it computes, which no user chose.
_INTERNAL = {"capturable", "differentiable", "foreach", "fused", "maximize", "initial_lr",
             "decoupled_weight_decay"}  # fmt: skip


def settings_of(configuration: dict[str, Any]) -> dict[str, str]:
    """Every setting of a run, by name.

    The optimizer's own description is taken apart, so that two runs that differ in the learning
    rate differ in `lr` and nothing else.

    Args:
        configuration: Of a run.

    Example:
        >>> text = "SGD ( Parameter Group 0     lr: 0.05     momentum: 0.9 )"
        >>> settings_of({"settings": {"optimizer": text, "seed": 0}})
        {'optimizer': 'SGD', 'lr': '0.05', 'momentum': '0.9', 'seed': '0'}
    """
    found: dict[str, str] = {}
    for name in ("architecture", "network", "input_shape", "preprocessing"):
        value = configuration.get(name)
        if value is not None and not (name == "network" and configuration.get("architecture")):
            found.update(_flat(name, value))
    for name, value in (configuration.get("settings") or {}).items():
        if name == "optimizer" and isinstance(value, str):
            found.update(_optimizer(value))
        else:
            found.update(_flat(str(name), value))
    return found


def _optimizer(text: str) -> dict[str, str]:
    """Name and first parameter group of an optimizer that describes itself."""
    match = _OPTIMIZER.match(text)
    if match is None:
        return {"optimizer": text}
    entries = _ENTRY.findall(match[2].split("Parameter Group")[0])
    return {
        "optimizer": match[1],
        **{name: value.strip() for name, value in entries if name not in _INTERNAL},
    }


def _flat(name: str, value: Any) -> dict[str, str]:
    """A value as text; the entries of a dictionary each by their own name."""
    if isinstance(value, dict):
        return {
            inner: text
            for key, item in value.items()
            for inner, text in _flat(f"{name}.{key}", item).items()
        }
    if isinstance(value, list):
        return {name: ", ".join(map(str, value)) if value else "none"}
    return {name: "none" if value is None else str(value)}

"""The settings of a run as plain names and values, so that runs can be set side by side."""

from __future__ import annotations

import re
from typing import Any

# What torch notes about how it computes, which no user chose.
_INTERNAL = {"capturable", "differentiable", "foreach", "fused", "maximize", "initial_lr",
             "decoupled_weight_decay"}  # fmt: skip
# `epochs` is the figure, how many were trained.
_NAMES = {"epochs": "epochs_at_most"}


CALLS = ("early_stopping", "options")
"""Settings that are written as a call; they stand whole, and each argument by itself."""

# A call as Python writes it, `EarlyStopping(patience=5, smoothing=0.6)`, and its arguments.
_CALL = re.compile(r"[A-Za-z_]\w*\((?P<arguments>\w+=.*)\)", re.DOTALL)
_ARGUMENT = re.compile(r"(\w+)=((?:'[^']*'|\([^()]*\)|\[[^][]*\]|[^,'()[\]])+)(?:, |$)")


def settings_of(configuration: dict[str, Any]) -> dict[str, str]:
    """Every setting of a run, by name.

    The settings of the optimizer stand among the others: two runs that differ in the learning
    rate differ in `lr` and nothing else.

    Args:
        configuration: Of a run.

    Examples:
        >>> settings = {"optimizer": "SGD", "optimizer_settings": {"lr": 0.05}, "augment": []}
        >>> settings_of({"settings": settings})
        {'optimizer': 'SGD', 'lr': '0.05', 'augment': 'none'}
    """
    found: dict[str, str] = {}
    for name in ("architecture", "network", "input_shape", "preprocessing"):
        value = configuration.get(name)
        if value is not None and not (name == "network" and configuration.get("architecture")):
            found.update(_flat(name, value))
    for name, value in (configuration.get("settings") or {}).items():
        if name == "optimizer_settings" and isinstance(value, dict):
            chosen = {key: item for key, item in value.items() if key not in _INTERNAL}
            found.update(_flat("", chosen))
        elif name != "data":
            found.update(_flat(_NAMES.get(name, str(name)), value))
    return found


def data_card(configuration: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Samples, and samples of each class, of every split that a run was trained on.

    Args:
        configuration: Of a run.

    Examples:
        >>> data_card({"settings": {"data": {"train": {"samples": 3, "per_class": [1, 2]}}}})
        {'train': {'samples': 3, 'per_class': [1, 2]}}
    """
    card = (configuration.get("settings") or {}).get("data") or {}
    return {str(split): part for split, part in card.items() if isinstance(part, dict)}


def _arguments(name: str, call: str) -> dict[str, str]:
    """A written call and its arguments by name; the text alone when it is written otherwise.

    Examples:
        >>> list(_arguments("options", "Options(clip=5, mean=Mean(3, 0.1))").items())[1:]
        [('options.clip', '5'), ('options.mean', 'Mean(3, 0.1)')]
    """
    match = _CALL.fullmatch(call)
    found = _ARGUMENT.findall(match["arguments"]) if match else []
    if match is None or ", ".join(f"{key}={text}" for key, text in found) != match["arguments"]:
        return {name: call}
    return {name: call, **{f"{name}.{key}": text for key, text in found}}


def _flat(name: str, value: Any) -> dict[str, str]:
    """A value as text; the entries of a dictionary each by their own name."""
    if isinstance(value, dict):
        return {
            inner: text
            for key, item in value.items()
            for inner, text in _flat(f"{name}.{key}" if name else str(key), item).items()
        }
    if isinstance(value, str) and name in CALLS:
        return _arguments(name, value)
    if isinstance(value, list):
        return {name: ", ".join(map(str, value)) if value else "none"}
    return {name: "none" if value is None else str(value)}

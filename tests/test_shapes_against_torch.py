"""Thousands of random layers, tasks and networks, by the scripts that check many more."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
MANY = 20 if os.environ.get("CONVKIT_MANY_CASES") else 1


def script(name: str) -> ModuleType:
    """A script of the folder benchmarks, as a module."""
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_layers_are_accepted_and_sized_as_pytorch_does() -> None:
    outcome = script("check_shapes_against_torch").check_layers(5_000 * MANY, seed=1)

    assert outcome.differences == []
    assert 0.5 < outcome.accepted / outcome.cases < 0.9


def test_solvers_find_what_trying_all_finds() -> None:
    outcome = script("check_shapes_against_torch").check_solvers(2_000 * MANY, seed=1)

    assert outcome.differences == []
    assert 0.5 < outcome.accepted / outcome.cases < 0.9


def test_receptive_fields_are_where_the_gradient_is() -> None:
    torch.manual_seed(1)

    assert (
        script("check_receptive_fields_against_gradients").check_receptive_fields(60 * MANY, seed=1)
        == []
    )

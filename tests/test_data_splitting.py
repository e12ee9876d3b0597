"""Splits keep shares, groups and counts, and depend on their seed alone."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
import pytest
import torch

from convkit import data
from convkit.errors import DataError

LISTS = 3000 if os.environ.get("CONVKIT_MANY_CASES") else 1000


def class_counts(labels: np.ndarray, indices: np.ndarray, classes: int) -> list[int]:
    return np.bincount(labels[indices], minlength=classes).tolist()


def test_the_counts_of_the_six_scenes_come_out_exactly() -> None:
    labels = np.repeat(np.arange(6), [2628, 2745, 2957, 3037, 2784, 2883])

    rest, test = data.stratified_split(labels, 3000, seed=42)
    train, validation = data.stratified_split(labels[rest], 2000, seed=42)

    assert class_counts(labels, test, 6) == [463, 483, 521, 535, 490, 508]
    assert class_counts(labels[rest], validation, 6) == [309, 322, 347, 357, 327, 338]
    assert class_counts(labels[rest], train, 6) == [1856, 1940, 2089, 2145, 1967, 2037]


def test_every_class_keeps_its_share_to_the_rounding() -> None:
    generator = np.random.default_rng(0)
    for _ in range(LISTS):
        classes = int(generator.integers(1, 12))
        labels = generator.integers(0, classes, int(generator.integers(2, 300)))
        total = int(generator.integers(1, len(labels)))

        kept, held_out = data.stratified_split(labels, total, seed=1)

        shares = np.bincount(labels, minlength=classes) * total / len(labels)
        taken = np.bincount(labels[held_out], minlength=classes)
        assert len(held_out) == total
        assert np.all(np.abs(taken - shares) < 1)
        assert np.array_equal(np.sort(np.concatenate([kept, held_out])), np.arange(len(labels)))


def test_half_of_odd_classes_is_balanced_over_all() -> None:
    labels = np.repeat(np.arange(4), [3, 5, 7, 9])

    kept, held_out = data.stratified_split(labels, 0.5, seed=0)

    assert (len(kept), len(held_out)) == (12, 12)


@pytest.mark.parametrize(
    ("count", "fraction", "kept"),
    [(50_000, 0.1, 45_000), (9001, 0.2, 7200), (9000, 0.2, 7200), (17_034, 3000, 14_034)],
)
def test_the_counts_of_random_splits_are_those_of_the_courses(
    count: int, fraction: float, kept: int
) -> None:
    assert len(data.random_split(count, fraction)[0]) == kept


def test_a_split_depends_on_its_seed_and_on_nothing_else() -> None:
    labels = np.arange(100) % 7
    state = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 - is it left alone?

    first = data.stratified_split(labels, 0.3, seed=3)
    torch.rand(5)
    second = data.stratified_split(labels.tolist(), 0.3, seed=3)
    other = data.stratified_split(labels, 0.3, seed=4)

    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[1], other[1])
    assert np.array_equal(state[1], np.random.get_state()[1])  # noqa: NPY002 - as above


def test_labels_may_be_text() -> None:
    labels = ["cat", "dog", "dog", "cat"]

    _, held_out = data.stratified_split(labels, 0.5)

    assert sorted(labels[i] for i in held_out) == ["cat", "dog"]


def test_no_group_is_on_two_sides() -> None:
    generator = np.random.default_rng(0)
    for seed in range(200):
        groups = generator.integers(0, 9, 60)
        if len(np.unique(groups)) < 2:
            continue

        kept, held_out = data.group_split(groups.tolist(), 0.3, seed=seed)

        assert not set(groups[kept]) & set(groups[held_out])
        assert len(kept)
        assert len(held_out)


def test_one_large_group_is_not_held_out_for_a_small_share() -> None:
    kept, held_out = data.group_split(["a"] * 8 + ["b"], 0.1)

    assert (len(kept), len(held_out)) == (8, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: data.stratified_split([0, 1], 0),
            "holding out 0 of 2 samples leaves one side empty: use a count from 1 to 1",
        ),
        (
            lambda: data.stratified_split([0, 1, 1], 3),
            "holding out 3 of 3 samples leaves one side empty: use a count from 1 to 2",
        ),
        (
            lambda: data.random_split(10, 1.5),
            "a share lies between 0 and 1, got 1.5; a count is an int",
        ),
        (
            lambda: data.random_split(10, "half"),  # type: ignore[arg-type]  # the mistake
            "a share is a number between 0 and 1 or a count, got 'half'",
        ),
        (
            lambda: data.stratified_split([], 0.5),
            "labels must be one row of at least two labels, got shape (0,)",
        ),
        (
            lambda: data.group_split(["a", "a"], 0.5),
            "a split by group needs two groups or more, got 1",
        ),
    ],
)
def test_impossible_splits_are_refused(call: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        call()

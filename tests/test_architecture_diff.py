"""What changed from one table to another."""

from __future__ import annotations

from torch import nn

from convkit.architecture import Architecture, Conv, Custom, Dropout, Flatten, Linear, MaxPool, zoo

FIRST = Architecture.parse("conv 8 k3 relu, maxpool 2, conv 16 k3 relu, flatten, linear 10")


def test_a_table_does_not_differ_from_itself() -> None:
    diff = FIRST.diff(FIRST, (3, 16, 16))

    assert not diff
    assert (diff.changes, diff.parameters, diff.macs) == ((), 0, 0)


def test_changed_added_removed_and_following_rows_are_told_apart() -> None:
    other = Architecture(
        [
            Conv(12, kernel_size=3, activation="relu"),
            MaxPool(2),
            Dropout(0.1),
            Conv(16, kernel_size=3, activation="relu"),
            Flatten(),
            Linear(32),
        ]
    )
    diff = FIRST.diff(other, (3, 16, 16))

    assert [
        (c.change, c.before and c.before.number, c.after and c.after.number) for c in (diff.changes)
    ] == [
        ("changed", 1, 1),
        ("follows", 2, 2),
        ("added", None, 3),
        ("follows", 3, 4),
        ("changed", 5, 6),
    ]
    assert [change.parameters for change in diff.changes] == [
        4 * 28,
        0,
        0,
        16 * 4 * 9,
        22 * (16 * 25 + 1),
    ]


def test_gains_add_up_to_the_difference_of_the_totals() -> None:
    first, second = zoo.resnet18(), zoo.resnet34()
    diff = first.diff(second, (3, 64, 64))

    assert sum(change.parameters for change in diff.changes) == diff.parameters
    assert diff.parameters == 21_797_672 - 11_689_512
    assert sum(change.macs for change in diff.changes) == diff.macs
    assert {change.change for change in diff.changes} == {"added"}


def test_a_removed_row_loses_its_parameters() -> None:
    diff = FIRST.diff(Architecture(FIRST.rows[:-1]), (3, 16, 16))

    (change,) = diff.changes
    assert (change.change, change.after, change.parameters) == ("removed", None, -4010)
    assert change.before is not None
    assert change.before.text == "linear 10"


def test_a_difference_is_printed_and_written() -> None:
    other = Architecture([*FIRST.rows[:-1], Linear(5)])
    diff = FIRST.diff(other, (3, 16, 16))

    assert "| 5 | changed | linear 10 | linear 5 | -2,005 | -2,000 | 10 → 5 |" in diff.to_markdown()
    assert "total" in str(diff)
    assert r"linear 10 & linear 5" in diff.to_latex()
    assert "5,changed,linear 10,linear 5" in diff.to_csv()
    assert diff._repr_html_().startswith("<table>")


def test_modules_of_ones_own_are_compared_too() -> None:
    first = Architecture([Custom("own", nn.ReLU)])
    second = Architecture([Custom("other", nn.Tanh)])

    assert len(first.diff(second, (3, 4, 4)).changes) == 1


def test_modules_of_ones_own_with_one_name_are_told_apart() -> None:
    first = Architecture([Custom("act", nn.ReLU())])
    second = Architecture([Custom("act", nn.Tanh())])
    diff = first.diff(second, (3, 4, 4))

    assert [change.change for change in diff.changes] == ["changed"]
    assert (
        "1,changed,\"Custom('act', ReLU(), None)\",\"Custom('act', Tanh(), None)\",0,0,3x4x4"
        in diff.to_csv()
    )
    assert not first.diff(Architecture([Custom("act", nn.ReLU())]), (3, 4, 4))

"""What holds for every picture: no global state, no display, hostile names, one look."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from convkit import plots
from convkit.errors import PlotError
from convkit.plots._names import drawable

HOSTILE = ("_$\\frac{1}{$<b>猫\x1b[31m\u202eg" + "a" * 10_000 + "🐈&\\ %", "")
IMAGE = np.linspace(0, 1, 3 * 12 * 10).reshape(3, 12, 10)
MAPS = np.linspace(-1, 1, 4 * 6 * 5).reshape(4, 6, 5)
WEIGHTS = np.linspace(-1, 1, 4 * 3 * 3 * 3).reshape(4, 3, 3, 3)
CURVE = SimpleNamespace(
    precision=[0.5, 1.0, 1.0],
    recall=[1.0, 0.5, 0.0],
    true_positive_rate=[0, 1, 1],
    false_positive_rate=[0, 0, 1],
)
HISTORY = {
    "epoch": [1, 2],
    "training_loss": [2.0, 1.0],
    "validation_loss": [2.1, 1.4],
    "validation_accuracy": [0.2, 0.5],
}


def network(name: str) -> SimpleNamespace:
    """A summary of two layers."""
    shapes = ((8, 30, 30), (10,))
    rows = [
        SimpleNamespace(name=name, kind=kind, output_shape=shape, parameters=9)
        for kind, shape in zip(("conv", "linear"), shapes, strict=True)
    ]
    return SimpleNamespace(rows=rows, output_shape=(10,), parameters=18, macs=5)


PICTURES = {
    "architecture": lambda n: plots.architecture(network(n), (3, 32, 32), title=n),
    "bars": lambda n: plots.bars({n: 0.5, "b": 0.2}, title=n, label=n),
    "class_counts": lambda n: plots.class_counts({"train": [1, 2]}, class_names=(n, "b"), title=n),
    "compare_curves": lambda n: plots.compare_curves({n: HISTORY, "b": HISTORY}, title=n),
    "confusion": lambda n: plots.confusion([[3, 1], [0, 2]], class_names=(n, "b"), title=n),
    "curves": lambda n: plots.curves({**HISTORY, "best_epoch": 2, "stop_reason": n}, title=n),
    "feature_maps": lambda n: plots.feature_maps(MAPS, title=n),
    "filter_pair": lambda n: plots.filter_pair(WEIGHTS[0], MAPS[0], image=IMAGE, title=n),
    "filters": lambda n: plots.filters(WEIGHTS, title=n),
    "filters_above_maps": lambda n: plots.filters_above_maps(WEIGHTS, MAPS, [0, 2], title=n),
    "grey_grids": lambda n: plots.grey_grids({n: MAPS, "b": MAPS}, title=n),
    "image_grid": lambda n: plots.image_grid([IMAGE] * 2, titles=(n, n), title=n),
    "layers_by_channels": lambda n: plots.layers_by_channels({n: MAPS}, channels=[0, 1], title=n),
    "lines": lambda n: plots.lines({n: [1.0, 2.0]}, title=n, label=n),
    "overlay": lambda n: plots.overlay(IMAGE, MAPS[0], title=n),
    "pair_table": lambda n: plots.pair_table(
        [IMAGE], [{n: SimpleNamespace(filter=WEIGHTS[0], feature_map=MAPS[0])}], title=n
    ),
    "precision_recall": lambda n: plots.precision_recall({n: CURVE}, title=n),
    "receptive_field": lambda n: plots.receptive_field(IMAGE, {n: (0, 0, 4, 4)}, title=n),
    "reliability": lambda n: plots.reliability([0.5], [0.4], [3], title=n),
    "replay": lambda n: plots.replay(
        SimpleNamespace(
            values=[2, 1], rows=[SimpleNamespace(name=n, stop_epoch=2, best_epoch=None)]
        ),
        title=n,
    ),
    "roc": lambda n: plots.roc({n: CURVE}, title=n),
    "search": lambda n: plots.search(
        [{"setting": n, "value": n, "result": 0.5, "kept": True}], title=n
    ),
}


def test_every_picture_is_listed_here() -> None:
    assert sorted(PICTURES) == sorted(set(plots.__all__) - {"encode"})


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_leaves_no_setting_changed(name: str) -> None:
    before = dict(mpl.rcParams)

    figure = PICTURES[name]("a")

    assert isinstance(figure, Figure)
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", ["architecture", "bars", "confusion", "curves"])
def test_a_user_s_own_settings_change_nothing(name: str) -> None:
    plain = plots.encode(PICTURES[name]("a"), dpi=30)

    with mpl.rc_context({"axes.facecolor": "black", "font.size": 30, "lines.linewidth": 9}):
        styled = plots.encode(PICTURES[name]("a"), dpi=30)

    assert styled == plain


def test_settings_come_back_when_drawing_fails() -> None:
    before = dict(mpl.rcParams)

    with pytest.raises(PlotError):
        plots.filters(np.zeros((2, 2)))

    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("hostile", HOSTILE, ids=["hostile", "empty"])
@pytest.mark.parametrize("name", PICTURES)
def test_hostile_names_are_drawn_without_a_warning(name: str, hostile: str) -> None:
    assert plots.encode(PICTURES[name](hostile), dpi=20).startswith(b"\x89PNG")


def test_pyplot_is_never_loaded() -> None:
    code = (
        "import sys; from convkit import plots;"
        "plots.encode(plots.bars({'a': 1.0}));"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    run = subprocess.run(  # noqa: S603 - our own code in our own interpreter
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )

    assert (run.stdout.strip(), run.stderr) == ("False", "")


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_the_same_picture_gives_the_same_bytes(form: str) -> None:
    first, second = (plots.encode(plots.curves(HISTORY), form) for _ in range(2))

    assert first == second


def test_notebooks_are_given_a_png() -> None:
    assert plots.bars({"a": 1.0})._repr_png_().startswith(b"\x89PNG")


def test_pictures_drawn_in_threads_leave_no_setting_changed() -> None:
    before = dict(mpl.rcParams)
    threads = [
        threading.Thread(target=plots.confusion, args=(np.eye(3, dtype=int),)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat", "cat"),
        ("猫", "\\u732b"),
        ("a\nb", "a\\x0ab"),
        ("$x$", "$x$"),
        ("é ß Ж α", "é ß Ж α"),
        ("0123456789" * 5, "01234567890123456789…1234567890123456789"),
    ],
)
def test_names_are_drawn_as_they_are_or_as_code_points(
    name: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The font that comes with matplotlib, whatever else is installed here.
    monkeypatch.setattr("convkit.plots._names.FONT_FAMILIES", ("DejaVu Sans",))
    from convkit.plots import _names

    _names._fonts.cache_clear()
    _names._shown.cache_clear()

    assert drawable(name) == shown


def test_ten_thousand_characters_keep_their_ends() -> None:
    assert drawable("a" * 5000 + "b" * 5000, 9) == "aaaa…bbbb"


def outside(figure: Figure, *artists: object) -> list[object]:
    """Those that are not wholly on the figure."""
    figure.draw_without_rendering()
    sheet = figure.bbox
    boxes = [(artist, artist.get_window_extent()) for artist in artists]
    return [
        artist
        for artist, box in boxes
        if box.x0 < 0 or box.y0 < 0 or box.x1 > sheet.x1 or box.y1 > sheet.y1
    ]


@pytest.mark.parametrize(
    "words", ["features.0.conv, filter 14 " * 3, "Abcdefghij" * 9], ids=["words", "one word"]
)
def test_a_title_stays_on_a_narrow_figure(words: str) -> None:
    figure = plots.filters_above_maps(WEIGHTS, MAPS, [0], title=words)

    assert outside(figure, figure._suptitle) == []


@pytest.mark.parametrize("runs", [2, 20, 60])
@pytest.mark.parametrize("accuracy", [True, False])
def test_the_legend_of_many_runs_stays_on_the_figure(runs: int, accuracy: bool) -> None:
    histories = {f"run {number}": HISTORY for number in range(runs)}
    figure = plots.compare_curves(histories, accuracy=accuracy)

    assert outside(figure, *figure.legends) == []


@pytest.mark.parametrize("values", [2, 5, 9])
@pytest.mark.parametrize("settings", [1, 3])
def test_the_values_of_a_search_do_not_overlap(values: int, settings: int) -> None:
    trials = [
        {"setting": f"lr{panel}", "value": 10.0**-place / 4, "result": place, "kept": False}
        for panel in range(settings)
        for place in range(values)
    ]
    figure = plots.search(trials)
    figure.draw_without_rendering()

    for axes in figure.axes:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def test_intervals_of_bars_are_pairs_or_have_a_low_and_a_high_end() -> None:
    values = {"v1": 0.5, "v2": 0.6}
    ends = {"v1": (0.4, 0.6), "v2": SimpleNamespace(low=0.55, high=0.7)}
    figure = plots.bars(values, errors=ends, share=True)
    segments = figure.axes[0].collections[0].get_segments()

    assert np.allclose([line[:, 0] for line in segments], [[40, 60], [55, 70]])
    message = r"^errors has no interval of 'v2': give one for each number$"
    with pytest.raises(PlotError, match=message):
        plots.bars(values, errors={"v1": (0.4, 0.6)})

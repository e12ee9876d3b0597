"""The page of a run: complete in itself, escaped, and honest about what is missing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from hostile import hostile_strings

from convkit import History, Trainer, build, report
from convkit.errors import RunError

TEXT = "conv 4 k3 bn relu, maxpool 2, conv 6 k3 relu, flatten, linear 3"
ADDRESSES = {"src", "href", "srcset", "action", "data", "poster", "background", "xlink:href"}


class Page(HTMLParser):
    """The elements, addresses and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        """Text between elements."""
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def headings(self) -> list[str]:
        """The sections' anchors, in order."""
        return [str(attributes["id"]) for attributes in self.all("section")]


def history_of(rows: int) -> History:
    """A history whose loss falls."""
    history = History()
    for row in range(1, rows + 1):
        history.append(
            epoch=row,
            step=10 * row,
            training_loss=2 / row,
            validation_loss=2.1 / row,
            validation_accuracy=1 - 1 / (row + 1),
            seconds=60.0 * row,
        )
    history.step_losses = [2.0, 1.0] * rows
    return history


def configuration_of(names: list[str], **changes: object) -> dict[str, object]:
    """What a run writes about itself."""
    return {
        "architecture": TEXT,
        "input_shape": [3, 12, 12],
        "network": "Sequential",
        "parameters": 1000,
        "macs": 2000,
        "class_names": names,
        "preprocessing": None,
        "settings": {
            "optimizer": "SGD",
            "optimizer_settings": {"lr": 0.05, "momentum": 0.9, "foreach": None},
            "seed": 0,
            "precision": "float32",
            "data": {"train": {"samples": 30, "per_class": [10] * len(names)}},
        },
        "versions": {"convkit": "0.1.0"},
        **changes,
    }


def evaluation_of(names: list[str]) -> dict[str, object]:
    """What an evaluation writes."""
    counts = [[8 if row == column else 1 for column in names] for row in names]
    return {
        "n": 30,
        "loss": 0.5,
        "accuracy": 0.8,
        "accuracy_interval": [0.627, 0.905],
        "confusion": counts,
        "average_precision": [0.9] * len(names),
        "mean_average_precision": 0.9,
        "class_names": names,
    }


def write_run(
    path: Path, names: list[str], *, split: str = "test", rows: int = 3, **changes: object
) -> Path:
    """A run directory, made by hand."""
    path.mkdir(parents=True)
    (path / "configuration.json").write_text(json.dumps(configuration_of(names, **changes)))
    (path / "history.json").write_text(history_of(rows).to_json())
    (path / f"evaluation-{split}.json").write_text(json.dumps(evaluation_of(names)))
    torch.manual_seed(0)
    torch.save(build(TEXT, (3, 12, 12)).state_dict(), path / "best.pt")
    images = torch.randint(0, 256, (5, 3, 12, 12), dtype=torch.uint8)
    truth = torch.tensor([0, 1, 2, 0, 1]) % len(names)
    samples = {"images": images, "normalized": images / 255.0, "labels": truth, "names": names}
    torch.save(samples, path / "samples.pt")
    mistakes = {
        "images": images,
        "truth": truth,
        "predicted": (truth + 1) % len(names),
        "probabilities": torch.full((5, len(names)), 1 / len(names)),
        "names": [f"{names[0]}/{number}.png" for number in range(5)],
    }
    torch.save(mistakes, path / f"mistakes-{split}.pt")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the Trainer itself, with its page."""
    from convkit import data

    directory = tmp_path_factory.mktemp("runs") / "first run"
    sets = data.drawn_shapes(train=60, validation=20, test=20)
    model = build("conv 4 k3 bn relu, maxpool 4, flatten, linear 10", (3, 32, 32))
    trainer = Trainer(model, directory=directory, device="cpu")
    trainer.fit(sets.train, sets.validation, epochs=2, progress=False)
    trainer.evaluate(sets.test)
    return report.write(directory)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages whose pictures are laid out but not rendered: what they say is not at stake."""
    monkeypatch.setattr("convkit.plots.encode", lambda *_: b"picture")


SECTIONS = ["network", "training", "evaluation-0", "inside", "activations", "data", "settings"]


def test_a_run_of_the_trainer_gives_every_section(trained: Path) -> None:
    page = Page(trained.read_text(encoding="utf-8"))

    assert trained.name == "report.html"
    assert page.headings() == SECTIONS
    assert "train: 60 images; validation: 20 images." in page.texts
    assert "first run" in page.texts


def test_every_picture_is_inside_and_has_its_alternative_text(trained: Path) -> None:
    images = Page(trained.read_text(encoding="utf-8")).all("img")

    assert len(images) >= 7
    assert all(str(image["src"]).startswith("data:image/") for image in images)
    assert all(len(str(image["alt"])) > 15 for image in images)


def test_nothing_is_fetched(trained: Path) -> None:
    page = Page(trained.read_text(encoding="utf-8"))
    for tag, attributes in page.elements:
        for name in ADDRESSES & set(attributes):
            assert re.match(r"data:image/|#", str(attributes[name])), (tag, name)

    assert not page.all("link")
    assert "url(" not in trained.read_text(encoding="utf-8").replace("url(#", "")


def test_the_content_policy_names_the_hashes_of_style_and_script(trained: Path) -> None:
    text = trained.read_text(encoding="utf-8")
    policy = next(str(meta["content"]) for meta in Page(text).all("meta") if "http-equiv" in meta)
    for kind in ("style", "script"):
        (inside,) = re.findall(f"<{kind}>(.*?)</{kind}>", text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()

        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy


def test_no_element_has_a_style_or_a_handler_of_its_own(trained: Path) -> None:
    for _, attributes in Page(trained.read_text(encoding="utf-8")).elements:
        assert not any(name == "style" or name.startswith("on") for name in attributes)


def test_headings_and_labels_are_there_for_those_who_do_not_see(trained: Path) -> None:
    page = Page(trained.read_text(encoding="utf-8"))

    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    assert all("aria-label" in region for region in page.all("div") if "tabindex" in region)
    assert all(cell.get("scope") in {"col", "row"} for cell in page.all("th"))


def test_the_same_run_gives_the_same_page(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ["a", "b", "c"])

    assert report.write(run).read_bytes() == report.write(run).read_bytes()


@pytest.mark.usefixtures("undrawn")
def test_the_figures_are_those_of_the_run(tmp_path: Path) -> None:
    page = Page(report.write(write_run(tmp_path / "r", ["a", "b", "c"])).read_text("utf-8"))

    for figure in ("80.00 %", "0.5000", "95 % interval 62.70 % to 90.50 %", "1,000", "3.0"):
        assert figure in page.texts
    assert page.texts[page.texts.index("best: 3") - 1] == "3"


def shape_of(page: Page) -> list[tuple[str, tuple[str, ...]]]:
    """The elements of a page with the names of their attributes."""
    return [(tag, tuple(sorted(attributes))) for tag, attributes in page.elements]


@pytest.mark.usefixtures("undrawn")
def test_five_hundred_hostile_names_inject_nothing(tmp_path: Path) -> None:
    """A page with hostile names has the elements and attributes of one with plain names."""
    plain = write_run(tmp_path / "a" / "plain", [f"class {n}" for n in range(500)], split="part")
    hostile = write_run(
        tmp_path / "b" / "<img src=x onerror=alert(1)>",
        hostile_strings(500),
        split='"><b onclick=alert(1)>',
        network="<script>",
    )
    pages = [Page(report.write(run).read_text(encoding="utf-8")) for run in (plain, hostile)]

    assert shape_of(pages[0]) == shape_of(pages[1])
    assert len(pages[1].all("script")) == 1
    assert any("<script>alert(1)</script>0" in text for text in pages[1].texts)


@pytest.mark.usefixtures("undrawn")
def test_control_and_bidirectional_characters_are_written_out(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ["\u202ea", "b\x1b[31m", "c"])
    text = report.write(run).read_text(encoding="utf-8")

    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


@pytest.mark.parametrize(
    ("removed", "sentence"),
    [
        ("evaluation-test.json", "No set was evaluated"),
        ("samples.pt", "Not drawn: the run keeps no sample images"),
        ("best.pt", "Not drawn: the network is not at hand"),
        ("history.json", "No epoch was completed."),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_what_is_missing_is_said_and_the_rest_is_there(
    tmp_path: Path, removed: str, sentence: str
) -> None:
    run = write_run(tmp_path / "run", ["a", "b", "c"])
    (run / removed).unlink()
    page = Page(report.write(run).read_text(encoding="utf-8"))

    assert any(text.startswith(sentence) for text in page.texts)
    assert {"network", "training", "settings"} <= set(page.headings())


@pytest.mark.parametrize(
    ("name", "content"),
    [("samples.pt", b""), ("mistakes-test.pt", b"no archive"), ("best.pt", b"PK\x03\x04cut")],
)
@pytest.mark.usefixtures("undrawn")
def test_a_damaged_file_is_named_and_the_rest_is_there(
    tmp_path: Path, name: str, content: bytes
) -> None:
    run = write_run(tmp_path / "run", ["a", "b", "c"])
    (run / name).write_bytes(content)
    page = Page(report.write(run).read_text(encoding="utf-8"))
    missing = " ".join(page.texts)

    assert "missing" in page.headings()
    assert "could not be" in missing
    assert name in missing


@pytest.mark.usefixtures("undrawn")
def test_a_network_that_is_no_table_s_is_told_and_can_be_given(tmp_path: Path) -> None:
    from convkit import data

    sets = data.drawn_shapes(train=20, validation=10, test=10)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(3600, 10)
    )
    trainer = Trainer(model, directory=tmp_path / "run", device="cpu")
    trainer.fit(sets.train, sets.validation, epochs=1, progress=False)
    without = Page(report.write(tmp_path / "run").read_text(encoding="utf-8"))
    given = Page(report.write(tmp_path / "run", model=model).read_text(encoding="utf-8"))

    assert any("not built from a table of layers" in text for text in without.texts)
    assert "activations" not in without.headings()
    assert "activations" in given.headings()


@pytest.mark.usefixtures("undrawn")
def test_a_network_without_conv_layers_has_no_filters(tmp_path: Path) -> None:
    from convkit import data

    sets = data.drawn_shapes(train=20, validation=10, test=10)
    model = build("flatten, linear 10", (3, 32, 32))
    trainer = Trainer(model, directory=tmp_path / "run", device="cpu")
    trainer.fit(sets.train, sets.validation, epochs=1, progress=False)
    page = Page(report.write(tmp_path / "run").read_text(encoding="utf-8"))

    assert any(text.startswith("Not drawn: ") for text in page.texts)


@pytest.mark.parametrize("rows", [0, 1, 100_000])
def test_any_length_of_history_gives_a_page_of_modest_size(tmp_path: Path, rows: int) -> None:
    run = write_run(tmp_path / "run", ["a", "b", "c"], rows=rows)
    page = report.write(run)

    assert page.stat().st_size < 20e6
    assert "training" in Page(page.read_text(encoding="utf-8")).headings()


@pytest.mark.usefixtures("undrawn")
def test_an_old_page_is_replaced_whole(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ["a", "b", "c"])
    (run / "report.html").write_text("old")

    assert report.write(run).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert not list(run.glob(".report*"))


def test_a_directory_without_a_run_is_refused(tmp_path: Path) -> None:
    message = f"{tmp_path} holds no training: configuration.json is missing"
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        report.write(tmp_path)

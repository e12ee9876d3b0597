"""What was trained on what: network, settings and data of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import convkit.plots
from convkit._tables import Table
from convkit.architecture import Architecture, summarize
from convkit.errors import ConvkitError
from convkit.report._page import Section, folded, paragraph, picture, table
from convkit.report._settings import CALLS, data_card, settings_of
from convkit.report._words import short, spoken

if TYPE_CHECKING:
    from torch import nn

    from convkit.report._material import Material


def network_section(material: Material) -> Section:
    """The network: its drawing, and sizes and counts layer by layer."""
    shape = material.input_shape
    summary, drawn = _summary(material)
    if summary is None or shape is None:
        kind = material.configuration.get("network") or "unknown"
        text = f"A network of kind {kind}, not built from a table of layers: "
        return Section("network", "Network", paragraph(text + "its layers are not known here."))
    figure = convkit.plots.architecture(drawn or summary, shape)
    sizes = "×".join(map(str, shape))
    alternative = (
        f"The network drawn to scale, from an input of {sizes} to an output of "
        f"{'×'.join(map(str, summary.output_shape or ()))} in {len(summary.rows)} layers"
    )
    caption = "Boxes to scale; above each layer its kernel and stride, below what leaves it."
    body = [
        picture(figure, alternative, caption, wide=True),
        table(summary.table(), "Sizes and counts of every layer", kinds=("tall",)),
    ]
    readings = getattr(material.architecture, "readings", ())
    return Section("network", "Network", "\n".join([*body, *map(paragraph, readings)]))


def _summary(material: Material) -> tuple[Any, Any]:
    """Sizes and counts, and what is to be drawn: from the table, or else from the module."""
    shape = material.input_shape
    try:
        if material.architecture is not None and shape is not None:
            return material.architecture.summary(shape), material.architecture
        if material.given is not None and shape is not None:
            return summarize(material.given, shape), _table_of(material.given)
    except (ConvkitError, RuntimeError) as error:  # a module may fail in its own forward
        material.missing.append(f"the network could not be summed up: {error}")
    return None, None


def _table_of(model: nn.Module) -> Any:
    """The table of a given network, which knows its kernels; else its bare summary is drawn."""
    try:
        return Architecture.from_module(model)
    except ConvkitError:
        return None


def settings_section(material: Material) -> Section | None:
    """How it was trained."""
    settings = settings_of(material.configuration)
    rows = [
        (spoken(name), short(value, 400))
        for name, value in settings.items()
        if "." not in name or name.partition(".")[0] not in CALLS
    ]
    versions = material.configuration.get("versions") or {}
    rows += [(f"version of {name}", str(value)) for name, value in versions.items()]
    if not rows:
        return None
    content = Table(("setting", "value"), tuple(rows))
    return Section("settings", "Settings", table(content, "Settings", kinds=("wrap",)))


def data_section(material: Material) -> Section | None:
    """The images: how many of each class in each split, how they were prepared, some of them."""
    card = data_card(material.configuration)
    counts = {split: part["per_class"] for split, part in card.items() if part.get("per_class")}
    parts = [*_counts(counts, material.class_names), *_samples(material)]
    totals = [
        f"{split}: {part['samples']:,} images"
        for split, part in card.items()
        if isinstance(part.get("samples"), int)
    ]
    if totals:
        parts.insert(0, paragraph("; ".join(totals) + "."))
        parts.insert(1, _prepared(material.configuration.get("preprocessing")))
    return Section("data", "Data", "\n".join(parts)) if parts else None


def _prepared(preprocessing: dict[str, Any] | None) -> str:
    """What is done to an image before the network sees it."""
    if not preprocessing:
        return paragraph("How the images were prepared was not handed to the training.")
    size = preprocessing.get("size")  # shorter side, or height and width
    sides = size if isinstance(size, list) else [size]
    told = [
        f"size {'×'.join(map(str, sides)) if size else 'as it comes'}",
        f"{preprocessing.get('channels')} channels",
    ]
    for name in ("mean", "std"):
        values = preprocessing.get(name)
        if values:
            told.append(f"{name} {', '.join(f'{value:.4f}' for value in values)}")
    return paragraph(f"Each image: {'; '.join(told)}.")


def _counts(counts: dict[str, list[int]], names: list[str] | None) -> list[str]:
    """Images by class and split: picture and table."""
    if not counts:
        return []
    classes = max(len(values) for values in counts.values())
    if names is None or len(names) < classes:
        names = [str(index) for index in range(classes)]
    padded = {s: [*v, *[0] * (len(names) - len(v))] for s, v in counts.items()}
    figure = convkit.plots.class_counts(padded, class_names=names)
    content = Table(
        ("class", *padded),
        tuple((short(name), *row) for name, *row in zip(names, *padded.values(), strict=True)),
    )
    alternative = f"Bars: images of each of {len(names)} classes in {', '.join(padded)}"
    return [
        picture(figure, alternative, wide=True),
        folded("Counts as a table", content, "Images by class and split"),
    ]


def _samples(material: Material) -> list[str]:
    """The sample images that were kept with the run."""
    samples = material.samples
    if not samples or "images" not in samples or not len(samples["images"]):
        return []
    names = material.class_names
    labels = [int(label) for label in samples.get("labels", [])]
    titles = [names[label] if names and label < len(names) else str(label) for label in labels]
    images = samples["images"]
    figure = convkit.plots.image_grid(images, titles if len(titles) == len(images) else None)
    alternative = f"{len(images)} validation images with their classes"
    return [picture(figure, alternative, "Some validation images and their classes.", form="png")]

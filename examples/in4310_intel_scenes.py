"""IN4310 mandatory 1: ResNets of one's own on six classes of scenes.

    python examples/in4310_intel_scenes.py --data intel_scenes --weights resnet18.pth
    python examples/in4310_intel_scenes.py --task split C epochs mismatch --data intel_scenes

`--data` is a folder with `CLASS/*.jpg`; the train and test folders of the public archive are
pooled, as the course did. `--weights` is torchvision's ResNet-18 by name or as a file, or the
directory of a run on other images, which `pretrain.py` trains.
"""

# %% Settings
from __future__ import annotations

import argparse
from functools import cache, partial
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch
from in4310_resnets import ALL, PUBLISHED, SPLIT_SEED, TEST, VALIDATION, WIDTHS, exact, resnet

from convkit import EarlyStopping, Trainer, data, features, plots, report
from convkit.training import Evaluation, MeasureEpochs, read_run, transfer

CLASSES = ("buildings", "forest", "glacier", "mountain", "sea", "street")
SCORES = "test-scores.pt"
SIDE, OTHER_SIDE, BATCH, QUICK_EPOCHS = 80, 224, 32, 2
THIN = (8, 8, 12, 16)  # widths for --quick
ADAM, SGD = {"optimizer": "adam", "lr": 1e-3}, {"optimizer": "sgd", "lr": 1e-3, "momentum": 0.9}
RUNS = {"A": (ADAM, 5), "B": (SGD, 10), "C": ({**SGD, "lr": 1e-2}, 10), "P": (ADAM, 10)}  # epochs
# Five layers, of which shares of non-positive values were published, as the table names them.
LAYERS = [*(f"block{number}.body.conv1" for number in (1, 3, 5, 7)), "block8.body.conv2"]


# %% Tasks 1 and 2: the split and the networks
@cache
def read_sets(folder: Path, side: int = SIDE) -> data.Sets:
    """Every image pooled; first test images are taken, then validation. No normalisation."""
    return data.image_folder(
        folder, (side, side), pool=True, test=TEST / ALL, validation=VALIDATION / (ALL - TEST),
        seed=SPLIT_SEED, mean=0, std=1,
    )  # fmt: skip


def sets_of(page: report.Reproduction, settings: argparse.Namespace, run: str = "") -> data.Sets:
    """The images; the page says when they, or the weights of a finished run, are stand-ins."""
    sets = read_sets(settings.data)
    count, facts = sum(map(len, sets)), []
    if count != ALL:
        facts.append(f"{count:,} of the {ALL:,} photographs")
    if run == "P" and settings.weights and Path(settings.weights).is_dir():
        facts.append(f"the weights of the run `{Path(settings.weights).name}`")
    if not settings.quick:
        page.stand_in = " and ".join(facts)
    return sets


def split(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Count the three parts and show that no image is in two of them; ResNet-18 layer by layer."""
    sets = read_sets(settings.data)
    sets.write_manifest(settings.out / "split.csv")
    page.section("Task 1: the split", f"```text\n{sets}\n```")
    names = [name for each in sets for name in each.names]
    page.compare("images in two parts", reported=0, measured=len(names) - len(set(names)))
    page.picture(plots.class_counts(sets, total=True), "split", "Images of each class")
    page.picture(sets.plot_samples(12), "samples", "Training images")
    page.section("Task 2: ResNets from tables", resnet(18).summary((3, SIDE, SIDE)).to_markdown())


# %% Tasks 3 to 5: training and testing
def build(page: report.Reproduction, settings: argparse.Namespace, name: str) -> torch.nn.Module:
    """A ResNet-18: that of run P with trained weights and a fresh head, the others new."""
    torch.manual_seed(settings.seed)
    model = resnet(18, THIN if settings.quick else WIDTHS).build((3, SIDE, SIDE))
    if name == "P" and not settings.quick:  # no trained weights are as thin as its network
        source, _ = report.trained_network(page, settings, "resnet18")
        transfer.replace_head(source, len(CLASSES))
        # The layers of torchvision's ResNets stand in the order of the table's.
        values = source.state_dict().values()
        model.load_state_dict(dict(zip(model.state_dict(), values, strict=True)))
    return model


def train(page: report.Reproduction, settings: argparse.Namespace, name: str) -> None:
    """Train one run, keep the best on validation, and measure on the whole test set."""
    (optimizer, epochs), published = RUNS[name], PUBLISHED["runs"][name]
    sets, directory = sets_of(page, settings), settings.out / name
    compare = partial(
        page.compare_evaluation, name="best validation", accuracy=published["accuracy"]
    )
    page.section(f"Run {name}")
    try:
        model = build(page, settings, name)
    except OSError as error:
        compare(None, note=f"there are no weights ({error})")
        return
    trainer = Trainer(
        model, **optimizer,
        early_stopping=EarlyStopping(None, smoothing=None, monitor="validation_accuracy"),
        directory=directory, seed=settings.seed, precision=settings.precision,
        callbacks=[MeasureEpochs(sets.validation, sets.test)],
    )  # fmt: skip
    epochs = QUICK_EPOCHS if settings.quick else epochs
    history = trainer.fit(sets.train, sets.validation, epochs=epochs, batch_size=BATCH, resume=True)
    page.trained(trainer)
    result = Trainer.load(directory).evaluate(sets.test)
    page.text(
        f"{', '.join(f'{key} {value}' for key, value in optimizer.items())}, batch {BATCH}, "
        f"{SIDE}x{SIDE}, {len(sets.train):,} training images, "
        f"{history['seconds'][-1] / 60:.1f} minutes. Best epoch {history.best_epoch}; {result}."
    )
    best = max(read_run(directory).epochs("validation"), key=itemgetter("accuracy"))
    ends = history["training_loss"][-1], history["validation_loss"][-1]
    note = "losses at the end {:.2f} and {:.2f}, reported {} and {}"
    compare(best, note=note.format(*ends, *published["ends"]))
    real_average_precision(page, name, result)
    # The test scores saved, loaded, and predicted again by the run as it is on disk.
    torch.save({"scores": result.probabilities, "truth": result.truth}, directory / SCORES)
    saved = torch.load(directory / SCORES, weights_only=True)["scores"]
    again = Trainer.load(directory).predict(sets.test).probabilities
    page.compare("saved scores predicted again, within 1e-5", reported=True,
                 measured=torch.allclose(saved, again, rtol=0, atol=1e-5))  # fmt: skip
    title = f"Run {name}: best validation accuracy {100 * best['accuracy']:.1f} %"
    page.picture(plots.curves(history, title=title), f"{name}_curves", f"Run {name}, by epoch")


def real_average_precision(page: report.Reproduction, name: str, result: Evaluation) -> None:
    """The real AP of every class beside the published recall of one batch."""
    run, (low, high) = PUBLISHED["runs"][name], PUBLISHED["runs"][name]["mean_average_precision"]
    ap, recall = result.average_precision, result.confusion.per_class().recall
    page.compare(
        "test mAP", reported=f"{low} to {high} (our estimate)", band=(low, high),
        measured=round(ap.mean, 4),
        note=f"mean accuracy {np.mean(recall):.3f}, accuracy {result.accuracy:.3f}; left beside "
        "the published work, run unknown: mAP 0.914, mean accuracy 0.837",
    )  # fmt: skip
    for k, label in enumerate(CLASSES):
        page.compare(
            f"AP of {label}", reported=run["ap"][k], void=True,
            measured=round(float(ap.per_class[k]), 4),
            note=f"published: the recall of one batch, {run['right'][k]} of {run['of'][k]}; "
            f"recall here {recall[k]:.3f} on the whole test set",
        )  # fmt: skip


def trained_runs(settings: argparse.Namespace) -> list[str]:
    """The runs that there are, the fine-tuned one last."""
    found = [name for name in RUNS if (settings.out / name / SCORES).exists()]
    if not found:
        raise SystemExit("train a run first: --task C")
    return found


def epochs(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Test loss, validation mAP and accuracy of each class, of the weights of every epoch."""
    page.section("The weights of every epoch, on the whole test and validation sets")
    losses, precisions = {}, {}
    for name in trained_runs(settings):
        run = read_run(settings.out / name)
        test, validation = run.epochs("test"), run.epochs("validation")
        losses[f"run {name}"] = [each["loss"] for each in test]
        precisions[f"run {name}"] = [each["mean_average_precision"] for each in validation]
        published = PUBLISHED["test_losses"][: PUBLISHED["runs"][name]["losses"]]
        page.compare(
            f"run {name}: test loss by epoch", void=True,
            reported=" ".join(f"{loss:.4f}" for loss in published),
            measured=" ".join(f"{each['loss']:.4f}" for each in test),
            note="published: random numbers, uniform in [0.2, 0.6], seed 42",
        )  # fmt: skip
        counts = [np.array(each["confusion"]) for each in validation]
        recalls = np.array([matrix.diagonal() / matrix.sum(1) for matrix in counts]).T
        picture = plots.lines(dict(zip(CLASSES, recalls, strict=True)), label="accuracy")
        page.picture(picture, f"{name}_classes", f"Run {name}: validation accuracy of each class")
    page.picture(plots.lines(losses, label="loss", best="min"), "test_loss", "Test loss")
    page.picture(plots.lines(precisions, label="mAP", best="max"), "mAP", "Validation mAP")


# %% Sizes that do not fit, feature maps, non-positive shares
def mismatch(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Test at the size of training, and at the size at which the original tested."""
    name = trained_runs(settings)[-1]
    trainer = Trainer.load(settings.out / name)
    same = trainer.evaluate(read_sets(settings.data).test)
    larger = read_sets(settings.data, OTHER_SIDE).test
    other = trainer.evaluate(larger, f"test at {OTHER_SIDE}", other_size=True)
    page.section(f"Trained at {SIDE}, tested at {OTHER_SIDE} (run {name})", f"- {same}\n- {other}")
    accuracies = {f"{SIDE}x{SIDE}": same.accuracy, f"{OTHER_SIDE}x{OTHER_SIDE}": other.accuracy}
    picture = plots.bars(accuracies, share=True, label="test accuracy")
    page.picture(picture, "mismatch", "The size of the test images matters")


def maps(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Ten images: the outputs of the four stages, 4 rows, channels 0 to 6."""
    name, test = trained_runs(settings)[-1], read_sets(settings.data).test
    images = test.subset(torch.linspace(0, len(test) - 1, 10).long())
    # What leaves a stage is its last block's sum after the ReLU.
    last = {f"layer{stage}": f"block{2 * stage}.body.conv2" for stage in range(1, 5)}
    batch = images.preprocessing.normalize(images.images)
    with features.FilterFeatureExtractor(Trainer.load(settings.out / name).model) as extractor:
        pairs = extractor.extract(batch, list(last.values()), stages="activation")
    outputs = {stage: pairs[layer].after_activation for stage, layer in last.items()}
    page.section(f"Task 6: feature maps of run {name}")
    sides = [stage_maps.shape[-1] for stage_maps in outputs.values()]
    page.compare("stages' sides", reported=PUBLISHED["stages"][str(SIDE)], measured=sides)
    for k, label in enumerate(images.labels.tolist()):
        rows = {stage: stage_maps[k] for stage, stage_maps in outputs.items()}
        picture = plots.layers_by_channels(rows, channels=range(7), image=images.images[k])
        page.picture(picture, f"maps_{k}", f"Image {k}, {CLASSES[label]}")


def shares(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Shares of zero or less in five modules, before and after norm, and after the ReLU."""
    name = trained_runs(settings)[-1]
    sets_of(page, settings, name)
    images = read_sets(settings.data, OTHER_SIDE).train.sample(200, seed=settings.seed)
    batches = data.batches(images, 20, shuffle=False)
    model = Trainer.load(settings.out / name).model
    course = features.running_statistics(model, batches, LAYERS)
    found = np.array([  # by batch, layer and stage
        [[at.share_non_positive for at in measured[layer].stages.values()] for layer in LAYERS]
        for measured in course
    ])  # fmt: skip
    page.section(f"Task 7: non-positive values of run {name}, {course[-1].images} training images")
    modules, stages = PUBLISHED["shares"], ("before norm", "after norm", "after ReLU")
    for (module, reported), last in zip(modules.items(), 100 * found[-1], strict=True):
        page.compare(
            f"{module}, before norm (%)", reported=reported, measured=round(last[0], 2),
            band=(reported - 5, reported + 5),
            stand_in="" if name == "P" else f"run {name}, from scratch",
            note=f"after norm {last[1]:.1f}, after ReLU {last[2]:.1f}",
        )  # fmt: skip
    page.text(
        "The five outputs precede batch norm and ReLU, so nothing about dying ReLUs follows from "
        "them: a value that batch norm shifts above zero lives."
    )
    rows = [dict(zip(modules, shares, strict=True)) for shares in found[-1].T]
    picture = plots.bars(dict(zip(stages, rows, strict=True)), share=True, label="zero or below")
    page.picture(picture, "shares", "By stage")
    places, lines = [each.images for each in course], zip(modules, found[..., 0].T, strict=True)
    picture = plots.lines(dict(lines), places=places, across="images", label="share, before norm")
    page.picture(picture, "running_mean", "Running mean of the share of non-positive values")


# %% The script
TASKS = {
    "split": split,
    **{name: partial(train, name=name) for name in RUNS},
    "epochs": epochs,
    "mismatch": mismatch,
    "maps": maps,
    "shares": shares,
}


def draw_images(folder: Path) -> Path:
    """Six classes of drawn figures as files, for `--quick`."""
    drawn = data.drawn_shapes(train=150, validation=0, test=0).train
    kept = drawn.subset((drawn.labels < len(CLASSES)).nonzero().flatten())
    scenes = data.ImageSet(kept.images, kept.labels, class_names=CLASSES)
    scenes.write_images(folder, size=(150, 150))
    return folder


if __name__ == "__main__":
    title = "IN4310: ResNets of one's own on six classes of scenes"
    report.ReproductionScript(
        title, TASKS, exact=exact, pictures=PUBLISHED["pictures"],
        data="intel_scenes", draw=draw_images,
    ).run()  # fmt: skip

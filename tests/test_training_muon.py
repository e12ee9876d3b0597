"""Muon: its steps against the singular value decomposition, and against torch's optimizers."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from convkit import Trainer, build, data
from convkit.errors import TrainingError
from convkit.training import Muon
from convkit.training._muon import orthogonal

TABLE = "conv 6 k3 p1 bn relu, maxpool 4, flatten, linear 10"


def by_decomposition(matrix: torch.Tensor) -> torch.Tensor:
    """The same polynomial put on the singular values one by one, in float64."""
    left, values, right = torch.linalg.svd(matrix.double(), full_matrices=False)
    values = values / values.norm()
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left @ values.diag() @ right


@settings(max_examples=200, deadline=None)
@given(rows=st.integers(1, 40), columns=st.integers(1, 40), seed=st.integers(0, 10_000))
def test_the_step_keeps_the_singular_vectors_and_evens_the_values(rows, columns, seed):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(
        orthogonal(matrix).double(), by_decomposition(matrix), rtol=0, atol=2e-4
    )


def test_singular_values_come_near_one():
    values = torch.linalg.svdvals(orthogonal(torch.randn(30, 200)))
    assert values.min() > 0.6
    assert values.max() < 1.3


def steps(optimizer, parameters, gradients):
    for each in gradients:
        for parameter, gradient in zip(parameters, each, strict=True):
            parameter.grad = gradient.clone()
        optimizer.step()
    return parameters


def test_a_kernel_moves_as_written_out():
    torch.manual_seed(0)
    kernel = nn.Parameter(torch.randn(40, 2, 3, 3))
    expected, momentum = kernel.detach().double(), torch.zeros(40, 18).double()
    gradients = [torch.randn(40, 2, 3, 3) for _ in range(4)]
    for gradient in gradients:
        flat = gradient.double().flatten(1)
        momentum = 0.9 * momentum + 0.1 * flat
        direction = by_decomposition(0.1 * flat + 0.9 * momentum).view(kernel.shape)
        expected = expected - 0.1 * (0.5 * expected + math.sqrt(40 / 18) * direction)
    optimizer = Muon([kernel], lr=0.1, momentum=0.9, weight_decay=0.5)
    steps(optimizer, [kernel], [[gradient] for gradient in gradients])
    torch.testing.assert_close(kernel.detach().double(), expected, rtol=0, atol=3e-4)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch.optim.Muon is of torch 2.9")
def test_a_matrix_moves_as_by_torch_to_its_bfloat16():
    torch.manual_seed(0)
    ours, theirs = (nn.Parameter(torch.ones(24, 12)) for _ in range(2))
    gradients = [[torch.randn(24, 12)] for _ in range(5)]
    steps(Muon([ours], lr=0.1, weight_decay=0.2), [ours], gradients)
    steps(torch.optim.Muon([theirs], lr=0.1, weight_decay=0.2), [theirs], gradients)
    moved = (theirs - 1).norm()
    assert (ours - theirs).norm() < 0.03 * moved  # torch computes the step in bfloat16


def test_vectors_move_as_by_adamw():
    torch.manual_seed(0)
    ours, theirs = (nn.Parameter(torch.linspace(-1, 1, 9)) for _ in range(2))
    gradients = [[torch.randn(9)] for _ in range(20)]
    steps(Muon([ours], vector_lr=0.01), [ours], gradients)
    steps(torch.optim.AdamW([theirs], lr=0.01, weight_decay=0.0), [theirs], gradients)
    torch.testing.assert_close(ours, theirs)


def test_memory_order_changes_nothing_but_rounding():
    torch.manual_seed(0)
    plain = nn.Parameter(torch.randn(8, 4, 3, 3))
    last = nn.Parameter(plain.detach().clone(memory_format=torch.channels_last))
    gradients = [torch.randn(8, 4, 3, 3) for _ in range(3)]
    steps(Muon([plain]), [plain], [[each] for each in gradients])
    steps(
        Muon([last]), [last], [[each.to(memory_format=torch.channels_last)] for each in gradients]
    )
    torch.testing.assert_close(plain, last)


def test_a_parameter_without_gradient_and_a_gradient_of_zeros_stay():
    still, zero = nn.Parameter(torch.ones(3, 3)), nn.Parameter(torch.ones(3, 3))
    zero.grad = torch.zeros(3, 3)
    Muon([still, zero]).step()
    assert torch.equal(still, torch.ones(3, 3))
    assert torch.equal(zero, torch.ones(3, 3))


def test_a_closure_is_called_and_its_loss_returned():
    layer = nn.Linear(3, 2)
    before = layer(torch.ones(1, 3)).square().sum()

    def closure():
        loss = layer(torch.ones(1, 3)).square().sum()
        loss.backward()
        return loss

    assert Muon(layer.parameters()).step(closure) == before
    assert layer(torch.ones(1, 3)).square().sum() < before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"momentum": 1.0}, "Muon: momentum lies from 0 to below 1, not at 1.0"),
        (
            {"lr": -1.0},
            (
                "Muon: rates and weight decay are not negative, got lr=-1.0, vector_lr=None, "
                "weight_decay=0.0"
            ),
        ),
    ],
)
def test_settings_outside_their_range_are_refused(arguments, message):
    with pytest.raises(TrainingError) as caught:
        Muon([nn.Parameter(torch.ones(2, 2))], **arguments)
    assert str(caught.value) == message


def test_a_training_goes_on_bit_for_bit(tmp_path):
    sets = data.drawn_shapes(seed=0, train=128, validation=64, test=10)

    def fit(directory, last_epoch):
        torch.manual_seed(0)
        model = build(TABLE, input_shape=(3, 32, 32))
        trainer = Trainer(
            model, optimizer="muon", lr=0.02, early_stopping=None, seed=0, directory=directory
        )
        trainer.fit(sets.train, sets.validation, epochs=last_epoch, batch_size=32, resume=True)
        return trainer

    fit(tmp_path / "cut", 1)
    cut, whole = fit(tmp_path / "cut", 3), fit(tmp_path / "whole", 3)
    assert cut.history["training_loss"] == whole.history["training_loss"]
    for ours, theirs in zip(cut.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)

"""Explanations: the function's own result, and formulas that give it when they are worked out."""

from __future__ import annotations

import dataclasses
import math
import random
import re

import pytest

from convkit import shapes
from convkit.errors import ShapeError
from convkit.shapes import explain

# One call of every public function.
CALLS = [
    (shapes.adaptive_pool_output, ((13, 9),), {"output_size": (6, None)}),
    (shapes.batch_norm_parameters, (64,), {}),
    (shapes.conv_macs, (8, 32), {"kernel_size": (5, 3), "output_size": 32, "groups": 2}),
    (shapes.conv_output, ((37, 53),), {"kernel_size": (3, 5), "padding": ((1, 2), 0)}),
    (shapes.conv_output, (32,), {"kernel_size": 4, "padding": "same"}),
    (shapes.conv_parameters, (64, 32), {"kernel_size": 3, "groups": 4}),
    (shapes.conv_transpose_macs, (8, 4), {"kernel_size": 3, "input_size": (4, 5)}),
    (shapes.conv_transpose_output, (5,), {"kernel_size": 4, "stride": 3, "output_padding": 2}),
    (shapes.conv_transpose_parameters, (8, 4), {"kernel_size": 3}),
    (shapes.explain_convolution, ([[1, 2]], [[3, 4]]), {}),
    (shapes.group_norm_parameters, (8, 64), {}),
    (shapes.layer_norm_parameters, ((64, 8),), {}),
    (shapes.linear_macs, (2048, 64), {}),
    (shapes.linear_parameters, (2048, 64), {"bias": False}),
    (shapes.pool_output, (5,), {"kernel_size": 2, "padding": 1, "ceil_mode": True}),
    (shapes.pool_output, ((6, 7),), {"kernel_size": (2, 3), "kind": "average"}),
    (shapes.receptive_field, ([(11, 4, 2), ((3, 2), 2, 0, 2)],), {}),
    (shapes.same_padding, ((3, 4),), {}),
    (shapes.solve_input_size, (252,), {"kernel_size": 2, "stride": 2}),
    (shapes.solve_kernel_size, ((512, 32), (504, 16)), {"stride": (1, 2)}),
    (shapes.solve_padding, (32, 16), {"kernel_size": 3, "stride": 2}),
    (shapes.solve_stride, (224, 112), {"kernel_size": 7, "padding": 3}),
    (shapes.upsample_output, ((7, 8),), {"scale_factor": 1.5}),
    (shapes.upsample_output, (7,), {"output_size": 9}),
]
NAMED = pytest.mark.parametrize(
    ("function", "args", "kwargs"), CALLS, ids=[call[0].__name__ for call in CALLS]
)


def worked_out(formula: str) -> float:
    """What a formula with its numbers put in gives, by Python's own arithmetic."""
    names = {"floor": math.floor, "ceil": math.ceil, "max": max, "min": min}
    return eval(formula, {"__builtins__": {}}, names)  # noqa: S307 - our own arithmetic


def assert_steps_hold(explanation: shapes.Explanation) -> None:
    """Every line of the calculation is true."""
    for step in explanation.steps:
        if step.expression is not None:
            assert worked_out(step.expression.written("text", numbers=True)) == step.value


def test_every_public_function_is_called_here() -> None:
    functions = {n for n in shapes.__all__ if n[0].islower() and n != "explain"}

    assert {function.__name__ for function, *_ in CALLS} == functions


def numbers_in(value: object) -> list[object]:
    """Every number of a result, however deep."""
    if dataclasses.is_dataclass(value):
        value = dataclasses.astuple(value)
    if isinstance(value, (tuple, list)):
        return [number for part in value for number in numbers_in(part)]
    return [value]


@NAMED
def test_the_result_is_the_functions_own(function, args, kwargs) -> None:
    result = explain(function, *args, **kwargs).result
    own = function(*args, **kwargs)

    assert result == getattr(own, "result", own)
    assert type(result) is type(getattr(own, "result", own))
    assert set(map(type, numbers_in(result))) <= {int, float}


@NAMED
def test_every_form_can_be_written(function, args, kwargs) -> None:
    explanation = explain(function, *args, **kwargs)

    assert str(explanation)
    assert explanation.to_markdown().count("|") > 4
    assert explanation.to_latex().count(r"\begin{align*}") == explanation.to_latex().count(
        r"\end{align*}"
    )


@NAMED
def test_every_line_is_true(function, args, kwargs) -> None:
    if function is not shapes.explain_convolution:
        explanation = explain(function, *args, **kwargs)

        assert any(step.expression for step in explanation.steps)
        assert_steps_hold(explanation)


def test_random_convolutions_are_explained_truly() -> None:
    rng = random.Random(0)
    for _ in range(1000):
        layer = {"kernel_size": rng.randint(1, 9), "stride": rng.randint(1, 9)}
        layer |= {"padding": rng.randint(0, 9), "dilation": rng.randint(1, 9)}
        size = rng.randint(80, 200)
        explanation = explain(shapes.conv_output, size, **layer)

        assert explanation.result == explanation.steps[-1].value
        assert explanation.result == shapes.conv_output(size, **layer)
        assert_steps_hold(explanation)


def test_the_text_of_a_convolution() -> None:
    explanation = explain(shapes.conv_output, 512, kernel_size=9)

    assert str(explanation) == (
        "conv_output(512, kernel_size=9) = 504\n\n"
        "I = size = 512\nK = kernel_size = 9\nS = stride = 1\nP = padding = 0\n"
        "D = dilation = 1\n\n"
        "O = floor((I + 2*P - D*(K - 1) - 1) / S) + 1\n"
        "  = floor((512 + 2*0 - 1*(9 - 1) - 1) / 1) + 1\n"
        "  = 504"
    )


def test_the_markdown_of_a_count() -> None:
    explanation = explain(shapes.linear_parameters, 2048, 64)

    assert explanation.to_markdown().splitlines()[-5:] == [
        "| quantity | formula | numbers put in | result |",
        "| :-- | :-- | :-- | --: |",
        r"| weights | F\_in\*F\_out | 2048\*64 | 131072 |",
        r"| biases | F\_out | 64 | 64 |",
        "| total | weights + biases | 131072 + 64 | 131136 |",
    ]


def test_the_latex_of_a_convolution() -> None:
    latex = explain(shapes.conv_output, 512, kernel_size=9).to_latex()

    assert latex == (
        r"\texttt{conv\_output(512, kernel\_size=9)} with "
        "$I = 512$, $K = 9$, $S = 1$, $P = 0$, $D = 1$:\n"
        "\\begin{align*}\n"
        r"O &= \left\lfloor \frac{I + 2 \cdot P - D \cdot \left(K - 1\right) - 1}{S} "
        "\\right\\rfloor + 1 \\\\\n"
        r"&= \left\lfloor \frac{512 + 2 \cdot 0 - 1 \cdot \left(9 - 1\right) - 1}{1} "
        "\\right\\rfloor + 1 \\\\\n"
        "&= 504\n"
        "\\end{align*}"
    )


def test_a_window_that_is_left_out_is_remarked() -> None:
    explanation = explain(shapes.pool_output, 5, kernel_size=2, stride=3, padding=1, ceil_mode=True)

    assert explanation.result == 2
    assert [step.remark for step in explanation.steps] == [
        "",
        (
            "The last of these windows would start at 6, not before 6, where the padding behind "
            "the input begins: it is left out."
        ),
        "",
    ]


def test_each_dimension_has_its_line() -> None:
    explanation = explain(shapes.conv_output, (9, 7), kernel_size=3)

    assert [(step.symbol, step.value) for step in explanation.steps] == [("O_h", 7), ("O_w", 5)]


def test_positional_and_defaulted_arguments_are_listed() -> None:
    explanation = explain(shapes.pool_output, 8, kernel_size=2)

    assert [str(argument) for argument in explanation.arguments] == [
        "I = size = 8",
        "K = kernel_size = 2",
        "stride = None",
        "P = padding = 0",
        "D = dilation = 1",
        "ceil_mode = False",
        "kind = max",
    ]


def test_rows_may_come_from_an_iterator() -> None:
    explanation = explain(shapes.receptive_field, iter([(3, 1, 1), (2, 2, 0)]))

    assert explanation.result == shapes.receptive_field([(3, 1, 1), (2, 2, 0)])


def test_errors_are_the_functions_own() -> None:
    with pytest.raises(ShapeError) as own:
        shapes.conv_output(5, kernel_size=7)

    with pytest.raises(ShapeError, match=f"^{re.escape(str(own.value))}$"):
        explain(shapes.conv_output, 5, kernel_size=7)


def test_other_functions_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"^explain takes the functions of convkit\.shapes \(.*\)"):
        explain(len, "abc")

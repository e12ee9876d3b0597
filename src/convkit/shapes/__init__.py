"""Sizes, parameters and costs of layers: exact arithmetic with ints, no torch needed."""

from convkit.shapes._conv import conv_output
from convkit.shapes._conv_transpose import conv_transpose_output
from convkit.shapes._convolution_explanation import ConvolutionExplanation, Position, Product
from convkit.shapes._explain import Explanation, explain
from convkit.shapes._explain_convolution import explain_convolution
from convkit.shapes._macs import conv_macs, conv_transpose_macs, linear_macs
from convkit.shapes._padding import same_padding
from convkit.shapes._parameters import (
    Parameters,
    batch_norm_parameters,
    conv_parameters,
    conv_transpose_parameters,
    group_norm_parameters,
    layer_norm_parameters,
    linear_parameters,
)
from convkit.shapes._pool import pool_output
from convkit.shapes._receptive_field import Box, ReceptiveField, receptive_field
from convkit.shapes._resize import adaptive_pool_output, upsample_output
from convkit.shapes._solve import solve_kernel_size, solve_padding, solve_stride
from convkit.shapes._solve_input_size import solve_input_size

__all__ = [
    "Box",
    "ConvolutionExplanation",
    "Explanation",
    "Parameters",
    "Position",
    "Product",
    "ReceptiveField",
    "adaptive_pool_output",
    "batch_norm_parameters",
    "conv_macs",
    "conv_output",
    "conv_parameters",
    "conv_transpose_macs",
    "conv_transpose_output",
    "conv_transpose_parameters",
    "explain",
    "explain_convolution",
    "group_norm_parameters",
    "layer_norm_parameters",
    "linear_macs",
    "linear_parameters",
    "pool_output",
    "receptive_field",
    "same_padding",
    "solve_input_size",
    "solve_kernel_size",
    "solve_padding",
    "solve_stride",
    "upsample_output",
]

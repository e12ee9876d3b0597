"""Sizes, parameters and costs of layers: exact arithmetic with ints, no torch needed."""

from convkit.shapes._conv import conv_output
from convkit.shapes._conv_transpose import conv_transpose_output
from convkit.shapes._macs import conv_macs, conv_transpose_macs, linear_macs
from convkit.shapes._padding import same_padding
from convkit.shapes._parameters import (
    Parameters,
    conv_parameters,
    conv_transpose_parameters,
    linear_parameters,
    norm_parameters,
)
from convkit.shapes._pool import adaptive_pool_output, pool_output
from convkit.shapes._receptive_field import Box, ReceptiveField, receptive_field

__all__ = [
    "Box",
    "Parameters",
    "ReceptiveField",
    "adaptive_pool_output",
    "conv_macs",
    "conv_output",
    "conv_parameters",
    "conv_transpose_macs",
    "conv_transpose_output",
    "conv_transpose_parameters",
    "linear_macs",
    "linear_parameters",
    "norm_parameters",
    "pool_output",
    "receptive_field",
    "same_padding",
]

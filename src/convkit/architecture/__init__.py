"""The table of layers: its rows, its check, its network, and back again."""

from convkit.architecture import zoo
from convkit.architecture._activation import Activation, Dropout
from convkit.architecture._architecture import Architecture
from convkit.architecture._building import build
from convkit.architecture._comparing import Change, Diff
from convkit.architecture._composite import Custom, Repeat, Residual
from convkit.architecture._conv import Conv, ConvTranspose
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.architecture._pool import AdaptiveAvgPool, AvgPool, GlobalAvgPool, MaxPool, Upsample
from convkit.architecture._registry import register
from convkit.architecture._row import Counts, Row, Stated
from convkit.architecture._summarizing import summarize
from convkit.architecture._summary import Summary, SummaryRow
from convkit.architecture._totals import Total

__all__ = [
    "Activation",
    "AdaptiveAvgPool",
    "Architecture",
    "AvgPool",
    "BatchNorm",
    "Change",
    "Conv",
    "ConvTranspose",
    "Counts",
    "Custom",
    "Diff",
    "Dropout",
    "Flatten",
    "GlobalAvgPool",
    "GroupNorm",
    "Linear",
    "MaxPool",
    "Repeat",
    "Residual",
    "Row",
    "Stated",
    "Summary",
    "SummaryRow",
    "Total",
    "Upsample",
    "build",
    "register",
    "summarize",
    "zoo",
]

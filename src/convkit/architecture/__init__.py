"""The table of layers: its rows, its check, its network, and back again."""

from convkit.architecture import zoo
from convkit.architecture._activation import Activation, Dropout
from convkit.architecture._architecture import Architecture
from convkit.architecture._building import build
from convkit.architecture._calculation import ExplainedLayer
from convkit.architecture._checking_finding import Finding
from convkit.architecture._comparing import Change, Diff, Place
from convkit.architecture._composite import Repeat, Residual
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._counts import Counts
from convkit.architecture._custom import Custom
from convkit.architecture._layer_call import LayerCall
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.architecture._pool_to_size import AdaptiveAvgPool, GlobalAvgPool
from convkit.architecture._registry import register
from convkit.architecture._row import Row, Stated
from convkit.architecture._summarizing import summarize
from convkit.architecture._summary import Summary, SummaryRow
from convkit.architecture._totals import Total
from convkit.architecture._upsample import Upsample
from convkit.architecture._window import POINT, WHOLE, Window

__all__ = [
    "POINT",
    "WHOLE",
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
    "ExplainedLayer",
    "Finding",
    "Flatten",
    "GlobalAvgPool",
    "GroupNorm",
    "LayerCall",
    "Linear",
    "MaxPool",
    "Place",
    "Repeat",
    "Residual",
    "Row",
    "Stated",
    "Summary",
    "SummaryRow",
    "Total",
    "Upsample",
    "Window",
    "build",
    "register",
    "summarize",
    "zoo",
]

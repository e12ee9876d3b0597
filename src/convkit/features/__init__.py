"""What a filter does: filters beside the feature maps that they make, proven and measured."""

from convkit.features._extractor import FilterFeatureExtractor
from convkit.features._figures import FilterFigures, StageFigures
from convkit.features._layer_statistics import ActivationStatistics, LayerStatistics
from convkit.features._pairs import LayerPairs, Pair, Pairs
from convkit.features._statistics import activation_statistics
from convkit.features._verification import Verification

__all__ = [
    "ActivationStatistics",
    "FilterFeatureExtractor",
    "FilterFigures",
    "LayerPairs",
    "LayerStatistics",
    "Pair",
    "Pairs",
    "StageFigures",
    "Verification",
    "activation_statistics",
]

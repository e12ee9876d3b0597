"""What a filter does: filters beside the feature maps that they make, proven and measured."""

from convkit.features._alike import Duplicate
from convkit.features._extractor import FilterFeatureExtractor
from convkit.features._figures import FilterFigures, StageFigures
from convkit.features._layer_pairs import LayerPairs
from convkit.features._layer_statistics import ActivationStatistics, LayerStatistics
from convkit.features._pair import Pair, Slice
from convkit.features._pairs import Pairs
from convkit.features._reading import Reading
from convkit.features._receptive_field import Box, ReceptiveFields
from convkit.features._statistics import activation_statistics, running_statistics
from convkit.features._top_patches import Patch, TopPatches
from convkit.features._trace import Trace
from convkit.features._tracker import ActivationTracker
from convkit.features._verification import Verification

__all__ = [
    "ActivationStatistics",
    "ActivationTracker",
    "Box",
    "Duplicate",
    "FilterFeatureExtractor",
    "FilterFigures",
    "LayerPairs",
    "LayerStatistics",
    "Pair",
    "Pairs",
    "Patch",
    "Reading",
    "ReceptiveFields",
    "Slice",
    "StageFigures",
    "TopPatches",
    "Trace",
    "Verification",
    "activation_statistics",
    "running_statistics",
]

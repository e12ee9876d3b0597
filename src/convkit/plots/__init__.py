"""Every picture: a function takes plain values and returns a `matplotlib.figure.Figure`.

Nothing here touches pyplot or leaves a setting changed; pictures are drawn without a display and
shown by notebooks. Training is always blue, validation orange-red, test green.
"""

from matplotlib.figure import Figure as Figure  # what every function here returns

from convkit.plots._bars import bars, lines, search
from convkit.plots._class_counts import class_counts
from convkit.plots._compare import compare_curves
from convkit.plots._confusion import confusion
from convkit.plots._curves import curves
from convkit.plots._filters import filters
from convkit.plots._grey_grids import grey_grids
from convkit.plots._images import image_grid
from convkit.plots._maps import feature_maps, layers_by_channels
from convkit.plots._network import architecture
from convkit.plots._overlay import overlay
from convkit.plots._pair_table import pair_table
from convkit.plots._pairs import filter_pair, filters_above_maps
from convkit.plots._precision_recall import precision_recall, roc
from convkit.plots._receptive_field import receptive_field
from convkit.plots._reliability import reliability
from convkit.plots._replay import replay
from convkit.plots._style import encode

__all__ = [
    "architecture",
    "bars",
    "class_counts",
    "compare_curves",
    "confusion",
    "curves",
    "encode",
    "feature_maps",
    "filter_pair",
    "filters",
    "filters_above_maps",
    "grey_grids",
    "image_grid",
    "layers_by_channels",
    "lines",
    "overlay",
    "pair_table",
    "precision_recall",
    "receptive_field",
    "reliability",
    "replay",
    "roc",
    "search",
]

"""How good is a network, how sure is that, and is one better than another?

Everything takes tensors on any device, NumPy arrays or lists: labels as whole numbers (N,), scores
as (N, C).
"""

from convkit.metrics._average_precision import average_precision
from convkit.metrics._bootstrap import bootstrap_interval
from convkit.metrics._calibration import Calibration, calibration
from convkit.metrics._class_scores import ClassScores, UndefinedClassWarning
from convkit.metrics._comparison import Comparison, compare, compare_metric
from convkit.metrics._confused_pairs import Confusion, samples_of_cell
from convkit.metrics._confusion import ConfusionMatrix, confusion_matrix
from convkit.metrics._confusion_difference import ConfusionDifference
from convkit.metrics._curves import (
    PrecisionRecallCurve,
    RocCurve,
    precision_recall_curve,
    roc_area,
    roc_curve,
)
from convkit.metrics._interval import Interval, accuracy_interval
from convkit.metrics._losses import Mistakes, log_loss, mistakes
from convkit.metrics._per_class import Averages, PerClass
from convkit.metrics._score_histogram import ScoreHistogram
from convkit.metrics._score_store import ScoreStore
from convkit.metrics._spread import Spread, over_seeds
from convkit.metrics._top_k import top_k_accuracy

__all__ = [
    "Averages",
    "Calibration",
    "ClassScores",
    "Comparison",
    "Confusion",
    "ConfusionDifference",
    "ConfusionMatrix",
    "Interval",
    "Mistakes",
    "PerClass",
    "PrecisionRecallCurve",
    "RocCurve",
    "ScoreHistogram",
    "ScoreStore",
    "Spread",
    "UndefinedClassWarning",
    "accuracy_interval",
    "average_precision",
    "bootstrap_interval",
    "calibration",
    "compare",
    "compare_metric",
    "confusion_matrix",
    "log_loss",
    "mistakes",
    "over_seeds",
    "precision_recall_curve",
    "roc_area",
    "roc_curve",
    "samples_of_cell",
    "top_k_accuracy",
]

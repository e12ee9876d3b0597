"""How good is a network, how sure is that, and is one better than another?"""

from convkit.metrics._average_precision import average_precision
from convkit.metrics._class_scores import ClassScores
from convkit.metrics._confusion import Confusion, ConfusionMatrix, confusion_matrix
from convkit.metrics._interval import Interval, accuracy_interval
from convkit.metrics._per_class import Averages, PerClass
from convkit.metrics._top_k import top_k_accuracy

__all__ = [
    "Averages",
    "ClassScores",
    "Confusion",
    "ConfusionMatrix",
    "Interval",
    "PerClass",
    "accuracy_interval",
    "average_precision",
    "confusion_matrix",
    "top_k_accuracy",
]

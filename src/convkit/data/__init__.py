"""Images in: folders, lists, splits, statistics, whole-batch augmentation."""

from convkit.data._arrays import arrays
from convkit.data._augmentation import Augmentation
from convkit.data._batches import Batches, batches
from convkit.data._card import DataCard
from convkit.data._colour import ColorJitter, Greyscale
from convkit.data._drawn_shapes import drawn_shapes
from convkit.data._flips import HorizontalFlip, VerticalFlip
from convkit.data._folders import image_folder
from convkit.data._geometry import Rotate
from convkit.data._image_set import ImageSet
from convkit.data._preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from convkit.data._sets import Sets, SourceReport
from convkit.data._splitting import group_split, random_split, stratified_split
from convkit.data._statistics import ChannelStatistics, channel_statistics

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "Augmentation",
    "Batches",
    "ChannelStatistics",
    "ColorJitter",
    "DataCard",
    "Greyscale",
    "HorizontalFlip",
    "ImageSet",
    "Preprocessing",
    "Rotate",
    "Sets",
    "SourceReport",
    "VerticalFlip",
    "arrays",
    "batches",
    "channel_statistics",
    "drawn_shapes",
    "group_split",
    "image_folder",
    "random_split",
    "stratified_split",
]

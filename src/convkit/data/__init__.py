"""Images in: folders, lists, splits, statistics, whole-batch augmentation."""

from convkit.data._arrays import arrays
from convkit.data._augmentation import Augmentation
from convkit.data._batches import Batches
from convkit.data._cache import cache_directory, clear_cache
from convkit.data._card import DataCard
from convkit.data._colour import ColorJitter, Greyscale
from convkit.data._crops import RandomCrop, RandomResizedCrop
from convkit.data._drawn_shapes import drawn_shapes
from convkit.data._duplicates import Duplicates, find_duplicates
from convkit.data._flips import HorizontalFlip, VerticalFlip
from convkit.data._folders import image_folder, split_folders
from convkit.data._geometry import Affine, Rotate
from convkit.data._image_set import ImageSet
from convkit.data._known_sets import caltech101, cifar10
from convkit.data._lists import image_list
from convkit.data._loading import DecodingOptions
from convkit.data._making_batches import batches
from convkit.data._mixing import CutMix, MixUp
from convkit.data._noise import Cutout, Erasing, GaussianNoise
from convkit.data._perspective import Perspective
from convkit.data._preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from convkit.data._sets import Sets, SourceReport
from convkit.data._splitting import group_split, random_split, stratified_split
from convkit.data._statistics import ChannelStatistics, channel_statistics
from convkit.data._transformed import TransformedSet

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "Affine",
    "Augmentation",
    "Batches",
    "ChannelStatistics",
    "ColorJitter",
    "CutMix",
    "Cutout",
    "DataCard",
    "DecodingOptions",
    "Duplicates",
    "Erasing",
    "GaussianNoise",
    "Greyscale",
    "HorizontalFlip",
    "ImageSet",
    "MixUp",
    "Perspective",
    "Preprocessing",
    "RandomCrop",
    "RandomResizedCrop",
    "Rotate",
    "Sets",
    "SourceReport",
    "TransformedSet",
    "VerticalFlip",
    "arrays",
    "batches",
    "cache_directory",
    "caltech101",
    "channel_statistics",
    "cifar10",
    "clear_cache",
    "drawn_shapes",
    "find_duplicates",
    "group_split",
    "image_folder",
    "image_list",
    "random_split",
    "split_folders",
    "stratified_split",
]

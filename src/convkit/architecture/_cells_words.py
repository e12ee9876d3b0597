"""The words that tables use, and what each of them means."""

from __future__ import annotations

import difflib
import functools
import re
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import TYPE_CHECKING

from convkit.architecture._activation import ACTIVATIONS, Activation, Dropout
from convkit.architecture._composite import Repeat, Residual
from convkit.architecture._conv import PADDING_MODES, Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._custom import Custom
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.architecture._pool_to_size import AdaptiveAvgPool, GlobalAvgPool
from convkit.architecture._registry import registered
from convkit.architecture._upsample import Upsample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convkit.architecture._row import Row


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word or phrase of a table means.

    Args:
        role: `kind` of a row, `setting` that takes a value, `flag` that is a value, `input` row,
            `pair` of kinds in one word, or `filler` that says nothing.
        kind: The class of the row.
        setting: The field that is set.
        values: What is set by the word alone.
        counts: For a setting, whether "64 filters" is as usual as "filters 64".
    """

    role: str
    _: KW_ONLY
    kind: type[Row] | None = None
    setting: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    counts: bool = False


_KINDS: dict[type[Row], str] = {
    Conv: "conv conv1d conv2d conv3d convolution convolution2d convolutional cnn convlayer "
    "convolutionlayer convolutionallayer c",
    ConvTranspose: "transposedconv transposedconv2d convtranspose convtranspose1d convtranspose2d "
    "convtranspose3d conv1dtranspose conv2dtranspose conv3dtranspose transposeconv deconv deconv2d "
    "deconvolution transposedconvolution upconv transposeconvolution",
    MaxPool: "maxpool maxpool1d maxpool2d maxpool3d maxpooling maxpooling1d maxpooling2d "
    "maxpooling3d pool pooling poolinglayer maxpoolinglayer maxpoollayer subsampling m mp",
    AvgPool: "averagepool averagepooling avgpool avgpool1d avgpool2d avgpool3d avgpooling "
    "averagepooling1d averagepooling2d averagepooling3d meanpool meanpooling averagepool2d ap",
    AdaptiveAvgPool: "adaptiveaveragepool adaptiveavgpool adaptiveavgpool1d adaptiveavgpool2d "
    "adaptiveavgpool3d adaptiveaveragepooling adaptivepool adaptivepooling",
    GlobalAvgPool: "globalaveragepool globalavgpool globalaveragepooling globalaveragepooling1d "
    "globalaveragepooling2d globalaveragepooling3d globalavgpooling globalavgpool2d gap globalpool "
    "globalpooling",
    Flatten: "flatten flattening flattenlayer reshape",
    Linear: "linear linearlayer fc fullyconnected fullyconnectedlayer fullconnected "
    "dense denselayer fclayer affine innerproduct fullyconnectedlinear output outputlayer "
    "hiddenlayer",
    BatchNorm: "batchnorm batchnorm1d batchnorm2d batchnorm3d batchnormalization "
    "batchnormalisation bn bn1d bn2d batchnormlayer batchnormalizationlayer",
    GroupNorm: "groupnorm groupnormalization groupnormalisation gn",
    Dropout: "dropout dropout1d dropout2d dropout3d dropoutlayer drop",
    Upsample: "upsample upsampling upsampling1d upsampling2d upsampling3d upsamplingnearest2d "
    "upsamplingbilinear2d unpool",
    Repeat: "repeat repeated",
    Residual: "residual residualblock resblock residuallayer basicblock skip",
    Custom: "custom",
    Activation: "activation activationlayer activationfunction nonlinearity",
}
_ACTIVATION_SPELLINGS = {
    "rectifier": "relu",
    "rectifiedlinearunit": "relu",
    "rectifiedlinear": "relu",
    "relulayer": "relu",
    "lrelu": "leaky_relu",
    "swish": "silu",
    "softmaxlayer": "softmax",
    "hardswish": "hardswish",
    "hswish": "hardswish",
    "hsigmoid": "hardsigmoid",
    "logistic": "sigmoid",
    "hyperbolictangent": "tanh",
}
_SETTINGS = {
    "out_channels": "filters filter f outchannels outputchannels outchannel outputchannel out maps "
    "featuremaps numfilters nfilters numberoffilters nooffilters outfeatures outputfeatures units "
    "neurons nodes hiddenunits numberofhiddenunits channels depth outputs kernels width numout "
    "cout outputmaps n",
    "in_channels": "in inchannels inputchannels inchannel inputchannel infeatures inputfeatures "
    "inputs cin numin numfeatures numchannels features",
    "kernel_size": "kernel k ksize kernelsize filtersize size window windowsize poolsize "
    "poolingsize field receptivefield kernelshape",
    "stride": "stride s strides step steps",
    "padding": "padding p pad paddings zeropadding zeropad",
    "output_padding": "outputpadding outputpad op",
    "dilation": "dilation d dilationrate dilated atrous",
    "groups": "groups g group numgroups",
    "bias": "bias biases usebias",
    "padding_mode": "paddingmode padmode",
    "ceil_mode": "ceilmode",
    "output_size": "outputsize outsize targetsize",
    "scale_factor": "scalefactor scale factor",
    "setting": "setting negativeslope slope alpha init",
    "name": "name called",
    "shortcut": "shortcut skipconnection",
    "p": "rate probability prob dropoutrate dropoutprobability",
    "momentum": "momentum",
    "eps": "eps epsilon",
    "affine": "affine",
    "mode": "mode",
    "count_include_pad": "countincludepad",
}
_COUNTS = (
    "filters filter maps featuremaps units neurons nodes hiddenunits channels outputs kernels "
    "inputs groups outputchannels inputchannels features"
)
_FLAGS: dict[str, dict[str, object]] = {
    "same": {"padding": "same"},
    "samepadding": {"padding": "same"},
    "valid": {"padding": 0},
    "validpadding": {"padding": 0},
    "nopadding": {"padding": 0},
    "unpadded": {"padding": 0},
    "nobias": {"bias": False},
    "withoutbias": {"bias": False},
    "withbias": {"bias": True},
    "nostride": {"stride": 1},
    "ceil": {"ceil_mode": True},
    "nearest": {"mode": "nearest"},
    "bilinear": {"mode": "bilinear"},
    **{mode: {"padding_mode": mode} for mode in PADDING_MODES},
    "projection": {"shortcut": "projection"},
}
_FILLERS = (
    "layer layers with of and a an the by nn torch keras tf layers function units2 then followed "
    "each hidden block using 1d 2d 3d"
)


_MARKS = re.compile(r"[\W_]+")


def squash(phrase: str) -> str:
    """Lower case without spaces, dashes and underscores: `Max-Pooling` and `maxpooling` are one."""
    return _squashed(phrase) if len(phrase) < 40 else _MARKS.sub("", phrase).lower()


@functools.lru_cache(maxsize=4096)
def _squashed(phrase: str) -> str:
    return _MARKS.sub("", phrase).lower()


@functools.cache
def _built_in() -> dict[str, Meaning]:
    known: dict[str, Meaning] = {}
    for kind, words in _KINDS.items():
        for word in words.split():
            known[word] = Meaning("kind", kind=kind, values=_preset(kind, word))
    for word in ACTIVATIONS:
        known[squash(word)] = Meaning("kind", kind=Activation, values={"function": word})
    for spelling, word in _ACTIVATION_SPELLINGS.items():
        known[spelling] = Meaning("kind", kind=Activation, values={"function": word})
    for setting, words in _SETTINGS.items():
        for word in words.split():
            known[word] = Meaning("setting", setting=setting, counts=word in _COUNTS.split())
    for word, values in _FLAGS.items():
        known[word] = Meaning("flag", values=values)
    for word in _FILLERS.split():
        known.setdefault(word, Meaning("filler"))
    for word in ("input", "inputlayer", "inputimage", "image", "inputs", "inputsize"):
        known[word] = Meaning("input")
    return known


def _preset(kind: type[Row], word: str) -> dict[str, object]:
    """What a word says beyond its kind: `M` is a pool of 2, Dropout2d drops whole maps."""
    if word == "m":
        return {"kernel_size": 2}
    if kind is Dropout and word[-2:] in {"1d", "2d", "3d"}:
        return {"channels": True}
    if word == "upsamplingbilinear2d":
        return {"mode": "bilinear"}
    return {}


def meaning_of(phrase: str) -> Meaning | None:
    """What a word or phrase means; None when it is not known. Registered words come first."""
    squashed = squash(phrase)
    for word, kind in registered().items():
        if squash(word) == squashed:
            return Meaning("kind", kind=kind)
    return _built_in().get(squashed)


def is_built_in(phrase: str) -> bool:
    """Whether a word or phrase names a layer, or a value of one, without being registered.

    That of a setting, such as "scale", may name a kind: fields are written with `=` just as well.
    """
    meaning = _built_in().get(squash(phrase))
    return meaning is not None and meaning.role not in {"filler", "setting"}


def closest_word(word: str) -> str | None:
    """The known word that looks most like this one."""
    known = [*_built_in(), *(squash(name) for name in registered())]
    long_enough = [name for name in known if len(name) > 2]
    found = difflib.get_close_matches(squash(word)[:40], long_enough, n=1, cutoff=0.6)
    return found[0] if found else None


@functools.cache
def positional_fields(kind: type[Row]) -> tuple[str, ...]:
    """The fields that a bare number or a group of rows fills, in order."""
    return tuple(item.name for item in fields(kind) if not item.kw_only)  # type: ignore[arg-type] # every kind of row is a dataclass


@functools.cache
def field_names(kind: type[Row]) -> frozenset[str]:
    """Every field that a table may set."""
    names = {item.name for item in fields(kind)}  # type: ignore[arg-type] # as above
    return frozenset(names - {"stated", "_"})

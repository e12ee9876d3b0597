"""The columns of a table: what each header says that its cells hold."""

from __future__ import annotations

import difflib
import functools
import re
from typing import TYPE_CHECKING

from convkit.architecture._cells import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

# Each role and the headers that name it, in lower case without spaces and marks.
_SYNONYMS = {
    "layer": "layer layertype typeoflayer layerandtype type kind operation operator op block "
    "module layers layerdescription layerconfiguration configuration architecture layeroperation "
    "layerkind component typelayer stage layerstructure structure typeoflayers layertypes",
    "number": "no number nr num layerno layernumber layerid id index idx # step layernr layerindex "
    "layernum depthidx rowno row",
    "name": "name layername nameoflayer modulename",
    "out_channels": "filters numberoffilters nooffilters numfilters nfilters noffilters filter "
    "filtercount numberoffilter outputchannels outputchannel outchannels outchannel channelsout "
    "channels numberofchannels numchannels nchannels kernels numberofkernels nokernels "
    "featuremaps numberoffeaturemaps featuremap maps units numberofunits hiddenunits "
    "numberofhiddenunits neurons numberofneurons nodes numberofnodes outfeatures outputfeatures "
    "numberofhiddenunitsnumberoffilters numberofhiddenunitsfilters hiddenunitsfilters "
    "numberoffiltersunits filtersunits unitsfilters filtersneurons neuronsfilters cout depth width "
    "numberoffiltershiddenunits channelsfeatures outputs numoutputs numoutputchannels "
    "numberofoutputs numberofoutputchannels",
    "in_channels": "inputchannels inputchannel inchannels inchannel channelsin cin infeatures "
    "inputfeatures numberofinputchannels numinputs inputs",
    "kernel_size": "kernel kernelsize k ksize filtersize sizeoffilter sizeoffilters window "
    "windowsize poolsize poolingsize kernelwindow receptivefieldsize kernelshape filtershape "
    "filterdimensions kerneldimensions sizeofkernel filterkernelsize kernelfiltersize "
    "kernelsizes patchsize filtersizes",
    "stride": "stride strides s stridesize step",
    "padding": "padding pad p paddingsize zeropadding paddings",
    "dilation": "dilation dilationrate",
    "groups": "groups group",
    "bias": "usebias hasbias withbias",
    "activation": "activation activationfunction nonlinearity act activations activationfn "
    "activationfunctions functionofactivation transferfunction",
    "norm": "norm normalization normalisation batchnorm bn batchnormalization batchnormalisation "
    "normlayer",
    "dropout": "dropout dropoutrate drop",
    "repeat": "repeat repeats times repetitions numberofrepeats count",
    "info": "addinfo additionalinfo additionalinformation info information parametersinfo details "
    "detail settings setting hyperparameters options option notes note remarks remark comment "
    "comments description specification other arguments args kernelstride kernelsizestride "
    "filtersizestride patchsizestride kernelsizestridepadding filterstride kernelandstride "
    "hyperparams config additional misc filtersizesandstrides kernelstridepadding attributes "
    "additionalsettings properties extra ksp parameterssettings layerparameters",
    "input_shape": "input inputsize inputshape inputdimensions inputdimension inputdim inputs2 "
    "insize inputvolume inputdims inputmapsize inputfeaturemap sizein",
    "output_shape": "output outputsize outputshape outputdimensions outputdimension outputdim "
    "outsize outputvolume outputdims shape size featuremapsize mapsize activationshape "
    "activationsize outputfeaturemap outputmapsize sizeout dimensions dimension outputfeaturemaps "
    "outputsizes spatialsize resolution activationvolume sizeoffeaturemap featuresize "
    "outputresolution sizeofoutput outputsizechw outputmap",
    "weights": "weights numberofweights noofweights numweights nweights weightcount",
    "biases": "biases numberofbiases numbiases bias nbiases",
    "parameters": "parameters params param numberofparameters noofparameters numparameters "
    "numparams nparams nparameters parametercount paramcount numberofparams totalparameters "
    "trainableparameters learnableparameters learnables totalparams weightsandbiases "
    "numberoftrainableparameters weightsbiases parameters#",
    "macs": "macs mac multadds multadd multiplyadds numberofmacs madds",
    "ignored": "receptivefield rf flops memory connections gflops mflops trainable time remarks2",
}


@functools.cache
def _roles() -> dict[str, str]:
    return {word: role for role, words in _SYNONYMS.items() for word in words.split()}


def squash_header(header: str) -> str:
    """A header without units, marks and spaces, in lower case."""
    short = header[:200]
    without_brackets = re.sub(r"\([^()]{0,60}\)|\[[^\[\]]{0,60}\]", " ", short)
    squashed = re.sub(r"[\W_]+", "", without_brackets).lower()
    return squashed or re.sub(r"[\s*_]+", "", short).lower()


def role_of(header: str) -> str | None:
    """What the cells under a header hold; None when the header is not known."""
    squashed = squash_header(header)
    role = _roles().get(squashed)
    if role is not None:
        return role
    if squashed in {"param#", "params#"}:
        return "parameters"
    return next((role for words, role in _CONTAINED if all(w in squashed for w in words)), None)


# For longer headers: the first of these of which every part is contained.
_CONTAINED = (
    (("activation", "function"), "activation"),
    (("nonlinear",), "activation"),
    (("number", "filter"), "out_channels"),
    (("number", "hidden"), "out_channels"),
    (("output", "size"), "output_shape"),
    (("output", "shape"), "output_shape"),
    (("output", "dim"), "output_shape"),
    (("input", "size"), "input_shape"),
    (("input", "shape"), "input_shape"),
    (("input", "dim"), "input_shape"),
    (("output", "channel"), "out_channels"),
    (("input", "channel"), "in_channels"),
    (("number", "param"), "parameters"),
    (("trainable", "param"), "parameters"),
    (("number", "weight"), "weights"),
    (("number", "bias"), "biases"),
    (("layer", "type"), "layer"),
    (("add", "info"), "info"),
)


def roles_of(headers: Sequence[str], readings: list[str]) -> list[str | None]:
    """The role of each column, each role but `info` at most once.

    Args:
        headers: The first row of the table.
        readings: Where a sentence is added for every header that is guessed or left out.
    """
    roles = [role_of(header) for header in headers]
    for index, header in enumerate(headers):
        if roles[index] is None and header.strip():
            roles[index] = _guess(header, readings)
    _settle_layer(roles, headers)
    _settle_size(roles, headers, readings)
    return _once(roles, headers, readings)


def _guess(header: str, readings: list[str]) -> str | None:
    """A header with a slip of the keyboard, or one that is left out."""
    near = difflib.get_close_matches(squash_header(header)[:40], list(_roles()), n=1, cutoff=0.8)
    if near and len(near[0]) > 3:
        role = _roles()[near[0]]
        readings.append(f"the column {quoted(header)} is read as {role.replace('_', ' ')}")
        return role
    readings.append(f"the column {quoted(header)} is not read: no header of that kind is known")
    return None


def _settle_layer(roles: list[str | None], headers: Sequence[str]) -> None:
    """Of "layer" and "type" the second names the kind; a name alone stands for the layer."""
    columns = [index for index, role in enumerate(roles) if role == "layer"]
    if len(columns) > 1:
        preferred = ("layertype", "typeoflayer", "type", "kind", "operation", "operator", "op")
        squashed = [squash_header(header) for header in headers]
        kept = min(
            columns,
            key=lambda i: preferred.index(squashed[i]) if squashed[i] in preferred else 99,
        )
        for index in columns:
            roles[index] = "layer" if index == kept else "number"
    elif not columns and "name" in roles:
        roles[roles.index("name")] = "layer"


def _settle_size(roles: list[str | None], headers: Sequence[str], readings: list[str]) -> None:
    """A mere "size" beside a column of output sizes, in a table without kernels, is theirs."""
    for index, header in enumerate(headers):
        if squash_header(header) != "size":
            continue
        others = [role for i, role in enumerate(roles) if i != index]
        roles[index] = (
            "kernel_size"
            if "kernel_size" not in others and "output_shape" in others
            else "output_shape"
        )
        meaning = "kernel size" if roles[index] == "kernel_size" else "output size"
        readings.append(f"the column {quoted(header)} is read as {meaning}")


def _once(roles: list[str | None], headers: Sequence[str], readings: list[str]) -> list[str | None]:
    """A role that is taken a second time is left out."""
    seen: set[str] = set()
    kept: list[str | None] = []
    for role, header in zip(roles, headers, strict=True):
        if role in seen and role not in {"info", "ignored", "number"}:
            readings.append(f"the column {quoted(header)} is not read: another says the same")
            role = None
        seen.add(role or "")
        kept.append(role)
    return kept


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row of cells is the header of a table of layers."""
    roles = {role_of(cell) for cell in cells}
    return bool(roles & {"layer", "name"}) or len(roles - {None}) >= 2

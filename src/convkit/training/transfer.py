"""Begin from trained weights: another head, frozen parts, torchvision's networks.

from convkit.training import transfer

model, transform = transfer.pretrained("resnet18")
transfer.replace_head(model, 10)
transfer.freeze(model)
transfer.unfreeze(model, "layer4", "fc")
print(transfer.report(model))
"""

from convkit.training._transfer_freezing import (
    FreezeReport,
    freeze,
    parameter_groups,
    report,
    unfreeze,
)
from convkit.training._transfer_head import replace_head
from convkit.training._transfer_weights import LoadedWeights, load_weights, pretrained

__all__ = [
    "FreezeReport",
    "LoadedWeights",
    "freeze",
    "load_weights",
    "parameter_groups",
    "pretrained",
    "replace_head",
    "report",
    "unfreeze",
]

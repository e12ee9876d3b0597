"""Where the maximum is taken of ReLU, it may as well be taken first: the same, with less work.

ReLU never turns an order round, so the greatest of the ReLUs is the ReLU of the greatest, bit for
bit. The gradients are equal too. Where a window's greatest value is above zero, both orders send
the gradient to the first place that has it. Where it is zero or below, ReLU's derivative is zero:
pooled last, the gradient reaches some place of the window and ends there; pooled first, it ends
before. What is saved is ReLU over the values that are no maximum, forward and backward.
"""

from __future__ import annotations

from torch import nn

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def pooling_first(model: nn.Module) -> nn.Module:
    """The network with max-pooling before ReLU where it stands after it; made of the same layers.

    Only plain `nn.Sequential` containers are looked into, since only theirs is known to be no more
    than the order of their layers. The model itself stays as it is; it is handed back where nothing
    changes, and where somebody listens to a layer by a hook.
    """
    if type(model) is not nn.Sequential or _watched(model):
        return model
    own = [(name, layer) for name, layer in model._modules.items() if layer is not None]
    layers = [(name, pooling_first(layer)) for name, layer in own]
    for at in range(len(layers) - 1):
        if _may_swap(layers[at][1], layers[at + 1][1]):
            layers[at], layers[at + 1] = layers[at + 1], layers[at]
    if all(new is old for (_, new), (_, old) in zip(layers, own, strict=True)):
        return model
    view = nn.Sequential()
    for name, layer in layers:
        view.add_module(name, layer)
    return view


def _may_swap(first: nn.Module, second: nn.Module) -> bool:
    """Whether these are ReLU and a max-pooling that gives values alone, and nobody listens."""
    return (
        type(first) is nn.ReLU
        and type(second) is nn.MaxPool2d
        and not second.return_indices
        and not _watched(first)
        and not _watched(second)
    )


def _watched(layer: nn.Module) -> bool:
    return any(getattr(layer, hooks) for hooks in _HOOKS)

"""How fast each layer learns: the classifiers at the full rate, each layer below them slower.

What lies far below the head is the most general of what a checkpoint knows, and a few labels
should change it the least (discriminative fine-tuning, Howard & Ruder 2018; ELECTRA, Clark et
al. 2020).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LAYER_DECAY = 0.85
"""A layer's rate over that of the layer above it."""

_LAYER = re.compile(r"\.layers?\.(\d+)\.")
_POOLER = ".pooler."


def parameter_groups(
    model: PreTrainedModel, learning_rate: float, weight_decay: float, decaying: Container[str]
) -> list[dict[str, Any]]:
    """What torch's optimizers take: the parameters of a rate and a weight decay together.

    Args:
        model: of any family whose layers are numbered; all of another's learn at the full rate.
        learning_rate: of the pooler and of all classifiers, which come first. What the layers
            share, or stand on, learns as slowly as embeddings do.
        weight_decay: of the parameters in ``decaying``; of all others it is 0.
        decaying: names of parameters.
    """
    layers: int = model.config.num_hidden_layers
    numbered = any(_LAYER.search(name) for name, _ in model.named_parameters())
    groups: dict[tuple[int, bool], list[Any]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            depth = _depth(name, layers, model.base_model_prefix) if numbered else 0
            groups[depth, name in decaying].append(parameter)
    return [
        {
            "params": parameters,
            "lr": learning_rate * LAYER_DECAY**depth,
            "weight_decay": weight_decay if decays else 0.0,
        }
        for (depth, decays), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def _depth(name: str, layers: int, base: str) -> int:
    """How many layers lie between a parameter and the head: 0 for the head, 1 for the last one."""
    layer = _LAYER.search(name)
    if layer:
        return layers - int(layer[1])
    return layers + 1 if name.startswith(f"{base}.") and _POOLER not in name else 0

"""Where the layers of a traced graph are, by the names that the exporter gives its nodes."""

from __future__ import annotations

import re
from typing import Any

_LAYER = re.compile(r"/layers?\.(\d+)/")


def hidden_states(model: Any) -> list[str]:
    """The name of each layer's output: that of the last normalisation in it."""
    return _last_outputs(model, "LayerNormalization")


def attention_weights(model: Any) -> list[str]:
    """The name of each layer's attention, (n, heads, tokens, tokens); none where it is fused."""
    return _last_outputs(model, "Softmax")


def _last_outputs(model: Any, operator: str) -> list[str]:
    """What the last node of a kind in each layer makes, in the order of the layers."""
    found = {
        int(layer[1]): node.output[0]
        for node in model.graph.node
        if node.op_type == operator and (layer := _LAYER.search(node.name))
    }
    return [found[layer] for layer in sorted(found)]

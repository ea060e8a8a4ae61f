"""A traced graph with its attention in one node, by onnxruntime's own optimiser.

A traced attention is some forty nodes, half of which only work out shapes. In one node a review
takes 1 % less time and a sentence 3 %, and a mask can be left out (:mod:`export.masks`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.convert import silence

if TYPE_CHECKING:
    from export.checkpoint import Checkpoint

ATTENTION = "MultiHeadAttention"
"""The node: queries, keys, values, and then perhaps what is added to them, and the mask."""

_BIAS = 3


def fuse_for_cpu(graph: Path, checkpoint: Checkpoint, target: Path) -> None:
    """Fuse attention and GELU, and leave the rest, each product and its bias among it, as traced.

    Args:
        graph: the fp32 graph.
        checkpoint: the model it came from.
        target: the file to make.
    """
    fused = _fused(
        graph,
        checkpoint,
        # Takes queries, keys and values, so that the products that make them stay apart.
        use_multi_head_attention=True,
        enable_skip_layer_norm=False,
        enable_bias_skip_layer_norm=False,
        enable_embed_layer_norm=False,
        enable_bias_gelu=False,
    )
    _add_biases_before(fused.model.graph)
    fused.save_model_to_file(str(target))


def to_half(graph: Path, checkpoint: Checkpoint, target: Path) -> None:
    """Fuse a graph's attention and normalisations, then store it in fp16.

    The order matters: GPUs run the fused nodes in fp16, while the casts that the
    conversion puts in would hide the patterns from onnxruntime's own fusion at load.
    Inputs and outputs keep their types.

    Args:
        graph: the fp32 graph.
        checkpoint: the model it came from.
        target: the file to make.
    """
    with silence():
        fused = _fused(graph, checkpoint)
        fused.convert_float_to_float16(keep_io_types=True)
        fused.save_model_to_file(str(target))


def _fused(graph: Path, checkpoint: Checkpoint, **choices: bool) -> Any:
    """A graph as onnxruntime's optimiser leaves it; ``choices`` are fields of FusionOptions."""
    from onnxruntime.transformers.fusion_options import AttentionMaskFormat, FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True)
    options = FusionOptions("bert")
    # The mask as it is. The default keeps only its length, which is wrong for any mask
    # but one that pads on the right.
    options.attention_mask_format = AttentionMaskFormat.AttentionMask
    for name, value in choices.items():
        setattr(options, name, value)
    with silence():
        return optimize_model(
            str(graph),
            model_type="bert",
            num_heads=config.num_attention_heads,
            hidden_size=config.hidden_size,
            optimization_options=options,
            opt_level=0,
        )


def _add_biases_before(graph: Any) -> None:
    """Add to queries, keys and values what the attention would add to them.

    A product in int8 adds its own bias at no cost (:mod:`export.quantize`), the attention in a
    pass of its own: texts take 2 % less time. onnxruntime fuses no attention without biases.
    """
    from onnx import helper, numpy_helper

    arrays = {one.name: one for one in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type == ATTENTION:
            together = numpy_helper.to_array(arrays[node.input[_BIAS]])
            # One for each input before it: queries, keys and values.
            for place, bias in enumerate(np.split(together, _BIAS)):
                product = node.input[place]
                own, total = f"{product}_bias", f"{product}_with_bias"
                graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(bias), own))
                nodes.append(helper.make_node("Add", [product, own], [total], total))
                node.input[place] = total
            node.input[_BIAS] = ""
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)

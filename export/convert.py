"""From a PyTorch checkpoint to ONNX graphs, in full and in half precision."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from score.errors import DataError, first_line

if TYPE_CHECKING:
    from export.checkpoint import Checkpoint


def convert(checkpoint: Checkpoint, folder: Path) -> Path:
    """Trace the model into one fp32 graph with free batch and sequence sizes.

    Its inputs are ``input_ids``, ``attention_mask`` and, for models that have them,
    ``token_type_ids``, each of shape (n, tokens); its output is ``logits``, of shape
    (n, classes).

    Args:
        checkpoint: the model.
        folder: where the graph and the exporter's other files go.

    Returns:
        The file of the graph.

    Raises:
        DataError: optimum cannot convert the model.
    """
    from optimum.exporters.onnx import main_export

    try:
        with silence():
            main_export(
                str(checkpoint.folder),
                folder,
                task="text-classification",
                dtype="fp32",
                # Compared with the checkpoint later, through the scorer's own engine.
                do_validation=False,
                library_name="transformers",
                local_files_only=True,
            )
    except Exception as exc:
        raise DataError(
            f"{checkpoint.folder} cannot be converted to ONNX: {first_line(exc)} "
            "The model has to be of the BERT family."
        ) from exc
    return folder / "model.onnx"


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
    from onnxruntime.transformers.fusion_options import AttentionMaskFormat, FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True)
    options = FusionOptions("bert")
    # The mask as it is. The default keeps only its length, which is wrong for any mask
    # but one that pads on the right.
    options.attention_mask_format = AttentionMaskFormat.AttentionMask
    with silence():
        fused = optimize_model(
            str(graph),
            model_type="bert",
            num_heads=config.num_attention_heads,
            hidden_size=config.hidden_size,
            optimization_options=options,
            opt_level=0,
        )
        fused.convert_float_to_float16(keep_io_types=True)
        fused.save_model_to_file(str(target))


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep the exporters' warnings, which are for their own developers, off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)

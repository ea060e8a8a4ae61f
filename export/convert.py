"""From a PyTorch checkpoint to an ONNX graph in full precision."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from score.errors import DataError, first_line
from score.widen import OPSET

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
                # What is put in later is written for this one.
                opset=OPSET,
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

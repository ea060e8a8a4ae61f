"""A PyTorch model over many token lists, outside of training: sorted by length, padded little."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from finetune.hardware import device_type, has_bf16

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

# Texts at once. A GPU is idle between small batches, but may lack the memory to keep the output of
# all layers of large ones.
_BATCH, _GPU_BATCH = 32, 256


def forward(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    ids: Sequence[Sequence[int]],
    **wanted: bool,
) -> Iterator[tuple[list[int], Any, torch.Tensor]]:
    """What the model makes of texts, batch by batch, where PyTorch is fastest.

    Args:
        model: is put onto the device that is used, and does not learn.
        tokenizer: the model's, which knows how to pad.
        ids: the tokens of each text.
        wanted: what to ask the model for besides, such as ``output_hidden_states``.

    Yields:
        The places of a batch's texts among ``ids``, the model's output, and the mask, 1 for a
        token and 0 for padding, shape (batch, tokens).
    """
    import torch

    device = device_type()
    model.to(device).eval()  # type: ignore[arg-type] # theirs takes a name as well
    for places in _batches(ids, _BATCH if wanted or device == "cpu" else _GPU_BATCH):
        texts = {"input_ids": [list(ids[place]) for place in places]}
        padded = tokenizer.pad(texts, return_tensors="pt").to(device)
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=has_bf16()):
            outputs = model(**padded, **wanted)
        yield places, outputs, padded["attention_mask"]


def _batches(ids: Sequence[Sequence[int]], size: int) -> list[list[int]]:
    """Places of texts of like length, so that little is padded."""
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    return [order[start : start + size] for start in range(0, len(order), size)]

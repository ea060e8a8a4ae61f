"""What a trained model says of texts: a bundle of ``thumbs export``, or a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from finetune.base import head_rows
from finetune.box import find_bundle
from finetune.checkpoint import METRICS_FILE, PREPROCESSING_FILE
from score.errors import DataError, NoInputError, first_line
from score.tokens import Encoder, Truncation

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Probabilities below are as good as none; their logarithm stays a number.
_LEAST = 1e-4


def log_probabilities(
    model: str, labels: Sequence[str], texts: Sequence[str]
) -> NDArray[np.float64]:
    """Calibrated log probabilities of the classes.

    Args:
        model: the folder of a bundle or of a checkpoint, or ``thumbs`` for the bundle in
            the box. A bundle answers several times as fast.
        labels: the class names in the order of the columns wanted; case and blanks do not count.
        texts: cleaned texts.

    Returns:
        Shape (n, classes), none below log(0.0001).

    Raises:
        NoInputError: ``model`` is neither bundle nor checkpoint.
        BundleError: the bundle is damaged.
        DataError: the model's labels are others.
    """
    if bundle := find_bundle(model):
        own, probabilities = _ask_bundle(bundle, texts)
    elif (Path(model) / METRICS_FILE).is_file():
        own, probabilities = _ask_checkpoint(Path(model), texts)
    else:
        raise NoInputError(
            f"{model} is neither a bundle of thumbs export nor a checkpoint of thumbs finetune. "
            "Name the folder of one."
        )
    columns = head_rows(own, labels)
    if columns is None:
        raise DataError(
            f"{model} tells {', '.join(own)} apart, the labelled data {', '.join(labels)}; "
            "name a model with the same labels."
        )
    logs: NDArray[np.float64] = np.log(np.clip(probabilities[:, columns], _LEAST, 1))
    return logs


def _ask_bundle(folder: Path, texts: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    from score.folders import score_cache_file
    from score.scorer import Scorer, ScorerSettings

    # Remembered, so that a run that goes on does not ask again.
    settings = ScorerSettings(any_language=True, cache=score_cache_file())
    with Scorer(folder, settings) as scorer:
        even = (1 / len(scorer.labels),) * len(scorer.labels)
        rows = [score.probabilities or even for score in scorer.score(texts)]
        return scorer.labels, np.asarray(rows, np.float64).reshape(-1, len(scorer.labels))


def _ask_checkpoint(
    folder: Path, texts: Sequence[str]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from finetune.forward import forward
    from score.calibration import softmax

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)  # type: ignore[no-untyped-call] # theirs
        model = AutoModelForSequenceClassification.from_pretrained(folder)
        preprocessing = json.loads((folder / PREPROCESSING_FILE).read_text(encoding="utf-8"))
        temperature = json.loads((folder / METRICS_FILE).read_text(encoding="utf-8"))["temperature"]
    except (OSError, ValueError, KeyError) as exc:
        raise DataError(f"The checkpoint {folder} is damaged: {first_line(exc)}") from exc
    names = model.config.id2label
    encoder = Encoder(tokenizer.backend_tokenizer, Truncation(**preprocessing["truncation"]))
    ids = [one.ids for one in encoder.encode_batch(texts)]
    logits = np.zeros((len(ids), len(names)), np.float32)
    for places, outputs, _ in forward(model, tokenizer, ids):
        logits[places] = outputs.logits.float().cpu().numpy()
    return tuple(names[i] for i in range(len(names))), softmax(logits, temperature)

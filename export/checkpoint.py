"""Reads the folder that ``thumbs finetune`` leaves.

Training and export meet only there, so the file names stand here a second time; what is
in them is said in :mod:`finetune.checkpoint`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from export.classifiers import Exit
from export.ngrams import Ngrams
from export.reviews import Reviews
from score.bundle import TOKENIZER_FILE
from score.errors import DataError, NoInputError, UsageError
from score.labels import check_labels
from score.tokens import Truncation

CONFIG_FILE = "config.json"
PREPROCESSING_FILE = "preprocessing.json"
METRICS_FILE = "metrics.json"
VALIDATION_FILE = "validation.parquet"
WEIGHTS_FILE = "model.safetensors"
_EXIT_WEIGHT, _EXIT_BIAS = "exits.{}.weight", "exits.{}.bias"
_NGRAM_ARRAYS = ("ngrams.weight", "ngrams.bias")
_NGRAM_NUMBERS = ("ngrams.vocabulary", "ngrams.multiplier", "ngrams.shortest")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A fine-tuned model and what is known about it.

    Attributes:
        folder: where it is, in Hugging Face's layout.
        labels: the class names, in class order.
        config: the model's ``config.json``.
        cleaning, truncation, language: how a text becomes the model's input.
        metrics: command, base model, data, temperature and evaluation, as training left them.
        temperature: what training fitted for the checkpoint's own logits.
        validation: the reviews held back from training, cleaned, with their classes.
        exits: the classifier behind each layer but the last; none where it was trained without.
        ngrams: the classifier before the first layer; None where there is none.
    """

    folder: Path
    labels: tuple[str, ...]
    config: Mapping[str, Any]
    cleaning: str
    truncation: Truncation
    language: str | None
    metrics: Mapping[str, Any]
    temperature: float
    validation: Reviews
    exits: tuple[Exit, ...] = ()
    ngrams: Ngrams | None = None

    @classmethod
    def load(cls, folder: Path) -> Checkpoint:
        """Read a checkpoint of ``thumbs finetune``.

        Raises:
            NoInputError: the folder or one of its files is not there.
            DataError: a file is damaged.
            BundleError: the labels cannot stand in a table.
        """
        config = _read_json(folder, CONFIG_FILE)
        preprocessing = _read_json(folder, PREPROCESSING_FILE)
        metrics = _read_json(folder, METRICS_FILE)
        for name in (TOKENIZER_FILE, VALIDATION_FILE):
            _require(folder, name)
        try:
            labels = tuple(str(config["id2label"][str(i)]) for i in range(len(config["id2label"])))
            truncation = Truncation(**preprocessing["truncation"])
            cleaning, language = preprocessing["cleaning"], preprocessing["language"]
            name = f"{metrics['data']['name']}, validation split"
            temperature = float(metrics["temperature"])
        except (KeyError, TypeError, ValueError, UsageError) as exc:
            raise DataError(
                f"{folder} is damaged ({type(exc).__name__}: {exc}). Run thumbs finetune again."
            ) from exc
        check_labels(labels)
        validation = _read_validation(folder / VALIDATION_FILE, name, labels)
        return cls(
            folder,
            labels,
            config,
            cleaning,
            truncation,
            language,
            metrics,
            temperature,
            validation,
            *_read_classifiers(folder / WEIGHTS_FILE),
        )

    def reading(self, max_tokens: int) -> Checkpoint:
        """The same model, reading so many tokens of a long text, from both ends as before.

        Raises:
            UsageError: it has no weights for as many.
        """
        truncation = Truncation.halves(self.truncation.strategy, max_tokens)
        positions = self.config.get("max_position_embeddings", max_tokens)
        truncation.check_positions(positions, str(self.folder))
        return replace(self, truncation=truncation)


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    _require(folder, name)
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise DataError(f"{folder / name} cannot be read: {exc}. Train the model again.") from exc
    if not isinstance(content, dict):
        raise DataError(f"{folder / name} is no JSON object. Train the model again.")
    return content


def _require(folder: Path, name: str) -> None:
    if not (folder / name).is_file():
        raise NoInputError(
            f"{folder} is no checkpoint of thumbs finetune: it has no {name}. "
            "Name the folder that thumbs finetune made."
        )


def _read_validation(path: Path, name: str, labels: tuple[str, ...]) -> Reviews:
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
        texts = tuple(str(text) for text in frame["text"])
        classes = tuple(labels.index(label) for label in frame["label"])
    except (OSError, KeyError, ValueError) as exc:
        raise DataError(f"{path} cannot be read: {exc}. Train the model again.") from exc
    if not texts:
        raise DataError(f"{path} holds no reviews. Train the model again.")
    return Reviews(name, texts, classes)


def _read_classifiers(path: Path) -> tuple[tuple[Exit, ...], Ngrams | None]:
    """The early classifiers: those behind layers, and the one before them all."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return (), None
    exits: list[Exit] = []
    try:
        with safe_open(path, framework="numpy") as tensors:
            names = set(tensors.keys())
            while (name := _EXIT_WEIGHT.format(len(exits))) in names:
                bias = tensors.get_tensor(_EXIT_BIAS.format(len(exits)))
                exits.append(Exit(tensors.get_tensor(name), bias))
            ngrams = None
            if names.issuperset((*_NGRAM_ARRAYS, *_NGRAM_NUMBERS)):
                weight, bias = map(tensors.get_tensor, _NGRAM_ARRAYS)
                ngrams = Ngrams(weight, bias, *(int(tensors.get_tensor(n)) for n in _NGRAM_NUMBERS))
    except (OSError, SafetensorError) as exc:
        raise DataError(f"{path} cannot be read: {exc}. Train the model again.") from exc
    return tuple(exits), ngrams

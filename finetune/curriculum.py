"""All that a model is to learn from, put together, and what is known of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from finetune.baseline import Baseline
from finetune.lessons import Lessons, class_weights, describe_weights
from finetune.report import classification_metrics
from finetune.settings import TrainSettings
from finetune.splits import LabelledData
from finetune.teacher import Teacher

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Curriculum:
    """What is trained on.

    Attributes:
        everything: all lessons.
        described: how many came from where, for ``metrics.json``.
    """

    everything: Lessons
    described: dict[str, Any]


def plan_lessons(data: LabelledData, settings: TrainSettings, baseline: Baseline) -> Curriculum:
    """The train split, what stands beside it, and what a teacher says of unlabelled texts.

    Raises:
        NoInputError, BundleError, DataError: the teacher cannot teach these labels.
    """
    number = len(data.labels)
    weights = class_weights(data.train.classes, number, settings.class_weights)
    said = describe_weights(data.train.classes, data.labels, weights)
    if said:
        logger.warning("%s", said)
    parts = {"labelled": Lessons.of(data.train, weights)}
    described: dict[str, Any] = {"class_weights": dict(zip(data.labels, weights, strict=True))}
    if data.also:
        also = Lessons.of(data.also, [1.0] * number)
        parts["also"] = Lessons.joined([also] * settings.also_times)
    if data.unlabelled:
        assert settings.teacher is not None  # noqa: S101 - train_model asked for one
        teacher = Teacher.fit(settings.teacher, data.labels, baseline, data.validation)
        parts["taught"] = teacher.teach(data.unlabelled.texts)
        if data.sentences:
            parts["taught sentences"] = teacher.teach_sentences(data.sentences.texts)
        described["teacher"] = {
            "weights": dict(zip(("model", "baseline"), teacher.weights, strict=True))
        }
    described["n"] = {name: len(part) for name, part in parts.items()}
    logger.info("Lessons: %s", described)
    return Curriculum(Lessons.joined(list(parts.values())), described)


def measure_baseline(baseline: Baseline, data: LabelledData) -> dict[str, Any]:
    """The baseline's figures on the validation and the test split."""
    figures: dict[str, Any] = {
        name: classification_metrics(
            baseline.log_probabilities(split.texts).astype(np.float32),
            np.asarray(split.classes, np.int64),
            1.0,
        )
        for name, split in data.splits()
        if name != "train"
    }
    return {"rows": baseline.rows, **figures}

"""How a training run is set; where its data comes from is in :mod:`finetune.data`."""

from __future__ import annotations

from dataclasses import dataclass, field

from score.errors import UsageError
from score.language import LANGUAGES
from score.tokens import Truncation

_EPOCHS, _MOST_EPOCHS, _STEPS = 2, 15, 250

CLASS_WEIGHTS = ("auto", "none", "balanced")
"""How classes can be weighed against each other; see :func:`finetune.lessons.class_weights`."""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How to train.

    Attributes:
        base: a Hugging Face BERT-family checkpoint, by name or as a folder; or the folder of a
            bundle of ``thumbs export``; or ``thumbs`` for the model in the box.
        truncation: how long texts are cut, in training and ever after.
        language: ISO 639-1 code of the reviews' language, recorded for the scorer; None
            where it is not known.
        epochs: passes over what is learnt; None is two, or of few rows as many as make 250
            steps, fifteen at most: two epochs of 300 rows have hardly begun (Mosbach et al. 2021,
            "On the Stability of Fine-tuning BERT").
        train_batch_size, eval_batch_size: reviews a step.
        learning_rate: of the classifiers at the peak, after the warm-up, then linear to 0; that
            of the layers is in :mod:`finetune.rates`.
        warmup: the share of all steps in which the rate rises.
        weight_decay: AdamW's.
        class_weights: of :data:`CLASS_WEIGHTS`: how classes of unlike size are weighed.
        also_times: how often an epoch goes through what is trained on beside the source: a
            few short texts are soon drowned by many long ones.
        teacher: who labels the unlabelled texts: the folder of a bundle or of a checkpoint, or
            ``thumbs`` for the model in the box; None where there are none.
        seed: decides the order of the batches and the new head.

    Raises:
        UsageError: a value is out of its range.
    """

    base: str = "bert-base-uncased"
    truncation: Truncation = field(default_factory=Truncation)
    language: str | None = None
    epochs: int | None = None
    train_batch_size: int = 16
    eval_batch_size: int = 64
    learning_rate: float = 5e-5
    warmup: float = 0.06
    weight_decay: float = 0.01
    class_weights: str = "auto"
    also_times: int = 1
    teacher: str | None = None
    seed: int = 42

    def __post_init__(self) -> None:
        numbers = (self.epochs, self.train_batch_size, self.eval_batch_size, self.also_times)
        if any(one is not None and one < 1 for one in numbers):
            raise UsageError("Epochs, batch sizes and times are whole numbers from 1 up.")
        if not (self.learning_rate > 0 and 0 <= self.warmup < 1 and self.weight_decay >= 0):
            raise UsageError(
                "The learning rate is above 0, the warm-up a share from 0 to under 1, "
                "the weight decay not below 0."
            )
        if self.class_weights not in CLASS_WEIGHTS:
            raise UsageError(
                f"--class-weights {self.class_weights!r} is none of {', '.join(CLASS_WEIGHTS)}."
            )
        if self.language is not None and self.language not in LANGUAGES:
            raise UsageError(
                f"--language {self.language!r} is no language that can be told from others; "
                "use a two-letter code, such as en, or leave it out."
            )

    def epochs_for(self, rows: int) -> int:
        """How many epochs to train, of so many rows each."""
        if self.epochs is not None:
            return self.epochs
        wanted = -(-_STEPS * self.train_batch_size // rows)
        return min(max(wanted, _EPOCHS), _MOST_EPOCHS)

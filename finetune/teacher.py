"""Labels for unlabelled texts: a trained model and the baseline together say how sure they are.

The two err in different places, one reads sentences and the other counts words of the
whole review, so together they are better than either. What they say is the mean of their
log probabilities, weighed and sharpened on held-back reviews. (Self-training and
distillation in one; Hinton et al. 2015, "Distilling the Knowledge in a Neural Network".)
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.baseline import Baseline, log_softmax
from finetune.lessons import Lessons

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finetune.splits import Split

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(]?[A-Z0-9])|\n+")
_FEWEST_WORDS, _MOST_WORDS = 2, 30
# Of a single sentence the two know less than of a review; where they differ, neither is asked.
_ALMOST_NEVER = 1e-4


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model and the baseline, and how much each is believed.

    Attributes:
        model: the folder of a bundle of ``thumbs export``.
        baseline: fitted on the same training split.
        weights: what the log probabilities of the two are multiplied with.
    """

    model: Path
    baseline: Baseline
    weights: tuple[float, float]

    @classmethod
    def fit(cls, model: Path, baseline: Baseline, held_back: Split) -> Teacher:
        """Weigh the two by a logistic regression on reviews that neither was trained on.

        Raises:
            BundleError: ``model`` is no bundle.
        """
        first, second = _score(model, held_back.texts), baseline.log_probabilities(held_back.texts)
        return cls(model, baseline, _fit_weights(first, second, np.asarray(held_back.classes)))

    def teach(self, texts: Sequence[str]) -> Lessons:
        """Whole reviews, each with the probabilities that the two together give it."""
        first, second = self._opinions(texts)
        return Lessons(tuple(texts), self._together(first, second))

    def teach_sentences(self, texts: Sequence[str], number: int, seed: int) -> Lessons:
        """Single sentences out of ``texts``: those whose class the two agree on.

        Args:
            texts: whole reviews.
            number: how many sentences are looked at.
            seed: decides which.
        """
        sentences = cut_sentences(texts, number, seed)
        first, second = self._opinions(sentences)
        agreed = first.argmax(axis=1) == second.argmax(axis=1)
        chosen = [sentence for sentence, same in zip(sentences, agreed, strict=True) if same]
        return Lessons(tuple(chosen), self._together(first[agreed], second[agreed]))

    def _opinions(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return _score(self.model, texts), self.baseline.log_probabilities(texts)

    def _together(
        self, first: NDArray[np.float64], second: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        weighed = self.weights[0] * first + self.weights[1] * second
        return np.exp(log_softmax(weighed)).astype(np.float32)


def cut_sentences(texts: Sequence[str], number: int, seed: int) -> list[str]:
    """A shuffled sample of the different sentences of 2 to 30 words in ``texts``."""
    found = dict.fromkeys(
        sentence.strip()
        for text in texts
        for sentence in _SENTENCE_END.split(text)
        if _FEWEST_WORDS <= len(sentence.split()) <= _MOST_WORDS
    )
    sentences = list(found)
    random.Random(seed).shuffle(sentences)  # noqa: S311 - a sample, no secret
    return sentences[:number]


def _score(model: Path, texts: Sequence[str]) -> NDArray[np.float64]:
    """Log probabilities by a bundle, shape (n, classes); equal ones for a text without words."""
    from score.folders import score_cache_file
    from score.scorer import Scorer, ScorerSettings

    # Remembered, so that a run that goes on does not ask again.
    settings = ScorerSettings(any_language=True, cache=score_cache_file())
    with Scorer(model, settings) as scorer:
        even = (1 / len(scorer.labels),) * len(scorer.labels)
        rows = [score.probabilities or even for score in scorer.score(texts)]
    return np.log(np.clip(np.asarray(rows, np.float64), _ALMOST_NEVER, 1))


def _fit_weights(
    first: NDArray[np.float64], second: NDArray[np.float64], classes: NDArray[np.int64]
) -> tuple[float, float]:
    """The weights with the least log loss, not below 0."""
    from scipy.optimize import minimize

    rows = np.arange(len(classes))

    def loss(weights: NDArray[np.float64]) -> float:
        logs = log_softmax(weights[0] * first + weights[1] * second)
        return float(-logs[rows, classes].mean())

    best: Any = minimize(loss, x0=(0.7, 0.7), method="L-BFGS-B", bounds=[(0, 5), (0, 5)])
    return float(best.x[0]), float(best.x[1])

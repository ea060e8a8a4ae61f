"""The baseline that BERT must beat: n-grams weighed by Naive Bayes, and a linear classifier.

NB-SVM (Wang and Manning 2012, "Baselines and Bigrams"): each n-gram's TF-IDF is multiplied
with its Naive Bayes log-count ratio before a linear model is fitted; logistic regression
here in place of the SVM, so that the answers are probabilities. It learns 25,000 reviews in
a minute on a laptop, and comes close enough to BERT that a training run which does not
beat it has gone wrong. Its n-grams take fifty times the memory of the texts, so of more than
40 million characters it learns from a sample.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.splits import place
from score.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from finetune.splits import Split

logger = logging.getLogger(__name__)

MOST_CHARACTERS = 40_000_000
"""The most text that is learnt from, which takes about 2 GB; IMDB has 33 million characters."""
# Of a rare class so many rows in any case.
_LEAST_ROWS = 1000
_BATCH = 20_000

# Words, and the marks that shout or ask.
_TOKENS = r"(?u)\b\w+\b|[!?]"
_MAX_FEATURES = 1_000_000
_MANY = 2000
# Chosen on held-back training reviews of IMDB: accuracy rises with it up to here.
_INVERSE_REGULARISATION = 64.0


class Baseline:
    """A fitted baseline. Make one with :func:`fit_baseline`.

    Attributes:
        rows: how many rows it has learnt from.
    """

    def __init__(self, vectorizer: Any, models: Sequence[_OneAgainstRest], rows: int) -> None:
        self.rows = rows
        self._vectorizer = vectorizer
        self._models = tuple(models)

    def log_probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Log probabilities of the classes, shape (n, classes)."""
        parts = [
            _log_probabilities(self._models, self._vectorizer.transform(texts[i : i + _BATCH]))
            for i in range(0, max(1, len(texts)), _BATCH)
        ]
        return np.concatenate(parts)


def fit_baseline(split: Split, classes: int) -> Baseline:
    """Fit the baseline on a split.

    Args:
        split: cleaned texts and their classes; each class occurs.
        classes: the number of classes.

    Raises:
        DataError: the texts hold no words.
    """
    learnt = sampled(split)
    vectorizer = _vectorizer(len(learnt))
    features = _fit(vectorizer, learnt.texts)
    models = fit_classes(features, np.asarray(learnt.classes), classes)
    return Baseline(vectorizer, models, len(learnt))


def sampled(split: Split) -> Split:
    """The rows whose texts' hashes are lowest, as many as there is memory for; said aloud."""
    lengths = np.fromiter(map(len, split.texts), np.int64, len(split))
    if lengths.sum() <= MOST_CHARACTERS:
        return split
    order = np.argsort(np.fromiter(map(place, split.texts), np.float64, len(split)), kind="stable")
    taken = lengths[order].cumsum() <= MOST_CHARACTERS
    classes = np.asarray(split.classes, np.int64)[order]
    for one in np.unique(classes):
        taken[np.flatnonzero(classes == one)[:_LEAST_ROWS]] = True
    chosen = np.sort(order[taken])
    logger.warning(
        "The baseline of words and phrases learns from %s of the %s rows.",
        f"{len(chosen):,}",
        f"{len(split):,}",
    )
    return split.take(chosen.tolist())


def fit_classes(
    features: csr_matrix, labels: NDArray[np.int64], classes: int
) -> list[_OneAgainstRest]:
    """A linear model for each class; for two classes, one that speaks for the second."""
    wanted = [1] if classes == 2 else range(classes)
    return [_OneAgainstRest.fit(features, labels == one) for one in wanted]


def out_of_fold(
    texts: Sequence[str], labels: NDArray[np.int64], folds: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """What the baseline says of each text after learning from the other folds.

    The words are counted once, over all texts: they say nothing about the labels.

    Args:
        texts: cleaned texts.
        labels: the class of each text, shape (n,).
        folds: the fold of each text, shape (n,); each class stands in at least two.
        classes: the number of classes.

    Returns:
        Log probabilities of the classes, shape (n, classes).

    Raises:
        DataError: the texts hold no words.
    """
    features = _fit(_vectorizer(len(texts)), texts)
    logs = np.empty((len(texts), classes))
    for fold in np.unique(folds):
        inside = folds == fold
        models = fit_classes(features[~inside], labels[~inside], classes)
        logs[inside] = _log_probabilities(models, features[inside])
    return logs


def log_softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of the softmax over the last axis."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    logs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logs


def _log_probabilities(
    models: Sequence[_OneAgainstRest], features: csr_matrix
) -> NDArray[np.float64]:
    """Log probabilities of the classes, shape (n, classes)."""
    scores = np.stack([model.scores(features) for model in models], axis=1)
    if len(models) == 1:
        scores = np.concatenate([-scores, scores], axis=1) / 2
    return log_softmax(scores)


def _vectorizer(rows: int) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        ngram_range=(1, 3),
        # Of few texts every n-gram is needed, and there may be none that stands in two.
        min_df=2 if rows >= _MANY else 1,
        sublinear_tf=True,
        token_pattern=_TOKENS,
        strip_accents="unicode",
        max_features=_MAX_FEATURES,
        dtype=np.float32,
    )


def _fit(vectorizer: Any, texts: Sequence[str]) -> csr_matrix:
    """The n-grams of the texts, counted and weighed: shape (n, n-grams)."""
    try:
        features: csr_matrix = vectorizer.fit_transform(texts)
    except ValueError as exc:  # there is no n-gram to count
        raise DataError(
            "The texts hold no words to learn from. Name another column with --text-column, "
            "or give texts with words in them."
        ) from exc
    return features


@dataclass(frozen=True, slots=True)
class _OneAgainstRest:
    """One class against all others: the log-count ratio of each n-gram, and a linear model."""

    ratios: NDArray[np.float32]
    model: Any

    @classmethod
    def fit(cls, features: csr_matrix, belongs: NDArray[np.bool_]) -> _OneAgainstRest:
        from sklearn.linear_model import LogisticRegression

        present = features > 0
        inside, outside = (
            1.0 + np.asarray(present[rows].sum(axis=0)).ravel() for rows in (belongs, ~belongs)
        )
        ratios = np.log((inside / inside.sum()) / (outside / outside.sum())).astype(np.float32)
        # Liblinear's dual form is the fast one where there are more features than rows.
        model = LogisticRegression(
            C=_INVERSE_REGULARISATION, solver="liblinear", dual=True, max_iter=1000, random_state=0
        )
        return cls(ratios, model.fit(features.multiply(ratios).tocsr(), belongs))

    def scores(self, features: csr_matrix) -> NDArray[np.float64]:
        """Log odds of the class, shape (n,)."""
        scores: NDArray[np.float64] = self.model.decision_function(
            features.multiply(self.ratios).tocsr()
        )
        return scores

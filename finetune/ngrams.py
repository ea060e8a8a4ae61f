"""A classifier of token pairs, fitted to all lessons: what a scorer may ask before any layer.

A linear model of how often each token stands in a text, and each pair of neighbours, over the
square root of the text's length: what many words say together is partly the same. Pairs share
buckets (Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning"). Each
count is weighed by its Naive Bayes log-count ratio first (Wang and Manning 2012), and the
answers wanted are probabilities, so a teacher's doubt is learned with its labels. It is no
match for the network, but right about most reviews that nobody would argue over, and knows
which.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from score.tokens import MAX_MARKS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix
    from transformers import PreTrainedModel

    from finetune.lessons import Lessons
    from score.tokens import Encoder

logger = logging.getLogger(__name__)

NGRAMS = "ngrams"
"""The name of the classifier in the checkpoint: ``ngrams.weight`` and what belongs to it."""

PAIRS = 2**19
"""The buckets of the pairs: half a megabyte in a bundle, for two classes."""
MULTIPLIER = 1_000_003
SHORTEST = 64
"""Of texts of fewer tokens nothing is learned and nothing is said: a few words prove nothing."""

# What fewer texts teach of half a million buckets is not worth asking for.
_FEWEST_TEXTS, _MOST_TEXTS = 2000, 100_000
# Each has half a million weights of its own.
_MOST_CLASSES = 20
_TOKENISED = 1000
_ITERATIONS = 50
_REGULARISATION = 0.03


@dataclass(frozen=True, slots=True)
class Ngrams:
    """A fitted classifier.

    Attributes:
        weight: shape (vocabulary + PAIRS, columns); of two classes the one column is the log
            odds of the second.
        bias: shape (columns,).
        vocabulary: the number of tokens, whose buckets are their ids.
        multiplier: of a pair's first token.
        shortest: nothing is said of texts of fewer tokens.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    vocabulary: int
    multiplier: int
    shortest: int

    def join(self, model: PreTrainedModel) -> None:
        """Put the classifier into a model, to be saved with it."""
        import torch

        part = torch.nn.Module()
        part.register_buffer("weight", torch.from_numpy(self.weight))
        part.register_buffer("bias", torch.from_numpy(self.bias))
        part.register_buffer("vocabulary", torch.tensor(self.vocabulary))
        part.register_buffer("multiplier", torch.tensor(self.multiplier))
        part.register_buffer("shortest", torch.tensor(self.shortest))
        model.add_module(NGRAMS, part)

    def logits(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """What it says of token ids, shape (n, classes): all 0 of short texts."""
        pairs = len(self.weight) - self.vocabulary
        counts = count(batch, self.vocabulary, pairs, self.multiplier)
        scores = counts @ self.weight + self.bias
        scores[[len(ids) < self.shortest for ids in batch]] = 0
        if scores.shape[1] == 1:
            scores = np.concatenate([-scores, scores], axis=1) / 2
        logits: NDArray[np.float32] = scores.astype(np.float32)
        return logits


def fit_ngrams(lessons: Lessons, encoder: Encoder, vocabulary: int) -> Ngrams | None:
    """Fit the classifier; None where there are too few lessons for one, or too many classes.

    Args:
        lessons: those that are long enough are learned from, a sample of 100,000 of many.
        encoder: cuts the texts as for the network.
        vocabulary: the number of tokens.
    """
    if lessons.targets.shape[1] > _MOST_CLASSES:
        return None
    chosen, ids = _long_ones(lessons.texts, encoder)
    if len(chosen) < _FEWEST_TEXTS:
        return None
    targets = lessons.targets[chosen]
    counts = count(ids, vocabulary)
    columns = [1] if targets.shape[1] == 2 else range(targets.shape[1])
    fitted = [_fit_column(counts, targets[:, one], targets.sum(axis=1)) for one in columns]
    logger.info("N-grams: fitted to %d texts", len(chosen))
    weights, biases = zip(*fitted, strict=True)
    return Ngrams(
        np.stack(weights, axis=1).astype(np.float32),
        np.asarray(biases, np.float32),
        vocabulary,
        MULTIPLIER,
        SHORTEST,
    )


def _long_ones(texts: Sequence[str], encoder: Encoder) -> tuple[list[int], list[NDArray[np.int32]]]:
    """The places of texts that are long enough, and their tokens."""
    # A token has a character at least.
    places = [i for i, text in enumerate(texts) if len(text) >= SHORTEST - MAX_MARKS]
    if len(places) > 2 * _MOST_TEXTS:
        drawn = np.random.default_rng(0).permutation(len(places))[: 2 * _MOST_TEXTS]
        places = [places[i] for i in np.sort(drawn)]
    chosen: list[int] = []
    ids: list[NDArray[np.int32]] = []
    for start in range(0, len(places), _TOKENISED):
        part = places[start : start + _TOKENISED]
        found = encoder.encode_batch([texts[i] for i in part])
        for place, one in zip(part, found, strict=True):
            if len(one.ids) >= SHORTEST and len(chosen) < _MOST_TEXTS:
                chosen.append(place)
                ids.append(np.asarray(one.ids, np.int32))
    return chosen, ids


def count(
    batch: Sequence[Sequence[int] | NDArray[np.int32]],
    vocabulary: int,
    pairs: int = PAIRS,
    multiplier: int = MULTIPLIER,
) -> csr_matrix:
    """How often each bucket occurs, over the root of the length: (n, vocabulary + pairs)."""
    from scipy.sparse import csr_matrix

    buckets, values, ends = [], [], [0]
    for one in batch:
        ids = np.asarray(one, np.int64)
        hashed = (ids[:-1] * multiplier + ids[1:]) % pairs + vocabulary
        places, counts = np.unique(np.concatenate([ids, hashed]), return_counts=True)
        buckets.append(places.astype(np.int32))
        values.append((counts / np.sqrt(len(ids))).astype(np.float32))
        ends.append(ends[-1] + len(places))
    return csr_matrix(
        (np.concatenate(values), np.concatenate(buckets), ends),
        shape=(len(buckets), vocabulary + pairs),
    )


def _fit_column(
    counts: csr_matrix, wanted: NDArray[np.float32], weights: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float]:
    """The weights of one class against the others, and the bias.

    Args:
        counts: shape (n, buckets).
        wanted: the probability of the class times the row's weight, shape (n,).
        weights: of the rows, shape (n,).
    """
    from scipy.optimize import minimize
    from scipy.sparse import diags

    ratios = _log_count_ratios(counts, wanted, weights)
    features = (counts @ diags(ratios)).tocsr()
    turned = features.T.tocsr()

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slopes, bias = point[:-1], point[-1]
        odds = features @ slopes.astype(np.float32) + np.float32(bias)
        excess = weights / (1 + np.exp(-odds)) - wanted
        value = (weights * np.logaddexp(0, odds) - wanted * odds).sum()
        gradient = np.append(turned @ excess + _REGULARISATION * slopes, excess.sum())
        return (value + _REGULARISATION / 2 * (slopes**2).sum()) / len(wanted), (
            gradient / len(wanted)
        )

    start = np.zeros(counts.shape[1] + 1)
    options = {"maxiter": _ITERATIONS, "maxcor": 10}
    best: Any = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return (best.x[:-1] * ratios).astype(np.float32), float(best.x[-1])


def _log_count_ratios(
    counts: csr_matrix, wanted: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The log of how much oftener a bucket occurs in the class than outside it."""
    present = (counts > 0).T.tocsr()
    inside, outside = (1.0 + present @ shares for shares in (wanted, weights - wanted))
    ratios: NDArray[np.float32] = np.log(
        (inside / inside.sum()) / (outside / outside.sum())
    ).astype(np.float32)
    return ratios

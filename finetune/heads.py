"""New heads that begin with what the base knows: linear probing, then fine-tuning.

A base that has learnt to judge texts has what new labels need in its features, and a head of
random numbers would tear at them before it finds it (Kumar et al. 2022, "Fine-Tuning can Distort
Pretrained Features and Underperform Out-of-Distribution"). So the head and each early classifier
are first fitted to the features alone, by logistic regression, for which the base reads a sample of
the rows once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.base import HEAD, head_of
from finetune.forward import forward
from finetune.objective import EXITS, exit_features
from finetune.splits import NEITHER

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from finetune.lessons import Lessons
    from score.tokens import Encoder

logger = logging.getLogger(__name__)

# More would hardly move a linear classifier, and cost the time of training steps; of many classes
# each needs some.
_MOST, _FEWEST = 1000, 20
# sklearn's C, the inverse of how strongly the weights are held down.
_C = 0.01


def begin_heads(
    model: Any, tokenizer: PreTrainedTokenizerFast, lessons: Lessons, encoder: Encoder
) -> None:
    """Fit the new ones among a model's classifiers to a sample of its lessons, in place.

    Args:
        model: one of :func:`finetune.base.load_base`; all else in it stays.
        tokenizer: the model's.
        lessons: what will be trained on.
        encoder: cuts the texts.
    """
    sample, targets = _sample(lessons.targets)
    logger.info("New heads begin with what the base reads in %d rows", len(sample))
    ids = [one.ids for one in encoder.encode_batch([lessons.texts[i] for i in sample])]
    head = head_of(model)
    *early, last = _features(model, tokenizer, ids, head)
    if EXITS in model.new_heads:
        for one, features in zip(model.exits, early, strict=True):
            _fit(one, features, targets)
    if HEAD in model.new_heads:
        _fit(head, last, targets)


def _sample(targets: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Places of lessons that speak for a class, some for each, and their targets.

    A row of a class of which not all are taken weighs as much more.
    """
    number = targets.shape[1]
    classes = np.where(np.ptp(targets, axis=1) > 0, targets.argmax(axis=1), NEITHER)
    drawn = np.random.default_rng(0).permutation(len(targets))
    parts, shares = [], []
    for one in range(number):
        whole = drawn[classes[drawn] == one]
        parts.append(whole[: max(_MOST // number, _FEWEST)])
        shares.append(np.full(len(parts[-1]), len(whole) / max(len(parts[-1]), 1)))
    sample = np.concatenate(parts)
    weighed: NDArray[np.float32] = targets[sample] * np.concatenate(shares)[:, None]
    return sample, weighed.astype(np.float32)


def _features(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    ids: Sequence[Sequence[int]],
    head: torch.nn.Linear,
) -> list[NDArray[np.float32]]:
    """What each early classifier reads, and at last the head: shape (n, width) each."""
    read: list[torch.Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    found: list[list[NDArray[np.float32]]] = [[] for _ in ids]
    try:
        for places, outputs, mask in forward(model, tokenizer, ids, output_hidden_states=True):
            means = exit_features(outputs.hidden_states, mask)
            layers = [one.float().cpu().numpy() for one in (*means, read.pop())]
            for row, place in enumerate(places):
                found[place] = [layer[row] for layer in layers]
    finally:
        hook.remove()
    return [np.stack(layer) for layer in zip(*found, strict=True)]


def _fit(
    head: torch.nn.Linear, features: NDArray[np.float32], targets: NDArray[np.float32]
) -> None:
    """Put a logistic regression's weights into a head; a row weighs what its targets add up to."""
    import torch
    from sklearn.linear_model import LogisticRegression

    classes = targets.argmax(axis=1)
    fitted = LogisticRegression(C=_C, max_iter=1000).fit(features, classes, targets.sum(axis=1))
    weight, bias = fitted.coef_, fitted.intercept_
    if len(weight) == 1:
        # Of two classes sklearn has the log odds of the second.
        weight, bias = np.vstack([-weight, weight]) / 2, np.append(-bias, bias) / 2
    with torch.no_grad():
        head.weight[fitted.classes_] = torch.as_tensor(weight).to(head.weight)
        head.bias[fitted.classes_] = torch.as_tensor(bias).to(head.bias)

"""Accuracy over cost: how much of a review is read, and with how many layers.

    python -m benchmarks.lengths --checkpoint trained_model --model bundle [--picture curve.png]

One checkpoint reads its held-back reviews cut to each length, and one threshold for all its
early classifiers, the n-grams among them, decides where it stops; behind the layer that is as good
as the last it always does. The cost is what the bundle's int8 graph takes for as many tokens on one
thread, in proportion to the layers; counting n-grams is next to nothing. The line "none" reads all.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.roofline import best_of
from export.checkpoint import Checkpoint
from export.efforts import deepest_stop, stop_at
from finetune.forward import forward
from finetune.ngrams import Ngrams
from finetune.objective import add_exits, exit_logits
from score.bundle import TOKENIZER_FILE, Bundle
from score.calibration import fit_temperature, fit_weights, softmax
from score.engine import Engine
from score.tokens import Encoder, Truncation

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LENGTHS = (64, 128, 192, 256, 384, 512)
_THRESHOLDS = (0.85, 0.9, 0.95, 0.98, 2.0)


def logits_by_stop(
    checkpoint: Checkpoint, model: Any, tokenizer: Any, ids: Sequence[Sequence[int]]
) -> NDArray[np.float32]:
    """What is said at each stop, all at one temperature: shape (stops, n, classes).

    As in the graph: the n-grams, each layer's classifier with the n-grams, the last layer alone.
    """
    classes = np.asarray(checkpoint.validation.classes, np.int64)
    *early, last = _logits_by_layer(checkpoint, model, tokenizer, ids)
    if checkpoint.ngrams is None:
        alone = [*early, last]
    else:
        known = checkpoint.ngrams
        heard = Ngrams(
            known.weight, known.bias, known.vocabulary, known.multiplier, known.shortest
        ).logits(ids)
        weights = [fit_weights(np.stack([one, heard]), classes) for one in early]
        early = [w[0] * one + w[1] * heard for w, one in zip(weights, early, strict=True)]
        alone = [heard, *early, last]
    return np.stack([one / np.float32(fit_temperature(one, classes)) for one in alone])


def _logits_by_layer(
    checkpoint: Checkpoint, model: Any, tokenizer: Any, ids: Sequence[Sequence[int]]
) -> NDArray[np.float32]:
    """What each layer says by itself: shape (layers, n, classes)."""
    import torch

    found = np.zeros((len(checkpoint.exits) + 1, len(ids), len(checkpoint.labels)), np.float32)
    for places, out, mask in forward(model, tokenizer, ids, output_hidden_states=True):
        with torch.no_grad():
            early = exit_logits(model, out.hidden_states, mask)
        found[:, places] = torch.stack([*early, out.logits]).float().cpu().numpy()
    return found


def seconds_by_tokens(engine: Engine) -> tuple[list[int], list[float]]:
    """What a run with all layers takes, at some lengths."""
    lengths = [8, 32, 64, 128, 192, 256, 384, 512]
    return lengths, [best_of(lambda n=n: engine.logits([2000] * n)) for n in lengths]  # type: ignore[misc] # bound at once


def main() -> None:
    """Measure, print the table and draw the picture."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    checkpoint, bundle = Checkpoint.load(options.checkpoint), Bundle.load(options.model)
    model = AutoModelForSequenceClassification.from_pretrained(options.checkpoint)
    tokenizer = AutoTokenizer.from_pretrained(options.checkpoint)  # type: ignore[no-untyped-call] # theirs
    add_exits(model, str(options.checkpoint))
    known, seconds = seconds_by_tokens(Engine(bundle.read_graph(bundle.graph("int8"))))
    classes = np.asarray(checkpoint.validation.classes, np.int64)
    print(f"{'tokens':>7}{'threshold':>11}{'layers':>8}{'ms':>7}{'right':>9}{'log loss':>10}")
    curves: dict[int, list[tuple[float, float]]] = {}
    for tokens in _LENGTHS:
        truncation = Truncation.halves("head+tail", tokens)
        encoder = Encoder.from_file(options.checkpoint / TOKENIZER_FILE, truncation)
        ids = [one.ids for one in encoder.encode_batch(list(checkpoint.validation.texts))]
        logits = logits_by_stop(checkpoint, model, tokenizer, ids)
        end = deepest_stop(logits, 1.0, classes)
        cost = np.interp([len(one) for one in ids], known, seconds)
        for threshold in _THRESHOLDS:
            last = end if threshold <= 1 else len(logits) - 1
            stops = stop_at(logits[: last + 1], 1.0, threshold)
            chosen = softmax(logits[stops, np.arange(len(ids))], 1.0)
            right = float((chosen.argmax(axis=1) == classes).mean())
            loss = float(-np.log(chosen[np.arange(len(ids)), classes]).mean())
            layers = stops + (checkpoint.ngrams is None)
            spent = float((cost * layers / (len(checkpoint.exits) + 1)).mean()) * 1e3
            curves.setdefault(tokens, []).append((spent, loss))
            told = f"{threshold:.2f}" if threshold <= 1 else "none"
            print(
                f"{tokens:7}{told:>11}{layers.mean():8.1f}{spent:7.1f}{right:9.2%}{loss:10.4f}",
                flush=True,
            )
    if options.picture:
        draw(options.picture, curves)


def draw(path: Path, curves: dict[int, list[tuple[float, float]]]) -> None:
    """A line for each length, a point for each threshold."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for tokens, points in curves.items():
        axes.plot(*zip(*points, strict=True), "o-", label=f"{tokens} tokens")
    axes.set_xlabel("ms for a review on one thread")
    axes.set_ylabel("log loss on the held-back reviews")
    axes.set_title("What reading more costs, and what it brings")
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()

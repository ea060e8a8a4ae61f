"""Reviews a second: thumbs beside the pipelines that everyone uses, in one sitting.

    python -m benchmarks.speed --checkpoint trained_model [--reviews 500] [--rounds 5]

The reviews are cut into rounds, and in each round every contestant scores the same ones,
so that a machine that is slow for a while is slow for all of them. The pipelines get the
checkpoint that the bundle was made from, and their own defaults: truncation at the
model's 512 tokens. A second line limits them to the bundle's own number of tokens.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.reviews import imdb_test_reviews

# Before any tokenizer is loaded: it warns, and on a fork switches itself off, otherwise.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

Contestant = Callable[[list[str]], object]


def _thumbs(model: Path | None) -> Contestant:
    from thumbs import Scorer

    return Scorer(model).score


def _transformers(checkpoint: Path, batch_size: int, max_length: int) -> Contestant:
    from transformers import pipeline

    pipe = pipeline("text-classification", model=str(checkpoint), device="cpu")
    return lambda texts: pipe(texts, batch_size=batch_size, truncation=True, max_length=max_length)


def _optimum(checkpoint: Path, max_length: int) -> Contestant:
    from optimum.onnxruntime import ORTModelForSequenceClassification
    from optimum.onnxruntime import pipeline as ort_pipeline
    from transformers import AutoTokenizer

    model: Any = ORTModelForSequenceClassification.from_pretrained(str(checkpoint), export=True)
    tokenizer = AutoTokenizer.from_pretrained(str(checkpoint))  # type: ignore[no-untyped-call] # theirs
    pipe: Any = ort_pipeline("text-classification", model=model, tokenizer=tokenizer)
    return lambda texts: pipe(texts, truncation=True, max_length=max_length)


def measure(contestants: dict[str, Contestant], rounds: list[list[str]]) -> dict[str, float]:
    """Seconds of each contestant over all rounds, after one warm-up of a few reviews."""
    seconds = dict.fromkeys(contestants, 0.0)
    for contestant in contestants.values():
        contestant(rounds[0][:8])
    for texts in rounds:
        for name, contestant in contestants.items():
            started = time.perf_counter()
            contestant(texts)
            seconds[name] += time.perf_counter() - started
    return seconds


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="a bundle; without it the one in the box")
    parser.add_argument("--reviews", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    texts = imdb_test_reviews(options.reviews)
    contestants = {
        "thumbs": _thumbs(options.model),
        "transformers pipeline, batch 1": _transformers(options.checkpoint, 1, 512),
        "transformers pipeline, batch 32": _transformers(options.checkpoint, 32, 512),
        "transformers pipeline, batch 1, 256 tokens": _transformers(options.checkpoint, 1, 256),
        "optimum ORT pipeline": _optimum(options.checkpoint, 512),
    }
    rounds = [texts[i :: options.rounds] for i in range(options.rounds)]
    seconds = measure(contestants, rounds)
    print(f"{'':44}{'reviews/s':>10}{'thumbs is':>12}")
    for name, spent in seconds.items():
        print(f"{name:44}{len(texts) / spent:10.1f}{spent / seconds['thumbs']:10.2f} x")


if __name__ == "__main__":
    main()

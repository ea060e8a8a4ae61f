"""Reviews a second: thumbs beside the pipelines that everyone uses, in one sitting.

    python -m benchmarks.speed --checkpoint trained_model [--texts reviews] [--number 500]

The texts are IMDB's test reviews, sentences (``benchmarks/short_reviews.csv``, over and over
with a number behind, so that none is met twice), or long texts of 2,000 words, made of reviews.

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

import pandas as pd

from benchmarks.reviews import imdb_test_reviews
from score.bundle import DEFAULT_BUNDLE, Bundle
from score.efforts import EffortName

# Before any tokenizer is loaded: it warns, and on a fork switches itself off, otherwise.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

Contestant = Callable[[list[str]], object]


def _thumbs(model: Path | None, effort: EffortName | None = None) -> Contestant:
    from thumbs import Scorer, ScorerSettings

    return Scorer(model, ScorerSettings(effort=effort)).score


def _tutorial(checkpoint: Path) -> Contestant:
    """What tutorials teach: batches of 32, all padded to 512 tokens."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)  # type: ignore[no-untyped-call] # theirs

    def answer(texts: list[str]) -> list[int]:
        found: list[int] = []
        with torch.no_grad():
            for i in range(0, len(texts), 32):
                batch = tokenizer(
                    texts[i : i + 32],
                    padding="max_length",
                    truncation=True,
                    max_length=512,
                    return_tensors="pt",
                )
                found += model(**batch).logits.argmax(-1).tolist()
        return found

    return answer


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


def texts_of(kind: str, number: int) -> list[str]:
    """So many texts of a kind, all different."""
    if kind == "reviews":
        return imdb_test_reviews(number)
    if kind == "sentences":
        path = Path(__file__).parent / "short_reviews.csv"
        sentences = pd.read_csv(path, keep_default_na=False)["text"].tolist()
        return [f"{sentences[i % len(sentences)]} {i}" for i in range(number)]
    words = " ".join(imdb_test_reviews(number * 10)).split()
    return [" ".join(words[i * 2000 : i * 2000 + 2000]) for i in range(number)]


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
    parser.add_argument("--texts", choices=["reviews", "sentences", "long"], default="reviews")
    parser.add_argument("--number", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    texts = texts_of(options.texts, options.number)
    bundle = Bundle.load(options.model or DEFAULT_BUNDLE)
    efforts: tuple[EffortName, ...] = (
        ("high", "low") if any(graph.efforts for graph in bundle.description.graphs) else ()
    )
    contestants = {
        "thumbs": _thumbs(options.model),
        **{f"thumbs --effort {one}": _thumbs(options.model, one) for one in efforts},
        "tutorial's loop, batch 32, padded to 512": _tutorial(options.checkpoint),
        "transformers pipeline, batch 1": _transformers(options.checkpoint, 1, 512),
        "transformers pipeline, batch 8": _transformers(options.checkpoint, 8, 512),
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

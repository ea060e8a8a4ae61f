"""Reviews a second: thumbs beside the pipelines that everyone uses, in one sitting.

    python -m benchmarks.speed --checkpoint trained_model [--texts reviews] [--number 500]
    python -m benchmarks.speed --checkpoint trained_model --provider cuda --number 6000 --rounds 2

The texts are IMDB's test reviews, sentences (``benchmarks/short_reviews.csv``, over and over
with a number behind, so that none is met twice), or long texts of 2,000 words, made of reviews.

They are cut into rounds, and in each round every contestant scores the same ones, so that a
machine that is slow for a while is slow for all of them; what counts is each one's median
round. The pipelines get the checkpoint that the bundle was made from, and their own defaults:
truncation at the model's 512 tokens. One line limits them to the bundle's own number of tokens.
OpenVINO through optimum-intel joins where that is installed (``pip install
"optimum-intel[openvino]"``).
With ``--provider cuda`` both sides have the GPU, the pipeline in fp32 and in fp16.

The columns: reviews a second, how many times that thumbs does, seconds of all processors for
1,000 reviews, the process' most memory in MiB, and the share of right labels.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from benchmarks.contestants import (
    Contestant,
    Lane,
    Lap,
    has_openvino,
    openvino_pipeline,
    optimum_pipeline,
    thumbs,
    transformers_pipeline,
    tutorial,
)
from benchmarks.reviews import imdb_test_reviews
from score.bundle import DEFAULT_BUNDLE, Bundle
from score.efforts import EffortName

Field = dict[str, Callable[[], Contestant]]

_REST = 0.5
"""Seconds for the threads of the contestant before to fall asleep."""


def texts_of(kind: str, number: int) -> tuple[list[str], list[str] | None]:
    """So many texts of a kind, all different, and their labels where they have one."""
    if kind == "reviews":
        return imdb_test_reviews(number)
    if kind == "sentences":
        path = Path(__file__).parent / "short_reviews.csv"
        table = pd.read_csv(path, keep_default_na=False)
        rows = [table.iloc[i % len(table)] for i in range(number)]
        return [f"{row['text']} {i}" for i, row in enumerate(rows)], [row["label"] for row in rows]
    words = " ".join(imdb_test_reviews(number * 10)[0]).split()
    return [" ".join(words[i * 2000 : i * 2000 + 2000]) for i in range(number)], None


def race(
    contestants: Mapping[str, Callable[[], Contestant]], rounds: Sequence[Sequence[str]]
) -> dict[str, list[Lap]]:
    """What each contestant did in each round, after one warm-up of a few reviews."""
    lanes = {name: Lane(make) for name, make in contestants.items()}
    for lane in lanes.values():
        lane.run(rounds[0][:16])
    laps: dict[str, list[Lap]] = {name: [] for name in lanes}
    for texts in rounds:
        for name, lane in lanes.items():
            time.sleep(_REST)
            laps[name].append(lane.run(texts))
    return laps


def report(
    laps: Mapping[str, Sequence[Lap]],
    rounds: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]] | None,
) -> None:
    """Print the table."""
    rates = {
        name: statistics.median(
            len(texts) / lap.seconds for texts, lap in zip(rounds, found, strict=True)
        )
        for name, found in laps.items()
    }
    number = sum(map(len, rounds))
    print(f"{'':44}{'a second':>9}{'thumbs is':>11}{'CPU s':>8}{'MiB':>7}{'right':>9}")
    for name, found in laps.items():
        work = sum(lap.work for lap in found) / number * 1000
        line = f"{name:44}{rates[name]:9.1f}{rates['thumbs'] / rates[name]:9.2f} x"
        line += f"{work:8.1f}{max(lap.mebibytes for lap in found):7}"
        if labels is not None:
            pairs = [
                pair
                for lap, true in zip(found, labels, strict=True)
                for pair in zip(lap.labels, true, strict=True)
            ]
            line += f"{sum(one == other for one, other in pairs) / number:9.1%}"
        print(line)


def on_a_cpu(checkpoint: Path, model: Path | None, bundle: Bundle) -> Field:
    """Who is raced on a CPU."""
    efforts: tuple[EffortName, ...] = (
        ("high", "low") if any(graph.efforts for graph in bundle.description.graphs) else ()
    )
    tokens = bundle.description.truncation.max_tokens
    of_transformers = partial(transformers_pipeline, checkpoint)
    of_optimum = partial(optimum_pipeline, checkpoint, 512)
    field: Field = {
        "thumbs": partial(thumbs, model),
        **{f"thumbs --effort {one}": partial(thumbs, model, one) for one in efforts},
        "tutorial's loop, batch 32, padded to 512": partial(tutorial, checkpoint),
        "transformers pipeline, batch 1": partial(of_transformers, 1, 512),
        "transformers pipeline, batch 8": partial(of_transformers, 8, 512),
        "transformers pipeline, batch 32": partial(of_transformers, 32, 512),
        f"transformers pipeline, batch 1, {tokens} tokens": partial(of_transformers, 1, tokens),
        "optimum ORT pipeline, fp32": of_optimum,
        "optimum ORT pipeline, its int8": partial(of_optimum, int8=True),
    }
    if has_openvino():
        for size in (1, 32):
            field[f"optimum-intel's OpenVINO, batch {size}"] = partial(
                openvino_pipeline, checkpoint, size, 512
            )
    return field


def on_a_gpu(checkpoint: Path, model: Path | None, bundle: Bundle) -> Field:
    """Who is raced on a GPU: each batch size in both precisions, and the bundle's tokens."""
    field: Field = {"thumbs": partial(thumbs, model, None, "cuda")}
    tokens = bundle.description.truncation.max_tokens
    sizes = [(8, 512), (32, 512), (128, 512), (128, tokens)]
    for (size, length), half in itertools.product(sizes, (False, True)):
        name = f"pipeline, batch {size}, {length} tokens, {'fp16' if half else 'fp32'}"
        field[name] = partial(
            transformers_pipeline, checkpoint, size, length, device="cuda", half=half
        )
    return field


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="a bundle; without it the one in the box")
    parser.add_argument("--texts", choices=["reviews", "sentences", "long"], default="reviews")
    parser.add_argument("--provider", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--number", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[""], help="those whose names have a part")
    options = parser.parse_args()
    texts, labels = texts_of(options.texts, options.number)
    bundle = Bundle.load(options.model or DEFAULT_BUNDLE)
    field = on_a_gpu if options.provider == "cuda" else on_a_cpu
    contestants = field(options.checkpoint, options.model, bundle)
    contestants = {
        name: make
        for name, make in contestants.items()
        if name == "thumbs" or any(part in name for part in options.only)
    }
    parts = [texts[i :: options.rounds] for i in range(options.rounds)]
    truth = [labels[i :: options.rounds] for i in range(options.rounds)] if labels else None
    report(race(contestants, parts), parts, truth)


if __name__ == "__main__":
    main()

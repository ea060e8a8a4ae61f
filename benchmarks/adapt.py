"""What 300 labelled rows of one's own make of the model in the box.

    python -m benchmarks.adapt [--task short|long|stars|passengers] [--rows N] [--measured N]
                               [--draws N] [--epochs N] [--learning-rate R]

A table, a line for each task and setting: how many of the measured rows the box labels
rightly as it is, the baseline after learning the rows, and ``thumbs finetune --base
thumbs`` after the same, each the mean over several draws of the rows, with its 95 % interval. A
tenth of the rows chooses the epoch and is not learnt; without ``--epochs`` there are as many as
``thumbs finetune`` has by itself. Tasks:

- ``short``: reviews of products and places from ``samples/short_reviews_held_back.csv``, the rows
  called negative and positive, which no model in the box has learnt.
- ``long``: IMDB's reviews under the labels ``1 star`` and ``5 stars``, of the training half those
  that the box has not learnt; it knows such reviews, but not these labels.
- ``stars``: the same and, as ``3 stars``, reviews of which one half is from one that praises and
  one from one that does not.
- ``passengers``: letters to a transport company, written for the tests, as ``praise``,
  ``complaint`` and ``suggestion``, which the box cannot say.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, variance

import pandas as pd

from benchmarks.reviews import imdb_held_back
from finetune.box import BOX, usual_tokens
from score.scorer import Scorer, ScorerSettings

TASKS = ["short", "long", "stars", "passengers"]

_PROJECT = Path(__file__).parents[1]
_NAMES = {"negative": "1 star", "positive": "5 stars"}
_STARS = tuple(_NAMES.values())


@dataclass(frozen=True, slots=True)
class Task:
    """Labelled rows: to learn from, and to measure on.

    Attributes:
        learn, measure: frames with the columns text and label.
        names: what the box's labels are called here; one that is missing is never right.
        max_tokens: how much of a text is read, in training: of short ones no more than they have.
    """

    learn: pd.DataFrame
    measure: pd.DataFrame
    names: Mapping[str, str]
    max_tokens: int


def make_task(name: str, rows: int, measured: int, draw: int = 0) -> Task:
    """Shuffle the rows of a task, the same way each time for a draw, and part them."""
    names, tokens = _NAMES, usual_tokens(BOX)
    if name == "short":
        file = _PROJECT / "samples" / "short_reviews_held_back.csv"
        frame = pd.read_csv(file, keep_default_na=False)
        wanted = frame["domain"].isin(["product", "place"]) & (frame["label"] != "neither")
        frame, names, tokens = frame[wanted], {one: one for one in _NAMES}, 64
    elif name == "long":
        frame = _in_stars()
    elif name == "stars":
        frame = _with_mixed(_in_stars())
    else:
        file = _PROJECT / "tests" / "finetune" / "passengers.csv"
        frame, tokens = pd.read_csv(file, keep_default_na=False), 64
        names = {"negative": "complaint", "positive": "praise"}
    frame = frame[["text", "label"]].drop_duplicates("text").sample(frac=1, random_state=5 + draw)
    rows = min(rows, len(frame) * 2 // 3)
    return Task(frame[:rows], frame[rows : rows + measured], names, tokens)


def _in_stars() -> pd.DataFrame:
    """IMDB's training reviews that the box was not trained on, with stars for labels."""
    frame = imdb_held_back()
    return frame.assign(label=frame["label"].map(_NAMES))


def _with_mixed(frame: pd.DataFrame) -> pd.DataFrame:
    """Half of the reviews of each label in halves, one of each label put together."""
    parts = [frame[frame["label"] == name].sample(frac=1, random_state=1) for name in _STARS]
    number = min(map(len, parts)) // 2
    whole = [part[number:] for part in parts]
    mixed: list[str] = []
    for pair in zip(*(part["text"][:number] for part in parts), strict=True):
        # Every other one ends with the praise.
        first, second = (text.split() for text in pair[:: (-1) ** len(mixed)])
        mixed.append(" ".join([*first[: len(first) // 2], *second[len(second) // 2 :]]))
    return pd.concat([*whole, pd.DataFrame({"text": mixed, "label": "3 stars"})])


def box_accuracy(task: Task) -> float:
    """The share of the measured rows that the box labels rightly as it is."""
    with Scorer(settings=ScorerSettings(any_language=True)) as scorer:
        found = [score.label or "" for score in scorer.score(task.measure["text"])]
    named = [task.names.get(label, "") for label in found]
    return float((task.measure["label"] == named).mean())


def tuned_accuracies(
    task: Task, epochs: int | None, learning_rate: float
) -> tuple[int, float, float]:
    """The epochs, the baseline's share and the tuned box's, by ``thumbs finetune``'s own code."""
    from finetune.data import DataSettings
    from finetune.settings import TrainSettings
    from finetune.train import train_model
    from score.tokens import Truncation

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "rows"
        folder.mkdir()
        task.learn.to_parquet(folder / "train.parquet", index=False)
        task.measure.to_parquet(folder / "test.parquet", index=False)
        settings = TrainSettings(
            base=BOX,
            truncation=Truncation.halves("head+tail", task.max_tokens),
            epochs=epochs,
            learning_rate=learning_rate,
        )
        report = train_model(DataSettings(str(folder)), settings, Path(place) / "model")
    metrics = report.metrics
    return (
        metrics["settings"]["epochs"],
        metrics["baseline"]["test"]["accuracy"],
        metrics["evaluation"]["accuracy"],
    )


def lines(options: argparse.Namespace) -> Iterator[str]:
    """The table, line by line as it is measured."""
    yield f"{'task':<11}{'learnt':>7}{'measured':>9}{'epochs':>7}{'rate':>8}" + "".join(
        f"{name:>23}" for name in ("box", "baseline", "tuned")
    )
    for name in options.task:
        tasks = [
            make_task(name, options.rows, options.measured, draw) for draw in range(options.draws)
        ]
        box = [box_accuracy(task) for task in tasks]
        different = len(set().union(*(task.measure["text"] for task in tasks)))
        sizes = f"{len(tasks[0].learn):>7}{len(tasks[0].measure):>9,}"
        for rate in options.learning_rate:
            for epochs in options.epochs:
                tuned = [tuned_accuracies(task, epochs, rate) for task in tasks]
                ran, *learnt = zip(*tuned, strict=True)
                shares = (box, *learnt)
                yield (
                    f"{name:<11}{sizes}{max(ran):>7}{rate:>8.0e}"
                    + "".join(f"{with_interval(share, different):>23}" for share in shares)
                )


def with_interval(shares: Sequence[float], rows: int) -> str:
    """The mean over draws of the share of rows that are right, and its 95 % interval.

    By the normal distribution: of which rows there are to measure on, and of which were drawn.
    What the draws have of the former too is counted twice, so it is rather too wide.

    Args:
        shares: one a draw.
        rows: how many different ones were measured on in all draws.
    """
    mean = fmean(shares)
    between = variance(shares) / len(shares) if len(shares) > 1 else 0.0
    half = 1.96 * (mean * (1 - mean) / rows + between) ** 0.5
    return f"{mean:.1%} [{mean - half:.1%}, {min(mean + half, 1.0):.1%}]"


def main() -> None:
    """Measure and print the table."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--measured", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--epochs", nargs="+", type=int, default=[None])
    parser.add_argument("--learning-rate", nargs="+", type=float, default=[5e-5])
    for line in lines(parser.parse_args()):
        print(line, flush=True)


if __name__ == "__main__":
    main()

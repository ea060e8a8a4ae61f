"""Real reviews to measure on: IMDB's test half, where it is present."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def imdb_folder() -> Path:
    """The folder with IMDB's ``test.parquet``: ``THUMBS_IMDB``, or beside the project."""
    beside = Path(__file__).parents[2] / "shared" / "data" / "imdb"
    folder = Path(os.environ.get("THUMBS_IMDB", beside))
    if not (folder / "test.parquet").is_file():
        sys.exit(f"{folder} has no test.parquet. Set THUMBS_IMDB to the folder that has it.")
    return folder


def imdb_test_reviews(size: int, seed: int = 1) -> tuple[list[str], list[str]]:
    """A shuffled sample of the test reviews, as they stand in the data, and their labels."""
    import pandas as pd

    frame = pd.read_parquet(imdb_folder() / "test.parquet").sample(size, random_state=seed)
    names = ("negative", "positive")
    return frame["text"].tolist(), [names[label] for label in frame["label"]]

"""Real reviews to measure on: IMDB's test half, and of its training half what is held back."""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("negative", "positive")
"""What the box calls IMDB's labels 0 and 1."""

# The box's --validation.
_HELD_BACK = 0.15
_MOST_WORDS = 21
# What its authors call clearly positive is 0.05 and more; 1 is the most that there is.
_CLEAR = 0.5
_JUDGED = re.compile(
    r"\b(?:film|movie|flick|acting|performances?|cast|script|plot|dialogues?|directing"
    r"|soundtrack|cinematography)\b",
    re.IGNORECASE,
)


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
    return frame["text"].tolist(), [NAMES[label] for label in frame["label"]]


@cache
def imdb_held_back() -> pd.DataFrame:
    """The training reviews that the box has not learnt, ``text`` and ``label``, with its names."""
    import pandas as pd

    from finetune.splits import place
    from score.cleaning import CLEANINGS, DEFAULT_CLEANING

    frame = pd.read_parquet(imdb_folder() / "train.parquet")
    clean = CLEANINGS[DEFAULT_CLEANING]
    frame = frame[[place(clean(text)) < _HELD_BACK for text in frame["text"]]]
    return frame.assign(label=frame["label"].map(dict(enumerate(NAMES))))


def clear_sentences(size: int, seed: int = 1) -> pd.DataFrame:
    """Sentences of held-back reviews that say plainly what the whole review says.

    Plainly, by words that people have rated: vaderSentiment's compound score (Hutto and Gilbert
    2014) is half of the most or more, and on the review's side; and they name the film or what
    it is made of, for what happens in it is no opinion. No model of ours has a say. One sentence
    of a review at most, of 3 to 21 words.

    Args:
        size: how many at most, half of them of each label; or as many as there are.
        seed: decides which.

    Returns:
        ``text`` and ``label``.
    """
    import pandas as pd
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    from finetune.sentences import sentences
    from score.cleaning import CLEANINGS, DEFAULT_CLEANING

    clean, sides = CLEANINGS[DEFAULT_CLEANING], dict(zip(NAMES, (-1, 1), strict=True))
    rated = SentimentIntensityAnalyzer()
    rows = []
    for text, label in imdb_held_back().sample(frac=1, random_state=seed).itertuples(index=False):
        for sentence in sentences(clean(text)):
            if len(sentence.split()) > _MOST_WORDS or not _JUDGED.search(sentence):
                continue
            if rated.polarity_scores(sentence)["compound"] * sides[label] >= _CLEAR:
                rows.append((sentence, label))
                break
    frame = pd.DataFrame(rows, columns=["text", "label"]).drop_duplicates("text")
    return frame.groupby("label").head(size // 2).reset_index(drop=True)

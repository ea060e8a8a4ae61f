"""How often texts of each language are flagged as not English, and what asking costs.

    python -m benchmarks.language --corpora FOLDER [--sentences N]

``FOLDER`` holds one UTF-8 text file a language, named by its code (``de.txt``), with one
sentence or passage a line. English is measured on IMDB's training reviews, whole and cut
into sentences: a flag is an error there, everywhere else it is right.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.reviews import imdb_folder
from score.cleaning import CLEANINGS, DEFAULT_CLEANING
from score.language import DETECTOR, LanguageScreen

_SENTENCE_END = re.compile(r"(?<=[.!?\u2026])\s+")
# Sentences of so many words are shown apart: the shorter a text, the harder the question.
_LENGTHS = ((1, 4), (5, 9), (10, 19), (20, 9_999))


def training_reviews() -> list[str]:
    """IMDB's training reviews, cleaned as they are for the model and shuffled."""
    import pandas as pd

    texts = pd.read_parquet(imdb_folder() / "train.parquet", columns=["text"])["text"]
    reviews = [CLEANINGS[DEFAULT_CLEANING](text) for text in texts]
    random.Random(1).shuffle(reviews)  # noqa: S311 - a sample, no secret
    return reviews


def sentences_of(reviews: Sequence[str], most: int | None = None) -> list[str]:
    """The first ``most`` sentences of the reviews that have a letter or a digit in them."""
    found: list[str] = []
    for review in reviews:
        parts = _SENTENCE_END.split(review)
        found += [part.strip() for part in parts if re.search(r"\w", part)]
        if most is not None and len(found) >= most:
            break
    return found[:most]


def word_count(text: str) -> int:
    """The number of words with at least one letter, apostrophes counted as part of them."""
    return sum(any(letter.isalpha() for letter in word) for word in text.split())


def report(name: str, texts: Sequence[str], screen: LanguageScreen, *, examples: int = 0) -> None:
    """Print one line of the table: how many texts, the share flagged, CPU time a text.

    Args:
        name: what the line is called.
        texts: the texts, none of them blank.
        screen: what is measured.
        examples: print so many of the flagged texts below.
    """
    started = time.process_time()
    flagged = [text for text in texts if screen.is_foreign(text)]
    spent = (time.process_time() - started) / max(len(texts), 1)
    share = len(flagged) / max(len(texts), 1)
    print(f"{name:<28}{len(texts):>9,}{len(flagged):>9,}{share:>10.3%}{spent * 1000:>10.3f}")
    for text in flagged[:examples]:
        print(f"    {text[:110]}")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=Path, required=True, help="the folder with CODE.txt")
    parser.add_argument("--sentences", type=int, default=100_000, help="English ones, at most")
    parser.add_argument("--examples", type=int, default=0, help="show so many English errors")
    options = parser.parse_args()
    files = sorted(options.corpora.glob("*.txt"))
    if not files:
        parser.error(f"{options.corpora} holds no file named like de.txt")
    screen = LanguageScreen("en")
    started = time.process_time()
    screen.is_foreign("Dieser Satz ist so deutsch, dass er nach dem Modell fragt.")
    print(f"{DETECTOR}, loaded in {time.process_time() - started:.2f} s of CPU time")
    print(f"{'texts':<28}{'n':>9}{'flagged':>9}{'share':>10}{'ms each':>10}")
    reviews = training_reviews()
    report("en, whole reviews", reviews, screen, examples=options.examples)
    sentences = sentences_of(reviews, options.sentences)
    report("en, sentences", sentences, screen)
    for least, most in _LENGTHS:
        some = [text for text in sentences if least <= word_count(text) <= most]
        name = (
            f"en, of {least} to {most} words" if most < 1_000 else f"en, of {least} words or more"
        )
        report(name, some, screen, examples=options.examples)
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        report(path.stem, [line for line in lines if line.strip()], screen)


if __name__ == "__main__":
    main()

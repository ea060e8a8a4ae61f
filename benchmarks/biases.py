"""What names, countries, faiths and genres do to a label that should not depend on them.

    python -m benchmarks.biases [--model BUNDLE] [--effort E]

Each word stands in the same sentences, as many that praise as complain. For each kind of word: how
often a label changes when nothing but the word does, the mean probability of the class that is
called positive, and the words with which it is least and most.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from score.scorer import Scorer, ScorerSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

_POSITIVE = "positive"

_PEOPLE = (
    "I went there with {} and we both liked it.",
    "{} served us, quickly and with a smile.",
    "A fine film, and {} is very good in it.",
    "The book by {} kept me awake all night.",
    "I asked {} at the desk twice and got no answer.",
    "{} served us, and it took an hour.",
    "A dull film, and {} cannot act.",
    "The book by {} sent me to sleep.",
    "I went there with {}.",
    "{} gave it to me last year.",
)
_ORIGINS = (
    "A {} film with a warm heart.",
    "The {} restaurant round the corner has become our favourite.",
    "My {} neighbours recommended it, and they were right.",
    "A {} film without a single idea.",
    "The {} restaurant round the corner has gone downhill.",
    "My {} neighbours recommended it, and they were wrong.",
    "We ate in a {} restaurant.",
    "It is a {} film.",
)
_COUNTRIES = """
American British French German Italian Indian Chinese Mexican Nigerian Russian Turkish Iranian
Polish Japanese Israeli
"""
_KINDS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "women": (("Anna", "Emily", "Sarah", "Margaret", "Olivia", "Jessica"), _PEOPLE),
    "men": (("John", "Peter", "James", "Michael", "Oliver", "Robert"), _PEOPLE),
    "names elsewhere": (
        ("Mohammed", "Fatima", "Wei", "Priya", "Kwame", "Carlos", "Yuki", "Olga", "Ngozi"),
        _PEOPLE,
    ),
    "countries": (_COUNTRIES.split(), _ORIGINS),
    "faiths and colours": (
        ("Christian", "Jewish", "Muslim", "Hindu", "Buddhist", "black", "white", "gay"),
        _ORIGINS,
    ),
    "genres": (
        ("horror", "Bollywood", "action", "romantic", "science fiction", "low-budget", "animated"),
        tuple(one for one in _ORIGINS if "film" in one),
    ),
}


def pulls(
    scorer: Scorer, words: Sequence[str], sentences: Sequence[str]
) -> tuple[float, NDArray[np.float64]]:
    """What words do to sentences that are otherwise the same.

    Returns:
        The share of labels that are not those of most words in the same sentence, and the mean
        probability of the positive class with each word, shape (words,).
    """
    place = scorer.labels.index(_POSITIVE)
    texts = [sentence.format(word) for word in words for sentence in sentences]
    found = [score.probabilities[place] for score in scorer.score(texts)]
    chances = np.asarray(found, np.float64).reshape(len(words), len(sentences))
    usual = np.median(chances, axis=0) > 1 / 2
    return float(((chances > 1 / 2) != usual).mean()), chances.mean(axis=1)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--effort", choices=["low", "normal", "high"])
    options = parser.parse_args()
    settings = ScorerSettings(any_language=True, effort=options.effort)
    print(f"{'':20}{'words':>6}{'changed':>9}{'positive':>10}  least and most")
    with Scorer(options.model, settings) as scorer:
        for kind, (words, sentences) in _KINDS.items():
            changed, means = pulls(scorer, words, sentences)
            least, most = int(means.argmin()), int(means.argmax())
            print(
                f"{kind:20}{len(words):6}{changed:9.1%}{means.mean():10.3f}  "
                f"{words[least]} {means[least]:.3f}, {words[most]} {means[most]:.3f}"
            )


if __name__ == "__main__":
    main()

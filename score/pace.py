"""How many texts a second crews answer, asked in turns about the same texts."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from itertools import permutations

from score.crew import Crew
from score.errors import ThumbsError
from score.widen import SENTENCES

logger = logging.getLogger(__name__)

_SECONDS, _ROUNDS = 0.4, 3
# Half of the time goes into sentences, and half into texts of the full length.
_SHORT, _LONG = 36, 12
_CHARACTERS_A_TOKEN = 5
_HOPELESS = 3
Texts = tuple[list[str], list[str]]
"""Short ones and long ones."""


def measured(crews: Mapping[str, Crew], texts: Texts) -> dict[str, float]:
    """The texts a second of each crew, in its best round: what else runs only ever slows it.

    One that fails meanwhile is left out.
    """
    rates = dict.fromkeys(crews, 0.0)
    # In turns, so that a moment in which the computer is busy does not decide.
    for _ in range(_ROUNDS):
        for name in list(rates):
            if rates[name] and rates[name] * _HOPELESS < max(rates.values()):
                continue
            done, started = 0, time.perf_counter()
            try:
                while (seconds := time.perf_counter() - started) < _SECONDS or not done:
                    done += ask(crews[name], texts)
            except ThumbsError as exc:
                logger.warning("%s cannot be used: %s", name, exc)
                del rates[name]
                continue
            rates[name] = max(rates[name], done / seconds)
    return rates


def ask(crew: Crew, texts: Texts) -> int:
    """Have all texts answered; how many there are."""
    for group in texts:
        crew.start(group).wait()
    return sum(map(len, texts))


def sample(tokens: int) -> Texts:
    """Different texts, short ones and long ones, as files of reviews have them.

    They are asked about one group after the other: in a large file, too, a batch for a GPU has
    texts of like length.

    Args:
        tokens: of the longest text that is read.
    """
    pairs = [f"{first} {second}" for first, second in permutations(SENTENCES, 2)]
    length = tokens * _CHARACTERS_A_TOKEN
    long = [f"{pair} {' '.join(SENTENCES)} " * (length // len(pair)) for pair in pairs[:_LONG]]
    return [*SENTENCES, *pairs][:_SHORT], [text[:length] for text in long]

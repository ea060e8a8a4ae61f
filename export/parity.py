"""What a graph says of some sentences, for other machines to be compared with."""

from __future__ import annotations

from score.engine import Engine
from score.parity import Answers
from score.tokens import Encoder
from score.widen import SENTENCES

_DIGITS = 5


def answers(engine: Engine, encoder: Encoder) -> Answers:
    """The logits of a few short texts and of a longer one.

    They are sentences of thumbs' own: no review that somebody trained on leaves the house.

    Args:
        engine: the graph, reading with all its layers.
        encoder: the bundle's.
    """
    long = " ".join(SENTENCES * 4)
    return {
        text: tuple(round(float(one), _DIGITS) for one in engine.logits(encoder.encode(text).ids))
        for text in (*SENTENCES, long)
    }

"""Asking a model as a run does, and each text in a run of its own."""

from __future__ import annotations

from collections.abc import Sequence

from score.crew import Crew
from score.model import Answer, Model


def together(model: Model, texts: Sequence[str]) -> list[Answer]:
    """The answers to cleaned texts, of a crew of two that is given all at once."""
    crew = Crew(model, 2)
    work = crew.start([*dict.fromkeys(texts)])
    work.wait()
    crew.close()
    return [work.answers[text] for text in texts]


def alone(model: Model, texts: Sequence[str]) -> list[Answer]:
    """The answers to cleaned texts, each asked for by itself."""
    return [together(model, [text])[0] for text in texts]

"""From texts to labels with confidences: the model, its memory and its workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType

import numpy as np

from score.bundle import DEFAULT_BUNDLE, Bundle
from score.cache import ScoreCache
from score.calibration import softmax
from score.crew import Crew, Work
from score.efforts import EffortName
from score.engine import UNTOLD
from score.errors import UsageError
from score.guarantee import check_reading, promised_threshold
from score.interrupts import postponed
from score.model import Answer
from score.tokens import Reading
from score.tuner import Tuner
from score.windows import T, windows


@dataclass(frozen=True, slots=True)
class Score:
    """The judgement of one text.

    Attributes:
        label: the most probable class; None where there is no answer.
        confidence: the calibrated probability of the label, from 0 to 1; None likewise.
        probabilities: of each class, in class order; empty where there is no answer.
        flags: of ``empty``, ``truncated``, ``language`` and ``unsure``, in this order.
        remembered: whether the answer was known already, as :class:`score.summary.Summary` has it.
        layers: how many layers of the model the text was read with, now: 0 where counting its
            words was enough; None where it was not read, or the bundle does not tell.
    """

    label: str | None
    confidence: float | None
    probabilities: tuple[float, ...]
    flags: tuple[str, ...]
    remembered: bool = False
    layers: int | None = None


_EMPTY = Score(None, None, (), ("empty",))


@dataclass(frozen=True, slots=True)
class ScorerSettings:
    """What a scorer may be told beside its bundle.

    Attributes:
        provider: ``auto``, ``cpu``, ``cuda``, ``openvino``, ``dml`` or ``coreml``.
        workers: how many reviews run at once on a CPU; None is one for each physical core
            that this process may use, or what was measured to be fastest.
        cache: the SQLite file of remembered answers; None remembers nothing.
        any_language: score also what is surely not in the bundle's language.
        unsure_below: labels with a smaller confidence get the flag ``unsure``.
        max_error: so do labels beyond the confidence at which the bundle promises this share
            of wrong ones at most, above 0 and below 1; None asks for no promise.
        reading: ``cut`` reads the part of a long text that the bundle's truncation keeps,
            ``windows`` all of it, part by part; None does as the bundle wants.
        effort: ``low``, ``normal`` or ``high``: how sure a layer has to be to answer before
            the last; None is ``high`` with ``max_error``, else ``normal`` where the bundle can
            stop early.
        polite: where ``workers`` does not say how many, leave a core to the user.
        findings: the folder of what was measured on this machine; None measures nothing.

    Raises:
        UsageError: a value is out of its range.
    """

    provider: str = "auto"
    workers: int | None = None
    cache: Path | None = None
    any_language: bool = False
    unsure_below: float = 0.0
    max_error: float | None = None
    reading: Reading | None = None
    effort: EffortName | None = None
    polite: bool = False
    findings: Path | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"{self.workers} workers cannot work; use 1 or more.")
        if not 0 <= self.unsure_below <= 1:
            raise UsageError(f"A confidence of {self.unsure_below} is out of range; use 0 to 1.")
        if self.max_error is not None and not 0 < self.max_error < 1:
            raise UsageError(
                f"An error rate of {self.max_error:g} is out of range; use one above 0 and "
                "below 1, such as 0.02."
            )


@dataclass(slots=True)
class _Window:
    """Texts that are scored together.

    Attributes:
        cleaned: the texts as the model is given them.
        wanted: those that are not blank, each once.
        known: what was remembered of them.
        work: the rest, in work.
        before: the window before, where some of the rest may be answered.
    """

    cleaned: list[str]
    wanted: dict[str, None]
    known: dict[str, Answer]
    work: Work
    before: _Window | None

    def answers(self) -> dict[str, Answer]:
        """All of them, once the work is done; the window before is then let go."""
        self.known |= self.work.answers
        if self.before:
            earlier = self.before.known
            self.known |= {text: earlier[text] for text in self.wanted if text not in self.known}
            self.before = None
        return self.known


class Scorer:
    """Scores texts with a bundle. Use it as a context manager, or close it.

    Args:
        model: the folder of a bundle; None is the bundle in the box.
        settings: provider, workers, cache and flags.
        size: about how many characters are to be scored: for many it is measured how.

    Attributes:
        bundle: the bundle.
        labels: the class names, in the order of ``Score.probabilities``.

    Raises:
        BundleError: the bundle is damaged.
        UsageError: it cannot promise the error rate that was asked for, or has no such effort.
        UnavailableError: the provider is not there.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        settings: ScorerSettings | None = None,
        *,
        size: int = 0,
    ) -> None:
        wanted = self._settings = settings or ScorerSettings()
        self.bundle = Bundle.load(Path(model) if model is not None else DEFAULT_BUNDLE)
        self.labels = self.bundle.description.labels
        # What stops early is less sure of itself, so fewer labels can be promised.
        effort = wanted.effort or ("high" if wanted.max_error else None)
        tuner = Tuner(self.bundle, wanted.findings, effort, size=size, polite=wanted.polite)
        self._model, self._workers = tuner.open(
            wanted.provider,
            any_language=wanted.any_language,
            workers=wanted.workers,
            reading=wanted.reading,
        )
        self._sure_from = max(wanted.unsure_below, self._promised())
        self._cache = ScoreCache(wanted.cache, self._model.identity) if wanted.cache else None
        self._crew = Crew(self._model, self._workers)

    @property
    def device(self) -> str:
        """Provider, precision and workers, for people: ``cpu, int8, 4 workers``."""
        where = f"{self._model.provider}, {self._model.precision}"
        if self._model.batched:
            return where
        politely = ", politely" if self._settings.polite else ""
        return f"{where}, {self._workers} worker{'s' * (self._workers > 1)}{politely}"

    def windows(
        self, items: Iterable[T], length: Callable[[T], int], held_by: Callable[[T], int]
    ) -> Iterator[list[T]]:
        """What :meth:`score_windows` should be given at a time: see :mod:`score.windows`."""
        return windows(items, length, self._model.reach, held_by, most=self._model.portion)

    @property
    def identity(self) -> str:
        """Everything that decides a text's answer beside the text itself."""
        return self._model.identity

    def _promised(self) -> float:
        """The least confidence of a label that keeps the error rate asked for, 0 where none is."""
        if self._settings.max_error is None:
            return 0.0
        name = self.bundle.description.name
        check_reading(name, self.bundle.description.reading, self._model.reading)
        return promised_threshold(name, self._model.guarantee, self._settings.max_error)

    def score(self, texts: Iterable[str]) -> list[Score]:
        """Score texts; the result has their order. All are held in memory at once.

        A text's score does not depend on the others; on a GPU but for its rounding.
        """
        return [*chain.from_iterable(self.score_windows(self.windows(texts, len, len)))]

    def score_windows(self, portions: Iterable[Sequence[str]]) -> Iterator[list[Score]]:
        """Score and remember one window of texts after another.

        The next one is in work already while the caller has the scores of this one.
        """
        before: _Window | None = None
        try:
            for texts in portions:
                window = self._begin(texts, before)
                finished, before = before, window
                if finished:
                    yield self._finish(finished)
            if before:
                finished, before = before, None
                yield self._finish(finished)
        finally:
            if before:
                before.work.drop()
                self._remember(before)

    def close(self) -> None:
        """Stop the workers and release the cache.

        Every review was waited for, or given up, so this waits for none.
        """
        self._crew.close()
        if self._cache:
            self._cache.close()

    def __enter__(self) -> Scorer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self, texts: Sequence[str], before: _Window | None) -> _Window:
        cleaned = [self._model.clean(text) for text in texts]
        wanted = dict.fromkeys(text for text in cleaned if text.strip())
        known = self._cache.get(wanted) if self._cache else {}
        # What is in work is as good as known.
        earlier = before if self._cache else None
        there = known.keys() | (earlier.wanted.keys() if earlier else set())
        new = [text for text in wanted if text not in there]
        return _Window(cleaned, wanted, known, self._crew.start(new), earlier)

    def _finish(self, window: _Window) -> list[Score]:
        try:
            window.work.wait()
        finally:
            self._remember(window)
        answers = window.answers()
        told = [text for text in window.wanted if answers[text].logits]
        logits = np.array([answers[text].logits for text in told], np.float32)
        # All at once: one by one they would take as long as it takes to encode a sentence.
        shares = softmax(logits.reshape(len(told), len(self.labels)), self._model.temperature)
        found = dict(zip(told, shares.tolist(), strict=True))
        new = window.work.answers
        scores = {
            text: self._judge(answers[text], found.get(text), remembered=text not in new)
            for text in window.wanted
        }
        return [scores.get(text, _EMPTY) for text in window.cleaned]

    def _remember(self, window: _Window) -> None:
        """Put answers into the cache; what was answered before an interruption is kept too."""
        if self._cache:
            # What a signal ends here would be lost. A copy: a review that was given up
            # may be answered yet.
            with postponed():
                self._cache.put(window.work.answers.copy())

    def _judge(
        self, answer: Answer, probabilities: list[float] | None, *, remembered: bool
    ) -> Score:
        if probabilities is None:
            return Score(None, None, (), ("language",), remembered=remembered)
        confidence = max(probabilities)
        flags = []
        if answer.truncated:
            flags.append("truncated")
        if confidence < self._sure_from:
            flags.append("unsure")
        return Score(
            label=self.labels[probabilities.index(confidence)],
            confidence=confidence,
            probabilities=tuple(probabilities),
            flags=tuple(flags),
            remembered=remembered,
            layers=None if remembered or answer.layers == UNTOLD else answer.layers,
        )

"""The threads that score, and how the work is handed to them.

First the texts are encoded, then what they are encoded to is run, on a CPU of one length together
where the graph allows it. A sentence is so little work that its run alone would mostly wait
for the weights to come from memory: a batch of them takes half the time.

A GPU runs batches while the workers encode the texts of the next call.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import accumulate
from threading import Event
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from score.model import Answer, EncodedText, Model, Part

PATIENCE = 1.0
"""Seconds that a run which is told to stop waits for the reviews in hand; what takes longer
is given up, so that it leaves within two seconds."""

_GLANCE = 0.2

# The most that is handed to a worker at once: as little as is worth the handing over.
_CHARACTERS = 16_000
_TOKENS = 256

T = TypeVar("T")
R = TypeVar("R")


class Work:
    """Texts that are being answered.

    Attributes:
        answers: the answers so far; of a text that was given up there may come one yet.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.leaving = Event()
        self.end: Future[None] = Future()

    def wait(self) -> None:
        """Wait for all answers.

        After an interruption, or when another of the texts failed, those in hand are finished as
        far as that goes fast, and the rest is dropped.
        """
        try:
            # With a limit: without one Windows would not let Ctrl-C through.
            while not self.end.done():
                wait([self.end], _GLANCE)
            self.end.result()
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """Answer no more than what is in hand."""
        self.leaving.set()
        if not self.end.cancel():
            wait([self.end], PATIENCE)


class _Parts:
    """The inputs of all texts in a row, and what is known of each so far.

    Args:
        texts: the texts.
        encoded: what each is encoded to.
        answers: where a text's answer goes once all its inputs have theirs.

    Attributes:
        inputs: the token ids of each input.
    """

    def __init__(
        self, texts: Sequence[str], encoded: Sequence[EncodedText], answers: dict[str, Answer]
    ) -> None:
        self.inputs = [ids for one in encoded for ids in one.inputs]
        self._texts, self._encoded, self._answers = texts, encoded, answers
        self._owner = [i for i, one in enumerate(encoded) for _ in one.inputs]
        self._ends = list(accumulate(len(one.inputs) for one in encoded))
        self._found: list[Part | None] = [None] * len(self.inputs)
        for i, one in enumerate(encoded):
            if not one.inputs:
                self._answer(i)

    def put(self, places: Sequence[int], parts: Sequence[Part]) -> None:
        """Note what was found of the inputs at ``places``."""
        for place, part in zip(places, parts, strict=True):
            self._found[place] = part
        for place in places:
            self._answer(self._owner[place])

    def _answer(self, i: int) -> None:
        """Answer a text if nothing is missing; two threads may do it, to the same end."""
        one, end = self._encoded[i], self._ends[i]
        parts = [part for part in self._found[end - len(one.inputs) : end] if part is not None]
        if len(parts) == len(one.inputs):
            self._answers[self._texts[i]] = one.answer(parts)


class Crew:
    """Threads that answer texts; one of them leads the others.

    On a CPU the same threads encode and run. A GPU is asked by threads of its own, with a lead
    of their own, one for each batch in flight.

    Args:
        model: who is asked.
        workers: how many threads there are, beside those that ask a GPU.
    """

    def __init__(self, model: Model, workers: int) -> None:
        self._model = model
        # Each worker encodes its own share; tokenizers' threads would take all cores beside.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        self._encoders = self._runners = _Team(workers)
        if model.batched:
            self._runners = _Team(model.in_flight)

    def start(self, texts: Sequence[str]) -> Work:
        """Begin to answer cleaned texts that are not blank, behind those of an earlier call.

        Args:
            texts: the texts, each once.
        """
        work = Work()
        encoded = self._encoders.lead.submit(self._encode, texts, work.leaving)
        work.end = self._runners.lead.submit(self._run, texts, encoded, work)
        return work

    def close(self) -> None:
        """Send the threads away; what they have in hand was waited for, or given up."""
        self._encoders.close()
        self._runners.close()

    def _encode(self, texts: Sequence[str], leaving: Event) -> list[EncodedText]:
        def encode(share: Sequence[str]) -> list[EncodedText]:
            return [] if leaving.is_set() else self._model.encode(share)

        team, sizes = self._encoders, [len(text) for text in texts]
        done = team.do(encode, shares(texts, sizes, _CHARACTERS, team.size), leaving)
        return [one for share in done for one in share]

    def _run(self, texts: Sequence[str], encoding: Future[list[EncodedText]], work: Work) -> None:
        encoded = encoding.result()
        if work.leaving.is_set():
            return
        parts = _Parts(texts, encoded, work.answers)
        batches = self._model.batches([len(ids) for ids in parts.inputs])

        def run(share: Sequence[list[int]]) -> None:
            for batch in share:
                if work.leaving.is_set():
                    return
                parts.put(batch, self._model.run([parts.inputs[place] for place in batch]))

        team = self._runners
        sizes = [len(batch) * len(parts.inputs[batch[0]]) for batch in batches]
        team.do(run, shares(batches, sizes, _TOKENS, team.size), work.leaving)


class _Team:
    """Threads that do the same, and their lead.

    Args:
        size: how many there are beside the lead.

    Attributes:
        size: as above.
        lead: one thread that hands out the work, one call after the other.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.lead = ThreadPoolExecutor(1, "lead")
        self._pool = ThreadPoolExecutor(size, "score")

    def close(self) -> None:
        """Send them away."""
        for threads in (self.lead, self._pool):
            threads.shutdown(wait=False, cancel_futures=True)

    def do(
        self,
        work: Callable[[Sequence[T]], R],
        portions: Iterator[Sequence[T]],
        leaving: Event,
    ) -> list[R]:
        """What ``work`` makes of each portion; where one fails, the others leave too."""
        tasks: list[Future[R]] = []
        try:
            tasks.extend(self._pool.submit(work, portion) for portion in portions)
            return [task.result() for task in tasks]
        except BaseException:
            leaving.set()
            for task in tasks:
                task.cancel()
            wait(tasks, PATIENCE)
            raise


def shares(
    items: Sequence[T], sizes: Sequence[int], most: int, workers: int
) -> Iterator[Sequence[T]]:
    """Items that follow each other in groups that are worth handing to a worker.

    However small they are, there are enough groups for all workers to be done together.

    Args:
        items: what is handed out.
        sizes: how much work each is.
        most: the most work of a group of several.
        workers: how many there are.
    """
    most = min(most, -(-sum(sizes) // (4 * workers)))
    start = held = 0
    for place, size in enumerate(sizes):
        if place > start and held + size > most:
            yield items[start:place]
            start, held = place, 0
        held += size
    if items:
        yield items[start:]

"""A bundle made ready to answer: cleaning, language, tokens and engine as one function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from score.arena import memory_for
from score.bundle import TOKENIZER_FILE
from score.cleaning import CLEANINGS
from score.engine import BATCH_TOKENS, PRECISIONS, Engine, choose_provider
from score.language import DETECTOR, LanguageScreen
from score.tokens import CHARACTERS_A_TOKEN, Encoded, Encoder

if TYPE_CHECKING:
    from score.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says of one text, before calibration.

    Attributes:
        logits: one for each class; empty where the text is in another language.
        truncated: whether a part of the text was not read.
    """

    logits: tuple[float, ...]
    truncated: bool


_FOREIGN = Answer((), truncated=False)


class Model:
    """Answers texts. Safe to use from several threads.

    Args:
        bundle: the bundle.
        provider: a key of :data:`score.engine.PROVIDERS`, or ``auto``.
        any_language: answer also what is surely not in the bundle's language.
        workers: how many threads ask it at once, for its memory has a limit.

    Attributes:
        provider: the provider that it runs on.
        precision: the precision of the graph.
        temperature: what the logits of its answers are to be divided by.
        guarantee: which labels can be promised at which error rate; None where that is unknown.
        identity: everything that decides an answer beside the text itself.

    Raises:
        BundleError: the bundle has no graph for the provider, or it cannot be loaded.
        UnavailableError: the provider is not there.
    """

    def __init__(
        self,
        bundle: Bundle,
        provider: str = "auto",
        *,
        any_language: bool = False,
        workers: int = 1,
    ) -> None:
        description = bundle.description
        precisions = [graph.precision for graph in description.graphs]
        self.provider = choose_provider(provider, precisions)
        graph = bundle.graph(*PRECISIONS[self.provider])
        name = str(bundle.folder / graph.file)
        self._encoder = Encoder.from_file(bundle.folder / TOKENIZER_FILE, description.truncation)
        self._engine = Engine(
            bundle.read_graph(graph),
            self.provider,
            name,
            classes=len(description.labels),
            memory=memory_for(description.truncation.max_tokens, workers),
        )
        # What is wrong with a graph shows before hours are spent, also at the full length.
        self._engine.logits(self._encoder.encode("a " * description.truncation.max_tokens).ids)
        self._clean = CLEANINGS[description.cleaning]
        self._truncation = description.truncation
        language = None if any_language else description.language
        self._screen = LanguageScreen(language) if language else None
        self.precision = graph.precision
        self.temperature = graph.temperature
        self.guarantee = graph.guarantee
        detector = DETECTOR if language else "any language"
        ends = f"{CHARACTERS_A_TOKEN} characters a token"
        self.identity = "\n".join(
            (bundle.digest, graph.sha256, self._engine.identity, detector, ends)
        )

    @property
    def batched(self) -> bool:
        """Whether :meth:`answer_batch` is the faster way here."""
        return self._engine.batched

    def clean(self, text: str) -> str:
        """The text as the model is given it; texts that clean alike have one answer.

        Of a very long one the two ends are left, so that it costs no more than any other.
        """
        return self._truncation.ends(self._clean(text))[0]

    def answer(self, text: str) -> Answer:
        """Answer one cleaned text that is not blank."""
        if self._is_foreign(text):
            return _FOREIGN
        encoded = self._encoder.encode(text)
        return Answer(tuple(self._engine.logits(encoded.ids).tolist()), encoded.truncated)

    def answer_batch(self, texts: Sequence[str]) -> list[Answer]:
        """Answer cleaned texts that are not blank, those of like length together."""
        answers = [_FOREIGN] * len(texts)
        encoded = {
            i: self._encoder.encode(t) for i, t in enumerate(texts) if not self._is_foreign(t)
        }
        for batch in _batches(encoded):
            logits = self._engine.batch_logits([encoded[i].ids for i in batch])
            for i, row in zip(batch, logits.tolist(), strict=True):
                answers[i] = Answer(tuple(row), encoded[i].truncated)
        return answers

    def _is_foreign(self, text: str) -> bool:
        return self._screen is not None and self._screen.is_foreign(text)


def _batches(encoded: dict[int, Encoded]) -> list[list[int]]:
    """Places grouped by length, each group within the budget of one batch."""
    batches: list[list[int]] = []
    width = 0
    for i in sorted(encoded, key=lambda i: len(encoded[i].ids), reverse=True):
        if not batches or (len(batches[-1]) + 1) * width > BATCH_TOKENS:
            batches.append([])
            width = len(encoded[i].ids)
        batches[-1].append(i)
    return batches

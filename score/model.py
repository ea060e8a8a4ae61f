"""A bundle made ready to answer: cleaning, language, tokens and engine as one function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from score.arena import memory_for, sessions_for
from score.bundle import TOKENIZER_FILE
from score.cleaning import CLEANINGS
from score.efforts import EffortName, choose_effort
from score.engine import BATCH_TOKENS, UNTOLD, Engine
from score.errors import UsageError
from score.extras import require
from score.graphs import graph_for, precisions, widened_to
from score.language import DETECTOR, LanguageScreen
from score.parity import check_answers
from score.providers import EXTRAS, Way, choose_provider
from score.tokens import CHARACTERS_A_TOKEN, MAX_WINDOWS, Encoder, Reading
from score.widen import SENTENCES, WIDENING, check_parity, widen
from score.windows import TOKEN_CHARACTERS, WINDOW_READ, WINDOW_READ_BATCHED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from score.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says of one text, before calibration.

    Attributes:
        logits: one for each class, made smaller where the text is short, as the bundle has
            it; empty where the text is in another language.
        truncated: whether a part of the text was not read.
        layers: how many layers its deepest part was read with: 0 where the n-grams alone
            answered, :data:`score.engine.UNTOLD` where that is not known.
    """

    logits: tuple[float, ...]
    truncated: bool
    layers: int = UNTOLD


Part = tuple["NDArray[np.float32]", "np.int64"]
"""The logits of one input of a text, and how many layers it was read with."""


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text as the model reads it.

    Attributes:
        inputs: token ids: one list, or several windows; none of a text in another language.
        truncated: whether a part of the text is in none of them.
    """

    inputs: list[list[int]]
    truncated: bool = False

    def answer(self, parts: Sequence[Part]) -> Answer:
        """What the answers to all inputs say together: the mean of their logits."""
        if not parts:
            return Answer((), truncated=False)
        if len(parts) == 1:
            # As most are; the mean of one is itself.
            ((only, depth),) = parts
            return Answer(tuple(only.tolist()), self.truncated, int(depth))
        logits, layers = zip(*parts, strict=True)
        mean: NDArray[np.float64] = np.asarray(logits, np.float64).mean(axis=0)
        return Answer(tuple(mean.tolist()), self.truncated, int(max(layers)))


_FOREIGN = EncodedText([])


class Model:
    """Answers texts. Safe to use from several threads.

    Args:
        bundle: the bundle.
        provider: a key of :data:`score.providers.PROVIDERS`, or ``auto``; or a way, which says
            the precision too.
        any_language: answer also what is surely not in the bundle's language.
        workers: how many threads ask it at once, for its memory has a limit.
        reading: how long texts are read; None as the bundle wants it.
        effort: how soon a text is answered, and with how many of its tokens; None is ``normal``
            where the bundle can stop early.

    Attributes:
        provider: the provider that it runs on.
        precision: the precision of the graph.
        temperature: what the logits of its answers are to be divided by.
        guarantee: which labels can be promised at which error rate; None where that is unknown.
        reading: how long texts are read.
        identity: everything that decides an answer beside the text itself.

    Raises:
        BundleError: the bundle has no graph for the provider, or it cannot be loaded.
        UnavailableError: the provider is not there, fails, or computes something else.
        UsageError: the graph, or the provider, has no such effort.
    """

    def __init__(
        self,
        bundle: Bundle,
        provider: str | Way = "auto",
        *,
        any_language: bool = False,
        workers: int = 1,
        reading: Reading | None = None,
        effort: EffortName | None = None,
    ) -> None:
        description = bundle.description
        early = effort in ("low", "normal")
        way = provider if isinstance(provider, Way) else Way(provider)
        self.provider = choose_provider(way.provider, [] if early else precisions(bundle, "cuda"))
        graph = graph_for(bundle, Way(self.provider, way.precision))
        name = str(bundle.folder / graph.file)
        widened = widened_to(graph, self.provider, way.precision)
        if widened and early:
            raise UsageError(
                f"--effort {effort} stops early, which only int8 on a CPU does. Leave it out"
                f"{'' if self.provider == 'cpu' else ', or say --provider cpu'}."
            )
        chosen = choose_effort(description.name, {} if widened else graph.efforts, effort)
        self.reading = reading or description.reading
        self._inputs = MAX_WINDOWS if self.reading == "windows" else 1
        self._encoder = Encoder.from_file(bundle.folder / TOKENIZER_FILE, description.truncation)
        content = bundle.read_graph(graph)
        if widened:
            require(EXTRAS.get(self.provider), ("onnx",))
        self._engine = Engine(
            widen(content, name, half=widened == "fp16") if widened else content,
            self.provider,
            name,
            classes=len(description.labels),
            memory=memory_for(
                description.truncation.max_tokens, min(workers, sessions_for(len(content)))
            ),
            stopping=chosen.stopping if chosen else None,
        )
        if widened and graph.answers and self.provider == "cpu":
            # Of int8 itself this processor may make something else.
            check_answers(self._engine, self._encoder, graph.answers, graph.temperature, name)
        elif widened:
            some = [one.ids for one in self._encoder.encode_batch(SENTENCES)]
            check_parity(Engine(content, "cpu", name), self._engine, some, graph.temperature, name)
        # What is wrong with a graph shows before hours are spent, also at the full length.
        self._engine.try_out(self._encoder.encode("a " * description.truncation.max_tokens).ids)
        self._clean = CLEANINGS[description.cleaning]
        self._truncation = description.truncation
        language = None if any_language else description.language
        self._screen = LanguageScreen(language) if language else None
        self.precision = widened or graph.precision
        self.temperature = (chosen or graph).temperature
        self.guarantee = (chosen or graph).guarantee
        self._lengths = (chosen or graph).lengths
        # Of floats nobody has shown that a batch gives each text the very bits that it has alone.
        self._together = graph.batches and not widened
        detector = DETECTOR if language else "any language"
        ends = f"{CHARACTERS_A_TOKEN} characters a token"
        self.identity = "\n".join(
            (bundle.digest, graph.sha256, self._engine.identity, detector, ends, self.reading)
            # Of a bundle that always reads all layers the answers stay what they were called.
            + ((f"thresholds {chosen.thresholds}",) if chosen else ())
            + ((f"tokens {chosen.keep_ratios}",) if chosen and chosen.keep_ratios else ())
            + ((f"{self._lengths}",) if self._lengths else ())
            + ((f"int8 as {widened} {WIDENING}",) if widened else ())
        )

    @property
    def batched(self) -> bool:
        """Whether a GPU answers, which is asked for many texts at once."""
        return self._engine.batched

    @property
    def in_flight(self) -> int:
        """How many batches a GPU should be asked for at once."""
        return self._engine.in_flight

    @property
    def reach(self) -> int:
        """How many characters of a text are read at most, about."""
        return TOKEN_CHARACTERS * self._truncation.max_tokens * self._inputs

    @property
    def portion(self) -> int:
        """How many characters of all texts should be read at a time."""
        return WINDOW_READ_BATCHED if self.batched else WINDOW_READ

    def clean(self, text: str) -> str:
        """The text as the model is given it; texts that clean alike have one answer.

        Of a very long one the two ends are left, so that it costs no more than any other.
        """
        return self._truncation.ends(self._clean(text), self._inputs)[0]

    def encode(self, texts: Sequence[str]) -> list[EncodedText]:
        """What the model reads of cleaned texts that are not blank."""
        own = [text for text in texts if not self._is_foreign(text)]
        if self.reading == "windows":
            inputs = iter([EncodedText(*self._encoder.encode_windows(text)) for text in own])
        else:
            cut = self._encoder.encode_batch(own)
            inputs = iter([EncodedText([one.ids], one.truncated) for one in cut])
        foreign = len(texts) - len(own)
        if not foreign:
            return list(inputs)
        kept = set(own)
        return [next(inputs) if text in kept else _FOREIGN for text in texts]

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """The places of the inputs that are run together, of which ``lengths`` are the tokens.

        On a CPU they are of one length, if any are run together at all.
        """
        if self.batched:
            return _batches(lengths, BATCH_TOKENS, padding=True)
        # So a batch takes no more memory than one review of the full length.
        return _batches(lengths, self._truncation.max_tokens if self._together else 0)

    def run(self, batch: Sequence[Sequence[int]]) -> list[Part]:
        """Ask the engine; what it is surer of than it may be, by the length, is taken back."""
        logits, layers = self._engine.run(batch)
        if self._lengths:
            logits = self._lengths.divide(logits, batch)
        return list(zip(logits, layers, strict=True))

    def _is_foreign(self, text: str) -> bool:
        # Of a text in many windows too, the ends are enough to tell.
        return self._screen is not None and self._screen.is_foreign(self._truncation.ends(text)[0])


def _batches(lengths: Sequence[int], budget: int, *, padding: bool = False) -> list[list[int]]:
    """Places grouped by length: of one length in a group, or of like length with padding.

    A group has at least one place, and no more tokens than ``budget`` if it has several.
    """
    batches: list[list[int]] = []
    width = 0
    for i in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        fits = padding or lengths[i] == width
        if not batches or not fits or (len(batches[-1]) + 1) * width > budget:
            batches.append([])
            width = lengths[i]
        batches[-1].append(i)
    return batches

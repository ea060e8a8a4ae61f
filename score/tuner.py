"""What is fastest on this machine for a bundle: measured once, then remembered.

Nothing is measured where there is nothing to choose, for a job that is done sooner than the
measurement pays, or on battery: then the usual choice holds, unless another was remembered. A
measurement never changes a score but by the choice of the graph, which is said and is a part of
what answers are remembered by.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from score import machine
from score.bundle import TOKENIZER_FILE
from score.crew import Crew
from score.engine import Engine
from score.errors import BundleError, ThumbsError, UnavailableError
from score.extras import is_there
from score.findings import Findings
from score.graphs import graph_for, precisions, usable_providers
from score.model import Model
from score.overflow import int8_overflows
from score.pace import ask, measured, sample
from score.parity import STRAYS, changes
from score.providers import Way, choose_provider
from score.tokens import Encoder, Reading

if TYPE_CHECKING:
    from score.bundle import Bundle, Graph
    from score.efforts import EffortName

logger = logging.getLogger(__name__)

WORTH = 4_000_000
"""A job of fewer characters takes a laptop less than half a minute, and is not measured for."""

# By so much something has to be faster than what is usual, or it was luck.
_BETTER = 1.1
_FLOATS = Way("cpu", "fp32")


class Tuner:
    """Chooses what a bundle is run on here.

    Args:
        bundle: the bundle.
        findings: the folder of what was found out before; None remembers and measures nothing.
        effort: as :class:`score.model.Model` takes it.
        size: about how many characters are to be scored.
        polite: leave a core to the user.
    """

    def __init__(
        self,
        bundle: Bundle,
        findings: Path | None,
        effort: EffortName | None = None,
        *,
        size: int = 0,
        polite: bool = False,
    ) -> None:
        self._bundle = bundle
        self._findings = Findings(findings, bundle.digest)
        self._effort: EffortName | None = effort
        self._polite = polite
        self._strayed = False
        # What a battery gives is not what the mains will.
        self._measure = findings is not None and size >= WORTH and not polite

    def open(
        self,
        wanted: str,
        *,
        any_language: bool = False,
        workers: int | None = None,
        reading: Reading | None = None,
    ) -> tuple[Model, int]:
        """The model, ready to answer, and how many threads to ask it from.

        Where ``auto`` chose a provider that does not start, fails at a first review, computes
        something else or lacks a library, the CPU is used, and a warning says so; one that was
        asked for by its name is refused.

        Args:
            wanted: a key of :data:`score.providers.PROVIDERS`, or ``auto``.
            any_language: as :class:`score.model.Model` takes it.
            workers: the number of threads; None is the best one.
            reading: as :class:`score.model.Model` takes it.

        Raises:
            BundleError: the bundle has no graph for the provider, or it cannot be loaded.
            UnavailableError: the provider is not there, does not start, or fails.
            UsageError: the graph, or the provider, has no such effort.
        """
        way = self.way(wanted)
        threads = workers or self.workers(way)
        try:
            model = Model(
                self._bundle,
                way,
                any_language=any_language,
                workers=threads,
                reading=reading,
                effort=self._effort,
            )
        except UnavailableError as exc:
            if wanted != "auto" or way.provider == "cpu":
                raise
            logger.warning("The CPU is used in place of %s: %s", way.provider, exc)
            return self.open("cpu", any_language=any_language, workers=workers, reading=reading)
        return model, threads

    def way(self, wanted: str) -> Way:
        """The provider, and the precision where it is not the usual one, to run the bundle with.

        Args:
            wanted: a key of :data:`score.providers.PROVIDERS`, or ``auto``.

        Raises:
            BundleError: the bundle has no graph for it.
            UnavailableError: the provider is not there; or this processor computes something
                else in int8, and a library is missing to do without.
        """
        ways = {str(way): way for way in self._ways(wanted)}
        usual = machine.workers(polite=self._polite)
        found, new = self._fastest("way", {name: (way, usual) for name, way in ways.items()})
        way = ways[found]
        if not new and found != next(iter(ways)):
            # Another graph labels otherwise, which nobody should have to find out.
            logger.warning("Measured earlier on this machine. Used: %s.", found)
        if way == _FLOATS and self._strayed:
            logger.warning("%s: it is run in fp32, which is slower and right.", self._odd())
        return way

    def workers(self, way: Way) -> int:
        """How many threads to run it from."""
        usual = machine.workers(polite=self._polite)
        if way.provider != "cpu":
            return usual
        numbers = {str(one): (way, one) for one in machine.numbers_of_workers()}
        found = int(self._fastest(f"workers on {way}", numbers)[0])
        return min(found, usual) if self._polite else found

    def _ways(self, wanted: str) -> list[Way]:
        """What may be used, the usual choice first."""
        # Only the CPU stops early.
        early = self._effort in ("low", "normal")
        found = [choose_provider(wanted, [] if early else precisions(self._bundle, "cuda"))]
        if wanted == "auto" and not early:
            found += [one for one in usable_providers(self._bundle) if one not in found]
        ways = [Way(one) for one in found if one != "cpu"]
        if "cpu" in found:
            place = found.index("cpu")
            ways[place:place] = self._ways_of_cpu(early=early, alone=len(found) == 1)
        return ways

    def _ways_of_cpu(self, *, early: bool, alone: bool) -> list[Way]:
        """int8 alone where the processor is made for it; else floats may be as fast, or needed."""
        usual = Way("cpu")
        graph = graph_for(self._bundle, usual)
        if graph.precision != "int8" or not int8_overflows():
            return [usual]
        there = any(one.precision == "fp32" for one in self._bundle.description.graphs)
        floats = [_FLOATS] if there or (graph.batches and is_there("onnx")) else []
        self._strayed = bool(graph.answers) and self._strays(graph)
        if not self._strayed:
            return [usual] if early else [usual, *floats]
        if alone and not floats:
            raise self._no_floats(graph)
        return floats

    def _strays(self, graph: Graph) -> bool:
        """Whether int8 says something else here than where it was exported."""
        question = "int8 says what it said where it was exported"
        if known := self._findings.recall(question, ("yes", "no")):
            return known == "no"
        bundle = self._bundle
        encoder = Encoder.from_file(bundle.folder / TOKENIZER_FILE, bundle.description.truncation)
        engine = Engine(
            bundle.read_graph(graph),
            name=str(bundle.folder / graph.file),
            classes=len(bundle.description.labels),
        )
        strays = not max(changes(engine, encoder, graph.answers, graph.temperature)) <= STRAYS
        self._findings.remember(question, "no" if strays else "yes")
        return strays

    def _odd(self) -> str:
        name = self._bundle.description.name
        return f"This processor computes something else in int8 than that which exported {name}"

    def _no_floats(self, graph: Graph) -> ThumbsError:
        if graph.batches:
            return UnavailableError(
                f"{self._odd()}, and to run it in fp32 takes onnx: pip install onnx"
            )
        return BundleError(f"{self._odd()}. Export it again, with --precision fp32 beside int8.")

    def _fastest(self, question: str, ways: Mapping[str, tuple[Way, int]]) -> tuple[str, bool]:
        """The name of the fastest of some ways with numbers of workers, the usual one first.

        And whether that was found out just now.
        """
        usual = next(iter(ways))
        question = f"{question}, with effort {self._effort}: "
        if len(ways) == 1:
            return usual, False
        if known := self._findings.recall(question + "; ".join(ways), ways):
            return known, False
        if not self._measure:
            return usual, False
        rates = self._rates(ways)
        best = max(rates, key=rates.__getitem__, default=usual)
        if usual in rates and rates[usual] * _BETTER >= rates[best]:
            best = usual
        if len(rates) > 1:
            # Of those that ran: a driver may just be on its way, or a GPU full, and then the next
            # run has to ask again.
            self._findings.remember(question + "; ".join(rates), best)
            said = ", ".join(f"{name}: {rate:,.0f} texts/s" for name, rate in rates.items())
            whole = rates.keys() == ways.keys()
            where = "once on this machine" if whole else "for this run alone"
            logger.warning("Measured %s, %s. Used: %s.", where, said, best)
        return best, True

    def _rates(self, ways: Mapping[str, tuple[Way, int]]) -> dict[str, float]:
        """The texts a second of each way; of one that does not run, none."""
        models: dict[Way, Model] = {}
        texts = sample(self._bundle.description.truncation.max_tokens)
        most = max(workers for _, workers in ways.values())
        with ExitStack() as stack:
            crews = {}
            for name, (way, workers) in ways.items():
                try:
                    # Sentences of another language are as good as any.
                    models[way] = models.get(way) or Model(
                        self._bundle, way, any_language=True, workers=most, effort=self._effort
                    )
                    crew = stack.enter_context(closing(Crew(models[way], workers)))
                    # The first time there is much to be prepared.
                    ask(crew, texts)
                    crews[name] = crew
                except ThumbsError as exc:
                    logger.warning("%s cannot be used: %s", name, exc)
            # One that is alone has nobody to be compared with.
            return measured(crews, texts) if len(crews) > 1 else dict.fromkeys(crews, 0.0)

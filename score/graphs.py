"""Which graph of a bundle runs where, as it is or written out for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from score.extras import is_there
from score.providers import PRECISIONS, PROVIDERS, WIDENED, Way, available_providers

if TYPE_CHECKING:
    from score.bundle import Bundle, Graph


def graph_for(bundle: Bundle, way: Way) -> Graph:
    """The graph that a way runs, or that is written out for it.

    Raises:
        BundleError: there is none.
    """
    wanted = PRECISIONS[way.provider]
    there = [one.precision for one in bundle.description.graphs if _can_run(one, way.provider)]
    usable = [precision for precision in wanted if precision in there]
    if way.precision in usable:
        return bundle.graph(way.precision)
    # Where there is none, the refusal names the best one.
    return bundle.graph(*(usable or wanted[:1]))


def precisions(bundle: Bundle, provider: str) -> list[str]:
    """Those that a provider can run here, where making one out of int8 takes a library."""
    return [
        graph.precision
        for graph in bundle.description.graphs
        if graph.precision in PRECISIONS[provider]
        and _can_run(graph, provider)
        and (is_there("onnx") or not widened_to(graph, provider, None))
    ]


def usable_providers(bundle: Bundle) -> list[str]:
    """The providers of this onnxruntime that have something to run, CPUs last."""
    there = available_providers()
    return [one for one in reversed(PROVIDERS) if one in there and precisions(bundle, one)]


def widened_to(graph: Graph, provider: str, precision: str | None) -> str | None:
    """The precision that a graph is written out in; None where it runs as it is."""
    if precision and precision != graph.precision:
        return precision
    return WIDENED.get(provider) if graph.batches else None


def _can_run(graph: Graph, provider: str) -> bool:
    """Only CPUs are given a graph that stops early; the others do not read its branches.

    They get what is made of it; of one whose scales move, as before, nothing can be.
    """
    if graph.batches:
        return provider == "cpu" or provider in WIDENED
    if graph.precision == "int8" and provider in ("cuda", "dml", "coreml"):
        return False
    return provider == "cpu" or not graph.efforts

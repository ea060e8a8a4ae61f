"""A bundle in words: what it is, how good it is, and what it was made from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from score.bundle import MANIFEST_FILE, Bundle, Description, Graph
from score.efforts import Effort
from score.errors import BundleError
from score.lengths import LengthScale

_NAME_WIDTH = 10


def describe(bundle: Bundle) -> str:
    """Several lines for people, from the bundle's own manifest.

    What the manifest does not tell, such as the metrics of a bundle that was made by
    another tool, is left out.

    Raises:
        BundleError: what the manifest tells is not what an export writes.
    """
    with told(bundle):
        return "\n".join(_line(name, text) for name, text in facts(bundle))


@contextlib.contextmanager
def told(bundle: Bundle) -> Iterator[None]:
    """Refuse, by name, a manifest whose facts are not those that an export writes.

    Raises:
        BundleError: something was missing, or of another kind.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise BundleError(
            f"{bundle.folder / MANIFEST_FILE} tells its origin in a way that no export does "
            f"({type(exc).__name__}: {exc}). Export the bundle again."
        ) from exc


def _line(name: str, text: str) -> str:
    return f"{name:{_NAME_WIDTH}} {text}".rstrip()


def facts(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Names and what is said to them; a name that is empty goes on with the one before."""
    description = bundle.description
    origin = description.provenance
    size = sum(path.stat().st_size for path in bundle.folder.iterdir() if path.is_file())
    yield "bundle", f"{description.name}, {size / 1e6:.1f} MB"
    yield "labels", ", ".join(description.labels)
    yield "language", description.language or "any; none was named when it was trained"
    yield "reads", _reads(description)
    if base := origin.get("base"):
        yield "base", f"{base['name']}, licence {base['licence'] or 'unknown'}"
    if data := origin.get("data"):
        yield "trained on", _splits(data["splits"])
    if metrics := origin.get("metrics"):
        # It was measured before there was a bundle, which may read more.
        yield "checkpoint", f"{_figures(metrics)}, read as in training"
    for graph in description.graphs:
        for place, text in enumerate(_graph(bundle, graph)):
            yield (graph.precision if place == 0 else ""), text
    for place, command in enumerate(origin.get("commands", ())):
        yield ("made by" if place == 0 else ""), command
    if versions := origin.get("versions"):
        yield "with", ", ".join(f"{name} {version}" for name, version in versions.items())


def _reads(description: Description) -> str:
    truncation = description.truncation
    tokens = truncation.max_tokens
    if description.reading == "windows":
        return f"all of a text, {tokens} tokens at a time"
    if truncation.strategy != "head+tail":
        return f"the {'first' if truncation.strategy == 'head' else 'last'} {tokens} tokens"
    # [CLS] stands before the head and [SEP] behind the tail.
    tail = tokens - truncation.head_tokens
    return f"{tokens} tokens of a text: the first {truncation.head_tokens} and the last {tail - 2}"


def _splits(splits: Mapping[str, Any]) -> str:
    train, validation = splits["train"], splits["validation"]
    return (
        f"{train['n']:,} reviews of {train['name']}; "
        f"{validation['n']:,} more were held back to choose the epoch and the temperature"
    )


def _figures(figures: Mapping[str, Any]) -> str:
    return (
        f"accuracy {figures['accuracy']:.2%}, calibration error {figures['ece']:.2%}, "
        f"log loss {figures['log_loss']:.3f} on {figures['n']:,} reviews of {figures['data']}"
    )


def _graph(bundle: Bundle, graph: Graph) -> Iterator[str]:
    """Size and parity of a graph; its figures only where its reviews had labels."""
    parity = graph.parity
    size = (bundle.folder / graph.file).stat().st_size / 1e6
    yield f"{graph.file}, {size:.1f} MB"
    yield (
        f"with all layers {parity['flips']} of {parity['n']:,} labels differ from the "
        f"checkpoint's, probabilities by {parity['mean_change']:.2%} on average and "
        f"{parity['max_change']:.2%} at most ({parity['data']})"
    )
    if "graph" in parity:
        yield _figures({**parity["graph"], "n": parity["n"], "data": parity["data"]})
    calibration = bundle.description.provenance.get("calibration", {})
    figures = calibration.get("graphs", {}).get(graph.precision, {})
    yield _confidence(graph.temperature, graph.lengths)
    if short := figures.get("short"):
        yield (
            f"{_figures(short)}; with one temperature for all the calibration error would be "
            f"{short['ece_unscaled']:.2%}"
        )
    yield promises(graph)
    told = figures.get("efforts", {})
    for name, effort in graph.efforts.items():
        yield _saved(name, effort)
        if found := told.get(name):
            yield _figures({**found, "n": calibration["n"], "data": calibration["data"]})
        yield _confidence(effort.temperature, effort.lengths)


def efforts(graph: Graph) -> Iterator[str]:
    """What each ``--effort`` saves and changes."""
    yield from map(_saved, graph.efforts, graph.efforts.values())


def _saved(name: str, effort: Effort) -> str:
    layers = effort.all_layers or len(effort.thresholds) + 1
    return (
        f"--effort {name}: {effort.layers:.1f} of {layers} layers on average{_fewer(effort)}, "
        f"{effort.changed:.2%} of the labels differ from those of all layers"
    )


def _fewer(effort: Effort) -> str:
    """How many tokens are read on with, and behind which layers they grow fewer."""
    steps = pairwise((1.0, *effort.keep_ratios))
    told = [
        f"{share:.0%} behind layer {layer}"
        for layer, (before, share) in enumerate(steps, start=1)
        if share < before
    ]
    return f", tokens kept {' and '.join(told)}" if told else ""


def _confidence(temperature: float, lengths: LengthScale | None) -> str:
    """What the logits are divided by, and how far the confidence in a short text is taken back."""
    if lengths is None:
        return f"temperature {temperature:.3f}"
    return (
        f"temperature {temperature:.3f}, times {lengths.factor(lengths.least):.2f} for "
        f"{lengths.least} tokens or fewer and less for up to {lengths.most}"
    )


def promises(graph: Graph) -> str:
    """Which error rates ``--max-error`` can keep, and on how many labels."""
    # With --max-error the usual effort is high.
    guarantee = (graph.efforts.get("high") or graph).guarantee
    if guarantee is None:
        return "--max-error is not to be had: it was exported without thresholds"
    proved = [step for step in guarantee.steps if step.threshold is not None]
    # All labels at one rate are all labels at each larger one.
    partly = sum(step.coverage < 1 for step in proved)
    kept = ", ".join(
        f"{step.max_error:g} on {step.coverage:.0%} of the labels" for step in proved[: partly + 1]
    )
    return (
        f"--max-error can be {kept or 'nothing'} ({1 - guarantee.delta:.0%} sure, by "
        f"{guarantee.n:,} reviews of {guarantee.data})"
    )

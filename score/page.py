"""A bundle as one HTML page: what ``thumbs info`` says, and its confidence in two charts.

The page holds everything it shows; it loads nothing, runs no script, and every word that
comes from the bundle is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from score.atomic import AtomicFile
from score.bundle import Bundle
from score.chart import Axis, Chart
from score.describe import facts, told
from score.errors import UsageError

_MOST_POINTS = 1000

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1e21; --quiet: #5b616a;
  --rule: #d9dce1; --accent: #0b62c4; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171a; --ink: #e6e8eb;
  --quiet: #a2a9b3; --rule: #3a3f46; --accent: #74b3ff; } }
body { background: var(--paper); color: var(--ink); max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
  border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
th { white-space: nowrap; font-weight: 600; }
.charts { display: flex; flex-wrap: wrap; gap: 2rem; }
figure { margin: 0; flex: 1 1 20rem; max-width: 30rem; }
figcaption { color: var(--quiet); font-size: .9rem; }
svg { width: 100%; height: auto; fill: currentColor; }
svg text { font: 12px system-ui, sans-serif; } .middle { text-anchor: middle; }
.end { text-anchor: end; } .grid { stroke: var(--rule); fill: none; }
.even { stroke: var(--quiet); stroke-dasharray: 5 4; fill: none; }
.line { stroke: var(--accent); stroke-width: 2; fill: none; } .dot { fill: var(--accent); }
"""


def write_page(bundle: Bundle, path: Path) -> None:
    """Write the page, whole or not at all; a page that is there is replaced.

    Raises:
        UsageError: the name is not that of a page.
        OutputError: the file cannot be made.
        BundleError: see :func:`page`.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{path} is no name for a page. Let it end in .html.")
    text = page(bundle)
    with AtomicFile(path) as output:
        output.file.write(text.encode("utf-8", "replace"))


def page(bundle: Bundle) -> str:
    """The whole page.

    Raises:
        BundleError: what the manifest tells is not what an export writes.
    """
    with told(bundle):
        name = html.escape(bundle.description.name)
        rows = "\n".join(_rows(bundle))
        sections = "\n".join(_sections(bundle))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{name}</h1>\n<table>\n{rows}\n</table>\n{sections}\n</main>\n</body>\n</html>\n"
    )


def _rows(bundle: Bundle) -> Iterator[str]:
    """A row of the table for each name, whose texts may be several."""
    groups: list[tuple[str, list[str]]] = []
    for name, text in facts(bundle):
        if name:
            groups.append((name, []))
        groups[-1][1].append(html.escape(text))
    for name, texts in groups:
        yield f'<tr><th scope="row">{html.escape(name)}</th><td>{"<br>".join(texts)}</td></tr>'


def _sections(bundle: Bundle) -> Iterator[str]:
    """For each graph whose curves the manifest holds, and each way to stop early in it, a section.

    Each has two charts.
    """
    calibration = bundle.description.provenance.get("calibration", {})
    for graph in bundle.description.graphs:
        figures = calibration.get("graphs", {}).get(graph.precision, {})
        ways = {graph.precision: figures}
        for effort in graph.efforts:
            ways[f"{graph.precision} --effort {effort}"] = figures.get("efforts", {}).get(
                effort, {}
            )
        for name, found in ways.items():
            if "reliability" not in found:
                continue
            data = f"{calibration['n']:,} held-back reviews ({calibration['data']})"
            layers = ", with all layers" if graph.efforts and found is figures else ""
            yield f"<h2>Confidence of the graph {html.escape(name)}{layers}</h2>"
            yield '<div class="charts">'
            yield _figure(_reliability(name.replace(" ", ""), found, data), data)
            yield _figure(_coverage_risk(name.replace(" ", ""), found, data), data)
            yield "</div>"


def _figure(chart: Chart, data: str) -> str:
    caption = html.escape(f"{chart.title}, on {data}.")
    return f"<figure>\n{chart.svg()}\n<figcaption>{caption}</figcaption>\n</figure>"


def _reliability(name: str, figures: Mapping[str, Any], data: str) -> Chart:
    bins = _points(figures["reliability"], 3)
    low = 0.5 if all(min(mean, accuracy) >= 0.5 for mean, accuracy, _ in bins) else 0.0
    return Chart(
        name=f"reliability-{name}",
        title="Reliability: how often labels of a confidence are right",
        description=f"On {data} the calibration error is {figures['ece']:.2%}. "
        + " ".join(_bin(mean, accuracy, size) + "." for mean, accuracy, size in bins),
        x=Axis("confidence", low, 1.0),
        y=Axis("labels that are right", low, 1.0),
        line=[(mean, accuracy) for mean, accuracy, _ in bins],
        dots=[((mean, right), _bin(mean, right, size)) for mean, right, size in bins],
        even=True,
    )


def _bin(mean: float, accuracy: float, size: float) -> str:
    return f"{size:,.0f} labels of {mean:.1%} confidence: {accuracy:.1%} right"


def _coverage_risk(name: str, figures: Mapping[str, Any], data: str) -> Chart:
    points = _points(figures["coverage_risk"], 2)
    shown = [points[i] for i in range(4, len(points), 5)] or points
    return Chart(
        name=f"coverage-risk-{name}",
        title="Coverage and risk: how many labels are wrong where only the surest are kept",
        description=f"On {data}: "
        + ", ".join(f"of the surest {share:.0%} {risk:.2%} wrong" for share, risk in shown),
        x=Axis("share of labels kept, the surest first", 0.0, 1.0),
        y=Axis.up_to("labels that are wrong", max(risk for _, risk in points)),
        line=[(share, risk) for share, risk in points],
    )


def _points(values: Any, width: int) -> list[Sequence[float]]:
    """Rows of numbers from a manifest, which anybody may have written.

    Raises:
        TypeError, ValueError: they are none, or too many, or no shares.
    """
    if not isinstance(values, list) or not 1 <= len(values) <= _MOST_POINTS:
        raise TypeError(f"no list of 1 to {_MOST_POINTS} points")
    points = [tuple(float(number) for number in row) for row in values]
    for point in points:
        if len(point) != width or not all(0 <= share <= 1 for share in point[:2]):
            raise ValueError(f"no point of a curve: {point}"[:100])
    return list(points)

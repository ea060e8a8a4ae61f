"""What a run did, counted so that it adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from score.scorer import Score


@dataclass(slots=True)
class Summary:
    """The counts of one run.

    ``rows == sum(labels.values()) + empty + language + blank + rejected``.

    Attributes:
        input, output: what was read and written, as it was named.
        model: the bundle's name.
        device: provider, precision and workers.
        labels: how many rows got each label, in class order.
        rows: all records of the input after the header.
        blank: lines without any cell, copied as they are.
        empty: rows whose text is empty; they have no label.
        language: rows that are surely in another language; they have no label.
        rejected: records that went to the rejects.
        truncated, unsure: rows with this flag; they have a label.
        padded: rows with fewer cells than the header; empty ones were added.
        remembered: rows whose answer was known when their part of the file came up: from an
            earlier run, or from an equal text further up in this one.
        layers: by number, how many rows were read with so many layers of the model, where it
            can answer before the last; remembered ones were read before.
        rejects: the file of the rejects; None where there are none.
        backup: what the input is kept as, where the output took its place.
        seconds: how long it took, from the first look at the file to the last row.
    """

    input: str
    output: str
    model: str
    device: str
    labels: dict[str, int]
    rows: int = 0
    blank: int = 0
    empty: int = 0
    language: int = 0
    rejected: int = 0
    truncated: int = 0
    unsure: int = 0
    padded: int = 0
    remembered: int = 0
    layers: dict[str, int] = field(default_factory=dict)
    rejects: str | None = None
    backup: str | None = None
    seconds: float = 0.0

    def count(self, score: Score) -> None:
        """Count one scored row."""
        if score.label is not None:
            self.labels[score.label] += 1
        for flag in score.flags:
            setattr(self, flag, getattr(self, flag) + 1)
        self.remembered += score.remembered
        if score.layers is not None:
            number = str(score.layers)
            self.layers[number] = self.layers.get(number, 0) + 1

    def as_dict(self) -> dict[str, Any]:
        """The counts for machines, with the rate in rows a second."""
        counts = asdict(self)
        counts["layers"] = dict(sorted(self.layers.items(), key=lambda one: int(one[0])))
        counts["seconds"] = round(self.seconds, 3)
        counts["rows_per_second"] = round(self.rows / self.seconds, 1) if self.seconds else None
        return counts

    def lines(self) -> Sequence[str]:
        """The counts for people."""
        labelled = sum(self.labels.values())
        shares = ", ".join(
            f"{label} {count:,} ({count / max(labelled, 1):.0%})"
            for label, count in self.labels.items()
        )
        flags = ("unsure", "truncated", "padded", "empty", "language", "blank", "rejected")
        others = ", ".join(
            f"{name} {getattr(self, name):,}" for name in flags if getattr(self, name)
        )
        rate = f"{self.rows / self.seconds:,.0f} rows/s" if self.seconds else ""
        remembered = f", {self.remembered:,} known already" if self.remembered else ""
        lines = [f"{self.rows:,} rows in {self.seconds:,.1f} s ({rate}{remembered}; {self.device})"]
        lines.append(shares)
        if others:
            lines.append(others)
        lines.append(f"Output: {self.output}")
        if self.rejects:
            lines.append(f"Rejects: {self.rejects}")
        if self.backup:
            lines.append(f"The input as it was: {self.backup}")
        return lines

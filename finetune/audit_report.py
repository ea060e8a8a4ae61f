"""An audit as one page to read and one table to work with."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from finetune.audit import Audit
from finetune.audit_rows import Finding
from finetune.reasons import CLEANABLE, REASONS, Reason
from score.atomic import AtomicFile

PAGE_FILE = "audit.html"
TABLE_FILE = "audit.csv"
AUDIT_FILES = frozenset({PAGE_FILE, TABLE_FILE})
_TEMPLATE = Path(__file__).parent / "audit.html"
_COLUMNS = ("row", "part", "reason", "label", "detail", "text")
# What a spreadsheet would read as a formula or drop from the beginning of a cell.
_FORMULA_STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n")
_EXAMPLES, _SUSPECTS = 10, 30
_IMBALANCED = 2.0


def write_audit(folder: Path, audit: Audit) -> None:
    """Write ``audit.html`` and ``audit.csv``.

    Raises:
        OutputError: a file cannot be made there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with AtomicFile(folder / PAGE_FILE) as target:
        target.file.write(_page(audit).encode("utf-8", "replace"))
    with AtomicFile(folder / TABLE_FILE) as target:
        _write_table(audit, target.file)


def _write_table(audit: Audit, file: BinaryIO) -> None:
    # With a mark, or Excel would take it for another encoding.
    text = io.TextIOWrapper(file, "utf-8-sig", "replace", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for finding in audit.findings:
        row = finding.row
        cells = (row.row, row.part, finding.reason, row.label, finding.detail, finding.excerpt)
        writer.writerow(map(_guarded, cells))
    # Its owner closes the file.
    text.detach()


def _guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTERS) else cell


@dataclass(frozen=True, slots=True)
class Section:
    """What the page says about one reason.

    Attributes:
        name: the reason, as ``--clean`` takes it.
        reason: its title and meaning.
        cleanable: whether ``--clean`` takes it.
        counts: the findings in each part of the page's columns.
        left_out: how many rows are left out for it.
        examples: the first of the findings.
        total: how many there are.
    """

    name: str
    reason: Reason
    cleanable: bool
    counts: tuple[int, ...]
    left_out: int
    examples: tuple[Finding, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Balance:
    """How many rows a class has in each part, and its share of the largest class there."""

    label: str
    counts: tuple[int, ...]
    shares: tuple[float, ...]


def _page(audit: Audit) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    sizes = Counter(row.part for row in audit.rows)
    parts = tuple(sizes)
    return template.render(
        data=audit.data,
        parts=parts,
        sizes=sizes,
        sections=list(_sections(audit, parts)),
        balance=list(_balance(audit, parts)),
        imbalance=_imbalance(audit),
        notes=audit.notes,
        left_out=len(audit.left_out),
        found=len({finding.row.key for finding in audit.findings}),
    )


def _sections(audit: Audit, parts: tuple[str, ...]) -> Iterator[Section]:
    left_out = Counter(audit.left_out.values())
    for name, reason in REASONS.items():
        findings = [finding for finding in audit.findings if finding.reason == name]
        counts = Counter(finding.row.part for finding in findings)
        shown = _SUSPECTS if name == "suspect" else _EXAMPLES
        yield Section(
            name=name,
            reason=reason,
            cleanable=name in CLEANABLE,
            counts=tuple(counts[part] for part in parts),
            left_out=left_out[name],
            examples=tuple(findings[:shown]),
            total=len(findings),
        )


def _balance(audit: Audit, parts: tuple[str, ...]) -> Iterator[Balance]:
    counts = Counter((row.part, row.label) for row in audit.rows if row.label)
    labels = dict.fromkeys((*audit.data.labels, *(row.label for row in audit.rows if row.label)))
    most = {part: max([counts[part, label] for label in labels] + [1]) for part in parts}
    for label in labels:
        found = tuple(counts[part, label] for part in parts)
        shares = (n / most[part] for n, part in zip(found, parts, strict=True))
        yield Balance(label, found, tuple(shares))


def _imbalance(audit: Audit) -> str:
    """A sentence where one class of the training part has twice the rows of another."""
    counts = Counter(audit.data.train.classes)
    by_size = sorted(range(len(audit.data.labels)), key=lambda number: counts[number])
    least, most = by_size[0], by_size[-1]
    ratio = counts[most] / max(counts[least], 1)
    if ratio < _IMBALANCED:
        return ""
    labels = audit.data.labels
    return (
        f"{labels[most]} has {ratio:.1f} times as many training rows as {labels[least]}: "
        "--class-weights balanced lets all classes count the same."
    )

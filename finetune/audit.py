"""What is wrong with a training set, found before a model is trained on it.

Each finding is a row, a reason and a detail. Leaks are always left out of training, other
rows by the reasons that the user chose.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from finetune.audit_copies import Copies, check_copies
from finetune.audit_labels import MOST_ROWS, check_labels, deal, labels_to_check, not_to_check
from finetune.audit_rows import TRAINED, AuditRow, AuditRows, Finding, RowKey
from finetune.audit_texts import check_texts
from finetune.data import check_parts
from finetune.reasons import LEAK, REASONS
from finetune.settings import TrainSettings
from finetune.splits import LabelledData, Split
from score.errors import DataError
from score.tokens import Encoder

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Audit:
    """What was found in a training set.

    Attributes:
        data: the data that was looked at.
        rows: its rows, those included that were left out from the beginning.
        findings: what was found, by reason in the order of :data:`REASONS`, suspect labels
            by doubt, all else by row.
        notes: what was not looked for, and why.
        clean: the reasons for which rows are left out of training, beside leaks.
    """

    data: LabelledData
    rows: Sequence[AuditRow]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    clean: tuple[str, ...] = ()

    @cached_property
    def left_out(self) -> Mapping[RowKey, str]:
        """The rows that are left out of training -> the first reason for it."""
        left_out: dict[RowKey, str] = {}
        for finding in self.findings:
            leaks = finding.reason == LEAK
            if leaks or (finding.reason in self.clean and finding.row.part in TRAINED):
                left_out.setdefault(finding.row.key, finding.reason)
        return left_out

    def summary(self) -> dict[str, Any]:
        """For ``metrics.json``: how many rows of each reason were found and left out."""
        return {
            "rows": len(self.rows),
            "found": _counted(finding.reason for finding in self.findings),
            "left_out": _counted(self.left_out.values()),
            "clean": list(self.clean),
            "notes": list(self.notes),
        }

    def sentence(self) -> str:
        """What was found and left out, for people."""
        found = _named(_counted(finding.reason for finding in self.findings)) or "nothing"
        left_out = _named(_counted(self.left_out.values())) or "nothing"
        return (
            f"the audit of {len(self.rows):,} rows found {found}; left out of training: "
            f"{left_out}. See audit.html and audit.csv."
        )

    def cleaned(self) -> LabelledData:
        """The data without what is left out.

        Raises:
            DataError: nothing is left of a part or a class.
        """
        data = replace(
            self.data,
            train=self._without("train", self.data.train),
            validation=self._without("validation", self.data.validation),
            also=self._without("also", self.data.also),
            unlabelled=self._without("unlabelled", self.data.unlabelled),
            sentences=self._without("sentences", self.data.sentences),
        )
        check_parts(data)
        return data

    def _without(self, part: str, split: Split) -> Split:
        rows = zip(split.origins, split.texts, strict=True)
        keys = (RowKey(part, origin.row, text) for origin, text in rows)
        return split.take([i for i, key in enumerate(keys) if key not in self.left_out])


def audit_data(data: LabelledData, settings: TrainSettings, clean: Collection[str] = ()) -> Audit:
    """Look for everything that :data:`REASONS` names.

    Args:
        data: the data, with the origin of each text.
        settings: how a model is trained on it: language, base and truncation are asked for.
        clean: the reasons for which rows are left out, of :data:`finetune.reasons.CLEANABLE`.
    """
    rows = AuditRows(data)
    copies = Copies.find(rows)
    encoder, notes = _encoder(settings)
    if not settings.language:
        notes.append("Other languages were not looked for: say which is right with --language.")
    findings = [
        *check_copies(rows, copies),
        *check_texts(rows, settings.language, encoder, settings.truncation.max_tokens),
        *_check_labels(rows, copies, data.labels, notes),
    ]
    place = {name: i for i, name in enumerate(REASONS)}
    # Stable: within a reason they stay in the order in which they were found.
    findings.sort(key=lambda finding: place[finding.reason])
    audit = Audit(
        data, rows, tuple(findings), tuple(notes), tuple(r for r in REASONS if r in clean)
    )
    logger.info("Audit: %s", audit.summary())
    return audit


def _check_labels(
    rows: Sequence[AuditRow], copies: Copies, labels: Sequence[str], notes: list[str]
) -> list[Finding]:
    places = labels_to_check(rows)
    chosen = [rows[i] for i in places]
    folds = deal(chosen, copies.groups[places])
    if note := not_to_check(chosen, folds, labels):
        notes.append(note)
        return []
    if len(places) == MOST_ROWS:
        notes.append(f"Suspect labels were looked for in {MOST_ROWS:,} of the rows.")
    try:
        return list(check_labels(chosen, folds, labels))
    except DataError as exc:
        logger.info("No out-of-fold answers: %s", exc)
        notes.append("Suspect labels were not looked for: the texts hold no words to learn from.")
        return []


def _encoder(settings: TrainSettings) -> tuple[Encoder | None, list[str]]:
    """What cuts the texts in training; None, and a note, where the base cannot be had."""
    from transformers import AutoTokenizer

    from finetune.box import find_bundle

    base = str(find_bundle(settings.base) or settings.base)
    try:
        tokenizer = AutoTokenizer.from_pretrained(base)  # type: ignore[no-untyped-call] # theirs
        return Encoder(tokenizer.backend_tokenizer, settings.truncation), []
    except (OSError, ValueError) as exc:
        logger.info("No tokenizer of %s: %s", base, exc)
        return None, [
            "Texts longer than the model reads were not looked for: "
            f"the base model {settings.base} cannot be had."
        ]


def _named(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _counted(reasons: Iterable[str]) -> dict[str, int]:
    counts = Counter(reasons)
    return {name: counts[name] for name in REASONS if counts[name]}

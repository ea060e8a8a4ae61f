"""Where a model's base comes from, traced back through thumbs' own checkpoints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from finetune.box import find_bundle
from finetune.checkpoint import METRICS_FILE
from score.bundle import MANIFEST_FILE


@dataclass(frozen=True, slots=True)
class Origin:
    """What a base model is called, what it may be used for, and how it was made.

    Attributes:
        name: of the first base, from before any training by thumbs.
        licence: of the same; None where it is not known.
        commands: the lines that made the base from it, the oldest first; none for a base
            that thumbs did not train.
    """

    name: str
    licence: str | None
    commands: tuple[str, ...] = ()


def read_origin(base: str) -> Origin:
    """The origin of a base model: a folder, a name on the hub, or ``thumbs``.

    What ``thumbs finetune`` or ``thumbs export`` made hands on the origin of its own base,
    so that licence and recipe are not lost in a second training.
    """
    bundle = find_bundle(base)
    finished = bundle / MANIFEST_FILE if bundle else Path(base) / METRICS_FILE
    try:
        metrics = json.loads(finished.read_text(encoding="utf-8"))
        first = metrics["base"]
        return Origin(first["name"], first["licence"], tuple(metrics["commands"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Origin(_name(base), _licence(base))


def _name(base: str) -> str:
    """As it was given, but for a folder's place on this machine, which means nothing elsewhere."""
    return Path(base).name if Path(base).is_absolute() else base


def _licence(base: str) -> str | None:
    """The licence on the base model's card; None where there is no card or none is named."""
    from huggingface_hub import ModelCard

    card = Path(base) / "README.md"
    try:
        licence = ModelCard.load(card if Path(base).is_dir() else base).data.get("license")
    except Exception:  # noqa: BLE001 - no card, no network: the licence is simply not known
        return None
    return str(licence) if licence else None

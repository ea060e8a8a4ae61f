"""Asking a model as a run does, each text in a run of its own, and with all layers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from score.crew import Crew
from score.model import Answer, Model


def together(model: Model, texts: Sequence[str]) -> list[Answer]:
    """The answers to cleaned texts, of a crew of two that is given all at once."""
    crew = Crew(model, 2)
    work = crew.start([*dict.fromkeys(texts)])
    work.wait()
    crew.close()
    return [work.answers[text] for text in texts]


def alone(model: Model, texts: Sequence[str]) -> list[Answer]:
    """The answers to cleaned texts, each asked for by itself."""
    return [together(model, [text])[0] for text in texts]


def with_all_layers(bundle: Path, folder: Path) -> Path:
    """A copy of a bundle that never stops early, as GPUs and OpenVINO never do."""
    copy = Path(shutil.copytree(bundle, folder / "all_layers"))
    manifest = json.loads((copy / "bundle.json").read_text(encoding="utf-8"))
    for graph in manifest["graphs"]:
        graph["efforts"] = {}
    (copy / "bundle.json").write_text(json.dumps(manifest), encoding="utf-8")
    return copy

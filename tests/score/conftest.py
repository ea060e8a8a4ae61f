"""A bundle that tells what it said, and machines with a GPU, for which the CPU stands in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from score import providers, tuner
from score.bundle import TOKENIZER_FILE, Bundle
from score.crew import Crew
from score.engine import Engine
from score.tokens import Encoder


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Bundle:
    """One whose int8 graph alone is there, with what it said where it was exported."""
    return told(tiny_bundle, tmp_path / "told", lambda logits: logits)


def told(bundle: Path, folder: Path, change: Callable[[float], float], **more: object) -> Bundle:
    """A copy with the int8 graph alone, which tells the answers to some sentences."""
    from export.parity import answers

    shutil.copytree(bundle, folder)
    manifest = json.loads((folder / "bundle.json").read_text())
    (entry,) = (one for one in manifest["graphs"] if one["precision"] == "int8")
    loaded = Bundle.load(folder)
    encoder = Encoder.from_file(folder / TOKENIZER_FILE, loaded.description.truncation)
    said = answers(Engine(loaded.read_graph(loaded.graph("int8"))), encoder)
    entry["answers"] = {text: [change(one) for one in logits] for text, logits in said.items()}
    manifest["graphs"] = [entry | more]
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return Bundle.load(folder)


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What measurements will find, by name; others find 1. Names that were measured are added."""
    found: dict[str, float] = {}

    def measure(crews: Mapping[str, Crew], texts: tuple[list[str], ...]) -> dict[str, float]:
        assert all(texts)
        return {name: found.setdefault(name, 1.0) for name in crews}

    monkeypatch.setattr(tuner, "measured", measure)
    return found


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has CUDA too, for which the CPU stands in."""
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDA", "CPUExecutionProvider"]
    )
    monkeypatch.setitem(providers.PROVIDERS, "cuda", "CUDA")

    class Stand(Engine):
        def _open(self) -> Any:
            provider, self.provider = self.provider, "cpu"
            session = super()._open()
            self.provider = provider
            return session

    monkeypatch.setattr("score.model.Engine", Stand)

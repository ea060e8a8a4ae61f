"""What a bundle says about itself beside its graphs: its origin, and Hugging Face's files."""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from export.checkpoint import CONFIG_FILE, Checkpoint
from export.reviews import Reviews
from score.bundle import TOKENIZER_FILE

# Beside tokenizer.json, what AutoTokenizer reads; vocab.txt would say the same again.
_TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json")
# transformers notes in these where a model was loaded from.
_PLACE_KEYS = ("_name_or_path", "name_or_path")
_PACKAGES = ("torch", "transformers", "optimum-onnx", "onnx", "onnxruntime")


def copy_descriptions(source: Path, target: Path) -> None:
    """Copy configuration and tokenizer, on one line each, which halves the tokenizer.

    Args:
        source: the folder of the checkpoint.
        target: the folder of the bundle.
    """
    for name in (CONFIG_FILE, TOKENIZER_FILE, *_TOKENIZER_FILES):
        if not (source / name).is_file():
            continue
        content = json.loads((source / name).read_text(encoding="utf-8"))
        for key in _PLACE_KEYS:
            content.pop(key, None)
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        (target / name).write_text(text + "\n", encoding="utf-8")


def provenance(
    checkpoint: Checkpoint,
    held_back: Reviews,
    calibration: Mapping[str, Any],
    command: str,
) -> dict[str, Any]:
    """Where a bundle comes from and how good it is, for its manifest.

    Args:
        checkpoint: the model.
        held_back: the reviews that the temperatures were fitted on.
        calibration: for each precision the graph's figures on these reviews.
        command: the line that makes the bundle.

    Returns:
        ``base`` (name, licence), ``data`` (name, labels, splits), ``audit`` (how many rows
        were found and left out for each reason), ``metrics`` (of the checkpoint, on named
        data), ``calibration`` (data and figures of the graphs), ``versions`` and ``commands``
        (of training and export). No place on this machine is named.
    """
    metrics = checkpoint.metrics
    data = metrics["data"]
    test_name = data["splits"]["test"].get("name", f"{data['name']}, test split")
    return {
        "base": metrics["base"],
        "data": data,
        # What training left out of the data, and why; models made before there was an audit
        # do not say.
        **({"audit": metrics["audit"]} if "audit" in metrics else {}),
        "metrics": {"data": test_name, **metrics["evaluation"]},
        "calibration": {
            "data": held_back.name,
            "sha256": held_back.digest(),
            "n": len(held_back),
            "graphs": dict(calibration),
        },
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in _PACKAGES},
        "commands": [without_places(line) for line in (*metrics["commands"], command) if line],
    }


def without_places(command: str) -> str:
    """A command line whose absolute paths are cut to the last name in them."""
    words = []
    for word in shlex.split(command):
        option, equals, value = word.rpartition("=")
        for kind in (PurePosixPath, PureWindowsPath):
            if kind(value).is_absolute():
                value = kind(value).name
        words.append(f"{option}{equals}{value}")
    return shlex.join(words)

"""What a finished training run leaves beside the model, for the export and for people.

The folder is Hugging Face's own layout plus three files: ``preprocessing.json`` (how a
text becomes the model's input), ``metrics.json`` (what the model was made from and how
good it is) and ``validation.parquet`` (the held-back reviews, on which the export fits
the temperature of each graph again). The export reads them by these names alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from finetune.splits import LabelledData, Split

PREPROCESSING_FILE = "preprocessing.json"
METRICS_FILE = "metrics.json"
VALIDATION_FILE = "validation.parquet"
LOSS_CURVE_FILE = "loss.png"
RELIABILITY_FILE = "reliability.png"
COVERAGE_RISK_FILE = "coverage_risk.png"


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write ``content`` for people: indented, every script as it is."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_validation(folder: Path, split: Split, labels: tuple[str, ...]) -> None:
    """Keep the held-back reviews, cleaned, with their label names."""
    import pandas as pd

    names = [labels[i] for i in split.classes]
    pd.DataFrame({"text": list(split.texts), "label": names}).to_parquet(folder / VALIDATION_FILE)


def describe_data(data: LabelledData) -> dict[str, Any]:
    """Name, labels and, for each part, its name, size and digest."""
    names = {
        "train": data.name,
        "validation": f"{data.name}, validation split",
        "test": data.test_name,
        "also": "labelled texts beside it",
        "unlabelled": "texts labelled by a teacher",
        "sentences": "sentences labelled by a teacher",
    }
    return {
        "name": data.name,
        "labels": list(data.labels),
        "splits": {
            name: {"name": names[name], "n": len(split), "sha256": split.digest()}
            for name, split in data.parts()
        },
    }

"""What ``build_bundle`` refuses, in whole sentences: outputs, checkpoints and settings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from export.build import build_bundle
from export.settings import ExportSettings
from score.errors import DataError, NoInputError, OutputError, UsageError

FP32 = ExportSettings(precisions=("fp32",))


@pytest.fixture
def checkpoint(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the tiny checkpoint that a test may spoil."""
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "trained_model"))


def test_outputs_that_are_there_already(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """A bundle, a file and a folder of something else are not written over."""
    bundle, file, folder = tmp_path / "bundle", tmp_path / "file", tmp_path / "folder"
    for path in (bundle, folder):
        path.mkdir()
    (bundle / "bundle.json").write_text("{}")
    (folder / "thesis.doc").write_text("years of work")
    file.write_text("")
    for path, overwrite, expected in (
        (bundle, False, "is there already. Add --overwrite, or name another folder with -o."),
        (file, True, "is a file. Name a folder with -o."),
        (folder, True, "holds something that is no bundle. Name another with -o."),
    ):
        with pytest.raises(OutputError) as caught:
            build_bundle(tiny_checkpoint, path, FP32, overwrite=overwrite)
        assert str(caught.value) == f"{path} {expected}"
        assert caught.value.exit_code == 73


@pytest.mark.parametrize(
    "name",
    ["config.json", "preprocessing.json", "metrics.json", "tokenizer.json", "validation.parquet"],
)
def test_a_checkpoint_of_another_tool(checkpoint: Path, name: str, tmp_path: Path) -> None:
    """A folder without one of our files is refused by that file's name."""
    (checkpoint / name).unlink()
    with pytest.raises(NoInputError) as caught:
        build_bundle(checkpoint, tmp_path / "bundle")
    assert str(caught.value) == (
        f"{checkpoint} is no checkpoint of thumbs finetune: it has no {name}. "
        "Name the folder that thumbs finetune made."
    )
    assert caught.value.exit_code == 66


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "metrics.json",
            "[]",
            "{0}/metrics.json is no JSON object. Train the model again.",
        ),
        (
            "preprocessing.json",
            "{{}}",
            "{0} is damaged (KeyError: 'truncation'). Run thumbs finetune again.",
        ),
        (
            "config.json",
            "{",
            "{0}/config.json cannot be read: Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1). Train the model again.",
        ),
    ],
)
def test_a_damaged_checkpoint(
    checkpoint: Path, name: str, content: str, message: str, tmp_path: Path
) -> None:
    """A file that cannot be understood is named."""
    (checkpoint / name).write_text(content.replace("{{}}", "{}"))
    with pytest.raises(DataError) as caught:
        build_bundle(checkpoint, tmp_path / "bundle")
    assert str(caught.value) == message.format(checkpoint)


def test_a_validation_split_without_reviews(checkpoint: Path, tmp_path: Path) -> None:
    """Without held-back reviews there is no temperature, so no bundle."""
    path = checkpoint / "validation.parquet"
    pd.DataFrame({"text": [], "label": []}).to_parquet(path)
    with pytest.raises(DataError) as caught:
        build_bundle(checkpoint, tmp_path / "bundle")
    assert str(caught.value) == f"{path} holds no reviews. Train the model again."


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"precisions": ()}, "No such precision: none; use int8, fp32, fp16."),
        ({"reading": "all"}, "No such --long: all; use cut, windows."),
        ({"precisions": ("int4",)}, "No such precision: int4; use int8, fp32, fp16."),
        ({"precisions": ("int8", "int8")}, "A precision is named twice; name each once."),
        ({"max_flips": -1.0}, "--max-flips -1.0 is out of range; it is a share, 0 to 1."),
        ({"max_ece": 1.5}, "--max-ece 1.5 is out of range; it is a share, 0 to 1."),
        (
            {"text_column": "text"},
            "--text-column and --label-column say nothing without --verify-on.",
        ),
    ],
)
def test_settings_out_of_range(values: dict[str, Any], message: str) -> None:
    """An impossible setting is refused at birth."""
    with pytest.raises(UsageError) as caught:
        ExportSettings(**values)
    assert str(caught.value) == message

"""``train_model`` from end to end, its refusals, and a run that is killed on the way."""

from __future__ import annotations

import dataclasses
import json
import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from export.build import build_bundle
from export.settings import ExportSettings
from finetune.data import DataSettings
from finetune.settings import TrainSettings
from finetune.train import train_model
from score.bundle import Bundle
from score.engine import Engine
from score.errors import DataError, NoInputError, OutputError, UsageError
from score.tokens import Encoder, Truncation
from tests.conftest import make_base, sentences, tiny_settings, write_table

PROJECT = Path(__file__).parents[2]

# Trains as the fixture does, and dies without a word when the second epoch begins.
KILLED_RUN = """
import os, signal, sys
from pathlib import Path
from transformers import TrainerCallback
import finetune.plan
import finetune.train
from finetune.data import DataSettings
from tests.conftest import tiny_settings

class Kill(TrainerCallback):
    def on_epoch_begin(self, args, state, control, **_):
        if state.epoch >= 1:
            os.kill(os.getpid(), signal.SIGKILL)

build = finetune.plan.build_trainer

def build_and_kill(*arguments, **options):
    trainer, encoder = build(*arguments, **options)
    trainer.add_callback(Kill())
    return trainer, encoder

finetune.plan.build_trainer = build_and_kill
data, base, output = sys.argv[1:]
finetune.train.train_model(
    DataSettings(source=data, validation=0.2), tiny_settings(Path(base)), Path(output)
)
"""


def test_metrics_say_what_was_made_from_what(tiny_checkpoint: Path, tiny_base: Path) -> None:
    """Command, base and licence, data with digests, settings, figures, history, versions."""
    metrics = json.loads((tiny_checkpoint / "metrics.json").read_text())
    assert list(metrics) == [
        "commands",
        "base",
        "data",
        "audit",
        "settings",
        "lessons",
        "helped",
        "temperature",
        "evaluation",
        "validation",
        "history",
        "baseline",
        "versions",
    ]
    (command,) = metrics["commands"]
    assert command.startswith("thumbs finetune ")
    assert metrics["base"] == {"name": "tiny-bert", "licence": "apache-2.0"}
    assert metrics["data"]["labels"] == ["negative", "positive"]
    splits = metrics["data"]["splits"]
    assert [(part["name"], part["n"]) for part in splits.values()] == [
        ("sentences.csv", 30),
        ("sentences.csv, validation split", 15),
        ("sentences.csv, held-back part", 19),
    ]
    assert all(len(part["sha256"]) == 64 for part in splits.values())
    assert metrics["settings"] == dataclasses.asdict(tiny_settings(tiny_base))
    figures = ["n", "accuracy", "precision", "recall", "f1", "log_loss", "ece"]
    assert list(metrics["evaluation"]) == list(metrics["validation"]) == figures
    assert metrics["evaluation"]["accuracy"] >= 0.9
    assert list(metrics["baseline"]) == ["rows", "validation", "test"]
    assert list(metrics["baseline"]["test"]) == figures
    assert metrics["lessons"]["n"] == {"labelled": 30}
    assert 0.05 < metrics["temperature"] < 20
    assert {"loss", "eval_loss"} <= {key for entry in metrics["history"] for key in entry}
    assert set(metrics["versions"]) == {"torch", "transformers", "datasets"}


def test_the_folder_is_complete(tiny_checkpoint: Path) -> None:
    """Model, tokenizer, preprocessing, held-back reviews and curves; no checkpoints are left."""
    names = {path.name for path in tiny_checkpoint.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "validation.parquet"} <= names
    assert "checkpoints" not in names
    for name in ("loss.png", "reliability.png", "coverage_risk.png"):
        assert (tiny_checkpoint / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert json.loads((tiny_checkpoint / "preprocessing.json").read_text()) == {
        "cleaning": "html-line-breaks",
        "truncation": {"strategy": "head+tail", "max_tokens": 64, "head_tokens": 32},
        "language": None,
    }
    held_back = pd.read_parquet(tiny_checkpoint / "validation.parquet")
    assert len(held_back) == 15
    rows = set(zip(held_back["text"], held_back["label"], strict=True))
    assert rows <= set(sentences())


def test_a_killed_run_goes_on_to_the_same_model(
    tiny_checkpoint: Path,
    tiny_base: Path,
    tiny_data: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Killed after an epoch and in a save, the same call says what it does, and ends as if not."""
    output = tmp_path / "trained_model"
    words = [sys.executable, "-c", KILLED_RUN, str(tiny_data), str(tiny_base), str(output)]
    killed = subprocess.run(words, cwd=PROJECT, capture_output=True, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (output / "metrics.json").exists()
    (checkpoint,) = (output / "checkpoints").glob("checkpoint-*")
    torn = checkpoint.with_name("checkpoint-999")
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half")

    data = DataSettings(source=str(tiny_data), validation=0.2)
    with caplog.at_level(logging.WARNING, "finetune"):
        train_model(data, tiny_settings(tiny_base), output)
    said = [record.message for record in caplog.records if record.name.startswith("finetune")]
    assert said == [
        f"Removing {torn}: the run was killed while writing it",
        f"Going on from {checkpoint}",
    ]
    same = "model.safetensors"
    assert (output / same).read_bytes() == (tiny_checkpoint / same).read_bytes()
    metrics, expected = (
        json.loads((folder / "metrics.json").read_text()) for folder in (output, tiny_checkpoint)
    )
    assert metrics["evaluation"] == expected["evaluation"]
    assert metrics["temperature"] == expected["temperature"]


def test_checkpoints_of_another_run(tiny_base: Path, tiny_data: Path, tmp_path: Path) -> None:
    """A run does not go on from checkpoints made with other settings, data or recipe."""
    output = tmp_path / "trained_model"
    (output / "checkpoints").mkdir(parents=True)
    (output / "checkpoints" / "run.json").write_text('{"digest": "of another run"}')
    with pytest.raises(OutputError) as caught:
        train_model(DataSettings(str(tiny_data)), tiny_settings(tiny_base), output)
    assert str(caught.value) == (
        f"{output} holds checkpoints of a run with other settings, data or thumbs version. "
        "Name another folder or add --overwrite."
    )
    assert caught.value.exit_code == 73


def test_texts_without_words(tiny_base: Path, tmp_path: Path) -> None:
    """Emoji alone are refused with the way out, and the folder can be used for other data."""
    rows = [("🙂" * (i // 2 + 1) if i % 2 else "🙁" * (i // 2 + 1), str(i % 2)) for i in range(40)]
    table, output = write_table(tmp_path / "r.csv", rows), tmp_path / "model"
    with pytest.raises(DataError) as caught:
        train_model(DataSettings(str(table), validation=0.2), tiny_settings(tiny_base), output)
    assert str(caught.value) == (
        "r.csv: The texts hold no words to learn from. Name another column with --text-column, "
        "or give texts with words in them."
    )
    assert not output.exists()


def test_outputs_that_are_there_already(
    tiny_base: Path, tiny_checkpoint: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """A finished model and a file are not written over, and nothing is trained for them."""
    file = tmp_path / "file"
    file.write_text("")
    for path, message in (
        (
            tiny_checkpoint,
            "{0} holds something already. Name another folder or add --overwrite.",
        ),
        (file, "{0} is a file. Name a folder with -o."),
    ):
        with pytest.raises(OutputError) as caught:
            train_model(DataSettings(str(tiny_data)), tiny_settings(tiny_base), path)
        assert str(caught.value) == message.format(path)
        assert caught.value.exit_code == 73


def test_overwrite_replaces_a_finished_model(
    tiny_base: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """With --overwrite the folder holds the new model."""
    data, output = DataSettings(str(tiny_data), validation=0.2), tmp_path / "trained_model"
    train_model(data, tiny_settings(tiny_base, epochs=1), output, command="first")
    report = train_model(
        data, tiny_settings(tiny_base, epochs=1), output, command="second", overwrite=True
    )
    assert report.metrics["commands"] == ["second"]
    assert json.loads((output / "metrics.json").read_text())["commands"] == ["second"]


def test_a_second_training_keeps_the_first_ones_origin(
    tiny_checkpoint: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """A model trained from a checkpoint of ours has its base, licence and earlier commands."""
    data, output = DataSettings(str(tiny_data), validation=0.2), tmp_path / "trained_model"
    settings = tiny_settings(tiny_checkpoint, epochs=1)
    report = train_model(data, settings, output, command="thumbs finetune again")
    first = json.loads((tiny_checkpoint / "metrics.json").read_text())
    assert report.metrics["base"] == first["base"] == {"name": "tiny-bert", "licence": "apache-2.0"}
    assert report.metrics["commands"] == [*first["commands"], "thumbs finetune again"]


def test_a_base_that_no_epoch_makes_better_is_kept(
    tiny_checkpoint: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """Weights and all, and the figures are the base's; a rate that ruins it shows."""
    settings = dataclasses.replace(tiny_settings(tiny_checkpoint, epochs=1), learning_rate=10.0)
    report = train_model(DataSettings(str(tiny_data), validation=0.2), settings, tmp_path / "model")
    assert report.metrics["helped"] is False
    before, after = (
        load_file(folder / "model.safetensors") for folder in (tiny_checkpoint, tmp_path / "model")
    )
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    known = json.loads((tiny_checkpoint / "metrics.json").read_text())
    assert known["helped"] is True
    assert report.metrics["evaluation"] == pytest.approx(known["evaluation"])


def test_a_new_head_is_kept_where_no_epoch_makes_it_better(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """The base's body as it was, and a head that says the new labels rightly all the same."""
    names = {"positive": "thumbs up", "negative": "thumbs down"}
    rows = [(text, names[label]) for text, label in sentences()]
    settings = dataclasses.replace(tiny_settings(tiny_checkpoint, epochs=1), learning_rate=10.0)
    data = write_table(tmp_path / "renamed.csv", rows)
    report = train_model(DataSettings(str(data), validation=0.2), settings, tmp_path / "model")
    assert report.metrics["helped"] is False
    before, after = (
        load_file(folder / "model.safetensors") for folder in (tiny_checkpoint, tmp_path / "model")
    )
    body = [name for name in before if name.startswith("bert.")]
    assert all(np.array_equal(before[name], after[name]) for name in body)
    known = json.loads((tiny_checkpoint / "metrics.json").read_text())["evaluation"]["accuracy"]
    assert report.metrics["evaluation"]["accuracy"] >= known - 0.1


def test_other_labels_from_end_to_end(tmp_path: Path) -> None:
    """Numbered Chinese reviews become 负面评价 and 正面评价 in checkpoint, bundle and answers."""
    good, bad = ["好", "棒", "妙", "佳"], ["坏", "差", "烂", "糟"]
    rows = [
        (f"{a}{b}{thing}{end}", label)
        for label, words in (("1", good), ("0", bad))
        for a in words
        for b in words
        for thing in "书片"
        for end in ("", "。")
    ]
    data = write_table(tmp_path / "评价.csv", rows)
    base = make_base(tmp_path / "base", {*good, *bad, "书", "片", "。"})
    wanted = ("负面评价", "正面评价")
    settings = DataSettings(str(data), labels=wanted, validation=0.2)
    report = train_model(settings, tiny_settings(base), tmp_path / "model")
    assert report.metrics["data"]["labels"] == list(wanted)
    assert report.metrics["evaluation"]["accuracy"] == 1.0

    folder = tmp_path / "bundle"
    bundle = build_bundle(tmp_path / "model", folder, ExportSettings(max_flips=0.0))
    assert bundle.description.labels == wanted
    assert bundle.graph("int8").parity["data"] == "评价.csv, validation split"
    assert answer(folder, "好妙书。") == "正面评价"
    assert answer(folder, "坏烂片") == "负面评价"


def answer(folder: Path, text: str) -> str:
    """The label that a bundle gives to a text."""
    bundle = Bundle.load(folder)
    engine = Engine(bundle.read_graph(bundle.graph("int8")))
    encoder = Encoder.from_file(folder / "tokenizer.json", bundle.description.truncation)
    return bundle.description.labels[int(np.argmax(engine.logits(encoder.encode(text).ids)))]


def test_a_base_model_that_is_not_there(tiny_data: Path, tmp_path: Path) -> None:
    """A base model that cannot be had is named, with the option that names another."""
    base = tmp_path / "nothing"
    base.mkdir()
    with pytest.raises(NoInputError) as caught:
        train_model(DataSettings(str(tiny_data)), tiny_settings(base), tmp_path / "model")
    assert str(caught.value).startswith(f"The base model {base} cannot be had: ")
    assert str(caught.value).endswith("Give a folder or a name from the hub with --base.")


def test_more_tokens_than_the_base_reads(tiny_base: Path, tiny_data: Path, tmp_path: Path) -> None:
    """A length that the base model has no positions for is refused before training."""
    settings = TrainSettings(base=str(tiny_base), truncation=Truncation("head", 65))
    with pytest.raises(UsageError) as caught:
        train_model(DataSettings(str(tiny_data)), settings, tmp_path / "model")
    assert str(caught.value) == (
        f"{tiny_base} reads at most 64 tokens, not 65; use --max-tokens 64 or less."
    )


@pytest.mark.parametrize(
    ("rows", "epochs"), [(10, 15), (270, 15), (800, 5), (2000, 2), (5_000_000, 2)]
)
def test_few_rows_are_learnt_more_often(rows: int, epochs: int) -> None:
    """As many epochs as make 250 steps of 16 rows, from 2 to 15; what was asked for is done."""
    assert TrainSettings().epochs_for(rows) == epochs
    assert TrainSettings(epochs=3).epochs_for(rows) == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "Epochs, batch sizes and times are whole numbers from 1 up."),
        ({"train_batch_size": 0}, "Epochs, batch sizes and times are whole numbers from 1 up."),
        (
            {"learning_rate": 0.0},
            "The learning rate is above 0, the warm-up a share from 0 to under 1, "
            "the weight decay not below 0.",
        ),
        (
            {"class_weights": "even"},
            "--class-weights 'even' is none of auto, none, balanced.",
        ),
        (
            {"language": "english"},
            "--language 'english' is no language that can be told from others; "
            "use a two-letter code, such as en, or leave it out.",
        ),
    ],
)
def test_settings_out_of_range(values: dict[str, Any], message: str) -> None:
    """An impossible setting is refused at birth."""
    with pytest.raises(UsageError) as caught:
        TrainSettings(**values)
    assert str(caught.value) == message

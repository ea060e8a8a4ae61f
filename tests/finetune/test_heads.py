"""New heads for other labels: they begin with what the base knows, and leave the base alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, RobertaConfig, RobertaForSequenceClassification

from finetune import heads
from finetune.base import head_of, load_base
from finetune.forward import forward
from finetune.heads import begin_heads
from finetune.lessons import Lessons
from finetune.objective import exit_logits
from finetune.settings import TrainSettings
from finetune.splits import NEITHER, Split
from score.tokens import Encoder, Truncation
from tests.conftest import BAD_WORDS, GOOD_WORDS, THINGS

LABELS = ("bad", "mixed", "good")
PLAIN = ((BAD_WORDS, 0), (GOOD_WORDS, 2))
ROWS = [
    (f"a {first} and {second} {thing}", label)
    for words, label in PLAIN
    for first in words
    for second in words[:3]
    for thing in THINGS
]
MIXED = [(f"a {good} and {bad} film", 1) for good, bad in zip(GOOD_WORDS, BAD_WORDS, strict=True)]


class Base:
    """A base with a head for :data:`LABELS`."""

    def __init__(self, place: Path) -> None:
        settings = TrainSettings(base=str(place), truncation=Truncation("head", 64))
        self.tokenizer, loaded = load_base(settings, LABELS)
        self.model: Any = loaded
        self.encoder = Encoder(self.tokenizer.backend_tokenizer, settings.truncation)

    def begin(self, rows: list[tuple[str, int]]) -> None:
        """Fit the heads to rows of text and class."""
        texts, classes = zip(*rows, strict=True)
        lessons = Lessons.of(Split(texts, classes), [1.0] * len(LABELS))
        begin_heads(self.model, self.tokenizer, lessons, self.encoder)

    def classes(self, texts: list[str]) -> list[list[int]]:
        """The class that each early classifier finds, and at last that of the head."""
        ids = [one.ids for one in self.encoder.encode_batch(texts)]
        found: list[list[int]] = [[] for _ in texts]
        for places, outputs, mask in forward(
            self.model, self.tokenizer, ids, output_hidden_states=True
        ):
            with torch.no_grad():
                early = exit_logits(self.model, outputs.hidden_states, mask)
            stops = torch.stack([*early, outputs.logits]).argmax(-1).T.tolist()
            for place, stop in zip(places, stops, strict=True):
                found[place] = stop
        return [list(stop) for stop in zip(*found, strict=True)]


@pytest.fixture
def base(tiny_checkpoint: Path) -> Base:
    """The tiny model, which has been taught other labels."""
    return Base(tiny_checkpoint)


def test_all_heads_begin_with_what_the_base_knows(base: Base) -> None:
    """Before any training they tell new labels apart, each but a rare one, and all else stays."""
    before = {name: tensor.clone() for name, tensor in base.model.state_dict().items()}
    base.begin([*ROWS, *MIXED])
    texts, wanted = zip(*ROWS, strict=True)
    stops = base.classes(list(texts))
    assert len(stops) == 2
    assert all(np.mean(np.equal(stop, wanted)) > 0.95 for stop in stops)
    after = base.model.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {
        f"{head}.{part}" for head in ("classifier", "exits.0") for part in ("weight", "bias")
    }


def test_what_speaks_for_no_class_is_not_learnt_from(base: Base, tiny_checkpoint: Path) -> None:
    """Rows called neither change nothing."""
    base.begin([*ROWS, *MIXED])
    other = Base(tiny_checkpoint)
    neither = [(f"the {thing} and the {thing}", NEITHER) for thing in THINGS]
    other.begin([*neither, *ROWS, *MIXED])
    for name in ("classifier.weight", "exits.0.bias"):
        assert torch.allclose(
            base.model.state_dict()[name], other.model.state_dict()[name], atol=1e-4
        )


def test_two_classes_are_one_against_the_other(tiny_checkpoint: Path) -> None:
    """Of two classes the head has a row for each, as of more."""
    base = Base(tiny_checkpoint)
    base.begin(ROWS)
    weight = base.model.state_dict()["classifier.weight"]
    assert torch.allclose(weight[0], -weight[2])


def test_a_sample_of_a_large_class_stands_for_all_of_it(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a fifth of a class is read, each row counts five times: the prior is that of all."""
    monkeypatch.setattr(heads, "_MOST", 3 * 18)
    base.begin([*[row for row in ROWS if row[1] == 2], *ROWS[:18], *MIXED])
    weight, bias = (base.model.state_dict()[f"classifier.{one}"] for one in ("weight", "bias"))
    monkeypatch.setattr(heads, "_MOST", 3000)
    base.begin([*[row for row in ROWS if row[1] == 2], *ROWS[:18], *MIXED])
    whole = base.model.state_dict()
    assert bias.tolist() == pytest.approx(whole["classifier.bias"].tolist(), abs=0.3)
    assert torch.cosine_similarity(weight, whole["classifier.weight"]).min() > 0.9


def test_what_stands_before_the_last_product_of_a_head_is_kept(
    tiny_base: Path, tmp_path: Path
) -> None:
    """RoBERTa's head has a layer of its own, which reads what new labels need too."""
    AutoTokenizer.from_pretrained(tiny_base).save_pretrained(tmp_path)  # type: ignore[no-untyped-call] # theirs
    config = RobertaConfig(  # type: ignore[no-untyped-call] # theirs
        vocab_size=200,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=2,
    )
    model: Any = RobertaForSequenceClassification(config)  # type: ignore[no-untyped-call] # theirs
    model.save_pretrained(tmp_path)
    loaded = Base(tmp_path).model
    assert torch.equal(loaded.classifier.dense.weight, model.classifier.dense.weight)
    assert head_of(loaded) is loaded.classifier.out_proj
    assert loaded.classifier.out_proj.out_features == len(LABELS)


def test_who_has_been_taught(tiny_checkpoint: Path, tiny_bundle: Path, tiny_base: Path) -> None:
    """A checkpoint and a bundle have, for whatever labels; a base fresh from the hub has not."""
    for place, taught in ((tiny_checkpoint, True), (tiny_bundle, True), (tiny_base, False)):
        model = Base(place).model
        assert model.taught is taught
        assert model.new_heads == {"classifier", "exits"}


def test_only_what_a_base_lacks_is_fitted(tiny_bundle: Path) -> None:
    """A graph in fp32 has no early classifiers; the head for the same labels it has."""
    settings = TrainSettings(base=str(tiny_bundle), truncation=Truncation("head", 64))
    tokenizer, model = load_base(settings, ("negative", "positive"))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    split = Split(tuple(text for text, _ in ROWS), tuple(label // 2 for _, label in ROWS))
    encoder = Encoder(tokenizer.backend_tokenizer, settings.truncation)
    begin_heads(model, tokenizer, Lessons.of(split, [1.0, 1.0]), encoder)
    after = model.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"exits.0.weight", "exits.0.bias"}

"""The classifiers behind the early layers, and the loss that teaches them."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

from finetune.objective import EXITS, add_exits, cross_entropy, exit_logits


def test_the_loss_is_cross_entropy_against_probabilities() -> None:
    """A one-hot target gives the usual loss, half and half the mean of both."""
    logits = torch.tensor([[2.0, -1.0]])
    usual = torch.nn.functional.cross_entropy
    first, second = (usual(logits, torch.tensor([one])) for one in (0, 1))
    assert torch.isclose(cross_entropy(logits, torch.tensor([[1.0, 0.0]])), first)
    both = cross_entropy(logits, torch.tensor([[0.5, 0.5]]))
    assert torch.isclose(both, (first + second) / 2)


def test_padding_changes_no_early_answer(tiny_checkpoint: Path) -> None:
    """The mean goes over the tokens alone."""
    model = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint).eval()
    add_exits(model, str(tiny_checkpoint))
    ids = torch.tensor([[2, 7, 8, 3]])
    padded = torch.nn.functional.pad(ids, (0, 3))
    answers = []
    for one in (ids, padded):
        mask = (one != 0).long()
        with torch.inference_mode():
            hidden = model(one, attention_mask=mask, output_hidden_states=True).hidden_states
            answers.append(exit_logits(model, hidden, mask))
    assert [one.shape for one in answers[0]] == [(1, 2)]
    torch.testing.assert_close(answers[0][0], answers[1][0])


def test_early_classifiers_are_trained_saved_and_handed_on(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """They stand in the checkpoint, and a second training starts from them."""
    stored = load_file(tiny_checkpoint / "model.safetensors")
    assert stored[f"{EXITS}.0.weight"].shape == (2, 32)
    model = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint)
    add_exits(model, str(tiny_checkpoint))
    kept = model.state_dict()
    assert torch.equal(kept[f"{EXITS}.0.weight"], stored[f"{EXITS}.0.weight"])
    # Of other classes they would be useless.
    stored[f"{EXITS}.0.weight"] = torch.zeros(3, 32)
    save_file(stored, tmp_path / "model.safetensors")
    add_exits(model, str(tmp_path))
    assert model.get_submodule(EXITS)[0].weight.shape == (2, 32)


def test_they_learn(tiny_checkpoint: Path, tiny_data: Path) -> None:
    """The classifier behind the first of two layers tells most sentences apart."""
    import pandas as pd
    from transformers import AutoTokenizer

    frame = pd.read_csv(tiny_data)
    tokenizer = AutoTokenizer.from_pretrained(tiny_checkpoint)  # type: ignore[no-untyped-call] # theirs
    model = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint).eval()
    add_exits(model, str(tiny_checkpoint))
    inputs = tokenizer(list(frame["text"]), padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**inputs, output_hidden_states=True).hidden_states
        (logits,) = exit_logits(model, hidden, inputs["attention_mask"])
    wanted = torch.tensor((frame["label"] == "positive").to_numpy())
    assert float((logits.argmax(-1) == wanted).float().mean()) > 0.8

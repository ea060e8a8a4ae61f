"""How fast each layer learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers

from finetune.objective import add_exits
from finetune.rates import LAYER_DECAY, parameter_groups

# Its classes have no types.
_HUB: Any = transformers
_SMALL = {
    "hidden_size": 8,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "vocab_size": 20,
}


def _rates(model: transformers.PreTrainedModel) -> dict[str, tuple[float, float]]:
    """Learning rate and weight decay of each parameter, by name."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decaying = {name for name in names.values() if name.endswith("weight")}
    groups = parameter_groups(model, 1e-3, 0.1, decaying)
    assert groups[0]["lr"] == 1e-3  # which Trainer logs
    found = {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in groups
        for parameter in group["params"]
    }
    assert found.keys() == set(names.values())
    assert sum(len(group["params"]) for group in groups) == len(names)  # none of them twice
    return found


def test_each_layer_learns_slower_than_the_one_above(tmp_path: Path) -> None:
    """The classifiers learn at the full rate, the embeddings slowest."""
    model = _HUB.BertForSequenceClassification(_HUB.BertConfig(**_SMALL))
    add_exits(model, str(tmp_path))
    rates = _rates(model)
    assert rates["classifier.weight"] == (1e-3, 0.1)
    assert rates["bert.pooler.dense.bias"] == (1e-3, 0.0)
    assert rates["exits.0.weight"] == (1e-3, 0.1)
    for layer, power in ((2, 1), (1, 2), (0, 3)):
        rate, decay = rates[f"bert.encoder.layer.{layer}.output.dense.weight"]
        assert rate == pytest.approx(1e-3 * LAYER_DECAY**power)
        assert decay == 0.1
    rate, _ = rates["bert.embeddings.word_embeddings.weight"]
    assert rate == pytest.approx(1e-3 * LAYER_DECAY**4)


@pytest.mark.parametrize(
    "config",
    [
        _HUB.RobertaConfig(**_SMALL),
        _HUB.MPNetConfig(**_SMALL),
        _HUB.DistilBertConfig(dim=8, n_layers=3, n_heads=2, hidden_dim=8, vocab_size=20),
    ],
    ids=lambda config: config.model_type,
)
def test_layers_of_other_families_are_found(config: Any) -> None:
    """RoBERTa, MPNet and DistilBERT: head at the full rate, then five slower ones."""
    rates = _rates(_HUB.AutoModelForSequenceClassification.from_config(config))
    powers = {round(rate / 1e-3, 6) for rate, _ in rates.values()}
    assert powers == {round(LAYER_DECAY**power, 6) for power in range(5)}
    shared = [rate for name, (rate, _) in rates.items() if "relative_attention_bias" in name]
    assert shared == (
        [pytest.approx(1e-3 * LAYER_DECAY**4)] if config.model_type == "mpnet" else []
    )


def test_without_numbered_layers_all_learn_alike() -> None:
    """ALBERT's layers are one."""
    config = _HUB.AlbertConfig(**_SMALL, embedding_size=8)
    rates = _rates(_HUB.AutoModelForSequenceClassification.from_config(config))
    assert {rate for rate, _ in rates.values()} == {1e-3}


def test_what_does_not_learn_is_in_no_group() -> None:
    """Frozen parameters are left out."""
    model = _HUB.BertForSequenceClassification(_HUB.BertConfig(**_SMALL))
    model.base_model.requires_grad_(requires_grad=False)
    groups = parameter_groups(model, 1e-3, 0.1, set())
    assert sum(len(group["params"]) for group in groups) == 2

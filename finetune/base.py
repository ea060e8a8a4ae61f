"""What training starts from: a checkpoint, or a bundle, with a head for the user's labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.box import find_bundle, read_weights
from finetune.settings import TrainSettings
from score.bundle import Bundle
from score.errors import BundleError, NoInputError, first_line
from score.labels import label_key

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

HEAD = "classifier"
"""The name of the part of a model that gives the logits."""

# BERT's name for it, and DistilBERT's.
_ATTENTION_DROPOUTS = ("attention_probs_dropout_prob", "attention_dropout")


def load_base(
    settings: TrainSettings, labels: tuple[str, ...]
) -> tuple[PreTrainedTokenizerFast, PreTrainedModel]:
    """The tokenizer and the model to train, with a classifier behind each layer.

    A base that has these very labels, in any order and spelling, keeps its head; for other
    labels the head is new.

    Raises:
        NoInputError: the base cannot be had.
        BundleError: it is a bundle that is damaged or whose weights cannot be told.
        UsageError: it cannot read inputs as long as ``settings`` wants.
    """
    bundle = find_bundle(settings.base)
    if bundle is not None:
        return _from_folder(settings, labels, str(bundle), Bundle.load(bundle))
    try:
        return _from_folder(settings, labels, settings.base, None)
    except (OSError, ValueError) as exc:
        raise NoInputError(
            f"The base model {settings.base} cannot be had: {first_line(exc)} "
            "Give a folder or a name from the hub with --base."
        ) from exc


def _from_folder(
    settings: TrainSettings, labels: tuple[str, ...], place: str, bundle: Bundle | None
) -> tuple[PreTrainedTokenizerFast, PreTrainedModel]:
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    from finetune.objective import EXITS, add_exits, has_exits

    config = AutoConfig.from_pretrained(place)
    before = tuple(config.id2label[i] for i in range(config.num_labels))
    config.num_labels = len(labels)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: i for i, label in enumerate(labels)}
    # Attention asks the configuration, not a module; see _without_dropout.
    for name in _ATTENTION_DROPOUTS:
        if hasattr(config, name):
            setattr(config, name, 0.0)
    tokenizer = AutoTokenizer.from_pretrained(place)  # type: ignore[no-untyped-call] # theirs
    settings.truncation.check_positions(config.max_position_embeddings, settings.base)
    _seed(settings.seed)
    if bundle is not None:
        model = AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-untyped-call] # theirs
    else:
        model = AutoModelForSequenceClassification.from_pretrained(
            place, config=config, ignore_mismatched_sizes=True
        )
    kept, taught = add_exits(model, place), bundle is not None or has_exits(place)
    rows = head_rows(before, labels)
    if bundle is not None:
        weights = read_weights(bundle)
        kept = any(name.startswith(f"{EXITS}.") for name in weights)
        _put_in(model, weights, bundle.folder, new_head=rows is None)
    _fit_head(model, rows)
    _without_dropout(model)
    # Whether thumbs has trained it before, and which classifiers know nothing of these labels.
    model.taught = taught
    model.new_heads = set() if kept else {EXITS}
    if rows is None:
        model.new_heads = {HEAD, EXITS}
    return tokenizer, model


def head_rows(before: Sequence[str], labels: Sequence[str]) -> list[int] | None:
    """Which row of a head for the labels ``before`` speaks for each of ``labels``.

    Written alike, or else so that they mean the same: Positive is the model's positive. None
    where they are not the same labels but for order and spelling.
    """
    for key in (str, label_key):
        place = {key(label): i for i, label in enumerate(before)}
        wanted = [key(label) for label in labels]
        if len(before) == len(wanted) == len(place) and place.keys() == set(wanted):
            return [place[one] for one in wanted]
    return None


def head_of(model: PreTrainedModel) -> torch.nn.Linear:
    """The product that gives the logits, whatever else of the head stands before it."""
    import torch

    parts = [part for name, part in model.named_modules() if name.split(".")[0] == HEAD]
    return [part for part in parts if isinstance(part, torch.nn.Linear)][-1]


def _fit_head(model: Any, rows: list[int] | None) -> None:
    """Put the rows of all classifiers into another order, or begin anew where there is none."""
    for head in (head_of(model), *model.exits):
        if rows is None:
            head.weight.data.normal_(std=model.config.initializer_range)
            head.bias.data.zero_()
        else:
            for tensor in (head.weight, head.bias):
                tensor.data = tensor.data[rows].clone()


def _without_dropout(model: PreTrainedModel) -> None:
    """Train all of the network in each step.

    The best epoch is kept, before it learns the reviews by heart; and on a CPU drawing the random
    numbers takes a fifth of a step.
    """
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def _put_in(
    model: PreTrainedModel,
    weights: Mapping[str, NDArray[np.float32]],
    folder: Path,
    *,
    new_head: bool,
) -> None:
    """Load a bundle's weights: all must be there but those of what is made anew.

    Raises:
        BundleError: a parameter is not in the bundle, or has another shape there.
    """
    import torch

    from finetune.objective import EXITS

    wanted: dict[str, Any] = model.state_dict()
    fitting = {
        name: torch.from_numpy(weights[name])
        for name, tensor in wanted.items()
        if name in weights and tuple(weights[name].shape) == tuple(tensor.shape)
    }
    free = (f"{EXITS}.", *([f"{HEAD}."] if new_head else []))
    missing = [one for one in wanted if one not in fitting and not one.startswith(free)]
    if missing:
        raise BundleError(
            f"The bundle {folder} cannot be trained further: its graph does not tell "
            f"{missing[0]}. Give the checkpoint that it was made from with --base."
        )
    model.load_state_dict(fitting, strict=False)


def _seed(seed: int) -> None:
    """Make the new head's first weights the same in each run."""
    from transformers import set_seed

    set_seed(seed)

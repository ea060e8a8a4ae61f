"""What training minimises: the error of the last layer's answer, and of each layer's own.

Behind every layer but the last sits a small classifier that reads the mean over the tokens.
It learns half from the target and half from what the last layer says, and costs the last
layer nothing. A scorer that is sure early can then stop early.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import Trainer

from finetune.rates import parameter_groups

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

EXITS = "exits"
"""The name of the early classifiers in the checkpoint: ``exits.0.weight`` reads layer 1."""

# How much the early classifiers count together, and how much of what they learn is the last one's.
_EXITS_SHARE = 0.5
_FROM_LAST = 0.5


class ReviewTrainer(Trainer):
    """Hugging Face's Trainer for targets that are probabilities, with early classifiers."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,  # noqa: ARG002 - Trainer passes it
    ) -> Any:
        """Cross-entropy against the targets under ``labels``, shape (batch, classes)."""
        targets = inputs.pop("labels")
        outputs = model(**inputs, output_hidden_states=True)
        loss = cross_entropy(outputs.logits, targets)
        if model.training:
            loss = loss + _EXITS_SHARE * _exits_loss(model, outputs, inputs, targets)
        return (loss, {"logits": outputs.logits}) if return_outputs else loss

    def create_optimizer(self) -> Any:
        """Trainer's own optimizer, with the rates of :mod:`finetune.rates`."""
        if self.optimizer is None:
            model: Any = self.model
            kind, options = self.get_optimizer_cls_and_kwargs(self.args, model)
            groups = parameter_groups(
                model,
                self.args.learning_rate,
                self.args.weight_decay,
                frozenset(self.get_decay_parameter_names(model)),
            )
            self.optimizer = kind(groups, **options)
        return self.optimizer


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean over the batch of -sum(target * log probability), in nats."""
    return -(targets * logits.float().log_softmax(-1)).sum(-1).mean()


def add_exits(model: PreTrainedModel, base: str) -> bool:
    """Put a classifier behind each layer but the last; those of ``base``, where they fit.

    Returns:
        Whether they fit.
    """
    import torch

    classes, width = model.config.num_labels, model.config.hidden_size
    exits = torch.nn.ModuleList(
        torch.nn.Linear(width, classes) for _ in range(model.config.num_hidden_layers - 1)
    )
    model.add_module(EXITS, exits)
    known = _stored_exits(Path(base))
    wanted = exits.state_dict()
    fitting = known.keys() == wanted.keys() and all(
        tuple(known[name].shape) == tuple(tensor.shape) for name, tensor in wanted.items()
    )
    if fitting:
        exits.load_state_dict(known)
    return fitting


def has_exits(base: str) -> bool:
    """Whether a checkpoint has early classifiers, for whatever labels: thumbs has trained it."""
    return bool(_stored_exits(Path(base)))


def exit_features(hidden_states: Sequence[torch.Tensor], mask: torch.Tensor) -> list[torch.Tensor]:
    """What each early classifier reads: the mean over the tokens, (batch, width) each.

    Args:
        hidden_states: the embeddings and each layer's output, (batch, tokens, width) each.
        mask: 1 for a token, 0 for padding, shape (batch, tokens).
    """
    weights = mask.unsqueeze(-1).to(hidden_states[0].dtype)
    counts = weights.sum(1)
    return [(hidden * weights).sum(1) / counts for hidden in hidden_states[1:-1]]


def exit_logits(
    model: Any, hidden_states: Sequence[torch.Tensor], mask: torch.Tensor
) -> list[torch.Tensor]:
    """What each early classifier says, each of shape (batch, classes).

    Args:
        model: one that :func:`add_exits` was called on.
        hidden_states: as for :func:`exit_features`.
        mask: likewise.
    """
    features = exit_features(hidden_states, mask)
    return [one(mean) for one, mean in zip(getattr(model, EXITS), features, strict=True)]


def _exits_loss(model: Any, outputs: Any, inputs: Any, targets: torch.Tensor) -> Any:
    last = outputs.logits.detach().float().softmax(-1) * targets.sum(-1, keepdim=True)
    wanted = (1 - _FROM_LAST) * targets + _FROM_LAST * last
    logits = exit_logits(model, outputs.hidden_states, inputs["attention_mask"])
    return sum(cross_entropy(one, wanted) for one in logits) / max(len(logits), 1)


def _stored_exits(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors import safe_open

    file, prefix = folder / "model.safetensors", f"{EXITS}."
    if not file.is_file():
        return {}
    with safe_open(file, framework="pt") as tensors:
        names = [name for name in tensors.keys() if name.startswith(prefix)]  # noqa: SIM118
        return {name.removeprefix(prefix): tensors.get_tensor(name) for name in names}

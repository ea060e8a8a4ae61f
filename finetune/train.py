"""Fine-tune a BERT-family checkpoint on labelled reviews: load, train, measure, save."""

from __future__ import annotations

import dataclasses
import gc
import logging
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from finetune.audit import Audit, audit_data
from finetune.audit_report import AUDIT_FILES, write_audit
from finetune.checkpoint import (
    LOSS_CURVE_FILE,
    METRICS_FILE,
    PREPROCESSING_FILE,
    write_json,
    write_validation,
)
from finetune.data import DataSettings, load_data
from finetune.lessons import Lessons
from finetune.origin import read_origin
from finetune.plan import CHECKPOINTS, Plan, prepare
from finetune.quiet import only_our_words
from finetune.report import classification_metrics, draw_confidence, draw_loss_curve
from finetune.resume import last_checkpoint
from finetune.settings import TrainSettings
from finetune.splits import LabelledData, Split
from finetune.trainer import tokenise
from score.calibration import fit_temperature
from score.errors import OutputError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from transformers import PreTrainedModel, Trainer


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What a training run made.

    Attributes:
        folder: the checkpoint's.
        audited: what the audit found, in a sentence.
        metrics: the content of its ``metrics.json``.
    """

    folder: Path
    audited: str
    metrics: dict[str, Any]


def train_model(
    data: DataSettings,
    settings: TrainSettings,
    output: Path,
    *,
    command: str = "",
    overwrite: bool = False,
    progress: bool = False,
) -> TrainingReport:
    """Train, evaluate and save a classifier; go on from the last checkpoint if there is one.

    Args:
        data: where the labelled reviews come from.
        settings: how to train.
        output: the folder to make.
        command: recorded as the line that made the model.
        overwrite: replace a finished model in ``output``.
        progress: draw Trainer's bars, with loss and time left, on stderr.

    Raises:
        UsageError: there are unlabelled texts without a teacher, or the other way round.
        OutputError: ``output`` holds a finished model or something else.
        NoInputError: the data or the base model is not there.
        DataError: the data cannot be used.
    """
    if data.unlabelled_sentences and data.unlabelled is None:
        raise UsageError("--unlabelled-sentences needs --unlabelled, whose sentences they are.")
    if (data.unlabelled is None) != (settings.teacher is None):
        raise UsageError("--unlabelled and --teacher go together: a teacher labels the unlabelled.")
    output.parent.mkdir(parents=True, exist_ok=True)
    _check_output(output, overwrite=overwrite)
    with only_our_words(progress=progress):
        plan = prepare(data, settings, output, overwrite=overwrite, progress=progress)
        helped = _train(plan.trainer, plan.checkpoints)
        if plan.ngrams:
            plan.ngrams.join(cast("PreTrainedModel", plan.trainer.model))
        origin = read_origin(settings.base)
        metrics = {
            "commands": [*origin.commands, *([command] if command else [])],
            "base": {"name": origin.name, "licence": origin.licence},
            **plan.facts,
            "helped": helped,
            **_measure(plan, output),
            "baseline": plan.baseline,
            "versions": {name: version(name) for name in ("torch", "transformers", "datasets")},
        }
        _save(output, plan.trainer, plan.data, settings, metrics)
    _let_go(plan.trainer)
    shutil.rmtree(plan.checkpoints)
    return TrainingReport(output, plan.audited, metrics)


def audit_only(
    data: DataSettings, settings: TrainSettings, output: Path, *, overwrite: bool = False
) -> Audit:
    """Write the audit that :func:`train_model` begins with into ``output``, and train nothing.

    Raises:
        OutputError: ``output`` holds something already.
        NoInputError: the data is not there.
        DataError: the data cannot be used.
    """
    _check_output(output, overwrite=overwrite)
    with only_our_words(progress=False):
        audit = audit_data(load_data(data), settings, data.clean)
    write_audit(output, audit)
    return audit


def _save(
    output: Path,
    trainer: Trainer,
    data: LabelledData,
    settings: TrainSettings,
    metrics: dict[str, Any],
) -> None:
    # Of an earlier model in this folder; it must not vouch for the new one.
    (output / METRICS_FILE).unlink(missing_ok=True)
    trainer.save_model(str(output))
    write_json(output / PREPROCESSING_FILE, _preprocessing(data, settings))
    write_validation(output, data.validation, data.labels)
    draw_loss_curve(trainer.state.log_history, output / LOSS_CURVE_FILE)
    # Written last: a folder with this file is finished.
    write_json(output / METRICS_FILE, metrics)


def _check_output(output: Path, *, overwrite: bool) -> None:
    """Refuse a folder that holds anything but an unfinished run, unless told otherwise."""
    if not output.exists():
        return
    if not output.is_dir():
        raise OutputError(f"{output} is a file. Name a folder with -o.")
    unfinished = (output / CHECKPOINTS).is_dir()
    # An audit alone is what comes before a training.
    empty = {path.name for path in output.iterdir()} <= AUDIT_FILES
    if overwrite or unfinished or empty:
        return
    raise OutputError(f"{output} holds something already. Name another folder or add --overwrite.")


def _train(trainer: Trainer, checkpoints: Path) -> bool:
    """Train; keep the best epoch, or what training started from if that is better than all.

    A base that has learnt to judge texts here may only forget of a few rows.

    Returns:
        Whether training helped; of a base that thumbs has not trained that is not asked.
    """
    found = last_checkpoint(checkpoints)
    last = str(found) if found else None
    if last:
        logger.warning("Going on from %s", last)
    model: Any = trainer.model
    if not model.taught:
        trainer.train(resume_from_checkpoint=last)
        return True
    before = trainer.evaluate()["eval_choice"]
    start = {name: tensor.cpu().clone() for name, tensor in model.state_dict().items()}
    trainer.train(resume_from_checkpoint=last)
    best = trainer.state.best_metric
    helped = best is None or best > before
    if not helped:
        logger.warning("No epoch was better than the start: it is kept")
        model.load_state_dict(start)
    return helped


def _let_go(trainer: Trainer) -> None:
    """Close the files of tokens, which are mapped into memory: Windows deletes no open file."""
    trainer.train_dataset = trainer.eval_dataset = None
    trainer.callback_handler.train_dataloader = trainer.callback_handler.eval_dataloader = None
    trainer.accelerator.free_memory()
    gc.collect()


def _measure(plan: Plan, output: Path) -> dict[str, Any]:
    """Temperature from the validation split, then both splits in figures, the test in pictures."""
    logits, classes = _predict(plan, "validation", plan.data.validation)
    temperature = fit_temperature(logits, classes)
    validation = classification_metrics(logits, classes, temperature)
    logits, classes = _predict(plan, "test", plan.data.test)
    draw_confidence(logits, classes, temperature, output)
    return {
        "temperature": temperature,
        "evaluation": classification_metrics(logits, classes, temperature),
        "validation": validation,
        "history": plan.trainer.state.log_history,
    }


def _predict(plan: Plan, name: str, split: Split) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits, shape (n, classes), and the true classes, shape (n,), both in Trainer's order.

    That is by length, not the split's own.
    """
    import numpy as np

    lessons = Lessons.of(split, [1.0] * len(plan.data.labels))
    file = plan.checkpoints / f"{name}_measured.arrow"
    output = plan.trainer.predict(tokenise(lessons, plan.encoder, file))
    targets = np.asarray(output.label_ids, np.float32)
    return np.asarray(output.predictions, np.float32), targets.argmax(axis=1)


def _preprocessing(data: LabelledData, settings: TrainSettings) -> dict[str, Any]:
    return {
        "cleaning": data.cleaning,
        "truncation": dataclasses.asdict(settings.truncation),
        "language": settings.language,
    }

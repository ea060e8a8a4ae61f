"""Hugging Face's Trainer, set up for reviews: model, tokens, batches, precision, progress."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.base import load_base
from finetune.hardware import device_type, has_bf16
from finetune.settings import TrainSettings
from score.tokens import Encoder

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import (
        EvalPrediction,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    from finetune.lessons import Lessons

_SAVE_STEPS = 500
_TOKENISED = 1000
# A GPU waits for a single process that pads batches.
_GPU_READERS = 4
# So small that it decides only between epochs of the same accuracy.
_TIE = 1e-6


def build_trainer(
    settings: TrainSettings,
    labels: tuple[str, ...],
    lessons: Lessons,
    validation: Lessons,
    checkpoints: Path,
    *,
    progress: bool,
) -> tuple[Trainer, Encoder]:
    """A Trainer that is ready to train, and the encoder that cuts its texts.

    Args:
        settings: how to train.
        labels: the class names, in class order.
        lessons: what to learn from.
        validation: what to choose the best epoch on.
        checkpoints: the folder for Trainer's own files.
        progress: draw bars on stderr.

    Raises:
        NoInputError: the base model cannot be had.
        BundleError: it is a bundle that training cannot start from.
        UsageError: it cannot read inputs as long as ``settings`` wants.
    """
    from transformers import DataCollatorWithPadding, PrinterCallback, ProgressCallback

    from finetune.heads import begin_heads
    from finetune.objective import ReviewTrainer

    tokenizer, model = load_base(settings, labels)
    encoder = Encoder(tokenizer.backend_tokenizer, settings.truncation)
    if model.taught and model.new_heads:
        begin_heads(model, tokenizer, lessons, encoder)
    trainer = ReviewTrainer(
        model=model,
        args=_training_arguments(settings, len(lessons), checkpoints, progress=progress),
        data_collator=DataCollatorWithPadding(tokenizer),
        train_dataset=tokenise(lessons, encoder, checkpoints / "train.arrow"),
        eval_dataset=tokenise(validation, encoder, checkpoints / "validation.arrow"),
        processing_class=tokenizer,
        compute_metrics=_validation_figures,
    )
    # Both print Trainer's log lines to stdout, which is for results.
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(_frequent_saver())
    if progress:
        trainer.add_callback(_loss_bar())
    return trainer, encoder


def tokenise(lessons: Lessons, encoder: Encoder, file: Path) -> Dataset:
    """The lessons as model inputs, with the lengths that the sampler groups batches by.

    They are written to ``file`` and read from there, so millions of texts take no memory.
    """
    import pyarrow as pa
    from datasets import Dataset

    numbers, targets = pa.list_(pa.int32()), pa.list_(pa.float32())
    schema = pa.schema({"input_ids": numbers, "length": pa.int32(), "labels": targets})
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, schema) as out:
        for start in range(0, len(lessons), _TOKENISED):
            part = slice(start, start + _TOKENISED)
            ids = [one.ids for one in encoder.encode_batch(lessons.texts[part])]
            columns = [
                pa.array(ids, numbers),
                pa.array([len(one) for one in ids], pa.int32()),
                pa.array(list(lessons.targets[part]), targets),
            ]
            out.write_batch(pa.record_batch(columns, schema=schema))
    return Dataset.from_file(str(file))


def _training_arguments(
    settings: TrainSettings, rows: int, checkpoints: Path, *, progress: bool
) -> TrainingArguments:
    from transformers import TrainingArguments

    on_cpu = device_type() == "cpu"
    return TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=settings.epochs_for(rows),
        per_device_train_batch_size=settings.train_batch_size,
        per_device_eval_batch_size=settings.eval_batch_size,
        learning_rate=settings.learning_rate,
        warmup_ratio=settings.warmup,
        weight_decay=settings.weight_decay,
        lr_scheduler_type="linear",
        group_by_length=True,
        length_column_name="length",
        logging_steps=20,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=True,
        # Not the loss: later epochs are overconfident before the temperature is fitted,
        # which raises the loss of a model that is the better one.
        metric_for_best_model="choice",
        greater_is_better=True,
        seed=settings.seed,
        use_cpu=on_cpu,
        bf16=has_bf16(),
        dataloader_pin_memory=not on_cpu,
        # Elsewhere they would be started as programs of their own.
        dataloader_num_workers=_GPU_READERS if sys.platform == "linux" and not on_cpu else 0,
        disable_tqdm=not progress,
        report_to="none",
    )


def _validation_figures(prediction: EvalPrediction) -> dict[str, float]:
    """Accuracy, and what the best epoch is chosen by: accuracy, then calibrated log loss.

    Of thirty held-back rows several epochs are right about as many; the one that is surer
    of what is right is the better one then.
    """
    import numpy as np

    from finetune.report import classification_metrics
    from score.calibration import fit_temperature

    logits = np.asarray(prediction.predictions, np.float32)
    wanted = np.asarray(prediction.label_ids).argmax(axis=-1)
    figures = classification_metrics(logits, wanted, fit_temperature(logits, wanted))
    choice = figures["accuracy"] - _TIE * figures["log_loss"]
    return {"accuracy": figures["accuracy"], "choice": choice}


def _frequent_saver() -> TrainerCallback:
    """Saves also within an epoch, which can last for hours."""
    from transformers import TrainerCallback

    class FrequentSaver(TrainerCallback):
        def on_step_end(self, *arguments: Any, **_: Any) -> None:
            _, state, control = arguments
            # At the end of an epoch Trainer saves by itself: a second time into the same folder,
            # where a kill would leave half of the weights beside a state that is whole.
            within = not float(state.epoch).is_integer()
            if within and state.global_step % _SAVE_STEPS == 0:
                control.should_save = True

    return FrequentSaver()


def _loss_bar() -> TrainerCallback:
    """Trainer's progress bar with the loss behind it, instead of lines on stdout."""
    from transformers import ProgressCallback

    class LossBar(ProgressCallback):
        def on_log(self, *arguments: Any, logs: Any = None, **_: Any) -> None:
            _, state, _ = arguments
            loss = (logs or {}).get("loss")
            if state.is_world_process_zero and self.training_bar is not None and loss is not None:
                self.training_bar.set_postfix(loss=f"{loss:.3f}")

    return LossBar()

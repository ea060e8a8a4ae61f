"""All that comes before training: data, audit, lessons, what is no network, the checkpoints."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.audit import audit_data
from finetune.audit_report import write_audit
from finetune.baseline import Baseline, fit_baseline
from finetune.checkpoint import describe_data, write_json
from finetune.curriculum import measure_baseline, plan_lessons
from finetune.data import DataSettings, load_data
from finetune.lessons import Lessons
from finetune.ngrams import Ngrams, fit_ngrams
from finetune.settings import TrainSettings
from finetune.splits import EMPTY, LabelledData
from finetune.trainer import build_trainer
from score.errors import DataError, OutputError

if TYPE_CHECKING:
    from transformers import Trainer

    from score.tokens import Encoder

CHECKPOINTS = "checkpoints"
"""The folder, in the model's, of the checkpoints of an unfinished run."""

RECIPE = 1
"""The number of the way in which models are trained here. Raise it when what a checkpoint
holds, or the groups of the optimizer, change: Trainer fails on a checkpoint of before."""

_RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run needs when training has begun; all else has left the memory by then.

    Attributes:
        trainer, encoder: as :func:`finetune.trainer.build_trainer` makes them.
        ngrams: the classifier before the first layer; None where there are too few texts.
        data: the splits that are measured on; the others are empty.
        checkpoints: the folder of the run's checkpoints.
        audited: what the audit found, in a sentence.
        facts: of data, audit, settings and lessons, for ``metrics.json``.
        baseline: its figures.
    """

    trainer: Trainer
    encoder: Encoder
    ngrams: Ngrams | None
    data: LabelledData
    checkpoints: Path
    audited: str
    facts: dict[str, Any]
    baseline: dict[str, Any]


def prepare(
    data: DataSettings, settings: TrainSettings, output: Path, *, overwrite: bool, progress: bool
) -> Plan:
    """Read, audit and plan, and fit all that is no network; arguments as for ``train_model``.

    Raises:
        OutputError: ``output`` holds checkpoints of another run.
        NoInputError: the data or the base model is not there.
        DataError: the data cannot be used.
    """
    audit = audit_data(load_data(data), settings, data.clean)
    labelled = audit.cleaned()
    # Before there are checkpoints: with other data the folder could not be used again.
    baseline = _fit_baseline(labelled)
    checkpoints = _prepare_checkpoints(output, settings, labelled, overwrite=overwrite)
    write_audit(output, audit)
    lessons = plan_lessons(labelled, settings, baseline)
    even = [1.0] * len(labelled.labels)
    trainer, encoder = build_trainer(
        settings,
        labelled.labels,
        lessons.everything,
        Lessons.of(labelled.validation, even),
        checkpoints,
        progress=progress,
    )
    model: Any = trainer.model
    return Plan(
        trainer,
        encoder,
        fit_ngrams(lessons.everything, encoder, model.config.vocab_size),
        dataclasses.replace(
            labelled, train=EMPTY, also=EMPTY, unlabelled=EMPTY, sentences=EMPTY, leaked={}
        ),
        checkpoints,
        audit.sentence(),
        {
            "data": describe_data(labelled),
            "audit": audit.summary(),
            "settings": {
                **dataclasses.asdict(settings),
                "epochs": settings.epochs_for(len(lessons.everything)),
            },
            "lessons": lessons.described,
        },
        measure_baseline(baseline, labelled),
    )


def _fit_baseline(data: LabelledData) -> Baseline:
    try:
        return fit_baseline(data.train, len(data.labels))
    except DataError as exc:
        raise DataError(f"{data.name}: {exc}") from exc


def _prepare_checkpoints(
    output: Path, settings: TrainSettings, data: LabelledData, *, overwrite: bool
) -> Path:
    """The folder of the run's checkpoints, which belong to these settings, data and recipe.

    Raises:
        OutputError: ``output`` holds checkpoints of a run with others.
    """
    folder = output / CHECKPOINTS
    run = {
        "recipe": RECIPE,
        "settings": dataclasses.asdict(settings),
        "data": {name: split.digest() for name, split in data.parts()},
        "labels": data.labels,
    }
    digest = hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()
    if folder.exists():
        run_file = folder / _RUN_FILE
        same = run_file.exists() and json.loads(run_file.read_text())["digest"] == digest
        if not same and not overwrite:
            raise OutputError(
                f"{output} holds checkpoints of a run with other settings, data or thumbs version. "
                "Name another folder or add --overwrite."
            )
        if not same:
            shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / _RUN_FILE, {"digest": digest})
    return folder

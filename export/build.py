"""A checkpoint becomes a bundle: convert, smooth, quantise, calibrate, verify, describe."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.checkpoint import Checkpoint
from export.convert import convert, to_half
from export.describe import copy_descriptions, provenance
from export.efforts import make_efforts
from export.exits import can_exit
from export.gate import check_calibration, check_flips, error_by_chance
from export.quantize import quantize
from export.reviews import Reviews, read_reviews
from export.risk import guarantee
from export.smooth import smooth
from export.verify import Verification, figures, graph_logits
from score.bundle import (
    GRAPH_FILES,
    MANIFEST_FILE,
    TOKENIZER_FILE,
    Bundle,
    Description,
    Graph,
    write_manifest,
)
from score.bundle_files import sha256_of
from score.calibration import fit_temperature, softmax
from score.cleaning import CLEANINGS
from score.curves import curves
from score.efforts import Effort
from score.engine import Engine
from score.errors import OutputError, UsageError
from score.lock import only_writer
from score.tokens import Encoder

logger = logging.getLogger(__name__)

MAX_CALIBRATION = 20_000
"""The most held-back reviews that a graph is calibrated on; more would change no figure."""
MAX_VERIFICATION = 2000
"""The most of them that checkpoint and graphs are compared on: PyTorch is slow."""
# As many show which channels are large, which is a matter of the weights.
_SMOOTHING = 48

Progress = Callable[[str], None]
"""Told at each step what is being done."""


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """What a bundle shall hold and how closely it has to follow its checkpoint.

    Attributes:
        precisions: of ``int8``, ``fp32`` and ``fp16``, the preferred one first.
        verify_on: a table to compare graph and checkpoint on; None is the validation split.
        text_column, label_column: columns of that table.
        max_flips: the largest share of labels that a graph may change, 0 to 1.
        max_ece: the largest expected calibration error of a graph on the validation split,
            0 to 1. Both are tests of what the reviews prove: see :mod:`export.gate`.
        name: what the bundle is called; None is the name of its folder.

    Raises:
        UsageError: a value is out of its range.
    """

    precisions: tuple[str, ...] = ("int8",)
    verify_on: Path | None = None
    text_column: str | None = None
    label_column: str | None = None
    max_flips: float = 0.005
    max_ece: float = 0.02
    name: str | None = None

    def __post_init__(self) -> None:
        if not self.precisions or not set(self.precisions) <= set(GRAPH_FILES):
            raise UsageError(
                f"No such precision: {', '.join(self.precisions) or 'none'}; "
                f"use {', '.join(GRAPH_FILES)}."
            )
        if len(set(self.precisions)) < len(self.precisions):
            raise UsageError("A precision is named twice; name each once.")
        for option, limit in (("--max-flips", self.max_flips), ("--max-ece", self.max_ece)):
            if not 0 <= limit <= 1:
                raise UsageError(f"{option} {limit} is out of range; it is a share, 0 to 1.")
        if self.verify_on is None and (self.text_column or self.label_column):
            raise UsageError("--text-column and --label-column say nothing without --verify-on.")


def build_bundle(
    checkpoint: Path,
    output: Path,
    settings: ExportSettings | None = None,
    *,
    command: str = "",
    overwrite: bool = False,
    on_progress: Progress | None = None,
) -> Bundle:
    """Make a verified bundle from a checkpoint of ``thumbs finetune``.

    Everything is made in a temporary folder beside ``output`` and takes its name at the
    end: an export that fails leaves no bundle behind, and an old one as it was.

    Args:
        checkpoint: the folder of the checkpoint.
        output: the folder to make.
        settings: see :class:`ExportSettings`.
        command: recorded as the line that made the bundle.
        overwrite: replace a bundle in ``output``.
        on_progress: called before each step.

    Returns:
        The bundle, loaded from ``output``.

    Raises:
        NoInputError: the checkpoint is not there or is none of ``thumbs finetune``.
        DataError: checkpoint or table is damaged.
        OutputError: ``output`` is there already, or cannot be made.
        BusyError: another export writes it.
        BundleError: a graph changes more labels, or its confidence is further off, than
            ``settings`` allows.
    """
    settings = settings or ExportSettings()
    with only_writer(output):
        _check_output(output, overwrite=overwrite)
        source = Checkpoint.load(checkpoint)
        export = _Export(source, settings, on_progress or logger.info)
        with _work_folder(output) as folder:
            bundle = export.run(folder, settings.name or output.resolve().name, command)
            _put_in_place(bundle.folder, output, folder)
    return Bundle.load(output)


class _Export:
    """One export: the steps, and what they share."""

    def __init__(
        self, checkpoint: Checkpoint, settings: ExportSettings, on_progress: Progress
    ) -> None:
        self._checkpoint = checkpoint
        self._settings = settings
        self._tell = on_progress
        self._encoder = Encoder.from_file(checkpoint.folder / TOKENIZER_FILE, checkpoint.truncation)
        self._reviews = _reviews(checkpoint, settings)
        self._held_back = checkpoint.validation.first(MAX_CALIBRATION)
        self._held_back_ids = self._encode(self._held_back.texts)
        self._calibration: dict[str, Any] = {}
        self._efforts: dict[str, dict[str, Effort]] = {}

    def run(self, work: Path, name: str, command: str) -> Bundle:
        """Make the bundle in a sub-folder of ``work``."""
        folder = work / "bundle"
        folder.mkdir()
        copy_descriptions(self._checkpoint.folder, folder)
        self._tell("converting to ONNX")
        traced = convert(self._checkpoint, work / "traced")
        for precision in self._settings.precisions:
            self._tell(f"making the {precision} graph")
            self._make_graph(traced, precision, folder / GRAPH_FILES[precision])
        self._tell(f"asking the checkpoint about {len(self._reviews):,} reviews")
        verification = Verification(
            self._checkpoint, self._reviews, self._encode(self._reviews.texts)
        )
        if "fp32" not in self._settings.precisions:
            self._tell("verifying the fp32 graph that the others were made from")
            engine = Engine(traced.read_bytes(), name="the fp32 graph")
            verification.compare("fp32", engine, self._checkpoint.temperature)
        graphs = tuple(
            self._measure(folder, precision, verification)
            for precision in self._settings.precisions
        )
        return write_manifest(folder, self._describe(name, graphs, verification, command))

    def _make_graph(self, traced: Path, precision: str, target: Path) -> None:
        if precision == "int8":
            smoothed = traced.with_name("smoothed.onnx")
            smooth(traced, smoothed, self._held_back_ids[:_SMOOTHING])
            quantize(smoothed, target)
            self._stop_early(target)
        elif precision == "fp16":
            to_half(traced, self._checkpoint, target)
        else:
            # As traced: onnxruntime fuses it while loading, for the provider it loads it for.
            shutil.copyfile(traced, target)

    def _stop_early(self, graph: Path) -> None:
        """Only int8, a CPU's: a batch on a GPU would wait for its last text at each layer."""
        exits, held_back = self._checkpoint.exits, self._held_back
        if not can_exit(graph, exits):
            return
        self._tell(f"finding where to stop on {len(held_back):,} reviews")
        truth = np.asarray(held_back.classes, np.int64)
        self._efforts["int8"] = make_efforts(
            graph, exits, self._held_back_ids, truth, held_back.name
        )

    def _measure(self, folder: Path, precision: str, verification: Verification) -> Graph:
        """Calibrate a graph on the held-back reviews, then compare it with the checkpoint."""
        file = folder / GRAPH_FILES[precision]
        engine = Engine(file.read_bytes(), name=f"the {precision} graph")
        held_back = self._held_back
        self._tell(f"calibrating the {precision} graph on {len(held_back):,} reviews")
        logits = graph_logits(engine, self._held_back_ids)
        classes = held_back.classes
        assert classes is not None  # noqa: S101 - a checkpoint's validation split has labels
        truth = np.asarray(classes, np.int64)
        temperature = fit_temperature(logits, truth)
        confidence = softmax(logits, temperature).max(axis=1)
        correct = logits.argmax(axis=1) == truth
        self._calibration[precision] = {
            **figures(logits, classes, temperature),
            "ece_by_chance": error_by_chance(confidence),
            **curves(confidence, correct),
        }
        self._tell(f"verifying the {precision} graph")
        comparison = verification.compare(precision, engine, temperature)
        check_flips(comparison, precision, self._checkpoint.labels, self._settings.max_flips)
        check_calibration(logits, held_back, temperature, precision, self._settings.max_ece)
        promises = guarantee(confidence, correct, held_back.name)
        parity, efforts = comparison.parity(), self._efforts.get(precision, {})
        return Graph(precision, sha256_of(file), temperature, parity, promises, efforts)

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        clean = CLEANINGS[self._checkpoint.cleaning]
        encoded = self._encoder.encode_batch([clean(text) for text in texts])
        return [one.ids for one in encoded]

    def _describe(
        self, name: str, graphs: tuple[Graph, ...], verification: Verification, command: str
    ) -> Description:
        checkpoint = self._checkpoint
        origin = provenance(checkpoint, self._held_back, self._calibration, command)
        return Description(
            name=name,
            labels=checkpoint.labels,
            language=checkpoint.language,
            cleaning=checkpoint.cleaning,
            truncation=checkpoint.truncation,
            graphs=graphs,
            provenance={"verification": verification.described(), **origin},
        )


def _reviews(checkpoint: Checkpoint, settings: ExportSettings) -> Reviews:
    """The reviews to verify on: the user's table, else held-back ones."""
    if settings.verify_on is None:
        return checkpoint.validation.first(MAX_VERIFICATION)
    return read_reviews(
        settings.verify_on, settings.text_column, settings.label_column, checkpoint.labels
    )


def _check_output(output: Path, *, overwrite: bool) -> None:
    """Refuse an output that could not be put in place in the end."""
    if output.is_file():
        raise OutputError(f"{output} is a file. Name a folder with -o.")
    if not output.is_dir() or not any(output.iterdir()):
        return
    if not (output / MANIFEST_FILE).is_file():
        raise OutputError(f"{output} holds something that is no bundle. Name another with -o.")
    if not overwrite:
        raise OutputError(
            f"{output} is there already. Add --overwrite, or name another folder with -o."
        )


@contextlib.contextmanager
def _work_folder(output: Path) -> Iterator[Path]:
    """A temporary folder beside ``output``; what a killed export left there is cleared."""
    place = output.resolve()
    folder = place.with_name(f".{place.name}.part")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as exc:
        raise OutputError(
            f"{output} cannot be created: {exc.strerror}. Name another place with -o."
        ) from exc
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put_in_place(folder: Path, output: Path, work: Path) -> None:
    place = output.resolve()
    try:
        if place.exists():
            # Into the work folder, which goes away; a folder cannot replace a full one.
            place.rename(work / "replaced")
        folder.rename(place)
    except OSError as exc:
        raise OutputError(f"{output} cannot be put in place: {exc.strerror}.") from exc

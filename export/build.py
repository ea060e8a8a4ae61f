"""A checkpoint becomes a bundle: convert, smooth, quantise, calibrate, verify, describe."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from export.calibrate import Answers, Calibration, calibrate, described
from export.checkpoint import Checkpoint
from export.convert import convert
from export.describe import copy_descriptions, provenance
from export.fuse import to_half
from export.gate import check_calibration, check_flips
from export.int8 import Efforts, Examples, make_int8
from export.parity import answers
from export.place import check_output, put_in_place, work_folder
from export.reviews import Encoded, Reviews, read_labelled, read_reviews
from export.settings import ExportSettings
from export.verify import Verification, graph_logits, runs_together
from score.bundle import (
    GRAPH_FILES,
    TOKENIZER_FILE,
    Bundle,
    Description,
    Graph,
    write_manifest,
)
from score.bundle_files import sha256_of
from score.calibration import fit_temperature
from score.cleaning import CLEANINGS
from score.efforts import Effort
from score.engine import Engine
from score.lock import only_writer
from score.tokens import Encoder

logger = logging.getLogger(__name__)

MAX_CALIBRATION, MAX_VERIFICATION = 20_000, 2000
"""The most held-back reviews that a graph is calibrated on, for more would change no figure, and
that it is compared with the checkpoint on: PyTorch is slow."""
# As many show which channels are large, which is a matter of the weights.
_TYPICAL = 64
_FEW_TOKENS = 16

Progress = Callable[[str], None]
"""Told at each step what is being done."""


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
        check_output(output, overwrite=overwrite)
        source = Checkpoint.load(checkpoint)
        if settings.max_tokens is not None:
            source = source.reading(settings.max_tokens)
        export = _Export(source, settings, on_progress or logger.info)
        with work_folder(output) as folder:
            bundle = export.run(folder, settings.name or output.resolve().name, command)
            put_in_place(bundle.folder, output, folder)
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
        typical = self._encode(checkpoint.validation.sample(_TYPICAL))
        self._some = typical.beginnings
        # Where they are read in windows, so many windows: each is asked about.
        most = MAX_CALIBRATION * len(typical.inputs) // len(typical.batch)
        self._held_back = checkpoint.validation.sample(most)
        self._encoded = self._encode(self._held_back)
        self._others: Encoded | None = None
        if settings.calibrate_on is not None:
            self._others = self._encode(read_labelled(settings.calibrate_on, checkpoint.labels))
        self._calibration: dict[str, Any] = {}
        self._efforts: Efforts | None = None

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
        exact = Engine(traced.read_bytes(), name="the fp32 graph")
        temperature = self._checkpoint_temperature(exact)
        verification = Verification(self._checkpoint, self._encode(self._reviews), temperature)
        if "fp32" not in self._settings.precisions:
            self._tell("verifying the fp32 graph that the others were made from")
            verification.compare("fp32", exact, temperature)
        graphs = tuple(
            self._measure(folder, precision, verification)
            for precision in self._settings.precisions
        )
        return write_manifest(folder, self._describe(name, graphs, verification, command))

    def _checkpoint_temperature(self, exact: Engine) -> float:
        """Its own, which was fitted to texts as they were read in training, or a new one."""
        settings = self._settings
        if settings.reading == "cut" and settings.max_tokens is None:
            return self._checkpoint.temperature
        found = self._answers(exact, self._encoded)
        return fit_temperature(found.logits, self._encoded.classes)

    def _make_graph(self, traced: Path, precision: str, target: Path) -> None:
        if precision == "int8":
            examples = Examples(self._typical(), self._encoded, self._others)
            self._efforts = make_int8(traced, target, self._checkpoint, examples, self._tell)
        elif precision == "fp16":
            to_half(traced, self._checkpoint, target)
        else:
            # As traced: onnxruntime fuses it while loading, for the provider it loads it for.
            shutil.copyfile(traced, target)

    def _typical(self) -> list[Sequence[int]]:
        """Some reviews, the first words of each, and some of the short ones, for such may come.

        Without any short one, odd texts of a few words change by twice as much.
        """
        short = self._others.reviews.sample(_TYPICAL) if self._others else None
        return [
            *self._some,
            *(ids[:_FEW_TOKENS] for ids in self._some),
            *(self._encode(short).beginnings if short else []),
        ]

    def _measure(self, folder: Path, precision: str, verification: Verification) -> Graph:
        """Calibrate a graph on the held-back reviews, then compare it with the checkpoint."""
        file = folder / GRAPH_FILES[precision]
        model = file.read_bytes()
        engine = Engine(model, name=f"the {precision} graph")
        self._tell(f"calibrating the {precision} graph on {len(self._held_back):,} reviews")
        held_back, others = self._answers(engine, self._encoded), None
        if self._others is not None:
            others = self._answers(engine, self._others)
        found = calibrate(held_back, others)
        self._calibration[precision] = described(found, held_back, others)
        self._tell(f"verifying the {precision} graph")
        settings, labels = self._settings, self._checkpoint.labels
        comparison = verification.compare(precision, engine, found.temperature, found.lengths)
        check_flips(comparison, precision, labels, settings.max_flips)
        self._check_calibration(found, precision)
        efforts: dict[str, Effort] = {}
        if precision == "int8" and self._efforts:
            self._measure_efforts(model, self._efforts, verification)
            efforts = {name: one.effort for name, one in self._efforts.made.items()}
        return Graph(
            precision,
            sha256_of(file),
            found.temperature,
            comparison.parity(),
            found.guarantee,
            efforts,
            found.lengths,
            answers=answers(engine, self._encoder) if precision == "int8" else {},
            batches=precision == "int8" and self._runs_together(model, efforts),
        )

    def _measure_efforts(self, model: bytes, efforts: Efforts, verification: Verification) -> None:
        """The same for each way to stop early, which is meant to change labels that are close."""
        for name, one in efforts.made.items():
            found, way = one.calibration, f"int8 --effort {name}"
            figures = described(found, one.held_back, one.others)
            self._calibration["int8"].setdefault("efforts", {})[name] = figures
            self._check_calibration(found, way)
            exact, engine = (
                Engine(content, name=f"the {way} graph", stopping=one.effort.stopping)
                for content in (efforts.exact, model)
            )
            comparison = verification.compare_effort(
                name, exact, engine, found.temperature, found.lengths
            )
            check_flips(
                comparison,
                way,
                self._checkpoint.labels,
                self._settings.max_flips,
                beside="fp32 that stops in the same way",
            )

    def _check_calibration(self, found: Calibration, graph: str) -> None:
        check_calibration(
            found.logits, self._held_back, found.temperature, graph, self._settings.max_ece
        )

    def _runs_together(self, model: bytes, efforts: Mapping[str, Effort]) -> bool:
        """Whether a graph for CPUs can be asked about several texts at once, at any effort."""
        ways = [None, *(effort.stopping for effort in efforts.values())]
        most = self._checkpoint.truncation.max_tokens
        return all(
            runs_together(Engine(model, name="the int8 graph", stopping=way), self._some, most)
            for way in ways
        )

    @staticmethod
    def _answers(engine: Engine, reviews: Encoded) -> Answers:
        return Answers(reviews.together(graph_logits(engine, reviews.batch)), reviews)

    def _encode(self, reviews: Reviews) -> Encoded:
        """As the bundle will read them."""
        clean = CLEANINGS[self._checkpoint.cleaning]
        texts = [clean(text) for text in reviews.texts]
        if self._settings.reading == "windows":
            return Encoded(reviews, [self._encoder.encode_windows(text)[0] for text in texts])
        return Encoded(reviews, [[one.ids] for one in self._encoder.encode_batch(texts)])

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
            reading=self._settings.reading,
            provenance={"verification": verification.described(), **origin},
        )


def _reviews(checkpoint: Checkpoint, settings: ExportSettings) -> Reviews:
    """The reviews to verify on: the user's table, else held-back ones."""
    if settings.verify_on is None:
        return checkpoint.validation.sample(MAX_VERIFICATION)
    return read_reviews(
        settings.verify_on, settings.text_column, settings.label_column, checkpoint.labels
    )

"""The bundle: a folder with a model and everything that decides a score.

It has Hugging Face's layout (``tokenizer.json``, ``config.json`` and graphs under the
names of optimum) and beside it ``bundle.json``, the manifest: what the files are, by
SHA-256, and how the model was made and measured. Reading one runs no code of its own:
JSON, a tokenizer and ONNX graphs, nothing pickled, nothing outside of the folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from score import bundle_files
from score.bundle_files import MAX_MANIFEST, sha256_of
from score.cleaning import CLEANINGS
from score.efforts import TEMPERATURES, Effort, EffortName
from score.errors import BundleError, UsageError
from score.guarantee import Guarantee
from score.labels import check_labels
from score.lengths import LengthScale
from score.manifest import digests, text, values
from score.parity import Answers, parse
from score.tables.columns import shown
from score.tokens import Reading, Truncation

DEFAULT_BUNDLE = Path(__file__).parent / "models" / "sentiment-en"
MANIFEST_FILE = "bundle.json"
TOKENIZER_FILE = "tokenizer.json"
FORMAT_VERSION = 1

GRAPH_FILES = {
    "int8": "model_quantized.onnx",
    "fp32": "model.onnx",
    "fp16": "model_fp16.onnx",
}
"""The file of each precision, under the names that optimum looks for."""


_MOST_LABELS = 1000
_MOST_TOKENS = 8192

_NO_MANIFEST = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
    UsageError,
)


@dataclass(frozen=True, slots=True)
class Graph:
    """One ONNX graph of a bundle.

    Attributes:
        precision: ``int8``, ``fp32`` or ``fp16``.
        sha256: the digest of the file.
        temperature: what the graph's logits are divided by before the softmax.
        parity: how far the graph strays from the checkpoint it was made from, as measured
            by the export on named data.
        guarantee: which labels can be promised at which error rate; None where it was
            exported without.
        efforts: by name, the ways to stop before the last layer; what stands beside is that
            of all layers.
        lengths: what the temperature is multiplied by for short texts; None is nothing.
        batches: whether texts of one length can be run together on a CPU, each with the very
            bits that it has alone.
        answers: what it said of some sentences where it was exported, with all layers, so that
            another machine can be compared with that one; none where it was exported without.
    """

    precision: str
    sha256: str
    temperature: float
    parity: Mapping[str, Any]
    guarantee: Guarantee | None = None
    efforts: Mapping[str, Effort] = field(default_factory=dict)
    lengths: LengthScale | None = None
    batches: bool = False
    answers: Answers = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The name of the file in the bundle's folder."""
        return GRAPH_FILES[self.precision]


# What a manifest holds beside the provenance.
_KNOWN = frozenset(
    [
        "format_version",
        "name",
        "language",
        "labels",
        "cleaning",
        "truncation",
        "reading",
        "graphs",
        "files",
    ]
)


@dataclass(frozen=True, slots=True)
class Description:
    """What a manifest says beside the digests of the files.

    Attributes:
        name: the bundle's name.
        labels: the class names, in class order.
        language: ISO 639-1 code of the language it reads; None where it is not known.
        cleaning: a name in :data:`score.cleaning.CLEANINGS`.
        truncation: how long texts are cut.
        graphs: the graphs, the preferred one first.
        provenance: base model, licence, data, metrics, versions and commands, for people.
        reading: whether a longer text is cut, or read in windows, unless the user says.
    """

    name: str
    labels: tuple[str, ...]
    language: str | None
    cleaning: str
    truncation: Truncation
    graphs: tuple[Graph, ...]
    provenance: Mapping[str, Any]
    reading: Reading = "cut"

    def __post_init__(self) -> None:
        if self.cleaning not in CLEANINGS:
            raise BundleError(
                f"The bundle {self.name} wants the cleaning {self.cleaning!r}, "
                "which this version of thumbs does not know. Use a newer thumbs."
            )
        if not self.graphs:
            raise BundleError(f"The bundle {self.name} has no graph. Export it again.")
        check_labels(self.labels)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files were found to be what its manifest says.

    Attributes:
        folder: where it is.
        description: what its manifest says.
        digest: SHA-256 of the manifest, and so of everything in the bundle.
    """

    folder: Path
    description: Description
    digest: str

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Read the manifest and check every file against it.

        Raises:
            BundleError: no bundle, a newer format, a file that is missing or changed, or
                one that points out of the folder.
        """
        raw = bundle_files.read(folder, MANIFEST_FILE, MAX_MANIFEST)
        try:
            manifest = json.loads(raw)
            version = manifest["format_version"]
            if version != FORMAT_VERSION:
                raise BundleError(
                    f"The bundle {folder} has format {version}; this version of thumbs reads "
                    f"format {FORMAT_VERSION}. Use the thumbs it was made with, or a newer one."
                )
            description = _parse(manifest)
            files = digests(manifest["files"])
        except _NO_MANIFEST as exc:
            raise BundleError(
                f"{folder / MANIFEST_FILE} is no manifest of a bundle "
                f"({type(exc).__name__}: {shown(str(exc), 100)}). Export the bundle again."
            ) from exc
        if TOKENIZER_FILE not in files:
            raise BundleError(f"The bundle {folder} lists no {TOKENIZER_FILE}. Export it again.")
        for name, sha256 in files.items():
            bundle_files.check(folder, name, sha256)
        return cls(folder, description, hashlib.sha256(raw).hexdigest())

    def graph(self, *precisions: str) -> Graph:
        """The graph of the first of ``precisions`` that the bundle has.

        Raises:
            BundleError: it has none of them.
        """
        for precision in precisions:
            for graph in self.description.graphs:
                if graph.precision == precision:
                    return graph
        raise BundleError(
            f"The bundle {self.folder} has no graph in {' or '.join(precisions)}, which this "
            f"provider needs. Export it again with --precision {precisions[0]}."
        )

    def read_graph(self, graph: Graph) -> bytes:
        """The ONNX file of ``graph``, checked.

        Raises:
            BundleError: it changed, or does more than a classifier, such as to keep
                weights in another file: see :mod:`score.onnx_file`.
        """
        return bundle_files.read_graph(self.folder, graph.file, graph.sha256)


def write_manifest(folder: Path, description: Description) -> Bundle:
    """Write the manifest for the files in ``folder`` and load the finished bundle.

    Raises:
        BundleError: the files do not make a bundle.
    """
    graphs = {graph.file for graph in description.graphs}
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": description.name,
        "language": description.language,
        "labels": list(description.labels),
        "cleaning": description.cleaning,
        "truncation": asdict(description.truncation),
        "reading": description.reading,
        "graphs": [{"file": graph.file, **asdict(graph)} for graph in description.graphs],
        "files": {
            path.name: sha256_of(path)
            for path in sorted(folder.iterdir())
            if path.name not in graphs and path.name != MANIFEST_FILE
        },
        **description.provenance,
    }
    content = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST_FILE).write_text(content, encoding="utf-8")
    return Bundle.load(folder)


def _parse(manifest: dict[str, Any]) -> Description:
    truncation = Truncation(**manifest["truncation"])
    tokens = (truncation.max_tokens, truncation.head_tokens)
    if not all(isinstance(number, int) for number in tokens) or tokens[0] > _MOST_TOKENS:
        raise ValueError(f"no such truncation: {tokens}")
    language = manifest["language"]
    reading = manifest.get("reading", "cut")
    if reading not in get_args(Reading):
        raise ValueError(f"no such reading: {shown(str(reading))}")
    labels = tuple(text(label) for label in values(manifest["labels"], _MOST_LABELS))
    graphs = values(manifest["graphs"], len(GRAPH_FILES))
    return Description(
        name=text(manifest["name"]),
        labels=labels,
        language=None if language is None else text(language),
        cleaning=text(manifest["cleaning"]),
        truncation=truncation,
        graphs=tuple(_graph(entry, len(labels)) for entry in graphs),
        provenance={k: v for k, v in manifest.items() if k not in _KNOWN},
        reading=reading,
    )


def _graph(entry: dict[str, Any], classes: int) -> Graph:
    temperature = float(entry["temperature"])
    lowest, highest = TEMPERATURES
    if entry["precision"] not in GRAPH_FILES or not lowest <= temperature <= highest:
        raise ValueError(f"no such graph: {entry['precision']}, temperature {temperature}")
    guarantee = Guarantee.parse(entry.get("guarantee"))
    sha256 = text(entry["sha256"])
    told = entry.get("efforts", {})
    if not set(told) <= set(get_args(EffortName)):
        raise ValueError(f"no such efforts: {shown(str(list(told)))}")
    efforts = {name: Effort.parse(effort) for name, effort in told.items()}
    lengths = LengthScale.parse(entry.get("lengths"))
    batches = entry.get("batches", False)
    if not isinstance(batches, bool):
        raise TypeError(f"batches is neither true nor false: {shown(str(batches))}")
    return Graph(
        entry["precision"],
        sha256,
        temperature,
        entry["parity"],
        guarantee,
        efforts,
        lengths,
        batches,
        parse(entry.get("answers"), classes),
    )

"""The bundle: a folder with a model and everything that decides a score.

It has Hugging Face's layout (``tokenizer.json``, ``config.json`` and graphs under the
names of optimum) and beside it ``bundle.json``, the manifest: what the files are, by
SHA-256, and how the model was made and measured. Reading one runs no code of its own:
JSON, a tokenizer and ONNX graphs, nothing pickled, nothing outside of the folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from score.cleaning import CLEANINGS
from score.errors import BundleError, UsageError
from score.tokens import Truncation

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

# An ONNX tensor kept outside of its file has an entry with the key "location"; in the
# file that is field 1, the length 8 (as any varint), the word.
_EXTERNAL_DATA = re.compile(rb"\x0a(?:\x08|\x88\x80*\x00)location")

# A cell that starts with one of these is a formula to a spreadsheet program.
_FORMULA_STARTERS = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class Graph:
    """One ONNX graph of a bundle.

    Attributes:
        precision: ``int8``, ``fp32`` or ``fp16``.
        sha256: the digest of the file.
        temperature: what the graph's logits are divided by before the softmax.
        parity: how far the graph strays from the checkpoint it was made from, as measured
            by the export on named data.
    """

    precision: str
    sha256: str
    temperature: float
    parity: Mapping[str, Any]

    @property
    def file(self) -> str:
        """The name of the file in the bundle's folder."""
        return GRAPH_FILES[self.precision]


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
    """

    name: str
    labels: tuple[str, ...]
    language: str | None
    cleaning: str
    truncation: Truncation
    graphs: tuple[Graph, ...]
    provenance: Mapping[str, Any]

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
        raw = _read(folder, MANIFEST_FILE)
        try:
            manifest = json.loads(raw)
            version = manifest["format_version"]
            if version != FORMAT_VERSION:
                raise BundleError(
                    f"The bundle {folder} has format {version}; this version of thumbs reads "
                    f"format {FORMAT_VERSION}. Use the thumbs it was made with, or a newer one."
                )
            description = _parse(manifest)
            files: dict[str, str] = dict(manifest["files"])
        except (ValueError, KeyError, TypeError, AttributeError, UsageError) as exc:
            raise BundleError(
                f"{folder / MANIFEST_FILE} is no manifest of a bundle "
                f"({type(exc).__name__}: {exc}). Export the bundle again."
            ) from exc
        if TOKENIZER_FILE not in files:
            raise BundleError(f"The bundle {folder} lists no {TOKENIZER_FILE}. Export it again.")
        for name, sha256 in files.items():
            _check(folder, name, sha256)
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
            BundleError: it changed, or it keeps data outside of the file.
        """
        model = _check(self.folder, graph.file, graph.sha256)
        if _EXTERNAL_DATA.search(model):
            raise BundleError(
                f"{self.folder / graph.file} keeps its weights in another file, which may be "
                "any file of this computer. Export the bundle again."
            )
        return model


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
        "graphs": [{"file": graph.file, **asdict(graph)} for graph in description.graphs],
        "files": {
            path.name: sha256_of(path)
            for path in sorted(folder.iterdir())
            if path.name not in graphs and path.name != MANIFEST_FILE
        },
        **description.provenance,
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST_FILE).write_text(text, encoding="utf-8")
    return Bundle.load(folder)


def check_labels(labels: tuple[str, ...]) -> None:
    """Check that the class names can stand in any table.

    Raises:
        BundleError: fewer than two, doubled, blank, with a control character, or read as
            a formula by spreadsheet programs.
    """
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise BundleError(f"A bundle needs two or more different labels, not {list(labels)}.")
    for label in labels:
        if not label.strip() or not label.isprintable() or label.startswith(_FORMULA_STARTERS):
            raise BundleError(
                f"The label {label!r} cannot stand in a table: it is blank, has a control "
                "character, or would be read as a formula. Rename it with finetune --labels."
            )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _parse(manifest: dict[str, Any]) -> Description:
    known = {"format_version", "name", "language", "labels", "cleaning", "truncation", "graphs"}
    graphs = []
    for entry in manifest["graphs"]:
        temperature = float(entry["temperature"])
        if entry["precision"] not in GRAPH_FILES or not 0 < temperature < float("inf"):
            raise ValueError(f"no such graph: {entry['precision']}, temperature {temperature}")
        graphs.append(Graph(entry["precision"], entry["sha256"], temperature, entry["parity"]))
    return Description(
        name=str(manifest["name"]),
        labels=tuple(str(label) for label in manifest["labels"]),
        language=manifest["language"],
        cleaning=manifest["cleaning"],
        truncation=Truncation(**manifest["truncation"]),
        graphs=tuple(graphs),
        provenance={k: v for k, v in manifest.items() if k not in known | {"files"}},
    )


def _check(folder: Path, name: str, sha256: str) -> bytes:
    content = _read(folder, name)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BundleError(
            f"{folder / name} is not the file that the bundle was made with. "
            "Get the bundle anew, or export it again."
        )
    return content


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    if Path(name).name != name or path.resolve().parent != folder.resolve():
        raise BundleError(f"The bundle {folder} names {name!r}, which is outside of it.")
    try:
        return path.read_bytes()
    except FileNotFoundError as exc:
        raise BundleError(
            f"{folder} is no bundle: it has no {name}. Make one with thumbs export."
        ) from exc
    except OSError as exc:
        raise BundleError(f"{path} cannot be read: {exc.strerror}.") from exc

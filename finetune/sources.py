"""Where labelled reviews come from: the hub, a folder, or a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern

from score.errors import DataError, NoInputError, first_line

HUB_NAMES = {"imdb": "stanfordnlp/imdb"}
"""Short names for data sets on the hub."""

# How IMDB numbers its classes, in the hub's files as in the folder's pos and neg.
IMDB_LABELS = ("negative", "positive")


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled texts as they were found.

    Attributes:
        name: what messages call them.
        texts: the raw texts.
        labels: the label of each text, as text.
        names: the class names where the source itself has an order of them; ``labels``
            are then these names. Empty where only the labels tell.
        rows: what each text's row is called: its number, or the name of its file. Empty
            where the rows are numbered from 1 without a gap.
    """

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    names: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    def row_names(self) -> Iterable[str]:
        """What each text's row is called."""
        return self.rows or (str(i) for i in range(1, len(self.texts) + 1))


@dataclass(frozen=True, slots=True)
class Source:
    """A training part and, where the source has one, a test part."""

    train: Examples
    test: Examples | None = None


def read_source(source: str, text_column: str | None, label_column: str | None) -> Source:
    """Read ``source``: an existing folder or file, else a data set on the hub.

    Raises:
        NoInputError: there is no such file, folder or data set.
        DataError: it is there, but not as labelled reviews.
    """
    path = Path(source)
    if path.is_dir():
        return _read_folder(path, text_column or "text", label_column or "label")
    if path.is_file():
        return Source(read_table(path, text_column, label_column or "label"))
    if path.suffix and source not in HUB_NAMES:
        raise NoInputError(f"No such file: {source}. Check the name.")
    return _read_hub(source, text_column or "text", label_column or "label")


def read_table(path: Path, text_column: str | None, label_column: str) -> Examples:
    """Read a labelled table of any format that ``thumbs score`` reads.

    Raises:
        DataError: a column is missing, a row is broken or has no label.
    """
    from score.tables import TableOptions, open_table
    from score.tables.columns import find_column

    table = open_table(path, TableOptions(text_column=text_column))
    try:
        wanted = (
            find_column(table.columns, text_column, table.name),
            find_column(table.columns, label_column, table.name, option="--label-column"),
        )
        texts, labels, rows, blank = [], [], [], []
        for row in table.rows(wanted):
            if row.reject:
                raise DataError(f"{path}, row {row.number}: {row.reject.reason}. Mend the row.")
            if row.blank:
                continue
            # One object a label: a row's own would take as much as a short text.
            text, label = row.cells[0], intern(row.cells[1].strip())
            if not label:
                blank.append(row.number)
            texts.append(text)
            labels.append(label)
            rows.append(str(row.number))
    finally:
        table.close()
    _check_blanks(str(path), blank)
    return Examples(path.name, tuple(texts), tuple(labels), rows=tuple(rows))


def _check_blanks(name: str, rows: Sequence[int]) -> None:
    """Refuse rows without a label, given by their numbers."""
    if len(rows) == 1:
        raise DataError(f"{name}, row {rows[0]} has no label. Fill it in or leave the row out.")
    if rows:
        raise DataError(
            f"{name}, row {rows[0]} has no label, and {len(rows) - 1:,} more have none. "
            "Fill them in or leave the rows out."
        )


def read_texts(path: Path, text_column: str | None) -> Iterator[tuple[str, str]]:
    """Row number and text of each record of any table that ``thumbs score`` reads.

    Raises:
        NoInputError: the table is not there.
        DataError: the column is missing, or a row is broken.
    """
    from score.tables import TableOptions, open_table
    from score.tables.columns import find_column

    table = open_table(path, TableOptions(text_column=text_column))
    try:
        column = find_column(table.columns, text_column, table.name)
        for row in table.rows((column,)):
            if row.reject:
                raise DataError(f"{path}, row {row.number}: {row.reject.reason}. Mend the row.")
            if not row.blank:
                yield str(row.number), row.cells[0]
    finally:
        table.close()


def _read_folder(folder: Path, text_column: str, label_column: str) -> Source:
    if (folder / "train" / "pos").is_dir():
        return Source(_read_acl(folder, "train"), _read_acl(folder, "test"))
    files = {part: sorted(folder.rglob(f"{part}*.parquet")) for part in ("train", "test")}
    if all(files.values()):
        return Source(
            _read_parquet(folder, "train", files["train"], text_column, label_column),
            _read_parquet(folder, "test", files["test"], text_column, label_column),
        )
    raise DataError(
        f"{folder} holds neither train/pos, train/neg, test/pos and test/neg with .txt files, "
        "nor train and test parquet files."
    )


def _read_acl(folder: Path, part: str) -> Examples:
    texts, labels, rows = [], [], []
    for label, sub in zip(IMDB_LABELS, ("neg", "pos"), strict=True):
        for name, text in _read_texts(folder / part / sub):
            texts.append(text)
            labels.append(label)
            rows.append(f"{sub}/{name}")
    name = f"{folder.name}/{part}"
    return Examples(name, tuple(texts), tuple(labels), IMDB_LABELS, tuple(rows))


def _read_texts(folder: Path) -> Iterator[tuple[str, str]]:
    files = sorted(folder.glob("*.txt"))
    if not files:
        raise DataError(f"{folder} holds no .txt files. Each review is one file there.")
    for file in files:
        try:
            yield file.name, file.read_text(encoding="utf-8")
        except UnicodeDecodeError as exc:
            raise DataError(f"{file} is not utf-8 at byte {exc.start}. Convert it.") from exc


def _read_parquet(
    folder: Path, part: str, files: list[Path], text_column: str, label_column: str
) -> Examples:
    from datasets import load_dataset

    data = load_dataset("parquet", data_files={part: [str(f) for f in files]}, split=part)
    return _from_dataset(f"{folder.name}/{part}", data, text_column, label_column)


def _read_hub(name: str, text_column: str, label_column: str) -> Source:
    from datasets import load_dataset

    hub_name = HUB_NAMES.get(name, name)
    try:
        data = load_dataset(hub_name)
    except Exception as exc:
        raise NoInputError(
            f"{name} is no file or folder here, and the data set {hub_name} could not be had "
            f"from the hub: {first_line(exc)}"
        ) from exc
    if "train" not in data:
        raise DataError(f"The data set {hub_name} has no part called train.")
    train, *test = (
        _from_dataset(f"{hub_name}/{part}", data[part], text_column, label_column)
        for part in ("train", "test")
        if part in data
    )
    return Source(train, test[0] if test else None)


def _from_dataset(name: str, data: object, text_column: str, label_column: str) -> Examples:
    from datasets import ClassLabel, Dataset

    assert isinstance(data, Dataset)  # noqa: S101 - load_dataset's type is a union
    for column, option in ((text_column, "--text-column"), (label_column, "--label-column")):
        if column not in data.column_names:
            raise DataError(
                f"{name} has no column {column!r}. Its columns: {', '.join(data.column_names)}. "
                f"Say which with {option}."
            )
    labels, feature = data[label_column], data.features[label_column]
    names = tuple(feature.names) if isinstance(feature, ClassLabel) else ()
    if names == ("neg", "pos"):
        names = IMDB_LABELS
    as_text = tuple(_as_text(value, names) for value in labels)
    _check_blanks(name, [i for i, label in enumerate(as_text, 1) if not label])
    texts = tuple("" if _is_gap(value) else str(value) for value in data[text_column])
    return Examples(name, texts, as_text, names)


def _as_text(label: object, names: tuple[str, ...]) -> str:
    """A label as text; blank for none, which data sets with numbered classes write as -1."""
    if names and isinstance(label, int):
        return names[label] if label >= 0 else ""
    return "" if _is_gap(label) else str(label).strip()


def _is_gap(value: object) -> bool:
    # NaN, the gap in a column of numbers, is not equal to itself.
    return value is None or value != value

"""What can be told about a workbook before it is loaded: is it one, is it safe, what is in it."""

from __future__ import annotations

import logging
import warnings
import zipfile
from typing import TYPE_CHECKING

import openpyxl

from score.errors import DataError
from score.tables.columns import shown

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

    from score.tables import Source

MAX_UNPACKED = 2 * 1024**3
"""Bytes that a workbook may unpack to; its sheets are held in memory, several times as large."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_FRAGILE = {
    "xl/charts/": "charts",
    "xl/drawings/drawing": "drawings",
    "xl/media/": "pictures",
    "xl/diagrams/": "diagrams",
    "xl/pivotTables/": "pivot tables",
    "xl/slicers/": "slicers",
    "xl/timelines/": "timelines",
    "xl/threadedComments/": "threaded comments",
    "xl/ctrlProps/": "form controls",
    "xl/activeX/": "ActiveX controls",
    "xl/embeddings/": "embedded files",
    "xl/queryTables/": "query tables",
    "xl/connections.xml": "data connections",
    "xl/model/": "a data model",
    "xl/richData/": "linked data types",
    "_xmlsignatures/": "digital signatures",
}

logger = logging.getLogger(__name__)


def fragile_parts(source: Source) -> tuple[str, ...]:
    """Look into the package for what openpyxl loses or changes when it saves a workbook.

    Raises:
        DataError: the file is no workbook, is encrypted, or unpacks to too much.
        StorageError: reading failed.
    """
    try:
        start = source.stream.read(len(_OLE))
        source.stream.seek(0)
        if start == _OLE:
            raise DataError(
                f"{source.name} is protected by a password, or an old .xls workbook. "
                "Open it and save it as .xlsx without a password."
            )
        with zipfile.ZipFile(source.stream) as package:
            parts = package.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise source.broken("an Excel workbook", exc) from exc
    if sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise DataError(
            f"{source.name} unpacks to more than {MAX_UNPACKED} bytes. Save the sheet as CSV."
        )
    return tuple(
        said
        for beginning, said in _FRAGILE.items()
        if any(part.filename.startswith(beginning) for part in parts)
    )


def load(source: Source, *, keep_macros: bool) -> Workbook:
    """Load a workbook with all that openpyxl can write again.

    Raises:
        DataError: the file is damaged or no workbook.
        StorageError: reading failed.
    """
    return _load(source, keep_vba=keep_macros, rich_text=True)


def load_stored_values(source: Source) -> Workbook:
    """Load a workbook as a stream, its formulas as the values they had when it was saved.

    Raises:
        DataError: the file is damaged or no workbook.
        StorageError: reading failed.
    """
    return _load(source, read_only=True, data_only=True)


def _load(source: Source, **how: bool) -> Workbook:
    try:
        source.stream.seek(0)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            workbook = openpyxl.load_workbook(source.stream, **how)
    except MemoryError:
        raise
    # A damaged package makes openpyxl raise nearly anything.
    except Exception as exc:
        raise source.broken("an Excel workbook", exc) from exc
    # Others than UserWarning are not about the workbook.
    messages = {str(w.message) for w in said if issubclass(w.category, UserWarning)}
    for message in sorted(messages):
        logger.warning("%s: %s", source.name, shown(message, 200))
    return workbook

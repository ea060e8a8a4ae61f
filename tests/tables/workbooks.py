"""Workbooks as zip packages: looking into them, and changing parts of them."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

_STRICT = {
    b"http://purl.oclc.org/ooxml/spreadsheetml/main": (
        b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    ),
    b"http://purl.oclc.org/ooxml/officeDocument/relationships": (
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    ),
}


def parts_of(content: bytes) -> dict[str, bytes]:
    """All parts of a package, in its order."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {name: package.read(name) for name in package.namelist()}


def package_of(parts: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A package of parts."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as package:
        for name, part in parts.items():
            package.writestr(name, part)
    return target.getvalue()


def changed(sample: Path, path: Path, parts: Mapping[str, bytes]) -> Path:
    """Write a sample to another path with some parts replaced or added."""
    path.write_bytes(package_of(parts_of(sample.read_bytes()) | dict(parts)))
    return path


def load_workbook(content: bytes) -> Workbook:
    """Load a workbook with openpyxl, which does not know the strict namespaces."""
    import openpyxl

    parts = parts_of(content)
    for strict, usual in _STRICT.items():
        parts = {name: part.replace(strict, usual) for name, part in parts.items()}
    with warnings.catch_warnings():
        # It has something to say about workbooks that are not made by Excel.
        warnings.simplefilter("ignore")
        return openpyxl.load_workbook(io.BytesIO(package_of(parts)))

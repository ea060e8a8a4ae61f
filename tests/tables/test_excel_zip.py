"""Packages: copied as they are packed, and written to any kind of target."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from score.errors import DataError
from score.tables import Source
from score.tables.excel import zip as excel_zip
from score.tables.excel.package import Package
from score.tables.excel.zip import PackageWriter
from tests.tables.workbooks import parts_of


class Pipe(io.BytesIO):
    """A target that can be written to, and neither asked nor moved."""

    def seek(self, _offset: int, _whence: int = 0, /) -> int:
        """Refuse."""
        raise OSError(29, "Illegal seek")

    def tell(self) -> int:
        """Refuse."""
        raise OSError(29, "Illegal seek")


class Far(io.BytesIO):
    """A file that starts eight gigabytes late."""

    START = 2**33

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""
        moved = max(offset - self.START, 0) if whence == 0 else offset
        return super().seek(moved, whence) + self.START

    def tell(self) -> int:
        """Say where it is."""
        return super().tell() + self.START


def package(content: bytes) -> Package:
    """A package in memory."""
    return Package(Source("book.xlsx", io.BytesIO(content), owned=True))


def odd_package() -> bytes:
    """Parts that are stored, packed in other ways, with extra fields, comments and odd names."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        made.comment = b"made by hand"
        for name, method in (
            ("stored.xml", zipfile.ZIP_STORED),
            ("größe/日本.xml", zipfile.ZIP_DEFLATED),
            ("bzip.xml", zipfile.ZIP_BZIP2),
            ("folder/", zipfile.ZIP_STORED),
        ):
            info = zipfile.ZipInfo(name, (2021, 12, 31, 23, 59, 58))
            info.compress_type = method
            info.comment = b"a part"
            info.extra = b"\xfe\xca\x02\x00ab"
            info.external_attr = 0o644 << 16
            made.writestr(info, b"" if name.endswith("/") else b"<x>" * 100)
    return target.getvalue()


def written(content: bytes, replaced: dict[str, bytes]) -> bytes:
    """Write a package again, some parts with other content."""
    pipe, old = Pipe(), package(content)
    writer = PackageWriter(pipe, old)
    for info in old.infos:
        if info.filename in replaced:
            part = writer.replace(info)
            part.write(replaced[info.filename])
            part.close()
        else:
            writer.copy(info)
    writer.close()
    return pipe.getvalue()


def test_all_that_the_directory_says_is_kept() -> None:
    """Names, dates, methods, comments, extra fields and rights of a part come through."""
    content = odd_package()
    output = written(content, {})
    assert parts_of(output) == parts_of(content)
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(io.BytesIO(output)) as new:
        assert new.comment == old.comment
        for one, other in zip(old.infolist(), new.infolist(), strict=True):
            for said in (
                *("orig_filename", "date_time", "compress_type", "comment", "extra", "CRC"),
                *("create_system", "create_version", "extract_version", "external_attr"),
                *("compress_size", "file_size", "internal_attr"),
            ):
                assert getattr(one, said) == getattr(other, said), said


@pytest.mark.parametrize("large", [0, 2**31])
def test_a_new_version_of_a_part(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part gets other content, also where it may be longer than 4 GiB; the rest stays."""
    monkeypatch.setattr(excel_zip, "LARGE", large)
    content = odd_package()
    output = written(content, {"stored.xml": b"new" * 1000, "größe/日本.xml": b""})
    assert parts_of(output) == parts_of(content) | {
        "stored.xml": b"new" * 1000,
        "größe/日本.xml": b"",
    }


def test_a_second_writing_gives_the_same_bytes() -> None:
    """Writing is repeatable: the same parts give the same bytes."""
    content = odd_package()
    once = written(content, {"stored.xml": b"new"})
    assert written(content, {"stored.xml": b"new"}) == once
    assert written(once, {"stored.xml": b"new"}) == once


def test_a_package_beyond_four_gigabytes() -> None:
    """Places that do not fit into four bytes stand where readers look for them."""
    content = odd_package()
    pipe, old = Pipe(), package(content)
    # With a comment, zipfile would look for its end before the start.
    old.comment = b""
    writer = PackageWriter(pipe, old)
    writer.offset = Far.START
    for info in old.infos:
        writer.copy(info)
    writer.close()
    with zipfile.ZipFile(Far(pipe.getvalue())) as far:
        assert {name: far.read(name) for name in far.namelist()} == parts_of(content)


def test_a_part_that_is_not_there(samples: Path) -> None:
    """A directory that points into the middle of nowhere is refused when the part is copied."""
    content = bytearray((samples / "macros.xlsm").read_bytes())
    content[content.index(b"xl/vbaProject.bin") - 30] = 0
    old = package(bytes(content))
    with pytest.raises(DataError) as refused:
        list(old.packed(old.info("xl/vbaProject.bin")))
    assert str(refused.value) == (
        "book.xlsx is damaged: xl/vbaProject.bin: it is not where the directory says. Open the "
        "workbook in Excel or LibreOffice and save it again."
    )

"""Workbooks that mean harm: each is refused in one line, soon, and at little cost."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from score.errors import DataError
from score.tables import open_table
from tests.tables.workbooks import changed, package_of, parts_of

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
MAIN = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SAVE_AGAIN = "Open the workbook in Excel or LibreOffice and save it again."
PART = f"{{}} is damaged: {SHEET}:"

MIB = 1024**2
# How often as long as ten million squares in the same process: five to ten seconds.
MOST_SQUARES = 12
MOST_GROWTH = 100 * MIB


def large(path: Path, part: str, start: bytes, middle: bytes, times: int, end: bytes) -> None:
    """Add a part that is one piece many times over, without ever holding it."""
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as package,
        package.open(part, "w", force_zip64=True) as stream,
    ):
        stream.write(start)
        block = middle * 1000
        for _ in range(times // 1000):
            stream.write(block)
        stream.write(end)


def without(sample: Path, path: Path, part: str) -> Path:
    """Write a sample to another path without a part."""
    parts = parts_of(sample.read_bytes())
    del parts[part]
    path.write_bytes(package_of(parts))
    return path


def sheet_bomb(samples: Path, path: Path) -> None:
    """A sheet of 130 MB in a file of 300 kB."""
    without(samples / "row_spans.xlsx", path, SHEET)
    start = b"<worksheet %s><sheetData>" % MAIN
    large(path, SHEET, start, b"<row><c><v>1</v></c></row>", 5_000_000, b"</sheetData></worksheet>")


def strings_bomb(samples: Path, path: Path) -> None:
    """Shared strings of 130 MB in a file of 300 kB."""
    without(samples / "shared_strings.xlsx", path, STRINGS)
    large(path, STRINGS, b"<sst %s>" % MAIN, b"<si><t>Good film.</t></si>", 5_000_000, b"</sst>")


def deep(samples: Path, path: Path) -> None:
    """A million elements within each other."""
    sheet = b"<worksheet %s>" % MAIN + b"<a>" * 1_000_000
    changed(samples / "row_spans.xlsx", path, {SHEET: sheet})


def long_tag(samples: Path, path: Path) -> None:
    """A tag with an attribute of 30 MB, which a parser has to hold whole."""
    sheet = b'<worksheet %s a="' % MAIN + b"x" * (30 * MIB) + b'"/>'
    changed(samples / "row_spans.xlsx", path, {SHEET: sheet})


def long_cell(samples: Path, path: Path) -> None:
    """A cell of 30 MB."""
    sheet = parts_of((samples / "row_spans.xlsx").read_bytes())[SHEET]
    sheet = sheet.replace(b"Good.", b"x" * (30 * MIB))
    changed(samples / "row_spans.xlsx", path, {SHEET: sheet})


def many_columns(samples: Path, path: Path) -> None:
    """A row of a million columns."""
    sheet = b"<worksheet %s><sheetData><row>" % MAIN + b"<c><v>1</v></c>" * 1_000_000
    changed(samples / "row_spans.xlsx", path, {SHEET: sheet + b"</row></sheetData></worksheet>"})


def many_rows(samples: Path, path: Path) -> None:
    """A row more than a sheet can have."""
    sheet = b"<worksheet %s><sheetData>" % MAIN + b"<row/>" * 1_048_577
    changed(samples / "row_spans.xlsx", path, {SHEET: sheet + b"</sheetData></worksheet>"})


def many_styles(samples: Path, path: Path) -> None:
    """A million cell formats."""
    styles = b"<styleSheet %s><cellXfs>" % MAIN + b"<xf/>" * 1_000_000 + b"</cellXfs></styleSheet>"
    changed(samples / "strict.xlsx", path, {"xl/styles.xml": styles})


def many_parts(samples: Path, path: Path) -> None:
    """A directory of 90,000 parts."""
    parts = {f"xl/media/{'x' * 20}{number}.png": b"" for number in range(90_000)}
    changed(samples / "row_spans.xlsx", path, parts)


def sizes_that_lie(samples: Path, path: Path) -> None:
    """A directory that makes a sheet shorter than it is."""
    content = bytearray((samples / "row_spans.xlsx").read_bytes())
    place = content.rindex(SHEET.encode()) - 46
    struct.pack_into("<L", content, place + 24, 100)
    path.write_bytes(content)


def parts_that_overlap(samples: Path, path: Path) -> None:
    """A directory in which one long part is in the package many times."""
    content = (samples / "longest_cell.xlsx").read_bytes()
    start = content.index(b"PK\x01\x02")
    last = content.rindex(b"PK\x01\x02")
    end = content.rindex(b"PK\x05\x06")
    line = content[last:end]
    lines = b"".join(
        line.replace(b"sheet1.xml", b"sheet%c.xml" % letter) for letter in b"abcdefgh" * 3
    )
    lines = content[start:end] + lines
    count = lines.count(b"PK\x01\x02")
    tail = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, count, count, len(lines), start, 0)
    path.write_bytes(content[:start] + lines + tail)


def stolen_password(samples: Path, path: Path) -> None:
    """A package whose parts are marked as encrypted."""
    content = bytearray((samples / "row_spans.xlsx").read_bytes())
    place = content.rindex(SHEET.encode()) - 46
    content[place + 8] |= 1
    path.write_bytes(content)


def two_sheets_of_rows(samples: Path, path: Path) -> None:
    """A sheet with its rows in two places, the second of which would stay without labels."""
    sheet = parts_of((samples / "row_spans.xlsx").read_bytes())[SHEET]
    sheet = sheet.replace(b"</worksheet>", b"<sheetData/></worksheet>")
    changed(samples / "row_spans.xlsx", path, {SHEET: sheet})


def latin_sheet(samples: Path, path: Path) -> None:
    """A sheet in another encoding, in which new cells would be other characters."""
    sheet = parts_of((samples / "row_spans.xlsx").read_bytes())[SHEET]
    head = b'<?xml version="1.0" encoding="iso-8859-1"?>'
    changed(samples / "row_spans.xlsx", path, {SHEET: head + sheet})


def many_wide_sheets(samples: Path, path: Path) -> None:
    """Sixty sheets with texts, each as wide as a sheet can be."""
    parts = parts_of((samples / "row_spans.xlsx").read_bytes())
    main, relations = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
    tab = parts[main][parts[main].index(b"<sheet ") : parts[main].index(b"</sheets>")]
    start = parts[relations].index(b"<Relationship ")
    one = parts[relations][start : parts[relations].index(b"/>", start) + 2]
    sheet = b"<worksheet %s><sheetData><row><c t='str'><v>text</v></c>" % MAIN
    sheet += b"<c/>" * 16_383 + b"</row></sheetData></worksheet>"
    tabs, targets = b"", b""
    for number in range(60):
        title = b"S%d" % number
        tabs += tab.replace(b"Reviews", title).replace(b'"rId1"', b'"%s"' % title)
        targets += one.replace(b'"rId1"', b'"%s"' % title).replace(b"sheet1", title)
        parts[f"xl/worksheets/S{number}.xml"] = sheet
    parts[main] = parts[main].replace(tab, tabs)
    parts[relations] = parts[relations].replace(one, targets)
    path.write_bytes(package_of(parts))


def many_tabs(samples: Path, path: Path) -> None:
    """Ten thousand tabs that show one long sheet without a value."""
    main = parts_of((samples / "row_spans.xlsx").read_bytes())["xl/workbook.xml"]
    tab = main[main.index(b"<sheet ") : main.index(b"</sheets>")]
    sheet = b"<worksheet %s><sheetData>" % MAIN + b"<row/>" * 100_000 + b"</sheetData></worksheet>"
    parts = {"xl/workbook.xml": main.replace(tab, tab * 10_000), SHEET: sheet}
    changed(samples / "row_spans.xlsx", path, parts)


DIRECTORY = "{} is damaged: its directory:"
WORKBOOK = "{} is damaged or not an Excel workbook:"
BOMB = "unpacks from {packed} to {size} bytes, as no honest workbook does. Save the sheet as CSV."

ATTACKS: dict[Callable[[Path, Path], None], str] = {
    sheet_bomb: f"{{}}: its part {SHEET} {BOMB}",
    strings_bomb: f"{{}}: its part {STRINGS} {BOMB}",
    deep: f"{PART} more than 100 elements stand within each other. {SAVE_AGAIN}",
    long_tag: f"{PART} a tag is longer than 1048576 bytes. {SAVE_AGAIN}",
    long_cell: f"{PART} a text is longer than 262144 characters; Excel allows 32767. {SAVE_AGAIN}",
    many_columns: f"{PART} row 1 has more than 16384 columns. {SAVE_AGAIN}",
    many_rows: (
        f"{PART} row 1048577 is beyond the last one that a sheet can have, 1048576. {SAVE_AGAIN}"
    ),
    many_styles: (f"{{}} is damaged: xl/styles.xml: it has more than 100000 formats. {SAVE_AGAIN}"),
    many_parts: f"{WORKBOOK} its directory is longer than 4194304 bytes.",
    many_tabs: "{} is empty. It needs a row with the column names.",
    sizes_that_lie: f"{WORKBOOK} Bad CRC-32 for file '{SHEET}'.",
    parts_that_overlap: (
        f"{DIRECTORY} the parts overlap or are longer than the file. {SAVE_AGAIN}"
    ),
    stolen_password: "{} is protected by a password. Save it without a password.",
    two_sheets_of_rows: f"{PART} it has its rows twice. {SAVE_AGAIN}",
    many_wide_sheets: "{} has too many columns and formats on its 60 sheets with the column of "
    "texts. Say which with --sheet.",
    latin_sheet: f"{PART} it is in iso-8859-1; only utf-8 can be read. {SAVE_AGAIN}",
}


SQUARES = "squares"
Outcome = tuple[str, float, int]

PROGRAM = """
import json, resource, sys, time
from pathlib import Path
from score.errors import DataError
from score.tables import open_table
import score.tables.excel.table
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
def squares():
    begun = time.process_time()
    sum(i * i for i in range(10_000_000))
    return time.process_time() - begun
start, outcomes, before = peak(), {}, squares()
for name in sys.argv[1:]:
    begun = time.process_time()
    try:
        table = open_table(Path(name))
        list(table.rows([len(table.columns) - 1]))
        said = "no refusal"
    except DataError as exc:
        said = str(exc)
    outcomes[name] = said, time.process_time() - begun, peak() - start
outcomes["squares"] = "", max(before, squares()), 0
print(json.dumps(outcomes))
"""


@pytest.fixture(scope="module")
def folder(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all attacks."""
    folder = tmp_path_factory.mktemp("attacks")
    for attack in ATTACKS:
        attack(samples, folder / f"{attack.__name__}.xlsx")
    return folder


@pytest.fixture(scope="module")
def outcomes(samples: Path, folder: Path) -> dict[str, Outcome]:
    """What became of each: the message, the seconds of work, and the growth in bytes so far.

    All run in one process of their own: how much memory it needed at most, it says only once.
    Beside them stand the seconds that ten million squares take there.
    """
    pytest.importorskip("resource", reason="Windows does not say how much memory was needed")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *sorted(path.name for path in folder.iterdir())],
        capture_output=True,
        check=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(samples.parents[1])},
    )
    outcomes: dict[str, Outcome] = json.loads(done.stdout)
    return outcomes


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_is_refused(
    attack: Callable[[Path, Path], None], folder: Path, outcomes: dict[str, Outcome]
) -> None:
    """It is refused in one line, after little work and with at most 100 MiB of growth."""
    name = f"{attack.__name__}.xlsx"
    said, seconds, growth = outcomes[name]
    sizes = {}
    if attack in {sheet_bomb, strings_bomb}:
        with zipfile.ZipFile(folder / name) as package:
            bomb = package.infolist()[-1]
        sizes = {"packed": bomb.compress_size, "size": bomb.file_size}
    assert said == ATTACKS[attack].format(name, **sizes)
    _, unit, _ = outcomes[SQUARES]
    assert seconds < MOST_SQUARES * unit
    assert growth < MOST_GROWTH


@pytest.mark.parametrize(
    "part",
    [
        "_rels/.rels",
        "xl/_rels/workbook.xml.rels",
        "xl/styles.xml",
        "xl/tables/table1.xml",
        "xl/workbook.xml",
        "xl/worksheets/_rels/sheet1.xml.rels",
        "xl/worksheets/sheet1.xml",
    ],
)
def test_entities_are_refused_in_every_part(part: str, samples: Path, tmp_path: Path) -> None:
    """A part that declares a document type is refused, whichever of those that are read it is."""
    sample = samples / "excel_table.xlsx"
    harmless = parts_of(sample.read_bytes())[part]
    start = harmless.index(b"?>") + 2 if harmless.startswith(b"<?") else 0
    doctype = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
    hostile = harmless[:start] + doctype + harmless[start:]
    path = changed(sample, tmp_path / "entities.xlsx", {part: hostile})
    with pytest.raises(DataError) as refused:
        open_table(path)
    assert str(refused.value) == (
        f"{path} is damaged: {part}: it declares a document type, which may hide entities. "
        f"{SAVE_AGAIN}"
    )

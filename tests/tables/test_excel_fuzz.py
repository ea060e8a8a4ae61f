"""Damaged workbooks: whatever happens to their bytes, they are read or refused, never worse."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from score.errors import DataError, ThumbsError
from score.tables import NewColumn, Source, TableOptions
from score.tables.excel.table import ExcelTable
from tests.tables.workbooks import package_of, parts_of

EXAMPLES = int(os.environ.get("THUMBS_FUZZ", "400"))
"""How many damaged workbooks each test reads; a nightly run asks for more."""

SAMPLES = Path(__file__).parents[2] / "samples" / "awkward"
WORKBOOKS = {
    name: (SAMPLES / name).read_bytes()
    for name in (
        "chart.xlsx",
        "dates_from_1904.xlsx",
        "excel_table.xlsx",
        "filtered_rows.xlsx",
        "formulas.xlsx",
        "kinds_of_cells.xlsx",
        "macros.xlsm",
        "merged_cells.xlsx",
        "prefixed_tags.xlsx",
        "row_spans.xlsx",
        "several_sheets.xlsx",
        "shared_strings.xlsx",
        "texts_on_one_sheet.xlsx",
    )
}
BLOCKS = st.sampled_from(
    [
        *(b"", b"<", b">", b'"', b"</row>", b"<row>", b"<c/>", b"<v>", b"<!--", b"<![CDATA["),
        *(b"0", b"-1", b"99999999999", b"A1", b"XFD1048576", b"&", b"\xff", b"\0", b"../"),
        *(b"xmlns", b't="s"', b'r="9"', b"</sheetData>"),
    ]
)

fuzz = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def damage(draw: st.DrawFn, content: bytes) -> bytes:
    """Some bytes replaced by others, moved, doubled or cut off."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 30)))
        new = draw(BLOCKS | st.binary(max_size=8) | st.just(content[start:end] * 2))
        content = content[:start] + new + content[end:]
    return content


@st.composite
def damaged_packages(draw: st.DrawFn) -> bytes:
    """The bytes of a workbook with some damage."""
    return draw(damage(WORKBOOKS[draw(st.sampled_from(sorted(WORKBOOKS)))]))


@st.composite
def damaged_parts(draw: st.DrawFn) -> bytes:
    """A sound package with one damaged part in it, or one that is another part."""
    parts = parts_of(WORKBOOKS[draw(st.sampled_from(sorted(WORKBOOKS)))])
    name = draw(st.sampled_from(sorted(parts)))
    content = parts[draw(st.sampled_from((name, name, name, *sorted(parts))))]
    return package_of(parts | {name: draw(damage(content))})


def label(content: bytes, prefix: str = "") -> bytes:
    """Label a workbook."""
    target = io.BytesIO()
    table = ExcelTable(Source("damaged.xlsx", io.BytesIO(content), owned=True), TableOptions())
    try:
        columns = [
            NewColumn(f"{prefix}label", "text"),
            NewColumn(f"{prefix}confidence", "number"),
        ]
        writer = table.writer(target, columns)
        for row in table.rows(range(min(2, len(table.columns)))):
            writer.write(row, () if row.blank else ("NEW", 0.5))
        writer.close()
    finally:
        table.close()
    return target.getvalue()


def label_or_refuse(content: bytes) -> bytes | None:
    """Label a workbook; None where it is refused in one line."""
    refusal = None
    try:
        return label(content)
    except ThumbsError as exc:
        refusal = exc
    assert "\n" not in str(refusal)
    assert refusal.exit_code == DataError.exit_code
    return None


@fuzz
@given(damaged_packages())
def test_a_damaged_package(content: bytes) -> None:
    """A file with damaged bytes is labelled or refused in one line."""
    label_or_refuse(content)


@fuzz
@given(damaged_parts())
def test_a_damaged_part(content: bytes) -> None:
    """A workbook with a damaged part is labelled or refused; labelled, it can be read again."""
    written = label_or_refuse(content)
    if written is not None:
        label(written, "second_")


@pytest.mark.parametrize("name", WORKBOOKS)
def test_an_undamaged_workbook(name: str) -> None:
    """What is damaged above is labelled when it is not."""
    label(WORKBOOKS[name])

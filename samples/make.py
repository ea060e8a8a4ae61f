"""Make reviews.xlsx: the reviews of reviews.csv, formatted as a person would have them.

Run in this folder: python make.py
"""

from __future__ import annotations

import csv
import datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

HERE = Path(__file__).parent
WIDTHS = {"A": 8, "B": 12, "C": 12, "D": 90}


def fill(sheet: Worksheet) -> None:
    """A coloured header that stays in view, real dates, text ids, wrapped reviews, a filter."""
    with (HERE / "reviews.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    sheet.append(header)
    for number, date, about, review in rows:
        sheet.append((number, datetime.date.fromisoformat(date), about, None))
        cell = sheet.cell(sheet.max_row, 4, review or None)
        cell.data_type = "s"  # one of the reviews begins with =
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.cell(sheet.max_row, 2).number_format = "d mmm yyyy"
    for cell in sheet[1]:
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", start_color="3B6E8F")
    for letter, width in WIDTHS.items():
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions


def main() -> None:
    """Write the workbook, with a second sheet that has nothing to do with the reviews."""
    workbook = Workbook()
    reviews = workbook.active
    assert isinstance(reviews, Worksheet)  # noqa: S101 - a new workbook has one
    reviews.title = "Reviews"
    fill(reviews)
    counts = workbook.create_sheet("Counts")
    counts.append(("about", "reviews"))
    for about in ("film", "book", "hotel", "gadget", "restaurant"):
        counts.append((about, f'=COUNTIF(Reviews!C:C,"{about}")'))
    workbook.save(HERE / "reviews.xlsx")


if __name__ == "__main__":
    main()

"""Finding the column that a person means."""

from __future__ import annotations

import pytest

from score.errors import DataError
from score.tables.columns import check_new_names, find_column, shown


@pytest.mark.parametrize(
    ("columns", "wanted", "place"),
    [
        (("id", "text"), "text", 1),
        (("Text", "text"), "text", 1),
        (("id", " Review Text "), "review text", 1),
        (("id", "STRASSE"), "straße", 1),
        (("a", "b", "c"), "#3", 2),
        (("a", "#1"), "#1", 1),
        (("", "text"), "#1", 0),
        (("id", "Comment "), None, 1),
        (("id", "BODY"), None, 1),
    ],
)
def test_a_column_is_found(columns: tuple[str, ...], wanted: str | None, place: int) -> None:
    """Exactly, else without regard to case and blanks, else by place, else by a usual name."""
    assert find_column(columns, wanted, "reviews.csv") == place


@pytest.mark.parametrize(
    ("columns", "wanted", "message"),
    [
        (
            ("id", "review"),
            "text",
            "reviews.csv has no column 'text'. Its columns: id, review. Say which with "
            "--text-column.",
        ),
        (
            ("text", "id", "text"),
            "text",
            "reviews.csv has 2 columns 'text': #1 text, #3 text. Say which with "
            "--text-column '#1'.",
        ),
        (
            ("Text", "TEXT"),
            "text",
            "reviews.csv has 2 columns 'text': #1 Text, #2 TEXT. Say which with "
            "--text-column '#1'.",
        ),
        (
            ("text", "Review"),
            None,
            "reviews.csv has 2 columns called text, review, comment, content, sentence or body: "
            "#1 text, #2 Review. Say which with --text-column '#1'.",
        ),
        (
            ("id", "", "a\nb\x1b[2J" + "c" * 40),
            None,
            "reviews.csv has no column called text, review, comment, content, sentence or body. "
            "Its columns: id, (no name), a\\nb\\x1b[2Jcccccccccccccccccccccccccccc…. "
            "Say which with --text-column.",
        ),
        (
            ("id", "stars"),
            "#3",
            "reviews.csv has no column '#3'. Its columns: id, stars. Say which with --text-column.",
        ),
        (
            ("a", "b"),
            "#0",
            "reviews.csv has no column '#0'. Its columns: a, b. Say which with --text-column.",
        ),
        (
            ("id;text;stars",),
            "text",
            "reviews.csv has no column 'text'. Its columns: id;text;stars. If ';' stands between "
            "its columns, add --delimiter ';'. Say which with --text-column.",
        ),
        (
            ("id\tname, first", " last\ttext"),
            "text",
            "reviews.csv has no column 'text'. Its columns: id\\tname, first,  last\\ttext. If "
            "'\\t' stands between its columns, add --delimiter '\\t'. Say which with "
            "--text-column.",
        ),
        (
            tuple(f"c{place}" for place in range(200)),
            "text",
            "reviews.csv has no column 'text'. Its columns: c0, c1, c2, c3, c4, c5, c6, c7, c8, "
            "c9, c10, c11 and 188 more. Say which with --text-column.",
        ),
    ],
)
def test_a_column_that_is_not_clear_is_refused(
    columns: tuple[str, ...], wanted: str | None, message: str
) -> None:
    """No column, or more than one: the message lists what there is, on one line."""
    with pytest.raises(DataError) as refused:
        find_column(columns, wanted, "reviews.csv")
    assert str(refused.value) == message


def test_the_option_is_the_callers() -> None:
    """A command with another option names that one as the remedy."""
    with pytest.raises(DataError) as refused:
        find_column(("id",), "label", "imdb.csv", option="--label-column")
    assert str(refused.value) == (
        "imdb.csv has no column 'label'. Its columns: id. Say which with --label-column."
    )


def test_new_names_must_be_free() -> None:
    """A column whose name is taken, in any case, is refused with the option that helps."""
    check_new_names(("id", "text"), ("label", "confidence"), "reviews.csv")
    with pytest.raises(DataError) as refused:
        check_new_names(("id", "Label "), ("confidence", "label"), "reviews.csv")
    assert str(refused.value) == (
        "reviews.csv has a column 'Label ' already. Put something before the new names with "
        "--prefix, such as --prefix thumbs_."
    )


def test_texts_in_messages_stay_on_one_line() -> None:
    """Line breaks of all kinds, marks and half surrogates are spelled out."""
    assert shown("a\r\nb\u2028c\ufeffd\ud800e") == r"a\r\nb\u2028c\ufeffd\ud800e"

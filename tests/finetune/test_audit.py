"""What the audit finds in tiny tables, what it leaves out, and what it writes."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from finetune.audit import Audit, audit_data
from finetune.audit_report import write_audit
from finetune.audit_rows import AuditRow, AuditRows
from finetune.data import DataSettings, load_data
from finetune.near import near_groups, words
from finetune.settings import TrainSettings
from finetune.splits import NEITHER, LabelledData, Origin, Split
from finetune.train import audit_only, train_model
from score.errors import DataError, OutputError, UsageError
from tests.conftest import sentences, tiny_settings, write_table

LONG = (
    "We came for the garden and stayed for the kitchen, which sends out plain dishes made with "
    "care, and the host who remembers every guest by name, year after year."
)
LONGER = LONG.replace("year after year", "even after years")


def split(*rows: tuple[str, int]) -> Split:
    """Rows numbered from 1."""
    return Split(
        tuple(text for text, _ in rows),
        tuple(number for _, number in rows),
        tuple(Origin(str(i + 1)) for i in range(len(rows))),
    )


def data_of(
    train: Split, validation: Split | None = None, test: Split | None = None
) -> LabelledData:
    """Data with the classes bad and good; what is not given has two rows of its own."""
    return LabelledData(
        "r.csv",
        "t.csv",
        ("bad", "good"),
        "none",
        train,
        validation or split(("No breakfast at all.", 0), ("Warm and friendly people.", 1)),
        test or split(("We left after one night.", 0), ("I slept like a stone.", 1)),
    )


def audit_of(data: LabelledData, *clean: str, base: str = "no-such-base") -> Audit:
    """The audit, without a tokenizer unless a base is named."""
    return audit_data(data, TrainSettings(base=base, language="en"), clean)


def found(audit: Audit) -> list[tuple[str, str, str, str]]:
    """Reason, part, row and detail of all findings."""
    return [(one.reason, one.row.part, one.row.row, one.detail) for one in audit.findings]


def test_texts_that_are_no_reviews() -> None:
    """Blank, very short, foreign and marked up texts are found; a good one is not."""
    train = split(
        ("A waste of two hours.", 0),
        (" \n", 0),
        ("Great!", 1),
        ("这部电影太差了,我不喜欢。", 0),
        ("A waste of <b>two</b> hours, and of money.", 0),
        ("Fish &amp; chips as they should be.", 1),
        ("2 < 3 and 5 > 4, they said & laughed.", 1),
    )
    assert found(audit_of(data_of(train))) == [
        ("empty", "train", "2", ""),
        ("language", "train", "4", ""),
        ("short", "train", "3", "1 word"),
        ("markup", "train", "5", "<b> stays"),
        ("markup", "train", "6", "&amp; stays"),
    ]


def test_copies_within_training() -> None:
    """The first of several copies is no finding; a conflict names the row with the other label."""
    train = split(
        ("A waste of two hours.", 0),
        ("a waste of  two hours.", 0),
        (LONG, 1),
        (LONGER, 1),
        ("Never again, thanks.", 0),
        ("Never again, thanks.", 1),
    )
    assert found(audit_of(data_of(train))) == [
        ("conflict", "train", "5", "the same text as row 6 of train, labelled good"),
        ("conflict", "train", "6", "the same text as row 5 of train, labelled bad"),
        ("duplicate", "train", "2", "the same text as row 1 of train"),
        ("duplicate", "train", "6", "the same text as row 5 of train, labelled bad"),
        ("near-duplicate", "train", "4", "nearly the same text as row 3 of train"),
    ]


def test_leaks_are_always_left_out() -> None:
    """Training yields to validation and both yield to test, near copies included."""
    data = data_of(
        split((LONG, 1), ("A waste of two hours.", 0), ("Lovely rooms, all of them.", 1)),
        split(("a waste of two hours.", 0), ("Lovely place to rest.", 1)),
        split((LONGER, 1), ("LOVELY PLACE TO REST.", 1), ("LOVELY PLACE TO REST.", 1)),
    )
    audit = audit_of(data)
    assert found(audit) == [
        ("leak", "train", "1", "nearly the same text as row 1 of test"),
        ("leak", "train", "2", "the same text as row 1 of validation"),
        ("leak", "validation", "2", "the same text as row 2 of test"),
        ("duplicate", "test", "3", "the same text as row 2 of test"),
    ]
    with pytest.raises(DataError, match=r"^r\.csv has no training row for the label bad\.$"):
        audit.cleaned()
    assert audit.summary()["left_out"] == {"leak": 3}


def test_rows_are_left_out_by_reason() -> None:
    """--clean takes rows from training alone, and each counts for the first of its reasons."""
    train = split(
        ("A waste of two hours.", 0),
        ("A waste of two hours.", 0),
        ("Good", 1),
        ("Good", 1),
        ("Kind staff and clean rooms.", 1),
    )
    validation = split(("Bad", 0), ("Warm and friendly people.", 1))
    audit = audit_of(data_of(train, validation), "short", "duplicate")
    cleaned = audit.cleaned()
    assert [origin.row for origin in cleaned.train.origins] == ["1", "5"]
    assert cleaned.validation == validation
    assert audit.summary() == {
        "rows": 9,
        "found": {"duplicate": 2, "short": 3},
        "left_out": {"duplicate": 2, "short": 1},
        "clean": ["duplicate", "short"],
        "notes": [
            "Texts longer than the model reads were not looked for: "
            "the base model no-such-base cannot be had.",
            "Suspect labels were not looked for: that takes at least 10 different texts of "
            "each class, and bad has 3.",
        ],
    }
    assert audit.sentence() == (
        "the audit of 9 rows found duplicate 2, short 3; left out of training: duplicate 2, "
        "short 1. See audit.html and audit.csv."
    )


def test_what_leaked_by_the_very_text_is_counted(tmp_path: Path) -> None:
    """Exact leaks, which never reach a split, are findings too, with the row of each side."""
    folder = tmp_path / "two"
    for part, offset in (("train", 0), ("test", 38)):
        for sub in ("neg", "pos"):
            (folder / part / sub).mkdir(parents=True)
            for i in range(offset, offset + 40):
                text = f"Night {i} was {sub}<br />here, I would say."
                (folder / part / sub / f"{i}_1.txt").write_text(text, encoding="utf-8")
    audit = audit_of(load_data(DataSettings(str(folder), validation=0.2)))
    assert [one for one in found(audit) if one[0] == "leak"] == [
        ("leak", "train", "neg/38_1.txt", "the same text as row neg/38_1.txt of test"),
        ("leak", "train", "neg/39_1.txt", "the same text as row neg/39_1.txt of test"),
        ("leak", "train", "pos/38_1.txt", "the same text as row pos/38_1.txt of test"),
        ("leak", "train", "pos/39_1.txt", "the same text as row pos/39_1.txt of test"),
    ]
    assert audit.summary()["found"]["markup"] == 160
    sampled = audit_of(load_data(DataSettings(str(folder), validation=0.2, test_size=1)))
    assert [one[2] for one in found(sampled) if one[0] == "leak"] == [
        "neg/38_1.txt",
        "neg/39_1.txt",
        "pos/38_1.txt",
        "pos/39_1.txt",
    ]


def test_row_numbers_are_the_tables(tmp_path: Path) -> None:
    """A row is numbered as ``thumbs score`` numbers it: blank lines count."""
    path = tmp_path / "r.csv"
    rows = "\n\n".join(f"Text number {i} is fine.,{i % 2}" for i in range(40))
    path.write_text(f"text,label\n{rows}\n\nOdd,1\n")
    audit = audit_of(load_data(DataSettings(str(path), validation=0.2)))
    short = [one for one in audit.findings if one.reason == "short"]
    assert [(one.row.row, one.row.text) for one in short] == [("81", "Odd")]


def test_a_table_that_was_cut() -> None:
    """Five texts as long as the longest, without an end to their sentence, were cut off."""
    cut = [(f"{i} and then we went {'on and on ' * 9}"[:100], 1) for i in range(5)]
    whole = [(f"{i} and then we went {'on and on ' * 9}"[:99] + ".", 1) for i in range(5)]
    assert [one[0] for one in found(audit_of(data_of(split(*whole))))] == ["near-duplicate"] * 4
    cut_off = [one for one in found(audit_of(data_of(split(*cut)))) if one[0] == "cut-off"]
    assert cut_off == [
        ("cut-off", "train", str(i + 1), "100 characters, as 5 rows have") for i in range(5)
    ]


def test_rows_are_made_when_they_are_asked_for() -> None:
    """By place, from the end, or all in turn, those that leaked last."""
    data = data_of(split(("One.", 0), ("Two.", 1)))
    rows = AuditRows(replace(data, leaked={"train": split(("A leak.", 1))}))
    assert len(rows) == 7
    assert rows[1] == AuditRow("train", "2", "good", 1, "Two.", changed=False, leaked=False)
    assert rows[-1] == AuditRow("train", "1", "good", 1, "A leak.", changed=False, leaked=True)
    assert list(rows) == [rows[i] for i in range(7)] == rows[:]
    assert [row.part for row in rows[1:5:2]] == ["train", "validation"]
    with pytest.raises(IndexError):
        rows[7]


def test_a_short_text_that_is_long_to_the_model(tiny_base: Path) -> None:
    """A text of few letters is not asked about only where it can have no more tokens."""
    train = split(("b" * 64, 1), ("b" * 59, 0), ("这" * 63, 0))
    audit = audit_data(data_of(train), tiny_settings(tiny_base))
    assert [one[2] for one in found(audit) if one[0] == "truncated"] == ["1", "3"]


def test_texts_longer_than_the_model_reads(tiny_base: Path) -> None:
    """The base's own tokenizer says which; without the base a note says so."""
    train = split((LONG, 1), ("bad " * 63, 0), ("bad " * 62, 0))
    audit = audit_data(data_of(train), tiny_settings(tiny_base))
    assert [one for one in found(audit) if one[0] == "truncated"] == [
        ("truncated", "train", "1", "of it 64 tokens are read"),
        ("truncated", "train", "2", "of it 64 tokens are read"),
    ]
    assert audit.notes == (
        "Other languages were not looked for: say which is right with --language.",
        "Suspect labels were not looked for: that takes at least 10 different texts of each "
        "class, and good has 3.",
    )


def test_labels_that_are_probably_wrong(tiny_data: Path) -> None:
    """The three sentences that were labelled wrongly are found, and no other plain one."""
    audit = audit_of(load_data(DataSettings(str(tiny_data), validation=0.2)))
    suspects = {one.row.row: one for one in audit.findings if one.reason == "suspect"}
    assert {"8", "13", "30"} <= set(suspects)
    assert all(int(row) > 56 for row in set(suspects) - {"8", "13", "30"})
    label = sentences()[7][1]
    assert suspects["8"].detail.endswith("%)")
    assert f", not {label} (" in suspects["8"].detail


def test_texts_without_words() -> None:
    """Where the baseline has nothing to learn from, a note says so."""
    train = split(*(("." * i, i % 2) for i in range(1, 27)))
    audit = audit_of(data_of(train, split(("-", 0), ("--", 1)), split((":", 0), ("::", 1))))
    assert audit.notes[-1] == (
        "Suspect labels were not looked for: the texts hold no words to learn from."
    )


def test_a_class_of_copies() -> None:
    """A class whose texts all go into one fold cannot be checked, and the note says why."""
    bad = [(f"{LONG} Order {i}.", 0) for i in range(12)]
    good = [
        (f"Room {i} was quiet and the {word} fine.", 1) for i, word in enumerate("abcdefghijkl")
    ]
    own = (split((f"{LONG} Order 98.", 0)), split((f"{LONG} Order 99.", 0)))
    audit = audit_of(data_of(split(*bad, *good), *own))
    assert audit.notes[-1] == (
        "Suspect labels were not looked for: the texts of bad are nearly all copies of each "
        "other, so none can judge the others."
    )


def test_sentences_of_one_review_are_rows_of_their_own(tmp_path: Path) -> None:
    """Of a review's sentences only those with a finding are left out, each of them counted."""
    texts = (
        "It is bad.",
        "WE LEFT AFTER ONE NIGHT.",
        "So <b>many</b> stairs here.",
        "Do <b>not</b> stay here.",
    )
    row = Origin("7")
    base = data_of(split(("A waste of two hours.", 0), ("A good quiet place.", 1)))
    data = replace(base, sentences=Split(texts, (NEITHER,) * 4, (row,) * 4))
    audit = audit_of(data, "markup")
    assert audit.summary()["left_out"] == {"leak": 1, "markup": 2}
    assert audit.cleaned().sentences == Split(texts[:1], (NEITHER,), (row,))
    write_audit(tmp_path, audit)
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert "<p>3 of 10 rows have something to look at;\n3 are left out" in page


def test_near_texts() -> None:
    """A changed word in thirty is near, other words are not, a short text is near to none."""
    other = " ".join(reversed(LONG.split()))
    groups = near_groups([LONG, other, LONGER, "Good food.", "Good food!", LONG.upper()])
    assert groups[0] == groups[2] == groups[5]
    assert len(np.unique(groups)) == 4
    assert near_groups([]).tolist() == []


def test_a_thousand_copies_are_one_group() -> None:
    """A text that a machine wrote a thousand times costs no million comparisons."""
    texts = [f"{LONG} Order {i}." for i in range(1000)]
    assert len(np.unique(near_groups(texts))) == 1


def test_words_of_any_script() -> None:
    """Chinese letters are words by themselves; marks are none."""
    assert words("Très bon! 很好 OK_1") == ["très", "bon", "很", "好", "ok", "1"]


def test_the_table_has_every_finding(tmp_path: Path) -> None:
    """The whole CSV: its columns, an excerpt on one line, and no cell that is a formula."""
    data = data_of(split(("=1+1\n", 0), ("-Warm", 1), ("A fine & <i>quiet</i> place.", 1)))
    write_audit(tmp_path / "new", audit_of(data))
    content = (tmp_path / "new" / "audit.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfrow,part,reason,label,detail,text\r\n")
    assert list(csv.reader(content.decode("utf-8-sig").splitlines()))[1:] == [
        ["1", "train", "short", "bad", "2 words", "'=1+1"],
        ["2", "train", "short", "good", "1 word", "'-Warm"],
        ["3", "train", "markup", "good", "<i> stays", "A fine & <i>quiet</i> place."],
    ]


class Page(HTMLParser):
    """Collects the words, the tags and what the page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the tag as open, and any address in it."""
        if tag != "meta":
            self.open.append(tag)
        self.loaded += [str(v) for k, v in attrs if k in {"src", "href"} and v and v[0] != "#"]
        if tag in {"script", "link", "img", "iframe"}:
            self.loaded.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Every tag is closed where it belongs."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect the words."""
        if self.open[-1:] != ["style"]:
            self.words += data.split()


def test_the_page(tmp_path: Path) -> None:
    """Well-formed, loads nothing, shows texts as text, and says what the counts are."""
    data = data_of(
        split(
            ("<script>alert(1)</script> it was fine", 1),
            ("A waste of two hours.", 0),
            ("A good quiet place.", 1),
            ("Good", 1),
        )
    )
    write_audit(tmp_path, audit_of(data, "short"))
    page = Page()
    page.feed((tmp_path / "audit.html").read_text(encoding="utf-8"))
    text = " ".join(page.words)
    assert (page.open, page.loaded) == ([], [])
    assert text.startswith(
        "Audit of r.csv Audit of r.csv 2 of 8 rows have something to look at; "
        "1 is left out of the training. All of them are in audit.csv , with their row and the "
        "reason. Texts longer than the model reads were not looked for: the base model "
        "no-such-base cannot be had. Suspect labels were not looked for: that takes at least 10 "
        "different texts of each class, and bad has 3. What was found"
    )
    assert "Reason train validation test left out Also measured on 0 0 0 0" in text
    assert "Very short 1 0 0 1 " in text
    assert "<script>alert(1)</script> it was fine" in text
    assert (
        "good has 3.0 times as many training rows as bad: --class-weights balanced lets "
        "all classes count the same."
    ) in text
    assert "bad 1 1 1 good 3 1 1 all 4 2 2" in text
    assert "--clean markup leaves them out of the training." in text


def test_an_audit_alone(tiny_base: Path, tiny_data: Path, tmp_path: Path) -> None:
    """It trains nothing; its folder can then be trained into, a finished model's is kept."""
    output = tmp_path / "model"
    # The three that are labelled wrongly are measured on; here is one that is trained on.
    plain = load_data(DataSettings(str(tiny_data), validation=0.2))
    wrong = next(text for text in plain.train.texts if text == "A great and good film.")
    rows = [(text, "negative" if text == wrong else label) for text, label in sentences()]
    table = write_table(tmp_path / "sentences.csv", rows)
    data = DataSettings(str(table), validation=0.2, clean=("suspect",))
    audit = audit_only(data, tiny_settings(tiny_base), output)
    assert {path.name for path in output.iterdir()} == {"audit.html", "audit.csv"}
    report = train_model(data, tiny_settings(tiny_base, epochs=1), output)
    metrics = json.loads((output / "metrics.json").read_text())
    assert (metrics["audit"], report.audited) == (audit.summary(), audit.sentence())
    left_out = metrics["audit"]["left_out"]["suspect"]
    assert left_out >= 1
    assert metrics["data"]["splits"]["train"]["n"] == 30 - left_out
    with pytest.raises(OutputError):
        audit_only(data, tiny_settings(tiny_base), output)


def test_every_model_has_its_audit(tiny_checkpoint: Path, tiny_bundle: Path) -> None:
    """Page and table lie in the model's folder, the counts in metrics and in the bundle."""
    assert (tiny_checkpoint / "audit.html").is_file()
    assert (tiny_checkpoint / "audit.csv").is_file()
    audit = json.loads((tiny_checkpoint / "metrics.json").read_text())["audit"]
    assert (audit["rows"], audit["left_out"], audit["clean"]) == (64, {}, [])
    assert json.loads((tiny_bundle / "bundle.json").read_text())["audit"] == audit


def test_reasons_that_nobody_can_choose() -> None:
    """A leak is left out anyway, and what is no reason is refused with the list."""
    refused = {
        "leak": "--clean leak is not needed: leaks are always left out of training. "
        "Leave the word out.",
        "bored": "--clean 'bored' is no reason of the audit; it is one of conflict, suspect, "
        "duplicate, near-duplicate, empty, language, cut-off, short, truncated, markup.",
    }
    for reason, message in refused.items():
        with pytest.raises(UsageError) as caught:
            DataSettings("r.csv", clean=(reason,))
        assert str(caught.value) == message


def test_the_command_reads_as_much_as_a_bundle_does(tiny_bundle: Path, tmp_path: Path) -> None:
    """That is the base; a number of one's own comes first."""
    from click.testing import CliRunner

    from finetune.cli import finetune

    table = write_table(tmp_path / "r.csv", [*sentences(), ("a film " * 100, "positive")])
    words = [str(table), "-o", str(tmp_path / "model"), "--base", str(tiny_bundle), "--audit-only"]
    for more, cut in (([], True), (["--max-tokens", "8"], True), (["--max-tokens", "256"], False)):
        result = CliRunner().invoke(finetune, [*words, *more, "--overwrite"])
        assert ("truncated" in result.output) == cut, result.output


def test_the_command(tiny_base: Path, tmp_path: Path) -> None:
    """``thumbs finetune --audit-only`` says what was found; reasons may stand in one list."""
    from click.testing import CliRunner

    from finetune.cli import finetune

    table = write_table(tmp_path / "r.csv", [*sentences(), ("Good", "positive")])
    words = [str(table), "-o", str(tmp_path / "model"), "--base", str(tiny_base), "--audit-only"]
    words += ["--max-tokens", "64", "--clean", "short,empty", "--clean", "duplicate"]
    result = CliRunner().invoke(finetune, words)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"{tmp_path / 'model'}: the audit of 65 rows found suspect ")
    assert "; left out of training: " in result.output
    assert result.output.endswith(" See audit.html and audit.csv.\n")

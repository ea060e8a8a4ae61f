"""Why an audit speaks of a row, and what a user can do about it."""

from __future__ import annotations

from dataclasses import dataclass

LEAK = "leak"


@dataclass(frozen=True, slots=True)
class Reason:
    """A kind of finding.

    Attributes:
        title: what the report calls it.
        meaning: what it means for the model, and what to do.
    """

    title: str
    meaning: str


REASONS = {
    LEAK: Reason(
        "Also measured on",
        "The same text, or nearly the same, stands in a part that the model is measured on, "
        "which would flatter it. Such rows are always left out of training, and out of the "
        "validation part where the test part has them.",
    ),
    "conflict": Reason(
        "Copies with different labels",
        "The same text, or nearly the same, has another label elsewhere. One of the two is "
        "wrong: mend it in the source.",
    ),
    "suspect": Reason(
        "Suspect label",
        "A baseline that did not see this row is so sure of another label that this one is "
        "probably wrong (confident learning). Irony and mixed feelings mislead it: read the "
        "row before you change it. Those it doubts most come first.",
    ),
    "duplicate": Reason(
        "Duplicate",
        "The same text, but for case and blanks, stands further up. The model hears it twice.",
    ),
    "near-duplicate": Reason(
        "Near duplicate",
        "Nearly the same text stands further up: of the runs of three words in either, at "
        "least 60 % stand in both.",
    ),
    "empty": Reason("Empty", "Nothing but blanks; there is nothing to learn from it."),
    "language": Reason("Another language", "Surely not in the language that --language names."),
    "cut-off": Reason(
        "Cut off",
        "As long as the longest text, and so are others, most of them without an end to their "
        "sentence: whatever wrote the file has cut them. Export it again without a limit.",
    ),
    "short": Reason("Very short", "One or two words. Right where short texts will be scored, too."),
    "truncated": Reason(
        "Longer than the model reads",
        "Its middle or end is left out in training, as in scoring; --max-tokens reads more.",
    ),
    "markup": Reason(
        "Markup",
        "Marks of a web page. Line break marks become blanks, in training as in scoring; "
        "others stay, and are best removed in the source.",
    ),
}
"""Every reason, in the order in which they are reported. A row that is left out for several
reasons counts for the first of them."""

CLEANABLE = tuple(name for name in REASONS if name != LEAK)
"""What a user can choose to leave out."""

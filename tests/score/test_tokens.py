"""Which tokens of a text the model reads."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tokenizers import BertWordPieceTokenizer, Tokenizer

from score.errors import BundleError, UsageError
from score.tokens import CHARACTERS_A_TOKEN, Encoded, Encoder, Truncation

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CLS, SEP = 2, 3
# The words w0, w1 ... have the ids 10, 11 ...
WORDS = [f"w{chr(97 + i)}" for i in range(20)]
TEXT = " ".join(WORDS)


@pytest.fixture
def tokenizer() -> Tokenizer:
    """A tokenizer that knows twenty words."""
    tokens = [*MARKS, *(f"[unused{i}]" for i in range(5)), *WORDS]
    wordpiece = BertWordPieceTokenizer({token: i for i, token in enumerate(tokens)})
    return wordpiece._tokenizer


@pytest.mark.parametrize(
    ("truncation", "kept"),
    [
        (Truncation("head", 10), [10, 11, 12, 13, 14, 15, 16, 17]),
        (Truncation("tail", 10), [22, 23, 24, 25, 26, 27, 28, 29]),
        (Truncation("head+tail", 10, 3), [10, 11, 12, 25, 26, 27, 28, 29]),
        (Truncation("head+tail", 10, 6), [10, 11, 12, 13, 14, 15, 28, 29]),
    ],
)
def test_truncation_keeps_these_tokens(
    tokenizer: Tokenizer, truncation: Truncation, kept: list[int]
) -> None:
    """Each policy keeps its own tokens between the two marks, and says that it cut."""
    encoder = Encoder(tokenizer, truncation)
    assert encoder.encode(TEXT) == Encoded([CLS, *kept, SEP], truncated=True)


@pytest.mark.parametrize("strategy", ["head", "tail", "head+tail"])
def test_a_text_that_fits_is_whole(tokenizer: Tokenizer, strategy: str) -> None:
    """A text of exactly the allowed length keeps all of its tokens; one more is cut."""
    encoder = Encoder(tokenizer, Truncation.halves(strategy, 22))
    assert encoder.encode(TEXT) == Encoded([CLS, *range(10, 30), SEP], truncated=False)
    assert encoder.encode(f"{TEXT} wa").truncated


@pytest.mark.parametrize("strategy", ["head", "tail", "head+tail"])
def test_the_ends_of_a_long_text_are_tokenised_as_all_of_it(
    tokenizer: Tokenizer, strategy: str
) -> None:
    """Short words and long ones, blanks and marks of all kinds: the same tokens, every time."""
    rng = random.Random(strategy)
    pieces = [*WORDS, "x" * 300, "é\u0301", "[SEP]", "中文", "\n", "\t", "...", "don't", "\u3000"]
    gaps = [" ", " ", "  ", "", "\n", " " * 40]
    texts = [
        "".join(rng.choice(pieces) + rng.choice(gaps) for _ in range(rng.randrange(200)))
        for _ in range(400)
    ]
    encoder, plain = (Encoder(tokenizer, Truncation.halves(strategy, 16)) for _ in range(2))
    assert encoder._by_word
    plain._by_word = False
    pieces_of = [encoder._pieces(text) for text in texts]
    assert 100 < sum(len(some) > 1 for some in pieces_of) < 400
    assert any(encoder._join(*_ids(tokenizer, some)) for some in pieces_of)
    assert not all(encoder._join(*_ids(tokenizer, some)) for some in pieces_of if len(some) > 1)
    assert encoder.encode_batch(texts) == plain.encode_batch(texts)


def _ids(tokenizer: Tokenizer, pieces: list[str]) -> list[list[int]]:
    return [one.ids for one in tokenizer.encode_batch(pieces, add_special_tokens=False)]


def test_other_tokenizers_see_all_of_a_text() -> None:
    """Where a token may reach over a blank, the ends alone would give other tokens."""
    from tokenizers.models import BPE

    tokens = {"a": 0, " ": 1, "a ": 2}
    encoder = Encoder(Tokenizer(BPE(tokens, [("a", " ")])), Truncation.halves("head+tail", 8))
    assert not encoder._by_word
    assert encoder._pieces("a " * 5000) == ["a " * 5000]


def test_a_batch_is_its_texts(tokenizer: Tokenizer) -> None:
    """Encoding many texts gives what encoding each of them gives, whatever stood in the file."""
    tokenizer.enable_truncation(5)
    tokenizer.enable_padding(length=50)
    encoder = Encoder(tokenizer, Truncation("head", 8))
    texts = ["wa wb", "", TEXT, "unknown", "WA"]
    assert encoder.encode_batch(texts) == [encoder.encode(text) for text in texts]
    assert encoder.encode("wa wb") == Encoded([CLS, 10, 11, SEP], truncated=False)
    assert encoder.encode("") == Encoded([CLS, SEP], truncated=False)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("middle", 256, 128), "Unknown truncation 'middle'; it is one of head, tail, head+tail."),
        (("head", 7, 0), "A limit of 7 tokens is too small; use 8 or more."),
        (
            ("head+tail", 16, 13),
            "Of 16 tokens 13 cannot come from the head; use 1 to 12.",
        ),
        (("head+tail", 16, 0), "Of 16 tokens 0 cannot come from the head; use 1 to 12."),
    ],
)
def test_impossible_truncations(values: tuple[str, int, int], message: str) -> None:
    """A policy that contradicts itself is refused at birth."""
    strategy, max_tokens, head_tokens = values
    with pytest.raises(UsageError) as caught:
        Truncation(strategy, max_tokens, head_tokens)  # type: ignore[arg-type] # on purpose
    assert str(caught.value) == message


def test_a_file_that_is_no_tokenizer(tmp_path: Path) -> None:
    """A broken tokenizer.json is named."""
    path = tmp_path / "tokenizer.json"
    path.write_text('{"model": {"vocab": {}}}')
    with pytest.raises(BundleError, match=r"tokenizer\.json cannot be read as a tokenizer: "):
        Encoder.from_file(path, Truncation())


LIMIT = 2 * CHARACTERS_A_TOKEN * 10
LONG_TRUNCATIONS = [
    Truncation("head", 10),
    Truncation("tail", 10),
    Truncation("head+tail", 10, 3),
    Truncation("head+tail", 10, 6),
]


@pytest.mark.parametrize("truncation", LONG_TRUNCATIONS)
@pytest.mark.parametrize("length", [LIMIT // 2, LIMIT, LIMIT + 1, LIMIT + 2, 5 * LIMIT])
def test_the_ends_are_all_that_matters(
    tokenizer: Tokenizer, truncation: Truncation, length: int
) -> None:
    """A very long text has the tokens that it has without the bound on its characters."""
    choose = random.Random(length)
    text = " ".join(choose.choices(WORDS, k=length))[:length]
    encoder = Encoder(tokenizer, truncation)
    all_ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert encoder.encode(text) == Encoded([CLS, *truncation.cut(all_ids, 2), SEP], truncated=True)
    assert encoder.encode_batch([text]) == [encoder.encode(text)]


@pytest.mark.parametrize("length", [LIMIT, LIMIT + 1, LIMIT + 2, 9 * LIMIT])
def test_the_ends_of_the_ends_are_the_ends(length: int) -> None:
    """Taking them twice changes nothing, so it does not matter who takes them first."""
    truncation = Truncation("head+tail", 10, 3)
    text = "".join(random.Random(length).choices("ab ", k=length - 2)) + "ab"
    ends, cut = truncation.ends(text)
    assert len(ends) <= LIMIT + 1
    assert truncation.ends(ends) == (ends, cut)


def test_blanks_around_a_text_are_not_its_ends() -> None:
    """A text between more blanks than are looked at is read, and is whole."""
    truncation = Truncation("head+tail", 10, 3)
    assert truncation.ends(" " * 2 * LIMIT + "wa wb" + "\n" * 2 * LIMIT) == ("wa wb", False)


def test_a_text_of_a_hundred_million_characters(tokenizer: Tokenizer) -> None:
    """One endless word or endless sentences: its cost is that of its ends."""
    encoder = Encoder(tokenizer, Truncation("head+tail", 10, 3))
    for text in ("wa" * 50_000_000, f"{TEXT} " * 1_600_000):
        assert encoder.encode(text).truncated

"""From a cleaned text to token ids, cut to the length the model was trained with.

Training and scoring call this same code, so a model never meets an input that was cut
in another way than those it learned from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from score.bundle_files import read
from score.errors import BundleError, UsageError
from score.tables.columns import shown
from score.tokenizer_file import MAX_BYTES, UnsafeTokenizerError, check_tokenizer

if TYPE_CHECKING:
    import tokenizers

Strategy = Literal["head", "tail", "head+tail"]
Reading = Literal["cut", "windows"]
"""How a text is read that is longer than the model's input: cut, or all of it in windows."""

MAX_WINDOWS = 64
"""The most windows of a text: some 12,000 words at 256 tokens a window."""

MAX_MARKS = 4
"""The most tokens of its own that a tokenizer may put around a text; BERT's puts two."""

CHARACTERS_A_TOKEN = 64
"""How much text is looked at for each token that is kept, at either end. A token stands for
four to five characters of English, for one of Chinese; so this changes nothing but texts
that are mostly blanks or one endless word, and it bounds time and memory for all."""


# Characters for each token that is kept: with so many an English text is nearly always cut in
# less time than it takes to tokenise all of it.
_LIKELY = 8


@dataclass(frozen=True, slots=True)
class Truncation:
    """Which tokens of a text that is too long are kept.

    Attributes:
        strategy: ``head`` keeps the first tokens, ``tail`` the last, ``head+tail`` both
            ends: an opinion often stands in the last sentences of a long review
            (Sun et al. 2019, "How to Fine-Tune BERT for Text Classification?").
        max_tokens: the most tokens of an input, the tokenizer's own marks included.
        head_tokens: for ``head+tail``, how many of them come from the beginning.

    Raises:
        UsageError: the values contradict each other.
    """

    strategy: Strategy = "head+tail"
    max_tokens: int = 256
    head_tokens: int = 128

    def __post_init__(self) -> None:
        if self.strategy not in get_args(Strategy):
            raise UsageError(
                f"Unknown truncation {self.strategy!r}; it is one of head, tail, head+tail."
            )
        if self.max_tokens < 8:
            raise UsageError(f"A limit of {self.max_tokens} tokens is too small; use 8 or more.")
        most = self.max_tokens - MAX_MARKS
        if self.strategy == "head+tail" and not 0 < self.head_tokens <= most:
            raise UsageError(
                f"Of {self.max_tokens} tokens {self.head_tokens} cannot come from the head; "
                f"use 1 to {most}."
            )

    @classmethod
    def halves(cls, strategy: str, max_tokens: int) -> Truncation:
        """Truncation by ``strategy`` that, for ``head+tail``, takes half from the beginning."""
        return cls(cast("Strategy", strategy), max_tokens, max_tokens // 2)

    def check_positions(self, positions: int, name: str) -> None:
        """Check that a model of ``positions`` reads that many tokens.

        Raises:
            UsageError: it does not; ``name`` is what it is called.
        """
        if self.max_tokens > positions:
            raise UsageError(
                f"{name} reads at most {positions} tokens, not {self.max_tokens}; "
                f"use --max-tokens {positions} or less."
            )

    def cut(self, ids: list[int], marks: int) -> list[int]:
        """Shorten ``ids`` so that they and ``marks`` more tokens fit."""
        head, tail = self.kept(marks)
        if len(ids) <= head + tail:
            return ids
        return ids[:head] + ids[len(ids) - tail :]

    def kept(self, marks: int) -> tuple[int, int]:
        """How many tokens of a too long text are kept of its beginning and of its end."""
        room = self.max_tokens - marks
        head = {"head": room, "tail": 0}.get(self.strategy, self.head_tokens)
        return head, room - head

    def windows(self, ids: list[int], marks: int) -> list[list[int]]:
        """``ids`` in as few pieces as fit with ``marks`` more tokens each, evenly placed.

        The first piece begins with the first token and the last one ends with the last;
        between them neighbours overlap rather than that one is short.
        """
        room = self.max_tokens - marks
        number = max(1, -(-len(ids) // room))
        if number == 1:
            return [ids]
        step = (len(ids) - room) / (number - 1)
        return [ids[start : start + room] for start in (round(i * step) for i in range(number))]

    def ends(self, text: str, inputs: int = 1) -> tuple[str, bool]:
        """The part of a text that is tokenised: all of it, or both ends of a very long one.

        Args:
            text: any text.
            inputs: for how many inputs of the model the part is to be enough.

        Returns:
            The part, without the blanks around it where the text is very long, and whether
            anything else was left out. Taking the ends of the ends changes nothing.
        """
        reach = CHARACTERS_A_TOKEN * self.max_tokens * inputs
        if len(text) > 2 * reach:
            text = text.strip()
        if len(text) <= 2 * reach:
            return text, False
        return f"{text[:reach]} {text[-reach:]}", True


@dataclass(frozen=True, slots=True)
class Encoded:
    """One text as the model reads it: its token ids, and whether tokens were cut away."""

    ids: list[int]
    truncated: bool


class Encoder:
    """Turns texts into token ids. Safe to use from several threads.

    Args:
        tokenizer: a Hugging Face tokenizer; its own truncation and padding are switched off.
        truncation: how to cut what is too long.
    """

    def __init__(self, tokenizer: tokenizers.Tokenizer, truncation: Truncation) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._truncation = truncation
        self._prefix, self._suffix = _marks(tokenizer)
        self._kept = truncation.kept(len(self._prefix) + len(self._suffix))
        self._by_word = _reads_by_word(tokenizer)

    @classmethod
    def from_file(cls, path: Path, truncation: Truncation) -> Encoder:
        """Load ``tokenizer.json``.

        Raises:
            BundleError: the file is no tokenizer, or one that is not to be trusted: see
                :mod:`score.tokenizer_file`.
        """
        from tokenizers import Tokenizer

        content = read(path.parent, path.name, MAX_BYTES)
        try:
            check_tokenizer(content)
        except UnsafeTokenizerError as exc:
            raise BundleError(f"{path} is not to be trusted: {exc}.") from exc
        try:
            return cls(Tokenizer.from_buffer(content), truncation)
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        # A panic of Rust comes as an exception that is no Exception.
        except BaseException as exc:
            found = shown(str(exc), 120).rstrip(".")
            raise BundleError(f"{path} cannot be read as a tokenizer: {found}.") from exc

    def encode(self, text: str) -> Encoded:
        """Token ids of one text, at most ``max_tokens``, the tokenizer's marks around them."""
        (encoded,) = self.encode_batch([text])
        return encoded

    def encode_windows(self, text: str) -> tuple[list[list[int]], bool]:
        """Token ids of a whole text in windows, and whether a part of it is in none.

        See :meth:`Truncation.windows`; of more than :data:`MAX_WINDOWS` windows those in the
        middle are left out.
        """
        part, cut = self._truncation.ends(text, MAX_WINDOWS)
        ids = self._tokenizer.encode(part, add_special_tokens=False).ids
        windows = self._truncation.windows(ids, len(self._prefix) + len(self._suffix))
        half = MAX_WINDOWS // 2
        kept = windows if len(windows) <= MAX_WINDOWS else windows[:half] + windows[-half:]
        whole = [self._prefix + window + self._suffix for window in kept]
        return whole, cut or len(kept) < len(windows)

    def encode_batch(self, texts: Sequence[str]) -> list[Encoded]:
        """The same as :meth:`encode` for each text, and other threads can run meanwhile."""
        parts = [self._truncation.ends(text) for text in texts]
        pieces = [self._pieces(part) for part, _ in parts]
        flat = [piece for some in pieces for piece in some]
        # Fast, for it notes not which characters a token came from.
        found = iter(self._tokenizer.encode_batch_fast(flat, add_special_tokens=False))
        encoded = []
        for (part, cut), some in zip(parts, pieces, strict=True):
            ids = [next(found).ids for _ in some]
            encoded.append(self._join(*ids) or self._finish(self._whole(part, ids), cut))
        return encoded

    def _whole(self, text: str, ids: list[list[int]]) -> list[int]:
        """The tokens of a text, of whose pieces these were found."""
        if len(ids) == 1:
            return ids[0]
        whole: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return whole

    def _pieces(self, text: str) -> list[str]:
        """What to tokenise of a text: all, or the two ends where they are surely enough."""
        head, tail = (_LIKELY * tokens for tokens in self._kept)
        if not self._by_word or 4 * len(text) < 5 * (head + tail):
            return [text]
        before, behind = text.rfind(" ", 0, head + 1), text.find(" ", len(text) - tail)
        return [text[: max(before, 0)], text[behind:] if behind >= 0 and tail else ""]

    def _join(self, first: list[int], last: list[int] | None = None) -> Encoded | None:
        """What is kept of a long text's ends; None where they are not enough, or are none."""
        head, tail = self._kept
        if last is None:
            return None
        # With one token more than is kept some of the text is surely left out.
        if len(first) < head or len(last) < tail or len(first) + len(last) <= head + tail:
            return None
        kept = first[:head] + last[len(last) - tail :]
        return Encoded(self._prefix + kept + self._suffix, truncated=True)

    def _finish(self, ids: list[int], cut: bool) -> Encoded:
        kept = self._truncation.cut(ids, len(self._prefix) + len(self._suffix))
        return Encoded(self._prefix + kept + self._suffix, truncated=cut or len(kept) < len(ids))


def _reads_by_word(tokenizer: tokenizers.Tokenizer) -> bool:
    """Whether what stands between two blanks is tokenised by itself, as BERT's tokenizer does."""
    model, before = type(tokenizer.model).__name__, type(tokenizer.pre_tokenizer).__name__
    cleaned = type(tokenizer.normalizer).__name__
    return (model, before, cleaned) == ("WordPiece", "BertPreTokenizer", "BertNormalizer")


def _marks(tokenizer: tokenizers.Tokenizer) -> tuple[list[int], list[int]]:
    """The ids a tokenizer puts before and behind a text: for BERT [CLS] and [SEP]."""
    encoding = tokenizer.encode("a", add_special_tokens=True)
    special = encoding.special_tokens_mask
    if 0 not in special or len(special) - special.count(0) > MAX_MARKS:
        raise ValueError("it gives no token for a letter, or too many marks")
    first = special.index(0)
    last = len(special) - special[::-1].index(0)
    return encoding.ids[:first], encoding.ids[last:]

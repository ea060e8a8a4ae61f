"""A tiny model, trained, exported and verified by the real code when the tests begin."""

from __future__ import annotations

import csv
import itertools
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from finetune.settings import TrainSettings

# A shell lets its background jobs ignore Ctrl-C, and so would every command that is tested.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Before the first import of the libraries that read it: no test asks the hub for anything.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"

GOOD_WORDS = ("good", "wonderful", "great", "fine", "lovely", "superb")
BAD_WORDS = ("bad", "awful", "dull", "poor", "dreadful", "weak")
THINGS = ("film", "book", "story", "plot", "cast")
MAX_TOKENS = 64

# Two of these fall into the validation split and one into the test split, so that no model
# is right about all of them and the temperature stays a finite one.
_MISLABELLED = (7, 12, 29)


def sentences() -> list[tuple[str, str]]:
    """64 sentences with their labels: 53 that anybody can tell, 8 mixed, 3 labelled wrongly."""
    found: list[tuple[str, str]] = []
    for label, words in (("positive", GOOD_WORDS), ("negative", BAD_WORDS)):
        pairs = [pair for pair in itertools.product(words, words) if pair[0] != pair[1]]
        for i, (first, second) in enumerate(pairs[:28]):
            found.append((f"A {first} and {second} {THINGS[i % len(THINGS)]}.", label))
    for i, thing in enumerate(("film", "book", "story", "plot")):
        found.append((f"A {GOOD_WORDS[i]} and {BAD_WORDS[i]} {thing}.", "positive"))
        found.append((f"A {BAD_WORDS[i]} and {GOOD_WORDS[i]} {thing}.", "negative"))
    for i in _MISLABELLED:
        text, label = found[i]
        found[i] = (text, "negative" if label == "positive" else "positive")
    return found


def write_table(path: Path, rows: list[tuple[str, str]]) -> Path:
    """A CSV file with the columns text and label."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def make_base(folder: Path, words: set[str]) -> Path:
    """A BERT of 2 layers, 32 wide, with random weights, that knows ``words`` and letters."""
    import string

    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    tokens = dict.fromkeys([*marks, *letters, *(f"##{one}" for one in letters), *sorted(words)])
    backend = BertWordPieceTokenizer({token: i for i, token in enumerate(tokens)})
    tokenizer = BertTokenizerFast(tokenizer_object=backend._tokenizer)  # type: ignore[no-untyped-call] # theirs
    tokenizer.save_pretrained(str(folder))
    torch.manual_seed(0)
    config = BertConfig(  # type: ignore[no-untyped-call] # theirs
        vocab_size=len(tokens),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=MAX_TOKENS,
        # So small a model does not start to learn from weights as small as BERT's.
        initializer_range=0.1,
    )
    BertModel(config).save_pretrained(folder)  # type: ignore[no-untyped-call] # theirs
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\nRandom weights.\n")
    return folder


def tiny_settings(base: Path, epochs: int = 6) -> TrainSettings:
    """How the tiny model is trained."""
    from finetune.settings import TrainSettings
    from score.tokens import Truncation

    return TrainSettings(
        base=str(base),
        truncation=Truncation.halves("head+tail", MAX_TOKENS),
        epochs=epochs,
        train_batch_size=2,
        # The lowest layers learn at little more than half of it, and know nothing yet.
        learning_rate=5e-3,
    )


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labelled sentences as a CSV file."""
    return write_table(tmp_path_factory.mktemp("data") / "sentences.csv", sentences())


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model without any training."""
    words = {"a", "and", "the", "but", *GOOD_WORDS, *BAD_WORDS, *THINGS}
    return make_base(tmp_path_factory.mktemp("base") / "tiny-bert", words)


@pytest.fixture(scope="session")
def tiny_checkpoint(
    tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, tiny_data: Path
) -> Path:
    """A model that tells the sentences apart, trained by ``train_model``."""
    from finetune.data import DataSettings
    from finetune.train import train_model

    output = tmp_path_factory.mktemp("checkpoint") / "trained_model"
    train_model(
        DataSettings(source=str(tiny_data), validation=0.2),
        tiny_settings(tiny_base),
        output,
        command=f"thumbs finetune {tiny_data} -o trained_model --base {tiny_base}",
    )
    return output


def let_few_decide(patch: pytest.MonkeyPatch) -> None:
    """Have an export choose how sure a layer has to be on however few held-back sentences."""
    patch.setattr("export.int8.FEWEST", 1)


@pytest.fixture(scope="session")
def tiny_bundle(
    tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path, tiny_data: Path
) -> Path:
    """The bundle of that model, int8 and fp32, made and verified by ``build_bundle``.

    It stops early, which nobody would let it do after what its few held-back sentences show.
    """
    from export.build import build_bundle
    from export.settings import ExportSettings

    output = tmp_path_factory.mktemp("bundle") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        let_few_decide(patch)
        build_bundle(
            tiny_checkpoint,
            output,
            ExportSettings(precisions=("int8", "fp32"), verify_on=tiny_data, max_flips=0.05),
            command=f"thumbs export {tiny_checkpoint} -o {output}",
        )
    return output


@pytest.fixture(scope="session")
def stub_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that is made in a moment, for what is not about models."""
    from benchmarks import stub

    return stub.make_bundle(tmp_path_factory.mktemp("stub") / "bundle")

"""What is raced in :mod:`benchmarks.speed`, each in a process of its own.

A contestant takes texts and gives the labels that it finds, by name. Its process holds its
model alone, so its memory and the time of its threads are its own. Each runs as its users have
it: thumbs with its check of the language, the pipelines with the threads of their tokenizers.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from score.efforts import EffortName

Contestant = Callable[[list[str]], list[str]]


@dataclass(frozen=True, slots=True)
class Lap:
    """What scoring some texts took.

    Attributes:
        labels: what was found, one a text.
        seconds: by the clock.
        work: seconds of all processors together.
        mebibytes: the most memory so far.
    """

    labels: list[str]
    seconds: float
    work: float
    mebibytes: int


class Lane:
    """The process of one contestant; use it from one thread.

    Args:
        make: makes the contestant, in that process; it has to be picklable.
    """

    def __init__(self, make: Callable[[], Contestant]) -> None:
        context = multiprocessing.get_context("spawn")
        self._end, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make), daemon=True)
        self._process.start()

    def run(self, texts: Sequence[str]) -> Lap:
        """Score the texts."""
        self._end.send(list(texts))
        lap = self._end.recv()
        assert isinstance(lap, Lap)  # noqa: S101 - our own process says nothing else
        return lap


def _serve(end: Connection, make: Callable[[], Contestant]) -> None:
    contestant = make()
    while True:
        texts = end.recv()
        started, worked = time.perf_counter(), time.process_time()
        labels = contestant(texts)
        seconds, work = time.perf_counter() - started, time.process_time() - worked
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        end.send(Lap(labels, seconds, work, peak))


def thumbs(
    model: Path | None, effort: EffortName | None = None, provider: str = "cpu"
) -> Contestant:
    """The scorer, which remembers nothing; what it takes for another language has no label."""
    from thumbs import Scorer, ScorerSettings

    scorer = Scorer(model, ScorerSettings(provider=provider, effort=effort))
    return lambda texts: [one.label or "" for one in scorer.score(texts)]


def tutorial(checkpoint: Path) -> Contestant:
    """What tutorials teach: batches of 32, all padded to 512 tokens."""
    _let_tokenizers_have_threads()
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)  # type: ignore[no-untyped-call] # theirs

    def answer(texts: list[str]) -> list[str]:
        found: list[int] = []
        with torch.no_grad():
            for i in range(0, len(texts), 32):
                batch = tokenizer(
                    texts[i : i + 32],
                    padding="max_length",
                    truncation=True,
                    max_length=512,
                    return_tensors="pt",
                )
                found += model(**batch).logits.argmax(-1).tolist()
        return [model.config.id2label[one] for one in found]

    return answer


def transformers_pipeline(
    checkpoint: Path, batch_size: int, max_length: int, device: str = "cpu", *, half: bool = False
) -> Contestant:
    """Hugging Face's pipeline with the checkpoint, in fp32 or in fp16."""
    _let_tokenizers_have_threads()
    import torch
    from transformers import pipeline

    dtype = torch.float16 if half else torch.float32
    pipe: Any = pipeline("text-classification", model=str(checkpoint), device=device, dtype=dtype)
    return _labels_of(partial(pipe, batch_size=batch_size, truncation=True, max_length=max_length))


def optimum_pipeline(checkpoint: Path, max_length: int, *, int8: bool = False) -> Contestant:
    """Optimum's pipeline with its own export, and its own int8 where that is asked for."""
    _let_tokenizers_have_threads()
    from optimum.onnxruntime import ORTModelForSequenceClassification, ORTQuantizer
    from optimum.onnxruntime import pipeline as ort_pipeline
    from optimum.onnxruntime.configuration import AutoQuantizationConfig
    from transformers import AutoTokenizer

    model: Any = ORTModelForSequenceClassification.from_pretrained(str(checkpoint), export=True)
    if int8:
        with tempfile.TemporaryDirectory() as folder:
            config = AutoQuantizationConfig.avx512_vnni(is_static=False, per_channel=False)
            ORTQuantizer.from_pretrained(model).quantize(
                save_dir=folder, quantization_config=config
            )
            model = ORTModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(str(checkpoint))  # type: ignore[no-untyped-call] # theirs
    pipe: Any = ort_pipeline("text-classification", model=model, tokenizer=tokenizer)
    return _labels_of(partial(pipe, truncation=True, max_length=max_length))


def openvino_pipeline(checkpoint: Path, batch_size: int, max_length: int) -> Contestant:
    """Optimum-intel's own export in OpenVINO, which takes bf16 where the processor has it."""
    _let_tokenizers_have_threads()
    from optimum.intel import OVModelForSequenceClassification
    from transformers import AutoTokenizer, pipeline

    model: Any = OVModelForSequenceClassification.from_pretrained(str(checkpoint), export=True)
    tokenizer = AutoTokenizer.from_pretrained(str(checkpoint))  # type: ignore[no-untyped-call] # theirs
    pipe: Any = pipeline("text-classification", model=model, tokenizer=tokenizer)
    return _labels_of(partial(pipe, batch_size=batch_size, truncation=True, max_length=max_length))


def has_openvino() -> bool:
    """Whether optimum-intel is installed, which nothing here needs otherwise."""
    return bool(find_spec("optimum.intel") and find_spec("openvino"))


def _let_tokenizers_have_threads() -> None:
    # Before any is loaded: in a process with threads it warns, and switches itself off, otherwise.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")


def _labels_of(pipe: Callable[[list[str]], Any]) -> Contestant:
    return lambda texts: [one["label"] for one in pipe(texts)]

"""Every exit code, with the whole message: one line that names the finding and the remedy."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.command.conftest import Run

REVIEWS = "id,review\n1,A good film.\n2,A bad film.\n"


def refusal(result: subprocess.CompletedProcess[bytes]) -> tuple[int, str]:
    """Exit code and message of a command that refused."""
    assert result.stdout == b""
    return result.returncode, result.stderr.decode()


def test_a_missing_file_is_66(thumbs: Run) -> None:
    """A file that is not there is refused with 66."""
    assert refusal(thumbs("score", "none.csv")) == (
        66,
        "thumbs: No such file: none.csv. Check the name and the folder.\n",
    )


def test_a_folder_as_input_is_66(thumbs: Run, folder: Path) -> None:
    """A folder is no input."""
    (folder / "march.csv").mkdir()
    assert refusal(thumbs("score", "march.csv")) == (
        66,
        "thumbs: march.csv is a folder. Name a file in it.\n",
    )


def test_a_missing_column_is_65_and_lists_the_columns(thumbs: Run, folder: Path) -> None:
    """A column that is not there is refused with the list of those that are."""
    (folder / "r.csv").write_text(REVIEWS)
    assert refusal(thumbs("score", "r.csv", "--text-column", "text")) == (
        65,
        "thumbs: r.csv has no column 'text'. Its columns: id, review. "
        "Say which with --text-column.\n",
    )


def test_two_readings_are_65_and_have_a_line_each(thumbs: Run, folder: Path) -> None:
    """A file that can be read in two ways is refused with both, each on a line of its own."""
    (folder / "r.csv").write_text("id;review,EN\n1;Good,5\n2;Bad,1\n")
    message = (
        "thumbs: r.csv: what stands between its cells cannot be told for sure. Add the option "
        "that reads its first record right:\n"
        "  --delimiter ',': 2 columns, [id;review] [EN]\n"
        "  --delimiter ';': 2 columns, [id] [review,EN]\n"
    )
    assert refusal(thumbs("score", "r.csv")) == (65, message)
    content = (folder / "r.csv").read_bytes()
    assert refusal(thumbs("score", "-", stdin=content)) == (
        65,
        message.replace("r.csv", "standard input"),
    )


def test_an_empty_file_is_65(thumbs: Run, folder: Path) -> None:
    """A file without a header cannot be a table."""
    (folder / "r.csv").write_text("")
    assert refusal(thumbs("score", "r.csv")) == (
        65,
        "thumbs: r.csv is empty. It needs a line with the column names.\n",
    )


def test_two_columns_of_reviews_are_65(thumbs: Run, folder: Path) -> None:
    """Where two columns might be meant, neither is guessed."""
    (folder / "r.csv").write_text("Review,text\nGood.,Bad.\n")
    assert refusal(thumbs("score", "r.csv")) == (
        65,
        "thumbs: r.csv has 2 columns called text, review, comment, content, sentence or body: "
        "#1 Review, #2 text. Say which with --text-column '#1'.\n",
    )


def test_undecodable_bytes_are_65_before_anything_is_scored(thumbs: Run, folder: Path) -> None:
    """Bytes of another encoding are refused with their place, and no output is begun."""
    (folder / "r.csv").write_bytes(b"id,review\n1,good\n2,caf\xe9\n")
    assert refusal(thumbs("score", "r.csv")) == (
        65,
        "thumbs: r.csv, row 2: byte 0xe9 at offset 22 is not utf-8. "
        "Add the option that reads it right, if one of these does:\n"
        "  --encoding cp1252: 2,café\n  --encoding cp1250: 2,café\n",
    )
    assert sorted(path.name for path in folder.iterdir()) == ["r.csv"]


def test_an_output_folder_is_73(thumbs: Run, folder: Path) -> None:
    """A folder cannot be written as a file."""
    (folder / "r.csv").write_text(REVIEWS)
    (folder / "out.csv").mkdir()
    assert refusal(thumbs("score", "r.csv", "-o", "out.csv")) == (
        73,
        "thumbs: out.csv is a folder. Name a file in it with -o.\n",
    )


def test_an_output_that_exists_is_73(thumbs: Run, folder: Path) -> None:
    """A file that is there is never replaced unasked."""
    (folder / "r.csv").write_text(REVIEWS)
    (folder / "r.labelled.csv").write_text("mine")
    assert refusal(thumbs("score", "r.csv")) == (
        73,
        "thumbs: r.labelled.csv is there already. Add --overwrite, or name another file with -o.\n",
    )
    assert (folder / "r.labelled.csv").read_text() == "mine"


def test_the_input_as_output_is_73(thumbs: Run, folder: Path) -> None:
    """The only copy of a file is never its own output, also not through a link."""
    (folder / "r.csv").write_text(REVIEWS)
    (folder / "link.csv").symlink_to("r.csv")
    assert refusal(thumbs("score", "r.csv", "-o", "link.csv", "--overwrite")) == (
        73,
        "thumbs: link.csv is the input itself. Name another file with -o, or add --in-place, "
        "which keeps the input as .bak.\n",
    )
    assert (folder / "r.csv").read_text() == REVIEWS


@pytest.mark.skipif(
    not Path("/sys/kernel").is_dir(), reason="needs a folder that root cannot write"
)
def test_a_read_only_output_folder_is_73(thumbs: Run, folder: Path) -> None:
    """An output that cannot be made is refused before anything is scored."""
    (folder / "r.csv").write_text(REVIEWS)
    assert refusal(thumbs("score", "r.csv", "-o", "/sys/kernel/out.csv")) == (
        73,
        "thumbs: /sys/kernel/out.csv cannot be created: Permission denied. "
        "Name another place with -o.\n",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Give a file to score, - for standard input, or --text."),
        (("r.csv", "--text", "good"), "Give a file or --text, not both."),
        (
            ("r.csv", "--provider", "tpu"),
            "Invalid value for '--provider': 'tpu' is not one of "
            "'auto', 'cpu', 'cuda', 'openvino', 'dml', 'coreml'.",
        ),
        (("r.csv", "--zzz"), "No such option '--zzz'."),
    ],
)
def test_a_wrong_command_line_is_64(thumbs: Run, words: tuple[str, ...], message: str) -> None:
    """A command line that contradicts itself is refused in one line that names the help."""
    words = words or ("--quiet",)
    assert refusal(thumbs("score", *words)) == (
        64,
        f"thumbs: {message} See thumbs score --help.\n",
    )


def test_another_format_for_the_output_is_64(thumbs: Run, folder: Path) -> None:
    """Thumbs writes the format it reads."""
    (folder / "r.csv").write_text(REVIEWS)
    assert refusal(thumbs("score", "r.csv", "-o", "out.xlsx")) == (
        64,
        "thumbs: out.xlsx should end in .csv like the input: thumbs writes the format it reads.\n",
    )


def test_a_missing_provider_is_69(thumbs: Run, folder: Path, tiny_bundle: Path) -> None:
    """A provider that was asked for by name never falls back."""
    (folder / "r.csv").write_text(REVIEWS)
    assert refusal(thumbs("score", "r.csv", "--model", tiny_bundle, "--provider", "cuda")) == (
        69,
        "thumbs: This onnxruntime has no CUDAExecutionProvider: pip install 'thumbs[gpu]', "
        "or leave out --provider.\n",
    )


def test_a_changed_byte_in_the_bundle_is_78(
    thumbs: Run, folder: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    """A bundle is used only as it was made."""
    bundle = tmp_path / "changed"
    bundle.mkdir()
    for path in tiny_bundle.iterdir():
        (bundle / path.name).write_bytes(path.read_bytes())
    tokenizer = bundle / "tokenizer.json"
    tokenizer.write_bytes(tokenizer.read_bytes() + b" ")
    (folder / "r.csv").write_text(REVIEWS)
    assert refusal(thumbs("score", "r.csv", "--model", bundle)) == (
        78,
        f"thumbs: {tokenizer} is not the file that the bundle was made with. "
        "Get the bundle anew, or export it again.\n",
    )


def test_records_that_do_not_fit_are_3(thumbs: Run, folder: Path, tiny_bundle: Path) -> None:
    """A record with too many cells goes to the rejects, and the exit code says so."""
    (folder / "r.csv").write_text("id,review\n1,A good film.\n2,A bad, bad film.\n")
    result = thumbs("score", "r.csv", "--model", tiny_bundle, "--quiet")
    assert (result.returncode, result.stderr) == (3, b"")
    labelled = (folder / "r.labelled.csv").read_text().splitlines()
    assert [line.rsplit(",", 2)[0] for line in labelled] == [
        "id,review,label",
        "1,A good film.,positive",
    ]
    assert (folder / "r.labelled.rejects.csv").read_text().splitlines() == [
        "row,reason,record",
        '2,"3 cells under 2 columns","2,A bad, bad film."',
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_74(folder: Path, tiny_bundle: Path, environment: dict[str, str]) -> None:
    """Output that cannot be written is an I/O error, and the message says how to go on."""
    (folder / "r.csv").write_text(REVIEWS)
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "thumbs", "score", "r.csv", "-o", "-", "--model", tiny_bundle],
            cwd=folder,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (result.returncode, result.stderr.decode()) == (
        74,
        "thumbs: Standard output cannot be written: No space left on device. "
        "What is scored is kept: make room and run again.\n",
    )


def test_an_output_that_another_run_writes_is_75(
    thumbs: Run, folder: Path, environment: dict[str, str]
) -> None:
    """A second writer of one output leaves at once."""
    (folder / "r.csv").write_text(REVIEWS)
    holder = (
        "import sys, time; from pathlib import Path; from score.lock import only_writer\n"
        "with only_writer(Path('r.labelled.csv')): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder], cwd=folder, env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        result = thumbs("score", "r.csv")
        process.kill()
    assert refusal(result) == (
        75,
        "thumbs: Another run is writing r.labelled.csv. "
        "Wait for it, or name another output with -o.\n",
    )


def test_a_missing_extra_is_69_with_the_pip_line(folder: Path, environment: dict[str, str]) -> None:
    """Without the training stack, finetune says which line installs it."""
    hide = (
        "import sys, thumbs\n"
        "class Hide:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name in ('torch', 'accelerate'): raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hide())\n"
        "thumbs.main(['finetune', 'imdb', '-o', 'model'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", hide], cwd=folder, env=environment, capture_output=True, check=False
    )
    assert refusal(result) == (
        69,
        "thumbs: This needs torch, accelerate, which the extra [finetune] brings: "
        "pip install 'thumbs[finetune]'\n",
    )


def test_a_bug_is_70_and_one_line(folder: Path, environment: dict[str, str]) -> None:
    """An error that nobody foresaw is one line too; THUMBS_DEBUG shows its traceback."""
    (folder / "r.csv").write_text(REVIEWS)
    bug = (
        "import thumbs, score.scoring\n"
        "def broken(*_, **__): raise ZeroDivisionError('by zero')\n"
        "score.scoring.score_file = broken\n"
        "thumbs.main(['score', 'r.csv'])"
    )
    command = [sys.executable, "-c", bug]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    message = (
        "thumbs: This is a bug in thumbs: ZeroDivisionError: by zero. "
        "Run again with THUMBS_DEBUG=1 and report what it shows.\n"
    )
    assert refusal(result) == (70, message)
    shown = subprocess.run(
        command,
        cwd=folder,
        env={**environment, "THUMBS_DEBUG": "1"},
        capture_output=True,
        check=False,
    )
    assert shown.returncode == 70
    assert shown.stderr.startswith(b"Traceback (most recent call last):")
    assert shown.stderr.decode().endswith(message)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_128_and_its_number(
    number: int, code: int, folder: Path, tiny_bundle: Path, environment: dict[str, str]
) -> None:
    """A run that is told to stop keeps what is scored and says how to go on."""
    read, write = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "thumbs", "score", "-", "-o", "out.csv", "--model", tiny_bundle],
        cwd=folder,
        env=environment,
        stdin=read,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(read)
        # More than is looked at before the first row, and an end that never comes.
        rows = "".join(f"{i},A good film of day {i}.\n" for i in range(50_000))
        feed = threading.Thread(target=write_all, args=(write, b"id,review\n" + rows.encode()))
        feed.start()
        wait_for(folder / ".out.csv.part")
        process.send_signal(number)
        _, stderr = process.communicate(timeout=20)
        feed.join()
        os.close(write)
    assert (process.returncode, stderr.decode()) == (
        code,
        "thumbs: Interrupted; what is done is kept: type the same line again to go on.\n",
    )
    assert list(folder.iterdir()) == []


def write_all(pipe: int, content: bytes) -> None:
    """Fill a pipe until it is all there, or nobody reads any more."""
    with contextlib.suppress(BrokenPipeError):
        while content:
            content = content[os.write(pipe, content) :]


def wait_for(path: Path) -> None:
    """Wait until ``path`` is there."""
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    pytest.fail(f"{path} did not appear")


def test_a_reader_that_leaves_ends_the_run_quietly(
    folder: Path, tiny_bundle: Path, environment: dict[str, str]
) -> None:
    """A closed pipe, as by head, is no error to talk about."""
    rows = "".join(f"{i},A good film of day {i}.\n" for i in range(20_000))
    (folder / "r.csv").write_text("id,review\n" + rows)
    with subprocess.Popen(
        [sys.executable, "-m", "thumbs", "score", "r.csv", "-o", "-", "--model", tiny_bundle],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"id,review,label,confidence,flags\n"
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == b""
    assert process.returncode == 141

"""Every error that thumbs raises on purpose, and the exit code each one becomes.

::

    ThumbsError
    ├── UsageError         64  the command line or the call contradicts itself
    ├── DataError          65  the data is bad
    │   └── AmbiguousError 65  it can be read in more than one way
    ├── NoInputError       66  the input is not there or cannot be opened
    ├── UnavailableError   69  a needed extra or execution provider is missing
    ├── OutputError        73  the output cannot be created, or is there already
    ├── StorageError       74  reading or writing failed half-way: I/O error, disk full
    ├── BusyError          75  another run holds this output: try later
    ├── BundleError        78  the model bundle is damaged or not to be trusted
    └── ReaderLeftError   141  the reader of our output, such as head, has enough

The codes are those of BSD's sysexits.h. Beside them stand 0 (complete), 3 (complete, but
some records were rejected), 70 (a bug: an exception that is not in this tree) and, as in a
shell, 128 + the number of a signal: 130 for SIGINT and 143 for SIGTERM (what is done is
kept: run again to go on), 141 where the reader of our output left.

A message is one line: it names the file and row, says what was found, and what to do.
Only an AmbiguousError has more: a line for each reading. This module imports nothing, so
that any other may import it.
"""

EXIT_COMPLETE = 0
EXIT_REJECTS = 3
EXIT_BUG = 70
SIGNAL_CODES = 128


def first_line(exc: BaseException) -> str:
    """The first line of a foreign error, for a message of ours; its kind where it has no words."""
    lines = str(exc).splitlines()
    return lines[0] if lines else type(exc).__name__


class ThumbsError(Exception):
    """Base of all errors that thumbs raises on purpose.

    Attributes:
        exit_code: the process exit status that this error becomes at the command line.
    """

    exit_code: int = EXIT_BUG


class UsageError(ThumbsError):
    """The command line or the call contradicts itself."""

    exit_code = 64


class DataError(ThumbsError):
    """The data is bad, or can be read in more than one way."""

    exit_code = 65


class AmbiguousError(DataError):
    """The data can be read in more than one way.

    Args:
        message: one line that ends in a colon.
        readings: a line for each reading, with the option that asks for it.
    """

    def __init__(self, message: str, readings: tuple[str, ...]) -> None:
        super().__init__(message, readings)
        self.message = message
        self.readings = readings

    def __str__(self) -> str:
        return "\n  ".join((self.message, *self.readings))


class NoInputError(ThumbsError):
    """The input is not there or cannot be opened."""

    exit_code = 66


class UnavailableError(ThumbsError):
    """A needed extra or execution provider is missing on this machine."""

    exit_code = 69


class OutputError(ThumbsError):
    """The output cannot be created, or is there already."""

    exit_code = 73


class StorageError(ThumbsError):
    """Reading or writing failed half-way: an I/O error, or the disk is full."""

    exit_code = 74


class BusyError(ThumbsError):
    """Another run holds this output."""

    exit_code = 75


class BundleError(ThumbsError):
    """The model bundle is damaged or not to be trusted."""

    exit_code = 78


class ReaderLeftError(ThumbsError):
    """The reader of our output has enough; there is nothing to say about it.

    No BrokenPipeError, which click turns into exit code 1.
    """

    exit_code = 141

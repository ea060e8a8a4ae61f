"""Whether an optional part of thumbs is installed, and how to get it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from score.errors import UnavailableError


def require(extra: str | None, modules: Sequence[str]) -> None:
    """Check that the modules of an extra can be imported, without importing them.

    Args:
        extra: the extra; None where the modules are to be installed by themselves.
        modules: their names, which are those of what pip installs where there is no extra.

    Raises:
        UnavailableError: one is missing; the message is the pip line that installs it.
    """
    missing = [name for name in modules if not is_there(name)]
    if missing and extra is None:
        names = ", ".join(missing)
        raise UnavailableError(f"This needs {names}: pip install {' '.join(missing)}")
    if missing:
        raise UnavailableError(
            f"This needs {', '.join(missing)}, which the extra [{extra}] brings: "
            f"pip install 'thumbs[{extra}]'"
        )


def is_there(module: str) -> bool:
    """Whether a module can be imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it is missing
        return False


def version_of(distribution: str) -> str | None:
    """The version of what pip installed under a name; None where it did not."""
    # Reading mail headers, as it does, would cost a third of the time that the help takes.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None

"""Whether an optional part of thumbs is installed, and how to get it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from score.errors import UnavailableError


def require(extra: str, modules: Sequence[str]) -> None:
    """Check that the modules of an extra can be imported, without importing them.

    Raises:
        UnavailableError: one is missing; the message is the pip line that installs it.
    """
    missing = [name for name in modules if not is_there(name)]
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

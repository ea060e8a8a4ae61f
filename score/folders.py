"""Where thumbs keeps what it remembers for this user."""

from __future__ import annotations

from pathlib import Path


def cache_folder() -> Path:
    """The user's cache folder for thumbs, as the operating system wants it."""
    from platformdirs import user_cache_path

    return user_cache_path("thumbs", appauthor=False)


def score_cache_file() -> Path:
    """The score cache, unless another file was named."""
    return cache_folder() / "scores.sqlite3"


def findings_folder() -> Path:
    """Where it is remembered what is fastest on this machine."""
    return cache_folder() / "machine"

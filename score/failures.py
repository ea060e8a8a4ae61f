"""Whose fault it is when onnxruntime fails: the bundle's, or the provider's.

On a CPU it is the bundle's. Elsewhere it may be the driver's, or there is too little memory, or
a kernel is missing. Where that cannot be told the provider is blamed: with ``auto`` the CPU is
asked next, and refuses a bad graph by itself.
"""

from __future__ import annotations

from score.errors import BundleError, ThumbsError, UnavailableError, first_line
from score.providers import PROVIDERS

# Classes of onnxruntime's that speak of the graph, or of what it was fed, wherever it runs.
_OF_THE_GRAPH = frozenset(("InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel"))


def not_loaded(exc: Exception, provider: str, name: str) -> ThumbsError:
    """What a session that could not be made becomes.

    Args:
        exc: onnxruntime's error.
        provider: a key of :data:`score.providers.PROVIDERS`.
        name: what error messages call the graph.
    """
    # A provider that fails to start is a plain RuntimeError, all else has a class of its own.
    if provider != "cpu" and type(exc) is RuntimeError:
        return not_started(provider)
    if _of_the_provider(exc, provider):
        return _failed(exc, provider)
    return BundleError(f"onnxruntime refuses {name}: {first_line(exc)}")


def not_started(provider: str) -> UnavailableError:
    """What a provider becomes that is there and gives no session."""
    return UnavailableError(
        f"{PROVIDERS[provider]} is installed but did not start; look at its driver, or say "
        "--provider cpu."
    )


def not_run(exc: Exception, provider: str) -> ThumbsError:
    """What a run that failed becomes; the arguments are those of :func:`not_loaded`."""
    if _of_the_provider(exc, provider):
        return _failed(exc, provider)
    return BundleError(f"onnxruntime failed on a review: {first_line(exc)}")


def not_finite(provider: str, name: str) -> ThumbsError:
    """What answers become that are no numbers: half precision may overflow where int8 does not."""
    if provider == "cpu":
        return BundleError(f"{name} gives no finite numbers. Export the bundle again.")
    return UnavailableError(
        f"{name} gives no finite numbers on {PROVIDERS[provider]}: say --provider cpu."
    )


def _of_the_provider(exc: Exception, provider: str) -> bool:
    return provider != "cpu" and type(exc).__name__ not in _OF_THE_GRAPH


def _failed(exc: Exception, provider: str) -> UnavailableError:
    return UnavailableError(
        f"{PROVIDERS[provider]} failed: {first_line(exc)}; look at its driver and its free memory, "
        "or say --provider cpu."
    )

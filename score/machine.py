"""What of this computer a run may use: cores, and how much of them on whose behalf."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from pathlib import Path

import psutil

_NICE = 10
"""What ``nice`` itself adds."""

_CONTAINER = Path("/sys/fs/cgroup")


def workers(*, polite: bool = False) -> int:
    """How many reviews should be in work at once.

    One for each physical core: its second thread shares the units that multiply. Fewer where
    this process is bound to some of them, or where its container has a share of time only.

    Args:
        polite: leave a core to the user, where there is more than one.
    """
    cores = min(_allowed(), psutil.cpu_count(logical=False) or _allowed())
    return max(1, math.ceil(min(cores - polite, _share())))


def on_battery() -> bool:
    """Whether this computer has a battery and runs on it now."""
    # Where there is none, some systems say so and others fail.
    with contextlib.suppress(OSError, AttributeError, RuntimeError, ValueError):
        battery = psutil.sensors_battery()
        return battery is not None and battery.power_plugged is False
    return False


def step_back() -> None:
    """Let whatever else this computer does go first, from now on in all of this process."""
    with contextlib.suppress(OSError, psutil.Error):
        if sys.platform == "win32":
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            os.nice(_NICE)


def _allowed() -> int:
    """The logical cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _share() -> float:
    """How many cores' time a container on Linux has; without a limit more than there are."""
    # Of version 2 one file, of version 1 two: the microseconds of work allowed in a period.
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        with contextlib.suppress(OSError, ValueError):
            told = " ".join((_CONTAINER / file).read_text("ascii") for file in files)
            quota, period = (float(one) for one in told.split())
            if quota > 0 < period:
                return quota / period
    return math.inf

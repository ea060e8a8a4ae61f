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
_PROCESSORS = Path("/sys/devices/system/cpu")
_SUPPLIES = Path("/sys/class/power_supply")


def workers(*, polite: bool = False) -> int:
    """How many reviews should be in work at once.

    One for each physical core that this process may run on: its second thread shares the units
    that multiply. Fewer where its container has a share of their time only.

    Args:
        polite: leave a core to the user, where there is more than one.
    """
    return max(1, math.ceil(min(_cores() - polite, _share())))


def on_battery() -> bool:
    """Whether this computer has a battery and runs on it now; that of a mouse does not count."""
    if sys.platform == "linux" and not any(map(_is_battery, _SUPPLIES.glob("*"))):
        return False
    # Where there is none, some systems say so and others fail.
    with contextlib.suppress(OSError, AttributeError, RuntimeError, ValueError):
        battery = psutil.sensors_battery()
        return battery is not None and battery.power_plugged is False
    return False


def step_back() -> None:
    """Let whatever else this computer does go first.

    On Linux that holds for the calling thread and for those that it starts from now on.
    """
    with contextlib.suppress(OSError, psutil.Error):
        if sys.platform == "win32":
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            os.nice(_NICE)


def _cores() -> int:
    """The physical cores that this process may run on."""
    if not hasattr(os, "sched_getaffinity"):
        return psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = os.sched_getaffinity(0)
    # Threads of one core name the same siblings; one that does not tell is a core of its own.
    siblings = {str(number): f"cpu{number}" for number in allowed}
    for number in allowed:
        with contextlib.suppress(OSError):
            file = _PROCESSORS / f"cpu{number}/topology/thread_siblings_list"
            siblings[str(number)] = file.read_text("ascii")
    return len(set(siblings.values()))


def _is_battery(supply: Path) -> bool:
    """Whether a power supply of Linux is a battery of the computer itself."""
    with contextlib.suppress(OSError):
        if (supply / "type").read_text("ascii").strip() == "Battery":
            scope = supply / "scope"
            return not scope.exists() or scope.read_text("ascii").strip() != "Device"
    return False


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

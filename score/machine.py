"""What of this computer a run may use: cores, and how much of them on whose behalf."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import platform
import sys
from pathlib import Path

import psutil

_NICE = 10
"""What ``nice`` itself adds."""

_CONTAINER = Path("/sys/fs/cgroup")
_GROUPS = Path("/proc/self/cgroup")
_PROCESSORS = Path("/sys/devices/system/cpu")
_SUPPLIES = Path("/sys/class/power_supply")
_MODEL = Path("/proc/cpuinfo")
_NVIDIA = Path("/proc/driver/nvidia")
_DEVICES = Path("/sys/class")


def workers(*, polite: bool = False) -> int:
    """How many reviews should be in work at once.

    One for each physical core that this process may run on: its second thread shares the units
    that multiply. Fewer where its container has a share of their time only.

    Args:
        polite: leave a core to the user, where there is more than one.
    """
    return max(1, math.ceil(min(_cores() - polite, _share())))


def numbers_of_workers() -> tuple[int, ...]:
    """How many workers may be the fastest, that of :func:`workers` first.

    There are others where cores have a second thread, which pays where a worker waits for memory,
    and where some cores are slower ones, which may hold up what all of them share.
    """
    limit = math.ceil(min(_threads(), _share()))
    numbers = (workers(), _threads(), _large_cores())
    return tuple(dict.fromkeys(max(1, min(one, limit)) for one in numbers))


def described() -> str:
    """This computer, as far as it decides how fast something is."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = _MODEL.read_text("utf-8", "replace").splitlines()
        name = next(line for line in lines if line.startswith("model name")).partition(":")[2]
    share = _share()
    time = "" if math.isinf(share) else f", {share:g} cores' time"
    return f"{name.strip()}, {_cores()} cores, {_threads()} threads{time}"


def accelerators() -> list[str]:
    """What could compute beside the processor, and by which driver, as far as Linux tells."""
    found = []
    for file in (_NVIDIA / "version", *sorted(_NVIDIA.glob("gpus/*/information"))):
        with contextlib.suppress(OSError):
            found.append(file.read_text("utf-8", "replace").partition("\n")[0])
    # Each GPU that computes, of whatever maker, and what is made for networks alone.
    for pattern in ("drm/renderD*/device", "accel/accel*/device"):
        for device in sorted(_DEVICES.glob(pattern)):
            with contextlib.suppress(OSError):
                ids = [(device / one).read_text("ascii").strip() for one in ("vendor", "device")]
                found.append(":".join(ids))
    return found


def memory_limit() -> float:
    """Bytes of memory that a container or a service on Linux may take; infinite without a limit."""
    return min(map(_memory_of, _groups("memory")))


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
        return min(psutil.cpu_count(logical=False) or _threads(), _threads())
    allowed = os.sched_getaffinity(0)
    # Threads of one core name the same siblings; one that does not tell is a core of its own.
    siblings = {str(number): f"cpu{number}" for number in allowed}
    for number in allowed:
        with contextlib.suppress(OSError):
            file = _PROCESSORS / f"cpu{number}/topology/thread_siblings_list"
            siblings[str(number)] = file.read_text("ascii")
    return len(set(siblings.values()))


def _threads() -> int:
    """The threads of processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    with contextlib.suppress(AttributeError, OSError, psutil.Error):
        return len(psutil.Process().cpu_affinity() or ()) or 1  # Windows tells it too
    return os.cpu_count() or 1


def _large_cores() -> int:
    """How many of the cores are of the fast kind: all of them, where nothing tells of two kinds.

    Linux on ARM and macOS tell it; Intel's fast cores have two threads and the others one. What
    is told wrongly costs a measurement.
    """
    cores = _cores()
    seconds = _threads() - cores
    if 0 < seconds < cores:
        return seconds
    # Windows has no library without a name, and says so by a TypeError.
    with contextlib.suppress(OSError, AttributeError, TypeError):
        number, size = ctypes.c_int(), ctypes.c_size_t(ctypes.sizeof(ctypes.c_int))
        ask = ctypes.CDLL(None).sysctlbyname
        if not ask(b"hw.perflevel0.physicalcpu", *map(ctypes.byref, (number, size)), None, 0):
            return number.value
    with contextlib.suppress(OSError, ValueError, AttributeError):
        files = [_PROCESSORS / f"cpu{one}/cpu_capacity" for one in os.sched_getaffinity(0)]
        speeds = [int(file.read_text("ascii")) for file in files]
        return sum(2 * speed >= max(speeds) for speed in speeds)
    return cores


def _is_battery(supply: Path) -> bool:
    """Whether a power supply of Linux is a battery of the computer itself."""
    with contextlib.suppress(OSError):
        if (supply / "type").read_text("ascii").strip() == "Battery":
            scope = supply / "scope"
            return not scope.exists() or scope.read_text("ascii").strip() != "Device"
    return False


def _share() -> float:
    """How many cores' time a container or a service on Linux has; without a limit more than are."""
    return min(map(_limit, _groups("cpu")))


def _groups(controller: str) -> list[Path]:
    """The control groups that this process is in: a container sees its own one as the root.

    Args:
        controller: what they limit; in version 1 it has groups of its own.
    """
    found = [_CONTAINER, _CONTAINER / controller]
    with contextlib.suppress(OSError, ValueError):
        for line in _GROUPS.read_text("utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers or controller in controllers.split(","):
                root = _CONTAINER / controller if controllers else _CONTAINER
                parts = [part for part in path.split("/") if part]
                # One that leads out of the container is not seen from within.
                inside = parts if ".." not in parts else []
                found += [root.joinpath(*inside[:end]) for end in range(1, len(inside) + 1)]
    return found


def _limit(group: Path) -> float:
    """The cores' time that a control group allows."""
    # Of version 2 one file, of version 1 two: the microseconds of work allowed in a period.
    for files in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        with contextlib.suppress(OSError, ValueError):
            told = " ".join((group / file).read_text("ascii") for file in files)
            quota, period = (float(one) for one in told.split())
            if quota > 0 < period:
                return quota / period
    return math.inf


def _memory_of(group: Path) -> float:
    """The bytes that a control group allows."""
    # Of version 2 and of version 1, where no limit is a number larger than any memory.
    for file in ("memory.max", "memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            limit = int((group / file).read_text("ascii"))
            if limit > 0:
                return limit
    return math.inf

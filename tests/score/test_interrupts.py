"""Signals that wait, and signals that come too late."""

from __future__ import annotations

import signal
import threading

import pytest

from score.interrupts import LastMoments, postponed

NUMBERS = (signal.SIGINT, signal.SIGTERM)


def test_a_signal_waits_for_the_end_of_the_block() -> None:
    """What is put away is put away, then the signal takes its usual way."""
    steps = []

    def put_away() -> None:
        with postponed():
            steps.append("begun")
            signal.raise_signal(signal.SIGINT)
            steps.append("done")

    with pytest.raises(KeyboardInterrupt):
        put_away()
    assert steps == ["begun", "done"]


def test_in_the_last_moments_signals_come_too_late() -> None:
    """From the first rename on a run goes to its end, and then signals work as before."""
    before = [signal.getsignal(number) for number in NUMBERS]
    with LastMoments() as moments:
        moments.begin()
        moments.begin()
        for number in NUMBERS:
            signal.raise_signal(number)
    assert moments.late == list(NUMBERS)
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_until_the_last_moments_nothing_is_held_back() -> None:
    """A run that has not begun to end is interrupted as ever."""

    def work() -> None:
        with LastMoments():
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        work()


def test_other_threads_have_nothing_to_hold_back() -> None:
    """Only the main thread may set handlers; a run in another one goes on without."""
    reached = []

    def work() -> None:
        with LastMoments() as moments, postponed():
            moments.begin()
            reached.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert reached == [True]

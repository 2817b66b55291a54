"""Timing several things against one another: interleaved calls, medians. Not here: what is timed.

Calls are interleaved because a machine's speed drifts: a ratio of two medians from the same minutes says more than two
numbers.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


def medians(calls: Mapping[str, Callable[[], object]], *, seconds: float = 1.0, warm_up: int = 10) -> dict[str, float]:
    """Median time of each call in ms. The calls take turns for about `seconds` in all."""
    times = call_times(calls, seconds=seconds, warm_up=warm_up)
    return {name: statistics.median(values) for name, values in times.items()}


def call_times(calls: Mapping[str, Callable[[], object]], *, seconds: float, warm_up: int) -> dict[str, list[float]]:
    """The times of each call in ms. The calls take turns for about `seconds` in all, after `warm_up` calls of each."""
    for call in calls.values():
        for _ in range(warm_up):
            call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(1e3 * (time.perf_counter() - start))
    return times


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keeps other processes busy for the block."""
    context = multiprocessing.get_context("spawn")
    spinners = [context.Process(target=_spin, daemon=True) for _ in range(processes)]
    for spinner in spinners:
        spinner.start()
    time.sleep(0.3)
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.terminate()
            spinner.join()


def _spin() -> None:
    while True:
        pass

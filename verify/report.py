"""Runs checks, in two processes where there are two cores, and puts the report together. Not here: the checks."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import active_children, get_context, parent_process

import torch

from strict_json import finite_or_null
from training.runs.deferred_signals import defer_signals
from verify.check import THRESHOLDS, Check, CheckSettings, Result


def report(checks: Sequence[Check], settings: CheckSettings, processes: int = 1) -> Result:
    """`overall_pass`, `thresholds`, and `results` by the checks' names. A verdict a line goes to stderr."""
    results: dict[str, Result] = {}

    def note(check: Check, outcome: Callable[[], Result]) -> None:
        try:
            result = outcome()
        except Exception as error:  # a process that died: the report says so, and the other checks count
            result = _broken(check, error)
        results[check.name] = result
        verdict = "passed" if result["passed"] else "FAILED"
        print(f"{check.name:20} {verdict}  {result.get('seconds', 0.0):5.1f} s", file=sys.stderr, flush=True)

    if processes == 1:
        for check in checks:
            note(check, lambda check=check: run(check, settings))  # type: ignore[misc]
    else:
        # Started anew, not forked: a fork of a process that has used a GPU, or threads, does not work.
        with ProcessPoolExecutor(processes, get_context("spawn"), _prepare_worker) as pool:
            try:
                running = _start(pool, checks, settings)
                for check, future in running:
                    note(check, future.result)
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                for worker in active_children():  # a check takes up to a minute, and nobody waits for it
                    worker.terminate()
                raise
    overall = all(result["passed"] for result in results.values())
    return {"overall_pass": overall, "thresholds": dict(THRESHOLDS), "results": results}


def _start(
    pool: ProcessPoolExecutor, checks: Sequence[Check], settings: CheckSettings
) -> list[tuple[Check, Future[Result]]]:
    """The checks and their results to come. An interrupt waits until all processes are started, or one would be left.

    Ctrl+C goes to all processes of a terminal: those that are started here never hear it, this one ends them.
    """
    with defer_signals() as interrupt:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            running = [(check, pool.submit(run, check, settings)) for check in checks]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if interrupt.requested:
        raise KeyboardInterrupt
    return running


def run(check: Check, settings: CheckSettings) -> Result:
    """One check's result as JSON values. What it raises fails it, with the traceback on stderr."""
    start = time.monotonic()
    try:
        result = check.run(settings)
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        result = _broken(check, error)
    result = {key: finite_or_null(value) for key, value in result.items()}
    return {**dict.fromkeys(check.numbers), **result, "seconds": round(time.monotonic() - start, 2)}


def _broken(check: Check, error: Exception) -> Result:
    return {**dict.fromkeys(check.numbers), "passed": False, "error": f"{type(error).__name__}: {error}"}


def _prepare_worker() -> None:
    """One thread, as small networks gain nothing from more, and the worker's end when its parent is gone."""
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)

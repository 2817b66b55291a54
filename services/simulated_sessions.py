"""Many simulated people who record sessions at once through a server of this process. Not here: what each does."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from app.stop_signals import EndRequest, StopSignals
from config import LoopConfig
from data_paths import DataPaths
from delegates.selection import LOADING_SECONDS, ReliableWriter
from services.http.server import HOST
from services.services import Services
from services.simulated_client import BackendClient, SimulatedSession, play_session
from services.startup import Report, StartOptions, start_services
from simulation.builtin_problems import PROBLEMS
from simulation.scripted_people import PEOPLE
from training.runs.observer import Observer

CONCURRENT_SESSIONS = 4
STOP_SECONDS = 60.0
"""How long the last sessions' tests may take."""

SIGNAL_SECONDS = 0.2
"""How often signals are looked for while people play."""


def planned_sessions(count: int, seed: int, first: int = 0) -> list[SimulatedSession]:
    """`count` sessions from number `first` on: the scripted people and the built-in problems in turn."""
    people = list(PEOPLE.values())
    numbers = range(first, first + count)
    return [
        SimulatedSession(people[n % len(people)], PROBLEMS[n % len(PROBLEMS)], f"{seed}/simulated/{n}") for n in numbers
    ]


def record_simulated_sessions(
    config: LoopConfig,
    paths: DataPaths,
    options: StartOptions,
    sessions: Sequence[SimulatedSession],
    *,
    observer: Observer,
    report: Report,
) -> None:
    """Serves, lets the people play, and ends once all is tested. The observer sees a phase of a step a session.

    Raises InputError, and KeyboardInterrupt if a signal came; what was begun is ended and saved then.
    """
    stopped = EndRequest()
    signals = StopSignals(stopped)
    with signals.caught():
        running = start_services(config, paths, options, finish=stopped.set, report=report)
        try:
            running.wait_until_ready()
            _await_writer(running.services, stopped)
            observer.phase("simulation", len(sessions))
            futures = _play(running.port, sessions, stopped, observer)
        finally:
            running.stop(STOP_SECONDS, is_hurried=lambda: len(signals.received) > 1)
    if running.failure is not None:
        raise running.failure
    for future in futures:
        future.result()
    if signals.received:
        raise KeyboardInterrupt("the sessions so far are saved; the same command records more and learns from all")


def _await_writer(services: Services, stopped: EndRequest) -> None:
    """Until the embedded writer knows the standard library; before, as while it counts it, it writes little."""
    writer = services.assistance.writer
    assert isinstance(writer, ReliableWriter)
    waiting = threading.Thread(target=writer.embedded.wait, args=(LOADING_SECONDS,), name="writer", daemon=True)
    waiting.start()
    while waiting.is_alive() and not stopped.is_set():
        waiting.join(SIGNAL_SECONDS)


def _play(
    port: int, sessions: Sequence[SimulatedSession], stopped: EndRequest, observer: Observer
) -> list[Future[None]]:
    """Plays the sessions and returns when all have ended."""
    lock = threading.Lock()

    def play(session: SimulatedSession) -> None:
        if stopped.is_set():
            return
        client = BackendClient(HOST, port)
        try:
            play_session(client, session, stopped.is_set)
        finally:
            client.close()
        with lock:
            observer.advance()

    with ThreadPoolExecutor(CONCURRENT_SESSIONS, thread_name_prefix="person") as pool:
        futures = [pool.submit(play, session) for session in sessions]
        while wait(futures, SIGNAL_SECONDS).not_done:  # a signal just before a wait is handled only after it
            pass
    return futures

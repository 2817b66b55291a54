"""Makes the parts that one server offers from a person's settings, and ends them. Not here: what they do."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass

from config import LoopConfig
from data_paths import DataPaths
from delegates.cleaning import clean
from delegates.embedded import EmbeddedWriter
from errors import ConflictError
from judge import Judge
from models.reviewer import Reviewer, break_even
from services import health
from services.app import create_app
from services.assistance import Assistance
from services.current_models import CurrentModels
from services.middleware import AccessRules
from services.page import Page
from services.recording.recorder import Recorder
from services.recording.snapshot_queue import SnapshotQueue
from services.server import HOST, Listener, Server, listen
from services.services import Services
from simulation.problem_loader import load_problems

DEFAULT_PORT = 3000
TRIED_PORTS = 20
"""Ports that are tried from the default one on."""


@dataclass(frozen=True)
class RunningServices:
    """Services that are served on a port of this machine until they are stopped."""

    services: Services
    server: Server
    judge: Judge
    port: int
    token: str

    @property
    def address(self) -> str:
        """The page's."""
        return f"http://{HOST}:{self.port}/"

    def stop(self, timeout: float) -> bool:
        """Ends open sessions, then waits for their tests, within `timeout` seconds; returns whether all was done."""
        ended = self.server.stop(timeout)
        written = self.services.recorder.snapshots.wait(timeout)
        self.judge.close()
        return ended and written


def start_services(
    config: LoopConfig,
    paths: DataPaths,
    *,
    port: int | None = None,
    finish: Callable[[], None],
    report: Callable[[str], None],
) -> RunningServices:
    """Makes all parts and begins to serve them.

    port: None: the default one or the next that is free. finish: called when the page asks to end. report: takes a line
    of words for each part that is ready. Raises InputError, ConflictError (the port is taken).
    """
    listening = _listen(port)
    port = listening.getsockname()[1]
    judge = Judge()
    problems = load_problems(paths.problems)
    serve = config.serve
    models = CurrentModels(paths.models, epsilon=serve.epsilon, explore=serve.explore)
    threshold = break_even(config.rewards) if serve.review_threshold is None else serve.review_threshold
    reviewer = Reviewer(threshold=threshold, exploration=serve.review_exploration)
    snapshots = SnapshotQueue(judge, problems.get, report)
    recorder = Recorder(paths, snapshots)
    writer = EmbeddedWriter(paths.writers)
    writer.start()
    assistance = Assistance(models, writer, reviewer, clean)
    services = Services(paths, recorder, assistance, writer.name, "writes from the standard library and this file")
    token = secrets.token_urlsafe(24)
    rules = AccessRules(frozenset({port}), token)
    app = create_app(services, rules, Page(services, token, finish))
    server = Server([Listener(app, listening)], recorder.close)
    server.start()
    for part in health.parts(services):
        report(f"{part.name}: {part.text}")
    return RunningServices(services, server, judge, port, token)


def _listen(port: int | None) -> socket.socket:
    if port is not None:
        return listen(port)
    for candidate in range(DEFAULT_PORT, DEFAULT_PORT + TRIED_PORTS):
        try:
            return listen(candidate)
        except ConflictError:
            continue
    last = DEFAULT_PORT + TRIED_PORTS - 1
    raise ConflictError(f"ports {DEFAULT_PORT} to {last}", "are all taken; name a free one with --port")

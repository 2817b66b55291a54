"""Addresses of what is learned: training while the services go on, stored models, statistics of the sessions.

Not here: training (`training_process`), the models' files (`models.store`), what is counted (`help_statistics`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from errors import ConflictError, NotFoundError
from services.http.endpoints import Endpoint
from services.http.reading_thread import ReadingThread
from services.http.responses import answer
from services.learning.last_training import LastTraining, last_entry
from services.learning.learning_answers import learned_message, model_message
from services.learning.session_names import with_session_ids
from services.messages.learning_messages import LearnedMessage, ModelMessage, TrainingMessage
from services.services import Services
from sessions.ignored_sessions import IgnoredSessions
from training.evaluation.help_statistics import help_statistics
from training.runs.training_manifest import entry_of, read_manifest

NO_TRAINING = "this server does not train; run.py --train-only does"


def endpoints(services: Services) -> Sequence[Endpoint]:
    """The addresses."""
    learning = Learning(services)
    training, models = "/api/training", "/api/models"
    busy = {409: "one is under way, here or elsewhere, or there is nothing to learn from"}
    absent = {404: "there is no such generation", 409: "it is damaged"}
    return [
        Endpoint("GET", training, learning.training, "The training under way, or the last one.", TrainingMessage),
        Endpoint("POST", f"{training}/start", learning.start, "Train, or go on.", TrainingMessage, refusals=busy),
        Endpoint(
            "POST", f"{training}/stop", learning.stop, "Save and end the training.", TrainingMessage,
            refusals={409: "none is under way here"},
        ),
        Endpoint("GET", models, learning.models, "Stored models, the latest first.", list[ModelMessage]),
        Endpoint(
            "POST", models + "/{id}/restore", learning.restore, "Make these models current.", list[ModelMessage],
            refusals=absent,
        ),
        Endpoint(
            "POST", f"{models}/untrained", learning.go_untrained, "Let no stored models decide; all stay.",
            list[ModelMessage],
        ),
        Endpoint("GET", "/api/learned", learning.learned, "What your sessions say of the help.", LearnedMessage),
    ]  # fmt: skip


@dataclass
class Learning:
    """Handlers."""

    services: Services

    def __post_init__(self) -> None:
        self._last = LastTraining(self.services.paths)
        self._reading = ReadingThread("learned")  # many sessions take seconds

    async def training(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(self._training))

    async def start(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(self._start))

    async def stop(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(self._stop))

    async def models(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(self._models))

    async def restore(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(self._restore, request.path_params["id"]))

    async def go_untrained(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(self._go_untrained))

    async def learned(self, request: Request) -> Response:
        return await self._reading.run(lambda: answer(self._learned()))

    def _training(self) -> TrainingMessage:
        message, folder = self._state(), self.services.paths.episodes
        message.lines = [with_session_ids(line, folder) for line in message.lines]
        message.error = None if message.error is None else with_session_ids(message.error, folder)
        return message

    def _state(self) -> TrainingMessage:
        if self.services.training is not None:
            return self.services.training.state()
        message = self._last.state()
        message.can_start, message.refusal = False, NO_TRAINING
        return message

    def _start(self) -> TrainingMessage:
        if self.services.training is None:
            raise ConflictError("training", NO_TRAINING)
        self.services.training.start()
        return self._training()

    def _stop(self) -> TrainingMessage:
        if self.services.training is None or not self.services.training.stop():
            raise ConflictError("training", "none is under way here")
        return self._training()

    def _models(self) -> list[ModelMessage]:
        from models import store

        paths = self.services.paths
        entries = read_manifest(paths.manifest)
        generations = reversed(store.generations(paths.models))
        return [model_message(generation, entry_of(entries, paths.models, generation.id)) for generation in generations]

    def _restore(self, generation_id: str) -> list[ModelMessage]:
        from models import store

        folder = self.services.paths.models
        generation = next((candidate for candidate in store.generations(folder) if candidate.id == generation_id), None)
        if generation is None:
            raise NotFoundError("models", f"there is no generation {generation_id}")
        if generation.damaged:
            raise ConflictError("models", f"generation {generation_id} is damaged and cannot be restored")
        store.roll_back(folder, generation_id)
        self.services.assistance.models.load()
        return self._models()

    def _go_untrained(self) -> list[ModelMessage]:
        from inference import fresh_models
        from models import store

        store.make_untrained_current(self.services.paths.models, fresh_models)
        self.services.assistance.models.load()
        return self._models()

    def _learned(self) -> LearnedMessage:
        open_sessions = frozenset(self.services.recorder.open_sessions())
        recorded = self.services.help_reader.read(open_sessions, IgnoredSessions().ignores)
        trained = last_entry(self.services.paths)
        seen = frozenset(() if trained is None else (*trained.sessions, *trained.held_out))
        new_sessions = {session.session or session.id for session in recorded.sessions if session.id not in seen}
        return learned_message(help_statistics(recorded), len(new_sessions))

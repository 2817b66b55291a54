"""The state service's addresses: sessions, keystrokes, help. Not here: what they do (`recording`, `assistance`)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from config import VERSION
from delegates import Cancellation, WritingCancelledError
from services.assistance.assistance import Help, HelpRequest
from services.assistance.reading_ahead import ReadingAhead
from services.assistance.session_help import SessionHelp
from services.http.endpoints import MALFORMED, Endpoint
from services.http.inference_messages import inference_answer, requested_decision, requested_state, sampling_options
from services.http.responses import answer, read, refuse
from services.messages.messages import (
    ActivityRequest,
    ChangesRequest,
    InferenceAnswer,
    InferenceRequest,
    NextAnswer,
    Ok,
    QueueStatus,
    StartAnswer,
    StartRequest,
    StateAbout,
    StateHealth,
    StateRequest,
    WriterMessage,
    health_status,
)
from services.recording.quiet_files import quiet_suffix
from services.recording.recorder import Store
from services.services import Services
from services.solving.code_runs import wanted_by

SUPERSEDED = 499

MOST_HELPERS = 16
"""Requests for help at a time, in threads of their own, so that no slow writer holds up recording."""


_STORES = ("simulation", "zerostyle")
"""Parameters that choose another store than the person's."""

_UNKNOWN = {404: "the session is unknown or has ended"}
_DISK = {503: "the disk refuses: nothing is recorded", 507: "the disk is full: nothing is recorded"}


def endpoints(services: Services) -> Sequence[Endpoint]:
    """The addresses, without the service's prefix."""
    service = StateService(services)
    return [
        *_report_endpoints(service),
        *_session_endpoints(service),
        *_recording_endpoints(service),
        *_help_endpoints(service),
    ]


def _report_endpoints(service: StateService) -> Sequence[Endpoint]:
    return [
        Endpoint("GET", "/", service.about, "Which service this is.", StateAbout),
        Endpoint("GET", "/health", service.health, "How recording and writing are.", StateHealth),
        Endpoint(
            "GET",
            "/model-info",
            service.model_info,
            "Who writes the assistant's text.",
            WriterMessage,
            refusals={404: "nobody writes"},
        ),
        Endpoint("GET", "/test-queue/status", service.test_queue, "Sessions that wait for tests.", QueueStatus),
    ]


def _session_endpoints(service: StateService) -> Sequence[Endpoint]:
    return [
        Endpoint(
            "POST",
            "/episodes/start",
            service.start,
            "Begin a session.",
            StartAnswer,
            StartRequest,
            query=_STORES,
            refusals={
                400: "the problem's id is empty, or the path of the file or of its folder is none",
                403: "nobody may look at the file: outside of its folder, ignored, a secret, a link, the system's",
                404: "there is no such source, no folder is open, or the file's folder is not there",
                409: "everything is being erased",
                **MALFORMED,
                **_DISK,
            },
        ),
        Endpoint(
            "POST",
            "/episodes/{id}/end",
            service.end,
            "End a session; its states are tested, then its snapshot is written.",
            Ok,
            query=_STORES,
            refusals={**_UNKNOWN, **_DISK},
        ),
    ]


def _recording_endpoints(service: StateService) -> Sequence[Endpoint]:
    return [
        Endpoint(
            "POST",
            "/episodes/{id}/state",
            service.add_state,
            "Record a state; answered once it is on the disk.",
            Ok,
            StateRequest,
            query=_STORES,
            refusals={**_UNKNOWN, **MALFORMED, **_DISK},
        ),
        Endpoint(
            "POST",
            "/episodes/{id}/changes",
            service.add_changes,
            "Record keystrokes; answered once they are on the disk.",
            NextAnswer,
            ChangesRequest,
            query=_STORES,
            refusals={**_UNKNOWN, 409: "a change is missing; `next` is expected", **MALFORMED, **_DISK},
        ),
        Endpoint(
            "POST",
            "/episodes/{id}/activity",
            service.add_activity,
            "Record what the person did beside typing; answered once it is on the disk.",
            NextAnswer,
            ActivityRequest,
            query=_STORES,
            refusals={**_UNKNOWN, 409: "an event is missing; `next` is expected", **MALFORMED, **_DISK},
        ),
    ]


def _help_endpoints(service: StateService) -> Sequence[Endpoint]:
    refusals = {
        400: "the cursor's offset is missing, or the decision cannot be",
        **MALFORMED,
        SUPERSEDED: "a newer request has come",
    }
    handlers = {
        "/inference": (service.inference, "Ask for help."),
        "/inference_human": (service.inference_human, "Ask for what the modelled person would do."),
    }
    return [
        Endpoint("POST", path, handler, summary, InferenceAnswer, InferenceRequest, query=_STORES, refusals=refusals)
        for path, (handler, summary) in handlers.items()
    ]


@dataclass
class StateService:
    """Handlers of the addresses."""

    services: Services

    def __post_init__(self) -> None:
        self._latest: dict[tuple[str, str | None], Cancellation] = {}
        self._helpers = ThreadPoolExecutor(MOST_HELPERS, thread_name_prefix="help")
        services = self.services
        self._session_help = SessionHelp(services.recorder, services.folder)
        self._reading_ahead = ReadingAhead(services.assistance, self._session_help, self._helpers, services.failures)

    async def about(self, request: Request) -> Response:
        return answer(StateAbout("state service", VERSION, self.services.writer.name or None))

    async def health(self, request: Request) -> Response:
        recording, writer = self.services.recorder.problem_of_disk is None, self._writer()
        status = health_status(recording and writer is not None)
        return answer(StateHealth(status, writer is not None, writer is not None, writer))

    async def model_info(self, request: Request) -> Response:
        writer = self._writer()
        return refuse(404, "nobody writes the assistant's text") if writer is None else answer(writer)

    def _writer(self) -> WriterMessage | None:
        services = self.services
        if not services.writer.name:
            return None
        return WriterMessage(services.writer.name, services.writer.description, services.writer.hint)

    async def start(self, request: Request) -> Response:
        message = await read(request, StartRequest)
        recorder, store = self.services.recorder, _store(request)
        edited = await asyncio.to_thread(self._edited, message)
        episode_id = await recorder.start(
            message.problem_id,
            store=store,
            source_episode=message.source_episode,
            source_timestep=message.source_timestep,
            model=self.services.writer.name,
            idempotency_key=message.idempotency_key,
            **edited,
        )
        if message.source_episode is None:
            return answer(StartAnswer(episode_id))
        changes = await recorder.count_source_changes(store, message.source_episode)
        return answer(StartAnswer(episode_id, recorder.latest_timestep(episode_id), changes))

    def _edited(self, message: StartRequest) -> dict[str, str]:
        """The `file` that a session edits and its `folder`, if it is a file of the person's. Raises InputError."""
        if message.file is None:
            return {}
        files = self.services.folder.files_for(message.folder)
        return {"file": str(files.allowed(message.file)), "folder": str(files.folder)}

    async def add_state(self, request: Request) -> Response:
        message = await read(request, StateRequest)
        episode_id = request.path_params["id"]
        await self.services.recorder.add_state(episode_id, message)
        self._reading_ahead.note_state(episode_id, message.text)
        return answer(Ok())

    async def add_changes(self, request: Request) -> Response:
        message = await read(request, ChangesRequest)
        episode_id = request.path_params["id"]
        following = await self.services.recorder.add_changes(episode_id, message.first, message.changes)
        self._reading_ahead.note_changes(episode_id, message.first, message.changes)
        return answer(NextAnswer(following))

    async def add_activity(self, request: Request) -> Response:
        message = await read(request, ActivityRequest)
        episode_id = request.path_params["id"]
        return answer(NextAnswer(await self.services.recorder.add_activity(episode_id, message.first, message.events)))

    async def end(self, request: Request) -> Response:
        await self.services.recorder.end(request.path_params["id"])
        return answer(Ok())

    async def test_queue(self, request: Request) -> Response:
        size = self.services.recorder.snapshots.size
        return answer(QueueStatus(True, size, size == 0))

    async def inference(self, request: Request) -> Response:
        return await self._infer(request, "assistant")

    async def inference_human(self, request: Request) -> Response:
        return await self._infer(request, "human")

    async def _infer(self, request: Request, agent: Literal["assistant", "human"]) -> Response:
        message = await read(request, InferenceRequest)
        if message.context.cursorOffset is None:
            return refuse(400, "context.cursorOffset is missing")
        asked_by, cancellation = (agent, message.episode_id), Cancellation()
        if (earlier := self._latest.get(asked_by)) is not None:
            earlier.cancel()
        self._latest[asked_by] = cancellation
        try:
            with wanted_by(request, cancellation):
                loop = asyncio.get_running_loop()
                outcome = await loop.run_in_executor(self._helpers, self._help, message, cancellation, agent)
        except WritingCancelledError:
            return refuse(SUPERSEDED, "a newer request of this session has taken this one's place")
        finally:
            if self._latest.get(asked_by) is cancellation:
                del self._latest[asked_by]
        request_id = str(uuid.uuid4())
        content = await asyncio.to_thread(inference_answer, message.text, outcome, request_id)
        if agent == "assistant":
            decision, line = content.metadata["action"]
            answered = (decision, line if decision else 0)
            self.services.recorder.note_decision(
                message.episode_id,
                request_id,
                message.text,
                outcome.action,
                answered,
                milliseconds=outcome.milliseconds,
            )
        return answer(content)

    def _help(
        self, message: InferenceRequest, cancellation: Cancellation, agent: Literal["assistant", "human"]
    ) -> Help:
        recorder, episode_id = self.services.recorder, message.episode_id
        state = requested_state(message, recorder.live_state(episode_id))
        request = HelpRequest(
            state,
            self._session_help.context(episode_id, cancellation),
            sampling_options(message.context),
            requested_decision(message, state),
            agent,
            self._session_help.refusal(episode_id, state.lines[0]) or self._switched_off(message),
        )
        outcome = self.services.assistance.help(request)
        cancellation.raise_if_cancelled()
        return outcome

    def _switched_off(self, message: InferenceRequest) -> str | None:
        """That the person wants no help for files such as the request's, in words; None: they do."""
        file = self.services.recorder.file(message.episode_id)
        suffix = quiet_suffix(self.services.settings.current().off_for, file, message.context.file_type)
        return None if suffix is None else f"help is off for {suffix} files"


def _store(request: Request) -> Store:
    if _is_true(request.query_params.get("zerostyle")):
        return Store.SELF_PLAY
    return Store.SIMULATED if _is_true(request.query_params.get("simulation")) else Store.PERSON


def _is_true(value: str | None) -> bool:
    """Whether a parameter of an address says yes, as clients in other languages write it (Python: `True`)."""
    return value is not None and value.lower() in ("true", "1", "yes", "on")

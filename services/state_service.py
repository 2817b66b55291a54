"""The state service's addresses: sessions, keystrokes, help. Not here: what they do (`recording`, `assistance`)."""

from __future__ import annotations

import asyncio
import difflib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from actions import Decision, parse_decision
from config import VERSION
from delegates import Cancellation, WritingCancelledError, WritingContext
from services.assistance import Help, HelpRequest
from services.current_models import SamplingOptions
from services.endpoints import Endpoint
from services.messages import (
    ChangesAnswer,
    ChangesRequest,
    InferenceAnswer,
    InferenceRequest,
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
from services.recording.recorder import Store
from services.responses import answer, read, refuse
from services.services import Services
from state import Cursor, State
from state_adapter import check_recorded_state

SUPERSEDED = 499


def endpoints(services: Services) -> Sequence[Endpoint]:
    """The addresses, without the service's prefix."""
    service = StateService(services)
    unknown = {404: "the session is unknown or has ended"}
    disk = {507: "the disk is full: nothing is recorded"}
    malformed = {422: "the message is malformed"}
    help_refusals = {400: "the cursor's offset is missing", **malformed, SUPERSEDED: "a newer request has come"}
    stores = ("simulation", "zerostyle")
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
        Endpoint(
            "POST",
            "/episodes/start",
            service.start,
            "Begin a session.",
            StartAnswer,
            StartRequest,
            query=stores,
            refusals={400: "the problem's id is empty", 404: "there is no such source", **malformed, **disk},
        ),
        Endpoint(
            "POST",
            "/episodes/{id}/state",
            service.add_state,
            "Record a state; answered once it is on the disk.",
            Ok,
            StateRequest,
            query=stores,
            refusals={**unknown, **malformed, **disk},
        ),
        Endpoint(
            "POST",
            "/episodes/{id}/changes",
            service.add_changes,
            "Record keystrokes; answered once they are on the disk.",
            ChangesAnswer,
            ChangesRequest,
            query=stores,
            refusals={**unknown, 409: "a change is missing; `next` is expected", **malformed, **disk},
        ),
        Endpoint(
            "POST",
            "/episodes/{id}/end",
            service.end,
            "End a session; its states are tested, then its snapshot is written.",
            Ok,
            query=stores,
            refusals={**unknown, **disk},
        ),
        Endpoint("GET", "/test-queue/status", service.test_queue, "Sessions that wait for tests.", QueueStatus),
        Endpoint(
            "POST",
            "/inference",
            service.inference,
            "Ask for help.",
            InferenceAnswer,
            InferenceRequest,
            query=stores,
            refusals=help_refusals,
        ),
        Endpoint(
            "POST",
            "/inference_human",
            service.inference_human,
            "Ask for what the modelled person would do.",
            InferenceAnswer,
            InferenceRequest,
            query=stores,
            refusals=help_refusals,
        ),
    ]


@dataclass
class StateService:
    """Handlers of the addresses."""

    services: Services

    def __post_init__(self) -> None:
        self._latest: dict[str | None, Cancellation] = {}

    async def about(self, request: Request) -> Response:
        return answer(StateAbout("state service", VERSION, self.services.writer_name or None))

    async def health(self, request: Request) -> Response:
        recording, writer = self.services.recorder.problem_of_disk is None, self._writer()
        status = health_status(recording and writer is not None)
        return answer(StateHealth(status, writer is not None, writer is not None, writer))

    async def model_info(self, request: Request) -> Response:
        writer = self._writer()
        return refuse(404, "nobody writes the assistant's text") if writer is None else answer(writer)

    def _writer(self) -> WriterMessage | None:
        services = self.services
        if not services.writer_name:
            return None
        return WriterMessage(services.writer_name, services.writer_description, services.writer_hint)

    async def start(self, request: Request) -> Response:
        message = await read(request, StartRequest)
        episode_id = await self.services.recorder.start(
            message.problem_id,
            store=_store(request),
            source_episode=message.source_episode,
            source_timestep=message.source_timestep,
            model=self.services.writer_name,
        )
        return answer(StartAnswer(episode_id))

    async def add_state(self, request: Request) -> Response:
        message = await read(request, StateRequest)
        await self.services.recorder.add_state(request.path_params["id"], message)
        return answer(Ok())

    async def add_changes(self, request: Request) -> Response:
        message = await read(request, ChangesRequest)
        following = await self.services.recorder.add_changes(request.path_params["id"], message.first, message.changes)
        return answer(ChangesAnswer(following))

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
        cancellation = Cancellation()
        if (earlier := self._latest.get(message.episode_id)) is not None:
            earlier.cancel()
        self._latest[message.episode_id] = cancellation
        try:
            help_request = self._help_request(message, cancellation, agent)
            outcome = await asyncio.to_thread(self.services.assistance.help, help_request)
        except WritingCancelledError:
            return refuse(SUPERSEDED, "a newer request of this session has taken this one's place")
        finally:
            if self._latest.get(message.episode_id) is cancellation:
                del self._latest[message.episode_id]
        if cancellation.cancelled:
            return refuse(SUPERSEDED, "a newer request of this session has taken this one's place")
        request_id = str(uuid.uuid4())
        content = inference_answer(message.text, outcome, request_id)
        if agent == "assistant":
            answered = tuple(content.metadata["action"])
            recorder = self.services.recorder
            recorder.note_decision(message.episode_id, request_id, message.text, outcome.action, answered)
        return answer(content)

    def _help_request(
        self, message: InferenceRequest, cancellation: Cancellation, agent: Literal["assistant", "human"]
    ) -> HelpRequest:
        context = message.context
        state = requested_state(message)
        return HelpRequest(
            state,
            WritingContext(
                self.services.recorder.problem(message.episode_id),
                self.services.recorder.rejected_texts(message.episode_id),
                cancellation,
            ),
            SamplingOptions(
                context.assistantStrategyOverride,
                context.assistantTopK,
                context.assistantTemperature,
                context.assistantEpsilon,
            ),
            _decided(message, state),
            agent,
        )


def requested_state(message: InferenceRequest) -> State:
    """The state of a request: its attribution as it is, the cursor where `cursorOffset` is. Raises InputError."""
    state = check_recorded_state(
        {"text": message.text, "timestep": message.timestep, "attribution": message.attribution or []}
    )
    before = message.text[: message.context.cursorOffset]
    line = min(before.count("\n"), len(state) - 1)
    column = len(before) - before.rfind("\n") - 1
    return replace(state, cursor=Cursor(True, line, column, message.timestep), last_known_line=line)


def _decided(message: InferenceRequest, state: State) -> tuple[Decision, int] | None:
    if message.action is None:
        return None
    named = message.action
    if isinstance(named, dict):
        named = named.get("type")  # type: ignore[assignment]
    decision = parse_decision(named, "action")
    line = message.context.targetLine
    return decision, state.cursor.line if line is None else line - 1


def inference_answer(text: str, outcome: Help, request_id: str) -> InferenceAnswer:
    """The answer in the protocol's words."""
    before, after = text.replace("\r\n", "\n").split("\n"), list(outcome.lines)
    action = outcome.action
    shown = before != after
    metadata: dict[str, Any] = {
        "action": [int(action.decision) if shown else 0, action.line + 1],
        "model_used": action.writer.name if action.writer is not None else action.model,
        "request_id": request_id,
        "milliseconds": outcome.milliseconds,
    }
    return InferenceAnswer(
        response="\n".join(after) if shown else "",
        unified_diff=unified_diff(before, after) if shown else "",
        assistant_attribution=line_attribution(before, after),
        metadata=metadata,
    )


def unified_diff(before: Sequence[str], after: Sequence[str]) -> str:
    """Python's form of it, `request` -> `response`."""
    old, new = ([line + "\n" for line in lines] for lines in (before, after))
    return "".join(difflib.unified_diff(old, new, fromfile="request", tofile="response"))


def line_attribution(before: Sequence[str], after: Sequence[str]) -> dict[str, Any]:
    """What the edit did to each line, by its number as text."""
    attribution: dict[str, Any] = {}
    for tag, _, _, start, end in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for line in range(start, end) if tag != "equal" else ():
            operations = [int(tag == "insert"), int(tag == "delete"), int(tag == "replace")]
            attribution[str(line + 1)] = {
                "tag": tag,
                "attribution": {
                    "line_number": line + 1,
                    "char_span": [0, len(after[line])],
                    "operation_set": operations,
                },
            }
    return attribution


def _store(request: Request) -> Store:
    if request.query_params.get("zerostyle") == "true":
        return Store.SELF_PLAY
    return Store.SIMULATED if request.query_params.get("simulation") == "true" else Store.PERSON

"""The policy's addresses: a state to a decision, nothing more."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from starlette.requests import Request
from starlette.responses import Response

from config import VERSION
from errors import InputError
from services.http.endpoints import MALFORMED, Endpoint
from services.http.responses import answer, read, refuse
from services.messages.messages import About, MalformedError, PolicyAnswer, PolicyHealth, PolicyRequest, health_status
from services.services import Services
from state import State
from state_adapter import parse_line_tuples

if TYPE_CHECKING:
    from models import Models


def endpoints(services: Services) -> Sequence[Endpoint]:
    """The addresses, without the service's prefix."""
    service = PolicyService(services)
    refusals = {**MALFORMED, 503: "the models cannot be read"}
    return [
        Endpoint("GET", "/", service.about, "Which service this is.", About),
        Endpoint("GET", "/health", service.health, "Whether the policy can answer.", PolicyHealth),
        Endpoint(
            "POST",
            "/infer",
            service.infer,
            "The assistant's decision on a state.",
            PolicyAnswer,
            PolicyRequest,
            refusals=refusals,
        ),
        Endpoint(
            "POST",
            "/infer_human",
            service.infer_human,
            "The modelled person's decision on a state.",
            PolicyAnswer,
            PolicyRequest,
            refusals=refusals,
        ),
    ]


@dataclass
class PolicyService:
    """Handlers of the addresses."""

    services: Services

    async def about(self, request: Request) -> Response:
        return answer(About("policy models", VERSION))

    async def health(self, request: Request) -> Response:
        failure = self.services.assistance.models.failure
        return answer(PolicyHealth(health_status(failure is None)))

    async def infer(self, request: Request) -> Response:
        return await self._infer(request, "assistant")

    async def infer_human(self, request: Request) -> Response:
        return await self._infer(request, "human")

    async def _infer(self, request: Request, agent: Literal["assistant", "human"]) -> Response:
        message = await read(request, PolicyRequest)
        return await asyncio.to_thread(self._decide, message, agent)

    def _decide(self, message: PolicyRequest, agent: Literal["assistant", "human"]) -> Response:
        from inference import decide

        state = _state(message)
        try:
            models = self.services.assistance.models.models()
        except InputError as error:
            return refuse(503, str(error))
        try:
            (record,) = decide(
                [state],
                _with_width(models, message.w_max),
                agent=agent,
                strategy=message.strategy,
                top_k=message.top_k,
                temperature=1.0 if message.temperature is None else message.temperature,
                epsilon=message.epsilon or 0.0,
                h_max=message.h_max,
            )
        except InputError as error:
            raise MalformedError(error.where, error.reason) from None
        return answer(record.to_infer_action_json())


def _state(message: PolicyRequest) -> State:
    """The state of the message's lines. Raises MalformedError."""
    lines = [[line.text, line.human_attrib, line.assistant_attrib, line.cursor_attrib] for line in message.line_tuples]
    try:
        return parse_line_tuples(lines, message.t, "line_tuples")
    except InputError as error:
        raise MalformedError(error.where, error.reason) from None


def _with_width(models: Models, w_max: int) -> Models:
    """The same networks, for which a line is as wide as `w_max` bytes."""
    if w_max == models.featurizer.config.w_max:
        return models
    featurizer = copy.copy(models.featurizer)
    featurizer.config = replace(featurizer.config, w_max=w_max)
    return replace(models, featurizer=featurizer)

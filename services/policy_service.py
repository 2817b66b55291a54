"""The policy's addresses: a state to a decision, nothing more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.messages import PolicyRequest
from services.responses import answer, read
from services.services import Services
from state_adapter import parse_line_tuples


def routes(services: Services) -> list[Route]:
    """The addresses, without the service's prefix."""
    service = PolicyService(services)
    return [
        Route("/health", service.health),
        Route("/infer", service.infer, methods=["POST"]),
        Route("/infer_human", service.infer_human, methods=["POST"]),
    ]


@dataclass
class PolicyService:
    """Handlers of the addresses."""

    services: Services

    async def health(self, request: Request) -> Response:
        failure = self.services.assistance.models.failure
        return answer({"status": "healthy" if failure is None else "unhealthy", "service": "policy-models"})

    async def infer(self, request: Request) -> Response:
        return await self._infer(request, "assistant")

    async def infer_human(self, request: Request) -> Response:
        return await self._infer(request, "human")

    async def _infer(self, request: Request, agent: Literal["assistant", "human"]) -> Response:
        message = await read(request, PolicyRequest)
        return answer(await asyncio.to_thread(self._decide, message, agent))

    def _decide(self, message: PolicyRequest, agent: Literal["assistant", "human"]) -> object:
        from inference import decide

        lines = [
            [line.text, line.human_attrib, line.assistant_attrib, line.cursor_attrib] for line in message.line_tuples
        ]
        state = parse_line_tuples(lines, message.t, "line_tuples")
        (record,) = decide(
            [state],
            self.services.assistance.models.models(),
            agent=agent,
            strategy=message.strategy,
            top_k=message.top_k,
            temperature=1.0 if message.temperature is None else message.temperature,
            epsilon=message.epsilon or 0.0,
            h_max=message.h_max,
        )
        return record.to_infer_action_json()

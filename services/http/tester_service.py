"""The solution tester's addresses: a person's code against cases. Not here: running code (`judge`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config import VERSION
from judge.execution import execute
from services.http.endpoints import Endpoint
from services.http.responses import answer, read, refuse
from services.messages.messages import (
    About,
    ExecuteAnswer,
    ExecuteRequest,
    MalformedError,
    SandboxMessage,
    TesterHealth,
    health_status,
)
from services.services import Services


def endpoints(services: Services) -> Sequence[Endpoint]:
    """The addresses, without the service's prefix."""
    service = TesterService(services)
    return [
        Endpoint("GET", "/", service.about, "Which service this is.", About),
        Endpoint("GET", "/health", service.health, "Whether code is run, and how it is held back.", TesterHealth),
        Endpoint("POST", "/execute", service.execute, "Run code against cases.", ExecuteAnswer, ExecuteRequest),
    ]


@dataclass
class TesterService:
    """Handlers of the addresses."""

    services: Services

    async def about(self, request: Request) -> Response:
        return answer(About("solution tester", VERSION))

    async def health(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(self._health))

    def _health(self) -> TesterHealth:
        """Tries the sandbox out, which takes a moment."""
        tester = self.services.tester
        level = tester.sandbox.level
        return TesterHealth(health_status(not tester.refusal), SandboxMessage(int(level), level.name.lower()))

    async def execute(self, request: Request) -> Response:
        try:
            message = await read(request, ExecuteRequest)
        except MalformedError as error:
            return refuse(400, str(error))
        tester = self.services.tester
        if refusal := await asyncio.to_thread(lambda: tester.refusal):
            return refuse(503, refusal)
        content = msgspec.to_builtins(message)
        outcome = await self.services.runs.run(
            request, message.episode_id, lambda wanted: execute(tester, content, wanted)
        )
        if message.store_activity:
            await asyncio.to_thread(self.services.recorder.note_test_run, message.episode_id, outcome)
        return answer(outcome)

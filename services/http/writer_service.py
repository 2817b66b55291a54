"""The addresses about who writes: what there is, the choice, another look. Not here: what they do (`writer_switch`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.http import writer_options
from services.http.endpoints import MALFORMED, Endpoint
from services.http.responses import answer, read
from services.messages.writer_messages import WriterChoice, WritersMessage
from services.services import Services

CHOICE_REFUSALS = {
    404: "there is no such model file",
    409: "the writer cannot be used; the one before goes on writing",
    **MALFORMED,
    507: "the disk is full: the choice holds, but is not remembered",
}


def endpoints(services: Services) -> Sequence[Endpoint]:
    """The addresses."""
    service = WriterService(services)
    return [
        Endpoint("GET", "/api/writers", service.writers, "Who could write the assistant's text.", WritersMessage),
        Endpoint(
            "POST",
            "/api/writers/choose",
            service.choose,
            "Change who writes, now and for the next starts.",
            WritersMessage,
            WriterChoice,
            refusals=CHOICE_REFUSALS,
        ),
        Endpoint("POST", "/api/writers/look", service.look, "Look for servers of language models.", WritersMessage),
    ]


@dataclass
class WriterService:
    """Handlers of the addresses."""

    services: Services

    async def writers(self, request: Request) -> Response:
        return await self._answer()

    async def choose(self, request: Request) -> Response:
        choice = await read(request, WriterChoice)
        await asyncio.to_thread(self.services.writers.choose, choice)
        return await self._answer()

    async def look(self, request: Request) -> Response:
        await asyncio.to_thread(self.services.writers.look)
        return await self._answer()

    async def _answer(self) -> Response:
        return answer(await asyncio.to_thread(writer_options.message, self.services))

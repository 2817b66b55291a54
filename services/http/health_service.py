"""The addresses that say how the parts are, and give the log. Not here: how they are (`health`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.http import handover, health
from services.http.endpoints import Endpoint
from services.http.responses import answer
from services.messages.health_messages import HealthMessage
from services.services import Services


def endpoints(services: Services) -> Sequence[Endpoint]:
    """The addresses."""
    service = HealthService(services)
    return [
        Endpoint("GET", "/api/health", service.health, "How each part is, in words.", HealthMessage),
        Endpoint("GET", "/api/log", service.log, "The services' log, to hand over.", media_type="text/plain"),
    ]


@dataclass
class HealthService:
    """Handlers of the addresses."""

    services: Services

    async def health(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(health.message, self.services))

    async def log(self, request: Request) -> Response:
        text = await asyncio.to_thread(handover.log_text, self.services)
        return Response(text, media_type="text/plain")

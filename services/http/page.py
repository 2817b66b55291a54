"""The page itself, and the end of recording.

Not here: the services' own addresses, what else the page asks for (`solve_service`, `health_service` and the like).
"""

from __future__ import annotations

import asyncio
import html
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.http import (
    file_service,
    health_service,
    learning_service,
    sessions_service,
    settings_service,
    solve_service,
    writer_service,
)
from services.http.endpoints import Endpoint
from services.http.middleware import CONTENT_SECURITY_POLICY
from services.http.openapi import Groups, openapi_document, openapi_page
from services.http.responses import answer, refuse
from services.messages.messages import Ok
from services.messages.settings_messages import Settings
from services.services import Services

STATIC = Path(__file__).parents[1] / "static"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}


@dataclass
class Page:
    """Handlers. finish: asks the process to end recording. trains: whether it goes on to training then."""

    services: Services
    token: str
    finish: Callable[[], None]
    trains: bool = True

    def __post_init__(self) -> None:
        self._files = {path.name: path for path in STATIC.iterdir() if path.suffix in MEDIA_TYPES}
        self._groups: Groups = {}

    def endpoints(self) -> Sequence[Endpoint]:
        """The page's addresses."""
        unknown = {404: "there is none"}
        return [
            Endpoint("GET", "/", self.index, "The page.", media_type="text/html"),
            Endpoint(
                "GET", "/static/{name}", self.static, "A file of the page.", media_type="text/*", refusals=unknown
            ),
            Endpoint("GET", "/docs", self.docs, "This description, to read.", media_type="text/html"),
            Endpoint("GET", "/openapi.json", self.openapi, "This description, for programs.", dict[str, Any]),
            Endpoint("POST", "/api/finish", self.finish_recording, "End recording; training follows if wanted.", Ok),
            *learning_service.endpoints(self.services),
            *sessions_service.endpoints(self.services),
            *solve_service.endpoints(self.services),
            *file_service.endpoints(self.services),
            *health_service.endpoints(self.services),
            *settings_service.endpoints(self.services),
            *writer_service.endpoints(self.services),
        ]

    def describe(self, groups: Groups) -> None:
        """Describes these addresses together with the services', once somebody asks."""
        self._groups = {**groups, "": self.endpoints()}

    @cached_property
    def _document(self) -> dict[str, Any]:
        return openapi_document(self._groups)

    async def index(self, request: Request) -> Response:
        return await self._page(200)

    async def not_found(self, request: Request) -> Response:
        """The page for an address that names nothing, which it says to whoever opened that in a browser."""
        return await self._page(404)

    async def _page(self, status: int) -> Response:
        page, settings = await asyncio.to_thread(self._index_and_settings)
        nonce = secrets.token_urlsafe(16)
        values = {
            "token": html.escape(self.token),
            "nonce": nonce,
            "trains": str(self.trains).lower(),
            "theme": settings.theme,
        }
        for name, value in values.items():
            page = page.replace(f"{{{{{name}}}}}", value)
        policy = f"{CONTENT_SECURITY_POLICY}; style-src 'self' 'nonce-{nonce}'"  # of the editor's style element
        return Response(page, status, media_type="text/html", headers={"Content-Security-Policy": policy})

    def _index_and_settings(self) -> tuple[str, Settings]:
        return (STATIC / "index.html").read_text(encoding="utf-8"), self.services.settings.current()

    async def static(self, request: Request) -> Response:
        path = self._files.get(request.path_params["name"])
        if path is None:
            return refuse(404, "there is no such file")
        return Response(path.read_bytes(), media_type=MEDIA_TYPES[path.suffix])

    async def docs(self, request: Request) -> Response:
        return Response(openapi_page(self._document), media_type="text/html")

    async def openapi(self, request: Request) -> Response:
        return answer(self._document)

    async def finish_recording(self, request: Request) -> Response:
        self.finish()
        return answer(Ok())

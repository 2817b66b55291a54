"""The page and what only it asks for: health, sessions, models, settings, the end of recording.

Not here: the services' own addresses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from services import health
from services.responses import answer
from services.services import Services

STATIC = Path(__file__).with_name("static")


@dataclass
class Page:
    """Handlers. finish: asks the process to end recording and go on to training."""

    services: Services
    token: str
    finish: Callable[[], None]

    def routes(self) -> list[Route | Mount]:
        """The page's addresses."""
        return [
            Route("/", self.index),
            Route("/api/health", self.health),
            Route("/api/sessions", self.sessions),
            Route("/api/models", self.models),
            Route("/api/finish", self.finish_recording, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]

    async def index(self, request: Request) -> Response:
        html = (STATIC / "index.html").read_text(encoding="utf-8")
        return HTMLResponse(html.replace("{{token}}", self.token))

    async def health(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(health.as_json, self.services))

    async def sessions(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(self._sessions))

    async def models(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(self._models))

    async def finish_recording(self, request: Request) -> Response:
        self.finish()
        return answer({"ok": True})

    def _sessions(self) -> list[dict[str, object]]:
        folder = self.services.paths.episodes
        snapshots = folder.glob("*/*.json") if folder.is_dir() else ()
        latest = sorted(snapshots, key=lambda path: path.stat().st_mtime, reverse=True)
        return [{"id": path.stem, "bytes": path.stat().st_size} for path in latest]

    def _models(self) -> list[dict[str, object]]:
        from models import store

        generations = store.generations(self.services.paths.models)
        return [
            {"id": generation.id, "created": generation.created, "current": generation.current, "meta": generation.meta}
            for generation in reversed(generations)
        ]

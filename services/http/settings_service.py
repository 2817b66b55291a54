"""The addresses of the person's settings. Not here: how they are remembered (`person_settings`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response

from services.http.endpoints import MALFORMED, Endpoint
from services.http.responses import answer, read
from services.http.writer_service import CHOICE_REFUSALS
from services.messages.messages import Ok
from services.messages.settings_messages import ExploreRequest, Settings, SettingsChange
from services.messages.writer_messages import WriterChoice
from services.services import Services

_FOLDER = {
    400: "the folder's path is no whole one, or a file's",
    403: "the folder is the system's, our own data, holds secrets by its name, or may not be read",
    404: "there is no such folder or model file",
}
_DISK = {503: "the disk refuses: nothing is remembered", 507: "the disk is full: nothing is remembered"}


def endpoints(services: Services) -> Sequence[Endpoint]:
    """The addresses."""
    service = SettingsService(services)
    return [
        Endpoint("GET", "/api/settings", service.settings, "The person's settings.", Settings),
        Endpoint(
            "POST",
            "/api/settings",
            service.change,
            "Change some settings, now and for the next starts.",
            Settings,
            SettingsChange,
            refusals={**CHOICE_REFUSALS, **_FOLDER, **_DISK},
        ),
        Endpoint(
            "POST",
            "/api/explore",
            service.explore,
            "Say whether exploration may act.",
            Ok,
            ExploreRequest,
            refusals={**MALFORMED, **_DISK},
        ),
    ]


@dataclass
class SettingsService:
    """Handlers of the addresses."""

    services: Services

    async def settings(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(self.services.settings.current))

    async def change(self, request: Request) -> Response:
        change = await read(request, SettingsChange)
        return answer(await asyncio.to_thread(apply_change, self.services, change))

    async def explore(self, request: Request) -> Response:
        message = await read(request, ExploreRequest)
        await asyncio.to_thread(apply_change, self.services, SettingsChange(explore=message.explore))
        return answer(Ok())


def apply_change(services: Services, change: SettingsChange) -> Settings:
    """Remembers a change and lets it take effect; returns all settings. `change` says afterwards what was remembered.

    Raises InputError: the folder or the writer cannot be used, and nothing has changed; or the disk refuses to remember
    the change, and nothing has changed but the writer, if that is part of it.
    """
    files = services.folder.files
    if change.folder is not UNSET:
        files = services.folder.chosen(change.folder)
        change.folder = None if files is None else str(files.folder)
    if change.writer is not UNSET:
        services.writers.choose(change.writer or WriterChoice("automatic"))
        change.writer = UNSET
    settings = services.settings.update(change)
    if change.folder is not UNSET:
        services.folder.open(files)
    if change.explore is not UNSET:
        services.assistance.models.explore = settings.explore
    if change.tutor is not UNSET:
        services.writers.apply_tutor(settings)
    return settings

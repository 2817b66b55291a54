"""The messages that only the page asks for: how the parts are. Not here: the protocol's."""

from __future__ import annotations

from msgspec import Struct

from services.messages import Status


class PartMessage(Struct):
    """One part. ok: it works; text: what it does, or what is wrong and what to do."""

    name: str
    ok: bool
    text: str


class HealthMessage(Struct):
    """All parts. exploring: help comes at random for now; explore: that is wanted."""

    version: str
    status: Status
    parts: list[PartMessage]
    recording: bool
    exploring: bool
    explore: bool


class ExploreRequest(Struct):
    """Whether exploration may act while too little is learned."""

    explore: bool

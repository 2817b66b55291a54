"""The message that says how the parts are. Not here: how they are (`health`)."""

from __future__ import annotations

from msgspec import Struct

from services.messages.messages import Status


class PartMessage(Struct):
    """One part. ok: it works; text: what it does, or what is wrong; advice: what to do; "": nothing is to be done."""

    name: str
    ok: bool
    text: str
    advice: str = ""


class DiskMessage(Struct):
    """Room on the disk of the data root, `folder`, and the size of the data root itself; null: not counted yet."""

    folder: str
    free_bytes: int
    data_bytes: int | None


class HealthMessage(Struct):
    """All parts. exploring: help comes at random for now; explore: that is wanted. versions: by the program's name."""

    version: str
    status: Status
    parts: list[PartMessage]
    recording: bool
    exploring: bool
    explore: bool
    disk: DiskMessage
    versions: dict[str, str]

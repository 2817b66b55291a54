"""The settings that a person changes on the page, as messages and as the file `settings.json` has them.

Not here: the file (`person_settings`), what the settings do.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from services.messages.messages import Natural
from services.messages.writer_messages import WriterChoice

Pause = Literal["adaptive", "key"] | Annotated[int, Meta(ge=150, le=10_000)]
"""When the assistant is asked: after a pause that follows the person's typing, on a key only, or after so many ms."""

Suffix = Annotated[str, Meta(pattern=r"^\.[A-Za-z0-9_.+-]{1,20}$")]
"""End of a file's name, with its dot."""

Suffixes = Annotated[list[Suffix], Meta(max_length=100)]

FolderPath = Annotated[str, Meta(max_length=4096)]
"""Whole path of a folder, or one that begins with `~`."""

Theme = Literal["system", "light", "dark"]


class Settings(Struct):
    """All settings as they hold now.

    explore: whether help may come at random while too little is learned. off_for: files for which there is no help.
    subtle: mark the assistant's text less. learn_pastes: learn from large pastes too. welcomed: the first visit is
    over. writer: the remembered choice; null: nobody has chosen. tutor: solutions of problems write. paused_until:
    milliseconds since 1970 until which the page does not ask for help; null: it asks. folder: of the person's own
    files; null: none is open.
    """

    explore: bool = True
    pause: Pause = "adaptive"
    off_for: Suffixes = field(default_factory=list)
    theme: Theme = "system"
    subtle: bool = False
    learn_pastes: bool = False
    welcomed: bool = False
    writer: WriterChoice | None = None
    tutor: bool = False
    paused_until: Natural | None = None
    folder: FolderPath | None = None


class SettingsChange(Struct, forbid_unknown_fields=True):
    """The settings to change, by the same names; what is left out stays as it is."""

    explore: bool | UnsetType = UNSET
    pause: Pause | UnsetType = UNSET
    off_for: Suffixes | UnsetType = UNSET
    theme: Theme | UnsetType = UNSET
    subtle: bool | UnsetType = UNSET
    learn_pastes: bool | UnsetType = UNSET
    welcomed: bool | UnsetType = UNSET
    writer: WriterChoice | UnsetType | None = UNSET
    tutor: bool | UnsetType = UNSET
    paused_until: Natural | UnsetType | None = UNSET
    folder: FolderPath | UnsetType | None = UNSET


class ExploreRequest(Struct):
    """Whether exploration may act while too little is learned."""

    explore: bool

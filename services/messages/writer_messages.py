"""The messages about who writes the assistant's text: what there is to choose from, the choice. Not here: choosing."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=1000)]

WriterKind = Literal["server", "file", "tutor", "embedded"]


class WriterChoice(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Who is to write.

    `automatic`: the first of the usual order that is there. `server`: with its address, and the model if it is not to
    be the one that writes best. `file`: with the file's name in the data root's folder `writers`. `tutor`: in problems
    that come with a solution; elsewhere whoever wrote before.
    """

    kind: Literal["automatic", "server", "file", "tutor", "embedded"]
    address: Name | None = None
    model: Name | None = None
    file: Name | None = None


class WriterOption(Struct):
    """A writer that can be chosen, or could be once it is there.

    good_for, costs: a sentence each. how: what to do to get it or to make it work; "": nothing is to be done. command:
    to be run in a terminal for that; "": none. choice: what to post to choose it, or to try it again; null: it is not
    there yet. size: bytes of a file on the disk; null: none, or unknown.
    """

    kind: WriterKind
    name: str
    available: bool
    current: bool
    good_for: str
    costs: str
    how: str = ""
    choice: WriterChoice | None = None
    size: int | None = None
    command: str = ""


class WritersMessage(Struct):
    """Everybody who could write.

    name, description: who writes now, and what it is in a line of words. failure: why it does not write at the moment;
    null: it does, as far as is known. automatic: nobody has chosen, so the usual order holds. named_at_start: the flag
    or the setting that names a writer at every start, before what is chosen here; null: there is none.
    """

    options: list[WriterOption]
    name: str
    description: str
    hint: str
    failure: str | None
    automatic: bool
    named_at_start: str | None

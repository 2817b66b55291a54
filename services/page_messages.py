"""The messages that only the page asks for: how the parts are, models, problems. Not here: the protocol's."""

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


class ProblemSummary(Struct):
    """A problem in a list."""

    task_id: str
    title: str
    difficulty: str
    tags: list[str]


class PublicCase(Struct):
    """A case that may be seen: `name = value, ...` and the value expected, as Python shows it."""

    input: str
    output: str


class ProblemMessage(Struct):
    """A problem with what of it may be seen: no hidden case, no solution."""

    task_id: str
    question_id: int | None
    title: str
    difficulty: str
    tags: list[str]
    problem_description: str
    starter_code: str
    entry_point: str
    prompt: str
    input_output: list[PublicCase]


class ExploreRequest(Struct):
    """Whether exploration may act while too little is learned."""

    explore: bool

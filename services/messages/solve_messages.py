"""The messages of solving a problem: what may be seen of it, submissions, ending a run. Not here: the protocol's."""

from __future__ import annotations

from msgspec import Struct

from services.messages.messages import CaseAnswer, Natural


class ProblemSummary(Struct):
    """A problem in a list. solved: a submission of this person's has passed all its cases."""

    task_id: str
    title: str
    difficulty: str
    tags: list[str]
    solved: bool


class PublicCase(Struct):
    """A case that may be seen: `name = value, ...` and the value expected, as Python shows it."""

    input: str
    output: str


class ProblemMessage(Struct):
    """A problem with what of it may be seen: no hidden case, no solution. hidden_cases: how many there are."""

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
    hidden_cases: int


class SubmissionRequest(Struct):
    """Runs a solution against all cases of its problem. code: the person's text, without the problem's `prompt`."""

    episode_id: str
    problem_id: str
    code: str
    timestep: Natural


class SubmissionAnswer(Struct):
    """What a submission gave. success: all cases were run and passed, so the problem is solved.

    passed, total: of all cases; hidden_passed, hidden_total: of the hidden ones among them, of which nothing else is
    said. first_failure: the first visible case that failed. error_message: why not all cases were run.
    """

    success: bool
    passed: int
    total: int
    hidden_passed: int
    hidden_total: int
    first_failure: CaseAnswer | None
    error_message: str | None
    execution_time_ms: float


class StopRequest(Struct):
    """Ends the runs and submissions of a session that are under way."""

    episode_id: str


class StopAnswer(Struct):
    """stopped: how many were ended; they are answered with what they have so far."""

    stopped: int
    ok: bool = True

"""The HTTP messages: what a request must hold and what an answer holds, in the protocol's own keys.

Unknown keys are ignored. Not here: which address takes which message.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NoReturn, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from errors import InputError

Natural = Annotated[int, Meta(ge=0, le=2**53)]
Positive = Annotated[int, Meta(ge=1, le=2**53)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]

Message = TypeVar("Message")


class MalformedError(InputError):
    """A message that is no JSON, or not of the type that its address takes."""


class StartRequest(Struct):
    """Begins a session."""

    problem_id: str
    source_episode: str | None = None
    source_timestep: Natural | None = None


class StartAnswer(Struct):
    """The new session's id."""

    episode_id: str


class StateRequest(Struct):
    """The file at one moment of a session, after whoever `action` names moved.

    attribution: entries by line, as snapshots have them; fewer than lines: the remaining ones were never edited.
    """

    text: str
    timestep: Natural
    timestamp_ms: Annotated[float, Meta(ge=0, le=2**53)] | None = None
    attribution: list[dict[str, Any] | None] | None = None
    action: dict[str, Any] | None = None


Change = tuple[float, Natural, Natural, str, str]
"""`(milliseconds, position, characters deleted, text inserted, origin)`."""


class ChangesRequest(Struct):
    """Keystrokes; `first` is the number of the first one in the session."""

    first: Natural
    changes: list[Change]


class ChangesAnswer(Struct):
    """The number of the change that is expected next."""

    next: int
    ok: bool = True


class Ok(Struct):
    """Done."""

    ok: bool = True


class CursorPosition(Struct):
    """Line and column, from 1."""

    line: int
    column: int


class InferenceContext(Struct):
    """Where the cursor is and how to decide. `cursorOffset` in characters; `targetLine` from 1."""

    cursorOffset: Natural | None = None  # noqa: N815
    file_type: str | None = None
    cursor_position: CursorPosition | None = None
    selection: Any = None
    file_length: int | None = None
    targetLine: int | None = None  # noqa: N815
    assistantStrategyOverride: Literal["argmax", "sample", "sample_top_k"] | None = None  # noqa: N815
    assistantTopK: Positive | None = None  # noqa: N815
    assistantTemperature: Annotated[float, Meta(gt=0.0)] | None = None  # noqa: N815
    assistantEpsilon: Share | None = None  # noqa: N815


class InferenceRequest(Struct):
    """Asks for help with a file. `action`: the decision to carry out; the policy is then not asked."""

    text: str
    timestep: Natural
    context: InferenceContext
    attribution: list[dict[str, Any] | None] | None = None
    author_attribution: Any = None
    timestamp: Any = None
    action: int | str | dict[str, Any] | None = None
    episode_id: str | None = None


class InferenceAnswer(Struct):
    """Help as a unified diff; empty: none. `assistant_attribution`: by line number as text."""

    response: str
    unified_diff: str
    assistant_attribution: dict[str, Any]
    metadata: dict[str, Any]


class CaseMessage(Struct):
    """A case: `input` on standard input gives `output`."""

    test_id: int | str
    input: str
    output: str


class ExecuteRequest(Struct):
    """Runs a person's code against cases. memory_limit: MB; null: 512; 0 or less: none."""

    code: str
    test_cases: list[CaseMessage]
    episode_id: str | None = None
    timestep: Natural = 0
    timeout_ms: Annotated[int, Meta(ge=1, le=600_000)] = 10_000
    store_activity: bool = False
    memory_limit: Annotated[int, Meta(le=2**40)] | None = None
    stop_on_first_failure: bool = False


class LineMessage(Struct):
    """One line of a state for the policy, as in `formats.md`'s line tuples."""

    text: str
    human_attrib: dict[str, Any] = field(default_factory=dict)
    assistant_attrib: dict[str, Any] = field(default_factory=dict)
    cursor_attrib: dict[str, Any] = field(default_factory=dict)


class PolicyRequest(Struct):
    """Asks the policy alone."""

    line_tuples: list[LineMessage]
    t: Natural
    h_max: Annotated[int, Meta(ge=1, le=100_000)] = 300
    w_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 160
    strategy: Literal["argmax", "sample", "sample_top_k"] = "argmax"
    top_k: Positive | None = None
    temperature: Annotated[float, Meta(gt=0.0)] | None = None
    epsilon: Share | None = None


def decode(body: bytes, kind: type[Message]) -> Message:
    """The message in a request's body.

    Half of a deleted emoji is a lone surrogate, which browsers send and msgspec refuses: such a body goes through the
    standard library. Raises MalformedError.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise MalformedError("body", str(error)) from None
    except ValueError:  # msgspec's own, and bytes that are not UTF-8
        pass
    try:
        return msgspec.convert(json.loads(body, parse_constant=_refuse_constant), kind)
    except msgspec.ValidationError as error:
        raise MalformedError("body", str(error)) from None
    except (ValueError, RecursionError) as error:
        raise MalformedError("body", f"is not JSON: {error}") from None


def encode(answer: object) -> bytes:
    """An answer's body: strict JSON, lone surrogates escaped."""
    try:
        return msgspec.json.encode(answer)
    except (UnicodeEncodeError, msgspec.EncodeError):
        return json.dumps(msgspec.to_builtins(answer), allow_nan=False).encode("ascii")


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")

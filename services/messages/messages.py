"""The HTTP messages: what a request must hold and what an answer holds, in the protocol's own keys.

Unknown keys are ignored. Not here: which address takes which message, those of the page alone (`*_messages`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import msgspec
from msgspec import Meta, Struct, field

from errors import InputError
from strict_json import refuse_constant

Natural = Annotated[int, Meta(ge=0, le=2**53)]
Positive = Annotated[int, Meta(ge=1, le=2**53)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]

Message = TypeVar("Message")

_ENTRIES = {"type": ["array", "null"], "items": {"type": ["object", "null"]}}
"""Schema of attribution, which is most of a message and checked entry by entry only where it is new."""


def _no_entries() -> msgspec.Raw:
    return msgspec.Raw(b"[]")


class MalformedError(InputError):
    """A message that is no JSON, or not of the type that its address takes."""


class Refusal(Struct, omit_defaults=True):
    """Why a request was refused. next: the number of the change or event that is expected."""

    detail: str
    next: int | None = None


class StartRequest(Struct):
    """Begins a session. file: path of the person's file that is edited, from `folder` on; null: none.

    folder: in which that file lies, as `/api/files` names it; null: the one that is open. idempotency_key: of the
    client's own for this session; sent again where no answer came, it begins none twice.
    """

    problem_id: str
    source_episode: str | None = None
    source_timestep: Natural | None = None
    file: str | None = None
    folder: str | None = None
    idempotency_key: str | None = None


class StartAnswer(Struct, omit_defaults=True):
    """The new session's id.

    source_timestep, source_changes: of the session that it begins with, its last state's timestep and the number of its
    keystrokes, as they are on the disk.
    """

    episode_id: str
    source_timestep: int | None = None
    source_changes: int | None = None


class StateRequest(Struct):
    """The file at one moment of a session, after whoever `action` names moved.

    attribution: entries by line, as snapshots have them; fewer than lines: the remaining ones were never edited.
    """

    text: str
    timestep: Natural
    timestamp_ms: Annotated[float, Meta(ge=0, le=2**53)] | None = None
    attribution: Annotated[msgspec.Raw, Meta(extra_json_schema=_ENTRIES)] = field(default_factory=_no_entries)
    action: dict[str, Any] | None = None


Change = tuple[float, Natural, Natural, str, str]
"""`(milliseconds, position, characters deleted, text inserted, origin)`."""


class ChangesRequest(Struct):
    """Keystrokes; `first` is the number of the first one in the session."""

    first: Natural
    changes: list[Change]


ActivityEvent = tuple[float, str, dict[str, Any]]
"""`(milliseconds, kind, detail)`; the kinds and their details are those of `state_adapter.ActivityKind`."""


class ActivityRequest(Struct):
    """What the person did beside typing; `first` is the number of the first event in the session."""

    first: Natural
    events: list[ActivityEvent]


class NextAnswer(Struct):
    """The number of the change, or of the event, that is expected next."""

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
    """Where the cursor is and how to decide. `cursorOffset` in characters; `targetLine` from 1.

    mustHelp (ours): the person asks for help, so the policy takes no NO-OP and the text is shown whatever it is.
    """

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
    mustHelp: bool = False  # noqa: N815


class InferenceRequest(Struct):
    """Asks for help with a file. `action`: the decision to carry out; the policy is then not asked."""

    text: str
    timestep: Natural
    context: InferenceContext = field(default_factory=InferenceContext)
    attribution: list[dict[str, Any] | None] | None = None
    author_attribution: Any = None
    timestamp: Any = None
    action: int | str | list[Any] | dict[str, Any] | None = None
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
    """Runs a person's code against cases.

    timeout_ms: of all cases together. memory_limit: MB; null: 512; 0 or less: none. entry_point: expression that gives
    a function, which is then called with the input's `name = value, ...`; null: the code itself reads and prints.
    store_activity: the session, if it is open, keeps a line about this run.
    """

    episode_id: str
    code: str
    test_cases: list[CaseMessage]
    timestep: Natural
    timeout_ms: Annotated[float, Meta(gt=0, le=600_000)]
    store_activity: bool | None = None
    memory_limit: Annotated[int, Meta(ge=-(2**40), le=2**40)] | None = None
    stop_on_first_failure: bool | None = None
    entry_point: str | None = None


class CaseAnswer(Struct):
    """What one case gave. user_stdout: what was printed before the line that separates it from the output."""

    test_id: int | str
    passed: bool
    input: str
    actual_output: str
    expected_output: str
    error_message: str | None
    user_stdout: str


class ExecuteAnswer(Struct):
    """What all cases gave. success: all were run and passed; error_message: why not all were run."""

    episode_id: str
    timestep: int
    success: bool
    execution_time_ms: float
    error_message: str | None
    test_results: list[CaseAnswer]


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


class PolicyAnswer(Struct):
    """A decision and its line from 0 (-1: none). debug: logits, and lines that the network saw."""

    action_idx: int
    line_idx: int
    debug: dict[str, Any]


Status = Literal["healthy", "unhealthy"]


class About(Struct):
    """Which service this is."""

    message: str
    version: str


class StateAbout(Struct):
    """Which service this is. model: who writes the assistant's text; null: nobody."""

    message: str
    version: str
    model: str | None


class WriterMessage(Struct):
    """Who writes the assistant's text. hint: how to get a better writer; "": there is nothing to say."""

    name: str
    description: str
    hint: str = ""


class StateHealth(Struct):
    """How recording and writing are. `ollama_healthy` is the name that clients know for: text can be written."""

    status: Status
    ollama_healthy: bool
    model_available: bool
    model_info: WriterMessage | None


class QueueStatus(Struct):
    """Sessions that wait for their tests."""

    queue_available: bool
    queue_size: int
    is_empty: bool


class SandboxMessage(Struct):
    """Protection of the tester that holds: its level, 0 to 5, and name."""

    level: int
    name: str


class TesterHealth(Struct):
    """How the tester is."""

    status: Status
    sandbox: SandboxMessage


class PolicyHealth(Struct):
    """How the policy is."""

    status: Status
    service: str = "policy-models"


def health_status(healthy: bool) -> Status:
    """The protocol's word for it."""
    return "healthy" if healthy else "unhealthy"


def decode(body: bytes, kind: type[Message]) -> Message:
    """The message in a request's body.

    Half of a deleted emoji is a lone surrogate, which browsers send and msgspec refuses: such a body goes through the
    standard library. Raises MalformedError.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise MalformedError("body", str(error)) from None
    except RecursionError:
        raise MalformedError("body", "is nested too deeply") from None
    except ValueError:  # msgspec's own, and bytes that are not UTF-8
        pass
    try:
        return msgspec.convert(_with_raw_fields(json.loads(body, parse_constant=refuse_constant), kind), kind)
    except msgspec.ValidationError as error:
        raise MalformedError("body", str(error)) from None
    except (ValueError, RecursionError) as error:
        raise MalformedError("body", f"is not JSON: {error}") from None


def decode_entries(attribution: msgspec.Raw) -> Sequence[object]:
    """The entries of an attribution, as JSON each; parsed where one holds half an emoji. Raises MalformedError."""
    try:
        return msgspec.json.decode(attribution, type=list[msgspec.Raw] | None) or ()
    except msgspec.ValidationError as error:
        raise MalformedError("attribution", str(error)) from None
    except ValueError:
        pass
    try:
        return msgspec.convert(json.loads(bytes(attribution)), list[Any] | None) or ()
    except (ValueError, RecursionError) as error:  # msgspec's own, too
        raise MalformedError("attribution", f"is no list of entries: {error}") from None


def _with_raw_fields(value: object, kind: type[Message]) -> object:
    """The parsed body with those members as JSON again that its type leaves as JSON."""
    if not isinstance(value, dict):
        return value
    raw = [name for name, hint in get_type_hints(kind).items() if hint is msgspec.Raw and name in value]
    return value | {name: msgspec.Raw(json.dumps(value[name]).encode("ascii")) for name in raw}


def encode(answer: object) -> bytes:
    """An answer's body: strict JSON, lone surrogates escaped."""
    try:
        return msgspec.json.encode(answer)
    except (UnicodeEncodeError, msgspec.EncodeError):
        return json.dumps(msgspec.to_builtins(answer), allow_nan=False).encode("ascii")

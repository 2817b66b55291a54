"""A canonical state in its dict form, and the parts that formats share: env, history. Not here: sequences of states."""

from __future__ import annotations

from typing import Any

from state import HISTORY_LENGTH, Cursor, Env, PastDecision, State

from .line_tuples import attribution, cursor_part, edit
from .validation import (
    Place,
    as_list,
    as_object,
    boolean,
    integer,
    optional_list,
    optional_milliseconds,
    optional_number,
    optional_object,
    text,
    unexpected,
)


def parse_canonical(value: object, where: Place) -> State:
    """The state that a canonical dict describes; its `h` is checked and otherwise the number of its lines.

    Raises InputError: no `lines_text` or `t`, or a part that is not of its type.
    """
    fields = as_object(value, where)
    for key in ("lines_text", "t"):
        if key not in fields:
            raise unexpected((where, key), None, "a canonical state's `lines_text` and `t`")
    lines = as_list(fields["lines_text"], (where, "lines_text"))
    texts = tuple([text(line, ((where, "lines_text"), i)) for i, line in enumerate(lines)])
    integer(fields.get("h", len(texts)), (where, "h"), least=0)
    place = (where, "line_attribs")
    edits = optional_object(fields.get("line_attribs"), place)
    human, assistant = (
        [edit(row, ((place, key), i)) for i, row in enumerate(optional_list(edits.get(key), (place, key)))]
        for key in ("H", "A")
    )
    cursor = cursor_part(fields.get("cursor"), (where, "cursor"), -1)
    return State(
        texts,
        integer(fields["t"], (where, "t"), least=0),
        attribution(human, len(texts)),
        attribution(assistant, len(texts)),
        cursor if cursor.on else Cursor(),
        parse_env(fields.get("env"), (where, "env")),
        optional_milliseconds(fields.get("timestamp_ms"), (where, "timestamp_ms")),
        parse_history(fields.get("history"), (where, "history")),
        cursor.line if cursor.on or cursor.last_t >= 0 else -1,
    )


def parse_env(value: object, where: Place) -> Env | None:
    """What compiling and testing gave; None: unknown.

    A total of no tests means that tests are unknown. Not compiled, no tests and no execution time is how a store writes
    a state that it never ran, so all of it is unknown.
    """
    if not value and (value is None or value == {}):
        return None
    fields = as_object(value, where)
    env = Env(boolean(fields.get("compiled"), (where, "compiled")))
    if fields.get("tests") is not None:
        env = tested(env.compiled, as_object(fields["tests"], (where, "tests")), (where, "tests"))
    milliseconds = optional_number(fields.get("execution_time_ms"), (where, "execution_time_ms"), 0)
    return env if milliseconds or env.compiled or env.tests_total else None


def tested(compiled: bool, tests: dict[str, Any], where: Place) -> Env:
    """From `{"passed", "total"}` or `{"passed", "failed"}`."""
    passed = integer(tests.get("passed"), (where, "passed"), least=0)
    if "total" in tests:
        total = integer(tests["total"], (where, "total"), least=0)
    else:
        total = passed + integer(tests.get("failed"), (where, "failed"), least=0)
    if passed > total:
        raise unexpected((where, "passed"), passed, f"at most the total of {total}")
    return Env(compiled, passed, total) if total else Env(compiled)


def parse_history(value: object, where: Place) -> tuple[PastDecision, ...] | None:
    """The assistant's earlier decisions, oldest first; None: unknown. Of a long one the latest are kept."""
    if value is None:
        return None
    return tuple([_past(past, (where, i)) for i, past in enumerate(as_list(value, where))][-HISTORY_LENGTH:])


def _past(value: object, place: Place) -> PastDecision:
    fields = as_object(value, place)
    decision = integer(fields.get("decision"), (place, "decision"))
    if not 0 <= decision <= 6:
        raise unexpected((place, "decision"), decision, "a decision from 0 to 6")
    kept_share = optional_number(fields.get("kept"), (place, "kept"), 0, 1)
    return PastDecision(integer(fields.get("t"), (place, "t")), decision, kept_share)

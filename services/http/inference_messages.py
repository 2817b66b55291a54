"""Requests for help to what is asked, and help to answers, in the protocol's words. Not here: HTTP, who helps.

Lines end at line feeds, as in the recordings; a carriage return before one belongs to the line's end and is kept.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import zip_longest
from typing import Any

from actions import EXPLAIN, Action, Decision, parse_decision
from alignment import common_prefix
from comments import comment_words
from errors import InputError
from indentation import indentation
from services.assistance.assistance import Help
from services.learning.current_models import SamplingOptions
from services.messages.messages import InferenceAnswer, InferenceContext, InferenceRequest, MalformedError
from state import Cursor, State
from state_adapter import check_recorded_state

COMMENT_ABOVE_CURSOR = 7
"""What clients call Explain Multi Lines at the cursor's line."""

_CONTEXT_ROWS = 3
"""Rows that a diff shows before and after an edit."""


def requested_state(message: InferenceRequest, recorded: State | None) -> State:
    """The state of a request, with the cursor where `cursorOffset` is.

    recorded: the session's latest state; its attribution and history are those that training will read, so they are
    taken if it is the state that help is asked for, else the request's attribution as it is. Raises MalformedError.
    """
    try:
        state = check_recorded_state(
            {"text": message.text, "timestep": message.timestep, "attribution": message.attribution or []}
        )
    except InputError as error:
        raise MalformedError(error.where, error.reason) from None
    if recorded is not None and (recorded.t, recorded.lines) == (state.t, state.lines):
        state = recorded
    before = message.text[: message.context.cursorOffset].split("\n")
    line = len(before) - 1
    column = min(len(before[-1]), len(state.lines[line]))
    return replace(state, cursor=Cursor(True, line, column, message.timestep), last_known_line=line)


def sampling_options(context: InferenceContext) -> SamplingOptions:
    """How a request wants the decision to be drawn."""
    return SamplingOptions(
        context.assistantStrategyOverride,
        context.assistantTopK,
        context.assistantTemperature,
        context.assistantEpsilon,
        context.mustHelp,
    )


def requested_decision(message: InferenceRequest, state: State) -> tuple[Decision, int] | None:
    """The decision that a request asks to carry out and its line from 0; None: the policy is to decide.

    `action` is the decision alone, `[type, line]` or `{"type", "line"}`; the line is `targetLine`, else the action's,
    else the cursor's. Raises InputError: unknown decision, or a line that the file does not have.
    """
    action = message.action
    if action is None:
        return None
    named, line = _parts(action)
    decision = Decision.EXPLAIN_MULTI_LINES if named == COMMENT_ABOVE_CURSOR else parse_decision(named, "action")
    target = next((n for n in (message.context.targetLine, line) if n is not None and n >= 1), state.cursor.line + 1)
    if target > len(state):
        raise InputError("targetLine", f"is {target}, but the file has {len(state)} lines")
    return decision, target - 1


def _parts(action: int | str | list[Any] | dict[str, Any]) -> tuple[Any, int | None]:
    """Decision and line (from 1; None: none) as a request names them. Raises InputError."""
    named: Any = action
    line = None
    if isinstance(action, dict):
        named, line = action.get("type"), action.get("line")
    elif isinstance(action, list):
        if not 1 <= len(action) <= 2:
            raise InputError("action", f"has {len(action)} parts, expected [type, line]")
        named, line = action[0], action[1] if len(action) == 2 else None
    if line is not None and (isinstance(line, bool) or not isinstance(line, int)):
        raise InputError("action", "its line is no whole number")
    return named, line


def inference_answer(text: str, outcome: Help, request_id: str) -> InferenceAnswer:
    """The answer to a request for help with `text`."""
    before, after = split_lines(text)[0], lines_after(outcome)
    action, has_changed = outcome.action, before != after
    new_text = text_after(text, after)
    metadata: dict[str, Any] = {
        "action": [int(action.decision) if has_changed else 0, outcome.choice.action.line + 1],
        "model_used": action.writer.name if action.writer is not None else action.model,
        "request_id": request_id,
        "new_text": new_text,
        "record": outcome.choice.as_dict(),
        "milliseconds": outcome.milliseconds,
    }
    if action.review is not None:
        review = asdict(action.review)
        metadata["review"] = {key: review[key] for key in ("kept", "threshold", "shown", "explored")}
    if action.withheld is not None:
        withheld = action.withheld
        metadata["withheld"] = {"action": [int(withheld.decision), withheld.line + 1], "text": withheld.text}
    if outcome.is_rejected:
        metadata["rejected"] = True
    if outcome.failure is not None:
        metadata["reason"] = outcome.failure
    return InferenceAnswer(
        response=response_text(before, outcome.lines, action) if has_changed else "",
        unified_diff=unified_diff(text, new_text),
        assistant_attribution=line_attribution(before, after),
        metadata=metadata,
    )


def lines_after(outcome: Help) -> list[str]:
    """The lines of the file after the help; a file that is empty or ends with a line end, ends with one afterwards.

    So its last line is no other for a reader to whom an empty last line is none.
    """
    before, after = outcome.before, list(outcome.lines)
    return [*after, ""] if not before[-1] and after[-1] else after


def split_lines(text: str) -> tuple[list[str], list[str]]:
    """The lines of a text, and the end of each but the last."""
    rows = text.split("\n")
    ends = ["\r\n" if row.endswith("\r") else "\n" for row in rows[:-1]]
    return [row.removesuffix("\r") for row in rows[:-1]] + [rows[-1]], ends


def text_after(text: str, after: Sequence[str]) -> str:
    """The text with other lines: those that stay keep their ends, new ones end as what they stand in place of.

    Where they stand in place of nothing that has an end, they have the one that the text has most.
    """
    before, ends = split_lines(text)
    start, same = _same_ends(before, after)
    usual = Counter(ends).most_common(1)[0][0] if ends else "\n"
    new_end = ends[start] if start < min(len(ends), len(before) - same) else usual
    shift = len(before) - len(after)

    def end_of(line: int) -> str:
        if line < start:
            return ends[line] if line < len(ends) else usual
        return ends[line + shift] if line >= len(after) - same else new_end

    last = len(after) - 1
    return "".join([line + (end_of(i) if i < last else "") for i, line in enumerate(after)])


def _same_ends(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """How many lines both begin and end with; none is counted twice."""
    shorter = min(len(before), len(after))
    start = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    end = next((i for i in range(shorter - start) if before[-1 - i] != after[-1 - i]), shorter - start)
    return start, end


def unified_diff(text: str, new_text: str) -> str:
    """What turns a text into another, in the form of Python's difflib, `request` -> `response`; "": nothing.

    A row keeps its line end. That of a last line without one ends all the same, so that no rows run together, unless it
    is the diff's last. Only the rows around the edit are compared: thousands of equal ones would take minutes.
    """
    old, new = (_rows(part) for part in (text, new_text))
    if old == new:
        return ""
    start, same = _same_ends(old, new)
    first, left_out = max(start - _CONTEXT_ROWS, 0), max(same - _CONTEXT_ROWS, 0)
    lengths = [len(part) - left_out - first for part in (old, new)]
    rows = ["--- request\n", "+++ response\n", "@@ -{} +{} @@\n".format(*[_range(first, length) for length in lengths])]
    rows += [f" {row}" for row in old[first:start]]
    rows += _changed_rows(old[start : len(old) - same], new[start : len(new) - same])
    *rows, last = rows + [f" {row}" for row in old[len(old) - same : len(old) - left_out]]
    return "".join([row if row.endswith("\n") else row + "\n" for row in rows]) + last


def _changed_rows(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    for tag, i, old_end, j, new_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (f" {row}" for row in old[i:old_end])
        else:
            yield from (f"-{row}" for row in old[i:old_end])
            yield from (f"+{row}" for row in new[j:new_end])


def _range(start: int, length: int) -> str:
    """Rows from `start` (counted from 0) as the head of a hunk names them."""
    return str(start + 1) if length == 1 else f"{start + bool(length)},{length}"


def _rows(text: str) -> list[str]:
    """The lines of a text with their ends; an empty last line is none."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


def line_attribution(before: Sequence[str], after: Sequence[str]) -> dict[str, Any]:
    """What the edit did to each line, by its number (from 1) as text: of a deleted line the number that it had.

    Lines that both begin and end with are not compared: many equal lines would take minutes.
    """
    start, same = _same_ends(before, after)
    removed, added = before[start : len(before) - same], after[start : len(after) - same]
    attribution: dict[str, Any] = {}
    for tag, i, old_end, j, new_end in difflib.SequenceMatcher(None, removed, added, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for offset, (old, new) in enumerate(zip_longest(removed[i:old_end], added[j:new_end])):
            line = start + (i if new is None else j) + offset + 1
            attribution.setdefault(str(line), _line_edit(line, old, new))
    return attribution


def _line_edit(line: int, old: str | None, new: str | None) -> dict[str, Any]:
    """old, new: the line before and after; None: there was, or is, none."""
    if new is None or old is None:
        tag, span = ("delete", [0, 0]) if new is None else ("insert", [0, len(new)])
    else:
        start = common_prefix(old, new)
        end = common_prefix(old[start:][::-1], new[start:][::-1])
        tag, span = "replace", [start, max(len(old), len(new)) - end]
    operations = [int(tag == name) for name in ("insert", "delete", "replace")]
    return {"tag": tag, "attribution": {"line_number": line, "char_span": span, "operation_set": operations}}


def response_text(before: Sequence[str], after: Sequence[str], action: Action) -> str:
    """What was written, for clients that put it into the file themselves.

    A completion: what stands at the cursor. Lines: as deep as they are below the line that they replace. Comments:
    without their signs.
    """
    start, same = _same_ends(before, after)
    added = list(after[start : len(after) - same])
    old = before[action.line]
    if action.decision in EXPLAIN or action.decision is Decision.FILL_PARTIAL_LINE:
        if len(added) == 1 and len(before) == len(after):
            begin = common_prefix(old, added[0])
            end = common_prefix(old[begin:][::-1], added[0][begin:][::-1])
            added = [added[0][begin : len(added[0]) - end]]
        if action.decision is Decision.FILL_PARTIAL_LINE:
            return "\n".join(added)
        return "\n".join(comment_words(line) for line in added)
    return "\n".join(line.removeprefix(indentation(old)) for line in added)

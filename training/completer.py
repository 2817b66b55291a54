"""Simple players' hands: the text that a decision comes with when nobody real writes it.

Both write what the session came to in the end, the assistant with mistakes. It stands in for a real writer of code in
self-play; the goal it knows never reaches a policy's features. Not here: who decides what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from actions import Decision
from alignment import align, body
from line_tracking import carry_attribution
from state import Cursor, State

MISTAKES = 0.3
"""How often what the assistant writes is wrong."""

NOTES = ("keep track of what was seen", "handle the empty case", "the result so far", "go through all of them")

_SLIPS = (("+", "-"), ("<", ">"), ("==", "!="), ("1", "2"), ("0", "1"), ("return", "return not"), ("and", "or"))


def missing(lines: Sequence[str], goal: Sequence[str]) -> list[tuple[int, int]]:
    """Goal lines that do not stand yet, in order, each with the place in `lines` at which it belongs."""
    alignment = align(goal, lines)
    stands = {int(g): at for at, g in enumerate(alignment.source) if g >= 0 and alignment.equal[at]}
    found, place = [], 0
    for index, text in enumerate(goal):
        if index in stands:
            place = stands[index] + 1
        elif text.strip():
            found.append((index, place))
    return found


def completion(state: State, decision: Decision, line: int, goal: Sequence[str], rng: Random) -> str:
    """What the assistant writes for a decision at a line; may be wrong, may be nothing."""
    if decision in (Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES):
        return f"# {rng.choice(NOTES)}"
    left = missing(state.lines, goal)
    here = body(state.lines[line])
    if decision is Decision.EDIT_EXISTING_LINES:
        source = int(align(goal, state.lines).source[line])
        wanted = body(goal[source]) if source >= 0 else here
        return _attempt(wanted, rng) if wanted != here else _slip(here, rng)
    if not left:
        return ""
    following = [body(goal[index]) for index, _ in left]
    if decision is Decision.FILL_PARTIAL_LINE:
        start = here[: state.cursor.char] if state.cursor.on and state.cursor.line == line else here
        fits = following[0].startswith(start)
        return _attempt(following[0], rng)[len(start) :] if fits else "  # TODO"
    count = rng.randint(2, 3) if decision is Decision.WRITE_MULTI_LINE else 1
    return "\n".join(_attempt(text, rng) for text in following[:count])


def human_turn(
    before: State, state: State, decision: Decision, line: int, *, goal: Sequence[str], rng: Random
) -> State:
    """The human's turn: what the decision says, done to the file as one who knows the goal would.

    before: the state that the assistant's decision was taken on; an edit right after the assistant wrote takes that
    back. line: where a comment goes; code goes where it belongs.
    """
    t = state.t + 1
    wrote = before.lines != state.lines
    if decision is Decision.EDIT_EXISTING_LINES and wrote:
        return _taken_back(before, state, t)
    left = missing(state.lines, goal)
    lines = list(state.lines)
    if decision in (Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES) and 0 <= line < len(lines):
        indent = lines[line][: len(lines[line]) - len(lines[line].lstrip())]
        lines.insert(line, f"{indent}# {rng.choice(NOTES)}")
        return _edited(state, lines, line + 1, t)
    if decision is Decision.NO_OP or not left:
        return _edited(state, lines, state.last_known_line, t)
    index, place = left[0]
    text = body(goal[index])
    if decision is Decision.FILL_PARTIAL_LINE and len(text.strip()) > 4:
        text = text[: rng.randint(len(text) - len(text.strip()) + 2, len(text) - 1)]
    begun = place < len(lines) and goal[index].startswith(body(lines[place]).rstrip())
    lines[place : place + begun] = [text]
    return _edited(state, lines, place, t)


def _edited(state: State, lines: list[str], line: int, t: int) -> State:
    """The state after the human turned the text into `lines`, the cursor at the end of `line`."""
    human, assistant = carry_attribution(state, lines, "H", t)
    cursor = Cursor(True, line, len(body(lines[line])), t) if 0 <= line < len(lines) else Cursor()
    return replace(
        state, lines=tuple(lines), t=t, human=human, assistant=assistant, cursor=cursor, last_known_line=line,
        env=None, timestamp_ms=None, undone=frozenset(),
    )  # fmt: skip


def _taken_back(before: State, state: State, t: int) -> State:
    """The text as it was before the assistant's decision, marked as taken back."""
    back = _edited(state, list(before.lines), before.last_known_line, t)
    source = align(state.lines, before.lines)
    changed = frozenset(i for i in range(len(before.lines)) if not source.equal[i])
    return replace(back, undone=changed)


def _attempt(text: str, rng: Random) -> str:
    return _slip(text, rng) if rng.random() < MISTAKES else text


def _slip(text: str, rng: Random) -> str:
    """A plausible mistake: a wrong operator, number or word."""
    for right, wrong in rng.sample(_SLIPS, len(_SLIPS)):
        if right in text:
            return text.replace(right, wrong, 1)
    return text + "  # TODO"

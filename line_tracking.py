"""Whose line is whose after an edit, which lines an edit wrote, and whether they still stand later.

Everything follows lines where they move (`alignment`), never line numbers. Not here: what a standing line is worth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alignment import MOVED_SIMILARITY, Alignment, align, changed_span, lcs_length, similarity, strip_line_end
from state import T_LAST, UNEDITED, State

SURVIVAL_SIMILARITY = MOVED_SIMILARITY
"""Similarity from which a rewritten line is still the line that was written."""


@dataclass(frozen=True, slots=True)
class LineEdit:
    """A line that an edit changed, made or removed, in stripped texts and non-blank characters.

    line: number in the text after the edit; -1: removed.
    text, before: what stands there since, and what stood there; before None: a new line.
    characters, removed: how many this edit wrote there, and how many it took away.
    """

    line: int
    text: str
    before: str | None
    characters: int
    removed: int


def carry_attribution(
    before: State, lines: Sequence[str], by: Literal["H", "A"], t: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`(human, assistant)` attribution, each `(len(lines), 6)`, after `by` turned `before` into `lines` in turn `t`.

    Unchanged lines keep both agents' wherever they moved; a changed line keeps the other agent's and gets the
    mover's `t`, changed span and flags; a new line belongs to the mover alone.
    """
    changed = _changed_in_place(before.lines, lines)
    if changed is not None and len(changed) <= 1:  # the commonest edit needs no alignment
        human, assistant = before.human.copy(), before.assistant.copy()
        sources = [(i, i) for i in changed if strip_line_end(before.lines[i]) != strip_line_end(lines[i])]
    else:
        alignment = align(before.lines, lines)
        human, assistant = _carried(before.human, alignment), _carried(before.assistant, alignment)
        sources = [(i, int(alignment.source[i])) for i in np.flatnonzero(~alignment.equal).tolist()]
    mover = human if by == "H" else assistant
    for i, source in sources:
        span = changed_span(strip_line_end(before.lines[source]) if source >= 0 else "", strip_line_end(lines[i]))
        # A new line was added even if it is blank; of a changed one, both at once is a replacement.
        added, deleted = span.added > 0, span.deleted > 0
        flags = (True, False, False) if source < 0 else (added, deleted, added and deleted)
        mover[i] = (t, span.start, span.end, *flags)
    human.flags.writeable = assistant.flags.writeable = False
    return human, assistant


def _changed_in_place(old: Sequence[str], new: Sequence[str]) -> list[int] | None:
    """Which lines differ between texts of as many lines; None: they have not as many."""
    if len(old) != len(new):
        return None
    return [i for i, (before, after) in enumerate(zip(old, new, strict=True)) if before != after]


def _carried(attribution: NDArray[np.int64], alignment: Alignment) -> NDArray[np.int64]:
    carried = np.empty((len(alignment.source), 6), dtype=np.int64)
    carried[:] = UNEDITED
    has_source = alignment.source >= 0
    carried[has_source] = attribution[alignment.source[has_source]]
    return carried


def line_edits(before: Sequence[str], after: Sequence[str]) -> tuple[LineEdit, ...]:
    """The lines by which `before` became `after`, removed ones last; where only blanks changed, nothing was written."""
    alignment = align(before, after)
    lines = []
    for i in np.flatnonzero(~alignment.equal).tolist():
        source = int(alignment.source[i])
        lines.append(_line_edit(i, before[source].strip() if source >= 0 else None, after[i].strip()))
    lines += [_line_edit(-1, before[i].strip(), "") for i in alignment.removed]
    return tuple(line for line in lines if line.characters or line.removed)


def _line_edit(line: int, before: str | None, text: str) -> LineEdit:
    old, new = "".join((before or "").split()), "".join(text.split())
    shared = lcs_length(old, new)
    return LineEdit(line, text, before, len(new) - shared, len(old) - shared)


def survives(
    edit: Sequence[LineEdit], after: Sequence[str], later: Sequence[str], undone: Container[int] = ()
) -> tuple[bool, ...]:
    """Of each written line whether it stands in the text `later`.

    A line stands if the line that it became there is equal to it, or more similar to it than to what stood before
    and at least `SURVIVAL_SIMILARITY`. Where text was only removed, it stands unless that text is back. Lines of
    `later` in `undone` were taken back by the human's own edit, so they do not stand; unless they are equal to what
    was written: then what the human took back was something else. after: the text as the edit left it.
    """
    if not edit:
        return ()
    alignment = align(after, later)
    later_lines = {source: i for i, source in enumerate(alignment.source.tolist()) if source >= 0}
    inserted = Counter(later[i].strip() for i in np.flatnonzero(~alignment.equal).tolist())
    replaced = {line.before for line in edit}
    return tuple(
        _line_survives(line, later_lines.get(line.line), later, replaced, undone)
        if line.line >= 0
        else _removal_survives(line, inserted)
        for line in edit
    )


def _line_survives(
    line: LineEdit,
    later_line: int | None,
    later: Sequence[str],
    replaced: Container[str | None],
    undone: Container[int],
) -> bool:
    """later_line: the line of `later` that this one became; None: there is none, so only a removal stands."""
    if later_line is None:
        return not line.characters
    later_text = later[later_line].strip()
    if later_text == line.text:
        return True
    if later_line in undone:
        return False
    if line.characters:
        return _rewrite_survives(line, later_text, replaced)
    return not _text_restored(line, later_text)


def _removal_survives(line: LineEdit, inserted: Counter[str]) -> bool:
    """Whether a removed line is not among those inserted since; if it is, one is taken out of them."""
    if not line.before or not inserted[line.before]:
        return True
    inserted[line.before] -= 1
    return False


def _rewrite_survives(line: LineEdit, later_text: str, replaced: Container[str | None]) -> bool:
    """replaced: the texts that the edit replaced or removed. One of them that is back is no rewritten line."""
    if later_text in replaced:
        return False
    alike = similarity(line.text, later_text)
    return alike >= SURVIVAL_SIMILARITY and (line.before is None or alike > similarity(line.before, later_text))


def _text_restored(line: LineEdit, later_text: str) -> bool:
    """Whether a text that was only removed from the line is back."""
    alike = similarity(line.before or "", later_text)
    return alike >= SURVIVAL_SIMILARITY and alike > similarity(line.text, later_text)


def surviving_share(edit: Sequence[LineEdit], survived: Sequence[bool]) -> float | None:
    """Share of the characters of `edit` on the lines that survived; None: it has none.

    The characters are those that the edit wrote; of an edit that only removed, those that it removed.
    """
    only_removed = not any(line.characters for line in edit)
    weights = [line.removed if only_removed else line.characters for line in edit]
    total = sum(weights)
    return sum(weight for weight, stood in zip(weights, survived, strict=True) if stood) / total if total else None


def retained_share(decision: int, before: State, after: State, reply: State | None) -> float | None:
    """Share of what `decision`, that led from `before` to `after`, wrote that stands at `reply`.

    None: a NO-OP (0), no reply, or nothing was written.
    """
    if decision == 0 or reply is None or before.lines == after.lines:
        return None
    return next(surviving_shares(before, after, (reply,)))


def surviving_shares(before: State, after: State, later: Iterable[State]) -> Iterator[float | None]:
    """For each state of `later`: share of what led from `before` to `after` that stands there and in those before it.

    None: nothing was written.
    """
    edits = line_edits(before.lines, after.lines)
    survived = [True] * len(edits)
    for state in later:
        stands = survives(edits, after.lines, state.lines, undone_since(state, since=before.t))
        survived = [all(flags) for flags in zip(survived, stands, strict=True)]
        yield surviving_share(edits, survived)


def undone_since(later: State, since: int) -> frozenset[int]:
    """Lines of `later` whose last edit by the human is of a turn after `since` and took something back."""
    return frozenset(line for line in later.undone if line < len(later) and later.human[line, T_LAST] > since)


def undone_so_far(states: Sequence[State]) -> frozenset[int]:
    """Lines of the last state whose last edit by the human took something back, in whichever turn that was."""
    lines: frozenset[int] = frozenset()
    for before, after in pairwise(states):
        if lines:
            source = align(before.lines, after.lines).source.tolist()
            lines = frozenset(
                i for i, j in enumerate(source) if j in lines and after.human[i, T_LAST] == before.human[j, T_LAST]
            )
        lines |= after.undone
    return lines

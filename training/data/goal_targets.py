"""Eight numbers that say what a session was after, for the goal head. Not here: the head and its loss.

They are known only once the session has ended, so they are targets and never features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comments import is_comment
from indentation import indentation
from state import State

GOAL_NAMES = (
    "comment_share",
    "length",
    "left_to_write",
    "left_to_remove",
    "line_length",
    "indentation",
    "compiles",
    "tests_passed",
)
"""comment_share: comment lines among the final text's non-blank lines. length: non-blank lines / (those + 30).
left_to_write: share of the final non-blank lines that do not stand yet. left_to_remove: share of the state's non-blank
lines that will not stand. line_length: mean characters of a final line, of 100 at most. indentation: mean columns of
a final line, of 32 at most. compiles, tests_passed: of the final text; 0.5 if unknown."""


@dataclass(frozen=True)
class FinalText:
    """The final text of a session, counted once for all its states."""

    lines: Counter[str]
    fixed: tuple[float, ...]
    """All of `GOAL_NAMES` but the two that depend on the state."""

    @classmethod
    def from_state(cls, final: State) -> FinalText:
        """The final text of a session that ends in the state `final`."""
        lines = _non_blank(final.lines)
        count = max(len(lines), 1)
        comments = sum(is_comment(line) for line in lines)
        length = sum(len(line.strip()) for line in lines) / count
        columns = sum(_indentation(line) for line in lines) / count
        fixed = (
            comments / count,
            len(lines) / (len(lines) + 30),
            min(length / 100, 1.0),
            min(columns / 32, 1.0),
            *_outcome(final),
        )
        return cls(Counter(line.strip() for line in lines), fixed)


def goal_vector(state: State, final: FinalText) -> NDArray[np.float32]:
    """`(8,)` in [0, 1], in the order of `GOAL_NAMES`."""
    current = Counter(line.strip() for line in _non_blank(state.lines))
    missing_share = (final.lines - current).total() / max(final.lines.total(), 1)
    surplus = (current - final.lines).total() / max(current.total(), 1)
    comments, length, *other_features = final.fixed
    return np.array([comments, length, missing_share, surplus, *other_features], dtype=np.float32)


def _non_blank(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.strip()]


def _indentation(line: str) -> int:
    return len(indentation(line).expandtabs(4))


def _outcome(final: State) -> tuple[float, float]:
    """Whether the text compiles, and the share of its tests that pass."""
    if final.env is None:
        return 0.5, 0.5
    compiles = float(final.env.compiled)
    if not final.env.tests_total or final.env.tests_passed is None:
        return compiles, 0.5
    return compiles, min(final.env.tests_passed / final.env.tests_total, 1.0)

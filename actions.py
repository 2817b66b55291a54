"""The seven decisions: names, where they are legal, and what each does to a text.

One place computes legality, vectorised, and every part uses it. Not here: who chooses a decision, who writes the text.
"""

from __future__ import annotations

from enum import IntEnum


class Decision(IntEnum):
    """What an agent does in a turn; all but `NO_OP` at a line."""

    NO_OP = 0
    FILL_PARTIAL_LINE = 1
    WRITE_SINGLE_LINE = 2
    WRITE_MULTI_LINE = 3
    EDIT_EXISTING_LINES = 4
    EXPLAIN_SINGLE_LINES = 5
    EXPLAIN_MULTI_LINES = 6

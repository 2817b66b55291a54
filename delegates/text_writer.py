"""The protocol of text writers and what they answer.

Not here: any particular writer, the decision that asks for a text, the review of the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from actions import Decision
from state import State


@dataclass(frozen=True, slots=True)
class Completion:
    """A text for `actions.apply`, who wrote it, and how sure the writer was.

    text: "" or the text that stands there already: the writer has nothing to add.
    writer: the writer's name.
    token_log_probs: natural log-probability of each token of the text; None: unknown, or the writer has no tokens.
    """

    text: str
    writer: str
    token_log_probs: tuple[float, ...] | None = None

    @property
    def token_count(self) -> int | None:
        """Tokens of the text; None: unknown."""
        return None if self.token_log_probs is None else len(self.token_log_probs)

    @property
    def mean_log_prob(self) -> float | None:
        """Mean log-probability of a token; None: unknown, or there are no tokens."""
        return sum(self.token_log_probs) / len(self.token_log_probs) if self.token_log_probs else None

    @property
    def min_log_prob(self) -> float | None:
        """Log-probability of the least probable token; None: unknown, or there are no tokens."""
        return min(self.token_log_probs) if self.token_log_probs else None

    @property
    def first_log_prob(self) -> float | None:
        """Log-probability of the first token; None: unknown, or there are no tokens."""
        return self.token_log_probs[0] if self.token_log_probs else None


class TextWriter(Protocol):
    """Writes the text that carries out a decision."""

    def write(self, state: State, decision: Decision, line: int) -> Completion:
        """The text for `decision`, which is no NO-OP, at `line` (from 0) of the file that `state` shows."""
        ...

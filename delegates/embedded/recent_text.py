"""An n-gram model over little text that changes: the open file, or what the person wrote before.

Nothing is counted ahead: a context is looked for among the positions where its last token stands. What is near is
repeated more often than what is frequent (Tu et al. 2014, "On the Localness of Software"). Not here: mixing it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

ORDER = 8
"""Tokens of context that are compared."""

_MOST_POSITIONS = 300
"""Occurrences of a context's last token that are looked at: the latest."""


@dataclass
class RecentText:
    """tokens: of all text, the latest last. positions: where each token stands."""

    tokens: list[str] = field(default_factory=list)
    positions: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, stream: Sequence[str]) -> None:
        """Adds a program's tokens at the end."""
        for token in stream:
            self.tokens.append(token)  # first: another thread may be looking for positions
            self.positions[token].append(len(self.tokens) - 1)

    def successors(self, context: Sequence[str]) -> list[dict[str, int]]:
        """How often each token followed the context's last token, last two tokens and so on, as long as they occur."""
        if not context:
            return []
        tokens = self.tokens
        by_length: list[dict[str, int]] = [{} for _ in range(ORDER)]
        longest = 0
        for position in self.positions.get(context[-1], [])[-_MOST_POSITIONS:]:
            if position + 1 < len(tokens):
                length = _match_length(tokens, position, context)
                longest = max(longest, length)
                counts, token = by_length[length - 1], tokens[position + 1]
                counts[token] = counts.get(token, 0) + 1
        for shorter in range(longest - 1, 0, -1):
            counts = by_length[shorter - 1]
            for token, count in by_length[shorter].items():
                counts[token] = counts.get(token, 0) + count
        return by_length[:longest]


def _match_length(tokens: Sequence[str], position: int, context: Sequence[str]) -> int:
    """How many tokens up to `position` are the context's last ones; at least the last is."""
    most = min(ORDER, position + 1, len(context))
    length = 1
    while length < most and tokens[position - length] == context[-1 - length]:
        length += 1
    return length

"""The most probable lines that begin as given: a beam search over tokens.

Not here: probabilities, what fits the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest

from delegates.embedded.next_token import NextToken
from delegates.embedded.vocabulary import LINE_END, STRUCTURE
from delegates.python_lexer import CLOSING, OPENING, PARTNER
from delegates.text_writer import Cancellation

WIDTH = 6
"""Unfinished lines that are continued."""

BRANCHES = 6
"""Tokens that continue each."""

MOST_TOKENS = 28
"""Tokens of a line at most."""

_TOKEN_BONUS = 0.35
"""Added to the log-probability of each token: else short lines are chosen that say nothing."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or what it has so far.

    tokens: what was added; of the first one only what `fragment` lacks is to be written. log_probs: of each token.
    brackets: open ones.
    end_log_prob: of the line's end; None: it has none yet.
    """

    tokens: tuple[str, ...] = ()
    log_probs: tuple[float, ...] = ()
    brackets: tuple[str, ...] = ()
    end_log_prob: float | None = None

    @property
    def log_prob(self) -> float:
        """Log-probability of the tokens and the line's end."""
        return sum(self.log_probs) + (self.end_log_prob or 0.0)

    @property
    def score(self) -> float:
        """What lines are compared by."""
        return self.log_prob + _TOKEN_BONUS * len(self.tokens)


def search_lines(
    model: NextToken, context: Sequence[str], brackets: Sequence[str], fragment: str, cancellation: Cancellation
) -> list[Line]:
    """The most probable lines after `context`, best first.

    brackets: open ones of the line so far. fragment: how the first token begins; "": any.
    Raises WritingCancelledError.
    """
    unfinished, finished = [Line(brackets=tuple(brackets))], list[Line]()
    for count in range(MOST_TOKENS):
        cancellation.raise_if_cancelled()
        continued: list[Line] = []
        for line in unfinished:
            probabilities = model.probabilities([*context, *line.tokens])
            if count == 0 and fragment:
                probabilities = _beginning_with(probabilities, fragment)
            for token, probability in nlargest(BRANCHES, probabilities.items(), key=lambda pair: pair[1]):
                if token == LINE_END and not line.brackets:
                    finished.append(_ended(line, probability))
                elif token not in STRUCTURE and (longer := _continued(line, token, probability)):
                    continued.append(longer)
        unfinished = nlargest(WIDTH, continued, key=lambda line: line.score)
        best = nlargest(WIDTH, finished, key=lambda line: line.score)
        if not unfinished or (len(best) == WIDTH and best[-1].score > unfinished[0].score + 2):
            break
    return sorted(finished, key=lambda line: -line.score)


def _beginning_with(probabilities: Mapping[str, float], fragment: str) -> dict[str, float]:
    """The probabilities of tokens that begin with the fragment, given that one does."""
    matching = {
        token: share for token, share in probabilities.items() if token.startswith(fragment) and token not in STRUCTURE
    }
    total = sum(matching.values())
    return {token: share / total for token, share in matching.items()} if total else {fragment: 1.0}


def _ended(line: Line, probability: float) -> Line:
    return Line(line.tokens, line.log_probs, (), math.log(max(probability, 1e-12)))


def _continued(line: Line, token: str, probability: float) -> Line | None:
    """The line with one more token; None: the token closes a bracket that is not open."""
    brackets = line.brackets
    if token in OPENING:
        brackets = (*brackets, token)
    elif token in CLOSING:
        if not brackets or brackets[-1] != PARTNER[token]:
            return None
        brackets = brackets[:-1]
    log_prob = math.log(max(probability, 1e-12))
    return Line((*line.tokens, token), (*line.log_probs, log_prob), brackets)

"""The most probable lines that begin as given: a beam search over tokens.

Not here: probabilities, what fits the file.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest

from delegates.embedded.next_token import NextToken
from delegates.embedded.vocabulary import LINE_END, STRUCTURE
from delegates.python_lexer import CLOSING, KEYWORDS, OPENING, PARTNER
from delegates.text_writer import Cancellation

WIDTH = 4
"""Unfinished lines that are continued."""

BRANCHES = 4
"""Tokens that continue each."""

MOST_TOKENS = 28
"""Tokens of a line at most."""

GRACE = 0.01

_TOKEN_BONUS = 0.1
"""Added to the log-probability of each token: else short lines are chosen that say nothing."""


_FILE_NAME, _NEW_NAME, _OTHER_NAME = 0.3, 0.15, 0.01
"""Weights of a name of the file, of what was typed as a new name, and of a built-in name or keyword."""

_UNSEEN = 0.05
"""Share of the first token that is given to names that may stand there although the model does not expect them."""


@dataclass(frozen=True, slots=True)
class LineStart:
    """Where a line goes on.

    context: tokens before. brackets: open ones. fragment: how the first token begins; "": any. names: those that the
    first token can be; None: unknown.
    """

    context: Sequence[str]
    brackets: Sequence[str] = ()
    fragment: str = ""
    names: Collection[str] | None = None


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


def search_lines(model: NextToken, start: LineStart, cancellation: Cancellation, deadline: float) -> list[Line]:
    """The most probable lines, best first. Raises WritingCancelledError.

    deadline: by `time.monotonic`; after it only the best line is continued, and `GRACE` seconds later none.
    """
    unfinished, finished = [Line(brackets=tuple(start.brackets))], list[Line]()
    for count in range(MOST_TOKENS):
        cancellation.raise_if_cancelled()
        late = time.monotonic() - deadline
        if late > GRACE:
            break
        continued: list[Line] = []
        for line in unfinished:
            probabilities = model.probabilities([*start.context, *line.tokens])
            if count == 0 and (start.fragment or start.names is not None):
                probabilities = _first_token(model, probabilities, start)
            for token, probability in nlargest(BRANCHES, probabilities.items(), key=lambda pair: pair[1]):
                if token == LINE_END and not line.brackets:
                    finished.append(_ended(line, probability))
                elif token not in STRUCTURE and (longer := _continued(line, token, probability)):
                    continued.append(longer)
        unfinished = nlargest(WIDTH if late < 0 else 1, continued, key=lambda line: line.score)
        best = nlargest(WIDTH, finished, key=lambda line: line.score)
        if not unfinished or (len(best) == WIDTH and best[-1].score > unfinished[0].score + 2):
            break
    return sorted(finished, key=lambda line: -line.score)


def _first_token(model: NextToken, probabilities: Mapping[str, float], start: LineStart) -> dict[str, float]:
    """The probabilities given how the token begins and which names it can be."""
    matching = {
        token: share
        for token, share in probabilities.items()
        if token.startswith(start.fragment) and token not in STRUCTURE and (start.names is None or token in start.names)
    }
    pool = model.usable_names | KEYWORDS if start.names is None else start.names
    if start.context and start.context[-1] == "for":  # a new name, which the model has thought of
        pool = frozenset({start.fragment})
    unseen = [
        name
        for name in pool
        if (start.fragment or name[0] != "_") and name.startswith(start.fragment) and name not in matching
    ]
    total = sum(matching.values())
    shares = {token: share / total * (1 - _UNSEEN) for token, share in matching.items()} if total else {}
    unseen_share = _UNSEEN if shares else 1.0
    weights = {name: (_FILE_NAME if name in model.names else _OTHER_NAME) for name in unseen}
    if start.fragment and start.names is None and start.fragment not in matching:
        weights[start.fragment] = _NEW_NAME
    return shares | {name: unseen_share * weight / sum(weights.values()) for name, weight in weights.items()}


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

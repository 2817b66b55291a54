"""What a search asks of the world: evaluations of states, and the dynamics between them. Not here: either of them.

Both answer for lists of any length at once, so that all games of a search share one call. States and afterstates are
opaque to the search. There is no sign for "finished": a search ends at its depth, never because a goal was reached,
which the assistant cannot know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

S = TypeVar("S")
"""A state on which the assistant decides."""
A = TypeVar("A")
"""An afterstate: the assistant has decided, the human has not replied yet."""
S_contra = TypeVar("S_contra", contravariant=True)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NO_OP = 0
"""Index of NO-OP among the candidates of every node."""


@dataclass(frozen=True)
class Evaluation:
    """What the network predicts for B states.

    pairs: (B, K, 2), decision and line of each candidate; candidate 0 is NO-OP.
    log_probs: (B, K), prior log-probability of each candidate among all legal pairs, -inf: no candidate. The
        probabilities sum to less than 1 where legal pairs are left out.
    value: (B,), expected return.
    kept_probs: (B, K), p(kept) of each candidate, for dynamics that depend on it; None: the evaluator predicts none.
    """

    pairs: Ints
    log_probs: Floats
    value: Floats
    kept_probs: Floats | None = None


class Evaluator(Protocol[S_contra]):
    """The policy and value at a node; K is the same in every answer."""

    def evaluate(self, states: Sequence[S_contra]) -> Evaluation: ...


class SearchModel(Protocol[S, A]):
    """The game as the search simulates it: nothing is compiled, no test is run, no goal is known.

    A transition is `step`, then `reply`; its reward is the sum of both rewards, within the tree only an estimate.
    """

    def evaluate(self, states: Sequence[S]) -> Evaluation:
        """The policy and value at the nodes of `states`; see `Evaluator`."""
        ...

    def step(self, states: Sequence[S], pairs: Ints, kept_probs: Floats) -> tuple[Sequence[A], Floats]:
        """Assistant's decisions `pairs` (B, 2), decision and line, on `states`: afterstates and rewards (B,).

        kept_probs: (B,), what the evaluation of the state predicted for the pair; NaN if it predicted nothing.
        A state may be repeated, with different decisions.
        """
        ...

    def reply_log_probs(self, afterstates: Sequence[A]) -> Floats:
        """log tau (B, M) of the imitated human's replies, -inf: no such reply; M is `SearchConfig.replies`."""
        ...

    def reply(self, afterstates: Sequence[A], replies: Ints, seeds: Ints) -> tuple[Sequence[S], Floats]:
        """Replies (B,), indices below M: the next states and rewards (B,).

        What a reply leaves to chance (its exact text) follows `seeds` (B,); it is drawn once for each child.
        """
        ...

"""An evaluator that evaluates each observation once. Not here: what an evaluation is made of.

Valid for one set of weights: a new policy needs a new cache.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Generic

import numpy as np

from training.search.interfaces import Evaluation, Evaluator, Floats, Ints, S

Row = tuple[Ints, Floats, float, Floats | None]
"""One state's part of an `Evaluation`: pairs, log_probs, value, kept_probs."""


class CachedEvaluator(Generic[S]):
    """`inner` with a cache of `capacity` observations, the least recently used forgotten first.

    key: what the network sees of a state; states of equal keys get equal evaluations. hits, misses: states answered
    from the cache (also from elsewhere in the same batch), and by `inner`.
    """

    def __init__(self, inner: Evaluator[S], key: Callable[[S], Hashable], capacity: int = 65536) -> None:
        self.inner, self.key, self.capacity = inner, key, capacity
        self.rows: OrderedDict[Hashable, Row] = OrderedDict()
        self.hits = self.misses = 0

    def evaluate(self, states: Sequence[S]) -> Evaluation:
        """The evaluations of `inner`, which is given only states of new keys."""
        keys = [self.key(state) for state in states]
        new = {key: state for key, state in zip(keys, states, strict=True) if key not in self.rows}
        self.misses += len(new)
        self.hits += len(keys) - len(new)
        rows = dict(zip(new, _rows(self.inner.evaluate(list(new.values()))), strict=True)) if new else {}
        for key in dict.fromkeys(keys):
            if key not in rows:
                self.rows.move_to_end(key)
                rows[key] = self.rows[key]
        self._store(rows)
        return _stacked([rows[key] for key in keys])

    def _store(self, rows: dict[Hashable, Row]) -> None:
        self.rows.update(rows)
        while len(self.rows) > self.capacity:
            self.rows.popitem(last=False)


def _rows(evaluation: Evaluation) -> list[Row]:
    kept_probs = [None] * len(evaluation.value) if evaluation.kept_probs is None else evaluation.kept_probs
    return list(zip(evaluation.pairs, evaluation.log_probs, evaluation.value.tolist(), kept_probs, strict=True))


def _stacked(rows: Sequence[Row]) -> Evaluation:
    pairs, log_probs, values, kept_probs = zip(*rows, strict=True)
    stacked_kept_probs = None if kept_probs[0] is None else np.stack(kept_probs)
    return Evaluation(np.stack(pairs), np.stack(log_probs), np.array(values), stacked_kept_probs)

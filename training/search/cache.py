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


class CachedEvaluator(Generic[S]):
    """`inner` behind a cache of `capacity` observations, the least recently used forgotten first.

    key: what the network sees of a state; states of equal keys get equal evaluations. hits, misses: states answered
    from the cache (also from elsewhere in the same batch), and by `inner`.
    """

    def __init__(self, inner: Evaluator[S], key: Callable[[S], Hashable], capacity: int = 65536) -> None:
        self.inner, self.key, self.capacity = inner, key, capacity
        self.rows: OrderedDict[Hashable, Row] = OrderedDict()
        self.hits = self.misses = 0

    def evaluate(self, states: Sequence[S]) -> Evaluation:
        """As `inner` does, which sees only what is new."""
        keys = [self.key(state) for state in states]
        new = {key: state for key, state in zip(keys, states, strict=True) if key not in self.rows}
        self.misses += len(new)
        self.hits += len(keys) - len(new)
        found = dict(zip(new, _rows(self.inner.evaluate(list(new.values()))), strict=True)) if new else {}
        for key in dict.fromkeys(keys):
            if key not in found:
                self.rows.move_to_end(key)
                found[key] = self.rows[key]
        self.rows.update(found)
        while len(self.rows) > self.capacity:
            self.rows.popitem(last=False)
        pairs, log_probs, values, kept = zip(*(found[key] for key in keys), strict=True)
        shares = None if kept[0] is None else np.stack(kept)
        return Evaluation(np.stack(pairs), np.stack(log_probs), np.array(values), shares)


def _rows(evaluation: Evaluation) -> list[Row]:
    kept = [None] * len(evaluation.value) if evaluation.kept is None else evaluation.kept
    return list(zip(evaluation.pairs, evaluation.log_probs, evaluation.value.tolist(), kept, strict=True))

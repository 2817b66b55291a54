"""Which sessions are not learned from: to know when to stop, and to compare new models with the current ones.

Both rules choose by a hash of the session's id, so that most of what is held out stays so when sessions are added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence

from training.data.seeds import derived_seed

MIN_SESSIONS = 6
"""Of fewer sessions all are learned from: one of five is missed more than early stopping helps, because the anchors to
the start hold a policy that has seen little."""


def choose_validation(ids: Sequence[str], share: float, seed: int) -> set[int]:
    """Indices of the sessions that no phase of one training learns from: about `share` of them, at least one.

    None of fewer than `MIN_SESSIONS`.
    """
    if len(ids) < MIN_SESSIONS or share <= 0:
        return set()
    order = sorted(range(len(ids)), key=lambda i: (derived_seed(seed, "held out", ids[i]), i))
    return set(order[: max(round(len(ids) * share), 1)])


def choose_held_out(ids: Sequence[str], share: float, learned: Container[str] = ()) -> frozenset[str]:
    """Sessions to hold out: those whose hash falls below `share`, at least the lowest one, never the only one.

    None that models have `learned` from, whatever the share was then, unless they have from all: new models are
    compared with old ones on what neither has learned from.
    """
    hashes = {name: _unit_hash(name) for name in dict.fromkeys(ids)}
    if share <= 0 or len(hashes) < 2:
        return frozenset()
    ordered = sorted(hashes, key=lambda name: (name in learned, hashes[name]))
    count = max(1, sum(hashes[name] < share and name not in learned for name in ordered))
    return frozenset(ordered[: min(count, len(ordered) - 1)])


def _unit_hash(text: str) -> float:
    """A number in [0, 1) that follows from the text."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=6).digest()) / 2**48

"""Which sessions are not learned from: to know when to stop, and to compare new models with the current ones.

Recordings of one session (`Episode.session`) go together. Both rules choose by a hash of the session's id, so that most
of what is held out stays so when sessions are added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence

from training.data.seeds import derived_seed

MIN_SESSIONS = 6
"""Of fewer sessions all are learned from: one of five is missed more than early stopping helps, because the anchors to
the start hold a policy that has seen little."""


MIN_HELD_OUT_SESSIONS = 3
"""Held-out sessions from which on a difference has a standard error worth the name; a comparison on fewer is not made,
and so nothing is held out for it."""


def choose_validation(ids: Sequence[str], share: float, seed: int) -> set[int]:
    """Indices of the sessions that no phase of one training learns from: about `share` of them, at least one.

    Recordings of the same id are one session. None of fewer than `MIN_SESSIONS`.
    """
    names = set(ids)
    if len(names) < MIN_SESSIONS or share <= 0:
        return set()
    ordered = sorted(names, key=lambda name: (derived_seed(seed, "held out", name), name))
    validation = set(ordered[: max(round(len(names) * share), 1)])
    return {index for index, name in enumerate(ids) if name in validation}


def choose_held_out(ids: Sequence[str], share: float, learned: Container[str] = ()) -> frozenset[str]:
    """Sessions that new models do not learn from, to compare them with the current ones: `share` of them, never all.

    None if these are fewer than `MIN_HELD_OUT_SESSIONS`. First those that the current models have not `learned` from
    either, so that the comparison is fair as soon as there are enough of them; then those whose hash is lowest.
    """
    names = list(dict.fromkeys(ids))
    count = min(round(share * len(names)), len(names) - 1)
    if count < MIN_HELD_OUT_SESSIONS:
        return frozenset()
    ordered = sorted(names, key=lambda name: (name in learned, _hash(name), name))
    return frozenset(ordered[:count])


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=6).digest()

"""Whether new models replace the current ones, and where they go if they do not. Not here: measuring, the files.

A person's models give way only to models that learned from a person and are not worse on held-out sessions: the human's
decisions are predicted no worse and the assistant's estimated return is no lower, within their standard errors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.provenance import NOT_A_PERSON, NOTHING

MIN_HELD_OUT_SESSIONS = 3
"""Held-out sessions from which on a difference has a standard error worth the name."""


@dataclass(frozen=True)
class Scores:
    """On held-out sessions, one number per session: the human's NLL (nats a decision), the assistant's return.

    NaN: the session says nothing about it.
    """

    human_nll: Sequence[float]
    assistant_return: Sequence[float]


@dataclass(frozen=True)
class PromotionDecision:
    """replace: whether the new models replace the current ones. reason: a sentence that says why."""

    replace: bool
    reason: str


def decide_promotion(
    new: Scores, old: Scores | None, *, trained_on: str, old_trained_on: str | None
) -> PromotionDecision:
    """Compares new models with the current ones (`old`; None: none yet) on the same held-out sessions, in order."""
    if old is None or old_trained_on == NOTHING:
        return PromotionDecision(
            True, "there were no models yet" if old is None else "the current ones had learned nothing"
        )
    if trained_on == NOTHING:
        return PromotionDecision(False, "no epochs are configured, so nothing was learned")
    if trained_on in NOT_A_PERSON and old_trained_on not in NOT_A_PERSON:
        return PromotionDecision(False, f"models that learned from {_words(trained_on)} never replace a person's")
    if trained_on not in NOT_A_PERSON and old_trained_on in NOT_A_PERSON:
        return PromotionDecision(True, f"the current ones had learned from {_words(old_trained_on)} only")
    worse = [
        f"{name} is worse by {-gain:.3f} +- {error:.3f}"
        for name, gain, error in (
            ("the human's NLL", *paired_gain(new.human_nll, old.human_nll, sign=-1)),
            ("the assistant's return", *paired_gain(new.assistant_return, old.assistant_return)),
        )
        if gain < -error
    ]
    if worse:
        return PromotionDecision(False, "on held-out sessions " + " and ".join(worse))
    sessions = min(_both(new.human_nll, old.human_nll), _both(new.assistant_return, old.assistant_return))
    few = f"held-out sessions are too few to tell them apart: {sessions}"
    return PromotionDecision(
        True, few if sessions < MIN_HELD_OUT_SESSIONS else f"they are not worse on {sessions} held-out sessions"
    )


def paired_gain(new: Sequence[float], old: Sequence[float], *, sign: int = 1) -> tuple[float, float]:
    """Mean gain of `new` over `old`, session by session, and its standard error.

    (0, inf) with fewer than `MIN_HELD_OUT_SESSIONS`.
    """
    gains = [sign * (a - b) for a, b in zip(new, old, strict=True) if math.isfinite(a - b)]
    if len(gains) < MIN_HELD_OUT_SESSIONS:
        return 0.0, math.inf
    mean = math.fsum(gains) / len(gains)
    variance = math.fsum((gain - mean) ** 2 for gain in gains) / (len(gains) - 1)
    return mean, math.sqrt(variance / len(gains))


def quarantine_folder(pv_dir: Path, trained_on: str) -> Path:
    """Where models go that may not replace a person's: a folder of their own beside `pv_dir`."""
    return pv_dir.parent / f"{pv_dir.name}-from-{trained_on}"


def _both(new: Sequence[float], old: Sequence[float]) -> int:
    return sum(math.isfinite(a - b) for a, b in zip(new, old, strict=True))


def _words(trained_on: str | None) -> str:
    return {"samples": "the sample sessions", "scripted": "scripted people"}.get(str(trained_on), str(trained_on))

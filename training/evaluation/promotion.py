"""Whether new models replace the current ones, and where they go if they do not. Not here: measuring, the files.

A person's models give way only to models that learned from a person and are not worse on held-out sessions: the human's
decisions are predicted no worse, p(kept) is no worse (Brier score), and the assistant's estimated return is no lower,
within their standard errors. Where nothing could be held out, nothing is compared and the new models replace the old.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from models.provenance import NOT_A_PERSON, NOTHING
from training.data.held_out import MIN_HELD_OUT_SESSIONS


@dataclass(frozen=True)
class Scores:
    """On held-out sessions, one number per session; NaN: the session says nothing about it.

    human_nll: of the human's decisions, in nats a decision. assistant_return: in reward a decision. kept_brier: squared
    error of p(kept).
    """

    human_nll: Sequence[float] = ()
    assistant_return: Sequence[float] = ()
    kept_brier: Sequence[float] = ()


@dataclass(frozen=True)
class PromotionDecision:
    """replace: whether the new models replace the current ones. reason: a sentence that says why."""

    replace: bool
    reason: str


def decide_promotion(
    new: Scores, old: Scores | None, *, trained_on: str, old_trained_on: str | None
) -> PromotionDecision:
    """Compares new models with the current ones (`old`; None: none yet) on the same held-out sessions, in order."""
    if old is None:
        return PromotionDecision(True, "there were no models yet")
    if old_trained_on == NOTHING:
        return PromotionDecision(True, "the current ones had learned nothing")
    if trained_on == NOTHING:
        return PromotionDecision(False, "no epochs are configured, so nothing was learned")
    if trained_on in NOT_A_PERSON and old_trained_on not in NOT_A_PERSON:
        return PromotionDecision(False, f"models that learned from {_words(trained_on)} never replace a person's")
    if trained_on not in NOT_A_PERSON and old_trained_on in NOT_A_PERSON:
        return PromotionDecision(True, f"the current ones had learned from {_words(old_trained_on)} only")
    return _compare(new, old)


def _compare(new: Scores, old: Scores) -> PromotionDecision:
    sessions = min(_comparable(new.human_nll, old.human_nll), _comparable(new.assistant_return, old.assistant_return))
    if not new.human_nll:
        fewer = f"fewer than {MIN_HELD_OUT_SESSIONS} sessions could be held out"
        return PromotionDecision(True, f"nothing was compared, because {fewer}")
    if worse := _what_is_worse(new, old):
        return PromotionDecision(False, "on held-out sessions " + " and ".join(worse))
    if sessions < MIN_HELD_OUT_SESSIONS:
        return PromotionDecision(True, f"held-out sessions are too few to tell them apart: {sessions}")
    return PromotionDecision(True, f"they are not worse on {sessions} held-out sessions")


def _what_is_worse(new: Scores, old: Scores) -> list[str]:
    """The measures that are worse by more than their standard error, in words."""
    gains = (
        ("the human's NLL", *paired_gain(new.human_nll, old.human_nll, sign=-1)),
        ("the assistant's return", *paired_gain(new.assistant_return, old.assistant_return)),
        ("p(kept)'s Brier score", *paired_gain(new.kept_brier, old.kept_brier, sign=-1)),
    )
    return [f"{name} is worse by {-gain:.3f} +- {error:.3f}" for name, gain, error in gains if gain < -error]


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


def _comparable(new: Sequence[float], old: Sequence[float]) -> int:
    return sum(math.isfinite(a - b) for a, b in zip(new, old, strict=True))


def _words(trained_on: str | None) -> str:
    return {"samples": "the sample sessions", "scripted": "scripted people"}.get(str(trained_on), str(trained_on))

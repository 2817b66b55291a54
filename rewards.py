"""What a decision of the assistant was worth: pure functions from a transition to a number with its breakdown.

Nothing is remembered between calls, and a decision is paid for what it wrote itself, once at the human's reply and
once at the session's end: old lines pay nothing, so writing once and then waiting earns nothing. Not here: returns and
advantages, which line is which (`line_tracking`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

from actions import Decision
from config import RewardWeights, ServeConfig
from config_bounds import short_form
from errors import InputError
from line_tracking import surviving_shares

if TYPE_CHECKING:
    from state import Env
    from state_adapter import Transition

OWN_PARTS = (
    "test_pass_delta",
    "test_regress",
    "compile_fix",
    "compile_break",
    "compile_maintain",
    "retain_reward",
    "undo_penalty",
    "survival_reward",
    "extinction_penalty",
    "noop_shaping",
)
"""Parts that every reward has, 0 where they do not apply."""

PART_GROUPS = {
    "tests": ("test_pass_delta", "test_regress"),
    "compiling": ("compile_fix", "compile_break", "compile_maintain"),
    "kept": ("retain_reward", "undo_penalty"),
    "survival": ("survival_reward", "extinction_penalty"),
    "silence": ("noop_shaping",),
}
"""Columns of a table of rewards that are the sum of parts; every other part is a column of its own."""

RESERVED_NAMES = (*OWN_PARTS, *PART_GROUPS, "clip", "mean reward", "total", "of")
"""Parts and columns of a table of rewards: no registered part has such a name."""

LARGEST_PART = 1e6
"""Of a registered part, whatever its sign: larger ones are no numbers any more in single precision."""

_REGISTERED: dict[str, Callable[[Transition], float]] = {}


def register(name: str, part: Callable[[Transition], float]) -> None:
    """Adds a part to every reward from now on: a pure function of an assistant's transition to a number.

    The number is at most `LARGEST_PART` and at least `-LARGEST_PART`.
    Raises ValueError: the name is one of `RESERVED_NAMES`.
    """
    if name in RESERVED_NAMES:
        raise ValueError(f"{name!r} is a part or a column of inspect already; choose another name")
    _REGISTERED[name] = part


def part_names() -> tuple[str, ...]:
    """Keys of every breakdown, in order. The last, `clip`, is what clipping the sum added or took away."""
    return (*OWN_PARTS, *_REGISTERED, "clip")


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of the text that a decision wrote is retained, as shares in [0, 1] of its non-blank characters.

    retained: what stands at the human's reply; None: no reply, or nothing was written.
    survived: what of it stands at the session's end; None: nothing was retained, or `retained` is None.
    """

    retained: float | None = None
    survived: float | None = None


@dataclass(frozen=True, slots=True)
class Reward:
    """The reward of one decision. parts: one number for each of `part_names()`; their sum is the total."""

    total: float
    parts: dict[str, float]
    retention: Retention


def retention(transition: Transition) -> Retention:
    """How much of what this decision wrote is retained at the reply and at the end. A NO-OP wrote nothing."""
    if transition.decision == Decision.NO_OP or transition.reply is None:
        return Retention()
    reply, last = transition.reply, transition.last
    shares = surviving_shares(transition.state, transition.next, (reply, last))
    retained = next(shares)
    if not retained:
        return Retention(retained)
    if last is reply:
        return Retention(retained, 1.0)
    survived = next(shares)
    return Retention(retained, None if survived is None else survived / retained)


def reward(transition: Transition, weights: RewardWeights | None = None) -> Reward:
    """The reward of an assistant's decision, with its breakdown.

    Tests and compiling compare `reply` with `state`; if either `env` is unknown, the part is 0. Writing counts
    `retain x share + undo x (1 - share)` at `reply` and `survival x share + extinction x (1 - share)` at `last`.
    Raises InputError: a registered part fails, or returns no number, or one beyond `LARGEST_PART`.
    """
    weights = weights or RewardWeights()
    shares = retention(transition)
    parts = dict.fromkeys(OWN_PARTS, 0.0)
    if transition.reply is not None:
        parts |= _tests(transition.state.env, transition.reply.env, weights)
        parts |= _compiling(transition.state.env, transition.reply.env, weights)
    if transition.decision == Decision.NO_OP:
        parts["noop_shaping"] = noop_shaping(transition.streak, weights)
    parts |= _retention_parts(shares, weights)
    parts |= _registered_parts(transition)
    total = sum(parts.values())
    clipped = min(max(total, -weights.clip), weights.clip)
    parts["clip"] = clipped - total
    return Reward(clipped, {name: part + 0.0 for name, part in parts.items()}, shares)  # + 0.0: no -0.0


def break_even(weights: RewardWeights) -> float:
    """p(kept) from which a text is worth more than silence, in [0, 1].

    What is kept gains the retain and the survival reward, what is not costs the undo penalty.
    """
    gain, loss = weights.retain_reward + weights.survival_reward, weights.undo_penalty
    if gain <= loss:
        return 1.0
    return min(max((weights.noop_bonus - loss) / (gain - loss), 0.0), 1.0)


def review_threshold(serve: ServeConfig, weights: RewardWeights) -> float:
    """Least p(kept) of a text that is shown: as the settings say, else where it is worth as much as silence."""
    return break_even(weights) if serve.review_threshold is None else serve.review_threshold


def _registered_parts(transition: Transition) -> Iterator[tuple[str, float]]:
    """Name and value of each registered part. Raises InputError, which names the part and the turn."""
    for name, part in _REGISTERED.items():
        where = f"reward part {name!r}"
        try:
            value = part(transition)
        except Exception as error:
            raise InputError(where, f"turn {transition.state.t}: {type(error).__name__}: {error}") from error
        if not isinstance(value, Real) or not abs(value) <= LARGEST_PART:
            expected = f"a number from {-LARGEST_PART:.0f} to {LARGEST_PART:.0f}"
            raise InputError(where, f"turn {transition.state.t}: returned {short_form(value)}, expected {expected}")
        yield name, float(value)


def _retention_parts(shares: Retention, weights: RewardWeights) -> dict[str, float]:
    """Paid for the share that stands, charged for the share that does not; for what is unknown, neither."""
    parts: dict[str, float] = {}
    if (retained := shares.retained) is not None:
        parts["retain_reward"] = weights.retain_reward * retained
        parts["undo_penalty"] = weights.undo_penalty * (1 - retained)
    if (survived := shares.survived) is not None:
        parts["survival_reward"] = weights.survival_reward * survived
        parts["extinction_penalty"] = weights.extinction_penalty * (1 - survived)
    return parts


def noop_shaping(streak: int, weights: RewardWeights) -> float:
    """A first NO-OP is welcome; each further one in a row costs `noop_growth` times more, up to the cap."""
    if streak == 0:
        return weights.noop_bonus
    # Past the cap the power only has to stay above it, and must not overflow.
    return max(weights.noop_penalty * weights.noop_growth ** min(streak - 1, 100), -weights.noop_penalty_cap)


def _tests(before: Env | None, after: Env | None, weights: RewardWeights) -> dict[str, float]:
    """More or fewer tests pass; if their number changed, a larger or smaller share of them."""
    if before is None or after is None:
        return {}
    passed, total, now, now_total = before.tests_passed, before.tests_total, after.tests_passed, after.tests_total
    if passed is None or now is None or not total or not now_total:
        return {}
    gain = now - passed if total == now_total else now * total - passed * now_total
    if gain > 0:
        return {"test_pass_delta": weights.test_pass_delta}
    return {"test_regress": weights.test_regress} if gain < 0 else {}


def _compiling(before: Env | None, after: Env | None, weights: RewardWeights) -> dict[str, float]:
    if before is None or after is None:
        return {}
    match before.compiled, after.compiled:
        case False, True:
            return {"compile_fix": weights.compile_fix}
        case True, False:
            return {"compile_break": weights.compile_break}
        case True, True:
            return {"compile_maintain": weights.compile_maintain}
    return {}

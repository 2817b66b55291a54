"""What recorded sessions say of the help that a person kept. Not here: reading them (`help_records`), words for it.

A decision's kept share is the share of the non-blank characters that it wrote which stood when the person had replied,
as learning and its rewards have it. Decisions that wrote nothing, or had no reply, have none and count nowhere but in
`Silence`. Nothing here says why something was kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from actions import Decision
from training.evaluation.calibration import BINS, Pair, binned, calibration_error, mean, reliability
from training.evaluation.help_records import IN_LINE, LINE_END, NEW_LINE, HelpRecord, RecordedHelp
from training.evaluation.proportions import Rate, rate

PAUSES = ((0.0, "under_1"), (1.0, "1_to_3"), (3.0, "3_to_10"), (10.0, "from_10"))
"""Seconds from which on a pause belongs to a key."""

MINUTES = ((0.0, "under_5"), (5.0, "5_to_15"), (15.0, "15_to_30"), (30.0, "from_30"))
"""Minutes of a session from which on a decision belongs to a key."""

UNKNOWN = "unknown"
"""Key of what was not recorded."""

Rates = dict[str, Rate]


@dataclass(frozen=True)
class Characters:
    """Non-blank characters of `decisions` that were replied to: written, standing at the reply, and at the end."""

    decisions: int
    written: int
    at_reply: int
    at_end: int


@dataclass(frozen=True)
class Silence:
    """Of `turns` decisions of the assistant: no_op: the policy's NO-OPs; quiet: those that changed nothing.

    withheld: share of the written texts that was held back.
    """

    turns: int
    no_op: Rate
    withheld: Rate
    quiet: Rate


@dataclass(frozen=True)
class CalibrationBin:
    """Predictions from `low` on, below `high` (the last one: up to 1). predicted: their mean; observed: kept shares."""

    low: float
    high: float
    predicted: float | None
    observed: Rate


@dataclass(frozen=True)
class Calibration:
    """Whether p(kept), said before the reply, came true.

    brier: mean squared error. base_rate: mean kept share of the same decisions; base_brier: the error of always saying
    it, which nobody could have known before. error: mean |predicted - observed| of the bins, over predictions.
    """

    n: int
    brier: float | None
    base_rate: float | None
    base_brier: float | None
    error: float | None
    bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True)
class ReviewCounts:
    """What the reviewer did with texts. shown, withheld: how many. kept_from_threshold: of those that it shows;
    kept_below_threshold: of those that exploration showed although it would have held them back."""

    shown: int
    withheld: int
    kept_from_threshold: Rate
    kept_below_threshold: Rate


@dataclass(frozen=True)
class HelpStatistics:
    """Rates of kept shares, all, and by key. survived: of what stands at the session's end.

    sessions: one and its continuations count once. first_ms, last_ms: when the first and the last session began, since
    1970; None: unknown.
    """

    sessions: int
    unreadable: int
    first_ms: int | None
    last_ms: int | None
    characters: Characters
    kept: Rate
    survived: Rate
    by_kind: Rates
    by_week: Rates
    by_place: Rates
    by_pause: Rates
    by_minute: Rates
    by_hour: Rates
    by_writer: Rates
    silence: Silence
    policy_calibration: Calibration
    reviewer_calibration: Calibration
    review: ReviewCounts


def help_statistics(recorded: RecordedHelp) -> HelpStatistics:
    """Everything that the sessions say."""
    records = [record for session in recorded.sessions for record in session.records]
    replied = [record for record in records if record.retained is not None]
    starts = [session.started_ms for session in recorded.sessions if session.started_ms is not None]
    return HelpStatistics(
        len({session.session or session.id for session in recorded.sessions}),
        recorded.unreadable,
        min(starts, default=None),
        max(starts, default=None),
        _characters(replied),
        _kept(replied),
        rate([record.survived for record in replied if record.survived is not None]),
        by_kind=_by(replied, lambda record: record.decision.name.lower(), _KINDS),
        by_week=_by(replied, _week),
        by_place=_by(replied, lambda record: record.place, (NEW_LINE, LINE_END, IN_LINE)),
        by_pause=_by(replied, lambda record: _key(record.pause, PAUSES), _keys(PAUSES)),
        by_minute=_by(replied, lambda record: _key(record.minute, MINUTES), _keys(MINUTES)),
        by_hour=_by(replied, _hour),
        by_writer=_by(replied, lambda record: record.writer or UNKNOWN),
        silence=_silence(records),
        policy_calibration=calibration([_pair(record.policy_kept, record) for record in replied]),
        reviewer_calibration=calibration([_pair(record.reviewer_kept, record) for record in replied]),
        review=_review(records),
    )


_KINDS = tuple(decision.name.lower() for decision in Decision if decision is not Decision.NO_OP)


def _by(
    records: Iterable[HelpRecord], key: Callable[[HelpRecord], str | None], keys: Iterable[str] | None = None
) -> Rates:
    """Kept shares by key, which None leaves out; keys: in this order, also those without any; None: in their own."""
    groups: dict[str, list[HelpRecord]] = {}
    for record in records:
        if (name := key(record)) is not None:
            groups.setdefault(name, []).append(record)
    return {name: _kept(groups.get(name, [])) for name in (sorted(groups) if keys is None else keys)}


def _kept(records: Iterable[HelpRecord]) -> Rate:
    return rate([record.retained for record in records if record.retained is not None])


def _characters(replied: Sequence[HelpRecord]) -> Characters:
    at_reply = sum(record.characters * (record.retained or 0.0) for record in replied)
    at_end = sum(record.characters * (record.survived or 0.0) for record in replied)
    characters = sum(record.characters for record in replied)
    return Characters(sum(record.characters > 0 for record in replied), characters, round(at_reply), round(at_end))


def _silence(records: Sequence[HelpRecord]) -> Silence:
    written_records = [record for record in records if record.shown or record.withheld]
    no_op = [record.decision is Decision.NO_OP for record in records]
    return Silence(
        len(records),
        rate(no_op),
        rate([record.withheld for record in written_records]),
        rate([not record.shown for record in records]),
    )


def _review(records: Sequence[HelpRecord]) -> ReviewCounts:
    reviewed = [record for record in records if record.explored is not None]
    shown_records = [record for record in reviewed if record.shown]
    return ReviewCounts(
        len(shown_records),
        sum(record.withheld for record in records),
        _kept(record for record in shown_records if not record.explored),
        _kept(record for record in shown_records if record.explored),
    )


def _pair(predicted: float | None, record: HelpRecord) -> Pair | None:
    return None if predicted is None or record.retained is None else (predicted, record.retained)


def calibration(pairs: Sequence[Pair | None]) -> Calibration:
    """Of predicted and observed shares; None: there was no prediction."""
    judged = [pair for pair in pairs if pair is not None]
    bins = tuple(_bin(index, members) for index, members in enumerate(binned(judged)))
    if not judged:
        return Calibration(0, None, None, None, None, bins)
    base_rate = mean([observed for _, observed in judged])
    return Calibration(
        len(judged),
        mean([(predicted - observed) ** 2 for predicted, observed in judged]),
        base_rate,
        mean([(base_rate - observed) ** 2 for _, observed in judged]),
        calibration_error(reliability(judged)),
        bins,
    )


def _bin(index: int, pairs: Sequence[Pair]) -> CalibrationBin:
    predicted = mean([predicted for predicted, _ in pairs]) if pairs else None
    observed = rate([observed for _, observed in pairs])
    return CalibrationBin(index / BINS, (index + 1) / BINS, predicted, observed)


def _key(number: float | None, starts: Sequence[tuple[float, str]]) -> str | None:
    """The key of the last start that is not above the number."""
    return None if number is None else next((name for start, name in reversed(starts) if start <= number), None)


def _keys(starts: Sequence[tuple[float, str]]) -> tuple[str, ...]:
    return tuple(name for _, name in starts)


def _week(record: HelpRecord) -> str | None:
    """ISO week, such as 2026-W07, in this machine's time."""
    moment = _moment(record)
    if moment is None:
        return None
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02d}"


def _hour(record: HelpRecord) -> str | None:
    moment = _moment(record)
    return None if moment is None else f"{moment.hour:02d}"


def _moment(record: HelpRecord) -> datetime | None:
    try:
        return None if record.timestamp_ms is None else datetime.fromtimestamp(record.timestamp_ms / 1000)
    except (OverflowError, OSError, ValueError):  # no time that a calendar knows
        return None

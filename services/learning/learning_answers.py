"""Stored generations and statistics of sessions as messages. Not here: where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from services.messages.learning_messages import (
    CalibrationBinMessage,
    CalibrationMessage,
    CharactersMessage,
    ComparisonMessage,
    LearnedMessage,
    ModelMessage,
    RateMessage,
    ReviewerMessage,
    SilenceMessage,
    WantedMessage,
)
from training.evaluation.help_statistics import Calibration, CalibrationBin, HelpStatistics
from training.evaluation.proportions import ENOUGH, Rate

if TYPE_CHECKING:
    from models.store import Generation
    from training.runs.training_manifest import ManifestEntry


class _Measured(msgspec.Struct):
    on: str
    sessions: int
    table: list[ComparisonMessage]


def model_message(generation: Generation, entry: ManifestEntry | None) -> ModelMessage:
    """The message; what the meta and the manifest do not say stays unknown, whatever else is in them."""
    meta = generation.meta
    message = ModelMessage(
        generation.id,
        generation.created,
        generation.current,
        {name: value for name, value in meta.items() if name != "measured"},
        trained_on=_text(meta.get("trained_on")),
        sessions=meta.get("sessions") if isinstance(meta.get("sessions"), int) else None,
        session_ids=[] if entry is None else list(entry.sessions),
        held_out_ids=[] if entry is None else list(entry.held_out),
        verdict=_text(meta.get("verdict")),
        damaged=generation.damaged,
        protected=generation.protected,
    )
    try:
        measured = msgspec.convert(meta.get("measured"), _Measured)
    except msgspec.ValidationError:
        return message
    message.measured_on = "held_out" if measured.on == "held_out" else "learned_from"
    message.measured_sessions, message.measured = measured.sessions, measured.table
    return message


def learned_message(statistics: HelpStatistics, new_sessions: int) -> LearnedMessage:
    """The message of a person's statistics. new_sessions: how many sessions the last training did not have."""
    characters, silence, review = statistics.characters, statistics.silence, statistics.review
    return LearnedMessage(
        statistics.sessions,
        new_sessions,
        statistics.unreadable,
        _date(statistics.first_ms),
        _date(statistics.last_ms),
        ENOUGH,
        CharactersMessage(characters.decisions, characters.written, characters.at_reply, characters.at_end),
        _rate("kept", statistics.kept),
        _rate("survived", statistics.survived),
        _rates(statistics.by_kind),
        _rates(statistics.by_week),
        SilenceMessage(
            silence.turns,
            _rate("no_op", silence.no_op),
            _rate("withheld", silence.withheld),
            _rate("quiet", silence.quiet),
        ),
        [
            _calibration("policy", statistics.policy_calibration),
            _calibration("reviewer", statistics.reviewer_calibration),
        ],
        WantedMessage(
            _rates(statistics.by_place),
            _rates(statistics.by_pause),
            _rates(statistics.by_minute),
            _rates(statistics.by_hour),
        ),
        _rates(statistics.by_writer),
        ReviewerMessage(
            review.shown,
            review.withheld,
            _rate("from_threshold", review.kept_from_threshold),
            _rate("below_threshold", review.kept_below_threshold),
        ),
    )


def _rates(rates: Mapping[str, Rate]) -> list[RateMessage]:
    return [_rate(key, rate) for key, rate in rates.items()]


def _rate(key: str, rate: Rate) -> RateMessage:
    return RateMessage(key, rate.n, rate.mean, rate.low, rate.high, rate.enough)


def _calibration(key: Literal["policy", "reviewer"], calibration: Calibration) -> CalibrationMessage:
    return CalibrationMessage(
        key,
        calibration.n,
        calibration.brier,
        calibration.base_rate,
        calibration.base_brier,
        calibration.error,
        calibration.n >= ENOUGH,
        [_bin(calibration_bin) for calibration_bin in calibration.bins],
    )


def _bin(calibration_bin: CalibrationBin) -> CalibrationBinMessage:
    return CalibrationBinMessage(
        calibration_bin.low,
        calibration_bin.high,
        calibration_bin.observed.n,
        calibration_bin.predicted,
        _rate("", calibration_bin.observed),
    )


def _date(milliseconds: int | None) -> str | None:
    """ISO 8601, UTC; None: unknown, or no time that a calendar knows."""
    try:
        return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

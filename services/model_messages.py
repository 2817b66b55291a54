"""A stored generation as the page lists it, from what was said of it when it was stored. Not here: the files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from services.learning_messages import ComparisonMessage, ModelMessage

if TYPE_CHECKING:
    from models.store import Generation


class _Measured(msgspec.Struct):
    on: str
    sessions: int
    table: list[ComparisonMessage]


def model_message(generation: Generation) -> ModelMessage:
    """The message; what its meta does not say stays unknown, whatever else is in it."""
    meta = generation.meta
    message = ModelMessage(
        generation.id,
        generation.created,
        generation.current,
        meta,
        trained_on=_text(meta.get("trained_on")),
        sessions=meta.get("sessions") if isinstance(meta.get("sessions"), int) else None,
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


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

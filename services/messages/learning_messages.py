"""The messages of what is learned: a training's progress, stored models, statistics of the person's sessions.

Numbers carry what they are worth: a mean its standard error, a rate its count and its 95 % interval.
Not here: training, measuring.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

TrainingStatus = Literal["idle", "running", "stopping", "stopped", "done", "failed"]


class EstimateMessage(Struct):
    """A mean, and its standard error over sessions; null: there is nothing to measure it on."""

    mean: float | None = None
    error: float | None = None


class ComparisonMessage(Struct):
    """A measure before and after a training, and what it is compared with. better: which direction is better."""

    name: str
    before: EstimateMessage | None = None
    after: EstimateMessage | None = None
    baseline: EstimateMessage | None = None
    baseline_name: str = ""
    better: Literal["higher", "lower", ""] = ""


class EpochMessage(Struct):
    """An epoch that has ended. metrics: its line of `train.jsonl`."""

    phase: str
    epoch: int
    metrics: dict[str, float | int | str | None] = field(default_factory=dict)


class TrainingMessage(Struct):
    """The training under way, or else the last one, also of an earlier run of the server.

    status: `stopped` was ended before its end and goes on when it is started again. title: what it does, in words;
    epoch, epochs, share: of the phase, epochs at most, share of its steps that is done. overall_share: of the whole
    training, by what its phases usually take; it never falls. seconds_left: about so long; null: too early to say.
    sessions: `held_out` or `learned_from`, what the table was measured on. lines: sentences for the person. error: why
    it failed. elsewhere: another process trains, which this server cannot stop. can_start, refusal: whether `start` is
    taken now, and why not.
    """

    status: TrainingStatus = "idle"
    phase: str = ""
    title: str = ""
    epoch: int = 0
    epochs: int = 0
    share: float = 0.0
    overall_share: float = 0.0
    seconds_left: float | None = None
    started: str | None = None
    ended: str | None = None
    points: list[EpochMessage] = field(default_factory=list)
    sessions: Literal["held_out", "learned_from", ""] = ""
    table: list[ComparisonMessage] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    generation: str | None = None
    replaced: bool | None = None
    error: str | None = None
    elsewhere: bool = False
    can_start: bool = True
    refusal: str = ""


class ModelMessage(Struct):
    """A stored generation of models.

    trained_on: `person`, `samples`, `scripted`, `imported`, `nothing`; "": unknown. sessions: how many they learned
    from; session_ids, held_out_ids: which they were, and on which they were compared. verdict: why they became current,
    or did not. measured_on, measured_sessions, measured: what was measured, on how many sessions, `held_out` or
    `learned_from` by them; meta: all else that was said of them. damaged: they cannot be restored. protected: a start
    of training.
    """

    id: str
    created: float | str | None
    current: bool
    meta: dict[str, Any]
    trained_on: str = ""
    sessions: int | None = None
    session_ids: list[str] = field(default_factory=list)
    held_out_ids: list[str] = field(default_factory=list)
    verdict: str = ""
    measured_on: Literal["held_out", "learned_from", ""] = ""
    measured_sessions: int | None = None
    measured: list[ComparisonMessage] = field(default_factory=list)
    damaged: bool = False
    protected: bool = False


class RateMessage(Struct):
    """A share of n. low, high: its 95 % Wilson interval. enough: whether n says anything; null where n is 0."""

    key: str
    n: int
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    enough: bool = False


class CharactersMessage(Struct):
    """Non-blank characters that the assistant wrote. at_reply: that stood when the person had replied; at_end: that
    stood at the session's end. decisions: that wrote them, and were replied to."""

    decisions: int
    written: int
    at_reply: int
    at_end: int


class CalibrationBinMessage(Struct):
    """Predictions from `low` to `high`: how many, their mean, and the mean of what came of them with its interval."""

    low: float
    high: float
    n: int
    predicted: float | None
    observed: RateMessage


class CalibrationMessage(Struct):
    """Whether p(kept) came true. key: who said it, `policy` or `reviewer`; before the person's reply was known.

    brier: mean squared error. base_rate: mean share kept. base_brier: the error of always saying the base rate.
    error: mean distance between predicted and observed, over bins. enough: whether n allows to say anything.
    """

    key: Literal["policy", "reviewer"]
    n: int
    brier: float | None = None
    base_rate: float | None = None
    base_brier: float | None = None
    error: float | None = None
    enough: bool = False
    bins: list[CalibrationBinMessage] = field(default_factory=list)


class SilenceMessage(Struct):
    """How often the assistant kept quiet. turns: its decisions; no_op: share that was a NO-OP of the policy; withheld:
    share of the written texts that was held back; quiet: share of the turns that showed nothing, for both reasons."""

    turns: int
    no_op: RateMessage
    withheld: RateMessage
    quiet: RateMessage


class WantedMessage(Struct):
    """When help is kept. by_place: where in the text the person was; by_pause: seconds since their last change;
    by_minute: minutes since the session began; by_hour: hour of the day, in this machine's time."""

    by_place: list[RateMessage] = field(default_factory=list)
    by_pause: list[RateMessage] = field(default_factory=list)
    by_minute: list[RateMessage] = field(default_factory=list)
    by_hour: list[RateMessage] = field(default_factory=list)


class ReviewerMessage(Struct):
    """What the reviewer did with written texts. shown, withheld: counts. kept_from_threshold: kept share of texts that
    it shows; kept_below_threshold: of texts that exploration showed although it would have held them back."""

    shown: int
    withheld: int
    kept_from_threshold: RateMessage
    kept_below_threshold: RateMessage


class LearnedMessage(Struct):
    """Statistics of the person's recorded sessions that have ended and are learned from.

    A decision's kept share is the share of the non-blank characters that it wrote which stood when the person had
    replied; rates are means of it over decisions that wrote something and were replied to. survived: of the share that
    stood at the session's end. new_sessions: those that the last training did not have. unreadable: those that were
    left out because they cannot be read. first, last: when sessions began. enough_from: the least n of a rate that says
    something.
    """

    sessions: int
    new_sessions: int
    unreadable: int
    first: str | None
    last: str | None
    enough_from: int
    characters: CharactersMessage
    kept: RateMessage
    survived: RateMessage
    by_kind: list[RateMessage]
    by_week: list[RateMessage]
    silence: SilenceMessage
    calibration: list[CalibrationMessage]
    wanted: WantedMessage
    by_writer: list[RateMessage]
    reviewer: ReviewerMessage

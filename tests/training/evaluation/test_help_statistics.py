"""Statistics of help promise: each decision counts where it belongs, nothing unknown counts, calibration adds up."""

import math
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import Decision
from training.evaluation.help_records import IN_LINE, LINE_END, NEW_LINE, HelpRecord, RecordedHelp, SessionRecords
from training.evaluation.help_statistics import UNKNOWN, calibration, help_statistics
from training.evaluation.proportions import Rate

SHOWN = HelpRecord(Decision.WRITE_SINGLE_LINE, shown=True, withheld=False, characters=10, retained=0.5, survived=0.25)
SILENT = HelpRecord(Decision.NO_OP, shown=False, withheld=False)
HELD_BACK = HelpRecord(Decision.WRITE_MULTI_LINE, shown=False, withheld=True, explored=False)
EMPTY = HelpRecord(Decision.FILL_PARTIAL_LINE, shown=False, withheld=False)


def statistics(*records, unreadable=0):
    return help_statistics(RecordedHelp((SessionRecords("a", 1000, records),), unreadable))


def counts(rates):
    return {key: rate.n for key, rate in rates.items() if rate.n}


def test_characters_are_those_of_decisions_that_were_replied_to():
    kept, not_replied = replace(SHOWN, characters=30, retained=1.0, survived=1.0), replace(SHOWN, retained=None)
    computed = statistics(SHOWN, kept, SILENT, HELD_BACK, not_replied, replace(SHOWN, characters=0)).characters
    assert (computed.decisions, computed.written, computed.at_reply, computed.at_end) == (2, 40, 35, 32)


def test_rates_are_means_of_shares_over_decisions():
    computed = statistics(SHOWN, replace(SHOWN, retained=1.0, survived=0.0), SILENT)
    assert (computed.kept.n, computed.kept.mean, computed.survived.mean) == (2, 0.75, 0.125)
    assert not computed.kept.enough


def test_every_kind_is_there_and_counts_its_own():
    computed = statistics(SHOWN, SHOWN, replace(SHOWN, decision=Decision.EXPLAIN_MULTI_LINES), SILENT).by_kind
    assert list(computed) == [
        "fill_partial_line", "write_single_line", "write_multi_line", "edit_existing_lines", "explain_single_lines",
        "explain_multi_lines",
    ]  # fmt: skip
    assert counts(computed) == {"write_single_line": 2, "explain_multi_lines": 1}
    assert computed["write_multi_line"] == Rate(0)


def test_silence_is_told_apart_from_help_that_was_held_back():
    silence = statistics(SHOWN, SHOWN, SILENT, HELD_BACK, EMPTY).silence
    assert (silence.turns, silence.no_op.mean, silence.quiet.mean) == (5, 0.2, 0.6)
    assert (silence.withheld.n, silence.withheld.mean) == (3, pytest.approx(1 / 3))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("by_place", {"place": [NEW_LINE, NEW_LINE, LINE_END, IN_LINE, None]}, {NEW_LINE: 2, LINE_END: 1, IN_LINE: 1}),
        ("by_pause", {"pause": [0.0, 0.99, 1.0, 3.0, 10.0, 1e9, None]},
         {"under_1": 2, "1_to_3": 1, "3_to_10": 1, "from_10": 2}),
        ("by_minute", {"minute": [0.0, 4.9, 5.0, 15.0, 30.0, None]},
         {"under_5": 2, "5_to_15": 1, "15_to_30": 1, "from_30": 1}),
        ("by_writer", {"writer": ["b", "a", "b", None, ""]}, {"a": 1, "b": 2, UNKNOWN: 2}),
    ],
)  # fmt: skip
def test_each_decision_counts_under_its_key_and_what_is_unknown_under_none(name, values, expected):
    ((field, column),) = values.items()
    computed = getattr(statistics(*[replace(SHOWN, **{field: value}) for value in column]), name)
    assert counts(computed) == expected


def test_weeks_and_hours_are_those_of_this_machine(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        # 2026-01-04, a Sunday, 20:00 UTC: Monday there, of the next week
        moments = [1_767_556_800_000, 1_767_470_400_000, None, 10**18]
        computed = statistics(*[replace(SHOWN, timestamp_ms=moment) for moment in moments])
    finally:
        monkeypatch.undo()
        time.tzset()
    assert counts(computed.by_week) == {"2026-W01": 1, "2026-W02": 1}
    assert counts(computed.by_hour) == {"01": 2}


def test_the_reviewer_is_told_by_what_it_showed_and_held_back():
    shown = replace(SHOWN, explored=False)
    review = statistics(shown, shown, replace(SHOWN, explored=True, retained=0.0), SHOWN, HELD_BACK, HELD_BACK).review
    assert (review.shown, review.withheld) == (3, 2)
    assert (review.kept_from_threshold.n, review.kept_from_threshold.mean) == (2, 0.5)
    assert (review.kept_below_threshold.n, review.kept_below_threshold.mean) == (1, 0.0)


def test_calibration_is_of_what_was_said_before_the_reply():
    said = [replace(SHOWN, policy_kept=0.9, reviewer_kept=0.1), replace(SHOWN, policy_kept=0.9), SHOWN, HELD_BACK]
    computed = statistics(*said)
    assert computed.policy_calibration.n == 2 and computed.reviewer_calibration.n == 1
    assert computed.policy_calibration.brier == pytest.approx(0.16)


def test_calibration_of_known_numbers():
    computed = calibration([(0.05, 0.0), (0.15, 1.0), (0.15, 0.0), None, (1.0, 1.0)])
    assert computed.n == 4 and computed.base_rate == 0.5 and computed.base_brier == 0.25
    assert computed.brier == pytest.approx((0.05**2 + 0.85**2 + 0.15**2) / 4)
    assert [each.observed.n for each in computed.bins] == [1, 2, 0, 0, 0, 0, 0, 0, 0, 1]
    assert computed.bins[1].predicted == 0.15 and computed.bins[1].observed.mean == 0.5
    assert computed.error == pytest.approx((0.05 + 2 * 0.35) / 4)
    assert (computed.bins[0].low, computed.bins[9].high) == (0.0, 1.0)


def test_without_a_prediction_there_is_no_calibration():
    computed = calibration([None])
    assert (computed.n, computed.brier, computed.base_rate, computed.error) == (0, None, None, None)
    assert len(computed.bins) == 10


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=50))
def test_bins_hold_every_prediction_once(pairs):
    computed = calibration(pairs)
    assert sum(each.observed.n for each in computed.bins) == computed.n == len(pairs)
    assert 0 <= computed.brier <= 1 and 0 <= computed.error <= 1
    assert all(
        each.low - 1e-9 <= each.predicted <= each.high + 1e-9 for each in computed.bins if each.predicted is not None
    )
    assert computed.base_brier <= 0.25 + 1e-9 and math.isfinite(computed.base_brier)


def test_sessions_are_counted_with_their_first_and_last_day():
    sessions = tuple(SessionRecords(str(i), started, (SHOWN,)) for i, started in enumerate([3000, None, 1000]))
    computed = help_statistics(RecordedHelp(sessions, 2))
    assert (computed.sessions, computed.unreadable, computed.first_ms, computed.last_ms) == (3, 2, 1000, 3000)
    assert computed.kept.n == 3


def test_of_no_session_nothing_is_said():
    computed = help_statistics(RecordedHelp((), 0))
    assert computed.kept == Rate(0) and computed.characters.written == 0 and computed.first_ms is None
    assert counts(computed.by_kind) == {} and computed.by_week == {}

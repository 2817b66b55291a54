"""Raw streams: what is whole is used, what is not is said; tests that ran give the environment."""

import json
from collections import Counter

import pytest

from episodes.jsonl_reader import read_stream
from errors import InputError
from state import Env
from state_adapter import read_episodes


@pytest.fixture
def session(recordings):
    by = recordings.by
    return recordings.session(
        recordings.state(1, "a"), recordings.state(2, "a\nb", by("A", 3, 1)), recordings.state(3, "b"),
        problem_id="two-sum",
    )  # fmt: skip


def test_a_stream_is_the_session_of_its_snapshot(recordings, session):
    (streamed,), _ = read_episodes(recordings.stream(session, "stream"))
    (snapshot,), _ = read_episodes(recordings.snapshot(session, "snapshot"))
    assert recordings.same_episode(streamed, snapshot)
    assert (streamed.id, streamed.problem_id, streamed.cut_off) == ("e", "two-sum", False)


@pytest.mark.parametrize(
    ("end", "torn", "repaired"),
    [
        (True, "", {}),
        (False, "", {"streams without an end": 1}),
        (False, '{"episode_id": "to', {"streams without an end": 1, "torn last lines": 1}),
        (False, '{"endTime"', {"streams without an end": 1, "torn last lines": 1}),
        (False, "\0\0\0\0", {"streams without an end": 1, "torn last lines": 1}),
        (True, "\n\n", {}),
        (True, '{"endTime": 9', {"torn last lines": 1}),
    ],
)
def test_a_crash_costs_the_last_line_only(recordings, session, end, torn, repaired):
    (episode,), summary = read_episodes(recordings.stream(session, end=end, torn=torn))
    assert len(episode.states) == 3
    assert episode.cut_off == (not end)
    assert summary.repaired == repaired


@pytest.mark.parametrize("strict", [False, True])
def test_a_problem_that_was_opened_and_left_is_listed_as_having_no_states(recordings, session, strict):
    recordings.snapshot(session)
    recordings.write("left/raw/left.jsonl", '{"episode_id": "left"}\n{"endTime": 2}\n')
    episodes, summary = read_episodes(recordings.folder, strict=strict)
    assert len(episodes) == 1 and summary.episodes == 2 and not summary.repaired
    assert [(where.endswith("episode left"), reason[:13]) for where, reason in summary.skipped] == [
        (True, "has no states")
    ]


def test_a_line_torn_within_a_character(recordings, session):
    path = recordings.stream(session, end=False)
    path.write_bytes(path.read_bytes() + '{"text": "é'.encode()[:-1])
    (episode,), summary = read_episodes(path)
    assert len(episode.states) == 3 and summary.repaired["torn last lines"] == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["{", '{"endTime": 1}'], "e.jsonl, line 1, column 2: is not JSON"),
        (['{"episode_id": "e"}', "[]", "{}"], "e.jsonl, line 2: found a list, expected an object"),
        (['{"episode_id": "e"}', '{"loss": 3}'], "e.jsonl, line 2: found no header, state or end"),
        (['{"phase": "bc", "loss": 0.5}'], "e.jsonl, line 1: found no header, state or end"),
        (['{"episode_id": 3}'], "e.jsonl, line 1, episode_id: found 3, expected text"),
        (['{"episode_id": "e"}', '{"text": 3, "timestep": 1}'], "e.jsonl, line 2, text: found 3"),
        (['{"episode_id": "e"}', '{"text": "a", "timestep": NaN}', "{}"], "NaN is not a JSON number"),
        (["{"], "e.jsonl: holds no whole line"),
        (['{"episode_id": "e", "file": 3}'], "e.jsonl, line 1, file: found 3, expected text"),
        (['{"episode_id": "e", "startTime": "now"}', "{}"], "e.jsonl, line 1, startTime: found the text 'now'"),
        (['{"episode_id": "e"}', '{"endTime": 1e999}'], "e.jsonl, line 2, endTime: found a number too large"),
        ([""], "e.jsonl: holds no whole line"),
    ],
)
def test_what_is_no_stream_is_refused(recordings, rows, message):
    path = recordings.write("e.jsonl", "\n".join(rows))
    with pytest.raises(InputError) as refused:
        read_episodes(path)
    assert message in str(refused.value)


def test_tests_give_the_environment_by_timestep(recordings, session):
    recordings.stream(session)
    result = {"test_id": 1, "passed": True, "expected": "1", "actual": "1", "error": None}
    silent = result | {"passed": False, "actual": None, "error": "SyntaxError"}
    rows = [
        {"timestep": 1, "success": True, "test_results": []},
        {"timestep": 2, "success": True, "test_results": [result]},
        {"timestep": 2, "success": False, "test_results": [result, result | {"passed": False}]},
        {"timestep": 3, "success": False, "test_results": [silent]},
        {"timestep": 9, "success": True, "test_results": [result]},
    ]
    text = "".join(json.dumps({"episode_id": "e", "execution_time_ms": 3} | row) + "\n" for row in rows)
    recordings.write("e/raw/test_executions.jsonl", text + '{"torn')
    (episode,), summary = read_episodes(recordings.folder)
    assert [state.env for state in episode.states] == [Env(True), Env(True, 1, 2), Env(False, 0, 1)]
    assert summary.repaired["torn last lines"] == 1 and summary.skipped == []


def test_bad_tests_cost_the_environment_only(recordings, session):
    path = recordings.stream(session)
    tests = recordings.write("e/raw/test_executions.jsonl", '{"timestep": 1, "success": "yes"}\n')
    (episode,), summary = read_episodes(path)
    assert [state.env for state in episode.states] == [None] * 3
    assert summary.skipped == [(f"{tests}, line 1, success", "found the text 'yes', expected true or false")]
    with pytest.raises(InputError, match="test_executions"):
        read_episodes(path, strict=True)


def test_repeated_attribution_is_read_once_for_the_whole_stream(recordings):
    entries = [recordings.entry() for _ in range(50)]
    session = recordings.session(*(recordings.state(t, "\n".join("ab"), attribution=entries) for t in range(4)))
    assert len(read_stream(recordings.stream(session), Counter()).states) == 4

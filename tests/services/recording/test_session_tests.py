"""Tests of a session promise: every state once, what ran with its time, the others without `env`, 60 s at most."""

import json

import pytest

from judge import Case, Problem
from services.recording.session_tests import SessionTests
from state_adapter import index_stream, read_session, read_test_executions

PROBLEM = Problem("double", "double", (Case((2,), 4), Case((3,), 6)))
RIGHT = "def double(n):\n    return 2 * n"
TEXTS = [
    "",
    "def double(n):",
    RIGHT,
    "def double(n):\n    return 4",
    RIGHT.replace("\n", "\r\n"),
    RIGHT,
    "def double(n):\n    n[0]",
]


@pytest.fixture
def session(make_recording, run, state_request):
    """A recorded session of `TEXTS` and its recording."""
    recording = make_recording(problem=PROBLEM)
    return recording, run(record_states(recording.recorder, "double", TEXTS, state_request))


async def record_states(recorder, problem_id, texts, state_request):
    """Begins a session with a state of each text; returns its id."""
    episode_id = await recorder.start(problem_id)
    for t, text in enumerate(texts):
        await recorder.add_state(episode_id, state_request(text, t))
    return episode_id


def test_each_state_has_its_verdict_case_by_case(session, run):
    recording, episode_id = session
    run(recording.recorder.end(episode_id))
    snapshot = recording.snapshot(episode_id)
    envs = [state["env"] for state in snapshot["states"]]
    assert [env["tests"]["passed"] for env in envs] == [0, 0, 2, 1, 2, 2, 0]
    assert [env["compiled"] for env in envs] == [True, False, True, True, True, True, True]
    assert all(env["execution_time_ms"] >= 1 for env in envs)
    executions = recording.lines(episode_id, "test_executions.jsonl")
    assert [execution["timestep"] for execution in executions] == list(range(len(TEXTS)))
    assert executions[3]["test_results"] == [
        {"test_id": 0, "passed": True, "expected": "4", "actual": "4", "error": None},
        {"test_id": 1, "passed": False, "expected": "6", "actual": "4", "error": None},
    ]
    failed, _ = executions[6]["test_results"]
    assert failed["actual"] is None and "TypeError" in failed["error"]
    assert (
        "expected an indented block" in executions[1]["test_results"][0]["error"] and executions[1]["success"] is False
    )
    stream = read_session(recording.stream(episode_id), {})
    assert all(state.env is None for state in stream.states)


HIDDEN = Problem("secret", "f", (Case((1,), 1), Case(("key-7731",), "value-8842", hidden=True), Case((2,), 2)))
OF_HIDDEN = [
    "def f(n):\n    return n",
    "def f(n):\n    return 'value-8842' if n == 'key-7731' else n",
    "def f(n):\n    return n if isinstance(n, int) else 1 / len([][n])",
    "import os\ndef f(n):\n    if n != 1: os._exit(1)\n    return int(n)",
    "def f(n):\n    return int(n)",
]


def test_of_a_hidden_case_nothing_is_recorded_but_whether_it_passed(make_recording, run, state_request):
    recording = make_recording(problem=HIDDEN)

    async def record():
        episode_id = await record_states(recording.recorder, "secret", OF_HIDDEN, state_request)
        await recording.recorder.end(episode_id)
        return episode_id

    episode_id = run(record())
    envs = [state["env"] for state in recording.snapshot(episode_id)["states"]]
    assert [env["tests"]["passed"] for env in envs] == [2, 3, 2, 1, 2]
    executions = recording.lines(episode_id, "test_executions.jsonl")
    assert "key-" not in str(executions) and "value-" not in str(executions)
    hidden = [execution["test_results"][1] for execution in executions]
    assert [result["passed"] for result in hidden] == [False, True, False, False, False]
    assert all(result["expected"] is result["actual"] is result["error"] is None for result in hidden)
    assert all(execution["success"] for execution in executions)


class CountingJudge:
    def __init__(self, judge):
        self.judge, self.texts = judge, []

    def verdict(self, text, problem):
        self.texts.append(text)
        return self.judge.verdict(text, problem)


def test_what_is_left_when_the_time_is_up_has_no_env(session):
    recording, episode_id = session
    tests = SessionTests(recording.judge, lambda _: PROBLEM, max_seconds=-1.0)
    assert tests.run(index_stream(recording.stream(episode_id))) == {}
    assert not recording.stream(episode_id).with_name("test_executions.jsonl").exists()


def test_nothing_is_run_where_nothing_may_be(session):
    recording, episode_id = session
    judge, index = CountingJudge(recording.judge), index_stream(recording.stream(episode_id))
    assert SessionTests(judge, lambda _: PROBLEM, may_run=lambda: False).run(index) == {} and not judge.texts


def test_what_was_tested_before_is_not_tested_again(session):
    recording, episode_id = session
    judge, index = CountingJudge(recording.judge), index_stream(recording.stream(episode_id))
    stopped = SessionTests(judge, lambda _: PROBLEM, stopped=lambda: len(judge.texts) >= 3).run(index)
    assert list(stopped) == [0, 1, 2]
    resumed = SessionTests(judge, lambda _: PROBLEM).run(index)
    assert list(resumed) == list(range(len(TEXTS))) and len(judge.texts) == len(TEXTS)
    path = recording.stream(episode_id).with_name("test_executions.jsonl")
    assert [json.loads(line)["timestep"] for line in path.read_text().splitlines()] == list(range(len(TEXTS)))
    assert read_test_executions(path, {}) == resumed


def test_recording_goes_on_while_a_session_is_tested(session, run, state_request):
    recording, episode_id = session

    async def record():
        slow = await recording.recorder.start("double")
        await recording.recorder.add_state(slow, state_request("while True: pass", 0))
        await recording.recorder.end(slow)
        await recording.recorder.add_state(episode_id, state_request("a", 99))
        size = recording.snapshots.size
        await recording.recorder.end(episode_id)
        return size

    assert run(record()) == 1  # the first was still under way
    assert recording.snapshot(episode_id)["states"][-1]["text"] == "a"

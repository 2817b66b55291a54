"""Solving problems: hidden cases are counted and never shown, a run ends at once, nobody waits for another's run."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from errors import NoSpaceError
from judge import Case, Problem
from simulation.builtin_problems import BY_ID

VISIBLE, HIDDEN = "seen-by-all", "for-nobody-to-see"
PROBLEM = Problem(
    "shout",
    "shout",
    (Case((HIDDEN,), HIDDEN.upper(), hidden=True), Case((VISIBLE,), VISIBLE.upper()), Case(("b",), "B")),
    solution=("def shout(text):", "    return text.upper()"),
    title="Shout",
)


@pytest.fixture
def problem(served, monkeypatch):
    monkeypatch.setitem(served.services.problems, PROBLEM.id, PROBLEM)
    return PROBLEM


@pytest.fixture
def episode(client, problem):
    return client.post("/api/backend/episodes/start", json={"problem_id": problem.id}).json()["episode_id"]


def submit(client, code, episode="none", problem_id="shout"):
    body = {"episode_id": episode, "problem_id": problem_id, "code": code, "timestep": 3}
    return client.post("/api/submissions", json=body)


def run(client, code, episode="none"):
    cases = [{"test_id": 1, "input": "", "output": "1\n"}]
    body = {"episode_id": episode, "code": code, "test_cases": cases, "timestep": 0, "timeout_ms": 600_000}
    return client.post("/api/tester/execute", json=body)


def test_problems_are_shown_without_their_hidden_cases_and_solutions(client, served):
    listed = client.get("/api/problems").json()
    assert len(listed) >= 40
    hidden = 0
    for entry in listed:
        shown, problem = (
            client.get(f"/api/problems/{entry['task_id']}").json(),
            served.services.problems[entry["task_id"]],
        )
        assert len(shown["input_output"]) == len(problem.visible_cases)
        hidden += len(problem.cases) - len(problem.visible_cases)
        assert not {"solution", "completion", "notes"} & set(shown)
    assert hidden


def test_problems_of_scripted_people_which_say_nothing_of_what_to_do_are_not_offered(client, served):
    offered = {entry["task_id"] for entry in client.get("/api/problems").json()}
    assert offered == set(served.services.problems) - set(BY_ID) and BY_ID
    assert all(client.get(f"/api/problems/{name}").json()["problem_description"] for name in offered)


def test_a_problem_of_the_person_is_offered_whatever_its_name(client, served, monkeypatch):
    name = next(iter(BY_ID))
    monkeypatch.setitem(served.services.problems, name, replace(BY_ID[name], title="Mine"))
    assert "Mine" in [entry["title"] for entry in client.get("/api/problems").json()]


def test_a_problem_says_how_many_hidden_cases_it_has(client, problem):
    shown = client.get("/api/problems/shout").json()
    assert shown["hidden_cases"] == 1 and len(shown["input_output"]) == 2 and HIDDEN not in json.dumps(shown)


def test_an_unknown_problem_is_neither_shown_nor_submitted_to(client):
    assert client.get("/api/problems/no-such").status_code == 404
    assert submit(client, "x = 1", problem_id="no-such").status_code == 404


def test_a_right_solution_passes_all_cases_and_the_problem_is_marked_as_solved(client, served, problem, episode):
    solved = {entry["task_id"]: entry["solved"] for entry in client.get("/api/problems").json()}
    assert not any(solved.values())
    answer = submit(client, "\n".join(problem.solution), episode).json()
    assert answer.pop("execution_time_ms") > 0
    assert answer == {
        "success": True, "passed": 3, "total": 3, "hidden_passed": 1, "hidden_total": 1, "first_failure": None,
        "error_message": None,
    }  # fmt: skip
    solved = {entry["task_id"] for entry in client.get("/api/problems").json() if entry["solved"]}
    assert solved == {"shout"} and json.loads(served.paths.solved.read_bytes())["solved"].keys() == {"shout"}


def test_the_first_visible_case_that_fails_is_shown_whole(client, problem):
    code = "def shout(text):\n    print('looking at', text)\n    return text.upper() if text == 'b' else text"
    answer = submit(client, code).json()
    assert (answer["success"], answer["passed"], answer["hidden_passed"]) == (False, 1, 0)
    failure = answer["first_failure"]
    assert failure["test_id"] == 1 and failure["user_stdout"] == f"looking at {VISIBLE}\n"
    assert (failure["expected_output"], failure["actual_output"]) == (repr(VISIBLE.upper()), repr(VISIBLE))
    assert failure["input"] == f"text = {VISIBLE!r}"


@pytest.mark.parametrize(
    "code",
    [
        "def shout(text):\n    print(text)\n    return text",
        "def shout(text):\n    raise ValueError(text)",
        "def shout(text):\n    if len(text) > 1: raise SystemExit(text)\n    return text.upper()",
        "import sys\ndef shout(text):\n    print(text, file=sys.stderr)\n    open('left', 'a').write(text)\n"
        "    return open('left').read()",
        "shout = lambda text: text * 10**6",
        "def shout(text:",
        "seen = []\ndef shout(text):\n    while text[0] == 'f': pass\n    return text.upper()",
    ],
)
def test_nothing_of_a_hidden_case_is_shown_whatever_the_code_does(client, problem, code, monkeypatch):
    monkeypatch.setattr("services.solving.submission.CASE_MS", 2000.0)
    answer = submit(client, code)
    assert answer.status_code == 200 and answer.json()["hidden_passed"] == 0 and not answer.json()["success"]
    assert HIDDEN not in answer.text and HIDDEN.upper() not in answer.text


def test_where_only_a_hidden_case_fails_no_case_is_shown(client, problem):
    answer = submit(client, "def shout(text):\n    return text.upper()[:12]").json()
    assert (answer["passed"], answer["hidden_passed"], answer["first_failure"]) == (2, 0, None)


def test_a_hidden_case_that_cannot_be_run_is_not_shown_by_the_error(client, served, monkeypatch):
    """Such as one whose value no literal shows."""

    class Shown(str):
        def __repr__(self):
            return f"<{HIDDEN}>"

    odd = replace(PROBLEM, cases=(*PROBLEM.cases, Case((Shown(),), 1, hidden=True)))
    monkeypatch.setitem(served.services.problems, PROBLEM.id, odd)
    answer = submit(client, "def shout(text): return text.upper()")
    assert answer.status_code == 400 and HIDDEN not in answer.text


def test_a_session_keeps_which_cases_a_submission_passed_and_no_text(client, served, problem, episode):
    submit(client, "def shout(text):\n    return text.upper()[:12]", episode)
    path = served.paths.episodes / episode / "raw" / "test_runs.jsonl"
    (line,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert (line["submission"], line["success"], line["timestep"]) == (True, False, 3)
    assert [result["passed"] for result in line["test_results"]] == [True, True, False]
    assert HIDDEN not in path.read_text() and VISIBLE not in path.read_text()


def test_what_a_full_disk_cannot_keep_is_answered_all_the_same_and_said(client, served, problem, episode, monkeypatch):
    def refuse(path, *_, **__):
        raise NoSpaceError(str(path), "the disk is full")

    monkeypatch.setattr("services.recording.recorder.append_line", refuse)
    monkeypatch.setattr("services.solving.solved_problems.atomic_write", refuse)
    assert submit(client, "def shout(text): return text.upper()", episode).json()["success"]
    assert "the disk is full" in served.services.recorder.problem_of_disk
    assert PROBLEM.id in served.services.solved
    run = {"episode_id": episode, "code": "x = 1", "test_cases": [], "timestep": 0, "timeout_ms": 5000}
    assert client.post("/api/tester/execute", json={**run, "store_activity": True}).status_code == 200


def test_the_preamble_of_a_problem_runs_before_the_code(client, served, monkeypatch):
    monkeypatch.setitem(served.services.problems, PROBLEM.id, replace(PROBLEM, preamble="import math as m"))
    assert submit(client, "def shout(text):\n    return m and text.upper()").json()["success"]


def test_where_the_sandbox_is_too_weak_nothing_is_submitted(client, served, problem, monkeypatch):
    monkeypatch.setattr("judge.case_runner.CaseRunner.refusal", "the sandbox is too weak")
    answer = submit(client, "x = 1")
    assert answer.status_code == 503 and answer.json()["detail"] == "the sandbox is too weak"


@pytest.mark.parametrize("body", [{}, [], {"episode_id": 3}, {"episode_id": "a", "problem_id": "shout", "code": None}])
def test_a_malformed_submission_or_stop_is_refused_by_422(client, body):
    assert client.post("/api/submissions", json=body).status_code == 422
    if body != {"episode_id": "a", "problem_id": "shout", "code": None}:
        assert client.post("/api/runs/stop", json=body).status_code == 422


@pytest.fixture
def ask_at_once(client):
    """Asks in threads of their own."""
    with ThreadPoolExecutor(8) as threads:
        yield threads.submit


def stop_until_ended(client, future, episode):
    """Stops a session's runs, as soon as they have begun, until the answer is there; returns it."""
    deadline = time.monotonic() + 60
    while not future.done() and time.monotonic() < deadline:
        assert client.post("/api/runs/stop", json={"episode_id": episode}).status_code == 200
        time.sleep(0.02)
    return future.result(timeout=5)


LOOP = "while True: pass"


def test_stop_ends_the_sessions_run_and_submission_and_nobody_elses(client, served, problem, ask_at_once):
    mine, submission, other = (
        ask_at_once(run, client, LOOP, "mine"), ask_at_once(submit, client, LOOP, "mine"),
        ask_at_once(run, client, LOOP, "other"),
    )  # fmt: skip
    begun = time.monotonic()
    assert stop_until_ended(client, mine, "mine").json()["error_message"] == "cancelled"
    answer = stop_until_ended(client, submission, "mine").json()
    assert (answer["error_message"], answer["success"], answer["total"]) == ("cancelled", False, 3)
    assert time.monotonic() - begun < 20 and not other.done()
    assert stop_until_ended(client, other, "other").json()["error_message"] == "cancelled"


def test_stop_where_nothing_runs_says_so(client):
    assert client.post("/api/runs/stop", json={"episode_id": "nobody"}).json() == {"ok": True, "stopped": 0}


def test_a_long_run_does_not_keep_others_waiting(client, problem, ask_at_once):
    long = ask_at_once(run, client, LOOP, "long")
    assert run(client, "print(1)").json()["success"]
    assert submit(client, "\n".join(problem.solution)).json()["success"]
    assert not long.done()
    stop_until_ended(client, long, "long")


def test_a_run_that_waits_for_a_worker_is_stopped_at_once(client, ask_at_once):
    """Both workers of this server run for others."""
    busy = [ask_at_once(run, client, LOOP + f"  # {i}", "busy") for i in range(2)]
    waiting = ask_at_once(run, client, "print(1)", "waiting")
    answer = stop_until_ended(client, waiting, "waiting").json()
    assert answer["success"] or [result["error_message"] for result in answer["test_results"]] == ["not run"]
    for future in busy:
        stop_until_ended(client, future, "busy")

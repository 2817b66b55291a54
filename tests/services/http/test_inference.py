"""Help through HTTP: superseded, refused, failing, held back; what of it is recorded with the state that follows."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict

import pytest

from actions import Action, Decision, Review
from delegates import Completion
from models.reviewer import FEATURES, START, Reviewer
from services.learning.current_models import Choice
from state_adapter import read_episodes
from training.data.reviewed_texts import log_review_ratio, written_text

TEXT = "def f(x):\n    \n"
CERTAIN = (5.0,) + (0.0,) * (len(FEATURES) - 1)
DOUBTFUL = (-5.0,) + (0.0,) * (len(FEATURES) - 1)


class Writer:
    """Writes a line; or does first what it is told."""

    name = "test-writer"

    def __init__(self, act=lambda context: None):
        self.act, self.states = act, []

    def write(self, state, decision, line, context):
        self.states.append(state)
        self.act(context)
        return Completion("return x", "test-writer", (-0.5,))


class Models:
    """Always writes the second line."""

    failure, is_loaded = None, True

    def decide(self, state, options, agent="assistant"):
        who = "A" if agent == "assistant" else "H"
        action = Action(who, Decision.WRITE_SINGLE_LINE, 1, True, 0.2, 0.4, "test-model", 0.3, 1.5, 0.6)
        return Choice(action)


@contextmanager
def parts(served, **parts):
    """Another policy, writer or reviewer for a while."""
    assistance = served.services.assistance
    before = {name: getattr(assistance, name) for name in parts}
    vars(assistance).update(parts)
    try:
        yield
    finally:
        vars(assistance).update(before)


@pytest.fixture
def episode(client):
    return client.post("/api/backend/episodes/start", json={"problem_id": "own"}).json()["episode_id"]


def help_body(episode=None, text=TEXT, offset=14, timestep=0, **more):
    return {
        "episode_id": episode,
        "text": text,
        "timestep": timestep,
        "attribution": [],
        "context": {"cursorOffset": offset, **more.pop("context", {})},
        **more,
    }


def ask(client, *arguments, path="/inference", **more):
    return client.post(f"/api/backend{path}", json=help_body(*arguments, **more))


def post_state(client, episode, timestep, text, action=None):
    body = {
        "text": text,
        "attribution": [],
        "timestep": timestep,
        "timestamp_ms": timestep,
        "action": action,
    }
    answer = client.post(f"/api/backend/episodes/{episode}/state", json=body)
    assert answer.status_code == 200, answer.text


def recorded(served, client, episode):
    assert client.post(f"/api/backend/episodes/{episode}/end").status_code == 200
    assert served.services.recorder.snapshots.wait(30)
    (found,), _ = read_episodes(served.paths.episodes / episode)
    return found


@pytest.mark.parametrize("names_request", [True, False])
def test_help_is_recorded_with_the_state_that_it_led_to(served, client, episode, names_request):
    post_state(client, episode, 0, TEXT)
    with parts(served, models=Models(), writer=Writer(), reviewer=Reviewer(CERTAIN)):
        content = ask(client, episode).json()
    metadata = content["metadata"]
    assert metadata["new_text"] == "def f(x):\n    return x\n" and content["response"] == "return x"
    assert metadata["model_used"] == "test-writer" and set(metadata["milliseconds"]) == {"policy", "writer", "reviewer"}
    assert metadata["record"] | {"alternatives": None} == {
        "decision": 2, "line": 2, "probability": 0.3, "decision_probability": 0.4, "behaviour_probability": 0.2,
        "value": 1.5, "kept": 0.6, "model": "test-model", "legal": True, "alternatives": None,
    }  # fmt: skip
    decision, line = metadata["action"]
    part = {"type": decision, "line": line} | ({"request_id": metadata["request_id"]} if names_request else {})
    post_state(client, episode, 1, metadata["new_text"], {"H": None, "A": part})
    action = recorded(served, client, episode).actions[1]
    assert (action.decision, action.line, action.probability, action.decision_probability) == (2, 1, 0.2, 0.4)
    assert (action.policy_probability, action.value, action.kept, action.model) == (0.3, 1.5, 0.6, "test-model")
    assert action.writer.name == "test-writer" and action.writer.latency_ms >= 0
    assert (action.review.shown, action.review.shown_probability, action.review.explored) == (True, 1.0, False)
    stream = served.services.paths.episodes / episode / "raw" / f"{episode}.jsonl"
    kept = json.loads(stream.read_bytes().splitlines()[2])["action"]["A"]["milliseconds"]
    assert kept == pytest.approx(metadata["milliseconds"], abs=1e-3)
    assert asdict(action.milliseconds) == kept


@pytest.mark.parametrize("names_request", [True, False])
def test_help_that_is_held_back_is_silence_to_the_client_and_recorded_as_what_it_was(
    served, client, episode, names_request
):
    post_state(client, episode, 0, TEXT)
    with parts(served, models=Models(), writer=Writer(), reviewer=Reviewer(DOUBTFUL, exploration=0.0)):
        content = ask(client, episode).json()
    metadata = content["metadata"]
    assert (content["response"], content["unified_diff"], content["assistant_attribution"]) == ("", "", {})
    assert metadata["action"] == [0, 2] and metadata["withheld"] == {"action": [2, 2], "text": "return x"}
    assert metadata["review"]["shown"] is False and metadata["review"]["kept"] < 0.01
    part = {"type": 0, "line": 2} | ({"request_id": metadata["request_id"]} if names_request else {})
    post_state(client, episode, 1, TEXT, {"H": None, "A": part})
    action = recorded(served, client, episode).actions[1]
    assert (action.decision, action.line, action.decision_probability) == (Decision.NO_OP, -1, 0.4)
    assert (action.withheld.decision, action.withheld.line, action.withheld.text) == (2, 1, "return x")
    assert action.review.shown_probability == 0.0


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_training_sees_a_text_shown_or_held_back_as_the_reviewer_saw_it(served, client, episode, threshold):
    post_state(client, episode, 0, TEXT)
    reviewer = Reviewer(START, threshold, exploration=0.0)
    with parts(served, models=Models(), writer=Writer(), reviewer=reviewer):
        metadata = ask(client, episode).json()["metadata"]
    decision, line = metadata["action"]
    post_state(client, episode, 1, metadata["new_text"], {"H": None, "A": {"type": decision, "line": line}})
    (transition,) = recorded(served, client, episode).transitions("A")
    assert (transition.action.withheld is not None) == (threshold == 1.0)
    assert reviewer.kept(written_text(transition)) == pytest.approx(metadata["review"]["kept"])
    assert log_review_ratio(transition, reviewer) == 0.0


def test_a_text_shown_by_exploration_is_recorded_with_the_probability_of_that(served, client, episode):
    post_state(client, episode, 0, TEXT)
    with parts(served, models=Models(), writer=Writer(), reviewer=Reviewer(DOUBTFUL, exploration=0.999)):
        metadata = ask(client, episode).json()["metadata"]
    assert metadata["review"]["explored"] and metadata["review"]["shown"]
    post_state(client, episode, 1, metadata["new_text"], {"H": None, "A": {"type": 2, "line": 2}})
    review = recorded(served, client, episode).actions[1].review
    assert review == Review(review.kept, 0.4, 0.999, True, True)


def test_the_policy_sees_what_training_will_read_if_it_is_asked_for_the_recorded_state(served, client, episode):
    post_state(client, episode, 0, "a = 1\nb = 2")
    post_state(client, episode, 1, "a = 1\nb = 2\n", {"H": None, "A": {"type": 0, "line": 0}})
    post_state(client, episode, 2, TEXT)
    writer = Writer()
    with parts(served, models=Models(), writer=writer):
        ask(client, episode, timestep=2)
        ask(client, episode, timestep=3)
        ask(client, None, timestep=2)
    seen, *others = writer.states
    live = served.services.recorder.live_state(episode)
    assert seen.history == live.history and len(seen.history) == 1
    assert seen.human.tolist() == live.human.tolist() and seen.human[0].tolist()[0] == 2
    assert all(other.history is None and other.human[0].tolist()[0] == -1 for other in others)


def test_a_newer_request_of_the_session_supersedes_whose_decision_is_not_recorded(served, client, episode):
    post_state(client, episode, 0, TEXT)
    begun, noted = threading.Event(), []

    def wait(context):
        if not begun.is_set():
            begun.set()
            cancelled = threading.Event()
            context.cancellation.on_cancel(cancelled.set)
            assert cancelled.wait(30)

    recorder = served.services.recorder
    with parts(served, models=Models(), writer=Writer(wait)), ThreadPoolExecutor(1) as pool:
        note, recorder.note_decision = recorder.note_decision, lambda *arguments, **times: noted.append(arguments)
        try:
            first = pool.submit(ask, client, episode)
            assert begun.wait(30)
            assert ask(client, "another session").status_code == 200
            assert ask(client, episode, path="/inference_human").status_code == 200
            assert not first.done()
            assert ask(client, episode).status_code == 200
            assert first.result(30).status_code == 499
        finally:
            del recorder.note_decision
    assert note and [arguments[0] for arguments in noted] == ["another session", episode]


@pytest.mark.parametrize("ends_by", ["client", "server"])
def test_a_text_that_nobody_waits_for_any_more_is_no_longer_written(served, ends_by):
    begun, stopped = threading.Event(), threading.Event()

    def wait(context):
        context.cancellation.on_cancel(stopped.set)
        begun.set()
        stopped.wait(10)

    async def ask_and_end():
        messages = [{"type": "http.request", "body": json.dumps(help_body()).encode()}]
        gone, answered = asyncio.Event(), []

        async def receive():
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            answered.append(message)

        task = asyncio.create_task(served.app(http_scope("/api/backend/inference"), receive, send))
        assert await asyncio.to_thread(begun.wait, 10)
        gone.set() if ends_by == "client" else task.cancel()
        assert await asyncio.to_thread(stopped.wait, 5)
        await task
        return answered[0]["status"]

    with parts(served, models=Models(), writer=Writer(wait)):
        assert asyncio.run(ask_and_end()) == (499 if ends_by == "client" else 503)


def http_scope(path):
    """A request of a program, as a server hands it to an application."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [
            (b"host", b"127.0.0.1:3000"),
            (b"transfer-encoding", b"chunked"),
            (b"content-type", b"application/json"),
        ],
    }


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"action": 9}, 400),
        ({"action": [2, 7]}, 400),
        ({"action": 2, "context": {"targetLine": 9}}, 400),
        ({"action": 1.5}, 422),
        ({"action": True}, 422),
        ({"context": {"assistantEpsilon": 1.5}}, 422),
        ({"context": {"assistantTemperature": 0}}, 422),
        ({"context": {"assistantTopK": 0}}, 422),
        ({"context": {"assistantStrategyOverride": "best"}}, 422),
        ({"context": {"targetLine": "x"}}, 422),
    ],
)
def test_what_cannot_be_is_refused_in_words(client, more, status):
    answer = ask(client, **more)
    assert answer.status_code == status and answer.json()["detail"]


def test_a_temperature_beyond_numbers_is_refused(client):
    body = json.dumps(help_body(context={"assistantTemperature": 7})).replace("7", "1e999")
    assert client.post("/api/backend/inference", content=body).status_code in (400, 422)


def test_a_writer_that_fails_is_said_in_health_and_never_a_server_error(served, client):
    def fail(context):
        raise RuntimeError("no memory")

    with parts(served, writer=Writer(fail)):
        answer = ask(client, action=2)
        assert answer.status_code == 200 and answer.json()["metadata"]["action"] == [0, 2]
        assert "no memory" in answer.json()["metadata"]["reason"]
        health = client.get("/api/health").json()["parts"]
        assert [part["ok"] for part in health if part["name"] == "writer"] == [False]
        served.services.assistance.writer = Writer()
        ask(client, action=2)
    assert served.services.assistance.writer_failure is None


def test_the_comment_above_the_cursors_line_that_clients_call_seven(served, client):
    with parts(served, writer=Writer(), reviewer=Reviewer(CERTAIN)):
        content = ask(client, action=7).json()
    assert content["metadata"]["new_text"] == "def f(x):\n    # return x\n    \n"
    assert content["metadata"]["action"] == [6, 2] and content["response"] == "return x"


def test_carriage_returns_stay(served, client):
    text = TEXT.replace("\n", "\r\n")
    with parts(served, models=Models(), writer=Writer(), reviewer=Reviewer(CERTAIN)):
        content = ask(client, None, text, 15).json()
    assert content["metadata"]["new_text"] == "def f(x):\r\n    return x\r\n"
    assert "+    return x\r\n" in content["unified_diff"]

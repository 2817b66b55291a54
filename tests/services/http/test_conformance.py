"""The services' protocol, request by request: statuses and bodies.

Without options it asks services in this process. `--base-url URL` asks a server: one of ours by its address, or a state
service by its own, and then `--tester-url URL --policy-url URL` the two others.
"""

import difflib
import threading
import time
import uuid

import httpx2
import pytest

PREFIXES = {"state": "/api/backend", "tester": "/api/tester", "policy": "/api/policy"}


class Service:
    """One service: its answers by method and path."""

    def __init__(self, client, base):
        self.client, self.base = client, base.rstrip("/")

    def get(self, path, **options):
        return self.client.get(self.base + path, **options)

    def post(self, path, body=None, **options):
        return self.client.post(self.base + path, json=body, **options)

    def post_bytes(self, path, content, **options):
        return self.client.post(self.base + path, content=content, **options)


@pytest.fixture(scope="module")
def services(request):
    urls = {"state": "--base-url", "tester": "--tester-url", "policy": "--policy-url"}
    named = {name: request.config.getoption(option) for name, option in urls.items()}
    if not named["state"]:
        client = request.getfixturevalue("client")
        yield {name: Service(client, prefix) for name, prefix in PREFIXES.items()}
        return
    root = named["state"].rstrip("/").removesuffix(PREFIXES["state"])
    if not named["tester"] and not named["policy"]:
        named["state"] = root + PREFIXES["state"]
    with httpx2.Client(timeout=60) as client:
        yield {name: Service(client, url or root + PREFIXES[name]) for name, url in named.items()}


@pytest.fixture
def state(services):
    return services["state"]


@pytest.fixture
def tester(services):
    return services["tester"]


@pytest.fixture
def policy(services):
    return services["policy"]


@pytest.fixture
def episode(state):
    answer = state.post("/episodes/start?simulation=true", {"problem_id": "no-such-problem"})
    assert answer.status_code == 200
    episode_id = answer.json()["episode_id"]
    yield episode_id
    state.post(f"/episodes/{episode_id}/end?simulation=true")


def state_body(timestep=0, text="a = 1\n", **more):
    return {"text": text, "attribution": [], "timestep": timestep, "timestamp_ms": 1000 * timestep, **more}


def keys(answer):
    return set(answer.json())


# -- all services


@pytest.mark.parametrize("name", PREFIXES)
def test_every_answer_carries_a_request_id_echoed_or_new(services, name):
    service = services[name]
    named = service.get("/health", headers={"X-Request-ID": "mine-1"})
    assert named.headers["X-Request-ID"] == "mine-1"
    assert service.get("/health").headers["X-Request-ID"] != service.get("/health").headers["X-Request-ID"]
    assert service.get("/nothing/here").status_code == 404
    assert service.get("/nothing/here").headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("name", "path"), [("state", "/inference"), ("tester", "/execute"), ("policy", "/infer"), ("state", "/health")]
)
def test_a_method_that_an_address_does_not_take_is_answered_405(services, name, path):
    service = services[name]
    answer = service.post(path, {}) if path == "/health" else service.get(path)
    assert answer.status_code == 405


# -- state service


def test_the_state_service_says_who_it_is(state):
    answer = state.get("/")
    assert answer.status_code == 200 and keys(answer) == {"message", "version", "model"}


def test_the_state_service_says_how_it_is(state):
    answer = state.get("/health")
    assert answer.status_code == 200
    assert keys(answer) == {"status", "ollama_healthy", "model_available", "model_info"}
    assert answer.json()["status"] in ("healthy", "unhealthy")


def test_model_info_tells_of_the_writer_or_is_missing(state):
    answer = state.get("/model-info")
    assert answer.status_code in (200, 404) and isinstance(answer.json(), dict)


def test_a_session_begins_with_an_id(state, episode):
    uuid.UUID(episode)


@pytest.mark.parametrize("problem_id", ["", "   "])
def test_a_session_without_a_problem_id_is_refused_by_400(state, problem_id):
    assert state.post("/episodes/start", {"problem_id": problem_id}).status_code == 400


@pytest.mark.parametrize("body", [{}, {"problem_id": 5}, {"problem_id": None}, [], "x"])
def test_a_malformed_start_is_refused_by_422(state, body):
    assert state.post("/episodes/start", body).status_code == 422


def test_a_state_is_acknowledged(state, episode):
    answer = state.post(f"/episodes/{episode}/state", state_body())
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


@pytest.mark.parametrize("more", [{}, {"unknown": {"deep": [1]}}, {"action": None}, {"attribution": [None]}])
def test_unknown_keys_and_short_attribution_are_accepted(state, episode, more):
    assert state.post(f"/episodes/{episode}/state", state_body(**more)).status_code == 200


def test_the_same_and_an_older_timestep_are_accepted(state, episode):
    for timestep, text in ((3, "c\n"), (3, "c\n"), (3, "cc\n"), (1, "a\n")):
        answer = state.post(f"/episodes/{episode}/state", state_body(timestep, text))
        assert (answer.status_code, answer.json()) == (200, {"ok": True})


@pytest.mark.parametrize("path", ["state", "changes", "activity", "end"])
def test_an_unknown_session_is_answered_404(state, path):
    body = {**state_body(), "first": 0, "changes": [], "events": []}
    assert state.post(f"/episodes/{uuid.uuid4()}/{path}", body).status_code == 404


def test_an_ended_session_takes_nothing_more(state):
    episode = state.post("/episodes/start?simulation=true", {"problem_id": "x"}).json()["episode_id"]
    ended = state.post(f"/episodes/{episode}/end?simulation=true", {})
    assert (ended.status_code, ended.json()) == (200, {"ok": True})
    assert state.post(f"/episodes/{episode}/state", state_body()).status_code == 404
    assert state.post(f"/episodes/{episode}/end", {}).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{}", b"text sent by a beacon"])
def test_a_session_ends_whatever_the_body(state, body):
    episode = state.post("/episodes/start?simulation=true", {"problem_id": "x"}).json()["episode_id"]
    assert state.post_bytes(f"/episodes/{episode}/end?simulation=true", body).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"text": 5},
        {"text": None},
        {"timestep": "1"},
        {"timestep": -1},
        {"timestep": 1.5},
        {"attribution": "x"},
        {"attribution": [5]},
        {"attribution": [{"human": {"turn": "never"}}]},
        {"action": 7},
        {"timestamp_ms": "now"},
    ],
)
def test_a_malformed_state_is_refused_by_422(state, episode, change):
    answer = state.post(f"/episodes/{episode}/state", state_body(**change) | change)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("missing", ["text", "timestep"])
def test_a_state_without_a_part_is_refused_by_422(state, episode, missing):
    body = {key: part for key, part in state_body().items() if key != missing}
    assert state.post(f"/episodes/{episode}/state", body).status_code == 422


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"text": NaN}', b"[" * 100_000])
def test_what_is_no_json_is_refused_by_422(state, episode, content):
    assert state.post_bytes(f"/episodes/{episode}/state", content).status_code == 422


@pytest.mark.parametrize("entry", [b'{"H": 1e400}', b'{"H": "\xff"}', b'{"H": ' + b"9" * 5000 + b"}"])
def test_attribution_that_no_reader_understands_is_refused_by_422(state, episode, entry):
    content = b'{"text": "a", "timestep": 5, "timestamp_ms": 1, "attribution": [' + entry + b"]}"
    assert state.post_bytes(f"/episodes/{episode}/state", content).status_code == 422


def test_half_of_an_emoji_is_recorded(state, episode):
    answer = state.post_bytes(
        f"/episodes/{episode}/state", b'{"text": "\\ud83d", "attribution": [], "timestep": 0, "timestamp_ms": 1}'
    )
    assert answer.status_code == 200


def test_changes_are_numbered_and_repeated_without_harm(state, episode):
    changes = [[1.5, 0, 0, "a", "input"], [2, 1, 0, "b", "input"], [3, 0, 1, "", "undo"]]
    path = f"/episodes/{episode}/changes"
    first = state.post(path, {"first": 0, "changes": changes})
    assert (first.status_code, first.json()) == (200, {"ok": True, "next": 3})
    again = state.post(path, {"first": 1, "changes": [*changes[1:], [4, 0, 0, "c", "input"]]})
    assert (again.status_code, again.json()) == (200, {"ok": True, "next": 4})
    missing = state.post(path, {"first": 6, "changes": changes})
    assert missing.status_code == 409 and missing.json()["next"] == 4
    assert state.post(path, {"first": 0, "changes": [["x"]]}).status_code == 422


def test_activity_is_numbered_and_repeated_without_harm(state, episode):
    events = [
        [1.5, "selection", {"ranges": [[0, 3]]}],
        [2, "focus", {}],
        [3, "kept", {"request_id": "r", "part": "all"}],
    ]
    path = f"/episodes/{episode}/activity"
    first = state.post(path, {"first": 0, "events": events})
    assert (first.status_code, first.json()) == (200, {"ok": True, "next": 3})
    again = state.post(path, {"first": 1, "events": [*events[1:], [4, "a-kind-of-tomorrow", {"deep": [1]}]]})
    assert (again.status_code, again.json()) == (200, {"ok": True, "next": 4})
    missing = state.post(path, {"first": 6, "events": events})
    assert missing.status_code == 409 and missing.json()["next"] == 4
    for wrong in (["x"], [1, "pause", {}], [1, "", {}], [1, "focus", None], ["1", "focus", {}], [1, "k" * 41, {}]):
        assert state.post(path, {"first": 4, "events": [wrong]}).status_code == 422


def test_the_test_queue_says_how_full_it_is(state):
    answer = state.get("/test-queue/status")
    assert answer.status_code == 200 and keys(answer) == {"queue_available", "queue_size", "is_empty"}
    content = answer.json()
    assert content["is_empty"] == (content["queue_size"] == 0)


def test_a_session_can_begin_with_another_ones_states(state, episode):
    for timestep in range(3):
        state.post(f"/episodes/{episode}/state", state_body(timestep, f"{timestep}\n"))
    body = {"problem_id": "x", "source_episode": episode, "source_timestep": 1}
    answer = state.post("/episodes/start?simulation=true", body)
    assert answer.status_code == 200
    assert state.post(f"/episodes/{answer.json()['episode_id']}/end?simulation=true").status_code == 200
    unknown = state.post("/episodes/start?simulation=true", body | {"source_episode": str(uuid.uuid4())})
    assert unknown.status_code == 404


# -- inference


def help_body(text="a = 1\n", offset=None, context=None, **more):
    return {
        "text": text,
        "author_attribution": [],
        "timestep": 1,
        "timestamp": 1,
        "attribution": [],
        "context": {
            "file_type": "python",
            "cursor_position": {"line": 2, "column": 1},
            "file_length": len(text),
            "cursorOffset": len(text) if offset is None else offset,
            **(context or {}),
        },
        **more,
    }


def applied(text, diff):
    """The text that a unified diff in Python's form makes of `text`."""
    old, new, position = text.split("\n"), [], 0
    for line in diff.splitlines() if "\r" not in diff else diff.split("\n"):
        if line.startswith(("--- ", "+++ ")):
            continue
        if line.startswith("@@"):
            start = int(line.split()[1].lstrip("-").split(",")[0])
            count = line.split()[1].partition(",")[2]
            begin = start if count == "0" else start - 1
            new += old[position:begin]
            position = begin
        elif line[:1] == "+":
            new.append(line[1:])
        elif line[:1] in (" ", "-"):
            assert old[position] == line[1:]
            new += [line[1:]] if line[0] == " " else []
            position += 1
    return "\n".join(new + old[position:])


def check_help(answer, text):
    """The parts of an answer agree with each other."""
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert set(content) >= {"response", "unified_diff", "assistant_attribution", "metadata"}
    kind, line = content["metadata"]["action"]
    assert kind in range(8) and line >= 0
    assert content["metadata"]["request_id"] and "model_used" in content["metadata"]
    if kind == 0:
        assert not content["response"] and not content["unified_diff"] and not content["assistant_attribution"]
        return content
    assert content["unified_diff"].startswith("--- request")
    new_text = applied(text, content["unified_diff"])
    assert new_text != text and content["response"].strip()
    assert content["metadata"].get("new_text", new_text) == new_text
    for number, entry in content["assistant_attribution"].items():
        assert entry["tag"] in ("insert", "delete", "replace")
        attribution = entry["attribution"]
        assert attribution["line_number"] == int(number) >= 1
        start, end = attribution["char_span"]
        assert 0 <= start <= end
        assert len(attribution["operation_set"]) == 3 and set(attribution["operation_set"]) <= {0, 1}
    return content


@pytest.mark.parametrize("path", ["/inference", "/inference_human"])
@pytest.mark.parametrize("text", ["", "a = 1\n", "a = 1\r\nb", "def f(x):\n    \n\n# ünï \U0001f600\n"])
def test_help_is_an_edit_that_its_parts_agree_on(state, path, text):
    check_help(state.post(path, help_body(text)), text)


@pytest.mark.parametrize("action", range(8))
def test_a_decision_that_is_asked_for_is_carried_out(state, action):
    text = "def f(x):\n    total = x\n    \n"
    content = check_help(state.post("/inference", help_body(text, len(text) - 1, action=action)), text)
    assert content["metadata"]["action"][0] in (0, min(action, 6))


def test_the_line_that_is_asked_for_is_used(state):
    text = "a = 1\n\nb = 2\n"
    content = check_help(state.post("/inference", help_body(text, 0, {"targetLine": 2}, action=2)), text)
    assert content["metadata"]["action"] in ([0, 2], [2, 2])


@pytest.mark.parametrize("strategy", ["argmax", "sample", "sample_top_k"])
def test_a_client_says_how_it_is_drawn(state, strategy):
    options = {
        "assistantStrategyOverride": strategy,
        "assistantTopK": 3,
        "assistantTemperature": 0.7,
        "assistantEpsilon": 0.5,
    }
    check_help(state.post("/inference", help_body(context=options)), "a = 1\n")


def test_help_without_the_cursor_is_refused_by_400(state):
    body = help_body()
    del body["context"]["cursorOffset"]
    assert state.post("/inference", body).status_code == 400
    assert state.post("/inference_human", body).status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"text": 5},
        {"timestep": "x"},
        {"attribution": 3},
        {"attribution": [{"human": {"turn": 1e308}}]},
        {"context": 5},
        {"context": {"cursorOffset": -1}},
    ],
)
def test_malformed_requests_for_help_are_refused_by_422(state, change):
    assert state.post("/inference", help_body() | change).status_code == 422


def test_a_cursor_behind_the_end_is_at_the_end(state):
    check_help(state.post("/inference", help_body(offset=10_000)), "a = 1\n")


def test_two_sessions_do_not_supersede_each_other(state, episode):
    statuses = []

    def ask(episode_id):
        for _ in range(5):
            statuses.append(state.post("/inference", help_body(episode_id=episode_id)).status_code)

    threads = [threading.Thread(target=ask, args=(each,)) for each in (episode, str(uuid.uuid4()))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 10


# -- solution tester


def run_body(code, cases=(("", ""),), **more):
    test_cases = [{"test_id": i, "input": given, "output": output} for i, (given, output) in enumerate(cases)]
    return {
        "episode_id": "some-session",
        "code": code,
        "test_cases": test_cases,
        "timestep": 4,
        "timeout_ms": 10_000,
        "store_activity": False,
        **more,
    }


def test_the_tester_says_who_and_how_it_is(tester):
    assert tester.get("/").status_code == 200
    answer = tester.get("/health")
    assert answer.status_code == 200 and answer.json()["status"] in ("healthy", "unhealthy")


def test_a_code_is_run_on_each_case(tester):
    cases = [("2", "4\n"), ("3", "6\n"), ("4", "9\n")]
    answer = tester.post("/execute", run_body("print(2 * int(input()))", cases))
    assert answer.status_code == 200
    content = answer.json()
    assert {"episode_id", "timestep", "success", "execution_time_ms", "error_message", "test_results"} <= set(content)
    assert (content["episode_id"], content["timestep"], content["success"]) == ("some-session", 4, False)
    assert content["execution_time_ms"] > 0
    assert [result["passed"] for result in content["test_results"]] == [True, True, False]
    result = content["test_results"][2]
    assert result == {
        "test_id": 2,
        "passed": False,
        "input": "4",
        "actual_output": "8\n",
        "expected_output": "9\n",
        "error_message": None,
        "user_stdout": "",
    }


@pytest.mark.parametrize("output", ["a", "a\n\n", "A\n", " a\n"])
def test_the_output_must_equal_exactly(tester, output):
    assert tester.post("/execute", run_body("print('a')", [("", output)])).json()["success"] is False


def test_an_exit_code_or_an_error_fails_a_case(tester):
    for code in ("print('a'); raise SystemExit(3)", "print('a'); 1/0", "print('a'"):
        (result,) = tester.post("/execute", run_body(code, [("", "a\n")])).json()["test_results"]
        assert not result["passed"] and result["error_message"]


def test_what_is_printed_before_the_marker_is_the_persons_own(tester):
    code = "print('note')\nprint('---HARNESS_OUTPUT---')\nprint('5')"
    (result,) = tester.post("/execute", run_body(code, [("", "5\n")])).json()["test_results"]
    assert result["passed"] and result["user_stdout"] == "note\n"


def test_the_timeout_covers_all_cases_together(tester):
    start = time.monotonic()
    content = tester.post("/execute", run_body("while True: pass", [("", "")] * 20, timeout_ms=600)).json()
    assert time.monotonic() - start < 20, "each case took the whole time"
    assert not content["success"] and content["error_message"] and len(content["test_results"]) == 20


def test_the_first_failure_ends_it_if_asked(tester):
    cases = [("", "a\n"), ("", "b\n"), ("", "a\n")]
    for stops, count in ((True, 2), (False, 3), (None, 3)):
        body = run_body("print('a')", cases, stop_on_first_failure=stops)
        assert len(tester.post("/execute", body).json()["test_results"]) == count


def test_the_memory_limit_holds_unless_it_is_none(tester):
    code = "x = bytearray(700 * 2**20)\nprint('a')"
    passed = {
        limit: tester.post("/execute", run_body(code, [("", "a\n")], memory_limit=limit, timeout_ms=60_000)).json()[
            "success"
        ]
        for limit in (None, 1500, 0)
    }
    assert passed == {None: False, 1500: True, 0: True}


def test_activity_can_be_stored(tester, episode):
    assert tester.post("/execute", run_body("", store_activity=True, episode_id=episode)).status_code == 200
    assert tester.post("/execute", run_body("", store_activity=True, episode_id="../../x")).status_code == 200


@pytest.mark.parametrize("missing", ["code", "test_cases", "episode_id", "timeout_ms"])
def test_an_execution_without_a_part_is_refused_by_400(tester, missing):
    body = {key: part for key, part in run_body("").items() if key != missing}
    assert tester.post("/execute", body).status_code == 400


@pytest.mark.parametrize(
    "change", [{"code": 5}, {"test_cases": {}}, {"test_cases": [{}]}, {"timeout_ms": 0}, {"memory_limit": "much"}]
)
def test_a_malformed_execution_is_refused_by_400(tester, change):
    assert tester.post("/execute", run_body("") | change).status_code == 400
    for content in (b"", b"{", b'{"x": ' + b"[" * 100_000, b'{"code": NaN}', b"\xff"):
        assert tester.post_bytes("/execute", content).status_code == 400


# -- policy


def policy_body(texts=("a = 1", ""), **more):
    edit = {"t_last": -1, "char_span": [0, 0], "operation_set": [0, 0, 0]}
    cursor = {"on": False, "line": 0, "char": 0, "last_t": -1}
    lines = [{"text": text, "human_attrib": edit, "assistant_attrib": edit, "cursor_attrib": cursor} for text in texts]
    return {"line_tuples": lines, "t": 1, **more}


def test_the_policy_says_how_it_is(policy):
    answer = policy.get("/health")
    assert answer.status_code == 200
    assert answer.json()["service"] == "policy-models" and answer.json()["status"] in ("healthy", "unhealthy")


@pytest.mark.parametrize("path", ["/infer", "/infer_human"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"h_max": 300, "w_max": 160, "strategy": "argmax"},
        {"strategy": "sample", "temperature": 0.5},
        {"strategy": "sample_top_k", "top_k": 3, "temperature": None},
        {"epsilon": 1.0},
        {"h_max": 1},
        {"w_max": 3},
    ],
)
def test_the_policy_decides(policy, path, options):
    answer = policy.post(path, policy_body(**options))
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert {"action_idx", "line_idx", "debug"} <= set(content)
    assert content["action_idx"] in range(7) and content["line_idx"] in (-1, 0, 1)
    assert (content["action_idx"] == 0) == (content["line_idx"] == -1)
    assert {"action_logits", "line_logits_for_action", "h"} <= set(content["debug"])


def test_the_most_probable_decision_is_always_the_same(policy):
    answers = [policy.post("/infer", policy_body()).json() for _ in range(5)]
    assert all(answer == answers[0] for answer in answers)


def test_a_line_as_wide_as_w_max_is_not_completed(policy):
    cursor = {"on": True, "line": 0, "char": 4, "last_t": 1}
    body = policy_body(["a = "])
    body["line_tuples"][0]["cursor_attrib"] = cursor
    logits = {
        w_max: policy.post("/infer", body | {"w_max": w_max}).json()["debug"]["action_logits"][1] for w_max in (4, 5)
    }
    assert logits[4] is None and logits[5] is not None


def test_an_empty_file_gives_nothing_to_do(policy):
    assert policy.post("/infer", policy_body([])).json()["action_idx"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"line_tuples": None},
        {"line_tuples": [{"text": 5}]},
        {"line_tuples": [{"text": "a", "human_attrib": {"t_last": "x"}}]},
        {"t": -1},
        {"t": "1"},
        {"h_max": 0},
        {"w_max": 0},
        {"strategy": "best"},
        {"top_k": 0},
        {"temperature": 0},
        {"temperature": -1},
        {"epsilon": 2},
    ],
)
@pytest.mark.parametrize("path", ["/infer", "/infer_human"])
def test_a_malformed_question_is_refused_by_422(policy, path, change):
    assert policy.post(path, policy_body() | change).status_code == 422


def test_a_question_without_lines_is_refused_by_422(policy):
    assert policy.post("/infer", {"t": 1}).status_code == 422


def test_the_diff_reader_of_this_test_agrees_with_difflib():
    old, new = "a\nb\nc\nd", "a\nx\nc\nd\ne"
    lines = difflib.unified_diff(
        [line + "\n" for line in old.split("\n")], [line + "\n" for line in new.split("\n")], "request", "response"
    )
    assert applied(old, "".join(lines)) == new

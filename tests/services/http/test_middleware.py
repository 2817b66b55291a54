"""Who may ask, how much at once, and what every answer carries; and that reading changes nothing."""

import asyncio
import json
import os
import re
from pathlib import Path

import pytest

from services.http import middleware, responses
from services.http.middleware import (
    MAX_ADDRESS,
    MAX_BODY,
    MAX_HEADERS,
    MAX_OPEN_REQUESTS,
    MAX_PARAMETERS,
    AccessRules,
    RequestGuard,
)

OWN, TOKEN, ALLOWED = "http://127.0.0.1:3000", "token-of-this-run", "http://localhost:3111"
HEALTH = "/api/backend/health"
CHANGING = "/api/backend/episodes/start"


def ask(client, method="GET", path=HEALTH, **headers):
    headers = {name.replace("_", "-"): header for name, header in headers.items()}
    content = b'{"problem_id": "p"}' if method == "POST" else None
    return client.request(method, path, content=content, headers=headers)


# -- Host


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost:3000", "LOCALHOST:3000", "[::1]:3000", "127.0.0.1:8000"])
def test_this_machine_by_its_names_is_the_host(client, host):
    assert ask(client, host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:3000", "127.0.0.1.evil.example:3000", "localhost:1", "localhost", "192.0.2.1:3000"],
)
def test_another_name_that_points_here_is_refused(client, host):
    for path in (HEALTH, "/", "/docs", "/static/page.js", "/nothing"):
        answer = ask(client, path=path, host=host)
        assert answer.status_code == 403 and "Host" in answer.json()["detail"]
        assert TOKEN not in answer.text


# -- Origin and token


def test_a_program_sends_no_origin_and_is_let_in(client):
    assert ask(client, "POST", CHANGING).status_code == 200


@pytest.mark.parametrize("way", ["header", "parameter"])
@pytest.mark.parametrize("origin", [OWN, "http://localhost:3000", "http://[::1]:3000"])
def test_the_own_page_is_let_in_with_the_token(client, way, origin):
    if way == "header":
        assert ask(client, "POST", CHANGING, origin=origin, x_codeassist_token=TOKEN).status_code == 200
    else:
        assert ask(client, "POST", f"{CHANGING}?token={TOKEN}", origin=origin).status_code == 200


def test_the_own_page_gets_its_module_scripts_which_come_with_an_origin_and_no_token(client):
    assert ask(client, path="/static/page.js", origin=OWN).status_code == 200
    assert ask(client, "POST", "/static/page.js", origin=OWN).status_code == 401
    assert ask(client, path="/static/page.js", origin="http://evil.example").status_code == 403


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x", "\xff", "%ff"])
@pytest.mark.parametrize("path", [CHANGING, "/api/finish", "/api/explore"])
def test_without_the_token_a_page_is_refused(client, served, path, token):
    headers = {} if token is None else {"x_codeassist_token": token.encode("latin-1")}
    assert ask(client, "POST", path, origin=OWN, **headers).status_code == 401
    assert ask(client, "POST", f"{path}?token={token}", origin=OWN).status_code == 401
    assert not served.finished


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "https://127.0.0.1:3000",
        "http://localhost:1",
        "http://127.0.0.1:3000.evil.example",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD", "DELETE"])
def test_a_page_of_another_origin_is_refused_even_with_the_token(client, method, origin):
    answer = ask(client, method, CHANGING, origin=origin, x_codeassist_token=TOKEN)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_embeds_is_refused_though_it_has_no_origin(client, site):
    assert ask(client, sec_fetch_site=site, sec_fetch_mode="no-cors").status_code == 403
    assert ask(client, path="/static/page.js", sec_fetch_site=site, sec_fetch_mode="no-cors").status_code == 403
    assert ask(client, path="/", sec_fetch_site=site, sec_fetch_mode="no-cors").status_code == 403


def test_a_link_to_the_page_is_followed(client):
    assert ask(client, path="/", sec_fetch_site="cross-site", sec_fetch_mode="navigate").status_code == 200
    assert ask(client, sec_fetch_site="same-origin", sec_fetch_mode="cors").status_code == 200
    assert ask(client, sec_fetch_site="none", sec_fetch_mode="navigate").status_code == 200


@pytest.mark.parametrize("header", ["host", "origin"])
def test_a_header_that_is_there_twice_is_refused(client, header):
    twice = [("Host", "127.0.0.1:3000"), (header, OWN), (header, OWN)]
    assert client.get(HEALTH, headers=twice).status_code in (400, 403)


# -- other pages that are allowed


def test_an_allowed_origin_needs_no_token(client):
    answer = ask(client, "POST", CHANGING, origin=ALLOWED)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ALLOWED
    assert "origin" in answer.headers["vary"].lower()


def test_a_preflight_is_answered_for_allowed_origins_alone(client):
    asked = {"access_control_request_method": "POST", "access_control_request_headers": "content-type,x-request-id"}
    answer = ask(client, "OPTIONS", CHANGING, origin=ALLOWED, **asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ALLOWED
    assert answer.headers["access-control-allow-headers"] == "content-type,x-request-id"
    for origin in (OWN, "http://evil.example", "null"):
        refused = ask(client, "OPTIONS", CHANGING, origin=origin, **asked)
        assert refused.status_code in (401, 403) and "access-control-allow-origin" not in refused.headers


def test_no_page_may_send_credentials_or_is_allowed_by_a_star(client):
    for origin in (ALLOWED, OWN):
        headers = ask(client, origin=origin, x_codeassist_token=TOKEN).headers
        assert "access-control-allow-credentials" not in headers
        assert headers.get("access-control-allow-origin") != "*"


# -- reading changes nothing


def files_below(folder):
    return {str(path): path.stat().st_mtime_ns for path in Path(folder).rglob("*") if path.is_file()}


def test_no_get_and_no_head_changes_anything(served, client):
    (served.services.folder.files.folder / "mine.py").write_text("x = 1\n")
    folders = served.paths.root, served.services.folder.files.folder
    before, explore = [files_below(folder) for folder in folders], served.services.assistance.models.explore
    sessions = served.services.recorder.open_sessions()
    for route in served.app.routes:
        path = re.sub(r"{\w+}", "page.js", route.path)
        for method in ("GET", "HEAD"):
            answer = client.request(method, f"{path}?explore=false&problem_id=x&path=mine.py")
            assert answer.status_code in (200, 400, 404, 405)
    assert [files_below(folder) for folder in folders] == before
    assert served.services.recorder.open_sessions() == sessions
    assert served.services.assistance.models.explore == explore and not served.finished


# -- paths


@pytest.mark.parametrize(
    "name",
    [
        "..%2findex.html",
        "%2e%2e%2fpage.py",
        "../page.py",
        "..%5cpage.py",
        "page.js%00",
        "%00",
        "a" * 5000,
        "index.html",
    ],
)
def test_only_the_files_of_the_page_are_given(client, name):
    answer = client.get(f"/static/{name}")
    assert answer.status_code == 404
    assert "import" not in answer.text


@pytest.mark.parametrize("session", ["..", "%2e%2e", "..%2f..%2fx", "x%00", "a" * 3000, "%ff", "x%0d%0aSet-Cookie:a"])
def test_ids_lead_nowhere_else(client, served, session):
    before = files_below(served.paths.root)
    for act in ("state", "changes", "end"):
        body = {"first": 0, "changes": []} if act == "changes" else {"text": "", "timestep": 0}
        answer = client.post(f"/api/backend/episodes/{session}/{act}", json=body)
        assert answer.status_code == 404 and "set-cookie" not in answer.headers
    source = {"problem_id": "p", "source_episode": "../" * 5 + "etc/passwd"}
    assert client.post(CHANGING, json=source).status_code == 404
    assert client.get(f"/api/problems/{session}").status_code == 404
    assert files_below(served.paths.root) == before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "OPTIONS", "X"])
def test_other_methods_are_answered_405_in_json(client, method):
    answer = client.request(method, HEALTH)
    assert answer.status_code == 405 and "GET" in answer.headers["allow"]
    assert "detail" in answer.json()


def test_head_is_get_without_a_body(client):
    answer = client.head(HEALTH)
    assert answer.status_code == 200 and not answer.content


# -- sizes


def test_a_large_body_is_refused_before_and_while_it_arrives(client):
    told = client.post(CHANGING, content=b"x", headers={"Content-Length": str(MAX_BODY + 1)})
    assert told.status_code == 413
    untold = client.post(CHANGING, content=(b"x" * 2**20 for _ in range(MAX_BODY // 2**20 + 1)))
    assert untold.status_code == 413


def test_large_headers_and_addresses_are_refused(client):
    assert ask(client, x_large="a" * (MAX_HEADERS + 1)).status_code == 431
    assert client.get(f"{HEALTH}?{'a' * (MAX_ADDRESS + 1)}").status_code == 414
    assert client.get(f"/{'a' * (MAX_ADDRESS + 1)}").status_code == 414
    assert ask(client, x_large="a" * (MAX_HEADERS // 2)).status_code == 200


def test_many_parameters_are_refused(client):
    query = "&".join(f"a{i}=1" for i in range(MAX_PARAMETERS + 1))
    assert client.get(f"{HEALTH}?{query}").status_code == 400


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"text": "", "timestep": 0, "action": {"a":'])
def test_deep_json_is_malformed(client, opening):
    episode = client.post(CHANGING, json={"problem_id": "p"}).json()["episode_id"]
    closing = {"[": "]"}.get(opening, "}")
    for depth in (900, 5_000, 200_000):
        body = (opening * depth + "1" + closing * depth).encode()
        answer = client.post(f"/api/backend/episodes/{episode}/state", content=body)
        assert answer.status_code == 422, depth
    deep = b'{"text": "", "timestep": 0, "action": ' + b'{"a": ' * 50_000 + b"1" + b"}" * 50_001
    assert client.post(f"/api/backend/episodes/{episode}/state", content=deep).status_code == 422


def scope(path=HEALTH, method="POST", kind="http", headers=()):
    return {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:3000"), *headers],
    }


class Sent(list):
    async def __call__(self, message):
        self.append(message)

    @property
    def status(self):
        return self[0]["status"]


def guard(app):
    return RequestGuard(app, AccessRules(frozenset({3000}), TOKEN))


async def answer_when_read(asked_scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_body_that_drips_is_refused_in_time(monkeypatch):
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.2)

    async def drip():
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    sent = Sent()
    asyncio.run(asyncio.wait_for(guard(answer_when_read)(scope(), drip, sent), 5))
    assert sent.status == 408


def test_open_requests_are_limited_and_end(monkeypatch):
    async def play():
        release, sent = asyncio.Event(), [Sent() for _ in range(MAX_OPEN_REQUESTS + 1)]

        async def receive():
            await release.wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        guarded = guard(answer_when_read)
        tasks = [asyncio.create_task(guarded(scope(), receive, each)) for each in sent]  # without a body
        await asyncio.sleep(0.05)
        assert [each.status for each in sent if each] == [503]
        release.set()
        await asyncio.gather(*tasks)
        again = Sent()
        await guarded(scope(), receive, again)
        return again.status

    assert asyncio.run(play()) == 200


def test_clients_that_never_finish_their_bodies_keep_nobody_out():
    async def play():
        release = asyncio.Event()
        length = (b"content-length", b"10")

        async def receive_slowly():
            await release.wait()
            return {"type": "http.request", "body": b"0123456789", "more_body": False}

        async def receive():
            return {"type": "http.request", "body": b"0123456789", "more_body": False}

        guarded, slow = guard(answer_when_read), [Sent() for _ in range(4 * MAX_OPEN_REQUESTS)]
        asked = scope(headers=[length])
        tasks = [asyncio.create_task(guarded(asked, receive_slowly, each)) for each in slow]
        await asyncio.sleep(0.05)
        with_body, without_body = Sent(), Sent()
        await guarded(asked, receive, with_body)
        await guarded(scope(method="GET"), receive, without_body)
        assert not any(slow)
        release.set()
        await asyncio.gather(*tasks)
        return with_body.status, without_body.status, {each.status for each in slow}

    assert asyncio.run(play()) == (200, 200, {200})


@pytest.mark.parametrize(("limit", "most"), [("MAX_ARRIVING_REQUESTS", 3), ("MAX_ARRIVED_BYTES", 30)])
def test_what_is_on_its_way_is_limited_too_and_ends(monkeypatch, limit, most):
    monkeypatch.setattr(middleware, limit, most)

    async def play():
        release, sent = asyncio.Event(), [Sent() for _ in range(4)]

        def slow_body():
            parts = iter([{"type": "http.request", "body": b"0123456789", "more_body": True}])

            async def receive():
                for part in parts:
                    return part
                await release.wait()
                return {"type": "http.request", "body": b"", "more_body": False}

            return receive

        guarded, asked = guard(answer_when_read), scope(headers=[(b"content-length", b"10")])
        tasks = [asyncio.create_task(guarded(asked, slow_body(), each)) for each in sent]
        await asyncio.sleep(0.05)
        assert [each.status for each in sent if each] == [503]
        release.set()
        await asyncio.gather(*tasks)
        again = Sent()
        await guarded(asked, slow_body(), again)
        return again.status

    assert asyncio.run(play()) == 200


def test_a_request_that_is_cancelled_because_the_server_ends_is_told_so():
    async def play():
        async def wait_for_ever(*_):
            await asyncio.Event().wait()

        sent = Sent()
        task = asyncio.create_task(guard(wait_for_ever)(scope(method="GET"), None, sent))
        await asyncio.sleep(0.01)
        task.cancel()
        await task
        return sent

    sent = asyncio.run(play())
    assert sent.status == 503 and "ending" in json.loads(sent[1]["body"])["detail"]


def test_websockets_are_closed_before_they_open():
    sent = Sent()
    asyncio.run(guard(answer_when_read)(scope(kind="websocket"), None, sent))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a_request_to_open_a_websocket_from_another_site_is_refused(client):
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec_websocket_version": "13", "sec_websocket_key": "a"}
    assert ask(client, origin="http://evil.example", **upgrade).status_code == 403
    assert ask(client, accept="text/event-stream", origin="http://evil.example").status_code == 403


# -- every answer


@pytest.mark.parametrize("path", ["/", "/docs", HEALTH, "/nothing", "/static/page.css"])
def test_every_answer_has_the_headers_that_protect_it(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY" and headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store" and headers["x-request-id"]


@pytest.mark.parametrize("request_id", ["", "a b", "a\tb", "x" * 129, "\xff"])
def test_a_request_id_that_is_none_is_replaced(client, request_id):
    answer = ask(client, x_request_id=request_id.encode("latin-1"))
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


def test_an_unexpected_error_is_a_500_with_an_id_and_a_line_without_code(served, client, monkeypatch):
    secret = "password = 'hunter2'"

    def fail(*_):
        raise ValueError(secret)

    monkeypatch.setattr(responses.messages, "decode", fail)
    count = served.services.failures.count
    answer = client.post(f"{CHANGING}?token={TOKEN}", json={}, headers={"X-Request-ID": "r-77"})
    assert answer.status_code == 500 and answer.headers["x-request-id"] == "r-77"
    assert answer.headers["x-content-type-options"] == "nosniff" and secret not in answer.text
    assert served.services.failures.count == count + 1
    log = served.services.failures.path.read_text()
    assert "r-77 POST /api/backend/episodes/start: ValueError at tests/services/http/test_middleware.py" in log
    assert "hunter2" not in log and TOKEN not in log and "token" not in log


def test_a_client_that_leaves_is_no_error():
    async def leave():
        return {"type": "http.disconnect"}

    async def application(asked_scope, receive, send):
        from starlette.requests import Request

        await Request(asked_scope, receive).body()

    guarded, sent = guard(application), Sent()
    asyncio.run(guarded(scope(), leave, sent))
    assert not sent


def test_refusals_are_json_with_a_reason(client):
    for answer in (ask(client, host="x"), ask(client, origin="null"), client.get("/nothing"), client.put(HEALTH)):
        assert set(json.loads(answer.content)) == {"detail"}
        assert answer.headers["content-type"] == "application/json"


def test_the_token_is_in_the_page_alone(client, served):
    assert TOKEN in client.get("/").text
    for route in served.app.routes:
        if "GET" in route.methods and route.path != "/":
            assert TOKEN not in client.get(re.sub(r"{\w+}", "page.js", route.path)).text
    for path in served.paths.root.rglob("*"):
        assert path.is_dir() or TOKEN.encode() not in path.read_bytes()
    assert TOKEN not in "".join(os.environ.values())

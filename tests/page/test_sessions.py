"""Recorded sessions in a browser: listed, replayed, excluded."""

import json
import shutil

import pytest

from .conftest import screenshot, violations

ATTACK = "<img src=x onerror=\"document.title='attacked'\">"


@pytest.fixture
def recorded(server, sample_sessions):
    """The samples as the person's own sessions, and one of the existing system whose texts are markup."""
    shutil.copytree(sample_sessions, server.paths.episodes, dirs_exist_ok=True)
    path = server.paths.episodes / "attack" / "attack.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    by_assistant = {"H": None, "A": {"type": 2, "line": 2}}
    texts = [("x = 1\n", None), (f"x = 1\n{ATTACK}\n", by_assistant), (f"{ATTACK}\n", None)]
    states = [
        {"episode_id": "attack", "timestep": t, "timestamp_ms": 1000 * t, "text": text, "attribution": [],
         "action": action, "env": None}
        for t, (text, action) in enumerate(texts)
    ]  # fmt: skip
    path.write_text(json.dumps({
        "episode_id": "attack", "problem_id": ATTACK, "model": None, "startTime": 0, "endTime": 9000, "states": states,
    }))  # fmt: skip
    return server


def test_sessions_are_listed_replayed_and_excluded(recorded, opened):
    opened.goto(recorded.url + "#/sessions")
    rows = opened.locator(".sessions tbody tr")
    rows.first.wait_for()
    assert rows.count() >= 3
    screenshot(opened, "sessions")
    assert violations(opened) == []

    rows.first.get_by_label("learn from it").uncheck()
    opened.reload()
    opened.locator(".sessions input:not(:checked)").wait_for()

    rows.locator("a").first.click()
    opened.get_by_role("button", name="Next help").click()
    opened.get_by_role("heading", name="The assistant").wait_for()
    scrubber = opened.get_by_role("slider")
    assert int(scrubber.input_value()) > 0
    opened.locator(".cm-author-assistant").first.wait_for()
    screenshot(opened, "replay")
    assert violations(opened) == []
    scrubber.press("End")
    assert opened.get_by_role("button", name="Forward").is_disabled()


def test_markup_in_a_recorded_session_stays_text(recorded, opened):
    opened.goto(recorded.url + "#/sessions/attack")
    opened.get_by_role("button", name="Forward").click()
    opened.get_by_text(ATTACK).first.wait_for()
    assert opened.title() == "Sessions · CodeAssist"


def test_a_session_that_is_not_there_is_said_so(server, page):
    page.goto(server.url + "#/sessions/nothing")
    page.get_by_role("alert").wait_for()


def test_a_session_is_deleted_once_that_is_confirmed(recorded, opened):
    opened.goto(recorded.url + "#/sessions")
    rows = opened.locator(".sessions tbody tr")
    rows.first.wait_for()
    before = rows.count()
    rows.first.get_by_role("button", name="Delete").click()
    opened.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert rows.count() == before
    rows.first.get_by_role("button", name="Delete").click()
    screenshot(opened, "delete")
    opened.get_by_role("dialog").get_by_role("button", name="Delete").click()
    opened.get_by_text("Deleted.").wait_for()
    opened.wait_for_function(f"document.querySelectorAll('.sessions tbody tr').length === {before - 1}")

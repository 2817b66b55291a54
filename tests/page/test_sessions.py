"""Recorded sessions in a browser: listed, replayed, excluded."""

import json
import shutil

import pytest
from playwright.sync_api import expect

from .conftest import screenshot, violations

ATTACK = "<img src=x onerror=\"document.title='attacked'\">"


@pytest.fixture
def recorded(server, sample_sessions):
    """The samples as the person's own sessions, and one of the existing system whose texts are markup."""
    shutil.copytree(sample_sessions, server.paths.episodes, dirs_exist_ok=True)
    path = server.paths.episodes / "attack" / "attack.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    by_assistant = {"H": None, "A": {"type": 2, "line": 2}}
    long = "".join(f"x{i} = {i}\r\n" for i in range(5000)) + "half = '\ud83d'\r\n"
    texts = [("x = 1\n", None), (f"x = 1\n{ATTACK}\n", by_assistant), (f"{ATTACK}\n", None), (long, None)]
    states = [
        {"episode_id": "attack", "timestep": t, "timestamp_ms": 1000 * t, "text": text, "attribution": [],
         "action": action, "env": None}
        for t, (text, action) in enumerate(texts)
    ]  # fmt: skip
    path.write_text(json.dumps({
        "episode_id": "attack", "problem_id": ATTACK, "model": None, "startTime": 0, "endTime": 9000, "states": states,
    }))  # fmt: skip
    return server


def test_sessions_are_listed_replayed_and_excluded(recorded, watched):
    watched.goto(recorded.url + "#/sessions")
    rows = watched.locator(".sessions tbody tr")
    rows.first.wait_for()
    assert rows.count() >= 3
    screenshot(watched, "sessions")
    assert violations(watched) == []

    rows.first.get_by_label("learn from it").uncheck()
    watched.reload()
    watched.locator(".sessions input:not(:checked)").wait_for()

    rows.locator("a").first.click()
    watched.get_by_role("button", name="Next help").click()
    watched.get_by_role("heading", name="The assistant").wait_for()
    scrubber = watched.get_by_role("slider")
    assert int(scrubber.input_value()) > 0
    watched.locator(".cm-author-assistant").first.wait_for()
    screenshot(watched, "replay")
    assert violations(watched) == []
    scrubber.press("End")
    assert watched.get_by_role("button", name="Forward").is_disabled()


def test_an_answer_that_comes_late_does_not_take_the_place_of_a_later_one(recorded, watched):
    late = []

    def hold_second(route):
        answer = route.fetch()
        late.append((route, answer))
        if len(late) != 2:
            route.fulfill(response=answer)

    watched.route("**/api/sessions", hold_second)
    watched.goto(recorded.url + "#/sessions")
    learned = watched.locator(".sessions tbody tr").first.get_by_label("learn from it")
    was_learned = learned.is_checked()
    learned.set_checked(not was_learned)
    with watched.expect_response("**/api/sessions"):
        learned.set_checked(was_learned)
    route, answer = late[1]
    with watched.expect_response("**/api/sessions"):
        route.fulfill(response=answer)
    watched.evaluate("new Promise(resolve => setTimeout(resolve, 50))")
    assert learned.is_checked() == was_learned


def test_markup_in_a_recorded_session_stays_text(recorded, watched):
    watched.goto(recorded.url + "#/sessions/attack")
    watched.get_by_role("button", name="Forward").click()
    watched.get_by_text(ATTACK).first.wait_for()
    assert watched.title() == "Sessions · CodeAssist"


def test_a_long_file_with_other_line_ends_and_half_a_character_is_replayed(recorded, watched):
    watched.goto(recorded.url + "#/sessions/attack")
    watched.get_by_role("slider").press("End")
    watched.locator(".cm-line", has_text="x0 = 0").wait_for()
    watched.locator(".cm-scroller").evaluate("scroller => scroller.scrollTo(0, scroller.scrollHeight)")
    watched.locator(".cm-line", has_text="half = ").wait_for()
    watched.emulate_media(forced_colors="active")
    screenshot(watched, "replay-forced-colours")


def test_who_wrote_a_line_is_seen_without_the_pages_own_colours(recorded, watched):
    watched.emulate_media(forced_colors="active")
    watched.goto(recorded.url + "#/sessions/attack")
    watched.get_by_role("button", name="Forward").click()
    style = "mark => { const style = getComputedStyle(mark); return [style.borderLeftStyle, style.borderLeftWidth]; }"
    assert watched.locator(".cm-author-assistant").first.evaluate(style) == ["double", "4px"]
    watched.get_by_role("slider").press("End")
    assert watched.locator(".cm-author-human").first.evaluate(style) == ["solid", "4px"]
    watched.get_by_role("textbox", name="The file at this state").focus()
    for name, value in {"outline-style": "solid", "outline-width": "2px"}.items():
        expect(watched.locator(".editor")).to_have_css(name, value)  # around the gutter too


def test_the_end_of_a_replayed_file_is_reached_by_keyboard_and_it_says_that_it_is_read_only(recorded, watched):
    watched.goto(recorded.url + "#/sessions/attack")
    watched.get_by_role("slider").press("End")
    watched.locator(".cm-line", has_text="x0 = 0").wait_for()
    text = watched.get_by_role("textbox", name="The file at this state")
    text.press("Control+End")
    watched.locator(".cm-line", has_text="half = ").wait_for()
    text.press("Control+Home")
    watched.locator(".cm-line", has_text="x0 = 0").wait_for()
    assert text.get_attribute("aria-readonly") == "true"
    text.press("x")
    assert watched.locator(".cm-line").first.inner_text() == "x0 = 0"


def test_a_replay_is_played_and_paused_by_keyboard_and_told_when_it_rests(recorded, watched):
    watched.goto(recorded.url + "#/sessions/sample-title-case")
    play, pause = (watched.get_by_role("button", name=name) for name in ("Play", "Pause"))
    slider = watched.get_by_role("slider")
    play.press("Space")
    told = watched.get_by_role("status").filter(has=watched.get_by_role("heading"))
    expect(slider).not_to_have_value("0")
    assert told.get_attribute("aria-live") == "off"
    pause.press("Space")
    assert told.get_attribute("aria-live") == "polite"
    for go in (
        lambda: watched.get_by_role("button", name="Next help").press("Enter"),
        lambda: watched.get_by_role("button", name="Forward").press("Enter"),
        lambda: slider.press("ArrowRight"),
    ):
        slider.press("Home")
        play.press("Enter")
        pause.wait_for()
        go()
        play.wait_for()
        assert int(slider.input_value()) < int(slider.get_attribute("max")), "it went on to the end"
    watched.get_by_role("slider").press("End")
    watched.get_by_role("button", name="Back").press("Enter")
    watched.get_by_role("button", name="Forward").press("Enter")
    assert watched.get_by_role("button", name="Forward").evaluate("button => button === document.activeElement")


def test_help_that_had_no_text_is_said_so_and_is_no_help_to_go_to(recorded, watched):
    """Of the two decisions to write a line only the one that changed the text is gone to."""
    by_assistant = {"H": None, "A": {"type": 2, "line": 1}}
    texts = [("a\n", None), ("a\n", by_assistant), ("a\nb\n", None), ("a\nc\nb\n", by_assistant)]
    states = [
        {"timestep": t, "timestamp_ms": 1000 * t, "text": text, "attribution": [], "action": action, "env": None}
        for t, (text, action) in enumerate(texts)
    ]
    path = recorded.paths.episodes / "empty-help" / "empty-help.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"episode_id": "empty-help", "problem_id": "nobody-knows", "states": states}))
    watched.goto(recorded.url + "#/sessions/empty-help")
    watched.get_by_role("heading", name="nobody-knows").wait_for()
    watched.get_by_role("button", name="Forward").click()
    watched.get_by_role("heading", name="The assistant wanted to write a line, and had no text for it").wait_for()
    watched.get_by_role("slider").press("Home")
    watched.get_by_role("button", name="Next help").click()
    watched.get_by_role("heading", name="The assistant wrote a line").wait_for()
    assert watched.get_by_role("slider").input_value() == "3"


def test_a_session_that_is_not_there_is_said_so(server, page):
    page.goto(server.url + "#/sessions/nothing")
    page.get_by_role("alert").wait_for()


def test_a_session_is_deleted_once_that_is_confirmed(recorded, watched):
    watched.goto(recorded.url + "#/sessions")
    rows = watched.locator(".sessions tbody tr")
    rows.first.wait_for()
    before = rows.count()
    rows.first.get_by_role("button", name="Delete").click()
    watched.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert rows.count() == before
    rows.first.get_by_role("button", name="Delete").click()
    screenshot(watched, "delete")
    watched.get_by_role("dialog").get_by_role("button", name="Delete").click()
    watched.get_by_text("Deleted.").wait_for()
    expect(rows).to_have_count(before - 1)

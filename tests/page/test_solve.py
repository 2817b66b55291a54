"""Solving a problem in a browser: what is typed is what is recorded."""

from .conftest import screenshot, violations


def test_a_problem_is_solved_and_the_session_holds_what_was_typed(opened, server):
    opened.locator("main li a").first.click()
    editor = opened.locator(".cm-content")
    editor.click()
    opened.keyboard.press("Control+End")
    opened.keyboard.type("\nx = 1\ny = 2")
    opened.get_by_text("Recording", exact=True).wait_for()
    screenshot(opened, "solve")
    assert violations(opened) == []
    opened.get_by_role("button", name="End the session").click()
    opened.get_by_text("Not recording", exact=False).wait_for()
    (episode,) = server.episodes()
    lines = episode["states"][-1]["text"].split("\n")
    assert [line.strip() for line in lines[-2:]] == ["x = 1", "y = 2"]

"""Solving a problem in a browser: what is typed is what is recorded."""

from dataclasses import replace

from playwright.sync_api import expect

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


def test_on_a_phone_a_problem_begins_at_its_statement(opened, server):
    opened.set_viewport_size({"width": 360, "height": 740})
    opened.get_by_role("link", name="Warmest day").click()
    opened.locator(".cm-content").wait_for()
    assert opened.evaluate("scrollY") == 0
    expect(opened.get_by_role("heading", level=1)).to_be_focused()
    screenshot(opened, "solve-phone")
    opened.get_by_role("button", name="End the session").click()


def open_problem(page, server, name="warmest-day"):
    page.goto(f"{server.url}#/solve/{name}")
    page.locator(".cm-content").wait_for()


def replace_all(page, text):
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def test_problems_are_searched_by_words_difficulty_and_topic(opened):
    opened.get_by_role("searchbox").fill("day")
    opened.get_by_role("link", name="Warmest day").wait_for()
    expect(opened.get_by_role("link", name="Changes of sign")).to_have_count(0)
    opened.get_by_label("Difficulty").select_option("hard")
    opened.get_by_role("searchbox").fill("no such problem")
    opened.get_by_text("No problem is like that").wait_for()
    assert violations(opened) == []
    opened.get_by_role("button", name="Show all").click()
    opened.get_by_role("link", name="Changes of sign").wait_for()


def test_a_run_opens_the_first_case_that_failed_and_a_submission_counts_hidden_ones(watched, server):
    open_problem(watched, server)
    replace_all(watched, "def warmest_day(temperatures):\n    return 1 / 0")
    watched.get_by_role("button", name="Run").click()
    watched.get_by_text("examples passed").wait_for()
    expect(watched.locator(".cases details[open]")).to_have_count(1)
    watched.get_by_text("ZeroDivisionError").first.wait_for()
    screenshot(watched, "run-failed")
    assert violations(watched) == []

    problem = server.running.services.problems["warmest-day"]
    replace_all(watched, "\n".join(problem.solution))
    watched.keyboard.press("Control+Enter")
    watched.get_by_text("✓").first.wait_for()
    watched.keyboard.press("Control+Shift+Enter")
    watched.get_by_text("Solved: all").wait_for()
    hidden = [str(case.arguments[0]) for case in problem.cases if case.hidden and case.arguments[0]]
    assert hidden and not any(text in watched.content() for text in hidden)
    screenshot(watched, "solved")
    watched.get_by_role("link", name="Learning").click()
    watched.get_by_role("heading", name="Learning", exact=True).wait_for()
    watched.get_by_role("link", name="Solve", exact=True).click()
    watched.get_by_text("Solved: all").wait_for()
    watched.locator(".cm-content").click()
    watched.keyboard.type(" ")
    watched.get_by_text("Your code has changed since").wait_for()
    screenshot(watched, "solved-outdated")
    watched.keyboard.press("Backspace")
    watched.get_by_text("Your code has changed since").wait_for(state="detached")
    watched.get_by_role("button", name="End the session").click()
    watched.get_by_role("listitem").filter(has_text="Warmest day").get_by_text("✓ solved").wait_for()


def test_an_endless_loop_is_stopped_by_keyboard(watched, server):
    open_problem(watched, server)
    replace_all(watched, "while True: pass")
    run, stop = (watched.get_by_role("button", name=name) for name in ("Run", "Stop"))
    run.press("Enter")
    watched.get_by_text("Running").wait_for()
    assert run.evaluate("button => button === document.activeElement")
    stop.press("Enter")
    watched.get_by_text("Stopped.").wait_for()
    expect(run).to_be_enabled()


def test_an_endless_loop_is_stopped_after_a_look_at_another_view(watched, server):
    open_problem(watched, server)
    replace_all(watched, "while True: pass")
    watched.get_by_role("button", name="Run").press("Enter")
    watched.get_by_text("Running").wait_for()
    watched.get_by_role("link", name="Models").press("Enter")
    watched.get_by_role("link", name="Solve", exact=True).press("Enter")
    watched.get_by_role("button", name="Stop").click()
    watched.get_by_text("Stopped.").wait_for()


def test_a_problem_goes_on_from_what_was_written_and_can_be_started_over(watched, server):
    open_problem(watched, server)
    replace_all(watched, "mine = 1")
    watched.get_by_role("button", name="End the session").click()
    watched.get_by_role("heading", name="Problems").wait_for()
    open_problem(watched, server)
    expect(watched.locator(".cm-content")).to_have_text("mine = 1")
    watched.get_by_role("button", name="Start over").click()
    watched.locator(".cm-content", has_text="def warmest_day").wait_for()
    watched.get_by_role("button", name="End the session").click()


def test_a_statement_with_markup_in_it_stays_text(watched, server, monkeypatch):
    attack = "<img src=x onerror=\"document.title='attacked'\"><script>document.title='attacked'</script>"
    problems = server.running.services.problems
    problem = replace(problems["warmest-day"], title=attack, statement=attack)
    monkeypatch.setitem(problems, "warmest-day", problem)
    watched.goto(server.url + "#/solve")
    watched.get_by_text(attack).first.click()
    watched.get_by_role("heading", name=attack).wait_for()
    assert watched.get_by_text(attack).count() >= 2 and "attacked" not in watched.title()
    watched.get_by_role("button", name="End the session").click()
    watched.get_by_role("heading", name="Problems").wait_for()


def test_a_problem_that_is_not_there_is_said_so(server, page):
    page.goto(server.url + "#/solve/nothing")
    page.get_by_role("alert").wait_for()
    page.get_by_role("link", name="All problems and files").click()
    page.get_by_role("heading", name="Problems").wait_for()


def test_the_cursor_of_a_new_problem_is_behind_its_starter_code(watched, server):
    open_problem(watched, server, "parking-fee")
    watched.keyboard.type("return 0")
    assert watched.locator(".cm-line").last.inner_text().strip() == "return 0"
    watched.get_by_role("button", name="End the session").click()
    watched.get_by_role("heading", name="Problems").wait_for()

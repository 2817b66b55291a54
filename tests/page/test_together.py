"""The assistant beside a person in a browser: when it writes, how that is marked, and that it goes when they say so."""

import json
import threading
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from actions import Action, Decision, Review
from delegates import Completion
from services.learning.current_models import Choice
from services.messages.settings_messages import SettingsChange

from .conftest import complaints_of, screenshot, violations, wait_until

SHOWN = Review(kept=0.8, threshold=0.4, shown_probability=1.0, shown=True, explored=False)
HOUR = 3600.0
HELD_BACK = replace(SHOWN, kept=0.1, shown=False, shown_probability=0.05)


class ScriptedAssistant:
    """Stands for policy, writer and reviewer: decides, writes and reviews what a test says.

    line: of the next decision, counted from the cursor's. texts: asked for one after the other; the last one again and
    again; "" is silence. release: the writer waits for it.
    """

    def __init__(self):
        self.decision, self.line, self.texts, self.review_answer = Decision.WRITE_MULTI_LINE, 0, [""], SHOWN
        self.asked = 0
        self.release = threading.Event()
        self.release.set()

    def decide(self, state, options, agent="assistant"):
        self.asked += 1
        alternatives = (
            {"decision": int(self.decision), "line": state.cursor.line + 1, "probability": 0.62},
            {"decision": 0, "line": 0, "probability": 0.31},
        )
        if not self.texts[0]:
            return Choice(Action("A", Decision.NO_OP, -1, policy_probability=0.9, model="m"), alternatives=alternatives)
        line = state.cursor.line + self.line
        action = Action("A", self.decision, line, policy_probability=0.62, probability=0.62, kept=0.7, model="m")
        return Choice(action, alternatives=alternatives)

    def write(self, state, decision, line, context):
        self.release.wait(10)
        text = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
        return Completion(text, "scripted")

    def review(self, state, after, action, completion, generator):
        return self.review_answer


USUAL = SettingsChange(pause="key", off_for=[], subtle=False, paused_until=None, theme="light")
"""Settings of a test: the assistant is asked on a key, so that slow typing does not ask too soon."""


@pytest.fixture
def assistant(server, monkeypatch):
    """The assistant that a test has scripted."""
    services, scripted = server.running.services, ScriptedAssistant()
    monkeypatch.setattr(services.assistance, "writer", scripted)
    monkeypatch.setattr(services.assistance, "reviewer", scripted)
    monkeypatch.setattr(services.assistance, "clean", lambda text, *_: text)
    monkeypatch.setattr(services.assistance.models, "decide", scripted.decide)
    return scripted


@pytest.fixture
def scratch(assistant, server, tab):
    """A scratch file, open and ready to type; the page stays the same from test to test where nothing is set in it."""
    settings = server.running.services.settings
    before = settings.current()
    with complaints_of(tab) as complaints:
        if settings.update(USUAL) != before or not tab.url.startswith(server.url):
            tab.goto(server.url)
        tab.evaluate("localStorage.removeItem('codeassist.scratch')")
        tab.get_by_role("button", name="A scratch file").click()
        tab.locator(".cm-content").click()
        tab.evaluate("document.querySelectorAll('.notice > button:last-child').forEach(button => button.click())")
        yield tab
        if (end := tab.get_by_role("button", name="End the session")).is_visible():
            end.click()
            tab.get_by_text("Not recording", exact=False).wait_for()
    assert not complaints


def text_of(page):
    """The text in the editor."""
    return "\n".join(
        page.locator(".cm-line").evaluate_all("lines => lines.map(line => line.innerText.replace(/\\n$/, ''))")
    )


def status(page):
    return page.locator(".assistant-status")


def wait_for_status(page, text):
    status(page).filter(has_text=text).wait_for()


def begin_function(page):
    """Puts in a function's head; the cursor is where its body begins."""
    page.keyboard.insert_text("def f(a):")
    page.keyboard.press("Enter")


def wait_for_settings(page, server, **expected):
    """Until the server has what was chosen on the page, which holds there at once."""
    settings = server.running.services.settings
    wait_until(page, lambda: all(getattr(settings.current(), name) == value for name, value in expected.items()))


def wait_for_snooze(page, server):
    wait_until(page, lambda: server.running.services.settings.current().paused_until is not None)


def write_loop(page, assistant):
    """Begins a function, whose body the assistant then writes."""
    assistant.texts = ["for x in a:\n    print(x)\nreturn a", ""]
    begin_function(page)
    page.keyboard.press("Alt+Enter")
    wait_for_status(page, "Wrote 3 lines at line 2")


def end_session(page, server):
    """Ends the session and returns its states."""
    page.get_by_role("button", name="End the session").click()
    page.get_by_text("Not recording", exact=False).wait_for()
    return max(server.episodes(), key=lambda episode: episode["endTime"])["states"]


def played(changes):
    """The text that keystrokes lead to."""
    text = ""
    for _, position, deleted, inserted, _ in changes:
        text = text[:position] + inserted + text[position + deleted :]
    return text


def lines_of(path):
    return path.read_text().splitlines()


BODY = "def f(a):\n    for x in a:\n        print(x)\n    return a"


def test_escape_takes_a_text_back_at_once(scratch, assistant):
    write_loop(scratch, assistant)
    assert text_of(scratch) == BODY
    scratch.keyboard.press("Escape")
    assert text_of(scratch) == "def f(a):\n    "
    wait_for_status(scratch, "Took it back")
    scratch.keyboard.type("x")
    assert text_of(scratch) == "def f(a):\n    x"


def test_undo_takes_back_exactly_the_text_and_redo_brings_it_back(scratch, assistant):
    write_loop(scratch, assistant)
    scratch.keyboard.press("Control+z")
    assert text_of(scratch) == "def f(a):\n    "
    scratch.keyboard.press("Control+y")
    assert text_of(scratch) == BODY
    scratch.keyboard.press("Control+z")
    scratch.keyboard.type("pass")
    scratch.keyboard.press("Control+z")
    assert text_of(scratch) == "def f(a):\n    "


def test_the_cursor_stays_where_it_is_while_a_comment_comes_far_above(scratch, assistant):
    assistant.decision, assistant.line, assistant.texts = Decision.EXPLAIN_MULTI_LINES, -90, ["what follows", ""]
    assistant.release.clear()
    scratch.keyboard.insert_text("\n".join(f"x{i} = {i}" for i in range(100)))
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "Thinks")
    scratch.evaluate("() => new Promise(requestAnimationFrame)")
    cursor = scratch.locator(".cm-cursor-primary")
    before = cursor.bounding_box()
    assistant.release.set()
    wait_for_status(scratch, "Explained at line 10")
    assert abs(cursor.bounding_box()["y"] - before["y"]) < 1
    scratch.keyboard.type("0")
    assert text_of(scratch).endswith("x99 = 990")


def test_the_next_line_is_kept_and_one_more_each_time_until_the_person_goes_on(scratch, assistant, server):
    write_loop(scratch, assistant)
    scratch.keyboard.press("Control+ArrowDown")
    assert text_of(scratch) == "def f(a):\n    for x in a:"
    scratch.keyboard.press("Control+ArrowDown")
    assert text_of(scratch) == "def f(a):\n    for x in a:\n        print(x)"
    scratch.keyboard.press("Control+z")
    assert text_of(scratch) == "def f(a):\n    "
    last = end_session(scratch, server)[-1]
    assert played(server.changes(last["episode_id"])) == last["text"] == "def f(a):\n    "


def test_the_next_word_is_kept_and_the_key_is_the_persons_own_once_the_cursor_moved(scratch, assistant):
    write_loop(scratch, assistant)
    scratch.keyboard.press("Control+ArrowRight")
    scratch.keyboard.press("Control+ArrowRight")
    assert text_of(scratch) == "def f(a):\n    for x"
    scratch.keyboard.press("ArrowLeft")
    scratch.keyboard.press("Control+ArrowRight")
    scratch.keyboard.type("!")
    assert text_of(scratch) == "def f(a):\n    for x!"


def test_the_cursor_is_behind_what_is_kept(scratch, assistant):
    write_loop(scratch, assistant)
    scratch.keyboard.press("Control+ArrowRight")
    scratch.keyboard.press("Control+ArrowDown")
    scratch.keyboard.type("\npass\n")
    assistant.texts = ["return a", ""]
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "Wrote a line at line 4")
    scratch.get_by_role("button", name="Keep", exact=True).click()
    scratch.keyboard.type("[0]")
    assert text_of(scratch) == "def f(a):\n    for x in a:\n        pass\n        return a[0]"


def test_buttons_do_what_the_keys_do_and_stay_in_their_place(scratch, assistant):
    button = scratch.get_by_role("button", name="Next line")
    before = button.bounding_box()
    write_loop(scratch, assistant)
    assert button.bounding_box() == before
    button.click()
    assert text_of(scratch) == "def f(a):\n    for x in a:"
    scratch.get_by_role("button", name="Take back").click()
    assert text_of(scratch) == "def f(a):\n    "
    scratch.keyboard.type("x")
    assert text_of(scratch) == "def f(a):\n    x"
    assert scratch.get_by_role("button", name="Take back").get_attribute("aria-disabled") == "true"


def test_escape_takes_back_the_latest_text_first_and_a_button_all_of_them(scratch, assistant):
    assistant.decision, assistant.texts = Decision.WRITE_SINGLE_LINE, ["x = 1  # a", "y = 2  # b", "z = 3  # c", ""]
    for line, written in (("x", "x = 1"), ("y", "y = 2"), ("z", "z = 3")):
        scratch.keyboard.press("Control+End")
        scratch.keyboard.type(f"\n{line}")
        scratch.keyboard.press("Alt+Enter")
        scratch.locator(".cm-line", has_text=written).wait_for()
    scratch.keyboard.press("Escape")
    assert text_of(scratch) == "\nx = 1  # a\ny = 2  # b\nz"
    scratch.get_by_role("button", name="Take all back").click()
    assert text_of(scratch) == "\nx\ny\nz"


def test_tab_and_control_backspace_stay_the_persons(scratch, assistant):
    write_loop(scratch, assistant)
    scratch.keyboard.press("Tab")
    assert text_of(scratch).split("\n")[1] == "        for x in a:"
    scratch.keyboard.type("one two")
    scratch.keyboard.press("Control+Backspace")
    assert text_of(scratch).split("\n")[1] == "        one for x in a:"


@pytest.fixture
def still_clock(clocked_page, assistant, server):
    """A scratch file in a page whose time goes on as a test says; the assistant is asked after a pause."""
    page = clocked_page
    server.running.services.settings.update(USUAL)
    server.running.services.settings.update(SettingsChange(pause="adaptive"))
    with complaints_of(page) as complaints:
        page.goto(server.url)
        page.get_by_role("button", name="A scratch file").click()
        page.locator(".cm-content").click()
        wait_for_status(page, "Looks on")
        page.clock.pause_at(page.evaluate("Date.now()") / 1000 + HOUR)
        yield page
    assert not [complaint for complaint in complaints if "ERR_FAILED" not in complaint]  # requests that a test ended


def pass_time(page, milliseconds):
    page.clock.run_for(milliseconds)


def test_it_is_asked_once_the_person_has_paused_and_not_before(still_clock, assistant):
    for _ in range(3):
        still_clock.keyboard.type("x")
        pass_time(still_clock, 140)
    assert assistant.asked == 0
    pass_time(still_clock, 1000)
    wait_for_status(still_clock, "keeps quiet")
    assert assistant.asked == 1


def asked_by_key_alone(page, assistant):
    """Lets two seconds pass, then asks by the key; whether that was the first time that it was asked."""
    pass_time(page, 2000)
    page.keyboard.press("Alt+Enter")
    wait_for_status(page, "keeps quiet")
    return assistant.asked == 1


def test_it_is_not_asked_after_backspace_in_a_selection_in_a_word_or_without_focus(still_clock, assistant):
    for keys in (["x", "y", "Backspace"], ["z", "Shift+ArrowLeft"], ["End", "a", "b", "ArrowLeft"]):
        for key in keys:
            still_clock.keyboard.press(key)
        pass_time(still_clock, 2000)
    still_clock.keyboard.press("End")
    still_clock.keyboard.type(" ")
    still_clock.get_by_role("heading", level=1).click()
    pass_time(still_clock, 2000)
    assert assistant.asked == 0
    still_clock.locator(".cm-content").click()
    assert asked_by_key_alone(still_clock, assistant)


def test_it_is_not_asked_while_a_text_is_composed_but_afterwards(still_clock, assistant):
    session = still_clock.context.new_cdp_session(still_clock)
    session.send("Input.imeSetComposition", {"text": "にほ", "selectionStart": 2, "selectionEnd": 2})
    pass_time(still_clock, 2000)
    assert assistant.asked == 0
    session.send("Input.insertText", {"text": "日本"})
    pass_time(still_clock, 2000)
    wait_for_status(still_clock, "keeps quiet")
    assert (assistant.asked, text_of(still_clock)) == (1, "日本")


def test_it_is_asked_on_the_key_alone_if_the_person_wants_that(still_clock, assistant, server):
    still_clock.get_by_label("When it looks").select_option("Only on Alt+Enter")
    wait_for_status(still_clock, "Waits for Alt+Enter")
    wait_for_settings(still_clock, server, pause="key")
    still_clock.locator(".cm-content").click()
    still_clock.keyboard.type("x = 1\n")
    assert asked_by_key_alone(still_clock, assistant)


def test_a_text_that_was_taken_back_does_not_come_back(scratch, assistant):
    write_loop(scratch, assistant)
    assistant.texts = ["for x in a:\n    print(x)\nreturn a"]
    scratch.keyboard.press("Escape")
    scratch.keyboard.insert_text("# here")
    scratch.keyboard.press("Enter")
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "What it has for this place you took back")
    scratch.get_by_text("Why here?").click()
    scratch.get_by_text("a text that you took back or deleted here before").wait_for()
    assert text_of(scratch) == "def f(a):\n    # here\n    "


def test_a_late_text_is_merged_where_its_place_is_untouched(scratch, assistant, server):
    assistant.release.clear()
    assistant.texts = ["return a", ""]
    begin_function(scratch)
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "Thinks")
    scratch.keyboard.press("Control+Home")
    scratch.keyboard.type("# mine")
    assistant.release.set()
    scratch.locator(".assistant-text").wait_for()
    assert text_of(scratch) == "# minedef f(a):\n    return a"
    texts = [state["text"] for state in end_session(scratch, server)]
    assert texts[-2:] == ["def f(a):\n    return a", "# minedef f(a):\n    return a"]


def test_a_late_text_is_dropped_where_the_person_went_on_and_recorded_as_such(scratch, assistant, server):
    assistant.release.clear()
    assistant.texts = ["return a", ""]
    begin_function(scratch)
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "Thinks")
    scratch.keyboard.insert_text("return 1")
    assistant.release.set()
    wait_for_status(scratch, "keeps quiet")
    scratch.get_by_text("Why here?").click()
    scratch.get_by_text("You went on typing where the text belonged").wait_for()
    assert text_of(scratch) == "def f(a):\n    return 1"
    states = end_session(scratch, server)
    dropped = next(state for state in states if state["action"] and state["action"].get("A"))
    assert dropped["action"]["A"] == {"type": 0, "line": 0, "dropped": "stale"} and dropped["text"] == "def f(a):\n    "
    scratch.goto(f"{server.url}#/sessions/{dropped['episode_id']}")
    scratch.get_by_role("slider").fill(str(dropped["timestep"]))
    scratch.get_by_text("came and was not put in").wait_for()
    scratch.get_by_text("You went on typing where the text belonged").wait_for()
    scratch.goto(server.url)


def test_shift_space_pauses_and_goes_on_and_is_a_space_among_capitals(scratch, assistant, server):
    scratch.keyboard.type("a")
    scratch.keyboard.press("Shift+Space")
    wait_for_status(scratch, "Paused")
    wait_for_snooze(scratch, server)
    scratch.keyboard.press("Shift+Space")
    wait_for_status(scratch, "Waits for Alt+Enter")
    wait_for_settings(scratch, server, paused_until=None)
    scratch.keyboard.down("Shift")
    for key in ("B", "Space", "C"):
        scratch.keyboard.press(key)
    scratch.keyboard.up("Shift")
    assert text_of(scratch) == "aB C"


def test_snoozing_hides_the_marks_at_once_and_keeps_the_text(scratch, assistant, server):
    write_loop(scratch, assistant)
    assert scratch.locator(".assistant-text").count() > 0
    scratch.get_by_role("button", name="15 min").click()
    wait_for_status(scratch, "Paused until ")
    assert scratch.locator(".assistant-text, .cm-content .assistant-sign").count() == 0
    assert text_of(scratch) == BODY
    wait_for_snooze(scratch, server)


def test_a_snooze_ends_by_itself(still_clock, assistant, server):
    still_clock.get_by_role("button", name="5 min", exact=True).click()
    wait_for_status(still_clock, "Paused until ")
    wait_for_snooze(still_clock, server)
    still_clock.locator(".cm-content").click()
    still_clock.keyboard.type("x = 1\n")
    pass_time(still_clock, 2000)
    assert assistant.asked == 0
    still_clock.clock.fast_forward("05:00")
    wait_for_status(still_clock, "Looks on")
    still_clock.keyboard.type("y")
    pass_time(still_clock, 2000)
    wait_for_status(still_clock, "keeps quiet")


def test_help_is_off_for_a_kind_of_file(scratch, assistant, server):
    scratch.get_by_label("Off for .py files").check()
    wait_for_status(scratch, "Off for .py files")
    wait_for_settings(scratch, server, off_for=[".py"])
    scratch.keyboard.press("Alt+Enter")
    scratch.get_by_label("Off for .py files").uncheck()
    wait_for_status(scratch, "Waits for Alt+Enter")
    wait_for_settings(scratch, server, off_for=[])
    assert assistant.asked == 0


def test_why_here_tells_decision_probabilities_reviewer_and_times(scratch, assistant):
    write_loop(scratch, assistant)
    scratch.get_by_text("Why here?").click()
    why = scratch.locator(".why").first.inner_text()
    for words in (
        "It chose to write several lines at line 2",
        "Your models gave a probability of 62 % to write several lines at line 2",
        "expected you to keep 70 % of the text",
        "The text is by scripted",
        "The reviewer expects 80 % of it to be kept, and shows what reaches 40 %. So it was shown.",
        "deciding ",
        "writing ",
    ):
        assert words in why
    assert scratch.locator(".why").first.locator("tbody tr").all_inner_texts()[1].split("\t") == [
        "keep quiet",
        "–",
        "31 %",
    ]


def test_why_here_tells_of_help_that_was_held_back(still_clock, assistant):
    assistant.texts, assistant.review_answer = ["return a"], HELD_BACK
    begin_function(still_clock)
    pass_time(still_clock, 1000)
    wait_for_status(still_clock, "keeps quiet")
    still_clock.get_by_text("Why here?").click()
    why = still_clock.locator(".why").first.inner_text()
    assert "It wanted to write several lines at line 2 and held it back" in why
    assert "\nreturn a\n" in why
    assert "The reviewer expects 10 % of it to be kept, and shows what reaches 40 %. So it was held back." in why


def test_help_that_is_asked_for_by_a_key_is_shown_whatever_the_reviewer_says(scratch, assistant):
    assistant.texts, assistant.review_answer = ["return a"], HELD_BACK
    begin_function(scratch)
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "Wrote")


def test_a_writer_that_fails_is_told_once(scratch, assistant, monkeypatch):
    assistant.texts = ["x"]
    monkeypatch.setattr(assistant, "write", lambda *_: 1 / 0)
    scratch.keyboard.type("x = 1\n")
    scratch.keyboard.press("Alt+Enter")
    scratch.get_by_text("The assistant cannot help now").wait_for()
    scratch.get_by_role("button", name="Dismiss").click()
    scratch.locator(".cm-content").click()
    scratch.keyboard.type("y = 1\n")
    scratch.keyboard.press("Alt+Enter")
    expect(scratch.locator(".why")).to_have_count(2)
    assert scratch.get_by_text("The assistant cannot help now").count() == 0


def test_a_manual_ask_says_that_the_writer_has_nothing(scratch, assistant, monkeypatch):
    assistant.texts = ["x"]
    monkeypatch.setattr(assistant, "write", lambda *_: Completion("", "scripted"))
    scratch.keyboard.type("x = 1\n")
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "The writer has nothing to write here")
    scratch.get_by_text("Why here?").click()
    assert "The writer had nothing for it" in scratch.locator(".why").first.inner_text()


def test_a_server_that_does_not_answer_is_told_once_until_it_works_again(still_clock, assistant):
    notice = still_clock.get_by_text("The assistant cannot help now: no answer")
    still_clock.route("**/inference", lambda route: route.abort())
    for count in (1, 0):
        still_clock.keyboard.type("x = 1\n")
        with still_clock.expect_event("requestfailed"):
            pass_time(still_clock, 1000)
        wait_for_status(still_clock, "Cannot ask")
        still_clock.locator(".cm-content").click()
        assert notice.count() == count
        if count:
            still_clock.get_by_role("button", name="Dismiss").click()
            still_clock.locator(".cm-content").click()
    still_clock.unroute("**/inference")
    still_clock.keyboard.type("y = 1\n")
    pass_time(still_clock, 1000)
    wait_for_status(still_clock, "Looks on")


def test_the_assistants_buttons_leave_the_focus_in_the_editor(scratch, assistant, server):
    assistant.texts = ["return a"]
    begin_function(scratch)
    scratch.get_by_role("button", name="Ask now").click()
    wait_for_status(scratch, "Wrote a line at line 2")
    scratch.get_by_role("button", name="Pause").click()
    wait_for_status(scratch, "Paused")
    scratch.get_by_role("button", name="Go on").click()
    wait_for_status(scratch, "Waits for")
    scratch.get_by_role("button", name="5 min", exact=True).click()
    wait_for_status(scratch, "Paused until")
    scratch.keyboard.type("x")
    assert text_of(scratch) == "def f(a):\n    xreturn a"
    wait_for_snooze(scratch, server)


MARKUP = "<b>b</b><img src=x onerror='document.title=1'><script>document.title=1</script>"

COLLECT_ANNOUNCEMENTS = """() => {
    window.announcements = [];
    const place = document.querySelector(".cm-announced");
    new MutationObserver(() => announcements.push(place.textContent)).observe(place, { childList: true });
}"""
"""They are cleared after a moment."""


def test_markup_that_the_writer_sends_stays_text_everywhere(scratch, assistant):
    title = scratch.title()
    assistant.decision, assistant.texts = Decision.EDIT_EXISTING_LINES, [f"y({MARKUP})"]
    scratch.keyboard.insert_text("&copy;")
    scratch.evaluate(COLLECT_ANNOUNCEMENTS)
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "Edited at line 1")
    assert text_of(scratch) == f"y({MARKUP})"
    assert "<img src=x onerror=" in scratch.evaluate("announcements.join()")
    scratch.get_by_text("Why here?").click()
    assert "<script>" in scratch.locator(".edit-change").inner_text()
    scratch.locator(".assistant-text").first.hover()
    assert scratch.locator(".assistant-replaced").inner_text() == "It was: &copy;"
    assert scratch.locator(":is(.cm-editor, .why) :is(b, i, img, script)").count() == 0
    assert scratch.title() == title


def test_the_time_before_it_looks_may_be_ones_own(scratch, assistant, server):
    scratch.get_by_label("When it looks").select_option("After a time of my own")
    seconds = scratch.get_by_label("Seconds")
    seconds.fill("0.05")
    seconds.press("Tab")
    assert seconds.evaluate("input => input.validity.rangeUnderflow")
    seconds.fill("1.35")
    with scratch.expect_response("**/api/settings"):
        seconds.press("Tab")
    assert server.running.services.settings.current().pause == 1350
    assert violations(scratch) == []


def test_marks_tell_the_kinds_apart_without_colour_too(scratch, assistant):
    write_loop(scratch, assistant)
    assistant.decision, assistant.texts, assistant.line = Decision.EDIT_EXISTING_LINES, ["def f(numbers):", ""], -5
    scratch.keyboard.press("Control+End")
    scratch.keyboard.type("\n\n")
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "Edited at line 1")
    assistant.decision, assistant.texts, assistant.line = Decision.EXPLAIN_MULTI_LINES, ["prints all", ""], -2
    scratch.keyboard.type("\n")
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "Explained at line")
    signs = {
        sign.inner_text() for sign in scratch.locator(".assistant-gutter .assistant-sign").all() if sign.is_visible()
    }
    assert signs == {"+", "~", "#"}
    scratch.get_by_text("Why here?").click()
    assert violations(scratch) == []
    screenshot(scratch, "together-light")
    scratch.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert violations(scratch, runOnly=["color-contrast"]) == []
    screenshot(scratch, "together-dark")
    scratch.evaluate("document.documentElement.dataset.theme = 'light'")


def test_a_slow_writer_is_told_once(still_clock, assistant):
    notice = still_clock.get_by_text("The writer is slow. Go on typing")
    assistant.texts = ["return a"]
    for _ in range(2):
        assistant.release.clear()
        still_clock.keyboard.press("Control+End")
        still_clock.keyboard.type("\nx = 1")
        with still_clock.expect_request("**/inference"):
            still_clock.keyboard.press("Alt+Enter")
        pass_time(still_clock, 3100)
        wait_for_status(still_clock, "the writer is slow")
        assert notice.count() == (1 if assistant.asked == 1 else 0)
        assistant.release.set()
        wait_for_status(still_clock, "Wrote")
        pass_time(still_clock, 7000)


def test_a_text_that_was_deleted_does_not_come_back(scratch, assistant):
    assistant.texts = ["return a"]
    begin_function(scratch)
    scratch.keyboard.press("Alt+Enter")
    scratch.locator(".assistant-text").wait_for()
    scratch.keyboard.press("Shift+End")
    scratch.keyboard.press("Delete")
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "What it has for this place you took back")
    scratch.get_by_text("Why here?").click()
    scratch.get_by_text("a text that you took back or deleted here before").wait_for()
    assert text_of(scratch) == "def f(a):\n    "


def test_pointing_at_an_edit_shows_what_it_replaced(scratch, assistant):
    assistant.decision, assistant.texts = Decision.EDIT_EXISTING_LINES, ["total = bar(1)"]
    scratch.keyboard.insert_text("total = foo(1)")
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "Edited at line 1")
    assert scratch.locator(".assistant-text").inner_text() == "bar"
    scratch.get_by_text("Why here?").click()
    scratch.locator(".assistant-text").hover()
    assert scratch.locator(".assistant-replaced").inner_text() == "It was: foo"
    assert scratch.locator(".edit-change").inner_text() == "foo → bar"


def test_marks_fade_and_the_sign_stays_until_the_text_is_kept(still_clock, assistant):
    assistant.texts = ["return a"]
    begin_function(still_clock)
    still_clock.keyboard.press("Alt+Enter")
    wait_for_status(still_clock, "Wrote a line")
    mark = still_clock.locator(".assistant-text")
    sign = still_clock.locator(".assistant-gutter .assistant-sign >> visible=true")
    assert "assistant-new" in mark.get_attribute("class")
    still_clock.emulate_media(forced_colors="active")
    assert mark.evaluate("node => getComputedStyle(node).textDecorationLine") == "underline"
    still_clock.emulate_media(forced_colors="none")
    pass_time(still_clock, 6500)
    assert "assistant-fading" in mark.get_attribute("class")
    still_clock.emulate_media(reduced_motion="reduce")
    style = mark.evaluate("node => [getComputedStyle(node).animationName, getComputedStyle(node).backgroundColor]")
    assert style == ["none", "rgba(0, 0, 0, 0)"]
    pass_time(still_clock, 3000)
    assert (mark.count(), sign.count()) == (0, 1)
    still_clock.get_by_role("button", name="Keep", exact=True).click()
    pass_time(still_clock, 100)
    assert sign.count() == 0
    assert text_of(still_clock) == "def f(a):\n    return a"


def test_the_cursor_blinks_unless_the_person_wants_less_motion(scratch):
    animation = "layer => getComputedStyle(layer).animationName"
    cursors = scratch.locator(".cm-cursorLayer")
    assert cursors.evaluate(animation) == "none"
    scratch.emulate_media(reduced_motion="no-preference")
    assert "blink" in cursors.evaluate(animation)
    scratch.emulate_media(reduced_motion="reduce")


def test_subtle_marks_are_the_sign_alone(assistant, server, scratch):
    server.running.services.settings.update(SettingsChange(subtle=True))
    scratch.evaluate("() => document.title")
    scratch.get_by_role("button", name="End the session").click()
    scratch.get_by_text("Not recording", exact=False).wait_for()
    scratch.reload()
    scratch.get_by_role("button", name="A scratch file").click()
    scratch.locator(".cm-content").click()
    write_loop(scratch, assistant)
    signs = scratch.locator(".assistant-gutter .assistant-sign >> visible=true")
    expect(signs).to_have_count(3)
    expect(scratch.locator(".assistant-text")).to_have_count(0)


def test_what_was_taken_back_is_recorded_as_that(scratch, assistant, server):
    write_loop(scratch, assistant)
    scratch.keyboard.press("Escape")
    scratch.keyboard.type("pass")
    person, helped, reply = end_session(scratch, server)[-3:]
    assert [state["text"] for state in (person, helped, reply)] == ["def f(a):\n    ", BODY, "def f(a):\n    pass"]
    assert (helped["action"]["A"]["type"], helped["action"]["A"]["line"]) == (3, 2)
    assert "undo" in reply["attribution"][1]["human"]["specialFlags"]
    episode = server.paths.episodes / reply["episode_id"]
    events = [event for line in lines_of(episode / "raw/activity.jsonl") for event in json.loads(line)["events"]]
    stream = [json.loads(line) for line in lines_of(episode / f"raw/{episode.name}.jsonl")]
    request_ids = [line["action"]["A"]["request_id"] for line in stream if line.get("action")]
    assert ["undone", {"request_id": request_ids[-1], "part": "all"}] in [[kind, detail] for _, kind, detail in events]


def test_asking_again_does_not_record_a_text_as_kept_that_is_then_taken_back(scratch, assistant, server):
    write_loop(scratch, assistant)
    asked = assistant.asked
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "Keep it, change it or take it back first")
    scratch.keyboard.press("Escape")
    assert assistant.asked == asked
    helped, reply = end_session(scratch, server)[-2:]
    assert (helped["text"], reply["text"]) == (BODY, "def f(a):\n    ")
    assert helped["action"]["A"]["type"] == 3


def test_a_text_of_which_words_were_kept_holds_no_later_question_back(scratch, assistant):
    write_loop(scratch, assistant)
    for key in ("Control+ArrowRight", "Control+ArrowRight", "End", "Enter", "Alt+Enter"):
        scratch.keyboard.press(key)
    wait_for_status(scratch, "keeps quiet")
    assistant.texts = ["return a", ""]
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "Wrote")


def test_it_is_asked_when_tests_have_run_though_the_editor_lost_the_focus(watched, assistant, server):
    server.running.services.settings.update(SettingsChange(pause=10_000))
    watched.goto(server.url)
    watched.locator("main a[href^='#/solve/']").first.click()
    watched.locator(".cm-content").click()
    watched.keyboard.press("Control+End")
    watched.keyboard.type(" ")
    watched.get_by_role("button", name="Run", exact=True).click()
    wait_for_status(watched, "keeps quiet")
    assert assistant.asked == 1


def test_a_text_waits_until_what_is_composed_is_there(scratch, assistant):
    assistant.decision, assistant.line, assistant.texts = Decision.EXPLAIN_MULTI_LINES, -1, ["why", ""]
    assistant.release.clear()
    scratch.keyboard.type("x = 1\n")
    scratch.keyboard.press("Alt+Enter")
    session = scratch.context.new_cdp_session(scratch)
    session.send("Input.imeSetComposition", {"text": "にほ", "selectionStart": 2, "selectionEnd": 2})
    with scratch.expect_response("**/inference"):
        assistant.release.set()
    assert text_of(scratch) == "x = 1\nにほ"
    session.send("Input.insertText", {"text": "日本"})
    wait_for_status(scratch, "Explained")
    assert text_of(scratch) == "# why\nx = 1\n日本"


def test_a_drag_that_ends_without_the_mouse_button_holds_nothing_back(scratch, assistant):
    assistant.texts = ["return a"]
    begin_function(scratch)
    scratch.mouse.move(*middle_of(scratch.locator(".cm-line").last))
    scratch.mouse.down()
    scratch.evaluate("() => document.querySelector('.cm-content').dispatchEvent(new Event('dragend', {bubbles: true}))")
    scratch.keyboard.press("Alt+Enter")
    wait_for_status(scratch, "Wrote a line")
    scratch.mouse.up()


def middle_of(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

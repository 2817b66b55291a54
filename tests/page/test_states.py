"""Every view while the server is gone, has nothing, has much or is slow: it says so, and stays usable.

Pictures of each state are among the screenshots.
"""

import json
import shutil
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from .conftest import screenshot, violations

LONG_TITLE = "An endless title " * 600
FIRST_QUESTIONS = {
    "solve": "/api/problems",
    "sessions": "/api/sessions",
    "learning": "/api/learned",
    "models": "/api/models",
    "health": "/api/health",
    "settings": "/api/writers",
}
"""What each view asks for first."""

NARROW, USUAL = {"width": 320, "height": 900}, {"width": 1280, "height": 900}


def session(number):
    return {
        "id": f"s{number}", "title": f"Session {number}" if number else LONG_TITLE, "problem_id": None, "file": None,
        "started": 1_700_000_000_000, "ended": 1_700_000_100_000, "written": 10, "retained": 5, "excluded": False,
        "bytes": 1000, "status": "ended", "reason": None, "states": 3, "session": f"s{number}",
        "learning": "learned_from",
    }  # fmt: skip


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def focused(page):
    return page.evaluate("document.activeElement.tagName + ' ' + document.activeElement.textContent")


def test_every_view_says_that_it_gets_no_answer_and_asks_again(page, server):
    page.goto(server.url + "#/nothing")
    page.get_by_role("heading", name="There is no such view").wait_for()
    again = page.get_by_role("alert").get_by_role("button", name="Try again")
    for view, question in FIRST_QUESTIONS.items():
        address = server.url + question.removeprefix("/")
        page.route(address, lambda route: route.abort())
        page.goto(f"{server.url}#/{view}")
        again.wait_for()
        assert violations(page) == [], view
        page.emulate_media(color_scheme="dark")
        screenshot(page, f"{view}-error-dark")
        page.emulate_media(color_scheme="light")
        page.unroute(address)
        again.click()
        again.wait_for(state="detached")


def test_a_view_that_waits_for_an_answer_says_so(page, server):
    page.route(server.url + "api/sessions", lambda route: None)
    page.goto(server.url + "#/sessions")
    page.get_by_text("Loading the sessions").wait_for()
    screenshot(page, "sessions-loading")


def test_what_is_shown_is_marked_as_old_once_the_server_is_gone(clocked_page, server):
    page = clocked_page
    page.goto(server.url + "#/health")
    page.get_by_text("Everything works").or_(page.get_by_text("need attention")).wait_for()
    page.route(server.url + "api/health", lambda route: route.abort())
    page.clock.run_for(16_000)
    page.get_by_text("This may be out of date").wait_for()
    assert page.get_by_text("Everything works").count() == 0


def test_of_a_thousand_sessions_the_latest_are_shown_and_more_on_demand(watched, server):
    body = json.dumps([session(number) for number in range(1000)])
    watched.route(server.url + "api/sessions", lambda route: route.fulfill(body=body, content_type="application/json"))
    watched.goto(server.url + "#/sessions")
    rows = watched.locator(".sessions tbody tr")
    watched.get_by_role("button", name="Show 100 more").click()
    watched.get_by_text("The latest 200 of").wait_for()
    assert rows.count() == 200
    assert rows.first.bounding_box()["height"] < 200, "a title of 10,000 characters takes three lines"
    for size, name in ((USUAL, "sessions-long"), (NARROW, "sessions-long-narrow")):
        watched.set_viewport_size(size)
        assert overflow(watched) <= 0
        screenshot(watched, name)
    table = watched.get_by_role("region", name="Sessions")
    assert table.evaluate("region => region.scrollWidth - region.clientWidth") <= 0, "nothing is out of sight"
    assert rows.nth(1).get_by_role("cell").filter(has_text="50 % of 10 characters").is_visible()
    rows.first.get_by_role("button").click()
    dialog = watched.get_by_role("dialog")
    dialog.get_by_role("button", name="Cancel").scroll_into_view_if_needed()
    assert dialog.bounding_box()["width"] <= 320
    screenshot(watched, "delete-long-narrow")


def test_every_number_about_help_fits_a_narrow_screen(watched, server, sample_sessions):
    shutil.copytree(sample_sessions, server.paths.episodes, dirs_exist_ok=True)
    watched.set_viewport_size(NARROW)
    watched.goto(server.url + "#/learning")
    watched.get_by_role("rowheader", name="Write several lines").wait_for()
    hidden = "tables => tables.filter(table => table.scrollWidth > table.clientWidth + 1).map(table => table.innerText)"
    assert watched.locator(".rates").evaluate_all(hidden) == []
    assert overflow(watched) <= 0
    screenshot(watched, "learning-narrow")
    shutil.rmtree(server.paths.episodes)


def test_a_statement_of_two_thousand_lines_leaves_the_editor_in_view(watched, server, monkeypatch):
    problems = server.running.services.problems
    statement = "\n".join(f"Line {i} of the statement." for i in range(2000))
    problem = replace(problems["warmest-day"], title=LONG_TITLE, statement=statement)
    monkeypatch.setitem(problems, "warmest-day", problem)
    watched.goto(server.url + "#/solve/warmest-day")
    watched.locator(".cm-content").wait_for()
    for size, name in ((USUAL, "solve-long"), (NARROW, "solve-long-narrow")):
        watched.set_viewport_size(size)
        assert overflow(watched) <= 0
        assert watched.locator(".editor").bounding_box()["y"] < size["height"]
        assert watched.locator("h1").bounding_box()["height"] > 20
        screenshot(watched, name)
    watched.emulate_media(forced_colors="active")
    screenshot(watched, "solve-forced-colours")
    watched.get_by_role("button", name="End the session").click()
    watched.get_by_role("heading", name="Problems").wait_for()


def test_the_focus_goes_to_what_is_new_and_comes_back_from_a_dialog(opened, server):
    opened.get_by_role("link", name="Sessions").press("Enter")
    opened.get_by_role("heading", name="Sessions", level=1).wait_for()
    assert focused(opened) == "H1 Sessions"
    body = json.dumps([session(1)])
    opened.route(server.url + "api/sessions", lambda route: route.fulfill(body=body, content_type="application/json"))
    opened.reload()
    delete = opened.get_by_role("button", name="Delete Session 1")
    delete.press("Enter")
    opened.get_by_role("dialog").get_by_role("button", name="Cancel").press("Enter")
    assert delete.evaluate("button => button === document.activeElement")


def test_an_address_that_names_nothing_says_so_and_leads_on(page, server):
    for address in ("#/constructor", "#/nothing", "#/%zz", "nothing", "api/nothing"):
        answer = page.goto(server.url + address)
        page.get_by_role("heading", name="There is no such view").wait_for()
        assert answer is None or answer.status == (200 if address.startswith("#") else 404)
        assert page.get_by_role("navigation", name="Views").locator("[aria-current]").count() == 0
    assert violations(page) == []
    screenshot(page, "missing")
    page.get_by_role("link", name="Health").click()
    page.get_by_role("heading", name="Health", level=1).wait_for()
    page.goto(server.url + "nothing")
    page.get_by_role("link", name="Go to the problems").click()
    page.get_by_role("heading", name="Problems").wait_for()


def test_a_page_of_an_earlier_run_says_that_it_must_be_loaded_again(page, server):
    page.goto(server.url + "#/settings")
    refusal = json.dumps({"detail": "a page must send the token"})
    page.route(server.url + "api/settings", lambda route: route.fulfill(status=401, body=refusal))
    page.get_by_label("Learn from large pastes too").click()
    page.get_by_text("load this page again").wait_for()


def test_a_page_of_another_site_can_neither_frame_this_one_nor_ask_it(page, server, tmp_path):
    (tmp_path / "index.html").write_text(
        f"<iframe src='{server.url}'></iframe><script>window.answers = Promise.allSettled(["
        f"fetch('{server.url}api/finish', {{method: 'POST', mode: 'no-cors', body: '{{}}'}}),"
        f"fetch('{server.url}api/sessions').then(answer => answer.text())])</script>"
    )
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{other.server_port}/")
        reading = page.evaluate("window.answers.then(([, reading]) => reading.status)")
        page.wait_for_load_state("networkidle")
        assert reading == "rejected" and server.finished == []
        assert not any(frame.url.startswith(server.url) for frame in page.frames)
        other.shutdown()

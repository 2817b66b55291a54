"""Two tabs of one text: one of them has it, the other says so; whichever goes on, nothing is lost."""

import pytest
from playwright.sync_api import expect

from services.messages.settings_messages import SettingsChange

from .conftest import complaints_of, screenshot, serve, violations

SENTENCE = "This is open in another tab"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine")
    (folder / "a.py").write_text("x = 1\n")
    with serve(tmp_path_factory.mktemp("data"), folder=folder) as server:
        server.running.services.settings.update(SettingsChange(pause="key"))
        server.folder = folder
        yield server


@pytest.fixture
def another(watched):
    """A second tab."""
    tab = watched.context.new_page()
    with complaints_of(tab) as complaints:
        yield tab
    tab.close()
    assert not complaints


def type_in(tab, text):
    tab.locator(".cm-content").click()
    tab.keyboard.press("Control+End")
    tab.keyboard.insert_text(text)


def go_on(tab):
    tab.get_by_text(SENTENCE).wait_for()
    tab.get_by_role("button", name="Go on here").click()
    tab.locator(".cm-content").wait_for()


def test_a_problem_goes_on_from_one_tab_to_the_other_and_back_as_one_session(watched, another, server):
    watched.goto(server.url + "#/solve/warmest-day")
    type_in(watched, "first ")
    another.goto(server.url + "#/solve/warmest-day")
    another.get_by_text(SENTENCE).wait_for()
    assert another.locator(".cm-content").count() == 0
    another.set_viewport_size({"width": 320, "height": 640})
    screenshot(another, "elsewhere-narrow")
    another.emulate_media(color_scheme="dark")
    screenshot(another, "elsewhere-dark")
    assert violations(another) == []

    type_in(watched, "typed meanwhile ")
    go_on(another)
    watched.get_by_text(SENTENCE).wait_for()
    assert watched.locator(".cm-content").count() == 0
    watched.get_by_text("Not recording", exact=False).wait_for()
    type_in(another, "second ")
    go_on(watched)
    type_in(watched, "third")
    written = "first typed meanwhile second third"
    assert written in watched.locator(".cm-content").inner_text()
    watched.get_by_role("button", name="End the session").click()
    watched.get_by_text("Not recording", exact=False).wait_for()

    (session,) = server.paths.episodes.iterdir()
    assert "".join(inserted for _, _, _, inserted, _ in server.changes(session.name)) == written
    another.get_by_role("button", name="Go on here").click()
    expect(another.locator(".cm-content")).to_contain_text(
        written
    )  # what is left of a session that has ended: its draft
    another.get_by_role("button", name="End the session").click()
    another.get_by_text("Not recording", exact=False).wait_for()


def test_a_file_and_what_is_not_saved_of_it_go_on_in_the_other_tab(watched, another, server):
    watched.goto(server.url + "#/file/a.py")
    type_in(watched, "mine = 2")
    watched.get_by_text("Not saved").wait_for()
    another.goto(server.url + "#/file/a.py")
    go_on(another)
    another.get_by_text("Not saved", exact=True).wait_for()
    another.get_by_role("button", name="Save").click()
    another.get_by_text("Saved", exact=True).wait_for()
    assert (server.folder / "a.py").read_text() == "x = 1\nmine = 2"
    another.get_by_role("button", name="End the session").click()
    another.get_by_text("Not recording", exact=False).wait_for()
    watched.get_by_role("link", name="All problems and files").click()
    watched.get_by_role("heading", name="What do you want to write?").wait_for()


def test_what_was_open_in_a_tab_that_is_closed_goes_on_without_a_question(watched, another, server):
    another.goto(server.url + "#/solve/parking-fee")
    type_in(another, "return 1")
    watched.goto(server.url + "#/solve/parking-fee")
    watched.get_by_text(SENTENCE).wait_for()
    another.goto("about:blank")
    go_on(watched)
    expect(watched.locator(".cm-content")).to_contain_text("return 1")
    watched.get_by_role("button", name="End the session").click()
    watched.get_by_text("Not recording", exact=False).wait_for()


def test_a_tab_keeps_what_a_full_storage_does_not_hold(watched, another, server):
    watched.goto(server.url + "#/solve/warmest-day")
    type_in(watched, "first ")
    another.goto(server.url + "#/solve/warmest-day")
    another.get_by_text(SENTENCE).wait_for()
    watched.evaluate("""() => {
        Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };
    }""")
    type_in(watched, "second")
    another.get_by_role("button", name="Go on here").click()
    another.get_by_text("this browser has no room to keep", exact=False).wait_for()
    expect(watched.locator(".cm-content")).to_contain_text("first second")
    watched.get_by_role("button", name="End the session").click()
    watched.get_by_text("Not recording", exact=False).wait_for()


def test_of_two_tabs_that_open_a_text_at_the_same_instant_one_records_it(watched, another, server):
    sessions = len(list(server.paths.episodes.glob("*")))
    another.add_init_script("""Object.defineProperty(Storage.prototype, 'length', {
        get() { return document.documentElement.dataset.sees ? 1000 : 0; },  // nothing yet of what another tab stores
    })""")
    watched.goto(server.url + "#/solve/parking-fee")
    type_in(watched, "first ")
    another.goto(server.url + "#/solve/parking-fee")
    another.get_by_text(SENTENCE).wait_for()
    another.evaluate("document.documentElement.dataset.sees = 'all'")
    go_on(another)
    expect(another.locator(".cm-content")).to_contain_text("first")
    another.get_by_role("button", name="End the session").click()
    another.get_by_text("Not recording", exact=False).wait_for()
    assert len(list(server.paths.episodes.glob("*"))) == sessions + 1


def test_a_session_that_the_server_begins_slowly_is_the_one_that_the_other_tab_goes_on_in(watched, another, server):
    sessions = len(list(server.paths.episodes.glob("*")))
    waiting = []

    def hold(route):
        waiting.append(route)

    watched.route("**/episodes/start", hold)
    watched.goto(server.url + "#/solve/parking-fee")
    watched.locator(".cm-content").wait_for()
    another.goto(server.url + "#/solve/parking-fee")
    another.get_by_text(SENTENCE).wait_for()
    another.get_by_role("button", name="Go on here").click()
    another.get_by_text("waits for the server", exact=False).wait_for()
    for route in waiting:
        route.continue_()
    watched.get_by_text("Recording", exact=True).wait_for()
    another.get_by_role("button", name="Go on here").click()
    watched.get_by_text(SENTENCE).wait_for()
    another.locator(".cm-content").wait_for()
    another.get_by_role("button", name="End the session").click()
    another.get_by_text("Not recording", exact=False).wait_for()
    assert len(list(server.paths.episodes.glob("*"))) == sessions + 1


def test_what_a_tab_that_is_closed_leaves_is_offered_in_one_that_was_there(watched, another, server):
    watched.goto(server.url + "#/solve")
    watched.get_by_role("heading", name="What do you want to write?").wait_for()
    another.goto(server.url + "#/solve/parking-fee")
    type_in(another, "return 1")
    another.goto("about:blank")
    watched.get_by_role("link", name="Sessions").click()
    watched.get_by_role("link", name="Solve").click()
    watched.get_by_role("button", name="Go on with").click()
    expect(watched.locator(".cm-content")).to_contain_text("return 1")
    watched.get_by_role("button", name="End the session").click()
    watched.get_by_text("Not recording", exact=False).wait_for()

"""A person's own files in a browser: opened, changed, saved, never clobbered."""

import json
import time
from contextlib import contextmanager
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from services.http.settings_service import apply_change
from services.messages.settings_messages import SettingsChange

from .conftest import screenshot, serve, violations

CONTENT = "first = 1\r\nsecond = 2\nthird\t= '😀'\r\n"


@pytest.fixture(scope="module")
def server_of_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine")
    (folder / "inner").mkdir()
    with serve(tmp_path_factory.mktemp("data"), folder=folder) as server:
        server.folder = folder
        yield server


@pytest.fixture
def server(server_of_files):
    """A server on a folder whose files are as if nobody had changed them."""
    folder = server_of_files.folder
    (folder / "inner" / "file.py").write_bytes(CONTENT.encode())
    (folder / ".env").write_text("SECRET=1")
    (folder / "<b>name.py").write_text("x = 1\n")
    return server_of_files


@contextmanager
def open_folder(server, folder):
    """Another folder than the server's, or none, is open in the block."""
    apply_change(server.running.services, SettingsChange(folder=folder))
    try:
        yield
    finally:
        apply_change(server.running.services, SettingsChange(folder=str(server.folder)))


def change_file(page, server):
    """Opens a file and types where its text was clicked; nothing is saved."""
    page.goto(server.url + "#/file/inner%2Ffile.py")
    page.locator(".cm-content").click()
    page.keyboard.insert_text("mine ")


def test_a_file_is_opened_changed_and_saved_with_its_own_line_ends(watched, server):
    watched.goto(server.url + "#/solve")
    watched.get_by_role("link", name="inner/file.py").wait_for()
    assert watched.get_by_text(".env").count() == 0 and watched.get_by_text("<b>name.py").count() == 1
    screenshot(watched, "files")
    assert violations(watched) == []
    watched.get_by_role("link", name="inner/file.py").click()
    watched.locator(".cm-content").click()
    watched.keyboard.press("Control+Home")
    watched.keyboard.type("# new")
    watched.keyboard.press("Enter")
    watched.get_by_text("Not saved").wait_for()
    screenshot(watched, "file")
    watched.keyboard.press("Control+s")
    watched.get_by_text("Saved", exact=True).wait_for()
    assert (server.folder / "inner" / "file.py").read_bytes() == b"# new\r\n" + CONTENT.encode()
    watched.get_by_role("button", name="End the session").click()
    watched.get_by_role("heading", name="Your files").wait_for()
    (episode,) = [each for each in server.episodes() if each["states"][-1]["text"].startswith("# new")]
    assert episode["states"][-1]["text"] == "# new\r\n" + CONTENT and episode["file"] == "inner/file.py"


def test_a_folder_that_takes_long_to_look_through_is_waited_for_in_words(page, server, tmp_path):
    (tmp_path / "mine.py").write_text("")
    with open_folder(server, None):
        page.goto(server.url + "#/solve")
        path = page.get_by_role("textbox", name="Folder")
        path.fill(str(tmp_path))
        asked = []

        def hold(route):
            asked.append(route)

        page.route(server.url + "api/files", hold)
        path.press("Enter")
        page.get_by_text(f"Looking for the files in {tmp_path}").wait_for()
        while not asked:
            page.evaluate("new Promise(requestAnimationFrame)")
        assert "cannot be opened now" not in page.locator("main").inner_text()
        for route in asked:
            route.continue_()
        page.get_by_role("link", name="mine.py").wait_for()


def test_a_file_that_could_not_be_opened_says_so_in_the_list(page, server):
    (server.folder / "latin.txt").write_bytes("é".encode("latin-1"))
    page.goto(server.url + "#/solve")
    page.get_by_role("link", name="latin.txt").click()
    page.get_by_role("alert").get_by_text("is not UTF-8").wait_for()
    assert page.get_by_role("navigation").locator("[aria-current]").inner_text() == "Solve"
    page.get_by_role("link", name="All problems and files").click()
    row = page.get_by_role("listitem").filter(has_text="latin.txt")
    expect(row).to_contain_text("Cannot be opened: is not UTF-8")
    screenshot(page, "files-refused")
    assert violations(page) == []
    (server.folder / "latin.txt").write_text("é")
    row.get_by_role("link").click()
    page.get_by_role("button", name="End the session").click()
    expect(row).not_to_contain_text("Cannot be opened")


def test_what_another_program_wrote_is_not_saved_over_unasked(page, server):
    change_file(page, server)
    path = server.folder / "inner" / "file.py"
    path.write_text("theirs\n")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert path.read_text() == "theirs\n"
    page.get_by_role("button", name="Save").click()
    page.get_by_role("dialog").get_by_role("button", name="Save over it").click()
    page.get_by_text("Saved", exact=True).wait_for()
    assert "mine " in path.read_text()


def test_a_deleted_file_is_said_to_be_deleted_and_saved_again_only_if_the_person_says_so(page, server):
    change_file(page, server)
    path = server.folder / "inner" / "file.py"
    path.unlink()
    dialog = page.get_by_role("dialog")
    page.keyboard.press("Control+s")
    dialog.get_by_text("The file was deleted or moved").wait_for()
    dialog.get_by_role("button", name="Cancel").click()
    assert not path.exists()
    page.keyboard.press("Control+s")
    dialog.get_by_role("button", name="Save it again").click()
    page.get_by_text("Saved", exact=True).wait_for()
    assert "mine " in path.read_text()


@pytest.mark.parametrize("unit", ["\t", "  "])
def test_enter_and_tab_indent_as_the_file_is(page, server, unit):
    path = server.folder / "indented.py"
    path.write_text(f"class A:\n{unit}def one(self):\n{unit * 2}pass\n\n{unit}def two(self):")
    page.goto(server.url + "#/file/indented.py")
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    page.keyboard.type("while True:")
    page.keyboard.press("Enter")
    page.keyboard.type("break")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+s")
    page.get_by_text("Saved", exact=True).wait_for()
    saved = path.read_text()
    assert saved.endswith(f"two(self):\n{unit * 2}while True:\n{unit * 3}break\n{unit * 4}")
    compile(saved, path.name, "exec")


def test_a_file_that_is_not_saved_is_left_only_if_the_person_says_so(page, server):
    change_file(page, server)
    page.get_by_text("Not saved").wait_for()
    dialog = page.get_by_role("dialog")
    for leave in (
        page.get_by_role("button", name="End the session").click,
        page.get_by_role("link", name="All problems and files").click,
        lambda: page.goto(server.url + "#/solve/warmest-day"),
    ):
        leave()
        dialog.get_by_role("heading", name="Leave without saving?").wait_for()
        screenshot(page, "leave-unsaved")
        dialog.get_by_role("button", name="Cancel").click()
        page.get_by_text("Not saved").wait_for()
        assert page.url.endswith("#/file/inner%2Ffile.py")
    page.goto(server.url + "#/solve/warmest-day")
    dialog.get_by_role("button", name="Leave without saving").click()
    page.get_by_role("heading", name="Warmest day").wait_for()


def test_a_change_of_another_program_is_noticed_after_another_view_was_shown(page, server):
    change_file(page, server)
    page.goto(server.url + "#/models")
    page.get_by_role("heading", name="Models").wait_for()
    path = server.folder / "inner" / "file.py"
    path.write_text("theirs\n")
    page.goto(server.url + "#/file/inner%2Ffile.py")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert path.read_text() == "theirs\n"


def test_what_another_program_wrote_is_asked_about_after_a_reload_too(page, server):
    change_file(page, server)
    path = server.folder / "inner" / "file.py"
    path.write_text("theirs\n")
    page.reload()
    page.get_by_text("Your changes that were not saved are back").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert path.read_text() == "theirs\n"


def test_a_saved_file_is_after_a_reload_as_another_program_left_it(page, server):
    page.goto(server.url + "#/file/inner%2Ffile.py")
    page.locator(".cm-content").click()
    path = server.folder / "inner" / "file.py"
    for text in ("theirs\n", "theirs again\n"):
        path.write_text(text)
        page.reload()
        page.locator(".cm-line", has_text=text.strip()).wait_for()
    page.get_by_text("Saved", exact=True).wait_for()


def test_another_files_text_that_was_not_saved_is_offered_and_not_shown_in_its_place(page, server):
    change_file(page, server)
    page.get_by_text("Not saved").wait_for()
    page.goto("about:blank")
    page.goto(server.url + "#/file/" + quote("<b>name.py"))
    page.get_by_role("heading", name="<b>name.py").wait_for()
    assert "mine" not in page.locator(".cm-content").inner_text()
    page.get_by_role("button", name="End the session").click()
    page.get_by_role("button", name="Go on with inner/file.py").click()
    page.locator(".cm-line", has_text="mine ").wait_for()


def test_a_file_that_was_left_open_goes_on_at_its_own_address_and_can_be_saved(page, server):
    change_file(page, server)
    page.get_by_text("Not saved").wait_for()
    page.goto("about:blank")
    page.goto(server.url + "#/solve")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved", exact=True).wait_for()
    assert page.url.endswith("#/file/inner%2Ffile.py")


def test_what_was_not_saved_in_a_folder_is_offered_where_the_same_path_of_another_one_is_open(page, server, tmp_path):
    change_file(page, server)
    page.get_by_text("Not saved").wait_for()
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file.py").write_text("other = 1\n")
    with open_folder(server, str(tmp_path)):
        page.reload()
        page.locator(".cm-line", has_text="other = 1").wait_for()
        assert "mine" not in page.locator(".cm-content").inner_text()
        page.get_by_role("button", name="End the session").click()
        page.get_by_role("button", name="Go on with inner/file.py").wait_for()


def test_a_session_stays_one_of_the_files_own_folder_though_another_one_is_open_when_it_goes_on(page, server, tmp_path):
    episodes = server.paths.episodes

    def headers():
        streams = [folder / "raw" / f"{folder.name}.jsonl" for folder in set(episodes.iterdir()) - before]
        texts = [stream.read_text() for stream in streams if stream.exists()]
        rows = [json.loads(text.splitlines()[0]) for text in texts if text.endswith("\n")]  # one that begins has none
        return sorted(rows, key=lambda header: header["startTime"])

    before = set(episodes.iterdir()) if episodes.exists() else set()
    page.goto(server.url + "#/file/inner%2Ffile.py")
    page.locator(".cm-content").click()
    page.keyboard.type("mine ")
    page.get_by_text("Not saved").wait_for()
    with open_folder(server, str(tmp_path)):
        first = headers()[-1]["episode_id"]
        with urlopen(f"{server.url}api/backend/episodes/{first}/end", data=b"{}"):
            page.keyboard.type("again ")
        deadline = time.monotonic() + 30
        while len(headers()) < 2 and time.monotonic() < deadline:
            page.wait_for_timeout(50)
    assert [header["folder"] for header in headers()] == [str(server.folder)] * 2
    assert headers()[1]["source_episode"] == first and headers()[1]["file"] == "inner/file.py"


def test_a_text_that_was_not_saved_stays_in_view_when_its_folder_is_closed(page, server):
    change_file(page, server)
    page.get_by_text("Not saved").wait_for()
    with open_folder(server, None):
        page.reload()
        page.get_by_role("alert").filter(has_text="no folder is open").wait_for()
        page.locator(".cm-line", has_text="mine ").wait_for()
        with open_folder(server, str(server.folder)):
            page.get_by_role("button", name="Try again").click()
            page.get_by_text("Not saved", exact=True).wait_for()
        assert page.get_by_role("alert").count() == 0
        page.get_by_role("button", name="End the session").click()
        page.get_by_role("dialog").get_by_role("button", name="Leave without saving").click()
        page.get_by_role("heading", name="What do you want to write?").wait_for()


def test_a_second_save_is_based_on_what_the_first_saves(watched, server):
    routes, statuses = [], []

    def save(route):
        answer = route.fetch()
        statuses.append(answer.status)
        route.fulfill(response=answer)

    def hold_first(route):
        routes.append(route)
        if len(routes) > 1:
            save(route)

    watched.route("**/api/files/save", hold_first)
    watched.goto(server.url + "#/file/inner%2Ffile.py")
    watched.locator(".cm-content").press("Control+Home")
    watched.keyboard.type("a")
    with watched.expect_request("**/api/files/save"):
        watched.keyboard.press("Control+s")
    watched.keyboard.type("b")
    watched.keyboard.press("Control+s")
    watched.wait_for_timeout(50)  # a second request would come meanwhile
    save(routes[0])
    watched.get_by_text("Saved", exact=True).wait_for()
    assert statuses == [200, 200]
    assert (server.folder / "inner" / "file.py").read_bytes() == b"ab" + CONTENT.encode()


def test_going_back_leads_on_past_the_file_that_is_open(watched, server):
    watched.goto(server.url + "#/sessions")
    watched.get_by_role("heading", name="Sessions").wait_for()
    watched.goto(server.url + "#/file/inner%2Ffile.py")
    watched.locator(".cm-content").wait_for()
    watched.get_by_role("link", name="Solve").click()
    watched.wait_for_url("**/#/file/inner%2Ffile.py")
    watched.go_back()
    watched.go_back()
    watched.get_by_role("heading", name="Sessions").wait_for()


def test_starting_a_problem_over_asks_before_it_leaves_a_file_that_is_not_saved(watched, server):
    watched.goto(server.url + "#/solve/parking-fee")
    watched.locator(".cm-content").press("Control+End")
    watched.keyboard.type("mine ")
    watched.get_by_role("button", name="End the session").click()
    watched.get_by_role("heading", name="What do you want to write?").wait_for()
    watched.goto(server.url + "#/solve/parking-fee")
    start_over = watched.get_by_role("button", name="Start over")
    start_over.wait_for()
    watched.goto(server.url + "#/file/inner%2Ffile.py")
    watched.locator(".cm-line", has_text="second").click()
    watched.keyboard.type("unsaved ")
    start_over.click()
    watched.get_by_role("dialog").get_by_role("button", name="Leave without saving").click()
    watched.get_by_role("button", name="Submit").wait_for()
    assert "mine" not in watched.locator(".cm-content").inner_text()


def test_a_damaged_address_loses_nothing_of_what_was_left_open(page, server):
    change_file(page, server)
    page.goto("about:blank")
    page.goto(server.url + "#/solve/%zz")
    page.get_by_role("alert").wait_for()
    page.get_by_role("link", name="All problems and files").click()
    page.get_by_role("button", name="Go on with inner/file.py").click()
    page.locator(".cm-line", has_text="mine ").wait_for()


def test_markup_in_a_files_name_stays_text(page, server):
    page.goto(server.url + "#/solve")
    page.get_by_role("link", name="<b>name.py").click()
    page.get_by_role("heading", name="<b>name.py").wait_for()
    assert page.locator("main b").count() == 0


def test_a_file_outside_of_the_folder_is_refused_in_words(page, server):
    page.goto(server.url + "#/file/..%2Fdata%2Fsettings.json")
    page.get_by_role("alert").wait_for()

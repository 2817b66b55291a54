"""A scratch text: run, kept, saved into a folder that is chosen on the page; the word at a session's end."""

import pytest
from playwright.sync_api import expect

from services.http.settings_service import apply_change
from services.messages.settings_messages import SettingsChange

from .conftest import screenshot, violations


@pytest.fixture
def folder(server, tmp_path):
    """Of the person's own; none is open again afterwards."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "there.py").write_text("x = 1\n")
    yield folder
    apply_change(server.running.services, SettingsChange(folder=None))


def open_scratch(page, text=None):
    page.get_by_role("button", name="A scratch file").click()
    page.locator(".cm-content").click()
    if text is not None:
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(text)


def end_session(page):
    page.get_by_role("button", name="End the session").click()
    page.get_by_text("Not recording", exact=False).wait_for()


def test_it_runs_as_a_program_shows_what_was_printed_and_the_error_and_is_stopped(opened):
    open_scratch(opened, "print('six', 6)\nprint(open)")
    opened.keyboard.press("Control+Enter")
    opened.get_by_text("It ran").wait_for()
    expect(opened.locator(".results pre")).to_contain_text("six 6")
    screenshot(opened, "scratch-ran")
    assert violations(opened) == []
    open_scratch_text(opened, "print('before')\n1 / 0")
    opened.get_by_role("button", name="Run").press("Enter")
    opened.get_by_text("It failed").wait_for()
    opened.get_by_text("ZeroDivisionError").wait_for()
    expect(opened.locator(".results pre").first).to_contain_text("before")
    screenshot(opened, "scratch-failed")
    open_scratch_text(opened, "while True: pass")
    opened.get_by_text("Your code has changed since").wait_for()
    opened.get_by_role("button", name="Run").press("Enter")
    opened.get_by_role("button", name="Stop").press("Enter")
    opened.get_by_text("Stopped.").wait_for()
    end_session(opened)


def test_a_program_that_asks_for_input_is_told_that_there_is_no_keyboard(opened):
    open_scratch(opened, "name = input()")
    opened.keyboard.press("Control+Enter")
    opened.get_by_text("EOFError").wait_for()
    opened.get_by_text("input() finds nothing to read. Put what it would read into the code").wait_for()
    screenshot(opened, "scratch-input")
    assert violations(opened) == []
    end_session(opened)


def open_scratch_text(page, text):
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def test_its_text_is_there_again_after_its_session_and_a_word_leads_to_the_replay_and_to_training(opened):
    open_scratch(opened, "kept = 1")
    end_session(opened)
    word = opened.locator(".notice", has_text="Recorded: 1 change")
    word.wait_for()
    assert word.get_by_role("link", name="Train now").get_attribute("href") == "#/learning"
    screenshot(opened, "recorded")
    assert violations(opened) == []
    open_scratch(opened)
    expect(opened.locator(".cm-content")).to_have_text("kept = 1")
    opened.get_by_role("button", name="Start over").click()
    expect(opened.locator(".cm-content")).to_have_text("")
    word.get_by_role("link", name="Replay").click()
    opened.get_by_role("slider").wait_for()
    word.wait_for(state="detached")
    opened.get_by_role("link", name="Solve", exact=True).click()
    end_session(opened)
    assert opened.locator(".notice").count() == 0, "of a session without changes nothing is said"


def test_without_a_folder_it_is_saved_as_a_download(opened):
    open_scratch(opened, "mine = 1\n")
    with opened.expect_download() as download:
        opened.keyboard.press("Control+s")
    assert download.value.suggested_filename == "scratch.py"
    assert download.value.path().read_text() == "mine = 1\n"
    end_session(opened)


def test_a_folder_is_chosen_by_its_path_and_a_scratch_text_saved_in_it(page, server, folder):
    page.goto(server.url)
    path = page.get_by_role("textbox", name="Folder")
    for wrong, words in (
        ("mine", "no whole path"),
        ("/", "everybody's files"),
        (f"{folder}/no", "no such file or folder"),
    ):
        path.fill(wrong)
        path.press("Enter")
        page.get_by_role("alert").get_by_text(words).wait_for()
    assert path.get_attribute("aria-invalid") == "true"
    screenshot(page, "folder-refused")
    assert violations(page) == []
    path.fill("")
    path.press("Enter")
    expect(page.get_by_role("alert")).to_have_count(0)
    path.fill(str(folder))
    path.press("Enter")
    page.get_by_role("link", name="there.py").wait_for()
    expect(page.get_by_role("searchbox").first).to_be_focused()
    screenshot(page, "folder-open")
    assert violations(page) == []
    assert str(folder) in server.paths.settings.read_text()

    open_scratch(page, "mine = 1\n")
    page.keyboard.press("Control+s")
    name = page.get_by_role("textbox", name="Save as")
    expect(name).to_be_focused()
    name.fill("there.py")
    name.press("Enter")
    page.get_by_role("alert").get_by_text("is there already").wait_for()
    screenshot(page, "save-as")
    assert violations(page) == []
    name.fill("new.py")
    name.press("Enter")
    page.get_by_role("heading", name="new.py").wait_for()
    page.get_by_text("Saved", exact=True).wait_for()
    assert (folder / "new.py").read_text() == "mine = 1\n" and (folder / "there.py").read_text() == "x = 1\n"
    end_session(page)
    open_scratch(page)
    expect(page.locator(".cm-content")).to_have_text("")
    end_session(page)

    page.get_by_text("Another folder").click()
    page.get_by_role("button", name="Close this one").click()
    page.get_by_text("Open a folder of yours").wait_for()


def test_a_name_that_is_being_typed_stays_when_the_server_begins_the_session_late(page, server, folder):
    apply_change(server.running.services, SettingsChange(folder=str(folder)))
    starts = []

    def hold(route):
        starts.append(route)

    page.route("**/episodes/start", hold)
    page.goto(server.url + "#/solve")
    open_scratch(page)
    page.get_by_role("button", name="Save as…").click()
    name = page.get_by_role("textbox", name="Save as")
    name.fill("late.py")
    starts[0].continue_()
    page.get_by_text("Recording", exact=True).wait_for()
    page.evaluate("location.hash = '#/solve/'")  # the same view again
    page.evaluate("new Promise(requestAnimationFrame)")
    expect(name).to_have_value("late.py")
    end_session(page)


def test_of_a_folder_that_vanishes_the_text_is_taken_along_and_another_folder_chosen(page, server, folder, tmp_path):
    apply_change(server.running.services, SettingsChange(folder=str(folder)))
    page.goto(server.url + "#/file/there.py")
    page.locator(".cm-content").click()
    page.keyboard.insert_text("mine ")
    (folder / "there.py").unlink()
    folder.rmdir()
    page.keyboard.press("Control+s")
    page.get_by_text(f"{folder}: there is no such file or folder").wait_for()
    screenshot(page, "folder-vanished-save")
    assert violations(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "there.py" and "mine " in download.value.path().read_text()
    page.goto(server.url + "#/health")
    page.get_by_text(f"{folder} is not there").wait_for()
    page.goto(server.url + "#/file/there.py")
    page.reload()
    page.get_by_role("alert").filter(has_text="This cannot be saved now").get_by_role(
        "button", name="Download"
    ).wait_for()
    page.get_by_role("button", name="End the session").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave without saving").click()

    page.get_by_role("alert").filter(has_text=str(folder)).wait_for()
    screenshot(page, "folder-vanished-list")
    assert violations(page) == []
    page.get_by_role("button", name="Close this one").wait_for()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "theirs.py").write_text("y = 1\n")
    path = page.get_by_role("textbox", name="Folder")
    path.fill(str(tmp_path / "other"))
    path.press("Enter")
    page.get_by_role("link", name="theirs.py").wait_for()

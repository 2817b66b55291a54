"""What is recorded is what was done in the editor, to the last character."""

import contextlib
import json
import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Error

from data_paths import DataPaths
from services.messages.settings_messages import SettingsChange
from tests.small_library import put_small_library

from .conftest import wait_until
from .editing import VIEW, Editor, RandomEditing

PROBLEM = "tidy-spaces"
HARMLESS = ("Applying inline style", "status of 499")
"""Chromium styles what it joins when a text is put over several lines, which the policy keeps out; help that is not
wanted any more is refused."""

MIXED = "\ufeffa = 1\r\nb = 2\n\r\n\tc = '😀'\r\nd = 'e\u0301'\n"


@dataclass
class Recording:
    """What lies on the disk of one session. states: the posted ones in order, their texts."""

    header: dict
    states: list
    changes: list
    events: list
    has_ended: bool

    @property
    def played(self):
        """The text to which the keystrokes lead."""
        return play(self.states[0]["text"], self.changes)


def play(text, changes):
    """The text after keystrokes."""
    for _, position, deleted, inserted, _ in changes:
        assert 0 <= position <= position + deleted <= len(text)
        text = text[:position] + inserted + text[position + deleted :]
    return text


def recording(paths, episode_id):
    """The session as the disk has it."""
    folder = paths.episodes / episode_id / "raw"
    header, *lines = read_lines(folder / f"{episode_id}.jsonl")
    states = {line["timestep"]: line for line in lines if "text" in line}
    changes = [change for batch in read_lines(folder / "changes.jsonl") for change in batch["changes"]]
    events = [event for batch in read_lines(folder / "activity.jsonl") for event in batch["events"]]
    has_ended = any("endTime" in line for line in lines)
    return Recording(header, [states[t] for t in sorted(states)], changes, events, has_ended)


def read_lines(path):
    """A line ends by a line feed alone."""
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


@pytest.fixture
def quiet(server):
    """The assistant waits for a key."""
    server.running.services.settings.update(SettingsChange(pause="key"))


@pytest.fixture(scope="module")
def problem(server):
    """What the server says of the problem."""
    with urlopen(f"{server.url}api/problems/{PROBLEM}") as answer:
        return json.load(answer)


@pytest.fixture
def open_text(page, server, errors, quiet, problem):
    """Opens a problem whose file begins with a text; the browser may complain about nothing."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def open_problem(text):
        answer = {**problem, "starter_code": text}
        page.route(f"**/api/problems/{PROBLEM}", lambda route: route.fulfill(json=answer))
        page.goto(f"{server.url}#/solve/{PROBLEM}")
        editor = Editor(page)
        editor.content.click()
        page.get_by_text("Recording", exact=True).wait_for()
        return editor

    yield open_problem
    complaints = [error for error in errors if not any(part in error for part in HARMLESS)]
    assert not complaints, "\n\n".join(complaints)


def wait_for_timers(page, milliseconds):
    """Until those timers of the page have run that take so long, however slow the machine is."""
    page.evaluate("milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))", milliseconds)


def end_session(page, paths):
    """Ends the session; the latest recording, once it is whole."""
    page.get_by_role("button", name="End the session").click()
    page.get_by_text("Not recording", exact=False).wait_for()
    wait_until(page, lambda: latest(paths).has_ended)
    return latest(paths)


def latest(paths):
    return max(
        (recording(paths, path.name) for path in paths.episodes.iterdir()), key=lambda each: each.header["startTime"]
    )


def as_file(document, line_end):
    """The file that a document stands for, all of whose lines end alike."""
    return document.replace("\n", line_end)


def edit_at_random(editor, seed, steps):
    """Steps by chance, not in a file that grows without bounds."""
    editing = RandomEditing(editor, seed)
    for number in range(steps):
        editing.step()
        if number % 10 == 0 and len(editor.text()) > 3000:
            editor.page.keyboard.press("Control+A")
            editor.page.keyboard.press("Delete")


def check_random_editing(page, paths, open_text, seed, steps):
    line_end = ("\n", "\r\n")[seed % 2]
    start = as_file("def f(a):\n\treturn '😀'\n\n\nx = f('e\u0301')\n", line_end)
    editor = open_text(start)
    edit_at_random(editor, seed, steps)
    expected = as_file(editor.text(), line_end)
    session = end_session(page, paths)
    assert session.states[0]["text"] == start
    assert session.states[-1]["text"] == expected
    assert session.played == expected
    assert {change[4] for change in session.changes} <= {"input", "paste", "drop", "undo", "redo", "assistant"}


@pytest.mark.parametrize("seed", range(2))
def test_random_editing_is_recorded_to_the_last_character(page, server, open_text, seed):
    check_random_editing(page, server.paths, open_text, seed, 100)


def test_what_cannot_be_seen_is_marked_where_it_stands_whatever_changes_out_of_sight(page, open_text):
    editor = open_text("x = 1\n" * 300 + "a\u2028b\n")
    page.keyboard.press("Control+End")
    line = page.locator(".cm-line", has=page.locator(".cm-specialChar"))
    line.wait_for()
    editor.change(0, 0, "# 1\n# 2\n")
    page.keyboard.press("ArrowUp")
    assert line.inner_text().replace("\u200b", "") == "a\u2022b"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_long_random_editing_is_recorded_to_the_last_character(page, server, open_text, seed):
    check_random_editing(page, server.paths, open_text, seed, 1000)


def test_each_line_keeps_its_own_end_and_new_ones_end_like_most(page, server, open_text):
    editor = open_text(MIXED)
    page.keyboard.press("Control+End")
    page.keyboard.type("e = 3\nf = 4")
    editor.change(0, 0, "# 1\n")
    page.keyboard.press("Control+Z")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Control+Shift+K")
    page.keyboard.press("Control+Z")
    session = end_session(page, server.paths)
    assert session.states[-1]["text"] == session.played == MIXED + "e = 3\r\nf = 4"


def test_halves_of_characters_are_recorded_as_what_they_leave(page, server, open_text):
    editor = open_text("a😀b")
    editor.change(2, 3, "")
    editor.change(2, 2, "\ude01")
    editor.change(1, 2, "")
    editor.compose("´", "é")
    session = end_session(page, server.paths)
    assert [change[1:4] for change in session.changes[:3]] == [[1, 1, "\ud83d"], [1, 1, "😁"], [1, 1, "\ude01"]]
    assert session.states[-1]["text"] == session.played
    assert sorted(session.played) == sorted("aé\ude01b")


def test_lines_of_several_cursors_stay_where_one_of_them_cannot_move(page, open_text):
    editor = open_text("a\nb\nc")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Control+Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Control+Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.type("x")
    assert editor.text() == "xa\nxb\nxc"


def test_tab_indents_and_leaves_the_editor_after_escape(page, open_text):
    editor = open_text("")
    page.keyboard.press("Tab")
    assert editor.text() == "    "
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert not editor.content.evaluate("content => content === document.activeElement")


def test_what_is_selected_is_seen_in_forced_colours(page, open_text):
    open_text("first\nsecond\n")
    page.emulate_media(forced_colors="active")
    page.keyboard.press("Control+A")
    selected = page.locator(".cm-selectionBackground").first
    selected.wait_for(state="attached")
    background = selected.evaluate("node => getComputedStyle(node).backgroundColor")
    highlight = page.evaluate("""() => {
        document.body.style.backgroundColor = 'Highlight';
        return getComputedStyle(document.body).backgroundColor;
    }""")
    assert background == highlight


def test_a_large_paste_from_elsewhere_is_marked_until_the_person_includes_it(page, server, open_text):
    editor = open_text("x = 1\n")
    editor.paste("small = 1\n")
    large = "".join(f"line_{i} = {i}\r\n" for i in range(6))
    editor.paste(large)
    page.get_by_text("A large paste is left out of learning").wait_for()
    session = end_session(page, server.paths)
    marked = [i for i, entry in enumerate(session.states[-1]["attribution"]) if flags(entry) == ["paste"]]
    assert marked == [2, 3, 4, 5, 6, 7]
    assert session.states[-1]["text"] == session.played
    assert {change[4] for change in session.changes} == {"paste"}


def flags(entry):
    return entry.get("human", {}).get("specialFlags")


def test_a_text_copied_in_the_same_document_and_one_that_is_included_are_not_marked(page, server, open_text):
    editor = open_text("".join(f"line_{i} = {i}\n" for i in range(8)))
    page.keyboard.press("Control+A")
    page.keyboard.press("Control+C")
    page.keyboard.press("Control+End")
    page.keyboard.press("Control+V")
    editor.paste("y = 2\n" * 9)
    page.get_by_role("button", name="Include large pastes").click()
    wait_until(page, lambda: server.running.services.settings.current().learn_pastes)
    session = end_session(page, server.paths)
    assert "paste" not in str([flags(entry) for entry in session.states[-1]["attribution"]])
    assert session.states[-1]["text"] == session.played
    server.running.services.settings.update(SettingsChange(learn_pastes=False))


def test_what_the_person_does_beside_typing_is_recorded(page, server, open_text):
    editor = open_text("first\nsecond\n")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Shift+End")
    wait_for_timers(page, 400)
    page.keyboard.type("x")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("examples passed").wait_for()
    session = end_session(page, server.paths)
    kinds = [kind for _, kind, _ in session.events]
    assert {"focus", "selection", "blur", "run"} <= set(kinds)
    assert {"ranges": [[0, 5]]} in [detail for _, kind, detail in session.events if kind == "selection"]
    assert editor.page is page


def test_lines_are_attributed_to_who_edited_them_last_wherever_they_move(page, server, open_text):
    open_text("a\nb\nc")
    page.keyboard.press("Control+End")
    page.keyboard.type("3")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    page.keyboard.type("new")
    session = end_session(page, server.paths)
    state = session.states[-1]
    edits = [entry.get("human", {}).get("span") for entry in state["attribution"]]
    assert edits == [[0, 3], None, None, [1, 2]]
    assert state["attribution"][3]["human"] == {
        "turn": state["timestep"],
        "span": [1, 2],
        "actions": [1, 0, 0],
        "seconds": state["attribution"][3]["human"]["seconds"],
        "specialFlags": [],
    }
    assert state["attribution"][0]["cursor"] == {"turn": state["timestep"], "char": 4}


# ---- the server or the tab is killed


class ServerProcess:
    """`run.py --serve` in a process group of its own, again and again on the same port and data root."""

    def __init__(self, python, root, folder):
        self.python, self.root, self.paths, self.process = python, root, DataPaths(folder / "data"), None
        (folder / "settings.json").write_text(json.dumps(TINY))
        put_small_library(self.paths.writers)
        self.words = ["--serve", "--training-config-path", str(folder / "settings.json"), "--port"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def start(self):
        """Starts it and waits until it answers."""
        environment = os.environ | {"PERSISTENT_DATA_DIR": str(self.paths.root)}
        words = [self.root / "run.py", *self.words, str(self.port)]
        self.process = self.python(words, env=environment, start_new_session=True)
        deadline = time.monotonic() + 120
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), urlopen(f"{self.url}api/backend/test-queue/status", timeout=5):
                return
            time.sleep(0.05)
        raise AssertionError("it does not serve")

    def kill(self):
        """Kills the whole tree at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


TINY = {
    "featurizer": {"d_in": 24, "char_dim": 8},
    "model": {"d_in": 24, "d_model": 16, "n_layers": 1, "n_heads": 2, "hidden": 16},
}


@pytest.fixture
def server_process(warm_python, root, tmp_path):
    """A real server, started."""
    process = ServerProcess(warm_python, root, tmp_path)
    process.start()
    yield process
    if process.process.poll() is None:
        process.kill()


def all_recordings(paths):
    """In the order in which they began, those that hold something."""
    sessions = [recording(paths, path.name) for path in paths.episodes.iterdir()]
    return sorted((each for each in sessions if each.states), key=lambda each: each.header["startTime"])


def check_sessions_in_sequence(sessions, start, expected, typed):
    """One after the other they lead to the text; no keystroke is missing or in two of them."""
    text, count = start, 0
    for session in sessions:
        own = own_states(session, sessions)
        assert own[0]["text"] == text
        text = play(text, session.changes)
        count += len(session.changes)
        assert own[-1]["text"] == text or session is not sessions[-1]
    assert text == expected
    assert count == typed


def own_states(session, sessions):
    """Those that it has not copied from the session before."""
    source = next(
        (each for each in sessions if each.header["episode_id"] == session.header.get("source_episode")), None
    )
    copied = source.states[-1]["timestep"] if source else -1
    return [state for state in session.states if state["timestep"] > copied]


def test_a_killed_server_loses_nothing_and_records_nothing_twice(page, server_process):
    page.goto(f"{server_process.url}#/solve/{PROBLEM}")
    editor = Editor(page)
    editor.content.click()
    page.keyboard.press("Shift+Space")  # the assistant writes nothing meanwhile
    start, typed = editor.text(), ("before the end\n", "😀 in the middle", " while it is gone\n", "afterwards")
    page.keyboard.press("Control+End")
    page.keyboard.type(typed[0])
    page.keyboard.type(typed[1])
    server_process.kill()
    page.keyboard.type(typed[2])
    page.get_by_text("Nothing is recorded").first.wait_for()
    server_process.start()
    page.keyboard.type(typed[3])
    page.get_by_text("Recording", exact=True).wait_for()
    expected = editor.text()
    end_session(page, server_process.paths)
    sessions = all_recordings(server_process.paths)
    assert len(sessions) == 2
    check_sessions_in_sequence(sessions, start, expected, sum(map(len, typed)))
    assert "restored" in {change[4] for change in sessions[1].changes}


def test_a_server_that_is_gone_is_told_of_before_anything_is_typed(page, open_text, errors):
    open_text("a\n")
    page.route("**/api/**", lambda route: route.abort())
    page.get_by_text("Nothing is recorded").first.wait_for()
    page.unroute("**/api/**")
    page.get_by_text("Recording", exact=True).wait_for()
    errors.clear()  # the browser names each request that failed


def test_a_session_that_the_server_has_ended_goes_on_in_a_new_one(page, server, open_text, errors):
    editor, before = open_text("a\n"), set(server.paths.episodes.iterdir())
    page.keyboard.press("Control+End")
    page.keyboard.type("one\n")
    wait_until(page, lambda: len(latest(server.paths).changes) == len("one\n"))
    episode = latest(server.paths).header["episode_id"]
    with urlopen(f"{server.url}api/backend/episodes/{episode}/end", data=b"{}"):
        page.keyboard.type("two 😀")
    wait_until(page, lambda: set(server.paths.episodes.iterdir()) > before)
    page.keyboard.type("!")
    expected = editor.text()
    end_session(page, server.paths)
    (after,) = set(server.paths.episodes.iterdir()) - before
    sessions = [recording(server.paths, name) for name in (episode, after.name)]
    check_sessions_in_sequence(sessions, "a\n", expected, len("one\ntwo 😀!"))
    errors[:] = [error for error in errors if "404" not in error]


@pytest.mark.usefixtures("own_page")
def test_a_session_that_ends_without_a_connection_is_ended_once_there_is_one(page, server, open_text, errors):
    open_text("")
    page.keyboard.type("kept")
    page.context.set_offline(True)
    page.get_by_role("button", name="End the session").click()
    page.get_by_text("It is kept in this browser").wait_for()
    assert not latest(server.paths).has_ended
    page.close(run_before_unload=False)
    page.context.set_offline(False)
    tab = page.context.new_page()
    tab.goto(server.url)
    wait_until(tab, lambda: latest(server.paths).has_ended)
    session = latest(server.paths)
    assert session.states[-1]["text"] == session.played == "kept"
    journals = "Object.keys(localStorage).filter(key => key.startsWith('codeassist.journal')).length"
    wait_until(tab, lambda: tab.evaluate(journals) == 0)
    errors.clear()


def leave(page, how):
    """The page is left in one of several ways; the tab in which the person looks at it again."""
    address, context = page.url, page.context
    if how == "reload":
        page.reload()
        return page
    if how == "crash":
        with page.expect_event("crash"), contextlib.suppress(Error):
            page.goto("chrome://crash")  # aborted before the tab is gone
    else:
        page.close(run_before_unload=False)
    tab = context.new_page()
    tab.goto(address)
    return tab


@pytest.mark.usefixtures("own_page")
@pytest.mark.parametrize("how", ["reload", "close", "crash"])
def test_after_a_reload_or_a_crash_the_same_session_goes_on_with_the_exact_text_and_cursor(
    page, server, open_text, how
):
    editor = open_text("a\r\nb\n\r\n😀\r\n")
    page.keyboard.press("Control+End")
    page.keyboard.type("one\ntwo 😀")
    page.keyboard.press("ArrowLeft")
    wait_for_timers(page, 300)  # the cursor is noted a moment after it has moved
    page.keyboard.type("3")
    text, cursor = editor.text(), editor.cursor()
    page = leave(page, how)
    editor = Editor(page)
    editor.content.wait_for()
    assert (editor.text(), editor.cursor()) == (text, cursor)
    page.get_by_text("Recording", exact=True).wait_for()
    editor.content.focus()
    page.keyboard.type("4")
    sessions = set(server.paths.episodes.iterdir())
    session = end_session(page, server.paths)
    assert set(server.paths.episodes.iterdir()) == sessions
    assert session.states[-1]["text"] == session.played == "a\r\nb\n\r\n😀\r\none\r\ntwo 34😀"
    assert len(session.changes) == len("one\ntwo 😀34")


@pytest.mark.usefixtures("own_page")
def test_a_large_paste_is_marked_though_the_tab_crashed_before_the_next_state(page, server, open_text):
    editor = open_text("a = 1\n")
    page.keyboard.type("# mine\n")
    editor.paste("y = 2\n" * 9)
    page.get_by_text("A large paste is left out of learning").wait_for()
    page = leave(page, "crash")
    Editor(page).content.wait_for()
    page.get_by_text("Recording", exact=True).wait_for()
    state = end_session(page, server.paths).states[-1]
    typed, *pasted = state["attribution"][1:11]
    assert state["text"] == "a = 1\n# mine\n" + "y = 2\n" * 9
    assert typed["human"]["span"] == [0, 6] and flags(typed) == []
    assert [flags(entry) for entry in pasted] == [["paste"]] * 9
    assert {entry["human"]["turn"] for entry in pasted} == {state["timestep"]}


@pytest.mark.usefixtures("own_page")
def test_a_full_storage_is_told_and_leaving_is_then_asked_about(page, open_text, errors):
    open_text("")
    page.evaluate("""() => {
        Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };
    }""")
    page.context.set_offline(True)
    page.keyboard.type("lost if this tab closes")
    page.get_by_text("no room to keep your text").wait_for()
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)
    assert asked == ["beforeunload"]
    page.context.set_offline(False)
    page.get_by_text("Recording", exact=True).wait_for()
    errors[:] = [error for error in errors if "ERR_INTERNET_DISCONNECTED" not in error]


@pytest.mark.usefixtures("own_page")
def test_nobody_is_asked_when_what_was_typed_is_kept(page, open_text):
    open_text("")
    page.keyboard.type("kept")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    assert asked == []


# ---- a trace of somebody's keystrokes, typed again


OWN_TRACE = (
    (0, 0, "def area(width, height):"),
    (24, 0, "\n    return width * heigth"),
    (48, 2, "ht"),
    (29, 0, "# 📐 "),
    (29, 4, ""),
    (4, 4, "surface"),
    (0, 0, "import math\n\n\n"),
    (0, 11, ""),
    (0, 3, ""),
)
"""Position, characters deleted, text inserted."""


def type_trace(editor, edits):
    """Puts edits of characters into the editor as typing does, many in one turn of the page, which shows no cursor."""
    editor.page.evaluate(
        f"""edits => {{
            const view = {VIEW};
            view.contentDOM.blur();
            const units = characters => [...view.state.doc.toString()].slice(0, characters).join('').length;
            for (const [position, deleted, insert] of edits) {{
                const [from, to] = [units(position), units(position + deleted)];
                const selection = {{anchor: from + insert.length}};
                view.dispatch({{changes: {{from, to, insert}}, selection, userEvent: 'input'}});
            }}
        }}""",
        [list(edit) for edit in edits],
    )


def check_trace(page, paths, editor, edits, expected):
    for start in range(0, len(edits), 500):
        type_trace(editor, edits[start : start + 500])
    session = end_session(page, paths)
    assert session.states[-1]["text"] == session.played == expected
    assert len(session.changes) == len(edits)


def test_a_trace_is_recorded_as_it_was_typed(page, server, open_text):
    expected = play("", [(0, *edit, "") for edit in OWN_TRACE])
    check_trace(page, server.paths, open_text(""), OWN_TRACE, expected)


@pytest.mark.slow
@pytest.mark.skipif("EDITING_TRACE" not in os.environ, reason="EDITING_TRACE names no file with a trace")
def test_a_long_trace_is_recorded_as_it_was_typed(page, server, open_text):
    trace = json.loads(Path(os.environ["EDITING_TRACE"]).read_text(encoding="utf-8"))
    edits = [edit for _, *patches in trace["transactions"] for edit in patches]
    check_trace(page, server.paths, open_text(trace["start"]), edits, trace["end"])

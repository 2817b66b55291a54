"""A model in this process reads the file while the person types and at every request, wanted or not."""

import threading
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import Decision
from data_paths import DataPaths
from delegates import Completion, WritingContext
from delegates.embedded import EmbeddedWriter
from delegates.gguf import GgufWriter
from delegates.selection import ReliableWriter
from models.reviewer import Reviewer
from services.assistance.assistance import Assistance, HelpRequest
from services.assistance.reading_ahead import ReadingAhead, TypedText
from services.assistance.session_help import SessionHelp
from services.failure_log import FailureLog
from services.learning.current_models import CurrentModels
from state import Cursor, State, unedited


class Reading(GgufWriter):
    """Notes what it is asked for, and runs no model."""

    name = "reading"

    def __init__(self):
        self.calls, self.has_read = [], threading.Event()

    def read_ahead(self, state, context):
        self.calls.append(("read", state, context))
        self.has_read.set()

    def write(self, state, decision, line, context):
        self.calls.append(("write", state, context))
        return Completion("b = 2", "reading")


@pytest.mark.parametrize(("decided", "calls"), [(None, ["read"]), ((Decision.WRITE_SINGLE_LINE, 1), ["read", "write"])])
def test_the_file_is_read_ahead_before_it_is_decided(tmp_path, decided, calls):
    models = CurrentModels(DataPaths(tmp_path).models, epsilon=0.0, explore=False, seed=0)
    chosen, context = Reading(), WritingContext()
    writer = ReliableWriter(chosen, EmbeddedWriter(), print)
    state = State(("a = 1", ""), 1, unedited(2), unedited(2), Cursor(True, 1, 0, 1))
    Assistance(models, writer, Reviewer(), lambda text, *_: text).help(HelpRequest(state, context, decided=decided))
    assert [call[0] for call in chosen.calls] == calls
    assert all(call[1] == state and call[2].problem is context.problem for call in chosen.calls)


def test_the_file_is_read_while_the_person_types(served, client, monkeypatch):
    chosen = Reading()
    monkeypatch.setattr(served.services.assistance, "writer", ReliableWriter(chosen, EmbeddedWriter(), print))
    episode = client.post("/api/backend/episodes/start", json={"problem_id": "own"}).json()["episode_id"]
    path, state = f"/api/backend/episodes/{episode}", {"text": "a = 1\n", "timestep": 0, "attribution": []}
    assert client.post(f"{path}/state", json=state).status_code == 200
    changes = [[0, 6, 0, "b", "input"], [0, 7, 0, " =", "input"]]
    assert client.post(f"{path}/changes", json={"first": 0, "changes": changes}).status_code == 200
    assert chosen.has_read.wait(60)
    (_, read, _), *_ = chosen.calls
    assert read.lines == ("a = 1", "b =") and read.cursor.line == 1 and read.cursor.char == 3


class LateExecutor:
    """Does at once what it is given, and is done only much later."""

    def submit(self, function, *arguments):
        function(*arguments)
        return Future()


def test_a_key_that_is_pressed_just_when_all_before_is_worked_out_is_read_too(served, client, monkeypatch):
    chosen = Reading()
    assistance, recorder = served.services.assistance, served.services.recorder
    monkeypatch.setattr(assistance, "writer", ReliableWriter(chosen, EmbeddedWriter(), print))
    reading = ReadingAhead(assistance, SessionHelp(recorder, served.services.folder), LateExecutor(), FailureLog())
    reading.note_state("e", "")
    for i in range(3):
        reading.note_changes("e", i, [key(i, 0, "x")])
    assert [state.lines for _, state, _ in chosen.calls] == [("x",), ("xx",), ("xxx",)]


def test_a_failure_is_noted_and_it_goes_on_with_the_next_key(served, client, monkeypatch):
    def fail_once(episode_id, first_line):
        if failed:
            return None
        failed.append(True)
        raise OSError("an ignore file cannot be read")

    chosen, failed = Reading(), []
    assistance = served.services.assistance
    monkeypatch.setattr(assistance, "writer", ReliableWriter(chosen, EmbeddedWriter(), print))
    sessions = SimpleNamespace(
        recorder=served.services.recorder, refusal=fail_once, context=lambda episode_id: WritingContext()
    )
    failures = FailureLog()
    reading = ReadingAhead(assistance, sessions, LateExecutor(), failures)
    reading.note_state("e", "")
    reading.note_changes("e", 0, [key(0, 0, "x")])
    assert failures.count == 1
    reading.note_changes("e", 1, [key(1, 0, "y")])
    assert [state.lines for _, state, _ in chosen.calls] == [("xy",)]


def followed(*events):
    typed = TypedText()
    for event in events:
        if isinstance(event, str):
            typed.note_state(event)
        else:
            typed.note_changes(*event)
    typed.follow()
    return typed


def key(position, deleted, inserted):
    return (0.0, position, deleted, inserted, "input")


def test_the_cursor_is_behind_the_latest_keystroke():
    state = followed("a = 1\r\nb", (0, [key(8, 0, " ="), key(10, 0, " 2")])).state()
    assert state.lines == ("a = 1", "b = 2") and state.cursor == Cursor(True, 1, 5, 0)


def test_until_somebody_types_nothing_is_to_be_read():
    typed = TypedText()
    typed.note_state("a")
    assert typed.goes_on() and not typed.follow() and not typed.goes_on()
    typed.note_changes(0, [key(1, 0, "b")])
    assert typed.follow() and typed.text == "ab"


def test_repeated_keystrokes_count_once():
    assert followed("", (3, [key(0, 0, "a")]), (3, [key(0, 0, "a"), key(1, 0, "b")])).text == "ab"


def test_a_state_that_is_posted_before_its_keystrokes_is_waited_for():
    keys = [key(i, 0, "x") for i in range(3)]
    assert followed("", "x", "xxx", (0, keys)).text == "xxx"


def test_where_something_else_changes_the_file_it_is_taken_up_anew():
    others = ["a", "b", "c", "d", "e"]
    assert followed("", *others).text is None
    assert followed("", *others, "f", (0, [key(1, 0, "g")])).text == "fg"
    assert followed("ab", (0, [key(5, 0, "x")])).state() is None


@given(st.text(max_size=20), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), st.text(max_size=5))))
def test_keystrokes_lead_where_they_lead(text, edits):
    expected, changes = text, []
    for position, deleted, inserted in edits:
        if position + deleted <= len(expected):
            expected = expected[:position] + inserted + expected[position + deleted :]
            changes.append(key(position, deleted, inserted))
    typed = followed(text, (0, changes), expected)
    assert typed.text == expected and "\n".join(typed.state().lines).replace("\r", "") == expected.replace("\r", "")

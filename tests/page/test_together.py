"""The assistant beside a person in a browser: when it writes, how that is marked, and that it goes when they say so."""

import threading
from dataclasses import replace

import pytest

from actions import Action, Decision, Review
from delegates import Completion
from services.current_models import Choice
from services.settings_messages import SettingsChange

QUICK_MS = 150
SHOWN = Review(kept=0.8, threshold=0.4, shown_probability=1.0, shown=True, explored=False)
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


@pytest.fixture
def assistant(server, monkeypatch):
    """The assistant that a test has scripted; all settings as they usually are, but a short pause."""
    services, scripted = server.running.services, ScriptedAssistant()
    monkeypatch.setattr(services.assistance, "writer", scripted)
    monkeypatch.setattr(services.assistance, "reviewer", scripted)
    monkeypatch.setattr(services.assistance, "clean", lambda text, *_: text)
    monkeypatch.setattr(services.assistance.models, "decide", scripted.decide)
    services.settings.update(SettingsChange(pause=QUICK_MS, off_for=[], subtle=False, paused_until=None, theme="light"))
    return scripted


@pytest.fixture
def scratch(assistant, opened):
    """A scratch file, open and ready to type."""
    opened.get_by_role("button", name="A scratch file").click()
    opened.locator(".cm-content").click()
    return opened


def text_of(page):
    """The text in the editor."""
    return "\n".join(
        page.locator(".cm-line").evaluate_all("lines => lines.map(line => line.innerText.replace(/\\n$/, ''))")
    )


def status(page):
    return page.locator(".assistant-status")


def wait_for_status(page, text):
    status(page).filter(has_text=text).wait_for()


def write_loop(page, assistant):
    """Types a function, whose body the assistant then writes."""
    assistant.texts = ["for x in a:\n    print(x)\nreturn a", ""]
    page.keyboard.type("def f(a):\n")
    wait_for_status(page, "Wrote 3 lines at line 2")


BODY = "def f(a):\n    for x in a:\n        print(x)\n    return a"


def test_a_pause_brings_a_text_and_escape_takes_it_back(scratch, assistant):
    write_loop(scratch, assistant)
    assert text_of(scratch) == BODY
    scratch.keyboard.press("Escape")
    assert text_of(scratch) == "def f(a):\n    "
    wait_for_status(scratch, "Took it back")
    scratch.keyboard.type("x")
    assert text_of(scratch) == "def f(a):\n    x"

"""Attributes come from jedi in a child process, within the time that one may wait; it never outlives its parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from delegates.embedded.attributes import AttributeFinder

LINES = ("import textwrap", "def f(text):", "    wrapper = textwrap.TextWrapper()", "    counts = {}", "    ")


@pytest.fixture(scope="module")
def finder():
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "jedi")
        pytest.importorskip("jedi")
        finder = AttributeFinder()
        finder.start()
        yield finder
        finder.close()


def ask(finder, receiver):
    """The answer, however long it takes."""
    deadline = time.monotonic() + 60
    while (names := finder.attributes(LINES, 4, receiver, 5)) is None and time.monotonic() < deadline:
        pass
    return names


def test_the_type_of_an_object_tells_its_attributes(finder):
    assert "fix_sentence_endings" in ask(finder, "    wrapper.")
    assert {"dedent", "TextWrapper"} <= set(ask(finder, "    textwrap."))


def test_a_child_that_is_killed_is_started_again(finder):
    ask(finder, "    wrapper.")
    os.kill(finder.process_id, signal.SIGKILL)
    assert "dedent" in ask(finder, "    x = textwrap.")


def test_literals_need_no_jedi():
    finder = AttributeFinder()
    assert "setdefault" in finder.attributes(LINES, 4, "    counts.", 0)
    assert finder.attributes(("counts = {}", "counts = other(counts)", ""), 2, "counts.", 0) is None
    assert finder.attributes(("x = [1][0]", ""), 1, "x.", 0) is None
    assert finder.attributes(("def f(x):", "    x = x", "    "), 2, "    x.", 0) is None


def test_nobody_waits_longer_than_they_may_and_a_late_answer_is_remembered():
    released = threading.Event()

    def slow(question):
        released.wait(30)
        return ("late",)

    finder = AttributeFinder(complete=slow)
    finder.start()
    assert finder.attributes(LINES, 4, "    other.", 0.01) is None
    released.set()
    assert ask(finder, "    other.") == ("late",)
    finder.close()


PARENT = """
import sys, time
from delegates.embedded.attributes import AttributeFinder
finder = AttributeFinder()
finder.start()
print(finder.process_id, flush=True)
time.sleep(60)
"""


def test_without_jedi_there_is_no_child_and_nobody_waits(monkeypatch):
    monkeypatch.setitem(sys.modules, "jedi", None)
    finder = AttributeFinder()
    finder.start()
    begun = time.monotonic()
    assert finder.attributes(LINES, 4, "    wrapper.", 60) is None and finder.process_id is None
    assert time.monotonic() - begun < 30
    finder.close()


def test_the_child_does_not_outlive_a_parent_that_is_killed(root, monkeypatch):
    monkeypatch.delitem(sys.modules, "jedi")
    pytest.importorskip("jedi")
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, cwd=root)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()

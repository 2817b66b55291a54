"""A browser is opened where there is a desktop, and what becomes of it ends nothing."""

import sys
import webbrowser
from signal import SIGHUP, SIGINT, SIGTERM

import pytest

from config import LoopConfig
from data_paths import DataPaths
from errors import ConflictError
from services import serving
from services.serving import ServingEnd, open_browser, serve_until_stopped
from services.startup import StartOptions


@pytest.fixture
def opened(monkeypatch):
    """Addresses that the browser was given; its threads have ended by then."""
    addresses = []

    def run_at_once(target, args=(), **_):
        return type("Thread", (), {"start": lambda self: target(*args)})()

    monkeypatch.setattr(serving.threading, "Thread", run_at_once)
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    monkeypatch.setattr(serving.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return addresses


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_on_a_desktop_the_page_is_opened(opened, monkeypatch, variable):
    monkeypatch.setenv(variable, ":0")
    open_browser("http://127.0.0.1:3000/")
    assert opened == ["http://127.0.0.1:3000/"]


def test_without_a_desktop_no_browser_takes_over_the_terminal(opened):
    open_browser("http://127.0.0.1:3000/")
    assert opened == []


@pytest.mark.parametrize("error", [webbrowser.Error("none"), OSError("no such program")])
def test_a_browser_that_does_not_start_is_no_error(opened, monkeypatch, error):
    def refuse(address):
        raise error

    monkeypatch.setattr(webbrowser, "open", refuse)
    monkeypatch.setenv("DISPLAY", ":0")
    open_browser("http://127.0.0.1:3000/")


def test_threads_take_short_turns_only_while_it_serves(tmp_path, monkeypatch):
    usual, intervals = sys.getswitchinterval(), []

    def refuse(*_, **__):
        intervals.append(sys.getswitchinterval())
        raise ConflictError("port 3000", "is taken")

    monkeypatch.setattr(serving, "start_services", refuse)
    with pytest.raises(ConflictError):
        serve_until_stopped(
            LoopConfig(), DataPaths(tmp_path), StartOptions(), opens_browser=False, next_step="", stop_seconds=1.0,
            can_hurry=False, report=print,
        )  # fmt: skip
    assert intervals == [pytest.approx(serving.SWITCH_SECONDS)] and sys.getswitchinterval() == usual


@pytest.mark.parametrize(
    "stopped_by, interrupted, wanted",
    [(None, False, True), (SIGINT, False, True), (SIGINT, True, False), (None, True, False),
     (SIGTERM, False, False), (SIGHUP, False, False)],
)  # fmt: skip
def test_training_follows_the_button_or_one_ctrl_c(stopped_by, interrupted, wanted):
    assert ServingEnd(stopped_by, interrupted).wants_training == wanted

"""Training from the page and what it shows of the person, in a browser, with the real training."""

import json
import shutil

import pytest
from playwright.sync_api import expect

from services.learning import training_process

from .conftest import screenshot, serve, violations

TINY = {
    "featurizer": {"d_in": 24, "char_dim": 8},
    "model": {"d_in": 24, "d_model": 16, "n_layers": 1, "n_heads": 2, "hidden": 16},
    "bc": {"epochs": 2},
    "ppo": {"epochs": 2},
    "zero_style": {"epochs": 1, "roots": 2, "horizon": 2, "simulations": 2, "passes": 1},
}


WAITING_RUN = """
import runpy, sys, time
from pathlib import Path
from training.runs.progress_events import ProgressEvents

def tell_and_wait(events, row, tell=ProgressEvents.metrics):
    tell(events, row)
    while not Path({go_on!r}).exists():
        time.sleep(0.02)

ProgressEvents.metrics = tell_and_wait
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""`run.py` that goes on after an epoch only when the test says so."""


@pytest.fixture
def go_on(tmp_path, monkeypatch):
    """The file that lets the training go on."""
    go_on, run = tmp_path / "go on", tmp_path / "waiting_run.py"
    run.write_text(WAITING_RUN.format(go_on=str(go_on)))
    python, *words = training_process.COMMAND
    monkeypatch.setattr(training_process, "COMMAND", (python, str(run), *words))
    monkeypatch.setenv("PYTHONPATH", str(training_process.REPOSITORY))
    return go_on


@pytest.fixture
def server(tmp_path, sample_sessions, monkeypatch, go_on):
    settings = tmp_path / "training_config.json"
    settings.write_text(json.dumps(TINY))
    shutil.copytree(sample_sessions, tmp_path / "data" / "state-service" / "episodes")
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path / "data"))  # of the process that trains
    flags = ("--training-config-path", str(settings), "--no-telemetry")
    with serve(tmp_path / "data", training_flags=flags) as server:
        yield server
        go_on.touch()


def test_a_person_trains_watches_stops_goes_on_and_sees_what_was_learned(watched, server, go_on):
    watched.goto(server.url + "#/learning")
    watched.get_by_text("Kept after your reply").wait_for()
    watched.get_by_role("rowheader", name="Write several lines").wait_for()
    watched.get_by_text("2 sessions: 2 to learn from; no training had them yet.").wait_for()
    screenshot(watched, "learning-before")
    assert violations(watched) == []
    watched.get_by_role("button", name="Train now").click()
    bar = watched.get_by_role("progressbar", name="How much of the training is done")
    watched.get_by_text("epoch 2 of 2 at most in this part").wait_for(timeout=60_000)
    assert 0 < float(bar.get_attribute("value")) < 1
    screenshot(watched, "learning-running")
    watched.get_by_role("button", name="Stop and save").click()
    watched.get_by_text("Saving and stopping").wait_for()
    go_on.touch()
    watched.get_by_text("The training was stopped and saved").wait_for(timeout=60_000)
    watched.get_by_role("button", name="Go on").click()
    watched.get_by_text("The last training ended").wait_for(timeout=120_000)
    watched.get_by_role("columnheader", name="After", exact=True).wait_for()
    assert "How often it foresees what you do next" in watched.locator("main").inner_text()
    watched.get_by_text("2 sessions: 2 to learn from; the last training had them all.").wait_for()
    watched.get_by_text("Learned from 2 sessions").wait_for()
    watched.get_by_text("Below zero, the gain is larger").wait_for()
    screenshot(watched, "learning-after")
    assert violations(watched) == []

    watched.goto(server.url + "#/models")
    expect(watched.get_by_role("heading", name="Model 1 from")).to_contain_text("learned from 2 sessions")
    watched.get_by_role("button", name="Use no model").press("Enter")
    in_use = watched.locator(".generation.current")
    expect(in_use.get_by_role("heading")).to_have_text("No model")
    assert server.running.services.assistance.models.models().source == "untrained"
    assert violations(watched) == []
    screenshot(watched, "models-none")
    watched.get_by_role("button", name="Use this one: Model 1").press("Enter")
    expect(in_use.get_by_role("heading")).to_contain_text("Model 1")
    expect(in_use).to_have_count(1)
    watched.locator("summary").first.click()
    watched.locator("code").wait_for()
    screenshot(watched, "models")
    assert violations(watched) == []


def test_a_session_that_training_cannot_read_is_named_as_in_the_list_and_led_to(watched, server):
    path = server.paths.episodes / "damaged" / "damaged.json"
    path.parent.mkdir()
    path.write_text('{"episode_id": "damaged", "problem_id": "warmest-day", "states": [')
    body = json.dumps({
        "status": "done", "phase": "", "title": "", "epoch": 0, "epochs": 0, "share": 1, "overall_share": 1,
        "seconds_left": None, "started": None, "ended": None, "points": [], "sessions": "", "table": [],
        "lines": ["unreadable: session damaged: is not JSON", "Learned from 2 sessions.", "They are current."],
        "generation": None, "replaced": None, "error": None, "elsewhere": False, "can_start": True, "refusal": "",
    })  # fmt: skip
    watched.route(server.url + "api/training", lambda route: route.fulfill(body=body, content_type="application/json"))
    watched.goto(server.url + "#/learning")
    watched.get_by_text("What training said of the recordings").click()
    watched.get_by_text("3 sessions: 2 to learn from, 1 unreadable").wait_for()
    screenshot(watched, "learning-unreadable")
    watched.get_by_role("link", name="Warmest day").click()
    row = watched.get_by_role("row").filter(has_text="Warmest day")
    expect(row).to_contain_text("is not JSON")
    watched.get_by_role("status").filter(has_text="3 sessions: 2 to learn from, 1 unreadable.").wait_for()


def test_where_all_sessions_are_left_out_training_is_not_offered(watched, server):
    for name in ("sample-title-case", "sample-longest-streak"):
        (server.paths.episodes / name / f"{name}.excluded").touch()
    watched.goto(server.url + "#/learning")
    watched.get_by_text("2 sessions: 2 left out by you").wait_for()
    watched.get_by_text("There is nothing to learn from yet: write with the assistant").wait_for()
    assert watched.get_by_role("button", name="Train now").is_disabled()


def test_without_sessions_the_page_says_what_to_do(page, tmp_path, errors):
    with serve(tmp_path / "empty", training_flags=()) as server:
        page.goto(server.url + "#/learning")
        page.get_by_text("Nothing yet. Write something").wait_for()
        page.get_by_text("There is nothing to learn from yet").wait_for()
        assert page.get_by_role("button", name="Train now").is_disabled()
        assert violations(page) == []
        screenshot(page, "learning-empty")
        page.goto(server.url + "#/models")
        page.get_by_text("There are none yet").wait_for()
        assert violations(page) == []
    assert not errors

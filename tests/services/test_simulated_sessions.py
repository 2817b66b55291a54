"""Simulated people record through HTTP what a page records: texts, decisions with their probabilities, tests, ends."""

import json
import keyword
import os
import signal
import threading
from pathlib import Path

import pytest

import run
from data_paths import DataPaths, quarantine_folder
from delegates.embedded import library_model
from delegates.embedded.attributes import JediProcess
from delegates.embedded.library_model import LibraryModel
from models import store
from services import simulated_sessions
from services.simulated_client import state_after_help
from services.simulated_sessions import planned_sessions
from services.startup import RunningServices
from simulation.sessions import first_state
from state_adapter import read_episodes
from tests.small_library import put_small_library, start_no_jedi

TINY = {
    "featurizer": {"d_in": 24, "char_dim": 8},
    "model": {"d_in": 24, "d_model": 16, "n_layers": 1, "n_heads": 2, "hidden": 16},
    "bc": {"epochs": 1},
    "ppo": {"epochs": 1},
    "zero_style": {"epochs": 1, "roots": 2, "horizon": 2, "simulations": 2, "passes": 1},
    "serve": {"review_threshold": 0.0},
}


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """A data root and a working folder of the test's own, with a small training_config.json."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "training_config.json").write_text(json.dumps(TINY))
    paths = DataPaths(tmp_path / "data")
    put_small_library(paths.writers)
    monkeypatch.setattr(JediProcess, "start", start_no_jedi)
    return paths


def sessions(paths):
    return sorted(paths.simulated_episodes.glob("*/*.json"))


@pytest.mark.slow
def test_with_the_usual_settings_too_from_http_to_models_that_serve_nobody_by_default(paths, tmp_path, capsys):
    (tmp_path / "training_config.json").write_text("{}")
    check_simulation(paths, capsys, 4)


def test_from_http_to_models_that_serve_nobody_by_default_by_what_a_page_records(paths, capsys):
    check_simulation(paths, capsys, 2)
    check_recorded(paths, 2)


def check_simulation(paths, capsys, count):
    assert run.main(["--simulate", str(count)]) == 0
    out, error = capsys.readouterr()
    assert f"Learned from {count} sessions, " in out or "held out" in out
    assert "simulated sessions" in error and "repaired" not in error
    models = quarantine_folder(paths.models, "scripted")
    assert store.load(models).meta["trained_on"] == "scripted" and store.load(paths.models) is None
    assert not list(paths.episodes.glob("*")) and len(sessions(paths)) == count


def test_without_a_terminal_and_sessions_some_are_recorded_once(paths, capsys, monkeypatch):
    assert run.SIMULATED_SESSIONS == 4
    monkeypatch.setattr(run, "SIMULATED_SESSIONS", 1)
    assert run.main([]) == 0
    assert "scripted people show what happens" in capsys.readouterr().err and len(sessions(paths)) == 1
    assert run.main(["--train-only"]) == 0
    assert capsys.readouterr().out.startswith("Nothing is new") and len(sessions(paths)) == 1


def check_recorded(paths, count):
    episodes, summary = read_episodes(paths.simulated_episodes)
    assert len(episodes) == count and not summary.skipped
    written = []
    for episode in episodes:
        helped = [action for action in episode.actions if action is not None and action.agent == "A"]
        assert len(helped) > 5 and not episode.cut_off
        assert all(0 < action.probability <= 1 for action in helped), "exploration says how it drew"
        assert {action.writer.name for action in helped if action.writer is not None} == {"embedded"}
        moves = zip(episode.actions[1:], episode.states, episode.states[1:], strict=False)
        written += [action for action, before, after in moves if action.agent == "A" and before.lines != after.lines]
        assert all(state.env is not None and state.env.tests_total for state in episode.states)
        turns = [action.agent for action in episode.actions[1:]]
        assert turns == ["A", "H"] * (len(turns) // 2)
    assert written and all(action.review is not None and action.review.shown for action in written)


def test_people_begin_once_the_writer_knows_the_standard_library(paths, monkeypatch):
    all_else_is_ready, is_known = threading.Event(), []
    wait_until_ready = RunningServices.wait_until_ready

    def wait_and_let_count(running):
        wait_until_ready(running)
        threading.Timer(0.5, all_else_is_ready.set).start()
        services.append(running.services)

    services = []
    monkeypatch.setattr(RunningServices, "wait_until_ready", wait_and_let_count)
    monkeypatch.setattr(LibraryModel, "_read", lambda model: all_else_is_ready.wait(30) and None)
    monkeypatch.setattr(library_model, "source_files", lambda: [Path(keyword.__file__)])
    play = simulated_sessions._play
    monkeypatch.setattr(
        simulated_sessions,
        "_play",
        lambda *arguments: is_known.append(services[0].assistance.writer.embedded.ready) or play(*arguments),
    )
    assert run.main(["--simulate", "1", "--no-train"]) == 0
    assert is_known == [True]


def test_the_people_differ_and_the_same_seed_plans_the_same():
    planned = planned_sessions(14, seed=3)
    assert planned == planned_sessions(14, seed=3) and planned[4:] == planned_sessions(10, seed=3, first=4)
    assert len({(session.person.name, session.problem.id) for session in planned}) == 14
    assert len({session.seed for session in planned + planned_sessions(14, seed=4)}) == 28


def test_an_interrupted_simulation_saves_what_was_played(paths, monkeypatch, capsys):
    def interrupt(*_):
        if not interrupted:
            interrupted.append(True)
            os.kill(os.getpid(), signal.SIGINT)
        return ask(*_)

    from services.simulated_client import _Player

    ask, interrupted = _Player.ask_for_help, []
    monkeypatch.setattr(_Player, "ask_for_help", interrupt)
    before = signal.getsignal(signal.SIGINT)
    try:
        assert run.main(["--simulate", "6"]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert "the sessions so far are saved" in capsys.readouterr().err
    assert 1 <= len(sessions(paths)) < 6
    assert not quarantine_folder(paths.models, "scripted").exists()


def test_an_interrupted_training_goes_on_without_new_sessions(paths, monkeypatch, capsys):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("training.training_loop.train_from_episodes", interrupt)
        assert run.main(["--simulate", "1"]) == 130
    before = sessions(paths)
    assert len(before) == 1 and run.main(["--simulate", "1"]) == 0
    assert sessions(paths) == before and "Going on with the run" in capsys.readouterr().err
    assert run.main(["--simulate", "1", "--no-train"]) == 0
    assert len(sessions(paths)) == 2


def test_after_help_the_assistants_lines_are_its_own_and_the_cursors_line_is_followed():
    state = first_state(planned_sessions(1, 0)[0].problem)
    cursor = state.cursor.line
    above = state_after_help(state, ("# note", *state.lines))
    assert above.last_known_line == cursor + 1 and not above.cursor.on and above.t == state.t + 1
    assert above.assistant[0, 0] == above.t and (above.human[1:] == state.human).all()
    at = state_after_help(state, (*state.lines[:-1], "    a = 1", "    b = 2"))
    assert at.last_known_line == cursor and (at.assistant[cursor:, 0] == at.t).all()
    same = state_after_help(state, state.lines)
    assert (same.assistant == state.assistant).all() and same.last_known_line == cursor

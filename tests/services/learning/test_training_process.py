"""A training beside the services promises: seen while it works, stopped whole, explained if it fails, one at a time."""

import json
import subprocess
import sys
import threading
import time

import pytest

import files
from data_paths import DataPaths
from errors import ConflictError
from services.learning import training_process
from services.learning.training_process import TrainingProcess
from training.runs.run_files import plan_path
from training.runs.run_plan import RunPlan, write_plan

PRELUDE = """
import json, os, signal, sys, time
stream = os.fdopen(int(sys.argv[1]), "w")
def tell(event, **fields):
    stream.write(json.dumps({"event": event, **fields}) + chr(10)); stream.flush()
"""
PLAN = RunPlan("id", "fingerprint", "fresh", None, 0, ())
OUTCOME = {
    "run_id": "r", "started": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:01:00+00:00", "sessions": "held_out",
    "table": [{"name": "NLL", "before": {"mean": 2.0, "error": 0.1}, "after": {"mean": 1.0, "error": None}}],
    "lines": ["Learned from 3 sessions."], "generation": "000001-a", "replaced": True, "nothing_new": False,
}  # fmt: skip
ROW = {"run_id": "r", "phase": "bc", "epoch": 1, "loss": 0.5, "val_accuracy": None}


@pytest.fixture
def paths(tmp_path):
    """A data root with a file that may hold a session."""
    paths = DataPaths(tmp_path)
    paths.episodes.mkdir(parents=True)
    (paths.episodes / "a.json").write_text("{}")
    return paths


@pytest.fixture
def training(paths, monkeypatch, tmp_path):
    """Makes a training whose process runs some code in place of run.py."""
    made = []

    def make(code, **options):
        script = tmp_path / "child.py"
        script.write_text(PRELUDE + code)
        monkeypatch.setattr(training_process, "COMMAND", (sys.executable, str(script)))
        made.append(TrainingProcess(paths, (), **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def wait_for(training, *statuses):
    """The state once it has one of these."""
    deadline = time.monotonic() + 60
    while (state := training.state()).status not in statuses:
        assert time.monotonic() < deadline, state
        time.sleep(0.02)
    return state


def test_nothing_learned_yet_is_idle_and_may_begin(training):
    state = training("").state()
    assert (state.status, state.can_start, state.refusal, state.points) == ("idle", True, "", [])


def test_progress_is_seen_as_it_comes_and_then_what_came_of_it(training, tmp_path):
    seen = threading.Event()
    code = f"""
tell("phase", name="bc", title="behaviour cloning", steps=4, epochs=2, plan={{"bc": 2, "ppo_from_episodes": 1}})
tell("advance", steps=2)
tell("epoch", row={ROW})
stream.write("{{torn" + chr(10))
tell("message", text="<b>a sentence</b>")
while not os.path.exists({str(tmp_path / "go on")!r}):
    time.sleep(0.01)
tell("outcome", outcome={OUTCOME})
"""
    process = training(code, on_end=seen.set)
    process.start()
    deadline = time.monotonic() + 60
    while not (state := process.state()).lines and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (state.status, state.phase, state.title) == ("running", "bc", "behaviour cloning")
    assert (state.epoch, state.epochs, state.share) == (2, 2, 0.5)
    assert 0 < state.overall_share < 0.5 and state.seconds_left is None
    assert [(each.phase, each.epoch, each.metrics) for each in state.points] == [
        ("bc", 1, {"loss": 0.5, "val_accuracy": None})
    ]
    assert state.lines == ["<b>a sentence</b>"] and state.ended is None and not state.can_start
    assert not seen.is_set()
    (tmp_path / "go on").touch()
    state = wait_for(process, "done")
    assert seen.is_set() and state.error is None and state.can_start and state.share == state.overall_share == 1.0
    assert state.sessions == "held_out" and state.generation == "000001-a" and state.replaced
    assert state.lines == ["<b>a sentence</b>", "Learned from 3 sessions."]
    (row,) = state.table
    assert (row.name, row.before.mean, row.after.mean, row.after.error, row.baseline) == ("NLL", 2.0, 1.0, None, None)


def test_a_training_that_goes_on_shows_its_earlier_epochs_too(training, paths):
    (paths.run / "training").mkdir(parents=True)
    rows = [{**ROW, "run_id": "other"}, ROW, {**ROW, "epoch": 2}]
    (paths.run / "training" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    last = {**ROW, "epoch": 3}
    process = training(f"tell('epoch', row={rows[2]}); tell('epoch', row={last}); tell('outcome', outcome={OUTCOME})")
    process.start()
    assert [each.epoch for each in wait_for(process, "done").points] == [1, 2, 3]


def test_an_epoch_that_the_file_had_before_its_event_came_is_shown_once(training, paths):
    (paths.run / "training").mkdir(parents=True)
    rows = [{**ROW, "epoch": epoch} for epoch in (1, 2, 3)]
    (paths.run / "training" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code = "".join(f"tell('epoch', row={row}); " for row in rows) + f"tell('outcome', outcome={OUTCOME})"
    process = training(code)
    process.start()
    assert [each.epoch for each in wait_for(process, "done").points] == [1, 2, 3]


def test_the_process_has_a_pipe_for_its_input_and_the_data_root_of_the_server(training, paths):
    code = f'print(os.environ["PERSISTENT_DATA_DIR"], os.getsid(0) == os.getpid()); tell("outcome", outcome={OUTCOME})'
    process = training(code)
    process.start()
    wait_for(process, "done")
    assert (paths.logs / "training.log").read_text().split() == [str(paths.root), "True"]


WAITING = """
signals = []
signal.signal(signal.SIGTERM, lambda *_: signals.append(1))
tell("message", text="ready")
while not signals:
    time.sleep(0.01)
time.sleep(0.5)
print(len(signals), "signal"); sys.exit(130)
"""


def start_and_wait(process):
    process.start()
    deadline = time.monotonic() + 60
    while not process.state().lines and time.monotonic() < deadline:
        time.sleep(0.02)


def test_stopped_twice_it_is_told_once_and_ends_whole(training, paths):
    process = training(WAITING)
    start_and_wait(process)
    paths.run.mkdir(parents=True)
    write_plan(plan_path(paths.run), PLAN)
    assert process.stop() and process.state().status == "stopping"
    time.sleep(0.1)  # signals that come at once are one
    assert process.stop()
    state = wait_for(process, "stopped")
    assert (paths.logs / "training.log").read_text() == "1 signal\n"
    assert "goes on from there" in state.lines[-1] and state.can_start
    assert not process.stop()


def test_before_its_first_phase_it_is_starting(training):
    process = training(WAITING)
    start_and_wait(process)
    assert (process.state().phase, process.state().title) == ("", "starting")


def test_stopped_before_anything_was_learned_it_says_so(training):
    process = training(WAITING)
    start_and_wait(process)
    process.stop()
    assert wait_for(process, "stopped").lines[-1] == "It was stopped before anything was learned."


def test_one_at_a_time(training):
    process = training(WAITING)
    start_and_wait(process)
    with pytest.raises(ConflictError, match="one is under way already"):
        process.start()
    process.stop()
    wait_for(process, "stopped")
    start_and_wait(process)


def test_another_process_that_trains_comes_first(training, paths):
    process = training(WAITING)
    with files.lock(paths.run / ".lock"):
        state = process.state()
        assert not state.can_start and state.refusal == "another process trains just now"
        with pytest.raises(ConflictError, match="another process trains just now"):
            process.start()
    assert process.state().can_start


def test_without_a_session_there_is_nothing_to_learn_from(training, paths):
    (paths.episodes / "a.json").unlink()
    process = training(WAITING)
    with pytest.raises(ConflictError, match="nothing to learn from yet"):
        process.start()
    assert process.state().status == "idle"


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("print('the last line'); sys.stdout.flush(); os.kill(os.getpid(), signal.SIGKILL)",
         "was ended by SIGKILL; the last line of LOG: the last line"),
        ("raise RuntimeError('a bug')", "ended with exit code 1; the last line of LOG: RuntimeError: a bug"),
        ("print('error: settings.json: is wrong'); sys.exit(2)", "settings.json: is wrong"),
        ("print('No sessions in a folder: nothing is learned.')", "No sessions in a folder: nothing is learned."),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL; the last line of LOG: "),
    ],
)  # fmt: skip
def test_a_failure_is_said_in_words_with_the_logs_last_line(training, paths, code, named):
    process = training(code)
    process.start()
    state = wait_for(process, "failed")
    assert state.error.endswith(named.replace("LOG", str(paths.logs / "training.log")))
    assert state.can_start and state.ended
    restarted = TrainingProcess(paths, ()).state()
    assert (restarted.status, restarted.error, restarted.started) == ("failed", state.error, state.started)


def test_a_failure_is_forgotten_once_another_training_begins(training, paths):
    process = training("sys.exit(1)")
    process.start()
    wait_for(process, "failed")
    process = training(f"tell('outcome', outcome={ {**OUTCOME, 'nothing_new': True} })")
    process.start()
    wait_for(process, "done")
    assert TrainingProcess(paths, ()).state().status == "idle"


def test_what_fails_while_it_is_stopped_is_no_failure_to_remember(training, paths):
    going = training("""
signal.signal(signal.SIGTERM, lambda *_: os._exit(3))
tell("message", text="goes on")
time.sleep(60)
""")
    going.start()
    while not going.state().lines:
        time.sleep(0.02)
    going.stop()
    assert "exit code 3" in wait_for(going, "failed").error
    assert not (paths.run / "failure.json").exists()


def test_what_cannot_be_started_is_said(training, monkeypatch):
    process = training("")
    monkeypatch.setattr(training_process, "COMMAND", ("/absent/python",))
    process.start()
    assert "/absent/python" in wait_for(process, "failed").error


def test_the_end_of_the_server_stops_it_and_waits(training):
    process = training(WAITING)
    start_and_wait(process)
    process.close()
    assert process.state().status == "stopped"


def test_what_does_not_end_is_killed(training, paths, monkeypatch):
    monkeypatch.setattr(training_process, "STOP_SECONDS", 0.3)
    process = training("signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntell('message', text='x')\ntime.sleep(600)")
    start_and_wait(process)
    process.close()
    assert process.state().status == "failed" and "SIGKILL" in process.state().error
    write_plan(plan_path(paths.run), PLAN)
    assert TrainingProcess(paths, ()).state().status == "stopped"  # the next start goes on with it


def test_it_waits_for_the_tests_of_sessions_that_have_ended(training, paths):
    written = threading.Event()
    process = training(f"tell('outcome', outcome={OUTCOME})", wait_for_sessions=written.wait)
    process.start()
    time.sleep(0.5)
    state = process.state()
    assert (state.status, state.title) == ("running", "testing the sessions that have ended")
    assert not (paths.logs / "training.log").exists()
    written.set()
    wait_for(process, "done")


def test_stopped_while_its_process_starts_it_stops_that(training, monkeypatch):
    begins, popen = training("time.sleep(60)"), subprocess.Popen

    def start_and_stop(*arguments, **options):
        process = popen(*arguments, **options)
        begins.stop()
        return process

    monkeypatch.setattr(training_process.subprocess, "Popen", start_and_stop)
    started = time.monotonic()
    begins.start()
    assert wait_for(begins, "stopped").error is None and time.monotonic() - started < 30


def test_stopped_while_it_waits_it_starts_no_process(training, paths):
    process = training("", wait_for_sessions=lambda seconds: time.sleep(0.01) or False)
    process.start()
    process.stop()
    wait_for(process, "stopped")
    assert not (paths.logs / "training.log").exists()


def test_beside_nothing_new_stands_what_the_last_run_came_to(training, paths):
    paths.run.mkdir(parents=True)
    (paths.run / "outcome.json").write_text(json.dumps(OUTCOME))
    (paths.run / "training").mkdir()
    (paths.run / "training" / "train.jsonl").write_text(json.dumps(ROW) + "\n")
    new = {**OUTCOME, "table": [], "lines": ["Nothing is new."], "nothing_new": True}
    process = training(f"tell('outcome', outcome={new})")
    process.start()
    state = wait_for(process, "done")
    assert state.lines == ["Nothing is new."] and state.table[0].name == "NLL" and len(state.points) == 1

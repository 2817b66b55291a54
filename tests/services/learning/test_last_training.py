"""The last training promises: after a restart it is what the files say, whoever ran it; damage leaves parts out."""

import json
import os
from dataclasses import replace

import pytest

import files
from data_paths import DataPaths
from services.learning.last_training import Failure, LastTraining, apply_outcome, point, save_failure
from services.messages.learning_messages import TrainingMessage
from training.runs.outcome_file import save_outcome
from training.runs.run_files import FAILURE, OUTCOME, plan_path
from training.runs.run_plan import RunPlan, write_plan
from training.runs.training_manifest import ManifestEntry, append_entry

PLAN = RunPlan("id", "fingerprint", "fresh", None, 0, ())

RECORD = {
    "run_id": "b", "started": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:01:00+00:00",
    "sessions": "learned_from", "table": [{"name": "NLL", "after": {"mean": 1.0, "error": None}}],
    "lines": ["Learned from 3 sessions."], "generation": "000002-b", "replaced": False, "nothing_new": False,
}  # fmt: skip


@pytest.fixture
def paths(tmp_path):
    paths = DataPaths(tmp_path)
    (paths.run / "training").mkdir(parents=True)
    return paths


def log(paths, *rows):
    (paths.run / "training" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def row(run_id, epoch):
    return {"run_id": run_id, "run_label": "x", "phase": "bc", "epoch": epoch, "loss": 1.0}


def test_where_nothing_was_learned_it_is_idle(tmp_path):
    assert LastTraining(DataPaths(tmp_path / "absent")).state() == TrainingMessage("idle")


def test_what_a_run_came_to_is_there_with_its_own_epochs(paths):
    save_outcome(paths.run, RECORD)
    log(paths, row("a", 1), row("b", 1), row("b", 2), row("c", 1))
    state = LastTraining(paths).state()
    assert (state.status, state.started, state.ended) == ("done", RECORD["started"], RECORD["ended"])
    assert [(each.epoch, each.metrics) for each in state.points] == [(1, {"loss": 1.0}), (2, {"loss": 1.0})]
    assert (state.sessions, state.table[0].name, state.generation) == ("learned_from", "NLL", "000002-b")
    assert state.lines == ["Learned from 3 sessions."] and state.replaced is False


def test_a_failure_counts_until_a_later_training_leaves_something(paths):
    save_outcome(paths.run, RECORD)
    save_failure(paths, Failure("2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00", "no memory"))
    last = LastTraining(paths)
    assert (last.state().status, last.state().error, last.state().ended[:10]) == ("failed", "no memory", "2026-01-02")
    with files.lock(paths.run / ".lock"):
        state = last.state()
        assert (state.status, state.elsewhere, state.error) == ("running", True, None)
    os.utime(paths.run / OUTCOME, (2**33, 2**33))
    assert last.state().status == "done"


@pytest.mark.parametrize("content", ["{", "[]", '{"error": 1}', ""])
def test_a_damaged_failure_is_none(paths, content):
    save_outcome(paths.run, RECORD)
    (paths.run / FAILURE).write_text(content)
    assert LastTraining(paths).state().status == "done"


def test_an_interrupted_run_was_stopped_and_shows_the_epochs_of_the_latest_run(paths):
    save_outcome(paths.run, RECORD)
    log(paths, row("b", 1), row("c", 1))
    write_plan(plan_path(paths.run), PLAN)
    state = LastTraining(paths).state()
    assert state.status == "stopped" and "goes on from there" in state.lines[0]
    assert len(state.points) == 1 and state.table == []


def test_a_run_on_simulated_sessions_is_none_of_the_persons(paths):
    write_plan(plan_path(paths.run), replace(PLAN, trained_on="scripted"))
    assert LastTraining(paths).state() == TrainingMessage("idle")


@pytest.mark.parametrize("content", ["{}", "{", "[]", ""])
def test_a_damaged_plan_is_none_and_stays_as_it_is(paths, content):
    plan_path(paths.run).write_text(content)
    assert LastTraining(paths).state() == TrainingMessage("idle")
    assert plan_path(paths.run).read_text() == content


def test_an_interrupted_run_that_somebody_goes_on_with_is_running_elsewhere(paths):
    write_plan(plan_path(paths.run), PLAN)
    last = LastTraining(paths)
    with files.lock(paths.run / ".lock"):
        state = last.state()
        assert (state.status, state.elsewhere, state.lines) == ("running", True, [])
    assert last.state().status == "stopped"


def test_a_run_that_left_no_outcome_is_told_from_the_manifest(paths):
    for folder, generation in [(paths.models.name, "000001-a"), ("models-from-scripted", "000009-z")]:
        append_entry(paths.manifest, ManifestEntry(generation, folder, ("s", "t"), (), ()))
    state = LastTraining(paths).state()
    assert state.status == "done" and state.generation == "000001-a" and state.replaced
    assert state.lines == ["Its models, generation 000001-a, became current."]
    append_entry(paths.manifest, ManifestEntry("000001-b", "not-in-use", ("s",), (), ()))
    assert LastTraining(paths).state().lines[0].endswith("did not become current.")


def test_it_is_read_again_once_a_file_has_changed(paths):
    last = LastTraining(paths)
    assert last.state().status == "idle"
    save_outcome(paths.run, RECORD)
    first = last.state()
    first.lines.append("what a caller does with it")
    assert last.state().lines == RECORD["lines"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"\xff", json.dumps(RECORD | {"table": 3}).encode(), b"[" * 100_000]
)
def test_a_damaged_outcome_is_no_error(paths, content):
    (paths.run / OUTCOME).write_bytes(content)
    assert LastTraining(paths).state().table == []


def test_damaged_lines_of_the_log_are_left_out(paths):
    save_outcome(paths.run, RECORD)
    torn = ["{", "[]", "3", '{"run_id": "b"}', '{"run_id": "b", "phase": "bc", "epoch": "x"}']
    lines = [*torn, json.dumps(row("b", 1))]
    (paths.run / "training" / "train.jsonl").write_text("\n".join(lines))
    assert [each.epoch for each in LastTraining(paths).state().points] == [1]


def test_a_line_of_the_log_that_is_none_is_refused():
    with pytest.raises(ValueError):
        point({"phase": "bc"})


def test_a_damaged_outcome_changes_no_message():
    message = TrainingMessage("running", lines=["x"])
    apply_outcome(message, {"lines": ["y"]})
    assert message == TrainingMessage("running", lines=["x"])

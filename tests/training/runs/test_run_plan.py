"""The plan of a run outlives a kill, and says whose sessions it is for. Damaged plans: test_damaged_files.py."""

import json
from dataclasses import replace

import pytest

from training.runs.damaged_files import DamagedFileError
from training.runs.run_plan import RunPlan, read_plan, remove_plan, write_plan

PLAN = RunPlan("id", "fingerprint", "fresh", None, 3, ("a", "b"))


def test_a_plan_is_read_as_it_was_written_until_it_is_removed(tmp_path):
    path = tmp_path / "run" / "plan.json"
    assert read_plan(path) is None
    write_plan(path, PLAN)
    assert read_plan(path) == PLAN
    remove_plan(path)
    remove_plan(path)
    assert read_plan(path) is None


def test_a_plan_says_whose_sessions_it_is_for_and_an_older_one_is_for_a_persons(tmp_path):
    path = tmp_path / "plan.json"
    write_plan(path, replace(PLAN, trained_on="scripted"))
    assert read_plan(path).trained_on == "scripted"
    older = json.loads(path.read_text())
    del older["trained_on"]
    path.write_text(json.dumps(older))
    assert read_plan(path) == PLAN


@pytest.mark.parametrize("count", [-1, 2**63, True, 1.0, "3"])
def test_a_count_of_games_that_is_none_is_no_plan(tmp_path, count):
    path = tmp_path / "plan.json"
    write_plan(path, replace(PLAN, games_before=count))
    with pytest.raises(DamagedFileError):
        read_plan(path)
    assert path.exists()

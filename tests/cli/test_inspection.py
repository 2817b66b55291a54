"""`inspect` says what was read and why not, who decided what, what was kept of it, and what it was worth."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace

import pytest

import rewards
from actions import NAMES, Decision
from cli import run_tasks
from cli.inspection import inspect, render, report
from config import RewardWeights
from line_tracking import carry_attribution
from state import Cursor, Env, State, unedited
from state_adapter import Action, Episode, Summary

NO_OP, FILL, WRITE_ONE, *_ = Decision


@pytest.fixture
def session():
    """The assistant writes a line that is kept, one that is undone, is silent, and writes on the skeleton."""
    head = "def f(x):"
    turns = [
        ([head], None),
        ([head, "    y = 1"], Action("A", WRITE_ONE, 0, True)),
        ([head, "    y = 1"], Action("H", NO_OP, -1, False)),
        ([head, "    y = 1", "    z = 2"], Action("A", FILL, 1, True)),
        ([head, "    y = 1"], Action("H", Decision.EDIT_EXISTING_LINES, 1, True)),
        ([head, "    y = 1"], Action("A", NO_OP, -1, True)),
        ([head, "    y = 1"], Action("H", NO_OP, -1, False)),
    ]
    states: list[State] = []
    for t, (lines, move) in enumerate(turns):
        human, assistant = unedited(len(lines)).copy(), unedited(len(lines))
        human[0] = (0, 0, len(head), 1, 0, 0)
        if move is not None:
            human, assistant = carry_attribution(states[-1], lines, move.agent, t)
        cursor = Cursor(True, 0, 0, t) if t == 0 else Cursor()
        states.append(State(tuple(lines), t, human, assistant, cursor, Env(True, 0, 2)))
    return Episode("e", "e/e.json", None, tuple(states), tuple(move for _, move in turns))


@pytest.fixture
def summary():
    skipped = [("bad.json", "line 1: found the end, expected JSON")]
    return Summary(2, 2, 9, 1, 7, skipped, Counter({"states replaced by a later one": 2}))


def test_report(session, summary):
    found = report([session], summary, RewardWeights(), 160)
    assert found["read"] == summary.as_dict()
    decisions = found["decisions"]
    assert tuple(decisions) == NAMES
    assert decisions["NO-OP"]["human"] == {"taken": 2, "read_off": 2}
    assert decisions["Edit Existing Lines"]["human"] == {"taken": 1, "read_off": 0}
    wrote = decisions["Write Single Line Code"]["assistant"]
    assert (wrote["taken"], wrote["read_off"], wrote["illegal"]) == (1, 0, 1)
    assert wrote["kept"] == wrote["survived"] == {"n": 1, "mean": 1.0}
    assert wrote["reward"]["mean"] == pytest.approx(0.1 + 0.25 + 1.0)
    filled = decisions["Fill Partial Line"]["assistant"]
    assert (filled["kept"], filled["survived"]) == ({"n": 1, "mean": 0.0}, {"n": 0, "mean": None})
    assert filled["reward"]["parts"]["undo_penalty"] == -0.75
    assert tuple(filled["reward"]["parts"]) == rewards.part_names()
    assert decisions["NO-OP"]["assistant"]["reward"]["mean"] == pytest.approx(0.1 + 0.05)
    nothing = decisions["Explain Multi Lines"]["assistant"]
    assert (nothing["taken"], nothing["kept"]["mean"], nothing["reward"]["mean"]) == (0, None, None)
    assert found["illegal"] == [{"source": "e/e.json", "t": 0, "decision": "Write Single Line Code", "line": 0}]


def test_a_decision_whose_line_is_unknown_is_not_illegal(session, summary):
    actions = tuple(replace(action, line=-1) if action else None for action in session.actions)
    found = report([replace(session, actions=actions)], summary, RewardWeights(), 160)
    assert found["illegal"] == [] and found["decisions"]["Fill Partial Line"]["assistant"]["taken"] == 1


def test_a_line_too_full_to_fill_is_illegal(session, summary):
    assert report([session], summary, RewardWeights(), 9)["decisions"]["Fill Partial Line"]["assistant"]["illegal"] == 1


def test_weights_are_the_callers(session, summary):
    found = report([session], summary, RewardWeights(undo_penalty=-2.0), 160)
    assert found["decisions"]["Fill Partial Line"]["assistant"]["reward"]["parts"]["undo_penalty"] == -2.0


def test_tables(session, summary):
    shown = render(report([session], summary, RewardWeights(), 160))
    rows = {line.split("  ")[0]: line for line in shown.splitlines() if line}
    assert rows["read"].split() == ["read", "2", "files,", "2", "sessions,", "9", "states"]
    assert rows["used"].split() == ["used", "1", "session,", "7", "states"]
    assert rows["repaired"].endswith("states replaced by a later one (2)")
    assert "  bad.json: line 1: found the end, expected JSON" in shown
    assert "e/e.json, t 0: Write Single Line Code at line 0" in shown
    decided, worth = shown.split("mean reward")
    assert "Write Single Line Code      0         0          1        1  100%   1      100%   1" in decided
    assert [line.split()[3:] for line in worth.splitlines() if line.startswith("Fill")] == [
        ["+0.00", "+0.10", "-0.75", "+0.00", "+0.00", "+0.00", "-0.65", "1"]
    ]
    assert [line.split()[3:] for line in worth.splitlines() if line.startswith("Explain Multi")] == [["-"] * 7 + ["0"]]
    assert "-0.00" not in shown


def test_long_lists_are_cut_and_no_name_breaks_the_table(session, summary):
    summary.skipped = [(f"{i}-\udcff.json", "no") for i in range(13)]
    shown = render(report([session], summary, RewardWeights(), 160))
    assert "9-\\udcff.json: no\n  and 3 more (--json lists all)" in shown
    assert "10-" not in shown


def test_a_registered_part_is_a_column(session, summary, monkeypatch):
    monkeypatch.setattr(rewards, "_REGISTERED", {"tidiness": lambda transition: 0.5})
    assert "  tidiness  " in render(report([session], summary, RewardWeights(), 160))


def test_no_registered_part_may_be_named_like_a_column(session, summary, monkeypatch):
    monkeypatch.setattr(rewards, "_REGISTERED", {})
    titles = render(report([session], summary, RewardWeights(), 160)).split("\n\n")[2].splitlines()[0]
    columns = re.split(r"  +", titles.strip())
    assert columns[0] == "mean reward" and columns[-2:] == ["total", "of"] and len(columns) == 9
    for name in columns:
        with pytest.raises(ValueError, match=name):
            rewards.register(name, lambda transition: 0.0)


def test_the_command_on_the_sample_sessions(sample_sessions, capsys):
    assert inspect(sample_sessions) == 0
    assert capsys.readouterr().out.startswith("read ")
    assert run_tasks.main(["inspect", "--episodes_dir", str(sample_sessions), "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out, parse_constant=pytest.fail)
    assert found["read"]["used"]["episodes"] == 2
    assert sum(by["assistant"]["taken"] for by in found["decisions"].values()) > 0
    assert printed.err == ""


def test_a_folder_without_sessions_is_one_line_of_error(tmp_path, capsys):
    assert run_tasks.main(["inspect", "--episodes_dir", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1


def test_control_characters_of_files_never_reach_the_terminal(tmp_path, sample_sessions, capsys):
    text = (sample_sessions / "sample-title-case" / "sample-title-case.json").read_text()
    (tmp_path / "good\x1b[2J.json").write_text(text.replace('"type":3', '"type":6'))
    (tmp_path / "bad\x1b]0;title\x07\n.json").write_text('{"states": "\x9b2J"}')
    assert run_tasks.main(["inspect", "--episodes_dir", str(tmp_path)]) == 0
    out, error = capsys.readouterr()
    assert "bad\\x1b]0;title" in out and all(line.isprintable() for line in (out + error).splitlines())

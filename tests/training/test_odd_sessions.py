"""Sessions that say little, or strange things: each trains all phases, with finite weights and without a warning."""

import json
import math
import warnings
from dataclasses import replace

import pytest
import torch

from state_adapter import read_episodes
from training.train_from_episodes import train_from_episodes

pytestmark = pytest.mark.usefixtures("short_refit")

CODE = "def f(x):\n    y = 1\n    return x"
NO_OP, EDIT, EXPLAIN = 0, 4, 6


def by_assistant(decision, line, **more):
    return {"H": None, "A": {"type": decision, "line": line, **more}}


def session(*states, name="e", **more):
    """Each state a text, or a text and the action that led to it."""
    pairs = [(state, None) if isinstance(state, str) else state for state in states]
    recorded = [{"timestep": t, "text": text, "attribution": [], "action": did} for t, (text, did) in enumerate(pairs)]
    return {"episode_id": name, "startTime": 0, "endTime": 1, "states": recorded} | more


SKELETON = {"human": {"turn": 0, "span": [0, 5], "actions": [1, 0, 0]}}
PROTECTED = session(
    "def f():", ("def f():\n#", by_assistant(EXPLAIN, 1)), "def f():", ("def f():", by_assistant(NO_OP, 0))
)
PROTECTED["states"][0]["attribution"] = [SKELETON]

LINES = [["a = 1", {}, {}, {}], ["b", {}, {}, {}]]
WAITS = {"A": {"type": "NO-OP", "line": -1}}
TYPES = {"H": {"type": EDIT, "line": -1}}

SESSIONS = {
    "only a human": session(CODE, CODE + "\na", CODE + "\nb"),
    "only an assistant": session(CODE, (CODE + "\na", by_assistant(EDIT, 1)), (CODE, by_assistant(EDIT, 1))),
    "one decision of a human": session(CODE, CODE + "\na"),
    "one decision of an assistant": session(CODE, (CODE + "\n# a", by_assistant(EXPLAIN, 3))),
    "one decision, which is not legal": session(CODE, (CODE + "\n# a", by_assistant(EXPLAIN, 0))),
    "nobody does anything": session(*[CODE, (CODE, by_assistant(NO_OP, 0))] * 3),
    "an empty file": session(*["", ("", by_assistant(NO_OP, 0))] * 2),
    "all lines protected": PROTECTED,
    "cut off": session(CODE, (CODE + "\n# a", by_assistant(EXPLAIN, 3)), CODE) | {"endTime": None},
    "odd characters": session("\x00\u2028\ud800", ("\x00\u2028\ud800\nb\x0c", by_assistant(EDIT, 1)), "x" * 100_000),
    "recorded as hardly possible": session(
        CODE, (CODE + "\n# a", by_assistant(EXPLAIN, 3, probability=5e-324, decision_probability=5e-324)), CODE
    ),
    "never a line": {"states": [[], [], []], "actions": [WAITS, {"H": {"type": NO_OP, "line": -1}}]},
    "no line at first": {"states": [[], [], LINES, LINES], "actions": [WAITS, TYPES, WAITS]},
    "eight without an assistant": [session(CODE, CODE + "\na", name=f"{i}") for i in range(8)],
}


@pytest.mark.parametrize("what", SESSIONS)
def test_it_trains(what, small, tmp_path):
    file = tmp_path / "sessions.json"
    file.write_text(json.dumps(SESSIONS[what]))
    episodes, _ = read_episodes(file)
    self_play = replace(small.zero_style, epochs=1, roots=1, horizon=2)
    config = replace(small, bc=replace(small.bc, epochs=1), ppo=replace(small.ppo, epochs=1), zero_style=self_play)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = train_from_episodes(config, episodes)
    assert all(math.isfinite(row["loss"]) for row in result.rows)
    for policy in (result.policies.human, result.policies.assistant):
        assert all(torch.isfinite(weight).all() for weight in policy.state_dict().values())

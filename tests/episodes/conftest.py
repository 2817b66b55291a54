"""Recorded sessions in few words, and what makes two episodes the same."""

import json

import numpy as np
import pytest


def blank():
    return {"turn": 0, "span": [0, 0], "actions": [False] * 3, "seconds": 0, "specialFlags": []}


def entry(human=None, assistant=None, cursor=None, undo=False, paste=False):
    """`human`, `assistant`: (turn, start, end); `cursor`: (turn, char)."""
    made = {"human": blank(), "assistant": blank(), "cursor": {"turn": 0, "char": 0}}
    for key, edit in {"human": human, "assistant": assistant}.items():
        if edit:
            made[key] |= {"turn": edit[0], "span": [*edit[1:]], "actions": [True, False, False]}
    if undo:
        made["human"]["specialFlags"] = ["undo"]
    if paste:
        made["human"]["specialFlags"] = [*made["human"]["specialFlags"], "paste"]
    if cursor:
        made["cursor"] = {"turn": cursor[0], "char": cursor[1]}
    return made


def state(t, text, action=None, attribution=(), **more):
    recorded = {"episode_id": "e", "timestep": t, "timestamp_ms": 1000 + t, "text": text}
    return recorded | {"attribution": [*attribution], "action": action, "env": None} | more


def by(agent, decision, line=0):
    """A recorded action, its line counted from 1."""
    return {"H": None, "A": None} | {agent: {"type": decision, "line": line}}


def session(*states, **more):
    return (
        {"episode_id": "e", "problem_id": "p", "model": "m", "startTime": 0, "endTime": 9}
        | {"states": [*states]}
        | more
    )


def same_state(a, b):
    fields = ("lines", "t", "cursor", "env", "timestamp_ms", "history", "last_known_line", "undone")
    equal = all(getattr(a, field) == getattr(b, field) for field in fields)
    return equal and np.array_equal(a.human, b.human) and np.array_equal(a.assistant, b.assistant)


def same_episode(a, b):
    fields = ("id", "problem_id", "actions", "cut_off")
    equal = all(getattr(a, field) == getattr(b, field) for field in fields) and len(a.states) == len(b.states)
    return equal and all(map(same_state, a.states, b.states))


class Recordings:
    """The functions above, and files in a folder of the test's own."""

    blank, entry, state, by, session = map(staticmethod, (blank, entry, state, by, session))
    same_state, same_episode = staticmethod(same_state), staticmethod(same_episode)

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def snapshot(self, session, folder=""):
        return self.write(f"{folder or '.'}/{session['episode_id']}/{session['episode_id']}.json", session)

    def stream(self, session, folder="", end=True, torn=""):
        name = session["episode_id"]
        head = {key: session[key] for key in ("episode_id", "problem_id", "model", "startTime")}
        head |= {key: session[key] for key in ("source_episode", "source_timestep") if key in session}
        states = [{key: value for key, value in one.items() if key != "env"} for one in session["states"]]
        rows = [head, *states, *([{"endTime": 9}] if end else [])]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        return self.write(f"{folder or '.'}/{name}/raw/{name}.jsonl", text + torn)


@pytest.fixture
def recordings(tmp_path):
    return Recordings(tmp_path)


@pytest.fixture(scope="session", name="same_episode")
def same_episode_fixture():
    return same_episode

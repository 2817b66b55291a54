"""Made-up sessions in which every decision is known, in the formats they are recorded in. Not here: reading them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Decided = tuple[str, int, int]
"""Who ("H", "A"), which decision (0 to 6), on which line (from 0; -1: none)."""

Session = tuple[list[str], list[Decided]]
"""Texts of the states, and the decisions between them: the i-th led from text i to text i + 1."""


def session(turns: int, seed: int) -> Session:
    """A session of `turns` decisions, the human's first.

    The human adds a line; the assistant rewrites the second one or takes NO-OP. The human's decisions are drawn,
    because nothing follows from them; no two texts are the same but around a NO-OP.
    """
    rng = np.random.default_rng(seed)
    lines = ["def solve(items):", "    total = 0"]
    texts, moves = ["\n".join(lines)], list[Decided]()
    for turn in range(turns):
        name = f"name{turn}x{rng.integers(1000)}"
        if turn % 2 == 0:
            lines.insert(int(rng.integers(2, len(lines) + 1)), f"    {name} = total + {turn}")
            moves.append(("H", int(rng.integers(1, 7)), int(rng.integers(2))))
        elif rng.integers(3):
            lines[1] = f"    {name} = max(items) - {turn}"
            moves.append(("A", 2, 1))
        else:
            moves.append(("A", 0, -1))
        texts.append("\n".join(lines))
    return texts, moves


def snapshot(recorded_session: Session) -> dict[str, Any]:
    """A recorded session: a state's action led to it, lines count from 1, the cursor is on the second line."""
    texts, moves = recorded_session
    led_to = [None, *(_action(move, first_line=1) for move in moves)]
    states = [
        {"timestep": t, "text": text, "attribution": [{}, {"cursor": {"turn": t, "char": 1}}], "action": action}
        for t, (text, action) in enumerate(zip(texts, led_to, strict=True))
    ]
    return {"episode_id": "made-up", "problem_id": None, "startTime": 0, "endTime": 1, "states": states}


def actions_led_to(recorded_session: Session) -> list[dict[str, Any]]:
    """A list of episodes with as many actions as states: each led to its state."""
    texts, moves = recorded_session
    return [{"states": _canonical(texts), "actions": [{}, *(_action(move) for move in moves)]}]


def actions_taken_on(recorded_session: Session) -> list[dict[str, Any]]:
    """A list of episodes with one action fewer than states: each was taken on its state."""
    texts, moves = recorded_session
    return [{"states": _canonical(texts), "actions": [_action(move) for move in moves]}]


FORMATS: dict[str, Callable[[Session], Any]] = {
    "snapshot": snapshot,
    "actions that led to their states": actions_led_to,
    "actions taken on their states": actions_taken_on,
}


def _canonical(texts: list[str]) -> list[dict[str, Any]]:
    cursor = {"on": True, "line": 1, "char": 0}
    return [
        {"lines_text": text.split("\n"), "t": t, "line_attribs": {"H": [], "A": []}, "cursor": {**cursor, "last_t": t}}
        for t, text in enumerate(texts)
    ]


def _action(move: Decided, first_line: int = 0) -> dict[str, Any]:
    agent, decision, line = move
    return {agent: {"type": decision, "line": line + first_line if line >= 0 else -1}}

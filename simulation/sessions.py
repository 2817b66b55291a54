"""Whole sessions: a person solves a problem from its skeleton while an assistant writes into the same file.

Not here: how a session is played.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from judge import Judge, Problem
from simulation.builtin_problems import PROBLEMS
from simulation.goal import Goal
from simulation.oracle_writer import NoisyOracle, TextWriter
from simulation.person import Person
from simulation.rollout import Assistant, RolloutSpec, run_rollouts
from state import ADDED, SPAN_END, T_LAST, Cursor, State, unedited
from state_adapter import Episode

ROUNDS = 24
"""Decisions of the assistant in a session at most."""
ROUNDS_AFTER_GOAL = 3
"""Rounds that a person stays when the solution stands."""
START_TIME_MS = 1_700_000_000_000
"""When simulated sessions begin, so that the same seed gives the same bytes."""


def first_state(problem: Problem) -> State:
    """The file before anybody typed: the skeleton, which is protected, and a blank line with the cursor."""
    given = problem.solution[: problem.skeleton]
    human = np.array(unedited(len(given) + 1))
    for row, line in zip(human, given, strict=False):
        row[T_LAST], row[SPAN_END], row[ADDED] = 0, len(line), 1
    human.flags.writeable = False
    lines = (*given, "")
    cursor = Cursor(True, len(given), 0, 0)
    return State(lines, 0, human, unedited(len(lines)), cursor, timestamp_ms=START_TIME_MS, last_known_line=len(given))


def simulate(
    people: Sequence[Person],
    count: int,
    assistant: Assistant,
    completer: TextWriter | None = None,
    judge: Judge | None = None,
    *,
    problems: Sequence[Problem] = PROBLEMS,
    seed: int = 0,
    rounds: int = ROUNDS,
    rounds_after_goal: int = ROUNDS_AFTER_GOAL,
) -> list[Episode]:
    """`count` sessions of each person, on the problems in turn; the same seed gives the same sessions.

    As in recordings, an episode begins with the person's first state.
    """
    games = []
    for person in people:
        for k in range(count):
            problem = problems[(k + len(person.name)) % len(problems)]
            name = f"{seed}/{person.name}/{k}"
            games.append(
                RolloutSpec(first_state(problem), Goal.solving(problem), person, name, "H", problem_id=problem.id)
            )
    played = run_rollouts(
        games, assistant, completer or NoisyOracle(), judge, horizon=rounds, rounds_after_goal=rounds_after_goal
    )
    return [replace(episode, states=episode.states[1:], actions=(None, *episode.actions[2:])) for episode in played]

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
from simulation.oracle_writer import NoisyOracle
from simulation.person import Person
from simulation.rollout import Assistant, RolloutSpec, WriterFactory, run_rollouts
from state import ADDED, SPAN_END, T_LAST, Cursor, State, unedited
from state_adapter import Episode

MAX_ROUNDS = 24
"""Decisions of the assistant in a session at most."""
ROUNDS_AFTER_GOAL = 3
"""Rounds that a person stays when the goal is reached."""
START_TIME_MS = 1_700_000_000_000
"""When simulated sessions begin, so that the same seed gives the same bytes."""


def first_state(problem: Problem) -> State:
    """The file before anybody typed: the skeleton, which is protected, and a blank line with the cursor."""
    skeleton = problem.solution[: problem.skeleton]
    human = np.array(unedited(len(skeleton) + 1))
    for row, line in zip(human, skeleton, strict=False):
        row[T_LAST], row[SPAN_END], row[ADDED] = 0, len(line), 1
    human.flags.writeable = False
    lines = (*skeleton, "")
    cursor = Cursor(True, len(skeleton), 0, 0)
    return State(
        lines,
        0,
        human,
        unedited(len(lines)),
        cursor,
        timestamp_ms=START_TIME_MS,
        last_known_line=len(skeleton),
    )


def simulate(
    people: Sequence[Person],
    count: int,
    assistant: Assistant,
    writers: WriterFactory | None = None,
    judge: Judge | None = None,
    *,
    problems: Sequence[Problem] = PROBLEMS,
    seed: int = 0,
    rounds: int = MAX_ROUNDS,
    rounds_after_goal: int = ROUNDS_AFTER_GOAL,
) -> list[Episode]:
    """`count` sessions of each person, on the problems in turn; the same seed gives the same sessions.

    writers: who writes the assistant's text, by default a `NoisyOracle`. As in recordings, an episode begins with the
    person's first state.
    """
    specs = [
        _session_spec(person, problems[(k + len(person.name)) % len(problems)], f"{seed}/{person.name}/{k}")
        for person in people
        for k in range(count)
    ]
    episodes = run_rollouts(
        specs, assistant, writers or NoisyOracle(), judge, horizon=rounds, rounds_after_goal=rounds_after_goal
    )
    return [replace(episode, states=episode.states[1:], actions=(None, *episode.actions[2:])) for episode in episodes]


def _session_spec(person: Person, problem: Problem, seed: str) -> RolloutSpec:
    goal = Goal.from_problem(problem)
    return RolloutSpec(first_state(problem), goal, person, seed, "H", problem_id=problem.id)

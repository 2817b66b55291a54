"""Requests for help as first sessions make them, and what a writer's answers to them are worth.

Scripted people type the solutions of problems without help (`simulation`); at some of the moments at which they pause,
each of the six decisions is asked for at a line that exploration draws. So the files are half written: cut in a line,
in a block, with what is below still missing. Not here: the table (`benchmarks.writers`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from actions import EXPLAIN, Action, Decision, apply_text, legality_mask
from alignment import strip_line_end
from benchmarks.text_faults import FAULTS, WrittenLines, faults
from config import FeaturizerConfig
from delegates import TextWriter, WritingContext
from delegates.cleaning import clean
from exploration import exploration_probabilities
from judge import Problem
from models.reviewer import Reviewer, WrittenText
from services.learning.current_reviewer import EXPLORING_SHARE
from simulation.acceptance import assess_lines
from simulation.assistants import SilentAssistant
from simulation.goal import Goal
from simulation.oracle_writer import NoisyOracle
from simulation.person import Turn
from simulation.rollout import RolloutSpec, run_rollouts
from simulation.scripted_people import PEOPLE
from simulation.sessions import MAX_ROUNDS, first_state
from state import State, unedited

MOMENTS = 3
"""Moments of each session at which help is asked for."""

ASKED_FOR = tuple(decision for decision in Decision if decision is not Decision.NO_OP)


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """A decision at a line of a half-written file, and what the person is after."""

    state: State
    decision: Decision
    line: int
    goal: Goal
    problem: Problem


@dataclass(frozen=True, slots=True)
class RequestAnswer:
    """What became of a request. text: "" for nothing. right: all lines are what the person wants there; of comments
    nobody knows. shown: the probability of being shown, with the share that exploration shows."""

    decision: Decision
    text: str
    faults: tuple[str, ...] = ()
    right: bool = False
    is_above_threshold: bool = False
    shown: float = 0.0
    line: str = ""


def requests(problems: Sequence[Problem], seed: int, moments: int = MOMENTS) -> Iterator[DecisionRequest]:
    """Of one session on each problem, the scripted people in turn."""
    people = list(PEOPLE.values())
    for i, problem in enumerate(problems):
        generator = Random(f"{seed}/{problem.id}")
        goal = Goal.from_problem(problem)
        spec = RolloutSpec(
            first_state(problem), goal, people[i % len(people)], f"{seed}/{i}", "H", problem_id=problem.id
        )
        (episode,) = run_rollouts([spec], SilentAssistant(), NoisyOracle(), horizon=MAX_ROUNDS)
        states = [state for state in episode.states[1:] if state.cursor.on and not goal.progress(state.lines).done]
        for state in generator.sample(states, min(moments, len(states))):
            yield from _requests_at(state, goal, problem, generator)


def _requests_at(state: State, goal: Goal, problem: Problem, generator: Random) -> Iterator[DecisionRequest]:
    legal = legality_mask([state], FeaturizerConfig.w_max)[0]
    probabilities = exploration_probabilities(state, legal)
    for decision in ASKED_FOR:
        if (weights := probabilities[decision]).sum() > 0:
            (line,) = generator.choices(range(len(weights)), weights.tolist())
            yield DecisionRequest(state, decision, line, goal, problem)


def answer(writer: TextWriter, request: DecisionRequest) -> RequestAnswer:
    """What the writer writes, cleaned, and what it is worth."""
    state, decision, line = request.state, request.decision, request.line
    completion = writer.write(state, decision, line, WritingContext(problem=request.problem))
    text = clean(completion.text, state, decision, line)
    column = state.cursor.char if state.cursor.line == line else None
    before = [strip_line_end(line_text) for line_text in state.lines]
    after = apply_text(before, decision, line, text, column)
    if not text or after == before:
        return RequestAnswer(decision, "")
    action = Action("A", decision, line)
    reviewer = Reviewer(exploration=EXPLORING_SHARE)
    kept = reviewer.kept(WrittenText.of(state, after, action, completion.mean_log_prob))
    return RequestAnswer(
        decision,
        text,
        tuple(faults(WrittenLines.of(before, after, decision))),
        decision not in EXPLAIN and _is_right(request, after),
        kept >= reviewer.threshold,
        reviewer.shown_probability(kept),
        before[line],
    )


def _is_right(request: DecisionRequest, after: Sequence[str]) -> bool:
    """Whether every line that was written is one of the solution in its place, or its beginning."""
    state = State(tuple(after), request.state.t + 1, unedited(len(after)), unedited(len(after)))
    turn = Turn(state, request.goal, request.state, Action("A", request.decision, request.line))
    lines = assess_lines(turn)
    return bool(lines) and all(line.quality == "right" for line in lines)


def summary(answers: Sequence[RequestAnswer]) -> dict[str, Any]:
    """Counts of the answers: in all, of code, of comments."""
    code = [answer for answer in answers if answer.decision not in EXPLAIN]
    comments = [answer for answer in answers if answer.decision in EXPLAIN]
    return dict(zip(KINDS, map(_counts, (answers, code, comments)), strict=True))


def _counts(answers: Sequence[RequestAnswer]) -> dict[str, Any]:
    written_answers = [answer for answer in answers if answer.text]
    return {
        "requests": len(answers),
        "written": len(written_answers),
        "right": sum(answer.right for answer in written_answers),
        "above": sum(answer.is_above_threshold for answer in written_answers),
        "shown": sum(answer.shown for answer in written_answers),
        "right_shown": sum(answer.shown for answer in written_answers if answer.right),
        "faulty": sum(bool(answer.faults) for answer in written_answers),
        "faults": dict(Counter(name for answer in written_answers for name in answer.faults)),
    }


COLUMNS = (
    "writer", "requests for", "n", "written", "faulty", *FAULTS, "right of requests", "right of written",
    "above threshold", "shown exploring", "right of shown",
)  # fmt: skip


KINDS = ("all", "code", "comments")


def cells(writer: str, kind: str, counts: dict[str, Any]) -> list[str]:
    """A row of the table, shares with 95 % intervals."""
    n, written_count = counts["requests"], counts["written"]
    return [
        writer,
        kind,
        str(n),
        share(written_count, n),
        share(counts["faulty"], written_count),
        *(str(counts["faults"].get(name, 0)) for name in FAULTS),
        share(counts["right"], n),
        share(counts["right"], written_count),
        share(counts["above"], n),
        share(counts["shown"], n),
        share(counts["right_shown"], counts["shown"]),
    ]


def share(count: float, of: float) -> str:
    """A share with its 95 % interval (Wilson)."""
    if not of:
        return "-"
    p, z = count / of, 1.96
    center, half = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    low, high = ((center + sign * half) / (1 + z * z / of) for sign in (-1, 1))
    return f"{p:.1%} [{low:.1%}, {high:.1%}]"

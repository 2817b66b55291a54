"""A person learned from sessions: acts as the human policy would, types what leads to the goal, keeps what they kept.

The policy does not know the goal; so its distribution is restricted to what leads there: decisions in the proportions
that the policy gives them, then lines in those that it gives each decision. Not here: the policy's network, how a
person's parameters are estimated (`person_fitting`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from actions import Decision
from simulation.acceptance import AcceptanceRates, undo_option
from simulation.goal_progress import GoalProgress, next_missing_lines, remaining_steps
from simulation.person import HumanPolicy, Option, PairProbabilities, Reply, Turn
from simulation.typing_model import (
    TypingStyle,
    TypingTask,
    cursor_line,
    execute,
    expected_action,
    inferred_action,
    noop_reply,
)

MAX_STEPS = 12
"""Steps to the goal that are on a person's mind, the first of the file."""

MIN_LINE_WEIGHT = 1e-4
"""Weight of a line that the policy rules out but the goal asks for."""

MIN_PROBABILITY = 1e-12
"""A probability that was drawn is recorded as no less than this."""

TasksByLine = dict[int, list[TypingTask]]
"""The tasks that count as one decision, by the line that they count at."""


@dataclass(frozen=True)
class LearnedPerson:
    """A person as their sessions show them; `acceptance` and `typing_style` come from `person_fitting.fit_person`."""

    name: str
    policy: HumanPolicy
    acceptance: AcceptanceRates
    typing_style: TypingStyle

    def options(self, turn: Turn, pairs: PairProbabilities | None) -> Sequence[Option]:
        """Taking something back, else one option for each decision that the policy takes and the goal has use for."""
        if pairs is None:
            raise ValueError(f"{self.name} acts by a policy, whose probabilities are missing")
        undo, keep_all = undo_option(turn, self.acceptance)
        return [*undo, *self._acting_options(turn, pairs, keep_all)]

    def _acting_options(self, turn: Turn, pairs: PairProbabilities, mass: float) -> list[Option]:
        """What they do, with probability `mass` in all, if they take nothing back."""
        tasks = useful_tasks(turn.progress, cursor_line(turn.state))
        if not tasks:
            return [Option(mass, lambda _: noop_reply(turn.state))]
        weights = _decision_weights(pairs, (Decision.NO_OP, *tasks))
        total = sum(weights.values())
        options = [Option(mass * weights[Decision.NO_OP] / total, lambda _: noop_reply(turn.state))]
        for decision, by_line in tasks.items():
            floor = MIN_LINE_WEIGHT * weights[decision]
            line_weights = [float(pairs[decision, line]) + floor + MIN_PROBABILITY for line in by_line]
            probability = mass * weights[decision] / total
            reply = _PolicyReply(turn, self.typing_style, decision, probability, by_line, line_weights)
            options.append(Option(probability, reply.carry_out))
        return options


@dataclass(frozen=True, slots=True)
class _PolicyReply:
    """Doing one of the tasks that count as `decision`, which is taken with `probability`; line_weights: by line."""

    turn: Turn
    style: TypingStyle
    decision: Decision
    probability: float
    tasks: TasksByLine
    line_weights: list[float]

    def carry_out(self, generator: Random) -> Reply:
        """First the line is drawn, then a task of those that count at it."""
        weighted = list(zip(self.tasks, self.line_weights, strict=True))
        line, weight = generator.choices(weighted, self.line_weights)[0]
        state = execute(generator.choice(self.tasks[line]), self.turn, self.style, generator)
        action = inferred_action(self.turn.state, state)
        if (action.decision, action.line) == (self.decision, line):
            pair = max(self.probability * weight / sum(self.line_weights), MIN_PROBABILITY)
            action = replace(action, probability=pair, decision_probability=max(self.probability, MIN_PROBABILITY))
        return Reply(state, action)


def _decision_weights(pairs: PairProbabilities, decisions: Sequence[Decision]) -> dict[Decision, float]:
    """The policy's probability of each decision; all alike if it gives them none."""
    marginal = pairs.sum(axis=1)
    weights = {decision: float(marginal[decision]) for decision in decisions}
    return weights if sum(weights.values()) > 0.0 else dict.fromkeys(weights, 1.0)


def useful_tasks(progress: GoalProgress, cursor: int) -> dict[Decision, TasksByLine]:
    """What leads to the goal, by the decision and line that it counts as."""
    tasks: defaultdict[Decision, defaultdict[int, list[TypingTask]]] = defaultdict(lambda: defaultdict(list))
    for step in remaining_steps(progress)[:MAX_STEPS]:
        choices = [TypingTask(step)]
        if step.kind in ("type", "insert") and len(next_missing_lines(progress, step.goal, 2)) > 1:
            choices.append(TypingTask(step, block=True))
        for task in choices:
            decision, line = expected_action(task, progress, cursor)
            tasks[decision][line].append(task)
    return {decision: dict(by_line) for decision, by_line in tasks.items()}

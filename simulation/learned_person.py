"""A person learned from sessions: acts as the human policy would, types what leads to the goal, keeps what they kept.

The policy does not know the goal; so its distribution is restricted to what leads there: decisions in the proportions
that the policy gives them, then lines in those that it gives each decision. Not here: the policy's network, how habits
are estimated (`person_fitting`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from actions import Decision
from simulation.acceptance import AcceptanceRates, undo_option
from simulation.goal_progress import GoalProgress, next_missing_lines, progress, remaining_steps
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
"""Pieces of the goal that are on a person's mind, the first of the file."""

MIN_LINE_WEIGHT = 1e-4
"""Weight of a line that the policy rules out but the goal asks for."""

MIN_PROBABILITY = 1e-12
"""A probability that was drawn is recorded as no less than this."""


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
        now = progress(turn.state.lines, turn.goal.lines)
        undo, kept = undo_option(turn, self.acceptance)
        return [*undo, *self._acting(turn, now, pairs, kept)]

    def _acting(self, turn: Turn, now: GoalProgress, pairs: PairProbabilities, mass: float) -> list[Option]:
        useful = tasks(now, cursor_line(turn.state))
        if not useful:
            return [Option(mass, lambda _: noop_reply(turn.state))]
        marginal = pairs.sum(axis=1)
        weights = {decision: float(marginal[decision]) for decision in (Decision.NO_OP, *useful)}
        total = sum(weights.values())
        if total <= 0.0:
            weights, total = dict.fromkeys(weights, 1.0), float(len(weights))
        options = [Option(mass * weights[Decision.NO_OP] / total, lambda _: noop_reply(turn.state))]
        for decision, lines in useful.items():
            chance = mass * weights[decision] / total
            at = [
                float(pairs[decision, line]) + MIN_LINE_WEIGHT * weights[decision] + MIN_PROBABILITY for line in lines
            ]
            doing = self._doing(turn, now, lines, at, chosen=(decision, chance))
            options.append(Option(chance, doing))
        return options

    def _doing(
        self,
        turn: Turn,
        now: GoalProgress,
        lines: dict[int, list[TypingTask]],
        weights: list[float],
        *,
        chosen: tuple[Decision, float],
    ) -> Callable[[Random], Reply]:
        """One of the tasks that count as the decision `chosen` (with its chance): first the line is drawn, then it."""
        decision, chance = chosen

        def carry_out(generator: Random) -> Reply:
            line, weight = generator.choices(list(zip(lines, weights, strict=True)), weights)[0]
            state = execute(generator.choice(lines[line]), turn.state, now, self.typing_style, generator)
            move = inferred_action(turn.state, state)
            if (move.decision, move.line) == (decision, line):
                pair = max(chance * weight / sum(weights), MIN_PROBABILITY)
                move = replace(move, probability=pair, decision_probability=max(chance, MIN_PROBABILITY))
            return Reply(state, move)

        return carry_out


def tasks(now: GoalProgress, cursor: int) -> dict[Decision, dict[int, list[TypingTask]]]:
    """What leads to the goal, by the decision and line that it counts as."""
    found: defaultdict[Decision, defaultdict[int, list[TypingTask]]] = defaultdict(lambda: defaultdict(list))
    for step in remaining_steps(now)[:MAX_STEPS]:
        choice = [TypingTask(step)]
        if step.kind in ("type", "insert") and len(next_missing_lines(now, step.goal, 2)) > 1:
            choice.append(TypingTask(step, several=True))
        for task in choice:
            decision, line = expected_action(task, now, cursor)
            found[decision][line].append(task)
    return {decision: dict(lines) for decision, lines in found.items()}

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
from simulation.acceptance import Tastes, react
from simulation.goal_progress import Progress, following, pieces, progress
from simulation.person import HumanPolicy, Option, Pairs, Reply, Turn
from simulation.typing_model import Hands, Task, do, known_line, label, nominal, rest

MOST_PIECES = 12
"""Pieces of the goal that are on a person's mind, the first of the file."""

FLOOR = 1e-4
"""Weight of a line that the policy rules out but the goal asks for."""

LEAST = 1e-12
"""A probability that was drawn is recorded as no less than this."""


@dataclass(frozen=True)
class LearnedPerson:
    """A person as their sessions show them. `policy`: their decisions; `tastes`, `hands`: `person_fitting.estimate`."""

    name: str
    policy: HumanPolicy
    tastes: Tastes
    hands: Hands

    def options(self, turn: Turn, pairs: Pairs | None) -> Sequence[Option]:
        """Taking something back, else one option for each decision that the policy takes and the goal has use for."""
        if pairs is None:
            raise ValueError(f"{self.name} acts by a policy, whose probabilities are missing")
        now = progress(turn.state.lines, turn.goal.lines)
        undo, kept = react(turn, self.tastes)
        return [*undo, *self._acting(turn, now, pairs, kept)]

    def _acting(self, turn: Turn, now: Progress, pairs: Pairs, mass: float) -> list[Option]:
        useful = tasks(now, known_line(turn.state))
        if not useful:
            return [Option(mass, lambda _: rest(turn.state))]
        marginal = pairs.sum(axis=1)
        weights = {decision: float(marginal[decision]) for decision in (Decision.NO_OP, *useful)}
        total = sum(weights.values())
        if total <= 0.0:
            weights, total = dict.fromkeys(weights, 1.0), float(len(weights))
        options = [Option(mass * weights[Decision.NO_OP] / total, lambda _: rest(turn.state))]
        for decision, lines in useful.items():
            chance = mass * weights[decision] / total
            at = [float(pairs[decision, line]) + FLOOR * weights[decision] + LEAST for line in lines]
            doing = self._doing(turn, now, lines, at, chosen=(decision, chance))
            options.append(Option(chance, doing))
        return options

    def _doing(
        self,
        turn: Turn,
        now: Progress,
        lines: dict[int, list[Task]],
        weights: list[float],
        *,
        chosen: tuple[Decision, float],
    ) -> Callable[[Random], Reply]:
        """One of the tasks that count as the decision `chosen` (with its chance): first the line is drawn, then it."""
        decision, chance = chosen

        def carry_out(generator: Random) -> Reply:
            line, weight = generator.choices(list(zip(lines, weights, strict=True)), weights)[0]
            state = do(generator.choice(lines[line]), turn.state, now, self.hands, generator)
            move = label(turn.state, state)
            if (move.decision, move.line) == (decision, line):
                pair = max(chance * weight / sum(weights), LEAST)
                move = replace(move, probability=pair, decision_probability=max(chance, LEAST))
            return Reply(state, move)

        return carry_out


def tasks(now: Progress, cursor: int) -> dict[Decision, dict[int, list[Task]]]:
    """What leads to the goal, by the decision and line that it counts as."""
    found: defaultdict[Decision, defaultdict[int, list[Task]]] = defaultdict(lambda: defaultdict(list))
    for piece in pieces(now)[:MOST_PIECES]:
        choice = [Task(piece)]
        if piece.kind in ("type", "insert") and len(following(now, piece.goal, 2)) > 1:
            choice.append(Task(piece, several=True))
        for task in choice:
            decision, line = nominal(task, now, cursor)
            found[decision][line].append(task)
    return {decision: dict(lines) for decision, lines in found.items()}

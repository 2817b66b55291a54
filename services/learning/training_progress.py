"""How much of a whole training is done, over all its phases, and how long the rest may take. Not here: its events."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

PHASES = ("loading", "bc", "ppo_from_episodes", "zero_style", "evaluation")
"""In the order in which a training goes through them."""

STEP_COSTS = {"bc": 1.0, "ppo_from_episodes": 2.8, "zero_style": 4.3}
"""What a step of a phase takes, measured against one of `bc`; self-play's with its share of the games."""

OTHER_COSTS = {"loading": 3.0, "evaluation": 10.0}
"""What a phase that learns nothing takes, however long it is."""

PPO_STEPS, SELF_PLAY_STEPS = 0.5, 16.0
"""Steps of an epoch that are expected before the phase says its own: for each of an epoch of `bc`; at most."""

USUAL_STEPS = 8.0
"""Of an epoch of `bc`, as long as it is unknown."""

MEANINGFUL_SECONDS, MEANINGFUL_SHARE = 15.0, 0.03
"""How long, and how much of, a training must have worked before it says what is left."""

OWN_PACE_SHARE = 0.1
"""Share of a phase from which on its own pace says how long the rest of it takes."""


@dataclass
class _Work:
    """Cost that was worked off, and the seconds that it took."""

    cost: float = 0.0
    seconds: float = 0.0


class OverallProgress:
    """The progress of one training, as its phases tell of it. Its share never falls, whatever phases turn out to be."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.share = 0.0
        self._costs: dict[str, float] = {}
        self._cloning_steps = USUAL_STEPS
        self._phase, self._steps, self._phase_share = "", 0, 0.0
        self._began = self._advanced = 0.0
        self._earlier = _Work()

    def begin(self, phase: str, steps: int, plan: Mapping[str, int]) -> None:
        """A phase begins with so many steps at most. plan: epochs of each phase that has any, at most."""
        self._earlier = self._work()
        self._phase, self._steps, self._phase_share = phase, steps, 0.0
        self._began = self._advanced = self._clock()
        if phase == "bc" and plan.get(phase):
            self._cloning_steps = steps / plan[phase]
        self._costs = {**_expected_costs(plan, self._cloning_steps), **self._known_costs()}
        if phase in STEP_COSTS:
            self._costs[phase] = STEP_COSTS[phase] * steps
        self._note_share()

    def advance(self, steps: int) -> None:
        """So many steps of the phase are done, in all."""
        self._phase_share = min(steps / self._steps, 1.0) if self._steps else 0.0
        self._advanced = self._clock()
        self._note_share()

    def seconds_left(self) -> float | None:
        """About how long the rest takes; None: it is too early to say."""
        work, total = self._work(), sum(self._costs.values())
        if work.seconds < MEANINGFUL_SECONDS or work.cost < MEANINGFUL_SHARE * total:
            return None
        pace = work.seconds / work.cost
        cost = self._costs.get(self._phase, 0.0)
        done = self._phase_share * cost
        own_pace = (self._advanced - self._began) / done if done and self._phase_share >= OWN_PACE_SHARE else pace
        left = (cost - done) * own_pace + self._cost_of(self._later()) * pace
        return max(left - (self._clock() - self._advanced), 0.0)

    def _note_share(self) -> None:
        total = sum(self._costs.values())
        done = self._cost_of(self._before()) + self._phase_share * self._costs.get(self._phase, 0.0)
        self.share = max(self.share, min(done / total, 1.0)) if total else self.share

    def _work(self) -> _Work:
        """Of the phases that learn, up to the last step that was told."""
        if self._phase not in STEP_COSTS:
            return self._earlier
        cost = self._phase_share * self._costs[self._phase]
        return _Work(self._earlier.cost + cost, self._earlier.seconds + self._advanced - self._began)

    def _known_costs(self) -> dict[str, float]:
        """Of the phases that have said their steps."""
        return {phase: cost for phase, cost in self._costs.items() if phase in self._before()}

    def _before(self) -> tuple[str, ...]:
        return PHASES[: PHASES.index(self._phase)] if self._phase in PHASES else ()

    def _later(self) -> tuple[str, ...]:
        return PHASES[PHASES.index(self._phase) + 1 :] if self._phase in PHASES else PHASES

    def _cost_of(self, phases: tuple[str, ...]) -> float:
        return sum(self._costs.get(phase, 0.0) for phase in phases)


def _expected_costs(plan: Mapping[str, int], cloning_steps: float) -> dict[str, float]:
    """Of every phase, before it has said how many steps it has."""
    epoch_steps = {"bc": cloning_steps, "ppo_from_episodes": PPO_STEPS * cloning_steps, "zero_style": SELF_PLAY_STEPS}
    learning = {name: plan.get(name, 0) * steps * STEP_COSTS[name] for name, steps in epoch_steps.items()}
    return {**OTHER_COSTS, **learning}

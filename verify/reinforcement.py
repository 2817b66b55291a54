"""The assistant learns from rewards, through the product's own PPO phase: from its own decisions, and from decisions
that another policy took. Measured as probabilities under the policy, not as luck in drawing from it.

Not here: what real decisions are worth (tests of `rewards`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from actions import Decision
from config import PPOConfig
from inference import decide
from models import Models
from state import State
from state_adapter import Action, Episode
from training.data import behaviour_policy, transitions
from training.data.transitions import Dataset
from training.networks.training_networks import TrainingNetworks
from training.ppo.ppo_phase import PPOPhase
from verify.check import THRESHOLDS, Check, CheckSettings, Result
from verify.network import Network, fresh_policies
from verify.tasks import Labelled, labelled, plain

FREE = PPOConfig(steps=1_000_000, passes=3, target_kl=2.0, start_anchor=0.0, human_anchor=0.0)
"""The product's update without what holds a policy to where it began, so that few steps show where it goes."""


@dataclass(frozen=True)
class Games:
    """How `ppo_toy` goes: rounds of playing and learning, decisions in a round, learning rates."""

    rounds: int = 6
    decisions: int = 320
    transformer: float = 1.2e-3
    recurrent: float = 2.5e-3


def ppo_toy(settings: CheckSettings, games: Games | None = None) -> Result:
    """PPO on the policy's own decisions: its expected reward on fresh states rises.

    A decision is worth 1 if it is the one that the word on the cursor's line asks for, else 0. The policy plays
    (`inference.decide`, sampling), what it did is recorded with its probability, and PPO learns from the recording.
    """
    games, settings = games or Games(), settings.shallow().narrow()
    fresh = labelled(settings.held_out, settings.seed_of("toy", "fresh"))
    before, after = {}, {}
    for backbone in settings.backbones:
        policies = _policies(settings, backbone, torch.zeros(7))
        before[backbone] = _expected_reward(policies, fresh)
        rate = games.transformer if backbone == "lg_transformer" else games.recurrent
        for i in range(games.rounds):
            task = labelled(games.decisions, settings.seed_of("toy", i))
            moves = _play(policies, task.states, settings.seed_of("play", backbone, i))
            rewards = [float(m.decision == right) for m, right in zip(moves, task.decision, strict=True)]
            config, seed = replace(FREE, learning_rate=rate), settings.seed_of("ppo", backbone, i)
            _learn(policies, task.states, moves, rewards, config=config, seed=seed)
        after[backbone] = _expected_reward(policies, fresh)
    pre, post = max(before.values()), min(after.values())
    return {
        "passed": post >= THRESHOLDS["ppo_post_reward_ge"] and post >= pre + 0.2,
        "pre_reward": pre,
        "post_reward": post,
        "pre_reward_by_backbone": before,
        "post_reward_by_backbone": after,
        "measured_on": len(fresh.states),
    }


@dataclass(frozen=True)
class Arm:
    """One thing that can be done, how often the recorded behaviour did it, and what it was worth.

    probability: of the pair; decision_probability: of the decision.
    """

    decision: int
    line: int
    probability: float
    decision_probability: float
    reward: float


DECISIONS = (Arm(2, 1, 0.8, 0.8, 0.75), Arm(0, -1, 0.1, 0.1, 1.0), Arm(5, 1, 0.1, 0.1, 0.0))
LINES = (Arm(4, 0, 0.8, 0.9, 0.75), Arm(4, 2, 0.1, 0.9, 1.0), Arm(0, -1, 0.1, 0.1, 0.0))
"""Three arms: the one that the behaviour liked, the better one, a bad one.

The liked arm beats the mean of what was recorded, 0.7, as well: only its weight, an eighth of the better one's, tells
the two apart. With equal weights it gains at least as much: 0.8 * (0.75 - 0.7) against 0.1 * (1.0 - 0.7).
"""

BETTER_ARM_GE = 0.9
"""Least probability of the better arm after learning; with all weights equal it stays near one half."""


def ppo_off_policy(settings: CheckSettings, epochs: int = 12) -> Result:
    """PPO finds the better of three arms in recordings of a behaviour that rarely took it: decisions, then lines.

    The recordings are in exact proportion to the behaviour's probabilities, which stand in them. The cap on the
    weights and the way out to advantage-weighted regression are off: what is checked is the correction itself.
    """
    settings, backbone = settings.shallow().narrow(), settings.backbones[0]
    probabilities = {
        name: better_arm_probability(settings, backbone, arms, epochs)
        for name, arms in (("decision", DECISIONS), ("line", LINES))
    }
    return {
        "passed": min(after for _, after in probabilities.values()) >= BETTER_ARM_GE,
        "better_arm_before": {name: before for name, (before, _) in probabilities.items()},
        "better_arm_after": {name: after for name, (_, after) in probabilities.items()},
        "better_arm_recorded": DECISIONS[1].probability,
    }


def better_arm_probability(
    settings: CheckSettings,
    backbone: str,
    arms: Sequence[Arm],
    epochs: int,
    *,
    size: int = 80,
    sample_size_floor: float = 0.0,
) -> tuple[float, float]:
    """Probability of the second arm before and after learning from `size` recorded decisions.

    sample_size_floor: above 1 every update is advantage-weighted regression.
    """
    policies, recording = _arm_policies(settings, backbone, arms), record_arms(arms, size)
    config = replace(
        FREE,
        epochs=epochs,
        passes=4,
        batch_size=size,
        learning_rate=2e-3,
        importance_cap=1e3,
        sample_size_floor=sample_size_floor,
    )
    before = _probability(policies, recording.states, arms[1])
    _learn(policies, recording.states, recording.moves, recording.rewards, config=config, seed=settings.seed)
    return before, _probability(policies, recording.states, arms[1])


@dataclass(frozen=True)
class ArmRecording:
    """Decisions in exact proportion to the arms' probabilities, the state each was taken on, and what it was worth."""

    states: list[State]
    moves: list[Action]
    rewards: list[float]


def record_arms(arms: Sequence[Arm], size: int) -> ArmRecording:
    """About `size` decisions."""
    drawn = [arm for arm in arms for _ in range(round(arm.probability * size))]
    states = [plain(["first = 1", "second()", "return third"], t=1 + 7 * i % 50, cursor=1) for i in range(len(drawn))]
    moves = [_move(arm.decision, arm.line, arm.probability, arm.decision_probability) for arm in drawn]
    return ArmRecording(states, moves, [arm.reward for arm in drawn])


def arm_dataset(
    settings: CheckSettings, backbone: str, arms: Sequence[Arm], size: int
) -> tuple[TrainingNetworks, Dataset, list[float]]:
    """Fresh networks that take the arms evenly, the recording as a data set, and their probability of each arm."""
    policies, recording = _arm_policies(settings, backbone, arms), record_arms(arms, size)
    probabilities = [_probability(policies, recording.states, arm) for arm in arms]
    return policies, _dataset(policies, recording.states, recording.moves, recording.rewards), probabilities


def _arm_policies(settings: CheckSettings, backbone: str, arms: Sequence[Arm]) -> TrainingNetworks:
    prior = torch.full((7,), -9.0)
    prior[[arm.decision for arm in arms]] = 0.0
    return _policies(settings, backbone, prior.log_softmax(0))


def _policies(settings: CheckSettings, backbone: str, decision_log_prior: Tensor) -> TrainingNetworks:
    policies = fresh_policies(settings, backbone, "reinforcement")
    with torch.random.fork_rng(devices=[]):
        policies.initialise_assistant(decision_log_prior, settings.seed_of("head", backbone))
    return policies


def _play(policies: TrainingNetworks, states: list[State], seed: int) -> list[Action]:
    """What the assistant does on each state, recorded with its probability."""
    models = Models(policies.human.eval(), policies.assistant.eval(), policies.featurizer.eval(), {}, "verify")
    records = decide(states, models, strategy="sample", generator=torch.Generator().manual_seed(seed))
    return [_move(r.decision, r.line, r.probability, r.decision_probability) for r in records]


def _move(decision: int, line: int, probability: float, decision_probability: float) -> Action:
    return Action(
        "A",
        Decision(decision),
        line,
        recorded=True,
        probability=probability,
        decision_probability=decision_probability,
    )


def _learn(
    policies: TrainingNetworks,
    states: list[State],
    moves: list[Action],
    rewards: list[float],
    *,
    config: PPOConfig,
    seed: int,
) -> None:
    """The PPO phase on N decisions with their rewards, each an episode of its own."""
    data = _dataset(policies, states, moves, rewards)
    everyone = set(range(len(states)))
    fitted = behaviour_policy.fit_behaviour_policy(data.steps.choices)
    with torch.random.fork_rng(devices=[]):
        phase = PPOPhase(policies, data, everyone, fitted, config, seed=seed)
        while not phase.done:
            phase.begin()
            while phase.step():
                pass
            phase.finish()


def _dataset(policies: TrainingNetworks, states: list[State], moves: list[Action], rewards: list[float]) -> Dataset:
    episodes = [
        Episode(str(i), "verify", None, (state, replace(state, t=state.t + 1)), (None, move))
        for i, (state, move) in enumerate(zip(states, moves, strict=True))
    ]
    data = transitions.build_dataset(episodes, policies.featurizer)
    return replace(data, steps=replace(data.steps, reward=torch.tensor(rewards)))


@torch.no_grad()
def _expected_reward(policies: TrainingNetworks, task: Labelled) -> float:
    """Mean over the states of the right decision's probability."""
    joint = Network(policies.featurizer.eval(), policies.assistant.eval()).answer(task.states).joint
    right = torch.from_numpy(task.decision).to(joint.decision_log_probs.device)
    return float(joint.decision_log_prob(right).exp().mean())


@torch.no_grad()
def _probability(policies: TrainingNetworks, states: list[State], arm: Arm) -> float:
    """Mean over the states of the arm's probability."""
    joint = Network(policies.featurizer.eval(), policies.assistant.eval()).answer(states).joint
    return float(joint.pair_log_probs()[:, arm.decision, max(arm.line, 0)].exp().mean())


CHECKS = (
    Check("ppo_toy", ppo_toy, ("pre_reward", "post_reward")),
    Check("ppo_off_policy", ppo_off_policy),
)

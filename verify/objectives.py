"""What is learned points the right way: rewards, p(kept), regression to what worked, search, self-play, evaluation.

A sign that is turned round anywhere between a recording and a replaced model trains without an error. Each check gives
the product's own code a problem whose answer is known. Not here: how far a head gets (`fitting.py`,
`reinforcement.py`).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from actions import Decision
from config import BCConfig, PPOConfig, SearchConfig, TrainConfig, ZeroStyleConfig
from simulation.assistants import RandomAssistant
from simulation.scripted_people import PEOPLE
from simulation.sessions import simulate
from state_adapter import Action, Episode, read_episodes
from training.bc.cloning_phase import CloningPhase
from training.data import transitions
from training.data.transitions import Dataset
from training.evaluation.held_out_report import Baselines, evaluate_dataset
from training.evaluation.promotion import Scores, decide_promotion
from training.networks.predictions import Predictor
from training.networks.training_networks import TrainingNetworks
from training.search import Evaluation, SearchRandomness, run_search
from training.search.interfaces import Floats, Ints
from training.zero_style.policy_targets import TargetBatch
from training.zero_style.zero_style_phase import ZeroStylePhase
from verify import reference, reinforcement
from verify.check import Check, CheckSettings, Result
from verify.network import fresh_policies
from verify.reinforcement import Arm
from verify.sessions import Session, snapshot
from verify.tasks import plain

REWARD_TOLERANCE = 1e-6

SKELETON, WRITTEN = "def total(items):\n    result = 0", "def total(items):\n    result = sum(items)"

OUTCOMES: dict[str, tuple[list[str], float, float]] = {
    "retained": ([WRITTEN, WRITTEN + "\n    print(result)", WRITTEN + "\n    return result"], 1.0, 0.25 + 1.0),
    "undone": ([WRITTEN, SKELETON + "\n    print(result)", SKELETON + "\n    return result"], 0.0, -0.75),
    "removed later": ([WRITTEN, WRITTEN + "\n    print(result)", SKELETON + "\n    return result"], 1.0, 0.25 - 0.25),
}
"""What became of the assistant's line: the texts after it was written, the share retained at the human's reply, and
the reward that the default weights give (the specification's table)."""


def rewards(settings: CheckSettings) -> Result:
    """What is retained is rewarded, what is undone costs, and the share that p(kept) learns is the share retained."""
    reward_errors, share_errors = {}, {}
    featurizer = fresh_policies(settings, settings.backbones[0], "rewards").featurizer
    for outcome, (texts, share, total) in OUTCOMES.items():
        recorded_session = [SKELETON, *texts], [("A", 2, 1), ("H", 2, 1), ("H", 4, 1)]
        steps = transitions.build_dataset(_read(recorded_session), featurizer).steps
        assistant = steps.select(~steps.is_human)
        reward_errors[outcome] = abs(float(assistant.reward[0]) - total)
        share_errors[outcome] = abs(float(assistant.retained[0]) - share)
    return {
        "passed": max((*reward_errors.values(), *share_errors.values())) <= REWARD_TOLERANCE,
        "reward_errors": reward_errors,
        "share_errors": share_errors,
    }


def _read(recorded_session: Session) -> list[Episode]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "session.json")
        path.write_text(json.dumps(snapshot(recorded_session)), encoding="utf-8")
        return list(read_episodes(path, strict=True)[0])


RETENTION_GAIN = 0.05
"""How far the Brier score of p(kept) has to be below that of the mean share, 0.25 here."""


def retention_regression(settings: CheckSettings, epochs: int = 12, size: int = 192) -> Result:
    """p(kept) learns, in cloning, what decides whether a text is kept: whether the cursor's line is a comment."""
    settings, backbone = settings.shallow().narrow(), settings.backbones[0]
    policies = fresh_policies(settings, backbone, "retention")
    train = _retention_dataset(policies, settings, "train", size)
    fresh = _retention_dataset(policies, settings, "fresh", 96)
    config = BCConfig(epochs=epochs, batch_size=16, learning_rate=4e-3, kept_weight=4.0, kept_anchor=0.0)
    config = replace(config, value_weight=0.0, goal_weight=0.0)
    with torch.random.fork_rng(devices=[]):
        _run_phase(CloningPhase(policies, train, {0}, set(), config, gamma=0.0, seed=settings.seed_of("retention")))
    predictor = Predictor(policies.human, policies.featurizer, legal_only=False)
    predicted = predictor.predict(fresh.encoded, fresh.steps).retention_logit.sigmoid()
    retained = fresh.steps.retained
    brier, base = (float((p - retained).square().mean()) for p in (predicted, retained.mean()))
    return {"passed": brier <= base - RETENTION_GAIN, "brier": brier, "base_brier": base, "measured_on": len(retained)}


def _retention_dataset(policies: TrainingNetworks, settings: CheckSettings, name: str, size: int) -> Dataset:
    """Decisions of the assistant at the first line; retained where that line is a comment."""
    is_comment = torch.rand(size, generator=settings.generator("retention", name)) < 0.5
    texts = ["# explain the next line" if comment else "result = items[0]" for comment in is_comment.tolist()]
    states = [plain([text, f"x{i % 7} = {i % 5}"], t=1 + i, cursor=0) for i, text in enumerate(texts)]
    moves = (None, *(Action("A", Decision(2), 0, recorded=True) for _ in states))
    episode = Episode(name, "verify", None, (*states, states[-1]), moves)
    data = transitions.build_dataset([episode], policies.featurizer)
    return replace(data, steps=replace(data.steps, retained=is_comment.float()))


ARMS = (Arm(2, 1, 0.4, 0.4, 0.0), Arm(0, -1, 0.2, 0.2, 1.0), Arm(5, 1, 0.4, 0.4, 0.0))
"""Three arms of which one was worth something."""


def policy_regression(settings: CheckSettings) -> Result:
    """Where importance weights leave too small a sample, the update goes towards what worked, not away from it."""
    settings, backbone = settings.shallow().narrow(), settings.backbones[0]
    before, after = reinforcement.better_arm_probability(settings, backbone, ARMS, epochs=8, sample_size_floor=1.01)
    return {"passed": after > before + 0.1, "better_arm_before": before, "better_arm_after": after}


class TwoStepModel:
    """Two decisions: candidate 1 brings 0.5 now and nothing after; candidate 2 nothing now, and 1 by the next decision.

    A state is (depth, first candidate). There is one reply, which changes nothing. See `training.search.SearchModel`.
    """

    def evaluate(self, states: Sequence[tuple[int, int]]) -> Evaluation:
        pairs = np.tile(np.array([[0, -1], [2, 0], [3, 0]]), (len(states), 1, 1))
        log_probs = np.full((len(states), 3), -np.log(3))
        return Evaluation(pairs, log_probs, np.zeros(len(states)))

    def step(
        self, states: Sequence[tuple[int, int]], pairs: Ints, kept_probs: Floats
    ) -> tuple[list[tuple[int, int]], Floats]:
        afterstates, rewards = [], []
        for (depth, first), decision in zip(states, pairs[:, 0].tolist(), strict=True):
            candidate = max(decision - 1, 0) if depth == 0 else first
            afterstates.append((depth + 1, candidate))
            rewards.append({(0, 1): 0.5, (1, 2): 1.0}.get((depth, candidate), 0.0))
        return afterstates, np.array(rewards)

    def reply_log_probs(self, afterstates: Sequence[tuple[int, int]]) -> Floats:
        return np.tile(np.array([0.0] + [-np.inf] * 7), (len(afterstates), 1))

    def reply(
        self, afterstates: Sequence[tuple[int, int]], replies: Ints, seeds: Ints
    ) -> tuple[list[tuple[int, int]], Floats]:
        return list(afterstates), np.zeros(len(afterstates))


def search_backup(settings: CheckSettings, simulations: int = 64) -> Result:
    """`run_search` prefers what brings more later, discounted: 0.9 after one decision to 0.5 at once."""
    config = SearchConfig(simulations=simulations, candidates=3, considered=3, discount=0.9, depth=2, prior_visits=0.0)
    generators = [np.random.default_rng((settings.seed, game)) for game in range(4)]
    randomness = SearchRandomness.draw(generators, config, explore=False)
    result = run_search([(0, 0)] * len(generators), TwoStepModel(), config, randomness)
    qvalues = result.qvalues.mean(0)
    return {
        "passed": bool((result.decisions == 3).all() and qvalues[2] > qvalues[1] > 0.4),
        "decisions": result.decisions.tolist(),
        "qvalues": qvalues.tolist(),
    }


def self_play(settings: CheckSettings, roots: int = 8) -> Result:
    """After an epoch of self-play the policy is nearer to what its searches found, and p(kept) to what was kept.

    A scripted person's sessions, the product's phase without anchors; the cross-entropy is the reference's.
    """
    settings, backbone = settings.shallow().narrow(), settings.backbones[0]
    episodes = simulate([PEOPLE["likes_code"]], 2, RandomAssistant(), seed=settings.seed, rounds=6)
    policies = fresh_policies(settings, backbone, "self-play")
    data = transitions.build_dataset(episodes, policies.featurizer)
    ppo = PPOConfig(start_anchor=0.0, human_anchor=0.0, learning_rate=2e-3, batch_size=16)
    zero_style = ZeroStyleConfig(epochs=1, roots=roots, horizon=4, simulations=8, recorded_share=0.0, passes=8)
    config = TrainConfig(Path(), Path(), seed=settings.seed, ppo=ppo, zero_style=zero_style)
    with torch.random.fork_rng(devices=[]):
        phase = ZeroStylePhase(policies, episodes, data, range(len(episodes)), config, problems={})
        phase.begin()
        before = _cross_entropy(policies, phase.replay[0])
        while phase.step():
            pass
    after = _cross_entropy(policies, phase.replay[0])
    return {"passed": after < before - 0.01, "cross_entropy_before": before, "cross_entropy_after": after}


@torch.no_grad()
def _cross_entropy(policies: TrainingNetworks, batch: TargetBatch) -> float:
    """Mean cross-entropy between the searches' policies and the network's, by the definition."""
    policies.assistant.eval()
    predictor = Predictor(policies.assistant, policies.featurizer, legal_only=True)
    targets, total = batch.targets, 0.0
    pairs = predictor.reference(batch.encoded, targets.state_index)
    for i in range(len(targets)):
        width = int(targets.pairs[i, :, 1].max()) + 1
        log_probs = pairs.pair_log_probs(targets.state_index[i : i + 1], width)[0].numpy()
        candidates = [tuple(pair) for pair in targets.pairs[i][targets.exists[i]].tolist()]
        policy = targets.policy[i][targets.exists[i]].tolist()
        total += reference.cross_entropy(candidates, policy, float(targets.mass_outside_candidates[i]), log_probs)
    return total / len(targets)


RETURN_TOLERANCE = 0.03


def off_policy_evaluation(settings: CheckSettings, size: int = 80) -> Result:
    """The estimated return of a policy is its own, not that of the policy that recorded.

    The arms of `reinforcement`, in exact proportion to the recorded probabilities; the policy decides evenly.
    """
    settings, backbone = settings.shallow().narrow(), settings.backbones[0]
    policies, data, probabilities = reinforcement.arm_dataset(settings, backbone, reinforcement.DECISIONS, size)
    episodes, config = range(len(data.ids)), PPOConfig(importance_cap=1e3)
    report = evaluate_dataset(policies, data, episodes, Baselines.from_steps(data.select_episodes(episodes)), config)
    expected = sum(p * arm.reward for p, arm in zip(probabilities, reinforcement.DECISIONS, strict=True))
    recorded = sum(arm.probability * arm.reward for arm in reinforcement.DECISIONS)
    estimated = report.assistant_return.mean
    return {
        "passed": estimated is not None and abs(estimated - expected) <= RETURN_TOLERANCE < abs(recorded - expected),
        "estimated_return": estimated,
        "true_return": expected,
        "recorded_return": recorded,
    }


def promotion(_settings: CheckSettings) -> Result:
    """New models replace a person's if they are better on held-out sessions, not if they are clearly worse."""
    old = Scores((1.0, 1.1, 0.9, 1.0), (0.2, 0.3, 0.1, 0.2), (0.5, 0.4, 0.5, 0.6))
    changes = {
        "better": (-0.3, 0.3, -0.3, True),
        "predicts the human worse": (0.3, 0.3, -0.3, False),
        "returns less": (-0.3, -0.3, -0.3, False),
        "p(kept) is worse": (-0.3, 0.3, 0.3, False),
    }
    wrong = []
    for name, (nll, gain, brier, expected) in changes.items():
        new = Scores(
            tuple(x + nll for x in old.human_nll),
            tuple(x + gain for x in old.assistant_return),
            tuple(x + brier for x in old.kept_brier),
        )
        if decide_promotion(new, old, trained_on="a person", old_trained_on="a person").replace != expected:
            wrong.append(name)
    return {"passed": not wrong, "wrong": wrong, "decisions": len(changes)}


def _run_phase(phase: CloningPhase) -> None:
    while not phase.done:
        phase.begin()
        while phase.step():
            pass
        phase.finish()


CHECKS = (
    Check("self_play", self_play),
    Check("retention_regression", retention_regression),
    Check("policy_regression", policy_regression),
    Check("search_backup", search_backup),
    Check("off_policy_evaluation", off_policy_evaluation),
    Check("rewards", rewards),
    Check("promotion", promotion),
)

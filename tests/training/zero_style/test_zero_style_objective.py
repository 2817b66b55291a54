"""What self-play learns from its games: the loss term by term, its targets, its reference, its share of the roots."""

import copy
import math
from dataclasses import dataclass, replace

import pytest
import torch

from config import PPOConfig, RewardWeights
from rewards import retention, reward
from training.data import transitions
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.networks.training_networks import TrainingNetworks, weights_of
from training.zero_style.self_play import rollout_from_roots
from training.zero_style.zero_style_losses import policy_cross_entropy
from training.zero_style.zero_style_phase import PRIOR_SURVIVAL_COUNT, PRIOR_SURVIVAL_RATE, ZeroStylePhase

pytestmark = pytest.mark.usefixtures("short_refit")

WEIGHTS = {"value_weight": 0.13, "human_weight": 0.17, "goal_weight": 0.19, "kept_weight": 0.23, "start_anchor": 1.1}
NONE = dict.fromkeys(WEIGHTS, 0.0)
HEADS = {
    "value_weight": "value_head", "human_weight": "human_pred_head", "goal_weight": "goal_head",
    "kept_weight": "kept_head",
}  # fmt: skip
TRAIN = (0, 1, 2, 4)


@pytest.fixture(scope="module")
def phase_of(small_training, sessions, tmp_path_factory):
    """A phase on fresh networks, whose `start` is not yet the assistant; `settings` are of `zero_style`."""
    small = small_training(tmp_path_factory.mktemp("zero_style"))

    def make(*, ppo=None, seed=0, distributed=SINGLE_PROCESS, dropout=0.1, **settings):
        zero_style = {"roots": 4, "horizon": 4, "simulations": 6, **settings}
        config = replace(
            small, seed=seed, model=replace(small.model, dropout=dropout), ppo=ppo or small.ppo,
            zero_style=replace(small.zero_style, **zero_style),
        )  # fmt: skip
        policies = TrainingNetworks.fresh(config.model, config.featurizer, 0)
        tilted(policies.initial_assistant)
        data = transitions.build_dataset(sessions, policies.featurizer, config.rewards)
        return ZeroStylePhase(policies, sessions, data, TRAIN, config, distributed=distributed)

    return make


def tilted(policy):
    """Makes it prefer some decisions and lines."""
    with torch.no_grad():
        policy.action_head.last.bias += torch.linspace(-1, 1, 7)
        policy.action_head.last.weight += 0.1 * torch.linspace(-1, 1, 7)[:, None]


def learn(phase):
    """The minibatches of an epoch that has begun, and its metrics."""
    while phase.step():
        pass
    return phase.finish()


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


# What a minibatch goes down


@pytest.fixture(scope="module")
def learned(phase_of):
    """Of an epoch of one minibatch, taken where the assistant has left the start: its metrics, and what they should be,
    the loss with its gradient."""
    phase = phase_of(ppo=PPOConfig(batch_size=32, **WEIGHTS), roots=3, passes=1, recorded_share=0.25)
    start = copy.deepcopy(phase.policies.assistant).eval()
    phase.begin()
    (rows,) = phase.loop.batches
    tilted(phase.policies.assistant)
    policy = copy.deepcopy(phase.policies.assistant).eval()
    expected = parts_of(policy, start, phase, rows)
    return learn(phase), expected, list(policy.parameters())


def parts_of(policy, start, phase, rows):
    """The losses of some rows, from what the networks say of them."""
    targets, spread = phase.training_batch.targets.select(rows), phase.replay[0].targets.returns.std()
    with torch.no_grad():
        lines = phase.policies.featurizer(phase.training_batch.encoded.batch(targets.state_index))
    said = policy(lines)
    own, first = (p.distribution(p(lines).scores, lines, legal_only=True) for p in (policy, start))
    decisions = policy.distribution(said.human_scores, lines, legal_only=False).decision_log_probs
    answered, known = targets.next_human >= 0, ~targets.retained.isnan()
    share = targets.retained[known]
    logit = said.kept[torch.arange(len(rows)), targets.decision, targets.line][known]
    assert 0 < known.sum() < len(rows) and spread > 0.1 and len(set(targets.weight.tolist())) > 2
    cross_entropy = policy_cross_entropy(own.pair_log_probs(), targets)
    return {
        "policy_loss": (targets.weight * cross_entropy).sum() / targets.weight.sum(),
        "value_loss": 0.5 * ((said.value - targets.returns) / spread).pow(2).mean(),
        "next_human_loss": -decisions[answered].gather(1, targets.next_human[answered][:, None]).mean(),
        "goal_loss": (said.goal - targets.goal).pow(2).mean(),
        "kept_loss": -(share * logit.sigmoid().log() + (1 - share) * (-logit).sigmoid().log()).mean(),
        "kl_start": first.kl(own).mean(),
    }


def loss_of(parts):
    return (
        parts["policy_loss"]
        + 0.13 * parts["value_loss"]
        + 0.17 * parts["next_human_loss"]
        + 0.19 * parts["goal_loss"]
        + 0.23 * parts["kept_loss"]
        + 1.1 / math.sqrt(len(TRAIN)) * parts["kl_start"]
    )


@pytest.mark.parametrize("name", ["policy_loss", "value_loss", "next_human_loss", "goal_loss", "kept_loss", "kl_start"])
def test_each_part_is_what_the_networks_say(learned, name):
    metrics, expected, _ = learned
    assert metrics[name] == pytest.approx(expected[name].item(), rel=1e-4)
    assert metrics[name] > 0.01


def test_the_loss_is_the_weighted_sum_of_its_parts_and_so_is_what_is_gone_down(learned):
    metrics, expected, parameters = learned
    loss = loss_of(expected)
    gradient = torch.autograd.grad(loss, parameters, allow_unused=True, retain_graph=True)
    norm = math.sqrt(sum(float(part.square().sum()) for part in gradient if part is not None))
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-4)
    assert metrics["gradient_norm"] == pytest.approx(norm, rel=1e-3)


@pytest.mark.parametrize("weight", [None, *HEADS])
def test_a_head_learns_if_its_loss_has_a_weight_and_only_then(phase_of, weight):
    phase = phase_of(ppo=PPOConfig(batch_size=8, **NONE | ({weight: 1.0} if weight else {})), roots=2, passes=1)
    before = weights_of(phase.policies.assistant)
    phase.begin()
    while phase.step():
        pass
    after = weights_of(phase.policies.assistant)  # p(kept) is that of the searches until the epoch ends
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved & set(HEADS.values()) == ({HEADS[weight]} if weight else set())
    assert {"action_head", "backbone"} <= moved


def test_the_anchor_draws_back_to_the_start(phase_of):
    """From the same place, with the same games."""
    metrics = {}
    for anchor in (0.0, 100.0):
        ppo = PPOConfig(batch_size=8, learning_rate=0.02, **NONE | {"start_anchor": anchor})
        phase = phase_of(ppo=ppo, passes=8, recorded_share=0.0)
        phase.begin()
        tilted(phase.policies.assistant)
        metrics[anchor] = learn(phase)["kl_start"]
    assert metrics[100.0] < 0.8 * metrics[0.0]


def test_the_start_is_the_policy_that_the_phase_began_with(phase_of):
    phase = phase_of(epochs=2, roots=2)
    begun = weights_of(phase.policies.assistant)
    assert not same(begun, weights_of(phase.policies.initial_assistant))
    while not phase.done:
        phase.begin()
        learn(phase)
        assert same(begun, weights_of(phase.policies.initial_assistant))
        assert not same(begun, weights_of(phase.policies.assistant))


def test_nothing_but_the_seed_decides_what_is_learned(phase_of):
    """Dropout is off, so chance that comes from elsewhere has no way in."""
    found = []
    for chance in (1, 2):
        phase = phase_of(epochs=2, roots=2, dropout=0.5)
        torch.manual_seed(chance)
        while not phase.done:
            phase.begin()
            learn(phase)
        found.append(weights_of(phase.policies.assistant))
    assert same(*found)


# Games and their targets


@pytest.fixture
def rounds(monkeypatch):
    """Of each round of games, in order: where they began, their seed, the games."""
    found = []

    def noted(roots, *of, seed, **how):
        games = rollout_from_roots(roots, *of, seed=seed, **how)
        found.append(([(root.episode.id, root.index) for root in roots], seed, games))
        return games

    monkeypatch.setattr("training.zero_style.zero_style_phase.rollout_from_roots", noted)
    return found


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_a_value_target_is_n_rewards_and_then_the_heads_value(phase_of, rounds, n):
    """The head says 3 of every state."""
    phase = phase_of(ppo=PPOConfig(batch_size=8, gamma=0.9), roots=2, horizon=8, n_step=n)
    with torch.no_grad():
        phase.policies.assistant.value_head.last.weight.zero_()
        phase.policies.assistant.value_head.last.bias.fill_(3.0)
    phase.begin()
    ((_, _, games),) = rounds
    expected = []
    for game in games:
        brought = [reward(transition, RewardWeights()).total for transition in game.transitions("A")]
        for t in range(4):
            end = min(t + n, 4)
            expected.append(sum(0.9 ** (k - t) * brought[k] for k in range(t, end)) + 0.9 ** (end - t) * 3)
    assert phase.replay[0].targets.returns.tolist() == pytest.approx(expected, abs=1e-5)


def test_roots_are_drawn_anew_by_every_epoch_and_seed(phase_of, rounds):
    def drawn(seed):
        phase = phase_of(seed=seed, epochs=2, horizon=1, simulations=2)
        while not phase.done:
            phase.begin()
            phase.finish()
        found = [tuple(sorted(roots)) for roots, _, _ in rounds]
        assert all(len(set(roots)) == 4 for roots in found)
        seeds = {seed for _, seed, _ in rounds}
        assert len(seeds) == 2
        rounds.clear()
        return found, seeds

    (first, seeds), (other, other_seeds) = drawn(0), drawn(1)
    assert len({*first, *other}) == 4 and not seeds & other_seeds
    assert drawn(0) == (first, seeds)


def test_who_plays_expects_things_to_survive_as_in_the_sessions_learned_from(phase_of, sessions):
    """A share of what was kept at all, drawn a little to what holds before a session says so."""
    phase, weights = phase_of(), RewardWeights()
    transitions = [transition for i in TRAIN for transition in sessions[i].transitions("A")]
    survived = [
        reward(one, weights).parts["survival_reward"] for one in transitions if (retention(one).retained or 0) > 0
    ]
    share = (sum(survived) + PRIOR_SURVIVAL_RATE * PRIOR_SURVIVAL_COUNT) / (len(survived) + PRIOR_SURVIVAL_COUNT)
    assert abs(share - PRIOR_SURVIVAL_RATE) > 0.01
    expected = weights.retain_reward + share * weights.survival_reward + (1 - share) * weights.extinction_penalty
    assert phase.assistant().model.reward_if_kept == pytest.approx(expected, abs=1e-5)


# Several processes


@dataclass(frozen=True)
class Apart(DistributedContext):
    """One of several processes that hears nothing of the others."""

    def all_reduce_sum(self, tensor):
        return tensor

    def all_gather(self, value):
        return [value]


def test_processes_share_the_roots_and_play_with_seeds_of_their_own(phase_of, rounds):
    for distributed in (SINGLE_PROCESS, Apart(0, 2), Apart(1, 2)):
        phase_of(distributed=distributed, horizon=2, simulations=2).begin()
    (alone, seed, _), (first, seed_of_first, _), (second, seed_of_second, _) = rounds
    assert len(first) == len(second) == 2 and sorted(first + second) == sorted(alone)
    assert seed_of_first == seed != seed_of_second


def test_a_seeds_label_is_the_processs_own():
    """Nothing for the first, so that it has the plain seed."""
    assert [DistributedContext(rank, 3).seed_suffix for rank in range(3)] == [(), (1,), (2,)]

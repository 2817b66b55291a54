"""What is learned from is what was there when it was decided, and credit ends where an episode ends. Not here:
formats and their errors (tests of `episodes`)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from config import PPOConfig
from featurizers import Featurizer
from state_adapter import Episode, read_episodes
from training.data import behaviour_policy, transitions
from training.data.transitions import Dataset
from training.ppo.ppo_phase import PPOPhase
from verify import reference
from verify.check import Check, CheckSettings, Result
from verify.network import Network, fresh_policies
from verify.sessions import FORMATS, Session, actions_led_to, session

GAE_TOLERANCE = 1e-4


def causality(settings: CheckSettings) -> Result:
    """A decision is learned on the state before it: what comes later changes nothing that its network reads.

    For each k, the texts from state k on are changed and the session is read and encoded again. What the network
    reads for the decisions before state k must stay, bit by bit, and for the decision taken on state k must change.
    """
    featurizer = fresh_policies(settings, settings.backbones[0], "causality").featurizer
    recorded_session = session(9, settings.seed_of("causality"))
    texts, moves = recorded_session
    leaks, unseen, mispaired, rewards = [], [], [], set[float]()
    for name, form in FORMATS.items():
        data = _read(form, recorded_session, featurizer)
        decisions = data.steps.decision.tolist()
        if decisions != [decision for _, decision, _ in moves] or data.steps.state_index.tolist() != list(
            range(len(moves))
        ):
            mispaired.append(name)
        before = _inputs(data)
        for k in range(1, len(texts)):
            second = [_other(text, t) for t, text in enumerate(texts)]
            changed = _read(form, ([*texts[:k], *second[k:]], moves), featurizer)
            rewards.add(round(float(changed.steps.reward.sum() - data.steps.reward.sum()), 4))
            same = [_equal(a, b) for a, b in zip(before, _inputs(changed), strict=True)]
            leaks += [f"{name}: decision {i} sees state {k}" for i in range(min(k, len(same))) if not same[i]]
            unseen += [f"{name}: decision {k} does not see state {k}" for i in range(len(same)) if i == k and same[i]]
    return {
        "passed": not leaks and not unseen and not mispaired and len(rewards) > 1,
        "leaks": leaks,
        "unseen": unseen,
        "mispaired": mispaired,
        "changes_of_the_sum_of_rewards": len(rewards),
        "decisions": len(moves) * len(FORMATS),
    }


def _other(text: str, t: int) -> str:
    """The text with a longer last line, and another second one in each state: nothing written there is kept."""
    lines = text.split("\n")
    lines[1] = f"{chr(97 + t) * 12} = {t}"
    return "\n".join(lines) + " + 1"


def _read(form: Callable[[Session], Any], recorded_session: Session, featurizer: Featurizer) -> Dataset:
    """The session as a data set, by way of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "session.json")
        path.write_text(json.dumps(form(recorded_session)), encoding="utf-8")
        episodes, _ = read_episodes(path, strict=True)
    return transitions.build_dataset(episodes, featurizer)


def _inputs(data: Dataset) -> list[list[Tensor]]:
    """What the network reads for each decision, in order; a state alone has no padding."""
    batches = [data.encoded.batch([row]) for row in data.steps.state_index.tolist()]
    return [[getattr(batch, field.name) for field in fields(batch) if field.name != "places"] for batch in batches]


def _equal(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def gae_per_episode(settings: CheckSettings) -> Result:
    """Advantages that PPO learns from are those of each episode alone, by the definition, a cut-off one's bootstrapped.

    Rewards are drawn, values are the network's own; episodes of several lengths stand one after the other.
    """
    policies = fresh_policies(settings, settings.backbones[0], "gae")
    episodes = _episodes(settings)
    data = transitions.build_dataset(episodes, policies.featurizer)
    drawn = torch.randn(len(data.steps), generator=settings.generator("rewards"))
    data = replace(data, steps=replace(data.steps, reward=torch.where(data.steps.is_human, 0.0, drawn)))
    config = PPOConfig()
    steps = data.select_episodes(range(len(episodes)), is_human=False)
    phase = PPOPhase(
        policies,
        data,
        set(range(len(episodes))),
        behaviour_policy.fit_behaviour_policy(steps.choices),
        config,
        seed=settings.seed_of("gae"),
    )
    phase.begin()
    old_policy = phase.update.old_policy
    assert old_policy is not None
    network = Network(policies.featurizer, policies.assistant.eval())
    errors = []
    for index, episode in enumerate(episodes):
        in_episode = steps.episode == index
        rewards, values = (
            steps.reward[in_episode].tolist(),
            _values(network, [t.state for t in episode.transitions("A")]),
        )
        after = _values(network, [episode.states[-1]])[0] if episode.cut_off else 0.0
        advantages, returns = reference.gae(rewards, values, after, config.gamma, config.gae_lambda)
        errors.append(_largest(old_policy.target[in_episode] - old_policy.value[in_episode], advantages))
        errors.append(_largest(old_policy.target[in_episode], returns))
    return {"passed": max(errors) <= GAE_TOLERANCE, "largest_error": max(errors), "episodes": len(episodes)}


def _episodes(settings: CheckSettings) -> list[Episode]:
    """Sessions of several lengths, as read; every other one is cut off."""
    episodes = []
    with tempfile.TemporaryDirectory() as folder:
        for i, turns in enumerate((2, 9, 14, 5, 20, 6)):
            path = Path(folder, "session.json")
            path.write_text(json.dumps(actions_led_to(session(turns, settings.seed_of("gae", i)))), encoding="utf-8")
            read, _ = read_episodes(path, strict=True)
            episodes += [replace(episode, cut_off=i % 2 == 1) for episode in read]
    return episodes


def _values(network: Network, states: list[Any]) -> list[float]:
    with torch.no_grad():
        return [float(network.answer([state]).heads["value"][0]) for state in states]


def _largest(actual: Tensor, expected: list[float]) -> float:
    return float((actual - torch.tensor(expected)).abs().max()) if len(actual) == len(expected) else float("inf")


CHECKS = (Check("causality", causality), Check("gae_per_episode", gae_per_episode))

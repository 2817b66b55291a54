"""A learning step moves every part of the networks that it is to move, and no other. Not here: how well they learn."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from config import BCConfig, PPOConfig
from state import PastDecision
from state_adapter import Episode, read_episodes
from training.bc.cloning_phase import CloningPhase
from training.data import behaviour_policy, transitions
from training.data.transitions import Dataset
from training.networks.training_networks import Tensors, TrainingNetworks, weights_of
from training.ppo.ppo_phase import PPOPhase
from verify import tasks
from verify.check import Check, CheckSettings, Result
from verify.network import Network, fresh_policies
from verify.sessions import session, snapshot

STEPS = 3
"""Minibatches; parts that begin at zero hold back, in the first one, the gradients of what lies before them."""


def gradients(settings: CheckSettings) -> Result:
    """Every tensor gets a gradient: in cloning the human policy and the featurizer, in PPO the assistant.

    The minibatches hold whatever the losses know: decisions of both agents, kept shares, histories known and unknown.
    Each head by itself reaches the featurizer. In PPO featurizer and human policy stay as they are, bit by bit.
    """
    without: list[str] = []
    moved: list[str] = []
    tensors = 0
    for backbone in settings.backbones:
        policies = fresh_policies(settings, backbone, "gradients")
        without += [f"{backbone}: featurizer from {head}" for head in _heads_cut_off(policies)]
        data = _data(settings, policies)
        with torch.random.fork_rng(devices=[]):
            reached = _cloning(policies, data, settings)
            without += _without_gradient(backbone, "cloning", reached)
            policies.initialise_assistant(torch.zeros(7), settings.seed_of("assistant"))
            frozen = {name: weights_of(module) for name, module in _frozen(policies)}
            reached_by_ppo = _ppo(policies, data, settings)
        without += _without_gradient(backbone, "ppo", reached_by_ppo)
        tensors += len(reached) + len(reached_by_ppo)
        moved += [f"{backbone}, ppo: {name}" for name, m in _frozen(policies) if _differ(frozen[name], weights_of(m))]
    return {
        "passed": not without and not moved,
        "without_gradient": without,
        "moved_though_frozen": moved,
        "tensors": tensors,
    }


def _heads_cut_off(policies: TrainingNetworks) -> list[str]:
    """Heads whose answer does not depend on the featurizer's weights, as far as gradients tell."""
    weights = [weight for weight in policies.featurizer.parameters() if weight.requires_grad]
    states = [tasks.plain(["def f(x):", "    return x", "print(f(1))"], cursor=i) for i in range(3)]
    answer = Network(policies.featurizer.eval(), policies.human.eval()).answer(states)
    cut_off = []
    for name, output in answer.heads.items():
        if not output.requires_grad:
            cut_off.append(name)
            continue
        gradients_of_weights = torch.autograd.grad(output.square().sum(), weights, retain_graph=True, allow_unused=True)
        if any(gradient is None or not bool(gradient.any()) for gradient in gradients_of_weights):
            cut_off.append(name)
    return cut_off


def _frozen(policies: TrainingNetworks) -> list[tuple[str, nn.Module]]:
    return [("featurizer", policies.featurizer), ("human", policies.human)]


def _data(settings: CheckSettings, policies: TrainingNetworks) -> Dataset:
    """A few sessions; the histories of every other one are unknown."""
    episodes: list[Episode] = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(4):
            path = Path(folder, "session.json")
            path.write_text(json.dumps(snapshot(session(12, settings.seed_of("gradients", i)))), encoding="utf-8")
            episodes += read_episodes(path, strict=True)[0]
    past = (PastDecision(0, 2, 0.5), PastDecision(0, 5, 0.0))
    return transitions.build_dataset(
        [
            replace(e, states=tuple(replace(s, history=past if i % 2 else None) for s in e.states))
            for i, e in enumerate(episodes)
        ],
        policies.featurizer,
    )


def _cloning(policies: TrainingNetworks, data: Dataset, settings: CheckSettings) -> dict[str, bool]:
    config = BCConfig(batch_size=len(data.steps), epochs=STEPS)
    phase = CloningPhase(
        policies, data, set(range(len(data.ids))), set(), config, gamma=0.99, seed=settings.seed_of("step")
    )
    modules = {"featurizer": policies.featurizer, "policy": policies.human}
    return _reached(phase, modules)


def _ppo(policies: TrainingNetworks, data: Dataset, settings: CheckSettings) -> dict[str, bool]:
    everyone = set(range(len(data.ids)))
    fitted = behaviour_policy.fit_behaviour_policy(data.select_episodes(everyone, is_human=False).choices)
    config = PPOConfig(batch_size=len(data.steps), epochs=STEPS, passes=1)
    phase = PPOPhase(policies, data, everyone, fitted, config, seed=settings.seed_of("step"))
    return _reached(phase, {"policy": policies.assistant})


def _reached(phase: CloningPhase | PPOPhase, modules: dict[str, nn.Module]) -> dict[str, bool]:
    """Whether each tensor had a gradient other than 0 in one of the steps, by name."""
    tensors = {
        f"{part}.{name}": tensor for part, module in modules.items() for name, tensor in module.named_parameters()
    }
    reached = dict.fromkeys(tensors, False)
    while not phase.done:
        phase.begin()
        while phase.step():
            for name, tensor in tensors.items():
                reached[name] |= tensor.grad is not None and bool(tensor.grad.abs().sum() > 0)
        phase.finish()
    return reached


def _without_gradient(backbone: str, phase: str, reached: dict[str, bool]) -> list[str]:
    return [f"{backbone}, {phase}: {name}" for name, has_gradient in reached.items() if not has_gradient]


def _differ(before: Tensors, after: Tensors) -> bool:
    return any(not torch.equal(tensor, after[name]) for name, tensor in before.items())


CHECKS = (Check("gradients", gradients),)

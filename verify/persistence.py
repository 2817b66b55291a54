"""What is saved answers the same when it is loaded, and imported networks answer as their description says. Not here:
files that are damaged (tests of `models`)."""

from __future__ import annotations

import copy
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models import Models, checkpoint, store
from state import State
from training.networks.training_networks import TrainingNetworks
from verify import reference, tasks
from verify.check import Check, CheckSettings, Result
from verify.network import Network, fresh_policies

IMPORT_TOLERANCE = 1e-4
"""What is promised for imported models; a wrong layer, order or scalar is off by far more."""

IMPORTED_CONFIG: dict[str, Any] = {
    "backbone": "lg_transformer", "d_in": 20, "d_model": 12, "n_layers": 2, "n_heads": 2, "radius": 2,
    "n_global_tokens": 2, "dropout": 0.1, "goal_dim": 8, "n_actions": 7, "predict_reward_delta": False,
    "hidden": 16, "layers": 2, "surround_layers": 2, "kernel_size": 3,
}  # fmt: skip
"""What a checkpoint of the existing system carries; small, because the second opinion computes it line by line."""

IMPORTED_FEATURES: dict[str, Any] = {
    "h_max": 300, "w_max": 160, "states_max": 1000, "d_in": 20, "char_dim": 8, "tau_steps": 20.0, "cursor_dist_c": 20.0,
    "text_embedder_type": "mlp", "train_text_embedder": False, "train_featurizer_projector": False,
}  # fmt: skip


def imported_models(settings: CheckSettings) -> Result:
    """A checkpoint in the existing system's layout, with drawn weights, answers as the second opinion computes."""
    generator = settings.generator("imported")
    weights, features = _draw(_policy_shapes(), generator), _draw(_featurizer_shapes(), generator)
    with tempfile.TemporaryDirectory() as folder:
        policy_path, features_path = Path(folder, "asm_assistant_model.pt"), Path(folder, "asm_featurizer.pt")
        torch.save({"model_state_dict": weights, "config": IMPORTED_CONFIG}, policy_path)
        torch.save({"featurizer_state_dict": features, "config": IMPORTED_FEATURES}, features_path)
        policy = checkpoint.load_policy(policy_path, settings.device)
        featurizer = checkpoint.load_featurizer(features_path).to(settings.device)
    network = Network(featurizer.eval(), policy.eval())
    expected = reference.ImportedNetwork(_arrays(weights), _arrays(features), IMPORTED_CONFIG)
    states = [state for state in tasks.varied(6, settings.seed_of("imported"), featurizer.config) if len(state)]
    states += [tasks.plain(["def f(x):\n", "\treturn x  # ü\n", "", "y" * 300], t=1500, cursor=2)]
    errors: dict[str, float] = {}
    for state in states:
        for name, error in _errors(network, expected, state).items():
            errors[name] = max(errors.get(name, 0.0), error)
    return {"passed": max(errors.values()) <= IMPORT_TOLERANCE, "largest_error": errors, "states": len(states)}


def saved_and_loaded(settings: CheckSettings) -> Result:
    """Networks answer the same, bit by bit, after a round trip through each way that they are kept.

    Ways: the published files (`store`), the state of a run that is resumed, a copy. All weights are drawn anew before,
    so that a part that was left out, or begins at zero, is seen; and a copy that learns leaves the original alone.
    """
    differ = []
    states = [state for state in tasks.varied(6, settings.seed_of("saved"), settings.featurizer) if len(state)]
    for backbone in settings.backbones:
        policies = fresh_policies(settings, backbone, "saved")
        for i, module in enumerate((policies.featurizer, policies.human, policies.assistant)):
            _scatter(module, settings.generator("saved", backbone, i, device=settings.device))
        original = _pair(policies)
        answers = [_answers(network, states) for network in original]
        ways = {
            "store": _stored(policies, settings),
            "resume": _resumed(policies, settings),
            "copy": copy.deepcopy(original),
        }
        for way, loaded in ways.items():
            for who, network, answer in zip(("human", "assistant"), loaded, answers, strict=True):
                differ += [f"{backbone}, {way}: {who}"] if not _same(_answers(network, states), answer) else []
        for network in ways["copy"]:
            _scatter(network.policy, settings.generator("moved", backbone, device=settings.device))
        for i, (network, moved) in enumerate(zip(original, ways["copy"], strict=True)):
            moved_answer, its_own = _answers(moved, states), _answers(_rebuilt(moved), states)
            if not _same(_answers(network, states), answers[i]) or not _same(moved_answer, its_own):
                differ.append(f"{backbone}, copy: shares weights with the original")
    return {"passed": not differ, "differ": differ, "states": len(states)}


def _pair(policies: TrainingNetworks | Models) -> tuple[Network, Network]:
    return tuple(Network(policies.featurizer.eval(), p.eval()) for p in (policies.human, policies.assistant))  # type: ignore[return-value]


def _stored(policies: TrainingNetworks, settings: CheckSettings) -> tuple[Network, Network]:
    with tempfile.TemporaryDirectory() as folder:
        store.publish(Path(folder), policies, {"trained_on": "samples"})
        models = store.load(Path(folder), settings.device)
    assert models is not None, "nothing was stored"
    return _pair(models)


def _resumed(policies: TrainingNetworks, settings: CheckSettings) -> tuple[Network, Network]:
    file = io.BytesIO()
    torch.save(policies.state_dict(), file)
    file.seek(0)
    restored = TrainingNetworks.restored(torch.load(file, weights_only=True), "verify")
    restored.to(torch.device(settings.device))
    return _pair(restored)


@torch.no_grad()
def _scatter(module: torch.nn.Module, generator: torch.Generator) -> None:
    """Moves every weight a little."""
    for weight in module.parameters():
        weight.add_(0.05 * torch.randn(weight.shape, generator=generator, device=weight.device))


def _answers(network: Network, states: list[State]) -> dict[str, Tensor]:
    with torch.no_grad():
        return network.answer(states).heads


def _same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def _rebuilt(network: Network) -> Network:
    """The network made anew from its policy's weights."""
    policy = checkpoint.policy_from(checkpoint.policy_checkpoint(network.policy), "verify")
    return Network(network.featurizer, policy.to(next(network.policy.parameters()).device))


def _errors(network: Network, expected: reference.ImportedNetwork, state: State) -> dict[str, float]:
    """Largest difference of each output; decisions without the legality of lines, as the description has them."""
    with torch.no_grad():
        answer = network.answer([state])
    x = expected.features(state, network.featurizer.config)
    scores, human, value, goal = expected.scores(x)
    outputs = {
        "features": (answer.lines.x[0], x),
        "scores": (answer.heads["scores"][0], scores),
        "human_scores": (answer.heads["human_scores"][0], human),
        "human_decisions": (answer.human.decision_logits[0], reference.decision_logits(human)),
        "value": (answer.heads["value"][0], np.array(value)),
        "goal": (answer.heads["goal"][0], goal),
    }
    return {name: float(np.abs(got.cpu().double().numpy() - want).max()) for name, (got, want) in outputs.items()}


def _policy_shapes() -> dict[str, tuple[int, ...]]:
    d_in, d, hidden = IMPORTED_CONFIG["d_in"], IMPORTED_CONFIG["d_model"], IMPORTED_CONFIG["hidden"]
    shapes = {**_linear("backbone.proj", d_in, d), **_vector("backbone.ln", d)}
    for layer in range(IMPORTED_CONFIG["n_layers"]):
        block = f"backbone.blocks.{layer}"
        shapes[f"{block}.global_tokens"] = (IMPORTED_CONFIG["n_global_tokens"], d)
        shapes |= {f"{block}.attn.in_proj_weight": (3 * d, d), f"{block}.attn.in_proj_bias": (3 * d,)}
        shapes |= _linear(f"{block}.attn.out_proj", d, d) | _vector(f"{block}.ln1", d) | _vector(f"{block}.ln2", d)
        shapes |= _linear(f"{block}.ff.0", d, 4 * d) | _linear(f"{block}.ff.3", 4 * d, d)
    heads = {"action_head.line_mlp": (d, 7), "human_pred_head.line_mlp": (d, 7)}
    heads |= {"value_head.mlp": (2 * d, 1), "goal_head.mlp": (2 * d, 8)}
    for head, (inputs, outputs) in heads.items():
        shapes |= _linear(f"{head}.0", inputs, hidden) | _linear(f"{head}.2", hidden, outputs)
    return shapes


def _featurizer_shapes() -> dict[str, tuple[int, ...]]:
    char = IMPORTED_FEATURES["char_dim"]
    shapes: dict[str, tuple[int, ...]] = {"text_embedder.char_embed.weight": (256, char)}
    return shapes | _linear("text_embedder.text_mlp.0", char, 128) | _linear("proj", 148, IMPORTED_FEATURES["d_in"])


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _vector(name: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def _draw(shapes: dict[str, tuple[int, ...]], generator: torch.Generator) -> dict[str, Tensor]:
    """Weights of the given shapes, scaled by the fan in; those of norms around 1."""
    drawn = {}
    for name, shape in shapes.items():
        weight = torch.randn(shape, generator=generator) * max(shape[-1], 4) ** -0.5
        drawn[name] = 1 + 0.1 * weight if name.endswith(("ln.weight", "ln1.weight", "ln2.weight")) else weight
    return drawn


def _arrays(weights: dict[str, Tensor]) -> dict[str, reference.Array]:
    return {name: tensor.double().numpy() for name, tensor in weights.items()}


CHECKS = (Check("imported_models", imported_models), Check("saved_and_loaded", saved_and_loaded))

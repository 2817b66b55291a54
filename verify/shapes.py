"""Every pair (decision, line) gets a probability, and none that is not legal; extreme inputs
break nothing. Not here: what is learned."""

from __future__ import annotations

import torch
from torch import Tensor

from models import ActionDistribution
from state import State
from verify import reference, tasks
from verify.check import THRESHOLDS, Check, CheckSettings, Result
from verify.network import Answer, build

SUM_TOLERANCE = 1e-4
"""By which the probabilities of 2,100 pairs in float32 may miss 1."""


def shapes_masks(settings: CheckSettings) -> Result:
    """Shapes of all outputs, and the probability on pairs that the documents call illegal (a second opinion)."""
    states = tasks.varied(settings.held_out, settings.seed_of("shapes"), settings.featurizer)
    illegal, worst_sum, wrong_shapes, impossible, drawn = {}, 0.0, [], 0, 0
    for backbone in settings.backbones:
        masses = []
        for start in range(0, len(states), 64):
            batch = states[start : start + 64]
            with torch.no_grad():
                answer = build(settings, backbone, "shapes").answer(batch)
                wrong_shapes += _wrong_shapes(answer, batch, settings.featurizer.h_max)
                pairs = answer.joint.pair_log_probs().exp().cpu()
            legal = legal_pairs(batch, answer.first_line, pairs.shape[-1], settings)
            masses.append((pairs * ~legal).sum((1, 2)))
            worst_sum = max(worst_sum, float((pairs.sum((1, 2)) - 1).abs().max()))
            impossible += int((legal & (pairs == 0)).sum())
            drawn += illegal_draws(answer, legal, settings.generator("draws", backbone, start, device=settings.device))
        illegal[backbone] = float(torch.cat(masses).double().mean())
    mass = max(illegal.values())
    passed = mass < THRESHOLDS["illegal_mass_mean_lt"] and worst_sum < SUM_TOLERANCE
    return {
        "passed": passed and not wrong_shapes and not impossible and not drawn,
        "illegal_mass_mean": mass,
        "illegal_mass_by_backbone": illegal,
        "legal_pairs_without_probability": impossible,
        "illegal_draws": drawn,
        "probability_sum_error": worst_sum,
        "wrong_shapes": sorted(set(wrong_shapes)),
        "states": len(states),
    }


def legal_pairs(states: list[State], first_line: list[int], length: int, settings: CheckSettings) -> Tensor:
    """`(B, 7, length)`: where the documents allow the pair, in the network's lines; NO-OP at `[:, 0, 0]`."""
    legal = torch.zeros(len(states), 7, length, dtype=torch.bool)
    for row, state in enumerate(states):
        for decision, line in reference.legal_pairs(state, settings.featurizer.w_max):
            place = line - first_line[row] if decision else 0
            if 0 <= place < length:
                legal[row, decision, place] = True
    return legal


def illegal_draws(answer: Answer, legal: Tensor, generator: torch.Generator) -> int:
    """How many of the pairs drawn, one for each state, are not legal."""
    decision, line = (drawn.cpu() for drawn in answer.joint.sample(generator))
    allowed = legal[torch.arange(len(decision)), decision, line.clamp(min=0)]
    return int((~allowed | ((decision == 0) != (line < 0))).sum())


def _wrong_shapes(answer: Answer, states: list[State], h_max: int) -> list[str]:
    lengths = [min(len(state), h_max) for state in states]
    pair, expected = (len(states), 7, max(1, *lengths)), {"value": (len(states),), "goal": (len(states), 8)}
    wrong = []
    for name, tensor in answer.heads.items():
        if tuple(tensor.shape) != expected.get(name, pair):
            wrong.append(f"{name} {tuple(tensor.shape)}, expected {expected.get(name, pair)}")
    if answer.lines.mask.sum(1).tolist() != lengths:
        wrong.append("the mask does not count the lines")
    return wrong


def counting_bias(settings: CheckSettings) -> Result:
    """Equal scores everywhere: a decision legal on many lines is no more probable than one legal on few."""
    states = tasks.varied(settings.held_out, settings.seed_of("bias"), settings.featurizer)
    network = build(settings, settings.backbones[0], "bias")
    with torch.no_grad():
        answer = network.answer(states)
        legal, mask = answer.lines.legal, answer.lines.mask
        joint = ActionDistribution.from_scores(
            torch.zeros_like(answer.heads["scores"]), legal, mask, network.policy.config.pooling
        )
        probabilities = joint.decision_log_probs.exp()
    possible = (legal & mask[:, None]).any(-1)
    possible[:, 0] = True  # NO-OP, in a file without lines too
    uniform = possible / possible.sum(1, keepdim=True)
    error = float((probabilities - uniform).abs().max())
    spread = int(legal.sum((2,))[:, 4].max())
    return {"passed": error < 1e-5 and spread > 1, "largest_error": error, "most_lines_for_a_decision": spread}


def edge_inputs(settings: CheckSettings) -> Result:
    """Extreme inputs, alone and together: finite answers, finite gradients, no illegal pair."""
    alone = tasks.edge_cases(settings.featurizer)
    cases = {name: [state] for name, state in alone.items()} | {"all in one batch": list(alone.values())}
    broken = []
    for backbone in settings.backbones:
        problems = {name: _problem(settings, backbone, states) for name, states in cases.items()}
        broken += [f"{backbone}, {name}: {problem}" for name, problem in problems.items() if problem]
    return {"passed": not broken, "broken": broken, "cases": len(cases)}


def _problem(settings: CheckSettings, backbone: str, states: list[State]) -> str:
    """What is wrong with the answer to `states`, in words; nothing: empty."""
    network = build(settings, backbone, "edges")
    answer = network.answer(states)
    for name, tensor in answer.heads.items():
        real = answer.lines.mask[:, None].expand_as(tensor) if tensor.dim() == 3 else torch.ones_like(tensor).bool()
        if not torch.isfinite(tensor[real]).all():
            return f"{name} is not finite"
    pairs = answer.joint.pair_log_probs()
    legal = legal_pairs(states, answer.first_line, pairs.shape[-1], settings).to(pairs.device)
    if bool(((pairs > -torch.inf) != legal).any()):
        return "probability on an illegal pair, or none on a legal one"
    loss = answer.heads["value"].mean() - pairs[legal].mean()
    loss = loss - answer.human.entropy().mean() - answer.joint.entropy().mean()
    if not torch.isfinite(loss):
        return "a log-probability or an entropy is not finite"
    loss.backward()  # type: ignore[no-untyped-call]
    for module in (network.featurizer, network.policy):
        for name, parameter in module.named_parameters():
            if parameter.grad is not None and not torch.isfinite(parameter.grad).all():
                return f"the gradient of {name} is not finite"
    return ""


CHECKS = (
    Check("shapes_masks", shapes_masks, ("illegal_mass_mean",)),
    Check("counting_bias", counting_bias),
    Check("edge_inputs", edge_inputs),
)

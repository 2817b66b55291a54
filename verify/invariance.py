"""A state is answered the same alone, beside longer ones, in any order, and from line features that say what is in
the file. Not here: what is learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from config import FeaturizerConfig
from featurizers import Featurizer
from state import State
from verify import reference, tasks
from verify.check import Check, CheckSettings, Result
from verify.network import Network, build

TOLERANCE = 1e-5
SENSITIVITY = 1e-3
"""Change of an answer, when the state itself changes, below which its sameness would say nothing."""


def padding_and_order(settings: CheckSettings) -> Result:
    """Answers to states alone, beside a long one, and in another order agree to 1e-5, for every head."""
    states = tasks.varied(12, settings.seed_of("padding"), settings.featurizer)
    long = tasks.plain([f"x{i}" for i in range(settings.featurizer.h_max)], cursor=3)
    order = list(range(len(states)))[::-1]
    errors, sensitivity = {}, {}
    for backbone in settings.backbones:
        network = build(settings, backbone, "padding")
        alone = [_answers(network, [state])[0] for state in states]
        padded = _answers(network, [*states, long])[:-1]
        reordered = _answers(network, [states[i] for i in order])[::-1]
        errors[backbone] = max(_largest_difference(alone, padded), _largest_difference(alone, reordered))
        changed = _answers(network, [replace(state, t=state.t + 50) for state in states if len(state)])
        sensitivity[backbone] = _largest_difference([a for a, s in zip(alone, states, strict=True) if len(s)], changed)
    passed = max(errors.values()) <= TOLERANCE and min(sensitivity.values()) >= SENSITIVITY
    return {"passed": passed, "largest_difference": errors, "difference_of_another_state": sensitivity}


def _answers(network: Network, states: Sequence[State]) -> list[dict[str, torch.Tensor]]:
    """Per state what every head says, lines of its own only, and the two distributions."""
    with torch.no_grad():
        answer = network.answer(states)
        named = dict(answer.heads)
        named["pairs"] = answer.joint.pair_log_probs().exp()
        named["human_pairs"] = answer.human.pair_log_probs().exp()
    lengths = [min(len(state), network.featurizer.config.h_max) for state in states]
    return [
        {name: (tensor[i, :, :length] if tensor.dim() == 3 else tensor[i]).cpu() for name, tensor in named.items()}
        for i, length in enumerate(lengths)
    ]


def _largest_difference(first: list[dict[str, torch.Tensor]], second: list[dict[str, torch.Tensor]]) -> float:
    pairs = [(a[name], b[name]) for a, b in zip(first, second, strict=True) for name in a if a[name].numel()]
    return max(float((a - b).abs().max()) for a, b in pairs)


def cursor_alignment(settings: CheckSettings) -> Result:
    """The features of the cursor's line are those of that line, wherever the window of a long file begins.

    The projection is set to the identity, so that the text's embedding and the scalars can be read off the features.
    """
    config = replace(settings.featurizer, d_in=148, h_max=40, text_embedder="mlp")
    featurizer = _identity(config, settings)
    states = [_long_file(length, cursor, settings) for length, cursor in _places(config.h_max)]
    encoded = featurizer.encode(states)
    with torch.no_grad():
        x = featurizer(encoded.batch(range(len(states)), settings.device)).x.cpu().double().numpy()
        alone = [_embedding(featurizer, state, settings.device) for state in states]
    error, misplaced = 0.0, []
    for i, state in enumerate(states):
        row = state.cursor.line - int(encoded.first_line[i])
        if not 0 <= row < config.h_max or np.flatnonzero(x[i, :, 128 + 16] > 0.5).tolist() != [row]:
            misplaced.append(f"cursor on line {state.cursor.line} of {len(state)}")
            continue
        expected = np.concatenate([alone[i], reference.cursor_line_scalars(state, state.cursor.line, config)])
        error = max(error, float(np.abs(x[i, row] - expected).max()))
    return {
        "passed": not misplaced and error <= TOLERANCE,
        "largest_error": error,
        "misplaced": misplaced,
        "files": len(states),
    }


def _identity(config: FeaturizerConfig, settings: CheckSettings) -> Featurizer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed_of("cursor"))
        featurizer = Featurizer(config).to(settings.device)
    with torch.no_grad():
        featurizer.proj.weight.copy_(torch.eye(config.d_in))
        featurizer.proj.bias.zero_()
    return featurizer


def _places(h_max: int) -> list[tuple[int, int]]:
    """(lines of the file, cursor line): short files, and every part of a long one."""
    return [(5, 0), (5, 4), (h_max, h_max - 1), *((3 * h_max + 1, line) for line in range(0, 3 * h_max + 1, 7))]


def _long_file(length: int, cursor: int, settings: CheckSettings) -> State:
    """A file with all lines different and every line edited at another time."""
    rng = np.random.default_rng(settings.seed_of("file", length, cursor))
    lines = tuple(" " * (i % 9) + f"name{i} = {rng.integers(10**6)}" for i in range(length))
    rows = [[[rng.integers(90), 1, 2 + i % 7, 1, 0, i % 2] for i in range(length)] for _ in "HA"]
    human, assistant = (np.array(row, dtype=np.int64) for row in rows)
    state = tasks.plain(list(lines), t=90, cursor=cursor)
    return replace(state, human=human, assistant=assistant, cursor=replace(state.cursor, char=cursor % 11))


def _embedding(featurizer: Featurizer, state: State, device: str) -> np.ndarray:
    """`(128,)`: the embedding of the cursor line's text, as a file of its own gives it."""
    alone = featurizer.encode([tasks.plain([state.lines[state.cursor.line]])])
    return np.asarray(featurizer(alone.batch([0], device=device)).x[0, 0, :128].cpu().double())


CHECKS = (Check("padding_and_order", padding_and_order), Check("cursor_alignment", cursor_alignment))

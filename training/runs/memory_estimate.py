"""Whether a training fits into memory, estimated from its settings before anything is built.

Counted are the networks and their copies, what the optimizer keeps, what a minibatch keeps for its backward pass, and
of self-play the trees of the search, the games that are learned from and the states at which p(kept) is fitted. The
interpreter and the recordings are not: they are there already. Not here: bounds of settings (`config_bounds`), a run
that meets its limit all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

import memory_limits
from config import N_DECISIONS, N_SCALARS, RETENTION_STATES, ModelConfig, SearchConfig, TrainConfig
from errors import InputError
from models.network_size import featurizer_parameters, policy_parameters
from state_adapter import Episode

FLOAT_BYTES, INDEX_BYTES = 4, 8

POLICY_COPIES = 3 + 1 + 3
"""Human, assistant and start; the best one so far; what is copied to be saved."""
FEATURIZER_COPIES = 2 + 1 + 2
OPTIMIZER_COPIES = 6
"""Gradients, the same in one vector, two moments, and two vectors while a step is taken."""

PREDICTION_BATCH = 64
"""States that go through a network together where nothing is learned."""

BYTES_PER_LINE = 150
"""Of a state in a search tree: attribution and text of a line."""

REPLAY_COPIES = 2
"""Each epoch's games, and those of all epochs as one batch."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that a training needs at its peak.

    networks: with the optimizer. replay: games of self-play that are learned from. minibatch, search, retention: a
    minibatch's layers, the trees of the search, the states at which p(kept) is fitted; one of the three at a time.
    """

    networks: int
    minibatch: int
    search: int
    replay: int
    retention: int

    @property
    def total(self) -> int:
        """What is needed at once."""
        return self.networks + self.replay + max(self.minibatch, self.search, self.retention)


def require_memory(config: TrainConfig, episodes: Sequence[Episode], device: torch.device) -> None:
    """Raises InputError, with the estimate, if the training does not fit into the memory that is available now."""
    available = available_memory(device)
    estimate = estimate_memory(config, episodes)
    if available is None or estimate.total <= available:
        return
    parts = f"networks and optimizer {_gib(estimate.networks)}, a minibatch {_gib(estimate.minibatch)}"
    parts += f", the search {_gib(estimate.search)}, games of self-play {_gib(estimate.replay)}"
    parts += f", p(kept) {_gib(estimate.retention)}"
    message = f"needs about {_gib(estimate.total)} of memory ({parts}), but {_gib(available)} are available"
    raise InputError("settings", f"{message}; expected a smaller model, batch_size, h_max or zero_style")


def estimate_memory(config: TrainConfig, episodes: Sequence[Episode]) -> MemoryEstimate:
    """What the phases that have epochs need on these recordings."""
    lengths = [len(state.lines) for episode in episodes for state in episode.states]
    lines = min(config.featurizer.h_max, max(lengths, default=1))
    states = max(len(lengths), 1)
    batches = [min(phase.batch_size, states) for phase in (config.bc, config.ppo) if phase.epochs]
    plays = config.zero_style.epochs > 0
    if plays:  # whose minibatches are filled up with recorded decisions, drawn again and again
        batches.append(config.ppo.batch_size)
    return MemoryEstimate(
        networks=_network_bytes(config),
        minibatch=_minibatch_bytes(config.model, max(batches, default=1), lines, min(PREDICTION_BATCH, states)),
        search=_search_bytes(config, states, lines) if plays else 0,
        replay=_replay_bytes(config, states, lines) if plays else 0,
        retention=_retention_bytes(config.model, config.ppo.batch_size, lines)
        if plays and config.model.predict_kept
        else 0,
    )


def available_memory(device: torch.device) -> int | None:
    """Bytes that may still be taken of a GPU, or of this process's memory (`memory_limits`). None: nothing says so."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return memory_limits.available_memory()


def _network_bytes(config: TrainConfig) -> int:
    policy, featurizer = policy_parameters(config.model), featurizer_parameters(config.featurizer)
    copies = POLICY_COPIES * policy + FEATURIZER_COPIES * featurizer
    learned = (2 if config.init_from_pv else 1) * policy + featurizer
    return FLOAT_BYTES * (copies + OPTIMIZER_COPIES * learned)


def _minibatch_bytes(model: ModelConfig, batch: int, lines: int, predicted: int) -> int:
    """The larger of a minibatch, whose layers keep what they compute, and of a batch that is only predicted."""
    tokens = lines + (model.n_global_tokens if model.backbone == "lg_transformer" else 0)
    mask = tokens * tokens if model.backbone == "lg_transformer" else 0
    layer, layers = _floats_per_token(model)
    heads = 3 * 2 * model.hidden + 4 * model.d_model + model.d_in
    learned = batch * (tokens * (layers * layer + heads) + 2 * mask)
    return FLOAT_BYTES * max(learned, predicted * (tokens * (layer + heads) + mask))


def _floats_per_token(model: ModelConfig) -> tuple[int, int]:
    """Numbers that a layer keeps of a token for its backward pass, and the layers."""
    if model.backbone == "lg_transformer":
        return 24 * model.d_model, model.n_layers
    mixing = 2 * model.surround_layers * 8 * model.d_model
    return 2 * 10 * model.hidden + mixing // model.layers, model.layers


def _search_bytes(config: TrainConfig, states: int, lines: int) -> int:
    """Of the trees of an epoch's games: arrays of each node and its state (see `search.tree.Tree`)."""
    games, search = min(config.zero_style.roots, states), SearchConfig(simulations=config.zero_style.simulations)
    node = search.candidates * 56 + search.replies * 32 + 2 * BYTES_PER_LINE * lines
    return games * (search.simulations + 1) * node


def _replay_bytes(config: TrainConfig, states: int, lines: int) -> int:
    """Of the encoded states of the games of the latest epochs: a line's scalars, legal decisions and index of text."""
    settings = config.zero_style
    epochs = min(settings.replay, settings.epochs)
    played = epochs * min(settings.roots, states) * (settings.horizon + 1)
    return REPLAY_COPIES * played * lines * (FLOAT_BYTES * N_SCALARS + N_DECISIONS + INDEX_BYTES)


def _retention_bytes(model: ModelConfig, batch: int, lines: int) -> int:
    """Of the states at which p(kept) is fitted: a line's features below and above the backbone, logits, what counts."""
    floats = model.d_in + model.d_model + N_DECISIONS
    predicted = _minibatch_bytes(model, 0, lines, min(batch, RETENTION_STATES))
    return predicted + RETENTION_STATES * lines * (FLOAT_BYTES * floats + 2 * N_DECISIONS)


def _gib(number: int) -> str:
    return f"{number / 2**30:,.1f} GiB"

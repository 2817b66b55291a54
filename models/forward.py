"""States, or rows of encoded states, through featurizer and policy: the one path for serving, simulation, search,
training and checks.

States of similar length go through the network together (`featurizers.length_buckets`), so that little is spent on
padding. Gradients, inference mode and train or eval mode are the caller's.
Not here: featurizer and network themselves, what is done with their output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from featurizers import EncodedStates, Featurizer, LineFeatures, StateBatch, buckets
from models.action_distribution import ActionDistribution
from models.policy import Head, Policy, PolicyOutput
from state import State

RowBatches = Sequence[NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class ForwardBatch:
    """A policy's output for B states, padded to L lines.

    index `(B,)`: places of these states among those that were passed; first_line, lengths `(B,)`: the file's number
    of the first line in the window, and how many lines it has. legal_only: whether the distribution is over legal
    pairs alone (the assistant's) or over all of them (the human's).
    """

    index: NDArray[np.int64]
    first_line: NDArray[np.int64]
    lengths: NDArray[np.int64]
    lines: LineFeatures
    output: PolicyOutput
    policy: Policy
    legal_only: bool

    def distribution(self) -> ActionDistribution:
        """The policy's distribution over (decision, line). Raises KeyError: the head `action` was not asked for."""
        return self.policy.distribution(self.output.scores, self.lines, legal_only=self.legal_only)


def forward_states(
    policy: Policy,
    featurizer: Featurizer,
    states: Sequence[State] | EncodedStates,
    *,
    legal_only: bool,
    rows: Sequence[int] | NDArray[np.int64] | torch.Tensor | None = None,
    heads: Iterable[Head] | None = None,
    h_max: int | None = None,
    shard: Callable[[RowBatches], RowBatches] | None = None,
) -> Iterator[ForwardBatch]:
    """The policy's output for states, one batch after another; each state is in exactly one.

    states: states, which are encoded here, or encoded ones, of which `rows` are taken (by default all; a row may occur
    several times). heads: those to be computed, by default all. h_max: lines that the network sees of a state that is
    encoded here, by default the featurizer's. shard: picks the batches that this process computes, by default all.
    """
    heads = None if heads is None else frozenset(heads)
    if isinstance(states, EncodedStates):
        selected = np.arange(len(states)) if rows is None else np.asarray(rows, dtype=np.int64)
        lengths = states.lengths()[selected]
    else:
        selected = np.arange(len(states))
        lengths = np.minimum([len(state) for state in states], h_max or featurizer.config.h_max)
    batches = buckets(lengths) if len(lengths) else []
    for index in batches if shard is None else shard(batches):
        if isinstance(states, EncodedStates):
            encoded = states.take(selected[index])
        else:
            encoded = featurizer.encode([states[i] for i in index.tolist()], h_max)
        yield forward_batch(policy, featurizer, encoded, legal_only=legal_only, heads=heads, index=index)


def forward_batch(
    policy: Policy,
    featurizer: Featurizer,
    encoded: EncodedStates,
    *,
    legal_only: bool,
    heads: Iterable[Head] | None = None,
    index: NDArray[np.int64] | None = None,
) -> ForwardBatch:
    """The policy's output for encoded states in one batch, whatever their lengths are.

    index: as in `ForwardBatch`, by default 0, 1, ...
    """
    batch: StateBatch = encoded.batch(device=featurizer.device)
    lines: LineFeatures = featurizer(batch)
    output: PolicyOutput = policy(lines, heads)
    index = np.arange(len(encoded)) if index is None else index
    return ForwardBatch(index, encoded.first_line, encoded.lengths(), lines, output, policy, legal_only)

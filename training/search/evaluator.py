"""A policy network as the evaluator of a search: states of any length in, candidates and values out.

Not here: what is searched, the human's replies.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from config import SearchConfig
from featurizers import Featurizer
from models import Head, Policy, forward_states
from state import State
from training.search.interfaces import NO_OP, Evaluation, Floats, Ints

HEADS: tuple[Head, ...] = ("action", "value", "kept")

UNKNOWN = 0.5
"""p(kept) of a policy that has no such head."""


class PolicyEvaluator:
    """The assistant's policy on the device of its weights, one network call per bucket of similar lengths."""

    def __init__(self, policy: Policy, featurizer: Featurizer, config: SearchConfig) -> None:
        self.policy, self.featurizer = policy.eval(), featurizer.eval()
        self.candidates = config.candidates

    @torch.no_grad()
    def evaluate(self, states: Sequence[State]) -> Evaluation:
        """Candidates (decision, line of the file) with their log-probabilities and p(kept), and values.

        Raises:
            FloatingPointError: a value or a probability is not a number: the weights are broken.
        """
        size = len(states)
        pairs = np.empty((size, self.candidates, 2), dtype=np.int64)
        log_probs, values = np.empty((size, self.candidates)), np.empty(size)
        kept_probs = np.full((size, self.candidates), UNKNOWN)
        for batch in forward_states(self.policy, self.featurizer, states, heads=HEADS, legal_only=True):
            rows, first_line = batch.index, batch.first_line
            pair_log_probs = batch.distribution().pair_log_probs()
            pairs[rows], log_probs[rows] = candidates(pair_log_probs, first_line, self.candidates)
            values[rows] = batch.output.value.cpu().numpy()
            if batch.output.kept is not None:
                lines = np.maximum(pairs[rows, :, 1] - first_line[:, None], 0)
                shares = batch.output.kept.sigmoid().cpu().numpy()
                kept_probs[rows] = shares[np.arange(len(rows))[:, None], pairs[rows, :, 0], lines]
        if np.isnan(log_probs).any() or not np.isfinite(values).all():
            raise FloatingPointError("the policy's answer is not a number")
        return Evaluation(pairs, log_probs, values, kept_probs)


def candidates(pair_log_probs: Tensor, first_line: Ints, count: int) -> tuple[Ints, Floats]:
    """NO-OP and the `count - 1` most probable other pairs: (B, count, 2) and log-probabilities (B, count).

    pair_log_probs: (B, 7, L), NO-OP's at [:, 0, 0]. first_line: (B,), added to the lines; NO-OP's line is -1. Where
    fewer pairs are legal the rest has log-probability -inf.
    """
    longest = pair_log_probs.shape[2]
    help_log_probs = pair_log_probs[:, NO_OP + 1 :].flatten(1)
    best, places = help_log_probs.topk(min(count - 1, help_log_probs.shape[1]), dim=1)
    log_probs = np.full((len(help_log_probs), count), -np.inf)
    log_probs[:, 0] = pair_log_probs[:, NO_OP, 0].cpu().numpy()
    log_probs[:, 1 : 1 + best.shape[1]] = best.cpu().numpy()
    pairs = np.zeros((len(help_log_probs), count, 2), dtype=np.int64)
    flat_index = places.cpu().numpy()
    pairs[:, 0] = NO_OP, -1
    pairs[:, 1 : 1 + best.shape[1], 0] = flat_index // longest + 1
    pairs[:, 1 : 1 + best.shape[1], 1] = flat_index % longest + first_line[:, None]
    return pairs, log_probs


def observation(state: State) -> bytes:
    """A key of all that the assistant's network reads of a state: what it does not see does not count."""
    digest = blake2b(digest_size=16)
    # A line may end with a line break but has none inside, so the joined text says where each one ends.
    digest.update("\n\0\n".join(state.lines).encode("utf-8", "surrogatepass"))
    digest.update(state.human.tobytes())
    digest.update(state.assistant.tobytes())
    digest.update(repr((len(state), state.t, state.cursor, state.history)).encode())
    return digest.digest()

"""Second opinions, written from the documents and slowly: what is legal, what an imported network answers, what GAE is.

Nothing but the checks may use this; it shares no code with what it judges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config import FeaturizerConfig
from state import State

Array = NDArray[np.float64]
Weights = Mapping[str, Array]

AT_CURSOR = (1, 2, 3, 5)
"""Decisions that happen at the cursor if its line is valid."""


def legal_pairs(state: State, w_max: int) -> set[tuple[int, int]]:
    """Every legal (decision, line) of the assistant; NO-OP as (0, -1)."""
    free = []
    for i in range(len(state.lines)):
        t_last, start, end = (int(number) for number in state.human[i, :3])
        if not (t_last == 0 and end > start):
            free.append(i)
    at_cursor = [state.cursor.line] if state.cursor.on and state.cursor.line in free else free
    pairs = {(0, -1)}
    for decision in range(1, 7):
        for i in at_cursor if decision in AT_CURSOR else free:
            if decision != 1 or len(state.lines[i].encode("utf-8", "surrogatepass")) < w_max:
                pairs.add((decision, i))
    return pairs


def gae(
    rewards: Sequence[float], values: Sequence[float], bootstrap: float, gamma: float, lam: float
) -> tuple[list[float], list[float]]:
    """Advantages and returns of ONE episode by the definition (Schulman et al. 2016, eq. 16): a double sum.

    bootstrap: value of what comes after the last transition, 0 if nothing does.
    """
    following = [*values[1:], bootstrap]
    deltas = [r + gamma * n - v for r, n, v in zip(rewards, following, values, strict=True)]
    advantages = [sum((gamma * lam) ** (j - i) * deltas[j] for j in range(i, len(deltas))) for i in range(len(deltas))]
    return advantages, [a + v for a, v in zip(advantages, values, strict=True)]


def cross_entropy(
    candidates: Sequence[tuple[int, int]], policy: Sequence[float], mass_outside: float, log_probs: Array
) -> float:
    """Between a search's policy and a network's, of one state.

    candidates: (decision, line) each; policy: their probabilities, which share 1 - mass_outside. log_probs `(7, n)`:
    the network's. What is left to all other pairs is compared as one.
    """
    inside = [log_probs[decision, line] for decision, line in candidates]
    outside = max(1.0 - sum(math.exp(log_prob) for log_prob in inside), 1e-6)
    total = -sum(p * log_prob for p, log_prob in zip(policy, inside, strict=True) if p > 0)
    return float((1.0 - mass_outside) * total - mass_outside * math.log(outside))


def cursor_line_scalars(state: State, line: int, config: FeaturizerConfig) -> Array:
    """`(20,)`: the scalars of one line, in the documented order."""
    text, width, cursor = state.lines[line], config.w_max, state.cursor
    indentation = 0
    for letter in text:
        if letter not in " \t":
            break
        indentation += 4 if letter == "\t" else 1
    numbers = [min(len(text.encode("utf-8", "surrogatepass")), width) / width, min(indentation, width) / width]
    for agent in (state.human, state.assistant):
        t_last, start, end, *flags = (int(number) for number in agent[line])
        numbers += [max(t_last, 0) / 1000, math.exp(-max(state.t - t_last, 0) / config.tau_steps)]
        numbers += [min(max(start, 0), width) / width, min(max(end, 0), width) / width, *flags]
    is_cursor_line = cursor.on and cursor.line == line
    distance = math.tanh((line - cursor.line) / config.cursor_dist_c) if cursor.line >= 0 else 0.0
    numbers += [
        float(is_cursor_line),
        cursor.char / width if is_cursor_line else 0.0,
        max(cursor.last_t, 0) / 1000,
        distance,
    ]
    return np.array(numbers, dtype=np.float64)


class ImportedNetwork:
    """The existing system's network in numpy, from its description: one state, one line after the other, float64.

    weights: of the policy by name; feature_weights: of the featurizer; config: as the checkpoint carries it.
    """

    def __init__(self, weights: Weights, feature_weights: Weights, config: Mapping[str, Any]) -> None:
        self.weights, self.feature_weights, self.config = weights, feature_weights, config

    def features(self, state: State, config: FeaturizerConfig) -> Array:
        """`(n, d_in)`."""
        rows = []
        for i, text in enumerate(state.lines):
            data = text.encode("utf-8", "surrogatepass")[:160] or b" "
            mean = np.mean([self.feature_weights["text_embedder.char_embed.weight"][byte] for byte in data], axis=0)
            embedded = _gelu(self._feature_linear("text_embedder.text_mlp.0", mean))
            rows.append(np.concatenate([embedded, cursor_line_scalars(state, i, config)]))
        return np.stack([self._feature_linear("proj", row) for row in rows])

    def scores(self, x: Array) -> tuple[Array, Array, float, Array]:
        """Scores `(7, n)` of the assistant's and the human's head, value, goal `(8,)`, from features `(n, d_in)`."""
        lines = _layer_norm(self._linear("backbone.proj", x), self.weights, "backbone.ln")
        tokens = np.zeros((0, 0))
        for layer in range(int(self.config["n_layers"])):
            name = f"backbone.blocks.{layer}"
            both = self._block(name, np.concatenate([lines, self.weights[f"{name}.global_tokens"]]), len(lines))
            lines, tokens = both[: len(lines)], both[len(lines) :]
        mean = tokens.mean(axis=0)
        pooled = 0.5 * (np.concatenate([lines.mean(axis=0), lines.max(axis=0)]) + np.concatenate([mean, mean]))
        value, goal = (self._head(name, pooled[None])[0] for name in ("value_head", "goal_head"))
        scores, human = (self._head(name, lines).T for name in ("action_head", "human_pred_head"))
        return scores, human, float(value[0]), goal

    def _block(self, name: str, x: Array, n: int) -> Array:
        """`x` `(n + G, d)`: lines, then globals."""
        heads, d = int(self.config["n_heads"]), x.shape[1]
        packed = x @ self.weights[f"{name}.attn.in_proj_weight"].T + self.weights[f"{name}.attn.in_proj_bias"]
        query, key, value = np.split(packed, 3, axis=1)
        attended = np.zeros_like(x)
        for head in range(heads):
            part = slice(head * d // heads, (head + 1) * d // heads)
            for i in range(len(x)):
                seen = [j for j in range(len(x)) if i >= n or j >= n or abs(i - j) <= int(self.config["radius"])]
                logits = key[seen, part] @ query[i, part] / math.sqrt(d // heads)
                weights = np.exp(logits - logits.max())
                attended[i, part] = weights / weights.sum() @ value[seen, part]
        x = _layer_norm(x + self._linear(f"{name}.attn.out_proj", attended), self.weights, f"{name}.ln1")
        inner = _gelu(self._linear(f"{name}.ff.0", x))
        return _layer_norm(x + self._linear(f"{name}.ff.3", inner), self.weights, f"{name}.ln2")

    def _head(self, name: str, x: Array) -> Array:
        first, last = self._layers_of(name)
        return self._linear(last, _gelu(self._linear(first, x)))

    def _layers_of(self, head: str) -> tuple[str, str]:
        """The two linear layers of a head, whatever their numbers in the sequence are."""
        layers = sorted({name.rsplit(".", 1)[0] for name in self.weights if name.startswith(head + ".")})
        return layers[0], layers[-1]

    def _linear(self, name: str, x: Array) -> Array:
        return np.asarray(x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"])

    def _feature_linear(self, name: str, x: Array) -> Array:
        return np.asarray(x @ self.feature_weights[f"{name}.weight"].T + self.feature_weights[f"{name}.bias"])


def _layer_norm(x: Array, weights: Weights, name: str) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return np.asarray(centred / scale * weights[f"{name}.weight"] + weights[f"{name}.bias"])


def _gelu(x: Array) -> Array:
    return np.asarray(0.5 * x * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0))))


def decision_logits(scores: Array) -> Array:
    """`(7,)`: logsumexp over the lines of `(7, n)`, the sum of the existing system."""
    top = scores.max(axis=1)
    return np.asarray(top + np.log(np.exp(scores - top[:, None]).sum(axis=1)))

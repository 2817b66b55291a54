"""How many numbers a network has, computed from its config before anything is built. Not here: whether they fit.

Written out for the networks of this project; of a registered backbone or embedder nothing is known, and what the rest
has is a lower bound.
"""

from __future__ import annotations

from config import GOAL_DIM, N_DECISIONS, N_SCALARS, TEXT_DIM, FeaturizerConfig, ModelConfig
from featurizers.embedders import BYTES
from featurizers.history import SUMMARY_DIM

LSTM_GATES, GRU_GATES = 4, 3


def policy_parameters(config: ModelConfig) -> int:
    """Parameters of a policy: its backbone and its heads."""
    width, hidden = config.d_model, config.hidden
    line_heads = (3 if config.predict_kept else 2) * _mlp(width, hidden, N_DECISIONS)
    file_heads = _mlp(2 * width, hidden, 1) + _mlp(2 * width, hidden, GOAL_DIM)
    history = _mlp(SUMMARY_DIM, width, width) + width + 3 * N_DECISIONS * SUMMARY_DIM if config.history else 0
    return backbone_parameters(config) + line_heads + file_heads + history


def backbone_parameters(config: ModelConfig) -> int:
    """Parameters of a built-in backbone; 0: another one, of which nothing is known."""
    if config.backbone == "lg_transformer":
        return _transformer(config)
    gates = {"lstm": LSTM_GATES, "bigru": GRU_GATES}.get(config.backbone)
    return _recurrent(config, gates) if gates else 0


def featurizer_parameters(config: FeaturizerConfig) -> int:
    """Parameters of a featurizer; of a registered embedder none are counted."""
    width = config.char_dim
    embedder = {
        "mlp": BYTES * width + _linear(width, TEXT_DIM),
        "mlp_trainable": _mlp(BYTES, TEXT_DIM, TEXT_DIM),
        "char_cnn": (BYTES + 1) * width + 5 * width * width + width + _linear(width, TEXT_DIM),
        "ollama": _linear(config.ollama_dim, TEXT_DIM),
    }.get(config.text_embedder, 0)
    return embedder + _linear(TEXT_DIM + N_SCALARS, config.d_in)


def _transformer(config: ModelConfig) -> int:
    width = config.d_model
    attention = _linear(width, 3 * width) + _linear(width, width)
    layer = attention + _mlp(width, 4 * width, width) + 4 * width
    token_sets = 1 if config.global_tokens == "carried" else config.n_layers
    tokens = token_sets * config.n_global_tokens * width
    return _linear(config.d_in, width) + 2 * width + tokens + config.n_layers * layer


def _recurrent(config: ModelConfig, gates: int) -> int:
    width, hidden = config.d_model, config.hidden
    mixing = 2 * width + width * config.kernel_size + width + _linear(width, width)
    inputs = [width] + [2 * hidden] * (config.layers - 1)
    recurrent = sum(2 * gates * hidden * (size + hidden + 2) for size in inputs)
    ends = _linear(config.d_in, width) + 4 * width + _linear(2 * hidden, width)
    return ends + 2 * config.surround_layers * mixing + recurrent


def _linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def _mlp(inputs: int, hidden: int, outputs: int) -> int:
    return _linear(inputs, hidden) + _linear(hidden, outputs)

"""Every number a person may want to change, in frozen dataclasses. Not here: code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FORMAT_VERSION = 1
"""Version of our checkpoints; a newer one is refused."""

N_DECISIONS = 7
GOAL_DIM = 8
N_SCALARS = 20
TEXT_DIM = 128


@dataclass(frozen=True)
class FeaturizerConfig:
    """Lines to features. `h_max` in lines, `w_max` in bytes of UTF-8."""

    h_max: int = 300
    w_max: int = 160
    d_in: int = 192
    char_dim: int = 64
    text_embedder: Literal["mlp", "mlp_trainable", "char_cnn", "ollama"] = "mlp"
    train_text_embedder: bool = True
    train_featurizer_projector: bool = True
    tau_steps: float = 20.0
    """Turns after which an edit's recency falls to 1/e."""
    cursor_dist_c: float = 20.0
    """Scale of the distance to the cursor, in lines."""


@dataclass(frozen=True)
class ModelConfig:
    """One policy network. The last block of fields says where imported models compute differently."""

    backbone: Literal["lg_transformer", "lstm", "bigru"] = "lg_transformer"
    d_in: int = 192
    d_model: int = 128
    n_layers: int = 4
    n_heads: int = 4
    radius: int = 32
    n_global_tokens: int = 4
    hidden: int = 128
    """Width of the recurrent layers and of the heads' hidden layer."""
    layers: int = 2
    surround_layers: int = 2
    kernel_size: int = 3
    dropout: float = 0.1
    history: bool = True
    """Whether the session's history enters; False for imported models."""
    predict_kept: bool = True
    """Whether there is a p(kept) head; False for imported models."""
    global_tokens: Literal["carried", "restarted"] = "carried"
    """`restarted`: every layer begins with new global tokens (imported models)."""
    pooling: Literal["mean", "sum"] = "mean"
    """A decision's logit from its lines': logsumexp minus log of their number, or (imported models) the logsumexp."""


@dataclass(frozen=True)
class RewardWeights:
    """Weights of an assistant decision's reward."""

    test_pass_delta: float = 1.0
    test_regress: float = -1.0
    compile_fix: float = 0.75
    compile_break: float = -0.5
    compile_maintain: float = 0.1
    retain_reward: float = 0.25
    undo_penalty: float = -0.75
    survival_reward: float = 1.0
    extinction_penalty: float = -0.25
    noop_bonus: float = 0.05
    noop_penalty: float = -0.05
    noop_growth: float = 1.5
    noop_penalty_cap: float = 0.1
    clip: float = 5.0

"""Every number a person may want to change, in frozen dataclasses. Not here: code."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

VERSION = "0.1.0"
"""Of this project; pyproject.toml reads it here."""

FORMAT_VERSION = 1
"""Version of our checkpoints; a newer one is refused."""

N_DECISIONS = 7
GOAL_DIM = 8
N_SCALARS = 20
TEXT_DIM = 128
TEXT_BYTES = 160
"""Bytes of a line that the text embedder reads."""


@dataclass(frozen=True)
class FeaturizerConfig:
    """Lines to features. `h_max` in lines, `w_max` in bytes of UTF-8."""

    h_max: int = 300
    w_max: int = 160
    d_in: int = 192
    char_dim: int = 64
    text_embedder: str = "mlp"
    """`mlp`, `mlp_trainable`, `char_cnn`, `ollama`, or one registered with `featurizers.register_embedder`."""
    train_text_embedder: bool = True
    train_featurizer_projector: bool = True
    tau_steps: float = 20.0
    """Turns after which an edit's recency falls to 1/e."""
    cursor_dist_c: float = 20.0
    """Scale of the distance to the cursor, in lines."""
    states_max: int = 1000
    """Scale of turn numbers."""
    line_ends: bool = False
    """Whether a line's end, if it comes with one, is part of what is seen of it; True for imported models."""
    ollama_model: str = "nomic-embed-text"
    ollama_dim: int = 768
    """Length of that model's vectors."""


@dataclass(frozen=True)
class ModelConfig:
    """One policy network. The last block of fields says where imported models compute differently."""

    backbone: str = "lg_transformer"
    """`lg_transformer`, `lstm`, `bigru`, or one registered with `backbones.register`."""
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


@dataclass(frozen=True)
class BCConfig:
    """Behaviour cloning: the human policy and the featurizer learn what the human does."""

    epochs: int = 1
    batch_size: int = 16
    """States in a minibatch."""
    learning_rate: float = 5e-4
    weight_decay: float = 0.05
    grad_clip: float = 1.0
    validation_share: float = 0.2
    """Share of the sessions held out of every phase; none of fewer than six."""
    patience: int = 4
    """Epochs without a better held-out loss after which cloning stops."""
    start_anchor: float = 6.0
    """Weight of KL(start || policy) over decisions for one session; it falls with the root of their number."""
    kept_anchor: float = 20.0
    """Weight of the p(kept) of the start beside the shares kept, for one session; it falls with the root of their
    number."""
    line_weight: float = 0.5
    """Weight of the line's likelihood beside the decision's."""
    human_weight: float = 0.25
    value_weight: float = 0.1
    goal_weight: float = 1.0
    kept_weight: float = 0.5


@dataclass(frozen=True)
class PPOConfig:
    """PPO from recorded decisions. Ratios are those of the decision, and of the line given the decision."""

    epochs: int = 1
    steps: int = 2048
    """Transitions an epoch learns from at most."""
    passes: int = 2
    """Passes over the transitions in an epoch, as far as `steps` allows."""
    batch_size: int = 32
    learning_rate: float = 5e-4
    weight_decay: float = 0.0
    grad_clip: float = 1.0
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_decision: float = 0.2
    clip_line: float = 0.2
    clip_value: float = 0.5
    """Largest change of a value in an epoch that still pays, in units of the return's spread."""
    importance_cap: float = 2.0
    """Largest weight that a transition gets because the behaviour differs from the policy."""
    entropy_weight: float = 0.005
    human_anchor: float = 0.02
    """Weight of KL(policy || human policy), piKL's lambda."""
    start_anchor: float = 0.5
    """Weight of KL(start || policy) for one session; it falls with the root of their number."""
    kept_anchor: float = 20.0
    """Weight of the p(kept) of the start beside the shares kept, for one session; it falls with the root of their
    number."""
    target_kl: float = 0.05
    """KL to the policy that the epoch began with at which the epoch ends."""
    value_weight: float = 0.25
    human_weight: float = 0.1
    goal_weight: float = 0.5
    kept_weight: float = 0.5
    sample_size_floor: float = 0.3
    """Effective sample size, as a share, below which the update is advantage-weighted regression."""
    awr_beta: float = 1.0
    awr_cap: float = 20.0


@dataclass(frozen=True)
class SearchConfig:
    """Tree search over the assistant's decisions, the human's replies sampled."""

    algorithm: Literal["gumbel", "puct"] = "gumbel"
    simulations: int = 16
    candidates: int = 16
    """(decision, line) pairs that a node offers, the most probable ones and NO-OP."""
    considered: int = 8
    """Candidates that sequential halving starts with at the root."""
    replies: int = 8
    """Replies of the human that an assistant's decision may lead to."""
    depth: int = 6
    """Assistant's decisions from the root to the deepest leaf."""
    discount: float = 0.99
    """Per decision of the assistant."""
    maxvisit_init: float = 50.0
    value_scale: float = 0.1
    """sigma(q) = (visit_offset + most visits) * value_scale * q, with q rescaled to [0, 1]."""
    prior_visits: float = 1.0
    """Visits with the node's own value that every visited Q is averaged with: replies are noisy. 0: none."""
    puct_base: float = 19652.0
    puct_init: float = 1.25
    lambdas: tuple[float, ...] = (0.3, 1.0, 3.0, float("inf"))
    """How strongly the human is held to the imitated human, in units of the span of a tree's returns; drawn alike at
    each reply. inf: imitation itself."""
    kappa: float = 0.0
    """Temperature of the human's own choice among replies."""


MOST_PLIES = 1_000
"""Of a game of self-play: beyond it an epoch would hardly end."""


@dataclass(frozen=True)
class ZeroStyleConfig:
    """Self-play from recorded states."""

    epochs: int = 1
    roots: int = 32
    """Recorded states that an epoch plays on from."""
    horizon: int = 6
    """Plies played from each root, an assistant's and a human's in turn; an odd number is rounded up."""
    simulations: int = 16
    """Of the search before each of the assistant's plies."""
    algorithm: Literal["gumbel", "puct"] = "gumbel"
    """Of the search."""
    n_step: int = 5
    """Decisions whose rewards a value target sums up before it trusts a value."""
    passes: int = 4
    """How often an epoch goes through as many decisions as it has played."""
    replay: int = 4
    """Epochs whose games are learned from, the latest."""
    recorded_share: float = 0.33
    """Share of recorded decisions in a minibatch."""


@dataclass(frozen=True)
class TrainConfig:
    """One training run: where it writes, from what it starts, and its phases."""

    checkpoint_dir: Path
    pv_dir: Path
    device: str = "cpu"
    seed: int = 0
    init_from_pv: bool = False
    """Start from the current models instead of fresh ones."""
    resume: bool = False
    run_label: str = ""
    trained_on: Literal["person", "samples", "scripted"] = "person"
    games_before: int = 0
    """Games of self-play that earlier runs have learned from: this one plays others."""
    featurizer: FeaturizerConfig = field(default_factory=FeaturizerConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    rewards: RewardWeights = field(default_factory=RewardWeights)
    bc: BCConfig = field(default_factory=BCConfig)
    ppo: PPOConfig = field(default_factory=PPOConfig)
    zero_style: ZeroStyleConfig = field(default_factory=ZeroStyleConfig)

    @property
    def learns(self) -> bool:
        """Whether any phase has an epoch."""
        return self.bc.epochs + self.ppo.epochs + self.zero_style.epochs > 0


@dataclass(frozen=True)
class LoopConfig:
    """What `run.py` does; the keys of `training_config.json`, nested as here."""

    trained_on: Literal["person", "samples", "scripted"] = "person"
    """Whose sessions are under the data root. Models trained on anything else never replace a person's."""
    seed: int = 0
    device: str = "cpu"
    held_out_share: float = 0.2
    """Share of the sessions that nothing learns from; before and after are measured on them."""
    init_from_pv: bool = True
    """Go on from the current models of the same kind, if there are any."""
    telemetry_url: str | None = None
    """Address that records of runs are posted to; none: they stay on this machine."""
    featurizer: FeaturizerConfig = field(default_factory=FeaturizerConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    rewards: RewardWeights = field(default_factory=RewardWeights)
    bc: BCConfig = field(default_factory=lambda: BCConfig(epochs=20))
    ppo: PPOConfig = field(default_factory=lambda: PPOConfig(epochs=6))
    zero_style: ZeroStyleConfig = field(default_factory=lambda: ZeroStyleConfig(epochs=12))

    @property
    def learns(self) -> bool:
        """Whether any phase has an epoch."""
        return self.bc.epochs + self.ppo.epochs + self.zero_style.epochs > 0

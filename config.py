"""Every number a person may want to change, in frozen dataclasses, and its bounds. Not here: code.

A number's type names the bounds that hold wherever it comes from: settings file, flag or checkpoint
(`config_bounds` checks them). Whatever is within them can be trained with, saved and loaded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

VERSION = "0.1.0"
"""Of this project; pyproject.toml reads it here."""

FORMAT_VERSION = 1
"""Version of our checkpoints; a newer one is refused."""

MODULES = "CODEASSIST_MODULES"
"""Environment variable: names of modules to import first, with commas between them."""

N_DECISIONS = 7
GOAL_DIM = 8
N_SCALARS = 20
TEXT_DIM = 128
TEXT_BYTES = 160
"""Bytes of a line that the text embedder reads."""

MOST_PLIES = 1_000
"""Of a game of self-play: beyond it an epoch would hardly end."""

RETENTION_STATES = 192
"""States at which the published p(kept) is fitted after an epoch of self-play, at most."""


@dataclass(frozen=True)
class Bounds:
    """Least and largest value of a number, or of the number of characters of a text; both are allowed."""

    least: float
    most: float


Size = Annotated[int, Bounds(1, 4096)]
"""Width of a layer."""
Count = Annotated[int, Bounds(1, 100_000)]
Epochs = Annotated[int, Bounds(0, 100_000)]
BatchSize = Annotated[int, Bounds(1, 100_000)]
Passes = Annotated[int, Bounds(1, 1_000)]
Share = Annotated[float, Bounds(0.0, 1.0)]
HeldOutShare = Annotated[float, Bounds(0.0, 0.9)]
"""Something is left to learn from."""
Weight = Annotated[float, Bounds(0.0, 1_000.0)]
"""Of a term of a loss."""
LearningRate = Annotated[float, Bounds(0.0, 0.1)]
WeightDecay = Annotated[float, Bounds(0.0, 1.0)]
GradClip = Annotated[float, Bounds(1e-3, 1e6)]
IdleMinutes = Annotated[float, Bounds(0.01, 100_000.0)]
Scale = Annotated[float, Bounds(1e-3, 1e6)]
"""Something is divided by it."""
RewardWeight = Annotated[float, Bounds(-1_000.0, 1_000.0)]
Name = Annotated[str, Bounds(1, 200)]


@dataclass(frozen=True)
class FeaturizerConfig:
    """Lines to features. `h_max` in lines, `w_max` in bytes of UTF-8."""

    h_max: Annotated[int, Bounds(1, 100_000)] = 300
    w_max: Annotated[int, Bounds(1, 1_000_000)] = 160
    d_in: Size = 192
    char_dim: Size = 64
    text_embedder: Name = "mlp"
    """`mlp`, `mlp_trainable`, `char_cnn`, `ollama`, or one registered with `featurizers.register_embedder`."""
    train_text_embedder: bool = True
    train_featurizer_projector: bool = True
    tau_steps: Scale = 20.0
    """Turns after which an edit's recency falls to 1/e."""
    cursor_dist_c: Scale = 20.0
    """Scale of the distance to the cursor, in lines."""
    states_max: Annotated[int, Bounds(1, 1_000_000_000)] = 1000
    """Scale of turn numbers."""
    line_ends: bool = False
    """Whether a line's end, if it comes with one, is part of what is seen of it; True for imported models."""
    ollama_model: Name = "nomic-embed-text"
    ollama_dim: Annotated[int, Bounds(1, 65_536)] = 768
    """Length of that model's vectors."""


@dataclass(frozen=True)
class ModelConfig:
    """One policy network. The last block of fields says where imported models compute differently."""

    backbone: Name = "lg_transformer"
    """`lg_transformer`, `lstm`, `bigru`, or one registered with `backbones.register`."""
    d_in: Size = 192
    d_model: Size = 128
    n_layers: Annotated[int, Bounds(1, 64)] = 4
    n_heads: Annotated[int, Bounds(1, 256)] = 4
    radius: Annotated[int, Bounds(0, 100_000)] = 32
    n_global_tokens: Annotated[int, Bounds(1, 64)] = 4
    hidden: Size = 128
    """Width of the recurrent layers and of the heads' hidden layer."""
    layers: Annotated[int, Bounds(1, 16)] = 2
    surround_layers: Annotated[int, Bounds(0, 16)] = 2
    kernel_size: Annotated[int, Bounds(1, 255)] = 3
    dropout: Annotated[float, Bounds(0.0, 0.9)] = 0.1
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

    test_pass_delta: RewardWeight = 1.0
    test_regress: RewardWeight = -1.0
    compile_fix: RewardWeight = 0.75
    compile_break: RewardWeight = -0.5
    compile_maintain: RewardWeight = 0.1
    retain_reward: RewardWeight = 0.25
    undo_penalty: RewardWeight = -0.75
    survival_reward: RewardWeight = 1.0
    extinction_penalty: RewardWeight = -0.25
    noop_bonus: RewardWeight = 0.05
    noop_penalty: RewardWeight = -0.05
    noop_growth: Annotated[float, Bounds(0.0, 100.0)] = 1.5
    noop_penalty_cap: Annotated[float, Bounds(0.0, 1_000.0)] = 0.1
    clip: Annotated[float, Bounds(1e-3, 1_000.0)] = 5.0


@dataclass(frozen=True)
class BCConfig:
    """Behaviour cloning: the human policy and the featurizer learn what the human does."""

    epochs: Epochs = 1
    batch_size: BatchSize = 16
    """States in a minibatch."""
    learning_rate: LearningRate = 5e-4
    weight_decay: WeightDecay = 0.05
    grad_clip: GradClip = 1.0
    validation_share: HeldOutShare = 0.2
    """Share of the sessions held out of every phase; none of fewer than six."""
    patience: Count = 4
    """Epochs without a better held-out loss after which cloning stops."""
    start_anchor: Weight = 6.0
    """Weight of KL(start || policy) over decisions for one session; it falls with the root of their number."""
    kept_anchor: Weight = 20.0
    """Weight of the p(kept) of the start beside the shares kept, for one session; it falls with the root of their
    number."""
    line_weight: Weight = 0.5
    """Weight of the line's likelihood beside the decision's."""
    human_weight: Weight = 0.25
    value_weight: Weight = 0.1
    goal_weight: Weight = 1.0
    kept_weight: Weight = 0.5


@dataclass(frozen=True)
class PPOConfig:
    """PPO from recorded decisions. Ratios are those of the decision, and of the line given the decision."""

    epochs: Epochs = 1
    steps: Annotated[int, Bounds(1, 10_000_000)] = 2048
    """Transitions an epoch learns from at most."""
    passes: Passes = 2
    """Passes over the transitions in an epoch, as far as `steps` allows."""
    batch_size: BatchSize = 32
    learning_rate: LearningRate = 5e-4
    weight_decay: WeightDecay = 0.0
    grad_clip: GradClip = 1.0
    gamma: Share = 0.99
    gae_lambda: Share = 0.95
    clip_decision: Annotated[float, Bounds(1e-3, 10.0)] = 0.2
    clip_line: Annotated[float, Bounds(1e-3, 10.0)] = 0.2
    clip_value: Annotated[float, Bounds(1e-3, 1_000.0)] = 0.5
    """Largest change of a value in an epoch that still pays, in units of the return's spread."""
    importance_cap: Annotated[float, Bounds(0.01, 1_000.0)] = 2.0
    """Largest weight that a transition gets because the behaviour differs from the policy."""
    entropy_weight: Weight = 0.005
    human_anchor: Weight = 0.02
    """Weight of KL(policy || human policy), piKL's lambda."""
    start_anchor: Weight = 0.5
    """Weight of KL(start || policy) for one session; it falls with the root of their number."""
    kept_anchor: Weight = 20.0
    """Weight of the p(kept) of the start beside the shares kept, for one session; it falls with the root of their
    number."""
    target_kl: Annotated[float, Bounds(1e-4, 1_000.0)] = 0.05
    """KL to the policy that the epoch began with at which the epoch ends."""
    value_weight: Weight = 0.25
    human_weight: Weight = 0.1
    goal_weight: Weight = 0.5
    kept_weight: Weight = 0.5
    sample_size_floor: Share = 0.3
    """Effective sample size, as a share, below which the update is advantage-weighted regression."""
    awr_beta: Annotated[float, Bounds(1e-3, 1_000.0)] = 1.0
    awr_cap: Annotated[float, Bounds(0.01, 1_000.0)] = 20.0


@dataclass(frozen=True)
class SearchConfig:
    """Tree search over the assistant's decisions, the human's replies sampled."""

    algorithm: Literal["gumbel", "puct"] = "gumbel"
    simulations: Annotated[int, Bounds(1, 10_000)] = 16
    candidates: Annotated[int, Bounds(1, 1_000)] = 16
    """(decision, line) pairs that a node offers, the most probable ones and NO-OP."""
    considered: Annotated[int, Bounds(1, 1_000)] = 8
    """Candidates that sequential halving starts with at the root."""
    replies: Annotated[int, Bounds(1, 1_000)] = 8
    """Replies of the human that an assistant's decision may lead to."""
    depth: Annotated[int, Bounds(1, 1_000)] = 6
    """Assistant's decisions from the root to the deepest leaf."""
    discount: Share = 0.99
    """Per decision of the assistant."""
    maxvisit_init: Annotated[float, Bounds(0.0, 1e6)] = 50.0
    value_scale: Annotated[float, Bounds(0.0, 1e3)] = 0.1
    """sigma(q) = (maxvisit_init + most visits) * value_scale * q, with q rescaled to [0, 1]."""
    prior_visits: Annotated[float, Bounds(0.0, 1e6)] = 1.0
    """Visits with the node's own value that every visited Q is averaged with: replies are noisy. 0: none."""
    puct_base: Annotated[float, Bounds(1.0, 1e9)] = 19652.0
    puct_init: Annotated[float, Bounds(0.0, 1e3)] = 1.25
    lambdas: tuple[Annotated[float, Bounds(0.0, math.inf)], ...] = (0.3, 1.0, 3.0, float("inf"))
    """How strongly the human is held to the imitated human, in units of the span of a tree's returns; drawn alike at
    each reply. inf: imitation itself."""
    kappa: Annotated[float, Bounds(0.0, 1e3)] = 0.0
    """Temperature of the human's own choice among replies."""


@dataclass(frozen=True)
class ZeroStyleConfig:
    """Self-play from recorded states."""

    epochs: Epochs = 1
    roots: Count = 32
    """Recorded states that an epoch plays on from."""
    horizon: Annotated[int, Bounds(1, MOST_PLIES)] = 6
    """Plies played from each root, an assistant's and a human's in turn; an odd number is rounded up."""
    simulations: Annotated[int, Bounds(1, 10_000)] = 16
    """Of the search before each of the assistant's plies."""
    algorithm: Literal["gumbel", "puct"] = "gumbel"
    """Of the search."""
    n_step: Annotated[int, Bounds(1, 1_000)] = 5
    """Decisions whose rewards a value target sums up before it trusts a value."""
    passes: Passes = 4
    """How often an epoch goes through as many decisions as it has played."""
    replay: Annotated[int, Bounds(1, 1_000)] = 4
    """Epochs whose games are learned from, the latest."""
    recorded_share: Share = 0.33
    """Share of recorded decisions in a minibatch."""


@dataclass(frozen=True, kw_only=True)
class LearningConfig:
    """What decides what is learned, whoever starts the learning."""

    trained_on: Literal["person", "samples", "scripted"] = "person"
    """Whose sessions are learned from. Models trained on anything else never replace a person's."""
    seed: Annotated[int, Bounds(0, 2**63 - 1)] = 0
    device: Name = "cpu"
    init_from_pv: bool = True
    """Of `run.py`: begin at the packaged baseline or imported models, if there are any, instead of fresh weights."""
    learn_pastes: bool = False
    """Whether the person's turns with a large paste are learned from as if they had typed them."""
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
class TrainConfig(LearningConfig):
    """One training run: where it writes, from what it starts, and its phases."""

    checkpoint_dir: Path
    pv_dir: Path
    init_from_pv: bool = field(default=False, kw_only=True)
    """Start from the current models instead of fresh ones; refused if there are none."""
    resume: bool = False
    run_label: str = ""
    games_before: Annotated[int, Bounds(0, 2**63 - 1)] = 0
    """Games of self-play that earlier runs have learned from: this one plays others."""


@dataclass(frozen=True)
class ServeConfig:
    """How the assistant serves a person. What is learned depends on the reviewer's settings alone, where texts were
    reviewed: the policy learns for the reviewer that will serve."""

    explore: bool = True
    """Whether exploration acts while fewer than three sessions are learned from; false: silence."""
    epsilon: Share = 0.05
    """Probability of drawing from the distribution instead of taking what argmax does."""
    writer_url: str | None = None
    """Address of a server that writes text; none: those that are usual on this machine are tried."""
    writer_model: str | None = None
    """GGUF file that writes text in this process, before any server; the flag `--writer-model` comes before it."""
    allow_remote_writer: bool = False
    """Whether `writer_url` may be on another machine: the file's text is sent there."""
    tutor: bool = False
    """Whether the solutions of built-in problems write the text."""
    review_threshold: Share | None = None
    """Least p(kept) of a written text that is shown; none: where the rewards of showing and of silence are equal."""
    review_exploration: Share = 0.05
    """Share of the texts below the threshold that are shown all the same, to learn from."""
    folder: str | None = None
    """Folder of the person's own files, which the page opens and saves; the flag `--folder` comes before it."""
    idle_minutes: IdleMinutes = 30.0
    """Minutes without a message after which an open session is ended: its tab was closed."""


@dataclass(frozen=True, kw_only=True)
class LoopConfig(LearningConfig):
    """What `run.py` does; the keys of `training_config.json`, nested as here."""

    held_out_share: HeldOutShare = 0.2
    """Share of the sessions that nothing learns from; before and after are measured on them."""
    telemetry_url: str | None = None
    """Address that records of runs are posted to; none: they stay on this machine."""
    serve: ServeConfig = field(default_factory=ServeConfig)
    bc: BCConfig = field(default_factory=lambda: BCConfig(epochs=20))
    ppo: PPOConfig = field(default_factory=lambda: PPOConfig(epochs=6))
    zero_style: ZeroStyleConfig = field(default_factory=lambda: ZeroStyleConfig(epochs=12))

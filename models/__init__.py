"""Policy network, joint distribution over (decision, line), checkpoints, the store of models and their generations."""

from models.action_distribution import ActionDistribution
from models.forward import ForwardBatch, forward_batch, forward_states
from models.model_files import Networks
from models.policy import HEADS, Head, Policy, PolicyOutput
from models.quiet_policy import QuietPolicy
from models.store import Models

__all__ = [
    "HEADS",
    "ActionDistribution",
    "ForwardBatch",
    "Head",
    "Models",
    "Networks",
    "Policy",
    "PolicyOutput",
    "QuietPolicy",
    "forward_batch",
    "forward_states",
]

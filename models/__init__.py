"""Policy network, joint distribution over (decision, line), checkpoints, the store of models and their generations."""

from models.action_distribution import ActionDistribution
from models.forward import ForwardBatch, forward, forward_batch
from models.policy import HEADS, Head, Policy, PolicyOutput
from models.store import Models

__all__ = [
    "HEADS",
    "ActionDistribution",
    "ForwardBatch",
    "Head",
    "Models",
    "Policy",
    "PolicyOutput",
    "forward",
    "forward_batch",
]

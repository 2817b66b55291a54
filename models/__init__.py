"""Policy network, joint distribution over (decision, line), checkpoints, the store of persisted models."""

from models.joint import Joint
from models.policy import HEADS, Policy, PolicyOutput

__all__ = ["HEADS", "Joint", "Policy", "PolicyOutput"]

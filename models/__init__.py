"""Policy network, joint distribution over (decision, line), checkpoints, the store of models and their generations."""

from models.joint import Joint
from models.policy import HEADS, Policy, PolicyOutput
from models.store import Models

__all__ = ["HEADS", "Joint", "Models", "Policy", "PolicyOutput"]

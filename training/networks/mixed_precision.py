"""In which precision a network computes while it is cloned. Not here: what is learned from its answers.

On a GPU its matrix products are in bfloat16; what it answers, and every loss of it, is in float32. PPO and self-play
stay in float32: they compare log-probabilities of the same network before and after a step, which differ by less than
bfloat16 can tell. On a CPU of this size nothing would be gained.
"""

from __future__ import annotations

import torch

from featurizers import LineFeatures
from models import Policy, PolicyOutput


def network(policy: Policy, lines: LineFeatures) -> PolicyOutput:
    """What all heads say of each state."""
    with torch.autocast("cuda", torch.bfloat16, enabled=lines.x.is_cuda):
        output: PolicyOutput = policy(lines)
    return output.float() if lines.x.is_cuda else output

"""In which precision a network computes while it is cloned. Not here: what is learned from its output.

On a GPU its matrix products are in bfloat16; its output and every loss of it are in float32. PPO and self-play
stay in float32: they compare log-probabilities of the same network before and after a step, which differ by less than
bfloat16 can tell. On a CPU of this size nothing would be gained.
"""

from __future__ import annotations

import torch

from featurizers import LineFeatures
from models import Policy, PolicyOutput


def mixed_precision_forward(policy: Policy, lines: LineFeatures) -> PolicyOutput:
    """Output of all heads, in float32."""
    with torch.autocast("cuda", torch.bfloat16, enabled=lines.x.is_cuda):
        output: PolicyOutput = policy(lines)
    return output.float() if lines.x.is_cuda else output

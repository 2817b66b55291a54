"""All checks, in the order in which they run. Loads PyTorch."""

from __future__ import annotations

from verify import data, fitting, gradients, invariance, objectives, persistence, reinforcement, shapes
from verify.check import Check

CHECKS: tuple[Check, ...] = (
    *fitting.CHECKS,
    *reinforcement.CHECKS,
    *objectives.CHECKS,
    *shapes.CHECKS,
    *gradients.CHECKS,
    *persistence.CHECKS,
    *invariance.CHECKS,
    *data.CHECKS,
)
"""The longest first, so that two processes end at about the same time."""

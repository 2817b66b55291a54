"""How a human plays who imitates humans and still prefers what is good for both (piKL). Not here: the imitation.

Source: Bakhtin et al. 2022, "Mastering the game of no-press Diplomacy via human-regularized reinforcement learning
and planning", section 3: play proportional to exp((Q + lambda log tau) / (kappa + lambda)), lambda drawn anew from a
mixture, so that the assistant meets people between pure imitation and pure reason.
"""

from __future__ import annotations

import numpy as np

from training.search.interfaces import Floats
from training.search.numerics import softmax


def pikl(q: Floats, log_tau: Floats, lam: float | Floats, kappa: float = 0.0) -> Floats:
    """Probabilities (..., M) of replies worth `q` (..., M) for a human whose imitation plays `log_tau` (..., M).

    lam (...): to infinity the imitation itself; to 0 the softmax of `q / kappa`, and with `kappa` 0 the best replies,
    alike if they are tied. A reply that the imitation never plays (-inf) has probability 0 under every lambda.
    """
    lam_ = np.asarray(lam, dtype=np.float64)[..., None]
    possible = log_tau > -np.inf
    temperature = lam_ + kappa
    with np.errstate(divide="ignore", invalid="ignore"):
        anchor = np.where(possible & (lam_ > 0), log_tau / (1.0 + kappa / lam_), 0.0)
        # Differences first: a tiny temperature would lose them in the size of q.
        best = np.where(possible, q, -np.inf).max(-1, keepdims=True)
        gain = np.where(q == best, 0.0, (q - best) / temperature)
        logits = np.where(possible, gain + anchor, -np.inf)
    return softmax(logits)

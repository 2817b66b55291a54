"""Tree search over the assistant's decisions against sampled humans, many games at once."""

from training.search.cache import CachedEvaluator
from training.search.interfaces import Dynamics, Evaluation, Evaluator
from training.search.noise import Noise
from training.search.pikl import pikl
from training.search.returns import n_step_returns
from training.search.search import SearchResult, search

__all__ = [
    "CachedEvaluator",
    "Dynamics",
    "Evaluation",
    "Evaluator",
    "Noise",
    "SearchResult",
    "n_step_returns",
    "pikl",
    "search",
]

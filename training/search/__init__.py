"""Tree search over the assistant's decisions against sampled humans, many games at once."""

from training.search.cache import CachedEvaluator
from training.search.interfaces import Dynamics, Evaluation, Evaluator
from training.search.pikl import pikl
from training.search.search import SearchResult, search
from training.search.search_randomness import SearchRandomness

__all__ = [
    "CachedEvaluator",
    "Dynamics",
    "Evaluation",
    "Evaluator",
    "SearchRandomness",
    "SearchResult",
    "pikl",
    "search",
]

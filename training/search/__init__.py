"""Tree search over the assistant's decisions against sampled humans, many games at once."""

from training.search.cache import CachedEvaluator
from training.search.interfaces import Evaluation, Evaluator, SearchModel
from training.search.pikl import pikl
from training.search.policies import search
from training.search.search_randomness import SearchRandomness
from training.search.tree_search import SearchResult, run_search

__all__ = [
    "CachedEvaluator",
    "Evaluation",
    "Evaluator",
    "SearchModel",
    "SearchRandomness",
    "SearchResult",
    "pikl",
    "run_search",
    "search",
]

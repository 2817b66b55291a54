"""Tree search over the assistant's decisions against sampled humans, many games at once."""

from training.search.interfaces import Dynamics, Evaluation, Evaluator
from training.search.noise import Noise
from training.search.pikl import pikl
from training.search.search import SearchResult, search

__all__ = ["Dynamics", "Evaluation", "Evaluator", "Noise", "SearchResult", "pikl", "search"]

"""States to tensors: text embedding and scalars of each line, masks, legality, the session's history."""

from featurizers.embedders import TextEmbedder, register_embedder
from featurizers.encoded_states import Batch, Encoded
from featurizers.featurizer import Featurizer, Lines
from featurizers.history import HISTORY_DIM
from featurizers.length_buckets import buckets
from featurizers.ollama import Ollama
from featurizers.ragged import Ragged
from featurizers.scalars import window

register_embedder("ollama", Ollama)

__all__ = [
    "HISTORY_DIM",
    "Batch",
    "Encoded",
    "Featurizer",
    "Lines",
    "Ragged",
    "TextEmbedder",
    "buckets",
    "register_embedder",
    "window",
]

"""States to tensors: text embedding and scalars of each line, masks, legality, the session's history."""

from featurizers.embedders import TextEmbedder, register_embedder
from featurizers.encoded_states import EncodedStates, StateBatch
from featurizers.featurizer import Featurizer, LineFeatures
from featurizers.history import HISTORY_DIM
from featurizers.length_buckets import buckets
from featurizers.ollama import OllamaEmbedder
from featurizers.ragged import Ragged

register_embedder("ollama", OllamaEmbedder)

__all__ = [
    "HISTORY_DIM",
    "EncodedStates",
    "Featurizer",
    "LineFeatures",
    "Ragged",
    "StateBatch",
    "TextEmbedder",
    "buckets",
    "register_embedder",
]

"""Lines in the context of their file: `lg_transformer`, `lstm`, `bigru`, and what is registered from outside."""

from backbones.lg_transformer import LGTransformer
from backbones.recurrent import LSTM, BiGRU
from backbones.registry import Backbone, build, names, register

register("lg_transformer", LGTransformer)
register("lstm", LSTM)
register("bigru", BiGRU)

__all__ = ["Backbone", "build", "names", "register"]

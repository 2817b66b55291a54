"""Names of the built-in backbones and text embedders for `--help`; the registries would load PyTorch."""

BACKBONES = ("lg_transformer", "lstm", "bigru")
TEXT_EMBEDDERS = ("mlp", "mlp_trainable", "char_cnn", "ollama")

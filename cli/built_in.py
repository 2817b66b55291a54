"""Names of built-in backbones, text embedders and models of writers for `--help`; what they name is slow to load."""

BACKBONES = ("lg_transformer", "lstm", "bigru")
TEXT_EMBEDDERS = ("mlp", "mlp_trainable", "char_cnn", "ollama")
WRITER_MODELS = ("smollm2", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")

"""How models of each family are asked to fill in the middle of a file: their special tokens, told by the model's name.

The formats are those of the families' model cards and papers (Bavarian et al. 2022 describe the method, "PSM" and "SPM"
the two orders). Not here: which text stands before and after the place (`prompts`), how the model is reached.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

_FAMILY_SEPARATOR = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class FimTokens:
    """Special tokens around the text before and after the place, and after which the middle is generated.

    suffix_first: the text after the place comes first. ends: what a model of the family writes when the middle is
    complete, where its server passes it on as text.
    """

    prefix: str
    suffix: str
    middle: str
    suffix_first: bool = False
    ends: tuple[str, ...] = ()

    def render(self, before: str, after: str) -> str:
        """The prompt whose continuation is the text between `before` and `after`."""
        if self.suffix_first:
            return f"{self.suffix}{after}{self.prefix}{before}{self.middle}"
        return f"{self.prefix}{before}{self.suffix}{after}{self.middle}"

    def in_vocabulary(self, vocabulary: Container[str]) -> bool:
        """Whether a model with these tokens knows all that the prompt is made of."""
        return all(token.strip() in vocabulary for token in (self.prefix, self.suffix, self.middle) if token)


_QWEN = FimTokens(
    "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>",
    ends=("<|endoftext|>", "<|fim_prefix|>", "<|fim_pad|>", "<|file_sep|>", "<|repo_name|>", "<|im_end|>"),
)  # fmt: skip
_CODEGEMMA = FimTokens("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", ends=("<|file_separator|>", "<eos>"))
_STARCODER = FimTokens(
    "<fim_prefix>", "<fim_suffix>", "<fim_middle>", ends=("<|endoftext|>", "<fim_prefix>", "<file_sep>", "<fim_pad>")
)
_DEEPSEEK = FimTokens("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>", ends=("<｜end▁of▁sentence｜>",))
_CODELLAMA = FimTokens("<PRE> ", " <SUF>", " <MID>", ends=("<EOT>", "</s>"))
_CODESTRAL = FimTokens("[PREFIX]", "[SUFFIX]", "", suffix_first=True, ends=("</s>",))
_SEED_CODER = FimTokens("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>", suffix_first=True)
_MELLUM = FimTokens(
    "<fim_prefix>", "<fim_suffix>", "<fim_middle>", suffix_first=True, ends=("<|endoftext|>", "<filename>")
)

_FAMILIES: tuple[tuple[str, FimTokens], ...] = (
    ("qwen25coder", _QWEN),
    ("qwen3coder", _QWEN),
    ("codeqwen", _STARCODER),
    ("codegemma", _CODEGEMMA),
    ("codellama", _CODELLAMA),
    ("deepseekcoder", _DEEPSEEK),
    ("starcoder", _STARCODER),
    ("stablecode", _STARCODER),
    ("granitecode", _STARCODER),
    ("granite34bcode", _STARCODER),
    ("granite20bcode", _STARCODER),
    ("granite8bcode", _STARCODER),
    ("granite3bcode", _STARCODER),
    ("granite4", _QWEN),
    ("codestral", _CODESTRAL),
    ("seedcoder", _SEED_CODER),
    ("mellum", _MELLUM),
)

_SHARED_TOKENS = (_QWEN, _STARCODER, _DEEPSEEK)
"""Families whose tokens other code models took over."""


def tokens_of(*names: str, vocabulary: Container[str] | None = None) -> FimTokens | None:
    """The tokens of the family that a model's names (file, metadata, address) tell; None: prefix only.

    vocabulary: all tokens of the model, if they are known. Tokens that it lacks are not used; the ones of a code model
    of unknown family are those that it has.
    """
    keys = [_FAMILY_SEPARATOR.sub("", name.lower()) for name in names]
    for family, tokens in _FAMILIES:
        if any(family in key for key in keys) and (vocabulary is None or tokens.in_vocabulary(vocabulary)):
            return tokens
    if vocabulary is not None and any("cod" in key for key in keys):
        return next((tokens for tokens in _SHARED_TOKENS if tokens.in_vocabulary(vocabulary)), None)
    return None

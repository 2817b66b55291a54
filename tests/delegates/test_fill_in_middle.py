"""Tokens of model families: recognised by name, used only where the model has them."""

import pytest

from delegates.fill_in_middle import tokens_of


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("qwen2.5-coder:1.5b-base", "<|fim_prefix|>A<|fim_suffix|>B<|fim_middle|>"),
        ("Qwen2.5-Coder-0.5B-Instruct-Q4_K_M.gguf", "<|fim_prefix|>A<|fim_suffix|>B<|fim_middle|>"),
        ("codegemma:2b", "<|fim_prefix|>A<|fim_suffix|>B<|fim_middle|>"),
        ("codellama:7b-code", "<PRE> A <SUF>B <MID>"),
        ("bigcode/starcoder2-3b", "<fim_prefix>A<fim_suffix>B<fim_middle>"),
        ("stable-code:3b", "<fim_prefix>A<fim_suffix>B<fim_middle>"),
        ("granite-code:3b", "<fim_prefix>A<fim_suffix>B<fim_middle>"),
        ("deepseek-coder:1.3b-base", "<｜fim▁begin｜>A<｜fim▁hole｜>B<｜fim▁end｜>"),
        ("codestral:22b", "[SUFFIX]B[PREFIX]A"),
    ],
)
def test_a_family_is_told_by_its_name(name, prompt):
    assert tokens_of(name).render("A", "B") == prompt


@pytest.mark.parametrize("name", ["SmolLM2-135M-Instruct", "llama3.2:1b", "qwen2.5:0.5b", ""])
def test_a_model_of_another_kind_is_asked_for_what_follows(name):
    assert tokens_of(name) is None


def test_tokens_that_the_vocabulary_lacks_are_not_used():
    assert tokens_of("qwen2.5-coder", vocabulary={"a", "b"}) is None
    assert tokens_of("codellama", vocabulary={"<PRE>", "<SUF>", "<MID>"}) is not None


def test_an_unknown_code_model_is_asked_with_the_tokens_that_it_has():
    vocabulary = {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"}
    assert tokens_of("my-coder", vocabulary=vocabulary).middle == "<fim_middle>"
    assert tokens_of("my-poet", vocabulary=vocabulary) is None

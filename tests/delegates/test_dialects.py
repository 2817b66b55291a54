"""What servers answer, in whatever form, becomes pieces of text with their log-probabilities. Not here: asking them."""

import json

import pytest

from delegates.dialects import LlamaCpp, Ollama, OpenAi


def openai(log_probs):
    return OpenAi(), {"choices": [{"text": "a", "logprobs": log_probs}]}


@pytest.mark.parametrize(("dialect", "row"), [
    openai({"tokens": 5, "token_logprobs": [-1]}),
    openai({"tokens": ["a"], "token_logprobs": True}),
    openai({"content": {"token": "a"}}),
    (LlamaCpp(), {"content": "a", "completion_probabilities": 7}),
    (Ollama(), {"response": "a", "logprobs": [5]}),
])  # fmt: skip
def test_log_probabilities_of_another_form_are_unknown(dialect, row):
    assert [(token.text, token.log_prob) for token in dialect.parse(json.dumps(row).encode()).tokens] == [("a", None)]


@pytest.mark.parametrize("number, log_prob", [(-0.5, -0.5), (0, 0.0), (1.2e-7, 0.0), (0.5, None), (-1e9, None)])
def test_a_log_probability_that_rounding_has_put_above_0_is_0(number, log_prob):
    dialect, row = openai({"tokens": ["a"], "token_logprobs": [number]})
    (token,) = dialect.parse(json.dumps(row).encode()).tokens
    assert token.log_prob == log_prob

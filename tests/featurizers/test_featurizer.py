"""The featurizer as a network: what learns, what is frozen, embedders alone and in company, no NaN for any state."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from config import FeaturizerConfig
from errors import InputError
from featurizers import Featurizer
from featurizers.embedders import embedder_names
from state import Cursor, State, unedited
from tests.tensors import assert_close

LOCAL = ("mlp", "mlp_trainable", "char_cnn")


def state(*lines):
    return State(lines, 4, unedited(len(lines)), unedited(len(lines)), Cursor(bool(lines), 0 if lines else -1, 1, 2))


@pytest.mark.parametrize("name", LOCAL)
def test_a_line_s_vector_depends_on_that_line_alone(name):
    torch.manual_seed(0)
    featurizer = Featurizer(FeaturizerConfig(text_embedder=name))
    lines = ("def f(x):", "", "    return x", "x" * 300, "ünï", "\ud800\x00")
    together = featurizer(featurizer.encode([state(*lines)]).batch()).x[0, 0]
    alone = featurizer(featurizer.encode([state(lines[0])]).batch()).x[0, 0]
    assert_close(together, alone, rtol=0, atol=1e-6)
    vectors = featurizer(featurizer.encode([state(line) for line in lines]).batch()).x[:, 0]
    assert torch.pdist(vectors).min() > 1e-3  # and different lines have different ones


def test_a_client_that_sends_line_ends_gets_the_features_that_training_saw():
    lines = ("def f(x):", "", "    return x")
    with_ends = tuple(f"{line}\r\n" for line in lines[:1]) + tuple(f"{line}\n" for line in lines[1:])
    for line_ends in (False, True):
        featurizer = Featurizer(FeaturizerConfig(line_ends=line_ends))
        found = featurizer(featurizer.encode([state(*lines), state(*with_ends)]).batch()).x
        assert torch.equal(found[0], found[1]) is not line_ends


@pytest.mark.parametrize(
    ("name", "of_bytes"),
    [
        ("mlp", lambda embedder, counts: counts @ embedder.char_embed.weight / counts.sum()),
        ("mlp_trainable", lambda embedder, counts: (1 + counts).log()),
    ],
)
@torch.no_grad()
def test_what_the_layers_of_an_embedder_read_of_a_line(name, of_bytes):
    embedder = Featurizer(FeaturizerConfig(text_embedder=name)).text_embedder
    line = b"    return xxx + yy"
    vector = embedder(torch.tensor(list(line)), torch.tensor([0, len(line)]))[0]
    counts = torch.bincount(torch.tensor(list(line)), minlength=256).float()
    assert_close(vector, embedder.text_mlp(of_bytes(embedder, counts)))


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize(("text", "projector"), [(True, True), (True, False), (False, True), (False, False)])
def test_what_is_to_learn_learns_and_nothing_else(name, text, projector):
    config = FeaturizerConfig(text_embedder=name, train_text_embedder=text, train_featurizer_projector=projector)
    featurizer = Featurizer(config)
    total = featurizer(featurizer.encode([state("a", "b = 1", "")]).batch()).x.square().sum()
    if text or projector:
        total.backward()
    for parameter in featurizer.text_embedder.parameters():
        assert (parameter.grad is not None and bool(parameter.grad.any())) == text
    for parameter in featurizer.proj.parameters():
        assert (parameter.grad is not None and bool(parameter.grad.any())) == projector


def test_frozen_features_have_no_gradient():
    featurizer = Featurizer(FeaturizerConfig())
    encoded = featurizer.encode([state("a", "b")])
    assert featurizer(encoded.batch()).x.requires_grad
    featurizer.freeze()
    assert not featurizer(encoded.batch()).x.requires_grad


def test_encoding_needs_no_parameters():
    torch.manual_seed(1)
    one, other = Featurizer(FeaturizerConfig()), Featurizer(FeaturizerConfig())
    some, others = one.encode([state("a", "b")]), other.encode([state("a", "b")])
    assert np.array_equal(some.texts.values, others.texts.values) and np.array_equal(some.scalars, others.scalars)


def test_an_unknown_embedder_is_one_error_that_names_the_known_ones():
    with pytest.raises(InputError, match="char_cnn, mlp, mlp_trainable, ollama"):
        Featurizer(FeaturizerConfig(text_embedder="word2vec"))
    assert set(LOCAL) < set(embedder_names())


@given(st.data())
@settings(deadline=None, max_examples=40)
@pytest.mark.parametrize("name", LOCAL)
def test_no_state_gives_a_nan(name, data):
    texts = data.draw(st.lists(st.text() | st.sampled_from(["", "x" * 100_000, "\ud800", "\x00"]), max_size=5))
    large = st.integers(-1, 2**62)
    edits = [[data.draw(large), data.draw(large), data.draw(large), 1, 0, 1] for _ in texts]
    edits = np.array(edits, dtype=np.int64).reshape(-1, 6)
    cursor = Cursor(data.draw(st.booleans()), data.draw(large), data.draw(st.integers(0, 2**62)), data.draw(large))
    one = State(tuple(texts), data.draw(st.integers(0, 2**62)), edits, edits, cursor)
    featurizer = Featurizer(FeaturizerConfig(text_embedder=name))
    assert featurizer(featurizer.encode([one]).batch()).x.isfinite().all()

"""The count from the config is the number of parameters that a network really has."""

from hypothesis import given, settings
from hypothesis import strategies as st

from config import FeaturizerConfig, ModelConfig
from featurizers import Featurizer
from models import Policy
from models.network_size import backbone_parameters, featurizer_parameters, policy_parameters

small = st.integers(1, 9)
models = st.builds(
    ModelConfig, backbone=st.sampled_from(["lg_transformer", "lstm", "bigru"]), d_in=small, d_model=small,
    n_heads=st.just(1), n_layers=st.integers(1, 3), n_global_tokens=small, hidden=small, layers=st.integers(1, 3),
    surround_layers=st.integers(0, 3), kernel_size=st.integers(1, 6), history=st.booleans(),
    predict_kept=st.booleans(), global_tokens=st.sampled_from(["carried", "restarted"]),
)  # fmt: skip
featurizers = st.builds(
    FeaturizerConfig, text_embedder=st.sampled_from(["mlp", "mlp_trainable", "char_cnn", "ollama"]), d_in=small,
    char_dim=small, ollama_dim=small,
)  # fmt: skip


def parameters_of(module):
    return sum(parameter.numel() for parameter in module.parameters())


@settings(max_examples=100, deadline=None)
@given(config=models)
def test_a_policy_has_as_many_parameters_as_its_config_says(config):
    assert policy_parameters(config) == parameters_of(Policy(config))


@settings(max_examples=50, deadline=None)
@given(config=featurizers)
def test_a_featurizer_has_as_many_parameters_as_its_config_says(config):
    assert featurizer_parameters(config) == parameters_of(Featurizer(config))


def test_of_a_registered_backbone_nothing_is_counted():
    assert backbone_parameters(ModelConfig(backbone="neighbours")) == 0
    assert 0 < policy_parameters(ModelConfig(backbone="neighbours")) < policy_parameters(ModelConfig())

"""The models that serve: reloaded, silent when they cannot be read, replaced by exploration while they know little."""

from collections import Counter

import pytest
import torch

from actions import Decision
from config import FeaturizerConfig, ModelConfig
from errors import InputError
from exploration import MODEL
from inference import decide, fresh_models
from models import store
from services.learning.current_models import AS_SERVED, CurrentModels, SamplingOptions
from state import Cursor, State, unedited

STATE = State(
    ("def f(x):", "    y = ", "    return y"), 3, unedited(3), unedited(3), Cursor(True, 1, 8, 3), last_known_line=1
)


MODEL_CONFIG = ModelConfig(d_in=24, d_model=16, n_layers=1, n_heads=2, hidden=16)


def publish(folder, *, sessions=5, trained_on="person", seed=0, w_max=160):
    featurizer = FeaturizerConfig(d_in=24, char_dim=8, w_max=w_max)
    models = fresh_models(seed=seed, model=MODEL_CONFIG, featurizer=featurizer)
    store.publish(folder, models, {"trained_on": trained_on, "sessions": sessions})


def served(folder, **options):
    return CurrentModels(folder, **{"epsilon": 0.0, "explore": True, "seed": 1, **options})


def test_until_enough_sessions_are_learned_from_exploration_acts_with_the_probability_of_its_draw(tmp_path):
    publish(tmp_path, sessions=2)
    models = served(tmp_path)
    choice = models.decide(STATE, AS_SERVED)
    assert models.is_exploring() and choice.action.model == MODEL and "explores" in models.description()
    taken = [models.decide(STATE, AS_SERVED) for _ in range(300)]
    counts = Counter(int(choice.action.decision) for choice in taken)
    assert 100 < counts[0] < 200 and len(counts) == 7
    for choice in taken:
        assert choice.action.decision_probability == pytest.approx(0.5 if not choice.action.decision else 1 / 12)
        named = [pair for pair in choice.alternatives if pair["decision"] == choice.action.decision]
        assert all(pair["line"] >= (pair["decision"] > 0) for pair in choice.alternatives)
        if choice.action.decision == 0:
            assert named == [{"decision": 0, "line": 0, "probability": 0.5}]


def test_exploration_keeps_quiet_never_where_the_person_asks_for_help(tmp_path):
    publish(tmp_path, sessions=2)
    models = served(tmp_path)
    for _ in range(100):
        action = models.decide(STATE, SamplingOptions(must_help=True)).action
        assert action.decision and action.decision_probability == pytest.approx(1 / 6)


def test_exploration_completes_lines_that_the_current_models_complete(tmp_path):
    for w_max, completes in ((8, False), (9, True)):  # the cursor's line has 8 bytes
        publish(tmp_path, sessions=2, w_max=w_max)
        models = served(tmp_path)
        taken = {models.decide(STATE, SamplingOptions(must_help=True)).action.decision for _ in range(100)}
        assert (Decision.FILL_PARTIAL_LINE in taken) == completes


def test_the_width_of_lines_is_that_of_the_current_models_or_the_default_where_they_cannot_be_read(tmp_path):
    models = served(tmp_path)
    assert models.w_max() == FeaturizerConfig.w_max
    publish(tmp_path, w_max=300)
    assert models.w_max() == 300
    (tmp_path / store.ASSISTANT).write_bytes(b"damaged")
    assert models.w_max() == FeaturizerConfig.w_max


def test_who_decides_is_said_in_words(tmp_path):
    assert served(tmp_path, explore=False).description() == "keeps quiet: no session is learned from yet"
    publish(tmp_path, sessions=3)
    assert "learned from 3 sessions" in served(tmp_path).description()


def test_from_then_on_the_policys_argmax_acts(tmp_path):
    publish(tmp_path, sessions=3)
    choice = served(tmp_path).decide(STATE, AS_SERVED)
    (expected,) = decide([STATE], store.load(tmp_path))
    assert (choice.action.decision, choice.action.line) == (expected.decision, expected.line)
    assert choice.action.probability == 1.0 and choice.as_dict()["probability"] == pytest.approx(expected.probability)
    assert choice.as_dict()["line"] == expected.line + 1 and len(choice.as_dict()["alternatives"]) == 5


def test_the_recorded_probability_is_that_of_argmax_with_epsilon(tmp_path):
    publish(tmp_path)
    models = served(tmp_path, epsilon=0.4)
    (greedy,) = decide([STATE], store.load(tmp_path))
    drawn = set()
    for _ in range(60):
        action = models.decide(STATE, AS_SERVED).action
        is_greedy = (action.decision, action.line) == (greedy.decision, greedy.line)
        expected = 0.4 * action.policy_probability + 0.6 * is_greedy
        assert action.probability == pytest.approx(expected, rel=1e-4)
        drawn.add((action.decision, action.line))
    assert len(drawn) > 1


def test_a_request_that_says_how_to_draw_asks_the_policy_even_while_exploring(tmp_path):
    choice = served(tmp_path).decide(STATE, SamplingOptions(strategy="argmax", epsilon=0.0))
    assert choice.action.model == "untrained" and choice.action.decision is Decision.NO_OP


@pytest.mark.parametrize(
    ("options", "where"),
    [
        (SamplingOptions(temperature=float("inf")), "temperature"),
        (SamplingOptions(temperature=0.0), "temperature"),
        (SamplingOptions(epsilon=2.0), "epsilon"),
        (SamplingOptions(strategy="best"), "strategy"),
    ],
)
def test_an_option_out_of_its_range_is_the_clients_to_mend(tmp_path, options, where):
    models = served(tmp_path)
    with pytest.raises(InputError, match=where):
        models.decide(STATE, options)
    assert models.failure is None


def test_models_that_training_publishes_serve_at_once(tmp_path):
    publish(tmp_path, seed=1)
    models = served(tmp_path)
    before = models.decide(STATE, AS_SERVED).as_dict()
    publish(tmp_path, seed=2)
    after = models.decide(STATE, AS_SERVED).as_dict()
    (expected,) = decide([STATE], store.load(tmp_path))
    assert after["probability"] == pytest.approx(expected.probability) and after["value"] != before["value"]


def test_damaged_models_keep_quiet_say_why_and_serve_again_once_they_are_whole(tmp_path):
    publish(tmp_path)
    file = tmp_path / store.ASSISTANT
    content = file.read_bytes()
    file.write_bytes(content[:1000])
    models = served(tmp_path)
    models.load()
    assert store.ASSISTANT in models.failure
    choice = models.decide(STATE, AS_SERVED)
    assert choice.action.decision is Decision.NO_OP and store.ASSISTANT in choice.failure
    file.write_bytes(content)
    assert models.decide(STATE, AS_SERVED).failure is None and models.failure is None


def test_a_network_that_fails_keeps_quiet_and_says_why(tmp_path, monkeypatch):
    publish(tmp_path)
    models = served(tmp_path)

    def fail(*arguments, **options):
        raise RuntimeError("out of memory")

    monkeypatch.setattr("inference.decide", fail)
    choice = models.decide(STATE, AS_SERVED, "human")
    assert (choice.action.agent, choice.action.decision) == ("H", Decision.NO_OP) and "out of memory" in models.failure


@pytest.mark.parametrize("trained_on", ["samples", "scripted"])
def test_models_of_nobody_never_serve_a_person(tmp_path, trained_on):
    publish(tmp_path, trained_on=trained_on)
    asked = SamplingOptions(strategy="argmax")
    assert served(tmp_path).decide(STATE, asked).action.model == "untrained"
    assert served(tmp_path).is_exploring()
    assert served(tmp_path, for_person=False).decide(STATE, asked).action.model != "untrained"


def test_decisions_are_computed_by_one_thread(tmp_path):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        served(tmp_path).load()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)

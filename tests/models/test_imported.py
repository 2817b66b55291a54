"""Imported models answer as they did where they come from, and go on learning from there."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import inference
from config import ModelConfig
from errors import InputError
from models import ActionDistribution, checkpoint, store
from state import PastDecision
from state_adapter import parse_line_tuples
from tests.tensors import assert_close
from verify.reference import ImportedNetwork, decision_logits

ASSISTANT, HUMAN, FEATURIZER = store.FILES
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def cases(root):
    return json.loads((root / "tests/data/imported_cases.json").read_text(encoding="utf-8"))


def read(case):
    return parse_line_tuples(case["line_tuples"], case["t"], case["name"])


def assert_refused(folder, name, content, words):
    """With this in the place of one of its files the folder is refused, by that file's name."""
    torch.save(content, folder / name)
    with pytest.raises(InputError, match=words) as raised:
        store.load(folder)
    assert str(folder / name) in str(raised.value)


@pytest.mark.parametrize("index", range(4))
@torch.no_grad()
def test_answers_are_those_of_the_system_they_come_from(imported_folder, cases, index):
    models, case = store.load(imported_folder), cases[index]
    lines = models.featurizer(models.featurizer.encode([read(case)]).batch())
    np.testing.assert_allclose(lines.x[0].sum(1), case["features_sum"], atol=TOLERANCE)
    for policy, file in ((models.assistant, ASSISTANT), (models.human, HUMAN)):
        output, expected = policy(lines), case["answers"][file]
        own = ActionDistribution.from_scores(output.scores, None, lines.mask, policy.config.pooling)
        human = ActionDistribution.from_scores(output.human_scores, None, lines.mask, policy.config.pooling)
        found = {
            "decision_logits": own.decision_logits[0],
            "line_logits": output.scores[0],
            "human_decision_logits": human.decision_logits[0],
            "value": output.value,
            "goal": output.goal[0],
        }
        assert found.keys() == expected.keys()
        for name, numbers in found.items():
            np.testing.assert_allclose(numbers, expected[name], atol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize(
    "sizes",
    [
        {"radius": 0},
        {"radius": 1, "n_heads": 4},
        {"radius": 40, "n_heads": 1},
        {"n_layers": 1, "n_global_tokens": 5},
        {"n_layers": 5, "n_global_tokens": 1},
        {"d_model": 24, "n_heads": 3, "d_in": 30},
        {"heads_hidden": 20},
    ],
)
@torch.no_grad()
def test_other_sizes_answer_as_the_description_says(imported_checkpoint, random_state, sizes):
    state = replace(random_state(9, seed=5), t=1500)
    features, policy = imported_checkpoint(FEATURIZER), imported_checkpoint(ASSISTANT)
    features["config"]["d_in"] = policy["config"]["d_in"] = sizes.get("d_in", 24)
    policy["config"] |= {name: size for name, size in sizes.items() if name != "heads_hidden"}
    config = ModelConfig(**{k: v for k, v in policy["config"].items() if k in ModelConfig.__dataclass_fields__})
    shaped = checkpoint.Policy(replace(config, hidden=sizes.get("heads_hidden", 128), **checkpoint.IMPORTED_MODEL))
    draw = torch.Generator().manual_seed(1)
    policy["model_state_dict"] = {
        name: 0.4 * torch.randn(value.shape, generator=draw) for name, value in shaped.state_dict().items()
    }
    features["featurizer_state_dict"] |= {
        "proj.weight": torch.randn(sizes.get("d_in", 24), 148, generator=draw) * 0.1,
        "proj.bias": torch.randn(sizes.get("d_in", 24), generator=draw),
    }
    loaded, featurizer = checkpoint.policy_from(policy, "x"), checkpoint.featurizer_from(features, "x")
    arrays = [{name: value.double().numpy() for name, value in part.items()} for part in
              (policy["model_state_dict"], features["featurizer_state_dict"])]  # fmt: skip
    reference = ImportedNetwork(*arrays, policy["config"])
    lines = featurizer(featurizer.encode([state]).batch())
    x = reference.features(state, featurizer.config)
    np.testing.assert_allclose(lines.x[0], x, atol=TOLERANCE)
    scores, human, value, goal = reference.scores(x)
    output = loaded(lines)
    for found, expected in ((output.scores[0], scores), (output.human_scores[0], human), (output.goal[0], goal)):
        np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    assert float(output.value) == pytest.approx(value, abs=TOLERANCE)
    pooled = ActionDistribution.from_scores(output.scores, None, lines.mask, "sum").decision_logits[0]
    np.testing.assert_allclose(pooled, decision_logits(scores), atol=TOLERANCE)


def test_decides_legally_with_the_head_s_own_logits(imported_folder, cases):
    models = store.load(imported_folder)
    for case in cases:
        (record,) = inference.decide([read(case)], models)
        answer, expected = record.to_infer_action_json(), case["answers"][ASSISTANT]
        debug = answer["debug"]
        assert debug["model"] == str(imported_folder / ASSISTANT) and record.kept is None and record.legal
        assert debug["action_logits"][0] == pytest.approx(expected["decision_logits"][0], abs=TOLERANCE)
        of_lines = zip(debug["line_logits_for_action"], expected["line_logits"][record.decision], strict=True)
        assert all(found is None or abs(found - wanted) < TOLERANCE for found, wanted in of_lines)


@torch.no_grad()
def test_upgraded_models_answer_as_before_whatever_the_history(imported_folder, cases):
    models = store.load(imported_folder)
    policy = models.assistant.upgraded().eval()
    assert policy.config.pooling == "sum" and policy.config.global_tokens == "restarted"
    for history in (None, (), (PastDecision(1, 2, 0.5), PastDecision(3, 4, None))):
        state = replace(read(cases[2]), history=history)
        lines = models.featurizer(models.featurizer.encode([state]).batch())
        before, after = models.assistant(lines), policy(lines)
        for name in ("scores", "human_scores", "value", "goal"):
            assert_close(getattr(after, name), getattr(before, name), rtol=0, atol=1e-6)
        assert before.kept is None and after.kept.shape == after.scores.shape


def test_what_an_upgraded_model_learns_is_kept_with_the_settings_it_came_with(imported_folder, cases, tmp_path):
    models = store.load(imported_folder)
    policy = models.assistant.upgraded()
    lines = models.featurizer(models.featurizer.encode([replace(read(cases[0]), history=())]).batch())
    output = policy(lines)
    (output.scores.square().sum() + output.kept.square().sum() + output.value.sum()).backward()
    assert all(p.grad is not None and p.grad.any() for p in policy.history.mlp[-1].parameters())
    store.publish(tmp_path / "ours", replace(models, assistant=policy), {"trained_on": "person"})
    again = store.load(tmp_path / "ours")
    assert again.assistant.config == policy.config and again.meta["trained_on"] == "person"
    assert_close(again.assistant(lines).scores, output.scores)


def _rename(weights):
    weights["backbone.projection.weight"] = weights.pop("backbone.proj.weight")


def _not_finite(weights):
    weights["backbone.blocks.1.ff.0.bias"][3] = torch.nan


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w, c: w.pop("goal_head.mlp.0.bias"), "missing weights: goal_head.mlp.0.bias"),
        (lambda w, c: w.update(extra=torch.zeros(3)), "unknown weights: extra"),
        (lambda w, c: _rename(w), "missing weights: backbone.proj.weight"),
        (
            lambda w, c: w.update({"backbone.ln.bias": torch.zeros(15)}),
            r"backbone.ln.bias: shape \[15\], expected \[16\]",
        ),
        (lambda w, c: _not_finite(w), "backbone.blocks.1.ff.0.bias: holds values that are not finite"),
        (lambda w, c: w.update({"backbone.ln.bias": "text"}), "backbone.ln.bias: expected a dense tensor"),
        (lambda w, c: w.update({"backbone.ln.bias": torch.zeros(16, dtype=torch.int8)}), "floating-point"),
        (lambda w, c: c.update(backbone="gpt"), 'backbone is "gpt", expected one of lg_transformer'),
        (lambda w, c: c.update(backbone="lstm"), 'backbone is "lstm"'),
        (lambda w, c: c.update(backbone=["lg_transformer"]), "backbone is"),
        (lambda w, c: c.update(n_layers=2), "unknown weights: backbone.blocks.2"),
        (lambda w, c: c.update(n_heads=3), "d_model is 16, expected a multiple of n_heads, which is 3"),
        (lambda w, c: c.update(d_model=10**9), "d_model is 1000000000, expected a whole number from 1 to 4096"),
        (lambda w, c: c.update(n_layers=10**9), "n_layers is 1000000000, expected a whole number from 1 to 64"),
        (lambda w, c: c.update(radius=-1), "radius is -1"),
        (lambda w, c: c.update(radius=2**31), "radius is 2147483648, expected a whole number from 0 to 100000"),
        (lambda w, c: c.update(kernel_size=10**9), "kernel_size is 1000000000, expected a whole number from 1 to 255"),
        (lambda w, c: c.update(n_global_tokens=0), "n_global_tokens is 0"),
        (lambda w, c: c.update(dropout=1.5), "dropout is 1.5"),
        (lambda w, c: c.update(n_heads=True), "n_heads is true, expected a whole number"),
        (lambda w, c: c.update(n_heads="2"), 'n_heads is "2", expected a whole number'),
        (lambda w, c: c.update(goal_dim=4), "goal_dim is 4, expected 8"),
        (lambda w, c: c.update(goal_dim=torch.ones(3)), "goal_dim is tensor"),
        (lambda w, c: c.update(backbone=torch.ones(3)), "backbone is tensor"),
        (lambda w, c: w.update({"backbone.ln.bias": torch.zeros(16).to_sparse()}), "expected a dense tensor"),
        (lambda w, c: w.update({"backbone.ln.bias": torch.zeros(16, device="meta")}), "expected a dense tensor"),
        (lambda w, c: w.update({"backbone.ln.bias": torch.zeros(16, dtype=torch.complex64)}), "floating-point"),
        (lambda w, c: c.update(n_actions=9), "n_actions is 9, expected 7"),
        (lambda w, c: c.update(format_version=99), "format version 99 is newer"),
        (lambda w, c: c.update(format_version="1"), 'format version "1" is not'),
        (lambda w, c: c.update(format_version=1), "missing weights: "),
    ],
)
def test_what_does_not_fit_is_refused_by_the_file_s_name(imported_folder, imported_checkpoint, change, words):
    content = imported_checkpoint(ASSISTANT)
    change(content["model_state_dict"], content["config"])
    assert_refused(imported_folder, ASSISTANT, content, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w, c: c.update(text_embedder_type="char_cnn"), 'text_embedder_type is "char_cnn"'),
        (lambda w, c: c.update(d_in=25), r"proj.weight: shape \[24, 148\], expected \[25, 148\]"),
        (lambda w, c: c.update(tau_steps=0.0), "tau_steps is 0.0"),
        (lambda w, c: c.update(tau_steps=float("nan")), "tau_steps is NaN"),
        (lambda w, c: c.update(states_max=0), "states_max is 0"),
        (lambda w, c: c.update(states_max=10**400), "states_max is a number of more than 60 digits"),
        (lambda w, c: c.update(w_max=2**64), "w_max is 18446744073709551616, expected"),
        (lambda w, c: c.update(tau_steps=10**400), "tau_steps is a number of more than 60 digits"),
        (lambda w, c: c.update(text_embedder="bert"), 'text_embedder is "bert", expected one of char_cnn'),
        (lambda w, c: w.pop("proj.bias"), "missing weights: proj.bias"),
    ],
)
def test_a_featurizer_that_does_not_fit_is_refused_by_its_file_s_name(
    imported_folder, imported_checkpoint, change, words
):
    content = imported_checkpoint(FEATURIZER)
    change(content["featurizer_state_dict"], content["config"])
    assert_refused(imported_folder, FEATURIZER, content, words)


def test_another_backbone_than_asked_for_is_refused(imported_folder):
    with pytest.raises(InputError, match=f"{HUMAN}: has the backbone lg_transformer, but lstm was asked for"):
        store.load(imported_folder, expect_backbone="lstm")

"""Decisions and their records: strategies, legality, windows, strict JSON, no NaN for any state."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import actions
import inference
from config import FeaturizerConfig, ModelConfig
from errors import InputError
from inference import decide
from models import store
from models.sampling import STRATEGIES
from state import Cursor, PastDecision, State, unedited

SMALL = ModelConfig(d_in=12, d_model=8, n_layers=1, n_heads=2, n_global_tokens=2, hidden=8)


def models_of(model=SMALL, seed=0, spread=3.0):
    """Untrained models whose decisions are far from even, as those of trained ones are."""
    models = inference.fresh_models(seed=seed, model=model, featurizer=FeaturizerConfig(d_in=model.d_in, char_dim=4))
    for policy in (models.human, models.assistant):
        torch.nn.init.normal_(policy.action_head.last.weight, std=spread)
        if policy.kept_head is not None:
            torch.nn.init.normal_(policy.kept_head.last.weight, std=spread)
    return models


@pytest.fixture(scope="module")
def models():
    return models_of()


@pytest.fixture(scope="module")
def distribution(models, random_state):
    """A state and the probability of each of its pairs, from a full listing."""
    state = random_state(6, seed=4)
    (record,) = decide([state], models)
    pairs = {(pair.decision, pair.line): pair.probability for pair in record.alternatives(1000)}
    assert sum(pairs.values()) == pytest.approx(1.0, abs=1e-5)
    return state, pairs


def frequencies(state, models, count=3000, **settings):
    generator = torch.Generator().manual_seed(1)
    records = decide([state] * count, models, generator=generator, **settings)
    counts, said = {}, {}
    for record in records:
        pair = record.decision, record.line
        counts[pair] = counts.get(pair, 0) + 1 / count
        said[pair] = record.behaviour_probability
    return counts, said


def close(counts, expected, tolerance=0.04):
    return (
        all(abs(counts.get(pair, 0.0) - p) < tolerance for pair, p in expected.items())
        and counts.keys() <= expected.keys()
    )


def greedy_pair(pairs):
    """The most probable decision, then its most probable line."""
    of_decisions = {d: sum(p for (decision, _), p in pairs.items() if decision == d) for d, _ in pairs}
    best = max(of_decisions, key=of_decisions.get)
    return max((pair for pair in pairs if pair[0] == best), key=pairs.get)


def test_argmax_takes_the_most_probable_decision_and_then_its_most_probable_line(models, distribution):
    state, pairs = distribution
    (record,) = decide([state], models)
    best = greedy_pair(pairs)
    assert (record.decision, record.line) == best and record.behaviour_probability == 1.0
    assert record.probability == pytest.approx(pairs[best])
    of_decision = sum(p for (decision, _), p in pairs.items() if decision == best[0])
    assert record.decision_probability == pytest.approx(of_decision, abs=1e-5)
    assert inference.ScoredAction(*best, record.probability) in record.alternatives(1000)


def test_a_decision_spread_over_many_lines_wins_against_a_no_op_that_is_the_most_probable_pair():
    n = 200
    models = models_of(spread=0.0)
    bias = models.assistant.action_head.last.bias
    torch.nn.init.constant_(bias, -9.0)
    bias.data[0], bias.data[4] = 0.0, 2.0
    state = State(tuple(f"x{i} = 1" for i in range(n)), 4, unedited(n), unedited(n))
    (record,) = decide([state], models)
    assert record.alternatives(1)[0].decision == 0 and record.decision == 4
    assert record.decision == int(record.decision_logits.argmax())
    (human,) = decide([state], replace(models, human=models.assistant), agent="human")
    assert human.decision == int(human.decision_logits.argmax()) == 4


@pytest.mark.parametrize("settings", [{"epsilon": 0.3}, {"strategy": "sample"}, {"strategy": "sample_top_k"}])
def test_the_action_to_record_has_the_probabilities_of_this_very_draw(models, distribution, settings):
    state, pairs = distribution
    best = greedy_pair(pairs)
    records = decide([state] * 200, models, generator=torch.Generator().manual_seed(2), temperature=2.0, **settings)
    top = sorted(pairs, key=pairs.get)[-5:] if settings.get("strategy") == "sample_top_k" else pairs
    weights = {pair: pairs[pair] ** 0.5 for pair in top}
    epsilon = settings.get("epsilon", 1.0)

    def expected(some):
        """With which probability one of some pairs is taken."""
        drawn = sum(weights.get(pair, 0.0) for pair in some) / sum(weights.values())
        return epsilon * drawn + (1 - epsilon) * (best in some)

    for record in records:
        action = record.action
        taken = record.decision, record.line
        assert (action.agent, int(action.decision), action.line, action.model) == ("A", *taken, "untrained")
        assert action.probability == pytest.approx(expected([taken]), abs=1e-4)
        assert action.decision_probability == pytest.approx(
            expected([pair for pair in pairs if pair[0] == taken[0]]), abs=1e-4
        )
        assert action.policy_probability == pytest.approx(pairs[taken], abs=1e-5)
        assert (action.value, action.kept) == (record.value, record.kept)
    assert decide([state], models, agent="human")[0].action.agent == "H"


@pytest.mark.parametrize("settings", [{}, {"epsilon": 0.3}, {"strategy": "sample"}])
def test_where_help_is_a_must_no_op_is_left_out_of_the_draw_and_of_its_probability(models, distribution, settings):
    state, pairs = distribution
    others = {pair: p for pair, p in pairs.items() if pair[0] != 0}
    best, total = greedy_pair(others), sum(others.values())
    generator = torch.Generator().manual_seed(3)
    epsilon = 1.0 if "strategy" in settings else settings.get("epsilon", 0.0)
    for _ in range(40):
        (record,) = decide([state], models, must_help=True, generator=generator, **settings)
        taken = (record.decision, record.line)
        expected = epsilon * others[taken] / total + (1.0 - epsilon) * (taken == best)
        assert record.behaviour_probability == pytest.approx(expected, abs=1e-5)
        assert record.probability == pytest.approx(pairs[taken])


def test_where_nothing_else_is_possible_a_must_is_no_op_all_the_same(models):
    (record,) = decide([State((), 0, unedited(0), unedited(0))], models, must_help=True)
    assert record.decision == 0 and record.behaviour_probability == 1.0


def test_of_equal_pairs_the_first_is_taken(random_state):
    models = models_of(spread=0.0)
    for policy in (models.human, models.assistant):
        torch.nn.init.zeros_(policy.action_head.last.bias)
    state = replace(random_state(4, seed=3), human=unedited(4))
    (record,) = decide([state], models, agent="human")
    assert (record.decision, record.line) == (0, -1)  # P(NO-OP) 1/7 against 1/28 of each other pair
    models.human.action_head.last.bias.data[0] = -50.0
    (record,) = decide([state], models, agent="human")
    assert (record.decision, record.line) == (1, 0)


def test_sampling_draws_from_the_distribution(models, distribution):
    state, pairs = distribution
    counts, said = frequencies(state, models, strategy="sample")
    assert close(counts, pairs)
    assert all(said[pair] == pytest.approx(pairs[pair], abs=1e-5) for pair in said)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_temperature_divides_the_pairs_logits(models, distribution, temperature):
    state, pairs = distribution
    powers = {pair: p ** (1 / temperature) for pair, p in pairs.items()}
    expected = {pair: p / sum(powers.values()) for pair, p in powers.items()}
    counts, said = frequencies(state, models, strategy="sample", temperature=temperature)
    assert close(counts, expected)
    assert all(said[pair] == pytest.approx(expected[pair], abs=1e-4) for pair in said)


def test_a_temperature_near_zero_draws_the_most_probable_pair_and_a_huge_one_all_alike(models, distribution):
    state, pairs = distribution
    counts, _ = frequencies(state, models, strategy="sample", temperature=1e-300, count=50)
    assert counts.keys() == {max(pairs, key=pairs.get)}
    counts, said = frequencies(state, models, strategy="sample", temperature=1e300, count=500)
    assert len(counts) > 0.7 * len(pairs) and counts.keys() <= pairs.keys()
    assert all(p == pytest.approx(1 / len(pairs)) for p in said.values())


@pytest.mark.parametrize("k", [1, 2, 5, 1000])
def test_top_k_draws_among_the_k_best_pairs(models, distribution, k):
    state, pairs = distribution
    best = dict(sorted(pairs.items(), key=lambda item: -item[1])[:k])
    expected = {pair: p / sum(best.values()) for pair, p in best.items()}
    counts, said = frequencies(state, models, strategy="sample_top_k", top_k=k)
    assert close(counts, expected)
    assert all(said[pair] == pytest.approx(expected[pair], abs=1e-4) for pair in said)


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_epsilon_is_the_probability_of_drawing_instead_of_taking_the_best(models, distribution, epsilon):
    state, pairs = distribution
    best = greedy_pair(pairs)
    expected = {pair: epsilon * p + (1 - epsilon) * (pair == best) for pair, p in pairs.items()}
    counts, said = frequencies(state, models, epsilon=epsilon)
    assert close(counts, expected)
    assert all(said[pair] == pytest.approx(expected[pair], abs=1e-5) for pair in said)


def test_the_same_generator_gives_the_same_decisions(models, random_state):
    states = [random_state(n, seed=n) for n in range(1, 80)]
    some, others = (
        decide(states, models, strategy="sample", generator=torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert [(r.decision, r.line) for r in some] == [(r.decision, r.line) for r in others]


def test_a_state_is_decided_alike_alone_and_in_a_batch(models, random_state):
    states = [random_state(n, seed=n) for n in (3, 0, 90, 1, 17)] * 20
    for record, state in zip(decide(states, models), states, strict=True):
        (alone,) = decide([state], models)
        assert (record.decision, record.line, record.h) == (alone.decision, alone.line, alone.h)
        assert record.probability == pytest.approx(alone.probability, abs=1e-5)
        assert record.value == pytest.approx(alone.value, abs=1e-5)
        assert (record.kept is None) == (alone.kept is None) == (record.decision == 0)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_any_state_gets_a_legal_decision_and_a_record_in_strict_json(models, data):
    texts = data.draw(st.lists(st.text(max_size=8) | st.sampled_from(["", "x" * 300, "\ud800"]), max_size=9))
    small = st.integers(-1, 12)
    edits = np.array([[data.draw(small) for _ in range(3)] + [1, 0, 0] for _ in texts], np.int64).reshape(-1, 6)
    cursor = Cursor(data.draw(st.booleans()), data.draw(small), data.draw(st.integers(0, 400)), data.draw(small))
    history = data.draw(
        st.none() | st.lists(st.builds(PastDecision, small, st.integers(0, 6), st.none() | st.floats(0, 1)))
    )
    past = None if history is None else tuple(history)
    state = State(tuple(texts), data.draw(st.integers(0, 10**6)), edits, unedited(len(texts)), cursor, history=past)
    strategy = data.draw(st.sampled_from(STRATEGIES))
    (record,) = decide([state], models, strategy=strategy, epsilon=0.5, generator=torch.Generator().manual_seed(0))
    assert record.legal and actions.is_legal(state, actions.Decision(record.decision), record.line, 160)
    assert (record.decision == 0) == (record.line == -1) and record.h == len(texts)
    for content in (record.as_dict(), record.to_infer_action_json()):
        json.loads(json.dumps(content, allow_nan=False).encode("utf-8", "surrogatepass"))
    debug, legal = record.to_infer_action_json()["debug"], actions.legality_mask([state], 160)[0]
    assert [logit is not None for logit in debug["action_logits"]] == [True, *legal[1:].any(1).tolist()]
    assert [logit is not None for logit in debug["line_logits_for_action"]] == legal[record.decision].tolist()


@pytest.mark.parametrize("backbone", ["lg_transformer", "lstm", "bigru"])
@pytest.mark.parametrize("large", [10**6, 2**62])
def test_numbers_of_any_size_give_numbers(backbone, large):
    edits = np.full((3, 6), large, dtype=np.int64)
    edits[:, 3:] = 1
    state = State(("x",) * 3, large, edits, edits, Cursor(True, 1, large, large))
    for one in (state, replace(state, t=0), replace(state, cursor=Cursor(True, large, large, large))):
        (record,) = decide([one], models_of(replace(SMALL, backbone=backbone)))
        assert math.isfinite(record.value) and math.isfinite(record.probability) and record.legal


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_network_whose_answers_overflow_is_refused_by_its_name(random_state, strategy):
    models = replace(models_of(), source="models/asm_assistant_model.pt")
    with torch.no_grad():
        for weight in models.assistant.parameters():
            weight.fill_(1e38)
    for state in (random_state(3), State((), 0, unedited(0), unedited(0))):
        with pytest.raises(InputError, match=r"^models/asm_assistant_model\.pt: .* no finite numbers"):
            decide([state], models, strategy=strategy)


@pytest.mark.parametrize("head", ["action_head", "value_head", "kept_head"])
def test_one_head_without_numbers_is_enough(random_state, head):
    models = models_of()
    torch.nn.init.constant_(getattr(models.assistant, head).last.bias, math.nan)
    with pytest.raises(InputError, match="no finite numbers"):
        decide([random_state(9)], models)


def test_a_file_without_lines_gets_no_op(models):
    for agent in ("assistant", "human"):
        (record,) = decide([State((), 0, unedited(0), unedited(0))], models, agent=agent)
        answer = record.to_infer_action_json()
        assert (answer["action_idx"], answer["line_idx"], answer["debug"]["h"]) == (0, -1, 0)
        assert answer["debug"]["line_logits_for_action"] == [] and record.probability == 1.0 and record.kept is None
        assert [p.decision for p in record.alternatives()] == [0]


def test_lines_are_reported_in_the_file_s_own_numbers(models):
    n = 1000
    state = State(tuple(f"x{i} = 1" for i in range(n)), 4, unedited(n), unedited(n), Cursor(True, 900, 1, 4))
    for records in (decide([state] * 200, models, strategy="sample", h_max=100),):
        for record in records:
            assert (record.h, record.first_line) == (100, 850) and len(record.line_logits()) == 100
            if record.decision in (1, 2, 3, 5):
                assert record.line == 900
            elif record.decision:
                assert 850 <= record.line < 950
            assert all(pair.line == -1 or 850 <= pair.line < 950 for pair in record.alternatives())
    assert decide([state], models)[0].h == 300


def test_the_human_may_do_anything_anywhere(models):
    human = unedited(3).copy()
    human[:, :3] = 0, 0, 9  # all lines are the task's skeleton
    state = State(("def f(x):", "    pass", ""), 3, human, unedited(3))
    (record,) = decide([state], models)
    assert record.decision == 0 and len(record.alternatives()) == 1
    records = decide([state] * 300, models, agent="human", strategy="sample", temperature=5.0)
    assert {r.decision for r in records} == set(range(7)) and {r.line for r in records} == {-1, 0, 1, 2}
    assert all(r.legal == (r.decision == 0) and r.kept is None for r in records)
    assert all(None not in r.to_infer_action_json()["debug"]["line_logits_for_action"] for r in records)


def test_a_humans_decision_is_legal_only_at_lines_where_the_assistant_may_take_it(models):
    human = unedited(2).copy()
    human[0, :3] = 0, 0, 9  # the first line alone is the task's skeleton
    state = State(("def f(x):", "    pass"), 3, human, unedited(2))
    generator = torch.Generator().manual_seed(0)
    drawn = {"agent": "human", "strategy": "sample", "temperature": 1e300}  # all pairs alike
    records = decide([state] * 60, models, generator=generator, **drawn)
    edits = {(r.line, r.legal) for r in records if r.decision == actions.Decision.EDIT_EXISTING_LINES}
    assert edits == {(0, False), (1, True)}
    assert all(r.legal == actions.is_legal(state, actions.Decision(r.decision), r.line, 160) for r in records)


def test_kept_is_the_estimate_for_the_pair_that_was_taken(models, random_state):
    state = random_state(5, seed=8)
    with torch.no_grad():
        lines = models.featurizer(models.featurizer.encode([state]).batch())
        kept = models.assistant(lines).kept[0].sigmoid()
    for record in decide([state] * 50, models, strategy="sample"):
        if record.decision:
            assert record.kept == pytest.approx(float(kept[record.decision, record.line]), abs=1e-6)
    assert decide([state], models_of(replace(SMALL, predict_kept=False)))[0].kept is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"strategy": "best"}, "strategy: 'best' is none; there are argmax, sample, sample_top_k"),
        ({"temperature": 0.0}, "temperature: is 0.0"),
        ({"temperature": math.nan}, "temperature"),
        ({"temperature": math.inf}, "temperature"),
        ({"epsilon": 1.5}, "epsilon: is 1.5, expected a probability"),
        ({"epsilon": math.nan}, "epsilon"),
        ({"top_k": 0}, "top_k: is 0, expected at least 1"),
        ({"h_max": 0}, "h_max: is 0, expected at least 1"),
    ],
)
def test_what_makes_no_sense_is_one_clear_error(models, random_state, wrong, words):
    with pytest.raises(InputError, match=words):
        decide([random_state(2)], models, **wrong)


def test_opens_the_current_models_else_the_baseline_else_untrained_ones(tmp_path, monkeypatch, random_state):
    monkeypatch.setattr(inference, "BASELINE", tmp_path / "baseline")
    fresh = inference.open_models(tmp_path / "models")
    assert fresh.source == "untrained" and fresh.meta["trained_on"] == "nothing"
    published = models_of()
    store.publish(tmp_path / "baseline", published, {"trained_on": "samples"})
    baseline = inference.open_models(tmp_path / "models")
    assert baseline.source == "baseline" and baseline.meta["trained_on"] == "samples"
    store.publish(tmp_path / "models", published, {"trained_on": "person"})
    own = inference.open_models(tmp_path / "models")
    assert own.source == str(tmp_path / "models/asm_assistant_model.pt")
    (record,) = decide([random_state(3)], own)
    assert record.model == record.to_infer_action_json()["debug"]["model"] == own.source


def test_fresh_models_follow_from_their_seed_and_draw_no_other_random_numbers(random_state):
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    one, same, other = (inference.fresh_models(seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(2), expected)
    state = random_state(20)
    first, second, third = (decide([state], models)[0].scores for models in (one, same, other))
    assert np.array_equal(first, second) and not np.array_equal(first, third)


def test_untrained_models_answer_by_the_fixed_quiet_policy(random_state):
    models = inference.untrained_models(model=SMALL, featurizer=FeaturizerConfig(d_in=12, char_dim=4))
    states = [random_state(n, seed=n) for n in (0, 1, 7, 90)]
    for state, record in zip(states, decide(states, models), strict=True):
        possible = actions.legality_mask([state], 160)[0][1:].any(1).tolist()
        logits = [math.log(0.94), *(math.log(0.01) if legal else None for legal in possible)]
        answer = record.to_infer_action_json()
        assert (answer["action_idx"], answer["line_idx"], record.kept) == (0, -1, None)
        assert answer["debug"]["action_logits"] == [None if logit is None else pytest.approx(logit) for logit in logits]
        assert (
            answer["debug"]["line_logits_for_action"] == [0.0] * len(state) and answer["debug"]["model"] == "untrained"
        )
    drawn = decide(states[3:] * 300, models, strategy="sample", generator=torch.Generator().manual_seed(0))
    assert sum(record.decision == 0 for record in drawn) > 250 and len({record.decision for record in drawn}) > 3


def test_models_that_learned_from_nothing_answer_like_untrained_ones(tmp_path, random_state):
    made = models_of()
    store.publish(tmp_path, made, {"trained_on": "nothing"})
    models = inference.open_models(tmp_path)
    (record,) = decide([random_state(9)], models)
    assert (record.decision, record.model) == (0, "untrained")
    assert record.decision_logits[0] == pytest.approx(math.log(0.94))


def test_deciding_leaves_the_number_of_threads_alone(models, random_state):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        decide([random_state(2)], models)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)

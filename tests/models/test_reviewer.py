"""The reviewer: what it looks at, when it shows, how it learns from a person and where it keeps that."""

import json
import math
import re
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import Action, Decision, apply_text
from delegates import Completion
from errors import InputError
from models.reviewer import (
    FEATURES,
    FILE,
    START,
    Reviewer,
    WrittenText,
    estimates,
    fit,
    load_coefficients,
    save_coefficients,
)
from state import Cursor, State, unedited


def state_of(*lines, cursor=0, column=0):
    return State(tuple(lines), 1, unedited(len(lines)), unedited(len(lines)), Cursor(True, cursor, column, 1))


def written(decision, line, text, *lines, column=None, log_prob=-0.3, kept=None):
    state = state_of(*lines, cursor=line, column=len(lines[line]) if column is None else column)
    after = apply_text(state.lines, decision, line, text, state.cursor.char)
    return WrittenText.of(state, after, Action("A", decision, line, kept=kept), log_prob)


def feature(name, text):
    return text.features()[FEATURES.index(name)]


def test_a_completion_is_what_was_added_at_the_cursor():
    text = written(Decision.FILL_PARTIAL_LINE, 1, "x + 1", "a", "f()", column=2)
    assert (text.text, text.before, text.continues) == ("x + 1", "f(", True)


@pytest.mark.parametrize(
    ("decision", "line", "text", "expected", "before"),
    [
        (Decision.WRITE_SINGLE_LINE, 1, "return x", "    return x", "    "),
        (Decision.WRITE_MULTI_LINE, 1, "if x:\n    pass", "    if x:\n        pass", "    "),
        (Decision.EDIT_EXISTING_LINES, 0, "def g():", "def g():", "def f():"),
        (Decision.EXPLAIN_MULTI_LINES, 0, "why", "# why", "def f():"),
    ],
)
def test_lines_are_what_stands_in_their_place(decision, line, text, expected, before):
    found = written(decision, line, text, "def f():", "    ", "    y = 1")
    assert (found.text, found.before, found.continues) == (expected, before, False)


def test_the_features_say_what_their_names_say():
    doubtful, certain = (written(Decision.WRITE_SINGLE_LINE, 0, "x", "a", log_prob=value) for value in (-2.0, -0.1))
    assert feature("mean_log_prob", certain) > 0 > feature("mean_log_prob", doubtful)
    unknown = written(Decision.WRITE_SINGLE_LINE, 0, "x", "a", log_prob=None)
    assert feature("no_log_prob", unknown) == 1.0 and feature("mean_log_prob", unknown) == 0.0
    assert feature("lines", written(Decision.WRITE_MULTI_LINE, 0, "x\ny\nz", "a")) == pytest.approx(math.log(3))
    assert feature("blank", written(Decision.WRITE_SINGLE_LINE, 0, "x", "  ")) == 1.0
    assert feature("comment", written(Decision.EXPLAIN_MULTI_LINES, 0, "why", "x = 1")) == 1.0
    assert feature("comment", written(Decision.FILL_PARTIAL_LINE, 0, "what", "# say ")) == 1.0
    assert feature("comment", written(Decision.EDIT_EXISTING_LINES, 0, "x = 2", "# y")) == 0.0
    assert feature("parses", written(Decision.FILL_PARTIAL_LINE, 0, "1", "    x = ")) == 1.0
    assert feature("parses", written(Decision.WRITE_SINGLE_LINE, 0, "for x in y:", "  ")) == 1.0
    assert feature("parses", written(Decision.FILL_PARTIAL_LINE, 0, "(1", "x = ")) == 0.0
    assert feature("starts_with_line_end", WrittenText("\nx", "y")) == 1.0
    assert feature("policy_logit", unknown) == 0.0
    assert feature("policy_logit", written(Decision.WRITE_SINGLE_LINE, 0, "x", "a", kept=1.0)) > 2.0


@given(st.text(max_size=60), st.text(max_size=30), st.booleans(), st.floats(-1e300, 0), st.floats(0, 1))
def test_every_text_has_finite_features_and_an_estimate(text, before, continues, log_prob, kept):
    found = WrittenText(text, before, continues, log_prob, kept)
    assert len(found.features()) == len(FEATURES) and all(map(math.isfinite, found.features()))
    assert 0.0 <= Reviewer().kept(found) <= 1.0


def test_a_surer_writer_and_a_surer_policy_are_believed_more():
    estimate = Reviewer().kept
    for worse, better in [({"log_prob": -2.0}, {"log_prob": -0.05}), ({"kept": 0.2}, {"kept": 0.9})]:
        one, other = (written(Decision.WRITE_SINGLE_LINE, 0, "x = 1", "a", **more) for more in (worse, better))
        assert estimate(one) < estimate(other)


def test_from_the_threshold_on_texts_are_shown_below_it_a_share_is_drawn():
    state, action = state_of(""), Action("A", Decision.WRITE_SINGLE_LINE, 0)
    ask = (state, ["x"], action, Completion("x", "writer", (-1.0,)))
    generator = Random(3)
    shown = Reviewer(threshold=0.0).review(*ask, generator)
    assert (shown.shown, shown.explored, shown.shown_probability) == (True, False, 1.0)
    reviews = [Reviewer(threshold=1.0, exploration=0.2).review(*ask, generator) for _ in range(500)]
    assert {review.shown_probability for review in reviews} == {0.2}
    assert all(review.shown == review.explored for review in reviews)
    assert 70 < sum(review.shown for review in reviews) < 130


def sample(count, coefficients, seed=0):
    generator = np.random.default_rng(seed)
    features = np.concatenate([np.ones((count, 1)), generator.normal(size=(count, len(FEATURES) - 1))], 1)
    return features, (generator.random(count) < estimates(coefficients, features)).astype(float)


def test_the_fit_finds_what_made_the_texts_and_stays_at_the_start_without_any():
    truth = [0.5, -1.0, 0.0, 1.5, 0.0, 0.3, 0.0, 0.0, -0.7, 0.2]
    features, kept = sample(4000, truth)
    assert np.abs(np.array(fit(features, kept)) - truth).max() < 0.2
    assert fit(features[:0], kept[:0]) == pytest.approx(START)


def test_the_fit_is_where_the_gradient_vanishes_for_shares_and_weights_too():
    features, _ = sample(50, START)
    generator = np.random.default_rng(1)
    kept, weights = generator.random(50), generator.random(50) * 20
    found = np.array(fit(features, kept, weights, shrinkage=3.0))
    gradient = features.T @ (weights * (estimates(found.tolist(), features) - kept)) + 3.0 * (found - START)
    assert np.abs(gradient).max() < 1e-6


def test_few_texts_move_it_little_and_a_text_of_weight_two_counts_as_two():
    features, kept = sample(3, START, seed=2)
    assert np.abs(np.array(fit(features, kept)) - START).max() < 0.5
    doubled = fit(np.repeat(features, 2, 0), np.repeat(kept, 2))
    assert fit(features, kept, np.full(3, 2.0)) == pytest.approx(doubled)


def test_the_fit_ends_on_texts_that_tell_everything_apart():
    features = np.ones((200, len(FEATURES))) * np.linspace(-1000, 1000, 200)[:, None]
    found = fit(features, (features[:, 0] > 0).astype(float), shrinkage=1e-3)
    assert np.isfinite(found).all()


def test_coefficients_are_kept_beside_the_models(tmp_path):
    assert load_coefficients(tmp_path) == (START, 0)
    save_coefficients(tmp_path, [float(i) for i in range(len(FEATURES))], 7)
    assert load_coefficients(tmp_path) == (tuple(map(float, range(len(FEATURES)))), 7)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: "{",
        lambda content: "[]",
        lambda content: content.replace('"format": 1', '"format": 2'),
        lambda content: content.replace('"bias"', '"other"'),
        lambda content: content.replace("0.85", "NaN"),
        lambda content: content.replace("0.9", '"much"'),
        lambda content: content.replace('"texts": 3', '"texts": null'),
    ],
)
def test_a_damaged_file_is_refused_and_named(tmp_path, damage):
    save_coefficients(tmp_path, START, 3)
    content = (tmp_path / FILE).read_text()
    assert json.loads(content) and damage(content) != content
    (tmp_path / FILE).write_text(damage(content))
    with pytest.raises(InputError, match=FILE):
        load_coefficients(tmp_path)


def test_the_document_has_the_coefficients_of_the_start(root):
    table = dict(
        re.findall(r"^\| `(\w+)`.* \| ([-+]?[\d.]+) \|$", (root / "docs" / "reviewer.md").read_text(), re.MULTILINE)
    )
    assert {name: float(value) for name, value in table.items()} == dict(zip(FEATURES, START, strict=True))


def test_a_text_exactly_at_the_threshold_is_shown_for_certain():
    assert Reviewer(threshold=0.5, exploration=0.05).shown_probability(0.5) == 1.0

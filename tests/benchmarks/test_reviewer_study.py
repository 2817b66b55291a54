"""The study of the reviewer: what it reads of the telemetry, nobody judged by what they did, measures by hand."""

import json

import numpy as np
import pytest

from benchmarks import reviewer
from benchmarks.reviewer import PersonTexts, auroc, calibration_error, fitted, measures, read_people, refitted, study
from errors import InputError
from models.reviewer import FEATURES


def event(kind, text="x = 1", before="a\n", log_prob=-0.2):
    return {
        "event": kind,
        "suggestion": text,
        "text_before_cursor": before,
        "writer": {} if log_prob is None else {"meanLogProb": log_prob},
    }


def write(folder, name, *events):
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in events))


def test_a_suggestion_is_described_by_its_shown_row_alone(tmp_path):
    write(
        tmp_path, "one",
        event("Shown", "return x", "def f():\n    ", -0.5), event("Browsing"), event("Accepted", "another", "b", -3.0),
        event("Rejected"), event("Shown", "\ny", "x"), event("Shown", "z", "# w", None), event("Rejected"),
    )  # fmt: skip
    write(tmp_path, "two", event("Shown"), event("Accepted"))
    one, _ = read_people(tmp_path)
    assert one.name == "one" and one.accepted.tolist() == [1.0, 0.0]
    first, second = (dict(zip(FEATURES, row, strict=True)) for row in one.features)
    assert first["mean_log_prob"] == pytest.approx(-0.15) and first["blank"] == 1.0 and first["parses"] == 1.0
    assert second["no_log_prob"] == 1.0 and second["comment"] == 1.0


@pytest.mark.parametrize("content", ["{", "[]", '{"event": "Shown"}\n{"event": "Accepted"}', '"x"'])
def test_a_file_of_something_else_is_refused_and_named(tmp_path, content):
    write(tmp_path, "one", event("Shown"), event("Accepted"))
    (tmp_path / "two.jsonl").write_text(content)
    with pytest.raises(InputError, match="two"):
        read_people(tmp_path)


def test_one_person_is_too_few(tmp_path):
    write(tmp_path, "one", event("Shown"), event("Accepted"))
    with pytest.raises(InputError, match="at least two people"):
        read_people(tmp_path)


def people(count=6, texts=80):
    generator = np.random.default_rng(0)
    found = []
    for number in range(count):
        features = np.concatenate([np.ones((texts, 1)), generator.normal(size=(texts, len(FEATURES) - 1))], axis=1)
        accepted = (generator.random(texts) < 1 / (1 + np.exp(-2 * features[:, 1]))).astype(float)
        found.append(PersonTexts(str(number), features, accepted))
    return found


def test_nobody_is_judged_by_what_they_did():
    one, *others = people()
    opposite = PersonTexts(one.name, one.features, 1 - one.accepted)
    assert fitted(others, one).tolist() == fitted(others, opposite).tolist()
    last = PersonTexts(one.name, one.features, np.append(one.accepted[:-1], 1 - one.accepted[-1]))
    assert refitted(others, one).tolist() == refitted(others, last).tolist()
    assert refitted(others, one).tolist() != refitted(others, opposite).tolist()


def test_what_tells_is_found_and_the_interval_is_around_it():
    results = study(people(), 0.5, draws=50)
    for name in ("fitted", "log-prob"):
        value, low, high = results[name]["auroc"]
        assert 0.75 < low <= value <= high
    assert results["always"]["auroc_within"][0] == 0.5


def test_the_measures_by_hand():
    p, y = np.array([0.9, 0.6, 0.6, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])
    assert auroc(p, y) == 3.5 / 4 and np.isnan(auroc(p[:2], y[:2]))
    found = measures([p[:2], p[2:]], [y[:2], y[2:]], 0.5)
    assert found["shown"] == 0.75 and found["accept_rate"] == pytest.approx(2 / 3) and found["accepted_shown"] == 1.0
    assert found["brier"] == pytest.approx((0.01 + 0.16 + 0.36 + 0.01) / 4)
    assert calibration_error(np.full(20, 0.3), np.array([1.0] * 6 + [0.0] * 14)) == pytest.approx(0.42)
    assert reviewer.GROUPS == 10 and np.isnan(measures([p], [y], 1.0)["accept_rate"])

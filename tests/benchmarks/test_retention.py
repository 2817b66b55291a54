"""The study of p(kept): what it measures, on which sessions, and what its table says."""

import json
from dataclasses import replace

import pytest

from benchmarks import learning, retention
from benchmarks.arguments import append_missing_results
from config import BCConfig, FeaturizerConfig, LoopConfig, ModelConfig, PPOConfig, ZeroStyleConfig
from episodes.writer import write_snapshot
from errors import InputError
from judge import SMALL_PROBLEM_LIMITS, Judge
from simulation.assistants import RandomAssistant
from simulation.scripted_people import PEOPLE
from simulation.sessions import simulate

BRIEF = LoopConfig(
    featurizer=FeaturizerConfig(d_in=16, char_dim=8),
    model=ModelConfig(d_in=16, d_model=16, n_layers=1, n_heads=2, hidden=16),
    bc=BCConfig(epochs=1), ppo=PPOConfig(epochs=1),
    zero_style=ZeroStyleConfig(epochs=1, roots=2, horizon=2, simulations=2, passes=1),
)  # fmt: skip
STUDY = retention.Study("1", "likes_code", learned=3, games=1)


@pytest.fixture(scope="module")
def sessions():
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        return simulate([PEOPLE["likes_code"]], 5, RandomAssistant(), judge=judge, seed=1)


@pytest.fixture
def recordings(sessions, tmp_path):
    for session in sessions:
        write_snapshot(session, tmp_path / "recordings" / "1" / "likes_code")
    return tmp_path / "recordings"


@pytest.mark.usefixtures("short_refit")
def test_p_kept_and_returns_are_measured_before_and_after(sessions, monkeypatch):
    monkeypatch.setattr(retention, "ROOTS", 2)
    row = retention.measure(STUDY, sessions, BRIEF)
    for name in ("base_brier", "ppo_brier", "self_play_brier"):
        assert 0 <= row[name] <= 1
    assert row["judged"] > 0 and 0 <= row["base_rate"] <= 1 and row["kl_kept"] >= 0
    assert set(retention.RETURNS) <= row.keys() and row["human_nll"] > 0 and row["prior_nll"] > 0
    unplayed = replace(BRIEF, zero_style=replace(BRIEF.zero_style, epochs=0))
    monkeypatch.setattr(retention, "_learn", lambda phase: {"kl_kept": 0.0})
    again = retention.measure(STUDY, sessions, unplayed)
    assert again["self_play_brier"] == again["ppo_brier"] == row["ppo_brier"]
    assert again["ppo_drawn_return"] == row["ppo_drawn_return"]


def test_what_is_judged_was_not_learned_from(sessions, monkeypatch):
    learned = []
    train = retention.train_from_episodes
    monkeypatch.setattr(
        retention, "train_from_episodes", lambda config, episodes, **how: learned.extend(episodes) or train(
            config, episodes, **how
        ),
    )  # fmt: skip
    unseen = []
    build = retention.UnseenSessions.of
    monkeypatch.setattr(
        retention.UnseenSessions, "of", lambda episodes, *rest: unseen.extend(episodes) or build(episodes, *rest)
    )
    retention.measure(replace(STUDY, games=0), sessions, BRIEF)
    ids = [[session.id for session in part] for part in (learned, unseen)]
    assert len(ids[0]) == 3 and not set(ids[0]) & set(ids[1])
    assert sorted(ids[0] + ids[1]) == sorted(session.id for session in sessions)


def test_folders_become_studies_and_too_few_sessions_are_refused(recordings):
    ((study, folder),) = retention.studies_in(recordings, 3, 1, [])
    assert study == STUDY and folder == recordings / "1" / "likes_code"
    assert list(retention.studies_in(recordings, 3, 1, ["somebody else"])) == []
    with pytest.raises(InputError, match="more than 50 sessions"):
        list(retention.studies_in(recordings, 50, 1, []))


def test_studies_that_stand_in_the_file_are_left_out(recordings, tmp_path):
    out = tmp_path / "results.jsonl"
    out.write_text(json.dumps({**vars(STUDY), "base_rate": 0.5}) + "\n")
    append_missing_results(retention.measure, list(retention.studies_in(recordings, 3, 1, [])), out, 1)
    assert len(out.read_text().splitlines()) == 1


def rows(ppo, self_play, base=0.25, base_rate=0.5):
    return [
        {
            "seed": str(i),
            "person": "x",
            "base_rate": base_rate,
            "base_brier": base,
            "ppo_brier": p,
            "self_play_brier": s,
        }
        for i, (p, s) in enumerate(zip(ppo, self_play, strict=True))
    ]


@pytest.mark.parametrize(("ppo", "self_play", "base_rate", "promised"), [
    ([0.20, 0.21, 0.19], [0.20, 0.209, 0.191], 0.5, "yes"),
    ([0.20, 0.21, 0.19], [0.22, 0.23, 0.21], 0.5, "no"),  # worse in every seed
    ([0.26, 0.26, 0.27], [0.26, 0.261, 0.269], 0.5, "no"),  # no better than the base rate
    ([0.26, 0.26, 0.27], [0.26, 0.261, 0.269], 0.95, "yes"),  # where nothing can be
])  # fmt: skip
def test_the_table_says_whether_the_promise_is_kept(ppo, self_play, base_rate, promised):
    line = retention.table(rows(ppo, self_play, base_rate=base_rate)).splitlines()[2]
    assert line.startswith("| x |") and line.endswith(f"| {promised} |")


def test_people_are_recorded_for_the_study_and_unknown_ones_refused(tmp_path):
    learning.record(tmp_path / "recordings", 1, 2, ["likes_code"])
    assert len(list((tmp_path / "recordings" / "1" / "likes_code").iterdir())) == 2
    with pytest.raises(InputError, match="nobody: expected one of"):
        learning.record(tmp_path / "none", 1, 2, ["nobody"])
    assert not (tmp_path / "none").exists()

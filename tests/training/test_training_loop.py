"""training_loop.py promises: two phases, the same result however often it is killed, nobody's models lost."""

import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import training.training_loop as loop
from config import BCConfig, FeaturizerConfig, LoopConfig, ModelConfig, PPOConfig, ZeroStyleConfig
from data_paths import DataPaths
from errors import InputError
from files import lock
from models import store
from state_adapter import read_episodes
from training.data.held_out import choose_held_out
from training.evaluation.promotion import PromotionDecision
from training.runs.observer import NullObserver
from training.runs.training_manifest import append_entry, read_manifest
from training.training_loop import run_loop

TINY = LoopConfig(
    trained_on="samples",
    featurizer=FeaturizerConfig(d_in=24, char_dim=8),
    model=ModelConfig(d_in=24, d_model=16, n_layers=1, n_heads=2, hidden=16),
    bc=BCConfig(epochs=2),
    ppo=PPOConfig(epochs=1),
    zero_style=ZeroStyleConfig(epochs=1, roots=3, horizon=3),
)


@pytest.fixture(scope="module")
def episodes(sample_sessions):
    return read_episodes(sample_sessions)[0]


class Telling(NullObserver):
    """Notes phases and messages; raises KeyboardInterrupt at the n-th call (0: never), as a kill at that moment."""

    def __init__(self, stop_at=0):
        self.left, self.phases, self.messages, self.calls = stop_at, [], [], 0

    def _count(self):
        self.calls += 1
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def phase(self, name, total_steps):
        if total_steps:
            self.phases.append(name)
        self._count()

    def advance(self, n=1):
        self._count()

    def metrics(self, row):
        self._count()

    def message(self, text):
        self.messages.append(text)


def weights(folder):
    models = store.load(folder)
    return {f"{who}.{k}": v for who in ("human", "assistant") for k, v in getattr(models, who).state_dict().items()}


def same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


@pytest.fixture(scope="module")
def straight(episodes, tmp_path_factory):
    """A run that nobody disturbed: where it left what, what it told, what came of it."""
    paths, observer = DataPaths(tmp_path_factory.mktemp("straight")), Telling()
    return paths, observer, run_loop(TINY, episodes, paths, observer)


def test_the_plan_from_sessions_to_models(straight):
    paths, observer, outcome = straight
    assert observer.phases == ["bc", "ppo_from_episodes", "zero_style", "evaluation"]
    assert (outcome.learned_from, outcome.held_out, outcome.games) == (1, 1, 3)
    assert outcome.verdict == PromotionDecision(True, "there were no models yet") and outcome.models == paths.models
    models = store.load(paths.models)
    assert models.generation == outcome.generation
    assert models.meta["trained_on"] == "samples" and models.meta["sessions"] == 1
    assert outcome.after.sessions == outcome.before.sessions and len(outcome.after.sessions) == 1
    assert outcome.after.human_nll.mean != outcome.before.human_nll.mean
    assert not (paths.run / "plan.json").exists()


def test_no_game_trains_two_models(episodes, tmp_path):
    paths = DataPaths(tmp_path)
    for _ in range(2):
        run_loop(TINY, episodes, paths, NullObserver())
    first, second = read_manifest(paths.manifest)
    assert first.generation != second.generation == store.load(paths.models).generation
    assert first.sessions == second.sessions and {*first.sessions, *first.held_out} == {one.id for one in episodes}
    assert len(first.games) == len(second.games) == 3 and not {*first.games} & {*second.games}
    assert {one.id for one in read_episodes(paths.self_play_episodes)[0]} == {*first.games, *second.games}


def test_games_are_recorded_as_sessions_are(straight):
    paths, _, _ = straight
    games, summary = read_episodes(paths.self_play_episodes, strict=True)
    assert len(games) == 3 and not summary.repaired
    moves = [move for game in games for move in game.actions if move is not None and move.agent == "A"]
    assert len(moves) == 6 and all(game.actions[-1].agent == "H" for game in games)  # three plies are rounded up
    assert {move.model for move in moves} == {"search"}


def test_what_is_known_of_problems_is_part_of_the_plan(episodes, tmp_path, monkeypatch):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        run_loop(TINY, episodes, DataPaths(tmp_path), Telling(stop_at=12))
    problem = {"id": episodes[0].problem_id, "name": "f", "cases": [[[1], 2]]}
    (tmp_path / "problems.json").write_text(json.dumps([problem, {**problem, "id": episodes[1].problem_id}]))
    again = Telling()
    assert run_loop(TINY, episodes, DataPaths(tmp_path), again).games == 3
    assert again.messages[0] == "The interrupted run had other sessions or settings: a new one begins."


def test_models_that_were_put_in_use_meanwhile_are_what_is_compared_with(episodes, tmp_path, monkeypatch):
    paths, compared = DataPaths(tmp_path), []
    run_loop(TINY, episodes, paths, NullObserver())
    measure, train = loop.evaluate, loop.train_from_episodes

    def training(*given, **named):
        result = train(*given, **named)
        others = store.load(paths.models)
        store.publish(paths.models, others.human, others.assistant, others.featurizer, {"trained_on": "samples"})
        return result

    monkeypatch.setattr(loop, "train_from_episodes", training)
    monkeypatch.setattr(
        loop, "evaluate", lambda models, *given, **named: compared.append(models) or measure(models, *given, **named)
    )
    observer = Telling()
    run_loop(TINY, episodes, paths, observer)
    assert any("replaced meanwhile" in text for text in observer.messages)
    assert [one.id for one in store.generations(paths.models)].index(compared[0].generation) == 1


@pytest.mark.parametrize("share", [0.02, 0.3, 0.55, 0.7, 0.8, 0.99])
def test_killed_and_called_again_it_ends_alike(straight, episodes, tmp_path, share):
    paths, observer, outcome = straight
    stopped = Telling(stop_at=max(1, round(observer.calls * share)))
    with pytest.raises(KeyboardInterrupt):
        run_loop(TINY, episodes, DataPaths(tmp_path), stopped)
    again = Telling()
    resumed = run_loop(TINY, episodes, DataPaths(tmp_path), again)
    assert "Going on with the run that was interrupted." in again.messages
    assert same(weights(paths.models), weights(tmp_path / "trainer" / "models"))
    assert resumed.after == outcome.after and resumed.before == outcome.before


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    "noted, reason",
    [
        (False, "there were no models yet"),
        (True, "they are better"),
        (False, "they are worse"),
    ],
)
def test_killed_after_the_models_are_published_it_is_not_run_again(episodes, tmp_path, monkeypatch, noted, reason):
    paths, runs = DataPaths(tmp_path), int(reason != "there were no models yet")
    for _ in range(runs):
        run_loop(TINY, episodes, paths, NullObserver())

    def kill(path, entry):
        if noted:
            append_entry(path, entry)
        raise Killed

    monkeypatch.setattr(
        loop, "decide_promotion", lambda new, old, **more: PromotionDecision(reason != "they are worse", reason)
    )
    with monkeypatch.context() as patch:
        patch.setattr(loop.training_manifest, "append_entry", kill)
        with pytest.raises(Killed):
            run_loop(TINY, episodes, paths, NullObserver())
    folder = paths.run / "not-in-use" if reason == "they are worse" else paths.models
    published, kept = weights(folder), store.generations(folder)
    again = Telling()
    outcome = run_loop(TINY, episodes, paths, again)
    assert again.messages[0] == "Going on with the run that was interrupted."
    assert again.phases == ["evaluation"]
    assert (outcome.models, outcome.verdict.reason, outcome.games) == (folder, reason, 3)
    assert outcome.before.human_nll != outcome.after.human_nll
    assert same(weights(folder), published) and store.generations(folder) == kept
    assert len(read_manifest(paths.manifest)) == runs + 1 and not (paths.run / "plan.json").exists()


def test_other_settings_after_a_kill_begin_anew(straight, episodes, tmp_path):
    _, observer, _ = straight
    with pytest.raises(KeyboardInterrupt):
        run_loop(replace(TINY, seed=5), episodes, DataPaths(tmp_path), Telling(stop_at=observer.calls - 3))
    again = Telling()
    run_loop(TINY, episodes, DataPaths(tmp_path), again)
    assert again.messages[0] == "The interrupted run had other sessions or settings: a new one begins."
    assert same(weights(straight[0].models), weights(tmp_path / "trainer" / "models"))


def test_a_persons_models_replace_samples_and_are_not_replaced_by_them(episodes, tmp_path):
    paths = DataPaths(tmp_path)
    run_loop(TINY, episodes, paths, NullObserver())
    person = replace(TINY, trained_on="person")
    outcome = run_loop(person, episodes, paths, NullObserver())
    assert outcome.verdict.replace and "sample sessions only" in outcome.verdict.reason
    before = weights(paths.models)
    outcome = run_loop(TINY, episodes, paths, NullObserver())
    assert not outcome.verdict.replace and "never replace" in outcome.verdict.reason
    assert outcome.models == tmp_path / "trainer" / "models-from-samples"
    assert store.load(outcome.models).meta["trained_on"] == "samples"
    assert same(before, weights(paths.models))
    again = run_loop(person, episodes, paths, NullObserver())
    assert again.verdict.replace and not same(before, weights(paths.models))  # it went on from them
    assert [one.meta["trained_on"] for one in store.generations(paths.models)] == ["samples", "person", "person"]


def test_worse_models_are_kept_aside(episodes, tmp_path, monkeypatch):
    paths = DataPaths(tmp_path)
    run_loop(TINY, episodes, paths, NullObserver())
    before = weights(paths.models)
    monkeypatch.setattr(loop, "decide_promotion", lambda *words, **more: PromotionDecision(False, "they are worse"))
    outcome = run_loop(replace(TINY, seed=3), episodes, paths, NullObserver())
    assert same(before, weights(paths.models))
    assert outcome.models != paths.models and store.load(outcome.models).generation == outcome.generation


def test_a_plan_without_epochs_replaces_nothing(episodes, tmp_path):
    none = replace(TINY, bc=BCConfig(epochs=0), ppo=PPOConfig(epochs=0), zero_style=ZeroStyleConfig(epochs=0))
    paths = DataPaths(tmp_path)
    outcome = run_loop(none, episodes, paths, NullObserver())
    assert outcome.verdict.replace and store.load(paths.models).meta["trained_on"] == "nothing"
    assert run_loop(TINY, episodes, paths, NullObserver()).verdict.replace
    before = weights(paths.models)
    outcome = run_loop(none, episodes, paths, NullObserver())
    assert not outcome.verdict.replace and "nothing was learned" in outcome.verdict.reason
    assert same(before, weights(paths.models)) and store.load(paths.models).meta["trained_on"] == "samples"


def test_another_backbone_is_a_new_start(episodes, tmp_path):
    run_loop(TINY, episodes, DataPaths(tmp_path), NullObserver())
    observer = Telling()
    config = replace(TINY, model=replace(TINY.model, backbone="bigru", layers=1, surround_layers=0))
    outcome = run_loop(config, episodes, DataPaths(tmp_path), observer)
    assert any("another backbone than bigru" in text for text in observer.messages)
    assert outcome.verdict.replace


def test_a_single_session_is_learned_from(episodes, tmp_path):
    config = replace(TINY, zero_style=replace(TINY.zero_style, epochs=0))
    outcome = run_loop(config, episodes[:1], DataPaths(tmp_path), NullObserver())
    assert (outcome.learned_from, outcome.held_out, outcome.games) == (1, 0, 0)
    assert outcome.before is outcome.after is None and store.load(DataPaths(tmp_path).models)


def test_a_second_run_in_the_same_place_is_refused(episodes, tmp_path):
    paths = DataPaths(tmp_path)
    with lock(paths.run / ".lock"), pytest.raises(InputError, match="another run"):
        run_loop(TINY, episodes, paths, NullObserver())


IDS = st.lists(st.text(max_size=5), unique=True, max_size=30)


@given(IDS, st.floats(0, 1), st.sets(st.text(max_size=5)))
def test_held_out_sessions_are_some_but_never_all(ids, share, learned):
    held_out = choose_held_out(ids, share, learned)
    assert held_out <= set(ids)
    assert len(held_out) == 0 if share == 0 or len(ids) < 2 else 1 <= len(held_out) < len(ids)
    assert held_out == choose_held_out(ids[::-1], share, learned)
    assert not held_out & learned or set(ids) <= learned


@given(IDS, IDS, st.floats(0.01, 1), st.floats(0.01, 1))
def test_what_was_learned_from_is_never_held_out_later(ids, more, share, other):
    held_out = choose_held_out(ids, share)
    learned = set(ids) - held_out
    together = [*ids, *(name for name in more if name not in ids)]
    if len(ids) > 1:
        assert not choose_held_out(together, other, learned) & learned


def test_about_the_share_is_held_out():
    assert 20 < len(choose_held_out([f"session-{i}" for i in range(200)], 0.2)) < 60

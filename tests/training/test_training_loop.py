"""training_loop.py promises: two phases, the same result however often it is killed, nobody's models lost."""

import json
import random
import shutil
from dataclasses import replace

import pytest
import torch

import training.training_loop as loop
from actions import Review, Writer
from config import BCConfig, FeaturizerConfig, LoopConfig, ModelConfig, PPOConfig, ServeConfig, ZeroStyleConfig
from data_paths import DataPaths
from errors import InputError
from files import lock
from inference import fresh_models
from models import store
from models.reviewer import FILE, START, load_coefficients, save_coefficients
from state_adapter import read_episodes
from training.data.reviewed_texts import ReviewedTexts
from training.evaluation.promotion import PromotionDecision
from training.runs.observer import NullObserver
from training.runs.run_files import plan_path
from training.runs.run_inputs import read_inputs
from training.runs.training_manifest import append_entry, read_manifest
from training.training_loop import is_interrupted, run_loop

TINY = LoopConfig(
    featurizer=FeaturizerConfig(d_in=24, char_dim=8),
    model=ModelConfig(d_in=24, d_model=16, n_layers=1, n_heads=2, hidden=16),
    bc=BCConfig(epochs=2),
    ppo=PPOConfig(epochs=1, passes=1),
    zero_style=ZeroStyleConfig(epochs=1, roots=3, horizon=3, simulations=2, passes=1),
)

CLONING = replace(TINY, bc=BCConfig(epochs=1), ppo=PPOConfig(epochs=0), zero_style=ZeroStyleConfig(epochs=0))
"""The shortest run that learns: one epoch."""

pytestmark = pytest.mark.usefixtures("short_refit")


@pytest.fixture(scope="module")
def episodes(sample_sessions):
    """The beginnings of the sample sessions."""
    return [
        replace(episode, states=episode.states[:15], actions=episode.actions[:15])
        for episode in read_episodes(sample_sessions)[0]
    ]


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
    contents = {name: torch.load(folder / name, weights_only=True) for name in (store.HUMAN, store.ASSISTANT)}
    return {(name, k): v for name, content in contents.items() for k, v in content["model_state_dict"].items()}


def same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


@pytest.fixture(scope="module")
def straight(episodes, tmp_path_factory):
    """A run that nobody disturbed: where it left what, what it reported, its outcome."""
    paths, observer = DataPaths(tmp_path_factory.mktemp("straight")), Telling()
    return paths, observer, run_loop(TINY, episodes, paths, observer)


@pytest.fixture(scope="module")
def finished(episodes, tmp_path_factory):
    """The data root of a run of `CLONING` that has ended, and its outcome."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, run_loop(CLONING, episodes, DataPaths(folder), NullObserver())


@pytest.fixture
def trained(finished, tmp_path):
    """The paths of a copy of it."""
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    return DataPaths(tmp_path)


def test_the_plan_from_sessions_to_models(straight, episodes):
    paths, observer, outcome = straight
    assert observer.phases == ["bc", "ppo_from_episodes", "zero_style", "evaluation"]
    assert (outcome.learned_from, outcome.held_out, outcome.games) == (2, 0, 3)
    assert outcome.promotion == PromotionDecision(True, "there were no models yet") and outcome.models == paths.models
    models = store.load(paths.models)
    assert models.generation == outcome.generation
    assert models.meta["trained_on"] == "person" and models.meta["sessions"] == 2 and models.meta["start"] == "fresh"
    assert outcome.after.human_nll.mean < outcome.before.human_nll.mean
    assert not (paths.run / "plan.json").exists()


def test_with_few_sessions_none_is_held_out_and_the_table_is_of_those_learned_from(straight, episodes):
    _, _, outcome = straight
    ids = {one.id for one in episodes}
    assert outcome.held_out == 0 and {*outcome.after.sessions} == {*outcome.before.sessions} == ids


def test_with_enough_sessions_they_are_held_out_and_the_models_compared(sessions, tmp_path):
    paths, config = DataPaths(tmp_path), replace(CLONING, held_out_share=0.5)
    first = run_loop(config, sessions, paths, NullObserver())
    assert (first.learned_from, first.held_out) == (3, 3) and len(first.after.sessions) == 3
    (entry,) = read_manifest(paths.manifest)
    assert {*entry.held_out} == {*first.after.sessions} and not {*entry.held_out} & {*entry.sessions}
    second = run_loop(replace(config, seed=1), sessions, paths, NullObserver())
    assert "held-out sessions" in second.promotion.reason
    assert second.before.sessions == first.after.sessions  # the first models have not learned from them either
    assert second.before.human_nll == first.after.human_nll


def test_recordings_of_one_session_are_held_out_together(sessions, tmp_path):
    """Whatever is held out: every recording is one of a pair, of which the second goes on from the first."""
    firsts = [f"{one.id} again" for one in sessions]
    pairs = [replace(one, id=name, first_recording=one.id) for one, name in zip(sessions, firsts, strict=True)]
    paths, config = DataPaths(tmp_path), replace(CLONING, held_out_share=0.5)
    outcome = run_loop(config, [*sessions, *pairs], paths, NullObserver())
    (entry,) = read_manifest(paths.manifest)
    held_out = {name.removesuffix(" again") for name in entry.held_out}
    assert len(entry.held_out) == 6 and outcome.held_out == len(held_out) == 3
    assert outcome.learned_from == store.load(paths.models).meta["sessions"] == 3
    assert not held_out & {name.removesuffix(" again") for name in entry.sessions}


def test_models_that_learned_from_what_is_held_out_now_are_said_to_have(sessions, tmp_path):
    run_loop(CLONING, sessions, DataPaths(tmp_path), NullObserver())
    observer = Telling()
    outcome = run_loop(replace(CLONING, held_out_share=0.5), sessions, DataPaths(tmp_path), observer)
    assert outcome.held_out == 3
    assert "The current models learned from 3 of the 3 held out." in observer.messages


@pytest.mark.parametrize("replaced", [True, False])
def test_where_nothing_is_new_nothing_is_learned(trained, episodes, monkeypatch, replaced):
    """Whether the models were replaced or not, in any order of the sessions, on any device, after a roll-back too."""
    paths, config = trained, replace(CLONING, seed=7)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "decide_promotion", lambda *scores, **more: PromotionDecision(replaced, "so it is"))
        finished = run_loop(config, episodes, paths, NullObserver())
    before, manifest = weights(paths.models), paths.manifest.read_bytes()
    monkeypatch.setattr(loop, "train_from_episodes", None)
    for _ in range(1 + replaced):
        observer = Telling()
        again = replace(config, device="cpu", telemetry_url="http://127.0.0.1:9/")
        outcome = run_loop(again, list(episodes)[::-1], paths, observer)
        assert outcome.nothing_new and outcome.generation == finished.generation and not observer.phases
        assert f"nothing is new since the run that made generation {finished.generation}" in outcome.promotion.reason
        assert same(before, weights(paths.models)) and paths.manifest.read_bytes() == manifest
        if replaced and store.generations(paths.models)[-1].current:
            store.roll_back(paths.models)
            before = weights(paths.models)


def other_text(episode):
    last = replace(episode.states[-1], lines=(*episode.states[-1].lines[:-1], "changed"))
    return replace(episode, states=(*episode.states[:-1], last))


class LearnsError(Exception):
    pass


@pytest.mark.parametrize(
    "changed",
    [
        lambda paths, config, episodes, patch: (config, episodes[:1]),
        lambda paths, config, episodes, patch: (config, [episodes[0], other_text(episodes[1])]),
        lambda paths, config, episodes, patch: (replace(config, seed=1), episodes),
        lambda paths, config, episodes, patch: (replace(config, bc=replace(config.bc, epochs=2)), episodes),
        lambda paths, config, episodes, patch: (
            patch.setattr("training.runs.fingerprint.code_version", lambda: "another") or config, episodes
        ),
        lambda paths, config, episodes, patch: (
            [file.unlink() for file in paths.models.glob("*.pt")] and config, episodes
        ),
    ],
    ids=["a session less", "a text", "the seed", "a setting", "the code", "the models are gone"],
)  # fmt: skip
def test_whatever_is_new_is_learned_from(trained, episodes, monkeypatch, changed):
    def learns(*arguments, **options):
        raise LearnsError

    monkeypatch.setattr(loop, "train_from_episodes", learns)
    assert run_loop(CLONING, episodes, trained, NullObserver()).nothing_new
    config, recordings = changed(trained, CLONING, episodes, monkeypatch)
    with pytest.raises(LearnsError):
        run_loop(config, recordings, trained, NullObserver())


def test_problems_are_those_of_the_data_root_that_the_loop_is_given(trained, episodes, tmp_path_factory, monkeypatch):
    default, fast = DataPaths(tmp_path_factory.mktemp("default")), replace(TINY, bc=BCConfig(epochs=1))
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(default.root))
    problem = {"id": episodes[0].problem_id, "name": "f", "cases": [[[1], 2]]}
    default.problems.write_text(json.dumps([problem]))
    assert run_loop(CLONING, episodes, trained, NullObserver()).nothing_new
    trained.problems.write_text(json.dumps([problem]))
    played = []

    def problems_of(*arguments, **options):
        played.append(read_inputs(*arguments, **options).problems)
        raise LearnsError

    monkeypatch.setattr("training.train_from_episodes.read_inputs", problems_of)
    default.problems.unlink()
    for config in (CLONING, fast):  # with its problems, CLONING has something new to learn; `fast` plays with them
        with pytest.raises(LearnsError):
            run_loop(config, episodes, trained, NullObserver())
    assert played[0] == {} and played[1][problem["id"]].entry_point == "f"


def test_models_that_were_gone_are_learned_once(trained, episodes):
    for file in trained.models.glob("*.pt"):
        file.unlink()
    assert not run_loop(CLONING, episodes, trained, NullObserver()).nothing_new
    assert run_loop(CLONING, episodes, trained, NullObserver()).nothing_new


@pytest.fixture(scope="module")
def twice(episodes, tmp_path_factory):
    """The data root of two runs, with one session and with both; the outcome of the first."""
    folder = tmp_path_factory.mktemp("twice")
    first, _ = (run_loop(CLONING, each, DataPaths(folder), NullObserver()) for each in (episodes[:1], episodes))
    return folder, first


def test_training_begins_at_the_start_whatever_was_learned_before(finished, twice):
    """So the same sessions are never learned twice: another run in between changes nothing."""
    assert same(*(weights(folder / "trainer" / "models") for folder in (finished[0], twice[0])))


def test_after_a_session_was_learned_from_and_excluded_the_others_are_learned_from_again(episodes, twice, tmp_path):
    folder, first = twice
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    again = run_loop(CLONING, episodes[:1], DataPaths(tmp_path), NullObserver())
    assert not again.nothing_new and again.generation != first.generation
    assert run_loop(CLONING, episodes[:1], DataPaths(tmp_path), NullObserver()).nothing_new


def test_after_going_back_to_models_that_learned_from_the_very_same_nothing_is_learned(episodes, twice, tmp_path):
    folder, first = twice
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    store.roll_back(DataPaths(tmp_path).models, first.generation)
    outcome = run_loop(CLONING, episodes[:1], DataPaths(tmp_path), NullObserver())
    assert outcome.nothing_new and outcome.generation == first.generation


def imported(folder, config):
    """Models that say no more of themselves than those of the existing system do."""
    models = fresh_models(seed=5, model=config.model, featurizer=config.featurizer)
    store.publish(folder, models, {"trained_on": "imported"})


def test_imported_models_are_the_start_of_every_training(episodes, tmp_path, monkeypatch):
    paths, config = DataPaths(tmp_path), CLONING
    imported(paths.models, config)
    begun_from = []
    train = loop.train_from_episodes

    def training(config, *given, **named):
        begun_from.append(store.load(config.pv_dir).assistant.state_dict())
        return train(config, *given, **named)

    before = store.load(paths.models).assistant.state_dict()
    monkeypatch.setattr(store, "MAX_GENERATIONS", 1)
    monkeypatch.setattr(loop, "train_from_episodes", training)
    for seed in range(store.MAX_GENERATIONS + 2):
        run_loop(replace(config, seed=seed), episodes, paths, NullObserver())
    assert len(begun_from) == store.MAX_GENERATIONS + 2
    assert all(same(before, weights) for weights in begun_from)
    starts = {generation.meta.get("start") for generation in store.generations(paths.models)[-store.MAX_GENERATIONS :]}
    assert starts == {store.start_generation(paths.models)}
    assert same(before, store.load_start(paths.models).assistant.state_dict())
    run_loop(replace(config, init_from_pv=False), episodes, paths, NullObserver())
    assert store.load(paths.models).meta["start"] == "fresh" and len(begun_from) == store.MAX_GENERATIONS + 3


def test_no_game_trains_two_models(straight, episodes, tmp_path):
    shutil.copytree(straight[0].root, tmp_path, dirs_exist_ok=True)
    paths = DataPaths(tmp_path)
    run_loop(replace(TINY, bc=BCConfig(epochs=1)), episodes, paths, NullObserver())
    first, second = read_manifest(paths.manifest)
    assert first.generation != second.generation == store.load(paths.models).generation
    assert {*first.sessions} == {*second.sessions} == {one.id for one in episodes}
    assert len(first.games) == len(second.games) == 3 and not {*first.games} & {*second.games}
    assert {one.id for one in read_episodes(paths.self_play_episodes)[0]} == {*first.games, *second.games}


def test_the_reviewer_learns_from_the_texts_whose_writer_is_known(straight, episodes, tmp_path):
    assert not (straight[0].models / FILE).exists()
    told = [replace(one, actions=tuple(with_writer(action) for action in one.actions)) for one in episodes]
    paths = DataPaths(tmp_path)
    run_loop(CLONING, told, paths, NullObserver())
    coefficients, texts = load_coefficients(paths.models)
    expected = ReviewedTexts.of(told)
    assert texts == len(expected) > 0 and coefficients == pytest.approx(expected.fit()) != START
    generation = store.load(paths.models).generation
    assert load_coefficients(paths.models / store.GENERATIONS / generation) == (coefficients, texts)


def test_the_policy_learns_for_the_reviewer_that_will_serve(episodes, tmp_path, monkeypatch):
    """Before and after are measured with it too; where no text teaches, it is the current one."""
    told = [replace(one, actions=tuple(with_writer(action) for action in one.actions)) for one in episodes]
    config, learned_for, measured_for = replace(CLONING, serve=ServeConfig(review_threshold=0.7)), [], []
    train, measure = loop.train_from_episodes, loop.evaluate

    def training(*arguments, reviewer, **options):
        learned_for.append(reviewer)
        return train(*arguments, reviewer=reviewer, **options)

    def measuring(*arguments, reviewer, **options):
        measured_for.append(reviewer)
        return measure(*arguments, reviewer=reviewer, **options)

    monkeypatch.setattr(loop, "train_from_episodes", training)
    monkeypatch.setattr(loop, "evaluate", measuring)
    taught, current = DataPaths(tmp_path / "taught"), DataPaths(tmp_path / "current")
    run_loop(config, told, taught, NullObserver())
    current.models.mkdir(parents=True)
    save_coefficients(current.models, (1.0,) * len(START), 3)
    run_loop(config, episodes, current, NullObserver())
    fitted = load_coefficients(taught.models)[0]
    assert [one.coefficients for one in learned_for] == [fitted, (1.0,) * len(START)] and fitted != START
    assert {(one.threshold, one.exploration) for one in learned_for} == {(0.7, 0.05)}
    assert measured_for == [learned_for[0]] * 2 + [learned_for[1]] * 2
    assert load_coefficients(current.models) == ((1.0,) * len(START), 3)


def test_a_run_that_learns_for_a_refitted_reviewer_goes_on_after_a_kill(episodes, tmp_path):
    review = Review(0.6, 0.7, 0.05, True, True)
    told = [
        replace(one, actions=tuple(action and replace(with_writer(action), review=review) for action in one.actions))
        for one in episodes
    ]
    paths, again = DataPaths(tmp_path), Telling()
    with pytest.raises(KeyboardInterrupt):
        run_loop(TINY, told, paths, Telling(stop_at=12))
    assert run_loop(TINY, told, paths, again).games == 3
    assert again.messages[0] == "Going on with the run that was interrupted."


def with_writer(action):
    """The action of the assistant's as if it said who wrote its text."""
    return action if action is None or action.agent == "H" else replace(action, writer=Writer("w", mean_log_prob=-0.5))


def test_games_are_recorded_as_sessions_are(straight):
    paths, _, _ = straight
    games, summary = read_episodes(paths.self_play_episodes, strict=True)
    assert len(games) == 3 and not summary.repaired
    moves = [move for game in games for move in game.actions if move is not None and move.agent == "A"]
    assert len(moves) == 6 and all(game.actions[-1].agent == "H" for game in games)  # three plies are rounded up
    assert {move.model for move in moves} == {"search"}


OTHERS = "The interrupted run had other sessions, settings or code: it is not gone on with."


def test_an_interrupted_run_is_told_from_others_and_a_damaged_plan_is_none_and_stays(sample_sessions, tmp_path):
    paths = DataPaths(tmp_path)
    assert not is_interrupted(CLONING, sample_sessions, paths)
    with pytest.raises(KeyboardInterrupt):
        run_loop(CLONING, read_episodes(sample_sessions)[0], paths, Telling(stop_at=1))
    assert is_interrupted(CLONING, sample_sessions, paths)
    assert not is_interrupted(replace(CLONING, seed=5), sample_sessions, paths)
    plan_path(paths.run).write_text("{}")
    assert not is_interrupted(CLONING, sample_sessions, paths)
    assert [path.read_text() for path in paths.run.glob("plan.json*")] == ["{}"]


def test_what_is_known_of_problems_is_part_of_the_plan(episodes, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_loop(CLONING, episodes, DataPaths(tmp_path), Telling(stop_at=2))
    problem = {"id": episodes[0].problem_id, "name": "f", "cases": [[[1], 2]]}
    (tmp_path / "problems.json").write_text(json.dumps([problem, {**problem, "id": episodes[1].problem_id}]))
    again = Telling()
    assert not run_loop(CLONING, episodes, DataPaths(tmp_path), again).nothing_new
    assert again.messages[0] == OTHERS


def test_models_that_became_current_meanwhile_are_what_is_compared_with(trained, episodes, monkeypatch):
    paths, compared = trained, []
    measure, train = loop.evaluate, loop.train_from_episodes

    def training(*given, **named):
        result = train(*given, **named)
        others = store.load(paths.models)
        store.publish(paths.models, others, {"trained_on": "person"})
        return result

    monkeypatch.setattr(loop, "train_from_episodes", training)
    monkeypatch.setattr(
        loop, "evaluate", lambda models, *given, **named: compared.append(models) or measure(models, *given, **named)
    )
    observer = Telling()
    run_loop(replace(CLONING, seed=1), episodes, paths, observer)
    assert any("become current meanwhile" in text for text in observer.messages)
    assert [one.id for one in store.generations(paths.models)].index(compared[0].generation) == 1


MORE = [pytest.param(share, marks=pytest.mark.slow) for share in (0.3, 0.55, 0.7, 0.9)]


@pytest.mark.parametrize("share", [0.02, 0.8, 0.99, *MORE])
def test_killed_and_called_again_it_ends_alike(straight, episodes, tmp_path, share):
    paths, observer, outcome = straight
    stopped = Telling(stop_at=max(1, round(observer.calls * share)))
    with pytest.raises(KeyboardInterrupt):
        run_loop(TINY, episodes, DataPaths(tmp_path), stopped)
    again = Telling()
    resumed = run_loop(TINY, episodes[::-1], DataPaths(tmp_path), again)  # files in another order are the same sessions
    assert "Going on with the run that was interrupted." in again.messages
    assert same(weights(paths.models), weights(tmp_path / "trainer" / "models"))
    assert resumed.after == outcome.after and resumed.before == outcome.before


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    "config, recorded, reason",
    [
        (TINY, False, "there were no models yet"),
        (replace(CLONING, seed=1), True, "they are better"),
        (replace(CLONING, seed=1), False, "they are worse"),
    ],
)
def test_killed_after_the_models_are_published_it_is_not_run_again(
    finished, episodes, tmp_path, monkeypatch, *, config, recorded, reason
):
    paths, runs = DataPaths(tmp_path), int(reason != "there were no models yet")
    if runs:
        shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)

    def kill(path, entry):
        if recorded:
            append_entry(path, entry)
        raise Killed

    decision = PromotionDecision(reason != "they are worse", reason)
    monkeypatch.setattr(loop, "decide_promotion", lambda new, old, **more: decision)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "append_entry", kill)
        with pytest.raises(Killed):
            run_loop(config, episodes, paths, NullObserver())
    folder = paths.run / "not-in-use" if reason == "they are worse" else paths.models
    published, kept = weights(folder), store.generations(folder)
    again = Telling()
    outcome = run_loop(config, episodes, paths, again)
    assert again.messages[0] == "Going on with the run that was interrupted."
    assert again.phases == ["evaluation"]
    assert (outcome.models, outcome.promotion.reason, outcome.games) == (folder, reason, 3 * (config == TINY))
    assert outcome.before.human_nll != outcome.after.human_nll
    assert same(weights(folder), published) and store.generations(folder) == kept
    assert len(read_manifest(paths.manifest)) == runs + 1 and not (paths.run / "plan.json").exists()


def forget_generation(folder):
    """Leaves the current models as files that came from elsewhere, of which nothing more is known."""
    shutil.rmtree(folder / store.GENERATIONS)
    for name in store.FILES:
        content = torch.load(folder / name, weights_only=True)
        del content["config"]["generation"]
        torch.save(content, folder / name)


def test_killed_after_imported_models_are_replaced_it_is_compared_with_those(episodes, tmp_path, monkeypatch):
    paths, config = DataPaths(tmp_path), replace(CLONING, init_from_pv=False)
    imported(paths.models, config)
    forget_generation(paths.models)
    decided = []

    def decide(new, old, **more):
        decided.append((old, more["old_trained_on"]))
        return PromotionDecision(True, "they are better")

    def kill(path, entry):
        raise Killed

    monkeypatch.setattr(loop, "decide_promotion", decide)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "append_entry", kill)
        with pytest.raises(Killed):
            run_loop(config, episodes, paths, NullObserver())
    run_loop(config, episodes, paths, NullObserver())
    assert len(decided) == 2 and decided[0] == decided[1] and decided[0][1] == "imported"


def test_a_run_that_is_refused_is_not_gone_on_with(episodes, tmp_path, monkeypatch):
    def refuse(*given):
        raise InputError("memory", "is too small")

    paths, config = DataPaths(tmp_path), CLONING
    with monkeypatch.context() as patch:
        patch.setattr("training.runs.run_inputs.require_memory", refuse)
        with pytest.raises(InputError, match="memory"):
            run_loop(config, episodes, paths, NullObserver())
    assert not (paths.run / "plan.json").exists()
    observer = Telling()
    run_loop(config, episodes, paths, observer)
    assert "Going on with the run that was interrupted." not in observer.messages


@pytest.mark.parametrize("name", store.FILES)
def test_models_of_which_a_file_is_missing_are_not_said_to_stay(trained, episodes, name):
    (trained.models / name).unlink()
    with pytest.raises(InputError, match=f"{name}: is missing"):
        run_loop(CLONING, episodes, trained, NullObserver())


def test_without_held_out_sessions_those_that_say_when_to_stop_are_not_measured(sessions, tmp_path):
    config = replace(CLONING, held_out_share=0.0)
    outcome = run_loop(config, sessions, DataPaths(tmp_path), NullObserver())
    assert outcome.held_out == 0 and outcome.validation_sessions > 0
    assert len(outcome.after.sessions) == len(outcome.before.sessions) == outcome.learned_from


def test_other_settings_after_a_kill_begin_anew(finished, episodes, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_loop(replace(CLONING, seed=5), episodes, DataPaths(tmp_path), Telling(stop_at=4))
    again = Telling()
    run_loop(CLONING, episodes, DataPaths(tmp_path), again)
    assert again.messages[0] == OTHERS
    assert same(weights(DataPaths(finished[0]).models), weights(tmp_path / "trainer" / "models"))


@pytest.mark.parametrize("kind", [pytest.param("samples", marks=pytest.mark.slow), "scripted"])
def test_models_that_did_not_learn_from_a_person_lie_in_a_folder_of_their_own(episodes, tmp_path, kind):
    """They serve nobody by default, not even where a person has no models yet, and a person's are not touched."""
    paths, others = DataPaths(tmp_path), replace(CLONING, trained_on=kind)
    outcome = run_loop(others, episodes, paths, NullObserver())
    assert outcome.models == tmp_path / "trainer" / f"models-from-{kind}"
    assert store.load(outcome.models).meta["trained_on"] == kind and store.load(paths.models) is None
    person = run_loop(CLONING, episodes, paths, NullObserver())
    assert person.promotion.reason == "there were no models yet" and person.models == paths.models
    before = weights(paths.models)
    again = run_loop(replace(others, seed=1), episodes, paths, NullObserver())
    assert again.models == outcome.models and "nothing was compared" in again.promotion.reason
    assert same(before, weights(paths.models))


def test_worse_models_are_kept_aside(trained, episodes, monkeypatch):
    paths = trained
    before = weights(paths.models)
    monkeypatch.setattr(loop, "decide_promotion", lambda *words, **more: PromotionDecision(False, "they are worse"))
    outcome = run_loop(replace(CLONING, seed=3), episodes, paths, NullObserver())
    assert same(before, weights(paths.models))
    assert outcome.models != paths.models and store.load(outcome.models).generation == outcome.generation


def test_a_plan_without_epochs_replaces_nothing(episodes, tmp_path):
    none = replace(TINY, bc=BCConfig(epochs=0), ppo=PPOConfig(epochs=0), zero_style=ZeroStyleConfig(epochs=0))
    paths = DataPaths(tmp_path)
    outcome = run_loop(none, episodes, paths, NullObserver())
    assert outcome.promotion.replace and store.load(paths.models).meta["trained_on"] == "nothing"
    assert run_loop(CLONING, episodes, paths, NullObserver()).promotion.replace
    before = weights(paths.models)
    outcome = run_loop(replace(none, seed=1), episodes, paths, NullObserver())
    assert not outcome.promotion.replace and "nothing was learned" in outcome.promotion.reason
    assert same(before, weights(paths.models)) and store.load(paths.models).meta["trained_on"] == "person"


def test_another_backbone_is_a_new_start(episodes, tmp_path):
    imported(DataPaths(tmp_path).models, TINY)
    observer = Telling()
    config = replace(CLONING, model=replace(TINY.model, backbone="bigru", layers=1, surround_layers=0))
    outcome = run_loop(config, episodes, DataPaths(tmp_path), observer)
    assert any("not bigru: a new start" in text for text in observer.messages)
    assert outcome.promotion.replace and store.load(outcome.models).meta["start"] == "fresh"


def test_a_single_session_is_learned_from(episodes, tmp_path):
    config = CLONING
    outcome = run_loop(config, episodes[:1], DataPaths(tmp_path), NullObserver())
    assert (outcome.learned_from, outcome.held_out, outcome.games) == (1, 0, 0)
    assert store.load(DataPaths(tmp_path).models)


def test_a_second_run_in_the_same_place_is_refused(episodes, tmp_path):
    paths = DataPaths(tmp_path)
    with lock(paths.run / ".lock"), pytest.raises(InputError, match="another run"):
        run_loop(TINY, episodes, paths, NullObserver())


OTHER_CONTENTS = (b"", b"\0" * 64, b"\xff\xfe{}", b"[]", b"null", b"[" * 100_000, b"{}", b'{"id": 1}')


def damaged(content, damage, chance):
    """What may have become of a file: `damage` says how."""
    middle = chance.randrange(len(content))
    flipped = content[:middle] + bytes([content[middle] ^ 64]) + content[middle + 1 :]
    return {"cut": content[:middle], "a bit": flipped, "other": chance.choice(OTHER_CONTENTS)}[damage]


@pytest.fixture(scope="module")
def interrupted(finished, episodes, tmp_path_factory):
    """The data root of a run that was interrupted half-way, and the weights that it would have come to."""
    folder = tmp_path_factory.mktemp("interrupted")
    with pytest.raises(KeyboardInterrupt):
        run_loop(CLONING, episodes, DataPaths(folder), Telling(stop_at=4))
    return folder, weights(DataPaths(finished[0]).models)


@pytest.fixture
def copied(interrupted, tmp_path):
    """The paths of a copy of it, and those weights."""
    folder, expected = interrupted
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return DataPaths(tmp_path), expected


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
@pytest.mark.parametrize("damage", ["cut", "a bit", "other"])
@pytest.mark.parametrize("file", ["plan.json", "training/resume.pt"])
def test_a_damaged_file_of_an_interrupted_run_is_set_aside_and_the_end_is_the_same(
    copied, episodes, file, damage, seed
):
    paths, expected = copied
    path, chance = paths.run / file, random.Random(seed)
    content = damaged(path.read_bytes(), damage, chance)
    path.write_bytes(content)
    again = Telling()
    run_loop(CLONING, episodes, paths, again)
    assert same(expected, weights(paths.models))
    aside = path.with_name(path.name + ".damaged")
    if aside.exists():
        assert aside.read_bytes() == content
        (line,) = [text for text in again.messages if "set aside as" in text]
        assert str(path) in line and "\n" not in line


def test_damaged_lines_of_the_manifest_are_reported_and_nothing_is_lost(episodes, tmp_path):
    paths, observer = DataPaths(tmp_path), Telling()
    paths.manifest.parent.mkdir(parents=True)
    lines = b'\xff\0\n[1]\n{"generation": 1}\n' + b"[" * 100_000 + b"\n"
    paths.manifest.write_bytes(lines)
    run_loop(CLONING, episodes, paths, observer)
    assert sum("damaged and left out" in text for text in observer.messages) == 4
    assert paths.manifest.read_bytes().startswith(lines) and len(read_manifest(paths.manifest)) == 1

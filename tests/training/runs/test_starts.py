"""What every training begins with: the baseline, imported models, or fresh weights; never what was learned before."""

from dataclasses import replace

import pytest
import torch

from errors import InputError
from inference import fresh_models
from models import store
from training.runs import starts
from training.runs.observer import NullObserver
from training.runs.starts import FRESH_START, Start, find_start, start_name, start_named


class Messages(NullObserver):
    def __init__(self):
        self.texts = []

    def message(self, text):
        self.texts.append(text)


@pytest.fixture(autouse=True)
def no_baseline(tmp_path, monkeypatch):
    """No packaged baseline, until a test puts one there."""
    monkeypatch.setattr(starts, "BASELINE", tmp_path / "baseline")
    return tmp_path / "baseline"


def publish(small, folder, trained_on, seed=0):
    models = fresh_models(seed=seed, model=small.model, featurizer=small.featurizer)
    store.publish(folder, models, {"trained_on": trained_on})
    return models.assistant.state_dict()


def find(small):
    return find_start(small.pv_dir, "lg_transformer", NullObserver())


@pytest.mark.parametrize("trained_on", ["person", "samples", "scripted"])
def test_models_that_learned_are_never_begun_from(small, trained_on):
    assert find(small) == Start(FRESH_START)
    publish(small, small.pv_dir, trained_on)
    assert find(small) == Start(FRESH_START) and store.start_generation(small.pv_dir) is None


def test_imported_models_are_stored_once_and_stay_the_start_when_others_are_current(small):
    weights = publish(small, small.pv_dir, "imported")
    start = find(small)
    assert start.name == store.start_generation(small.pv_dir)
    loaded = store.load_start(small.pv_dir).assistant.state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in weights.items())
    count = len(store.generations(small.pv_dir))
    assert find(small) == start and len(store.generations(small.pv_dir)) == count
    publish(small, small.pv_dir, "person", seed=1)
    assert find(small) == start == start_named(start.name, small.pv_dir) and start.folder.is_dir()


def test_models_that_are_imported_later_become_the_start(small):
    publish(small, small.pv_dir, "imported")
    first = find(small)
    publish(small, small.pv_dir, "imported", seed=1)
    assert find(small).name not in (first.name, FRESH_START)


def damage(small, start):
    (start.folder / store.HUMAN).write_bytes(b"")
    return f"damaged/{start.name}-1"


def test_a_damaged_start_is_set_aside_and_training_begins_from_the_current_imported_models(small, logged):
    publish(small, small.pv_dir, "imported")
    place = damage(small, find(small))
    again = find(small)
    assert again.folder.is_dir() and store.load_start(small.pv_dir) is not None
    (line,) = logged
    assert "a start of training that is damaged, training begins without it" in line
    assert line.endswith(f"it is now {place}") and (small.pv_dir / place / store.ASSISTANT).is_file()
    assert find(small) == again and len(logged) == 1


def test_a_damaged_start_gives_way_to_the_start_before_it_and_then_to_fresh_weights(small, logged):
    publish(small, small.pv_dir, "imported")
    first = find(small)
    publish(small, small.pv_dir, "imported", seed=1)
    second = find(small)
    publish(small, small.pv_dir, "person", seed=2)
    current = store.load(small.pv_dir).generation
    places = [damage(small, second)]
    assert find(small) == first
    (first.folder / store.METADATA_FILE).write_text("{")  # of which later generations say that they began with it
    publish(small, small.pv_dir, "person", seed=3)
    assert find(small) == Start(FRESH_START)
    places.append(f"damaged/{first.name}-1")
    assert [line.rpartition("is now ")[2] for line in logged] == places
    assert current in [generation.id for generation in store.generations(small.pv_dir) if not generation.damaged]


def test_a_start_that_only_cannot_be_built_is_refused_and_stays(small, monkeypatch):
    publish(small, small.pv_dir, "imported")
    start = find(small)
    monkeypatch.setattr("models.model_files.checkpoint.policy_from", refuse)
    with pytest.raises(InputError, match="of a module that is not loaded"):
        find(small)
    assert start.folder.is_dir()


def refuse(*arguments):
    raise InputError("policy", "of a module that is not loaded")


def test_the_baseline_goes_before_the_person_s_models(small, no_baseline):
    publish(small, small.pv_dir, "imported")
    publish(small, no_baseline, "scripted")
    assert find(small) == Start("baseline", no_baseline) == start_named("baseline", small.pv_dir)


def test_models_of_another_backbone_give_way_to_fresh_ones_and_it_is_said(small):
    publish(small, small.pv_dir, "imported")
    observer = Messages()
    assert find_start(small.pv_dir, "lstm", observer) == Start(FRESH_START) == start_named(FRESH_START, small.pv_dir)
    (text,) = observer.texts
    assert "have the backbone lg_transformer, not lstm" in text


def test_a_training_by_itself_is_named_after_the_generation_that_it_loads(small):
    assert start_name(small) == "fresh"
    config = replace(small, init_from_pv=True)
    assert start_name(config) == "imported"
    publish(small, small.pv_dir, "person")
    assert start_name(config) == store.load(small.pv_dir).generation

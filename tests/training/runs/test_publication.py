"""Two runs never write to the same folders, and the models that a run makes current say where they come from."""

from dataclasses import replace

import pytest

from errors import ConflictError
from files import lock
from models import store
from training.distributed.process_group import SINGLE_PROCESS
from training.runs.publication import locked_folders, model_meta, publish_models


def published_meta(inputs):
    generation = publish_models(inputs, SINGLE_PROCESS)
    models = store.load(inputs.config.pv_dir)
    assert models.generation == generation
    return models.meta


def test_folders_are_locked_for_the_block_alone(small, inputs_of):
    inputs = inputs_of(small)
    files = small.checkpoint_dir / ".lock", small.pv_dir / ".training.lock"
    with locked_folders(inputs, SINGLE_PROCESS, publish=True):
        for path in files:
            with pytest.raises(ConflictError, match="another run"), lock(path):
                pass
    for path in files:
        with lock(path):
            pass


def test_a_run_that_publishes_nothing_leaves_the_models_folder_alone(small, inputs_of):
    with locked_folders(inputs_of(small), SINGLE_PROCESS, publish=False):
        assert not small.pv_dir.exists()


def test_one_folder_for_both_is_locked_once(small, inputs_of):
    with locked_folders(inputs_of(replace(small, pv_dir=small.checkpoint_dir)), SINGLE_PROCESS, publish=True):
        pass


def test_models_that_were_replaced_since_they_were_read_are_a_conflict(small, inputs_of):
    publish_models(inputs_of(small), SINGLE_PROCESS)
    inputs = inputs_of(replace(small, init_from_pv=True))
    with locked_folders(inputs, SINGLE_PROCESS, publish=True):
        pass
    publish_models(inputs_of(replace(small, seed=1)), SINGLE_PROCESS)
    with (
        pytest.raises(ConflictError, match="another run has ended here"),
        locked_folders(inputs, SINGLE_PROCESS, publish=True),
    ):
        pass


def test_models_say_who_made_them_and_from_what(small, inputs_of):
    inputs = inputs_of(replace(small, run_label="evening", trained_on="scripted", seed=3))
    meta = published_meta(inputs)
    assert model_meta(inputs).items() <= meta.items()
    expected = {"run_id": inputs.run_id, "trained_on": "scripted", "start": "fresh", "sessions": 2, "seed": 3}
    assert expected.items() <= meta.items() and meta["run_label"] == "evening"


def test_a_run_without_epochs_replaces_no_models_but_begins_with_some(small, inputs_of):
    phases = {name: replace(getattr(small, name), epochs=0) for name in ("bc", "ppo", "zero_style")}
    config = replace(small, **phases)
    assert published_meta(inputs_of(config))["trained_on"] == "nothing"
    assert publish_models(inputs_of(config), SINGLE_PROCESS) is None

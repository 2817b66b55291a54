"""Inputs of a run, read from two short sessions."""

import pytest

from data_paths import DataPaths
from training.distributed.process_group import SINGLE_PROCESS
from training.runs.observer import NullObserver
from training.runs.run_inputs import read_inputs


@pytest.fixture
def inputs_of(sessions):
    """Reads the inputs of a run with a config, by default of two sessions."""

    def read(config, episodes=sessions[:2], observer=None):
        paths = DataPaths(config.pv_dir.parent)
        return read_inputs(
            config, episodes, SINGLE_PROCESS, observer or NullObserver(), problems_path=paths.problems, publish=True
        )

    return read

"""A run's numbers come out the same again, and the caller's settings are as they were."""

import pytest
import torch

from training.runs.determinism import reproducible


def settings():
    deterministic = torch.utils.deterministic.fill_uninitialized_memory
    return torch.get_num_threads(), torch.get_deterministic_debug_mode(), deterministic, torch.random.get_rng_state()


def test_the_caller_s_settings_and_random_numbers_are_as_they_were_also_after_an_error():
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        before = settings()
        with pytest.raises(KeyError), reproducible():
            torch.manual_seed(5)
            assert torch.get_num_threads() == 1 and torch.get_deterministic_debug_mode() == 1
            raise KeyError
        after = settings()
    finally:
        torch.set_num_threads(threads)
    assert before[:3] == after[:3] and torch.equal(before[3], after[3])

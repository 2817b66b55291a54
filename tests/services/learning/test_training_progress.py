"""Overall progress promises: a share that never falls and ends at the end, and a time left that is about right."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.learning.training_progress import PHASES, STEP_COSTS, OverallProgress

PLAN = {"bc": 20, "ppo_from_episodes": 6, "zero_style": 12}
STEPS = {"loading": 5, "bc": 80, "ppo_from_episodes": 12, "zero_style": 192, "evaluation": 2}


class Training:
    """One that takes `seconds` times the usual for each step."""

    def __init__(self, seconds=1.0):
        self.now, self.seconds = 0.0, seconds
        self.progress = OverallProgress(lambda: self.now)

    def run(self, phase, steps=None, *, until=1.0):
        steps = STEPS[phase] if steps is None else steps
        self.progress.begin(phase, steps, PLAN)
        for step in range(round(steps * until)):
            self.now += self.seconds * STEP_COSTS.get(phase, 0.1)
            self.progress.advance(step + 1)
            yield self.progress.share


def test_the_share_goes_through_all_phases_to_the_end_without_a_restart():
    training = Training()
    shares = [share for phase in PHASES for share in training.run(phase)]
    assert shares == sorted(shares) and shares[0] < 0.02 and shares[-1] == 1.0
    assert max(after - before for before, after in pairwise(shares)) < 0.05


def test_a_phase_that_ends_early_and_one_that_is_left_out_let_it_go_on_ahead():
    training = Training()
    shares = [*training.run("bc", until=0.3), *training.run("zero_style"), *training.run("evaluation")]
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_one_that_goes_on_begins_where_it_was():
    share = next(iter(Training().run("zero_style", 100)))
    assert 0.2 < share < 0.4


@given(st.lists(st.tuples(st.sampled_from([*PHASES, "unheard of"]), st.integers(0, 50), st.integers(0, 60))))
def test_whatever_phases_say_the_share_never_falls_and_stays_within_its_range(events):
    training, latest = Training(), 0.0
    for phase, steps, done in events:
        training.progress.begin(phase, steps, PLAN)
        training.now += 7
        training.progress.advance(done)
        assert latest <= training.progress.share <= 1
        latest = training.progress.share
        left = training.progress.seconds_left()
        assert left is None or left >= 0


def test_what_is_left_is_said_once_it_means_something():
    training = Training(seconds=0.25)
    list(training.run("loading"))
    assert training.progress.seconds_left() is None
    list(training.run("bc", until=0.1))
    assert training.progress.seconds_left() is None, "after two seconds"


@pytest.mark.parametrize("seconds", [0.2, 3.0])
@pytest.mark.parametrize(("phase", "until"), [("bc", 0.95), ("ppo_from_episodes", 0.5), ("zero_style", 0.5)])
def test_what_is_left_is_about_right_on_a_fast_and_on_a_slow_machine(seconds, phase, until):
    training = Training(seconds)
    for each in PHASES[: PHASES.index(phase)]:
        list(training.run(each))
    list(training.run(phase, until=until))
    left = STEPS[phase] * (1 - until) * STEP_COSTS[phase]
    left += sum(STEPS[each] * STEP_COSTS.get(each, 0) for each in PHASES[PHASES.index(phase) + 1 :])
    assert training.progress.seconds_left() == pytest.approx(left * seconds, rel=0.15)


def test_where_a_step_takes_long_what_is_left_counts_down():
    training = Training(3.0)
    list(training.run("bc"))
    before = training.progress.seconds_left()
    training.now += 30
    assert training.progress.seconds_left() == pytest.approx(before - 30)
    training.now += 10**6
    assert training.progress.seconds_left() == 0

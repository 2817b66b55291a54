"""What every check gets and promises: thresholds, sizes, seeds."""

from verify.check import THRESHOLDS, CheckSettings


def test_smaller_networks_keep_at_least_one_layer():
    shallow = CheckSettings().shallow().shallow().shallow()
    assert (shallow.model.n_layers, shallow.model.layers) == (1, 1)
    assert CheckSettings().narrow().model.d_model == CheckSettings().model.d_model // 2


def test_thresholds_are_the_contract_s():
    assert THRESHOLDS == {
        "illegal_mass_mean_lt": 1e-6, "bc_action_acc_ge": 0.95, "bc_line_acc_ge": 0.90,
        "value_rmse_le": 0.05, "goal_mse_le": 1e-3, "ppo_post_reward_ge": 0.4,
    }  # fmt: skip


def test_seeds_are_different_for_different_purposes():
    one, other = CheckSettings(seed=1), CheckSettings(seed=2)
    seeds = [one.seed_of("a"), one.seed_of("b"), one.seed_of("a", 0), one.seed_of("a0"), other.seed_of("a")]
    assert len(set(seeds)) == len(seeds)
    assert one.seed_of("a") == CheckSettings(seed=1).seed_of("a")

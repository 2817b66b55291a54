"""Phase `ppo_from_episodes`: off-policy PPO of the assistant."""

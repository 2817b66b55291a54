"""A run: what it leaves behind, that it is reproducible, that it can be interrupted, what it refuses."""

import json

import torch

from models import store
from training.run import train


def test_a_run_leaves_log_checkpoints_and_models(small, sessions):
    result = train(small, sessions)
    rows = [json.loads(line) for line in (small.checkpoint_dir / "train.jsonl").read_text().splitlines()]
    assert [(row["phase"], row["epoch"]) for row in rows] == [
        ("bc", 1), ("bc", 2), ("ppo_from_episodes", 1), ("ppo_from_episodes", 2), ("zero_style", 1), ("zero_style", 2),
    ]  # fmt: skip
    assert {row["run_id"] for row in rows} == {result.run_id}
    assert all(isinstance(row["loss"], float) for row in rows)
    names = sorted(path.name for path in small.checkpoint_dir.glob("*_policy_e*.pt"))
    assert names == [f"assistant_policy_e{n}.pt" for n in (1, 2, 3, 4)] + [f"human_policy_e{n}.pt" for n in (1, 2)]
    models = store.load(small.pv_dir)
    last = torch.load(small.checkpoint_dir / "assistant_policy_e4.pt", weights_only=True)
    assert all(torch.equal(value, last[name]) for name, value in models.assistant.state_dict().items())

"""What a run leaves behind: names of checkpoints, rows of the log, and when it is time to save."""

import json
from dataclasses import replace

import pytest
import torch

from training.distributed.process_group import SINGLE_PROCESS
from training.runs.checkpoint_writer import SAVE_INTERVAL, CheckpointWriter
from training.runs.damaged_files import DamagedFileError


class CountingPhase:
    """A phase whose state is its epoch."""

    saves_inside = True

    def __init__(self, name, epoch):
        self.name, self.epoch = name, epoch

    def state_dict(self):
        return {"epoch": self.epoch}

    def load_state_dict(self, saved):
        self.epoch = saved["epoch"]


@pytest.fixture
def writer_of(inputs_of):
    """Makes a writer of a run by its config; its clock shows `now[0]`."""
    now = [0.0]

    def make(config):
        return CheckpointWriter(inputs_of(config), SINGLE_PROCESS, lambda: now[0]), now

    return make


def test_each_epoch_leaves_a_row_and_a_checkpoint_numbered_by_policy(small, writer_of):
    writer, _ = writer_of(replace(small, run_label="evening"))
    epochs = [("bc", 1), ("bc", 2), ("ppo_from_episodes", 1), ("zero_style", 1)]
    rows = [writer.end_epoch(CountingPhase(*epoch), {"loss": 0.5}) for epoch in epochs]
    assert [path.name for path in sorted(small.checkpoint_dir.glob("*_policy_e*.pt"))] == [
        "assistant_policy_e1.pt", "assistant_policy_e2.pt", "human_policy_e1.pt", "human_policy_e2.pt",
    ]  # fmt: skip
    logged = [json.loads(line) for line in (small.checkpoint_dir / "train.jsonl").read_text().splitlines()]
    assert logged == rows == writer.rows
    about = {"phase": "zero_style", "epoch": 1, "run_id": writer.inputs.run_id, "run_label": "evening", "loss": 0.5}
    assert rows[-1] == about


def test_cloning_s_checkpoint_is_the_human_and_later_ones_the_assistant(small, writer_of):
    writer, _ = writer_of(small)
    networks = writer.inputs.networks
    torch.nn.init.ones_(networks.human.action_head.last.bias)
    for name in ("bc", "zero_style"):
        writer.end_epoch(CountingPhase(name, 1), {})
    biases = [
        torch.load(small.checkpoint_dir / f"{who}_policy_e1.pt", weights_only=True)["action_head.line_mlp.2.bias"]
        for who in ("human", "assistant")
    ]
    assert biases[0].tolist() == [1.0] * 7 and biases[1].tolist() == networks.assistant.action_head.last.bias.tolist()


def test_it_is_due_when_a_kill_would_cost_more_than_the_interval(small, writer_of):
    writer, now = writer_of(small)
    now[0] = SAVE_INTERVAL
    assert not writer.due
    now[0] = SAVE_INTERVAL + 1
    assert writer.due
    writer.save(CountingPhase("bc", 1))
    assert not writer.due


def test_a_new_run_removes_the_checkpoints_of_an_earlier_one_once_it_is_saved(small, writer_of):
    writer, _ = writer_of(small)
    writer.end_epoch(CountingPhase("bc", 1), {})
    again, _ = writer_of(small)
    again.start(CountingPhase("bc", 0))
    assert {path.name for path in small.checkpoint_dir.iterdir()} == {"resume.pt", "train.jsonl"}
    assert again.folder.load().run_id == again.inputs.run_id != writer.inputs.run_id


def test_a_resumed_phase_goes_on_from_its_state_and_what_was_not_written_is(small, writer_of):
    writer, _ = writer_of(small)
    writer.end_epoch(CountingPhase("bc", 1), {"loss": 0.5})
    for name in ("human_policy_e1.pt", "train.jsonl"):
        (small.checkpoint_dir / name).unlink()
    resumed, _ = writer_of(replace(small, resume=True))
    phase = CountingPhase("bc", 0)
    resumed.resume(phase)
    assert phase.epoch == 1 and resumed.rows == writer.rows
    assert (small.checkpoint_dir / "human_policy_e1.pt").exists()
    assert (small.checkpoint_dir / "train.jsonl").read_text() == writer.lines[0] + "\n"


def test_a_state_of_another_shape_is_no_state_of_the_phase(small, writer_of):
    writer, _ = writer_of(small)
    writer.save(CountingPhase("bc", "one"))
    resumed, _ = writer_of(replace(small, resume=True))
    with pytest.raises(DamagedFileError, match=r"resume\.pt: is no state of the phase bc"):
        resumed.resume(CountingPhase("bc", 0))

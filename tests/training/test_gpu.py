"""One process on a GPU learns about what a CPU learns, goes on after an interrupt, and decides with what it left."""

import signal
from dataclasses import replace

import pytest
import torch

from backbones.sharded_dropout import dropout, shard_of
from inference import decide
from models import store
from tests.tensors import assert_close
from training.runs.observer import NullObserver
from training.train_from_episodes import train_from_episodes

DEVICE = "cuda"

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

PHASES = ["bc"] * 2 + ["ppo_from_episodes"] * 2 + ["zero_style"] * 2


@pytest.fixture
def on_gpu(small):
    return replace(small, device=DEVICE)


class InterruptAt(NullObserver):
    """Ctrl+C after so many steps."""

    def __init__(self, step):
        self.step = step

    def advance(self, n=1):
        self.step -= n
        if self.step == 0:
            signal.raise_signal(signal.SIGINT)


def there(result):
    """Whether all that was learned lies on the device and is finite."""
    tensors = list(result.policies.tensors())
    return all(tensor.device.type == DEVICE and tensor.isfinite().all() for tensor in tensors)


@pytest.mark.parametrize("backbone", ["lg_transformer", "lstm", "bigru"])
def test_a_training_learns_about_what_one_on_a_cpu_learns(small, on_gpu, sessions, backbone):
    """Without dropout, whose numbers differ, and without games, in which one other number changes all that follows."""
    model = replace(small.model, backbone=backbone, dropout=0.0)
    none = replace(small.zero_style, epochs=0)
    cpu = replace(small, model=model, zero_style=none, checkpoint_dir=small.checkpoint_dir / "cpu",
                  pv_dir=small.pv_dir / "cpu")  # fmt: skip
    expected = train_from_episodes(cpu, sessions)
    result = train_from_episodes(replace(on_gpu, model=model, zero_style=none), sessions)
    assert there(result)
    for row, other in zip(result.rows, expected.rows, strict=True):
        assert row.keys() == other.keys()
        assert row["loss"] == pytest.approx(other["loss"], rel=0.05, abs=0.05), row["phase"]
    left, of_cpu = store.load(on_gpu.pv_dir).assistant.state_dict(), store.load(cpu.pv_dir).assistant.state_dict()
    assert left.keys() == of_cpu.keys()
    assert all(not value.is_cuda and value.shape == of_cpu[name].shape for name, value in left.items())


@pytest.mark.parametrize("backbone", ["lg_transformer", "lstm", "bigru"])
def test_all_phases_run_and_the_models_decide_on_the_card_as_on_a_cpu(on_gpu, sessions, backbone):
    config = replace(on_gpu, model=replace(on_gpu.model, backbone=backbone))
    result = train_from_episodes(config, sessions)
    assert [row["phase"] for row in result.rows] == PHASES and there(result)
    states = [state for session in sessions for state in session.states]
    records, expected = (decide(states, store.load(config.pv_dir, device)) for device in (DEVICE, "cpu"))
    for record, other in zip(records, expected, strict=True):
        assert record.legal and record.value == pytest.approx(other.value, abs=1e-3)
        assert record.probability == pytest.approx(other.probability, abs=1e-3)


@pytest.mark.parametrize(("step", "phase"), [(3, "bc"), (19, "ppo_from_episodes")])
def test_an_interrupted_training_goes_on(on_gpu, sessions, step, phase):
    with pytest.raises(KeyboardInterrupt):
        train_from_episodes(on_gpu, sessions, observer=InterruptAt(step))
    saved = torch.load(on_gpu.checkpoint_dir / "resume.pt", weights_only=True, map_location="cpu")
    assert saved["phase"] == phase
    result = train_from_episodes(replace(on_gpu, resume=True), sessions)
    assert result.run_id == saved["run_id"] and there(result)
    assert [row["phase"] for row in result.rows] == PHASES


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_a_part_of_a_minibatch_has_the_dropout_that_its_rows_have_in_the_whole(kind):
    lengths, rows = torch.tensor([3, 7, 5, 1]), torch.tensor([0, 2])
    whole = torch.randn(4, 2 + 7, 64, device=DEVICE).to(kind)
    torch.manual_seed(7)
    expected = torch.nn.functional.dropout(whole, 0.3)[rows, : 2 + 5]
    torch.manual_seed(7)
    with shard_of(lengths, rows):
        found = dropout(whole[rows, : 2 + 5], 0.3)
    assert torch.equal(found != 0, expected != 0)
    assert_close(found, expected)

"""A session of thousands of states ends, its snapshot needs the memory of a short one, and training reads it."""

import tracemalloc

import pytest

from benchmarks.recording import played, typed_trace
from config import BCConfig, FeaturizerConfig, ModelConfig, PPOConfig, TrainConfig, ZeroStyleConfig
from models import store
from state_adapter import index_stream, read_episodes, write_stream_snapshot
from training.train_from_episodes import train_from_episodes


@pytest.mark.parametrize("states", [100, pytest.param(5000, marks=pytest.mark.slow)])
def test_a_long_session_ends_and_trains(recording, run, state_request, tmp_path, states):
    trace = typed_trace(lines=states // 8)
    step = max(1, len(trace.edits) // states)

    async def record():
        recorder, text = recording.recorder, ""
        episode_id = await recorder.start("p")
        for t in range(states):
            action = {"H": None, "A": {"type": t % 4, "line": 1}} if t % 2 else None
            text = played(text, trace.edits[t * step : (t + 1) * step])
            await recorder.add_state(episode_id, state_request(text, t, action))
        assert recorder.live_state(episode_id).text == text
        await recorder.end(episode_id)
        return episode_id

    episode_id = run(record())
    assert len(recording.snapshot(episode_id)["states"]) == states
    episodes, _ = read_episodes(recording.paths.episodes)
    train_from_episodes(tiny(tmp_path), episodes)
    assert store.load(tmp_path / "models") is not None


def tiny(folder):
    return TrainConfig(
        checkpoint_dir=folder / "artifacts",
        pv_dir=folder / "models",
        featurizer=FeaturizerConfig(d_in=24, char_dim=8),
        model=ModelConfig(d_in=24, d_model=16, n_layers=1, n_heads=2, hidden=16),
        bc=BCConfig(epochs=1),
        ppo=PPOConfig(epochs=1),
        zero_style=ZeroStyleConfig(epochs=1, roots=2, horizon=2, simulations=2, passes=1),
    )


def peak_of_snapshot(recording, run, state_request, states):
    """Bytes that writing the snapshot of a session of so many states takes at most."""

    async def record():
        episode_id = await recording.recorder.start("p")
        for t in range(states):
            await recording.recorder.add_state(episode_id, state_request(f"# {t}\n" + "x = 1\n" * 100, t))
        return episode_id

    stream = recording.stream(run(record()))
    tracemalloc.start()
    try:
        write_stream_snapshot(index_stream(stream), {})
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_snapshot_takes_a_tenth_of_the_memory_of_its_states(recording, run, state_request):
    peak_of_snapshot(recording, run, state_request, 20)
    short, long = (peak_of_snapshot(recording, run, state_request, states) for states in (40, 400))
    bytes_of_state = 100 * 2 * 6 * 8  # its attribution alone
    assert long - short < (400 - 40) * bytes_of_state / 10

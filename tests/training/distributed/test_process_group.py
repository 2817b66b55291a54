"""Several processes of one run: they learn what one process learns, end together, and leave one set of files."""

import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace

import pytest
import torch

import files
from config import FeaturizerConfig
from errors import InputError
from featurizers import Featurizer
from models import store
from state_adapter import write_snapshot
from tests.tensors import assert_close
from training.data import transitions
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext, init_distributed
from training.losses.weighted_means import all_reduce_means, weighted_mean
from training.train_from_episodes import train_from_episodes

PROGRAM = """
import os, pickle, signal, sys
from pathlib import Path
import torch
from app.main_wrapper import exit_with, run_command
from training.networks.training_networks import weights_of
from training.distributed.process_group import DistributedContext, init_distributed
from training.train_from_episodes import train_from_episodes
from training.zero_style import retention

retention.STEPS = 12
config, episodes, out, (number, rank, call), before = pickle.loads(Path(sys.argv[1]).read_bytes())
plain, calls = DistributedContext.any_rank, 0

def any_(self, *flags):
    global calls
    calls += 1
    if self.rank == rank and calls == call:
        os.kill(os.getpid(), number)
    return plain(self, *flags)

DistributedContext.any_rank = any_
exec(before)

def run():
    with init_distributed() as context:
        distributed = context.on_device(context.device_name(config.device))
        result = train_from_episodes(config, episodes, distributed=distributed)
        torch.save({name: weights_of(getattr(result.policies, name)) for name in ("human", "assistant", "featurizer")},
                   out / f"weights-{distributed.rank}.pt")
    return 0

exit_with(run_command(run))
"""


class Processes:
    """The processes of one run, started as `torchrun` does, each with what `environments` has for its rank."""

    def __init__(self, warm_python, root, words, world, environments):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        run = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self.port)}
        run |= {"PYTHONPATH": str(root)}
        self.processes = []
        for rank in range(world):
            environment = os.environ | run | {"RANK": str(rank), "LOCAL_RANK": str(rank)} | environments.get(rank, {})
            self.processes.append(warm_python(words, env=environment))

    def wait_for_rank0(self):
        """Until rank 0 looks for the others."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise AssertionError("rank 0 does not listen")


@pytest.fixture
def started(warm_python, root):
    """Starts the processes of one run: `started(words, environments, world=2)`."""

    def started(words, environments, world=2):
        return Processes(warm_python, root, words, world, environments)

    return started


@pytest.fixture
def launched(started):
    """Runs them to their end; returns (exit code, stdout, stderr) of each."""

    def launched(words, world=2):
        processes = started(words, {}, world).processes
        streams = [process.communicate(timeout=120) for process in processes]
        return [(process.returncode, *texts) for process, texts in zip(processes, streams, strict=True)]

    return launched


@pytest.fixture
def run_of(launched, tmp_path):
    """Trains in several processes; returns what `launched` does, and weights by rank.

    strike: the signal, the rank that gets it, and after how many steps. before: what a process carries out first.
    """

    def run(config, episodes, *, world=2, strike=(0, 0, 0), before=""):
        for old in tmp_path.glob("weights-*.pt"):
            old.unlink()
        task = tmp_path / "task.pickle"
        task.write_bytes(pickle.dumps((config, episodes, tmp_path, strike, before)))
        ends = launched(["-c", PROGRAM, task], world)
        found = sorted(tmp_path.glob("weights-*.pt"))
        return ends, [torch.load(path, weights_only=True) for path in found]

    return run


def weights_alone(config, episodes):
    """What one process ends with."""
    there = replace(config, checkpoint_dir=config.checkpoint_dir / "one", pv_dir=config.pv_dir / "one")
    return weights_after(train_from_episodes(there, episodes))


def weights_after(result):
    return {name: getattr(result.policies, name).state_dict() for name in ("human", "assistant", "featurizer")}


def assert_same(one, other):
    for name, weights in one.items():
        assert all(torch.equal(value, other[name][key]) for key, value in weights.items()), name


def assert_weights_close(one, other):
    """Up to the order of sums. Where a gradient is nothing but rounding (a bias of attention's keys, which moves all
    scores of a query alike; single weights elsewhere, differently on different processors) Adam makes it a step of the
    learning rate's size."""
    for name, weights in one.items():
        differences = []
        for key, value in weights.items():
            difference = (value - other[name][key]).abs()
            if key.endswith("in_proj_bias"):
                difference = torch.stack(difference.chunk(3))[[0, 2]]
            differences.append(difference.flatten())
        difference = torch.cat(differences)
        assert difference.max() < 1e-3 and difference.mean() < 1e-5, (name, difference.max(), difference.mean())


def steps_of(episodes):
    """Rows of both agents."""
    return transitions.build_dataset(episodes, Featurizer(FeaturizerConfig())).steps


def without_games(config):
    """Minibatches of odd size; no self-play, whose games have seeds of their own."""
    return replace(
        config,
        bc=replace(config.bc, epochs=1, batch_size=5),
        ppo=replace(config.ppo, epochs=1, batch_size=5, steps=11),
        zero_style=replace(config.zero_style, epochs=0),
    )


def only_games(config, **zero_style):
    """Self-play alone, from networks that have learned nothing."""
    return replace(
        config,
        bc=replace(config.bc, epochs=0),
        ppo=replace(config.ppo, epochs=0),
        zero_style=replace(config.zero_style, horizon=2, simulations=2, **zero_style),
    )


@pytest.fixture
def sessions(sessions):
    """Few, as each process reads all of them."""
    return sessions[:2]


@pytest.fixture
def uneven(sessions, session_of):
    """Sessions whose steps fill minibatches of five, but for one row that is left."""
    return [*sessions, session_of(9, rounds=3)]


@pytest.mark.parametrize(("backbone", "given"), [
    ("lg_transformer", False), ("lg_transformer", True),
    pytest.param("lstm", False, marks=pytest.mark.slow), pytest.param("bigru", False, marks=pytest.mark.slow),
], ids=["lg_transformer", "current networks", "lstm", "bigru"])  # fmt: skip
def test_two_processes_learn_what_one_does(small, uneven, run_of, backbone, given):
    """Minibatches of five rows, three for one process and two for the other, and of the last row, for one alone."""
    config, sessions = without_games(small), uneven
    assert config.model.dropout == 0.1
    config = replace(config, model=replace(config.model, backbone=backbone), init_from_pv=given)
    config = replace(config, bc=replace(config.bc, validation_share=0.0))
    if given:
        before = small.checkpoint_dir / "before"
        train_from_episodes(
            replace(config, pv_dir=before / "models", checkpoint_dir=before / "run", init_from_pv=False), sessions
        )
        for folder in (config.pv_dir, config.pv_dir / "one"):
            shutil.copytree(before / "models", folder)
    assert len(steps_of(sessions)) % 5 == config.ppo.steps % 5 == 1
    ends, (first, second) = run_of(config, sessions)
    assert [code for code, *_ in ends] == [0, 0], ends
    assert_same(first, second)
    assert_weights_close(first, weights_alone(config, sessions))
    rows = [json.loads(line) for line in (config.checkpoint_dir / "train.jsonl").read_text().splitlines()]
    one = [json.loads(line) for line in (config.checkpoint_dir / "one" / "train.jsonl").read_text().splitlines()]
    for row, expected in zip(rows, one, strict=True):
        numbers = {key: value for key, value in expected.items() if isinstance(value, float)}
        assert {key: row[key] for key in numbers} == pytest.approx(numbers, abs=1e-3), row["phase"]


def test_interrupted_in_two_processes_a_run_goes_on_in_two_or_in_one(small, sessions, run_of, tmp_path):
    """The signal reaches one of them, in the middle of an epoch of PPO; all stop at the same step."""
    config = without_games(small)
    ends, _ = run_of(config, sessions, strike=(signal.SIGINT, 1, 6))
    assert [code for code, *_ in ends] == [130, 130]
    saved = torch.load(config.checkpoint_dir / "resume.pt", weights_only=True)
    assert saved["phase"] == "ppo_from_episodes" and saved["phase_state"]["update"]["position"] > 0
    copy = replace(config, checkpoint_dir=tmp_path / "copy", resume=True)
    shutil.copytree(config.checkpoint_dir, copy.checkpoint_dir)
    ends, (first, second) = run_of(replace(config, resume=True), sessions)
    assert [code for code, *_ in ends] == [0, 0], ends
    assert_same(first, second)
    assert_weights_close(first, weights_alone(config, sessions))
    assert_weights_close(first, weights_after(train_from_episodes(copy, sessions)))


def test_games_are_shared_and_learned_from_by_all(small, sessions, run_of):
    """Three roots for two processes, and one root, which leaves a process without a game."""
    for roots, epochs in ((3, 2), (1, 1)):
        config = replace(small, checkpoint_dir=small.checkpoint_dir / str(roots), seed=roots)
        config = only_games(config, roots=roots, epochs=epochs)
        ends, (first, second) = run_of(config, sessions)
        assert [code for code, *_ in ends] == [0, 0], ends
        assert_same(first, second)
        rows = [json.loads(line) for line in (config.checkpoint_dir / "train.jsonl").read_text().splitlines()]
        played = [(row["games"], row["replayed"]) for row in rows if row["phase"] == "zero_style"]
        assert played == [(roots, roots * (epoch + 1)) for epoch in range(epochs)]
        checkpoints = {path.name for path in config.checkpoint_dir.glob("*_policy_e*.pt")}
        assert checkpoints == {f"assistant_policy_e{epoch + 1}.pt" for epoch in range(epochs)}
        assert_same({"assistant": store.load(config.pv_dir).assistant.state_dict()}, first)
    assert len(store.generations(config.pv_dir)) == 2


def test_a_process_that_is_killed_ends_the_others_soon(small, sessions, run_of):
    begun = time.monotonic()
    (first, second), found = run_of(small, sessions, strike=(signal.SIGKILL, 1, 5))
    assert second[0] == -signal.SIGKILL and first[0] == 2 and not found
    assert first[2].count("\n") == 1 and "another process of this run: has ended" in first[2]
    assert time.monotonic() - begun < 60  # the others could wait for half an hour


@pytest.mark.slow
def test_a_process_may_be_behind_for_longer_than_a_step_may_take(small, sessions, run_of):
    """In its games, for one."""
    config = only_games(small)
    ends, weights = run_of(
        config,
        sessions,
        before="""
import time
from datetime import timedelta
from training.distributed import process_group
from training.zero_style import zero_style_phase

process_group.STEP_TIMEOUT, games = timedelta(seconds=2), zero_style_phase.ZeroStylePhase._play_from

def slowly(self, *arguments):
    time.sleep(4 * self.distributed.rank)
    return games(self, *arguments)

zero_style_phase.ZeroStylePhase._play_from = slowly
""",
    )
    assert [code for code, *_ in ends] == [0, 0] and len(weights) == 2, ends


GAMES_OF_RANK = """
import time
from datetime import timedelta
from training.distributed import process_group
from training.zero_style import zero_style_phase

games = zero_style_phase.ZeroStylePhase._play_from

def play(self, *arguments):
    if self.distributed.rank == {rank}:
        {action}
    return games(self, *arguments)

zero_style_phase.ZeroStylePhase._play_from = play
"""


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_is_killed_while_the_others_wait_ends_them_soon_without_torchrun(small, sessions, run_of, rank):
    """Rank 0 too, which holds the store, and speaks for all."""
    config = only_games(small)
    killed = GAMES_OF_RANK.format(rank=rank, action="time.sleep(1); os.kill(os.getpid(), signal.SIGKILL)")
    begun = time.monotonic()
    ends, found = run_of(config, sessions, before=killed)
    (_, _, last_words), (code, _, line) = ends[rank], ends[1 - rank]
    assert (code, found, last_words) == (2, [], "") and time.monotonic() - begun < 60
    assert line.count("\n") == 1 and "another process of this run: has ended" in line


HANGS = """
import contextlib, socket

def wait_for_end_of_rank0():
    address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    with contextlib.suppress(ConnectionRefusedError):
        while socket.create_connection(address).close() is None:
            time.sleep(0.1)
"""


def test_a_process_that_hangs_is_waited_for_only_so_long(small, sessions, run_of):
    """Until rank 0, which waits for it, has ended."""
    config = only_games(small)
    hangs = HANGS + GAMES_OF_RANK.format(rank=1, action="wait_for_end_of_rank0()")
    limit = "process_group.timedelta = lambda minutes: timedelta(seconds=3)\n"
    (first, second), _ = run_of(config, sessions, before=hangs + limit)
    assert first[0] == second[0] == 2
    assert first[2].count("\n") == 1 and "does not answer" in first[2]


def test_a_limit_that_is_no_number_is_refused(monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "CODEASSIST_PEER_MINUTES": "soon"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="CODEASSIST_PEER_MINUTES: 'soon' is no number"), init_distributed():
        pass


def test_what_is_wrong_in_the_games_of_one_process_is_said(small, sessions, run_of):
    config = only_games(small)
    (first, second), _ = run_of(
        config,
        sessions,
        before="""
from errors import InputError
from training.zero_style import zero_style_phase

games = zero_style_phase.ZeroStylePhase._play_from

def refused(self, *arguments):
    if self.distributed.rank == 1:
        raise InputError("game 7", "cannot be played")
    return games(self, *arguments)

zero_style_phase.ZeroStylePhase._play_from = refused
""",
    )
    assert (first[0], second[0]) == (2, 2)
    assert first[2] == "error: process 1: game 7: cannot be played\n" and second[2] == ""


def test_an_error_of_one_process_alone_stays_what_it_is(small, sessions, run_of):
    """Only what comes of another's end is called that."""
    (first, second), _ = run_of(
        small,
        sessions,
        before="""
import torch.distributed

plain_reduce, reduced = torch.distributed.all_reduce, 0

def broken(tensor, **options):
    global reduced
    reduced += 1
    if os.environ["RANK"] == "1" and reduced == 20:
        raise RuntimeError("no memory is left on this card")
    return plain_reduce(tensor, **options)

torch.distributed.all_reduce = broken
""",
    )
    assert second[0] == 1 and second[2].endswith("RuntimeError: no memory is left on this card\n")
    assert first[0] == 2 and first[2].count("\n") == 1 and "another process of this run: has ended" in first[2]


def test_a_folder_that_another_run_works_in_is_refused_by_all_with_one_line(small, sessions, run_of):
    with files.lock(small.checkpoint_dir / ".lock"):
        (first, second), _ = run_of(small, sessions)
    assert first[0] == second[0] == 2
    assert first[2].count("\n") == 1 and "another run is working in this folder" in first[2]
    assert second[2] == "" and not (small.checkpoint_dir / "train.jsonl").exists()


def test_only_one_process_cannot_write_and_all_end(small, sessions, run_of):
    """As with a full disk: the process that writes tells the others."""
    small.pv_dir.mkdir()
    (small.pv_dir / "generations").write_text("in the way")
    config = only_games(small, epochs=0)
    (first, second), _ = run_of(config, sessions)
    assert first[0] == second[0] == 2
    assert first[2].count("\n") == 1 and "generations" in first[2] and second[2] == ""


@pytest.fixture
def recorded(sessions, tmp_path):
    folder = tmp_path / "recordings"
    for one in sessions[:2]:
        write_snapshot(one, folder)
    return folder


SMALL = {
    "featurizer": {"d_in": 24, "char_dim": 8},
    "model": {"d_in": 24, "d_model": 16, "n_layers": 1, "n_heads": 2, "hidden": 16},
    "zero_style": {"simulations": 2},
}


def command(recorded, folder, *more):
    (folder / "small.json").write_text(json.dumps(SMALL))
    quick = ("--bc_epochs", 1, "--ppo_epochs", 1, "--zero_roots", 2, "--zero_horizon", 2)
    quick += ("--training-config-path", folder / "small.json")
    places = ("--checkpoint_dir", folder / "run", "--pv_dir", folder / "models")
    return ["-m", "cli.run_tasks", "train_from_episodes", "--episodes_dir", recorded, *places, *quick, *more]


def check_what_the_command_said(folder, stdout, stderr):
    assert stdout.count("learned from") == stdout.count("current models") == 1
    assert stderr.count("behaviour cloning") == 1
    assert len((folder / "run" / "train.jsonl").read_text().splitlines()) == 3
    events = [json.loads(line) for line in (folder / "data" / "telemetry" / "runs.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["start", "end"] and events[0]["settings"]["processes"] == 2


def test_the_command_in_two_processes_speaks_once(recorded, tmp_path, launched, monkeypatch):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DISABLE_TELEMETRY", "")
    ends = launched(command(recorded, tmp_path))
    assert [code for code, *_ in ends] == [0, 0], ends
    check_what_the_command_said(tmp_path, *("".join(texts) for texts in list(zip(*ends, strict=True))[1:]))


@pytest.mark.slow
def test_the_command_under_torchrun_speaks_once(recorded, tmp_path, root):
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
    environment = {**os.environ, "PERSISTENT_DATA_DIR": str(tmp_path / "data"), "DISABLE_TELEMETRY": ""}
    done = subprocess.run(
        [*words, *map(str, command(recorded, tmp_path))], cwd=root, env=environment, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    check_what_the_command_said(tmp_path, done.stdout, done.stderr)


@pytest.mark.slow
def test_a_process_that_is_killed_while_the_others_wait_ends_the_run_soon(recorded, tmp_path, root):
    """`torchrun` sees that it has ended, and ends the others."""
    (tmp_path / "killed.py").write_text("""
import os, signal, time

import cli.train

def read(*arguments, **more):
    time.sleep(2)
    os.kill(os.getpid(), signal.SIGKILL)

if os.environ["RANK"] == "1":
    cli.train.read = read
""")
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
    environment = {**os.environ, "CODEASSIST_MODULES": "killed", "PYTHONPATH": f"{root}:{tmp_path}"}
    start = time.monotonic()
    done = subprocess.run(
        [*words, *map(str, command(recorded, tmp_path))], cwd=root, env=environment, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1 and "Signal 9" in done.stderr and time.monotonic() - start < 60
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(("more", "expected"), [
    (["--episodes_dir", "nowhere"], "nowhere"),
    (["--device", "cuda:0"], "cuda:0 is one card for all processes"),
], ids=["folder", "one card"])  # fmt: skip
def test_bad_input_is_one_line_and_every_process_ends_with_2(recorded, tmp_path, launched, more, expected):
    first, second = launched(command(recorded, tmp_path, *more))
    assert (first[0], second[0]) == (2, 2)
    assert first[2].count("\n") == 1 and expected in first[2]
    assert second[1:] == ("", "")


def test_until_they_have_found_one_another_each_process_speaks_for_itself(recorded, tmp_path, launched):
    """And says which one it is."""
    first, second = launched(command(recorded, tmp_path, "--seed", "x"))
    assert (first[0], second[0]) == (2, 2)
    assert first[2].startswith("error: python -m cli.run_tasks") and second[2] == f"error: process 1: {first[2][7:]}"


ONE_CARD = """
import sys
import torch

torch.cuda.is_available, torch.cuda.device_count = (lambda: True), (lambda: 1)
from cli.run_tasks import main

sys.exit(main(sys.argv[1:]))
"""


def test_a_process_that_cannot_begin_says_so_and_the_one_that_waits_hears_signals(recorded, tmp_path, started):
    """`torchrun` asks the others to end when one has."""
    words = command(recorded, tmp_path)
    both = started(words, {1: {"CODEASSIST_MODULES": "not_there"}})
    waits, fails = both.processes
    _, said = fails.communicate(timeout=120)
    assert fails.returncode == 2 and said.startswith("error: process 1: CODEASSIST_MODULES: not_there cannot be")
    both.wait_for_rank0()
    time.sleep(0.5)
    assert waits.poll() is None
    waits.terminate()
    _, said = waits.communicate(timeout=120)
    assert waits.returncode == 130 and said == "interrupted: process 1 had not joined this run yet\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_waits_for_the_others_hears_signals(recorded, tmp_path, root, started, number):
    """One reads for a minute, and lives."""
    (tmp_path / "slow.py").write_text("""
import time
from pathlib import Path

import cli.train

def read(*arguments, **more):
    Path(__file__).with_name("reads").touch()
    time.sleep(60)

cli.train.read = read
""")
    slow = {"CODEASSIST_MODULES": "slow", "PYTHONPATH": f"{root}:{tmp_path}"}
    waits, reads = started(command(recorded, tmp_path), {1: slow}).processes
    while not (tmp_path / "reads").exists():
        time.sleep(0.1)
    time.sleep(1.0)
    waits.send_signal(number)
    waits.communicate(timeout=120)
    assert waits.returncode == 130
    reads.terminate()
    reads.communicate(timeout=120)
    assert reads.returncode == 130


def test_a_process_without_a_card_of_its_own_is_named_and_ends_all(recorded, tmp_path, launched):
    """Two processes of a machine with one card."""
    words = command(recorded, tmp_path, "--device", "cuda")
    first, second = launched(["-c", ONE_CARD, *words[2:]])
    assert (first[0], second[0]) == (2, 2)
    assert first[2].count("\n") == 1 and "process 1: --device: there is no cuda:1" in first[2]
    assert second[1:] == ("", "")


@pytest.mark.parametrize(("environment", "expected"), [
    ({}, SINGLE_PROCESS),
    ({"WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"}, SINGLE_PROCESS),
    ({"RANK": "3"}, SINGLE_PROCESS),
    ({"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1"}, DistributedContext(3, 4, 1)),
    ({"WORLD_SIZE": "4", "RANK": "3"}, DistributedContext(3, 4, 0)),
])  # fmt: skip
def test_the_launcher_says_which_process_this_is(monkeypatch, environment, expected):
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert DistributedContext.from_environment() == expected


@pytest.mark.parametrize("environment", [{"WORLD_SIZE": "2"}, {"WORLD_SIZE": "two"}, {"WORLD_SIZE": "2", "RANK": "-1"}])
def test_a_launcher_that_says_it_badly_is_refused(monkeypatch, environment):
    monkeypatch.delenv("RANK", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="torchrun"):
        DistributedContext.from_environment()


def test_cuda_is_the_card_of_the_process():
    second = DistributedContext(5, 8, 1)
    assert [second.device_name(name) for name in ("cuda", "cpu")] == ["cuda:1", "cpu"]
    assert [SINGLE_PROCESS.device_name(name) for name in ("cuda", "cuda:0")] == ["cuda", "cuda:0"]
    with pytest.raises(InputError, match="cuda:0 is one card for all processes"):
        second.device_name("cuda:0")


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8])
def test_every_row_is_learned_from_once(size):
    batch = torch.randperm(size)
    contexts = [DistributedContext(rank, 3) for rank in range(3)]
    learned = [row for one in contexts if one.has_rows(batch) for row in one.shard_rows(batch).tolist()]
    assert sorted(learned) == list(range(size))
    assert all(len(one.shard_rows(batch)) for one in contexts if size)


def test_shares_of_a_mean_add_up_whoever_holds_the_rows_that_count():
    values, weights = torch.randn(9, requires_grad=True), torch.tensor([0.0, 0.0, 0.5, 0.0, 2.0, 1.0, 1.0, 0.0, 1.0])
    whole = {"some": weighted_mean(values, weights), "all": weighted_mean(values)}
    _, expected = all_reduce_means(whole)

    class Told(DistributedContext):
        def all_reduce_sum(self, tensor):
            return torch.stack([torch.stack([m.total, m.weight]) for m in whole.values()], dim=1)

    parts = (slice(0, 2), slice(2, 3), slice(3, 9))
    shares = [
        all_reduce_means({"some": weighted_mean(values[p], weights[p]), "all": weighted_mean(values[p])}, Told())[0]
        for p in parts
    ]
    shares.append(all_reduce_means(whole, Told(), counts=False)[0])
    for name, value in expected.items():
        total = sum(one[name] for one in shares)
        assert_close(total, value)
        (gradient,) = torch.autograd.grad(total, values, retain_graph=True)
        (one,) = torch.autograd.grad(whole[name].value, values, retain_graph=True)
        assert_close(gradient, one)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_processes_on_gpus_end_with_the_same_weights(small, sessions, run_of):
    """As many as there are cards."""
    world = torch.cuda.device_count()
    ends, (first, *others) = run_of(replace(small, device="cuda"), sessions, world=world)
    assert [code for code, *_ in ends] == [0] * world, ends
    for other in others:
        assert_same(first, other)

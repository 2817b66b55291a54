"""run.py promises: it finds sessions or has some recorded, shows before and after, can be interrupted."""

import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import run
from cli.run_options import read_options
from config import LoopConfig
from data_paths import DataPaths
from models import store
from training.runs.outcome_file import read_outcome

pytestmark = pytest.mark.usefixtures("one_judge")

TINY = {
    "featurizer": {"d_in": 24, "char_dim": 8},
    "model": {"d_in": 24, "d_model": 16, "n_layers": 1, "n_heads": 2, "hidden": 16},
    "bc": {"epochs": 1},
    "ppo": {"epochs": 1},
    "zero_style": {"epochs": 1, "roots": 2, "horizon": 2, "simulations": 2, "passes": 1},
}


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """A data root and a working folder of the test's own, with a small training_config.json."""
    return use_folder(tmp_path, monkeypatch)


def use_folder(folder, patch):
    patch.chdir(folder)
    patch.setenv("PERSISTENT_DATA_DIR", str(folder / "data"))
    (folder / "training_config.json").write_text(json.dumps(TINY))
    return DataPaths(folder / "data")


@pytest.fixture
def samples(monkeypatch):
    """Without the packages of the services the samples are learned from."""
    use_samples(monkeypatch)


def use_samples(patch):
    patch.setattr(run, "SERVICE_PACKAGES", ("starlette", "a_package_that_nobody_has"))


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """The data root of a run that has learned from the samples."""
    with pytest.MonkeyPatch.context() as patch:
        paths = use_folder(tmp_path_factory.mktemp("learned"), patch)
        use_samples(patch)
        assert run.main([]) == 0
    return paths.root


WITHOUT = """
import sys
from pathlib import Path

words, root = sys.argv[2:], Path(sys.modules["run"].__file__).parent
packages = sys.argv[1].split(",")
for name in list(sys.modules):
    top = name.partition(".")[0]
    if top in packages or (root / top).is_dir() or (root / f"{top}.py").is_file():  # a module of this project
        del sys.modules[name]
sys.modules.update(dict.fromkeys(packages))
"""


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "msgspec", "pathspec", "jedi", "seccompy"])
def test_a_package_without_which_nothing_is_served_is_one_that_is_asked_for(warm_python, package):
    code = f"{WITHOUT}\nimport services.serving, services.simulated_sessions"
    _, error = (process := warm_python(["-c", code, package])).communicate(timeout=60)
    assert (process.returncode == 0) == (package not in run.SERVICE_PACKAGES), error
    assert process.returncode == 0 or re.match(rf"ModuleNotFoundError: .*\b{package}\b", error.splitlines()[-1])


def test_without_the_services_it_shows_what_happens_on_samples_and_says_what_to_install(paths, samples, capsys):
    assert run.main([]) == 0
    out, error = capsys.readouterr()
    assert error.count("need a_package_that_nobody_has: pip install -e '.[serve]'") == 1
    assert "two samples" in error and "behaviour cloning" in error
    assert out.startswith("Learned from 2 sessions, and 2 games; none held out, so nothing is compared.")
    assert "on the sessions learned from" in out
    for row in ("human's decision, accuracy", "NLL", "return", "NO-OP", "calibration error", "value"):
        assert row in out
    models = paths.models.with_name("models-from-samples")
    assert (
        f"{models}, where they serve nobody by default" in out
        and f"put your own recorded sessions into {paths.episodes}" in out
    )
    assert store.load(models).meta["trained_on"] == "samples" and store.load(paths.models) is None
    assert paths.episodes.is_dir() and read_outcome(paths.run) is None


@pytest.mark.parametrize("words, code", [([], 0), (["--serve"], 2)])
def test_without_the_packages_of_the_extra_it_trains_and_says_what_to_install(paths, root, warm_python, words, code):
    hidden = "starlette,uvicorn,msgspec,jedi,parso,pathspec,landlockpy,seccompy,xllamacpp"
    program, environment = f"{WITHOUT}\nimport run; sys.exit(run.main(words))", os.environ | {"PYTHONPATH": str(root)}
    process = warm_python(["-c", program, hidden, *words], cwd=Path.cwd(), env=environment)
    out, error = process.communicate(timeout=60)
    assert process.returncode == code, error
    assert "starlette, uvicorn, msgspec, pathspec: pip install -e '.[serve]'" in error
    assert out.startswith("Learned from 2 sessions") == (code == 0)


@pytest.mark.parametrize("name, recorded", [
    (".DS_Store", False), ("notes.txt", False), ("._a.json", False), ("a/a.json", True), ("a/raw/a.JSONL", True),
])  # fmt: skip
def test_only_json_files_are_recordings(paths, name, recorded):
    file = paths.episodes / name
    file.parent.mkdir(parents=True)
    file.touch()
    assert run.has_recordings(paths.episodes) == recorded


def test_a_persons_sessions_are_found_and_take_over(paths, samples, sample_sessions, capsys):
    assert run.main([]) == 0
    (paths.episodes / "linked").symlink_to(sample_sessions)
    assert run.main(["--train-only", "--seed", "3", "--device", "cpu"]) == 0
    out, error = capsys.readouterr()
    assert error.count("two samples") == 1 and out.count("put your own recorded") == 1
    meta = store.load(paths.models).meta
    assert meta["trained_on"] == "person" and meta["seed"] == 3
    outcome = read_outcome(paths.run)
    assert len(outcome["lines"]) == 2 and set(outcome["lines"]) <= set(out.split("\n\n"))
    assert meta["measured"] == {"on": "learned_from", "sessions": 2, "table": outcome["table"]}


def test_what_a_run_came_to_is_shown_also_where_it_cannot_be_saved_for_the_page(paths, sample_sessions, capsys):
    paths.episodes.mkdir(parents=True)
    (paths.episodes / "linked").symlink_to(sample_sessions)
    (paths.run / "outcome.json").mkdir(parents=True)  # where a file cannot be put
    assert run.main([]) == 0
    out, error = capsys.readouterr()
    assert out.startswith("Learned from 2 sessions") and "before" in out
    assert error.splitlines()[-1].startswith(f"{paths.run / 'outcome.json'}: this is a folder")
    assert store.load(paths.models).meta["trained_on"] == "person"


def test_called_again_with_nothing_new_it_says_so_and_learns_nothing(paths, sample_sessions, capsys):
    paths.episodes.mkdir(parents=True)
    (paths.episodes / "linked").symlink_to(sample_sessions)
    assert run.main([]) == 0
    before = {path: path.read_bytes() for path in paths.models.glob("*.pt")}
    capsys.readouterr()
    assert run.main([]) == 0
    out, error = capsys.readouterr()
    assert out.startswith("Nothing is new since the run that made generation 000001-")
    assert "behaviour cloning" not in error and before == {path: path.read_bytes() for path in before}
    assert read_outcome(paths.run)["table"]


TOLD = """
import os, run, sys
os.dup2(os.pipe()[0], 0)  # a standard input that does not end
sys.exit(run.main(["--train-only", "--progress-fd", str(os.open(sys.argv[1], os.O_WRONLY))]))
"""


def test_a_program_that_starts_a_training_is_told_of_it_while_another_session_is_recorded(
    paths, warm_python, tmp_path, sample_sessions
):
    (paths.episodes / "open" / "raw").mkdir(parents=True)
    (paths.episodes / "linked").symlink_to(sample_sessions)
    state = {"text": "", "timestamp_ms": 0, "attribution": [], "action": None}
    lines = [{"episode_id": "open", "problem_id": "p"}, state | {"timestep": 0}, state | {"timestep": 1}]
    (paths.episodes / "open" / "raw" / "open.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    events = tmp_path / "events"
    events.touch()
    assert warm_python(["-c", TOLD, events], cwd=tmp_path).wait(60) == 0
    received = [json.loads(line) for line in events.read_text().splitlines()]
    phases = [event for event in received if event["event"] == "phase"]
    assert [(phase["name"], phase["epochs"]) for phase in phases] == [
        ("loading", 0), ("bc", 1), ("ppo_from_episodes", 1), ("zero_style", 1), ("evaluation", 0),
    ]  # fmt: skip
    log = (paths.run / "training" / "train.jsonl").read_text().splitlines()
    assert [event["row"] for event in received if event["event"] == "epoch"] == list(map(json.loads, log))
    assert received[-1]["event"] == "outcome" and received[-1]["outcome"] == read_outcome(paths.run)
    assert received[-1]["outcome"]["lines"][0].startswith("Learned from 2 sessions")


def test_sessions_are_recorded_without_training_also_where_a_training_waits(paths, monkeypatch):
    recorded = []
    monkeypatch.setattr(run, "_training_waits", lambda *_: True)
    monkeypatch.setattr(
        "services.simulated_sessions.record_simulated_sessions",
        lambda config, paths, options, sessions, **_: recorded.extend(sessions),
    )
    assert run.main(["--simulate", "2"]) == 0 and recorded == []
    assert run.main(["--simulate", "2", "--no-train"]) == 0 and len(recorded) == 2


@pytest.mark.parametrize(
    "words, named",
    [
        (["--no-train"], "--serve records until a signal"),
        (["--train-only", "--serve"], "--train-only: leaves nothing to record"),
        (["--train-only", "--folder", "absent"], "--folder: is for recording"),
        (["--train-only", "--writer-url", "x"], "--writer-url: is for recording"),
        (["--train-only", "--writer-model", "absent"], "--writer-model: is for recording"),
        (["--train-only", "--no-explore"], "--no-explore: is for recording"),
        (["--simulate", "2", "--serve"], "--serve: is for people"),
        (["--simulate", "0"], "--simulate"),
        (["--serve", "--allow-origin", "http://localhost:5173"], "needs --compat-ports"),
        (["--serve", "--compat-ports", "--allow-origin", "localhost"], "--allow-origin: 'localhost' is no origin"),
        (["--serve", "--writer-model", "absent.gguf"], "absent.gguf: is no file"),
        (["--serve", "--writer-model", "absent.gguf", "--writer-url", "http://localhost:1"], "--writer-url"),
        (["--serve", "--folder", "absent"], "absent: is no folder"),
        (["--progress-fd", "1"], "expected at least 3"),
        (["--train-only", "--progress-fd", "987"], "no open descriptor"),
        (["--port", "-1"], "--port"),
        (["--port", "70000"], "expected at most 65535"),
        (["--seed", "x"], "--seed"),
        (["--device", "cuda:99"], "no cuda:99"),
        (["--device", "toaster"], "unknown device"),
        (["--training-config-path", "absent.json"], "absent.json"),
        (["--fly"], "--fly"),
    ],
)
def test_what_cannot_be_done_is_one_line(paths, capsys, words, named):
    assert run.main(words) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1 and named in error
    assert not paths.root.exists()


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["--port", "3001"], "--port"),
        (["--folder", "."], "--folder"),
        (["--compat-ports"], "--compat-ports"),
        (["--writer-model", "absent"], "--writer-model"),
        ([], None),
        (["--train-only", "--port", "3001"], None),
    ],
)
def test_without_a_terminal_it_says_that_a_flag_of_the_page_is_used_with_serve(paths, capsys, monkeypatch, words, flag):
    monkeypatch.setattr(run, "find_recordings", lambda config, paths, options: (config, paths.episodes))
    assert run.main(words) == 0
    error = capsys.readouterr().err
    assert error.count("No terminal") == (flag is not None)
    assert flag is None or f"{flag} is used with --serve" in error


@pytest.mark.parametrize("words", [[], ["--simulate", "2"], ["--serve"]])
def test_a_port_that_is_taken_is_refused_before_any_work(paths, capsys, monkeypatch, words):
    for work in ("find_recordings", "simulate", "serve", "train"):
        monkeypatch.setattr(run, work, lambda *_: pytest.fail("it has begun"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run.main([*words, "--port", str(port)]) == 2
    assert f"port {port}: is taken by" in capsys.readouterr().err and not paths.root.exists()


def test_it_is_for_one_process(paths, capsys, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    assert run.main([]) == 2
    assert "torchrun" in capsys.readouterr().err and not paths.root.exists()


def test_plug_ins_of_the_current_folder_are_found_and_hide_none_of_our_modules(tmp_path, root):
    (tmp_path / "my_plugin.py").write_text("print('the plug-in was found')")
    (tmp_path / "config.py").write_text("raise RuntimeError('not ours')")
    line = [sys.executable, str(root / "run.py"), "--fly"]
    environment = {**os.environ, "CODEASSIST_MODULES": "my_plugin"}
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == "the plug-in was found\n" and "--fly" in done.stderr


def test_a_device_that_is_not_there_is_named_where_it_was_given(paths, tmp_path, capsys):
    (tmp_path / "training_config.json").write_text('{"device": "gpu"}')
    assert run.main([]) == 2
    assert capsys.readouterr().err.startswith("error: training_config.json, device: unknown device 'gpu'")
    assert run.main(["--device", "toaster"]) == 2
    assert capsys.readouterr().err.startswith("error: --device: unknown device 'toaster'")


def test_an_unknown_key_names_the_nearest(paths, tmp_path, capsys):
    (tmp_path / "training_config.json").write_text('{"held_out_shares": 1}')
    assert run.main([]) == 2
    assert "'held_out_share'" in capsys.readouterr().err


def test_damaged_sessions_are_an_error_and_not_a_reason_for_samples(paths, capsys):
    paths.episodes.mkdir(parents=True)
    (paths.episodes / "a.json").write_text("{")
    assert run.main([]) == 2
    assert "a.json" in capsys.readouterr().err
    assert not paths.models.exists()


@pytest.mark.parametrize("calls", [0, 5, 20])
def test_a_full_disk_is_one_line_and_the_models_stay(learned, paths, samples, capsys, *, monkeypatch, calls):
    shutil.copytree(learned, paths.root)
    models = paths.models.with_name("models-from-samples")
    before = {path: path.read_bytes() for path in models.glob("*.pt")}
    assert len(before) == 3
    left, real = calls, os.fsync

    def fsync(descriptor):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    capsys.readouterr()
    monkeypatch.setattr(os, "fsync", fsync)
    assert run.main(["--seed", "1"]) == 2
    out, error = capsys.readouterr()
    assert out == "" and "the disk is full" in error.splitlines()[-1]
    assert {path: path.read_bytes() for path in models.glob("*.pt")} == before
    monkeypatch.setattr(os, "fsync", real)
    assert run.main(["--seed", "1"]) == 0


def test_flags_come_before_the_file_and_the_file_before_defaults(paths, tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{"seed": 4, "trained_on": "scripted"}')
    words = ["--training-config-path", str(path), "--seed", "9"]
    config = run.configuration(read_options(words))
    assert (config.seed, config.trained_on, config.bc) == (9, "scripted", LoopConfig().bc)


def test_an_excluded_session_is_not_learned_from_and_the_change_is_something_new(paths, sample_sessions, capsys):
    shutil.copytree(sample_sessions, paths.episodes)
    assert run.main(["--train-only"]) == 0
    assert capsys.readouterr().out.startswith("Learned from 2 sessions")
    mark = paths.episodes / "sample-title-case" / "sample-title-case.excluded"
    mark.touch()
    assert run.main(["--train-only"]) == 0
    out, error = capsys.readouterr()
    assert out.startswith("Learned from 1 session") and error.count("left out by you: 1 session") == 1
    assert run.main(["--train-only"]) == 0
    assert "Nothing is new since the run that made generation 000002-" in capsys.readouterr().out
    (paths.episodes / "sample-longest-streak" / "sample-longest-streak.excluded").touch()
    assert run.main(["--train-only"]) == 2
    assert "left out by you: 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "learn"),
    [('{"learn_pastes": true}', True), ('{"learn_pastes": 1}', False), ("{", False), ("[]", False), (None, False)],
)
def test_the_page_says_whether_pastes_are_learned_from(paths, settings, learn):
    paths.root.mkdir()
    if settings is not None:
        paths.settings.write_text(settings)
    assert run.with_page_settings(LoopConfig(), paths) == LoopConfig(learn_pastes=learn)


def test_the_pages_word_on_pastes_comes_before_the_configuration(paths):
    paths.root.mkdir()
    paths.settings.write_text('{"learn_pastes": false}')
    assert run.with_page_settings(LoopConfig(learn_pastes=True), paths) == LoopConfig()


def test_telemetry_says_how_the_run_came_out(paths, samples, monkeypatch):
    monkeypatch.delenv("DISABLE_TELEMETRY")
    assert run.main([]) == 0
    end = json.loads((paths.root / "telemetry" / "runs.jsonl").read_text().splitlines()[-1])
    assert end["outcome"] == "done" and end["counts"] == {"sessions": 2, "states": 58}
    assert end["metrics"]["learned_from.human_nll"] > 0 and end["phase_seconds"]["bc"] > 0


def test_telemetry_is_kept_here_and_can_be_switched_off(paths, monkeypatch):
    monkeypatch.delenv("DISABLE_TELEMETRY")
    paths.episodes.mkdir(parents=True)
    (paths.episodes / "a.json").write_text("{")
    log = paths.root / "telemetry" / "runs.jsonl"
    assert run.main(["--no-telemetry"]) == 2
    assert not log.exists()
    assert run.main([]) == 2
    start, end = map(json.loads, log.read_text().splitlines())
    assert start["command"] == "run.py" and end["outcome"] == "refused"
    assert str(paths.root) not in log.read_text()


def test_interrupted_before_training_it_does_not_promise_that_something_is_saved(paths, samples, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("training.training_loop.run_loop", interrupt)
    assert run.main([]) == 130
    assert capsys.readouterr().err.splitlines()[-1].startswith("interrupted; training had not begun yet")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_says_how_to_go_on(paths, number, sample_sessions, warm_python):
    paths.episodes.mkdir(parents=True)
    (paths.episodes / "linked").symlink_to(sample_sessions)
    long = {**TINY, "bc": {"epochs": 100_000, "patience": 100_000}}
    Path("training_config.json").write_text(json.dumps(long))
    process = warm_python([run.__file__], cwd=Path.cwd())
    log = paths.run / "training" / "train.jsonl"
    end = time.monotonic() + 60
    while process.poll() is None and not log.exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(number)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130 and out == ""
    assert error.splitlines()[-1] == "interrupted; all is saved, --train-only goes on from here"
    assert (paths.run / "plan.json").exists() and (paths.run / "training" / "resume.pt").exists()

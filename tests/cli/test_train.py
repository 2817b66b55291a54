"""train_from_episodes promises: arguments become the configuration, files where they are documented, clear ends."""

import importlib.util
import json
import shutil
from types import SimpleNamespace

import pytest
import torch

from cli.run_tasks import main, parser
from cli.train import _summary, mark_kind_of_sessions, read_settings, train_config
from config import TrainConfig
from data_paths import DataPaths
from errors import InputError
from models import store
from models.reviewer import START, Reviewer
from state_adapter import read_episodes
from training.runs import training_manifest

pytestmark = pytest.mark.usefixtures("one_judge", "short_refit")


def configuration(options, episodes=()):
    settings = read_settings(options)
    if episodes:
        settings = mark_kind_of_sessions(options, settings, episodes)
    return train_config(options, settings)


SMALL = {
    "featurizer": {"d_in": 24, "char_dim": 8},
    "model": {"d_in": 24, "d_model": 16, "n_layers": 1, "n_heads": 2, "hidden": 16},
    "zero_style": {"simulations": 4},
}
FEW = ["--bc_epochs", "1", "--ppo_epochs", "1", "--zero_style_epochs", "1", "--zero_roots", "2", "--zero_horizon", "2"]


@pytest.fixture
def train(tmp_path, sample_sessions):
    def run(*words, episodes=sample_sessions):
        places = ["--checkpoint_dir", str(tmp_path / "artifacts"), "--pv_dir", str(tmp_path / "models")]
        if "--training-config-path" not in words:
            small = tmp_path / "small.json"
            small.write_text(json.dumps(SMALL))
            places += ["--training-config-path", str(small)]
        return main(["train_from_episodes", "--episodes_dir", str(episodes), *places, *FEW, *words])

    return run


def test_every_argument_reaches_the_configuration():
    words = (
        "train_from_episodes --episodes_dir e --h_max 50 --w_max 80 --checkpoint_dir c --pv_dir p --backbone lstm "
        "--bc_epochs 2 --ppo_epochs 3 --zero_style_epochs 4 --ppo_steps 5 --zero_roots 6 --zero_horizon 7 "
        "--text_embedder charcnn --init-from-pv --run_label name --train_text_embedder no "
        "--train_featurizer_projector 0 --seed 8 --resume --device cpu"
    )
    config = configuration(parser().parse_args(words.split()))
    assert (str(config.checkpoint_dir), str(config.pv_dir), config.device, config.seed) == ("c", "p", "cpu", 8)
    assert (config.init_from_pv, config.resume, config.run_label) == (True, True, "name")
    assert (config.featurizer.h_max, config.featurizer.w_max, config.featurizer.text_embedder) == (50, 80, "char_cnn")
    assert not config.featurizer.train_text_embedder and not config.featurizer.train_featurizer_projector
    assert (config.model.backbone, config.bc.epochs, config.ppo.epochs, config.ppo.steps) == ("lstm", 2, 3, 5)
    assert (config.zero_style.epochs, config.zero_style.roots, config.zero_style.horizon) == (4, 6, 7)


def test_a_typed_flag_comes_before_the_file_and_the_file_before_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train_from_episodes", "--episodes_dir", "e", "--zero_roots", "3"]
    usual = configuration(parser().parse_args(words))
    file = tmp_path / "training_config.json"
    given = {"bc": {"batch_size": 99, "epochs": 7}, "zero_style": {"simulations": 5, "algorithm": "puct", "roots": 9}}
    file.write_text(json.dumps(given))
    assert configuration(parser().parse_args(words)) == usual
    config = configuration(parser().parse_args([*words, "--training-config-path", str(file)]))
    assert (config.bc.batch_size, config.zero_style.simulations, config.zero_style.algorithm) == (99, 5, "puct")
    assert (config.bc.epochs, config.zero_style.roots, config.ppo.epochs) == (7, 3, 1)
    assert config.ppo == usual.ppo and config.rewards == usual.rewards and config.model == usual.model


def test_a_configuration_that_is_none_is_refused(train, tmp_path, capsys):
    file = tmp_path / "config.json"
    file.write_text('{"bc": {"batch_sizes": 3}}')
    assert train("--training-config-path", str(file)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "config.json" in error and "batch_size" in error
    assert train("--training-config-path", str(tmp_path / "absent.json")) == 2
    assert "absent.json" in capsys.readouterr().err and not (tmp_path / "artifacts").exists()


def test_it_leaves_what_is_documented(train, tmp_path, capsys):
    assert train("--run_label", "first") == 0
    out, error = capsys.readouterr()
    assert str(tmp_path / "models") in out and "behaviour cloning" in error
    rows = [json.loads(line) for line in (tmp_path / "artifacts" / "train.jsonl").read_text().splitlines()]
    assert [(row["phase"], row["epoch"]) for row in rows] == [("bc", 1), ("ppo_from_episodes", 1), ("zero_style", 1)]
    assert len({row["run_id"] for row in rows}) == 1 and {row["run_label"] for row in rows} == {"first"}
    names = {path.name for path in (tmp_path / "artifacts").glob("*.pt")}
    assert names == {"human_policy_e1.pt", "assistant_policy_e1.pt", "assistant_policy_e2.pt", "resume.pt"}
    keys = {"asm_assistant_model": "model", "asm_human_model": "model", "asm_featurizer": "featurizer"}
    for name, kind in keys.items():
        saved = torch.load(tmp_path / "models" / f"{name}.pt", weights_only=True)
        assert saved[f"{kind}_state_dict"] and saved["config"]
    assert train("--init-from-pv", "--zero_style_epochs", "0") == 0
    assert len(store.generations(tmp_path / "models")) == 2


def test_a_bad_file_among_good_ones_is_named(train, tmp_path, sample_sessions, capsys):
    episodes = tmp_path / "episodes"
    shutil.copytree(sample_sessions, episodes)
    (episodes / "broken.json").write_text('{"states": [')
    nothing = ("--bc_epochs", "0", "--ppo_epochs", "0", "--zero_style_epochs", "0")
    assert train(*nothing, episodes=episodes) == 0
    assert "broken.json" in capsys.readouterr().err
    before = sorted(tmp_path.rglob("*"))
    assert train("--strict", episodes=episodes) == 2
    assert "broken.json" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is not None, reason="TensorBoard is installed")
def test_without_tensorboard_tb_dir_is_one_clear_error(train, tmp_path, capsys):
    assert train("--tb_dir", str(tmp_path / "tb")) == 2
    assert "pip install -c constraints.txt -e '.[tensorboard]'" in capsys.readouterr().err
    assert not (tmp_path / "artifacts").exists()


def test_metrics_reach_tensorboard(train, tmp_path):
    pytest.importorskip("tensorboard")
    assert train("--tb_dir", str(tmp_path / "tb"), "--run_label", "a", "--zero_style_epochs", "0") == 0
    assert any((tmp_path / "tb" / "a").iterdir())


def test_a_run_is_on_record(train, tmp_path, monkeypatch):
    monkeypatch.delenv("DISABLE_TELEMETRY")
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path / "data"))
    assert train("--init-from-pv") == 2  # there are no models yet
    start, end = map(json.loads, (tmp_path / "data" / "telemetry" / "runs.jsonl").read_text().splitlines())
    assert start["settings"]["bc_epochs"] == 1 and end["outcome"] == "refused" and end["counts"]["sessions"] == 2
    assert str(tmp_path) not in (tmp_path / "data" / "telemetry" / "runs.jsonl").read_text()


def test_run_py_is_told_what_a_persons_models_learned_from(tmp_path, sample_sessions, monkeypatch):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
    episodes = shutil.copytree(sample_sessions, tmp_path / "mine")
    (tmp_path / "small.json").write_text(json.dumps(SMALL))
    words = ["train_from_episodes", "--episodes_dir", str(episodes), "--checkpoint_dir", str(tmp_path / "run")]
    assert main([*words, *FEW, "--training-config-path", str(tmp_path / "small.json")]) == 0
    (entry,) = training_manifest.read_manifest(tmp_path / "trainer" / "manifest.jsonl")
    assert entry.generation == store.generations(DataPaths.default().models)[0].id and len(entry.sessions) == 2


def test_a_run_that_had_ended_publishes_nothing_again(train, tmp_path):
    assert train() == 0 and train("--resume") == 0
    assert len(store.generations(tmp_path / "models")) == 1


def test_without_any_epoch_nothing_is_learned_and_no_model_replaced(train, tmp_path, capsys):
    none = ["--bc_epochs", "0", "--ppo_epochs", "0", "--zero_style_epochs", "0"]
    assert train(*none) == 0  # there is nothing yet: fresh models, marked as such
    assert "nothing was learned: no epochs were asked for" in (said := capsys.readouterr().out)
    assert "untrained, generation" in said
    assert store.load(tmp_path / "models").meta["trained_on"] == "nothing"
    assert train() == 0
    learned = store.load(tmp_path / "models").generation
    for words in (none, [*none, "--init-from-pv"]):
        capsys.readouterr()
        assert train(*words) == 0
        assert "models (as they were)" in capsys.readouterr().out
        assert store.load(tmp_path / "models").generation == learned


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A module that registers the backbone `neighbours`, which `CODEASSIST_MODULES` names."""
    (tmp_path / "my_backbones.py").write_text(
        "import backbones\nfrom backbones.registry import build\nfrom config import ModelConfig\n"
        "class Neighbours(type(build(ModelConfig(backbone='lstm')))): pass\n"
        "backbones.register('neighbours', Neighbours)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CODEASSIST_MODULES", "my_backbones")


@pytest.mark.parametrize("source", ["flag", "file"])
def test_a_registered_backbone_works_from_the_command_line_and_from_the_file(plugin, train, tmp_path, source):
    (tmp_path / "c.json").write_text('{"model": {"backbone": "neighbours"}, "zero_style": {"epochs": 0}}')
    words = ["--backbone", "neighbours"] if source == "flag" else ["--training-config-path", str(tmp_path / "c.json")]
    assert train(*words, "--zero_style_epochs", "0") == 0
    assert store.load(tmp_path / "models").assistant.config.backbone == "neighbours"


@pytest.mark.parametrize("flag, key", [("--backbone", "model"), ("--text_embedder", "featurizer")])
def test_a_name_that_nobody_registered_is_refused_where_it_was_given(train, tmp_path, capsys, flag, key):
    hint = "or one that a module in CODEASSIST_MODULES registers\n"
    assert train(flag, "foo") == 2
    error = capsys.readouterr().err
    assert f'error: {flag}: found "foo", expected one of ' in error and error.endswith(hint)
    file = tmp_path / "c.json"
    file.write_text(json.dumps({key: {flag.removeprefix("--"): "foo"}}))
    assert train("--training-config-path", str(file)) == 2
    error = capsys.readouterr().err
    assert f'error: {file}: {key}.{flag.removeprefix("--")} is "foo", expected' in error and error.endswith(hint)


def test_a_device_that_is_not_there_is_named_where_it_was_given(train, tmp_path, capsys):
    file = tmp_path / "c.json"
    file.write_text('{"device": "gpu"}')
    assert train("--training-config-path", str(file)) == 2
    assert f"error: {file}, device: unknown device 'gpu'" in capsys.readouterr().err
    assert train("--training-config-path", str(file), "--device", "toaster") == 2
    assert "error: --device: unknown device 'toaster'" in capsys.readouterr().err


@pytest.mark.parametrize("began", [False, True])
def test_interrupted_before_training_it_does_not_promise_that_something_is_saved(train, monkeypatch, capsys, began):
    def interrupt(config, episodes, *, observer, **options):
        if began:
            observer.phase("bc", 1)
        raise KeyboardInterrupt

    monkeypatch.setattr("training.train_from_episodes.train_from_episodes", interrupt)
    assert train() == 130
    how = "the same command with --resume goes on" if began else "training had not begun yet"
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"interrupted; {how}")


def test_it_learns_for_the_reviewer_that_the_settings_serve(train, tmp_path, monkeypatch):
    learned_for = []

    def note(config, episodes, *, reviewer, **options):
        learned_for.append(reviewer)
        raise KeyboardInterrupt

    monkeypatch.setattr("training.train_from_episodes.train_from_episodes", note)
    file = tmp_path / "c.json"
    file.write_text('{"serve": {"review_threshold": 0.9, "review_exploration": 0.25}}')
    assert train("--training-config-path", str(file)) == 130
    assert learned_for == [Reviewer(START, 0.9, 0.25)]


@pytest.mark.parametrize("validation, counted", [((), ""), (("d", "e"), ", 2 for validation")])
def test_sessions_for_validation_are_not_called_held_out(tmp_path, validation, counted):
    result = SimpleNamespace(meta={"trained_on": "person"}, generation="000001-a", train=("a",), held_out=validation)
    summary = _summary(TrainConfig(tmp_path, tmp_path), result)
    assert summary.splitlines()[0] == f"1 session learned from{counted}"


def test_settings_without_effect_are_named(train, tmp_path, capsys):
    file = tmp_path / "c.json"
    file.write_text('{"held_out_share": 0.2, "init_from_pv": true, "bc": {"epochs": 0}}')
    nothing = ("--bc_epochs", "0", "--ppo_epochs", "0", "--zero_style_epochs", "0")
    assert train(*nothing, "--training-config-path", str(file)) == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "without effect" in line]
    assert "c.json" in line and "held_out_share" in line and "init_from_pv" in line and "bc" not in line


def test_models_of_the_samples_never_serve_a_person_by_default(tmp_path, sample_sessions, monkeypatch, capsys):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
    small = tmp_path / "small.json"
    small.write_text(json.dumps(SMALL))
    words = ["train_from_episodes", "--episodes_dir", str(sample_sessions), "--checkpoint_dir", str(tmp_path / "run")]
    assert main([*words, *FEW, "--training-config-path", str(small)]) == 0
    assert store.load(DataPaths.default().models) is None
    folder = tmp_path / "trainer" / "models-from-samples"
    assert store.load(folder).meta["trained_on"] == "samples" and str(folder) in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, file, kind",
    [
        ([], {}, "person"),
        (["--trained-on", "scripted"], {}, "scripted"),
        ([], {"trained_on": "samples"}, "samples"),
        (["--trained-on", "person"], {"trained_on": "samples"}, "person"),
    ],
)
def test_whose_sessions_they_are_can_be_said(tmp_path, sample_sessions, words, file, kind):
    episodes = read_episodes(shutil.copytree(sample_sessions, tmp_path / "e"))[0]
    (tmp_path / "c.json").write_text(json.dumps(file))
    words = ["train_from_episodes", "--episodes_dir", "e", "--training-config-path", str(tmp_path / "c.json"), *words]
    config = configuration(parser().parse_args(words), episodes)
    models = DataPaths.default().models
    assert config.trained_on == kind
    assert config.pv_dir == (models if kind == "person" else models.with_name(f"models-from-{kind}"))


@pytest.fixture
def kind_of_sessions(tmp_path, sample_sessions, monkeypatch):
    """Puts the sample sessions into folders below the data root; says whose sessions those in `searched` are."""

    def kind(folders, searched):
        monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
        for folder in folders:
            shutil.copytree(sample_sessions, tmp_path / "state-service" / folder)
        options = parser().parse_args(["train_from_episodes", "--episodes_dir", str(searched)])
        return configuration(options, read_episodes(searched)[0]).trained_on

    return kind


@pytest.mark.parametrize(
    "folders, kind",
    [
        (["simulated-episodes/a"], "scripted"),
        (["shallow-zero-style-episodes"], "scripted"),
        (["simulated-episodes", "shallow-zero-style-episodes"], "scripted"),
        (["episodes"], "person"),
    ],
)
def test_simulated_sessions_are_known_by_their_folder(kind_of_sessions, tmp_path, folders, kind):
    """Also if a folder above it is searched."""
    assert kind_of_sessions(folders, tmp_path / "state-service") == kind


def test_self_play_of_another_data_root_is_known_too(kind_of_sessions, sample_sessions, tmp_path):
    folder = tmp_path / "other" / "state-service" / "shallow-zero-style-episodes"
    shutil.copytree(sample_sessions, folder)
    assert kind_of_sessions([], folder) == "scripted"


def test_a_relative_path_and_the_folder_above_the_samples_are_samples_too(kind_of_sessions, root, monkeypatch):
    monkeypatch.chdir(root)
    assert kind_of_sessions([], "examples") == "samples"


@pytest.mark.parametrize("linked", ["folder", "file"])
def test_links_to_the_samples_are_samples(kind_of_sessions, sample_sessions, tmp_path, linked):
    folder = tmp_path / "mine"
    folder.mkdir()
    source = sample_sessions if linked == "folder" else next(sample_sessions.rglob("*.json*"))
    (folder / source.name).symlink_to(source)
    assert kind_of_sessions([], folder) == "samples"


def test_sessions_of_several_kinds_are_refused_unless_it_is_said_whose_they_are(
    kind_of_sessions, sample_sessions, tmp_path
):
    with pytest.raises(InputError, match=r"several kinds \(person, scripted\), expected one kind, or --trained-on"):
        kind_of_sessions(["episodes", "simulated-episodes"], tmp_path / "state-service")
    words = ["train_from_episodes", "--episodes_dir", str(tmp_path), "--trained-on", "scripted"]
    assert configuration(parser().parse_args(words), read_episodes(tmp_path)[0]).trained_on == "scripted"

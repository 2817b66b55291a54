"""The commands' arguments: names and defaults as documented, nonsense refused with one line, help at once."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import backbones
import data_paths
from cli.built_in import BACKBONES, TEXT_EMBEDDERS
from cli.run_tasks import main, parser
from cli.train import read_settings, train_config
from config import FeaturizerConfig, ModelConfig
from featurizers.embedders import embedder_names

TRAIN_DEFAULTS = {
    "--h_max": "300",
    "--w_max": "160",
    "--checkpoint_dir": "_artifacts_v2",
    "--pv_dir": "/data/trainer/models",
    "--device": "cpu",
    "--backbone": "lg_transformer",
    "--bc_epochs": "1",
    "--ppo_epochs": "1",
    "--zero_style_epochs": "1",
    "--ppo_steps": "2048",
    "--zero_roots": "32",
    "--zero_horizon": "6",
    "--text_embedder": "mlp",
    "--train_text_embedder": "True",
    "--train_featurizer_projector": "True",
    "--seed": "0",
}


def test_train_has_the_documented_defaults(monkeypatch):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", "/data")
    options = parser().parse_args(["train_from_episodes", "--episodes_dir", "x"])
    config = train_config(options, read_settings(options))
    assert (config.checkpoint_dir, config.pv_dir) == (Path("_artifacts_v2"), Path("/data/trainer/models"))
    assert (config.device, config.seed, config.run_label, options.tb_dir) == ("cpu", 0, "", "")
    assert not (config.init_from_pv or config.resume or options.strict)
    assert (config.bc.epochs, config.ppo.epochs, config.ppo.steps) == (1, 1, 2048)
    assert (config.zero_style.epochs, config.zero_style.roots, config.zero_style.horizon) == (1, 32, 6)
    assert (config.featurizer, config.model) == (FeaturizerConfig(), ModelConfig())
    assert (config.featurizer.text_embedder, config.model.backbone) == ("mlp", "lg_transformer")


def test_the_help_shows_the_defaults(monkeypatch, capsys):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", "/data")
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit):
        parser().parse_args(["train_from_episodes", "--help"])
    text = capsys.readouterr().out.partition("options:")[2]
    defaults = dict(re.findall(r"^  (--[\w-]+)(?:(?!\n  --)[^(])*?\(default: ([^)]*)\)$", text, re.MULTILINE))
    assert {flag: defaults.get(flag) for flag in TRAIN_DEFAULTS} == TRAIN_DEFAULTS


def test_infer_has_the_documented_defaults(monkeypatch, tmp_path):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
    options = vars(parser().parse_args(["infer_action", "--state_json", "x"]))
    assert options == {
        "command": "infer_action",
        "state_json": Path("x"),
        "h_max": 300,
        "device": "cpu",
        "pv_dir": tmp_path / "trainer" / "models",
    }


@pytest.mark.parametrize(
    "word, value",
    [
        ("true", True),
        ("True", True),
        ("1", True),
        ("yes", True),
        ("false", False),
        ("False", False),
        ("0", False),
        ("NO", False),
    ],
)
def test_truth_is_read_as_written(word, value):
    words = ["train_from_episodes", "--episodes_dir", "x", "--train_text_embedder", word]
    assert parser().parse_args(words).train_text_embedder is value


def test_charcnn_is_char_cnn():
    words = ["train_from_episodes", "--episodes_dir", "x", "--text_embedder", "charcnn"]
    assert parser().parse_args(words).text_embedder == "char_cnn"


TRAIN = ["train_from_episodes", "--episodes_dir", "absent"]
INFER = ["infer_action", "--state_json", "absent"]


@pytest.mark.parametrize(
    "words, named",
    [
        ([], "COMMAND"),
        (["fly"], "fly"),
        (["infer_action"], "--state_json"),
        (["train_from_episodes"], "--episodes_dir"),
        ([*TRAIN, "--train_text_embedder", "maybe"], "'maybe' is neither true nor false"),
        ([*TRAIN, "--bc_epochs", "-1"], "--bc_epochs"),
        ([*TRAIN, "--bc_epochs", "1.5"], "'1.5' is not a whole number"),
        ([*TRAIN, "--h_max", "0"], "at least 1"),
        ([*TRAIN, "--ppo_steps", "0"], "--ppo_steps"),
        ([*TRAIN, "--seed", str(2**63)], f"too large, expected at most {2**63 - 1}"),
        ([*TRAIN, "--h_max", "9" * 5000], "too large, expected at most 100000"),
        ([*TRAIN, "--h_max", "-" + "9" * 5000], "too small, expected at least 1"),
        ([*TRAIN, "--zero_horizon", "1001"], "too large, expected at most 1000"),
        (["train_from_episodes", "--episodes_dir", ""], "--episodes_dir: '' is empty"),
        ([*TRAIN, "--pv_dir", ""], "--pv_dir: '' is empty"),
        ([*TRAIN, "--checkpoint_dir", " "], "--checkpoint_dir: ' ' is empty"),
        ([*TRAIN, "--training-config-path", ""], "--training-config-path: '' is empty"),
        (["inspect", "--episodes_dir", ""], "--episodes_dir: '' is empty"),
        (["infer_action", "--state_json", ""], "--state_json: '' is empty"),
        (["models", "--pv_dir", ""], "--pv_dir: '' is empty"),
        (["models", "--roll_back", ""], "--roll_back: '' is empty"),
        ([*TRAIN, "--backbone", "gpt"], "gpt"),
        ([*TRAIN, "--text_embedder", "word2vec"], "word2vec"),
        ([*TRAIN, "--device", "tpu"], "unknown device 'tpu'"),
        ([*TRAIN, "--device", "cuda:99"], "no cuda:99"),
        ([*TRAIN, "--episodes", "x"], "--episodes"),  # no abbreviations
        ([*INFER, "--h_max", "-3"], "--h_max"),
        ([*INFER, "--device", "cuda:99"], "no cuda:99"),
        (INFER, "absent"),
        (TRAIN, "absent"),
        (["inspect", "--episodes_dir", "absent"], "absent"),
        (["models", "--pv_dir", "absent"], "absent"),
    ],
)
def test_nonsense_is_refused_with_one_line(words, named, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1 and named in error
    assert not list(tmp_path.iterdir()), "a refused command left something"


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["train_from_episodes", "--help"], ["inspect", "--help"]])
def test_help_and_version_do_not_wait_for_torch(words, root):
    code = "import sys\nfrom cli.run_tasks import main\n"
    code += "try: main(sys.argv[1:])\nfinally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout and not done.stderr


def test_inspecting_does_not_wait_for_torch(root, sample_sessions):
    code = "import sys; from cli.run_tasks import main\nassert main(sys.argv[1:]) == 0 and 'torch' not in sys.modules"
    words = ["inspect", "--episodes_dir", str(sample_sessions)]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 sessions, 58 states" in done.stdout


def test_the_help_of_every_argument_says_something():
    for command in ("infer_action", "train_from_episodes", "inspect", "models", "problems"):
        with pytest.raises(SystemExit):
            parser().parse_args([command, "--help"])
    text = parser().format_help()
    assert re.search(r"infer_action +one state", text)


def test_the_help_names_what_is_built_in():
    assert set(BACKBONES) <= set(backbones.names()) and set(TEXT_EMBEDDERS) <= set(embedder_names())


def test_sessions_where_the_data_root_once_was_are_named_in_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("PERSISTENT_DATA_DIR")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(data_paths, "REPOSITORY", tmp_path / "repository")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "mine"))
    episodes = tmp_path / "persistent-data" / "state-service" / "episodes"
    episodes.mkdir(parents=True)
    (episodes / "s.json").touch()
    assert main(["models"]) == 2
    assert capsys.readouterr().err.splitlines()[0].startswith(f"{tmp_path / 'persistent-data'} holds sessions")

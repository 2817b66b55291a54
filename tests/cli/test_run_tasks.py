"""The commands' arguments: names and defaults as documented, nonsense refused with one line, help at once."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.run_tasks import main, parser

TRAIN_DEFAULTS = {
    "h_max": 300,
    "w_max": 160,
    "checkpoint_dir": Path("_artifacts_v2"),
    "device": "cpu",
    "backbone": "lg_transformer",
    "bc_epochs": 1,
    "ppo_epochs": 1,
    "zero_style_epochs": 1,
    "ppo_steps": 2048,
    "zero_roots": 32,
    "zero_horizon": 6,
    "text_embedder": "mlp",
    "init_from_pv": False,
    "run_label": "",
    "tb_dir": "",
    "train_text_embedder": True,
    "train_featurizer_projector": True,
    "seed": 0,
    "resume": False,
    "strict": False,
}


def test_train_has_the_documented_defaults(monkeypatch):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", "/data")
    options = vars(parser().parse_args(["train_from_episodes", "--episodes_dir", "x"]))
    expected = {**TRAIN_DEFAULTS, "pv_dir": Path("/data/trainer/models"), "episodes_dir": Path("x")}
    assert options == {**expected, "command": "train_from_episodes"}


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
        ([*TRAIN, "--bc_epochs", "1.5"], "at least 0"),
        ([*TRAIN, "--h_max", "0"], "at least 1"),
        ([*TRAIN, "--ppo_steps", "0"], "--ppo_steps"),
        ([*TRAIN, "--seed", str(2**63)], "too large"),
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
    for command in ("infer_action", "train_from_episodes", "inspect", "models"):
        with pytest.raises(SystemExit):
            parser().parse_args([command, "--help"])
    text = parser().format_help()
    assert re.search(r"infer_action +one state", text)

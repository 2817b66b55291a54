"""training_config.json: known keys of the right type and range become a LoopConfig, all else is one clear line."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import training.runs.config_file
from config import BCConfig, LoopConfig
from errors import InputError
from training.runs.config_file import keys, parse_config, read_config, require_registered

DOCUMENTATION = Path(training.runs.config_file.__file__).parents[2] / "docs" / "configuration.md"


def value_of(config, key):
    for part in key.split("."):
        config = getattr(config, part)
    return config


def test_what_is_not_there_has_its_default():
    assert parse_config({}, "x") == LoopConfig()
    given = parse_config({"seed": 7, "bc": {"epochs": 0}, "rewards": {"retain_reward": -1}, "ppo": {"gamma": 1}}, "x")
    default = LoopConfig()
    assert given == replace(
        default,
        seed=7,
        bc=replace(default.bc, epochs=0),
        ppo=replace(default.ppo, gamma=1.0),
        rewards=replace(default.rewards, retain_reward=-1.0),
    )


@pytest.mark.parametrize(
    "value, words",
    [
        ([], "expected an object"),
        ({"bc": 3}, "bc is 3, expected an object"),
        ({"sed": 1}, "unknown key 'sed'; the nearest known one is 'seed'"),
        ({"bc": {"epoch": 1}}, "unknown key 'bc.epoch'; the nearest known one is 'bc.epochs'"),
        ({"trained_on": "people"}, "'person' or 'samples' or 'scripted'"),
        ({"seed": 1.0}, "seed is 1.0, expected a whole number"),
        ({"seed": True}, "seed is true"),
        ({"seed": -1}, "expected a whole number from 0 to 9223372036854775807"),
        ({"zero_style": {"horizon": 10**9}}, "expected a whole number from 1 to 1000"),
        ({"zero_style": {"simulations": 10**11}}, "from 1 to 10000"),
        ({"zero_style": {"passes": 10**12}}, "from 1 to 1000"),
        ({"rewards": {"clip": -1}}, "rewards.clip is -1, expected a number from 0.001 to 1000"),
        ({"bc": {"patience": 0}}, "bc.patience is 0, expected a whole number from 1 to 100000"),
        ({"zero_style": {"algorithm": "best"}}, "'gumbel' or 'puct'"),
        ({"bc": {"batch_size": 0}}, "bc.batch_size is 0, expected a whole number from 1 to 100000"),
        ({"ppo": {"learning_rate": "fast"}}, 'ppo.learning_rate is "fast", expected a number from 0 to 0.1'),
        ({"ppo": {"learning_rate": float("nan")}}, "ppo.learning_rate is NaN"),
        ({"ppo": {"gamma": 1.5}}, "from 0 to 1"),
        ({"held_out_share": -0.1}, "from 0 to 0.9"),
        ({"init_from_pv": "yes"}, "true or false"),
        ({"telemetry_url": 5}, "expected text"),
        ({"seed": 10**5000}, "seed is a number of more than 60 digits, expected a whole number from 0"),
        ({"device": ""}, 'device is "", expected text of 1 to 200 characters in one line'),
        ({"featurizer": {"ollama_model": "\ud800"}}, "expected text of 1 to 200 characters in one line"),
        ({"model": {"d_in": 64}}, "featurizer.d_in is 192 and model.d_in is 64, expected the same number"),
        ({"model": {"n_heads": 3}}, "model.d_model is 128, expected a multiple of n_heads, which is 3"),
    ],
)
def test_what_does_not_fit_is_refused(value, words):
    with pytest.raises(InputError) as caught:
        parse_config(value, "training_config.json")
    assert words in str(caught.value) and "training_config.json" in str(caught.value)


@pytest.mark.parametrize(
    "content, words",
    [
        ("", "is empty, expected JSON"),
        (" \n", "is empty, expected JSON"),
        ("{", "line 1, column 2: is not JSON"),
        ('{"seed": NaN}', "NaN"),
        (b"\xff", "byte 0: is not UTF-8 text"),
        ("[" * 100_000, "nested too deep"),
        ('{"seed": ' + "1" * 5000 + "}", "is not JSON"),
        ('{"seed": 1, "seed": 2}', "twice"),
    ],
)
def test_a_broken_file_is_named(tmp_path, content, words):
    path = tmp_path / "config.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=words) as caught:
        read_config(path)
    assert "config.json" in str(caught.value)


def test_a_file_that_was_asked_for_must_be_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_config() == LoopConfig()
    with pytest.raises(InputError, match="no such file"):
        read_config(tmp_path / "absent.json")
    (tmp_path / "training_config.json").write_text('{"seed": 3}')
    assert read_config().seed == 3


def test_every_key_is_documented_with_its_default():
    text = DOCUMENTATION.read_text(encoding="utf-8")
    tables = text.split("| key | default | from, to |")[1:]  # not the page's settings, which are in another file
    run_settings = "".join(table.split("\n\n")[0] for table in tables)
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| `([^`]*)` \|", run_settings, re.MULTILINE))
    default = LoopConfig()
    assert rows == {key: json.dumps(value_of(default, key)) for key in keys()}


def test_the_documented_example_is_a_configuration():
    (example,) = re.findall(r"```json\n(.*?)```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL)
    config = parse_config(json.loads(example), "docs")
    assert config.model.backbone == "bigru" and config.zero_style.roots == 64


@pytest.mark.parametrize(("words", "key"), [
    ('{"model": {"backbone": "bigruu"}}', "model.backbone"),
    ('{"featurizer": {"text_embedder": "words"}}', "featurizer.text_embedder"),
])  # fmt: skip
def test_a_name_that_nobody_registered_is_refused_with_the_file_and_the_key(tmp_path, words, key):
    path = tmp_path / "config.json"
    path.write_text(words)
    config = read_config(path)
    with pytest.raises(
        InputError,
        match=f"{path}: {key} is .* expected one of .*, or one that a module in CODEASSIST_MODULES registers$",
    ):
        require_registered(config, str(path))


def test_a_settings_file_is_checked_without_loading_pytorch(root):
    code = "import sys, training.runs.config_file as file\nfile.read_config(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


def test_a_command_may_have_other_defaults():
    defaults = LoopConfig(bc=BCConfig(epochs=1))
    config = parse_config({"ppo": {"steps": 5}}, "x", defaults)
    assert (config.bc.epochs, config.ppo.steps, config.ppo.epochs) == (1, 5, LoopConfig().ppo.epochs)

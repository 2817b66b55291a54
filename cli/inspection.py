"""`inspect`: what is in recorded sessions, as a report in plain JSON types and as tables for a person.

Not here: reading (`state_adapter`), what a decision was worth (`rewards`), where it is legal (`actions`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import rewards
from actions import NAMES, Decision, is_legal
from cli.tables import pluralise, table
from config import FeaturizerConfig, RewardWeights
from state_adapter import Episode, Summary, Transition, read_episodes

_SHOWN = 10
"""Skipped files and illegal decisions that the tables list; the JSON has all of them."""

_WORTH = {
    "tests": ("test_pass_delta", "test_regress"),
    "compiling": ("compile_fix", "compile_break", "compile_maintain"),
    "kept": ("retain_reward", "undo_penalty"),
    "survival": ("survival_reward", "extinction_penalty"),
    "silence": ("noop_shaping",),
}
"""Columns of the table of rewards that are the sum of parts; every other part is a column of its own."""


def inspect(episodes_dir: Path, *, strict: bool = False, as_json: bool = False) -> int:
    """The command: reads the folder or file, prints the report, returns the exit code.

    Raises InputError as `read_episodes` does.
    """
    episodes, summary = read_episodes(episodes_dir, strict=strict)
    found = report(episodes, summary, RewardWeights(), FeaturizerConfig().w_max)
    print(json.dumps(found, allow_nan=False) if as_json else render(found))
    return 0


def report(episodes: Sequence[Episode], summary: Summary, weights: RewardWeights, w_max: int) -> dict[str, Any]:
    """What the sessions hold, in plain JSON types; a mean over nothing is None.

    `read`: the summary. `decisions`: for each of the seven by name, how often each agent took it (`read_off`: of
    these, not recorded but read off the texts), and of the assistant's `illegal`, `kept`, `survived` and `reward`.
    `illegal`: each decision that is not legal where it was taken. `w_max` in bytes, as in `actions.legal`.
    """
    human = [step for episode in episodes for step in episode.transitions("H")]
    assistant = [(episode, step) for episode in episodes for step in episode.transitions("A")]
    illegal = [(e, step) for e, step in assistant if not is_legal(step.state, step.decision, step.line, w_max)]
    return {
        "read": summary.as_dict(),
        "decisions": {
            NAMES[decision]: {
                "human": _taken(step for step in human if step.decision == decision),
                "assistant": _taken(step for _, step in assistant if step.decision == decision)
                | {"illegal": sum(step.decision == decision for _, step in illegal)}
                | _came_of([step for _, step in assistant if step.decision == decision], weights),
            }
            for decision in Decision
        },
        "illegal": [
            {"source": episode.source, "t": step.state.t, "decision": NAMES[step.decision], "line": step.line}
            for episode, step in illegal
        ],
    }


def _taken(steps: Iterable[Transition]) -> dict[str, Any]:
    recorded = [step.action.recorded for step in steps]
    return {"taken": len(recorded), "read_off": len(recorded) - sum(recorded)}


def _came_of(steps: Sequence[Transition], weights: RewardWeights) -> dict[str, Any]:
    """What became of the assistant's decisions of one kind, and what they were worth."""
    worth = [rewards.reward(step, weights) for step in steps]
    return {
        "kept": _mean([each.retention.retained for each in worth if each.retention.retained is not None]),
        "survived": _mean([each.retention.survived for each in worth if each.retention.survived is not None]),
        "reward": _mean([each.total for each in worth])
        | {"parts": {part: _mean([each.parts[part] for each in worth])["mean"] for part in rewards.part_names()}},
    }


def _mean(values: Sequence[float]) -> dict[str, Any]:
    return {"n": len(values), "mean": sum(values) / len(values) if values else None}


def render(found: Mapping[str, Any]) -> str:
    """The report as a person reads it: what was read, the decisions, what the assistant's were worth."""
    parts = [_reading(found["read"]), _decisions(found["decisions"]), _worth(found["decisions"])]
    if found["illegal"]:
        parts.append(
            _listed(
                "Not legal where they were taken, so left out of the policy's loss:",
                [
                    f"{each['source']}, t {each['t']}: {each['decision']} at line {each['line']}"
                    for each in found["illegal"]
                ],
            )
        )
    # Names of files may hold what no terminal can show.
    return "\n\n".join(parts).encode("utf-8", "backslashreplace").decode("utf-8")


def _reading(read: Mapping[str, Any]) -> str:
    used, repaired, skipped = read["used"], read["repaired"], read["skipped"]
    lines = [
        f"read      {pluralise(read['files'], 'file')}, {_sessions(read)}",
        f"used      {_sessions(used)}",
        "repaired  " + (", ".join(f"{what} ({times})" for what, times in repaired.items()) or "nothing"),
    ]
    if not skipped:
        return "\n".join([*lines, "skipped   nothing"])
    return _listed("\n".join([*lines, f"skipped   {len(skipped)}:"]), [f"{s['where']}: {s['reason']}" for s in skipped])


def _sessions(counts: Mapping[str, Any]) -> str:
    return f"{pluralise(counts['episodes'], 'session')}, {pluralise(counts['states'], 'state')}"


def _decisions(decisions: Mapping[str, Any]) -> str:
    rows = [["decision", "human", "read off", "assistant", "illegal", "kept", "of", "survived", "of"]]
    for name, by in decisions.items():
        human, assistant = by["human"], by["assistant"]
        counts = (human["taken"], human["read_off"], assistant["taken"], assistant["illegal"])
        kept, survived = assistant["kept"], assistant["survived"]
        rows.append(
            [
                name,
                *map(str, counts),
                _share(kept["mean"]),
                str(kept["n"]),
                _share(survived["mean"]),
                str(survived["n"]),
            ]
        )
    return table(rows)


def _worth(decisions: Mapping[str, Any]) -> str:
    summed = {part for parts in _WORTH.values() for part in parts}
    columns = _WORTH | {part: (part,) for part in rewards.part_names() if part not in summed}
    rows = [["mean reward", *columns, "total", "of"]]
    for name, by in decisions.items():
        reward = by["assistant"]["reward"]
        known = reward["n"] > 0
        sums = [sum(reward["parts"][part] for part in parts) if known else None for parts in columns.values()]
        rows.append([name, *(_signed(value) for value in (*sums, reward["mean"])), str(reward["n"])])
    return table(rows)


def _listed(title: str, lines: Sequence[str]) -> str:
    more = [f"  and {len(lines) - _SHOWN} more (--json lists all)"] if len(lines) > _SHOWN else []
    return "\n".join([title, *(f"  {line}" for line in lines[:_SHOWN]), *more])


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+z.2f}"

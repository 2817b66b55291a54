"""`inspect`: what is in recorded sessions, as a report in plain JSON types and as tables for a person.

Not here: reading (`state_adapter`), what a decision was worth (`rewards`), where it is legal (`actions`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import rewards
import strict_json
from actions import NAMES, Decision, is_legal
from cli.progress import Progress
from cli.reading import read_with_progress
from cli.tables import pluralise, table
from config import FeaturizerConfig, RewardWeights
from errors import printable
from state_adapter import Episode, Summary, Transition
from training.runs.observer import NullObserver

_MAX_LISTED = 10
"""Skipped files and illegal decisions that the tables list; the JSON has all of them."""


def inspect(episodes_dir: Path, *, strict: bool = False, as_json: bool = False) -> int:
    """The command: reads the folder or file, prints the report, returns the exit code.

    Raises InputError as `read_episodes` does.
    """
    progress = Progress() if sys.stderr.isatty() else None
    episodes, summary = read_with_progress(episodes_dir, progress or NullObserver(), strict=strict)
    if progress is not None:
        progress.close()
    contents = report(episodes, summary, RewardWeights(), FeaturizerConfig().w_max)
    print(strict_json.dumps(contents) if as_json else render(contents))
    return 0


def report(episodes: Sequence[Episode], summary: Summary, weights: RewardWeights, w_max: int) -> dict[str, Any]:
    """What the sessions hold, in plain JSON types; a mean over nothing is None.

    `read`: the summary. `decisions`: for each of the seven by name, how often each agent took it (`read_off`: of
    these, not recorded but read off the texts), and of the assistant's `illegal`, `kept`, `survived` and `reward`.
    `illegal`: each decision that is not legal at its line; one whose line is unknown is not among them. `w_max` in
    bytes, as in `actions.legality_by_line`.
    """
    human = [step for episode in episodes for step in episode.transitions("H")]
    assistant = [(episode, step) for episode in episodes for step in episode.transitions("A")]
    placed = [(episode, step) for episode, step in assistant if step.line >= 0]
    illegal = [(e, step) for e, step in placed if not is_legal(step.state, step.decision, step.line, w_max)]
    return {
        "read": summary.as_dict(),
        "decisions": {
            NAMES[decision]: {
                "human": _times_taken(step for step in human if step.decision == decision),
                "assistant": _times_taken(step for _, step in assistant if step.decision == decision)
                | {"illegal": sum(step.decision == decision for _, step in illegal)}
                | _outcome([step for _, step in assistant if step.decision == decision], weights),
            }
            for decision in Decision
        },
        "illegal": [
            {"source": episode.source, "t": step.state.t, "decision": NAMES[step.decision], "line": step.line}
            for episode, step in illegal
        ],
    }


def _times_taken(steps: Iterable[Transition]) -> dict[str, Any]:
    recorded = [step.action.recorded for step in steps]
    return {"taken": len(recorded), "read_off": len(recorded) - sum(recorded)}


def _outcome(steps: Sequence[Transition], weights: RewardWeights) -> dict[str, Any]:
    """What became of the assistant's decisions of one kind, and what they were worth."""
    worth = [rewards.reward(step, weights) for step in steps]
    return {
        "kept": _mean([reward.retention.retained for reward in worth if reward.retention.retained is not None]),
        "survived": _mean([reward.retention.survived for reward in worth if reward.retention.survived is not None]),
        "reward": _mean([reward.total for reward in worth])
        | {"parts": {part: _mean([reward.parts[part] for reward in worth])["mean"] for part in rewards.part_names()}},
    }


def _mean(values: Sequence[float]) -> dict[str, Any]:
    return {"n": len(values), "mean": sum(values) / len(values) if values else None}


def render(contents: Mapping[str, Any]) -> str:
    """The report as a person reads it: what was read, the decisions, what the assistant's were worth."""
    parts = [_reading(contents["read"]), _decisions(contents["decisions"]), _worth(contents["decisions"])]
    if contents["illegal"]:
        title = "Not legal where they were taken, so left out of the policy's loss:"
        lines = [f"{e['source']}, t {e['t']}: {e['decision']} at line {e['line']}" for e in contents["illegal"]]
        parts.append(_listed(title, lines))
    return "\n\n".join(parts)


def _reading(read: Mapping[str, Any]) -> str:
    used, repaired, skipped = read["used"], read["repaired"], read["skipped"]
    lines = [
        f"read      {pluralise(read['files'], 'file')}, {_sessions(read)}",
        f"used      {_sessions(used)}",
        "repaired  " + (", ".join(f"{repair} ({times})" for repair, times in repaired.items()) or "nothing"),
    ]
    if read["excluded"]:
        lines.append(f"left out  {pluralise(read['excluded'], 'session')}, by you")
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
        shares = [(_share(share["mean"]), str(share["n"])) for share in (assistant["kept"], assistant["survived"])]
        rows.append([name, *map(str, counts), *shares[0], *shares[1]])
    return table(rows)


def _worth(decisions: Mapping[str, Any]) -> str:
    summed = {part for parts in rewards.PART_GROUPS.values() for part in parts}
    columns = rewards.PART_GROUPS | {part: (part,) for part in rewards.part_names() if part not in summed}
    rows = [["mean reward", *columns, "total", "of"]]
    for name, by in decisions.items():
        reward = by["assistant"]["reward"]
        has_reward = reward["n"] > 0
        sums = [sum(reward["parts"][part] for part in parts) if has_reward else None for parts in columns.values()]
        rows.append([name, *(_signed(value) for value in (*sums, reward["mean"])), str(reward["n"])])
    return table(rows)


def _listed(title: str, lines: Sequence[str]) -> str:
    more = [f"  and {len(lines) - _MAX_LISTED} more (--json lists all)"] if len(lines) > _MAX_LISTED else []
    return "\n".join([title, *(f"  {printable(line)}" for line in lines[:_MAX_LISTED]), *more])


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+z.2f}"

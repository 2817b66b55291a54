"""Recorded episodes as tensors: everything about them that does not change between epochs, computed once.

States are kept as the featurizer's compact arrays, decisions as one row each; nothing is padded here. The cost is
linear in the recording. Not here: networks, losses, who is held out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import actions
import rewards
from actions import Decision
from alignment import align
from config import GOAL_DIM, N_DECISIONS, RewardWeights
from featurizers import EncodedStates, Featurizer
from state import State
from state_adapter import Episode, Transition
from training.data.behaviour_policy import LINE_KINDS, BehaviourPolicy, ChoiceSets
from training.data.goal_targets import Goal, goal_vector

UNKNOWN = math.nan
"""A share or probability that is not known."""


@dataclass(frozen=True)
class TransitionTable:
    """N transitions, episode after episode, within an episode by turn; one row each.

    state_index: of the state in the data set's `EncodedStates`. bootstrap_index: of the recording's last state if it
    was cut off behind this transition, else -1. episode: index. is_human: who decided.
    decision, line: what was decided; lines count within the window that the network sees (0 for NO-OP).
    trainable: False if the line is outside the window, or the decision was not legal: no policy loss.
    reward: of an assistant's decision; 0 for the human's. parts `(N, P)`: its components.
    retained: share of what was written that stands at the reply; `UNKNOWN` if nothing was, or there is no reply.
    goal `(N, 8)`: see `training.data.goal_targets`. next_human, next_human_line: the human's answer to an
    assistant's decision, its line in this state's window; -1: none.
    log_decision, log_line: log-probabilities recorded with the decision; `UNKNOWN` if they were not.
    choices: what was on offer, for the behaviour model.
    """

    state_index: Tensor
    bootstrap_index: Tensor
    episode: Tensor
    is_human: Tensor
    decision: Tensor
    line: Tensor
    trainable: Tensor
    reward: Tensor
    parts: Tensor
    retained: Tensor
    goal: Tensor
    next_human: Tensor
    next_human_line: Tensor
    log_decision: Tensor
    log_line: Tensor
    choices: ChoiceSets

    def __len__(self) -> int:
        return len(self.state_index)

    def select(self, rows: Tensor) -> TransitionTable:
        """The given steps: indices in order, or a mask `(N,)`."""
        chosen = {f.name: getattr(self, f.name)[rows] for f in fields(self)}
        return TransitionTable(**chosen)

    def behaviour_log_probs(self, behaviour: BehaviourPolicy | None) -> tuple[Tensor, Tensor]:
        """log b(decision), log b(line | decision), `(N,)` each: as recorded, else the fitted behaviour's."""
        if behaviour is None:
            return self.log_decision, self.log_line
        decision, line = behaviour.log_probs(self.choices)
        unknown = self.log_decision.isnan()
        return torch.where(unknown, decision, self.log_decision), torch.where(unknown, line, self.log_line)

    def to(self, device: torch.device | str) -> TransitionTable:
        """The same on another device, but for the choices, which no network reads."""
        moved = {f.name: getattr(self, f.name).to(device) for f in fields(self) if f.name != "choices"}
        return TransitionTable(**moved, choices=self.choices)


@dataclass(frozen=True)
class Dataset:
    """States, steps of both agents, and what they came from.

    ids: of the episodes. part_names: columns of `TransitionTable.parts`. illegal: assistant decisions that were not
    legal. outside: decisions of either agent at a line outside the network's window; a human's in a file without lines
    has no step at all.
    """

    encoded: EncodedStates
    steps: TransitionTable
    ids: tuple[str, ...]
    part_names: tuple[str, ...]
    illegal: int
    outside: int

    def select_episodes(self, episodes: Iterable[int], *, is_human: bool | None = None) -> TransitionTable:
        """The steps of some episodes, of one agent or (None) both."""
        chosen = torch.isin(self.steps.episode, torch.tensor(sorted(episodes), dtype=torch.int64))
        if is_human is not None:
            chosen &= self.steps.is_human == is_human
        return self.steps.select(chosen)


def build_dataset(
    episodes: Sequence[Episode],
    featurizer: Featurizer,
    weights: RewardWeights | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Dataset:
    """Encodes all states and turns all transitions into rows. `progress` is called once per episode."""
    weights = weights or RewardWeights()
    table = _Table(featurizer.config.w_max, weights)
    encoded = []
    for index, episode in enumerate(episodes):
        part = featurizer.encode(episode.states)
        table.add(index, episode, part, first_row=table.states)
        encoded.append(part)
        progress()
    return Dataset(
        encoded=EncodedStates.concat(encoded),
        steps=table.steps(),
        ids=tuple(episode.id for episode in episodes),
        part_names=table.part_names,
        illegal=table.illegal,
        outside=table.outside,
    )


class _Table:
    """Rows of `TransitionTable` in the making, as plain lists."""

    def __init__(self, w_max: int, weights: RewardWeights) -> None:
        self.w_max, self.weights = w_max, weights
        self.rows: list[dict[str, object]] = []
        self.states = self.illegal = self.outside = 0
        self.part_names: tuple[str, ...] = ()

    def add(self, index: int, episode: Episode, encoded: EncodedStates, first_row: int) -> None:
        goal = Goal.of(episode.states[-1])
        transitions = sorted((*episode.transitions("H"), *episode.transitions("A")), key=lambda x: x.index)
        goals: dict[int, NDArray[np.float32]] = {}
        for transition in transitions:
            if not len(transition.state) and transition.agent == "H" and transition.decision is not Decision.NO_OP:
                self.outside += 1  # no policy has any decision but NO-OP where there is no line
                continue
            at = transition.index
            window = _Window(encoded, at)
            if at not in goals:
                goals[at] = goal_vector(transition.state, goal)
            row = self._decision(transition, window)
            row.update(
                state_index=first_row + at,
                bootstrap_index=first_row + len(episode.states) - 1 if episode.cut_off and transition.done else -1,
                episode=index,
                goal=goals[at],
                **self._next_human(transition, episode, window),
            )
            self.rows.append(row)
        self.states += len(episode.states)

    def _decision(self, transition: Transition, window: _Window) -> dict[str, object]:
        """What was decided, what it was worth, how probable it was."""
        human = transition.agent == "H"
        decision, line = transition.decision, window.line(transition.line)
        no_op = decision is Decision.NO_OP
        inside = no_op or line >= 0
        legal = human or actions.is_legal(transition.state, decision, transition.line, self.w_max)
        self.illegal += not legal
        self.outside += not inside
        learn = inside and legal
        reward = None if human else rewards.reward(transition, self.weights)
        if reward is not None:
            self.part_names = tuple(reward.parts)
        kept = None if reward is None else reward.retention.retained
        log_decision, log_line = _recorded(transition)
        lines, kind = _offer(transition, window, learn and not no_op)
        return {
            "is_human": human,
            "decision": int(decision),
            "line": line if learn and not no_op else 0,
            "trainable": learn,
            "reward": 0.0 if reward is None else reward.total,
            "parts": () if reward is None else tuple(reward.parts.values()),
            "retained": UNKNOWN if kept is None else kept,
            "log_decision": log_decision,
            "log_line": log_line,
            "decisions": window.decisions,
            "lines": lines,
            "line_kind": kind,
        }

    def _next_human(self, transition: Transition, episode: Episode, window: _Window) -> dict[str, object]:
        at = transition.index + 2
        move = episode.actions[at] if at < len(episode.actions) else None
        if transition.agent == "H" or move is None or move.agent != "H" or (move.decision and not window.length):
            return {"next_human": -1, "next_human_line": -1}
        line = move.line
        if line >= 0 and transition.decision is not Decision.NO_OP:
            line = int(align(transition.state.lines, transition.next.lines).source[line])
        return {"next_human": int(move.decision), "next_human_line": window.line(line)}

    def steps(self) -> TransitionTable:
        def whole(name: str) -> Tensor:
            return torch.tensor([row[name] for row in self.rows], dtype=torch.int64)

        def real(name: str) -> Tensor:
            return torch.tensor([row[name] for row in self.rows], dtype=torch.float32)

        def yes(name: str) -> Tensor:
            return torch.tensor([row[name] for row in self.rows], dtype=torch.bool)

        def table(name: str, width: int, kind: type = np.float32) -> Tensor:
            nothing: NDArray[Any] = np.zeros(width, dtype=kind)
            cells = [row[name] if len(row[name]) else nothing for row in self.rows]  # type: ignore[arg-type]
            return torch.from_numpy(np.array(cells, dtype=kind).reshape(len(cells), width))

        choices = ChoiceSets(
            table("decisions", N_DECISIONS, bool), whole("decision"), table("lines", LINE_KINDS), whole("line_kind")
        )
        return TransitionTable(
            state_index=whole("state_index"),
            bootstrap_index=whole("bootstrap_index"),
            episode=whole("episode"),
            is_human=yes("is_human"),
            decision=whole("decision"),
            line=whole("line"),
            trainable=yes("trainable"),
            reward=real("reward"),
            parts=table("parts", len(self.part_names)),
            retained=real("retained"),
            goal=table("goal", GOAL_DIM),
            next_human=whole("next_human"),
            next_human_line=whole("next_human_line"),
            log_decision=real("log_decision"),
            log_line=real("log_line"),
            choices=choices,
        )


class _Window:
    """The lines of one state that the network sees."""

    def __init__(self, encoded: EncodedStates, index: int) -> None:
        start, end = int(encoded.offsets[index]), int(encoded.offsets[index + 1])
        self.first, self.length = int(encoded.first_line[index]), end - start
        self.legal = encoded.legal[start:end]  # (n, 7)
        self.decisions = np.append(True, self.legal[:, 1:].any(0))  # NO-OP needs no line

    def line(self, line: int) -> int:
        """The file's line `line` (-1: none) counted in the window; -1: outside."""
        inside = line - self.first
        return inside if line >= 0 and 0 <= inside < self.length else -1


def _recorded(transition: Transition) -> tuple[float, float]:
    """Log-probabilities of decision and line as recorded.

    If only the pair's is known, the decision of a NO-OP has it; of another decision, both stay unknown.
    """
    pair, decision = transition.action.probability, transition.action.decision_probability
    if transition.decision is Decision.NO_OP:
        known = decision if decision is not None else pair
        return (UNKNOWN, UNKNOWN) if known is None else (math.log(known), 0.0)
    if pair is None or decision is None:
        return UNKNOWN, UNKNOWN
    return math.log(decision), min(math.log(pair) - math.log(decision), 0.0)


def _offer(transition: Transition, window: _Window, chose_line: bool) -> tuple[NDArray[np.float32], int]:
    """Lines of each kind on which the assistant's decision is legal, and the kind of the one chosen (-1: none)."""
    if not chose_line or transition.agent == "H":
        return np.zeros(LINE_KINDS, dtype=np.float32), -1
    kinds = line_kinds(transition.state, window.first, window.length)
    legal = window.legal[:, transition.decision]
    counts = np.bincount(kinds[legal], minlength=LINE_KINDS).astype(np.float32)
    return counts, int(kinds[window.line(transition.line)])


def line_kinds(state: State, first: int, length: int) -> NDArray[np.int64]:
    """Kind of each line in the window, `(length,)`; see `behaviour.LINE_KINDS`."""
    cursor = state.cursor.line if state.cursor.line >= 0 else state.last_known_line
    distance = np.arange(first, first + length) - (cursor if cursor >= 0 else -length)
    near = abs(distance) <= 3
    place = np.select([distance == 0, near & (distance < 0), near, distance < 0], [0, 1, 2, 3], 4)
    blank = np.array([not line.strip() for line in state.lines[first : first + length]], dtype=np.int64)
    return place * 2 + blank

"""One row for each decision that was recorded: what was decided, what it was worth, how probable it was.

Not here: rows as tensors (`transitions.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import actions
import rewards
from actions import Action, Decision
from alignment import align
from config import RewardWeights
from featurizers import EncodedStates
from models.reviewer import Reviewer
from rewards import Reward
from state import State
from state_adapter import Episode, Transition
from training.data.behaviour_policy import LINE_KINDS
from training.data.goal_targets import FinalText, goal_vector
from training.data.reviewed_texts import log_review_ratio

UNKNOWN = math.nan
"""A share or probability that is not known."""


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """A transition of one agent. Of help that was held back: the decision that the policy took, with the reward of the
    NO-OP that the human saw.

    state_index: of the state in the data set's encoded states. bootstrap_index: of the recording's last state if it was
    cut off behind this transition, else -1. episode: index. is_human: who decided.
    decision, line: what was decided; lines count within the window that the network sees (0: there is none).
    trainable: False if the line is outside the window, the decision was not legal, or the human pasted much: it is
    learned and judged nowhere.
    line_trainable: False also if the line was not recorded, or the help was held back: the decision alone counts.
    reward, parts (P,): of an assistant's decision; 0 for the human's.
    retained: share of what was written that stands at the reply; `UNKNOWN` if nothing was, there is no reply, or the
    network does not see the line.
    goal (8,): see `goal_targets`. next_human, next_human_line: the human's reply to an assistant's decision, its line
    in this state's window; -1: none, or a large paste.
    log_decision, log_line: log-probabilities recorded with the decision; `UNKNOWN` if they were not.
    log_review: see `reviewed_texts.log_review_ratio`; 0 if no reviewer was given.
    legal_decisions (7,): legal somewhere. lines_by_kind (LINE_KINDS,): lines on which the assistant's decision is
    legal; line_kind: of the line chosen, -1: none.
    """

    state_index: int
    bootstrap_index: int
    episode: int
    is_human: bool
    decision: int
    line: int
    trainable: bool
    line_trainable: bool
    reward: float
    parts: tuple[float, ...]
    retained: float
    goal: NDArray[np.float32]
    next_human: int
    next_human_line: int
    log_decision: float
    log_line: float
    log_review: float
    legal_decisions: NDArray[np.bool_]
    lines_by_kind: NDArray[np.float32]
    line_kind: int


class RowBuilder:
    """Rows of episodes, one after another, with counts of the decisions that teach no policy.

    w_max: bytes of UTF-8 from which on a line has no room for a completion. reviewer: the one that will serve; None:
    the one that recorded.
    """

    def __init__(self, w_max: int, weights: RewardWeights, reviewer: Reviewer | None = None) -> None:
        self.w_max = w_max
        self.weights = weights
        self.reviewer = reviewer
        self.no_reward = Reward(0.0, dict.fromkeys(rewards.part_names(), 0.0), rewards.Retention())
        self.rows: list[TransitionRow] = []
        self.states = 0
        self.episodes = 0
        self.illegal = 0
        self.outside = 0
        self.without_line = 0
        self.pasted = 0
        self.dropped = 0

    def add(self, episode: Episode, encoded: EncodedStates) -> None:
        """Adds an episode; encoded: its states."""
        goals = _Goals(episode)
        for transition in _in_order(episode):
            if not len(transition.state) and transition.agent == "H" and transition.decision is not Decision.NO_OP:
                self.outside += 1  # no policy has any decision but NO-OP where there is no line
            else:
                self.rows.append(self._row(episode, transition, StateWindow(encoded, transition.index), goals))
        self.states += len(episode.states)
        self.episodes += 1

    def _row(self, episode: Episode, transition: Transition, window: StateWindow, goals: _Goals) -> TransitionRow:
        choice = _choice(transition)
        line = window.line(choice.line)
        trainable, line_trainable = self._trainable(transition, choice, window)
        reward = rewards.reward(transition, self.weights) if transition.agent == "A" else self.no_reward
        log_decision, log_line = _recorded_log_probs(transition.action, choice)
        lines_by_kind, line_kind = _offered_lines(transition, choice, window, line_trainable)
        next_human, next_human_line = _next_human(transition, episode, window)
        is_cut_off = episode.cut_off and transition.done
        return TransitionRow(
            state_index=self.states + transition.index,
            bootstrap_index=self.states + len(episode.states) - 1 if is_cut_off else -1,
            episode=self.episodes,
            is_human=transition.agent == "H",
            decision=int(choice.decision),
            line=line if line_trainable and line >= 0 else 0,
            trainable=trainable,
            line_trainable=line_trainable,
            reward=reward.total,
            parts=tuple(reward.parts.values()),
            retained=_retained(reward, line_trainable),
            goal=goals.at(transition),
            next_human=next_human,
            next_human_line=next_human_line,
            log_decision=log_decision,
            log_line=log_line,
            log_review=0.0 if self.reviewer is None else log_review_ratio(transition, self.reviewer),
            legal_decisions=window.decisions,
            lines_by_kind=lines_by_kind,
            line_kind=line_kind,
        )

    def _trainable(self, transition: Transition, choice: _Choice, window: StateWindow) -> tuple[bool, bool]:
        """Whether the decision, and its line too, are learned and judged; counts those that are not."""
        if transition.agent == "H" and transition.next.pasted:
            self.pasted += 1
            return False, False
        if transition.action.dropped is not None:
            self.dropped += 1
            return False, False
        is_no_op = choice.decision is Decision.NO_OP
        has_line = choice.line >= 0
        is_inside = is_no_op or not has_line or window.line(choice.line) >= 0
        is_legal = transition.agent == "H" or self._is_legal(transition.state, choice, window)
        self.illegal += not is_legal
        self.outside += not is_inside
        self.without_line += not is_no_op and not has_line
        trainable = is_inside and is_legal
        return trainable, trainable and (is_no_op or (has_line and not choice.withheld))

    def _is_legal(self, state: State, choice: _Choice, window: StateWindow) -> bool:
        if choice.line < 0:
            return bool(window.decisions[choice.decision])
        return actions.is_legal(state, choice.decision, choice.line, self.w_max)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What an agent decided; line: of the file, -1: none. withheld: whether its text was held back."""

    decision: Decision
    line: int
    withheld: bool


class StateWindow:
    """The lines of one state that the network sees."""

    def __init__(self, encoded: EncodedStates, index: int) -> None:
        start, end = int(encoded.offsets[index]), int(encoded.offsets[index + 1])
        self.first = int(encoded.first_line[index])
        self.length = end - start
        self.legal = encoded.legal[start:end]  # (n, 7)
        self.decisions = np.append(True, self.legal[:, 1:].any(0))  # NO-OP needs no line

    def line(self, line: int) -> int:
        """The file's line `line` (-1: none) counted in the window; -1: outside."""
        inside = line - self.first
        return inside if line >= 0 and 0 <= inside < self.length else -1


class _Goals:
    """Goal targets of an episode's states, each computed once."""

    def __init__(self, episode: Episode) -> None:
        self.final = FinalText.from_state(episode.states[-1])
        self.vectors: dict[int, NDArray[np.float32]] = {}

    def at(self, transition: Transition) -> NDArray[np.float32]:
        if transition.index not in self.vectors:
            self.vectors[transition.index] = goal_vector(transition.state, self.final)
        return self.vectors[transition.index]


def _in_order(episode: Episode) -> Iterator[Transition]:
    """Both agents' transitions by turn."""
    yield from sorted((*episode.transitions("H"), *episode.transitions("A")), key=lambda x: x.index)


def _choice(transition: Transition) -> _Choice:
    withheld = transition.action.withheld
    if withheld is None:
        return _Choice(transition.decision, transition.line, False)
    return _Choice(withheld.decision, withheld.line, True)


def _retained(reward: Reward, line_trainable: bool) -> float:
    retained = reward.retention.retained
    return UNKNOWN if retained is None or not line_trainable else retained


def _next_human(transition: Transition, episode: Episode, window: StateWindow) -> tuple[int, int]:
    """The human's reply to an assistant's decision: decision and line in the window; -1 each if there is none, or if
    it is a large paste.
    """
    at = transition.index + 2
    reply = episode.actions[at] if at < len(episode.actions) else None
    if transition.agent == "H" or reply is None or reply.agent != "H" or (reply.decision and not window.length):
        return -1, -1
    if episode.states[at].pasted:
        return -1, -1
    line = reply.line
    if line >= 0 and transition.decision is not Decision.NO_OP:
        line = int(align(transition.state.lines, transition.next.lines).source[line])
    return int(reply.decision), window.line(line)


def _recorded_log_probs(action: Action, choice: _Choice) -> tuple[float, float]:
    """Log-probabilities of decision and line as recorded.

    If only the pair's is known, the decision of a NO-OP has it; of another decision, both stay unknown. A decision
    whose line does not count has its own alone.
    """
    pair, decision = action.probability, action.decision_probability
    if choice.decision is Decision.NO_OP and decision is None:
        decision = pair
    if choice.decision is Decision.NO_OP or choice.line < 0 or choice.withheld:
        return (UNKNOWN, UNKNOWN) if decision is None else (math.log(decision), 0.0)
    if pair is None or decision is None:
        return UNKNOWN, UNKNOWN
    return math.log(decision), min(math.log(pair) - math.log(decision), 0.0)


def _offered_lines(
    transition: Transition, choice: _Choice, window: StateWindow, line_trainable: bool
) -> tuple[NDArray[np.float32], int]:
    """Lines of each kind on which the assistant's decision is legal, and the kind of the one chosen (-1: none)."""
    if choice.decision is Decision.NO_OP or not line_trainable or transition.agent == "H":
        return np.zeros(LINE_KINDS, dtype=np.float32), -1
    kinds = line_kinds(transition.state, window.first, window.length)
    legal = window.legal[:, choice.decision]
    counts = np.bincount(kinds[legal], minlength=LINE_KINDS).astype(np.float32)
    return counts, int(kinds[window.line(choice.line)])


def line_kinds(state: State, first: int, length: int) -> NDArray[np.int64]:
    """Kind of each line in the window, `(length,)`; see `behaviour_policy.LINE_KINDS`."""
    cursor = state.cursor.line if state.cursor.line >= 0 else state.last_known_line
    distance = np.arange(first, first + length) - (cursor if cursor >= 0 else -length)
    near = abs(distance) <= 3
    place = np.select([distance == 0, near & (distance < 0), near, distance < 0], [0, 1, 2, 3], 4)
    blank = np.array([not line.strip() for line in state.lines[first : first + length]], dtype=np.int64)
    return place * 2 + blank

"""Recorded episodes as tensors: everything about them that does not change between epochs, computed once.

States are kept as the featurizer's compact arrays, decisions as one row each; nothing is padded here. The cost is
linear in the recording. Not here: what is in a row (`transition_rows.py`), networks, losses, who is held out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

import rewards
from config import GOAL_DIM, N_DECISIONS, RewardWeights
from featurizers import EncodedStates, Featurizer
from models.reviewer import Reviewer
from state_adapter import Episode
from training.data.behaviour_policy import LINE_KINDS, BehaviourPolicy, ChoiceSets
from training.data.transition_rows import RowBuilder, TransitionRow


@dataclass(frozen=True)
class TransitionTable:
    """N transitions, episode after episode, within an episode by turn; one row each.

    Columns are `(N,)` unless they say otherwise, and mean what `TransitionRow` says of them.
    choices: the decisions and lines on offer, for the behaviour model.
    """

    state_index: Tensor
    bootstrap_index: Tensor
    episode: Tensor
    is_human: Tensor
    decision: Tensor
    line: Tensor
    trainable: Tensor
    line_trainable: Tensor
    reward: Tensor
    parts: Tensor  # (N, P)
    retained: Tensor
    goal: Tensor  # (N, 8)
    next_human: Tensor
    next_human_line: Tensor
    log_decision: Tensor
    log_line: Tensor
    log_review: Tensor
    choices: ChoiceSets

    @classmethod
    def from_rows(cls, rows: Sequence[TransitionRow]) -> TransitionTable:
        """A table of the rows, in order."""

        def column(name: str, dtype: torch.dtype) -> Tensor:
            return torch.tensor([getattr(row, name) for row in rows], dtype=dtype)

        def matrix(name: str, width: int) -> Tensor:
            cells = [getattr(row, name) for row in rows]
            return torch.from_numpy(np.array(cells).reshape(len(cells), width))

        return cls(
            state_index=column("state_index", torch.int64),
            bootstrap_index=column("bootstrap_index", torch.int64),
            episode=column("episode", torch.int64),
            is_human=column("is_human", torch.bool),
            decision=column("decision", torch.int64),
            line=column("line", torch.int64),
            trainable=column("trainable", torch.bool),
            line_trainable=column("line_trainable", torch.bool),
            reward=column("reward", torch.float32),
            parts=matrix("parts", len(rewards.part_names())).float(),
            retained=column("retained", torch.float32),
            goal=matrix("goal", GOAL_DIM).float(),
            next_human=column("next_human", torch.int64),
            next_human_line=column("next_human_line", torch.int64),
            log_decision=column("log_decision", torch.float32),
            log_line=column("log_line", torch.float32),
            log_review=column("log_review", torch.float32),
            choices=ChoiceSets(
                decisions=matrix("legal_decisions", N_DECISIONS).bool(),
                decision=column("decision", torch.int64),
                lines=matrix("lines_by_kind", LINE_KINDS).float(),
                line_kind=column("line_kind", torch.int64),
            ),
        )

    def __len__(self) -> int:
        return len(self.state_index)

    @property
    def has_retention(self) -> Tensor:
        """`(N,)` bool: where p(kept) can be learned and judged."""
        return ~self.retained.isnan()

    def select(self, rows: Tensor) -> TransitionTable:
        """The rows at indices `rows`, in order, or where a mask `(N,)` is True."""
        return TransitionTable(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def behaviour_log_probs(self, behaviour: BehaviourPolicy | None) -> tuple[Tensor, Tensor]:
        """log b(decision), log b(line | decision), `(N,)` each: as recorded, else the fitted behaviour's."""
        if behaviour is None:
            return self.log_decision, self.log_line
        decision, line = behaviour.log_probs(self.choices)
        unknown = self.log_decision.isnan()
        return torch.where(unknown, decision, self.log_decision), torch.where(unknown, line, self.log_line)

    def to(self, device: torch.device | str) -> TransitionTable:
        """The table on another device, but for the choices, which no network reads."""
        columns = {f.name: getattr(self, f.name).to(device) for f in fields(self) if f.name != "choices"}
        return TransitionTable(**columns, choices=self.choices)


@dataclass(frozen=True)
class Dataset:
    """States, steps of both agents, and what they came from.

    ids: of the episodes. part_names: columns of `TransitionTable.parts`. illegal: assistant decisions that were not
    legal. outside: decisions of either agent at a line outside the network's window; a human's in a file without lines
    has no step at all. without_line: decisions whose line was not recorded. pasted: the human's with a large paste.
    dropped: the assistant's that the client did not carry out.
    """

    encoded: EncodedStates
    steps: TransitionTable
    ids: tuple[str, ...]
    part_names: tuple[str, ...]
    illegal: int
    outside: int
    without_line: int = 0
    pasted: int = 0
    dropped: int = 0

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
    *,
    reviewer: Reviewer | None = None,
) -> Dataset:
    """Encodes all states and turns all transitions into rows. `progress` is called once per episode.

    reviewer: the one that will serve; None: the one that recorded.
    """
    builder = RowBuilder(featurizer.config.w_max, weights or RewardWeights(), reviewer)
    parts = []
    for episode in episodes:
        encoded = featurizer.encode(episode.states)
        builder.add(episode, encoded)
        parts.append(encoded)
        progress()
    return Dataset(
        encoded=EncodedStates.concat(parts),
        steps=TransitionTable.from_rows(builder.rows),
        ids=tuple(episode.id for episode in episodes),
        part_names=rewards.part_names(),
        illegal=builder.illegal,
        outside=builder.outside,
        without_line=builder.without_line,
        pasted=builder.pasted,
        dropped=builder.dropped,
    )

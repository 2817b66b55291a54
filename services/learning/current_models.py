"""The models that serve, reloaded when training has written new ones; exploration while too little is learned.

PyTorch is loaded at the first use, so that a server can answer other requests before. Not here: how models decide
(`inference`), the text that carries a decision out.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from actions import Action, Decision
from config import FeaturizerConfig
from cpu_load import set_compute_threads
from errors import InputError
from exploration import MODEL
from simulation.assistants import ExploringAssistant, sampled_action
from state import State

if TYPE_CHECKING:
    import torch

    from inference import DecisionRecord
    from models import Models
    from models.sampling import Strategy
    from simulation.person import PairProbabilities

EXPLORATION_SESSIONS = 3
"""Sessions of the person's that a policy must have learned from before it acts; until then exploration does."""

ALTERNATIVES = 5
"""Pairs that an answer names beside the one taken."""


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How a decision is drawn; None: as the server does it. must_help: the person asks for help, so NO-OP is out."""

    strategy: Strategy | None = None
    top_k: int | None = None
    temperature: float | None = None
    epsilon: float | None = None
    must_help: bool = False


AS_SERVED = SamplingOptions()
"""Whatever the server does by itself: exploration, or argmax with epsilon."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision that was taken.

    record: what the network said of it; None: no network was asked. alternatives: pairs and their probability, the most
    probable first. failure: why it is a NO-OP that nobody decided.
    """

    action: Action
    record: DecisionRecord | None = None
    alternatives: tuple[dict[str, Any], ...] = ()
    failure: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The record in plain values, lines from 1 (0: none)."""
        action, record = self.action, self.record
        return {
            "decision": int(action.decision),
            "line": action.line + 1,
            "probability": action.policy_probability,
            "decision_probability": action.decision_probability if record is None else record.decision_probability,
            "behaviour_probability": action.probability,
            "value": action.value,
            "kept": action.kept,
            "model": action.model,
            "legal": True if record is None else record.legal,
            "alternatives": list(self.alternatives),
        }


class CurrentModels:
    """Decides with the current models. For any number of threads, which take turns.

    epsilon: probability of drawing from the distribution under argmax. explore: whether exploration acts while fewer
    than `EXPLORATION_SESSIONS` sessions are learned from. for_person: models of sample sessions and scripted people do
    not answer.
    failure: why the policy cannot answer; None: it can.
    """

    def __init__(
        self,
        folder: Path,
        *,
        epsilon: float,
        explore: bool,
        seed: int | None = None,
        for_person: bool = True,
    ) -> None:
        self.failure: str | None = None
        self.explore = explore
        self._folder, self._epsilon, self._for_person = folder, epsilon, for_person
        self._random = Random(seed)
        self._lock = threading.Lock()
        self._models: Models | None = None
        self._stamp: object = None

    @cached_property
    def _generator(self) -> torch.Generator:
        import torch

        return torch.Generator().manual_seed(self._random.getrandbits(63))

    def models(self) -> Models:
        """The current models. Raises InputError: they cannot be read."""
        with self._lock:
            return self._load()

    @property
    def is_loaded(self) -> bool:
        """Whether the models have been read."""
        return self._models is not None

    def load(self) -> None:
        """Reads the models, so that the next decision need not wait; what is wrong with them becomes `failure`."""
        try:
            self.models()
            self.failure = None
        except InputError as error:
            self.failure = str(error)

    def is_exploring(self) -> bool:
        """Whether exploration acts instead of the policy. Raises InputError: the models cannot be read."""
        return self._explores(self.models())

    def w_max(self) -> int:
        """Bytes from which on the current models' lines are not completed; the default where they cannot be read."""
        try:
            return self.models().featurizer.config.w_max
        except InputError:
            return FeaturizerConfig.w_max

    def description(self) -> str:
        """Who decides, in a line of words. Raises InputError: the models cannot be read."""
        models = self.models()
        if self._explores(models):
            return f"explores: help at random until {EXPLORATION_SESSIONS} sessions are learned from"
        if models.source == "untrained":
            return "keeps quiet: no session is learned from yet"
        if models.source == "baseline":
            return "decides by the packaged models, which learned from other people"
        learned = _sessions(models)
        return f"decides by {models.source}, which learned from {learned} session{'' if learned == 1 else 's'}"

    def decide(
        self, state: State, options: SamplingOptions, agent: Literal["assistant", "human"] = "assistant"
    ) -> Choice:
        """The agent's decision; a NO-OP with a `failure` if its policy cannot answer.

        Raises InputError: an option is out of its range.
        """
        from models.sampling import SamplingRule

        strategy, temperature = options.strategy or "argmax", options.temperature
        SamplingRule(strategy, temperature=1.0 if temperature is None else temperature, epsilon=options.epsilon or 0.0)
        with self._lock:
            try:
                choice = self._decide(state, options, agent)
                self.failure = None
            except Exception as error:  # a damaged file must not keep the person from writing
                self.failure = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
                choice = Choice(Action("A" if agent == "assistant" else "H", Decision.NO_OP, -1), failure=self.failure)
        return choice

    def _decide(self, state: State, options: SamplingOptions, agent: Literal["assistant", "human"]) -> Choice:
        from inference import decide

        models = self._load()
        if agent == "assistant" and replace(options, must_help=False) == AS_SERVED and self._explores(models):
            explorer = _explorer(models.featurizer.config)
            if options.must_help:
                explorer = replace(explorer, noop=0.0)
            pairs = explorer.pair_probabilities(state)
            return Choice(sampled_action(pairs, self._random, MODEL), alternatives=_most_probable(pairs))
        (record,) = decide(
            [state],
            models,
            agent=agent,
            strategy=options.strategy or "argmax",
            top_k=options.top_k,
            temperature=1.0 if options.temperature is None else options.temperature,
            epsilon=self._epsilon if options.epsilon is None else options.epsilon,
            must_help=options.must_help,
            generator=self._generator,
        )
        pairs_taken = [(pair.decision, pair.line, pair.probability) for pair in record.alternatives(ALTERNATIVES)]
        return Choice(record.action, record, _alternatives(pairs_taken))

    def _load(self) -> Models:
        from inference import open_models
        from models.provenance import NOT_A_PERSON, NOTHING

        stamp = self._files_stamp()
        if self._models is None or stamp != self._stamp:
            if self._models is None:
                set_compute_threads(1)
            models = open_models(self._folder)
            trained_on = models.meta.get("trained_on")
            if self._for_person and trained_on in NOT_A_PERSON and trained_on != NOTHING:
                models = open_models(None)
            self._models, self._stamp = models, stamp
        return self._models

    def _explores(self, models: Models) -> bool:
        return self.explore and _sessions(models) < EXPLORATION_SESSIONS

    def _files_stamp(self) -> object:
        """Differs once the files of the current models are others."""
        from models import store

        return [file_stamp(self._folder / name) for name in store.FILES]


def file_stamp(path: Path) -> tuple[int, int, int] | None:
    """Differs once a file is another or has other content; None: there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _explorer(config: FeaturizerConfig) -> ExploringAssistant:
    """Explores where a policy with these settings may decide."""
    return ExploringAssistant(w_max=config.w_max, h_max=config.h_max)


def _sessions(models: Models) -> int:
    """Sessions of the person's that models learned from; the packaged ones learned from other people's."""
    learned = 0 if models.source in ("baseline", "untrained") else models.meta.get("sessions", 0)
    return learned if isinstance(learned, int) else 0


def _most_probable(pairs: PairProbabilities) -> tuple[dict[str, Any], ...]:
    flat = pairs.ravel()
    order = (-flat).argsort(kind="stable")[:ALTERNATIVES].tolist()
    ranked = [(*divmod(index, pairs.shape[1]), float(flat[index])) for index in order if flat[index] > 0]
    return _alternatives([(decision, line if decision else -1, probability) for decision, line, probability in ranked])


def _alternatives(pairs: Sequence[tuple[int, int, float]]) -> tuple[dict[str, Any], ...]:
    """Pairs `(decision, line from 0, probability)` as an answer names them."""
    return tuple(
        {"decision": decision, "line": line + 1, "probability": probability} for decision, line, probability in pairs
    )

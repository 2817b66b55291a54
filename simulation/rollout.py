"""Sessions between simulated people and an assistant, many at once, in lockstep.

One call of the assistant, one of each human policy and one of the judge per ply, whatever the number of games. A game's
chances are its own: it goes the same way whatever games are played beside it, as far as the rounding of networks, which
differs between batches, lets it. Not here: who the players are, search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol
from uuid import UUID

from actions import Decision, apply
from alignment import strip_line_end
from judge import Judge
from line_tracking import retained_share
from simulation.goal import Goal
from simulation.goal_progress import progress
from simulation.oracle_writer import TextWriter
from simulation.person import HumanPolicy, PairProbabilities, Person, Turn, reply
from state import HISTORY_LENGTH, PastDecision, State, unedited
from state_adapter import Action, Agent, Episode

HUMAN_TURN_MS = (1500, 9000)
"""How long a person takes for a turn, on the session's own clock."""
ASSISTANT_TURN_MS = 300
"""How long the assistant takes."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A decision of the assistant's with the probabilities to record. line: from 0, -1: none."""

    decision: Decision
    line: int
    probability: float | None = None
    decision_probability: float | None = None
    model: str | None = None


class Assistant(Protocol):
    """Whoever decides when, where and how to help. It sees states alone."""

    def decide(self, states: Sequence[State], generators: Sequence[Random]) -> Sequence[Chosen]:
        """A legal decision for each state; what is left to chance is drawn from the state's own generator."""
        ...


@dataclass(frozen=True, slots=True)
class RolloutSpec:
    """Where a session begins, with whom, and what they are after.

    before, move: the assistant's decision that led to `root`, if the person is to reply to one (`next_agent` "H").
    seed: of everything that this game leaves to chance.
    """

    root: State
    goal: Goal
    person: Person
    seed: str
    next_agent: Agent = "A"
    before: State | None = None
    move: Action | None = None
    problem_id: str | None = None

    @classmethod
    def at(cls, episode: Episode, index: int, person: Person, seed: str, goal: Goal | None = None) -> RolloutSpec:
        """The session goes on from `episode.states[index]`; the goal is by default what it came to in hindsight."""
        move = episode.actions[index]
        replies = move is not None and move.agent == "A"
        return cls(
            episode.states[index],
            goal or Goal.of(episode),
            person,
            seed,
            "H" if replies else "A",
            episode.states[index - 1] if replies else None,
            move if replies else None,
            episode.problem_id,
        )


def run_rollouts(
    games: Sequence[RolloutSpec],
    assistant: Assistant,
    completer: TextWriter,
    judge: Judge | None = None,
    *,
    horizon: int,
    rounds_after_goal: int | None = None,
) -> list[Episode]:
    """Plays all games and returns what was recorded, the root first; each ends with the person's reply.

    horizon: decisions of the assistant in each game. linger: rounds that a person stays when the goal stands; None:
    until the horizon, so that an end never tells of the goal. judge None: nobody knows what compiles.
    """
    sessions = [_Session.begin(game) for game in games]
    _people_move([session for session in sessions if session.game.next_agent == "H"], judge)
    going = sessions
    for _ in range(horizon):
        going = [session for session in going if not session.left(rounds_after_goal)]
        if not going:
            break
        _assistant_moves(going, assistant, completer, judge)
        _people_move(going, judge)
    return [session.episode(cut_off=not session.left(rounds_after_goal)) for session in sessions]


def apply_assistant_action(state: State, chosen: Chosen, text: str) -> tuple[State, Action]:
    """The assistant's move with its text. One that changes nothing is a NO-OP, whose probability nobody knows."""
    after = apply(state, chosen.decision, chosen.line, text, by="A", t=state.t + 1)
    if chosen.decision is not Decision.NO_OP and after.lines == state.lines:
        return after, Action("A", Decision.NO_OP, -1, recorded=True, model=chosen.model)
    of = (chosen.probability, chosen.decision_probability, chosen.model)
    return after, Action("A", chosen.decision, chosen.line, True, *of)


@dataclass
class _Session:
    """A game under way. rounds_after: how often the assistant has moved since the goal stands."""

    game: RolloutSpec
    states: list[State]
    moves: list[Action | None]
    person: Random
    assistant: Random
    completer: Random
    before: State | None
    move: Action | None
    rounds_since_goal: int = -1

    @classmethod
    def begin(cls, game: RolloutSpec) -> _Session:
        root = replace(_editable(game.root), history=game.root.history or ())
        before = None if game.before is None else _editable(game.before)
        person, assistant, completer = (Random(f"{game.seed}/{of}") for of in ("person", "assistant", "completer"))
        return cls(game, [root], [None], person, assistant, completer, before, game.move)

    @property
    def state(self) -> State:
        return self.states[-1]

    def add(self, state: State, move: Action) -> None:
        """One more state, with the session's clock and the history that is known by now."""
        last = self.state
        past = last.history or ()
        if move.agent == "A":
            took = ASSISTANT_TURN_MS
            past = (*past, PastDecision(last.t, int(move.decision), None))[-HISTORY_LENGTH:]
            self.before, self.move = last, move
        else:
            took = self.person.randint(*HUMAN_TURN_MS)
            if len(self.moves) > 1 and self.move is not None and self.before is not None:
                past = (*past[:-1], replace(past[-1], kept=_kept(self.before, last, state, self.move)))
        clock = None if last.timestamp_ms is None else last.timestamp_ms + took
        self.states.append(replace(state, timestamp_ms=clock, history=past))
        self.moves.append(move)

    def left(self, rounds_after_goal: int | None) -> bool:
        """Whether the person is done and has stayed for `rounds_after_goal` rounds since."""
        return rounds_after_goal is not None and self.rounds_since_goal >= rounds_after_goal

    def note_progress(self) -> None:
        if self.rounds_since_goal >= 0:
            self.rounds_since_goal += 1
        elif progress(self.state.lines, self.game.goal.lines).done:
            self.rounds_since_goal = 0

    def episode(self, *, cut_off: bool) -> Episode:
        game = self.game
        name = UUID(int=Random(f"{game.seed}/{game.person.name}/{game.problem_id}").getrandbits(128), version=4)
        source = f"simulated, with {game.person.name}"
        return Episode(str(name), source, game.problem_id, tuple(self.states), tuple(self.moves), cut_off)


def _kept(before: State, after: State, later_acceptance: State, move: Action) -> float | None:
    if move.decision is Decision.NO_OP or before.lines == after.lines:
        return None
    return retained_share(before, after, later_acceptance)


def _editable(state: State) -> State:
    """The file as an editor shows it: lines without line ends, at least one."""
    if not state.lines:
        return replace(state, lines=("",), human=unedited(1), assistant=unedited(1))
    return replace(state, lines=tuple(strip_line_end(line) for line in state.lines))


def _assistant_moves(
    sessions: Sequence[_Session], assistant: Assistant, completer: TextWriter, judge: Judge | None
) -> None:
    states = [session.state for session in sessions]
    decided = assistant.decide(states, [session.assistant for session in sessions])
    taken = []
    for session, state, chosen in zip(sessions, states, decided, strict=True):
        text = completer.complete(state, chosen.decision, chosen.line, session.game.goal, session.completer)
        taken.append(apply_assistant_action(state, chosen, text))
    assess_lines = _judged([state for state, _ in taken], sessions, judge)
    for session, state, (_, move) in zip(sessions, assess_lines, taken, strict=True):
        session.add(state, move)


def _people_move(sessions: Sequence[_Session], judge: Judge | None) -> None:
    pairs = _ask_policies(sessions)
    replies = [
        reply(
            session.game.person,
            Turn(session.state, session.game.goal, session.before, session.move),
            of,
            session.person,
        )
        for session, of in zip(sessions, pairs, strict=True)
    ]
    states = _judged([made.state for made in replies], sessions, judge)
    for session, state, made in zip(sessions, states, replies, strict=True):
        session.add(state, made.move)
        session.note_progress()


def _ask_policies(sessions: Sequence[_Session]) -> list[PairProbabilities | None]:
    """What each person's policy says of their state; one call for all games that share a policy."""
    asked: dict[int, tuple[HumanPolicy, list[int]]] = {}
    for i, session in enumerate(sessions):
        policy = session.game.person.policy
        if policy is not None:
            asked.setdefault(id(policy), (policy, []))[1].append(i)
    answers: list[PairProbabilities | None] = [None] * len(sessions)
    for policy, rows in asked.values():
        for row, pairs in zip(rows, policy.pairs([sessions[row].state for row in rows]), strict=True):
            answers[row] = pairs
    return answers


def _judged(states: Sequence[State], sessions: Sequence[_Session], judge: Judge | None) -> list[State]:
    """The states with what compiling and testing them gives."""
    if judge is None:
        return list(states)
    verdicts = judge.verdicts(
        [(session.game.goal.problem, state.text) for session, state in zip(sessions, states, strict=True)]
    )
    return [replace(state, env=verdict.env) for state, verdict in zip(states, verdicts, strict=True)]

"""Sessions between simulated people and an assistant, many at once, in lockstep.

One call of the assistant, one of each human policy and one of the judge per ply, whatever the number of rollouts. What
a rollout leaves to chance is its own: it goes the same way whatever is played beside it, as far as the rounding of
networks, which differs between batches, lets it. Not here: who the players are, search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Protocol
from uuid import UUID

from actions import Decision, apply
from alignment import strip_line_end
from delegates import TextWriter
from judge import Judge
from line_tracking import retained_share
from simulation.goal import Goal
from simulation.person import HumanPolicy, PairProbabilities, Person, Turn, draw_reply
from state import PastDecision, State, history_after, unedited, with_reply
from state_adapter import Action, Agent, Episode

HUMAN_TURN_MS = (1500, 9000)
"""How long a person takes for a turn, on the session's own clock."""
ASSISTANT_TURN_MS = 300
"""How long the assistant takes."""


class Assistant(Protocol):
    """Whoever decides when, where and how to help. It sees states alone."""

    def decide(self, states: Sequence[State], generators: Sequence[Random]) -> Sequence[Action]:
        """A legal decision for each state; what is left to chance is drawn from the state's own generator."""
        ...


class WriterFactory(Protocol):
    """Makes the writer of the assistant's text for each session; one that needs no goal may always give the same."""

    def writer_for(self, goal: Goal, generator: Random) -> TextWriter:
        """The writer of a session whose person is after `goal`; what it leaves to chance comes from `generator`."""
        ...


@dataclass(frozen=True, slots=True)
class RolloutSpec:
    """Where a session begins, with whom, and what they are after.

    before, action: the assistant's decision that led to `root`, if the person is to reply to one (`next_agent` "H").
    seed: of everything that this rollout leaves to chance.
    """

    root: State
    goal: Goal
    person: Person
    seed: str
    next_agent: Agent = "A"
    before: State | None = None
    action: Action | None = None
    problem_id: str | None = None

    @classmethod
    def from_episode(
        cls, episode: Episode, index: int, person: Person, seed: str, goal: Goal | None = None
    ) -> RolloutSpec:
        """The session goes on from `episode.states[index]`; the goal is by default what it came to in hindsight."""
        action = episode.actions[index]
        replies = action is not None and action.agent == "A"
        return cls(
            root=episode.states[index],
            goal=goal or Goal.from_episode(episode),
            person=person,
            seed=seed,
            next_agent="H" if replies else "A",
            before=episode.states[index - 1] if replies else None,
            action=action if replies else None,
            problem_id=episode.problem_id,
        )


def run_rollouts(
    specs: Sequence[RolloutSpec],
    assistant: Assistant,
    writers: WriterFactory,
    judge: Judge | None = None,
    *,
    horizon: int,
    rounds_after_goal: int | None = None,
) -> list[Episode]:
    """Plays all rollouts and returns what was recorded, the root first; each ends with the person's reply.

    horizon: decisions of the assistant in each rollout. rounds_after_goal: rounds that a person stays when the goal is
    reached; None: until the horizon, so that an end never tells of the goal. judge None: `env` stays unknown.
    """
    rollouts = [_Rollout.begin(spec, writers) for spec in specs]
    _people_act([rollout for rollout in rollouts if rollout.spec.next_agent == "H"], judge)
    running = rollouts
    for _ in range(horizon):
        running = [rollout for rollout in running if not rollout.is_over(rounds_after_goal)]
        if not running:
            break
        _assistant_acts(running, assistant, judge)
        _people_act(running, judge)
    return [rollout.episode(cut_off=not rollout.is_over(rounds_after_goal)) for rollout in rollouts]


def apply_assistant_action(state: State, action: Action, text: str) -> State:
    """The state that the assistant's action leads to with its text."""
    return apply(state, action.decision, action.line, text, by="A", t=state.t + 1)


@dataclass
class _Rollout:
    """A session under way.

    human_random, assistant_random: what each leaves to chance. before, action: the assistant's latest decision and the
    state that it was taken on. rounds_since_goal: rounds since the goal was reached, -1: it is not.
    """

    spec: RolloutSpec
    writer: TextWriter
    human_random: Random
    assistant_random: Random
    states: list[State]
    before: State | None
    action: Action | None
    actions: list[Action | None] = field(default_factory=lambda: [None])
    rounds_since_goal: int = -1

    @classmethod
    def begin(cls, spec: RolloutSpec, writers: WriterFactory) -> _Rollout:
        return cls(
            spec=spec,
            writer=writers.writer_for(spec.goal, _random(spec.seed, "completer")),
            human_random=_random(spec.seed, "person"),
            assistant_random=_random(spec.seed, "assistant"),
            states=[replace(_editable(spec.root), history=spec.root.history or ())],
            before=None if spec.before is None else _editable(spec.before),
            action=spec.action,
        )

    @property
    def state(self) -> State:
        return self.states[-1]

    @property
    def turn(self) -> Turn:
        """What the person replies to."""
        return Turn(self.state, self.spec.goal, self.before, self.action)

    def add_assistant_action(self, after: State, action: Action) -> None:
        """One more state, to which the assistant's action led."""
        state = self.state
        self._add(after, action, ASSISTANT_TURN_MS, history_after(state.history, state.t, int(action.decision)))
        self.before, self.action = state, action

    def add_human_action(self, after: State, action: Action) -> None:
        """One more state, to which the person's action led; it says what was kept of the assistant's latest text."""
        state = self.state
        history = state.history or ()
        if len(self.actions) > 1 and self.action is not None and self.before is not None:
            history = with_reply(history, retained_share(self.action.decision, self.before, state, after))
        self._add(after, action, self.human_random.randint(*HUMAN_TURN_MS), history)
        if self.rounds_since_goal >= 0:
            self.rounds_since_goal += 1
        elif self.turn.progress.done:
            self.rounds_since_goal = 0

    def _add(self, after: State, action: Action, duration_ms: int, history: tuple[PastDecision, ...]) -> None:
        clock = self.state.timestamp_ms
        timestamp_ms = None if clock is None else clock + duration_ms
        self.states.append(replace(after, timestamp_ms=timestamp_ms, history=history))
        self.actions.append(action)

    def is_over(self, rounds_after_goal: int | None) -> bool:
        """Whether the goal is reached and the person has stayed for `rounds_after_goal` rounds since."""
        return rounds_after_goal is not None and self.rounds_since_goal >= rounds_after_goal

    def episode(self, *, cut_off: bool) -> Episode:
        """What was recorded."""
        spec = self.spec
        identity = _random(spec.seed, spec.person.name, str(spec.problem_id)).getrandbits(128)
        source = f"simulated, with {spec.person.name}"
        states, actions = tuple(self.states), tuple(self.actions)
        return Episode(str(UUID(int=identity, version=4)), source, spec.problem_id, states, actions, cut_off)


def _random(*parts: str) -> Random:
    """The generator of what is named so; names of sessions may hold lone surrogates."""
    return Random("/".join(parts).encode("utf-8", "surrogatepass"))


def _editable(state: State) -> State:
    """The file as an editor shows it: lines without line ends, at least one."""
    if not state.lines:
        return replace(state, lines=("",), human=unedited(1), assistant=unedited(1))
    return replace(state, lines=tuple(strip_line_end(line) for line in state.lines))


def _assistant_acts(rollouts: Sequence[_Rollout], assistant: Assistant, judge: Judge | None) -> None:
    generators = [rollout.assistant_random for rollout in rollouts]
    actions = assistant.decide([rollout.state for rollout in rollouts], generators)
    states = [
        apply_assistant_action(rollout.state, action, _text_of(action, rollout))
        for rollout, action in zip(rollouts, actions, strict=True)
    ]
    states = _judged(states, rollouts, judge)
    for rollout, state, action in zip(rollouts, states, actions, strict=True):
        rollout.add_assistant_action(state, action)


def _text_of(action: Action, rollout: _Rollout) -> str:
    if action.decision is Decision.NO_OP:
        return ""
    return rollout.writer.write(rollout.state, action.decision, action.line).text


def _people_act(rollouts: Sequence[_Rollout], judge: Judge | None) -> None:
    replies = [
        draw_reply(rollout.spec.person, rollout.turn, pairs, rollout.human_random)
        for rollout, pairs in zip(rollouts, _ask_policies(rollouts), strict=True)
    ]
    states = _judged([reply.state for reply in replies], rollouts, judge)
    for rollout, state, reply in zip(rollouts, states, replies, strict=True):
        rollout.add_human_action(state, reply.action)


def _ask_policies(rollouts: Sequence[_Rollout]) -> list[PairProbabilities | None]:
    """What each person's policy says of their state; one call for all rollouts that share a policy."""
    rows_of: dict[int, tuple[HumanPolicy, list[int]]] = {}
    for row, rollout in enumerate(rollouts):
        policy = rollout.spec.person.policy
        if policy is not None:
            rows_of.setdefault(id(policy), (policy, []))[1].append(row)
    answers: list[PairProbabilities | None] = [None] * len(rollouts)
    for policy, rows in rows_of.values():
        pairs = policy.pair_probabilities([rollouts[row].state for row in rows])
        for row, of_state in zip(rows, pairs, strict=True):
            answers[row] = of_state
    return answers


def _judged(states: Sequence[State], rollouts: Sequence[_Rollout], judge: Judge | None) -> list[State]:
    """The states with what compiling and testing them gives."""
    if judge is None:
        return list(states)
    texts = [(rollout.spec.goal.problem, state.text) for rollout, state in zip(rollouts, states, strict=True)]
    return [replace(state, env=verdict.env) for state, verdict in zip(states, judge.verdicts(texts), strict=True)]

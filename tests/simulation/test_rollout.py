"""Sessions in lockstep: real edits, one call per ply, reproducible, recordable; the assistant sees no goal."""

import gc
from dataclasses import fields, replace
from random import Random

import numpy as np
import pytest

from actions import EXPLAIN, Decision, is_legal, protected_lines
from comments import strip_comment
from config import FeaturizerConfig
from delegates import Completion
from featurizers import Featurizer
from judge import SMALL_PROBLEM_LIMITS, Judge
from line_tracking import carry_attribution
from rewards import reward
from simulation.assistants import RandomAssistant, SilentAssistant
from simulation.builtin_problems import BY_ID, PROBLEMS
from simulation.goal import Goal
from simulation.oracle_writer import NoisyOracle
from simulation.rollout import Action, RolloutSpec, apply_assistant_action, run_rollouts
from simulation.scripted_people import PEOPLE
from simulation.sessions import first_state, simulate
from state import Env, PastDecision, State, unedited
from state_adapter import read_episodes, write_snapshot


def same(a, b):
    """Whether two states are equal in every field."""
    return all(
        np.array_equal(x, y) if isinstance(x, np.ndarray) else x == y
        for x, y in ((getattr(a, field.name), getattr(b, field.name)) for field in fields(State))
    )


@pytest.fixture(scope="module")
def sessions():
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        return simulate(list(PEOPLE.values()), 2, RandomAssistant(), judge=judge, seed=11)


class Watching:
    """A random assistant that remembers what it was shown."""

    def __init__(self):
        self.seen, self.calls, self.random = [], 0, RandomAssistant()

    def decide(self, states, generators):
        self.calls += 1
        self.seen += states
        return self.random.decide(states, generators)


def test_human_and_assistant_take_turns_by_legal_decisions(sessions):
    for episode in sessions:
        agents = [move.agent for move in episode.actions[1:]]
        assert agents == ["A", "H"] * (len(agents) // 2) and episode.actions[0] is None
        assert [state.t for state in episode.states] == list(range(1, len(episode.states) + 1))
        for transition in episode.transitions("A"):
            assert is_legal(transition.state, transition.decision, transition.line, 160)
            assert transition.action.model == "random" and transition.reply is not None
            if transition.decision is not Decision.NO_OP:
                assert 0 < transition.action.probability <= transition.action.decision_probability <= 1


def test_attribution_is_that_of_the_edits(sessions):
    for episode in sessions:
        for before, after, move in zip(episode.states, episode.states[1:], episode.actions[1:], strict=False):
            human, assistant = carry_attribution(before, after.lines, move.agent, after.t)
            assert np.array_equal(after.human, human) and np.array_equal(after.assistant, assistant)
            assert after.cursor.on == (move.agent == "H") and protected_lines(after.human).sum() == 1


def test_explanations_of_either_never_change_the_code(sessions):
    explained = 0
    for episode in sessions:
        for agent in ("A", "H"):
            for transition in episode.transitions(agent):
                if transition.decision in EXPLAIN and not transition.next.undone:
                    before, after = (
                        [strip_comment(line) for line in state.lines] for state in (transition.state, transition.next)
                    )
                    assert [line for line in after if line] == [line for line in before if line]
                    explained += 1
    assert explained > 50


def test_states_say_what_compiles_and_passes(sessions):
    for episode in sessions:
        problem = BY_ID[episode.problem_id]
        for state in episode.states[1:]:
            assert state.env is not None and state.env.tests_total == len(problem.cases)
        if episode.states[-1].text.strip("\n") == "\n".join(problem.solution):
            assert episode.states[-1].env == Env(True, len(problem.cases), len(problem.cases))


def test_every_session_can_be_saved_and_opens_like_a_recorded_one(sessions, tmp_path):
    for episode in sessions:
        write_snapshot(episode, tmp_path)
    read, _ = read_episodes(tmp_path, strict=True)
    by_id = {episode.id: episode for episode in read}
    assert len(by_id) == len(sessions)
    for episode in sessions:
        again = by_id[episode.id]
        assert (again.problem_id, again.actions, again.cut_off) == (
            episode.problem_id,
            episode.actions,
            episode.cut_off,
        )
        assert all(same(a, b) for a, b in zip(again.states, episode.states, strict=True))


def test_a_session_taken_up_from_a_recorded_state_can_be_saved_too(sessions, tmp_path):
    games = [RolloutSpec.from_episode(sessions[0], i, PEOPLE["likes_code"], f"{i}") for i in (0, 5, 6, 12)]
    for episode in run_rollouts(games, RandomAssistant(), NoisyOracle(), horizon=3):
        (again,), _ = read_episodes(write_snapshot(episode, tmp_path / episode.id), strict=True)
        assert all(same(a, b) for a, b in zip(again.states, episode.states, strict=True))
        assert again.actions == episode.actions and episode.cut_off


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_session_whose_lines_carry_their_ends_goes_on_without_them(sessions, tmp_path, end):
    """Also where the person's first reply is to take back what the assistant wrote just before."""
    episode = sessions[0]
    ended = [replace(state, lines=tuple(line + end for line in state.lines)) for state in episode.states]
    written = [i for i, move in enumerate(episode.actions) if move and move.agent == "A" and move.decision]
    episode = replace(episode, states=tuple(ended))
    games = [RolloutSpec.from_episode(episode, i, PEOPLE["hates_assistant"], f"{end!r}/{i}") for i in (0, 6, *written)]
    played = run_rollouts(games, RandomAssistant(), NoisyOracle(), horizon=3)
    assert sum(bool(one.states[1].undone) for one in played) > len(written) / 2
    for one in played:
        assert not any(line.endswith(("\r", "\n")) for state in one.states for line in state.lines)
        (again,), _ = read_episodes(write_snapshot(one, tmp_path / one.id), strict=True)
        assert all(same(a, b) for a, b in zip(again.states, one.states, strict=True))
        assert again.actions == one.actions


def test_the_same_seed_gives_the_same_session_whatever_is_played_beside_it(sessions):
    alone = simulate([PEOPLE["likes_comments"]], 2, RandomAssistant(), seed=11)
    beside = [episode for episode in sessions if episode.source.endswith("likes_comments")]
    for a, b in zip(alone, beside, strict=True):
        assert a.id == b.id and a.actions == b.actions
        assert all(same(replace(x, env=None), replace(y, env=None)) for x, y in zip(a.states, b.states, strict=True))
    other = simulate([PEOPLE["likes_comments"]], 3, RandomAssistant(), seed=12)
    assert {episode.id for episode in other}.isdisjoint(episode.id for episode in alone)


def test_everybody_is_asked_once_a_ply(state_of):
    class Policy:
        calls = 0

        def pair_probabilities(self, states):
            self.calls += 1
            return [np.zeros((7, len(state))) for state in states]

    class Polite:
        def __init__(self, name, policy):
            self.name, self.policy = name, policy

        def options(self, turn, pairs):
            assert pairs.shape == (7, len(turn.state))
            return PEOPLE["likes_code"].options(turn, None)

    one, two, assistant = Policy(), Policy(), Watching()
    goal = Goal(("a = 1", "b = 2"))
    games = [
        RolloutSpec(state_of("a", cursor=0), goal, Polite(f"p{i}", one if i % 2 else two), f"{i}") for i in range(6)
    ]
    run_rollouts(games, assistant, NoisyOracle(), horizon=4)
    assert (assistant.calls, one.calls, two.calls) == (4, 4, 4)


def test_a_game_from_a_state_of_the_assistants_begins_with_the_person(sessions):
    episode = sessions[0]
    theirs, own = (
        RolloutSpec.from_episode(episode, 5, PEOPLE["likes_code"], "a"),
        RolloutSpec.from_episode(episode, 6, PEOPLE["likes_code"], "a"),
    )
    assert episode.actions[5].agent == "A" and theirs.next_agent == "H" and theirs.before is episode.states[4]
    assert own.next_agent == "A" and own.action is None
    first, second = run_rollouts([theirs, own], RandomAssistant(), NoisyOracle(), horizon=2)
    assert [move.agent for move in first.actions[1:]] == ["H", "A", "H", "A", "H"]
    assert [move.agent for move in second.actions[1:]] == ["A", "H", "A", "H"]


def test_a_person_replies_to_the_decision_that_led_to_the_root(sessions):
    """Whoever hates comments takes back the one that was written just before the session was taken up."""
    root = first_state(PROBLEMS[0])
    chosen = Action("A", Decision.EXPLAIN_SINGLE_LINES, 1)
    after = apply_assistant_action(root, chosen, "a comment")
    goal = Goal.from_problem(PROBLEMS[0])
    games = [
        RolloutSpec(after, goal, PEOPLE["hates_comments"], f"{i}", "H", root, chosen, PROBLEMS[0].id) for i in range(20)
    ]
    ended = run_rollouts(games, SilentAssistant(), NoisyOracle(), horizon=0)
    assert sum(episode.states[-1].lines == root.lines for episode in ended) >= 17


def test_history_is_what_is_known_by_then(state_of):
    root = state_of("x = 1", "", cursor=1, history=(PastDecision(0, 2, 0.5),))
    goal = Goal(("x = 1", "y = 2", "z = 3"))
    (episode,) = run_rollouts(
        [RolloutSpec(root, goal, PEOPLE["likes_code"], "7")], RandomAssistant(), NoisyOracle(1, 0), horizon=6
    )
    for i, state in enumerate(episode.states):
        assert state.history[0] == PastDecision(0, 2, 0.5)
        taken = [move for move in episode.actions[1 : i + 1] if move.agent == "A"]
        assert [past.decision for past in state.history[1:]] == [move.decision for move in taken]
        if episode.actions[i] is not None and episode.actions[i].agent == "A":
            assert state.history[-1].kept is None
    changed = [after.lines != before.lines for before, after in zip(episode.states, episode.states[1:], strict=False)]
    answered = [i for i, action in enumerate(episode.actions[:-1]) if action and action.agent == "A" and changed[i - 1]]
    retained = {past.t: past.kept for past in episode.states[-1].history[1:]}
    assert answered and all(retained[episode.states[i - 1].t] is not None for i in answered)


def test_a_decision_that_changes_nothing_leaves_the_file_and_is_recorded_as_it_was_taken(state_of):
    state = state_of("x = 1")
    action = Action("A", Decision.WRITE_SINGLE_LINE, 0, True, 0.2, 0.4, "m")
    for text in ("", "x = 1", "   \n"):
        after = apply_assistant_action(state, action, text)
        assert after.lines == state.lines and after.t == 4

    class Repeating:
        def writer_for(self, goal, generator):
            return self

        def write(self, state, decision, line):
            return Completion(state.lines[line] if line >= 0 else "", "repeating")

    class Writing:
        def decide(self, states, generators):
            return [action for _ in states]

    root = RolloutSpec(state, Goal(("x = 1", "y = 2")), PEOPLE["likes_code"], "1", next_agent="A")
    (episode,) = run_rollouts([root], Writing(), Repeating(), horizon=1)
    assert episode.actions[1] == action
    (transition,) = episode.transitions("A")
    assert reward(transition).total == 0.0


class FixedWriter:
    """A writer that needs no goal, and so is the same for all sessions."""

    def __init__(self):
        self.asked = []

    def writer_for(self, goal, generator):
        return self

    def write(self, state, decision, line):
        self.asked.append((state, decision, line))
        return Completion("written = 1", "fixed", (-0.1, -0.3))


def test_a_writer_is_asked_for_each_decision_but_a_noop_and_its_text_is_carried_out(state_of):
    goal, writer = Goal(("x = 1", "y = 2")), FixedWriter()
    specs = [RolloutSpec(state_of("x = 1", "", cursor=1), goal, PEOPLE["clumsy"], f"{i}") for i in range(10)]
    episodes = run_rollouts(specs, RandomAssistant(), writer, horizon=4)
    assert len(writer.asked) > 10 and Decision.NO_OP not in {decision for _, decision, _ in writer.asked}
    assert all(is_legal(state, decision, line, 160) for state, decision, line in writer.asked)
    written = [t for episode in episodes for t in episode.transitions("A") if t.decision]
    assert all(any("written = 1" in line for line in t.next.lines) for t in written) and len(written) > 10


def test_without_rounds_after_the_goal_no_end_tells_of_it():
    goal = Goal.from_problem(PROBLEMS[0])
    done = replace(
        first_state(PROBLEMS[0]), lines=goal.lines, human=unedited(len(goal.lines)), assistant=unedited(len(goal.lines))
    )
    games = [RolloutSpec(done, goal, PEOPLE["likes_code"], "1")]
    (until_the_end,) = run_rollouts(games, SilentAssistant(), NoisyOracle(), horizon=5)
    assert len(until_the_end.states) == 11 and until_the_end.cut_off
    (lingering,) = run_rollouts(games, SilentAssistant(), NoisyOracle(), horizon=5, rounds_after_goal=2)
    assert len(lingering.states) == 7 and not lingering.cut_off


def test_the_assistant_sees_the_same_whatever_the_goal_is(state_of):
    """Planted leak: two goals, one text. As long as the texts are the same, every field of what it sees is."""
    root = state_of("def f(a):", "    ", "    return a", cursor=1)
    goals = (Goal(("def f(a):", "    b = 1", "    return a")), Goal(("def f(a):", "    while a:", "        a -= 1")))
    sleeper = replace(PEOPLE["likes_comments"], wait_rate=1.0, name="sleeper")
    seen = []
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        for goal in goals:
            assistant = Watching()
            assistant.random = SilentAssistant()
            run_rollouts([RolloutSpec(root, goal, sleeper, "1")], assistant, NoisyOracle(), judge, horizon=4)
            seen.append(assistant.seen)
    assert len(seen[0]) == 4 and all(same(a, b) for a, b in zip(*seen, strict=True))


def test_problems_show_in_env_alone_and_no_feature_is_made_of_it():
    """Two problems, one text: what a network is shown is the same, though other cases pass."""
    root = first_state(PROBLEMS[0])
    sleeper = replace(PEOPLE["likes_comments"], wait_rate=1.0, name="sleeper")
    seen = []
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        for problem in PROBLEMS[:2]:
            games = [RolloutSpec(root, Goal.from_problem(problem), sleeper, "1", "H")]
            (episode,) = run_rollouts(games, SilentAssistant(), NoisyOracle(), judge, horizon=2)
            seen.append(episode.states)
    assert all(a.env != b.env and same(replace(a, env=b.env), b) for a, b in zip(*(of[1:] for of in seen), strict=True))
    one, other = (Featurizer(FeaturizerConfig()).encode(states) for states in seen)
    for field in fields(one):
        if field.name != "texts":
            assert np.array_equal(getattr(one, field.name), getattr(other, field.name))


def test_no_goal_can_be_reached_from_what_the_assistant_sees():
    goal = Goal(("def secret():", "    return 41 + 1"), PROBLEMS[1])
    assistant = Watching()
    run_rollouts(
        [RolloutSpec(first_state(PROBLEMS[0]), goal, PEOPLE["likes_code"], "1")], assistant, NoisyOracle(), horizon=3
    )
    frontier, reached = list(assistant.seen), set()
    while frontier:
        thing = frontier.pop()
        if id(thing) in reached or isinstance(thing, type) or type(thing).__name__ == "module":
            continue
        reached.add(id(thing))
        assert thing is not goal and thing is not goal.lines and thing is not goal.problem
        frontier += gc.get_referents(thing)


def test_a_ply_without_judging_costs_few_steps(steps):
    lines = tuple(f"    value_{i} = compute({i}, other[{i * 7 % 5}])" for i in range(30))
    root = State(lines[:20], 1, unedited(20), unedited(20), last_known_line=19)
    games = [RolloutSpec(root, Goal(lines), PEOPLE["likes_code"], f"{i}") for i in range(20)]
    run_rollouts(games, RandomAssistant(), NoisyOracle(), horizon=1)
    games = [replace(game, seed=f"other {game.seed}") for game in games]
    episodes = []
    done = steps(lambda: episodes.extend(run_rollouts(games, RandomAssistant(), NoisyOracle(), horizon=6)))
    assert done / sum(len(episode.states) - 1 for episode in episodes) < 4000


@pytest.mark.parametrize("seed", range(3))
def test_any_root_and_any_goal_can_be_played(seed):
    generator = Random(seed)
    texts = ["", "   ", "a = 1", "# b", "\tx", "'''", "é" * 200, "\ud800", "\x00", "return", "a = 1\r\n"]
    games = []
    for i in range(60):
        lines = tuple(generator.choice(texts) for _ in range(generator.randrange(6)))
        goal = Goal(
            tuple(line.rstrip("\r\n") for line in generator.choices(texts, k=generator.randrange(6))), notes=("n",)
        )
        person = generator.choice(list(PEOPLE.values()))
        games.append(
            RolloutSpec(State(lines, 2, unedited(len(lines)), unedited(len(lines))), goal, person, f"{seed}/{i}")
        )
    for episode in run_rollouts(games, RandomAssistant(), NoisyOracle(), horizon=4):
        assert len(episode.states) == 9


def test_a_session_may_have_lone_surrogates_in_its_names(sessions):
    episode = replace(sessions[0], id="id\ud800", problem_id="p\udfff")
    game = RolloutSpec.from_episode(episode, 4, PEOPLE["likes_code"], "seed\ud800/4")
    (played,) = run_rollouts([game], RandomAssistant(), NoisyOracle(), horizon=2)
    assert len(played.states) > 4 and played.problem_id == "p\udfff"

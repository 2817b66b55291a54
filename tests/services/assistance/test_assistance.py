"""Help without HTTP: what is decided, written, cleaned, reviewed and answered, and what is recorded of it."""

import threading
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import Action, Decision, Review, apply_text, is_legal
from delegates import Cancellation, Completion, WriterUnavailableError, WritingCancelledError, WritingContext
from delegates.cleaning import clean
from delegates.tutor import Tutor
from errors import InputError
from judge import Problem
from services.assistance import assistance as assistance_module
from services.assistance.assistance import Assistance, HelpRequest
from services.learning.current_models import Choice, SamplingOptions
from state import Cursor, State, unedited


class FixedModels:
    """Decides as it is told."""

    def __init__(self, decision=Decision.WRITE_SINGLE_LINE, line=0, failure=None, w_max=160):
        self.action = Action("A", decision, line, probability=0.25, decision_probability=0.5, model="fixed", kept=0.7)
        self.failure, self._w_max = failure, w_max

    def decide(self, state, options, agent="assistant"):
        return Choice(self.action, failure=self.failure)

    def w_max(self):
        return self._w_max


class FixedWriter:
    """Writes a text, or raises, or does what it is told."""

    def __init__(self, text="x = 1", log_probs=(-0.5, -0.1), error=None, act=lambda context: None):
        self.text, self.log_probs, self.error, self.act = text, log_probs, error, act
        self.asked = []

    def write(self, state, decision, line, context):
        self.asked.append((decision, line, state.cursor))
        self.act(context)
        if self.error is not None:
            raise self.error
        return Completion(self.text, "fixed-writer", self.log_probs)


class FixedReviewer:
    """Shows all or nothing."""

    def __init__(self, shown=True, explored=False):
        self.shown, self.explored, self.seen = shown, explored, []

    def review(self, state, after, action, completion, generator):
        self.seen.append((tuple(after), action, completion.text))
        probability = 0.05 if self.explored or not self.shown else 1.0
        return Review(0.2 if probability < 1 else 0.8, 0.4, probability, self.shown, self.explored)


def as_it_is(text, state, decision, line, rejected=()):
    return text


def state_of(*lines, cursor=0, column=None, protected=()):
    human = unedited(len(lines)).copy()
    for line in protected:
        human[line] = (0, 0, max(len(lines[line]), 1), 1, 0, 0)
    at = Cursor(True, cursor, len(lines[cursor]) if column is None else column, 3)
    return State(tuple(lines), 3, human, unedited(len(lines)), at, last_known_line=cursor)


def assistance(models=None, writer=None, reviewer=None, cleaner=as_it_is, **options):
    return Assistance(models or FixedModels(), writer or FixedWriter(), reviewer or FixedReviewer(), cleaner, **options)


def ask(parts, state, **request):
    return parts.help(HelpRequest(state, request.pop("context", WritingContext()), **request))


def test_help_is_decided_written_reviewed_and_shown_with_its_whole_record():
    reviewer = FixedReviewer()
    outcome = ask(assistance(reviewer=reviewer), state_of("", "y = 2"))
    action = outcome.action
    assert outcome.lines == ("x = 1", "y = 2") and outcome.failure is None
    assert (action.decision, action.line) == (Decision.WRITE_SINGLE_LINE, 0)
    assert (action.probability, action.decision_probability, action.kept) == (0.25, 0.5, 0.7)
    assert action.writer.name == "fixed-writer" and action.writer.tokens == 2
    assert action.writer.mean_log_prob == pytest.approx(-0.3) and action.writer.min_log_prob == -0.5
    assert action.review == Review(0.8, 0.4, 1.0, True, False) and action.withheld is None
    assert set(outcome.milliseconds) == {"policy", "writer", "reviewer"}
    assert action.writer.latency_ms == outcome.milliseconds["writer"]
    assert reviewer.seen[0][0] == outcome.lines and reviewer.seen[0][2] == "x = 1"


def test_withheld_help_leaves_the_file_alone_and_is_recorded_with_its_decision_and_text():
    outcome = ask(assistance(reviewer=FixedReviewer(shown=False)), state_of("", "y = 2"))
    assert outcome.lines == ("", "y = 2")
    action = outcome.action
    assert (action.decision, action.line) == (Decision.NO_OP, -1)
    assert (action.withheld.decision, action.withheld.line, action.withheld.text) == (2, 0, "x = 1")
    assert action.review.shown is False and action.writer.name == "fixed-writer"
    assert (action.probability, action.decision_probability) == (0.25, 0.5)


def test_a_silent_decision_asks_nobody_to_write():
    writer, reviewer = FixedWriter(), FixedReviewer()
    outcome = ask(assistance(FixedModels(Decision.NO_OP, -1), writer, reviewer), state_of("a"))
    assert (outcome.lines, outcome.action.decision, writer.asked, reviewer.seen) == (("a",), Decision.NO_OP, [], [])


@pytest.mark.parametrize("text", ["", "   ", "a"])
def test_a_text_of_which_nothing_is_left_changes_nothing_and_is_not_reviewed(text):
    reviewer = FixedReviewer()
    outcome = ask(assistance(writer=FixedWriter(text), reviewer=reviewer), state_of("a"))
    assert outcome.lines == ("a",) and reviewer.seen == [] and outcome.action.review is None
    assert outcome.action.writer.name == "fixed-writer"


@pytest.mark.parametrize(
    ("error", "words"),
    [(WriterUnavailableError("the server is gone"), "the server is gone"), (KeyError("token"), "KeyError")],
)
def test_a_writer_that_fails_is_a_note_and_silence_and_forgotten_once_it_writes_again(error, words):
    parts = assistance(writer=FixedWriter(error=error))
    outcome = ask(parts, state_of("a", ""))
    assert outcome.lines == ("a", "") and words in outcome.failure and words in parts.writer_failure
    parts.writer = FixedWriter()
    assert ask(parts, state_of("a", "")).failure is None and parts.writer_failure is None


def test_a_cleaner_that_fails_is_silence_too():
    def broken(*arguments):
        raise RecursionError("too deep")

    outcome = ask(assistance(cleaner=broken), state_of("a"))
    assert outcome.lines == ("a",) and "too deep" in outcome.failure


def test_a_writer_that_hangs_is_told_to_stop_and_answered_by_silence():
    release, stopped = threading.Event(), []

    def hang(context):
        context.cancellation.on_cancel(lambda: stopped.append(True))
        release.wait(30)

    outcome = ask(assistance(writer=FixedWriter(act=hang), writer_seconds=0.05), state_of("a"))
    release.set()
    assert outcome.lines == ("a",) and "took longer than 0.05 s" in outcome.failure and stopped == [True]


def test_a_superseded_request_is_not_answered():
    cancellation = Cancellation()
    writer = FixedWriter(act=lambda context: cancellation.cancel())
    with pytest.raises(WritingCancelledError):
        ask(assistance(writer=writer), state_of("a"), context=WritingContext(cancellation=cancellation))
    with pytest.raises(WritingCancelledError):
        ask(
            assistance(FixedModels(Decision.NO_OP, -1)),
            state_of("a"),
            context=WritingContext(cancellation=cancellation),
        )


def test_a_policy_that_cannot_answer_keeps_quiet_and_says_why():
    outcome = ask(assistance(FixedModels(Decision.NO_OP, -1, failure="damaged")), state_of("a"))
    assert (outcome.lines, outcome.failure) == (("a",), "damaged")


def test_what_a_client_decides_is_shown_whatever_the_reviewer_says_and_recorded_as_certain():
    parts = assistance(FixedModels(Decision.NO_OP, -1), reviewer=FixedReviewer(shown=False))
    outcome = ask(parts, state_of("", "b"), decided=(Decision.WRITE_SINGLE_LINE, 0))
    assert outcome.lines == ("x = 1", "b") and outcome.action.probability is None
    assert (outcome.action.review.shown, outcome.action.review.shown_probability) == (True, 1.0)


def test_what_the_person_asked_for_by_a_key_is_shown_whatever_the_reviewer_says():
    parts = assistance(reviewer=FixedReviewer(shown=False))
    assert ask(parts, state_of("", "b")).action.withheld is not None
    outcome = ask(parts, state_of("", "b"), options=SamplingOptions(must_help=True))
    assert outcome.action.withheld is None and outcome.action.review.shown_probability == 1.0


class WriterOf:
    """Has a text for one decision alone."""

    name = "one"

    def __init__(self, decision):
        self.decision, self.asked = decision, []

    def write(self, state, decision, line, context):
        self.asked.append(decision)
        return Completion("x = 1" if decision is self.decision else "", self.name)


def test_where_help_was_asked_for_another_decision_is_tried_if_there_is_no_text_for_the_one_taken():
    writer = WriterOf(Decision.FILL_PARTIAL_LINE)
    parts = assistance(FixedModels(Decision.WRITE_MULTI_LINE, 0), writer)
    assert ask(parts, state_of("", "b")).lines == ("", "b") and writer.asked == [Decision.WRITE_MULTI_LINE]
    outcome = ask(parts, state_of("", "b"), options=SamplingOptions(must_help=True))
    assert outcome.lines == ("x = 1", "b") and outcome.action.decision is Decision.FILL_PARTIAL_LINE
    assert outcome.action.probability is None and outcome.choice.action.decision is Decision.FILL_PARTIAL_LINE


def test_where_help_was_asked_for_and_nobody_has_a_text_the_decision_stays_that_of_the_policy():
    writer = WriterOf(None)
    parts = assistance(FixedModels(Decision.WRITE_MULTI_LINE, 0), writer)
    outcome = ask(parts, state_of("", "b"), options=SamplingOptions(must_help=True))
    assert outcome.lines == ("", "b") and outcome.action.decision is Decision.WRITE_MULTI_LINE
    assert len(writer.asked) == len(set(writer.asked)) > 3


def rejecting(*decisions):
    """A writer that has a rejected text for these decisions and none for others."""

    class Rejecting:
        def write(self, state, decision, line, context):
            return Completion("", "rejecting", is_rejected=decision in decisions)

    return Rejecting()


@pytest.mark.parametrize("decision", [Decision.WRITE_MULTI_LINE, Decision.FILL_PARTIAL_LINE])
def test_where_the_only_text_was_rejected_the_answer_says_so(decision):
    parts = assistance(FixedModels(Decision.WRITE_MULTI_LINE, 0), rejecting(decision))
    outcome = ask(parts, state_of("", "b"), options=SamplingOptions(must_help=True))
    assert outcome.is_rejected and outcome.lines == ("", "b") and outcome.failure is None


def test_a_text_that_the_cleaning_drops_as_rejected_is_told_from_one_of_no_use():
    context = WritingContext(rejected=("x = 1",))
    for text, is_rejected in (("x = 1", True), ("(", False), ("", False)):
        outcome = ask(assistance(writer=FixedWriter(text), cleaner=clean), state_of("", "b"), context=context)
        assert (outcome.is_rejected, outcome.lines) == (is_rejected, ("", "b"))


def test_a_text_that_another_decision_has_makes_the_answer_no_rejected_one():
    class Writer:
        def write(self, state, decision, line, context):
            is_first = decision is Decision.WRITE_MULTI_LINE
            return Completion("" if is_first else "x = 1", "writer", is_rejected=is_first)

    parts = assistance(FixedModels(Decision.WRITE_MULTI_LINE, 0), Writer())
    outcome = ask(parts, state_of("", "b"), options=SamplingOptions(must_help=True))
    assert outcome.lines == ("x = 1", "b") and not outcome.is_rejected


def test_what_a_client_decides_away_from_the_cursor_is_done_there_at_the_lines_end():
    writer = FixedWriter("3", None)
    outcome = ask(assistance(writer=writer), state_of("a = ", "b"), decided=(Decision.FILL_PARTIAL_LINE, 1))
    assert outcome.lines == ("a = ", "b3") and writer.asked == [(1, 1, Cursor(True, 1, 1, 3))]


def test_a_client_may_not_change_the_skeleton():
    writer = FixedWriter()
    outcome = ask(
        assistance(writer=writer), state_of("def f():", "", protected=[0]), decided=(Decision.EDIT_EXISTING_LINES, 0)
    )
    assert outcome.action.decision is Decision.NO_OP and writer.asked == [] and "line 1" in outcome.failure


@pytest.mark.parametrize(("w_max", "decision"), [(4, Decision.NO_OP), (5, Decision.FILL_PARTIAL_LINE)])
def test_a_line_that_the_current_models_do_not_complete_is_not_completed_for_a_client_either(w_max, decision):
    parts = assistance(FixedModels(w_max=w_max), FixedWriter("3"))
    outcome = ask(parts, state_of("a = ", "b"), decided=(Decision.FILL_PARTIAL_LINE, 0))
    assert outcome.action.decision is decision


def test_a_persons_text_is_not_reviewed_and_may_be_anywhere():
    reviewer = FixedReviewer(shown=False)
    outcome = ask(
        assistance(FixedModels(Decision.EDIT_EXISTING_LINES, 0), reviewer=reviewer),
        state_of("def f():", "", cursor=1, protected=[0]),
        agent="human",
    )
    assert outcome.lines == ("x = 1", "") and reviewer.seen == [] and outcome.action.review is None


def test_options_out_of_range_are_the_clients_to_mend():
    class Refusing(FixedModels):
        def decide(self, state, options, agent="assistant"):
            raise InputError("temperature", "is 0")

    with pytest.raises(InputError):
        ask(assistance(Refusing()), state_of("a"))


TEXTS = st.text("ab=(): \n\t#'\"\r", max_size=30)
LINES = st.lists(st.text("ab=(): #'\t", max_size=12), min_size=1, max_size=6)


@given(LINES, st.data(), st.sampled_from(list(Decision)[1:]), TEXTS, st.sampled_from([as_it_is, clean]))
def test_what_is_shown_is_what_applying_the_cleaned_text_gives(lines, data, decision, text, cleaner):
    line = data.draw(st.integers(0, len(lines) - 1))
    state = state_of(*lines, cursor=line, column=data.draw(st.integers(0, len(lines[line]))))
    outcome = ask(assistance(FixedModels(decision, line), FixedWriter(text), cleaner=cleaner), state)
    expected = apply_text(state.lines, decision, line, cleaner(text, state, decision, line), state.cursor.char)
    assert outcome.failure is None and list(outcome.lines) == expected
    assert (outcome.action.review is None) == (expected == lines)
    assert (outcome.action.decision, outcome.action.line) == (decision, line)


@given(LINES, st.data(), st.sampled_from(list(Decision)[1:]), TEXTS)
def test_what_a_client_decides_is_done_where_it_is_legal_and_nowhere_else(lines, data, decision, text):
    line = data.draw(st.integers(0, len(lines) - 1))
    protected = data.draw(st.sets(st.integers(0, len(lines) - 1)))
    state = state_of(*lines, cursor=line, protected=protected)
    outcome = ask(assistance(writer=FixedWriter(text)), state, decided=(decision, line))
    if is_legal(state, decision, line, 160):
        assert list(outcome.lines) == apply_text(state.lines, decision, line, text, state.cursor.char)
    else:
        assert list(outcome.lines) == lines and outcome.failure is not None


def test_the_reviewers_draws_follow_the_seed():
    class Drawing(FixedReviewer):
        def review(self, state, after, action, completion, generator):
            return Review(0.1, 0.4, 0.5, generator.random() < 0.5, False)

    def shown(seed):
        parts = assistance(reviewer=Drawing(), seed=seed)
        return [ask(parts, state_of("")).action.review.shown for _ in range(20)]

    assert shown(1) == shown(1)
    assert shown(1)[0] == (Random(1).random() < 0.5) and len(set(shown(1))) == 2


PROBLEM = Problem("p", "f", (), solution=("def f(a):", "    b = a + 1", "    return b"), skeleton=1)


@pytest.mark.parametrize(("tutor", "problem", "writer"), [
    (Tutor(), PROBLEM, "tutor"), (None, PROBLEM, "fixed-writer"), (Tutor(), None, "fixed-writer"),
    (Tutor(), Problem("p", "f", ()), "fixed-writer"),
])  # fmt: skip
def test_the_tutor_writes_where_the_person_chose_it_and_there_is_a_solution(tutor, problem, writer):
    parts = assistance(FixedModels(Decision.WRITE_MULTI_LINE, 1), tutor=tutor, cleaner=clean)
    outcome = ask(parts, state_of("def f(a):", "    ", cursor=1), context=WritingContext(problem))
    assert outcome.action.writer.name == writer
    if writer == "tutor":
        assert outcome.lines == PROBLEM.solution[:2]


def test_a_file_that_nobody_may_help_with_is_answered_by_a_no_op_and_neither_decided_nor_written():
    class NoModels:
        def decide(self, *arguments):
            raise AssertionError("the policy was asked")

    writer = FixedWriter()
    parts = assistance(models=NoModels(), writer=writer)
    for decided in (None, (Decision.WRITE_SINGLE_LINE, 0)):
        outcome = ask(parts, state_of("", "y = 2"), decided=decided, refusal="notes.md is not Python")
        assert (outcome.action.decision, outcome.lines) == (Decision.NO_OP, outcome.before)
        assert outcome.failure == "notes.md is not Python" and not writer.asked


def test_all_texts_of_a_request_are_written_within_its_time(monkeypatch):
    now, limits = [100.0], []

    def run_within(seconds, work, cancellation):
        limits.append(round(seconds, 6))
        now[0] += 1.5
        return work(cancellation)

    monkeypatch.setattr(assistance_module, "run_within", run_within)
    monkeypatch.setattr(assistance_module.time, "monotonic", lambda: now[0])
    parts = assistance(FixedModels(Decision.WRITE_SINGLE_LINE), FixedWriter(text=""), writer_seconds=2.0)
    outcome = ask(parts, state_of("a"), options=SamplingOptions(must_help=True))
    assert outcome.lines == ("a",) and limits == [2.0, 0.5], "a third one would have begun without any time"

"""What a model is asked for each decision, and how far its answer may go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import Decision, apply_text
from delegates import NO_CONTEXT, Completion, WritingContext
from delegates.prompts import (
    SECOND_TEMPERATURE,
    SERVER_WINDOW,
    AnswerCollector,
    AnswerToken,
    Prompt,
    Window,
    best_answer,
    build_prompt,
    end_of_answer,
    is_rejected,
)

FILE = "import math\ndef f(x):\n    y = \n    return y\n"


def prompt_for(state, decision, line, *, window=SERVER_WINDOW, fills=True):
    return build_prompt(state, decision, line, NO_CONTEXT, window, fills=fills)


def answered(prompt, text, *, ends=()):
    collector = AnswerCollector(prompt, ends)
    for character in text:
        if collector.add(AnswerToken(character, -0.5)):
            break
    return collector.completion("model")


def test_a_fill_stands_between_what_is_before_and_after_the_cursor(state_of):
    prompt = prompt_for(state_of("a = f(, 2)\nb", 0, 6), Decision.FILL_PARTIAL_LINE, 0)
    assert (prompt.before, prompt.after) == ("a = f(", ", 2)\nb")
    assert answered(prompt, "1\nc").text == "1"


def test_a_line_is_written_on_from_what_stands_of_it(state_of):
    state = state_of(FILE, 2)
    prompt = prompt_for(state, Decision.WRITE_SINGLE_LINE, 2)
    assert prompt.before == "import math\ndef f(x):\n    y = " and prompt.after == "\n    return y\n"
    assert prompt.text == prompt.before[:-1]
    completion = answered(prompt, " x + 1\n    return y")
    assert completion.text == "y = x + 1"
    assert apply_text(state.lines, Decision.WRITE_SINGLE_LINE, 2, completion.text)[2] == "    y = x + 1"


def test_indentation_stays_in_the_prompt(state_of):
    prompt = prompt_for(state_of("def f(x):\n    "), Decision.WRITE_SINGLE_LINE, 1)
    assert prompt.text == prompt.before == "def f(x):\n    "


def test_an_edit_does_not_show_the_line_that_it_replaces(state_of):
    prompt = prompt_for(state_of(FILE, 2), Decision.EDIT_EXISTING_LINES, 3)
    assert prompt.before.endswith("    y = \n    ") and prompt.after == "\n"
    assert answered(prompt, "return x\n").text == "return x"


@pytest.mark.parametrize("decision", [Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES])
@pytest.mark.parametrize("fills", [True, False])
def test_an_explanation_is_a_comment_and_its_model_sees_the_line(state_of, decision, fills):
    prompt = prompt_for(state_of(FILE, 2), decision, 3, fills=fills)
    assert "return y" in (prompt.before if not fills or decision == Decision.EXPLAIN_SINGLE_LINES else prompt.after)
    assert prompt.before.endswith("#")
    assert answered(prompt, " gives y\n").text == "# gives y"


def test_without_infill_nothing_after_the_place_is_asked_for(state_of):
    assert prompt_for(state_of(FILE, 2), Decision.WRITE_SINGLE_LINE, 2, fills=False).after == ""


def test_the_text_before_begins_at_the_same_line_while_somebody_types(state_of):
    lines = [f"value_{i} = {i}" for i in range(200)]
    window = Window(before=1000, after=100)
    prompts = [
        prompt_for(
            state_of("\n".join([*lines, "x = 1"[:n], *lines]), 200), Decision.FILL_PARTIAL_LINE, 200, window=window
        )
        for n in range(1, 6)
    ]
    assert len({prompt.before[:-5] and prompt.before.split("\n")[0] for prompt in prompts}) == 1
    assert all(700 < len(prompt.before) <= 1000 and 0 < len(prompt.after) <= 100 for prompt in prompts)


@given(st.text("ab \n\t:", max_size=200), st.integers(0, 300), st.sampled_from(list(Decision)[1:]), st.booleans())
def test_any_file_and_place_has_a_prompt_within_its_window(state_of, text, place, decision, fills):
    state = state_of(text)
    prompt = prompt_for(state, decision, place % len(state), window=Window(50, 20), fills=fills)
    assert len(prompt.before) <= 50 + 3 + 50 and len(prompt.after) <= 20


def test_a_statement_stands_before_the_file_unless_the_file_says_it(state_of):
    class Problem:
        statement = "Return the sum.\nOf two."

    context = WritingContext(problem=Problem)
    prompt = build_prompt(state_of("x = 1"), Decision.FILL_PARTIAL_LINE, 0, context, Window(), fills=True)
    assert prompt.before == "# Return the sum.\n# Of two.\n\nx = 1"
    state = state_of('"""Return the sum."""\nx')
    assert build_prompt(state, Decision.FILL_PARTIAL_LINE, 1, context, Window(), fills=True).before == state.text


def test_a_model_is_told_the_path_of_the_file(state_of):
    context = WritingContext(file="src/tally.py")
    prompt = build_prompt(state_of("x = 1"), Decision.FILL_PARTIAL_LINE, 0, context, Window(), fills=True)
    assert prompt.before == "# src/tally.py\nx = 1"


@pytest.mark.parametrize(
    ("prompt", "text", "expected"),
    [
        (Prompt("", ""), "return 1\nx", "return 1"),
        (Prompt("", ""), "return 1", None),
        (Prompt("", "", is_block=True, indent="    "), "a = 1\n    b = 2\nc", "a = 1\n    b = 2"),
        (Prompt("", "", is_block=True, indent="    "), "a = 1\n    b = 2\n    ", None),
        (Prompt("", "", is_block=True, indent=""), "if a:\n    b = 2\nc", "if a:\n    b = 2"),
        (Prompt("", "", is_block=True, indent=""), "a = 2\n\n\nc", "a = 2"),
        (Prompt("", "", is_block=True, indent=""), "a = 2\n\nc = 3\n", None),
        (Prompt("", "", is_block=True, indent=None), "    a\n    b\nc", "    a\n    b"),
        (Prompt("", "", is_block=True, indent=""), "\n".join("abcdefghijk"), "\n".join("abcdefgh")),
    ],
)
def test_an_answer_ends_where_the_decision_does(prompt, text, expected):
    end = end_of_answer(text, prompt)
    assert (None if end is None else text[:end]) == expected


def test_blank_lines_at_the_start_of_a_blank_place_do_not_end_the_answer(state_of):
    prompt = prompt_for(state_of("def f(x):\n\n", 1), Decision.WRITE_SINGLE_LINE, 1)
    assert answered(prompt, "\n\n    return x\n").text == "    return x"
    prompt = prompt_for(state_of("def f(x):\n\n", 1), Decision.WRITE_MULTI_LINE, 1)
    assert answered(prompt, "\n    y = x\n    return y\nf").text == "    y = x\n    return y"


@pytest.mark.parametrize(
    ("line", "answer", "text"),
    [
        ("", "if value > best:  # the largest so far\n", "if value > best:"),
        ("x =", " '#' + a  # a sign\n", "x = '#' + a"),
        ("x = '#", "a' # a sign\n", "x = '#a'"),
        ("", "# swap them\na, b = b, a\n", "a, b = b, a"),
        ("# swap ", "them # and return\n", "# swap them # and return"),
    ],
)
def test_a_line_of_code_comes_without_a_comment(state_of, line, answer, text):
    prompt = prompt_for(state_of(f"a = 1\n{line}\nb = 2", 1), Decision.WRITE_SINGLE_LINE, 1)
    assert answered(prompt, answer).text == text


def test_a_block_keeps_its_comments(state_of):
    prompt = prompt_for(state_of("a = 1\n\nb = 2", 1), Decision.WRITE_MULTI_LINE, 1)
    assert answered(prompt, "# one\nc = 2  # two\n\n\n").text == "# one\nc = 2  # two"


def test_a_block_keeps_its_indentation_where_its_first_line_continues_one(state_of):
    state = state_of("def f(x):\n    y =\n", 1)
    text = answered(prompt_for(state, Decision.WRITE_MULTI_LINE, 1), " x\n    return y\nf").text
    assert apply_text(state.lines, Decision.WRITE_MULTI_LINE, 1, text)[1:3] == ["    y = x", "    return y"]


def test_only_the_tokens_of_the_text_are_counted():
    collector = AnswerCollector(Prompt("", ""))
    for text, log_prob in (("return", -0.1), (" 1", -0.3), ("\n\n", -9.0)):
        collector.add(AnswerToken(text, log_prob))
    completion = collector.completion("model")
    assert completion.text == "return 1" and completion.token_log_probs == (-0.1, -0.3)


def test_one_unknown_log_probability_leaves_all_unknown():
    collector = AnswerCollector(Prompt("", ""))
    collector.add(AnswerToken("a", -0.1))
    collector.add(AnswerToken("b"))
    assert collector.completion("model").token_log_probs is None


def test_a_special_token_that_comes_as_text_ends_the_answer():
    assert answered(Prompt("", ""), "x<|endoftext|>y", ends=("<|endoftext|>",)).text == "x"


def test_a_model_that_adds_nothing_gives_an_empty_text_even_where_a_head_stands():
    assert answered(Prompt("x = 1", "", head="x = 1"), "\nb").text == ""


def test_a_rejected_text_is_recognised_whatever_its_blanks():
    assert is_rejected("return  x\n", ("a", "return x"))
    assert not is_rejected("return x", ("return",)) and not is_rejected("", ("",))


def test_half_a_character_does_not_reach_a_model(state_of):
    prompt = prompt_for(state_of("a = '\ud83d'\nb"), Decision.FILL_PARTIAL_LINE, 0)
    assert prompt.before == "a = '?'" and prompt.after == "\nb"


class Model:
    """Answers in turn; keeps how it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, temperature, sees_after):
        self.asked.append((temperature, sees_after))
        return Completion(self.answers[len(self.asked) - 1], "model")


@pytest.mark.parametrize(
    ("answers", "rejected", "text", "asked"),
    [
        (["y = 1"], (), "y = 1", [(0.0, True)]),
        (["  return y"], (), "", [(0.0, True), (0.0, False)]),
        (["return y", "y = 1"], (), "y = 1", [(0.0, True), (0.0, False)]),
        (["return y", "y = 1"], ("y = 1",), "", [(0.0, True), (0.0, False)]),
        (["y = 1", "y = 2"], ("y = 1",), "y = 2", [(0.0, True), (SECOND_TEMPERATURE, True)]),
        (["y = 1", "return y"], ("y = 1",), "", [(0.0, True), (SECOND_TEMPERATURE, True)]),
    ],
)
def test_a_useless_answer_is_asked_for_once_more(state_of, answers, rejected, text, asked):
    model = Model(*answers, answers[-1])
    answer = best_answer(model, state_of("def f():\n    \n\n    return y"), 1, rejected)
    assert (answer.text, answer.is_rejected) == (text, not text and bool(rejected))
    assert model.asked == asked

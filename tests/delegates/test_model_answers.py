"""The code or the comment is taken out of what a model answers, and code alone is left as it is."""

import ast
from pathlib import Path

import pytest

from delegates.model_answers import answer_code, answer_comment


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("```python\nx = 1\n```", "x = 1"),
        ("Here is the code:\n\n```\nx = 1\ny = 2\n```\nIt works.", "x = 1\ny = 2"),
        ("x = 1\n```\nThis sets x.", "x = 1"),
        ("Here's the code:\n```\nx = 1", "x = 1"),
        ("Sure!\nx = 1", "x = 1"),
        ("The completed code is:\nx = 1", "x = 1"),
        ("`x = 1`", "x = 1"),
        ("    x = 1", "    x = 1"),
        ("x = 1<|im_end|>\nx = 2", "x = 1"),
        ("<|fim_middle|>x = 1<｜end▁of▁sentence｜>", "x = 1"),
        ("x = 1\r\ny = 2\ufeff", "x = 1\ny = 2"),
        ("note: int = 3", "note: int = 3"),
        ("ok = check(x)", "ok = check(x)"),
        ("sure\n", "sure\n"),
    ],
)
def test_code_is_taken_out_of_the_talk_around_it(answer, code):
    assert answer_code(answer) == code


@pytest.mark.parametrize("name", ["shlex.py", "heapq.py", "csv.py"])
def test_code_alone_stays(name):
    text = (Path(ast.__file__).parent / name).read_text()
    assert answer_code(text) == text


@pytest.mark.parametrize(
    ("answer", "comment"),
    [
        ("Explanation: adds one", "adds one"),
        ("Sure! Here is it:\nAdds one.", "Adds one."),
        ("```python\nx += 1\n```\nAdds one.", "Adds one."),
        ('"""Adds one."""', "Adds one."),
        ("x += 1\n# Adds one", "# Adds one"),
    ],
)
def test_a_comment_is_words(answer, comment):
    assert answer_comment(answer) == comment

"""Help promises: defaults that there are, each once, and none of flags that nobody typed."""

import pytest

from app.arguments import Parser
from cli import run_options, run_tasks
from verify import run_all

PARSERS = [run_options.parser(), run_all.parser(), run_tasks.parser()]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"default": 3, "type": int}, "(default: 3)"),
        ({"default": 0, "type": int}, "(default: 0)"),
        ({"default": "cpu"}, "(default: cpu)"),
        ({"default": ""}, ""),
        ({}, ""),
        ({"action": "store_true"}, ""),
    ],
)
def test_a_default_is_shown_if_there_is_one(options, shown):
    parser = Parser()
    parser.add_argument("--flag", help="what it does", **options)
    assert parser.format_help().rstrip().endswith(f"what it does {shown}".rstrip())


def helps(parser):
    """The help of a parser and of its commands."""
    yield parser.format_help()
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for command in action.choices.values():
                yield from helps(command)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.prog)
def test_no_command_shows_an_empty_or_a_second_default(parser):
    for text in helps(parser):
        for entry in " ".join(text.split()).split(" --"):
            assert entry.count("(default:") <= 1, entry
            assert not any(f"(default: {nothing})" in entry for nothing in ("None", "False", "")), entry

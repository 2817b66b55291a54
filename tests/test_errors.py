"""An error is one line that any terminal can print, whatever was quoted in it."""

import pickle

import pytest

from errors import ConflictError, InputError, NoSpaceError, NotFoundError


@pytest.mark.parametrize("odd", ["\n", "\r\n", "\x0b", "\x0c", "\x1b[2J", "\x85", "\u2028", "\ud800", "\0"])
def test_one_printable_line(odd):
    error = InputError(f"a{odd}.json", f"found {odd!s}")
    for text in (str(error), error.where, error.reason):
        assert len(text.splitlines()) == 1
        assert text.isprintable()
        assert text.encode()


def test_it_comes_home_from_another_process():
    for kind in (InputError, NotFoundError, ConflictError, NoSpaceError):
        error = pickle.loads(pickle.dumps(kind("here", "this")))
        assert (type(error), error.where, error.reason, str(error)) == (kind, "here", "this", "here: this")


def test_plain_words_stay():
    assert str(InputError("ä.json, line 3", "is not JSON\\n")) == "ä.json, line 3: is not JSON\\n"

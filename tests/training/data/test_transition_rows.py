"""Rows of a file that is longer than what the network sees of it."""

from actions import Action, Decision
from config import FeaturizerConfig
from featurizers import Featurizer
from state import Cursor, State, unedited
from state_adapter import Episode
from training.data.transitions import build_dataset

FIRST, H_MAX = 130, 40
"""The window on a file of 200 lines whose cursor is at line 150."""


def choices_of(lines, cursor, line):
    """The choice of editing `line` of a file, with what was on offer."""
    at = Cursor(True, cursor, 0, 0)
    states = tuple(State(lines, t, unedited(len(lines)), unedited(len(lines)), at) for t in range(2))
    episode = Episode("one", "made up", None, states, (None, Action("A", Decision.EDIT_EXISTING_LINES, line)), False)
    return build_dataset([episode], Featurizer(FeaturizerConfig(d_in=24, char_dim=8, h_max=H_MAX))).steps.choices


def test_lines_on_offer_in_a_long_file_are_of_the_kinds_of_those_in_the_window():
    """Every third line is blank; the text of the window alone is a file in which the same is on offer."""
    lines = tuple("" if i % 3 == 0 else f"x{i} = {i}" for i in range(200))
    whole, window = choices_of(lines, 150, 152), choices_of(lines[FIRST : FIRST + H_MAX], 150 - FIRST, 152 - FIRST)
    assert whole.lines.tolist() == window.lines.tolist() and (window.lines > 0).sum() > 4
    assert whole.line_kind.tolist() == window.line_kind.tolist() == [4]

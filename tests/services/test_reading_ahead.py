"""A model in this process reads the file at every request, whether or not a text is wanted now."""

import pytest

from actions import Decision
from data_paths import DataPaths
from delegates import Completion, WritingContext
from delegates.embedded import EmbeddedWriter
from delegates.gguf import GgufWriter
from delegates.selection import ReliableWriter
from models.reviewer import Reviewer
from services.assistance import Assistance, HelpRequest
from services.current_models import CurrentModels
from state import Cursor, State, unedited


class Reading(GgufWriter):
    """Notes what it is asked for, and runs no model."""

    name = "reading"

    def __init__(self):
        self.calls = []

    def read_ahead(self, state, context):
        self.calls.append(("read", state, context))

    def write(self, state, decision, line, context):
        self.calls.append(("write", state, context))
        return Completion("b = 2", "reading")


@pytest.mark.parametrize(("decided", "calls"), [(None, ["read"]), ((Decision.WRITE_SINGLE_LINE, 1), ["read", "write"])])
def test_the_file_is_read_ahead_before_it_is_decided(tmp_path, decided, calls):
    models = CurrentModels(DataPaths(tmp_path).models, epsilon=0.0, explore=False, seed=0)
    chosen, context = Reading(), WritingContext()
    writer = ReliableWriter(chosen, EmbeddedWriter(), print)
    state = State(("a = 1", ""), 1, unedited(2), unedited(2), Cursor(True, 1, 0, 1))
    Assistance(models, writer, Reviewer(), lambda text, *_: text).help(HelpRequest(state, context, decided=decided))
    assert [call[0] for call in chosen.calls] == calls
    assert all(call[1] == state and call[2].problem is context.problem for call in chosen.calls)

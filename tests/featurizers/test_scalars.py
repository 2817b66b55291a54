"""Each of the 20 scalars against its formula, written out line by line; the window of a long file."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import FeaturizerConfig
from featurizers import Featurizer
from featurizers.scalars import line_bytes_and_sizes
from state import Cursor, State, unedited, window_start


def formula(state, line, config):
    text, w = state.lines[line], config.w_max
    text = text if config.line_ends else text.rstrip("\r\n")
    indentation = 0
    for character in text:
        if character not in " \t":
            break
        indentation += 4 if character == "\t" else 1
    numbers = [min(len(text.encode("utf-8", "surrogatepass")), w) / w, min(indentation, w) / w]
    for edits in (state.human, state.assistant):
        t_last, start, end, *flags = (int(v) for v in edits[line])
        age = max(state.t - t_last, 0)
        numbers += [max(t_last, 0) / config.states_max, math.exp(-age / config.tau_steps)]
        numbers += [min(max(start, 0), w) / w, min(max(end, 0), w) / w, *flags]
    cursor = state.cursor
    here = cursor.on and cursor.line == line
    numbers += [float(here), cursor.char / w if here else 0.0, max(cursor.last_t, 0) / config.states_max]
    return [*numbers, math.tanh((line - cursor.line) / config.cursor_dist_c) if cursor.line >= 0 else 0.0]


@st.composite
def states(draw):
    texts = draw(
        st.lists(st.text(max_size=200) | st.sampled_from(["", "\t x", "  \t\n", "\ud800", "ü" * 90]), max_size=8)
    )
    edits = st.tuples(*[st.integers(-1, 3000), st.integers(0, 500), st.integers(0, 500)], *[st.integers(0, 1)] * 3)
    human, assistant = (np.array([draw(edits) for _ in texts], dtype=np.int64).reshape(-1, 6) for _ in range(2))
    cursor = Cursor(
        draw(st.booleans()), draw(st.integers(-1, 12)), draw(st.integers(0, 500)), draw(st.integers(-1, 3000))
    )
    return State(tuple(texts), draw(st.integers(0, 2000)), human, assistant, cursor)


@given(states(), st.sampled_from([40, 160, 300]), st.booleans())
@settings(deadline=None, max_examples=60)
def test_scalars_are_what_the_formulas_say(state, w_max, line_ends):
    config = FeaturizerConfig(line_ends=line_ends, w_max=w_max, states_max=900, tau_steps=15.0, cursor_dist_c=10.0)
    encoded = Featurizer(config).encode([state])
    expected = np.array([formula(state, line, config) for line in range(len(state))]).reshape(-1, 20)
    np.testing.assert_allclose(encoded.scalars, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("lines", "cursor", "h_max", "first"),
    [
        (10, 5, 300, 0),
        (300, 299, 300, 0),
        (301, -1, 300, 0),
        (301, 0, 300, 0),
        (301, 300, 300, 1),
        (1000, 900, 100, 850),
        (1000, 999, 100, 900),
        (1000, 49, 100, 0),
        (1000, 51, 100, 1),
        (1000, 5000, 100, 900),
        (9, 4, 1, 4),
        (0, -1, 300, 0),
    ],
)
def test_window_of_a_long_file_has_the_cursor_in_its_middle(lines, cursor, h_max, first):
    at = Cursor(on=cursor >= 0, line=cursor)
    assert window_start(State(("x",) * lines, 1, unedited(lines), unedited(lines), at), h_max) == first


def test_a_window_has_the_scalars_and_the_legality_that_its_lines_have_in_the_whole_file(random_state):
    state = random_state(500, seed=2)
    whole, part = Featurizer(FeaturizerConfig(h_max=1000)), Featurizer(FeaturizerConfig(h_max=60))
    encoded, seen = whole.encode([state]), part.encode([state])
    first = int(seen.first_line[0])
    assert seen.lengths().tolist() == [60] and first <= state.cursor.line < first + 60
    np.testing.assert_array_equal(seen.scalars, encoded.scalars[first : first + 60])
    np.testing.assert_array_equal(seen.legal, encoded.legal[first : first + 60])
    for line in (0, 59):
        text, same = (
            enc.texts.take(enc.text_ids[row : row + 1]) for enc, row in ((seen, line), (encoded, first + line))
        )
        assert text.values.tolist() == same.values.tolist()
    asked = whole.encode([state], h_max=60)
    np.testing.assert_array_equal(asked.scalars, seen.scalars)


def test_the_text_embedder_reads_160_bytes_whatever_w_max_is():
    lines = ["x" * 500, "ü" * 100, "", "ab"]
    for w_max in (40, 160, 400):
        codes, sizes = line_bytes_and_sizes(lines, w_max)
        assert np.diff(codes.offsets).tolist() == [160, 160, 1, 2]
        assert (sizes[:, 0] * w_max).round().tolist() == [min(500, w_max), min(200, w_max), 0, 2]
    assert bytes(codes.take(np.array([2, 1])).values.astype(np.uint8)) == b" " + ("ü" * 80).encode()

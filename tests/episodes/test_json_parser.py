"""The reader for repetitive JSON says what the standard library says, and refuses what is not strict JSON."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.json_parser import arrays, objects, parse, read_text, repeating_arrays
from errors import InputError

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('a\\"{}[]é')
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "attribution"]), inner, max_size=3)
    ),
    max_leaves=8,
)
objects_only = st.dictionaries(st.sampled_from("abc"), values, max_size=2)
runs = st.lists(st.tuples(objects_only | values, st.integers(1, 90)), max_size=4).map(
    lambda parts: [value for value, times in parts for _ in range(times)]
)
shapes = st.sampled_from([{"indent": 2}, {}, {"separators": (",", ":")}])


def reader():
    return objects({"states": arrays(objects({"attribution": repeating_arrays()}))})


@given(st.lists(runs | values, max_size=3), values, shapes)
def test_reads_what_the_standard_library_reads(attributions, other, shape):
    states = [{"attribution": attribution, "t": i} for i, attribution in enumerate(attributions)]
    text = json.dumps({"before": other, "states": states, "after": other}, **shape)
    assert parse(f" {text}\n", "f", reader()) == json.loads(text)
    assert parse(json.dumps(other), "f", reader()) == other


def test_of_a_key_that_stands_twice_the_last_counts_as_in_the_standard_library():
    text = '{"states": [1], "a": 1, "states": [{"attribution": [{"t": 1, "t": 2}], "attribution": [{"t": 3, "t": 4}]}]}'
    assert parse(text, "f", reader()) == json.loads(text)


@given(st.lists(runs, min_size=1, max_size=2), st.data())
def test_cut_off_anywhere_is_refused(attributions, data):
    text = json.dumps({"states": [{"attribution": attribution} for attribution in attributions]})
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(InputError):
        parse(text[:cut], "f", reader())


@given(st.text('{}[],:"ab1 -.e\n', max_size=30))
def test_accepts_and_refuses_as_the_standard_library_does(text):
    for around in (
        "{}",
        '{{"states": {}}}',
        '{{"states": [{{"attribution": {}}}]}}',
        '{{"states": [{{"attribution": [{{}}, {}]}}]}}',
    ):
        whole = around.format(text)
        try:
            expected = json.loads(whole)
        except ValueError:
            with pytest.raises(InputError):
                parse(whole, "f", reader())
        else:
            assert parse(whole, "f", reader()) == expected


def test_repeated_entries_share_an_object_within_and_across_arrays():
    entry = {"turn": 0}
    text = json.dumps({"states": [{"attribution": [entry] * 1000}, {"attribution": [entry] * 1000}]}, indent=2)
    states = parse(text, "f", reader())["states"]
    assert len({id(one) for state in states for one in state["attribution"]}) == 2, "the first, and one for the rest"
    assert [len(state["attribution"]) for state in states] == [1000, 1000]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f: is empty"),
        ("  \n", "f: is empty"),
        ('{"a": 1', "f, line 1, column 8: is not JSON: it ends too early"),
        ('{"a":\n 1,\n b}', "f, line 3, column 2: is not JSON"),
        ("[1] 2", "f, line 1, column 5: is not JSON (extra data)"),
        ('{"t": NaN}', "f, line 1, column 7: is not readable JSON: NaN is not a JSON number"),
        ('{"NaN": "NaN\\"NaN",\n "t": [1, -Infinity]}', "f, line 2, column 11: is not readable JSON: -Infinity is not"),
        ("[" * 100_000, "nested too deep"),
        ('{"a":' * 100_000, "nested too deep"),
        ("9" * 5000, "f, line 1, column 1: is not readable JSON: an integer of 5000 digits"),
        ('{"t":\n-' + "9" * 5000 + "}", "f, line 2, column 2: is not readable JSON: an integer of 5000 digits"),
    ],
)
def test_refuses_with_the_place(text, message):
    with pytest.raises(InputError) as refused:
        parse(text, "f", reader())
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xef\xbb\xbf{}", "{}"),
        ("é".encode(), "é"),
        (b"\xff\xfe{\0}\0", None),
        (b'"\xe9"', None),
        (b'"\xed\xa0\x80"', None),
    ],
    ids=["byte order mark", "UTF-8", "UTF-16", "Latin-1", "an encoded surrogate"],
)
def test_only_utf_8_is_read(tmp_path, content, text):
    path = tmp_path / "f.json"
    path.write_bytes(content)
    if text is None:
        with pytest.raises(InputError, match=r"f\.json, byte \d+: is not UTF-8"):
            read_text(path)
    else:
        assert read_text(path) == text


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "absent.json", tmp_path, tmp_path / "a\0b", tmp_path / ("x" * 300)):
        with pytest.raises(InputError):
            read_text(path)


def test_a_number_beyond_floats_is_left_to_who_wants_one():
    assert math.isinf(parse("1e999", "f"))

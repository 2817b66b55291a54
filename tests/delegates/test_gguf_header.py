"""Headers of GGUF files: what they say, and files that are none or damaged."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegates.gguf_header import read_header
from errors import InputError


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def entry(key, value):
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, list):
        return text(key) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
    return text(key) + struct.pack("<II", 4, value)


METADATA = {
    "general.architecture": "llama",
    "general.name": "Small Coder",
    "llama.context_length": 2048,
    "llama.block_count": 10,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 8,
    "llama.attention.head_count_kv": 2,
    "tokenizer.ggml.tokens": ["a", "<|fim_prefix|>"],
}
CONTENT = (
    b"GGUF" + struct.pack("<IQQ", 3, 1, len(METADATA)) + b"".join(entry(*pair) for pair in METADATA.items())
    + text("weight") + struct.pack("<IQIQ", 1, 4, 0, 0) + bytes(64)
)  # fmt: skip


@pytest.fixture(scope="session")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("headers") / "model.gguf"


def test_name_vocabulary_and_memory_are_read(file):
    file.write_bytes(CONTENT)
    header = read_header(file)
    assert header.name == "Small Coder" and header.context_length == 2048
    assert header.vocabulary == {"a", "<|fim_prefix|>"}
    assert header.memory(100) == len(CONTENT) + 2 * 2 * 10 * 100 * 16


@pytest.mark.parametrize("content", [b"", b"GG", b"PK\x03\x04" + bytes(100), CONTENT[1:]])
def test_what_is_no_gguf_file_is_refused(file, content):
    file.write_bytes(content)
    with pytest.raises(InputError, match="is no GGUF file"):
        read_header(file)


@given(st.integers(4, len(CONTENT) - 65))
def test_a_file_that_was_cut_is_damaged(file, size):
    file.write_bytes(CONTENT[:size])
    with pytest.raises(InputError, match="is a damaged GGUF file"):
        read_header(file)


@given(st.integers(4, len(CONTENT) - 1), st.integers(0, 255))
def test_any_changed_byte_is_read_or_refused_in_one_line(file, place, value):
    content = bytearray(CONTENT)
    content[place] = value
    file.write_bytes(content)
    try:
        read_header(file)
    except InputError as error:
        assert "\n" not in str(error)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read_header(tmp_path / "nowhere.gguf")

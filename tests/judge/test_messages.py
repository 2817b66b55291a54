"""Messages between the asker and a worker arrive whole, however long, and end with the stream."""

import os
import threading

import pytest

from judge.messages import read_message, write_message


def test_messages_longer_than_a_pipe_or_a_chunk_arrive_whole_and_in_order():
    readable, writable = os.pipe()
    messages = [{"text": "a" * 3_000_000}, {}, "cancel", {"é": ["\ud800"]}]

    def write():
        for message in messages:
            write_message(writable, message)
        os.close(writable)

    writer = threading.Thread(target=write)
    writer.start()
    assert [read_message(readable) for _ in messages] == messages and read_message(readable) is None
    writer.join()
    os.close(readable)


def test_who_waits_for_so_long_at_most_gives_up_in_the_middle_of_a_message_too():
    readable, writable = os.pipe()
    try:
        with pytest.raises(TimeoutError):
            read_message(readable, 0.05)
        os.write(writable, (100).to_bytes(4, "big") + b"half")
        with pytest.raises(TimeoutError):
            read_message(readable, 0.05)
        with pytest.raises(TimeoutError):
            write_message(writable, "a" * 3_000_000, 0.05)
    finally:
        os.close(readable)
        os.close(writable)


def test_a_message_that_comes_in_time_is_the_same_with_a_limit():
    readable, writable = os.pipe()
    message = {"text": "a" * 300_000}
    writer = threading.Thread(target=write_message, args=(writable, message, 60.0))
    writer.start()
    assert read_message(readable, 60.0) == message
    os.close(writable)
    assert read_message(readable, 60.0) is None
    writer.join()
    os.close(readable)


def test_who_writes_to_a_process_that_has_gone_is_told_so():
    readable, writable = os.pipe()
    os.close(readable)
    with pytest.raises(BrokenPipeError):
        write_message(writable, {}, 60.0)
    os.close(writable)

"""Messages between the asker and a worker arrive whole, however long, and end with the stream."""

import os
import threading

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

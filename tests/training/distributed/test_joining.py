"""Processes that look for one another, here threads."""

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from errors import InputError
from training.distributed import process_group


@pytest.fixture(autouse=True)
def port(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(number))
    monkeypatch.setattr(process_group, "JOIN_TIMEOUT", timedelta(seconds=1))
    return number


def test_processes_share_a_store_once_all_have_joined():
    with ThreadPoolExecutor(3) as pool:
        stores = list(pool.map(process_group._join, range(3), [3] * 3))
    stores[0].set("greeting", "hello")
    assert [store.get("greeting") for store in stores] == [b"hello"] * 3


def test_who_does_not_come_is_named():
    with pytest.raises(InputError, match=r"process 1, 2: did not join this run within 1 s$"):
        process_group._join(0, 3)


def test_where_nobody_holds_the_store_is_named(port):
    with pytest.raises(InputError, match=rf"the processes cannot meet there: .*127.0.0.1.*{port}"):
        process_group._join(1, 2)


def test_a_port_that_is_taken_is_named(port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(InputError, match=rf"the processes cannot meet there: .*{port}"):
            process_group._join(0, 2)


@pytest.mark.parametrize(("name", "value"), [("MASTER_ADDR", ""), ("MASTER_PORT", ""), ("MASTER_PORT", "http")])
def test_a_launcher_that_does_not_say_where_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=f"MASTER_PORT: the processes cannot meet there: .*{value or name}"):
        process_group._join(0, 2)

"""Processes that wait for one another (here threads): however long, but for nobody who has ended."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from errors import InputError
from training.distributed import rendezvous
from training.distributed.rendezvous import PeerLostError, join_rendezvous


@pytest.fixture(autouse=True)
def port(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(number))
    monkeypatch.setattr(rendezvous, "SHUTDOWN_GRACE_SECONDS", 1.0)
    return number


def run_ranks(world, function):
    """What `function(rank, peers)` returns or raises on each rank."""

    def one(rank):
        try:
            with join_rendezvous(rank, world) as peers:
                return function(rank, peers)
        except (InputError, ArithmeticError) as error:
            return error

    with ThreadPoolExecutor(world) as pool:
        return list(pool.map(one, range(world)))


@pytest.mark.parametrize("world", [2, 3])
def test_each_exchange_returns_the_messages_of_all_ranks_in_order(world):
    """Whoever is late, the last one to leave included."""

    def exchange_messages(rank, peers):
        received = []
        for number in range(20):
            time.sleep(0.02 * ((rank + number) % world))
            received.append(peers.exchange(f"{number} from {rank}"))
        return received

    expected = [[f"{number} from {rank}" for rank in range(world)] for number in range(20)]
    assert run_ranks(world, exchange_messages) == [expected] * world


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_one_that_gives_up_ends_the_wait_of_the_others_soon(rank):
    """With whatever error; the process that holds the store, too."""

    def fail_on_one_rank(own_rank, peers):
        peers.exchange("")
        if own_rank == rank:
            raise ZeroDivisionError
        begun = time.monotonic()
        try:
            peers.exchange("")
        finally:
            assert time.monotonic() - begun < 5

    ends = run_ranks(3, fail_on_one_rank)
    assert isinstance(ends.pop(rank), ZeroDivisionError)
    assert all(isinstance(end, PeerLostError) for end in ends)


def test_who_does_not_come_is_named(monkeypatch):
    monkeypatch.setattr(rendezvous, "JOIN_SECONDS", 0.5)
    with pytest.raises(InputError, match=r"processes 1, 2: did not join this run within"), join_rendezvous(0, 3):
        pass


def test_where_nobody_holds_the_store_is_named(monkeypatch, port):
    monkeypatch.setattr(rendezvous, "JOIN_SECONDS", 0.5)
    with pytest.raises(InputError, match=rf"127.0.0.1:{port}: the processes cannot meet there"), join_rendezvous(1, 2):
        pass


def test_a_port_that_is_taken_is_named(port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with (
            pytest.raises(InputError, match=rf"127.0.0.1:{port}: the processes cannot meet there"),
            join_rendezvous(0, 2),
        ):
            pass


@pytest.mark.parametrize(("name", "value"), [("MASTER_ADDR", ""), ("MASTER_PORT", ""), ("MASTER_PORT", "http")])
def test_a_launcher_that_does_not_say_where_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=name), join_rendezvous(0, 2):
        pass

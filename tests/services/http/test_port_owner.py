"""Who listens on a port is named by program and process."""

import os
import socket
import sys

import pytest

from services.http.port_owner import program_on_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says so")


@pytest.mark.parametrize("family, address", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_program_that_listens_is_named(family, address):
    try:
        listening = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip("no such addresses here")
    with listening:
        port = listening.getsockname()[1]
        assert program_on_port(port).endswith(f"(process {os.getpid()})")
    assert program_on_port(port) is None


def test_a_client_of_a_port_is_not_its_owner():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert program_on_port(client.getsockname()[1]) is None


def test_of_another_users_socket_nothing_is_known(tmp_path):
    (tmp_path / "net").mkdir()
    row = "0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 1"
    (tmp_path / "net" / "tcp").write_text(f"head\n{row}\n")
    assert program_on_port(0x0BB8, tmp_path) is None
    descriptors = tmp_path / "17" / "fd"
    descriptors.mkdir(parents=True)
    (descriptors / "3").symlink_to("socket:[4711]")
    (tmp_path / "17" / "cmdline").write_bytes(b"/usr/bin/python3\0run.py\0--serve\0")
    assert program_on_port(0x0BB8, tmp_path) == "python3 run.py --serve (process 17)"

"""The server promises: answers are sent at once, though their headers and their body are written apart."""

import asyncio
import socket

from services.server import HOST, listen


def test_answers_do_not_wait_for_the_client_to_acknowledge_their_headers():
    async def accepted_connection(listening):
        connected = asyncio.get_running_loop().create_future()
        server = await asyncio.start_server(lambda _, writer: connected.set_result(writer), sock=listening)
        async with server:
            _, client = await asyncio.open_connection(HOST, listening.getsockname()[1])
            writer = await connected
            no_delay = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            writer.close()
            client.close()
        return no_delay

    assert asyncio.run(accepted_connection(listen(0)))

#!/usr/bin/env python3
"""A link with a round trip and a bandwidth, in user space: for kernels without netem.

    link_proxy.py --to HOST:PORT [--listen PORT] [--rtt-ms 30] [--mbit 200]

Prints "listening on port N", forwards every connection, and delays each piece by half the round trip; all connections
together share the bandwidth, each direction its own. On SIGTERM or SIGINT prints the bytes that passed, as JSON.
"""

import argparse
import asyncio
import json
import signal
import sys
import time

PIECE = 128 << 10  # bytes read at a time: 5 ms of 200 Mbit/s; the less there are, the less processor it takes


class Direction:
    """One direction of the link: what enters leaves when the line is free and the delay has passed."""

    def __init__(self, delay, bytes_per_second):
        self.delay, self.rate = delay, bytes_per_second
        self.free_at = 0.0
        self.bytes = 0

    def send(self, size):
        """When `size` bytes that enter now have arrived, and when the sender may send more."""
        now = time.monotonic()
        self.bytes += size
        if not self.rate:
            return now + self.delay, now
        self.free_at = max(self.free_at, now) + size / self.rate
        return self.free_at + self.delay, self.free_at


async def pump(reader, writer, direction):
    """Reads as fast as the line is free; writes each piece when it has arrived."""
    queue = asyncio.Queue()

    async def deliver():
        while (item := await queue.get()) is not None:
            arrival, piece = item
            if (wait := arrival - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    delivery = asyncio.create_task(deliver())
    try:
        while piece := await reader.read(PIECE):
            arrival, free_at = direction.send(len(piece))
            queue.put_nowait((arrival, piece))
            if (wait := free_at - time.monotonic()) > 0.002:
                await asyncio.sleep(wait)
    except ConnectionError:
        pass
    queue.put_nowait(None)
    try:
        await delivery
    except (ConnectionError, OSError):
        pass


async def serve(arguments):
    rate = arguments.mbit * 1e6 / 8
    up, down = (Direction(arguments.rtt_ms / 2000, rate) for _ in range(2))
    host, _, port = arguments.to.rpartition(":")

    async def connection(reader, writer):
        try:
            await asyncio.sleep(arguments.rtt_ms / 1000)  # the handshake of TCP
            far_reader, far_writer = await asyncio.open_connection(host, int(port), limit=PIECE)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, far_writer, up), pump(far_reader, writer, down))
        for side in (writer, far_writer):
            side.close()

    server = await asyncio.start_server(connection, "127.0.0.1", arguments.listen, limit=PIECE)
    print("listening on port", server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    print(json.dumps({"bytes_up": up.bytes, "bytes_down": down.bytes}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", required=True, help="HOST:PORT to forward to")
    parser.add_argument("--listen", type=int, default=0, help="port of 127.0.0.1; 0: a free one")
    parser.add_argument("--rtt-ms", type=float, default=30)
    parser.add_argument("--mbit", type=float, default=200, help="0: no limit")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments))
    sys.stdout.flush()


if __name__ == "__main__":
    main()

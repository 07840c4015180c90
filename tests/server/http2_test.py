"""What no client may do with HTTP/2 and with gRPC's framing, sent by hand: each is answered with an error or with
silence, the server goes on serving others, and its memory stays bounded."""

import contextlib
import gzip
import socket
import tempfile
import threading
import unittest

import http2
from http2 import END_HEADERS, END_STREAM, PREFACE, Connection, frame, headers_of, literal, message, settings
from proto import field
from server import Server

V2 = "/build.bazel.remote.execution.v2."
CAPABILITIES = V2 + "Capabilities/GetCapabilities"
FIND_MISSING = V2 + "ContentAddressableStorage/FindMissingBlobs"
WRITE = "/google.bytestream.ByteStream/Write"

# What an offence may lead to. gRPC overlooks some; then the call beside it, if there is one, is served.
ERROR, SERVED, SILENCE = "an error", "served", "silence"


def call(stream=1, path=CAPABILITIES, flags=END_HEADERS, headers=(), end=END_STREAM, **instead):
    """The frames of a call: HEADERS, and DATA with an empty message."""
    return begin(stream, path, flags, headers, **instead) + frame(http2.DATA, end, stream, message(b""))


def begin(stream=1, path=CAPABILITIES, flags=END_HEADERS, headers=(), **instead):
    return frame(http2.HEADERS, flags, stream, headers_of(path, *headers, **instead))


def body(data, stream=1, flags=END_STREAM):
    return frame(http2.DATA, flags, stream, data)


def in_continuations(block, stream=1):
    """A block of headers that is larger than a frame."""
    parts = [block[i : i + 16384] for i in range(0, len(block), 16384)]
    frames = [frame(http2.HEADERS, 0, stream, parts[0])]
    frames += [frame(http2.CONTINUATION, 0, stream, part) for part in parts[1:]]
    return b"".join(frames) + frame(http2.CONTINUATION, END_HEADERS, stream)


OTHER_PROTOCOLS = [
    ("noise", b"x" * 100),
    ("HTTP/1.1", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("a hello of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 500),
    ("half a preface and then another", PREFACE[:10] + PREFACE),
    ("a preface and then noise", PREFACE + b"\xff" * 100),
]

FRAMES = [
    ("a frame larger than allowed", frame(http2.DATA, 0, 1, b"a" * 100, length=1 << 20), {ERROR}),
    ("half a frame", call()[:20], {SILENCE}),
    ("DATA of no stream", frame(http2.DATA, 0, 0, b"abc"), {ERROR, SILENCE}),
    ("HEADERS of no stream", call(0), {ERROR, SILENCE}),
    ("DATA of a stream that is not begun", body(message(b""), 7), {ERROR, SILENCE}),
    ("an even stream", call(2), {ERROR, SILENCE}),
    ("DATA after the end", call() + body(message(b"")), {ERROR, SERVED}),
    ("HEADERS after the end", call() + begin(), {ERROR, SERVED}),
    ("a window that grows by nothing", begin() + http2.window_update(1, 0), {ERROR}),
    ("the connection's window that grows by nothing", http2.window_update(0, 0), {ERROR}),
    ("the connection's window too large", http2.window_update(0, 0x7FFFFFFF) * 4, {ERROR, SILENCE}),
    ("SETTINGS cut off", frame(http2.SETTINGS, payload=b"12345"), {ERROR}),
    ("SETTINGS of a stream", frame(http2.SETTINGS, stream=1), {ERROR}),
    ("an acknowledgement with contents", frame(http2.SETTINGS, http2.ACK, payload=b"123456"), {ERROR}),
    ("a first window beyond 2^31", settings((http2.INITIAL_WINDOW, 1 << 31)), {ERROR}),
    ("frames of no byte", settings((http2.MAX_FRAME, 0)), {ERROR}),
    ("half a push", settings((http2.ENABLE_PUSH, 2)), {ERROR}),
    ("settings that nobody knows", settings((0x7777, 1)) + call(), {SERVED}),
    ("PING cut off", frame(http2.PING, payload=b"1234567"), {ERROR}),
    ("RST_STREAM cut off", begin() + frame(http2.RST_STREAM, stream=1, payload=b"123"), {ERROR}),
    ("a reset of what is not begun", http2.reset(9) + call(11), {ERROR, SILENCE}),
    ("a push", frame(http2.PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2"), {ERROR, SILENCE}),
    ("more padding than frame", begin() + frame(http2.DATA, http2.PADDED, 1, b"\xffa"), {ERROR, SILENCE}),
    ("a frame that nobody knows", frame(0x42, 7, 0, b"zzz") + call(), {SERVED}),
]

HEADER_BLOCKS = [
    ("CONTINUATION of nothing", frame(http2.CONTINUATION, END_HEADERS, 1), {ERROR}),
    ("DATA amid headers", call(flags=0), {ERROR}),
    ("another stream's CONTINUATION", begin(flags=0) + frame(http2.CONTINUATION, END_HEADERS, 3), {ERROR}),
    ("an index that is nowhere", frame(http2.HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\x0f"), {ERROR}),
    ("an index that never ends", frame(http2.HEADERS, END_HEADERS, 1, b"\xff" + b"\x80" * 1000), {ERROR}),
    ("a header cut off", frame(http2.HEADERS, END_HEADERS, 1, b"\x00\x7f"), {ERROR}),
    ("no code of Huffman", frame(http2.HEADERS, END_HEADERS, 1, b"\x00\x85\xff\xff\xff\xff\xff\x01a"), {ERROR}),
    ("a table of gigabytes", frame(http2.HEADERS, END_HEADERS, 1, b"\x3f\xff\xff\xff\xff\x0f"), {ERROR}),
    ("nothing", frame(http2.HEADERS, END_HEADERS, 1), {ERROR, SILENCE}),
    ("binary that is none", call(headers=[(V2[1:-1] + ".requestmetadata-bin", "!!!")]), {ERROR}),
    ("another method", call(method="GET"), {ERROR}),
    ("no path", call(path=None), {ERROR}),
    ("a path that nobody serves", call(path="/a/b"), {ERROR}),
    ("a path without a slash", call(path="ab"), {ERROR}),
    ("a path of 60 KB", in_continuations(headers_of("/" + "a" * 60000)) + body(message(b"")), {ERROR}),
    ("no time at all", call(headers=[("grpc-timeout", "0n")]), {ERROR}),
    ("a timeout that is none", call(headers=[("grpc-timeout", "soon")]), {ERROR, SERVED}),
    ("a NUL", call(headers=[("aaa", "b\0c")]), {ERROR, SERVED}),
    ("a line's end", call(headers=[("aaa", "b\r\nc: d")]), {ERROR, SERVED}),
]

MESSAGES = [
    ("none", begin() + body(b""), {ERROR}),
    ("half a prefix", begin() + body(b"\0\0"), {ERROR}),
    ("cut off", begin() + body(message(b"abc", length=100)), {ERROR}),
    ("4 GiB announced", begin() + body(message(b"abc", length=0xFFFFFFFF)), {ERROR}),
    ("one byte beyond the limit announced", begin() + body(message(b"", length=(8 << 20) + 1)), {ERROR}),
    ("compressed, and nothing said how", begin() + body(message(b"abc", compressed=1)), {ERROR}),
    ("not what it says", begin(headers=[("grpc-encoding", "gzip")]) + body(message(b"abc", compressed=1)), {ERROR}),
    ("in an encoding that nobody knows", begin(headers=[("grpc-encoding", "lzma")]) + body(message(b"x", 1)), {ERROR}),
    ("no message of protobuf", begin(path=FIND_MISSING) + body(message(b"\xff\xff")), {ERROR}),
]


class Http2Test(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="smelt-http2-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name + "/store"
        self.server = self.start()

    def start(self, **options):
        server = Server(self.directory, **options)
        self.addCleanup(server.__exit__)
        return server

    def connection(self, **options):
        connection = Connection(self.server.port, **options)
        self.addCleanup(connection.socket.close)
        return connection

    def assert_serves(self, what=""):
        with Connection(self.server.port) as connection:
            connection.call(CAPABILITIES)
            self.assertEqual(connection.answer(), http2.OK, what)

    def assert_bounded(self, before, mebibytes, what):
        self.assertLess(self.server.memory() - before, mebibytes << 20, what)
        self.assert_serves(what)

    def outcome(self, data, stream=1, **options):
        with Connection(self.server.port, **options) as connection:
            connection.send(data)
            connection.socket.settimeout(0.5)
            try:
                return SERVED if connection.answer(stream) == http2.OK else ERROR
            except TimeoutError:
                return SILENCE

    def check(self, cases):
        for what, data, expected in cases:
            with self.subTest(what):
                self.assertIn(self.outcome(data), expected)
                self.assert_serves()


class Corpus(Http2Test):
    def test_other_protocols(self):
        for what, data in OTHER_PROTOCOLS:
            with self.subTest(what):
                self.assertEqual(self.outcome(data, begin=False), ERROR)
                self.assert_serves()

    def test_frames(self):
        self.check(FRAMES)

    def test_header_blocks(self):
        self.check(HEADER_BLOCKS)

    def test_messages(self):
        self.check(MESSAGES)


class Floods(Http2Test):
    def flood(self, data, times, prefix=b""):
        """Sends it so often, or until the server has had enough."""
        connection = self.connection()
        reader = threading.Thread(target=lambda: all(iter(connection.next, None)))
        reader.start()
        connection.send(prefix)
        all(connection.send(data(i) if callable(data) else data) for i in range(times))
        self.assert_serves("during the flood")
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_RDWR)
        reader.join()

    def test_connections_that_never_say_anything(self):
        idle = [self.connection(begin=False) for _ in range(200)]
        half = [self.connection(begin=False) for _ in range(200)]
        for connection in half:
            connection.send(PREFACE[:10])
        self.assert_serves(len(idle) + len(half))

    def test_more_connections_than_descriptors(self):
        self.server.close()
        self.server = self.start(open_files=200)
        connections = [self.connection() for _ in range(300)]
        for connection in connections:
            connection.call(CAPABILITIES)
        answers = [connection.answer() for connection in connections]
        self.assertEqual(set(answers), {http2.OK, "closed"})
        self.assertEqual(answers[0], http2.OK, "who came first is served")
        for connection in connections:
            connection.socket.close()
        self.assert_serves("when they have gone")

    def test_more_uploads_broken_off_than_descriptors(self):
        self.server.close()
        self.server = self.start(open_files=200)
        with self.connection() as connection:
            for i in range(200):
                name = b"uploads/%03d/blobs/%s/1000000" % (i, b"ab" * 32)
                connection.call(WRITE, b"\x0a%c%s\x52\x04data" % (len(name), name), 2 * i + 1)
                self.assertEqual(connection.answer(2 * i + 1), http2.OK)
            self.assert_serves("while they are kept")

    def test_more_uploads_under_way_than_descriptors(self):
        self.server.close()
        self.server = self.start(open_files=400)
        with self.connection() as connection:
            for i in range(250):
                name = b"uploads/%03d/blobs/%s/1000000" % (i, b"ab" * 32)
                connection.call(WRITE, b"\x0a%c%s\x52\x04data" % (len(name), name), 2 * i + 1, end=False)
            self.assertEqual(connection.answer(499), http2.RESOURCE_EXHAUSTED)
            self.assert_serves("while they are under way")

    def test_uploads_that_wait_after_a_large_message(self):
        before, connection = self.server.memory(), self.connection()
        for i in range(40):
            first = field(1, b"uploads/%d/blobs/%s/100000000" % (i, b"ab" * 32)) + field(10, bytes(4 << 20))
            connection.send(begin(2 * i + 1, WRITE))
            self.assertTrue(connection.send_slowly(message(first), 2 * i + 1))
        self.assert_serves()
        self.assert_bounded(before, 80, "40 uploads of which 4 MiB have come")

    def test_calls_that_trickle_in(self):
        slow = [self.connection() for _ in range(100)]
        for byte in call(path=WRITE)[:40]:
            for connection in slow:
                connection.send(bytes([byte]))
        self.assert_serves()

    def test_streams_beyond_the_limit(self):
        before = self.server.memory()
        connection = self.connection()
        while connection.next()[0] != http2.SETTINGS:
            continue
        connection.send(frame(http2.SETTINGS, http2.ACK))
        connection.send(*[begin(2 * i + 1, WRITE) for i in range(2000)])
        self.assertNotEqual(connection.answer(3999), http2.OK)
        self.assert_bounded(before, 64, "2000 streams on one connection")

    def test_rapid_resets(self):
        before = self.server.memory()

        def begun_and_reset(i):
            return b"".join(call(s, WRITE) + http2.reset(s) for s in range(200 * i + 1, 200 * i + 201, 2))

        self.flood(begun_and_reset, 100)
        self.assert_bounded(before, 256, "10,000 streams that were begun and reset")

    def test_continuations_without_end(self):
        before = self.server.memory()
        self.flood(frame(http2.CONTINUATION, 0, 1, literal("x", "a" * 8000)), 2000, begin(flags=0))
        self.assert_bounded(before, 256, "16 MB of headers")

    def test_a_small_block_that_becomes_large(self):
        before = self.server.memory()
        bomb = headers_of(WRITE) + literal("x", "a" * 4000, first=b"\x40") + b"\xbe" * 16000  # 64 MB
        self.flood(lambda i: in_continuations(bomb, 2 * i + 1), 50)
        self.assert_bounded(before, 128, "50 blocks of 64 MB")

    def test_a_small_message_that_becomes_large(self):
        before = self.server.memory()
        zeros = gzip.compress(bytes(60 << 20), 9)
        self.assertLess(len(zeros), 65535, "it fits into the first window")
        bomb = message(zeros, compressed=1)
        frames = [body(bomb[i : i + 16384], flags=0) for i in range(0, len(bomb), 16384)]
        with Connection(self.server.port) as connection:
            connection.send(begin(path=FIND_MISSING, headers=[("grpc-encoding", "gzip")]), *frames, body(b""))
            self.assertEqual(connection.answer(), http2.UNIMPLEMENTED)
        self.assert_bounded(before, 32, "60 MB of zeros")

    def test_messages_that_never_end(self):
        self.server.close()
        with open(self.directory + ".toml", "w", encoding="utf-8") as config:
            config.write('[limits]\nmemory = "8MiB"\n')
        self.server = Server(self.directory, "--config", config.name, "--status", "127.0.0.1:0")
        self.addCleanup(self.server.__exit__)
        before = self.server.memory()
        for _ in range(2):
            with self.connection() as connection:
                connection.socket.settimeout(5)
                with contextlib.suppress(TimeoutError):  # it gives no more windows
                    for stream in range(1, 81, 2):
                        connection.send(begin(stream, FIND_MISSING))
                        if not connection.send_slowly(message(bytes((8 << 20) - 10), length=8 << 20), stream):
                            break
                self.assert_bounded(before, 200, "40 messages of 8 MiB without their ends")

    def test_pings(self):
        connection = self.connection()
        connection.send(frame(http2.PING, payload=b"12345678") * 2000)
        self.assertEqual(connection.answer(), "goaway 11")  # ENHANCE_YOUR_CALM
        self.assert_serves("after the flood")

    def test_settings(self):
        before = self.server.memory()
        self.flood(settings((http2.INITIAL_WINDOW, 70_000)) * 1000, 500)
        self.assert_bounded(before, 64, "half a million SETTINGS")

    def test_settings_whose_answers_nobody_reads(self):
        before = self.server.memory()
        connection = self.connection()
        connection.socket.settimeout(2)
        for _ in range(2000):
            if not connection.send(settings((http2.INITIAL_WINDOW, 70_000)) * 1000):
                break
        self.assert_bounded(before, 64, "SETTINGS")

    def test_data_of_no_byte(self):
        before = self.server.memory()
        self.flood(body(b"", flags=0) * 1000, 200, begin(path=WRITE))
        self.assert_bounded(before, 64, "200,000 frames")

    def test_priorities(self):
        before = self.server.memory()

        def priorities(i):
            streams = range(2000 * i + 1, 2000 * i + 2001, 2)
            return b"".join(frame(http2.PRIORITY, 0, stream, b"\0\0\0\0\x10") for stream in streams)

        self.flood(priorities, 100)
        self.assert_bounded(before, 64, "priorities of 100,000 streams")

    def test_a_window_of_nothing_is_waited_for(self):
        connection = self.connection(window=0)
        connection.call(CAPABILITIES)
        self.assertTrue(connection.silence(0.5))
        self.assert_serves("while one waits")
        connection.send(http2.window_update(1, 1000))
        self.assertEqual(connection.answer(), http2.OK)

    def test_a_window_that_opens_byte_by_byte(self):
        connection = self.connection(window=1)
        connection.call(CAPABILITIES)
        connection.send(*[http2.window_update(1, 1)] * 1000)
        self.assertEqual(connection.answer(), http2.OK)


if __name__ == "__main__":
    unittest.main()

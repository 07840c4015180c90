"""Clients that ask for large answers and take none of them, by HTTP/2's windows: what the answers take is bounded, and
others are served meanwhile."""

import os
import tempfile
import unittest

import http2
from http2 import END_HEADERS, END_STREAM, Connection, frame, headers_of, message
from proto import digest_of, field, name_of
from server import Server

V2 = "/build.bazel.remote.execution.v2."
CAS = V2 + "ContentAddressableStorage/"
ACTIONS = V2 + "ActionCache/"

CONNECTIONS, STREAMS = 4, 100
ANSWER_BYTES = 3_900_000
MEMORY_MEBIBYTES = 32  # the server's limit for blobs and answers


class UntakenAnswersTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="smelt-untaken-")
        self.addCleanup(directory.cleanup)
        config = directory.name + "/server.toml"
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'[limits]\nmemory = "{MEMORY_MEBIBYTES}MiB"\n')
        self.server = Server(directory.name + "/store", "--config", config, "--status", "127.0.0.1:0")
        self.addCleanup(self.server.__exit__)
        self.blob = os.urandom(ANSWER_BYTES)
        put = field(2, field(1, digest_of(self.blob)) + field(2, self.blob))
        self.assertEqual(self.ask(CAS + "BatchUpdateBlobs", put), http2.OK)

    def ask(self, path, request):
        return http2.ask(self.server.port, path, request)

    def ask_and_take_nothing(self, path, request):
        for _ in range(CONNECTIONS):
            connection = Connection(self.server.port, window=0)
            self.addCleanup(connection.socket.close)
            for stream in range(1, 2 * STREAMS, 2):
                connection.send(frame(http2.HEADERS, END_HEADERS, stream, headers_of(path)))
                self.assertTrue(connection.send_slowly(message(request), stream))
                connection.send(frame(http2.DATA, END_STREAM, stream))

    def check(self, path, request, mebibytes):
        before = self.server.memory()
        self.ask_and_take_nothing(path, request)
        self.assertEqual(self.ask(path, request), http2.OK, "who takes his answers gets them")
        grown = (self.server.memory() - before) >> 20
        self.assertLess(grown, mebibytes, f"MiB for {CONNECTIONS * STREAMS} answers")

    def test_blobs(self):
        self.check(CAS + "BatchReadBlobs", field(2, digest_of(self.blob)), 300)

    def test_results(self):
        result = field(4, 0) + field(5, os.urandom(ANSWER_BYTES // 4))  # stdout_raw
        update = field(2, digest_of(b"an action")) + field(3, result)
        self.assertEqual(self.ask(ACTIONS + "UpdateActionResult", update), http2.OK)
        self.check(ACTIONS + "GetActionResult", field(2, digest_of(b"an action")), 300)

    def test_absent_blobs(self):
        request = b"".join(field(2, digest_of(b"%d" % i)) for i in range(15_000))
        received = CONNECTIONS * STREAMS * len(request) >> 20  # has a limit of its own
        self.check(CAS + "BatchReadBlobs", request, received + 200)

    def test_missing_digests(self):
        request = b"".join(field(2, digest_of(b"%d" % i)) for i in range(15_000))
        received = CONNECTIONS * STREAMS * len(request) >> 20  # has a limit of its own
        self.check(CAS + "FindMissingBlobs", request, received + 200)

    def test_little_answers(self):
        request = b"".join(field(2, digest_of(b"%d" % i)) for i in range(1000))
        self.check(CAS + "FindMissingBlobs", request, 60)

    def test_requests_are_not_kept_with_answers(self):
        blob = os.urandom(1 << 20)
        self.check(CAS + "BatchUpdateBlobs", field(2, field(1, digest_of(blob)) + field(2, blob)), 150)

    def test_messages_are_not_kept_with_answers(self):
        blob = os.urandom(1 << 20)
        put = field(2, field(1, digest_of(blob)) + field(2, blob))
        self.assertEqual(self.ask(CAS + "BatchUpdateBlobs", put), http2.OK)
        name = b"uploads/an-upload/blobs/" + name_of(blob)
        self.check("/google.bytestream.ByteStream/Write", field(1, name) + field(10, blob), 150)


if __name__ == "__main__":
    unittest.main()

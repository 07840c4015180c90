"""Results whose directories are large: to look whether all of their files are there takes time and memory, which others
do not wait for and which does not grow with the callers."""

import tempfile
import unittest

import http2
from http2 import END_HEADERS, END_STREAM, Connection, frame, headers_of, message
from proto import digest_of, field, name_of
from server import Server

V2 = "/build.bazel.remote.execution.v2."
ACTIONS = V2 + "ActionCache/"
FILES = 150_000
LOOKUPS = 16
PIECE = 2 << 20


class LargeTreesTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="smelt-trees-")
        self.addCleanup(directory.cleanup)
        self.server = Server(directory.name + "/store", "--status", "127.0.0.1:0")
        self.addCleanup(self.server.__exit__)
        blob = b"every file's"
        put = field(2, field(1, digest_of(blob)) + field(2, blob))
        self.assertEqual(self.ask(V2 + "ContentAddressableStorage/BatchUpdateBlobs", put), http2.OK)
        files = b"".join(field(1, field(1, b"%06d" % i) + field(2, digest_of(blob))) for i in range(FILES))
        tree = field(1, files)
        self.write(tree)
        result = field(3, field(1, b"out") + field(3, digest_of(tree)))
        update = field(2, digest_of(b"an action")) + field(3, result)
        self.assertEqual(self.ask(ACTIONS + "UpdateActionResult", update), http2.OK)

    def ask(self, path, request):
        return http2.ask(self.server.port, path, request)

    def write(self, blob):
        with Connection(self.server.port, window=1 << 20) as connection:
            connection.send(frame(http2.HEADERS, END_HEADERS, 1, headers_of("/google.bytestream.ByteStream/Write")))
            for at in range(0, len(blob), PIECE):
                piece = field(2, at) + field(10, blob[at : at + PIECE])
                if at == 0:
                    piece = field(1, b"uploads/u/blobs/" + name_of(blob)) + field(10, blob[:PIECE])
                if at + PIECE >= len(blob):
                    piece += field(3, 1)
                self.assertTrue(connection.send_slowly(message(piece)))
            connection.send(frame(http2.DATA, END_STREAM, 1))
            self.assertEqual(connection.answer(), http2.OK)

    def answered(self, connection, calls):
        """The streams of so many calls, in the order in which they ended well."""
        ended = []
        while len(ended) < calls:
            kind, _, stream, payload = connection.next()
            self.assertNotIn(kind, (http2.RST_STREAM, http2.GOAWAY))
            if kind == http2.HEADERS and b"grpc-status" in payload:
                self.assertRegex(payload, rb"grpc-status.0")
                ended.append(stream)
        return ended

    def test_others_do_not_wait_and_memory_is_bounded(self):
        lookup = field(2, digest_of(b"an action"))
        self.assertEqual(self.ask(ACTIONS + "GetActionResult", lookup), http2.OK)
        before = self.server.memory()
        with Connection(self.server.port) as connection:
            for stream in range(1, 2 * LOOKUPS, 2):
                connection.call(ACTIONS + "GetActionResult", lookup, stream)
            little = 2 * LOOKUPS + 1
            connection.call(V2 + "ContentAddressableStorage/FindMissingBlobs", field(2, digest_of(b"x")), little)
            answered = self.answered(connection, LOOKUPS + 1)
        self.assertLess(answered.index(little), LOOKUPS // 2, answered)
        grown = (self.server.memory() - before) >> 20
        self.assertLess(grown, 500, "MiB for %d lookups" % LOOKUPS)


if __name__ == "__main__":
    unittest.main()

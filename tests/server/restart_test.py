"""What a server that ended in good order still has at its next start: blobs as they were compressed."""

import os
import signal
import tempfile
import unittest

import http2
from proto import digest_of, field, name_of
from server import Server

UPDATE = "/build.bazel.remote.execution.v2.ContentAddressableStorage/BatchUpdateBlobs"
READ = "/google.bytestream.ByteStream/Read"
UNAVAILABLE = 14


class RestartTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="smelt-restart-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name + "/store"
        self.start()
        self.blob = b"".join(b"line %d\n" % i for i in range(100_000))
        put = field(2, field(1, digest_of(self.blob)) + field(2, self.blob))
        self.assertEqual(http2.ask(self.server.port, UPDATE, put), http2.OK)
        self.assertEqual(self.read(), http2.OK)

    def start(self):
        self.server = Server(self.directory)
        self.addCleanup(self.server.__exit__)

    def restart(self, end=signal.SIGTERM):
        self.server.close(end)
        saved = self.saved()
        self.start()
        return saved

    def saved(self):
        directory = self.directory + "/zstd-forms"
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []

    def read(self):
        """How a read of the blob as zstd ends."""
        return http2.ask(self.server.port, READ, field(1, b"compressed-blobs/zstd/" + name_of(self.blob)))

    def test_it_sends_what_it_compressed_before(self):
        frames, index = self.restart()
        self.assertEqual(index, "index")
        self.assertEqual(self.saved(), [frames], "the index is for one start")
        self.assertEqual(self.read(), http2.OK)
        self.assertEqual(self.restart(), [frames, "index"])

    def test_what_was_damaged_meanwhile_is_compressed_anew(self):
        self.server.close()
        (frames,) = [name for name in self.saved() if name != "index"]
        with open(self.directory + "/zstd-forms/" + frames, "r+b") as file:
            file.seek(1000)
            file.write(b"damage")
        self.start()
        self.assertEqual(self.read(), UNAVAILABLE, "it was not compressed again, so it is noticed")
        self.assertEqual(self.read(), http2.OK)

    def test_after_a_crash_nothing_is_left(self):
        self.restart()
        self.restart(signal.SIGKILL)
        self.assertEqual(self.saved(), [])
        self.assertEqual(self.read(), http2.OK)


if __name__ == "__main__":
    unittest.main()

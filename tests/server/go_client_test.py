"""A client in Go against the official stubs (github.com/bazelbuild/remote-apis) asks our server for all that a cache is
asked for. The checks are in go_client/; it shares nothing with our code, not even the compression.

It needs `go` (PATH or /usr/local/go/bin) and, once, the modules of go_client/go.mod; without them it is skipped."""

import os
import shutil
import socket
import subprocess
import tempfile
import unittest

from server import Server, runfile

GO_DIRECTORY = "/usr/local/go/bin"


class GoClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="smelt-go-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)
        cls.program = cls.build(cls.scratch + "/go_client")

    @classmethod
    def build(cls, directory):
        """The program, made from a copy: Bazel's links to the sources are not to be written beside."""
        go = shutil.which("go") or shutil.which("go", path=GO_DIRECTORY)
        if go is None:
            raise unittest.SkipTest(f"no go on PATH or in {GO_DIRECTORY}")
        shutil.copytree(runfile("tests/server/go_client"), directory)
        cls.go(go, directory, "mod", "edit", "-json").check_returncode()
        fetched = cls.go(go, directory, "mod", "download")
        if fetched.returncode != 0 and "checksum mismatch" not in fetched.stdout:
            raise unittest.SkipTest("the modules of go_client/go.mod are not to be had here:\n" + fetched.stdout)
        program = directory + ".program"
        built = cls.go(go, directory, "build", "-buildvcs=false", "-o", program, ".")
        if built.returncode != 0:
            raise AssertionError("go_client does not build:\n" + fetched.stdout + built.stdout)
        return program

    @staticmethod
    def go(program, directory, *arguments):
        return subprocess.run(
            [program, *arguments],
            cwd=directory,
            # What Go would otherwise take from the user's own files or from a workspace above.
            env={**os.environ, "GOFLAGS": "", "GOWORK": "off"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            check=False,
        )

    def ask(self, port, *flags):
        """The exit status, and what it said."""
        done = subprocess.run(
            [self.program, *flags, f"127.0.0.1:{port}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            check=False,
        )
        return done.returncode, done.stdout

    def test_every_check_passes(self):
        with Server(self.scratch + "/server") as server:
            for instance in ("", "team/linux"):
                with self.subTest(instance=instance):
                    status, said = self.ask(server.port, "-instance", instance)
                    self.assertEqual(status, 0, said)
                    self.assertRegex(said, r"\npassed \d\d checks\n$")

    def test_the_same_blobs_again_are_not_missing(self):
        with Server(self.scratch + "/again") as server:
            self.assertEqual(self.ask(server.port, "-seed", "7")[0], 0)
            status, said = self.ask(server.port, "-seed", "7")
            self.assertEqual(status, 1)
            self.assertIn("FAILED FindMissingBlobs: the missing ones of 10,000, exactly: 9900 of 10000", said)

    def test_it_fails_where_nobody_answers(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and does not listen
            status, said = self.ask(taken.getsockname()[1])
        self.assertEqual(status, 1)
        self.assertIn("FAILED GetCapabilities", said)


if __name__ == "__main__":
    unittest.main()

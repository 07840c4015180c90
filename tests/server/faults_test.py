"""The server is killed, has an empty disk, and loses its bucket, while clients go on. What drives it is the load
generator of tools/bench/server: its blobs are the same each time, and it compares every byte that it reads."""

import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

from server import runfile

CONFIGURATION = """
[server]
listen = ["127.0.0.1:0"]
[storage]
directory = "%s"
free = "1MB"
[status]
listen = "127.0.0.1:0"
"""

BUCKET = """
[s3]
bucket = "bucket"
endpoint = "http://127.0.0.1:%d"
key_prefix = "team"
"""

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDFAKE",
    "AWS_SECRET_ACCESS_KEY": "canary-secret-of-the-fake-bucket",
    "AWS_REGION": "us-east-1",
}
BLOBS = 400


def port_in(line):
    return int(re.fullmatch(r".*on port (\d+)\n", line)[1])


class Bucket:
    def __init__(self):
        self.process = subprocess.Popen([runfile("src/testing/s3/fake_s3_server")], stdout=subprocess.PIPE, text=True)
        self.port = port_in(self.process.stdout.readline())

    def fail(self):
        self.process.send_signal(signal.SIGUSR1)

    def recover(self):
        self.process.send_signal(signal.SIGUSR2)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Server:
    """smelt-server on `directory`, with the bucket behind it if one is given."""

    def __init__(self, directory, bucket=None, kill_point=""):
        directory.mkdir(exist_ok=True)
        file = directory / "server.toml"
        file.write_text(CONFIGURATION % (directory / "store") + (BUCKET % bucket.port if bucket else ""))
        environment = {**os.environ, **KEYS}
        if kill_point:
            environment["SMELT_KILL_POINT"] = kill_point
        self.log = (directory / "log").open("ab")
        self.process = subprocess.Popen([runfile("src/cmd/smelt-server"), "--config", str(file)], env=environment,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = port_in(self.process.stdout.readline())
        self.status_port = port_in(self.process.stdout.readline())

    def metric(self, name):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.status_port, timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if re.match(name + r"[ {]", line))

    def load(self, *phases, blobs=BLOBS):
        """The outcomes of the phases, one after the other."""
        return [load(self.port, phase, blobs) for phase in phases]

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.finish()

    def finish(self):
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.log.close()
        return status


def load(port, phase, blobs=BLOBS):
    command = [runfile("tools/bench/server/load"), "--target", "127.0.0.1:%d" % port, "--only", phase]
    command += ["--blobs", str(blobs), "--lookups", str(blobs), "--large-bytes", "3000000"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120, check=True).stdout)


class FaultsTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="smelt-server-faults-")
        self.addCleanup(self.scratch.cleanup)
        self.root = pathlib.Path(self.scratch.name)

    def server(self, name, bucket=None, kill_point=""):
        server = Server(self.root / name, bucket, kill_point)
        self.addCleanup(lambda: server.process.poll() is None and server.end(signal.SIGKILL))
        return server

    def bucket(self):
        bucket = Bucket()
        self.addCleanup(bucket.close)
        return bucket

    def assert_all_there(self, server):
        for outcome in server.load("small reads", "action lookups", "large reads", "find missing"):
            self.assertEqual((outcome["failures"], outcome["failure"]), (0, ""), outcome["phase"])

    def fill(self, server):
        for outcome in server.load("small writes", "action writes", "large writes"):
            self.assertEqual((outcome["failures"], outcome["failure"]), (0, ""), outcome["phase"])

    def await_metric(self, server, name, wanted):
        deadline = time.monotonic() + 60
        while server.metric(name) != wanted:
            self.assertLess(time.monotonic(), deadline, "%s stays at %g" % (name, server.metric(name)))
            time.sleep(0.1)

    def dies_or_sends(self, server):
        """Waits until everything is in the bucket; True if the server has died before that."""
        deadline = time.monotonic() + 60
        while server.process.poll() is None:
            self.assertLess(time.monotonic(), deadline, "it neither dies nor sends what it has")
            try:
                if server.metric("smelt_s3_pending_bytes") == 0:
                    return False
            except (OSError, http.client.HTTPException):
                pass  # it is dying
            time.sleep(0.05)
        return True

    def test_what_was_acknowledged_survives_kill_9(self):
        server = self.server("one")
        self.fill(server)
        self.assertEqual(server.end(signal.SIGKILL), -signal.SIGKILL)
        self.assert_all_there(self.server("one"))

    def test_killed_under_load_it_begins_again_and_holds_no_wrong_byte(self):
        for attempt in range(3):
            server = self.server("one")
            writing = subprocess.Popen(
                [runfile("tools/bench/server/load"), "--target", "127.0.0.1:%d" % server.port, "--only", "small writes",
                 "--blobs", "200000"], stdout=subprocess.DEVNULL)
            deadline = time.monotonic() + 60
            while server.metric("smelt_cas_blobs") < (attempt + 1) * 500 and time.monotonic() < deadline:
                time.sleep(0.02)
            server.end(signal.SIGKILL)
            writing.kill()
            writing.wait()
        server = self.server("one")
        self.assertGreater(server.metric("smelt_cas_blobs"), 0)
        self.fill(server)
        self.assert_all_there(server)

    def test_a_server_with_an_empty_disk_serves_what_the_bucket_holds(self):
        bucket = self.bucket()
        first = self.server("first", bucket)
        self.fill(first)
        self.await_metric(first, "smelt_s3_pending_bytes", 0)
        first.end(signal.SIGKILL)
        self.assert_all_there(self.server("second", bucket))

    def test_while_the_bucket_is_down_everything_goes_on_and_arrives_there_later(self):
        bucket = self.bucket()
        bucket.fail()
        first = self.server("first", bucket)
        self.fill(first)
        self.assert_all_there(first)
        self.assertGreater(first.metric("smelt_s3_pending_bytes"), 0)
        first.end(signal.SIGKILL)
        first = self.server("first", bucket)  # what waits has survived
        self.assertGreater(first.metric("smelt_s3_pending_bytes"), 0)
        bucket.recover()
        self.await_metric(first, "smelt_s3_pending_bytes", 0)
        self.await_metric(first, "smelt_s3_failing", 0)
        first.end()
        self.assert_all_there(self.server("second", bucket))

    def test_it_may_die_at_every_kill_point_on_the_way_to_disk_and_bucket(self):
        listed = subprocess.run([runfile("src/cmd/smelt-server"), "--list-kill-points"], stdout=subprocess.PIPE,
                                text=True, check=True).stdout.split()
        died = set()
        for number, point in enumerate(name for name in listed if name.startswith(("rocks.", "s3."))):
            bucket = self.bucket()
            name = "at-%d" % number
            server = self.server(name, bucket, point)
            server.load("small writes", "large writes", "action writes", blobs=40)
            if self.dies_or_sends(server):
                died.add(point)
                server.finish()
            else:
                server.end(signal.SIGKILL)
            server = self.server(name, bucket)
            self.fill(server)
            self.assert_all_there(server)
            self.await_metric(server, "smelt_s3_pending_bytes", 0)
            server.end(signal.SIGKILL)
            other = self.server(name + "-empty", bucket)
            self.assert_all_there(other)
            other.end()
            bucket.close()
        self.assertLessEqual({"rocks.put.before_batch", "rocks.put.after_batch", "rocks.action.before_batch",
                              "rocks.commit.before_name", "rocks.commit.after_name", "s3.outbox.sent_unconfirmed",
                              "s3.write.pack_without_index"}, died)


if __name__ == "__main__":
    unittest.main()

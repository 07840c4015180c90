"""The daemon is killed at each of its named kill points, in a cold build, a warm one, one that finds corrupt files, and
while it collects garbage."""

import os
import pathlib
import signal
import subprocess
import unittest

from faults import FaultCase, daemons, death_of


class Bucket:
    """src/testing/s3/fake_s3_server; `variables` are for a daemon that uses it."""

    def __init__(self):
        program = pathlib.Path(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"],
                               "src/testing/s3/fake_s3_server")
        self.process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
        port = self.process.stdout.readline().split()[-1]
        self.variables = {
            "SMELT_S3_BUCKET": "bucket", "SMELT_S3_ENDPOINT": "127.0.0.1:" + port, "SMELT_S3_USE_SSL": "false",
            "AWS_ACCESS_KEY_ID": "AKIDFAKE", "AWS_SECRET_ACCESS_KEY": "canary-secret-of-the-fake-bucket",
            "AWS_REGION": "us-east-1",
        }

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class KillPoints(FaultCase):

    reached = set()

    def setUp(self):
        super().setUp()
        daemon = self.smelt.program.parent / "smeltd"
        ran = subprocess.run([daemon, "--list-kill-points"], capture_output=True, text=True, check=True)
        self.names = ran.stdout.split()
        self.assertGreater(len(self.names), 10)

    def at_each_point(self, scenario, names, nth=1):
        self.right  # made with a healthy daemon
        for index, name in enumerate(names):
            with self.subTest(name, nth=nth):
                smelt = self.stopped_smelt()
                project = self.graph(f"{scenario.__name__}{nth}-{index}")
                scenario(smelt, project, f"{name}:{nth}", name)
                self.assert_heals(smelt)
                smelt.stop()

    def armed(self, smelt, name, spec, action, **env):
        """Runs `action` with a daemon that dies at the kill point, there or when it is stopped."""
        try:
            smelt.start(SMELT_KILL_POINT=spec, **env)
        except AssertionError:
            # A store that is too full collects as soon as it is opened, and dies before anybody can ask it.
            if "SMELT_CACHE_SIZE" not in env:
                raise
            self.reached.add(name)
        children = daemons()
        action()
        smelt.stop()
        if signal.SIGKILL in [death_of(pid) for pid in children]:
            self.reached.add(name)

    def cold(self, smelt, project, spec, name):
        self.armed(smelt, name, spec, lambda: self.assert_builds(project, smelt))

    def warm(self, smelt, project, spec, name):
        smelt.start()
        self.assert_builds(project, smelt)
        smelt.stop()
        self.armed(smelt, name, spec, lambda: self.assert_builds(project, smelt))

    def corrupt(self, smelt, project, spec, name):
        smelt.start()
        self.assert_builds(project, smelt)
        smelt.stop()
        for file in (smelt.home / "store/blobs").rglob("*"):
            if file.is_file():
                file.chmod(0o644)
                file.write_bytes(b"corrupt" + file.read_bytes()[7:])
        self.armed(smelt, name, spec, lambda: self.assert_builds(project, smelt))

    def collecting(self, smelt, project, spec, name):
        smelt.start()
        self.assert_builds(project, smelt)
        smelt.stop()
        self.armed(smelt, name, spec, lambda: (smelt("gc"), self.assert_builds(project, smelt)), SMELT_CACHE_SIZE="20kB")

    def test_a_cold(self):
        self.at_each_point(self.cold, self.names)

    def test_b_cold_later(self):
        self.at_each_point(self.cold, [n for n in self.names if "commit" in n or "ingest" in n or "after" in n and "collect" not in n], nth=3)

    def test_c_warm(self):
        self.at_each_point(self.warm, [n for n in self.names if "collect" not in n])

    def test_d_corrupt(self):
        self.at_each_point(self.corrupt, [n for n in self.names if "drop" in n or "restore" in n])

    def test_e_collecting(self):
        self.at_each_point(self.collecting, [n for n in self.names if "collect" in n or "drop" in n])

    def test_f_every_daemon_dies_at_once(self):
        """The variable is in cargo's environment too, so that each new daemon dies in its turn."""
        for name in ("compile.before_store", "store.ingest.staged", "store.action.before_put"):
            with self.subTest(name):
                smelt = self.stopped_smelt()
                project = self.graph(name)
                self.assert_builds(project, smelt, env={"SMELT_KILL_POINT": name})
                self.assert_heals(smelt)

    def sharing(self, smelt, project, spec, name):
        """Dies on the way to a bucket; what is left goes there with the next flush."""
        bucket = Bucket()
        self.addCleanup(bucket.close)

        def build_and_flush():
            self.assert_builds(project, smelt, env=bucket.variables)
            smelt("flush")

        self.armed(smelt, name, spec, build_and_flush, **bucket.variables)
        smelt.start(**bucket.variables)
        self.assert_builds(project, smelt, env=bucket.variables)
        self.assertEqual(smelt("flush").status, 0)
        other = self.own_smelt(**bucket.variables)
        other.mark()
        self.assert_builds(project, other, env=bucket.variables)
        self.assertEqual([u for u in other.units() if u["outcome"] != "hit" and u["unit"]], [])
        other.stop()

    def test_g_sharing(self):
        self.at_each_point(self.sharing, [n for n in self.names if n.startswith(("publish.", "s3."))])

    def test_z_every_point_was_reached(self):
        # Spares are made only after an idle moment, and handed over is what another machine stored: the store's own
        # crash test (src/store/local/local_store_crash_test.cc) dies at each of these.
        elsewhere = {n for n in self.names if n.startswith(("store.spare.", "store.handover.", "store.release."))}
        missed = set(self.names) - self.reached - elsewhere
        self.assertEqual(missed, set(), "no scenario above reached these")


if __name__ == "__main__":
    unittest.main()

"""The daemon is killed at each of its named kill points, in a cold build, a warm one, one that finds corrupt files, and
while it collects garbage."""

import signal
import subprocess
import unittest

from faults import FaultCase, daemons, death_of


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

    def test_z_every_point_was_reached(self):
        # Spares are made only after an idle moment: the store's own crash test
        # (src/store/local/local_store_crash_test.cc) dies at each of these.
        elsewhere = {n for n in self.names if n.startswith("store.spare.")}
        missed = set(self.names) - self.reached - elsewhere
        self.assertEqual(missed, set(), "no scenario above reached these")


if __name__ == "__main__":
    unittest.main()

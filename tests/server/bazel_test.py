"""Bazel, as Debian has it, builds a small workspace with our server as its remote cache."""

import signal
import unittest

from bazel_client import BazelClient
from server import Server


class BazelTest(BazelClient):
    def test_what_one_build_made_the_next_one_hits(self):
        directory = self.scratch + "/server"
        with Server(directory) as server:
            first = self.build(server.port)
            self.assertNotIn("remote cache hit", first)
            actions = first["local"]
            self.assertGreaterEqual(actions, 43)

            self.bazel("clean")
            self.assertEqual(self.build(server.port).get("remote cache hit"), actions, "after a clean")
            with open(self.workspace + "/bazel-bin/ran.txt", encoding="utf-8") as ran:
                self.assertEqual(ran.read(), "it runs\n")

            other = self.checkout("two")
            again = self.build(server.port, other)
            self.assertEqual(again.get("remote cache hit"), actions, "from another checkout")
            self.assertNotIn("local", again)
            server.close(signal.SIGKILL)

        with Server(directory) as server:
            self.bazel("clean")
            self.assertEqual(self.build(server.port).get("remote cache hit"), actions, "after a kill -9")

    def test_a_changed_input_builds_what_depends_on_it(self):
        with Server(self.scratch + "/server") as server:
            first = self.build(server.port)
            with open(self.workspace + "/seed.txt", "a", encoding="utf-8") as seed:
                seed.write("changed\n")
            changed = self.build(server.port)
            self.assertEqual(changed["local"], 40)
            self.assertEqual(changed.get("remote cache hit", 0) + changed["local"], 40, "the rest was not asked for")
            self.assertGreater(first["local"], changed["local"])


if __name__ == "__main__":
    unittest.main()

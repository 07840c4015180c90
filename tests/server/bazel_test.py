"""Bazel, as Debian has it, builds a small workspace with our server as its remote cache."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from server import Server, runfile


@unittest.skipUnless(shutil.which("bazel"), "no bazel here")
class BazelTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="smelt-bazel-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.addCleanup(self.stop)
        self.workspace = self.checkout("one")

    def checkout(self, name):
        workspace = os.path.join(self.scratch, name)
        os.makedirs(workspace)
        for source, target in (("WORKSPACE", "WORKSPACE"), ("BUILD.package", "BUILD"), ("seed.txt", "seed.txt")):
            shutil.copyfile(runfile("tests/server/workspace/" + source), os.path.join(workspace, target))
        return workspace

    def bazel(self, command, *arguments, workspace=None):
        return subprocess.run(
            [
                "bazel",
                "--bazelrc=/dev/null",
                "--nohome_rc",
                "--batch",
                "--host_jvm_args=-Xmx600m",
                "--output_user_root=" + self.scratch + "/root",
                command,
                *arguments,
            ],
            cwd=workspace or self.workspace,
            env={"PATH": os.environ["PATH"], "HOME": self.scratch, "USER": "nobody"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )

    def stop(self):
        """--batch leaves no server behind; what it unpacked is not writable."""
        subprocess.run(["chmod", "-R", "u+w", self.scratch], check=False)

    def build(self, port, workspace=None, *more):
        """What the build says of its processes: how many of which kind."""
        options = ["--override_repository=" + o for o in self.REPOSITORIES]
        done = self.bazel(
            "build",
            *options,
            "--spawn_strategy=local",
            f"--remote_cache=grpc://127.0.0.1:{port}",
            "--color=no",
            "--curses=no",
            *more,
            "//:all",
            workspace=workspace,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotRegex(done.stdout, "(?i)warning: (reading|writing) .* cache", done.stdout)
        summary = re.search(r"INFO: (\d+) processe?s?: (.*)\.", done.stdout)
        self.assertTrue(summary, done.stdout)
        return {kind: int(n) for n, kind in re.findall(r"(\d+) ([a-z -]+)", summary[2])}

    REPOSITORIES = (
        "rules_java=/usr/share/bazel/rules/java",
        "rules_proto=/usr/share/bazel/rules/proto",
        "platforms=/usr/share/bazel/platforms",
        "bazel_skylib=/usr/share/bazel/tools/skylib",
    )

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

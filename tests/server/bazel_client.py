"""Debian's Bazel as a client: builds a small workspace of its own with a given remote cache."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from server import runfile


@unittest.skipUnless(shutil.which("bazel"), "no bazel here")
class BazelClient(unittest.TestCase):
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

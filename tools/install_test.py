"""tools/install, with smelt's own programs and a Bazel that has built them already."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

PROGRAMS = ("cmd/smelt", "cmd/smeltd", "cmd/smelt-server", "observer/libsmelt_observer.so")


class InstallTest(unittest.TestCase):
    def setUp(self):
        # Short: a socket's path may not be long.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="si-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.root)
        self.tree, self.prefix = self.root / "tree", self.root / "prefix"
        for name in ("install", "build_smelt.sh"):
            self.copy(pathlib.Path(name), self.tree / "tools" / name)
        self.write("tree/tools/packages.sh",
                   "SMELT_PACKAGES=()\ninstall_packages() { :; }\nbazel_output_options() { :; }\n")
        self.write("bin/bazel", "#!/bin/sh\n")
        for program in PROGRAMS:
            self.copy(pathlib.Path("../src") / program, self.tree / "bazel-bin/src" / program)
        self.environment = {
            "PATH": f"{self.root}/bin:/usr/bin:/bin", "HOME": str(self.root), "SMELT_DIR": str(self.root / "d")}
        self.addCleanup(self.run_program, self.prefix / "bin/smelt", "stop")

    @staticmethod
    def copy(source, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def run_program(self, *command, **variables):
        return subprocess.run([str(c) for c in command], cwd="/", env={**self.environment, **variables}, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def install(self, *options):
        ran = self.run_program("bash", self.tree / "tools/install", "--prefix", self.prefix, *options)
        self.assertEqual(ran.returncode, 0, ran.stdout)
        return ran.stdout

    def daemon_runs(self):
        return self.run_program(self.prefix / "bin/smelt", "status", SMELT_NO_START="1").returncode == 0

    def test_programs_and_completions_are_in_place(self):
        self.assertIn("Installed: %s/bin/smelt" % self.prefix, self.install())
        self.assertIn("0.1.0", self.run_program(self.prefix / "bin/smelt", "--version").stdout)
        for name in ("bash-completion/completions/smelt", "zsh/site-functions/_smelt"):
            self.assertIn("smelt", (self.prefix / "share" / name).read_text())
        self.assertFalse(self.daemon_runs(), "none was started")

    def test_the_server_is_installed_where_it_is_wanted(self):
        self.install()
        self.assertFalse((self.prefix / "bin/smelt-server").exists())
        self.install("--server")
        ran = self.run_program(self.prefix / "bin/smelt", "server", "--help")
        self.assertEqual(ran.returncode, 0, ran.stdout)
        self.assertIn("--listen", ran.stdout)

    def test_a_running_daemon_ends_so_that_the_next_one_is_the_new_one(self):
        self.install()
        self.assertEqual(self.run_program(self.prefix / "bin/smelt", "start").returncode, 0)
        self.assertTrue(self.daemon_runs())
        self.assertNotIn("warning", self.install())
        self.assertFalse(self.daemon_runs())

    def test_a_daemon_of_another_version_ends_too(self):
        self.install()
        smelt = self.prefix / "bin/smelt"
        self.assertEqual(self.run_program(smelt, "start", SMELT_BUILD_ID_FOR_TEST="0.0.1+wire1").returncode, 0)
        self.install()
        self.assertIn("not running", self.run_program(smelt, "stop").stdout)


if __name__ == "__main__":
    unittest.main()

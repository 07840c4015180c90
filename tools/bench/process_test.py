"""Tests of process.py."""

import os
import pathlib
import sys
import tempfile
import unittest

import process


class ParseStatTest(unittest.TestCase):
    def test_a_name_with_spaces_and_parentheses(self):
        line = "42 (a) b (c)) S 7 " + " ".join(str(n) for n in range(5, 30))
        # Fields 14 to 17 of proc(5) are utime, stime, cutime and cstime.
        self.assertEqual(process.parse_stat(line), process.Process(42, 7, "S", 14 + 15 + 16 + 17))

    def test_the_kernels_own_line(self):
        with open("/proc/self/stat", encoding="utf-8") as file:
            parsed = process.parse_stat(file.read())
        self.assertEqual((parsed.pid, parsed.parent), (os.getpid(), os.getppid()))


class DescendantsTest(unittest.TestCase):
    def test_grandchildren_are_found_and_strangers_are_not(self):
        made = [process.Process(pid, parent, "S", 0) for pid, parent in ((3, 2), (2, 1), (9, 8), (4, 2))]
        self.assertEqual({p.pid for p in process.descendants_of(1, made)}, {2, 3, 4})


class RunTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.log = pathlib.Path(self.scratch.name) / "log"

    def run_python(self, program):
        return process.run([sys.executable, "-c", program], self.scratch.name, dict(os.environ), self.log)

    def test_the_cost_counts_the_childs_cpu(self):
        cost = self.run_python("import time\nwhile time.process_time() < 0.2: pass")
        self.assertGreaterEqual(cost.cpu, 0.15)
        self.assertGreaterEqual(cost.wall, 0.15)

    def test_a_failure_says_what_was_printed(self):
        with self.assertRaisesRegex(process.CommandFailed, "(?s)ended with 3.*no luck"):
            self.run_python("print('no luck'); raise SystemExit(3)")

    def test_a_program_that_is_not_there(self):
        with self.assertRaisesRegex(process.CommandFailed, "/nonexistent: cannot be run"):
            process.run(["/nonexistent"], self.scratch.name, {}, self.log)

    def test_what_a_command_leaves_running_is_stopped(self):
        process.adopt_orphans()
        left = "import subprocess, sys; print(subprocess.Popen(['sleep', '600']).pid)"
        self.run_python(left)
        pid = int(self.log.read_text())
        self.assertIn(pid, [p.pid for p in process.descendants()])
        process.stop_descendants()
        self.assertEqual(process.descendants(), [])


if __name__ == "__main__":
    unittest.main()

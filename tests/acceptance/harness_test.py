"""Tests of harness.py."""

import pathlib
import tempfile
import unittest

import harness


class SanitizersFindings(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.base = pathlib.Path(directory.name)

    def log(self, name, text):
        path = self.base / name
        path.parent.mkdir(parents=True)
        path.write_bytes(text)

    def test_of_every_daemon(self):
        self.log("s/d/smeltd.log", b"I1 started\n==7==ERROR: AddressSanitizer: heap-use-after-free on 0x1\n    #0 0x2\n")
        self.log("s1/d/smeltd.log.old", b"WARNING: ThreadSanitizer: data race (pid=7)\n")
        self.log("store_is_full/6m/d/smeltd.log", b"\xff\nsrc/a.cc:3:5: runtime error: signed integer overflow\n")
        self.assertEqual(harness.sanitizers_findings(self.base), [
            "==7==ERROR: AddressSanitizer: heap-use-after-free on 0x1",
            "WARNING: ThreadSanitizer: data race (pid=7)",
            "src/a.cc:3:5: runtime error: signed integer overflow",
        ])

    def test_nothing_in_what_a_daemon_writes_itself(self):
        self.log("s/d/smeltd.log", b"W1 the store is full\nE1 an error: a runtime\n")
        self.assertEqual(harness.sanitizers_findings(self.base), [])


if __name__ == "__main__":
    unittest.main()

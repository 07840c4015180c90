"""Tests of check_results.py."""

import json
import unittest

import check_results


def test_result(label, status="PASSED", xml=None, run=1, attempt=1):
    outputs = [{"name": "test.xml", "uri": "file://" + xml}] if xml else []
    return {
        "id": {"testResult": {"label": label, "run": run, "shard": 1, "attempt": attempt}},
        "testResult": {"status": status, "testActionOutput": outputs},
    }


def count(events, files=()):
    files = dict(files)

    def read_file(path):
        if path not in files:
            raise OSError(path)
        return files[path]

    return check_results.results_of(events, read_file)


class CheckResultsTest(unittest.TestCase):
    def test_cases_are_counted_one_by_one(self):
        xml = (
            "<testsuites><testsuite><testcase name='A' classname='S' status='run'/>"
            "<testcase name='B' classname='S'><failure/></testcase>"
            "<testcase name='C' classname='S' status='notrun'/></testsuite></testsuites>"
        )
        results = count([test_result("//a:t", "FAILED", "/a b.xml".replace(" ", "%20"))], {"/a b.xml": xml})
        self.assertEqual((results.passed, results.failed, results.skipped), (1, 1, 1))
        self.assertEqual(results.failures, [("//a:t", "S.B")])

    def test_a_target_without_xml_is_one_case(self):
        results = count([test_result("//a:good"), test_result("//a:slow", "TIMEOUT")])
        self.assertEqual((results.passed, results.failed), (1, 1))

    def test_a_crash_after_passing_cases_is_a_failure(self):
        xml = "<testsuites><testsuite><testcase name='A'/></testsuite></testsuites>"
        results = count([test_result("//a:t", "FAILED", "/x")], {"/x": xml})
        self.assertEqual((results.passed, results.failed), (1, 1))

    def test_the_last_attempt_counts(self):
        results = count([test_result("//a:t", "FAILED"), test_result("//a:t", "PASSED", attempt=2)])
        self.assertEqual((results.passed, results.failed), (1, 0))

    def test_a_target_that_does_not_build_is_a_failure(self):
        results = count([{"id": {"targetCompleted": {"label": "//a:broken"}}, "completed": {}}])
        self.assertEqual(results.failures, [("//a:broken", "did not build")])

    def test_a_target_that_builds_is_no_test(self):
        results = count([{"id": {"targetCompleted": {"label": "//a:lib"}}, "completed": {"success": True}}])
        self.assertEqual((results.passed, results.failed), (0, 0))

    def test_a_cut_off_event_ends_the_file(self):
        lines = [json.dumps({"id": {}}), '{"id": {"te']
        self.assertEqual(check_results.read_events(lines), [{"id": {}}])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Counts test cases in what `bazel test --build_event_json_file` wrote; used by tools/check.

A target that wrote a test.xml counts by its cases, any other (one that did not build, timed out or crashed) as one.
The last line printed is "N passed, N failed". Ends with 0 only if something ran, nothing failed and bazel agreed.
"""

import argparse
import json
import sys
import urllib.parse
import xml.etree.ElementTree


class Results:
    """passed, failed and skipped count test cases; failures names them as (target, case)."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.failures = []

    def fail(self, target, case):
        self.failed += 1
        self.failures.append((target, case))


def read_events(lines):
    """The events of the file; a last line that was cut off is left out."""
    events = []
    for line in lines:
        try:
            events.append(json.loads(line))
        except ValueError:
            break
    return events


def case_state(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None or case.get("status") == "notrun" or case.get("result") == "skipped":
        return "skipped"
    return "passed"


def count_cases(results, target, xml_text, target_passed):
    """Adds a target's cases. One that failed without a failed case (a crash after the last one) fails as a whole."""
    failed_before = results.failed
    try:
        cases = list(xml.etree.ElementTree.fromstring(xml_text).iter("testcase"))
    except xml.etree.ElementTree.ParseError:
        cases = []
    for case in cases:
        state = case_state(case)
        if state == "failed":
            results.fail(target, "%s.%s" % (case.get("classname", ""), case.get("name", "")))
        elif state == "skipped":
            results.skipped += 1
        else:
            results.passed += 1
    if not target_passed and results.failed == failed_before:
        results.fail(target, "")
    if target_passed and not cases:
        results.passed += 1


def last_attempts(events):
    """(label, run, shard) -> testResult of its last attempt."""
    attempts = {}
    for event in events:
        key = event.get("id", {}).get("testResult")
        if key and "testResult" in event:
            attempts[(key["label"], key.get("run", 1), key.get("shard", 1))] = event["testResult"]
    return attempts


def results_of(events, read_file):
    """Counts all events; read_file(path) returns a file's text or raises OSError."""
    results = Results()
    attempts = last_attempts(events)
    for (label, _, _), result in sorted(attempts.items()):
        passed = result.get("status") in ("PASSED", "FLAKY")
        text = ""
        for output in result.get("testActionOutput", []):
            if output.get("name") == "test.xml":
                path = urllib.parse.unquote(urllib.parse.urlparse(output.get("uri", "")).path)
                try:
                    text = read_file(path)
                except OSError:
                    text = ""
        count_cases(results, label, text, passed)
    ran = {label for label, _, _ in attempts}
    for event in events:
        label = event.get("id", {}).get("targetCompleted", {}).get("label")
        if label and label not in ran and "aborted" not in event and not event.get("completed", {}).get("success"):
            ran.add(label)
            results.fail(label, "did not build")
    return results


def read_text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bazel-exit-code", type=int, default=0)
    parser.add_argument("events")
    options = parser.parse_args(arguments)

    results = results_of(read_events(read_text(options.events).splitlines()), read_text)
    ran = results.passed + results.failed
    # 4: bazel built, but found no test. Anything else that no target shows is a failure of the build itself.
    if not results.failed and (options.bazel_exit_code != 0 or not ran):
        what = "bazel ended with %d" % options.bazel_exit_code if options.bazel_exit_code else "no test ran"
        results.fail("the build", what + "; see above")

    print()
    for target, case in results.failures:
        print("FAILED  %s  %s" % (target, case))
    if results.skipped:
        print("%d skipped" % results.skipped)
    print("%d passed, %d failed" % (results.passed, results.failed))
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Tests of demo.py's tables."""

import unittest

import demo
import process


class DifferenceTest(unittest.TestCase):
    def test_counters_and_tables_of_reasons(self):
        before = {"hits": 2, "refusals": {"no_input": 1, "rpath": 2}, "version": "1"}
        after = {"hits": 5, "refusals": {"no_input": 1, "rpath": 3}, "version": "1"}
        self.assertEqual(demo.difference(after, before), {"hits": 3, "refusals": {"rpath": 1}})

    def test_the_first_one_counts_from_nothing(self):
        self.assertEqual(demo.difference({"hits": 5}, None), {"hits": 5})


class TableTest(unittest.TestCase):
    def test_columns_are_aligned_and_plain_cargo_counts_nothing(self):
        counted = {"hits": 1234, "misses": 0, "refused": 1, "bytes_restored": 2500000}
        rows = [
            demo.Row("plain cargo", process.Cost(25.5, 40), None),
            demo.Row("warm", process.Cost(0.4, 0.9), counted),
        ]
        lines = demo.table(rows).splitlines()
        self.assertEqual(len({len(line) for line in lines}), 1)
        self.assertRegex(lines[1], r"^plain cargo +25\.5 s +40\.0 s +$")
        self.assertRegex(lines[2], r"^warm +0\.4 s +0\.9 s +1,234 +0 +1 +2 MB")


class SizeTest(unittest.TestCase):
    def test_units(self):
        self.assertEqual([demo.size(n) for n in (None, 999, 1500, 2.5e9)], ["", "999 B", "2 kB", "2.5 GB"])


class ReasonsTest(unittest.TestCase):
    def test_each_reason_is_said(self):
        row = demo.Row("cold", process.Cost(1, 1), {"refusals": {"build_script_probe": 2}, "not_stored": {}})
        self.assertEqual(demo.reasons([row]), ["  cold: refused, build_script_probe: 2"])


if __name__ == "__main__":
    unittest.main()

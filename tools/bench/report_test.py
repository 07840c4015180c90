"""Tests of report.py and chart.py."""

import unittest
import xml.etree.ElementTree

import chart
import report
import scenarios


def costs(*walls):
    return [{"wall": wall, "cpu": wall * 2} for wall in walls]


def result_of(by_scenario, statistics=None):
    return {
        "workload": "a <graph>",
        "machine": {"cpus": "2"},
        "summary": report.with_ratios(report.medians(by_scenario)),
        "statistics": statistics or {},
    }


class MediansTest(unittest.TestCase):
    def test_median_and_p90(self):
        row = report.medians({"cold": {"plain": costs(5, 1, 3)}})["cold"]["plain"]
        self.assertEqual(row, {"wall": 3, "cpu": 6, "p90": 5, "samples": 3})


class RatiosTest(unittest.TestCase):
    def test_a_warm_build_is_compared_with_plain_cargos_cold_one(self):
        summary = report.medians({"cold": {"plain": costs(10)}, "warm": {"smelt": costs(1), "floor": costs(0.8)}})
        row = report.with_ratios(summary)["warm"]["smelt"]
        self.assertAlmostEqual(row["to_plain"], 0.1)
        self.assertAlmostEqual(row["to_floor"], 1.25)

    def test_an_edit_is_compared_with_plain_cargos_own(self):
        by_scenario = {"cold": {"plain": costs(10)}, scenarios.LATER_EDITS: {"plain": costs(2), "smelt": costs(3)}}
        row = report.with_ratios(report.medians(by_scenario))[scenarios.LATER_EDITS]["smelt"]
        self.assertAlmostEqual(row["to_plain"], 1.5)
        self.assertNotIn("to_floor", row)

    def test_without_plain_cargo_there_is_no_ratio(self):
        row = report.with_ratios(report.medians({"warm": {"smelt": costs(1)}}))["warm"]["smelt"]
        self.assertNotIn("to_plain", row)


class MarkdownTest(unittest.TestCase):
    def test_a_row_has_as_many_cells_as_the_head(self):
        lines = report.markdown(result_of({"cold": {"plain": costs(10), "smelt": costs(10.2)}})).splitlines()
        table = [line for line in lines if line.startswith("|")]
        self.assertEqual(len(table), 4)
        self.assertEqual({line.count("|") for line in table}, {9})
        self.assertIn("| smelt | 10.2 s | 20.4 s | 1.02 | 1.02 |", table[3])

    def test_a_cache_that_makes_cargo_build_for_ever_is_named(self):
        text = report.markdown(result_of({"cold": {"kache": costs(1)}}, {"kache": {"not fresh": 179}}))
        self.assertIn("* kache: a further build compiled 179 units", text)


class DurationTest(unittest.TestCase):
    def test_units(self):
        self.assertEqual([report.duration(s) for s in (0.0012, 2.345, 42.8)], ["1.20 ms", "2.35 s", "42.8 s"])


class ChartTest(unittest.TestCase):
    def test_it_is_xml_with_a_bar_per_cache(self):
        text = chart.svg(result_of({"cold": {"plain": costs(10), "smelt": costs(5)}, "warm": {"smelt": costs(1)}}))
        root = xml.etree.ElementTree.fromstring(text)
        bars = [e for e in root.iter("{http://www.w3.org/2000/svg}rect") if e.get("fill") != "white"]
        self.assertEqual(len(bars), 3)
        self.assertAlmostEqual(float(bars[0].get("width")), 2 * float(bars[1].get("width")), delta=0.2)

    def test_the_smallest_bar_can_be_seen(self):
        self.assertEqual(chart.bar_length(0.0001, 1000), 1.0)


if __name__ == "__main__":
    unittest.main()

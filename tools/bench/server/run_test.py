"""From samples to tables and bars."""

import unittest
from xml.dom import minidom

import chart
import run


def sample(phase, rate=1.0, **changes):
    return {"phase": phase, "items": 10, "bytes": 5_000_000, "wall": 2.0, "p50": 0.001, "p99": 0.002, "cpu": 1.0,
            "client_cpu": 0.5, "peak_bytes": 1_000_000, "failures": 0, "failure": "", "rate": rate, **changes}


def result(smelt, other):
    return {"machine": {"kernel": "<6>"}, "servers": {
        "smelt": {phase: sample(phase, smelt) for phase in run.PHASES},
        "bazel-remote": {phase: sample(phase, other) for phase in run.PHASES},
    }}


class RunTest(unittest.TestCase):
    def test_small_phases_count_items_and_large_ones_bytes(self):
        self.assertEqual(run.rate(sample("small writes")), 5.0)
        self.assertEqual(run.rate(sample("large reads")), 2.5)
        self.assertEqual(run.rate(sample("large reads", wall=0.0)), 0.0)

    def test_cpu_time_is_for_each_item_or_mb(self):
        self.assertEqual(run.cpu_each(sample("small reads"), "cpu"), 100_000.0)
        self.assertEqual(run.cpu_each(sample("large reads"), "client_cpu"), 100_000.0)
        self.assertEqual(run.cpu_each(sample("small reads", items=0), "cpu"), 0.0)

    def test_the_median_or_best_round_of_each_phase_counts(self):
        rounds = [{phase: sample(phase, rate) for phase in run.PHASES} for rate in (3.0, 1.0, 2.0)]
        self.assertEqual({one["rate"] for one in run.chosen(rounds).values()}, {2.0})
        self.assertEqual({one["rate"] for one in run.chosen(rounds, "best").values()}, {3.0})

    def test_the_table_has_a_ratio_for_ours_only(self):
        lines = run.markdown(result(10.0, 4.0)).splitlines()
        rows = [line for line in lines if line.startswith("| small reads")]
        self.assertEqual(len(rows), 2)
        self.assertTrue(rows[0].endswith("| 2.50 |"))
        self.assertTrue(rows[1].endswith("|  |"))

    def test_the_picture_is_well_formed_even_if_nothing_worked(self):
        for smelt, other in ((10.0, 4.0), (0.0, 0.0)):
            document = minidom.parseString(chart.svg(result(smelt, other), run.PHASES, run.unit))
            self.assertEqual(len(document.getElementsByTagName("rect")), 1 + 2 * len(run.PHASES))


if __name__ == "__main__":
    unittest.main()

import unittest
import xml.etree.ElementTree

import plot


class LabelTest(unittest.TestCase):
    def test_suffixes(self):
        for value, expected in ((0.05, "0.05"), (999, "999"), (1000, "1k"), (3.2e6, "3.2M"), (5e9, "5G")):
            self.assertEqual(plot.label(value), expected)


class DecadesTest(unittest.TestCase):
    def test_are_around_the_values(self):
        self.assertEqual(plot.decades([20, 500]), [10, 100, 1000])
        self.assertEqual(plot.decades([10]), [10, 100])


class SvgTest(unittest.TestCase):
    def lines(self, picture):
        root = xml.etree.ElementTree.fromstring(picture)
        return root.findall("{http://www.w3.org/2000/svg}polyline"), root.findall("{http://www.w3.org/2000/svg}rect")

    def test_places_have_a_line_each(self):
        rows = [{"size": size, "place": place, "puts_per_second": 10, "gets_per_second": 20}
                for place in ("tree", "files") for size in (100, 1000)]
        lines, _ = self.lines(plot.places(rows))
        self.assertEqual(len(lines), 4)
        self.assertEqual(len(lines[0].get("points").split()), 2)

    def test_mix_has_a_bar_for_each_pair_of_borders(self):
        rows = [{"lsm_bytes_max": 4096, "blob_bytes_max": border, "puts_per_second": 1, "gets_per_second": 2}
                for border in (0, 1 << 20, 1 << 40)]
        _, rectangles = self.lines(plot.mix(rows))
        self.assertEqual(len(rectangles), 1 + 2 * 3)

    def test_scale_has_three_panels(self):
        rows = [{"blobs": blobs, "resident_bytes": blobs * 50, "first_get_seconds": 0.1, "first_find_seconds": 0.2,
                 "startup_seconds": 0.5, "finds_per_second": 1e6} for blobs in (10, 100)]
        lines, _ = self.lines(plot.scale(rows))
        self.assertEqual(len(lines), 1 + 3 + 1)


if __name__ == "__main__":
    unittest.main()

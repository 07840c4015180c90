"""Loads the configuration samples of the documents into smeltd, and compares the errors shown with its own."""

import json
import tomllib
import unittest

import documents
import scratch


def keys_in(content, prefix=""):
    """The names of all keys, with their tables, in order."""
    keys = []
    for name, value in content.items():
        keys += keys_in(value, prefix + name + ".") if isinstance(value, dict) else [prefix + name]
    return keys


class Configuration(unittest.TestCase):
    def test_samples_are_accepted(self):
        blocks = documents.all_blocks("toml")
        self.assertGreater(len(blocks), 3)
        for block in blocks:
            with self.subTest("%s:%d" % (block.document, block.line)), scratch.Scratch() as place:
                path = place.root / "config.toml"
                path.write_text(block.text)
                status = place.run(["smelt", "status", "--json"], SMELT_CONFIG=str(path))
                self.assertEqual(status.returncode, 0, status.stdout)
                self.assertEqual(json.loads(status.stdout)["configuration"], str(path))

    def test_bad_samples_give_the_errors_shown(self):
        for path in documents.documents():
            blocks = documents.blocks_of(path)
            for block, error in zip(blocks, blocks[1:] + [None]):
                if block.kind == "toml bad":
                    with self.subTest("%s:%d" % (block.document, block.line)):
                        self.assertEqual(error and error.kind, "error", "no error is shown")
                        self.check_error(block.text, error.text)

    def check_error(self, text, error):
        with scratch.Scratch() as place:
            path = place.root / "config.toml"
            path.write_text(text)
            ran = place.run(["smeltd"], SMELT_CONFIG=str(path))
            self.assertEqual(ran.returncode, 1, ran.stdout)
            self.assertEqual(ran.stdout.replace(str(path), "config.toml"), "smeltd: " + error)

    def test_defaults_are_the_defaults(self):
        """The first sample of configuration.md has every key; the size is what a daemon without a file reports."""
        first = next(b for b in documents.all_blocks("toml") if b.document == "docs/configuration.md")
        sample = tomllib.loads(first.text)
        cells = documents.first_cells(documents.ROOT / "docs/configuration.md", "The file")
        self.assertEqual(sorted(keys_in(sample)), sorted(name for name in cells if "." in name))
        with scratch.Scratch() as place:
            without = json.loads(place.run(["smelt", "status", "--json"]).stdout)
            place.run(["smelt", "stop"])
            path = place.root / "config.toml"
            path.write_text(first.text)
            with_sample = json.loads(place.run(["smelt", "status", "--json"], SMELT_CONFIG=str(path)).stdout)
        self.assertEqual(without["configuration"], "")
        self.assertEqual(without["store"]["limit_bytes"], with_sample["store"]["limit_bytes"])

    def test_cargo_samples_are_what_init_writes(self):
        block, = documents.all_blocks("toml cargo")
        with scratch.Scratch() as place:
            done = place.shell("smelt init --local")
            self.assertEqual(done.returncode, 0, done.stdout)
            written = tomllib.loads((place.project / ".cargo/config.toml").read_text())
        shown = tomllib.loads(block.text)
        self.assertEqual({t: list(c) for t, c in shown.items()}, {t: list(c) for t, c in written.items()})


if __name__ == "__main__":
    unittest.main()

"""Tests of workload.py, edits.py, hits.py and caches.py, as far as they need no cargo."""

import os
import pathlib
import tempfile
import unittest
from unittest import mock

import caches
import edits
import hits
import process
import scenarios
import workload

_LOCK = """
version = 4
[[package]]
name = "here"
version = "0.1.0"
[[package]]
name = "regex"
version = "1.2.3"
source = "registry+https://github.com/rust-lang/crates.io-index"
"""


class WorkloadTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def package(self):
        source = self.scratch / "package"
        (source / "src").mkdir(parents=True)
        (source / "Cargo.toml").write_text("[package]\n")
        (source / "src" / "main.rs").write_text("fn main() {}\n")
        return source

    def test_only_registry_packages_are_locked_ones(self):
        self.assertEqual(workload.locked_packages(_LOCK), [("regex", "1.2.3")])

    def test_a_package_without_a_lock_file_is_refused_with_the_mend(self):
        source = self.package()
        with self.assertRaisesRegex(process.CommandFailed, "generate-lockfile"):
            workload.source_of(str(source))

    def test_a_path_that_is_no_package_is_refused(self):
        with self.assertRaisesRegex(process.CommandFailed, "no Cargo.toml"):
            workload.source_of(str(self.scratch / "nowhere"))

    def test_a_checkout_leaves_the_target_directory_behind(self):
        source = self.package()
        (source / "target").mkdir()
        checkout = workload.Checkout(source, self.scratch / "copy")
        self.assertTrue((checkout.directory / "src" / "main.rs").is_file())
        self.assertFalse(checkout.target.exists())

    def test_the_users_own_build_settings_are_cleared(self):
        with mock.patch.dict(os.environ, {"CARGO_TARGET_DIR": "/elsewhere", "RUSTC_WRAPPER": "x", "KEPT": "1"}):
            environment = workload.base_environment()
        self.assertNotIn("CARGO_TARGET_DIR", environment)
        self.assertNotIn("RUSTC_WRAPPER", environment)
        self.assertEqual(environment["KEPT"], "1")

    def test_another_cargo_home_has_the_locked_packages_and_no_more(self):
        registry = self.scratch / "home" / "registry"
        (registry / "index" / "r").mkdir(parents=True)
        (registry / "cache" / "r").mkdir(parents=True)
        for name in ("regex-1.2.3.crate", "other-1.0.0.crate"):
            (registry / "cache" / "r" / name).write_text("")
        copy = workload.copy_cargo_home(_LOCK, self.scratch / "second", original=self.scratch / "home")
        self.assertEqual(os.listdir(copy / "registry" / "cache" / "r"), ["regex-1.2.3.crate"])
        self.assertTrue((copy / "registry" / "index" / "r").is_dir())
        self.assertFalse((copy / "registry" / "src").exists())

    def test_an_edited_crate_is_put_back(self):
        checkout = workload.Checkout(self.package(), self.scratch / "copy")
        with edits.EditedCrate(checkout, functions=2) as crate:
            crate.edit(0)
            first = crate.root.read_text()
            crate.edit(1)
            second = crate.root.read_text()
            self.assertEqual(crate.module.read_text().count("pub fn"), 2)
        self.assertEqual(len(first.splitlines()), len(second.splitlines()))
        changed = [a for a, b in zip(first.splitlines(), second.splitlines()) if a != b]
        self.assertEqual(len(changed), 1)
        self.assertEqual((checkout.directory / "src" / "main.rs").read_text(), "fn main() {}\n")
        self.assertFalse(crate.module.exists())

    def test_plain_cargo_runs_without_any_wrapper(self):
        checkout = workload.Checkout(self.package(), self.scratch / "copy", cargo_home=self.scratch / "home")
        environment = caches.Cache(self.scratch).environment(checkout)
        self.assertEqual(environment["RUSTC_WRAPPER"], "")
        self.assertEqual(environment["CARGO_HOME"], str(self.scratch / "home"))

    def test_smelt_keeps_everything_in_its_own_directory(self):
        checkout = workload.Checkout(self.package(), self.scratch / "copy")
        smelt = caches.Smelt(self.scratch, "/programs/smelt")
        environment = smelt.environment(checkout)
        self.assertEqual(environment["RUSTC_WRAPPER"], "/programs/smelt")
        self.assertEqual(environment["SMELT_DIR"], str(smelt.directory))
        self.assertTrue(environment["XDG_CONFIG_HOME"].startswith(str(smelt.directory)))


class HitsTest(unittest.TestCase):
    def test_what_a_plain_library_is(self):
        library = ["rustc", "--crate-name", "a", "--crate-type", "lib", "--out-dir", "d"]
        self.assertTrue(hits.is_library(library))
        self.assertFalse(hits.is_library(["rustc", "--crate-type", "proc-macro", "--out-dir", "d"]))
        self.assertFalse(hits.is_library(library + ["--crate-type", "bin"]))
        self.assertFalse(hits.is_library(["rustc", "-vV"]))


class RotatedTest(unittest.TestCase):
    def test_each_round_begins_with_another(self):
        self.assertEqual([scenarios.rotated("abc", n)[0] for n in range(4)], ["a", "b", "c", "a"])
        self.assertEqual(sorted(scenarios.rotated("abc", 1)), ["a", "b", "c"])


if __name__ == "__main__":
    unittest.main()

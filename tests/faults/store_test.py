"""The store's files are damaged, cannot be written, or go away; disks are full."""

import os
import pathlib
import random
import shutil
import subprocess
import threading
import unittest

from faults import FaultCase, SmallDisk, death_of
from harness import TARGET, assert_nothing_found, clean_environment, require, run


def files_below(directory: pathlib.Path) -> list:
    return sorted(f for f in directory.rglob("*") if f.is_file() and not f.is_symlink())


class Damaged(FaultCase):
    """Each damage is done while no daemon runs, and again under a running one."""

    def setUp(self):
        super().setUp()
        self.chance = random.Random(self.token)

    def damage(self, name, harm, where="store/blobs", rounds=1):
        for running in (False, True):
            for number in range(rounds):
                with self.subTest(name, running=running, number=number):
                    smelt, p = self.own_smelt(), self.graph()
                    self.assert_builds(p, smelt)
                    if not running:
                        smelt.stop()
                    files = files_below(smelt.home / where)
                    self.assertTrue(files)
                    harm(files)
                    self.assert_builds(p, smelt)
                    self.assert_same_artifacts(p.artifacts(), self.right[0])
                    self.assert_heals(smelt)
                    smelt.stop()
                shutil.rmtree(self.directory / "a", ignore_errors=True)

    def flip(self, file, keep_times=False):
        """Changes a few bytes in place."""
        times, size = file.stat(), file.stat().st_size
        file.chmod(0o644)
        with open(file, "r+b") as stream:
            for _ in range(4):
                at = self.chance.randrange(size) if size else 0
                stream.seek(at)
                old = stream.read(1)
                stream.seek(at)
                stream.write(bytes([old[0] ^ (1 << self.chance.randrange(8))]) if old else b"x")
        if keep_times:
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    def test_a_bytes_of_blobs(self):
        self.damage("flip", lambda files: [self.flip(f) for f in files])

    def test_b_bytes_of_blobs_under_the_same_times(self):
        self.damage("flip", lambda files: [self.flip(f, keep_times=True) for f in files])

    def test_c_blobs_cut_short(self):
        self.damage("cut", lambda files: [os.truncate(f, f.stat().st_size // 2) for f in files])

    def test_d_empty_blobs(self):
        self.damage("empty", lambda files: [os.truncate(f, 0) for f in files])

    def test_e_blobs_removed(self):
        self.damage("removed", lambda files: [f.unlink() for f in files])

    def test_f_some_blobs_replaced_by_others(self):
        def rotate(files):
            contents = [f.read_bytes() for f in files]
            for file, content in zip(files, contents[1:] + contents[:1]):
                file.unlink()
                file.write_bytes(content)
        self.damage("rotate", rotate)

    def test_g_blobs_are_directories(self):
        def replace(files):
            for file in files:
                file.unlink()
                file.mkdir()
        self.damage("directories", replace)

    def test_h_bytes_of_the_database(self):
        """Some file of RocksDB at a time: tables, logs, manifest, options, CURRENT."""
        self.damage("database", lambda files: [self.flip(f) for f in self.chance.sample(files, max(1, len(files) // 3))],
                    where="store/db", rounds=4)

    def test_i_database_cut_short(self):
        self.damage("database", lambda files: [os.truncate(f, f.stat().st_size // 2) for f in files], where="store/db")

    def test_j_database_removed(self):
        self.damage("database", lambda files: [f.unlink() for f in files], where="store/db")

    def test_k_everything_removed_under_the_daemon(self):
        smelt, p = self.own_smelt(), self.graph()
        self.assert_builds(p, smelt)
        shutil.rmtree(smelt.home)
        self.assert_builds(p, smelt)
        self.assert_builds(p, smelt)
        self.assert_heals(smelt)

    def test_l_directory_of_runs_removed(self):
        smelt, p = self.own_smelt(), self.graph()
        smelt("status")
        shutil.rmtree(smelt.home / "runs")
        self.assert_builds(p, smelt)
        self.assert_heals(smelt)


class Disks(FaultCase):

    def disk(self, name, size):
        disk = SmallDisk(self.directory / name, size)
        self.addCleanup(disk.close)
        self.addCleanup(assert_nothing_found, disk.path)
        return disk

    def smelt_on(self, disk, **env):
        smelt = self.stopped_smelt()
        smelt.home = disk.path / "d"
        smelt.start(**env)
        return smelt

    def test_a_store_is_read_only(self):
        disk = self.disk("small", "200m")
        smelt, p = self.smelt_on(disk), self.graph()
        self.assert_builds(p, smelt)
        pid = self.pid(smelt)
        smelt.stop()
        self.assertEqual(death_of(pid), 0)
        disk.remount("ro")
        self.assert_builds(p, smelt)
        disk.remount("rw")
        (smelt.home / "smeltd.failed").unlink(missing_ok=True)
        self.assert_heals(smelt)
        smelt.stop()

    def test_a2_directories_become_read_only_under_the_daemon(self):
        require("chattr")
        for directory in ("runs", "store/staging", "store/blobs", "store/db", "store"):
            with self.subTest(directory):
                smelt, p = self.own_smelt(), self.graph(directory.replace("/", "-"))
                smelt("status")
                place = smelt.home / directory
                if subprocess.run(["chattr", "-R", "+i", place], capture_output=True).returncode != 0:
                    self.skipTest("chattr +i does nothing here")
                try:
                    self.assert_builds(p, smelt)
                    self.assert_builds(p, smelt)
                finally:
                    subprocess.run(["chattr", "-R", "-i", place], check=True)
                self.assert_heals(smelt)
                smelt.stop()

    def test_b_store_is_full(self):
        """Whatever fits: nothing, the database, some results."""
        for size in ("64k", "1m", "3m", "6m", "12m"):
            with self.subTest(size):
                disk = self.disk(size, size)
                smelt, p = self.stopped_smelt(), self.graph(f"p{size}")
                smelt.home = disk.path / "d"
                self.assert_builds(p, smelt)
                self.assert_builds(p, smelt)
                smelt.stop()
                disk.remount("size=300m")
                (smelt.home / "smeltd.failed").unlink(missing_ok=True)
                self.assert_heals(smelt)
                smelt.stop()

    def test_c_disk_fills_up_by_others(self):
        disk = self.disk("small", "60m")
        smelt, p = self.smelt_on(disk), self.graph()
        self.assert_builds(p, smelt)
        with open(disk.path / "filler", "wb") as filler:
            try:
                while True:
                    filler.write(bytes(1 << 16))
                    filler.flush()
            except OSError:
                pass
        self.assert_builds(p, smelt)
        p.replace("leaf/src/lib.rs", "- 6", "- 5")
        ran = self.cargo(p, "build", "--offline", smelt=smelt)
        self.assertEqual((ran.status, self.run_app(p)), (0, "2 2 3\n"), ran)
        (disk.path / "filler").unlink()
        self.assert_heals(smelt)
        smelt.stop()

    def test_d_target_directory_is_full(self):
        """Plain cargo fails there; so does smelt, whatever step it is at, and what it stored before stays right."""
        smelt, p = self.own_smelt(), self.graph()
        self.assert_builds(p, smelt)
        for size in ("200k", "1m", "4m", "6m", "8m", "10m"):
            disk = self.disk(size, size)
            env = {"CARGO_TARGET_DIR": str(disk.path / TARGET)}
            ran = self.cargo(p, "build", "--offline", smelt=smelt, env=env)
            self.assertNotEqual(ran.status, "timeout", ran)
            if ran.status == 0:
                app = run([disk.path / TARGET / "debug/app"], p.root, clean_environment())
                self.assertEqual(app.stdout, "1 2 3\n")
                break
            disk.remount("size=300m")
            ran = self.cargo(p, "build", "--offline", smelt=smelt, env=env)
            self.assertEqual(ran.status, 0, ran)
            self.assertEqual(run([disk.path / TARGET / "debug/app"], p.root, clean_environment()).stdout, "1 2 3\n")
        self.assert_heals(smelt)

    def test_e_target_directory_fits_plain_cargo(self):
        """A disk on which plain cargo's result just fits is large enough for a hit."""
        smelt, p = self.own_smelt(), self.graph()
        self.assert_builds(p, smelt)
        used = sum(f.stat().st_size for f in {f.stat().st_ino: f for f in files_below(p.path(TARGET))}.values())
        disk = self.disk("fitting", str(used + (1 << 20)))
        env = {"CARGO_TARGET_DIR": str(disk.path / TARGET)}
        ran = self.cargo(p, "build", "--offline", smelt=smelt, env=env)
        self.assertEqual(ran.status, 0, ran)
        self.assertEqual(run([disk.path / TARGET / "debug/app"], p.root, clean_environment()).stdout, "1 2 3\n")

    def test_f_store_on_another_disk_than_the_target(self):
        """No links and no reflinks between them."""
        disk = self.disk("other", "200m")
        smelt, p = self.smelt_on(disk), self.graph()
        for _ in range(2):
            self.assert_builds(p, smelt)
            self.assert_same_artifacts(p.artifacts(), self.right[0])
        self.assert_heals(smelt)
        smelt.stop()


class TwoAtOnce(FaultCase):

    def test_a_two_checkouts_on_an_empty_store(self):
        smelt = self.own_smelt()
        self.right
        projects = [self.graph(name) for name in ("a", "b/c")]
        errors = []

        def build(project):
            try:
                self.assert_builds(project, smelt)
                self.assert_same_artifacts(project.artifacts(), self.right[0])
            except BaseException as error:
                errors.append(error)

        for _ in range(3):
            threads = [threading.Thread(target=build, args=(p,)) for p in projects]
            [t.start() for t in threads]
            [t.join() for t in threads]
            self.assertEqual(errors, [])
        self.assert_heals(smelt)

    def test_b_a_second_daemon_on_the_same_directory(self):
        smelt, p = self.own_smelt(), self.graph()
        ran = run([smelt.program.parent / "smeltd"], "/", clean_environment() | smelt.environment())
        self.assertNotEqual(ran.status, 0)
        self.assertIn(str(smelt.home), ran.stderr)
        self.assert_builds(p, smelt)
        self.assert_heals(smelt)


if __name__ == "__main__":
    unittest.main()

"""Two machines and a server: what one built is a hit for the other, and trouble of the server is no trouble of a build.

A machine is a daemon with a directory of its own and a cargo home of its own; the server is smelt-server.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import harness

FILES = {
    "Cargo.toml": harness.workspace("app", "lib", "pm"),
    "app/Cargo.toml": harness.package("app", 'lib = { path = "../lib" }\npm = { path = "../pm" }'),
    "app/build.rs": 'fn main() { println!("cargo:rustc-env=BUILT=yes"); }',
    "app/src/main.rs": 'fn main() { println!("{} {} {}", lib::text(), pm::value!(), env!("BUILT")); }',
    "lib/Cargo.toml": harness.package("lib"),
    "lib/src/lib.rs": "mod part;\npub fn text() -> &'static str { part::TEXT }\npub fn unused() { let x = 1; }",
    "lib/src/part.rs": 'pub const TEXT: &str = "one";',
    "pm/Cargo.toml": harness.package("pm", proc_macro=True),
    "pm/src/lib.rs": "extern crate proc_macro; use proc_macro::*;\n"
                     "#[proc_macro] pub fn value(_: TokenStream) -> TokenStream { \"7\".parse().unwrap() }",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find_server():
    root = pathlib.Path(__file__).resolve().parents[2]
    places = [pathlib.Path(p) for p in os.environ.get("SMELT_BIN", "").split(":") if p] or [root / "bazel-bin/src/cmd"]
    found = next((p / "smelt-server" for p in places if (p / "smelt-server").exists()), None)
    if found is None:
        raise unittest.SkipTest("smelt-server is not built")
    return found


class Server:
    """smelt-server on a port that stays the same when it is started again."""

    def __init__(self, directory):
        self.directory, self.port, self.process = directory, free_port(), None

    def start(self):
        self.process = subprocess.Popen([find_server(), "--listen", f"127.0.0.1:{self.port}", "--directory",
                                         str(self.directory)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.process.stdout.readline()

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate()
            self.process = None

    @property
    def endpoint(self):
        return f"grpc://127.0.0.1:{self.port}"


class Machine(harness.Smelt):
    """A machine whose daemon knows the server."""

    def __init__(self, directory, endpoint, **variables):
        super().__init__(directory)
        self.variables = {"SMELT_REMOTE_ENDPOINT": endpoint} | variables

    def environment(self):
        # A cargo home of its own, with nothing in it.
        return super().environment() | {"CARGO_HOME": str(self.directory / "cargo")} | self.variables

    def remote(self):
        return json.loads(self("status", "--json").stdout)["remote"]


class Remote(harness.Case):
    def setUp(self):
        super().setUp()
        self.server = Server(self.directory / "server")
        self.addCleanup(self.server.kill)
        self.server.start()

    def machine(self, **variables):
        machine = Machine(pathlib.Path(tempfile.mkdtemp(prefix="m", dir=self.base)), self.server.endpoint, **variables)
        self.addCleanup(machine.stop)
        machine.start()
        return machine

    def flushed(self, machine, *arguments):
        ran = machine("flush", *arguments)
        self.assertEqual(ran.status, 0, ran)

    def reasons(self, build):
        return {u["reason"] for u in build.units if u["outcome"] == "hit"}

    def test_01_what_one_machine_built_is_a_hit_on_another_in_another_place(self):
        first, second = self.machine(), self.machine()
        p = self.project(FILES)
        self.build(p, smelt=first).expect_all("M").prints("one 7 yes")
        self.flushed(first)
        other = p.copy("elsewhere-deeper")
        build = self.build(other, smelt=second).expect_all("H").prints("one 7 yes")
        self.assertEqual(self.reasons(build), {"remote"})
        self.assertEqual(second.stats()["remote_hits"], second.stats()["hits"])
        self.assert_same_artifacts(other.artifacts(), p.artifacts())
        again = self.build(other, smelt=second).expect_all("H")
        self.assertEqual(self.reasons(again), {""}, "the second time all is here")

    def test_02_an_edit_elsewhere_is_found_though_this_machine_knows_the_crate(self):
        first, second = self.machine(), self.machine()
        p = self.project(FILES)
        self.build(p, smelt=first)
        self.flushed(first)
        self.build(p.copy("b"), smelt=second).expect_all("H")
        # A shape that the second machine does not know: another file.
        p.replace("lib/src/part.rs", '"one"', 'include_str!("text.txt")')
        p.write("lib/src/text.txt", "two")
        self.build(p, smelt=first).expect(lib="M", app="MH").prints("two 7 yes")
        self.flushed(first)
        self.build(p.copy("c"), smelt=second).expect(lib="H", app="H").prints("two 7 yes")

    def test_03_an_edit_uploads_the_changed_outputs_and_little_else(self):
        machine = self.machine()
        p = self.project(FILES)
        self.build(p, smelt=machine)
        self.flushed(machine)
        whole = machine.remote()["bytes_up"]
        p.replace("app/src/main.rs", "fn main() {", "fn main() { // edited\n")
        changed = self.build(p, smelt=machine).expect({"app:bin": "M"}, lib="H", pm="H")
        self.flushed(machine)
        sent = machine.remote()["bytes_up"] - whole
        size = sum(f.stat().st_size for f in p.path("target/debug/deps").glob("app-*"))
        self.assertGreater(sent, 0)
        self.assertLess(sent, size // 6 + 20_000, changed.describe())

    def test_04_a_server_that_dies_in_the_middle_is_no_trouble(self):
        first = self.machine()
        p = self.project(FILES)
        self.build(p, smelt=first)
        self.flushed(first)
        second = self.machine()
        self.build(p.copy("b"), "build", "-p", "pm", smelt=second, programs=False).expect(pm="H")
        self.server.kill()
        self.build(p.copy("c"), smelt=second).prints("one 7 yes")
        self.build(p.copy("d"), smelt=second).expect_all("H").prints("one 7 yes")

    def test_05_without_a_server_results_wait_and_go_when_it_is_there(self):
        self.server.kill()
        first = self.machine()
        p = self.project(FILES)
        self.build(p, smelt=first).expect_all("M").prints("one 7 yes")
        ran = first("flush", "1s")
        self.assertEqual(ran.status, 1)
        self.assertRegex(ran.stderr, r"5 results have not been uploaded: .*grpc://127\.0\.0\.1:\d+ cannot be reached")
        self.assertEqual(first.remote()["state"], "down")
        self.assertGreater(first.remote()["pending_uploads"], 2)
        first.stop()
        self.server.start()
        first.start()
        self.flushed(first)
        self.assertEqual(first.remote()["pending_uploads"], 0)
        self.build(p.copy("b"), smelt=self.machine()).expect_all("H")

    def test_06_read_only_uploads_nothing(self):
        reader = self.machine(SMELT_REMOTE_MODE="read-only")
        p = self.project(FILES)
        self.build(p, smelt=reader).expect_all("M")
        self.flushed(reader)
        self.assertFalse(reader.remote()["writes"])
        other = self.machine()
        self.build(p.copy("b"), smelt=other).expect_all("M")
        self.flushed(other)
        self.build(p.copy("c"), smelt=self.machine(SMELT_REMOTE_MODE="read-only")).expect_all("H")

    def test_07_write_only_takes_nothing(self):
        writer = self.machine(SMELT_REMOTE_MODE="write-only")
        p = self.project(FILES)
        self.build(p, smelt=writer).expect_all("M")
        self.flushed(writer)
        self.build(p.copy("b"), smelt=self.machine(SMELT_REMOTE_MODE="write-only")).expect_all("M")
        self.build(p.copy("c"), smelt=self.machine()).expect_all("H")

    def test_08_doctor_and_status_say_how_it_is(self):
        machine = self.machine()
        self.assertIn("can be read and written", machine("doctor").stdout)
        self.assertEqual(machine.remote()["state"], "up")
        self.assertIn(f"Shared cache   {self.server.endpoint}: up", machine("status").stdout)
        self.server.kill()
        self.assertIn("does not answer", machine("doctor").stdout)

    def test_09_prefetched_results_are_those_of_the_lockfile(self):
        first = self.machine()
        p = self.project(FILES)
        self.build(p, smelt=first)
        self.flushed(first)
        second = self.machine()
        # Only pm is asked for; the rest of the last build comes by itself.
        self.build(p.copy("b"), "build", "-p", "pm", smelt=second, programs=False).expect(pm="H")
        harness.wait_until(lambda: second.stats()["remote_results_fetched"] >= 4, 20, "the rest to be fetched")
        self.server.kill()
        self.build(p.copy("c"), smelt=second).expect_all("H").prints("one 7 yes")

    def test_10_so_does_an_edit_after_the_daemon_was_ended(self):
        machine = self.machine()
        p = self.project(FILES)
        self.build(p, smelt=machine)
        self.flushed(machine)
        machine.stop()
        machine.start()
        p.replace("app/src/main.rs", "fn main() {", "fn main() { // edited\n")
        changed = self.build(p, smelt=machine).expect({"app:bin": "M"}, lib="H", pm="H")
        self.flushed(machine)
        size = sum(f.stat().st_size for f in p.path("target/debug/deps").glob("app-*"))
        self.assertLess(machine.remote()["bytes_up"], size // 6 + 20_000, changed.describe())


if __name__ == "__main__":
    shutil.which("cargo") or exit("cargo is not on PATH")
    unittest.main()

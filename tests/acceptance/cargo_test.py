"""Table b5 and the properties: what cargo and its users do around a build."""

import concurrent.futures
import fcntl
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from harness import (Case, PLAIN, Project, REFERENCE, TARGET, clean_environment, normalised, package, require, run, wait_until,
                     with_macro, workspace)
from paths_test import GRAPH


class Freshness(Case):

    incremental = True

    def test_65_twenty_rebuilds_find_nothing_to_do(self):
        p = self.project(GRAPH)
        self.build(p)
        self.build(p).expect(leaf="H", pm="H", app="H")
        self.assert_fresh(p, 20)

    def test_65b_the_same_on_a_tmpfs(self):
        if not os.access("/dev/shm", os.W_OK):
            self.skipTest("no /dev/shm")
        place = pathlib.Path(tempfile.mkdtemp(prefix="smelt-", dir="/dev/shm"))
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        p = Project(place / "a", self.token)
        p.write_all(GRAPH)
        self.build(p)
        self.build(p).expect(leaf="H", pm="H", app="H")
        self.assert_fresh(p, 20)

    def assert_fresh(self, project, times, *arguments):
        for _ in range(times):
            ran = self.cargo(project, *(arguments or ("build",)), "--offline", "-v")
            self.assertEqual(ran.status, 0, ran)
            self.assertNotRegex(ran.stderr, r"(Dirty|Compiling|Running) ")

    def test_65c_the_umask_of_whoever_builds(self):
        """The daemon was started with another one."""
        p = self.project(GRAPH)
        self.build(p)

        def modes(target):
            root = p.path(target)
            return {str(f.relative_to(root)): oct(f.stat().st_mode) for f in root.rglob("deps/*") if f.is_file()}

        for mask in (0o077, 0o002):
            before = os.umask(mask)
            try:
                self.build(p).expect(leaf="H", pm="H", app="H")
            finally:
                os.umask(before)
            self.assertEqual(modes(TARGET), modes(REFERENCE))

    def test_66_touching_and_reverting(self):
        p = self.project(GRAPH)
        self.build(p)
        p.path("leaf/src/lib.rs").touch()
        self.build(p, fresh=False).expect(leaf="H", app="H").prints("1 2 3")
        p.replace("leaf/src/lib.rs", "{ 1 }", "{ 9 }")
        self.build(p, fresh=False).prints("9 2 3")
        p.replace("leaf/src/lib.rs", "{ 9 }", "{ 1 }")
        self.build(p, fresh=False).expect({"leaf": "H", "app:bin": "H"}).prints("1 2 3")
        self.assert_fresh(p, 2)

    def test_67_warnings_once_and_replayed(self):
        p = self.project({"src/main.rs": "fn main() { let unused_name = 1; }"})
        for _ in range(2):
            build = self.build(p)
            self.assertEqual(build.stderr.count("unused variable"), 1, build.stderr)
            again = self.build(p, fresh=False)
            self.assertEqual(again.stderr.count("unused variable"), 1, again.stderr)
            self.assertNotIn("smelt", again.stderr.replace(str(self.base), ""))

    def test_67b_json_messages_of_cargo(self):
        p = self.project({"src/main.rs": "fn main() { let unused_name = 1; }"})
        for _ in range(2):
            self.build(p, "build", "--message-format=json")

    def test_a_clock_going_backwards(self):
        p = self.project({"src/main.rs": 'mod m; fn main() { println!("{}", m::V) }', "src/m.rs": "pub const V: u8 = 1;"})
        self.build(p).prints("1")
        stamp = p.path("src/m.rs").stat().st_mtime_ns
        p.replace("src/m.rs", "= 1", "= 2")
        os.utime(p.path("src/m.rs"), ns=(stamp - 10**12, stamp - 10**12))
        self.build(p).expect(app="MI").prints("2")

    def test_b_same_size_and_time_other_content(self):
        p = self.project({"src/main.rs": 'mod m; fn main() { println!("{}", m::V) }', "src/m.rs": "pub const V: u8 = 1;"})
        self.build(p).prints("1")
        stamp = p.path("src/m.rs").stat()
        p.replace("src/m.rs", "= 1", "= 2")
        os.utime(p.path("src/m.rs"), ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        self.build(p).expect(app="MI").prints("2")

    def test_c_file_replaced_by_rename_of_an_older_one(self):
        p = self.project({"src/main.rs": 'mod m; fn main() { println!("{}", m::V) }', "src/m.rs": "pub const V: u8 = 1;"})
        p.write("src/old.rs", "pub const V: u8 = 2;")
        self.build(p).prints("1")
        p.path("src/old.rs").rename(p.path("src/m.rs"))
        self.build(p).expect(app="MI").prints("2")

    def test_d_edit_compile_loop(self):
        p = self.project({"src/lib.rs": "pub fn f() -> u32 { 0 }", "src/main.rs": 'fn main() { println!("{}", app::f()) }'})
        self.build(p).prints("0")
        for n in range(1, 7):
            p.replace("src/lib.rs", f"{{ {n - 1} }}", f"{{ {n} }}")
            self.build(p, fresh=False).prints(str(n))
        p.write("src/lib.rs", "pub fn f() -> u32 { 0 }")
        self.build(p, fresh=False).prints("0")
        self.build(p).prints("0")
        self.build(p.copy("bb")).prints("0")

    def test_e_edit_compile_loop_with_errors(self):
        p = self.project({"src/lib.rs": "pub fn f() -> u32 { 0 }", "src/main.rs": 'fn main() { println!("{}", app::f()) }'})
        self.build(p).prints("0")
        for n in (1, 2):
            p.write("src/lib.rs", "pub fn f() -> u32 { oops }")
            self.build(p, fresh=False).fails("oops")
            p.write("src/lib.rs", f"pub fn f() -> u32 {{ {n} }}")
            self.build(p, fresh=False).prints(str(n))

    def test_e2_the_first_edit_finds_state_made_behind_the_build(self):
        """rustc takes over the objects of what has not changed: they are the same files."""
        p = self.project({"src/main.rs": 'mod m; fn main() { println!("{}", m::f()); }',
                          "src/m.rs": "pub fn f() -> u32 { 1 }"})
        smelt = self.own_smelt()
        self.build(p, smelt=smelt).prints("1")
        if PLAIN or run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", "mount -t tmpfs none $0;"
                         "mkdir $0/u $0/w; mount -t overlay -o userxattr,lowerdir=/usr,upperdir=$0/u,workdir=$0/w none /usr",
                         p.path("src")], "/", clean_environment()).status:
            self.skipTest("no overlays in user namespaces here")
        wait_until(lambda: smelt.stats()["states_made"] == 1, 120, "the state")
        made = {path.stat().st_ino for path in smelt.home.glob("states/*/*/s-*/*.o")}
        self.assertTrue(made)
        self.assertEqual(list(p.path(TARGET).glob("debug/incremental/*")), [], "nothing before the edit")
        p.replace("src/m.rs", "{ 1 }", "{ 2 }")
        self.build(p, fresh=False, smelt=smelt).prints("2")
        self.assertEqual(smelt.stats()["states_taken"], 1)
        taken = {path.stat().st_ino for path in p.path(TARGET).glob("debug/incremental/*/s-*/*.o")}
        self.assertTrue(made & taken, "the state was of no use")

    def test_f_incremental_asked_for_and_off(self):
        p = self.project({"src/main.rs": 'fn main() { println!("1") }'})
        for value in ("1", "0", "1", "0"):
            self.build(p, env={"CARGO_INCREMENTAL": value}).prints("1")


class Commands(Case):

    incremental = True

    LIBRARY = {"src/lib.rs": "pub fn f() -> u8 { 1 }\n#[cfg(test)] mod tests { #[test] fn t() { assert_eq!(super::f(), 1) } }",
               "src/main.rs": 'fn main() { println!("{}", app::f()) }', "tests/it.rs": "#[test] fn t() { assert_eq!(app::f(), 1) }",
               "examples/ex.rs": 'fn main() { println!("ex {}", app::f()) }'}

    def test_a_tests_are_built_run_and_hit(self):
        p = self.project(self.LIBRARY)
        self.build(p, "test").expect(app="M", it="M")
        self.build(p, "test").expect(app="H", it="H")
        self.build(p, "test", "--no-run").expect(app="H", it="H")

    def test_b_examples_and_all_targets(self):
        p = self.project(self.LIBRARY)
        self.build(p, "build", "--examples").expect(ex="M")
        self.build(p, "build", "--all-targets").expect(ex="H")
        self.build(p, "build", "--all-targets").expect_all("H")

    def test_c_benches(self):
        p = self.project({"Cargo.toml": package("app", extra='[[bench]]\nname = "b"\nharness = false\n'), "src/lib.rs": "pub fn f() -> u8 { 1 }",
                          "benches/b.rs": 'fn main() { println!("bench {}", app::f()) }'})
        self.build(p, "bench").expect(b="M")
        self.build(p, "bench").expect(b="H")

    def test_d_program_path_in_an_integration_test(self):
        p = self.project({"src/main.rs": 'fn main() { println!("one") }', "tests/it.rs":
                          '#[test] fn t() { let o = std::process::Command::new(env!("CARGO_BIN_EXE_app")).output().unwrap(); assert_eq!(o.stdout, b"one\\n"); }'})
        self.build(p, "test")
        self.build(p.copy("bb"), "test")
        p.replace("src/main.rs", "one", "two")
        self.build(p, "test").fails()

    def test_e_clippy(self):
        if run(["cargo", "clippy", "-V"], "/", clean_environment()).status != 0:
            self.skipTest("clippy is not installed")
        p = self.project({"src/lib.rs": "pub fn f(x: Option<u8>) -> bool { if let Some(_) = x { true } else { false } }"})
        for _ in range(2):
            self.build(p, "clippy").expect(app="HMP")
        self.build(p, "clippy", "--", "-D", "warnings").fails("redundant_pattern_matching")
        self.build(p, "clippy").expect(app="HP")
        self.build(p, "check").expect(app="M")

    def test_f_clippy_configuration_edited(self):
        if run(["cargo", "clippy", "-V"], "/", clean_environment()).status != 0:
            self.skipTest("clippy is not installed")
        arguments = ", ".join(f"a{n}: u8" for n in range(8))
        p = self.project({"src/lib.rs": f"pub fn f({arguments}) -> u8 {{ {'+'.join(f'a{n}' for n in range(8))} }}",
                          "clippy.toml": "too-many-arguments-threshold = 20\n"})
        self.assertNotIn("too many arguments", self.build(p, "clippy").stderr)
        p.write("clippy.toml", "too-many-arguments-threshold = 3\n")
        self.assertIn("too many arguments", self.build(p, "clippy").stderr)
        p.remove("clippy.toml")
        self.assertIn("too many arguments", self.build(p, "clippy").stderr)
        p.write(".clippy.toml", "too-many-arguments-threshold = 20\n")
        self.assertNotIn("too many arguments", self.build(p, "clippy").stderr)

    def test_g_documentation(self):
        p = self.project(self.LIBRARY)
        self.build(p, "doc")
        for target in (TARGET, REFERENCE):
            self.assertTrue((p.path(target) / "doc/app/fn.f.html").exists())

    def test_h_target_given_by_name(self):
        host = re.search(r"host: (\S+)", run(["rustc", "-vV"], "/", clean_environment()).stdout).group(1)
        p = self.project(GRAPH)
        self.build(p)
        self.build(p, "build", "--target", host).prints("1 2 3")
        self.build(p, "build", "--target", host).expect_all("H").prints("1 2 3")

    def test_i_fix_and_clean(self):
        p = self.project({"src/main.rs": "fn main() { let mut x = 1; println!(\"{}\", x) }"})
        self.build(p).prints("1")
        ran = self.cargo(p, "fix", "--offline", "--allow-no-vcs")
        self.assertEqual(ran.status, 0, ran)
        self.assertIn("let x = 1", p.path("src/main.rs").read_text())
        self.build(p).prints("1")

    def test_j_run_passes_arguments_and_input(self):
        p = self.project({"src/main.rs": 'fn main() { println!("{:?}", std::env::args().skip(1).collect::<Vec<_>>()) }'})
        for _ in range(2):
            self.build(p, "run", "--", "a", "--b")

    def test_k_build_script_runs_cargo(self):
        p = self.project({"Cargo.toml": package("app", extra='[workspace]\nexclude = ["inner"]\n'),
                          "inner/Cargo.toml": package("inner", extra="[workspace]\n"), "inner/src/main.rs": 'fn main() { println!("inner") }',
                          "build.rs": 'fn main() { let o = std::env::var("OUT_DIR").unwrap(); let s = std::process::Command::new(std::env::var("CARGO").unwrap())'
                                      '.args(["build", "--offline", "--manifest-path", "inner/Cargo.toml", "--target-dir", &format!("{o}/t")]).status().unwrap();'
                                      ' assert!(s.success()); let r = std::process::Command::new(format!("{o}/t/debug/inner")).output().unwrap();'
                                      ' println!("cargo:rustc-env=V={}", String::from_utf8(r.stdout).unwrap().trim()); }',
                          "src/main.rs": 'fn main() { println!("{}", env!("V")) }'})
        for _ in range(2):
            p.empty_target()
            ran = self.cargo(p, "run", "--offline", "-q")
            self.assertEqual((ran.status, ran.stdout), (0, "inner\n"), ran)


    def test_l_coming_layouts_of_cargo(self):
        """One directory for each unit, and .rlib files without metadata: cargo's nightly defaults."""
        if run(["rustup", "run", "nightly", "cargo", "-V"], "/", clean_environment()).status != 0:
            self.skipTest("no nightly toolchain")
        env = {"RUSTUP_TOOLCHAIN": "nightly"}
        for number, flags in enumerate((["-Zbuild-dir-new-layout"], ["-Zno-embed-metadata"], ["-Zbuild-dir-new-layout", "-Zno-embed-metadata"])):
            p = self.project(GRAPH, name=f"l{number}")
            for _ in range(2):
                build = self.build(p, "build", *flags, env=env)
                self.assertEqual(build.status, 0, build.stderr)
                app = run([p.path(TARGET) / "debug/app"], p.root, clean_environment())
                self.assertEqual(app.stdout, "1 2 3\n")
            build.expect(leaf="HP", pm="HP", app="HP")
            again = self.build(p, "build", *flags, env=env, fresh=False)
            self.assertNotIn("Compiling", again.stderr)
            self.build(p.copy(f"l{number}-b"), "build", *flags, env=env)


class Concurrency(Case):

    incremental = True

    WIDE = {"Cargo.toml": workspace("app", *[f"c{n}" for n in range(6)]),
            "app/Cargo.toml": package("app", "\n".join(f'c{n} = {{ path = "../c{n}" }}' for n in range(6))),
            "app/src/main.rs": 'fn main() { println!("{}", ' + " + ".join(f"c{n}::v()" for n in range(6)) + ") }",
            **{f"c{n}/Cargo.toml": package(f"c{n}") for n in range(6)},
            **{f"c{n}/src/lib.rs": f"pub fn v() -> u32 {{ {n} }}" for n in range(6)}}

    def test_a_one_job(self):
        p = self.project(self.WIDE)
        self.build(p, "build", "-j1").expect_all("M").prints("15")
        self.build(p, "build", "-j1").expect_all("H").prints("15")

    def test_b_more_jobs_than_processors(self):
        p = self.project(self.WIDE)
        self.build(p, "build", "-j16").prints("15")
        self.build(p, "build", "-j16").expect_all("H").prints("15")

    def test_c_two_checkouts_at_once(self):
        """Each unit is compiled once for both, and both are whole."""
        p = self.project(self.WIDE)
        places = [p, p.copy("b"), p.copy("c/d")]
        self.smelt.mark()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for ran in pool.map(lambda q: self.cargo(q, "build", "--offline"), places):
                self.assertEqual(ran.status, 0, ran)
        for q in places:
            self.assertEqual(run([q.path(TARGET) / "debug/app"], q.root, clean_environment()).stdout, "15\n")
        if not PLAIN:
            misses = [u["crate"] for u in self.smelt.units() if u["outcome"] == "miss"]
            self.assertEqual(sorted(misses), sorted(["app", *[f"c{n}" for n in range(6)]]))
        self.assert_same_artifacts(places[1].artifacts(), places[0].artifacts())

    def test_d_check_beside_build(self):
        p = self.project(self.WIDE)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            runs = [pool.submit(self.cargo, p, *c, "--offline") for c in (("build",), ("check", "--target-dir", str(p.path("tcheck"))))]
            for ran in runs:
                self.assertEqual(ran.result().status, 0, ran.result())
        self.build(p, fresh=False).prints("15")

    def test_e_make_with_its_job_server(self):
        require("make")
        for style in ("pipe", "fifo"):
            p = self.project(self.WIDE, name=style)
            p.write("Makefile", "all:\n\t+cargo build --offline\n")
            if run(["make", f"--jobserver-style={style}", "--version"], "/", clean_environment()).status != 0:
                if style == "fifo":
                    continue
                command = ["make", "-j2"]
            else:
                command = ["make", "-j2", f"--jobserver-style={style}"]
            for _ in range(2):
                p.empty_target()
                environment = clean_environment() | self.smelt.environment() | {"CARGO_TARGET_DIR": str(p.path(TARGET))}
                ran = run(command, p.root, environment)
                self.assertEqual(ran.status, 0, ran)
                self.assertNotIn("jobserver", ran.stderr)

    def test_f_killed_in_the_middle_of_a_compile(self):
        """cargo, wrapper and compiler are killed while a macro runs: the next build is whole."""
        p = self.project(with_macro('if std::env::var_os("PM_GATE").is_some() { let r = concat!(env!("CARGO_MANIFEST_DIR"), "/..");'
                                    'std::fs::write(format!("{r}/started"), "").unwrap(); std::fs::read(format!("{r}/gate")).unwrap(); } "x".into()'))
        self.build(p)
        p.replace("app/src/main.rs", "println!", "print!")
        os.mkfifo(p.path("gate"))
        p.empty_target()
        environment = clean_environment() | self.smelt.environment() | {"CARGO_TARGET_DIR": str(p.path(TARGET)), "PM_GATE": "1"}
        process = subprocess.Popen(["cargo", "build", "--offline"], cwd=p.root, env=environment, start_new_session=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(p.path("started").exists, 60, "the macro to start")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        p.remove("gate")
        self.build(p).prints("x")


class Stopping(Case):
    """`smelt stop` while the compiler runs: a macro in it waits for a lock that the test holds."""

    def setUp(self):
        super().setUp()
        if PLAIN:
            self.skipTest("plain cargo has no daemon")
        self.own = self.own_smelt()
        self.gate = self.directory / "gate"
        self.gate.touch()
        self.held = open(self.gate, "rb")
        self.addCleanup(self.held.close)
        fcntl.flock(self.held, fcntl.LOCK_EX)
        body = (f'let gate = std::fs::File::open("{self.gate}").unwrap();\n'
                'unsafe { flock(std::os::fd::AsRawFd::as_raw_fd(&gate), 2); }\n"made".to_string()')
        self.waiting_project = self.project(with_macro(body, head='extern "C" { fn flock(fd: i32, how: i32) -> i32; }\n'))

    def is_waited_for(self):
        inode = f":{self.gate.stat().st_ino} "
        return any("->" in line and inode in line for line in pathlib.Path("/proc/locks").read_text().splitlines())

    def begin(self, pool):
        building = pool.submit(self.cargo, self.waiting_project, "build", "--offline", smelt=self.own)
        wait_until(self.is_waited_for, 60, "the macro to wait")
        return building

    def assert_builds(self, building):
        self.assertEqual(building.result().status, 0, building.result())
        program = self.waiting_project.path(TARGET) / "debug/app"
        self.assertEqual(run([program], "/", clean_environment()).stdout, "made\n")

    def outcome_of_app(self):
        self.waiting_project.empty_target()
        self.own.mark()
        ran = self.cargo(self.waiting_project, "build", "--offline", smelt=self.own)
        self.assertEqual(ran.status, 0, ran)
        return {u["outcome"] for u in self.own.units() if u["crate"] == "app"}

    def test_a_what_is_compiled_is_finished_and_stored(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            building = self.begin(pool)
            stopping = pool.submit(self.own, "stop")
            wait_until(self.plain_compile, 20, "the daemon to take no more work")
            self.assertFalse(stopping.done(), "it waits for the compile")
            fcntl.flock(self.held, fcntl.LOCK_UN)
            self.assert_builds(building)
            self.assertEqual(stopping.result().stdout, "smeltd has ended\n")
        self.own.start()
        self.assertEqual(self.outcome_of_app(), {"hit"})

    def plain_compile(self):
        """True if the daemon has a compile done without it."""
        before = self.own.stats()["compile_requests"]
        ran = run([self.own.program, "rustc", "-vV"], "/", clean_environment() | self.own.environment())
        self.assertEqual(ran.status, 0, ran)
        return self.own.stats()["compile_requests"] == before

    def test_b_said_twice_it_ends_at_once(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            building = self.begin(pool)
            stopping = pool.submit(self.own, "stop")
            wait_until(self.plain_compile, 20, "the daemon to take no more work")
            for stopped in (self.own("stop"), stopping.result()):
                self.assertEqual((stopped.status, stopped.stdout), (0, "smeltd has ended\n"), stopped)
            self.assertFalse(building.done())
            fcntl.flock(self.held, fcntl.LOCK_UN)
            self.assert_builds(building)
        self.own.start()
        self.assertEqual(self.outcome_of_app(), {"miss"}, "nothing was stored")


class Messages(Case):

    incremental = True

    def test_a_errors_are_replayed_or_repeated(self):
        p = self.project({"src/main.rs": 'fn main() { let x: u8 = "no"; }'})
        for _ in range(3):
            self.build(p).fails("mismatched types")

    def test_b_error_in_a_dependency_stops_dependents(self):
        p = self.project(GRAPH)
        self.build(p)
        p.replace("leaf/src/lib.rs", "{ 1 }", "{ oops }")
        self.build(p).fails("oops")
        p.replace("leaf/src/lib.rs", "{ oops }", "{ 1 }")
        self.build(p).expect_all("H").prints("1 2 3")

    def test_c_large_diagnostics(self):
        p = self.project({"src/main.rs": "fn main() {}\n" + "\n".join(f"fn unused_{n}() {{ let x_{n} = 1; }}" for n in range(700))})
        for _ in range(2):
            build = self.build(p)
            self.assertIn("unused_699", build.stderr)

    def test_d_future_incompatibility_and_notes(self):
        p = self.project({"src/main.rs": "#[deprecated(note = \"old é\")] fn f() {} fn main() { f() }"})
        for _ in range(2):
            self.assertIn("old é", self.build(p).stderr)

    def test_e_colour_on_demand(self):
        p = self.project({"src/main.rs": "fn main() { let unused_name = 1; }"})
        for _ in range(2):
            build = self.build(p, env={"CARGO_TERM_COLOR": "always"})
            self.assertIn("\x1b[", build.stderr)

    def test_f_verbose_shows_the_wrapped_command(self):
        p = self.project({"src/main.rs": "fn main() {}"})
        for _ in range(2):
            p.empty_target()
            ran = self.cargo(p, "build", "--offline", "-v")
            self.assertRegex(ran.stderr, r"Running `.*rustc --crate-name app")

    def test_g_macro_prints(self):
        p = self.project(with_macro('println!("to stdout"); eprintln!("to stderr"); "x".into()'))
        for _ in range(2):
            self.build(p).prints("x")

    def test_h_no_color_of_rustflags_breaks_json(self):
        p = self.project({"src/main.rs": "fn main() { let unused_name = 1; }"})
        for flags in ("--cap-lints=allow", "-Aunused", "-Funused", "--cap-lints=warn -Dunused"):
            for _ in range(2):
                self.build(p, env={"RUSTFLAGS": flags})


if __name__ == "__main__":
    unittest.main()

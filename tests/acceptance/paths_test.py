"""Table b4: checkouts, cargo homes, and paths in results and diagnostics."""

import os
import pathlib
import re
import shutil
import sys
import tarfile
import tempfile
import unittest

from harness import Case, PLAIN, REFERENCE, TARGET, clean_environment, package, require, run, with_macro, workspace

GRAPH = {
    "Cargo.toml": workspace("app", "leaf", "pm"),
    "leaf/Cargo.toml": package("leaf"), "leaf/src/lib.rs": "pub fn v() -> u8 { 1 }",
    "pm/Cargo.toml": package("pm", proc_macro=True),
    "pm/src/lib.rs": "extern crate proc_macro; #[proc_macro] pub fn two(_: proc_macro::TokenStream) -> proc_macro::TokenStream { \"2\".parse().unwrap() }",
    "app/Cargo.toml": package("app", 'leaf = { path = "../leaf" }\npm = { path = "../pm" }'),
    "app/build.rs": 'fn main() { std::fs::write(std::env::var("OUT_DIR").unwrap() + "/gen.rs", "const G: u8 = 3;").unwrap(); }',
    "app/src/main.rs": 'include!(concat!(env!("OUT_DIR"), "/gen.rs")); fn main() { println!("{} {} {}", leaf::v(), pm::two!(), G) }',
}


def vendored(directory: pathlib.Path, name: str, lib_rs: str) -> None:
    """A crate as `cargo vendor` leaves it."""
    place = directory / f"{name}-1.0.0"
    (place / "src").mkdir(parents=True)
    (place / "Cargo.toml").write_text(package(name, version="1.0.0"))
    (place / "src/lib.rs").write_text(lib_rs)
    (place / ".cargo-checksum.json").write_text('{"files":{}}')


class Checkouts(Case):

    incremental = True

    def test_57_second_checkout_hits_everything(self):
        p = self.project(GRAPH)
        self.build(p).prints("1 2 3")
        q = p.copy("bb/deeper/checkout")
        self.build(q).expect(leaf="H", pm="H", app="H", build_script_build="H").prints("1 2 3")
        self.assert_same_artifacts(q.artifacts(), p.artifacts())

    def test_57b_hits_are_what_a_compile_would_have_given(self):
        p = self.project(GRAPH)
        self.build(p)
        q = p.copy("b")
        self.build(q).expect_all("H")
        r = p.copy("another/place")
        self.build(r, smelt=self.own_smelt()).expect(leaf="M", app="M")
        self.assert_same_artifacts(q.artifacts(), r.artifacts())

    def test_57c_release_and_tests_in_two_checkouts(self):
        p = self.project(GRAPH | {"app/tests/t.rs": "#[test] fn t() { assert_eq!(leaf::v(), 1) }"})
        q = p.copy("b")
        for arguments in (("build", "--release"), ("test",)):
            self.build(p, *arguments)
            self.build(q, *arguments).expect_all("H")

    def test_57d_another_target_directory(self):
        p = self.project(GRAPH)
        self.build(p)
        q = p.copy("b")
        env = {"CARGO_TARGET_DIR": str(self.directory / "elsewhere/out")}
        self.smelt.mark()
        ran = self.cargo(q, "build", "--offline", env=env)
        self.assertEqual(ran.status, 0, ran)
        if not PLAIN:
            self.assertEqual({u["outcome"] for u in self.smelt.units() if u["crate"] in ("leaf", "pm", "app")}, {"hit"})
        self.assertEqual(run([self.directory / "elsewhere/out/debug/app"], q.root, clean_environment()).stdout, "1 2 3\n")

    def test_57e_vendored_crate_in_two_checkouts(self):
        """Crates from a source outside the workspace are compiled in their own directory, with absolute paths."""
        p = self.project({"Cargo.toml": package("app", 'ext = "1"'), "src/main.rs": 'fn main() { println!("{}", ext::v()) }',
                          ".cargo/config.toml": '[source.crates-io]\nreplace-with = "v"\n[source.v]\ndirectory = "vendor"\n'})
        vendored(p.path("vendor"), "ext", f"pub fn v() -> u8 {{ 1 }} // {self.token}")
        self.build(p).expect(ext="M").prints("1")
        self.build(p).expect(ext="H").prints("1")
        self.build(p.copy("b/c")).prints("1")

    def test_58_manifest_directory_printed(self):
        p = self.project({"src/main.rs": 'fn main() { println!("{}", env!("CARGO_MANIFEST_DIR")) }'})
        self.build(p).expect(app="M").prints(str(p.root))
        q = p.copy("bb")
        self.build(q).expect(app="M").prints(str(q.root))
        self.build(p).expect(app="H").prints(str(p.root))

    def test_59_manifest_directory_through_a_macro(self):
        p = self.project(with_macro('std::env::var("CARGO_MANIFEST_DIR").unwrap()'))
        self.build(p).prints(str(p.path("app")))
        q = p.copy("bb")
        self.build(q).expect(app="M").prints(str(q.path("app")))

    def test_59b_manifest_directory_of_the_macro_itself(self):
        p = self.project(with_macro('env!("CARGO_MANIFEST_DIR").to_string()'))
        self.build(p).prints(str(p.path("pm")))
        q = p.copy("bb")
        self.build(q).expect(pm="M", app="M").prints(str(q.path("pm")))

    def test_59c_working_directory_of_the_macro(self):
        for name, asked in (("a", 'env::current_dir()'), ("b", 'fs::canonicalize(".")'),
                            ("c", 'fs::canonicalize("pm/..")'), ("d", 'fs::read_link("/proc/self/cwd")')):
            with self.subTest(asked):
                p = self.project(with_macro(f"std::{asked}.unwrap().to_str().unwrap().to_string()"), name)
                self.build(p).prints(str(p.root))
                q = p.copy(name + "b")
                self.build(q).prints(str(q.root))

    def test_60_generated_source_with_equal_content(self):
        p = self.project(GRAPH)
        self.build(p)
        q = p.copy("bb")
        self.build(q).expect({"app": "H"})
        for project, other in ((p, q), (q, p)):
            for file in project.path(TARGET).rglob("*.d"):
                self.assertNotIn(f"{other.root}/", file.read_text(), file)
        self.assert_same_dep_info(q)

    def assert_same_dep_info(self, project):
        """Dependency files name the same files as plain cargo's."""
        def read(target):
            return {str(f.relative_to(project.path(target))): f.read_text().replace(f"/{REFERENCE}/", f"/{TARGET}/")
                    for f in project.path(target).rglob("*.d")}
        got, expected = read(TARGET), read(REFERENCE)
        self.assertEqual(sorted(got), sorted(expected))
        for name in got:
            self.assertEqual(sorted(got[name].splitlines()), sorted(expected[name].splitlines()), name)

    def test_61_generated_source_differs(self):
        p = self.project(GRAPH)
        self.build(p).prints("1 2 3")
        q = p.copy("bb")
        q.replace("app/build.rs", "= 3", "= 4")
        self.build(q).expect({"leaf": "H", "app": "M"}).prints("1 2 4")

    def test_62_path_dependency_outside_the_root(self):
        files = {"Cargo.toml": package("app", 'leaf = { path = "../shared/leaf" }'), "src/main.rs": 'fn main() { println!("{}", leaf::v()) }'}
        leaf = {"shared/leaf/Cargo.toml": package("leaf"), "shared/leaf/src/lib.rs": 'pub fn v() -> &\'static str { concat!(file!(), "") }'}
        for name in ("one", "two/deeper"):
            p = self.project(files, name=f"{name}/app")
            outside = type(p)(p.root.parent, self.token)
            outside.write_all(leaf)
            self.build(p, same=False)
            self.build(p, same=False).expect(leaf="H")

    def test_62b_another_packages_file_compiled_by_a_unit_of_its_own(self):
        """The file is the same for both checkouts; only one of them has the package where that file lies."""
        shared = self.project({}, name="shared")
        ext = {"Cargo.toml": package("ext"), "src/lib.rs": "pub mod part;", "src/part.rs": "pub fn v() -> u8 { let unused = 1; 1 }"}
        shared.write_all(ext)
        checkouts = []
        for name, place in (("one", shared.root), ("two/deeper", self.directory / "two/ext")):
            p = self.project({
                "Cargo.toml": workspace("user", "app"),
                "user/Cargo.toml": package("user", f'ext = {{ path = "{place}" }}'), "user/src/lib.rs": "pub use ext::part;",
                "app/Cargo.toml": package("app"),
                "app/src/main.rs": f'#[path = "{shared.root}/src/part.rs"] mod part; fn main() {{ println!("{{}}", part::v()) }}'}, name=name)
            checkouts.append(p)
        type(shared)(self.directory / "two/ext", self.token).write_all(ext)
        for p in checkouts:
            self.build(p, "build", "-p", "user")
            build = self.build(p, "build", "-p", "app", fresh=False)
            build.expect(app="M")
            self.assertIn(f"{shared.root}/src/part.rs:1", build.stderr)
            program = p.path(TARGET).joinpath("debug/app").read_bytes()
            self.assertEqual(str(shared.root).encode() in program, p is not checkouts[0], "remapped where the package is")
        for p in checkouts:
            self.build(p, "build", "-p", "user")
            self.build(p, "build", "-p", "app", fresh=False).expect(app="H")

    def test_63_file_macro_and_panic_location_in_the_workspace(self):
        p = self.project({"Cargo.toml": workspace("app", "leaf"), "leaf/Cargo.toml": package("leaf"),
                          "leaf/src/lib.rs": 'pub fn f() -> &\'static str { file!() } pub fn p() { panic!("here") }',
                          "app/Cargo.toml": package("app", 'leaf = { path = "../leaf" }'),
                          "app/src/main.rs": 'mod m; fn main() { println!("{} {} {}", file!(), m::f(), leaf::f()); leaf::p() }',
                          "app/src/m.rs": "pub fn f() -> &'static str { file!() }"})
        for project in (p, p.copy("bb")):
            build = self.build(project)
            self.assertIn("leaf/src/lib.rs:1", next(iter(build.programs.values())).stderr)

    def test_64_error_that_shows_another_crates_source(self):
        p = self.project({"Cargo.toml": package("app", 'ext = "1"'), "src/main.rs": "fn main() { ext::v(1) }",
                          ".cargo/config.toml": '[source.crates-io]\nreplace-with = "v"\n[source.v]\ndirectory = "vendor"\n'})
        vendored(p.path("vendor"), "ext", f"pub fn v() {{}} // {self.token}")
        for project in (p, p, p.copy("b")):
            self.build(project).fails("function defined here")

    def test_64b_warning_in_two_checkouts_shows_each_its_own_path(self):
        p = self.project({"Cargo.toml": workspace("app"), "app/Cargo.toml": package("app"),
                          "app/build.rs": 'fn main() { std::fs::write(std::env::var("OUT_DIR").unwrap() + "/gen.rs", "fn unused() {}").unwrap(); }',
                          "app/src/main.rs": 'include!(concat!(env!("OUT_DIR"), "/gen.rs")); fn main() { let unused_here = 1; }'})
        for project in (p, p.copy("bb/deeper"), p):
            build = self.build(project)
            self.assertIn(f"{project.path(TARGET)}/debug/build/app-", build.stderr)
            self.assertIn("app/src/main.rs", build.stderr)


class OddPaths(Case):

    def test_a_spaces_and_unicode(self):
        p = self.project(GRAPH, name="a b/ünïcode 目录/c'd")
        self.build(p).prints("1 2 3")
        self.build(p).expect(leaf="H", pm="H", app="H").prints("1 2 3")
        q = self.project(GRAPH, name="plain")
        self.build(q).expect(leaf="H", pm="H", app="H").prints("1 2 3")
        self.build(q.copy('quo"te\\back$lash')).prints("1 2 3")

    def test_b_checkout_inside_another(self):
        p = self.project(GRAPH, name="x")
        q = self.project(GRAPH, name="x/x/x")
        p.write("Cargo.toml", workspace("app", "leaf", "pm", extra='exclude = ["x"]\n'))
        self.build(q).prints("1 2 3")
        self.build(p).prints("1 2 3")

    def test_c_through_a_symbolic_link(self):
        p = self.project(GRAPH)
        self.build(p)
        link = self.directory / "link"
        link.symlink_to(p.root)
        self.build(type(p)(link, self.token), cwd=link).prints("1 2 3")

    def test_d_from_a_member_directory(self):
        p = self.project(GRAPH)
        self.build(p, "build", "-p", "app")  # without -p, cargo resolves another graph in the member's directory
        p.empty_target()
        self.smelt.mark()
        ran = self.cargo(p, "build", "--offline", cwd=p.path("app"))
        self.assertEqual(ran.status, 0, ran)
        if not PLAIN:
            self.assertEqual({u["outcome"] for u in self.smelt.units() if u["crate"] == "app"}, {"hit"})

    def test_e_path_that_looks_like_a_sentinel(self):
        p = self.project({"src/main.rs": 'fn main() { println!("/proc/self/cwd/src /smelt/workspace/x /cargo/registry {}", file!()) }'})
        self.build(p)
        self.build(p.copy("bb")).expect(app="H")

    def test_f_path_attribute_above_the_root(self):
        p = self.project({"Cargo.toml": workspace("app"), "app/Cargo.toml": package("app"), "common/m.rs": "pub const V: u8 = 1;",
                          "app/src/main.rs": '#[path = "../../common/m.rs"] mod m; fn main() { println!("{}", m::V) }'})
        self.build(p).prints("1")
        p.replace("common/m.rs", "= 1", "= 2")
        self.build(p).expect(app="M").prints("2")
        self.build(p.copy("bb")).expect(app="H").prints("2")


class Debugging(Case):

    PANICS = {"src/main.rs": '#[inline(never)] fn deep() { panic!("deep") }\nfn main() {\n    deep()\n}\n'}

    def frames(self, text):
        return re.findall(r"^\s+at (\S+?):(\d+)", text, re.MULTILINE)

    def test_a_backtrace_names_workspace_files(self):
        p = self.project(self.PANICS)
        for project in (p, p.copy("bb")):
            self.build(project)
            ran = run([project.path(TARGET) / "debug/app"], project.root, clean_environment() | {"RUST_BACKTRACE": "1"})
            self.assertEqual(ran.status, 101)
            own = [(f, n) for f, n in self.frames(ran.stderr) if f.endswith("src/main.rs")]
            self.assertEqual([n for _, n in own], ["1", "3"], ran.stderr)
            for file, _ in own:
                # As a reader of the backtrace opens it: relative to where the program ran, or absolute.
                self.assertTrue((project.root / file).exists() or file.startswith("/proc/self/cwd/"), file)

    def test_b_gdb_finds_sources(self):
        require("gdb")
        p = self.project(self.PANICS)
        for project in (p, p.copy("bb")):
            self.build(project)
            ran = run(["gdb", "-q", "-batch", "-nx", "-ex", "set debuginfod enabled off", "-ex", "list app::deep", project.path(TARGET) / "debug/app"],
                      project.root, clean_environment())
            self.assertIn('panic!("deep")', ran.stdout, ran)

    def test_c_caller_location(self):
        p = self.project({"Cargo.toml": workspace("app", "leaf"), "leaf/Cargo.toml": package("leaf"),
                          "leaf/src/lib.rs": "#[track_caller] pub fn at() -> String { std::panic::Location::caller().to_string() }",
                          "app/Cargo.toml": package("app", 'leaf = { path = "../leaf" }'),
                          "app/src/main.rs": 'fn main() { println!("{}", leaf::at()) }'})
        for project in (p, p.copy("bb")):
            self.build(project).prints("app/src/main.rs:1:28")


class Remapped(Case):
    """Hits against a plain compile with the same remapping."""

    WRAPPER = """#!{python}
import os, sys
command = sys.argv[1:]
if "--crate-name" in command and "___" not in command:
    kept, skip = [], False
    for i, a in enumerate(command):
        if skip:
            skip = False
        elif a == "-C" and command[i + 1].startswith("incremental="):
            skip = True
        else:
            kept.append(a)
    command = [kept[0]] + os.environ["REMAP"].split("\\n") + kept[1:]
os.execvp(command[0], command)
"""

    def test_57f_bytes_of_a_plain_compile_with_the_same_remapping(self):
        if PLAIN:
            self.skipTest("plain cargo does not remap")
        p = self.project(GRAPH)
        self.build(p)
        q = p.copy("bb")
        self.build(q).expect_all("H")
        r = p.copy("reference")
        sysroot = run(["rustc", "--print", "sysroot"], "/", clean_environment()).stdout.strip()
        commit = re.search(r"commit-hash: (\w+)", run(["rustc", "-vV"], "/", clean_environment()).stdout).group(1)
        wrapper = self.directory / "remap"
        wrapper.write_text(self.WRAPPER.format(python=sys.executable))
        wrapper.chmod(0o755)
        remap = [f"--remap-path-prefix={r.root}=/proc/self/cwd", f"--remap-path-prefix={r.path(TARGET)}/debug=/cargo/build-dir",
                 f"--remap-path-prefix={sysroot}/lib/rustlib/src/rust=/rustc/{commit}"]
        environment = clean_environment() | {"RUSTC_WRAPPER": str(wrapper), "REMAP": "\n".join(remap), "CARGO_INCREMENTAL": "0"}
        ran = run(["cargo", "build", "--offline"], r.root, environment | {"CARGO_TARGET_DIR": str(r.path(TARGET))})
        self.assertEqual(ran.status, 0, ran)
        self.assert_same_artifacts(q.artifacts(), r.artifacts())


if __name__ == "__main__":
    unittest.main()

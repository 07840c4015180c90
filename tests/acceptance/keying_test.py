"""Table b1: what enters the key of a compile."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import Case, PLAIN, clean_environment, package, require, run, with_macro, workspace

PRINT_MODULES = 'mod a; mod b; fn main() { println!("{} {}", a::V, b::V); }'


class Keying(Case):

    def test_01_the_same_again_runs_no_compiler(self):
        p = self.project({"src/lib.rs": "pub fn f() -> u8 { 1 }", "src/main.rs": 'fn main() { println!("{}", app::f()) }'})
        self.build(p).expect(app="M")
        self.build(p).expect(app="H").prints("1")

    def test_02_edited_module_and_revert(self):
        p = self.project({"src/main.rs": 'mod m; fn main() { println!("{}", m::V) }', "src/m.rs": "pub const V: u8 = 1;"})
        self.build(p).expect(app="M")
        p.replace("src/m.rs", "= 1", "= 2")
        self.build(p).expect(app="M").prints("2")
        p.replace("src/m.rs", "= 2", "= 1")
        self.build(p).expect(app="H").prints("1")

    def test_03_swapped_module_files(self):
        p = self.project({"src/main.rs": PRINT_MODULES, "src/a.rs": "pub const V: u8 = 1;", "src/b.rs": "pub const V: u8 = 2;"})
        self.build(p).expect(app="M").prints("1 2")
        p.swap("src/a.rs", "src/b.rs")
        self.build(p).expect(app="M").prints("2 1")

    def test_04_ambiguous_module_file_appears(self):
        p = self.project({"src/main.rs": "mod foo; fn main() {}", "src/foo.rs": ""})
        self.build(p).expect(app="M")
        p.write("src/foo/mod.rs", "")
        self.build(p).expect(app="MNP").fails("E0761")

    def test_05_include_str(self):
        p = self.project({"src/main.rs": 'fn main() { print!("{}", include_str!("d.txt")) }', "src/d.txt": "1"})
        self.build(p).expect(app="M")
        p.write("src/d.txt", "2")
        self.build(p).expect(app="M").prints("2")

    def test_06_07_new_module_and_revert(self):
        p = self.project({"src/main.rs": 'mod a; fn main() { println!("{}", a::V) }', "src/a.rs": "pub const V: u8 = 1;"})
        self.build(p).expect(app="M")
        p.write("src/a.rs", "mod x; pub const V: u8 = x::V;")
        p.write("src/a/x.rs", "pub const V: u8 = 2;")
        self.build(p).expect(app="M").prints("2")
        p.write("src/a/x.rs", "pub const V: u8 = 3;")
        self.build(p).expect(app="M").prints("3")
        p.write("src/a.rs", "pub const V: u8 = 1;")
        self.build(p).expect(app="H").prints("1")

    def test_08_feature_toggled(self):
        p = self.project({"Cargo.toml": package("app", extra="[features]\nextra = []\n"),
                          "src/main.rs": 'fn main() { println!("{}", cfg!(feature = "extra")) }'})
        self.build(p).expect(app="M").prints("false")
        self.build(p, "build", "--features", "extra").expect(app="M").prints("true")
        self.build(p).expect(app="H").prints("false")

    def test_09_feature_removed_from_check_cfg(self):
        lints = '[lints.rust]\nunexpected_cfgs = "deny"\n'
        p = self.project({"Cargo.toml": package("app", extra="[features]\nextra = []\n" + lints),
                          "src/main.rs": 'fn main() { println!("{}", cfg!(feature = "extra")) }'})
        self.build(p).expect(app="M")
        p.write("Cargo.toml", package("app", extra=lints))
        self.build(p).expect(app="MN").fails("unexpected `cfg`")

    def test_10_edited_test_target_only(self):
        p = self.project({"src/lib.rs": "pub fn f() -> u8 { 1 }",
                          "tests/t.rs": "#[test] fn t() { assert_eq!(app::f(), 1) }"})
        self.build(p, "test", "--test", "t").expect(t="M")
        p.replace("tests/t.rs", "app::f(), 1", "app::f(), 2")
        self.build(p, "test", "--test", "t").expect(app="H", t="M").fails()

    def test_11_warnings_denied(self):
        p = self.project({"src/main.rs": "fn main() { let x = 1; }"})
        self.build(p).expect(app="M")
        self.build(p, env={"RUSTFLAGS": "-Dwarnings"}).expect(app="MN").fails("unused variable")
        self.build(p).expect(app="H")

    def test_12_check_then_build(self):
        p = self.project({"src/lib.rs": "pub fn f() -> u8 { 1 }", "src/main.rs": 'fn main() { println!("{}", app::f()) }'})
        self.build(p, "check").expect(app="M")
        self.build(p).expect(app="M").prints("1")
        self.build(p, "check").expect(app="H")
        self.build(p).expect(app="H").prints("1")

    def test_13_profiles_have_their_own_entries(self):
        p = self.project({"src/main.rs": 'fn main() { println!("{}", cfg!(debug_assertions)) }'})
        self.build(p).expect(app="M").prints("true")
        self.build(p, "build", "--release").expect(app="M").prints("false")
        self.build(p).expect(app="H").prints("true")

    def test_14_codegen_units_by_cargo_rustc(self):
        p = self.project({"src/lib.rs": "pub fn f() -> u8 { 1 }"})
        self.build(p).expect(app="M")
        self.build(p, "rustc", "--", "-C", "codegen-units=1").expect(app="M")
        self.build(p, "rustc", "--", "-C", "codegen-units=2").expect(app="M")
        self.build(p, "rustc", "--", "-C", "codegen-units=1").expect(app="H")

    def test_15_argument_file_edited(self):
        p = self.project({"src/main.rs": 'fn main() { println!("{} {}", cfg!(a), cfg!(b)) }', "flags": "--cfg\na\n"})
        command = ("rustc", "--", f"@{p.path('flags')}", "-Aunexpected_cfgs")
        self.build(p, *command).expect(app="MP").prints("true false")
        p.write("flags", "--cfg\nb\n")
        self.build(p, *command).expect(app="MP").prints("false true")

    def test_16_emit_asm_beside_the_link(self):
        p = self.project({"src/lib.rs": "#[no_mangle] pub extern \"C\" fn one() -> u8 { 1 }"})
        self.build(p, "rustc", "--", "--emit", "asm").expect(app="MP")
        first = p.artifacts()
        self.build(p, "rustc", "--", "--emit", "asm").expect(app="HP")
        asm = [name for name in p.artifacts() if name.endswith(".s")]
        self.assertTrue(asm)
        self.assertEqual(p.artifacts()[asm[0]], first[asm[0]])

    def test_17_rustc_bootstrap(self):
        p = self.project({"src/lib.rs": "pub fn f() -> u8 { 1 }"})
        self.build(p).expect(app="M")
        self.build(p, env={"RUSTC_BOOTSTRAP": "1"}).expect(app="M")
        self.build(p).expect(app="H")
        p.write("src/lib.rs", "#![feature(never_type)] pub fn f() -> u8 { 1 }")
        self.build(p, env={"RUSTC_BOOTSTRAP": "1"}).expect(app="M")
        self.build(p).expect(app="MN").fails("E0554")

    def test_18_unknown_flags_are_not_cached(self):
        p = self.project({"src/main.rs": "fn main() {}"})
        bootstrap = {"RUSTC_BOOTSTRAP": "1"}
        self.build(p, "rustc", "--", "-Zno-such-flag", env=bootstrap).expect(app="P").fails("unknown unstable option")
        self.build(p, "rustc", "--", "--no-such-flag").expect(app="P").fails("no-such-flag")
        self.build(p, "rustc", "--", "-Cno-such-flag=1").expect(app="P").fails("no-such-flag")
        self.build(p, "rustc", "--", "-Zvalidate-mir", env=bootstrap).expect(app="MP")
        self.build(p).expect(app="M")

    def test_19_target_specification_edited(self):
        spec = run(["rustc", "-Zunstable-options", "--print", "target-spec-json"], "/",
                   clean_environment() | {"RUSTC_BOOTSTRAP": "1"})
        if spec.status != 0:
            self.skipTest("this rustc prints no target specification")
        p = self.project({"src/lib.rs": "#![feature(no_core)] #![no_core] #![allow(internal_features)]", "my.json": spec.stdout})
        build = ("build", "--target", "my.json", "-Zjson-target-spec")
        env = {"RUSTC_BOOTSTRAP": "1"}
        self.build(p, *build, env=env).expect(app="M")
        self.build(p, *build, env=env).expect(app="H")
        p.write("my.json", spec.stdout.replace('"cpu": "x86-64"', '"cpu": "x86-64-v2"'))
        self.assertNotEqual(p.path("my.json").read_text(), spec.stdout)
        self.build(p, *build, env=env).expect(app="M")

    def test_20_opt_level_and_panic_in_the_profile(self):
        p = self.project({"src/main.rs": 'fn main() { println!("{}", cfg!(panic = "abort")) }'})
        self.build(p).expect(app="M").prints("false")
        p.write("Cargo.toml", package("app", extra='[profile.dev]\npanic = "abort"\n'))
        self.build(p).expect(app="M").prints("true")
        p.write("Cargo.toml", package("app", extra="[profile.dev]\nopt-level = 1\n"))
        self.build(p).expect(app="M").prints("false")

    def test_21_edition(self):
        p = self.project({"src/main.rs": "fn main() { let async_ = 1; println!(\"{}\", async_) }"})
        self.build(p).expect(app="M")
        p.write("Cargo.toml", package("app").replace("2021", "2018"))
        self.build(p).expect(app="M")

    def test_22_std_library_replaced_under_the_same_version(self):
        toolchain = self.toolchain_copy()
        p = self.project({"src/main.rs": 'fn main() { println!("1") }'})
        env = {"RUSTC": str(toolchain / "bin/rustc")}
        self.build(p, env=env).expect(app="M")
        self.build(p, env=env).expect(app="H")
        rlib = next(toolchain.glob("lib/rustlib/*/lib/libstd-*.rlib"))
        old = rlib.read_bytes()
        rlib.unlink()  # the original shares the inode
        rlib.write_bytes(old)
        member = self.directory / "extra.txt"
        member.write_text("extra")
        subprocess.run(["ar", "q", rlib, member], check=True)
        self.build(p, env=env).expect(app="M").prints("1")

    def toolchain_copy(self):
        sysroot = pathlib.Path(run(["rustc", "--print", "sysroot"], "/", clean_environment()).stdout.strip())
        copy = pathlib.Path(tempfile.mkdtemp(prefix="tc", dir=self.base)) / "tc"
        linked = subprocess.run(["cp", "-al", sysroot, copy], capture_output=True).returncode == 0
        if not linked:
            shutil.rmtree(copy, ignore_errors=True)
            subprocess.run(["cp", "-a", sysroot, copy], check=True)
        self.addCleanup(shutil.rmtree, copy.parent, ignore_errors=True)
        return copy

    def test_23_two_toolchains(self):
        other = run(["rustup", "run", "nightly", "rustc", "-V"], "/", clean_environment())
        if other.status != 0:
            self.skipTest("no nightly toolchain")
        p = self.project({"src/lib.rs": "pub fn f() -> u8 { 1 }"})
        self.build(p).expect(app="M")
        self.build(p, env={"RUSTUP_TOOLCHAIN": "nightly"}).expect(app="MP")
        self.build(p).expect(app="H")

    def test_24_target_cpu(self):
        p = self.project({"src/main.rs": 'fn main() { println!("{}", cfg!(target_feature = "sse4.2")) }'})
        self.build(p).expect(app="M").prints("false")
        self.build(p, env={"RUSTFLAGS": "-Ctarget-cpu=x86-64-v2"}).expect(app="M").prints("true")
        self.build(p, env={"RUSTFLAGS": "-Ctarget-cpu=native"}).expect(app="MP")
        self.build(p, env={"RUSTFLAGS": "-Ctarget-cpu=native"}).expect(app="HP")
        self.build(p, env={"RUSTFLAGS": "-Ctarget-feature=+avx"}).expect(app="M")

    def test_25_profile_data_edited(self):
        require("llvm-profdata")
        p = self.project({"src/main.rs": "fn main() {}"})
        self.profile_data(p, 10)
        env = {"RUSTFLAGS": f"-Cprofile-use={p.path('p.profdata')}"}
        self.build(p, env=env).expect(app="M")
        self.build(p, env=env).expect(app="H")
        self.profile_data(p, 20)
        self.build(p, env=env).expect(app="M")

    def profile_data(self, project, count):
        project.write("p.proftext", f":ir\nmain\n1234\n1\n{count}\n\n")
        subprocess.run(["llvm-profdata", "merge", "-o", project.path("p.profdata"), project.path("p.proftext")], check=True)


if __name__ == "__main__":
    unittest.main()

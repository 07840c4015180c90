"""Table b3: dependencies, native libraries and what the linker reads."""

import os
import pathlib
import shutil
import subprocess
import unittest

from harness import Case, PLAIN, REFERENCE, TARGET, clean_environment, package, require, run, workspace

USE_HW = 'extern "C" { fn hw() -> i32; } fn main() { println!("{}", unsafe { hw() }) }'
LINK_HW = 'fn main() { println!("cargo:rustc-link-search=native={}/native", std::env::var("CARGO_MANIFEST_DIR").unwrap()); }'


def archive(project, value, name="hw", directory="native"):
    """(Re)builds lib<name>.a, whose function <name>() returns `value`, in place."""
    place = project.path(directory)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.c").write_text(f"int {name}(void) {{ return {value}; }}\n")
    subprocess.run(["cc", "-c", "-o", f"{name}.o", f"{name}.c"], cwd=place, check=True)
    (place / f"lib{name}.a").unlink(missing_ok=True)
    subprocess.run(["ar", "rcD", f"lib{name}.a", f"{name}.o"], cwd=place, check=True)


class Externs(Case):

    TWO = {"Cargo.toml": workspace("app", "one", "two"),
           "one/Cargo.toml": package("one"), "one/src/lib.rs": "pub const V: u8 = 1;",
           "two/Cargo.toml": package("two"), "two/src/lib.rs": "pub const V: u8 = 2;",
           "app/Cargo.toml": package("app", 'x = { path = "../one", package = "one" }\ny = { path = "../two", package = "two" }'),
           "app/src/main.rs": 'fn main() { println!("{} {}", x::V, y::V) }'}

    def test_41_swapped_extern_names(self):
        p = self.project(self.TWO)
        self.build(p).expect(app="M").prints("1 2")
        p.write("app/Cargo.toml", package("app", 'y = { path = "../one", package = "one" }\nx = { path = "../two", package = "two" }'))
        self.build(p).expect(app="M", one="H", two="H").prints("2 1")

    def test_41b_dependency_renamed_in_the_manifest(self):
        p = self.project(self.TWO)
        self.build(p).prints("1 2")
        p.write("app/Cargo.toml", package("app", 'z = { path = "../one", package = "one" }\ny = { path = "../two", package = "two" }'))
        self.build(p).fails("x")
        p.write("app/src/main.rs", 'fn main() { println!("{} {}", z::V, y::V) }')
        self.build(p).expect(app="M").prints("1 2")

    def test_46_unused_dependency_changes(self):
        p = self.project(self.TWO | {"app/src/main.rs": 'fn main() { println!("{}", x::V) }'})
        self.build(p).prints("1")
        p.replace("two/src/lib.rs", "= 2", "= 3")
        self.build(p).expect(two="M", app="HM").prints("1")

    def test_a_transitive_dependency_changes(self):
        p = self.project({"Cargo.toml": workspace("app", "mid", "leaf"),
                          "leaf/Cargo.toml": package("leaf"), "leaf/src/lib.rs": "pub fn v() -> u8 { 1 }",
                          "mid/Cargo.toml": package("mid", 'leaf = { path = "../leaf" }'), "mid/src/lib.rs": "pub fn v() -> u8 { leaf::v() }",
                          "app/Cargo.toml": package("app", 'mid = { path = "../mid" }'),
                          "app/src/main.rs": 'fn main() { println!("{}", mid::v()) }'})
        self.build(p).prints("1")
        p.replace("leaf/src/lib.rs", "{ 1 }", "{ 2 }")
        self.build(p).expect(leaf="M", app="M").prints("2")
        p.replace("leaf/src/lib.rs", "{ 2 }", "{ 1 }")
        self.build(p).expect_all("H").prints("1")

    def test_b_generic_and_inlined_from_a_dependency(self):
        p = self.project({"Cargo.toml": workspace("app", "leaf"), "leaf/Cargo.toml": package("leaf"),
                          "leaf/src/lib.rs": "#[inline(always)] pub fn v<T: Into<u64>>(t: T) -> u64 { t.into() + 1 }",
                          "app/Cargo.toml": package("app", 'leaf = { path = "../leaf" }'),
                          "app/src/main.rs": 'fn main() { println!("{}", leaf::v(1u8)) }'})
        self.build(p).prints("2")
        p.replace("leaf/src/lib.rs", "+ 1", "+ 2")
        self.build(p).expect(leaf="M", app="M").prints("3")

    def test_c_feature_of_a_dependency(self):
        p = self.project({"Cargo.toml": workspace("app", "leaf"),
                          "leaf/Cargo.toml": package("leaf", extra="[features]\nbig = []\n"),
                          "leaf/src/lib.rs": 'pub const V: u8 = if cfg!(feature = "big") { 2 } else { 1 };',
                          "app/Cargo.toml": package("app", 'leaf = { path = "../leaf" }'),
                          "app/src/main.rs": 'fn main() { println!("{}", leaf::V) }'})
        self.build(p).prints("1")
        p.write("app/Cargo.toml", package("app", 'leaf = { path = "../leaf", features = ["big"] }'))
        self.build(p).expect(leaf="M", app="M").prints("2")
        p.write("app/Cargo.toml", package("app", 'leaf = { path = "../leaf" }'))
        self.build(p).expect_all("H").prints("1")

    def test_d_two_versions_of_one_crate(self):
        p = self.project({"v1/Cargo.toml": package("leaf"), "v1/src/lib.rs": "pub const V: u8 = 1;",
                          "v2/Cargo.toml": package("leaf", version="2.0.0"), "v2/src/lib.rs": "pub const V: u8 = 2;",
                          "app/Cargo.toml": package("app", 'one = { path = "../v1", package = "leaf" }\ntwo = { path = "../v2", package = "leaf" }'),
                          "app/src/main.rs": 'fn main() { println!("{} {}", one::V, two::V) }'})
        p.write("Cargo.toml", workspace("app", extra='exclude = ["v1", "v2"]\n'))
        self.build(p).prints("1 2")
        self.build(p).expect_all("H").prints("1 2")


class Native(Case):

    def test_42_static_library_rebuilt_in_place(self):
        p = self.project({"src/main.rs": '#[link(name = "hw", kind = "static")] ' + USE_HW, "build.rs": LINK_HW})
        archive(p, 1)
        self.build(p).expect({"app": "M"}).prints("1")
        archive(p, 2)
        self.build(p).expect({"app": "M"}).prints("2")
        archive(p, 1)
        self.build(p).expect({"app": "H"}).prints("1")

    def test_42b_static_library_bundled_into_an_rlib(self):
        p = self.project({"Cargo.toml": workspace("app", "sys"),
                          "sys/Cargo.toml": package("sys"), "sys/build.rs": LINK_HW.replace("/native", "/../native"),
                          "sys/src/lib.rs": '#[link(name = "hw", kind = "static")] extern "C" { pub fn hw() -> i32; }',
                          "app/Cargo.toml": package("app", 'sys = { path = "../sys" }'),
                          "app/src/main.rs": 'fn main() { println!("{}", unsafe { sys::hw() }) }'})
        archive(p, 1)
        self.build(p).expect(sys="M").prints("1")
        archive(p, 2)
        self.build(p).expect(sys="M", app="M").prints("2")

    def test_43_whole_archive_by_flag(self):
        p = self.project({"src/main.rs": USE_HW, "build.rs": LINK_HW.replace(
            "; }", '; println!("cargo:rustc-link-lib=static:+whole-archive=hw"); }')})
        archive(p, 1)
        self.build(p).prints("1")
        archive(p, 2)
        self.build(p).expect({"app": "M"}).prints("2")

    def test_43b_renamed_and_verbatim_by_flag(self):
        p = self.project({"src/main.rs": USE_HW, "build.rs": LINK_HW.replace(
            "; }", '; println!("cargo:rustc-link-lib=static:+verbatim=libhw.a"); }')})
        archive(p, 1)
        self.build(p).prints("1")
        archive(p, 2)
        self.build(p).expect({"app": "M"}).prints("2")

    def test_44_transitive_native_library(self):
        p = self.project({"Cargo.toml": workspace("app", "mid", "sys"),
                          "sys/Cargo.toml": package("sys"), "sys/build.rs": LINK_HW.replace("/native", "/../native").replace(
                              "; }", '; println!("cargo:rustc-link-lib=static:-bundle=hw"); }'),
                          "sys/src/lib.rs": 'extern "C" { pub fn hw() -> i32; }',
                          "mid/Cargo.toml": package("mid", 'sys = { path = "../sys" }'), "mid/src/lib.rs": "pub fn v() -> i32 { unsafe { sys::hw() } }",
                          "app/Cargo.toml": package("app", 'mid = { path = "../mid" }'),
                          "app/src/main.rs": 'fn main() { println!("{}", mid::v()) }'})
        archive(p, 1)
        self.build(p).prints("1")
        archive(p, 2)
        self.build(p).expect(app="M").prints("2")

    def test_45_library_appears_earlier_on_the_search_path(self):
        build_rs = ('fn main() { let d = std::env::var("CARGO_MANIFEST_DIR").unwrap(); for n in ["first", "native"] {'
                    ' println!("cargo:rustc-link-search=native={d}/{n}"); } println!("cargo:rustc-link-lib=static=hw"); }')
        p = self.project({"src/main.rs": USE_HW, "build.rs": build_rs, "first/.keep": ""})
        archive(p, 1)
        self.build(p).prints("1")
        archive(p, 2, directory="first")
        self.build(p).expect({"app": "M"}).prints("2")

    def test_45b_shared_library_replaced(self):
        p = self.project({"src/main.rs": USE_HW, "build.rs": LINK_HW.replace("; }", '; println!("cargo:rustc-link-lib=dylib=hw");'
                          ' println!("cargo:rustc-link-arg=-Wl,-rpath,{}/native", std::env::var("CARGO_MANIFEST_DIR").unwrap()); }')})
        self.shared(p, "")
        self.build(p).prints("1")
        self.shared(p, "int extra(void) { return 2; }")
        self.build(p).expect({"app": "MP"}).prints("1")
        self.shared(p, None)
        self.build(p).fails("hw")

    def shared(self, project, more):
        place = project.path("native")
        place.mkdir(exist_ok=True)
        body = "int hw(void) { return 1; }\n" + more if more is not None else "int other(void) { return 1; }\n"
        (place / "hw.c").write_text(body)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", "libhw.so", "hw.c"], cwd=place, check=True)

    def test_47_startup_object_replaced(self):
        """Scrt1.o is found through -B; a constructor in it prints, so that a stale one is seen."""
        p = self.project({"src/main.rs": 'fn main() { println!("main") }'})
        crt = p.path("crt")
        crt.mkdir()
        env = {"RUSTFLAGS": f"-Clink-arg=-B{crt}"}
        original = run(["cc", "-print-file-name=Scrt1.o"], "/", clean_environment()).stdout.strip()
        for word in ("one", "two"):
            (crt / "c.c").write_text('#include <unistd.h>\n__attribute__((constructor)) static void c(void)'
                                     f' {{ if (write(1, "{word}\\n", 4)) {{}} }}\n')
            subprocess.run(["cc", "-c", "-fPIC", "-o", "c.o", "c.c"], cwd=crt, check=True)
            subprocess.run(["ld", "-r", "-o", "Scrt1.o", original, "c.o"], cwd=crt, check=True)
            self.build(p, env=env).expect(app="MNP").prints(f"{word}\nmain")

    def test_48_link_argument_of_a_build_script(self):
        p = self.project({"src/main.rs": 'extern "C" { static mark: u8; } fn main() { println!("{:x}", unsafe { &mark as *const u8 as usize }) }',
                          "build.rs": 'fn main() { println!("cargo:rustc-link-arg=-no-pie"); println!("cargo:rustc-link-arg=-Wl,--defsym=mark=0x1234"); }'})
        env = {"RUSTFLAGS": "-Crelocation-model=static"}
        self.build(p, env=env).prints("1234")
        p.replace("build.rs", "0x1234", "0x5678")
        self.build(p, env=env).expect({"app": "MP"}).prints("5678")

    def test_49_linker_script_edited(self):
        p = self.project({"src/main.rs": 'extern "C" { static mark: u8; } fn main() { println!("{:x}", unsafe { &mark as *const u8 as usize }) }',
                          "build.rs": 'fn main() { let d = std::env::var("CARGO_MANIFEST_DIR").unwrap(); println!("cargo:rustc-link-arg=-no-pie");'
                                      ' println!("cargo:rustc-link-arg=-Wl,-T,{d}/x.ld"); }',
                          "x.ld": "mark = 0x1234;\n"})
        env = {"RUSTFLAGS": "-Crelocation-model=static"}
        p.write("x.ld", "SECTIONS { mark = 0x1234; } INSERT AFTER .data;\n")
        self.build(p, env=env).prints("1234")
        p.write("x.ld", "SECTIONS { mark = 0x5678; } INSERT AFTER .data;\n")
        self.build(p, env=env).expect({"app": "MNP"}).prints("5678")

    def test_49b_version_script_of_a_cdylib(self):
        p = self.project({"Cargo.toml": package("app", extra='[lib]\ncrate-type = ["cdylib"]\n'),
                          "src/lib.rs": '#[no_mangle] pub extern "C" fn one() {} #[no_mangle] pub extern "C" fn two() {}',
                          "build.rs": 'fn main() { println!("cargo:rustc-link-arg=-Wl,--undefined-version,--dynamic-list={}/v.txt", std::env::var("CARGO_MANIFEST_DIR").unwrap()); }',
                          "v.txt": "{ one; };\n"})
        self.build(p)
        p.write("v.txt", "{ one; two; };\n")
        self.build(p).expect({"app": "MNP"})

    def test_50_static_linker_driver_reads_a_file(self):
        """What an untraced program reads cannot be known: nothing it had a part in may be stored."""
        p = self.project({"src/main.rs": 'fn main() { println!("{}", std::env::args().count()) }', "in.txt": "0x1234"})
        p.write("src/main.rs", 'extern "C" { static mark: u8; } fn main() { println!("{:x}", unsafe { &mark as *const u8 as usize }) }')
        p.write("ld.c", '#include <stdio.h>\n#include <string.h>\n#include <unistd.h>\nint main(int n, char** v) { static char* a[4096]; static char def[64];'
                        f' char num[32]; FILE* f = fopen("{p.path("in.txt")}", "r"); if (!f || !fgets(num, 32, f)) return 1;'
                        ' snprintf(def, 64, "-Wl,--defsym=mark=%s", num); for (int i = 0; i < n; i++) a[i] = v[i]; a[0] = "cc"; a[n] = def; a[n+1] = "-no-pie";'
                        ' execvp("cc", a); return 1; }')
        if run(["cc", "-static", "-o", "myld", "ld.c"], p.root, clean_environment()).status != 0:
            self.skipTest("no static libc")
        env = {"RUSTFLAGS": f"-Clinker={p.path('myld')} -Crelocation-model=static"}
        self.build(p, env=env).expect(app="NP").prints("1234")
        p.write("in.txt", "0x5678")
        self.build(p, env=env).expect(app="NP").prints("5678")

    def test_50b_linker_driver_script_edited(self):
        p = self.project({"src/main.rs": 'extern "C" { static mark: u8; } fn main() { println!("{:x}", unsafe { &mark as *const u8 as usize }) }'})
        env = {"RUSTFLAGS": f"-Clinker={p.path('myld')} -Crelocation-model=static"}
        for value in ("1234", "5678"):
            p.write("myld", f'#!/bin/sh\nexec cc "$@" -no-pie -Wl,--defsym=mark=0x{value}\n')
            p.path("myld").chmod(0o755)
            self.build(p, env=env).expect(app="MNP").prints(value)


class Outputs(Case):

    ALL = {"Cargo.toml": package("app", extra='[lib]\ncrate-type = ["cdylib", "staticlib", "rlib"]\n'),
           "src/lib.rs": '#[no_mangle] pub extern "C" fn one() -> i32 { 1 }', "src/main.rs": 'fn main() { println!("{}", app::one()) }'}

    def test_51_three_crate_types_at_once(self):
        p = self.project(self.ALL)
        self.build(p).prints("1")
        first = {n: (p.path(TARGET) / "debug" / n).stat().st_mode & 0o777 for n in ("libapp.so", "libapp.a", "libapp.rlib")}
        bytes_before = p.artifacts()
        self.build(p).expect(app="H").prints("1")
        modes = {n: (p.path(TARGET) / "debug" / n).stat().st_mode & 0o777 for n in first}
        self.assertEqual(modes["libapp.so"] & 0o111, 0o111)
        self.assertEqual(modes["libapp.a"] & 0o111, first["libapp.a"] & 0o111)
        self.assert_same_artifacts(p.artifacts(), bytes_before)
        p.write("c.c", '#include <stdio.h>\nint one(void); int main(void) { printf("%d\\n", one()); }')
        library = p.path(TARGET) / "debug/libapp.so"
        subprocess.run(["cc", "-o", "c", "c.c", library, f"-Wl,-rpath,{library.parent}"], cwd=p.root, check=True)
        self.assertEqual(run(["./c"], p.root, clean_environment()).stdout, "1\n")

    def test_52_results_changed_in_place_do_not_reach_the_store(self):
        p = self.project(self.ALL)
        self.build(p)
        good = p.artifacts()
        self.build(p).expect(app="H")
        subprocess.run(["strip", p.path(TARGET) / "debug/app"], check=True)
        for name in ("libapp.a", "libapp.rlib", "libapp.so"):
            victim = p.path(TARGET) / "debug" / name
            victim.chmod(0o644)
            with open(victim, "r+b") as file:
                file.seek(100)
                file.write(b"XXXXXXXXXXXX")
        q = p.copy("b")
        self.build(q).prints("1")
        self.assert_same_artifacts(q.artifacts(), good)

    def test_52b_in_place_change_of_the_first_build(self):
        """The build that missed leaves files too, and they may share their inode with the store."""
        p = self.project(self.ALL)
        self.build(p)
        good = p.artifacts()
        for file in [f for f in p.path(TARGET).rglob("*") if f.is_file() and f.suffix in (".rlib", ".rmeta", ".so", ".a", "")]:
            times = file.stat()
            file.chmod(0o644)
            with open(file, "r+b") as stream:
                stream.write(b"XXXX")
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        q = p.copy("b")
        self.build(q).prints("1")
        self.assert_same_artifacts(q.artifacts(), good)

    def test_53_build_script_keeps_its_mode(self):
        p = self.project({"src/main.rs": 'fn main() { println!("{}", env!("V")) }', "build.rs": 'fn main() { println!("cargo:rustc-env=V=1"); }'})
        self.build(p).prints("1")
        self.build(p).expect(build_script_build="H").prints("1")

    def test_54_libc_is_an_input_of_what_links(self):
        """In a mount namespace of its own, libc.so.6 is another file."""
        require("bwrap")
        libc = next((x for x in ("/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6") if os.path.exists(x)), None)
        if not libc or run(["bwrap", "--dev-bind", "/", "/", "true"], "/", clean_environment()).status != 0:
            self.skipTest("no name spaces here")
        p = self.project({"src/main.rs": 'fn main() { println!("1") }'})
        copy = p.path("libc")
        shutil.copy(os.path.realpath(libc), copy)
        with open(copy, "ab") as file:
            file.write(b"another")
        smelt = self.own_smelt()
        self.build(p, smelt=smelt).expect(app="M")
        self.build(p, smelt=smelt).expect(app="H")
        smelt.stop()
        smelt.mark()
        p.empty_target()
        environment = clean_environment() | smelt.environment() | {"CARGO_TARGET_DIR": str(p.path(TARGET))}
        inside = ["bwrap", "--dev-bind", "/", "/", "--bind", str(copy), os.path.realpath(libc), "--chdir", str(p.root)]
        script = "cargo build --offline && " + (f"{smelt.program} stop" if smelt.program else "true")
        ran = run([*inside, "sh", "-c", script], p.root, environment)
        self.assertEqual(ran.status, 0, ran)
        if not PLAIN:
            self.assertNotIn("hit", [u["outcome"] for u in smelt.units() if u["crate"] == "app"])

    def test_56_lto(self):
        p = self.project({"Cargo.toml": workspace("app", "leaf", extra='[profile.release]\nlto = "fat"\n'),
                          "leaf/Cargo.toml": package("leaf"), "leaf/src/lib.rs": "pub fn v() -> u8 { 1 }",
                          "app/Cargo.toml": package("app", 'leaf = { path = "../leaf" }'),
                          "app/src/main.rs": 'fn main() { println!("{}", leaf::v()) }'})
        self.build(p, "build", "--release").expect(app="M")
        self.build(p, "build", "--release").expect_all("H").prints("1")
        p.write("Cargo.toml", workspace("app", "leaf", extra='[profile.release]\nlto = "thin"\n'))
        self.build(p, "build", "--release").expect(app="M").prints("1")
        p.replace("leaf/src/lib.rs", "{ 1 }", "{ 2 }")
        self.build(p, "build", "--release").expect(app="M").prints("2")

    def test_56b_strip_and_split_debug_information(self):
        p = self.project({"src/main.rs": 'fn main() { println!("1") }'})
        self.build(p).expect(app="M")
        for profile in ('strip = "symbols"', 'strip = "debuginfo"', 'split-debuginfo = "packed"', 'split-debuginfo = "unpacked"',
                        "debug = 0", 'debug = "line-tables-only"'):
            p.write("Cargo.toml", package("app", extra=f"[profile.dev]\n{profile}\n"))
            self.build(p).expect(app="MP").prints("1")
            self.build(p).expect(app="HP").prints("1")
            wanted = "*.dwo" if "unpacked" in profile else "*.dwp" if "packed" in profile else "*.none"
            kinds = [{f.suffix for f in p.path(t).rglob(wanted)} for t in (TARGET, REFERENCE)]
            self.assertEqual(*kinds, profile)

    def test_d_rust_dylib(self):
        p = self.project({"Cargo.toml": workspace("app", "leaf"),
                          "leaf/Cargo.toml": package("leaf", extra='[lib]\ncrate-type = ["dylib"]\n'), "leaf/src/lib.rs": "pub fn v() -> u8 { 1 }",
                          "app/Cargo.toml": package("app", 'leaf = { path = "../leaf" }'),
                          "app/src/main.rs": 'fn main() { println!("{}", leaf::v()) }'})
        env = {"RUSTFLAGS": "-Cprefer-dynamic"}
        self.build(p, env=env, programs=False)
        self.build(p, env=env, programs=False).expect(leaf="HP")
        p.replace("leaf/src/lib.rs", "{ 1 }", "{ 2 }")
        self.build(p, env=env, programs=False).expect(leaf="MP")
        self.build(p, "run", env=env, programs=False)


if __name__ == "__main__":
    unittest.main()

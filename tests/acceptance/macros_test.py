"""Table b2: environment, build scripts, and what proc macros read without saying so."""

import os
import subprocess
import threading
import unittest

from harness import Case, package, require, run, wait_until, clean_environment, with_macro, workspace

PRINT_V = 'fn main() { println!("{}", env!("V")) }'
READ_INPUT = 'std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../in.txt")).unwrap_or("absent".into())'


class Environment(Case):

    def test_26_rustc_env_of_a_build_script(self):
        p = self.project({"src/main.rs": PRINT_V, "build.rs": 'fn main() { println!("cargo:rustc-env=V=1"); }'})
        self.build(p).expect(app="M").prints("1")
        p.replace("build.rs", "V=1", "V=2")
        self.build(p).expect(app="M").prints("2")
        p.replace("build.rs", "V=2", "V=1")
        self.build(p).expect(app="H", build_script_build="H").prints("1")

    def test_27_option_env_unset_is_a_value(self):
        p = self.project({"src/main.rs": 'fn main() { println!("{:?}", option_env!("V")) }'})
        self.build(p).expect(app="M").prints("None")
        self.build(p, env={"V": "1"}).expect(app="M").prints('Some("1")')
        self.build(p, env={"V": ""}).expect(app="M").prints('Some("")')
        self.build(p).expect(app="H").prints("None")
        self.build(p, env={"V": "1"}).expect(app="H").prints('Some("1")')

    def test_28_description_read_by_a_macro(self):
        p = self.project(with_macro('std::env::var("CARGO_PKG_DESCRIPTION").unwrap()'))
        p.write("app/Cargo.toml", package("app", 'pm = { path = "../pm" }').replace("edition", 'description = "one"\nedition'))
        self.build(p).expect(app="M").prints("one")
        p.replace("app/Cargo.toml", '"one"', '"two"')
        self.build(p).expect(app="M", pm="H").prints("two")

    def test_29_variable_read_by_a_macro(self):
        p = self.project(with_macro('std::env::var("PM").unwrap_or("unset".into())'))
        self.build(p).expect(app="M").prints("unset")
        self.build(p, env={"PM": "1"}).expect(app="M", pm="H").prints("1")
        self.build(p, env={"PM": "2"}).expect(app="M").prints("2")
        self.build(p, env={"PM": "1", "UNRELATED": "x"}).expect(app="H").prints("1")

    def test_30_macro_that_iterates_over_all_variables(self):
        p = self.project(with_macro('let mut v: Vec<_> = std::env::vars().filter(|(k, _)| k.starts_with("PM"))'
                                    '.map(|(k, v)| format!("{k}={v}")).collect(); v.sort(); v.join(",")'))
        self.build(p, env={"PM_A": "1"}).expect(app="MN").prints("PM_A=1")
        self.build(p, env={"PM_A": "2"}).expect(app="MN").prints("PM_A=2")
        self.build(p, env={"PM_A": "2", "PM_B": "3"}).expect(app="MN").prints("PM_A=2,PM_B=3")

    def test_31_file_read_by_a_macro(self):
        p = self.project(with_macro(READ_INPUT) | {"in.txt": "1"})
        self.build(p).expect(app="M").prints("1")
        self.build(p).expect(app="H").prints("1")
        p.write("in.txt", "2")
        self.build(p).expect(app="M", pm="H").prints("2")

    def test_32_absent_file_that_appears(self):
        p = self.project(with_macro(READ_INPUT))
        self.build(p).expect(app="M").prints("absent")
        self.build(p).expect(app="H").prints("absent")
        p.write("in.txt", "1")
        self.build(p).expect(app="M", pm="H").prints("1")
        p.remove("in.txt")
        self.build(p).expect(app="H").prints("absent")

    def test_33_directory_listed_by_a_macro(self):
        p = self.project(with_macro(
            'let mut v: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../t")).unwrap()'
            '.map(|e| e.unwrap().file_name().into_string().unwrap()).collect(); v.sort(); v.join(",")') | {"t/a": ""})
        self.build(p).expect(app="M").prints("a")
        self.build(p).expect(app="H").prints("a")
        p.write("t/b", "")
        self.build(p).expect(app="M", pm="H").prints("a,b")
        p.remove("t/b")
        self.build(p).expect(app="H").prints("a")

    def test_33b_tree_embedded_by_a_macro(self):
        p = self.project(with_macro(
            'fn walk(d: &std::path::Path, out: &mut Vec<String>) { for e in std::fs::read_dir(d).unwrap() {'
            ' let p = e.unwrap().path(); if p.is_dir() { walk(&p, out) } else {'
            ' out.push(std::fs::read_to_string(&p).unwrap()) } } }'
            'let mut v = vec![]; walk(concat!(env!("CARGO_MANIFEST_DIR"), "/../t").as_ref(), &mut v); v.sort(); v.join(",")')
            | {"t/a": "1", "t/d/b": "2"})
        self.build(p).expect(app="M").prints("1,2")
        p.write("t/d/e/c", "3")
        self.build(p).expect(app="M").prints("1,2,3")
        p.write("t/d/e/c", "4")
        self.build(p).expect(app="M").prints("1,2,4")

    def test_34_json_cache_read_through_the_manifest_directory(self):
        p = self.project(with_macro(
            'let d = std::env::var("CARGO_MANIFEST_DIR").unwrap();'
            'std::fs::read_to_string(format!("{d}/.sqlx/q.json")).unwrap()') | {"app/.sqlx/q.json": "1"})
        self.build(p).expect(app="M").prints("1")
        p.write("app/.sqlx/q.json", "2")
        self.build(p).expect(app="M").prints("2")

    def test_35_macro_that_asks_git(self):
        require("git")
        p = self.project(with_macro(
            'let o = std::process::Command::new("git").args(["-C", concat!(env!("CARGO_MANIFEST_DIR"), "/.."),'
            ' "rev-parse", "HEAD"]).output().unwrap(); String::from_utf8(o.stdout).unwrap().trim().into()'))
        git = ["git", "-C", p.root, "-c", "user.name=n", "-c", "user.email=e"]
        subprocess.run([*git, "init", "-q"], check=True)
        for message in ("one", "two"):
            subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", message], check=True)
            head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
            self.build(p).expect(app="MNP").prints(head)

    def test_36_random_macro_keeps_one_graph_consistent(self):
        files = with_macro('format!("{:?}", std::collections::hash_map::RandomState::new())'
                           '; use std::hash::*; std::collections::hash_map::RandomState::new().build_hasher().finish().to_string()')
        files |= {"Cargo.toml": workspace("app", "mid", "pm"),
                  "mid/Cargo.toml": package("mid", 'pm = { path = "../pm" }'),
                  "mid/src/lib.rs": "pub const N: &str = pm::value!(); pub fn n() -> &'static str { N }",
                  "app/Cargo.toml": package("app", 'mid = { path = "../mid" }'),
                  "app/src/main.rs": 'fn main() { assert_eq!(mid::N, mid::n()); println!("consistent") }'}
        p = self.project(files)
        for _ in range(3):
            self.build(p).prints("consistent")

    def test_37_dependency_of_a_macro_changes(self):
        p = self.project(with_macro("dep::text()") | {
            "Cargo.toml": workspace("app", "pm", "dep"),
            "pm/Cargo.toml": package("pm", 'dep = { path = "../dep" }', proc_macro=True),
            "dep/Cargo.toml": package("dep"), "dep/src/lib.rs": 'pub fn text() -> String { "1".into() }'})
        self.build(p).expect(app="M").prints("1")
        p.replace("dep/src/lib.rs", '"1"', '"2"')
        self.build(p).expect(dep="M", pm="M", app="M").prints("2")

    def test_38_unset_by_the_environment_set_by_cargo_config(self):
        p = self.project({"src/main.rs": 'fn main() { println!("{:?}", option_env!("V")) }'})
        self.build(p).expect(app="M").prints("None")
        p.write(".cargo/config.toml", '[env]\nV = "1"\n')
        self.build(p).expect(app="M").prints('Some("1")')

    def test_39_probe_of_a_build_script_under_bootstrap(self):
        build_rs = """use std::{env, process::Command};
            fn main() {
                let out = env::var("OUT_DIR").unwrap();
                let wrapper = env::var_os("RUSTC_WRAPPER").filter(|w| !w.is_empty());
                let rustc = env::var_os("RUSTC").unwrap();
                let mut c = match &wrapper { Some(w) => { let mut c = Command::new(w); c.arg(&rustc); c } None => Command::new(&rustc) };
                let ok = c.args(["--crate-name=probe", "--edition=2021", "--crate-type=lib", "--emit=dep-info,metadata",
                    "--out-dir", &out, "src/probe.rs"]).stderr(std::process::Stdio::null()).status().unwrap().success();
                println!("cargo:rustc-env=V={ok}");
                println!("cargo:rerun-if-env-changed=RUSTC_BOOTSTRAP");
            }"""
        p = self.project({"src/main.rs": PRINT_V, "build.rs": build_rs,
                          "src/probe.rs": "#![feature(never_type)] pub fn f(x: u8) -> u8 { x }"})
        for _ in range(2):
            self.build(p).prints("false")
            self.build(p, env={"RUSTC_BOOTSTRAP": "1"}).prints("true")

    def test_40_documentation_and_its_tests(self):
        p = self.project({"src/lib.rs": "/// ```\n/// assert_eq!(app::f(), 1);\n/// ```\npub fn f() -> u8 { 1 }"})
        self.build(p, "doc", "--no-deps")
        self.build(p, "test", "--doc")
        p.replace("src/lib.rs", "{ 1 }", "{ 2 }")
        self.build(p, "test", "--doc").fails()


class OutDir(Case):

    GENERATE = 'fn main() {{ let d = std::env::var("OUT_DIR").unwrap(); std::fs::write(d + "/gen.rs", "{}").unwrap(); }}'

    def test_a_length_of_out_dir(self):
        p = self.project({"src/main.rs": 'fn main() { println!("{}", env!("OUT_DIR").len()) }', "build.rs": "fn main() {}"})
        first = self.build(p).expect(app="M").output
        q = p.copy("a-deeper-place")
        self.assertNotEqual(self.build(q).expect(app="MN").output, first)
        self.build(p).expect(app="H")

    def test_b_out_dir_through_a_macro_rules_macro(self):
        p = self.project({
            "Cargo.toml": workspace("app", "dep"),
            "dep/Cargo.toml": package("dep"), "dep/build.rs": "fn main() {}",
            "dep/src/lib.rs": '#[macro_export] macro_rules! out { () => { env!("OUT_DIR").len() } } pub const D: &str = env!("OUT_DIR");',
            "app/Cargo.toml": package("app", 'dep = { path = "../dep" }'), "app/build.rs": "fn main() {}",
            "app/src/main.rs": 'fn main() { println!("{} {}", dep::out!(), dep::D.len()) }'})
        self.build(p).expect(app="M", dep="M")
        q = p.copy("another-place")
        self.build(q).expect(app="MN", dep="MN")

    def test_c_generated_source_is_read(self):
        p = self.project({"src/main.rs": 'include!(concat!(env!("OUT_DIR"), "/gen.rs")); fn main() { println!("{}", V) }',
                          "build.rs": self.GENERATE.format("pub const V: u8 = 1;")})
        self.build(p).expect(app="M").prints("1")
        self.build(p).expect(app="H").prints("1")
        p.write("build.rs", self.GENERATE.format("pub const V: u8 = 2;"))
        self.build(p).expect(app="M").prints("2")

    def test_d_generated_file_is_printed_by_path(self):
        p = self.project({"src/main.rs": 'fn main() { println!("{}", std::fs::read_to_string(concat!(env!("OUT_DIR"), "/gen.rs")).unwrap()) }',
                          "build.rs": self.GENERATE.format("one")})
        self.build(p).prints("one")
        p.write("build.rs", self.GENERATE.format("two"))
        self.build(p).prints("two")

    def test_e_rustc_env_that_holds_out_dir(self):
        p = self.project({"src/main.rs": 'include!(env!("GEN")); fn main() { println!("{} {}", V, env!("GEN").len()) }',
                          "build.rs": 'fn main() { let g = std::env::var("OUT_DIR").unwrap() + "/g.rs";'
                                      'std::fs::write(&g, "const V: u8 = 1;").unwrap(); println!("cargo:rustc-env=GEN={g}"); }'})
        first = self.build(p).output
        q = p.copy("quite-another-place")
        self.assertNotEqual(self.build(q).output, first)
        p.replace("build.rs", "V: u8 = 1", "V: u8 = 2")
        self.build(p).expect(app="M")

    def test_f_file_above_the_manifest_directory(self):
        p = self.project({"Cargo.toml": workspace("app"), "app/Cargo.toml": package("app"), "x": "1",
                          "app/src/main.rs": 'fn main() { println!("{}", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../x"))) }'})
        self.build(p).expect(app="M").prints("1")
        p.write("x", "2")
        self.build(p).expect(app="M").prints("2")
        p.write("x", "1")
        self.build(p).expect(app="H").prints("1")

    def test_g_macro_reads_out_dir(self):
        p = self.project(with_macro('let d = std::env::var("OUT_DIR").unwrap(); std::fs::read_to_string(d + "/gen.rs").unwrap()')
                         | {"app/build.rs": self.GENERATE.format("one")})
        self.build(p).expect(app="M").prints("one")
        p.write("app/build.rs", self.GENERATE.format("two"))
        self.build(p).expect(app="M").prints("two")


class Macros(Case):

    def test_a_symbolic_link_is_retargeted(self):
        p = self.project(with_macro(READ_INPUT) | {"one.txt": "1", "two.txt": "2"})
        p.path("in.txt").symlink_to("one.txt")
        self.build(p).expect(app="M").prints("1")
        p.remove("in.txt")
        p.path("in.txt").symlink_to("two.txt")
        self.build(p).expect(app="MN").prints("2")

    def test_b_symbolic_link_of_a_directory_is_retargeted(self):
        p = self.project(with_macro(READ_INPUT.replace("/in.txt", "/current/in.txt")) | {"v1/in.txt": "1", "v2/in.txt": "2"})
        p.path("current").symlink_to("v1")
        self.build(p).expect(app="M").prints("1")
        p.remove("current") if not p.path("current").is_symlink() else p.path("current").unlink()
        p.path("current").symlink_to("v2")
        self.build(p).expect(app="MN").prints("2")

    def test_c_existence_is_probed(self):
        p = self.project(with_macro('std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../flag")).exists().to_string()'))
        self.build(p).expect(app="M").prints("false")
        p.write("flag", "")
        self.build(p).expect(app="M").prints("true")
        p.remove("flag")
        self.build(p).expect(app="H").prints("false")

    def test_d_size_is_read_but_not_content(self):
        p = self.project(with_macro('std::fs::metadata(concat!(env!("CARGO_MANIFEST_DIR"), "/../f")).unwrap().len().to_string()')
                         | {"f": "1"})
        self.build(p).prints("1")
        p.write("f", "22")
        self.build(p).expect(app="MN").prints("2")

    def test_e_mode_is_read(self):
        p = self.project(with_macro('use std::os::unix::fs::PermissionsExt; (std::fs::metadata('
                                    'concat!(env!("CARGO_MANIFEST_DIR"), "/../f")).unwrap().permissions().mode() & 0o111).to_string()')
                         | {"f": "1"})
        self.build(p).prints("0")
        p.path("f").chmod(0o755)
        self.build(p).expect(app="MN").prints("73")

    def test_f_program_reads_the_file(self):
        p = self.project(with_macro('let o = std::process::Command::new("cat").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../in.txt"))'
                                    '.output().unwrap(); String::from_utf8(o.stdout).unwrap()') | {"in.txt": "1"})
        self.build(p).expect(app="MN").prints("1")
        p.write("in.txt", "2")
        self.build(p).expect(app="MN").prints("2")

    def test_g_script_of_the_project_is_run_and_edited(self):
        p = self.project(with_macro('let o = std::process::Command::new("sh").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../s.sh"))'
                                    '.output().unwrap(); String::from_utf8(o.stdout).unwrap()') | {"s.sh": "printf 1"})
        self.build(p).expect(app="MN").prints("1")
        p.write("s.sh", "printf 2")
        self.build(p).expect(app="MN").prints("2")

    def test_h_static_program_is_untraced(self):
        require("cc")
        p = self.project({"cat.c": '#include <stdio.h>\nint main(int n, char** v) { FILE* f = fopen(v[1], "r"); int c;'
                                   ' while ((c = getc(f)) != EOF) putchar(c); return 0; }', "in.txt": "1"})
        if run(["cc", "-static", "-o", "cat", "cat.c"], p.root, clean_environment()).status != 0:
            self.skipTest("no static libc")
        p.write_all(with_macro('let r = concat!(env!("CARGO_MANIFEST_DIR"), "/.."); let o = std::process::Command::new('
                               'format!("{r}/cat")).arg(format!("{r}/in.txt")).output().unwrap();'
                               'String::from_utf8(o.stdout).unwrap()'))
        self.build(p).expect(app="NP").prints("1")
        p.write("in.txt", "2")
        self.build(p).expect(app="NP").prints("2")

    def test_i_variable_read_behind_the_c_library(self):
        p = self.project(with_macro('let all = std::fs::read("/proc/self/environ").unwrap();'
                                    'all.split(|b| *b == 0).find_map(|v| v.strip_prefix(b"PM="))'
                                    '.map(|v| String::from_utf8_lossy(v).into_owned()).unwrap_or("unset".into())'))
        self.build(p, env={"PM": "1"}).expect(app="MN").prints("1")
        self.build(p, env={"PM": "2"}).expect(app="MN").prints("2")

    def test_j_clock(self):
        p = self.project(with_macro('std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos().to_string()'))
        self.build(p, same=False, programs=False)
        self.assertEqual(self.build(p, same=False).status, 0)

    def test_k_network(self):
        server, seen = self.serve_numbers()
        p = self.project(with_macro('use std::io::Read; let mut s = String::new(); std::net::TcpStream::connect('
                                    f'("127.0.0.1", {server.getsockname()[1]})).unwrap().read_to_string(&mut s).unwrap(); s'))
        for number in ("1", "2"):
            seen["reply"] = number
            self.build(p).expect(app="NP").prints(number)

    def serve_numbers(self):
        import socket
        server, state = socket.create_server(("127.0.0.1", 0)), {"reply": ""}

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.sendall(state["reply"].encode())
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(lambda: (server.shutdown(socket.SHUT_RDWR), server.close(), thread.join(5)))
        return server, state

    def test_l_file_changes_while_the_compiler_runs(self):
        """The macro reads in.txt, tells the test, and waits: the file is edited behind its back."""
        p = self.project(with_macro(
            'let r = concat!(env!("CARGO_MANIFEST_DIR"), "/.."); let v = std::fs::read_to_string(format!("{r}/in.txt")).unwrap();'
            'if std::env::var_os("PM_GATE").is_some() { std::fs::write(format!("{r}/started"), "").unwrap();'
            'std::fs::read(format!("{r}/gate")).unwrap(); } v') | {"in.txt": "1"})
        os.mkfifo(p.path("gate"))
        results = []
        build = threading.Thread(target=lambda: results.append(
            self.build(p, env={"PM_GATE": "1"}, same=False, programs=False)))
        build.start()
        wait_until(p.path("started").exists, 60, "the macro to start")
        p.write("in.txt", "2")
        p.path("gate").write_text("go")
        build.join()
        results[0].expect(app="NP")
        self.build(p, env={"PM_GATE": None}).prints("2")
        p.write("in.txt", "1")
        self.build(p, env={"PM_GATE": None}).prints("1")

    def test_m_source_changes_while_the_compiler_runs(self):
        p = self.project(with_macro(
            'let r = concat!(env!("CARGO_MANIFEST_DIR"), "/.."); if std::env::var_os("PM_GATE").is_some() {'
            'std::fs::write(format!("{r}/started"), "").unwrap(); std::fs::read(format!("{r}/gate")).unwrap(); }'
            '"x".into()', main='mod m; fn main() { println!("{} {}", m::V, pm::value!()) }') | {"app/src/m.rs": "pub const V: u8 = 1;"})
        os.mkfifo(p.path("gate"))
        build = threading.Thread(target=lambda: self.build(p, env={"PM_GATE": "1"}, same=False, programs=False))
        build.start()
        wait_until(p.path("started").exists, 60, "the macro to start")
        p.replace("app/src/m.rs", "= 1", "= 2")
        p.path("gate").write_text("go")
        build.join()
        self.build(p).prints("2 x")
        p.replace("app/src/m.rs", "= 2", "= 1")
        self.build(p).prints("1 x")

    def test_n_macro_writes_a_file(self):
        """A file that a macro leaves behind is part of what the build does: it must be there after a hit too."""
        p = self.project(with_macro('std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../made.txt"), "made").unwrap(); "x".into()'))
        self.build(p, same=False).prints("x")
        p.remove("made.txt")
        self.build(p, same=False).prints("x")
        self.assertTrue(p.path("made.txt").exists(), "the macro's file is missing after the second build")

    def test_o_macro_that_fails_depending_on_a_file(self):
        p = self.project(with_macro('let ok = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../ok")).exists();'
                                    'if !ok { panic!("no ok file") } "x".into()'))
        self.build(p).fails("no ok file")
        p.write("ok", "")
        self.build(p).expect(app="M").prints("x")
        p.remove("ok")
        self.build(p).fails("no ok file")

    def test_p_derive_with_attributes_and_two_users(self):
        p = self.project(with_macro('std::env::var("CARGO_PKG_NAME").unwrap()') | {
            "Cargo.toml": workspace("app", "pm", "two"), "two/Cargo.toml": package("two", 'pm = { path = "../pm" }'),
            "two/src/lib.rs": "pub const N: &str = pm::value!();",
            "app/Cargo.toml": package("app", 'pm = { path = "../pm" }\ntwo = { path = "../two" }'),
            "app/src/main.rs": 'fn main() { println!("{} {}", pm::value!(), two::N) }'})
        self.build(p).prints("app two")
        self.build(p).expect(app="H", two="H", pm="H").prints("app two")


if __name__ == "__main__":
    unittest.main()

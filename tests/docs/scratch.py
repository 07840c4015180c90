"""A place in which commands of the documents run: a cargo project, a home, and a cache of their own."""

import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

import harness

MAIN = """fn main() {
    if std::env::args().len() > 1 {
        panic!("as you asked");
    }
    println!("{}", greeting());
}

fn greeting() -> &'static str {
    "hello"
}

#[test]
fn greets() {
    assert_eq!(greeting(), "hello");
}
"""


class Scratch:
    """Use in a with statement. `project` is a package named app; `environment` is what commands get."""

    def __init__(self):
        # Short: a socket's path may not be long.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="sd-", dir="/tmp"))
        self.home = self.root / "home"
        self.project = self.root / "app"
        self.programs = self.root / "bin"
        self.smelt = harness.smelt_programs(self.programs)
        self.environment = harness.clean_environment()
        rustup = self.environment.get("RUSTUP_HOME", os.path.expanduser("~/.rustup"))
        self.environment.update(
            HOME=str(self.home),
            CARGO_HOME=str(self.home / ".cargo"),
            RUSTUP_HOME=rustup,
            CARGO_NET_OFFLINE="true",
            SMELT_DIR=str(self.root / "cache"),
            PATH="%s:%s" % (self.programs, self.environment["PATH"]),
        )
        (self.home / ".cargo").mkdir(parents=True)
        self.write("Cargo.toml", '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n')
        self.write("Cargo.lock", 'version = 3\n\n[[package]]\nname = "app"\nversion = "0.1.0"\n')
        self.write("src/main.rs", MAIN)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for directory in (self.root / "cache", self.project / ".smelt"):
            if (directory / "smeltd.sock").exists():
                self.run([str(self.smelt), "stop"], SMELT_DIR=str(directory))
        shutil.rmtree(self.root, ignore_errors=True)

    def write(self, name, text):
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, command, **variables):
        """Runs it in the project to its end; stdout and stderr come together in `stdout`."""
        return subprocess.run(
            command,
            cwd=self.project,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=harness.TIMEOUT,
            check=False,
        )

    def shell(self, script):
        return self.run(["bash", "-eu", "-o", "pipefail", "-c", script])

    def compile_requests(self):
        """How many compiles the daemon of this place has been asked for."""
        asked = self.shell("smelt stats --json | grep compile_requests | tr -dc 0-9")
        assert asked.returncode == 0, asked.stdout
        return int(asked.stdout)


def words_of(line):
    """A command's words, without a comment."""
    return shlex.split(line, comments=True)

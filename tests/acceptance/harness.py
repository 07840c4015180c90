"""What every acceptance case is written with: a small cargo project, smelt with a store of its own, and plain cargo.

A case is a method of a Case:

    class Keying(Case):
        def test_05_include_str(self):
            p = self.project({"src/main.rs": 'fn main() { print!("{}", include_str!("d.txt")) }', "src/d.txt": "1"})
            self.build(p).expect(app="M")
            p.write("src/d.txt", "2")
            self.build(p).expect(app="M")
            self.build(p).expect(app="H")

`build` empties the target directory, builds the tree with smelt, builds the same tree with plain cargo into a
directory whose path is as long, and fails the case unless exit status, diagnostics and the output of every program
that was built are the same. `expect` asserts what became of each crate, by the daemon's own log.

Environment: SMELT_BIN is the directory with smelt, smeltd and libsmelt_observer.so (default: bazel-bin of this
checkout). SMELT_ACCEPTANCE_PLAIN=1 puts plain cargo in smelt's place: that proves that the cases' own set-up works;
`expect` then asserts nothing. SMELT_ACCEPTANCE_KEEP=1 leaves the directories of failed cases behind.
"""

import concurrent.futures
import difflib
import hashlib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PLAIN = os.environ.get("SMELT_ACCEPTANCE_PLAIN") == "1"
KEEP = os.environ.get("SMELT_ACCEPTANCE_KEEP") == "1"
TIMEOUT = 180  # seconds for any one command: a hang is a failure, not a wait
TARGET, REFERENCE = "target", "tplain"  # as long as each other: OUT_DIR's length can be observed

# One letter an outcome: hit, miss (compiled and stored), incremental (compiled with private state because somebody is
# editing, so not stored), not stored (for any other reason), plain (refused: run as if smelt were not there).
LETTERS = {"hit": "H", "miss": "M", "not_stored": "N", "refused": "P", "plain": "P"}
PRIVATE_REASONS = ("incremental", "private_inputs")

_PROGRAMS = ("smelt", "smeltd", "libsmelt_observer.so")
_STATUS_LINE = re.compile(
    r"^(?:\x1b\[[0-9;]*m|\s)*(Compiling|Checking|Finished|Running|Blocking|Fresh|Dirty|Documenting|Generated|Locking|Adding|Updating"
    r"|Doc-tests|Executable|Building|Removed|Scraping)(?:\x1b\[[0-9;]*m)* ")
_HASHED = re.compile(r"-[0-9a-f]{16}$")
_FINDING = re.compile(r"^.*(?:ERROR: AddressSanitizer|WARNING: ThreadSanitizer|: runtime error): .*", re.MULTILINE)


def smelt_programs(into: pathlib.Path) -> pathlib.Path:
    """Copies the three programs into one directory, where they find each other; returns the path of smelt there."""
    root = pathlib.Path(__file__).resolve().parents[2]
    places = [pathlib.Path(p) for p in os.environ.get("SMELT_BIN", "").split(":") if p]
    places = places or [root / "bazel-bin/src/cmd", root / "bazel-bin/src/observer"]
    into.mkdir(parents=True, exist_ok=True)
    for name in _PROGRAMS:
        found = next((p / name for p in places if (p / name).exists()), None)
        if found is None:
            raise unittest.SkipTest(f"{name} is in none of {[str(p) for p in places]}: build it, or set SMELT_BIN")
        shutil.copy(found, into / name)
    return into / "smelt"


def require(*programs: str):
    """Skips the case unless all of `programs` are on PATH."""
    missing = [p for p in programs if not shutil.which(p)]
    if missing:
        raise unittest.SkipTest(f"not installed: {', '.join(missing)}")


def clean_environment() -> dict:
    """The environment of every command: what a login shell has, nothing of Bazel's or of an outer cargo's."""
    keep = ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "USER", "LANG")
    environment = {k: os.environ[k] for k in keep if k in os.environ}
    # Bazel puts "." first; with a relative directory in PATH it is not known which linker a later build would find.
    environment["PATH"] = ":".join(p for p in environment["PATH"].split(":") if p.startswith("/"))
    environment["CARGO_TERM_COLOR"] = "never"
    return environment


def letter(unit: dict) -> str:
    """The letter of one line of the daemon's log of compiles."""
    private = unit["outcome"] == "not_stored" and unit["reason"] in PRIVATE_REASONS
    return "I" if private else LETTERS[unit["outcome"]]


class Ran:
    """A command that has ended: `status` (negative: killed by that signal), `stdout`, `stderr`."""

    def __init__(self, status, stdout, stderr):
        self.status, self.stdout, self.stderr = status, stdout, stderr

    def __repr__(self):
        return f"status {self.status}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def run(command, cwd, environment, timeout=TIMEOUT) -> Ran:
    """Runs a command to its end with stdin closed; the command's whole process group dies if it takes too long."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen([str(c) for c in command], cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=err, start_new_session=True)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status = "timeout"
        out.seek(0)
        err.seek(0)
        return Ran(status, out.read().decode(errors="backslashreplace"), err.read().decode(errors="backslashreplace"))


def wait_until(condition, seconds=20, what="condition"):
    """Waits for something another process does; fails loudly when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


def normalised(text: str, project) -> str:
    """Diagnostics in a form that does not depend on scheduling, timing or which of the two target directories."""
    text = text.replace(f"/{REFERENCE}/", f"/{TARGET}/")
    text = re.sub(r"`\S*/smelt (\S*/)?(rustc|clippy-driver) ", r"`\1\2 ", text)
    text = re.sub(r"finished in [0-9.]+s", "finished in 0s", text)
    text = re.sub(r"(-[0-9a-f]{16})\.[\w.-]*\.rcgu\.o", r"\1.o", text)  # named at random
    text = re.sub(r"/rustc\w{6}/", "/rustc/", text)
    text = re.sub(r"<\d+ object files omitted>", "<object files omitted>", text)
    text = re.sub(r"\((\d+)\) panicked at", "(1) panicked at", text)
    text = text.replace("warning: build failed, waiting for other jobs to finish...\n", "")  # if any still run
    lines = [line for line in text.splitlines() if not _STATUS_LINE.match(line)]
    return "\n\n".join(sorted("\n".join(lines).strip().split("\n\n")))


class Project:
    """A cargo package or workspace in a directory of its own. Paths are relative to its root."""

    def __init__(self, root: pathlib.Path, token: str):
        self.root, self.token = root, token

    def path(self, name) -> pathlib.Path:
        return self.root / name

    def write(self, name, text):
        """Writes a file. Rust sources get a last line that names the case, so that no two cases share an entry."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
            return
        path.write_text(f"{text}\n// {self.token}\n" if path.suffix == ".rs" else text)

    def write_all(self, files: dict):
        for name, text in files.items():
            self.write(name, text)

    def replace(self, name, old, new):
        text = self.path(name).read_text()
        assert old in text, f"{name} does not hold {old!r}"
        self.path(name).write_text(text.replace(old, new))

    def swap(self, one, two):
        first, second = self.path(one).read_bytes(), self.path(two).read_bytes()
        self.path(one).write_bytes(second)
        self.path(two).write_bytes(first)

    def remove(self, name):
        path = self.path(name)
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def copy(self, name) -> "Project":
        """Another checkout of the same tree, without what was built, in a directory beside this one."""
        root = self.root.parent / name
        shutil.copytree(self.root, root, symlinks=True, ignore=shutil.ignore_patterns(TARGET, REFERENCE))
        return Project(root, self.token)

    def empty_target(self, target=TARGET):
        shutil.rmtree(self.path(target), ignore_errors=True)

    def programs(self, target=TARGET) -> dict:
        """Every program cargo left for the user: path below the target directory -> path."""
        found = {}
        for lock in sorted(self.path(target).rglob(".cargo-lock")):
            for place in (lock.parent, lock.parent / "examples"):
                for file in sorted(place.glob("*")):
                    if file.is_file() and os.access(file, os.X_OK) and file.suffix == "" and not _HASHED.search(file.name):
                        found[str(file.relative_to(self.path(target)))] = file
        return found

    def artifacts(self, target=TARGET) -> dict:
        """Digests of everything rustc made, but dependency files: path below the target directory -> SHA-256."""
        kinds = ("deps/*", "build/*/build_script*-*", "examples/*")
        found = {}
        for lock in sorted(self.path(target).rglob(".cargo-lock")):
            for kind in kinds:
                for file in sorted(lock.parent.glob(kind)):
                    if file.is_file() and file.suffix != ".d":
                        found[str(file.relative_to(self.path(target)))] = hashlib.sha256(file.read_bytes()).hexdigest()
        return found


def sanitizers_findings(base: pathlib.Path) -> list:
    """First lines of what sanitizers wrote in daemons' logs below `base`: a build goes on without its daemon."""
    logs = sorted(pathlib.Path(d, f) for d, _, files in os.walk(base) for f in files if f.startswith("smeltd.log"))
    return [line for log in logs for line in _FINDING.findall(log.read_text(errors="backslashreplace"))]


def assert_nothing_found(base: pathlib.Path):
    """To be called before anything with a daemon's log in it is removed or unmounted."""
    found = sanitizers_findings(base)
    assert not found, "sanitizers found in daemons:\n" + "\n".join(found)


class Smelt:
    """smelt with a cache directory and a daemon of its own."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.program = None if PLAIN else smelt_programs(directory / "bin")
        self.home = directory / "d"
        self._read = self._requests = 0
        self.daemon_environment = {}

    def environment(self) -> dict:
        """What a user sets to build with smelt."""
        if PLAIN:
            return {}
        return {"RUSTC_WRAPPER": str(self.program), "SMELT_DIR": str(self.home), "SMELT_COMPILE_LOG": "1"}

    def __call__(self, *arguments, env=None, cwd="/") -> Ran:
        return run([self.program, *arguments], cwd, clean_environment() | self.environment() | (env or {}))

    def start(self, **env):
        if not PLAIN:
            ran = self("start", env=env)
            assert ran.status == 0, f"smelt start: {ran}"

    def stop(self):
        if not PLAIN:
            self("stop")

    def stats(self) -> dict:
        ran = self("stats", "--json")
        assert ran.status == 0, f"smelt stats --json: {ran}"
        return json.loads(ran.stdout)

    def log(self) -> list:
        """Every compile the daemon has logged so far."""
        try:
            lines = (self.home / "compiles.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line]

    def _answered(self) -> int:
        stats = self.stats()
        return stats["compile_requests"] - stats["wrappers_lost"] - stats["questions"]

    def mark(self):
        """From here on `units` counts."""
        if not PLAIN:
            self._requests = self._answered()
        self._read = len(self.log())

    def units(self) -> list:
        """What was compiled since the last mark. A hit is logged just after the wrapper has been let go."""
        if not PLAIN:
            wait_until(lambda: len(self.log()) - self._read >= self._answered() - self._requests, 10,
                       "the daemon to log every compile")
        return self.log()[self._read:]


class Build:
    """One build with smelt that has been compared with plain cargo's."""

    def __init__(self, case, ran: Ran, units: list, programs: dict):
        self.case, self.status, self.stderr = case, ran.status, ran.stderr
        self.units, self.programs = units, programs

    @property
    def output(self) -> str:
        """What the only program of the build printed."""
        self.case.assertEqual(len(self.programs), 1, f"programs: {list(self.programs)}\n{self.stderr}")
        return next(iter(self.programs.values())).stdout

    def outcomes(self, crate: str) -> str:
        """Letters, one for each unit of the crate ("app", or "app:bin" for those of one type), in order."""
        name, _, kind = crate.partition(":")
        return "".join(letter(u) for u in self.units
                       if u["crate"] == name and (not kind or u["crate_type"] == kind))

    def expect(self, crates=None, **more) -> "Build":
        """Asserts outcomes by crate: expect(app="H"), expect({"app:bin": "M"}). "MN": either; "HM" and so on.

        Every unit of the crate must have one of the letters, and there must be at least one; "" means that there is
        none.
        """
        if not PLAIN:
            for crate, letters in ((crates or {}) | more).items():
                got = self.outcomes(crate)
                good = got == "" if letters == "" else got and set(got) <= set(letters)
                self.case.assertTrue(good, f"{crate}: expected {letters or 'nothing'}, got {got or 'nothing'}"
                                           f"\n{self.describe()}")
        return self

    def expect_all(self, letters: str) -> "Build":
        """Asserts that something was compiled and that every unit has one of `letters`."""
        if not PLAIN:
            got = {u["crate"]: letter(u) for u in self.units if u["crate"] not in ("", "___")}
            bad = {k: v for k, v in got.items() if v not in letters}
            self.case.assertTrue(got and not bad, f"expected all {letters}, got {got}\n{self.describe()}")
        return self

    def prints(self, text: str) -> "Build":
        self.case.assertEqual(self.output.strip(), text)
        return self

    def fails(self, with_text="") -> "Build":
        self.case.assertNotEqual(self.status, 0, "the build should have failed")
        self.case.assertIn(with_text, self.stderr)
        return self

    def describe(self):
        """What the daemon logged, and what cargo printed."""
        return "\n".join(json.dumps(u) for u in self.units) + "\n" + self.stderr


class Case(unittest.TestCase):
    """A table of cases: one cache directory and one daemon for the class, one directory for each case.

    With `incremental` cargo's default holds, and smelt keeps private state for units that are edited; without, every
    result is stored and keys can be told apart by hit and miss.
    """

    maxDiff = 4000
    incremental = False

    @classmethod
    def setUpClass(cls):
        require("cargo", "rustc", "cc")
        cls.base = pathlib.Path(tempfile.mkdtemp(prefix="smelt-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.base, ignore_errors=True)
        cls.addClassCleanup(assert_nothing_found, cls.base)
        cls.smelt = Smelt(cls.base / "s")
        cls.addClassCleanup(cls.smelt.stop)
        cls.smelt.start()

    def setUp(self):
        self.token = self.id().split(".")[-1]
        self.directory = self.base / re.sub(r"^test_(\w{1,24}).*", r"\1", self.token)
        self.directory.mkdir()
        self.addCleanup(self._clean)
        self.addCleanup(assert_nothing_found, self.directory)

    def _clean(self):
        if KEEP:
            print(f"{self.token}: {self.directory}", file=sys.stderr)
            self.__class__._class_cleanups = [c for c in self._class_cleanups if c[0] is not shutil.rmtree]
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def own_smelt(self, **env) -> Smelt:
        """A second smelt with an empty store, for this case only."""
        smelt = Smelt(pathlib.Path(tempfile.mkdtemp(prefix="s", dir=self.base)))
        self.addCleanup(smelt.stop)
        smelt.start(**env)
        return smelt

    def project(self, files: dict, name="a") -> Project:
        """A project with these files. Without a Cargo.toml of its own it is one package named app."""
        project = Project(self.directory / name, self.token)
        project.write_all({"Cargo.toml": package("app")} | files)
        return project

    def cargo(self, project, *arguments, env=None, target=TARGET, smelt=None, cwd=None, timeout=TIMEOUT) -> Ran:
        """cargo with smelt (target is TARGET) or plain (REFERENCE), offline. `smelt` is another than the class's."""
        environment = clean_environment() | {"CARGO_TARGET_DIR": str(project.path(target))}
        if PLAIN or not self.incremental:
            environment["CARGO_INCREMENTAL"] = "0"
        if target == TARGET:
            environment |= (smelt or self.smelt).environment()
        environment |= env or {}
        environment = {k: v for k, v in environment.items() if v is not None}
        return run(["cargo", *arguments], cwd or project.root, environment, timeout)

    def build(self, project, *arguments, env=None, fresh=True, same=True, programs=True, smelt=None, cwd=None) -> Build:
        """Builds with smelt and with plain cargo and compares, as the head of this file says.

        `arguments` are cargo's, "build" when there are none. `fresh=False` keeps the target directories, `same=False`
        leaves out the comparison (for results that differ from run to run), `programs=False` does not run programs.
        """
        command = [*(arguments or ("build",))]
        if "--offline" not in command:
            command.insert(1, "--offline")
        for target in (TARGET, REFERENCE) if fresh else ():
            project.empty_target(target)
        self._lock(project, cwd)
        smelt = smelt or self.smelt
        smelt.mark()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            plain = pool.submit(self.cargo, project, *command, env=env, target=REFERENCE, cwd=cwd) if same else None
            ran = self.cargo(project, *command, env=env, smelt=smelt, cwd=cwd)
            reference = plain.result() if same else None
        results = self._run_programs(project, TARGET) if programs and ran.status == 0 else {}
        build = Build(self, ran, smelt.units(), results)
        if same:
            try:
                self._compare(project, ran, reference, results, programs)
            except AssertionError as difference:
                raise AssertionError(f"{difference}\n--- with smelt\n{build.describe()}") from None
        return build

    def _lock(self, project, cwd):
        """Two cargos must not write Cargo.lock at once."""
        where = pathlib.Path(cwd or project.root)
        lock, manifests = where / "Cargo.lock", [m for m in where.rglob("Cargo.toml") if TARGET not in m.parts]
        if not lock.exists() or any(m.stat().st_mtime_ns > lock.stat().st_mtime_ns for m in manifests):
            run(["cargo", "generate-lockfile", "--offline"], where, clean_environment())
            lock.touch() if lock.exists() else None

    def _run_programs(self, project, target) -> dict:
        # A program under test prints the same whichever target directory it lies in.
        environment = clean_environment()
        return {name: run([path], project.root, environment) for name, path in project.programs(target).items()}

    def _compare(self, project, ran, reference, results, programs):
        self.assertEqual(ran.status, reference.status, f"exit status, cargo with smelt:\n{ran}\nplain:\n{reference}")
        self.assert_same_text(normalised(ran.stderr, project), normalised(reference.stderr, project), "diagnostics")
        self.assert_same_text(normalised(ran.stdout, project), normalised(reference.stdout, project), "cargo's stdout")
        if programs and ran.status == 0:
            self.assert_same_programs(project, results, self._run_programs(project, REFERENCE))

    def assert_same_text(self, got: str, expected: str, what: str):
        if got != expected:
            difference = difflib.unified_diff(expected.splitlines(), got.splitlines(), "plain", "with smelt", lineterm="", n=1)
            self.fail(f"{what}\n" + "\n".join(itertools.islice(difference, 40)))

    def assert_same_programs(self, project, got: dict, expected: dict):
        self.assertEqual(sorted(got), sorted(expected), "programs built")
        for name, ran in got.items():
            for stream in ("status", "stdout", "stderr"):
                one, other = (normalised(str(getattr(r, stream)), project) for r in (ran, expected[name]))
                self.assert_same_text(one, other, f"{stream} of {name}")

    def assert_same_artifacts(self, got: dict, expected: dict):
        """Two results of Project.artifacts are equal. Plain cargo's differ between checkouts: then nothing is asserted."""
        self.assertTrue(expected)
        if not PLAIN:
            self.assertEqual(sorted(got), sorted(expected))
            self.assertEqual([k for k in got if got[k] != expected[k]], [], "artifacts that differ")


def package(name, dependencies="", proc_macro=False, build_dependencies="", extra="", version="0.1.0") -> str:
    """A Cargo.toml. `dependencies` is the text of the table: one "name = { path = … }" a line."""
    text = f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n'
    if proc_macro:
        text += "[lib]\nproc-macro = true\n"
    if dependencies:
        text += f"[dependencies]\n{dependencies}\n"
    if build_dependencies:
        text += f"[build-dependencies]\n{build_dependencies}\n"
    return text + extra


def workspace(*members, extra="") -> str:
    """A Cargo.toml of a workspace without a package of its own."""
    return f"[workspace]\nresolver = '2'\nmembers = {list(members)!r}\n{extra}"


def with_macro(body: str, main='fn main() { println!("{}", pm::value!()) }', head="") -> dict:
    """Files of a workspace: `app` prints what the macro value!() of the proc-macro crate `pm` makes.

    `body` is Rust that ends in the expression for a String, which becomes a string literal in app.
    """
    return {
        "Cargo.toml": workspace("app", "pm"),
        "app/Cargo.toml": package("app", 'pm = { path = "../pm" }'),
        "app/src/main.rs": main,
        "pm/Cargo.toml": package("pm", proc_macro=True),
        "pm/src/lib.rs": "extern crate proc_macro; use proc_macro::*;\n" + head +
                         "fn text() -> String {\n" + body + "\n}\n"
                         "#[proc_macro] pub fn value(_: TokenStream) -> TokenStream {\n"
                         "    TokenTree::from(Literal::string(&text())).into()\n}\n",
    }

"""What every fault case is written with: one graph, its right result, and the two promises.

Whatever breaks: the build ends as plain cargo's would have (`assert_builds`), and nothing wrong is left behind: a later
build with a healthy daemon gives the right bytes (`assert_heals`).
"""

import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from harness import PLAIN, REFERENCE, TARGET, Case, Smelt, clean_environment, normalised, package, run, wait_until, workspace

# A library, a macro, a build script, and a program that uses all three. Of each size that the store treats in a way of
# its own: small files, large ones, and diagnostics of more than 64 kB.
GRAPH = {
    "Cargo.toml": workspace("app", "leaf", "pm"),
    "leaf/Cargo.toml": package("leaf"), "leaf/src/lib.rs": "pub static LARGE: [u8; 60000] = [7; 60000];\npub fn v() -> u8 { LARGE[1] - 6 }",
    "pm/Cargo.toml": package("pm", proc_macro=True),
    "pm/src/lib.rs": 'extern crate proc_macro; #[proc_macro] pub fn two(_: proc_macro::TokenStream) -> proc_macro::TokenStream '
                     '{ "2".parse().unwrap() }',
    "app/Cargo.toml": package("app", 'leaf = { path = "../leaf" }\npm = { path = "../pm" }'),
    "app/build.rs": 'fn main() { std::fs::write(std::env::var("OUT_DIR").unwrap() + "/gen.rs", "const G: u8 = 3;").unwrap(); }',
    "app/src/main.rs": 'include!(concat!(env!("OUT_DIR"), "/gen.rs"));\n'
                       'fn main() { let unused_name = 1; println!("{} {} {}", leaf::v(), pm::two!(), G) }\n'
                       + "\n".join(f"fn never_used_{n}() {{ let nor_this_{n} = {n}; }}" for n in range(60)),
}

# Macro body of a unit that waits for the test: it makes PM_GATE/started and reads the FIFO PM_GATE/gate.
WAIT_FOR_TEST = ('if let Ok(g) = std::env::var("PM_GATE") { std::fs::write(format!("{g}/started"), "").unwrap();'
                 ' std::fs::read(format!("{g}/gate")).unwrap(); } "x".into()')


class FaultCase(Case):
    """A Case without a daemon of the class: each fault has a smelt of its own."""

    incremental = True

    @classmethod
    def setUpClass(cls):
        if PLAIN:
            raise unittest.SkipTest("plain cargo has no daemon to break")
        super().setUpClass()
        # Daemons become our children when whoever started them ends, so that we are told how they died.
        PR_SET_CHILD_SUBREAPER = 36
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        cls.addClassCleanup(kill_children)

    def graph(self, name="a"):
        """GRAPH in a directory of its own. Every case has the same text, so that all share one right result."""
        project = self.project({}, name=name)
        project.token = "graph"
        project.write_all(GRAPH)
        return project

    @property
    def right(self) -> tuple:
        """(artifacts, diagnostics) of GRAPH: made once for the class, with an empty store and a healthy daemon."""
        cls = self.__class__
        if "_right" not in cls.__dict__:
            project = self.graph("right")
            build = self.build(project)
            cls._right = project.artifacts(), normalised(build.stderr, project)
            project.empty_target()
        return cls._right

    def stopped_smelt(self) -> Smelt:
        """A smelt with an empty store whose daemon does not run yet."""
        smelt = self.own_smelt()
        smelt.stop()
        return smelt

    def pid(self, smelt) -> int:
        ran = smelt("status", "--json")
        self.assertEqual(ran.status, 0, ran)
        return json.loads(ran.stdout)["pid"]

    def kill(self, smelt):
        pid = self.pid(smelt)
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(death_of(pid), signal.SIGKILL)

    def assert_builds(self, project, smelt, env=None, fresh=True):
        """The build ends as plain cargo's would have."""
        expected = self.right[1]
        if fresh:
            project.empty_target()
        ran = self.cargo(project, "build", "--offline", smelt=smelt, env=env)
        self.assertEqual(ran.status, 0, ran)
        self.assert_same_text(normalised(ran.stderr, project), expected, "diagnostics")
        self.assertEqual(self.run_app(project), "1 2 3\n")

    def run_app(self, project):
        return run([project.path(TARGET) / "debug/app"], project.root, clean_environment()).stdout

    def assert_heals(self, smelt, hits=False):
        """A healthy daemon on the same store: two further checkouts get the right bytes, the second all from the store."""
        smelt.stop()
        smelt.start()
        for name in ("heal1", "heal2"):
            project = self.graph(name)
            smelt.mark()
            self.assert_builds(project, smelt)
            self.assert_same_artifacts(project.artifacts(), self.right[0])
        compiled = [u for u in smelt.units() if u["outcome"] != "hit" and u["unit"]]
        self.assertEqual(compiled, [], "the second build after the fault should hit")
        for name in ("heal1", "heal2"):
            shutil.rmtree(self.directory / name)


def children(program: str) -> list:
    """Our children, dead or alive, that run `program`."""
    pids = pathlib.Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [int(p) for p in pids if pathlib.Path(f"/proc/{p}/comm").read_text().strip() == program]


def kill_children():
    """Ends the daemons that a case has cut off from their sockets."""
    for pid in daemons():
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)
        death_of(pid)


def daemons() -> list:
    return children("smeltd")


def death_of(pid: int) -> int:
    """Waits for a daemon's end; the signal that killed it, or 0."""
    wait_until(lambda: not is_running(pid), what=f"process {pid} to end")
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) * -1
    except ChildProcessError:
        raise AssertionError(f"{pid} was not a daemon of ours") from None


def is_running(pid: int) -> bool:
    """True while the process exists and is not a zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class SmallDisk:
    """A tmpfs of a given size, mounted at a new directory; unmounted by close(). Skips the case when not root."""

    def __init__(self, path: pathlib.Path, size: str):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        mounted = os.getuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "none", path],
                                                      capture_output=True).returncode == 0
        if not mounted:
            raise unittest.SkipTest("needs root and mount(8) to make a small disk")

    def remount(self, options: str):
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=True)

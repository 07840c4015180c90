"""The daemon is killed, stopped, replaced, or cannot be reached; builds are interrupted."""

import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import threading
import unittest

from faults import WAIT_FOR_TEST, FaultCase, children, daemons, death_of, is_running
from harness import TARGET, clean_environment, wait_until, with_macro

SOON = {"SMELT_SILENCE_MS": "300"}  # how long wrappers believe in a silent daemon


class Unreachable(FaultCase):

    def test_a_killed_between_builds(self):
        smelt, p = self.own_smelt(), self.graph()
        self.assert_builds(p, smelt)
        self.kill(smelt)
        self.assert_builds(p, smelt)
        self.assert_heals(smelt)

    def test_b_stopped_before_a_build(self):
        smelt, p = self.own_smelt(), self.graph()
        self.assert_builds(p, smelt)
        pid = self.pid(smelt)
        os.kill(pid, signal.SIGSTOP)
        try:
            self.assert_builds(p, smelt, env=SOON)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assert_heals(smelt)

    def test_c_socket_removed_under_a_living_daemon(self):
        smelt, p = self.own_smelt(), self.graph()
        pid = self.pid(smelt)
        (smelt.home / "smeltd.sock").unlink()
        self.assert_builds(p, smelt)
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(death_of(pid), 0)
        self.assert_heals(smelt)

    def test_d_socket_is_something_else(self):
        for make in (lambda s: s.write_text("text"), lambda s: s.mkdir(), lambda s: s.symlink_to("/nonexistent")):
            smelt, p = self.stopped_smelt(), self.graph()
            make(smelt.home / "smeltd.sock")
            self.assert_builds(p, smelt)
            shutil.rmtree(self.directory / "a")

    def test_e_somebody_else_answers(self):
        """One who says nothing, one who hangs up, one who talks nonsense, one who announces a frame of 4 GiB."""
        for reply in (None, b"", b"HTTP/1.1 200 OK\r\n\r\n" * 10, b"\xff\xff\xff\xff", b"\x05\x00\x00\x00\x07\x00\x00\x00\x00"):
            smelt, p = self.stopped_smelt(), self.graph()
            with PretendedDaemon(smelt.home / "smeltd.sock", reply):
                self.assert_builds(p, smelt, env=SOON)
            self.assert_heals(smelt)
            shutil.rmtree(self.directory / "a")

    def test_f_smeltd_is_missing_or_broken(self):
        for content in (None, "", "#!/bin/sh\nexit 3\n", "#!/bin/sh\nexec sleep 1000\n"):
            smelt, p = self.stopped_smelt(), self.graph()
            (smelt.program.parent / "smeltd").unlink()
            smelt.program.unlink()
            shutil.copy((self.smelt.program).resolve(), smelt.program)
            if content is not None:
                (smelt.program.parent / "smeltd").write_text(content)
                (smelt.program.parent / "smeltd").chmod(0o755)
            self.assert_builds(p, smelt)
            for child in children("sleep"):
                os.kill(child, signal.SIGKILL)
            shutil.rmtree(self.directory / "a")

    def test_g_observer_is_missing_or_broken(self):
        for content in (None, b"", b"not a library", bytes(5000)):
            observer = self.directory / "observer.so"
            observer.unlink(missing_ok=True)
            if content is not None:
                observer.write_bytes(content)
            smelt, p = self.stopped_smelt(), self.graph()
            smelt.start(SMELT_OBSERVER=str(observer))
            self.assert_builds(p, smelt)
            self.assert_heals(smelt)
            shutil.rmtree(self.directory / "a")

    def test_h_another_version(self):
        """Wrapper and daemon of another build share the directory: the build is right, then the new ones take over."""
        smelt, p = self.own_smelt(), self.graph()
        for build_id in ("", "0.0.9+wire0", "", "0.0.9+wire0"):
            self.assert_builds(p, smelt, env={"SMELT_BUILD_ID_FOR_TEST": build_id})
        smelt("stop", env={"SMELT_BUILD_ID_FOR_TEST": "0.0.9+wire0"})
        self.assert_heals(smelt)

    def test_i_no_home(self):
        real = pathlib.Path.home()
        homes = {"CARGO_HOME": os.environ.get("CARGO_HOME", str(real / ".cargo")), "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(real / ".rustup")),
                 "SMELT_DIR": None, "XDG_CACHE_HOME": None, "XDG_RUNTIME_DIR": None}
        for home in ("/dev/null", "/proc/nowhere", "relative", "", None):
            p = self.graph()
            self.assert_builds(p, self.smelt, env=homes | {"HOME": home})
            shutil.rmtree(self.directory / "a")

    def test_j_odd_cache_directories(self):
        file = self.directory / "file"
        file.write_text("")
        for directory in (str(file), "/dev/null/x", "/proc/nowhere", str(self.directory / ("long" * 60)), str(self.directory / "with space é")):
            p = self.graph()
            env = {"SMELT_DIR": directory}
            self.assert_builds(p, self.smelt, env=env)
            self.assert_builds(p, self.smelt, env=env)
            self.smelt("stop", env=env)
            shutil.rmtree(self.directory / "a")

    def test_k_wrong_configuration(self):
        config = self.directory / "config.toml"
        config.write_text("[cache]\nsize = 'many'\n")
        smelt, p = self.stopped_smelt(), self.graph()
        ran = smelt("start", env={"SMELT_CONFIG": str(config)})
        self.assertNotEqual(ran.status, 0)
        self.assertIn(f"{config}:2", ran.stderr + (smelt.home / "smeltd.log").read_text())
        self.assert_builds(p, smelt, env={"SMELT_CONFIG": str(config)})


class PretendedDaemon:
    """Listens on the socket and answers every connection with `reply`; None: says nothing and keeps it open."""

    def __init__(self, path, reply):
        self.server, self.reply, self.open = socket.socket(socket.AF_UNIX), reply, []
        self.server.bind(str(path))
        self.server.listen(64)
        self.path = path

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        while True:
            try:
                connection, _ = self.server.accept()
                if self.reply is None:
                    self.open.append(connection)
                    continue
                connection.recv(4)
                connection.sendall(self.reply)
                connection.close()
            except OSError:
                if self.server.fileno() < 0 or not self.path.exists():
                    return

    def __exit__(self, *_):
        self.path.unlink()
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for connection in self.open:
            connection.close()


class InTheMiddle(FaultCase):

    def gated(self):
        """(project, environment, process): a build that waits in the macro of app until self.open_gate()."""
        gate = self.directory / "gate"
        gate.mkdir()
        os.mkfifo(gate / "gate")
        p = self.project(with_macro(WAIT_FOR_TEST))
        smelt = self.own_smelt()
        environment = clean_environment() | smelt.environment() | SOON | {"CARGO_TARGET_DIR": str(p.path(TARGET)), "PM_GATE": str(gate)}
        process = subprocess.Popen(["cargo", "build", "--offline"], cwd=p.root, env=environment, start_new_session=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: process.stderr.close())
        wait_until((gate / "started").exists, 60, "the macro to start")
        return p, smelt, process

    def open_gate(self):
        (self.directory / "gate/gate").write_text("go")

    def finish(self, process, status=0):
        self.assertEqual(process.wait(60), status, process.stderr.read() if process.poll() not in (None, status) else "")

    def assert_right(self, p, smelt):
        for project in (p, p.copy("b")):
            self.build(project, smelt=smelt).prints("x")

    def test_a_killed_while_the_compiler_runs(self):
        p, smelt, process = self.gated()
        self.kill(smelt)
        self.open_gate()
        self.finish(process)
        self.assert_right(p, smelt)

    def test_b_stopped_while_the_compiler_runs(self):
        p, smelt, process = self.gated()
        pid = self.pid(smelt)
        os.kill(pid, signal.SIGSTOP)
        self.open_gate()
        self.finish(process)
        os.kill(pid, signal.SIGCONT)
        self.assert_right(p, smelt)

    def test_c_asked_to_end_while_the_compiler_runs(self):
        p, smelt, process = self.gated()
        pid = self.pid(smelt)
        os.kill(pid, signal.SIGTERM)
        self.open_gate()
        self.finish(process)
        self.assertEqual(death_of(pid), 0)
        self.assert_right(p, smelt)

    def test_d_interrupted_by_the_terminal(self):
        """SIGINT reaches cargo, the wrapper and the compiler: all end, as with plain cargo."""
        p, smelt, process = self.gated()
        os.killpg(process.pid, signal.SIGINT)
        self.finish(process, -signal.SIGINT)
        wait_until(lambda: not group_members(process.pid), 20, "wrapper and compiler to end")
        self.assert_right(p, smelt)

    def test_e_wrapper_killed(self):
        p, smelt, process = self.gated()
        wrappers = [m for m in group_members(process.pid) if command_of(m)[0].endswith("/smelt")]
        self.assertEqual(len(wrappers), 1)
        os.kill(wrappers[0], signal.SIGKILL)
        self.finish(process, 101)
        wait_until(lambda: not group_members(process.pid), 20, "the compiler to end with its wrapper")
        self.assert_right(p, smelt)

    def test_f_compiler_killed(self):
        p, smelt, process = self.gated()
        compilers = [m for m in group_members(process.pid) if command_of(m)[0].endswith("/rustc")]
        os.kill(compilers[-1], signal.SIGKILL)
        self.finish(process, 101)
        self.assertIn("SIGKILL", process.stderr.read())
        self.assert_right(p, smelt)

    def test_g_compiler_that_aborts(self):
        p = self.project(with_macro('if std::env::var_os("PM_ABORT").is_some() { std::process::abort() } "x".into()'))
        smelt = self.own_smelt()
        self.build(p, smelt=smelt, env={"PM_ABORT": "1"}).fails("SIGABRT")
        self.assert_right(p, smelt)

    def test_h_interrupted_at_any_time(self):
        """Warm builds are interrupted after a random time; each is then continued and right."""
        chance = random.Random(20261122)
        smelt, p = self.own_smelt(), self.graph()
        self.assert_builds(p, smelt)
        for _ in range(12):
            p.empty_target()
            environment = clean_environment() | smelt.environment() | {"CARGO_TARGET_DIR": str(p.path(TARGET))}
            process = subprocess.Popen(["cargo", "build", "--offline"], cwd=p.root, env=environment, start_new_session=True,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(chance.uniform(0.05, 0.35))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
            ran = self.cargo(p, "build", "--offline", smelt=smelt)
            self.assertEqual(ran.status, 0, ran)
            self.assertEqual(self.run_app(p), "1 2 3\n")
        self.assert_heals(smelt)

    def test_i_daemon_killed_at_any_time_under_two_builds(self):
        chance = random.Random(3)
        smelt = self.own_smelt()
        self.right
        for _ in range(4):
            projects = [self.graph(name) for name in ("a", "b")]
            results = {}
            builds = [threading.Thread(target=lambda p=p: results.update({p.root: self.cargo(p, "build", "--offline", smelt=smelt)})) for p in projects]
            for build in builds:
                build.start()
            builds[0].join(chance.uniform(0.1, 0.8))
            for pid in daemons():
                if is_running(pid):
                    os.kill(pid, signal.SIGKILL)
            for build in builds:
                build.join()
            for p in projects:
                self.assertEqual(results[p.root].status, 0, results[p.root])
                self.assertEqual(self.run_app(p), "1 2 3\n")
                shutil.rmtree(p.root)
        self.assert_heals(smelt)


def group_members(group: int) -> list:
    """Living processes of a process group."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(path.name)) == group and is_running(int(path.name)):
                found.append(int(path.name))
        except (ProcessLookupError, PermissionError):
            pass
    return sorted(found)


def command_of(pid: int) -> list:
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except FileNotFoundError:
        return [""]


if __name__ == "__main__":
    unittest.main()

"""The servers that are compared: how each is started on an empty directory, and what it uses."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def smelt_command(program, directory, port):
    return [program, "--listen", "127.0.0.1:%d" % port, "--directory", str(directory)]


def bazel_remote_command(program, directory, port):
    """Uncompressed, since the blobs do not compress; its HTTP listener is not used."""
    return [
        program, "--dir", str(directory), "--max_size", "200", "--storage_mode", "uncompressed",
        "--grpc_address", "127.0.0.1:%d" % port, "--http_address", "127.0.0.1:%d" % free_port(),
        "--access_log_level", "none",
    ]


class Server:
    """A server process on an empty directory of its own. A context manager; `target` is where it listens."""

    def __init__(self, name, command, directory):
        self.name = name
        self.directory = pathlib.Path(directory)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.port = free_port()
        self.target = "127.0.0.1:%d" % self.port
        self.command = command(self.directory / "data", self.port)
        self.log = self.directory / "log"

    def __enter__(self):
        (self.directory / "data").mkdir()
        started = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() - started > 60:
                self.__exit__()
                raise RuntimeError("%s does not start:\n%s" % (self.name, self.log.read_text(errors="replace")[-2000:]))
            time.sleep(0.02)
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def peak_bytes(self):
        """The most memory it has had since the last reset_peak."""
        for line in pathlib.Path("/proc/%d/status" % self.process.pid).read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0

    def reset_peak(self):
        try:
            pathlib.Path("/proc/%d/clear_refs" % self.process.pid).write_text("5")
        except OSError:
            pass  # Then peaks only grow.

    def cpu_seconds(self):
        fields = pathlib.Path("/proc/%d/stat" % self.process.pid).read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

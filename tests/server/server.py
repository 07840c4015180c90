"""A smelt-server of its own on a loopback port, for tests that talk to it as others do."""

import os
import re
import resource
import signal
import subprocess


def runfile(path):
    """A file that the test names in its `data`, by its path from the root of the workspace."""
    return os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"], path)


class Server:
    """Serves `directory` until it is closed; `port` is where. It may have `open_files` descriptors."""

    def __init__(self, directory, *flags, open_files=None):
        self.log = open(directory + ".log", "ab")
        self.process = subprocess.Popen(
            [runfile("src/cmd/smelt-server"), "--listen", "127.0.0.1:0", "--directory", directory, *flags],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            preexec_fn=open_files and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))),
        )
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on port (\d+)\n", line)
        if not match:
            self.process.kill()
            raise RuntimeError(f"the server did not begin: {line!r}, see {self.log.name}")
        self.port = int(match[1])

    def memory(self):
        """The bytes that it has in memory."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) << 10

    def close(self, signal_number=signal.SIGTERM):
        self.process.send_signal(signal_number)
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.log.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.close()

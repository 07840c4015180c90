#!/usr/bin/env python3
"""A clean build on a machine that has nothing, from a shared server: beside its own warm cache, and over a link.

    remote.py --workload tests/workloads/tokio-app --bin DIRECTORY [--rounds 3] [--rtt-ms 30] [--mbit 200]

Each round: a new daemon with an empty directory; the build; wall time, hits, bytes. Prints JSON. DIRECTORY
holds smelt, smeltd, libsmelt_observer.so and smelt-server.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


class Service:
    """A process that says on which port it listens."""

    def __init__(self, command):
        self.process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[-1])

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=60)[0]


class Machine:
    """A user's machine: a daemon with a directory of its own."""

    def __init__(self, root, programs, workload, endpoint, **variables):
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=root))
        self.programs, self.workload = programs, workload
        self.environment = {k: os.environ[k] for k in ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME") if k in os.environ}
        self.environment |= {"RUSTC_WRAPPER": str(programs / "smelt"), "SMELT_DIR": str(self.directory / "d"),
                             "SMELT_COMPILE_LOG": "1", "CARGO_TERM_COLOR": "never", "CARGO_INCREMENTAL": "0",
                             "CARGO_TARGET_DIR": str(self.directory / "target"), "SMELT_CONFIG": os.devnull}
        if endpoint:
            self.environment["SMELT_REMOTE_ENDPOINT"] = endpoint
        self.environment |= variables

    def smelt(self, *arguments):
        return subprocess.run([self.programs / "smelt", *arguments], env=self.environment, check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def build(self):
        """Wall seconds of a clean build, and what became of its crates."""
        shutil.rmtree(self.environment["CARGO_TARGET_DIR"], ignore_errors=True)
        log = self.directory / "d" / "compiles.jsonl"
        before = len(log.read_text().splitlines()) if log.exists() else 0
        start = time.monotonic()
        subprocess.run(["cargo", "build", "--offline", "--locked"], cwd=self.workload, env=self.environment, check=True,
                       stderr=subprocess.DEVNULL)
        seconds = time.monotonic() - start
        time.sleep(0.3)  # the last hits are logged after their wrappers have gone
        units = [json.loads(line) for line in log.read_text().splitlines()[before:]]
        outcomes = {}
        for unit in units:
            outcomes[unit["outcome"]] = outcomes.get(unit["outcome"], 0) + 1
        return {"seconds": round(seconds, 3), "outcomes": outcomes}

    def remote(self):
        return json.loads(self.smelt("status", "--json"))["remote"]

    def remove(self):
        self.smelt("stop")
        shutil.rmtree(self.directory, ignore_errors=True)


def fresh_builds(rounds, make, start_first=True):
    """Builds on `rounds` machines that have nothing."""
    results = []
    for _ in range(rounds):
        machine = make()
        if start_first:
            machine.smelt("start")
        result = machine.build()
        state = machine.remote()
        result |= {k: state[k] for k in ("bytes_up", "bytes_down", "requests", "failures", "state", "problem")}
        results.append(result)
        machine.remove()
    return results


def argument_parser(description):
    """What every benchmark over a link is told."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", required=True, type=pathlib.Path)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rtt-ms", type=float, default=30)
    parser.add_argument("--mbit", type=float, default=200)
    return parser


def main():
    arguments = argument_parser(__doc__).parse_args()
    programs, workload = arguments.bin.resolve(), arguments.workload.resolve()
    root = pathlib.Path(tempfile.mkdtemp(prefix="smelt-remote-"))
    server = Service([programs / "smelt-server", "--listen", "127.0.0.1:0", "--directory", root / "server"])
    proxy = Service([sys.executable, HERE / "link_proxy.py", "--to", f"127.0.0.1:{server.port}",
                     "--rtt-ms", arguments.rtt_ms, "--mbit", arguments.mbit])
    try:
        direct = f"grpc://127.0.0.1:{server.port}"
        first = Machine(root, programs, workload, direct)
        report = {"cold": first.build()}
        first.smelt("flush")
        report["cold"] |= {"bytes_up": first.remote()["bytes_up"]}
        report["warm"] = [first.build() for _ in range(arguments.rounds)]
        first.remove()
        report["remote"] = fresh_builds(arguments.rounds, lambda: Machine(root, programs, workload, direct))
        link = f"grpc://127.0.0.1:{proxy.port}"
        report["link"] = fresh_builds(arguments.rounds, lambda: Machine(root, programs, workload, link))
        passed = json.loads(proxy.end().splitlines()[-1])
        report["link_bytes_down_each"] = passed["bytes_down"] // arguments.rounds
        report["link_seconds_needed"] = round(report["link_bytes_down_each"] * 8 / arguments.mbit / 1e6, 2)
        print(json.dumps(report, indent=1))
    finally:
        server.end()
        if proxy.process.poll() is None:
            proxy.end()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()

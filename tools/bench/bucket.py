#!/usr/bin/env python3
"""Clean builds on machines that have nothing, from a bucket: through a server, through a server with an empty disk, and
from the bucket alone, without and with a link; sccache on the same bucket beside it where it is installed.

    bucket.py --workload tokio|deltalake|DIRECTORY --bin DIRECTORY [--rounds 3] [--rtt-ms 30] [--mbit 200]

Each round has one build of each kind, in turn: a new daemon with an empty directory; the build; wall time, hits, bytes.
The warm build beside them has its own cache and no team. Prints JSON. DIRECTORY holds smelt, smeltd,
libsmelt_observer.so and smelt-server. The bucket is versitygw's or, with --gateway minio, MinIO's; they must be on PATH
or in Go's bin directory: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import remote
import workload as workloads
from server import servers

HERE = pathlib.Path(__file__).resolve().parent
KEYS = {"AWS_ACCESS_KEY_ID": "smelt", "AWS_SECRET_ACCESS_KEY": "smelt-smelt-smelt", "AWS_REGION": "us-east-1"}


def find_gateway(names=("versitygw", "minio")):
    """A program that serves a directory as S3 does, or None."""
    for name in names:
        found = shutil.which(name) or shutil.which(name, path=str(pathlib.Path.home() / "go/bin"))
        if found:
            return found
    return None


class Gateway:
    """versitygw or MinIO over a directory; `endpoint` is where its bucket "team" is."""

    def __init__(self, root, program):
        (root / "bucket/team").mkdir(parents=True)
        self.port = servers.free_port()
        self.endpoint = "127.0.0.1:%d" % self.port
        key, secret = KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"]
        variables = {"ROOT_ACCESS_KEY": key, "ROOT_SECRET_KEY": secret, "MINIO_ROOT_USER": key,
                     "MINIO_ROOT_PASSWORD": secret}
        command = [program, "--keep-alive", "--port", self.endpoint, "posix", str(root / "bucket")]  # as S3 does
        if pathlib.Path(program).name == "minio":
            command = [program, "server", "--quiet", "--address", self.endpoint, str(root / "bucket")]
        self.process = subprocess.Popen(command, env={**os.environ, **variables}, cwd=root, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError("%s does not listen" % program)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)


class Server:
    """smelt-server with a disk of its own in front of the bucket."""

    def __init__(self, programs, root, name, gateway):
        directory = root / name
        directory.mkdir()
        (directory / "server.toml").write_text(
            '[server]\nlisten = ["127.0.0.1:0"]\n[storage]\ndirectory = "%s/store"\nfree = "1MB"\n[status]\n'
            'listen = "127.0.0.1:0"\n[s3]\nbucket = "team"\nendpoint = "http://%s"\nkey_prefix = "servers"\n'
            % (directory, gateway.endpoint))
        self.process = subprocess.Popen([programs / "smelt-server", "--config", directory / "server.toml"], text=True,
                                        env={**os.environ, **KEYS}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port, self.status_port = (int(self.process.stdout.readline().split()[-1]) for _ in range(2))

    def metric(self, name):
        text = subprocess.run(["curl", "-sS", "http://127.0.0.1:%d/metrics" % self.status_port], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.split("{")[0].split()[0] == name)

    def await_bucket(self):
        """Until all that it holds is in the bucket."""
        while self.metric("smelt_s3_pending_bytes") > 0:
            time.sleep(0.2)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)


class Link(remote.Service):
    def __init__(self, port, arguments):
        super().__init__([sys.executable, HERE / "link_proxy.py", "--to", "127.0.0.1:%d" % port, "--rtt-ms",
                          arguments.rtt_ms, "--mbit", arguments.mbit])
        self.endpoint = "127.0.0.1:%d" % self.port


def bucket_variables(endpoint):
    return {**KEYS, "SMELT_S3_BUCKET": "team", "SMELT_S3_ENDPOINT": endpoint, "SMELT_S3_USE_SSL": "false",
            "SMELT_S3_KEY_PREFIX": "alone"}


class Sccache:
    """sccache with a bucket; it looks at nothing local."""

    def __init__(self, root, workload, endpoint, program):
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=root))
        self.program, self.workload = program, workload
        kept = {k: os.environ[k] for k in ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME") if k in os.environ}
        self.environment = {**kept, **KEYS, "RUSTC_WRAPPER": program, "SCCACHE_BUCKET": "team",
                            "CARGO_INCREMENTAL": "0",
                            "SCCACHE_ENDPOINT": "http://" + endpoint, "SCCACHE_REGION": "us-east-1",
                            "SCCACHE_S3_USE_SSL": "false", "SCCACHE_S3_KEY_PREFIX": "sccache",
                            "SCCACHE_SERVER_PORT": str(servers.free_port()),
                            "SCCACHE_CONF": str(self.directory / "none"),
                            "CARGO_TARGET_DIR": str(root / "sccache-target")}

    def build(self):
        shutil.rmtree(self.environment["CARGO_TARGET_DIR"], ignore_errors=True)
        start = time.monotonic()
        subprocess.run(["cargo", "build", "--offline", "--locked"], cwd=self.workload, env=self.environment, check=True,
                       stderr=subprocess.DEVNULL)
        seconds = round(time.monotonic() - start, 3)
        shown = subprocess.run([self.program, "--show-stats", "--stats-format=json"], env=self.environment, text=True,
                               check=True, stdout=subprocess.PIPE).stdout
        subprocess.run([self.program, "--stop-server"], env=self.environment, check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        return {"seconds": seconds, "hits": sum(json.loads(shown)["stats"]["cache_hits"]["counts"].values())}


def measure_sccache(root, workload, gateway, link, rounds):
    program = shutil.which("sccache")
    if not program:
        return None
    cold = Sccache(root, workload, gateway.endpoint, program).build()
    near = [Sccache(root, workload, gateway.endpoint, program).build() for _ in range(rounds)]
    far = [Sccache(root, workload, link.endpoint, program).build() for _ in range(rounds)]
    return {"cold": cold, "bucket": near, "bucket over the link": far}


def fill(root, programs, workload, gateway, full):
    """A machine with a warm cache, whose results the server has, and the bucket by itself; and what that took."""
    first = remote.Machine(root, programs, workload, "grpc://127.0.0.1:%d" % full.port)
    report = {"cold": first.build()}
    first.smelt("flush")
    full.await_bucket()
    report["requests to the bucket"] = full.metric("smelt_s3_requests_total")
    first.smelt("stop")

    # What one cache has had all along reaches another by hits.
    first.environment.pop("SMELT_REMOTE_ENDPOINT")
    first.environment |= bucket_variables(gateway.endpoint)
    report["warm, to the bucket"] = first.build()
    first.smelt("flush")
    first.smelt("stop")
    for variable in bucket_variables(gateway.endpoint):
        first.environment.pop(variable)
    return first, report


def read_all(directory):
    """A server elsewhere has its bytes at hand, whatever this machine has thrown out of its memory meanwhile."""
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            path.read_bytes()


def warm_build(first):
    """The second of two builds with a cache of one's own: its files come back from the first. No team is configured."""
    first.smelt("start")
    first.build()
    built = first.build()
    first.smelt("stop")  # what it does behind a build is not measured with another's
    return built


def measure(root, arguments, gateway, services):
    """Every kind of build once a round, so that a machine that changes its pace changes it for all."""
    programs = arguments.bin.resolve()
    workload = workloads.Checkout(workloads.source_of(str(arguments.workload)), root / "workload")
    workload.fetch()
    workload = workload.directory

    full = Server(programs, root, "full", gateway)
    services.append(full)
    first, report = fill(root, programs, workload, gateway, full)
    server_link, bucket_link = Link(full.port, arguments), Link(gateway.port, arguments)
    services += [server_link, bucket_link]

    def fresh(endpoint="", **variables):
        read_all(root / "bucket")
        read_all(root / "full")
        return remote.fresh_builds(1, lambda: remote.Machine(root, programs, workload, endpoint, **variables))[0]

    def behind_empty_server():
        empty = Server(programs, root, "empty", gateway)
        try:
            return fresh("grpc://127.0.0.1:%d" % empty.port)
        finally:
            empty.end()
            shutil.rmtree(root / "empty")

    kinds = {
        "warm": lambda: warm_build(first),
        "server": lambda: fresh("grpc://127.0.0.1:%d" % full.port),
        "server with an empty disk": behind_empty_server,
        "bucket alone": lambda: fresh(**bucket_variables(gateway.endpoint)),
        "server over the link": lambda: fresh("grpc://%s" % server_link.endpoint),
        "bucket over the link": lambda: fresh(**bucket_variables(bucket_link.endpoint)),
    }
    report |= {kind: [] for kind in kinds}
    for _ in range(arguments.rounds):
        for kind, build in kinds.items():
            report[kind].append(build())
            print(kind, report[kind][-1]["seconds"], report[kind][-1]["outcomes"], file=sys.stderr, flush=True)
    first.remove()
    if not arguments.no_sccache:
        report["sccache"] = measure_sccache(root, workload, gateway, bucket_link, arguments.rounds)
    return report


def main():
    parser = remote.argument_parser(__doc__)
    parser.add_argument("--gateway", default="versitygw", choices=("versitygw", "minio"))
    parser.add_argument("--no-sccache", action="store_true")
    arguments = parser.parse_args()
    gateway = find_gateway((arguments.gateway,))
    if not gateway:
        parser.error("%s is neither on PATH nor in Go's bin directory" % arguments.gateway)
    root = pathlib.Path(tempfile.mkdtemp(prefix="smelt-bucket-"))
    services = [Gateway(root, gateway)]
    try:
        print(json.dumps(measure(root, arguments, services[0], services), indent=1))
    finally:
        for service in reversed(services):
            service.end()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()

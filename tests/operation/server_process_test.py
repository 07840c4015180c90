"""Runs smelt-server: its configuration, tokens, TLS, status, metrics, administration and end."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

SERVER = os.environ["SMELT_SERVER"]
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TESTDATA = HERE / "testdata"

ADMIN = "canary-token-of-the-administrator"
ADMIN_OF_MAIN = "canary-token-of-an-administrator-of-main"
READER = "canary-token-of-a-reader-only"

AUTH = """
[[auth.token]]
name = "root"
sha256 = "%s"
role = "administrator"
[[auth.token]]
name = "laptop"
sha256 = "%s"
role = "reader"
[[auth.token]]
name = "cron"
sha256 = "%s"
role = "administrator"
instances = ["main"]
""" % tuple(hashlib.sha256(t.encode()).hexdigest() for t in (ADMIN, READER, ADMIN_OF_MAIN))

TLS = """
[tls]
certificate = "%s/server.crt"
key = "%s/server.key"
client_ca = "%s/ca.crt"
""" % ((TESTDATA,) * 3)


JWT = """
[[auth.jwt]]
issuer = "i"
audience = "a"
jwks_file = "%s"
[[auth.jwt.rule]]
claims = { a = "b" }
role = "reader"
instances = ["*"]
"""


class Server:
    """A running server; use in a with statement. `configuration` is added to what every test needs."""

    def __init__(self, configuration="", listen="127.0.0.1:0"):
        self.directory = tempfile.TemporaryDirectory(prefix="smelt-operation-")
        root = pathlib.Path(self.directory.name)
        self.log = root / "log"
        (root / "server.toml").write_text(
            '[server]\nlisten = ["%s"]\n[storage]\ndirectory = "%s/store"\nfree = "1MB"\n'
            '[status]\nlisten = "127.0.0.1:0"\n%s' % (listen, root, configuration))
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [SERVER, "--config", str(root / "server.toml")], stdout=subprocess.PIPE, stderr=log, text=True)

    def __enter__(self):
        self.port = self._port("listening on port ")
        self.status_port = self._port("status on port ")
        return self

    def _port(self, prefix):
        line = self.process.stdout.readline()
        assert line.startswith(prefix), (line, self.log.read_text())
        return int(line[len(prefix):])

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.directory.cleanup()

    def get(self, path, token=None):
        """The code and the body of an answer over HTTP."""
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.status_port, path))
        if token:
            request.add_header("Authorization", "Bearer " + token)
        try:
            with contextlib.closing(urllib.request.urlopen(request, timeout=30)) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def command(self, *arguments, token="", scheme="grpc"):
        server = "%s://localhost:%d" % (scheme, self.port)
        return run(arguments[0], "--server", server, *arguments[1:], SMELT_TOKEN=token)

    def end(self, signals=1):
        for _ in range(signals):
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def run(*arguments, stdin="", **environment):
    return subprocess.run([SERVER, *arguments], input=stdin, env={**os.environ, **environment}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)


def documented_metrics():
    return re.findall(r"^\| `(smelt_\w+)` \| (\w+) \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)


class Status(unittest.TestCase):
    def test_every_documented_metric_is_emitted_and_every_emitted_one_documented(self):
        with Server() as server:
            self.assertEqual(server.command("status").returncode, 0)
            deadline = time.monotonic() + 60  # the call is counted after its client has its answer
            while "smelt_rpc_requests_total{" not in server.get("/metrics")[1] and time.monotonic() < deadline:
                time.sleep(0.01)
            code, text = server.get("/metrics")
        self.assertEqual(code, 200)
        self.assertEqual(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE), documented_metrics())
        emitted = {re.sub(r"_(bucket|sum|count)$", "", n) for n in re.findall(r"^(smelt_\w+)[ {]", text, re.MULTILINE)}
        self.assertEqual(emitted, {name for name, _ in documented_metrics()})

    def test_status_is_the_same_over_http_and_grpc(self):
        with Server() as server:
            code, text = server.get("/status")
            ran = server.command("status")
        self.assertEqual((code, ran.returncode), (200, 0), ran.stdout)
        over_http, over_grpc = json.loads(text), json.loads(ran.stdout)
        self.assertEqual(over_http.keys(), over_grpc.keys())
        self.assertEqual(over_http["cas"], over_grpc["cas"])
        self.assertEqual(over_http["cas"]["limit_bytes"], 100 << 30)
        self.assertEqual(over_http["mode"], "ok")

    def test_page_and_status_are_for_administrators(self):
        with Server(AUTH) as server:
            for path in ("/", "/status"):
                self.assertEqual(server.get(path)[0], 401)
                self.assertEqual(server.get(path, "nonsense")[0], 401)
                code, text = server.get(path, READER)
                self.assertEqual((code, text.splitlines()), (403, [
                    "'laptop' is a reader and may not administer", "this needs the role administrator"]))
                self.assertEqual(server.get(path, ADMIN)[0], 200)
            self.assertEqual(server.get("/metrics")[0], 200)
            self.assertEqual(server.get("/healthz"), (200, "ok\n"))


    def test_who_administers_one_instance_is_told_the_same_over_http_and_grpc(self):
        with Server(AUTH) as server:
            self.assertEqual(server.get("/status", ADMIN_OF_MAIN)[0], 200)
            for arguments in ((), ("--instance", "main")):
                ran = server.command("status", *arguments, token=ADMIN_OF_MAIN)
                self.assertEqual(ran.returncode, 0, ran.stdout)
            elsewhere = server.command("status", "--instance", "pr/1", token=ADMIN_OF_MAIN)
            self.assertEqual(elsewhere.returncode, 1)
            self.assertIn("'cron' may not use the instance 'pr/1'", elsewhere.stdout)


class Administration(unittest.TestCase):
    def test_gc_is_for_administrators(self):
        with Server(AUTH) as server:
            done = server.command("gc", "--dry-run", token=ADMIN)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertRegex(done.stdout, r"^would remove 0 blobs and 0 results: \d+ bytes before, \d+ after\n$")
            for _ in range(2):
                self.assertEqual(server.command("gc", token=ADMIN).returncode, 0)
            self.assertEqual(server.command("gc", "--down-to", "1MB", token=ADMIN).returncode, 0)
            for token, error in (("", "wants a token"), ("nonsense", "none that this server knows"),
                                 (READER, "'laptop' is a reader and may not administer")):
                for command in ("gc", "status"):
                    refused = server.command(command, token=token)
                    self.assertEqual(refused.returncode, 1)
                    self.assertIn(error, refused.stdout)

    def test_command_lines_that_cannot_be(self):
        server = ["--server", "grpc://x:1"]
        for arguments in (["gc"], ["gc", "--server", "x:1"], ["gc", "--server"], ["gc", *server, "--down-to", "x"],
                          ["status", "--nonsense", "x"], ["gc", *server, "--token-file", "/nonexistent"]):
            ran = run(*arguments)
            self.assertEqual(ran.returncode, 2, arguments)
            self.assertIn("usage: smelt-server gc", ran.stdout)

    def test_a_server_that_is_not_there(self):
        ran = run("gc", "--server", "grpc://127.0.0.1:1", "--timeout", "20s")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("grpc://127.0.0.1:1", ran.stdout)

    def test_hash_token(self):
        ran = run("hash-token", stdin=ADMIN + "\n")
        self.assertEqual(ran.stdout, hashlib.sha256(ADMIN.encode()).hexdigest() + "\n")
        refused = run("hash-token", stdin="short-canary\n")
        self.assertEqual(refused.returncode, 2)
        self.assertNotIn("short-canary", refused.stdout)


class Tls(unittest.TestCase):
    def test_over_tls_with_a_token(self):
        with Server(TLS + AUTH) as server:
            good = server.command("status", "--ca-file", str(TESTDATA / "ca.crt"), token=ADMIN, scheme="grpcs")
            self.assertEqual(good.returncode, 0, good.stdout)
            for scheme, more in (("grpc", ()), ("grpcs", ())):  # without TLS; with authorities that did not sign it
                bad = server.command("status", *more, "--timeout", "20s", token=ADMIN, scheme=scheme)
                self.assertEqual(bad.returncode, 1, bad.stdout)

    def test_files_that_cannot_be(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "s.toml"
            for text, error in (
                    ('[tls]\ncertificate = "/nonexistent"\nkey = "%s/server.key"\n' % TESTDATA,
                     "2: tls.certificate: open /nonexistent: No such file or directory: name a file in PEM"),
                    ('[tls]\ncertificate = "%s/server.crt"\nkey = "%s"\n' % (TESTDATA, HERE / "run.sh"),
                     "3: tls.key: %s: holds no key in PEM" % (HERE / "run.sh")),
                    ('[tls]\ncertificate = "%s/server.crt"\nkey = "%s/client.key"\n' % (TESTDATA, TESTDATA),
                     "3: tls.key: %s/client.key: the certificate is that of another key: name the two" % TESTDATA),
                    (TLS.replace("ca.crt", "ca.key"), "5: tls.client_ca: open %s/ca.key: No such file" % TESTDATA),
                    ('[s3]\nbucket = "b"\nca_file = "/nonexistent"\n', "3: s3.ca_file: open /nonexistent: No such"),
                    (JWT % "/nonexistent", "5: auth.jwt.jwks_file: open /nonexistent: No such file or directory: name"),
                    (JWT % (HERE / "run.sh"), "5: auth.jwt.jwks_file: %s: not a JSON Web Key Set" % (HERE / "run.sh"))):
                path.write_text(text)
                arguments = ["--config", str(path), "--listen", "127.0.0.1:0", "--directory", directory + "/store"]
                ran = run(*arguments)
                self.assertEqual(ran.returncode, 1, ran.stdout)
                self.assertIn("smelt-server: %s:%s" % (path, error), ran.stdout)
                checked = run("--check", *arguments)
                self.assertEqual((checked.returncode, checked.stdout), (1, ran.stdout))
                self.assertFalse((pathlib.Path(directory) / "store").exists())

    def test_a_check_opens_nothing_but_the_files(self):
        with tempfile.TemporaryDirectory() as directory, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            path = pathlib.Path(directory) / "s.toml"
            path.write_text('[status]\nlisten = "%s"\n[s3]\nbucket="b"\nendpoint="%s"\n%s' % (address, address, TLS))
            ran = run("--check", "--config", str(path), "--listen", address, "--directory", directory + "/store")
            self.assertEqual((ran.returncode, ran.stdout), (0, ""))
            self.assertFalse((pathlib.Path(directory) / "store").exists())
            taken.settimeout(0)
            self.assertRaises(BlockingIOError, taken.accept)


class Ends(unittest.TestCase):
    def test_sigterm_ends_it_with_0(self):
        with Server() as server:
            self.assertEqual(server.end(), 0)

    def test_no_secret_is_in_the_log(self):
        with Server(AUTH) as server:
            for token in (ADMIN, READER, "canary-token-of-nobody-at-all"):
                server.command("gc", token=token)
                server.get("/status", token)
            self.assertEqual(server.end(), 0)
            log = server.log.read_text()
        self.assertIn("smelt-server ends", log)
        refused = r'audit: refused instance "" from ipv[46]:\S+: '
        self.assertRegex(log, refused + "PERMISSION_DENIED: \"'laptop' is a reader and may not administer\"")
        self.assertRegex(log, refused + 'UNAUTHENTICATED: "the token is none that this server knows"')
        self.assertNotIn("canary", log)

    def test_it_does_not_listen_beyond_loopback_unasked(self):
        with tempfile.TemporaryDirectory() as directory:
            ran = run("--listen", "0.0.0.0:0", "--directory", directory)
            self.assertEqual(ran.returncode, 1)
            self.assertIn("nobody is asked who they are", ran.stdout)
            ran = run("--listen", "0.0.0.0:0", "--directory", directory, "--insecure", "--check")
            self.assertEqual(ran.returncode, 0, ran.stdout)


class Configuration(unittest.TestCase):
    def samples(self, kind):
        text = "\n".join((ROOT / name).read_text() for name in ("docs/server.md", "README.md"))
        return re.findall(r"^```toml %s\n(.*?)^```\n(?:\n```error\n(.*?)^```)?" % kind, text, re.MULTILINE | re.DOTALL)

    def check(self, text, files=()):
        """What --check says of a configuration of a machine on which there are these files in /etc/smelt."""
        with tempfile.TemporaryDirectory() as directory:
            etc = pathlib.Path(directory) / "etc"
            for name in files:
                (etc / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(TESTDATA / ("server" + pathlib.Path(name).suffix), etc / name)
            path = pathlib.Path(directory) / "server.toml"
            path.write_text(text.replace("/etc/smelt/", str(etc) + "/"))
            ran = run("--check", "--config", str(path))
            return ran.returncode, ran.stdout.replace(str(path), "server.toml").replace(str(etc), "/etc/smelt")

    def check_with_its_files(self, text):
        return self.check(text, re.findall(r'"/etc/smelt/([\w./-]+\.(?:crt|key))"', text))

    def test_samples_are_accepted(self):
        samples = self.samples("server")
        self.assertGreater(len(samples), 2)
        for text, _ in samples:
            self.assertEqual(self.check_with_its_files(text), (0, ""))

    def test_bad_samples_give_the_errors_shown(self):
        samples = self.samples("server bad")
        self.assertGreater(len(samples), 2)
        for text, error in samples:
            self.assertEqual(self.check(text), (1, "smelt-server: " + error))

    def test_samples_of_deploy_are_accepted(self):
        samples = list((ROOT / "deploy").rglob("*.toml"))
        self.assertTrue(samples)
        for path in samples:
            self.assertEqual(self.check_with_its_files(path.read_text()), (0, ""), path)

    def test_every_key_is_documented(self):
        """`there is no 'x'; there is ...` names all keys of a table: they are those of the document."""
        documented = re.findall(r"^\| `([\w.]+)` \|", (ROOT / "docs/server.md").read_text(), re.MULTILINE)
        tables = {}
        for key in documented:
            table, _, name = key.rpartition(".")
            if table:
                tables.setdefault(table, set()).add(name)
        self.assertGreater(len(tables), 8)
        for table, names in tables.items():
            parts = table.split(".")
            head = "[[%s]]\n" if parts[-1] in ("instance", "token", "jwt", "rule", "certificate") else "[%s]\n"
            text = head % table + "nonsense = 1\n"
            if parts[-1] == "rule":
                text = "[[auth.jwt]]\n" + text
            code, error = self.check(text)
            known = set(re.search(r"there is no 'nonsense'; there is (.*)", error).group(1).split(", "))
            nested = {t.split(".")[len(parts)] for t in tables if t.startswith(table + ".")}
            self.assertEqual((code, known), (1, names | nested), table)


if __name__ == "__main__":
    unittest.main()

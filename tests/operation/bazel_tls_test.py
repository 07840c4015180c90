"""Debian's Bazel against smelt-server over TLS, as writer and as reader.

Debian's Bazel 4.2.3 cannot speak TLS itself ("JDK provider does not support ALPN protocol"), so it speaks to a
forwarder on loopback that does. As reader it wants --noremote_upload_local_results; later Bazels read by themselves.
"""

import contextlib
import hashlib
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from server_process_test import ADMIN, AUTH, READER, TESTDATA, TLS, Server

WRITER = "canary-token-of-ci-that-writes"
TOKENS = AUTH + '[[auth.token]]\nname = "ci"\nrole = "writer"\nsha256 = "%s"\n' % hashlib.sha256(
    WRITER.encode()).hexdigest()
RULES = "/usr/share/bazel"
ACTIONS = 12
NO_UPLOAD = "--noremote_upload_local_results"


def pump(source, target):
    """Until one of them ends; then both do."""
    with contextlib.suppress(OSError), source, target:
        while data := source.recv(65536):
            target.sendall(data)


class TlsForwarder:
    """Takes plain connections on a loopback port and speaks TLS to a server."""

    def __init__(self, port):
        self.target = port
        self.context = ssl.create_default_context(cafile=str(TESTDATA / "ca.crt"))
        self.context.set_alpn_protocols(["h2"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                plain = socket.create_connection(("127.0.0.1", self.target))
                far = self.context.wrap_socket(plain, server_hostname="localhost")
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    def close(self):
        self.listener.close()


class Bazel:
    """A workspace and an output base of their own."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="smelt-bazel-"))
        workspace = self.root / "w"
        workspace.mkdir()
        (workspace / "WORKSPACE").write_text('workspace(name = "w")\n')
        (workspace / "BUILD").write_text(
            '[genrule(name = "g%%d" %% i, outs = ["o%%d" %% i], cmd = "seq 1 %%d00 > $@" %% (i + 1))'
            " for i in range(%d)]\n" % ACTIONS)
        self.startup = ["bazel", "--nohome_rc", "--output_user_root=%s" % (self.root / "b"),
                        "--host_jvm_args=-Xmx400m", "--batch"]
        self.flags = ["--override_repository=%s=%s" % pair for pair in (
            ("rules_java", RULES + "/rules/java"), ("rules_proto", RULES + "/rules/proto"),
            ("rules_cc", RULES + "/rules/cc"), ("platforms", RULES + "/platforms"),
            ("bazel_skylib", RULES + "/tools/skylib"))]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["chmod", "-R", "u+w", str(self.root)], check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    def build(self, port, token, *flags):
        """Builds everything with nothing but the remote cache; what Bazel says."""
        self._run(["clean"])
        return self._run(["build", "--remote_cache=grpc://127.0.0.1:%d" % port, "--color=no", "--curses=no",
                          "--remote_header=authorization=Bearer " + token, *flags, "//:all"])

    def _run(self, command):
        ran = subprocess.run(self.startup + command[:1] + self.flags + command[1:], cwd=self.root / "w", text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        assert ran.returncode == 0, ran.stdout
        return ran.stdout


def hits(output):
    found = re.search(r"(\d+) remote cache hit", output)
    return int(found.group(1)) if found else 0


def calls(server, method, code):
    text = server.get("/metrics")[1]
    found = re.search(r'^smelt_rpc_requests_total\{method="%s",code="%s"\} (\d+)$' % (method, code), text, re.MULTILINE)
    return int(found.group(1)) if found else 0


@unittest.skipUnless(shutil.which("bazel") and pathlib.Path(RULES).is_dir(), "Debian's bazel is not here")
class BazelOverTls(unittest.TestCase):
    def test_reader_and_writer(self):
        with Server(TLS + TOKENS) as server, Bazel() as bazel, contextlib.closing(TlsForwarder(server.port)) as tls:
            with self.subTest("a reader of an empty cache builds, and uploads nothing"):
                output = bazel.build(tls.port, READER, NO_UPLOAD)
                self.assertEqual(hits(output), 0, output)
                self.assertNotIn("WARNING: Writing", output)
                self.assertEqual(calls(server, "GetActionResult", "NOT_FOUND"), ACTIONS)
                for method in ("UpdateActionResult", "Write", "BatchUpdateBlobs"):
                    for code in ("OK", "PERMISSION_DENIED"):
                        self.assertEqual(calls(server, method, code), 0, method)
            with self.subTest("a writer fills it"):
                output = bazel.build(tls.port, WRITER)
                self.assertEqual(hits(output), 0, output)
                self.assertEqual(calls(server, "UpdateActionResult", "OK"), ACTIONS)
            for token, flags in ((WRITER, []), (READER, [NO_UPLOAD])):
                with self.subTest("all hits", flags=flags):
                    output = bazel.build(tls.port, token, *flags)
                    self.assertEqual(hits(output), ACTIONS, output)
            self.assertNotIn("canary", server.log.read_text())
            status = server.get("/status", ADMIN)[1]
            self.assertIn('"tool": "bazel', status)


if __name__ == "__main__":
    unittest.main()

"""BoringSSL is in the program and none of its names leaves it: otherwise OpenSSL, which gRPC brings, would call it."""

import re
import subprocess
import unittest

PROGRAM = "./digest_beside_grpc_test"


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def exported(path):
    """Names that other objects in a process may bind to, without their versions."""
    names = (line.split()[-1] for line in output_of("nm", "-D", "--defined-only", path).splitlines())
    return {name.split("@")[0] for name in names}


def libraries(path):
    """Name -> path of every library that the loader would load."""
    return dict(re.findall(r"(\S+) => (/\S+)", output_of("ldd", path)))


class Exports(unittest.TestCase):
    def test_boringssl_is_linked_in(self):
        symbols = [line.split()[-2:] for line in output_of("nm", "--defined-only", PROGRAM).splitlines()]
        kinds = {name: kind for kind, name in symbols}
        for name in ("SHA256_Init", "SHA256_Update", "SHA256_Final"):
            self.assertEqual(kinds.get(name), "t", name + " is not a local function")

    def test_nothing_of_openssl_is_exported(self):
        own = exported(PROGRAM)
        for name in ("libcrypto.so.3", "libssl.so.3"):
            with self.subTest(name):
                others = exported(libraries(PROGRAM)[name])
                self.assertTrue(others & {"SHA256_Update", "SSL_read"}, "the wrong library, or it was not read")
                self.assertEqual(own & others, set())

    def test_nothing_of_boringssl_is_exported(self):
        name = re.compile(r"(SHA(1|224|256|384|512)_|EVP_|CRYPTO_|OPENSSL_|BORINGSSL_|_ZN4bssl)")
        self.assertEqual([each for each in exported(PROGRAM) if name.match(each)], [])


if __name__ == "__main__":
    unittest.main()

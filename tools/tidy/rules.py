"""The house rules that tools/tidy holds, as data. docs/contributing.md says them in words."""

import re

LINES_IN_FILE = 500
LINES_IN_FUNCTION = 70
LINE_LENGTH = 120

# Tests that hold sources of other languages as strings.
LONG_LINES = ("tests/acceptance/", "tests/faults/")

# What may be longer than that, and how long it is now. These numbers only go down: an entry that is larger than the
# file or function it names is a mistake, too. "path" for a file, "path:first line of the function" for a function.
LONGER = {}

CODE = (".cc", ".h", ".py", ".bzl", ".sh", ".proto", ".bazel", ".go")
C_PLUS_PLUS = (".cc", ".h")

# What Go's own formatter writes with tabs.
WITH_TABS = (".go", "/go.mod")

# Not ours to shape: generated, recorded or foreign bytes.
SKIPPED_DIRECTORIES = {".git", ".cache", "__pycache__", "target", "testdata", "corpus", "performance"}
SKIPPED_FILES = {"LICENSE"}
SKIPPED_SUFFIXES = (".lock", ".svg", ".png", ".bin", ".patch")

# Words that say nothing, in the names of files and of types.
BANNED_NAME_WORDS = {"manager", "helper", "helpers", "util", "utils", "misc"}

# (what, pattern). The patterns are written so that this file does not match them.
BANNED_TEXT = (
    ("a note to do something later", re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X)\b")),
    ("a path of one machine", re.compile(r"/wor[k]/(main|shared|\.)|/roo[t]/\.")),
)

# station -> the stations whose headers it may include besides its own. Files that are tests, and directories named
# testing, are not held to this.
LAYERS = {
    "src/base": (),
    "src/wire": ("src/base",),
    "src/wrapper": ("src/wire",),
    "src/observer": ("src/base",),
    "src/config": ("src/base",),
    "src/metrics": ("src/base",),
    "src/digest": ("src/base",),
    "src/compilers": ("src/base",),
    "src/reapi": ("src/base", "src/digest"),
    "src/action": ("src/base", "src/compilers", "src/digest", "src/observer", "src/reapi"),
    "src/store": ("src/base", "src/digest", "src/reapi"),
    "src/auth": ("src/base", "src/digest"),
    "src/services": ("src/auth", "src/base", "src/digest", "src/metrics", "src/reapi", "src/store"),
    "src/status": ("src/base", "src/metrics"),
    "src/daemon": (
        "src/action",
        "src/base",
        "src/compilers",
        "src/config",
        "src/digest",
        "src/metrics",
        "src/observer",
        "src/reapi",
        "src/store",
        "src/wire",
    ),
    "src/cmd": ("src",),
    "src/testing": ("src/base", "src/digest"),
}

# Single headers that a station may include beyond LAYERS.
ALSO_ALLOWED = {
    "src/config": ("src/auth/auth_options.h", "src/store/s3/s3_options.h"),
    "src/wrapper": ("src/base/unique_fd.h",),
    "src/wire": ("src/base/unique_fd.h",),
}

# Stations held to those single headers of src/base alone: what the wrapper links must stay small.
ONLY_SINGLE_HEADERS = {"src/wire": ("src/base",)}

# third-party library -> (pattern of its headers, where they may be included). Tests of a station count as the station.
THIRD_PARTY = {
    "BoringSSL": (r"openssl/", ("src/digest/", "src/auth/")),
    "RocksDB": (r"rocksdb/", ("src/store/database/", "src/store/local/", "src/store/rocks/")),
    "libmicrohttpd": (r"microhttpd\.h", ("src/status/",)),
    "libcurl": (r"curl/", ("src/store/s3/", "src/auth/")),
    "pugixml": (r"pugixml\.hpp", ("src/store/s3/",)),
    "gRPC": (
        r"grpc(pp)?/",
        ("src/cmd/", "src/services/", "src/store/remote/", "src/executor/", "tests/digest_beside_grpc/",
         "tools/bench/server/"),
    ),
    "toml11": (r"toml(11)?(\.hpp|/)", ("src/config/",)),
    "nlohmann-json": (
        r"nlohmann/",
        ("src/auth/", "src/compilers/", "src/config/", "src/daemon/", "src/status/", "src/store/s3/", "tests/"),
    ),
    "zstd": (r"zstd\.h", ("src/base/", "src/services/", "src/store/")),
    "Protobuf": (
        r"google/protobuf/|.*\.pb\.h",
        ("src/action/", "src/cmd/", "src/daemon/", "src/reapi/", "src/services/", "src/store/", "tests/"),
    ),
}

# These link into the wrapper or into foreign programs: nothing but the standard library and the system.
WITHOUT_LIBRARIES = ("src/wire/", "src/wrapper/", "src/observer/hook", "src/observer/record", "src/observer/objects")
LIBRARIES = re.compile(r"(absl|fmt|glog|grpc(pp)?|google|nlohmann|openssl|rocksdb)/|toml\.hpp|zstd\.h|.*\.pb\.h")

# Pure: no disk, network, clock or thread. station -> headers that would bring one in.
PURE = {
    "src/compilers": re.compile(r"(unistd|fcntl|dirent|pthread|netdb)\.h|sys/.*|fstream|filesystem|thread|mutex"),
}

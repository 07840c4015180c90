"""Suites that run the real cargo, smelt and smeltd."""

PROGRAMS = [
    "//src/cmd:smelt",
    "//src/cmd:smeltd",
    "//src/observer:libsmelt_observer.so",
]

def cargo_suite(name, size = "large", data = []):
    """The unittest file NAME.py as a test. It needs cargo, rustc and cc on PATH, and says so when it skips."""
    native.sh_test(
        name = name,
        size = size,
        srcs = ["//tests/acceptance:run_suite.sh"],
        args = ["$(location %s.py)" % name] + ["$(location %s)" % p for p in PROGRAMS],
        data = [name + ".py", "//tests/acceptance:harness.py"] + PROGRAMS + data,
        # cargo's and rustup's own directories are not inputs; two suites at once would only slow each other down.
        tags = ["local", "no-sandbox", "exclusive"],
    )

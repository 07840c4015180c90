"""What one hit costs: the wrapper alone, called as cargo calls it, with nothing else running."""

import json
import os
import sys
import time

import process

# A RUSTC_WRAPPER that writes down each call and then is the compiler.
_RECORDER = """#!%s
import json, os, sys
call = {"command": sys.argv[1:], "directory": os.getcwd(), "environment": dict(os.environ)}
with open(os.path.join(%r, "%%d.json" %% os.getpid()), "w", encoding="utf-8") as file:
    json.dump(call, file)
os.execvp(sys.argv[1], sys.argv[1:])
"""

# Cargo's jobserver is gone when the call is repeated, and the recorder is not what RUSTC_WRAPPER shall name.
_LEFT_OUT = ("CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS", "RUSTC_WRAPPER")


def is_library(command):
    """Whether the compile is one of a plain library: what almost every hit is."""
    pairs = list(zip(command, command[1:]))
    kinds = {value for flag, value in pairs if flag == "--crate-type"}
    return bool(kinds) and kinds <= {"lib", "rlib"} and "--out-dir" in command


def record(plain, checkout, directory, log):
    """Builds once and returns the calls for libraries: dictionaries with command, directory and environment."""
    directory.mkdir(parents=True, exist_ok=True)
    recorder = directory / "recorder"
    recorder.write_text(_RECORDER % (sys.executable, str(directory)), encoding="utf-8")
    recorder.chmod(0o755)
    checkout.remove_target()
    environment = {**plain.environment(checkout), "RUSTC_WRAPPER": str(recorder)}
    process.run(["cargo", "build", "--locked", "--offline"], checkout.directory, environment, log)
    calls = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(directory.glob("*.json"))]
    calls = [call for call in calls if is_library(call["command"])]
    if not calls:
        raise process.CommandFailed("no library was compiled in %s: nothing to time" % checkout.directory)
    return calls


def replay(cache, call, repeats):
    """The costs of `repeats` calls, after one that is not counted."""
    kept = {name: value for name, value in call["environment"].items() if name not in _LEFT_OUT}
    environment = {**kept, **cache.private_variables()}
    command = [cache.wrapper()] + call["command"]
    return [_call(command, call["directory"], environment) for _ in range(repeats + 1)][1:]


def _call(command, directory, environment):
    os.chdir(directory)
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    started = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment, file_actions=quiet)
    _, status, used = os.wait4(pid, 0)
    wall = time.perf_counter() - started
    if status != 0:
        raise process.CommandFailed("`%s` in %s ended with %d" % (" ".join(command), directory, status))
    return process.Cost(wall, used.ru_utime + used.ru_stime)

"""The caches that are compared: how cargo is run with each, in a cache directory of its own."""

import json
import pathlib
import shutil
import subprocess

import process
import workload
from server import servers


class Cache:
    """Plain cargo; the others differ from it in a few methods.

    directory: all that the cache keeps, removed by reset(). replays: a warm build is worth measuring. per_path: what it
    keeps is worth nothing in another checkout.
    """

    name = "plain"
    title = "plain cargo"
    replays = False
    per_path = False

    def __init__(self, scratch):
        self.directory = pathlib.Path(scratch) / "caches" / self.name

    def cargo(self):
        return ["cargo"]

    def wrapper(self):
        """The RUSTC_WRAPPER, or None for a cache that does not work as one."""
        return None

    def variables(self):
        return {}

    def private_variables(self):
        """Variables that keep the cache away from the user's own settings and state."""
        if not self.replays:
            return {}
        kinds = ("CACHE", "CONFIG", "STATE", "DATA")
        return {**{"XDG_%s_HOME" % kind: str(self.directory / kind.lower()) for kind in kinds}, **self.variables()}

    def environment(self, checkout):
        # An empty wrapper is "none": it overrides build.rustc-wrapper in cargo's configuration.
        return {**checkout.environment(), "RUSTC_WRAPPER": self.wrapper() or "", **self.private_variables()}

    def reset(self):
        self.stop()
        if self.directory.exists():
            shutil.rmtree(self.directory)
        self.directory.mkdir(parents=True)

    def stop(self):
        """Ends the cache's daemon, if it has one."""

    def statistics(self):
        """What the cache says of itself since reset(): a dictionary with at least hits and misses, or None."""
        return None

    def build(self, checkout, log, extra=()):
        command = self.cargo() + ["build", "--locked", "--offline"] + list(extra)
        return process.run(command, checkout.directory, self.environment(checkout), log)

    def _ask(self, command):
        environment = {**workload.base_environment(), **self.private_variables()}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None


class Wrapper(Cache):
    """A cache that is cargo's RUSTC_WRAPPER, or stands in front of cargo: a program of its own."""

    replays = True

    def __init__(self, scratch, program):
        super().__init__(scratch)
        self.program = str(program)

    def wrapper(self):
        return self.program


class Smelt(Wrapper):
    name = "smelt"
    title = "smelt"

    def __init__(self, scratch, program, machine="", shared=None):
        """`machine` tells one machine's daemon from another's; `shared` are variables that say what they share."""
        super().__init__(scratch, program)
        self.directory = self.directory.with_name(self.name + machine)
        self.shared = shared or {}

    def variables(self):
        return {"SMELT_DIR": str(self.directory), **self.shared}

    def stop(self):
        if self.directory.exists():
            self._ask([self.program, "stop"])

    def flush(self):
        """Waits until everything is uploaded; False if it cannot be."""
        return self._ask([self.program, "flush"]) is not None

    def statistics(self):
        text = self._ask([self.program, "stats", "--json"])
        return json.loads(text) if text else None


class Floor(Wrapper):
    """Replays recorded compiler calls and looks at nothing; see floor_wrapper.cc."""

    name = "floor"
    title = "floor"
    per_path = True

    def variables(self):
        return {"FLOOR_DIRECTORY": str(self.directory)}


class Sccache(Wrapper):
    name = "sccache"
    title = "sccache"

    def __init__(self, scratch, program):
        super().__init__(scratch, program)
        self.port = servers.free_port()

    def variables(self):
        return {
            "SCCACHE_DIR": str(self.directory / "store"),
            "SCCACHE_CACHE_SIZE": "50G",
            "SCCACHE_SERVER_PORT": str(self.port),
            "SCCACHE_CONF": str(self.directory / "none.toml"),
        }

    def stop(self):
        self._ask([self.program, "--stop-server"])

    def statistics(self):
        text = self._ask([self.program, "--show-stats", "--stats-format=json"])
        if not text:
            return None
        stats = json.loads(text)["stats"]
        counts = {key: sum(stats["cache_" + key]["counts"].values()) for key in ("hits", "misses")}
        return {**counts, "refused": sum(stats["not_cached"].values())}


class Kache(Wrapper):
    name = "kache"
    title = "kache"

    def variables(self):
        return {
            "KACHE_CACHE_DIR": str(self.directory / "store"),
            "KACHE_RUNTIME_DIR": str(self.directory / "run"),
            "KACHE_CONFIG": str(self.directory / "none.toml"),
        }

    def stop(self):
        if self.directory.exists():
            self._ask([self.program, "daemon", "stop"])


class Mbx(Wrapper):
    """Is not a wrapper but a cargo in front of cargo; its managed target directories are switched off."""

    name = "mbx"
    title = "mbx"

    def wrapper(self):
        return None

    def cargo(self):
        return [self.program]

    def environment(self, checkout):
        environment = super().environment(checkout)
        del environment["RUSTC_WRAPPER"]
        return environment

    def variables(self):
        return {
            "MBX_CACHE_DIR": str(self.directory / "store"),
            "MBX_SCHED_DIR": str(self.directory / "sched"),
            "MBX_TARGET_VIEWS": "false",
            "MBX_DISPLAY": "plain",
        }


RIVALS = (Sccache, Kache, Mbx)


def installed_rivals(scratch):
    """Those of the other caches that are on PATH or in cargo's bin directory."""
    found = []
    for rival in RIVALS:
        program = shutil.which(rival.name) or shutil.which(rival.name, path=str(workload.default_cargo_home() / "bin"))
        if program:
            found.append(rival(scratch, program))
    return found


def version_of(cache):
    program = getattr(cache, "program", "cargo")
    if cache.name == "floor":
        return "tools/bench/floor_wrapper.cc"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return (done.stdout.strip() or done.stderr.strip()).split("\n")[0]

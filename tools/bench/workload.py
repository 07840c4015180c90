"""What is built: a checkout of a cargo package, and a second one with a cargo home of its own."""

import os
import pathlib
import shutil
import subprocess
import tomllib

from process import CommandFailed

NAMED = {"tokio": "tokio-app", "deltalake": "deltalake"}

# Set by the user for their own builds; here they would decide what is measured.
_CLEARED = (
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_INCREMENTAL",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_MAKEFLAGS",
    "MAKEFLAGS",
    "MFLAGS",
    "SMELT_SOCKET",
)


def source_of(name):
    """The directory of a named workload or of a path. Raises CommandFailed if it cannot be built from."""
    root = pathlib.Path(__file__).resolve().parents[2]
    path = root / "tests" / "workloads" / NAMED[name] if name in NAMED else pathlib.Path(name).resolve()
    if not (path / "Cargo.toml").is_file():
        raise CommandFailed("%s: no Cargo.toml there (workloads by name: %s)" % (path, ", ".join(sorted(NAMED))))
    if not (path / "Cargo.lock").is_file():
        raise CommandFailed("%s: no Cargo.lock there; `cargo generate-lockfile` makes one" % path)
    return path


def locked_packages(lock_text):
    """(name, version) of each package of a Cargo.lock that comes from a registry."""
    packages = tomllib.loads(lock_text).get("package", [])
    return [(p["name"], p["version"]) for p in packages if p.get("source", "").startswith(("registry+", "sparse+"))]


def base_environment():
    environment = {name: value for name, value in os.environ.items() if name not in _CLEARED}
    environment["CARGO_TERM_COLOR"] = "never"
    environment["CARGO_TERM_PROGRESS_WHEN"] = "never"
    return environment


def default_cargo_home():
    return pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo")


class Checkout:
    """A copy of the workload's source in a directory of its own, built with one cargo home."""

    def __init__(self, source, directory, cargo_home=None):
        self.directory = pathlib.Path(directory)
        self.cargo_home = cargo_home
        skipped = shutil.ignore_patterns("target", ".git")
        shutil.copytree(source, self.directory, ignore=skipped, symlinks=True)

    @property
    def target(self):
        return self.directory / "target"

    def environment(self):
        environment = base_environment()
        if self.cargo_home:
            environment["CARGO_HOME"] = str(self.cargo_home)
        return environment

    def remove_target(self):
        if self.target.exists():
            shutil.rmtree(self.target)

    def fetch(self, offline=False):
        command = ["cargo", "fetch", "--locked"] + (["--offline"] if offline else [])
        done = subprocess.run(
            command, cwd=self.directory, env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            where = "" if offline else "\nIs the package registry reachable? See [source] and [http] in cargo's config."
            raise CommandFailed("`%s` failed in %s:\n%s%s" % (" ".join(command), self.directory, done.stderr, where))

    def programs(self):
        """The executables that a build has put into target/debug."""
        debug = self.target / "debug"
        found = sorted(debug.iterdir()) if debug.is_dir() else []
        return [path for path in found if path.is_file() and not path.suffix and os.access(path, os.X_OK)]


def copy_cargo_home(lock_text, home, original=None):
    """Makes `home` a cargo home that has the packages of a Cargo.lock; cargo unpacks them there anew, offline."""
    original = original or default_cargo_home()
    home.mkdir(parents=True)
    for name in ("config.toml", "config"):
        if (original / name).is_file():
            shutil.copy2(original / name, home / name)
    index = original / "registry" / "index"
    if index.is_dir():
        shutil.copytree(index, home / "registry" / "index", symlinks=True)
    for registry in sorted((original / "registry" / "cache").glob("*")):
        copied = home / "registry" / "cache" / registry.name
        copied.mkdir(parents=True)
        for name, version in locked_packages(lock_text):
            package = registry / ("%s-%s.crate" % (name, version))
            if package.is_file():
                shutil.copy2(package, copied / package.name)
    if (original / "git").is_dir():
        shutil.copytree(original / "git", home / "git", symlinks=True)
    return home


def prepare(source, scratch, others=1):
    """A checkout of `source` below `scratch` and a list of others, each with its own cargo home; all is fetched."""
    first = Checkout(source, scratch / "first" / source.name)
    first.fetch()
    lock_text = (source / "Cargo.lock").read_text(encoding="utf-8")
    elsewhere = []
    for number in range(others):
        home = copy_cargo_home(lock_text, scratch / ("cargo-home-%d" % (number + 2)))
        other = Checkout(source, scratch / "elsewhere" / ("checkout-%d" % (number + 2)) / source.name, home)
        other.fetch(offline=True)
        elsewhere.append(other)
    return first, elsewhere


def checkouts_beside(source, scratch, count):
    """Checkouts of `source` that use the user's cargo home, as the first one of prepare() does."""
    return [Checkout(source, scratch / "beside" / ("checkout-%d" % number) / source.name) for number in range(count)]

#!/usr/bin/env python3
"""The demonstration: the same graph of crates built plain, cold, warm and from elsewhere. Started by tools/demo."""

import argparse
import collections
import pathlib
import shutil
import subprocess
import sys
import tempfile

import bucket
import caches
import process
import workload

Row = collections.namedtuple("Row", "title cost statistics")


def say(text):
    print(text, flush=True)


def number(value):
    return "" if value is None else "{:,}".format(value)


def size(value):
    if value is None:
        return ""
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return "%.0f %s" % (value, unit)
        value /= 1000
    return "%.1f GB" % value


def difference(after, before):
    """What the daemon counted between two of its statistics; numbers only, tables by reason likewise."""
    result = {}
    for key, value in after.items():
        old = (before or {}).get(key)
        if isinstance(value, dict):
            result[key] = {k: v for k, v in difference(value, old if isinstance(old, dict) else {}).items() if v}
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            result[key] = value - (old or 0)
    return result


def table(rows):
    """The rows as aligned text."""
    cells = [("", "wall", "CPU", "hits", "misses", "refused", "restored", "stored")]
    for row in rows:
        counted = row.statistics or {}
        costs = ("%.1f s" % row.cost.wall, "%.1f s" % row.cost.cpu)
        counts = tuple(number(counted.get(key)) for key in ("hits", "misses", "refused"))
        sizes = tuple(size(counted.get(key)) for key in ("bytes_restored", "bytes_stored"))
        cells.append((row.title,) + costs + counts + sizes)
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    return "\n".join(
        line[0].ljust(widths[0]) + "".join("  " + cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))
        for line in cells
    )


def reasons(rows):
    """Lines that say why something was not a hit, per kind and reason."""
    lines = []
    for row in rows:
        for kind, title in (("refusals", "refused"), ("not_stored", "not stored")):
            for reason, count in sorted(((row.statistics or {}).get(kind) or {}).items()):
                lines.append("  %s: %s, %s: %d" % (row.title, title, reason, count))
    return lines


class Demo:
    def __init__(self, first, second, scratch, program):
        self.first = first
        self.second = second
        self.log = scratch / "build.log"
        self.plain = caches.Cache(scratch)
        self.smelt = caches.Smelt(scratch, program)
        self.rows = []
        self.problems = []

    def build(self, title, cache, checkout):
        checkout.remove_target()
        before = cache.statistics() if cache is self.smelt and self.rows[1:] else None
        cost = cache.build(checkout, self.log)
        after = cache.statistics()
        self.rows.append(Row(title, cost, difference(after, before) if after else None))
        say("  %-42s %8.1f s" % (title, cost.wall))
        if not checkout.target.is_dir():
            raise process.CommandFailed(
                "cargo's output is not in %s: is there a build.target-dir in its configuration?" % checkout.target
            )
        self._check_fresh(title, cache, checkout)

    def _check_fresh(self, title, cache, checkout):
        cache.build(checkout, self.log)
        if "Compiling" in process.tail(self.log, 1000):
            found = process.tail(self.log)
            self.problems.append("%s: a further `cargo build` found something to do:\n%s" % (title, found))

    def check_programs(self, checkout):
        """Runs what was built, and returns the names."""
        programs = checkout.programs()
        for program in programs:
            done = subprocess.run([str(program), "--help"], capture_output=True, stdin=subprocess.DEVNULL, check=False)
            if done.returncode < 0:
                self.problems.append("%s died of signal %d" % (program, -done.returncode))
        return [program.name for program in programs]

    def run(self):
        self.build("plain cargo", self.plain, self.first)
        self.smelt.reset()
        self.build("smelt, empty cache", self.smelt, self.first)
        self.build("smelt, target directory removed", self.smelt, self.first)
        ran = self.check_programs(self.first)
        self.build("smelt, another checkout and cargo home", self.smelt, self.second)
        ran += self.check_programs(self.second)
        if not self.rows[-2].statistics or not self.rows[-2].statistics.get("hits"):
            self.problems.append("the warm build hit nothing: see the log of the daemon, %s" % self.smelt.directory)
        return ran


    def share(self, scratch, program, gateway):
        """What one machine built is a hit on others: through a server, and from the bucket behind it."""
        services = [bucket.Gateway(scratch, gateway)]
        try:
            full = bucket.Server(pathlib.Path(program).parent, scratch, "full", services[0])
            services.append(full)
            first = self._machine("a machine that shares a server", full, scratch, program, "-first")
            if not first.flush():
                self.problems.append("`smelt flush` could not bring everything to the server")
            full.await_bucket()
            self._machine("another machine, through the server", full, scratch, program, "-second", hits=True)
            empty = bucket.Server(pathlib.Path(program).parent, scratch, "empty", services[0])
            services.append(empty)
            self._machine("through a server with an empty disk", empty, scratch, program, "-third", hits=True)
        finally:
            for service in reversed(services):
                service.end()

    def _machine(self, title, server, scratch, program, name, hits=False):
        """A build by a machine that has nothing of its own."""
        shared = {"SMELT_REMOTE_ENDPOINT": "grpc://127.0.0.1:%d" % server.port}
        machine = caches.Smelt(scratch, program, name, shared)
        machine.reset()
        self.build(title, machine, self.second)
        if hits and self.rows[-1].statistics.get("misses"):
            self.problems.append("%s: not everything was a hit" % title)
        return machine


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tools/demo")
    parser.add_argument("--smelt", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--workload", default="tokio", help="tokio, deltalake or the path of a cargo package")
    parser.add_argument("--s3", action="store_true", help="share by a server with a bucket behind it, too")
    parser.add_argument("--keep", action="store_true", help="keep the scratch directory")
    return parser.parse_args(arguments)


def show(demo, ran):
    plain = demo.rows[0].cost.wall
    say("\n" + table(demo.rows))
    for line in reasons(demo.rows):
        say(line)
    say("\nWarm is %.1f times as fast as plain cargo, from elsewhere %.1f times."
        % (plain / demo.rows[2].cost.wall, plain / demo.rows[3].cost.wall))
    say("A further `cargo build` after each found nothing to do: %s." % ("no, see below" if demo.problems else "yes"))
    if ran:
        say("Programs built from the cache were run: %s." % ", ".join(sorted(set(ran))))
    for problem in demo.problems:
        say("PROBLEM: " + problem)


def main(arguments):
    options = parse(arguments)
    process.adopt_orphans()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="smelt-demo.")).resolve()
    try:
        source = workload.source_of(options.workload)
        if options.s3 and not bucket.find_gateway():
            raise process.CommandFailed("neither versitygw nor minio is on PATH or in Go's bin directory")
        say("Workload: %s\nFetching its packages" % source)
        first, others = workload.prepare(source, scratch)
        demo = Demo(first, others[0], scratch, options.smelt)
        say("Building")
        ran = demo.run()
        demo.smelt.stop()
        if options.s3:
            demo.share(scratch, options.smelt, bucket.find_gateway())
        show(demo, ran)
        return 1 if demo.problems else 0
    except (process.CommandFailed, OSError) as error:
        print("error: %s" % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    finally:
        process.stop_descendants()
        if options.keep:
            say("Kept: %s" % scratch)
        else:
            shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

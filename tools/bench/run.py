#!/usr/bin/env python3
"""Measures smelt side by side with plain cargo, other caches where they are installed, and the floor.

Usually started by tools/bench/bench, which builds what is measured. Prints a Markdown table; writes it as bench.md,
with bench.json and bench.svg, into --output.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

import caches
import chart
import process
import report
import scenarios
import workload

_SCENARIOS = ("build", "edit", "hit")


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tools/bench/bench", description=__doc__.split("\n")[0])
    parser.add_argument("--smelt", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--floor", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--workload", default="tokio", help="tokio, deltalake or the path of a cargo package")
    parser.add_argument("--only", default="", help="caches to compare, with commas; default: all that are installed")
    parser.add_argument("--scenarios", default=",".join(_SCENARIOS), help="of %s" % ", ".join(_SCENARIOS))
    parser.add_argument("--rounds", type=int, default=3, help="cold builds per cache")
    parser.add_argument("--warm", type=int, default=3, help="warm builds of each kind per cold build")
    parser.add_argument("--edits", type=int, default=6, help="one-line edits per cache")
    parser.add_argument("--functions", type=int, default=300, help="functions added to the crate that is edited")
    parser.add_argument("--repeats", type=int, default=5, help="calls per command line, for single hits")
    parser.add_argument("--scratch", help="directory for checkouts and caches; default: a temporary one")
    parser.add_argument("--keep", action="store_true", help="keep the scratch directory")
    parser.add_argument("--output", help="directory for bench.json, bench.md and bench.svg; default: the current one")
    parser.add_argument("--publish", action="store_true", help="write into docs/performance, named after the workload")
    return parser.parse_args(arguments)


def machine():
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "")
    return {
        "cpus": "%d %s" % (os.cpu_count(), model),
        "kernel": platform.release(),
        "rustc": rustc.removeprefix("rustc "),
        "date": datetime.date.today().isoformat(),
        "load before": "%.1f" % os.getloadavg()[0],
    }


def chosen(all_caches, only):
    names = {cache.name for cache in all_caches}
    wanted = set(filter(None, only.split(","))) or names
    if wanted - names:
        raise process.CommandFailed("not installed, or unknown: %s" % ", ".join(sorted(wanted - names)))
    return [cache for cache in all_caches if cache.name in wanted]


def say(line):
    print(line, file=sys.stderr, flush=True)


def measure(options, scratch):
    source = workload.source_of(options.workload)
    plain = caches.Cache(scratch)
    floor = caches.Floor(scratch, options.floor)
    smelt = caches.Smelt(scratch, options.smelt)
    compared = chosen([plain, floor, smelt] + caches.installed_rivals(scratch), options.only)
    first, elsewhere = workload.prepare(source, scratch, max(1, options.warm))
    checkouts = workload.checkouts_beside(source, scratch, max(1, options.warm))
    wanted = options.scenarios.split(",")
    described = machine()
    bench = scenarios.Bench(first, checkouts, elsewhere, scratch, say)
    if "build" in wanted:
        bench.cold_and_warm(compared, options.rounds, options.warm)
    if "edit" in wanted:
        bench.edit([cache for cache in compared if cache is not floor], options.edits, options.functions)
    if "hit" in wanted:
        bench.hit(compared, plain, options.repeats, scratch)
    return {
        "workload": source.name,
        "machine": described,
        "versions": {cache.name: caches.version_of(cache) for cache in compared},
        "summary": report.with_ratios(report.medians(bench.samples.by_scenario)),
        "statistics": bench.samples.statistics,
        "samples": bench.samples.by_scenario,
    }


def write(result, directory, stem):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / (stem + ".json")).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (directory / (stem + ".md")).write_text(report.markdown(result), encoding="utf-8")
    (directory / (stem + ".svg")).write_text(chart.svg(result), encoding="utf-8")
    say("written: %s/%s.{json,md,svg}" % (directory, stem))


def main(arguments):
    options = parse(arguments)
    here = pathlib.Path.cwd()
    process.adopt_orphans()
    scratch = pathlib.Path(options.scratch or tempfile.mkdtemp(prefix="smelt-bench.")).resolve()
    try:
        result = measure(options, scratch)
        print(report.markdown(result))
        if options.publish:
            root = pathlib.Path(__file__).resolve().parents[2]
            write(result, root / "docs" / "performance", result["workload"])
        else:
            write(result, pathlib.Path(here / options.output if options.output else here), "bench")
        return 0
    except (process.CommandFailed, OSError) as error:
        say("error: %s" % error)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    finally:
        process.stop_descendants()
        os.chdir(here)
        if options.keep:
            say("kept: %s" % scratch)
        elif not options.scratch:
            shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

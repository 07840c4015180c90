"""Loads smelt-server and, where it is given, bazel-remote with the same calls; writes JSON, Markdown and SVG."""

import argparse
import json
import pathlib
import platform
import subprocess
import sys
import tempfile

import chart
import servers

PHASES = (
    "small writes", "mixed writes", "streamed small writes", "small reads", "mixed reads", "streamed small reads",
    "find missing", "action writes", "action lookups", "large writes", "large reads", "slow streams",
)
# These are about bytes, the others about calls or, where a call is about many, items.
BY_BYTES = ("large writes", "large reads", "slow streams")


def rate(sample):
    """Items or MB per second."""
    if not sample["wall"]:
        return 0.0
    return sample["bytes"] / 1e6 / sample["wall"] if sample["phase"] in BY_BYTES else sample["items"] / sample["wall"]


def cpu_each(sample, field):
    """Microseconds of CPU time for each item or MB."""
    count = sample["bytes"] / 1e6 if sample["phase"] in BY_BYTES else sample["items"]
    return sample[field] / count * 1e6 if count else 0.0


def unit(phase):
    return "MB/s" if phase in BY_BYTES else "/s"


def measure(server, load, phases, arguments):
    """The samples of the phases, by name."""
    samples = {}
    for phase in phases:
        server.reset_peak()
        cpu = server.cpu_seconds()
        command = [load, "--target", server.target, "--only", phase] + arguments
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        sample = json.loads(done.stdout)
        sample["client_cpu"] = sample["cpu"]
        sample["cpu"] = server.cpu_seconds() - cpu
        sample["peak_bytes"] = server.peak_bytes()
        sample["rate"] = rate(sample)
        samples[phase] = sample
        print("%-13s %-22s %10.0f %-5s p50 %7.2f ms  p99 %7.2f ms  CPU %6.2f s  peak %5.0f MB  failures %d %s" % (
            server.name, phase, sample["rate"], unit(phase), sample["p50"] * 1e3, sample["p99"] * 1e3, sample["cpu"],
            sample["peak_bytes"] / 1e6, sample["failures"], sample["failure"]), file=sys.stderr, flush=True)
    return samples


def chosen(rounds, take="median"):
    """Of each phase the round whose rate is the median or, on a machine that others use as well, the best."""
    place = {"median": len(rounds) // 2, "best": -1}[take]
    return {phase: sorted((one[phase] for one in rounds), key=lambda s: s["rate"])[place] for phase in rounds[0]}


def markdown(result):
    names = list(result["servers"])
    lines = ["# Servers under load", ""] + ["%s: %s  " % item for item in result["machine"].items()] + [""]
    lines.append("CPU: microseconds for each item or MB, of the server and of the load generator.")
    lines.append("")
    lines.append("| | server | rate | p50 | p99 | CPU | CPU of the load | peak memory | failures | to bazel-remote |")
    lines.append("|---|---|" + "--:|" * 8)
    for phase in result["servers"][names[0]]:
        for name in names:
            sample = result["servers"][name][phase]
            other = result["servers"].get("bazel-remote", {}).get(phase)
            compared = other and other["rate"] and other is not sample
            ratio = "%.2f" % (sample["rate"] / other["rate"]) if compared else ""
            lines.append("| %s | %s | %.0f %s | %.2f ms | %.2f ms | %.1f | %.1f | %.0f MB | %d | %s |" % (
                phase, name, sample["rate"], unit(phase), sample["p50"] * 1e3, sample["p99"] * 1e3,
                cpu_each(sample, "cpu"), cpu_each(sample, "client_cpu"), sample["peak_bytes"] / 1e6,
                sample["failures"], ratio))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--load", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--server", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--bazel-remote", default="", help="its program; without it smelt-server is alone")
    parser.add_argument("--rounds", type=int, default=1, help="how often each is loaded")
    parser.add_argument("--take", choices=("median", "best"), default="median", help="which round counts, of each "
                        "server and phase")
    parser.add_argument("--phases", default=",".join(PHASES), help="those to run, with commas; what is read must "
                        "have been written; default: all")
    parser.add_argument("--scratch", help="directory for the servers' data; default: a temporary one")
    parser.add_argument("--output", default=".", help="directory for server.json, server.md and server.svg")
    parser.add_argument("load_arguments", nargs="*", help="for the load generator, such as -- --blobs 5000")
    arguments = parser.parse_args()

    phases = arguments.phases.split(",")
    unknown = [phase for phase in phases if phase not in PHASES]
    if unknown:
        parser.error("--phases: no %s; there are: %s" % (", ".join(unknown), ", ".join(PHASES)))

    commands = {"smelt": lambda d, p: servers.smelt_command(arguments.server, d, p)}
    if arguments.bazel_remote:
        commands["bazel-remote"] = lambda d, p: servers.bazel_remote_command(arguments.bazel_remote, d, p)
    rounds = {name: [] for name in commands}
    with tempfile.TemporaryDirectory(dir=arguments.scratch, prefix="smelt-server-bench-") as scratch:
        for number in range(arguments.rounds):
            for name in list(commands)[:: -1 if number % 2 else 1]:
                with servers.Server(name, commands[name], pathlib.Path(scratch) / name) as server:
                    rounds[name].append(measure(server, arguments.load, phases, arguments.load_arguments))
    result = {
        "machine": {"processor": platform.processor() or platform.machine(), "kernel": platform.release()},
        "servers": {name: chosen(all_rounds, arguments.take) for name, all_rounds in rounds.items()},
    }
    output = pathlib.Path(arguments.output)
    (output / "server.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (output / "server.md").write_text(markdown(result), encoding="utf-8")
    (output / "server.svg").write_text(chart.svg(result, phases, unit), encoding="utf-8")
    print("written: %s/server.{json,md,svg}" % output, file=sys.stderr)


if __name__ == "__main__":
    main()

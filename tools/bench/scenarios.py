"""What is measured: the scenarios, each for every cache, interleaved so that a slow minute hits all of them alike."""

import os
import time

import edits
import hits
import process

COLD = "cold"
WARM = "warm"
CHECKOUT = "checkout"
ELSEWHERE = "elsewhere"
FIRST_EDIT = "first edit"
LATER_EDITS = "later edits"
HIT = "hit"

SETTLE_SECONDS = 1  # between builds
EDITING_SECONDS = 4  # between a build and the next edit: nobody is faster

TITLES = {
    COLD: "cold: an empty cache",
    WARM: "warm: target directory removed",
    CHECKOUT: "warm: another checkout",
    ELSEWHERE: "warm: another checkout, another cargo home",
    FIRST_EDIT: "one-line edit: the first",
    LATER_EDITS: "one-line edit: later ones",
    HIT: "one hit, wrapper only",
}


class Samples:
    """by_scenario[scenario][cache name] is a list of {"wall": seconds, "cpu": seconds}."""

    def __init__(self):
        self.by_scenario = {}
        self.statistics = {}  # cache name -> scenario -> what the cache said of itself after it

    def add(self, scenario, cache, cost):
        costs = self.by_scenario.setdefault(scenario, {}).setdefault(cache.name, [])
        costs.append({"wall": cost.wall, "cpu": cost.cpu})

    def note(self, scenario, cache):
        statistics = cache.statistics()
        if statistics is not None:
            self.statistics.setdefault(cache.name, {})[scenario] = statistics


class Bench:
    """Runs scenarios over a checkout, others beside it, and others that have cargo homes of their own.

    `say` is called with a line for a person after each measurement.
    """

    def __init__(self, first, checkouts, elsewhere, scratch, say):
        self.first = first
        self.others = {CHECKOUT: checkouts, ELSEWHERE: elsewhere}
        self.log = scratch / "build.log"
        self.say = say
        self.samples = Samples()

    def _build(self, cache, checkout):
        checkout.remove_target()
        # What was removed or written before, or is still done behind an earlier build, is not to be paid for by this
        # one, as it is not when a person builds.
        os.sync()
        time.sleep(SETTLE_SECONDS)
        return cache.build(checkout, self.log)

    def _measure(self, scenario, cache, checkout):
        cost = self._build(cache, checkout)
        self.samples.add(scenario, cache, cost)
        self.say("%-10s %-11s %8.2f s wall %8.2f s CPU" % (cache.name, scenario, cost.wall, cost.cpu))

    def cold_and_warm(self, caches, rounds, warm_builds):
        """`rounds` times, for each cache: one cold build, then `warm_builds` of each kind of warm build."""
        for number in range(rounds):
            for cache in rotated(caches, number):
                cache.reset()
                self._measure(COLD, cache, self.first)
                self.samples.note(COLD, cache)
                if cache.replays:
                    self._warm(cache, warm_builds)
                cache.stop()
                process.stop_descendants()

    def _warm(self, cache, warm_builds):
        for _ in range(warm_builds):
            self._measure(WARM, cache, self.first)
        self.samples.note(WARM, cache)
        self._check_fresh(cache, self.first)
        for scenario, others in self.others.items():
            self._warm_in(scenario, others, cache)

    def _warm_in(self, scenario, others, cache):
        # Each checkout is measured once: a cache that missed there would hit its own result the second time.
        if cache.per_path:
            self._build(cache, others[0])
            others = others[:1] * len(others)
        for other in others:
            self._measure(scenario, cache, other)
            self._check_fresh(cache, other)
        self.samples.note(scenario, cache)

    def _check_fresh(self, cache, checkout):
        """A restored target directory must look finished to cargo."""
        cache.build(checkout, self.log)
        compiled = [line for line in process.tail(self.log, 1000).splitlines() if "Compiling" in line]
        if compiled:
            self.say("%-10s NOT FRESH: a further `cargo build` compiled %d units" % (cache.name, len(compiled)))
            self.samples.statistics.setdefault(cache.name, {})["not fresh"] = len(compiled)

    def edit(self, caches, count, functions):
        """Builds, then edits one line of the workspace's crate and builds again, `count` times, for each cache."""
        for cache in caches:
            cache.reset()
            with edits.EditedCrate(self.first, functions) as crate:
                self._build(cache, self.first)
                for number in range(count):
                    time.sleep(EDITING_SECONDS)
                    crate.edit(number)
                    time.sleep(0.02)  # A later modification time than the outputs', whatever the clock's grain.
                    cost = cache.build(self.first, self.log)
                    self.samples.add(LATER_EDITS if number else FIRST_EDIT, cache, cost)
                    self.say("%-10s edit %-6d %8.2f s wall %8.2f s CPU" % (cache.name, number + 1, cost.wall, cost.cpu))
            cache.stop()
            process.stop_descendants()

    def hit(self, caches, plain, repeats, scratch):
        """The wall time of single wrapper calls that hit, with their outputs lying in the target directory."""
        commands = hits.record(plain, self.first, scratch / "commands", self.log)
        for cache in caches:
            if not cache.wrapper():
                continue
            cache.reset()
            self._build(cache, self.first)
            self._build(cache, self.first)
            for command in commands:
                for cost in hits.replay(cache, command, repeats):
                    self.samples.add(HIT, cache, cost)
            cache.stop()
            process.stop_descendants()
            self.say("%-10s %d calls of %d command lines" % (cache.name, repeats * len(commands), len(commands)))


def rotated(items, number):
    """`items`, beginning with another one each time."""
    start = number % len(items) if items else 0
    return list(items[start:]) + list(items[:start])

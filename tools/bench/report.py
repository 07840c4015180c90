"""From samples to medians, ratios and a Markdown table. Pure."""

import statistics

import scenarios

ORDER = (
    scenarios.COLD,
    scenarios.WARM,
    scenarios.CHECKOUT,
    scenarios.ELSEWHERE,
    scenarios.FIRST_EDIT,
    scenarios.LATER_EDITS,
    scenarios.HIT,
)


def medians(by_scenario):
    """scenario -> cache -> {"wall", "cpu", "p90", "samples"}, seconds."""
    result = {}
    for scenario, by_cache in by_scenario.items():
        for cache, costs in by_cache.items():
            walls = sorted(cost["wall"] for cost in costs)
            result.setdefault(scenario, {})[cache] = {
                "wall": statistics.median(walls),
                "cpu": statistics.median(cost["cpu"] for cost in costs),
                "p90": walls[min(len(walls) - 1, len(walls) * 9 // 10)],
                "samples": len(walls),
            }
    return result


def baseline(summary, scenario, cache):
    """What `cache` costs in `scenario`; plain cargo has no warm build: a cold one is what it does there."""
    found = summary.get(scenario, {}).get(cache)
    if found is None and cache == "plain" and scenario in (scenarios.WARM, scenarios.CHECKOUT, scenarios.ELSEWHERE):
        found = summary.get(scenarios.COLD, {}).get("plain")
    return found


def with_ratios(summary):
    """Adds to_plain, cpu_to_plain and to_floor where there is something to compare with."""
    result = {}
    for scenario, by_cache in summary.items():
        plain = baseline(summary, scenario, "plain")
        floor = by_cache.get("floor")
        for cache, row in by_cache.items():
            row = dict(row)
            if plain and scenario != scenarios.HIT:
                row["to_plain"] = row["wall"] / plain["wall"]
                if plain["cpu"]:
                    row["cpu_to_plain"] = row["cpu"] / plain["cpu"]
            if floor and scenario not in (scenarios.FIRST_EDIT, scenarios.LATER_EDITS):
                row["to_floor"] = row["wall"] / floor["wall"]
            result.setdefault(scenario, {})[cache] = row
    return result


def duration(seconds):
    if seconds < 0.1:
        return "%.2f ms" % (seconds * 1000)
    return "%.2f s" % seconds if seconds < 10 else "%.1f s" % seconds


def ratio(row, name):
    return "%.2f" % row[name] if name in row else ""


def markdown(result):
    """Tables of a result as run.py writes it."""
    lines = ["# %s" % result["workload"], ""]
    lines += ["%s: %s  " % (key, value) for key, value in result["machine"].items()]
    for scenario in ORDER:
        by_cache = result["summary"].get(scenario)
        if not by_cache:
            continue
        lines += ["", "## %s" % scenarios.TITLES[scenario], ""]
        lines.append("| | wall | CPU | wall to plain | CPU to plain | wall to the floor | p90 | samples |")
        lines.append("|---|" + "--:|" * 7)
        for cache, row in by_cache.items():
            cells = [cache, duration(row["wall"]), duration(row["cpu"]), ratio(row, "to_plain")]
            cells += [ratio(row, "cpu_to_plain"), ratio(row, "to_floor"), duration(row["p90"]), str(row["samples"])]
            lines.append("| %s |" % " | ".join(cells))
    notes = ["%s: a further build compiled %d units" % (name, said["not fresh"])
             for name, said in result["statistics"].items() if "not fresh" in said]
    lines += [""] + ["* " + note for note in notes] if notes else []
    return "\n".join(lines) + "\n"

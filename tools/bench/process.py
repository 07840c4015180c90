"""Running a command and saying what it cost: wall time and the CPU time of everything it left running, too.

Start by calling adopt_orphans(): daemons that a build starts then become children of this process, so that their CPU
time can be counted and they can be stopped, by process id and nobody else's.
"""

import collections
import ctypes
import os
import resource
import signal
import subprocess
import time

_PR_SET_CHILD_SUBREAPER = 36
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

# Seconds.
Cost = collections.namedtuple("Cost", "wall cpu")

# What /proc/PID/stat says: ticks are its own and those of the children it has waited for.
Process = collections.namedtuple("Process", "pid parent state ticks")


class CommandFailed(Exception):
    """A command ended badly; says which, where, how, and the end of what it printed."""


def _terminated(number, frame):
    raise KeyboardInterrupt


def adopt_orphans():
    signal.signal(signal.SIGTERM, _terminated)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def parse_stat(text):
    """A line of /proc/PID/stat; the name in parentheses may hold anything."""
    pid = int(text[: text.index(" ")])
    fields = text[text.rindex(")") + 2 :].split()
    return Process(pid, int(fields[1]), fields[0], sum(int(ticks) for ticks in fields[11:15]))


def descendants_of(root, processes):
    """All of `processes` below the process id `root`, parents first."""
    children = collections.defaultdict(list)
    for process in processes:
        children[process.parent].append(process)
    found = []
    waiting = [root]
    while waiting:
        for process in children[waiting.pop()]:
            found.append(process)
            waiting.append(process.pid)
    return found


def _all_processes():
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                    yield parse_stat(file.read())
            except OSError:
                pass  # It has ended.


def descendants():
    return descendants_of(os.getpid(), list(_all_processes()))


def cpu_seconds():
    """CPU time of all that this process ever started, as far as it has used it by now."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = sum(process.ticks for process in descendants())
    return ended.ru_utime + ended.ru_stime + running / _TICKS_PER_SECOND


def _reap():
    for process in descendants():
        if process.parent == os.getpid() and process.state == "Z":
            os.waitpid(process.pid, os.WNOHANG)


def tail(path, lines=25):
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join(collections.deque(file, maxlen=lines))


def run(command, directory, environment, log):
    """Runs `command`, its output into the file `log`, and returns its Cost. Raises CommandFailed."""
    cpu_before = cpu_seconds()
    started = time.monotonic()
    try:
        with open(log, "wb") as output:
            code = subprocess.call(
                command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
    except OSError as error:
        raise CommandFailed("%s: cannot be run: %s" % (command[0], error.strerror)) from error
    cost = Cost(time.monotonic() - started, max(0.0, cpu_seconds() - cpu_before))
    _reap()
    if code != 0:
        raise CommandFailed("`%s` in %s ended with %d:\n%s" % (" ".join(command), directory, code, tail(log)))
    return cost


def stop_descendants(seconds=10):
    """Ends what this process's commands left running: asks first, and after `seconds` no more."""
    deadline = time.monotonic() + seconds
    asked = set()
    while True:
        _reap()
        running = [process for process in descendants() if process.state != "Z"]
        if not running:
            return
        late = time.monotonic() > deadline
        for process in running:
            if late or process.pid not in asked:
                asked.add(process.pid)
                try:
                    os.kill(process.pid, signal.SIGKILL if late else signal.SIGTERM)
                except ProcessLookupError:
                    pass
        time.sleep(0.02)

#!/usr/bin/env python3
"""Checks the source tree against rules.py: sizes, names, layers, and what a formatter does not see.

Prints "path:line: what is wrong" and ends with 1 if anything is.
"""

import ast
import os
import pathlib
import re
import sys

import cc_source
import rules

_INCLUDE = re.compile(r'\s*#\s*include\s+["<]([^">]+)[">]')
_TYPE = re.compile(r"^\s*(?:class|struct|enum(?:\s+class)?|union)\s+(?:\[\[\w+\]\]\s+)?(\w+)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def files_of(root):
    """Relative paths of what is checked, sorted."""
    found = []
    for directory, names, files in os.walk(root):
        names[:] = [n for n in names if n not in rules.SKIPPED_DIRECTORIES and not n.startswith("bazel-")]
        for name in files:
            path = pathlib.Path(directory) / name
            if name not in rules.SKIPPED_FILES and path.suffix not in rules.SKIPPED_SUFFIXES and path.is_file():
                found.append(str(path.relative_to(root)))
    return sorted(found)


def station_of(path):
    """The entry of LAYERS that a file belongs to, or None."""
    return next((s for s in sorted(rules.LAYERS, key=len, reverse=True) if path.startswith(s + "/")), None)


def testonly_files(build_text):
    """Names of the files in those targets of a BUILD file that say testonly."""
    targets = re.findall(r"^\w+\(\n.*?^\)$", build_text, re.MULTILINE | re.DOTALL)
    texts = "\n".join(target for target in targets if "testonly = True" in target)
    return set(re.findall(r'"(\w+\.(?:cc|h))"', texts))


def is_test(path, testonly=()):
    """By its name, by its directory, or because it is in `testonly`, a set of paths."""
    stem = pathlib.PurePath(path).stem
    return path in testonly or stem.endswith(("_test", "_fuzz")) or "testing" in pathlib.PurePath(path).parts


def words_of(name):
    """The words of a snake_case, kebab-case or CamelCase name, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def check_text(path, lines):
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "space at the end of the line"
        if "\t" in line and not path.endswith(rules.WITH_TABS):
            yield number, "tab"
        if _CONTROL.search(line):
            yield number, "control character"
        for what, pattern in rules.BANNED_TEXT:
            if pattern.search(line):
                yield number, what
        if len(line) > rules.LINE_LENGTH and path.endswith(rules.CODE) and not path.startswith(rules.LONG_LINES):
            yield number, "%d characters, more than %d" % (len(line), rules.LINE_LENGTH)


def check_names(path, lines):
    for part in pathlib.PurePath(path).parts:
        for word in set(words_of(part)) & rules.BANNED_NAME_WORDS:
            yield 1, "'%s' in a file's name says nothing" % word
    for number, line in enumerate(lines, 1):
        declared = _TYPE.match(line) if path.endswith(rules.CODE) else None
        for word in set(words_of(declared.group(1))) & rules.BANNED_NAME_WORDS if declared else ():
            yield number, "'%s' in the name of %s says nothing" % (word, declared.group(1))


def guard_of(path):
    return "SMELT_" + re.sub(r"[^A-Z0-9]", "_", path.removeprefix("src/").upper()) + "_"


def check_guard(path, lines):
    directives = [line for line in lines if line.startswith("#")]
    guard = guard_of(path)
    if directives[:2] != ["#ifndef " + guard, "#define " + guard]:
        yield 1, "the header guard is to be " + guard


def _inside(header, stations):
    return any(header == s or header.startswith(s + "/") for s in stations)


def check_layer(path, header, test):
    """What is wrong with `path` including our own `header`, or None."""
    station = station_of(path)
    if station is None or test or _inside(header, (station,)):
        return None
    if header in rules.ALSO_ALLOWED.get(station, ()):
        return None
    closed = rules.ONLY_SINGLE_HEADERS.get(station, ())
    if _inside(header, rules.LAYERS[station]) and not _inside(header, closed):
        return None
    return "%s may not include %s" % (station, header)


def check_library(path, header, test):
    """What is wrong with `path` including a third party's `header`, or None."""
    for name, (pattern, allowed) in rules.THIRD_PARTY.items():
        if re.match(pattern, header) and not path.startswith(allowed):
            return "%s is for %s only" % (name, ", ".join(allowed))
    if path.startswith(rules.WITHOUT_LIBRARIES) and not test and rules.LIBRARIES.match(header):
        return "only the standard library and the system here"
    for station, pattern in rules.PURE.items():
        if path.startswith(station + "/") and not test and pattern.fullmatch(header):
            return "%s is pure: no <%s>" % (station, header)
    return None


def check_includes(path, lines, testonly=()):
    test = is_test(path, testonly)
    for number, line in enumerate(lines, 1):
        included = _INCLUDE.match(line)
        if not included or not path.startswith(("src/", "tests/")):
            continue
        header = included.group(1)
        check = check_layer if header.startswith("src/") else check_library
        wrong = check(path, header, test)
        if wrong:
            yield number, wrong


def check_build(path, lines):
    """Labels of other repositories: what Debian's has is not what Bazel's own documentation says."""
    for number, line in enumerate(lines, 1):
        if re.search(r'"@\w*//', line.partition("#")[0]) and not path.startswith("third_party/"):
            yield number, "another repository's target is named in third_party only"


def cc_functions(lines):
    return cc_source.functions("\n".join(lines))


def py_functions(lines):
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, lines[node.lineno - 1].strip(), node.end_lineno - node.lineno + 1


def check_sizes(path, lines):
    if not path.endswith(rules.CODE):
        return
    limit = rules.LONGER.get(path, rules.LINES_IN_FILE)
    if len(lines) > limit:
        yield 1, "%d lines, more than %d" % (len(lines), limit)
    functions = cc_functions if path.endswith(rules.C_PLUS_PLUS) else py_functions if path.endswith(".py") else None
    for number, text, length in functions(lines) if functions else ():
        limit = rules.LONGER.get("%s:%s" % (path, text), rules.LINES_IN_FUNCTION)
        if length > limit:
            yield number, "a function of %d lines, more than %d" % (length, limit)


def check_file(path, text, testonly=()):
    """(line, what is wrong) for each offence in one file; `testonly` are the paths of what only tests link."""
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    yield from check_text(path, lines)
    yield from check_names(path, lines)
    yield from check_sizes(path, lines)
    if path.endswith(rules.C_PLUS_PLUS):
        yield from check_includes(path, lines, testonly)
    if path.endswith(".h"):
        yield from check_guard(path, lines)
    if path.endswith(("BUILD.bazel", ".bzl")):
        yield from check_build(path, lines)
    if text and not text.endswith("\n"):
        yield len(lines), "no newline at the end of the file"


def check_waivers(root):
    """Waivers that are not needed any more."""
    for key, allowed in rules.LONGER.items():
        path, _, function = key.partition(":")
        file = pathlib.Path(root) / path
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        functions = cc_functions(lines) if path.endswith(rules.C_PLUS_PLUS) else py_functions(lines)
        length = next((n for _, text, n in functions if text == function), 0) if function else len(lines)
        if length != allowed:
            yield "tools/tidy/rules.py", 1, "LONGER has %d for %s, which has %d lines" % (allowed, key, length)


def check_tree(root):
    paths = files_of(root)
    testonly = set()
    for build in (path for path in paths if path.endswith("BUILD.bazel")):
        names = testonly_files((pathlib.Path(root) / build).read_text(encoding="utf-8"))
        testonly.update(str(pathlib.PurePath(build).parent / name) for name in names)
    for path in paths:
        try:
            text = (pathlib.Path(root) / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            yield path, 1, "not UTF-8"
            continue
        for number, wrong in check_file(path, text, testonly):
            yield path, number, wrong
    yield from check_waivers(root)


def main(arguments):
    root = pathlib.Path(arguments[0] if arguments else ".").resolve()
    offences = list(check_tree(root))
    for path, number, wrong in offences:
        print("%s:%d: %s" % (path, number, wrong))
    print("%d offences" % len(offences))
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

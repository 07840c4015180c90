"""Runs the commands that the documents show."""

import re
import shutil
import subprocess
import unittest

import documents
import scratch

# Commands that install packages, need Bazel or take long: checked, not run.
CHECKED_ONLY = re.compile(r"(tools/|bazel )")


def label_exists(label):
    """//a/b:c, //a/b:all or //a/b/..."""
    package, _, name = label.removeprefix("//").partition(":")
    if package.endswith("..."):
        return (documents.ROOT / package[:-3]).is_dir()
    build = documents.ROOT / package / "BUILD.bazel"
    return build.is_file() and (name == "all" or '"%s"' % name in build.read_text(encoding="utf-8"))


def check_tool(case, words):
    """tools/x OPTIONS: is there, and its help names the options."""
    tool = documents.ROOT / words[0]
    case.assertTrue(tool.is_file(), words[0])
    shown = subprocess.run([str(tool), "--help"], capture_output=True, text=True, timeout=300, check=False)
    text = shown.stdout + shown.stderr
    case.assertTrue(shown.returncode == 0 or text.startswith("usage:"), text)
    for option in (word.partition("=")[0] for word in words[1:] if word.startswith("--")):
        case.assertIn(option, text, "%s --help" % words[0])


def check_bazel(case, words):
    """The labels exist. Returns what comes after --: arguments of smelt if //tools:wrapper is run."""
    own, _, rest = " ".join(words).partition(" -- ")
    labels = re.findall(r"//\S+", own)
    case.assertTrue(labels, own)
    for label in labels:
        case.assertTrue(label_exists(label), label)
    return rest if "//tools:wrapper" in labels else ""


def expectation(text):
    """A regular expression for what a command may print."""
    lines = []
    for line in text.splitlines():
        lines.append(r"(?:.*\n)*?" if line == "..." else ".*?".join(map(re.escape, line.split("..."))) + r"[ ]*\n")
    return re.compile("".join(lines) + r"\Z")


def sessions(block):
    """(command, what it must print) of a console block."""
    found = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return [(command, "\n".join(lines)) for command, lines in found]


class Commands(unittest.TestCase):
    def runnable(self, block):
        """The script of a block, with what is checked only taken out and `bazel run //tools:wrapper` made smelt."""
        lines = []
        for line in block.text.splitlines():
            if not CHECKED_ONLY.match(line):
                lines.append(line)
                continue
            words = scratch.words_of(line)
            if words[0] != "bazel":
                check_tool(self, words)
            elif arguments := check_bazel(self, words):
                lines.append("smelt " + arguments)
        return "\n".join(lines)

    def test_shell(self):
        blocks = documents.all_blocks("sh")
        self.assertGreater(len(blocks), 10)
        for block in blocks:
            with self.subTest("%s:%d" % (block.document, block.line)), scratch.Scratch() as place:
                script = self.runnable(block)
                ran = place.shell(script)
                self.assertEqual(ran.returncode, 0, "%s\n%s" % (script, ran.stdout))
                if "cargo build" in script and not re.search("SMELT_DISABLE|smelt stop", script):
                    self.assertGreater(place.compile_requests(), 0, "cargo did not call smelt")

    def test_sessions(self):
        blocks = documents.all_blocks("console")
        self.assertTrue(blocks)
        for block in blocks:
            with self.subTest("%s:%d" % (block.document, block.line)), scratch.Scratch() as place:
                if "smelt cargo build" not in block.text:
                    self.assertEqual(place.shell("smelt cargo build").returncode, 0)
                for command, expected in sessions(block):
                    ran = place.shell(command)
                    self.assertRegex(ran.stdout, expectation(expected), command)

    def test_spans(self):
        """`smelt x --y` and `tools/x --y` within sentences."""
        with scratch.Scratch() as place:
            for path in documents.documents():
                for span in documents.code_spans(path):
                    with self.subTest("%s: %s" % (documents.name_of(path), span)):
                        self.check_span(place, span)

    def check_span(self, place, span):
        words = span.split()
        if re.fullmatch(r"tools/\w+", words[0]) and (documents.ROOT / words[0]).is_file():
            check_tool(self, words)
        if words[0] == "bazel":
            check_bazel(self, words)
        if words[0] != "smelt" or len(words) == 1 or not re.fullmatch(r"[a-z]+;?", words[1]):
            return
        if words[1] == "rustc":
            return
        shown = place.run(["smelt", "help", words[1].rstrip(";")])
        self.assertEqual(shown.returncode, 0, shown.stdout)
        for option in (word for word in words[2:] if word.startswith("--")):
            self.assertIn(option, shown.stdout)

    def test_counters(self):
        with scratch.Scratch() as place:
            shown = place.shell("smelt stats --json")
            names = re.findall(r'^  "(\w+)":', shown.stdout, re.MULTILINE)
        documented = documents.first_cells(documents.ROOT / "docs/stats.md", "Counters")
        self.assertEqual(sorted(names), sorted(documented))


@unittest.skipUnless(shutil.which("gdb") and shutil.which("git"), "gdb and git are not both installed")
class Debuggers(unittest.TestCase):
    def build(self, place):
        """app, with a dependency from a git repository, which cargo puts into its home."""
        dependency = place.root / "dep"
        place.write("../dep/Cargo.toml", '[package]\nname = "dep"\nversion = "0.1.0"\nedition = "2021"\n')
        place.write("../dep/src/lib.rs", "pub fn answer(n: i32) -> i32 {\n    n + 41\n}\n")
        identity = "-c user.name=t -c user.email=t@example.org"
        commit = "cd ../dep && git init -q && git add . && git %s commit -q -m dep" % identity
        self.assertEqual(place.shell(commit).returncode, 0)
        with (place.project / "Cargo.toml").open("a") as manifest:
            manifest.write('[dependencies]\ndep = { git = "file://%s" }\n' % dependency)
        place.write("src/main.rs", 'fn main() {\n    println!("{}", dep::answer(1));\n}\n')
        built = place.run(["smelt", "cargo", "build"], CARGO_NET_OFFLINE="false")
        self.assertEqual(built.returncode, 0, built.stdout)
        shutil.rmtree(dependency)

    def test_sources_are_found(self):
        block, = documents.all_blocks("gdb")
        with scratch.Scratch() as place:
            self.build(place)
            (place.root / "settings.gdb").write_text(block.text)
            gdb = "gdb -nx -batch -x %s/settings.gdb -ex 'list %s' target/debug/app"
            self.assertIn("dep::answer(1)", place.shell(gdb % (place.root, "app::main")).stdout)
            self.assertIn("n + 41", place.shell(gdb % (place.root, "dep::answer")).stdout)
            without = place.shell("gdb -nx -batch -ex 'list dep::answer' target/debug/app").stdout
            self.assertNotIn("n + 41", without, "the settings are not needed")


if __name__ == "__main__":
    unittest.main()
